#include "engine/check/way.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "engine/check/explain_unit.h"
#include "engine/check/words.h"

namespace meld_verify::check {
namespace {

using topology::HandleKind;
using topology::InstanceId;
using topology::ResourceId;
using topology::Topology;

/// So many users of a table are shown.
constexpr std::size_t kMostUsers = 8;

}  // namespace

Ways::Ways(const Topology& topology, const routing::Plan& plan)
    : topology_(topology), plan_(plan), positions_of_(topology.resources.size()) {
  for (std::uint32_t p = 0; p < topology.positions.size(); ++p) {
    positions_of_[topology.views[topology.positions[p].sender.value].resource.value].push_back(p);
  }
}

std::optional<std::vector<std::uint32_t>> Ways::shortest(ResourceId resource, InstanceId goal,
                                                         bool must_own) const {
  // A state is an instance and whether it owns what it holds: what is only lent can be lent on, not given.
  using State = std::pair<std::uint32_t, bool>;
  std::map<std::uint32_t, std::vector<std::uint32_t>> leaving;
  for (const std::uint32_t p : positions_of_[resource.value]) {
    leaving[topology_.views[topology_.positions[p].sender.value].instance.value].push_back(p);
  }
  const State start{topology_.resources[resource.value].definer.value, true};
  std::map<State, std::pair<State, std::uint32_t>> parent;
  std::set<State> seen{start};
  std::deque<State> work{start};
  while (!work.empty()) {
    const State state = work.front();
    work.pop_front();
    if (state.first == goal.value && (state.second || !must_own)) {
      std::vector<std::uint32_t> way;
      for (State at = state; at != start; at = parent.at(at).first) {
        way.push_back(parent.at(at).second);
      }
      std::reverse(way.begin(), way.end());
      return way;
    }
    const auto from = leaving.find(state.first);
    if (from == leaving.end()) {
      continue;
    }
    for (const std::uint32_t p : from->second) {
      const topology::Position& position = topology_.positions[p];
      const bool own = position.kind == HandleKind::kOwn;
      if (own && !state.second) {
        continue;
      }
      const State next{topology_.views[position.receiver.value].instance.value, own};
      if (seen.insert(next).second) {
        parent.emplace(next, std::pair(state, p));
        work.push_back(next);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::vector<std::uint32_t>> Ways::positions_before(const Unit& unit) const {
  switch (unit.kind) {
    case UnitKind::kPosition: {
      const topology::Position& position = topology_.positions[unit.id];
      const topology::View& sender = topology_.views[position.sender.value];
      return shortest(sender.resource, sender.instance, position.kind == HandleKind::kOwn);
    }
    case UnitKind::kView:
      return shortest(topology_.views[unit.id].resource, topology_.views[unit.id].instance, false);
    case UnitKind::kTable:
    case UnitKind::kKey:
      break;
  }
  return std::vector<std::uint32_t>{};
}

bool Ways::is_made(ResourceId resource) const {
  return std::any_of(topology_.views.begin(), topology_.views.end(),
                     [&](const topology::View& view) { return view.has_new && view.resource == resource; });
}

void Ways::describe(Finding& finding) const {
  const auto name = [&](InstanceId instance) {
    return topology_.text(topology_.instances[instance.value].name);
  };
  std::vector<InstanceId> involved;
  const auto involve = [&](InstanceId instance) {
    if (std::find(involved.begin(), involved.end(), instance) == involved.end()) {
      involved.push_back(instance);
    }
  };

  std::optional<ResourceId> resource;
  if (finding.unit.kind == UnitKind::kPosition) {
    resource = topology_.views[topology_.positions[finding.unit.id].sender.value].resource;
  } else if (finding.unit.kind == UnitKind::kView) {
    resource = topology_.views[finding.unit.id].resource;
  } else if (finding.unit.kind == UnitKind::kKey) {
    resource = plan_.types[finding.unit.id].resource;
  }
  const auto before = positions_before(finding.unit);
  if (resource) {
    const topology::Resource& what = topology_.resources[resource->value];
    involve(what.definer);
    const bool given = what.definer == topology::kHost;
    WayStep birth{
        .verb = "born",
        .where = name(what.definer),
        .what = given ? "given by the host" : "resource.new",
        .space = (given ? "canonical handle of " : "rep of ") + resource_words(topology_, *resource),
        .belongs = {}};
    if (!before) {
      birth.where = name(finding.unit.kind == UnitKind::kPosition
                             ? topology_.views[topology_.positions[finding.unit.id].sender.value].instance
                             : topology_.views[finding.unit.id].instance);
      birth.what = "no way in this component brings one here";
      birth.space.clear();
    } else if (!given && !is_made(*resource)) {
      birth.what = "nothing in this component makes one";
      birth.space.clear();
    }
    finding.way.push_back(std::move(birth));
  }
  // A check that the call leaves out: the right thing arrives.
  const bool about_call = finding.code == 40 || finding.code == 41 || finding.code == 50;
  const auto cross = [&](std::uint32_t p, bool wrong) {
    const topology::Position& position = topology_.positions[p];
    const InstanceId from = topology_.views[position.sender.value].instance;
    const InstanceId to = topology_.views[position.receiver.value].instance;
    involve(from);
    involve(to);
    finding.way.push_back({.verb = "leaves",
                           .where = name(from),
                           .what = {},
                           .space = leaves_words(topology_, plan_, p),
                           .belongs = {}});
    finding.way.push_back({.verb = "crosses",
                           .where = position_words(topology_, p),
                           .what = steps_words(plan_, plan_.positions[p]),
                           .space = {},
                           .belongs = {},
                           .unit = Unit{UnitKind::kPosition, p}});
    WayStep arrival{.verb = "arrives",
                    .where = name(to),
                    .what = {},
                    .space = arrives_words(topology_, plan_, p),
                    .belongs = {}};
    if (wrong && plan_.positions[p].layout_override != 0 && finding.gets != arrival.space) {
      arrival.space = finding.gets;  // the right thing may be done, but elsewhere
      arrival.belongs = finding.belongs;
    } else if (wrong && !about_call) {
      arrival.belongs = belongs_words(topology_, plan_, p);
    }
    finding.way.push_back(std::move(arrival));
  };
  for (const std::uint32_t p : before.value_or(std::vector<std::uint32_t>{})) {
    cross(p, false);
  }
  if (finding.unit.kind == UnitKind::kPosition) {
    cross(finding.unit.id, true);
  } else if (finding.unit.kind == UnitKind::kView) {
    const topology::View& view = topology_.views[finding.unit.id];
    const routing::ViewRoute& route = plan_.views[finding.unit.id];
    involve(view.instance);
    finding.way.push_back(
        {.verb = "kept",
         .where = name(view.instance),
         .what = "table " + plan_.tables[route.table.value].id + " as " + plan_.types[route.type.value].id,
         .space = finding.gets,
         .belongs = finding.belongs,
         .unit = finding.unit});
    for (const auto& table : {route.new_table, route.rep_table, route.drop_table}) {
      if (table && *table != route.table) {
        for (const InstanceId instance : plan_.tables[table->value].instances) {
          involve(instance);
        }
      }
    }
    for (const auto* calls : {&route.own_destructors, &route.borrow_destructors}) {
      for (const ResourceId called : *calls) {
        if (finding.code >= 43 && finding.code <= 46 && involved.size() < kMostUsers) {
          involve(topology_.resources[called.value].definer);
        }
      }
    }
    if (const ResourceId meant = plan_.types[route.type.value].resource; meant != view.resource) {
      involve(topology_.resources[meant.value].definer);
    }
  } else if (finding.unit.kind == UnitKind::kTable) {
    std::vector<Unit> tables{finding.unit};
    tables.insert(tables.end(), finding.others.begin(), finding.others.end());
    for (std::uint32_t v = 0; v < topology_.views.size() && involved.size() < kMostUsers; ++v) {
      const Unit table{UnitKind::kTable, plan_.views[v].table.value};
      if (std::find(tables.begin(), tables.end(), table) != tables.end()) {
        involve(topology_.views[v].instance);
      }
    }
  }
  if (!finding.way.empty()) {
    const std::string& where = finding.way.back().where;
    finding.way.push_back(
        {.verb = "harm",
         .where = finding.unit.kind == UnitKind::kPosition
                      ? name(topology_.views[topology_.positions[finding.unit.id].receiver.value].instance)
                      : where,
         .what = symptom_of(topology_, plan_, finding),
         .space = {},
         .belongs = {}});
  }
  std::sort(involved.begin(), involved.end());
  finding.involved = std::move(involved);
}

}  // namespace meld_verify::check
