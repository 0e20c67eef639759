#include "engine/smt/facts.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace meld_verify::smt {
namespace {

using routing::Plan;
using routing::Step;
using routing::StepOp;
using topology::Layout;
using topology::Location;
using topology::Position;
using topology::Topology;
using topology::View;

using enum Sort;
constexpr std::array<RelationInfo, kRelationCount> kRelations{{
    {"definer", {kId, kId}, 2, true},
    {"destructor", {kId}, 1, true},
    {"view", {kId, kId, kId}, 3, true},
    {"crosses", {kId, kKind, kId, kId}, 4, true},
    {"table-of", {kId, kId}, 2, true},
    {"type-of", {kId, kId}, 2, true},
    {"stands-for", {kId, kId}, 2, true},
    {"thought-definer", {kId, kId}, 2, true},
    {"holds", {kId, kId}, 2, true},
    {"goes-to", {kId, kIntrinsic, kId}, 3, true},
    {"step", {kId, kCount, kOp, kId, kId}, 5, true},
    {"steps", {kId, kCount}, 2, true},
    {"own-runs", {kId, kCount, kId}, 3, true},
    {"borrow-runs", {kId, kCount, kId}, 3, true},
    {"misplaced", {kId, kPlace}, 2, true},
    {"symbol", {kId, kId}, 2, true},
    {"unbounded", {kId}, 1, true},
    {"never-reused", {kId}, 1, true},
    {"definition-of", {kId, kId}, 2, false},
    {"made-from", {kId, kId}, 2, false},
    {"exported", {kId}, 1, false},
    {"called", {kId, kId, kId}, 3, false},
    {"known-as", {kId, kId, kId}, 3, false},
    {"suffix", {kId, kId}, 2, false},
    {"version", {kId, kId}, 2, false},
    {"nested", {kId, kContainer}, 2, false},
    {"in-result-area", {kId}, 1, false},
    {"spilled", {kId}, 1, false},
    {"deep", {kId}, 1, false},
    {"twin", {kId}, 1, false},
    {"result", {kId}, 1, false},
    {"lax", {kId, kGuard}, 2, false},
    {"guest-memory", {kId}, 1, false},
    {"careless", {kId, kGuard}, 2, false},
}};

// --- the facts of each thing
// ------------------------------------------------------------------------------------

class Writer {
 public:
  Writer(const Topology& topology, const Plan& plan, FactBase& facts)
      : topology_(topology), plan_(plan), facts_(facts) {}

  void resource(std::uint32_t id) {
    const topology::Resource& resource = topology_.resources[id];
    facts_.add(Relation::kDefiner, {id, resource.definer.value});
    if (resource.has_destructor) {
      facts_.add(Relation::kDestructor, {id});
    }
  }

  void view(std::uint32_t id) {
    const View& view = topology_.views[id];
    const routing::ViewRoute& route = plan_.views[id];
    facts_.add(Relation::kView, {id, view.instance.value, view.resource.value});
    facts_.add(Relation::kTableOf, {id, route.table.value});
    facts_.add(Relation::kTypeOf, {id, route.type.value});
    if (route.table == routing::kCanonicalTable) {
      // The run time's table has entries of every type, whatever the plan lists there.
      facts_.add(Relation::kHolds, {route.table.value, route.type.value});
    }
    const auto goes_to = [&](std::uint32_t intrinsic, const std::optional<routing::TableId>& table) {
      if (table) {
        facts_.add(Relation::kGoesTo, {id, intrinsic, table->value});
      }
    };
    goes_to(0, route.new_table);
    goes_to(1, route.rep_table);
    goes_to(2, route.drop_table);
    // Only whether a destructor is called never, once or more often matters: 0 is the first run, 1 any other.
    const auto runs = [&](Relation relation, const std::vector<topology::ResourceId>& calls) {
      std::unordered_map<std::uint32_t, std::uint32_t> times;
      for (const topology::ResourceId resource : calls) {
        if (const std::uint32_t time = times[resource.value]++; time < 2) {
          facts_.add(relation, {id, time, resource.value});
        }
      }
    };
    runs(Relation::kOwnRuns, route.own_destructors);
    runs(Relation::kBorrowRuns, route.borrow_destructors);
  }

