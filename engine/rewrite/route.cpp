#include "engine/rewrite/route.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "engine/component/world_text.h"
#include "engine/emit/package.h"
#include "engine/rewrite/component_writer.h"
#include "engine/rewrite/world_writer.h"
#include "engine/routing/plan.h"
#include "engine/topology/topology.h"
#include "engine/wasm/module_index.h"
#include "engine/wasm/module_writer.h"
#include "engine/wasm/printable.h"

namespace meld_verify::rewrite {

using component::CanonId;
using component::Composition;
using component::CoreInstanceId;
using component::CoreItem;
using component::EventKind;
using component::ResourceId;
using emit::BaseItem;
using emit::CanonicalCall;
using emit::GuestItem;
using emit::Package;
using emit::RouterFunction;
using emit::Symbol;

namespace {

/// Memories of one module of the router, well below what run times take (100).
constexpr std::size_t kMostMemories = 60;
/// What run times take in a file (wasmparser's limits): modules and components, and core instances.
constexpr std::uint32_t kMostModules = 1'000;
constexpr std::uint32_t kMostInstances = 4'096;

Sort sort_of(wasm::ExternKind kind) {
  switch (kind) {
    case wasm::ExternKind::kFunc:
      return Sort::kCoreFunc;
    case wasm::ExternKind::kTable:
      return Sort::kCoreTable;
    case wasm::ExternKind::kMemory:
      return Sort::kCoreMemory;
    case wasm::ExternKind::kGlobal:
      return Sort::kCoreGlobal;
    case wasm::ExternKind::kTag:
      return Sort::kCoreTag;
  }
  return Sort::kCoreFunc;
}

class Flattener {
 public:
  Flattener(const component::Decoded& decoded, const emit::Router& router,
            std::span<const std::uint8_t> bytes)
      : composition_(decoded.composition),
        router_(router),
        bytes_(bytes),
        world_(decoded.world, out_),
        modules_(composition_.modules.size()),
        core_instances_(composition_.core_instances.size()) {
    for (std::size_t i = 0; i < router.tables.size(); ++i) {
      table_numbers_.emplace(router.tables[i].table, i);
    }
    for (std::size_t i = 0; i < router.destructors.size(); ++i) {
      if (router.destructors[i].function) {
        slots_[router.destructors[i].resource].push_back(static_cast<std::uint32_t>(i + 1));
      }
    }
    for (const emit::OuterResource& outer : router.resources) {
      outer_.emplace(outer.resource, outer.destructor);
    }
  }

  std::vector<FlatInstance> take_instances() { return std::move(flat_instances_); }

  wasm::Expected<std::vector<std::uint8_t>> run() {
    world_.imports();
    make_base();
    for (const component::Event& event : composition_.events) {
      keep_limits();
      if (failed()) {
        break;
      }
      switch (event.kind) {
        case EventKind::kInstance:
          break;
        case EventKind::kCoreInstance:
          instantiate(CoreInstanceId{event.id});
          break;
        case EventKind::kResource:
          resource(ResourceId{event.id});
          break;
        case EventKind::kCanon:
          if (const auto& function = router_.by_canon[event.id]) {
            pending_.push_back(function->index);
          }
          break;
      }
    }
    flush();
    wire();
    if (!failed()) {
      world_.exports([&](const component::WorldFunc& func, std::uint32_t type) { return lift(func, type); });
    }
    if (world_.failure()) {
      return tl::unexpected(*world_.failure());
    }
    keep_limits();
    if (failure_) {
      return tl::unexpected(std::move(*failure_));
    }
    return out_.finish();
  }

 private:
  struct Place {
    std::uint32_t instance;
    std::string name;
  };

  [[nodiscard]] bool failed() const { return failure_ || world_.failure(); }

  void fail(std::string code, const std::string& sentence) {
    if (!failure_) {
      wasm::Diagnostic& why = failure_.emplace();
      why.kind = wasm::DiagnosticKind::kUnsupported;
      why.code = std::move(code);
      why.sentence = "instance root: " + sentence;
    }
  }

