#pragma once

// A core module in full but for its instructions: types, imports, definitions, segments, and where each
// function body lies. Instructions are read by engine/wasm/instruction.h.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/diagnostic.h"
#include "engine/wasm/module_index.h"

namespace meld_verify::wasm {

/// Value types in the binary format's numbering. `kOther`: any other (typed and collected references).
enum class ValueType : std::uint8_t {
  kI32 = 0x7f,
  kI64 = 0x7e,
  kF32 = 0x7d,
  kF64 = 0x7c,
  kV128 = 0x7b,
  kFuncRef = 0x70,
  kExternRef = 0x6f,
  kOther = 0x00,
};

struct FuncType {
  std::vector<ValueType> params;
  std::vector<ValueType> results;
  bool operator==(const FuncType&) const = default;
};

struct Limits {
  std::uint64_t min = 0;  ///< pages of 64 KiB, or entries
  std::optional<std::uint64_t> max;
  bool is_64 = false;
  bool shared = false;
  bool operator==(const Limits&) const = default;
};

struct TableType {
  ValueType element = ValueType::kFuncRef;
  Limits limits;
};

struct GlobalType {
  ValueType type = ValueType::kI32;
  bool is_mutable = false;
  bool operator==(const GlobalType&) const = default;
};

/// A constant expression. What is longer than one instruction, or of a type that is not read, is `kOther`.
struct ConstExpr {
  enum class Kind : std::uint8_t { kConst, kGlobal, kFunc, kNull, kOther };
  Kind kind = Kind::kOther;
  std::uint64_t bits = 0;   ///< kConst: an i32 or f32 has the upper half zero
  std::uint32_t index = 0;  ///< kGlobal, kFunc
  Extent extent;            ///< instructions, the `end` included
};

struct Import {
  std::string module;
  std::string name;
  ExternKind kind = ExternKind::kFunc;
  std::uint32_t type = 0;  ///< of a function (or tag): index into `Module::types`
  TableType table;
  Limits memory;
  GlobalType global;
};

struct Global {
  GlobalType type;
  std::optional<ConstExpr> init;  ///< none: imported
};

struct ElementSegment {
  enum class Mode : std::uint8_t { kActive, kPassive, kDeclarative };
  Mode mode = Mode::kActive;
  std::uint32_t table = 0;
  ConstExpr offset;  ///< kActive only
  /// Functions; nothing for null. Empty when `opaque`.
  std::vector<std::optional<std::uint32_t>> functions;
  bool opaque = false;  ///< has items that are neither a function nor null
};

struct DataSegment {
  bool active = true;
  std::uint32_t memory = 0;
  ConstExpr offset;  ///< active only
  Extent bytes;
};

/// Where bytes outside of function bodies name a function: exports, start, elements, constant expressions.
struct FunctionReference {
  std::uint32_t function = 0;
  Extent at;  ///< its LEB128
};

/// A function that the module defines.
struct Function {
  std::uint32_t type = 0;  ///< index into `Module::types`
  Extent body;             ///< as in the code section, after its size: locals, instructions
  Extent code;             ///< its instructions, the final `end` included
  /// Declared locals: how many of which type. Parameters come before them.
  std::vector<std::pair<std::uint32_t, ValueType>> locals;
};

/// Index spaces hold imports first. Every index in here is in range.
struct Module {
  std::vector<FuncType> types;  ///< a type that is no function type is there as an empty one
  std::vector<Import> imports;
  std::vector<std::uint32_t> function_types;  ///< of all functions, imports first: index into `types`
  std::uint32_t imported_functions = 0;
  std::vector<Function> functions;  ///< defined ones
  std::vector<TableType> tables;    ///< all, imports first; so below
  std::uint32_t imported_tables = 0;
  std::vector<Limits> memories;
  std::uint32_t imported_memories = 0;
  std::vector<Global> globals;
  std::uint32_t imported_globals = 0;
  std::vector<std::uint32_t> tags;  ///< index into `types`
  std::uint32_t imported_tags = 0;
  std::vector<CoreExport> exports;
  std::optional<std::uint32_t> start;
  std::vector<ElementSegment> elements;
  std::vector<DataSegment> data;
  std::vector<FunctionReference> references;  ///< in the order of the bytes
  std::vector<Section> sections;

  [[nodiscard]] const FuncType& type_of(std::uint32_t function) const {
    return types[function_types[function]];
  }
  /// The definition of a function that is not imported.
  [[nodiscard]] const Function& defined(std::uint32_t function) const {
    return functions[function - imported_functions];
  }
};

/// Decodes the core module in `bytes`, which starts at offset `base` of `file`. All counts, lengths and
/// indices outside of function bodies are checked, and that sections come once and in their order; bodies are
/// not read beyond their locals. Memory is linear in the size of `bytes`. Errors: malformed bytes, an index
/// out of range (`kBadInput`); more than `kMostEntries` entries, or more than 50,000 locals in a function,
/// ("too-large", `kUnsupported`).
[[nodiscard]] Expected<Module> decode_module(std::span<const std::uint8_t> bytes, ByteOffset base,
                                             std::string_view file);

}  // namespace meld_verify::wasm
