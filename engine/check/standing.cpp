#include "engine/check/standing.h"

namespace meld_verify::check {

bool refutes(Harm harm, Profile profile) {
  switch (harm) {
    case Harm::kEscape:
    case Harm::kOwner:
    case Harm::kExhaustion:
      return true;
    case Harm::kGuard:
    case Harm::kIsolation:
      return profile == Profile::kStrict;
  }
  return true;
}

bool told_before(const Finding& left, const Finding& right) {
  if (left.refutes != right.refutes) {
    return left.refutes;
  }
  if (left.reachable != right.reachable) {
    return left.reachable;
  }
  if (left.harm != right.harm) {
    return left.harm < right.harm;
  }
  return left.code != right.code && explains_first(left.code, right.code);
}

Reach::Reach(const topology::Topology& topology, const routing::Plan& plan)
    : topology_(topology), tables_(plan.tables.size(), false), keys_(plan.types.size(), false) {
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    if (topology.views[v].reachable) {
      const routing::ViewRoute& route = plan.views[v];
      keys_[route.type.value] = true;
      tables_[route.table.value] = true;
      for (const auto& table : {route.new_table, route.rep_table, route.drop_table}) {
        if (table) {
          tables_[table->value] = true;
        }
      }
    }
  }
  for (std::uint32_t p = 0; p < topology.positions.size(); ++p) {
    if (topology.boundaries[topology.positions[p].boundary.value].reachable) {
      const routing::PositionRoute& route = plan.positions[p];
      for (std::uint8_t step = 0; step < route.count; ++step) {
        tables_[route.steps[step].table.value] = true;
      }
    }
  }
}

bool Reach::operator()(const Unit& unit) const {
  switch (unit.kind) {
    case UnitKind::kPosition:
      return topology_.positions[unit.id].reachable &&
             topology_.boundaries[topology_.positions[unit.id].boundary.value].reachable;
    case UnitKind::kView:
      return topology_.views[unit.id].reachable;
    case UnitKind::kTable:
      return tables_[unit.id];
    case UnitKind::kKey:
      return keys_[unit.id];
  }
  return true;
}

}  // namespace meld_verify::check