  void keep_limits() {
    const std::uint32_t modules = out_.count(Sort::kCoreModule) + out_.count(Sort::kComponent);
    const std::uint32_t instances = out_.count(Sort::kCoreInstance);
    if (modules > kMostModules || instances > kMostInstances) {
      fail("too-large", fmt::format("the flat component would have more than {} core modules or {} core "
                                    "instances, which is what run times take",
                                    kMostModules, kMostInstances));
    }
  }

  // --- what the router brings along

  void make_base() {
    const Package base =
        emit::package_base(router_, static_cast<std::uint32_t>(composition_.instances.size()));
    const std::uint32_t instance =
        instantiate(base, out_.core_module(base.bytes, "router base"), "router base");
    place(base, instance);
  }

  /// Instantiates a table's module, which all tables with the same options share.
  void make_table(routing::TableId id) {
    const auto place_in_router = table_numbers_.find(id);
    if (place_in_router == table_numbers_.end()) {
      return fail("unknown-table", "the router speaks of a table that it does not have");
    }
    const emit::HandleTable& table = router_.tables[place_in_router->second];
    if (table.storage != routing::Storage::kPrivate) {
      return fail("table-storage", fmt::format("table {} lies in a guest's memory", table.name));
    }
    const auto [known, fresh] = table_modules_.try_emplace(
        TableOptions(table.checks, table.reuse, table.overflow, table.capacity), TableModule{});
    TableModule& made = known->second;
    if (fresh) {
      made.package = emit::package_table(table);
      made.module = out_.core_module(made.package.bytes, "handle table");
    }
    const std::uint32_t instance = instantiate(made.package, made.module, "table " + table.name);
    auto& exports = flat_instances_.back().exports;
    for (auto& [symbol, name] : exports) {
      if (auto* part = std::get_if<emit::TablePart>(&symbol)) {
        part->table = id;
      } else if (auto* borrows = std::get_if<emit::Borrows>(&symbol)) {
        borrows->table = id;
      }
      places_.insert_or_assign(symbol, Place{instance, name});
    }
  }

  void place(const Package& package, std::uint32_t instance) {
    for (const auto& [symbol, name] : package.exports) {
      places_.insert_or_assign(symbol, Place{instance, name});
    }
  }

  std::uint32_t instantiate(const Package& package, std::uint32_t module, const std::string& name) {
    Arguments arguments;
    for (const Symbol& symbol : package.imports) {
      const emit::SymbolName label = emit::name_of(symbol);
      arguments.add(label.module, label.field, symbol);
    }
    const std::uint32_t made = instantiate(arguments, module, name);
    flat_instances_.back().exports = package.exports;
    return made;
  }

  /// What a core module is instantiated with, by the names of its imports.
  class Arguments {
   public:
    using Items = std::vector<std::pair<std::string, Symbol>>;
    void add(const std::string& module, const std::string& field, const Symbol& symbol) {
      const auto [place, fresh] = numbers_.try_emplace(module, bags_.size());
      if (fresh) {
        bags_.emplace_back(module, Items{});
      }
      if (fields_.emplace(module, field).second) {
        bags_[place->second].second.emplace_back(field, symbol);
      }
    }
    [[nodiscard]] const auto& bags() const { return bags_; }

   private:
    std::vector<std::pair<std::string, Items>> bags_;
    std::map<std::string, std::size_t> numbers_;
    std::set<std::pair<std::string, std::string>> fields_;
  };

  std::uint32_t instantiate(const Arguments& arguments, std::uint32_t module, const std::string& name) {
    std::vector<std::pair<std::string, std::uint32_t>> instances;
    for (const auto& [label, items] : arguments.bags()) {
      std::optional<std::uint32_t> whole = instance_of(items);
      if (!whole) {
        std::vector<std::pair<std::string, Item>> bag;
        for (const auto& [field, symbol] : items) {
          bag.emplace_back(field, resolve(symbol));
        }
        whole = out_.core_bag(bag);
      }
      instances.emplace_back(label, *whole);
    }
    flat_instances_.emplace_back();
    return out_.core_instantiate(module, instances, name);
  }

