#pragma once

// For tests: an emitted handle table with its base module, in the interpreter.

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/emit/package.h"
#include "engine/run/core_store.h"
#include "engine/wasm/module_writer.h"

namespace meld_verify::run {

/// What a call of emitted code came to.
struct Emitted {
  std::uint32_t value = 0;                          ///< the result, if there is one
  emit::TrapReason trap = emit::TrapReason::kNone;  ///< why it trapped
  bool trapped = false;                             ///< with a reason or without
  bool operator==(const Emitted&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Emitted& what) {
  return what.trapped ? out << "trap " << to_string(what.trap) : out << what.value;
}

/// Core modules in a store, whose imports are found by what they stand for.
class EmittedModules {
 public:
  /// Instantiates the package; what it exports is then known.
  CoreStore::InstanceId add(const emit::Package& package) {
    const auto loaded = store.load(package.bytes.data(), package.bytes.size());
    if (const auto* why = std::get_if<CoreTrap>(&loaded)) {
      throw std::runtime_error(why->message);
    }
    std::vector<CoreExtern> imports;
    for (const emit::Symbol& symbol : package.imports) {
      imports.push_back(known.at(symbol));
    }
    const auto made = store.instantiate(std::get<CoreStore::ModuleId>(loaded), imports);
    if (const auto* why = std::get_if<CoreTrap>(&made)) {
      throw std::runtime_error(why->message);
    }
    const auto instance = std::get<CoreStore::InstanceId>(made);
    for (const auto& [symbol, name] : package.exports) {
      known.insert_or_assign(symbol, *store.find(instance, name));
    }
    return instance;
  }

  Emitted call(const emit::Symbol& function, std::initializer_list<std::uint32_t> arguments) {
    CoreStore::Values values;
    for (const std::uint32_t argument : arguments) {
      values.push_back({CoreType::kI32, argument});
    }
    const auto outcome = store.call(known.at(function), values);
    if (std::holds_alternative<CoreTrap>(outcome)) {
      static const emit::Symbol kTrap = emit::BaseItem::kTrap;  // (GCC warns of a temporary one.)
      return {.value = 0, .trap = static_cast<emit::TrapReason>(number(kTrap)), .trapped = true};
    }
    const auto& results = std::get<CoreStore::Values>(outcome);
    return {.value = results.empty() ? 0 : static_cast<std::uint32_t>(results[0].bits),
            .trap = {},
            .trapped = false};
  }

  std::uint32_t number(const emit::Symbol& global) {
    return static_cast<std::uint32_t>(store.value(known.at(global)).bits);
  }

  /// A memory of a guest's, which can grow to `max` pages.
  void add_memory(const emit::GuestItem& symbol, std::uint64_t min, std::optional<std::uint64_t> max) {
    wasm::ModuleWriter writer;
    writer.export_item("memory", wasm::ExternKind::kMemory, writer.memory({.min = min, .max = max}));
    add({.bytes = writer.write(), .imports = {}, .exports = {{symbol, "memory"}}});
  }

  CoreStore store;
  std::map<emit::Symbol, CoreExtern> known;
};

/// One table; slots 1 and 2 of the destructor table hold functions that note their rep.
class EmittedTable : public EmittedModules {
 public:
  static constexpr std::uint32_t kDestructors = 2;

  explicit EmittedTable(emit::HandleTable options, const std::function<void(emit::Package&)>& change = {})
      : table(std::move(options)) {
    emit::Router router;
    router.destructors.resize(kDestructors + 1);
    for (std::uint32_t i = 0; i < kDestructors; ++i) {  // the last has none
      router.destructors[i].function = emit::RouterFunction{i};
    }
    add(emit::package_base(router, 2));
    wire();
    if (table.memory) {
      add_memory(*table.memory, 1, guest_pages);
    }
    emit::Package package = emit::package_table(table);
    if (change) {
      change(package);
    }
    add(package);
  }

  Emitted make(std::uint32_t tag, std::uint32_t rep) { return run(emit::TableFunction::kNew, {tag, rep}); }
  Emitted borrow(std::uint32_t tag, std::uint32_t rep) {
    return run(emit::TableFunction::kBorrow, {tag, rep});
  }
  Emitted rep(std::uint32_t tag, std::uint32_t index) { return run(emit::TableFunction::kRep, {tag, index}); }
  Emitted take(std::uint32_t tag, std::uint32_t index) {
    return run(emit::TableFunction::kTake, {tag, index});
  }
  Emitted lend(std::uint32_t tag, std::uint32_t index) {
    return run(emit::TableFunction::kLend, {tag, index});
  }
  Emitted unlend(std::uint32_t index) { return run(emit::TableFunction::kUnlend, {index}); }
  Emitted drop(std::uint32_t tag, std::uint32_t index, std::uint32_t slot) {
    return run(emit::TableFunction::kDrop, {tag, index, slot});
  }
  Emitted run(emit::TableFunction function, std::initializer_list<std::uint32_t> arguments) {
    return call(emit::TablePart{table.table, function}, arguments);
  }
  std::uint32_t borrows() { return number(emit::Borrows{table.table}); }

  static constexpr std::uint64_t guest_pages = 40;
  emit::HandleTable table;
  /// Slot and rep of each destructor that ran.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> destroyed;
  /// What a destructor does besides.
  std::function<void(std::uint32_t)> in_destructor;

 private:
  void wire() {
    wasm::ModuleWriter writer;
    std::vector<CoreExtern> imports;
    std::array<std::uint32_t, kDestructors> functions{};
    for (std::uint32_t i = 0; i < kDestructors; ++i) {
      functions[i] = writer.import_function("test", std::to_string(i), {{wasm::ValueType::kI32}, {}});
      imports.push_back(store.host_function({{CoreType::kI32}, {}}, [this, i](const auto& arguments, auto&) {
        destroyed.emplace_back(i + 1, static_cast<std::uint32_t>(arguments[0].bits));
        if (in_destructor) {
          in_destructor(static_cast<std::uint32_t>(arguments[0].bits));
        }
        return std::unique_ptr<CoreTrap>();
      }));
    }
    writer.element(writer.import_table("base", "destructors", {}), 1, functions);
    imports.push_back(known.at(emit::BaseItem::kDestructors));
    const auto bytes = writer.write();
    const auto loaded = store.load(bytes.data(), bytes.size());
    if (!std::holds_alternative<CoreStore::InstanceId>(store.instantiate(std::get<0>(loaded), imports))) {
      throw std::runtime_error("the destructors cannot be wired");
    }
  }
};

/// A table as the required plan has it.
inline emit::HandleTable right_table() {
  emit::HandleTable table;
  table.table = routing::TableId(1u);
  table.name = "test";
  return table;
}

/// One that lies in a guest's memory.
inline emit::HandleTable table_in_guest_memory() {
  emit::HandleTable table = right_table();
  table.storage = routing::Storage::kGuestMemory;
  table.memory = emit::GuestItem{
      {component::CoreSort::kMemory, std::pair{component::CoreInstanceId(0u), std::string("memory")}}};
  return table;
}

}  // namespace meld_verify::run
