#pragma once

// Functions of emitted code put into one core module, which imports whatever else they speak of.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/emit/package.h"
#include "engine/wasm/module_writer.h"

namespace meld_verify::emit {

/// Makes one module. First `add` all functions and `define_…` what the module has of its own, then `finish`.
class ModulePacker {
 public:
  explicit ModulePacker(std::string name) : writer_(std::move(name)) {}

  /// A function that the module defines, and exports under its name as what others call `symbol`. `function`
  /// must outlive this object.
  void add(const Function& function, const Symbol& symbol);
  /// One that only the module itself knows.
  void add(const Function& function);
  /// A memory (of `number` pages at least), a table (of `number` functions) or a mutable i32 global (that
  /// starts with `number`) that the module defines.
  void define(const Symbol& symbol, std::uint32_t number);
  /// The same, exported as what others call `exported`.
  void define(const Symbol& symbol, std::uint32_t number, const Symbol& exported);
  /// A symbol of the code that stands for another where the module looks for its import.
  void alias(const Symbol& of_code, const Symbol& imported);
  /// Slot `slot` of a table that the module defines holds the function that was added as number `function`.
  void fill(const Symbol& table, std::uint32_t slot, std::size_t function);

  [[nodiscard]] Package finish();

 private:
  struct Added {
    const Function* function;
    std::optional<Symbol> symbol;
  };
  struct Definition {
    Symbol symbol;
    std::uint32_t number;
    std::optional<Symbol> exported;
  };
  struct Filled {
    Symbol table;
    std::uint32_t slot;
    std::size_t function;
  };
  void import(const Symbol& symbol, const wasm::FuncType* signature);
  void import_what_is_used();
  [[nodiscard]] const Symbol& meant(const Symbol& symbol) const;
  void export_as(const Symbol& symbol, std::string name, wasm::ExternKind kind, std::uint32_t index);

  wasm::ModuleWriter writer_;
  std::vector<Added> added_;
  std::vector<Definition> definitions_;
  std::vector<Filled> filled_;
  std::map<Symbol, Symbol> aliases_;
  std::map<Symbol, std::uint32_t> indices_;
  std::set<std::string> export_names_;
  Package package_;
};

}  // namespace meld_verify::emit
