#pragma once

#include "engine/component/budget.h"
#include "engine/component/syntax.h"
#include "engine/wasm/reader.h"

namespace meld_verify::component {

/// Reads the type grammar. Failures stay in the reader.
class TypeParser {
 public:
  explicit TypeParser(Budget& budget) : budget_(budget) {}

  syntax::TypeDecl type(wasm::Reader& in, unsigned depth);
  syntax::Extern extern_type(wasm::Reader& in);
  syntax::Alias alias(wasm::Reader& in);
  syntax::Sort sort(wasm::Reader& in);
  syntax::Sort core_sort(wasm::Reader& in);
  /// An import's or export's name; its attributes are passed over.
  /// `attributes`, if given, is set to those of the name, as written.
  std::string_view extern_name(wasm::Reader& in, std::string_view* attributes = nullptr);
  /// Passes over a core type definition, which may be a group of types: the number of types.
  std::uint32_t core_type(wasm::Reader& in, unsigned depth);
  syntax::ValType val_type(wasm::Reader& in);
  std::optional<syntax::ValType> result_list(wasm::Reader& in);
  /// Counts one more thing of the file, at its cost.
  void spend(wasm::Reader& in, std::uint64_t cost);

 private:
  std::vector<syntax::LabelType> labelled(wasm::Reader& in, const char* what);
  std::optional<syntax::ValType> optional_type(wasm::Reader& in);
  syntax::DefType def_type(wasm::Reader& in, std::uint8_t opcode, wasm::ByteOffset at);
  std::shared_ptr<const syntax::ScopeType> scope_type(wasm::Reader& in, bool component, unsigned depth);
  void core_value_type(wasm::Reader& in);
  void core_extern_type(wasm::Reader& in);
  void core_field_type(wasm::Reader& in);
  void core_sub_type(wasm::Reader& in);
  void core_module_type(wasm::Reader& in, unsigned depth);

  Budget& budget_;
};

}  // namespace meld_verify::component