  /// The one instance that has all these items under these very names.
  std::optional<std::uint32_t> instance_of(const Arguments::Items& items) {
    std::optional<std::uint32_t> instance;
    for (const auto& [field, symbol] : items) {
      const std::optional<Place> place = place_of(symbol);
      if (!place || place->name != field || (instance && *instance != place->instance)) {
        return std::nullopt;
      }
      instance = place->instance;
    }
    return instance;
  }

  /// Writes these functions, and those that they call, as one module.
  void emit_functions(const std::vector<std::uint32_t>& wanted) {
    std::vector<std::uint32_t> group;
    std::set<Symbol> memories;
    for (const std::uint32_t function : wanted) {
      add_to_group(function, group, memories);
      if (memories.size() >= kMostMemories) {
        emit_group(group);
        group.clear();
        memories.clear();
      }
    }
    emit_group(group);
  }

  void add_to_group(std::uint32_t first, std::vector<std::uint32_t>& group, std::set<Symbol>& memories) {
    std::vector<std::uint32_t> open{first};
    while (!open.empty()) {
      const std::uint32_t function = open.back();
      open.pop_back();
      if (!written_.insert(function).second) {
        continue;
      }
      group.push_back(function);
      for (const emit::Step& step : router_.functions[function].code.steps()) {
        for (const auto& symbol : {step.symbol, step.source}) {
          if (!symbol) {
            continue;
          }
          if (const auto* other = std::get_if<RouterFunction>(&*symbol)) {
            open.push_back(other->index);
          } else if (emit::kind_of(*symbol) == wasm::ExternKind::kMemory) {
            memories.insert(*symbol);
          }
        }
      }
    }
  }

  void emit_group(const std::vector<std::uint32_t>& group) {
    if (group.empty() || failed()) {
      return;
    }
    const Package package = emit::package_functions(router_, group);
    const std::uint32_t module = out_.core_module(package.bytes, fmt::format("router {}", groups_));
    place(package, instantiate(package, module, fmt::format("router {}", groups_)));
    ++groups_;
  }

  void flush() {
    const std::vector<std::uint32_t> wanted = std::exchange(pending_, {});
    if (!wanted.empty()) {
      emit_functions(wanted);
    }
  }

  // --- symbols

  Item resolve(const Symbol& symbol) {
    const Sort sort = sort_of(emit::kind_of(symbol));
    if (const auto place = known_.find(symbol); place != known_.end()) {
      return place->second;
    }
    if (failed()) {
      return {sort, 0};
    }
    const Item made{sort, make(symbol, sort)};
    known_.emplace(symbol, made);
    return made;
  }

  std::uint32_t make(const Symbol& symbol, Sort sort) {
    if (const auto* call = std::get_if<CanonicalCall>(&symbol)) {
      return canonical(*call);
    }
    const std::optional<Place> place = place_of(symbol);
    if (!place) {
      const emit::SymbolName name = emit::name_of(symbol);
      fail("unknown-item", fmt::format("the router speaks of {} {}, which is not there", name.module,
                                       wasm::printable(name.field)));
      return 0;
    }
    return out_.alias_core_export(sort, place->instance, place->name);
  }

  /// The instance that exports what a symbol stands for, which is made if need be; none for a canonical call.
  std::optional<Place> place_of(const Symbol& symbol) {
    if (const auto* guest = std::get_if<GuestItem>(&symbol)) {
      const auto* from = std::get_if<std::pair<CoreInstanceId, std::string>>(&guest->item.source);
      if (from == nullptr || !core_instances_[from->first.value]) {
        return std::nullopt;
      }
      return Place{*core_instances_[from->first.value], from->second};
    }
    if (!places_.contains(symbol)) {
      if (const auto* part = std::get_if<emit::TablePart>(&symbol)) {
        make_table(part->table);
      } else if (const auto* borrows = std::get_if<emit::Borrows>(&symbol)) {
        make_table(borrows->table);
      } else if (const auto* function = std::get_if<RouterFunction>(&symbol)) {
        flush();
        emit_functions({function->index});
      }
    }
    const auto place = places_.find(symbol);
    return place == places_.end() ? std::nullopt : std::optional(place->second);
  }

