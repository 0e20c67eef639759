#pragma once

// Functions of emitted code put into one core module, which imports whatever else they speak of.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/emit/package.h"
#include "engine/wasm/module_writer.h"

namespace meld_verify::emit {

/// Makes one module. First `add` all functions and `define_…` what the module has of its own, then `finish`.
class ModulePacker {
 public:
  explicit ModulePacker(std::string name) : writer_(std::move(name)) {}

  /// A function that the module defines; `symbol`: what others call it by, if they do. `function` must
  /// outlive this object.
  void add(const Function& function, std::optional<Symbol> symbol, bool exported = true);
  /// What the module defines of its own: a memory, a table, a mutable i32 global.
  void define_memory(const Symbol& symbol, std::uint64_t min_pages, std::string export_name = {});
  void define_table(const Symbol& symbol, std::uint32_t size, std::string export_name = {});
  void define_global(const Symbol& symbol, std::uint32_t start, std::string export_name = {});
  /// A symbol of the code that stands for another where the module looks for its import.
  void alias(const Symbol& of_code, const Symbol& imported) { aliases_.insert_or_assign(of_code, imported); }
  /// Slots `first` and on of a defined table hold function `index` of those added, each.
  void fill(const Symbol& table, std::uint32_t slot, std::size_t function);

  [[nodiscard]] Package finish();

 private:
  struct Added {
    const Function* function;
    std::optional<Symbol> symbol;
    bool exported;
  };
  struct Definition {
    Symbol symbol;
    std::uint64_t number;
    std::string export_name;
  };
  struct Filled {
    Symbol table;
    std::uint32_t slot;
    std::size_t function;
  };
  void import(const Symbol& symbol, const wasm::FuncType* signature);
  void import_what_is_used();
  [[nodiscard]] const Symbol& meant(const Symbol& symbol) const;
  void export_as(const std::optional<Symbol>& symbol, std::string name, wasm::ExternKind kind,
                 std::uint32_t index);

  wasm::ModuleWriter writer_;
  std::vector<Added> added_;
  std::vector<Definition> definitions_;
  std::vector<Filled> filled_;
  std::map<Symbol, Symbol> aliases_;
  std::map<Symbol, std::uint32_t> indices_;
  std::map<std::string, std::uint32_t> export_names_;
  Package package_;
};

}  // namespace meld_verify::emit
