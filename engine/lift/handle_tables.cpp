#include "engine/lift/handle_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/routing/implied_views.h"
#include "engine/wasm/printable.h"

namespace meld_verify::lift {
namespace {

using routing::kCanonicalTable;
using routing::TypeKeyId;
using smt::Answer;
using topology::ResourceId;

/// What imports of one resource type have in common: "[export]" and the operation do not count, nor the
/// number that a fuser puts behind the name.
std::string shared_name(const wasm::Import& import) {
  std::string module = import.module;
  if (module.rfind("[export]", 0) == 0) {
    module = module.substr(8);
  }
  std::string field = import.name.substr(std::min(import.name.size(), import.name.find(']') + 1));
  const std::size_t dollar = field.rfind('$');
  if (dollar != std::string::npos && dollar + 1 < field.size() &&
      field.find_first_not_of("0123456789", dollar + 1) == std::string::npos) {
    field.resize(dollar);
  }
  return module + "." + field;
}

template <class T>
void add_once(std::vector<T>& list, const T& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) {
    list.push_back(item);
  }
}

}  // namespace

HandleTables::HandleTables(const Pair& pair, const topology::Topology& topology, TableFunctions& functions,
                           routing::Plan& plan)
    : pair_(pair), topology_(topology), functions_(functions), plan_(plan) {
  plan.tables.push_back({.id = std::string(routing::kCanonicalTableName),
                         .symbol = {},
                         .instances = {topology::kHost},
                         .types = {},
                         .storage = routing::Storage::kCanonical,
                         .memory_of = {},
                         .reuse = routing::Reuse::kLifo,
                         .capacity = {},
                         .overflow = routing::Overflow::kTrap,
                         .checks = {}});
  ids_.take(plan.tables[0].id);
  met_.emplace_back();
  for (std::uint32_t r = 0; r < pair.composed.resources.size(); ++r) {
    const component::Resource& resource = pair.composed.resources[r];
    if (!resource.destructor) {
      continue;
    }
    const auto original = pair.composed_image.function_of(*resource.destructor);
    const auto counterpart =
        original ? pair.alignment.counterpart[pair.composed_image.behind(*original).value] : std::nullopt;
    if (counterpart) {
      destructor_of_[*counterpart].push_back(ResourceId{r});
    }
  }
}

TypeKeyId HandleTables::add_key(std::string id) {
  plan_.types.push_back({.id = key_ids_.make(std::move(id)), .resource = {}, .definer = {}});
  made_.emplace_back();
  destroyed_.emplace_back();
  handled_.emplace_back();
  return TypeKeyId{plan_.types.size() - 1};
}

TypeKeyId HandleTables::canonical_key(const TableFunction& function) {
  if (function.storage.import) {
    const wasm::Import& import = pair_.fused_image.modules[0].imports[*function.storage.import];
    const std::string name = shared_name(import);
    const auto known = import_keys_.find(name);
    if (known != import_keys_.end()) {
      return known->second;
    }
    return import_keys_[name] = add_key(wasm::printable(name));
  }
  const std::uint32_t type = function.storage.canonical_type ? function.storage.canonical_type->value : 0;
  const auto known = canonical_keys_.find(type);
  if (known != canonical_keys_.end()) {
    return known->second;
  }
  return canonical_keys_[type] = add_key(fmt::format("canonical type {}", type));
}

routing::TableId HandleTables::add_table(std::string id, const TableFunction& function) {
  routing::Table table;
  table.id = ids_.make(std::move(id));
  if (function.storage.memory) {
    for (std::uint32_t i = 0; i < pair_.alignment.instances.size(); ++i) {
      for (const std::optional<MemoryId>& memory : pair_.alignment.instances[i].memories) {
        if (memory == function.storage.memory) {
          table.storage = routing::Storage::kGuestMemory;
          table.memory_of = pair_.composed_image.instances[i].owner;
        }
      }
    }
  }
  plan_.tables.push_back(std::move(table));
  met_.emplace_back();
  return routing::TableId{plan_.tables.size() - 1};
}

