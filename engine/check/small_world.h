#pragma once

// Tests only: a world of three instances, small enough to say by hand what must happen in it.

#include <algorithm>
#include <string>

#include "engine/check/check.h"

namespace meld_verify::check {

/// Instances host 0, root 1, x 2, y 3, z 4. `add_resource` makes a type; `add_view` a view; `add_position` a
/// boundary with one position.
struct SmallWorld {
  topology::Topology topology;
  routing::Plan plan;

  SmallWorld() {
    topology.names = {"", "host", "root", "x", "y", "z", "thing", "f"};
    for (std::uint32_t i = 0; i < 5; ++i) {
      topology.instances.push_back({.name = topology::NameId{i + 1},
                                    .definition = topology::DefinitionId{i},
                                    .parent = {},
                                    .has_core = true,
                                    .reachable = true});
    }
    topology.layouts.push_back({.path = "params/it", .caller = {}, .callee = {}, .guards = {}});
    add_table("canonical");
    plan.tables[0].storage = routing::Storage::kCanonical;
  }

  topology::ResourceId add_resource(std::uint32_t definer, bool destructor = true) {
    topology.resources.push_back({.name = topology::NameId{std::uint32_t{6}},
                                  .interface_name = {},
                                  .definer = topology::InstanceId{definer},
                                  .definition = topology::DefinitionId{definer},
                                  .definition_index = static_cast<std::uint32_t>(topology.resources.size()),
                                  .has_destructor = destructor});
    plan.types.push_back({.id = "type" + std::to_string(plan.types.size()),
                          .resource = topology::ResourceId{topology.resources.size() - 1},
                          .definer = topology::InstanceId{definer}});
    return topology::ResourceId{topology.resources.size() - 1};
  }

  routing::TableId add_table(const std::string& id) {
    plan.tables.emplace_back().id = id;
    return routing::TableId{plan.tables.size() - 1};
  }

  topology::ViewId add_view(std::uint32_t instance, topology::ResourceId resource, routing::TableId table) {
    topology.views.push_back({.instance = topology::InstanceId{instance},
                              .resource = resource,
                              .interface_name = {},
                              .name = topology::NameId{std::uint32_t{6}},
                              .reachable = true});
    routing::ViewRoute route;
    route.type = routing::TypeKeyId{resource.value};
    route.table = table;
    plan.views.push_back(route);
    auto& held = plan.tables[table.value].types;
    if (std::find(held.begin(), held.end(), route.type) == held.end()) {
      held.push_back(route.type);
    }
    return topology::ViewId{topology.views.size() - 1};
  }

  std::uint32_t add_position(topology::ViewId sender, topology::ViewId receiver, topology::HandleKind kind,
                             const std::vector<routing::Step>& steps) {
    const topology::BoundaryId boundary{topology.boundaries.size()};
    topology.boundaries.push_back({.caller = topology.views[sender.value].instance,
                                   .callee = topology.views[receiver.value].instance,
                                   .interface_name = {},
                                   .function = topology::NameId{std::uint32_t{7}},
                                   .first_position = static_cast<std::uint32_t>(topology.positions.size()),
                                   .position_count = 1,
                                   .lower = {},
                                   .lift = {},
                                   .reachable = true});
    topology.positions.push_back(
        {.boundary = boundary, .layout = {}, .sender = sender, .receiver = receiver, .kind = kind});
    plan.boundaries.emplace_back();
    routing::PositionRoute route;
    for (const routing::Step& step : steps) {
      route.steps[route.count++] = step;
    }
    plan.positions.push_back(route);
    return static_cast<std::uint32_t>(topology.positions.size() - 1);
  }
};

}  // namespace meld_verify::check
