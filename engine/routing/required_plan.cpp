#include <algorithm>
#include <utility>
#include <vector>

#include "engine/routing/implied_views.h"
#include "engine/routing/plan.h"
#include "engine/routing/unique_ids.h"

namespace meld_verify::routing {
namespace {

using topology::HandleKind;
using topology::kHost;
using topology::Topology;
using topology::View;

/// The key of a resource type in the required plan has the type's own number.
TypeKeyId key_of(ResourceId resource) {
  return TypeKeyId{resource.value};
}

void make_types(const Topology& topology, Plan& plan) {
  UniqueIds ids;
  ids.reserve(topology.resources.size());
  plan.types.reserve(topology.resources.size());
  for (std::uint32_t i = 0; i < topology.resources.size(); ++i) {
    const ResourceId resource{i};
    plan.types.push_back({.id = type_key_id(topology, resource, ids),
                          .resource = resource,
                          .definer = topology.resources[i].definer});
  }
}

/// Makes the tables, and gives the one of each instance (the canonical one for who has none).
std::vector<TableId> make_tables(const Topology& topology, Plan& plan) {
  std::vector<bool> has_view(topology.instances.size(), false);
  for (const View& view : topology.views) {
    has_view[view.instance.value] = true;
  }
  plan.tables.push_back({.id = std::string(kCanonicalTableName),
                         .symbol = {},
                         .instances = {kHost},
                         .types = {},
                         .storage = Storage::kCanonical,
                         .memory_of = {},
                         .reuse = Reuse::kLifo,
                         .capacity = {},
                         .overflow = Overflow::kTrap,
                         .checks = {}});
  UniqueIds ids;
  ids.reserve(topology.instances.size());
  ids.take(plan.tables[0].id);
  std::vector<TableId> table_of(topology.instances.size(), kCanonicalTable);
  for (std::uint32_t i = kHost.value + 1; i < topology.instances.size(); ++i) {
    if (!has_view[i]) {
      continue;
    }
    table_of[i] = TableId{plan.tables.size()};
    Table& table = plan.tables.emplace_back();
    table.id = table_id(topology, InstanceId{i}, ids);
    table.instances = {InstanceId{i}};
  }
  for (const View& view : topology.views) {
    plan.tables[table_of[view.instance.value].value].types.push_back(key_of(view.resource));
  }
  for (Table& table : plan.tables) {
    std::sort(table.types.begin(), table.types.end());
    table.types.erase(std::unique(table.types.begin(), table.types.end()), table.types.end());
  }
  return table_of;
}

ViewRoute route_view(const Topology& topology, const View& view, TableId table) {
  ViewRoute route;
  route.type = key_of(view.resource);
  route.table = table;
  imply_intrinsics(route, view, topology);
  return route;
}

/// The conversion of semantics.md 1.3, with the outer boundary of 1.6: the value leaves the sender's table
/// and enters the receiver's, but where it is the rep itself. The definer gets a rep for a borrow; the host
/// gives one for a borrow of a guest's type; and of its own types it only ever has tokens, which stand for
/// reps.
PositionRoute route_position(const Topology& topology, const topology::Position& position,
                             const std::vector<TableId>& table_of) {
  const View& sender = topology.views[position.sender.value];
  const View& receiver = topology.views[position.receiver.value];
  const InstanceId definer = topology.resources[receiver.resource.value].definer;
  const bool borrow = position.kind == HandleKind::kBorrow;
  const bool starts_as_rep = sender.instance == kHost && (borrow || definer == kHost);
  const bool ends_as_rep = receiver.instance == definer && (borrow || definer == kHost);

  PositionRoute route;
  if (!starts_as_rep) {
    route.steps[route.count++] = {
        .op = borrow ? StepOp::kLend : StepOp::kTake, .table = table_of[sender.instance.value], .type = {}};
  }
  if (!ends_as_rep) {
    route.steps[route.count++] = {.op = borrow ? StepOp::kBorrow : StepOp::kNew,
                                  .table = table_of[receiver.instance.value],
                                  .type = key_of(receiver.resource)};
  }
  return route;
}

}  // namespace

Plan required_plan(const Topology& topology) {
  Plan plan;
  plan.generator = "meld-verify";
  make_types(topology, plan);
  const std::vector<TableId> table_of = make_tables(topology, plan);
  plan.views.reserve(topology.views.size());
  for (const View& view : topology.views) {
    plan.views.push_back(route_view(topology, view, table_of[view.instance.value]));
  }
  plan.boundaries.resize(topology.boundaries.size());
  plan.positions.reserve(topology.positions.size());
  for (const topology::Position& position : topology.positions) {
    plan.positions.push_back(route_position(topology, position, table_of));
  }
  return plan;
}

}  // namespace meld_verify::routing