void HandleTables::meet(FunctionId function, routing::TableId table) {
  met_[table.value].insert(function);
}

HandleTables::Home HandleTables::home_of(FunctionId function, std::optional<Home> preferred) {
  const auto known = homes_.find(function);
  if (known != homes_.end()) {
    meet(function, known->second.table);
    return known->second;
  }
  const TableFunction* what = functions_.of(function);
  if (what == nullptr) {
    return {kCanonicalTable, key_of({})};
  }
  if (what->storage.canonical || what->storage.import) {
    const Home home{kCanonicalTable, canonical_key(*what)};
    homes_[function] = home;
    meet(function, home.table);
    return home;
  }
  if (what->role == TableRole::kNew) {
    for (const auto& [maker, home] : makers_) {  // left as soon as `makers_` changes
      const TableStorage& other = functions_.of(maker)->storage;
      if (other.memory == what->storage.memory && other.slot_offset == what->storage.slot_offset &&
          other.scale == what->storage.scale && other.cursor == what->storage.cursor) {
        const routing::TableId table = home.table;
        const Home other_type{table,
                              add_key("type of " + wasm::printable(pair_.fused_image.name_of(function)))};
        homes_[function] = other_type;
        makers_.emplace_back(function, other_type);
        meet(function, table);
        return other_type;
      }
    }
    const std::string name = wasm::printable(pair_.fused_image.name_of(function));
    const routing::TableId table = add_table(name, *what);
    plan_.tables[table.value].symbol = symbols_.make(name);  // several instances of one module have the same
    const Home home{table, add_key("type of " + name)};
    homes_[function] = home;
    makers_.emplace_back(function, home);
    meet(function, table);
    return home;
  }
  std::optional<Home> first;
  for (const Home& home : candidates(function)) {
    const bool better = first && preferred && *first != *preferred && home.table == preferred->table &&
                        (home == *preferred || first->table != preferred->table);
    if (!first || better) {
      first = home;
    }
  }
  if (!first) {
    const auto place = std::tuple(what->storage.memory ? what->storage.memory->value : 0xffff'ffffu,
                                  what->storage.slot_offset, what->storage.scale);
    const auto orphan = orphans_.find(place);
    if (orphan != orphans_.end()) {
      first = orphan->second;
    } else {
      const std::string name = wasm::printable(pair_.fused_image.name_of(function));
      first = Home{add_table("where " + name + " looks", *what), add_key("type of " + name)};
      orphans_[place] = *first;
    }
  }
  meet(function, first->table);
  return *first;
}

const std::vector<HandleTables::Home>& HandleTables::candidates(FunctionId function) {
  const auto [place, fresh] = candidates_.emplace(function, std::vector<Home>{});
  if (!fresh) {
    return place->second;
  }
  std::vector<Home> perhaps;
  for (const auto& [maker, home] : makers_) {
    const Answer agrees = functions_.agree(maker, function);
    if (agrees == Answer::kYes) {
      add_once(place->second, home);
    } else if (agrees == Answer::kUnknown) {
      add_once(perhaps, home);
    }
  }
  if (place->second.empty() && !perhaps.empty()) {
    doubts_.push_back(
        {function, perhaps.front().table, "it could not be told whether it works on this table"});
    place->second = perhaps;
  }
  return place->second;
}

void HandleTables::makes(FunctionId function, ResourceId resource) {
  add_once(made_[home_of(function).type.value], resource);
}

void HandleTables::handles(FunctionId function, ResourceId resource) {
  const Home home = home_of(function);
  const auto known = candidates_.find(function);
  if (known != candidates_.end() && known->second.size() > 1) {
    return;  // entries of several types: it tells nothing of any of them
  }
  add_once(handled_[home.type.value], resource);
  const TableFunction* what = functions_.of(function);
  if (what != nullptr && what->role == TableRole::kDrop) {
    for (const ResourceId destroyed : destroyed_by(*what, what->destructors)) {
      add_once(destroyed_[home.type.value], destroyed);
    }
  }
}

