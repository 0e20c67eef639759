#pragma once

// A core module under construction.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/module.h"
#include "engine/wasm/writer.h"

namespace meld_verify::wasm {

/// Collects what a core module consists of, and writes it. Functions, tables, memories and globals each have
/// an index space with imports first: in each, all imports must be added before the first definition. All
/// numbers that are handed in must be ones that this object gave out. Types may not hold `ValueType::kOther`.
class ModuleWriter {
 public:
  /// `name`: of the module, in the name section; empty for none.
  explicit ModuleWriter(std::string name = {}) : name_(std::move(name)) {}

  /// The index of a function type; equal ones have one.
  std::uint32_t type(const FuncType& type);

  std::uint32_t import_function(std::string_view module, std::string_view field, const FuncType& type);
  std::uint32_t import_table(std::string_view module, std::string_view field, const TableType& type);
  std::uint32_t import_memory(std::string_view module, std::string_view field, const Limits& limits);
  std::uint32_t import_global(std::string_view module, std::string_view field, const GlobalType& type);

  /// A function whose body is still to be set. `name`: in the name section; empty for none.
  std::uint32_t function(std::string name, const FuncType& type);
  /// Types of the locals without parameters, and the instructions with the `end` that closes them.
  void set_body(std::uint32_t function, std::span<const ValueType> locals,
                std::span<const std::uint8_t> instructions);
  /// The name of a function in the name section; of an imported one, for instance.
  void name_function(std::uint32_t function, std::string name);

  std::uint32_t table(const TableType& type);
  std::uint32_t memory(const Limits& limits);
  /// `bits`: the constant that it starts with (an i32 or f32 has the upper half zero); of a number type.
  std::uint32_t global(const GlobalType& type, std::uint64_t bits, std::string name = {});

  void export_item(std::string_view name, ExternKind kind, std::uint32_t index);
  /// An active segment: `functions` go into the table from `offset` on.
  void element(std::uint32_t table, std::uint32_t offset, std::span<const std::uint32_t> functions);

  /// The module. A function without a body is a mistake of the caller's (std::logic_error).
  [[nodiscard]] std::vector<std::uint8_t> write() const;

 private:
  /// One vector section: how many items, and their bytes.
  struct Items {
    std::uint32_t count = 0;
    Writer bytes;
  };
  Writer& import(std::string_view module, std::string_view field, ExternKind kind);
  static void write_items(Writer& to, std::uint8_t id, const Items& items);
  [[nodiscard]] std::vector<std::uint8_t> names() const;

  std::string name_;
  std::map<std::string, std::uint32_t> type_by_bytes_;
  Items types_, imports_, functions_, tables_, memories_, globals_, exports_, elements_;
  std::uint32_t imported_functions_ = 0, imported_tables_ = 0, imported_memories_ = 0, imported_globals_ = 0;
  std::vector<std::vector<std::uint8_t>> bodies_;
  std::map<std::uint32_t, std::string> function_names_;
  std::map<std::uint32_t, std::string> global_names_;
};

}  // namespace meld_verify::wasm
