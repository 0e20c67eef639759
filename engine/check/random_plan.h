#pragma once

// Tests only: random topologies that make sense (senders and receivers know what crosses), and plans that are
// right but for some random mutations.

#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/routing/sample_topology.h"
#include "engine/topology/topology.h"

namespace meld_verify::check {

/// All numbers below the bound alike, also in the first cases.
inline std::uint32_t below(std::size_t bound) {
  return *rc::gen::resize(rc::kNominalSize,
                          rc::gen::inRange(std::uint32_t{0}, static_cast<std::uint32_t>(bound)));
}
inline bool one_in(std::uint32_t count) {
  return below(count) == 0;
}

/// Two to four instances with code, one to three resource types, some of the host, some known under two
/// names, some known to the host; up to eight calls.
inline topology::Topology random_topology() {
  using topology::HandleKind;
  using topology::InstanceId;
  using topology::kHost;
  routing::TopologyBuilder make;
  std::vector<InstanceId> instances{kHost};
  const std::uint32_t count = 2 + below(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    instances.push_back(make.instance(one_in(4) ? "twin" : "i" + std::to_string(i)));
  }
  struct Known {
    std::uint32_t resource;
    std::vector<std::vector<topology::ViewId>> views;  // by place in `instances`
  };
  std::vector<Known> known;
  const std::uint32_t resources = 1 + below(3);
  for (std::uint32_t r = 0; r < resources; ++r) {
    const std::uint32_t definer = one_in(4) ? 0 : 1 + below(count);
    const std::string interface_name = one_in(2) ? "a:b/c" : "a:b/d@1.0.0";
    const std::string name = one_in(3) ? "bigthing" : "thing";
    const auto resource = make.resource(instances[definer], interface_name, name, !one_in(4));
    Known knows{r, std::vector<std::vector<topology::ViewId>>(instances.size())};
    for (std::uint32_t i = 0; i < instances.size(); ++i) {
      const bool defines = i == definer;
      const std::uint32_t names = defines ? 1 + below(2) : one_in(4) ? 0 : 1 + (one_in(4) ? 1 : 0);
      for (std::uint32_t k = 0; k < (i == 0 ? std::min(names, 1u) : names); ++k) {
        const routing::Intrinsics intrinsics = i == 0    ? routing::kNoIntrinsics
                                               : defines ? routing::kOfDefiner
                                                         : routing::Intrinsics{false, false, !one_in(6)};
        knows.views[i].push_back(make.view(instances[i], resource, interface_name,
                                           name + (k == 0 ? "" : "-too"), k == 0 && defines, intrinsics));
      }
    }
    known.push_back(std::move(knows));
  }
  const std::uint32_t boundaries = 2 + below(7);
  for (std::uint32_t b = 0; b < boundaries; ++b) {
    const std::uint32_t caller = below(instances.size());
    const std::uint32_t callee = below(instances.size());
    if (caller == callee) {
      continue;
    }
    make.boundary(instances[caller], instances[callee], "a:b/c", "f" + std::to_string(b));
    for (std::uint32_t k = 1 + below(3); k > 0; --k) {
      const Known& what = known[below(known.size())];
      if (what.views[caller].empty() || what.views[callee].empty()) {
        continue;
      }
      const auto from = what.views[caller][below(what.views[caller].size())];
      const auto to = what.views[callee][below(what.views[callee].size())];
      if (one_in(3)) {
        make.position(routing::flat_layout("result/" + std::to_string(k), 0), to, from, HandleKind::kOwn);
      } else {
        make.position(routing::flat_layout("params/p" + std::to_string(k), k), from, to,
                      one_in(2) ? HandleKind::kOwn : HandleKind::kBorrow);
      }
    }
  }
  topology::Topology topology = std::move(make).build();
  for (topology::Instance& instance : topology.instances) {
    instance.reachable = !one_in(8);
  }
  for (topology::View& view : topology.views) {
    view.reachable = topology.instances[view.instance.value].reachable;
  }
  for (topology::Boundary& boundary : topology.boundaries) {
    boundary.reachable = topology.instances[boundary.caller.value].reachable;
  }
  return topology;
}

/// Changes something, often so that the plan is wrong.
inline void mutate(const topology::Topology& topology, routing::Plan& plan) {
  using routing::StepOp;
  using routing::TableId;
  using routing::TypeKeyId;
  const auto any_table = [&] { return TableId{below(plan.tables.size())}; };
  const auto any_type = [&] { return TypeKeyId{below(plan.types.size())}; };
  const auto any_destructors = [&] {
    std::vector<topology::ResourceId> list;
    for (std::uint32_t i = below(3); i > 0; --i) {
      list.push_back(topology::ResourceId{below(topology.resources.size())});
    }
    return list;
  };
  const std::uint32_t choice = below(12);
  if (choice < 5 && !plan.positions.empty()) {
    routing::PositionRoute& route = plan.positions[below(plan.positions.size())];
    const std::uint32_t at = below(std::max<std::uint32_t>(route.count, 1));
    switch (below(6)) {
      case 0:
        if (route.count > 0) {
          std::move(route.steps.begin() + at + 1, route.steps.begin() + route.count,
                    route.steps.begin() + at);
          --route.count;
        }
        return;
      case 1:
        if (route.count > 0) {
          route.steps[at].op = static_cast<StepOp>(below(5));
        }
        return;
      case 2:
        if (route.count > 0 && route.count < routing::kMaxSteps) {
          std::move_backward(route.steps.begin() + at, route.steps.begin() + route.count,
                             route.steps.begin() + route.count + 1);
          ++route.count;
        }
        return;
      case 3:
        route.steps[at].table = any_table();
        return;
      case 4:
        route.steps[at].type = any_type();
        return;
      default:
        route.count = static_cast<std::uint8_t>(below(3));
        for (std::uint32_t i = 0; i < route.count; ++i) {
          route.steps[i] = {static_cast<StepOp>(below(5)), any_table(), any_type()};
        }
        return;
    }
  }
  std::vector<std::uint32_t> inner;  // the host's views are where they are
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    if (topology.views[v].instance != topology::kHost) {
      inner.push_back(v);
    }
  }
  if (choice < 9 && !inner.empty()) {
    routing::ViewRoute& route = plan.views[inner[below(inner.size())]];
    switch (below(5)) {
      case 0:
        route.type = any_type();
        return;
      case 1:
        route.table = any_table();
        return;
      case 2:
        for (auto* table : {&route.new_table, &route.rep_table, &route.drop_table}) {
          if (*table && one_in(2)) {
            *table = any_table();
          }
        }
        return;
      case 3:
        if (route.drop_table) {
          (one_in(3) ? route.borrow_destructors : route.own_destructors) = any_destructors();
        }
        return;
      default: {
        // One table for two instances, followed everywhere.
        const TableId old = route.table, shared = any_table();
        if (old == routing::kCanonicalTable || shared == routing::kCanonicalTable) {
          return;
        }
        for (routing::ViewRoute& view : plan.views) {
          for (auto* table : {&view.new_table, &view.rep_table, &view.drop_table}) {
            if (*table == old) {
              *table = shared;
            }
          }
          view.table = view.table == old ? shared : view.table;
        }
        for (routing::PositionRoute& position : plan.positions) {
          for (routing::Step& step : position.steps) {
            step.table = step.table == old ? shared : step.table;
          }
        }
        for (const TypeKeyId type : plan.tables[old.value].types) {
          auto& types = plan.tables[shared.value].types;
          if (std::find(types.begin(), types.end(), type) == types.end()) {
            types.push_back(type);
          }
        }
        return;
      }
    }
  }
  routing::Table& table = plan.tables[below(plan.tables.size())];
  switch (below(8)) {
    case 0:
      if (!table.types.empty()) {
        table.types.pop_back();
      }
      return;
    case 1:
      table.symbol = "$ht";
      return;
    case 2:
      table.overflow = routing::Overflow::kUnchecked;
      return;
    case 3:
      table.reuse = routing::Reuse::kNever;
      return;
    case 4:
      (one_in(2) ? table.checks.type : one_in(2) ? table.checks.live : table.checks.lent) = false;
      return;
    case 5:
      if (!plan.boundaries.empty()) {
        auto& boundary = plan.boundaries[below(plan.boundaries.size())];
        (one_in(2) ? boundary.checks_may_leave : boundary.checks_borrows_remain) = false;
      }
      return;
    case 6:
      plan.types[below(plan.types.size())].definer = topology::InstanceId{below(topology.instances.size())};
      return;
    default:
      if (!plan.positions.empty()) {
        const std::uint32_t p = below(plan.positions.size());
        topology::Layout layout = topology.layouts[topology.positions[p].layout.value];
        layout.caller.slot += 1 + below(4);
        plan.layouts.push_back(std::move(layout));
        plan.positions[p].layout_override = static_cast<std::uint32_t>(plan.layouts.size());
      }
  }
}

}  // namespace meld_verify::check