std::vector<ResourceId> HandleTables::destroyed_by(const TableFunction& drop,
                                                   const std::vector<DestructorCall>& calls) {
  std::vector<ResourceId> destroyed;
  if (drop.storage.import) {
    const ResourceId resource = plan_.types[home_of(drop.function).type.value].resource;
    if (settled_ && topology_.resources[resource.value].has_destructor) {
      destroyed.push_back(resource);
    }
    return destroyed;
  }
  for (const DestructorCall& call : calls) {
    const auto found = destructor_of_.find(call.function);
    if (found != destructor_of_.end()) {
      destroyed.push_back(found->second.front());
    } else if (const auto host = dropped_host_type(call.function)) {
      destroyed.push_back(*host);
    }
  }
  if (drop.storage.canonical) {
    if (const auto host = dropped_host_type(drop.function)) {
      destroyed.push_back(*host);
    }
  }
  return destroyed;
}

/// A canonical drop of a type of the host's: which, by its name in the world, which is what it is known by.
std::optional<ResourceId> HandleTables::dropped_host_type(FunctionId function) const {
  const LinkedFunction& linked = pair_.fused_image.functions[function.value];
  if (!pair_.fused || linked.kind != LinkedFunction::Kind::kCanon) {
    return std::nullopt;
  }
  const auto* builtin =
      std::get_if<component::ResourceBuiltin>(&pair_.fused->canons[linked.canon.value].what);
  if (builtin == nullptr || builtin->op != component::ResourceOp::kDrop) {
    return std::nullopt;
  }
  const component::Resource& type = pair_.fused->resources[builtin->resource.value];
  for (std::uint32_t r = 0; type.definer == topology::kHost && r < pair_.composed.resources.size(); ++r) {
    const component::Resource& other = pair_.composed.resources[r];
    if (other.definer == topology::kHost && other.name == type.name &&
        other.interface_name == type.interface_name) {
      return ResourceId{r};
    }
  }
  return std::nullopt;
}

bool HandleTables::destroys_only_resources(const std::vector<DestructorCall>& calls) const {
  return std::all_of(calls.begin(), calls.end(), [this](const DestructorCall& call) {
    return destructor_of_.contains(call.function) || dropped_host_type(call.function);
  });
}

void HandleTables::settle_types() {
  settled_ = true;
  for (std::uint32_t k = 0; k < plan_.types.size(); ++k) {
    // Who makes the entries and whose destructor runs on them; then one of both; then who knows them.
    std::optional<ResourceId> stands_for;
    for (const ResourceId resource : made_[k]) {
      if (std::find(destroyed_[k].begin(), destroyed_[k].end(), resource) != destroyed_[k].end()) {
        stands_for = stands_for.value_or(resource);
      }
    }
    for (const auto* list : {&made_[k], &destroyed_[k], &handled_[k]}) {
      if (!stands_for && !list->empty()) {
        stands_for = list->front();
      }
    }
    plan_.types[k].resource = stands_for.value_or(ResourceId{std::uint32_t{0}});
    if (plan_.types[k].resource.value < topology_.resources.size()) {
      plan_.types[k].definer = topology_.resources[plan_.types[k].resource.value].definer;
    }
  }
  unite_types();
  for (std::uint32_t r = 0; r < topology_.resources.size(); ++r) {
    if (std::none_of(plan_.types.begin(), plan_.types.end(),
                     [r](const routing::TypeKey& key) { return key.resource == ResourceId{r}; })) {
      const TypeKeyId key = add_key(routing::type_key_id(topology_, ResourceId{r}, key_ids_));
      plan_.types[key.value].resource = ResourceId{r};
      plan_.types[key.value].definer = topology_.resources[r].definer;
    }
  }
  for (std::uint32_t t = 1; t < plan_.tables.size(); ++t) {
    describe(routing::TableId{t});
  }
}