  std::uint32_t canonical(const CanonicalCall& call) {
    if (call.kind == CanonicalCall::Kind::kLower) {
      const auto& lower = std::get<component::Lower>(composition_.canons[call.id].what);
      const auto* host = std::get_if<component::HostFuncId>(&lower.callee);
      const auto function = host == nullptr ? std::nullopt : world_.function(*host);
      if (!function) {
        fail("host-function", fmt::format("{} is no function of the host that is imported by name",
                                          wasm::printable(lower.name)));
        return 0;
      }
      Options options{.encoding = lower.options.encoding, .memory = {}, .realloc = {}, .post_return = {}};
      if (const auto& outer = router_.lowers[call.id]) {
        options.memory = index_of(outer->memory);
        options.realloc = index_of(outer->realloc);
      }
      return out_.lower(*function, options);
    }
    const auto type = world_.resource_type(ResourceId{call.id});
    if (!type) {
      fail("outer-type", fmt::format("the resource type {} is not known outside",
                                     wasm::printable(composition_.resources[call.id].name)));
      return 0;
    }
    switch (call.kind) {
      case CanonicalCall::Kind::kNew:
        return out_.resource_new(*type);
      case CanonicalCall::Kind::kRep:
        return out_.resource_rep(*type);
      case CanonicalCall::Kind::kDrop:
      case CanonicalCall::Kind::kLower:
        break;
    }
    return out_.resource_drop(*type);
  }

  std::optional<std::uint32_t> index_of(const std::optional<Symbol>& symbol) {
    return symbol ? std::optional(resolve(*symbol).index) : std::nullopt;
  }

  // --- the guests

  void instantiate(CoreInstanceId id) {
    flush();
    wire();
    const component::CoreInstance& core = composition_.core_instances[id.value];
    const component::CoreModule& module = composition_.modules[core.module.value];
    Arguments arguments;
    for (std::size_t i = 0; i < core.imports.size(); ++i) {
      arguments.add(module.index.imports[i].module, module.index.imports[i].name, symbol(core.imports[i]));
    }
    std::optional<std::uint32_t>& index = modules_[core.module.value];
    if (!index) {
      index = out_.core_module(bytes_.subspan(module.begin.value, module.end.value - module.begin.value),
                               module.name);
    }
    const std::string name = fmt::format("{} {}", composition_.instances[core.owner.value].name,
                                         module.name.empty() ? "core" : module.name);
    core_instances_[id.value] = instantiate(arguments, *index, name);
    flat_instances_.back().guest = id;
  }

  Symbol symbol(const CoreItem& from) {
    if (const auto* canon = std::get_if<CanonId>(&from.source)) {
      if (const auto& function = router_.by_canon[canon->value]) {
        return *function;
      }
    }
    return GuestItem{from};
  }

  // --- resource types

  void resource(ResourceId id) {
    if (const auto outer = outer_.find(id); outer != outer_.end()) {
      world_.define_resource(id, out_.resource_type(resolve(outer->second).index));
    }
    if (const auto slots = slots_.find(id); slots != slots_.end()) {
      unwired_.insert(unwired_.end(), slots->second.begin(), slots->second.end());
    }
  }

  /// Puts the destructors of the resource types since the last time into their slots. Only a guest's code can
  /// call one, so that this is early enough before the next guest.
  void wire() {
    const std::vector<std::uint32_t> slots = std::exchange(unwired_, {});
    if (slots.empty()) {
      return;
    }
    wasm::ModuleWriter module("destructors");
    Arguments arguments;
    std::vector<std::uint32_t> functions;
    for (const std::uint32_t slot : slots) {
      const std::string name = fmt::format("{}", slot);
      functions.push_back(module.import_function("destructor", name, {{wasm::ValueType::kI32}, {}}));
      arguments.add("destructor", name, *router_.destructors[slot - 1].function);
    }
    const std::uint32_t table =
        module.import_table("base", "destructors", {.element = wasm::ValueType::kFuncRef, .limits = {}});
    arguments.add("base", "destructors", BaseItem::kDestructors);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      module.element(table, slots[i], std::span(functions).subspan(i, 1));
    }
    instantiate(arguments, out_.core_module(module.write(), "destructors"), "destructors");
  }