  void key(std::uint32_t id) {
    facts_.add(Relation::kStandsFor, {id, plan_.types[id].resource.value});
    facts_.add(Relation::kThoughtDefiner, {id, plan_.types[id].definer.value});
  }

  void table(std::uint32_t id, std::uint32_t symbol) {
    const routing::Table& table = plan_.tables[id];
    for (const routing::TypeKeyId type : table.types) {
      facts_.add(Relation::kHolds, {id, type.value});
    }
    if (!table.symbol.empty()) {
      facts_.add(Relation::kSymbol, {id, symbol});
    }
    if (table.overflow == routing::Overflow::kUnchecked) {
      facts_.add(Relation::kUnbounded, {id});
    }
    if (table.reuse == routing::Reuse::kNever) {
      facts_.add(Relation::kNeverReused, {id});
    }
  }

  void position(std::uint32_t id) {
    const Position& position = topology_.positions[id];
    const routing::PositionRoute& route = plan_.positions[id];
    facts_.add(Relation::kCrosses, {id, position.kind == topology::HandleKind::kBorrow ? 1u : 0u,
                                    position.sender.value, position.receiver.value});
    facts_.add(Relation::kSteps, {id, route.count});
    for (std::uint32_t i = 0; i < route.count; ++i) {
      const Step& step = route.steps[i];
      facts_.add(Relation::kStep,
                 {id, i, static_cast<std::uint32_t>(step.op), step.table.value, step.type.value});
    }
    if (const Misplacement place = misplacement(topology_, plan_, id); place != Misplacement::kNone) {
      facts_.add(Relation::kMisplaced, {id, static_cast<std::uint32_t>(place)});
    }
  }