/// Functions that make entries of one table for one resource type make entries of one type: owns and borrows.
void HandleTables::unite_types() {
  std::map<std::pair<std::uint32_t, std::uint32_t>, TypeKeyId> first;
  std::map<TypeKeyId, TypeKeyId> becomes;
  for (auto& [maker, home] : makers_) {
    const std::uint32_t resource = plan_.types[home.type.value].resource.value;
    const TypeKeyId key = first.try_emplace({home.table.value, resource}, home.type).first->second;
    becomes[home.type] = key;
    home.type = homes_[maker].type = key;
  }
  for (auto& [function, homes] : candidates_) {
    for (Home& home : homes) {
      const auto found = becomes.find(home.type);
      home.type = found == becomes.end() ? home.type : found->second;
    }
  }
}

std::optional<FunctionId> HandleTables::destructor_of(ResourceId resource) const {
  for (const auto& [function, resources] : destructor_of_) {
    if (std::find(resources.begin(), resources.end(), resource) != resources.end()) {
      return function;
    }
  }
  return std::nullopt;
}

TypeKeyId HandleTables::canonical_key_of(ResourceId resource) const {
  for (const auto& [type, key] : canonical_keys_) {
    if (plan_.types[key.value].resource == resource) {
      return key;
    }
  }
  return key_of(resource);
}

TypeKeyId HandleTables::key_of(ResourceId resource) const {
  for (std::uint32_t k = 0; k < plan_.types.size(); ++k) {
    if (plan_.types[k].resource == resource) {
      return TypeKeyId{k};
    }
  }
  return TypeKeyId{std::uint32_t{0}};
}

std::vector<FunctionId> HandleTables::makers_of(routing::TableId table) const {
  std::vector<FunctionId> makers;
  for (const FunctionId function : met_[table.value]) {
    if (functions_.of(function)->role == TableRole::kNew) {
      makers.push_back(function);
    }
  }
  return makers;
}

bool HandleTables::drops_are_known(FunctionId drop, routing::TableId table) const {
  const std::vector<FunctionId> makers = makers_of(table);
  return functions_.of(drop)->role == TableRole::kDrop && !makers.empty() &&
         std::all_of(makers.begin(), makers.end(), [&](FunctionId make) {
           return functions_.destructors(make, drop).has_value() || functions_.refuses(make, drop);
         });
}

std::optional<std::vector<DestructorCall>> HandleTables::run_by(FunctionId make, FunctionId drop) const {
  const TableFunction& what = *functions_.of(drop);
  if (what.storage.canonical || what.storage.import || functions_.of(make) == nullptr ||
      functions_.of(make)->storage.canonical) {
    return what.destructors;
  }
  return functions_.destructors(make, drop);
}

void HandleTables::describe(routing::TableId id) {
  routing::Table& table = plan_.tables[id.value];
  bool made = false;
  for (const FunctionId function : met_[id.value]) {
    const TableFunction& what = *functions_.of(function);
    const bool understood = what.understood || drops_are_known(function, id);
    if (what.role == TableRole::kNew) {
      made = true;
      if (understood) {
        table.reuse = std::max(table.reuse, what.reuse);
        table.capacity = what.capacity;
        table.overflow = what.overflow;
      }
    } else if (what.role != TableRole::kUnlend) {
      table.checks.zero &= what.checks.zero;
      table.checks.bounds &= what.checks.bounds;
      table.checks.live &= what.checks.live;
      table.checks.type &= what.checks.type;
      table.checks.kind &= what.checks.kind || what.role == TableRole::kLend;
      table.checks.lent &= what.checks.lent || what.role == TableRole::kRep || what.role == TableRole::kLend;
    }
    if (!understood) {
      doubts_.push_back({function, id, what.why.empty() ? "what it does could not be told" : what.why});
    }
  }
  if (!made) {
    table.checks = {
        .zero = false, .bounds = false, .live = false, .type = false, .kind = false, .lent = false};
  }
}

}  // namespace meld_verify::lift