  // --- the outer boundary

  std::uint32_t lift(const component::WorldFunc& func, std::uint32_t type) {
    const emit::OuterExport& what = router_.exports.at(func.exported.value());
    const auto& lift =
        std::get<component::Lift>(composition_.canons[std::get<CanonId>(func.func).value].what);
    const Options options{.encoding = lift.options.encoding,
                          .memory = index_of(what.memory),
                          .realloc = index_of(what.realloc),
                          .post_return = index_of(what.post_return)};
    const std::uint32_t function = resolve(what.function).index;
    return out_.lift(function, options, type);
  }

  const Composition& composition_;
  const emit::Router& router_;
  std::span<const std::uint8_t> bytes_;
  ComponentWriter out_;
  WorldWriter world_;
  std::vector<std::optional<std::uint32_t>> modules_;         ///< by CoreModuleId
  std::vector<std::optional<std::uint32_t>> core_instances_;  ///< by CoreInstanceId
  using TableOptions =
      std::tuple<routing::TableChecks, routing::Reuse, routing::Overflow, std::optional<std::uint64_t>>;
  struct TableModule {
    Package package;
    std::uint32_t module = 0;
  };
  std::map<TableOptions, TableModule> table_modules_;
  std::map<routing::TableId, std::size_t> table_numbers_;   ///< places in Router::tables
  std::map<ResourceId, std::vector<std::uint32_t>> slots_;  ///< of the destructor table, by whose they are
  std::map<ResourceId, RouterFunction> outer_;              ///< destructors of outer resource types
  std::vector<FlatInstance> flat_instances_;
  std::map<Symbol, Place> places_;
  std::map<Symbol, Item> known_;
  std::vector<std::uint32_t> pending_;  ///< functions that stand for canons, not written yet
  std::set<std::uint32_t> written_;
  std::vector<std::uint32_t> unwired_;  ///< slots of the destructor table
  std::size_t groups_ = 0;
  std::optional<wasm::Diagnostic> failure_;
};

/// The flat component, if its world is that of the composed one.
wasm::Expected<std::vector<std::uint8_t>> same_world(const component::Decoded& decoded,
                                                     std::vector<std::uint8_t> flat) {
  const auto again = component::decode_with_world(flat, "the flat component");
  if (!again) {
    return tl::unexpected(again.error());
  }
  const std::optional<std::string> text = component::world_text(decoded.world);
  if (!text || component::world_text(again->world) != text) {
    wasm::Diagnostic why;
    why.kind = wasm::DiagnosticKind::kUnsupported;
    why.code = "world";
    why.sentence =
        "instance root: its imports and exports cannot be given the same names and types in a flat component";
    return tl::unexpected(std::move(why));
  }
  return flat;
}

}  // namespace

wasm::Expected<std::vector<std::uint8_t>> flatten(const component::Decoded& decoded,
                                                  const emit::Router& router,
                                                  std::span<const std::uint8_t> bytes,
                                                  std::vector<FlatInstance>* core_instances) {
  Flattener flattener(decoded, router, bytes);
  auto made = flattener.run();
  if (core_instances != nullptr) {
    *core_instances = flattener.take_instances();
  }
  return made;
}

wasm::Expected<std::vector<std::uint8_t>> route(std::span<const std::uint8_t> bytes, std::string_view file) {
  const auto decoded = component::decode_with_world(bytes, file);
  if (!decoded) {
    return tl::unexpected(decoded.error());
  }
  const topology::Topology topology = topology::topology_of(decoded->composition);
  const auto made =
      emit::make_router(decoded->composition, topology, routing::required_plan(topology))
          .and_then([&](const emit::Router& router) { return flatten(*decoded, router, bytes); })
          .and_then([&](std::vector<std::uint8_t> flat) { return same_world(*decoded, std::move(flat)); });
  if (!made) {
    wasm::Diagnostic why = made.error();
    why.place.file = std::string(file);
    return tl::unexpected(std::move(why));
  }
  return *made;
}

}  // namespace meld_verify::rewrite