 private:
  const Topology& topology_;
  const Plan& plan_;
  FactBase& facts_;
};

/// Numbers for the symbols of tables: equal numbers for equal symbols.
class Symbols {
 public:
  std::uint32_t number_of(const std::string& symbol) {
    return numbers_.emplace(symbol, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

std::string_view without_version(std::string_view interface_name) {
  return interface_name.substr(0, interface_name.find('@'));
}

/// The innermost container around a handle, from its path and what encloses it.
std::uint32_t innermost(const Layout& layout) {
  constexpr std::uint32_t kPlain = 0, kAggregate = 1, kVariant = 2, kList = 3;
  const std::string_view path = layout.path;
  const std::size_t slash = path.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (last.starts_with('[') || (last == "value" && layout.in_list && !layout.in_aggregate)) {
    return kList;
  }
  if (layout.in_variant && !layout.guards.empty() && layout.guards.back().case_label == last) {
    return kVariant;
  }
  return layout.in_aggregate ? kAggregate : layout.in_variant ? kVariant : layout.in_list ? kList : kPlain;
}

// --- the neighbourhood of units
// ---------------------------------------------------------------------------------

class Neighbourhood {
 public:
  Neighbourhood(const Topology& topology, const Plan& plan) : topology_(topology), plan_(plan) {
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      views_of_instance_[topology.views[v].instance.value].push_back(v);
      auto& views = views_of_table_[plan.views[v].table.value];
      // Two views of different instances tell that a table is shared; a few tell whose table it is.
      if (views.size() < 8 ||
          (views.size() < 16 && topology.views[views.front()].instance != topology.views[v].instance)) {
        views.push_back(v);
      }
    }
  }

  void add(const Unit& unit) {
    switch (unit.kind) {
      case UnitKind::kPosition:
        add_position(unit.id);
        break;
      case UnitKind::kView:
        add_view(unit.id);
        break;
      case UnitKind::kTable:
        add_table(unit.id);
        break;
      case UnitKind::kKey:
        add_key(unit.id);
        break;
    }
  }

  [[nodiscard]] FactBase facts() const {
    FactBase facts;
    Writer writer(topology_, plan_, facts);
    for (const std::uint32_t position : positions_) {
      writer.position(position);
      describe_position(position, facts);
    }
    std::unordered_set<std::uint32_t> resources;
    std::unordered_set<std::uint32_t> instances;
    for (const std::uint32_t view : views_) {
      writer.view(view);
      resources.insert(topology_.views[view].resource.value);
      for (const auto* list : {&plan_.views[view].own_destructors, &plan_.views[view].borrow_destructors}) {
        for (const topology::ResourceId resource : *list) {
          resources.insert(resource.value);
        }
      }
      instances.insert(topology_.views[view].instance.value);
      facts.add(Relation::kCalled,
                {view, topology_.views[view].interface_name.value, topology_.views[view].name.value});
      if (topology_.views[view].exported) {
        facts.add(Relation::kExported, {view});
      }
    }
    Symbols symbols;
    for (const std::uint32_t table : tables_) {
      writer.table(table, symbols.number_of(plan_.tables[table].symbol));
      describe_table(table, facts);
    }
    for (const std::uint32_t key : keys_) {
      writer.key(key);
      resources.insert(plan_.types[key].resource.value);
    }
    // Two resources are of one text if definition and index agree; any number that tells pairs apart will do.
    std::unordered_map<std::uint64_t, std::uint32_t> texts;
    for (const std::uint32_t resource : resources) {
      writer.resource(resource);
      const topology::Resource& what = topology_.resources[resource];
      const std::uint64_t text = (std::uint64_t{what.definition.value} << 32) | what.definition_index;
      facts.add(Relation::kDefinitionOf,
                {resource, texts.emplace(text, static_cast<std::uint32_t>(texts.size())).first->second});
      facts.add(Relation::kKnownAs, {resource, what.interface_name.value, what.name.value});
    }
    for (const std::uint32_t instance : instances) {
      facts.add(Relation::kMadeFrom, {instance, topology_.instances[instance].definition.value});
    }
    compare_names(resources, facts);
    return facts;
  }

 private:
  void add_position(std::uint32_t id) {
    if (!positions_.insert(id).second) {
      return;
    }
    const Position& position = topology_.positions[id];
    add_view(position.sender.value);
    add_view(position.receiver.value);
    for (std::uint32_t i = 0; i < plan_.positions[id].count; ++i) {
      add_table(plan_.positions[id].steps[i].table.value);
      add_key(plan_.positions[id].steps[i].type.value);
    }
  }

  void add_view(std::uint32_t id) {
    if (!centres_.insert(id).second) {
      return;
    }
    add_plain_view(id);
    // What else its instance knows tells a wrapped type from its wrapping, and two names of one type.
    for (const std::uint32_t other : views_of_instance_.at(topology_.views[id].instance.value)) {
      if (topology_.views[id].instance != topology::kHost) {
        add_plain_view(other);
      }
    }
    const routing::ViewRoute& route = plan_.views[id];
    for (const auto& table : {route.new_table, route.rep_table, route.drop_table}) {
      if (table) {
        add_table(table->value);
      }
    }
    add_table(route.table.value);
  }

  void add_plain_view(std::uint32_t id) {
    if (views_.insert(id).second) {
      add_key(plan_.views[id].type.value);
      tables_.insert(plan_.views[id].table.value);
      for (const routing::TypeKeyId type : plan_.tables[plan_.views[id].table.value].types) {
        if (plan_.views[id].table != routing::kCanonicalTable) {
          add_key(type.value);
        }
      }
    }
  }

  void add_table(std::uint32_t id) {
    tables_.insert(id);
    if (!full_tables_.insert(id).second) {
      return;
    }
    for (const routing::TypeKeyId type : plan_.tables[id].types) {
      add_key(type.value);
    }
    if (const auto views = views_of_table_.find(id); views != views_of_table_.end()) {
      for (const std::uint32_t view : views->second) {
        add_plain_view(view);
      }
    }
    const std::string& symbol = plan_.tables[id].symbol;
    if (!symbol.empty()) {
      for (std::uint32_t other = 0; other < plan_.tables.size(); ++other) {
        if (plan_.tables[other].symbol == symbol) {
          tables_.insert(other);
        }
      }
    }
  }

  void add_key(std::uint32_t id) {
    if (id < plan_.types.size()) {
      keys_.insert(id);
    }
  }

  void describe_position(std::uint32_t id, FactBase& facts) const {
    const Position& position = topology_.positions[id];
    const Layout& layout = topology_.layouts[position.layout.value];
    facts.add(Relation::kNested, {id, innermost(layout)});
    if (position.result) {
      facts.add(Relation::kResult, {id});
      if (layout.caller.root == topology::Root::kResultArea && !layout.in_list) {
        facts.add(Relation::kInResultArea, {id});
      }
    } else if (layout.caller.root == topology::Root::kParamArea) {
      facts.add(Relation::kSpilled, {id});
    }
    if (position.alias_depth >= 2) {
      facts.add(Relation::kDeep, {id});
    }
    if (has_converted_twin(id)) {
      facts.add(Relation::kTwin, {id});
    }
    const routing::BoundaryRoute& duties = plan_.boundaries[position.boundary.value];
    if (!duties.checks_borrows_remain) {
      facts.add(Relation::kCareless, {id, 0});
    }
    if (!duties.checks_may_leave) {
      facts.add(Relation::kCareless, {id, 1});
    }
  }

  /// A function of the same name, of the same callee, in another interface, whose position at the same path
  /// is converted.
  [[nodiscard]] bool has_converted_twin(std::uint32_t id) const {
    const Position& position = topology_.positions[id];
    const topology::Boundary& boundary = topology_.boundaries[position.boundary.value];
    if (twins_.empty()) {
      for (std::uint32_t b = 0; b < topology_.boundaries.size(); ++b) {
        const topology::Boundary& other = topology_.boundaries[b];
        twins_[(std::uint64_t{other.callee.value} << 32) | other.function.value].push_back(b);
      }
    }
    for (const std::uint32_t b :
         twins_.at((std::uint64_t{boundary.callee.value} << 32) | boundary.function.value)) {
      const topology::Boundary& other = topology_.boundaries[b];
      if (other.interface_name == boundary.interface_name) {
        continue;
      }
      for (std::uint32_t p = other.first_position; p < other.first_position + other.position_count; ++p) {
        if (plan_.positions[p].count > 0 && topology_.layouts[topology_.positions[p].layout.value].path ==
                                                topology_.layouts[position.layout.value].path) {
          return true;
        }
      }
    }
    return false;
  }

  void describe_table(std::uint32_t id, FactBase& facts) const {
    const routing::Table& table = plan_.tables[id];
    const routing::TableChecks& checks = table.checks;
    const std::array<bool, 6> all{checks.zero, checks.bounds, checks.live,
                                  checks.type, checks.kind,   checks.lent};
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      if (!all[i]) {
        facts.add(Relation::kLax, {id, i});
      }
    }
    if (table.storage == routing::Storage::kGuestMemory) {
      facts.add(Relation::kGuestMemory, {id});
    }
  }

  void compare_names(const std::unordered_set<std::uint32_t>& resources, FactBase& facts) const {
    std::unordered_set<std::uint64_t> seen;
    for (const std::uint32_t v : views_) {
      for (const std::uint32_t r : resources) {
        const View& view = topology_.views[v];
        const topology::Resource& resource = topology_.resources[r];
        if (const std::uint64_t pair = (std::uint64_t{view.name.value} << 32) | resource.name.value;
            view.name != resource.name && seen.insert(pair).second) {
          const std::string& one = topology_.text(view.name);
          const std::string& other = topology_.text(resource.name);
          if (!one.empty() && !other.empty() && (one.ends_with(other) || other.ends_with(one))) {
            facts.add(Relation::kSuffix, {view.name.value, resource.name.value});
          }
        }
        if (const std::uint64_t pair = (std::uint64_t{1} << 63) |
                                       (std::uint64_t{view.interface_name.value} << 32) |
                                       resource.interface_name.value;
            view.interface_name != resource.interface_name && seen.insert(pair).second) {
          const std::string_view one = topology_.text(view.interface_name);
          const std::string_view other = topology_.text(resource.interface_name);
          if (!one.empty() && without_version(one) == without_version(other)) {
            facts.add(Relation::kVersion, {view.interface_name.value, resource.interface_name.value});
          }
        }
      }
    }
  }

  const Topology& topology_;
  const Plan& plan_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> views_of_instance_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> views_of_table_;
  mutable std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> twins_;
  std::unordered_set<std::uint32_t> positions_, views_, centres_, tables_, full_tables_, keys_;
};

}  // namespace

unsigned bits_of(Sort sort) {
  switch (sort) {
    case Sort::kId:
      return 24;
    case Sort::kKind:
      return 1;
    case Sort::kIntrinsic:
    case Sort::kContainer:
      return 2;
    case Sort::kCount:
    case Sort::kOp:
    case Sort::kPlace:
    case Sort::kGuard:
      return 3;
  }
  return 0;
}

const RelationInfo& info_of(Relation relation) {
  return kRelations[static_cast<std::size_t>(relation)];
}

std::size_t FactBase::size() const {
  std::size_t facts = 0;
  for (std::size_t i = 0; i < kRelationCount; ++i) {
    facts += rows_[i].size() / kRelations[i].arity;
  }
  return facts;
}

Misplacement misplacement(const Layout& belongs, const Layout& planned) {
  if (belongs.guards != planned.guards) {
    return Misplacement::kGuard;
  }
  const auto compare = [](const Location& right, const Location& plan) {
    if (right.root != plan.root) {
      return Misplacement::kArea;
    }
    if (right.lists != plan.lists || (right.slot != plan.slot && !right.lists.empty())) {
      return Misplacement::kList;
    }
    if (right.slot != plan.slot || right.offset != plan.offset) {
      return Misplacement::kOffset;
    }
    return right.slot_type == plan.slot_type ? Misplacement::kNone : Misplacement::kSlotType;
  };
  const Misplacement caller = compare(belongs.caller, planned.caller);
  return caller != Misplacement::kNone ? caller : compare(belongs.callee, planned.callee);
}

Misplacement misplacement(const Topology& topology, const Plan& plan, std::uint32_t position) {
  const std::uint32_t override_number = plan.positions[position].layout_override;
  return override_number == 0 ? Misplacement::kNone
                              : misplacement(topology.layouts[topology.positions[position].layout.value],
                                             plan.layouts[override_number - 1]);
}

FactBase facts_of(const Topology& topology, const Plan& plan) {
  FactBase facts;
  Writer writer(topology, plan, facts);
  const auto each = [](std::size_t count, auto&& write) {
    for (std::uint32_t id = 0; id < count; ++id) {
      write(id);
    }
  };
  Symbols symbols;
  each(topology.resources.size(), [&](std::uint32_t id) { writer.resource(id); });
  each(topology.views.size(), [&](std::uint32_t id) { writer.view(id); });
  each(plan.types.size(), [&](std::uint32_t id) { writer.key(id); });
  each(plan.tables.size(),
       [&](std::uint32_t id) { writer.table(id, symbols.number_of(plan.tables[id].symbol)); });
  each(topology.positions.size(), [&](std::uint32_t id) { writer.position(id); });
  return facts;
}

FactBase facts_around(const Topology& topology, const Plan& plan, std::span<const Unit> units) {
  Neighbourhood neighbourhood(topology, plan);
  for (const Unit& unit : units) {
    neighbourhood.add(unit);
  }
  return neighbourhood.facts();
}

}  // namespace meld_verify::smt
