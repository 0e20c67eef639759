#pragma once

// For tests of this room: topologies put together by hand, and where the files of spec/ are.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/topology/topology.h"

namespace meld_verify::routing {

/// Lets the tests find the source tree's spec folder in whatever folder they are run.
class SpecOfSourceTree : public ::testing::Environment {
 public:
  void SetUp() override { setenv("MELD_VERIFY_SPEC", MELD_VERIFY_SOURCE_DIR "/spec", 1); }
};

inline ::testing::Environment* const kSpecOfSourceTree =
    ::testing::AddGlobalTestEnvironment(new SpecOfSourceTree);

/// Which intrinsics a view has.
struct Intrinsics {
  bool make = false, rep = false, drop = false;
};
inline constexpr Intrinsics kOfDefiner{true, true, true};
inline constexpr Intrinsics kDropOnly{false, false, true};
inline constexpr Intrinsics kNoIntrinsics{};

/// Starts with the host and the root, which is called "app".
class TopologyBuilder {
 public:
  TopologyBuilder() {
    topology_.names.emplace_back();
    instance("host");
    instance("app");
  }

  topology::InstanceId instance(std::string_view name) {
    topology_.instances.push_back(
        {.name = intern(name), .definition = {}, .parent = {}, .has_core = true, .reachable = true});
    return topology::InstanceId{topology_.instances.size() - 1};
  }

  topology::ResourceId resource(topology::InstanceId definer, std::string_view interface_name,
                                std::string_view name, bool has_destructor) {
    topology_.resources.push_back({.name = intern(name),
                                   .interface_name = intern(interface_name),
                                   .definer = definer,
                                   .definition = {},
                                   .definition_index = 0,
                                   .has_destructor = has_destructor});
    return topology::ResourceId{topology_.resources.size() - 1};
  }

  topology::ViewId view(topology::InstanceId instance, topology::ResourceId resource,
                        std::string_view interface_name, std::string_view name, bool exported,
                        Intrinsics intrinsics) {
    topology_.views.push_back({.instance = instance,
                               .resource = resource,
                               .interface_name = intern(interface_name),
                               .name = intern(name),
                               .exported = exported,
                               .has_new = intrinsics.make,
                               .has_rep = intrinsics.rep,
                               .has_drop = intrinsics.drop,
                               .reachable = true});
    return topology::ViewId{topology_.views.size() - 1};
  }

  topology::BoundaryId boundary(topology::InstanceId caller, topology::InstanceId callee,
                                std::string_view interface_name, std::string_view function) {
    topology_.boundaries.push_back({.caller = caller,
                                    .callee = callee,
                                    .interface_name = intern(interface_name),
                                    .function = intern(function),
                                    .first_position = static_cast<std::uint32_t>(topology_.positions.size()),
                                    .position_count = 0,
                                    .lower = {},
                                    .lift = {},
                                    .reachable = true});
    return topology::BoundaryId{topology_.boundaries.size() - 1};
  }

  /// Of the last boundary.
  void position(topology::Layout layout, topology::ViewId sender, topology::ViewId receiver,
                topology::HandleKind kind) {
    const bool result = layout.path.starts_with("result");
    topology_.layouts.push_back(std::move(layout));
    topology_.positions.push_back({.boundary = topology::BoundaryId{topology_.boundaries.size() - 1},
                                   .layout = topology::LayoutId{topology_.layouts.size() - 1},
                                   .sender = sender,
                                   .receiver = receiver,
                                   .kind = kind,
                                   .result = result,
                                   .alias_depth = 0});
    ++topology_.boundaries.back().position_count;
  }

  [[nodiscard]] topology::Topology build() && { return std::move(topology_); }

 private:
  topology::NameId intern(std::string_view name) {
    const auto place = std::find(topology_.names.begin(), topology_.names.end(), name);
    if (place == topology_.names.end()) {
      topology_.names.emplace_back(name);
      return topology::NameId{topology_.names.size() - 1};
    }
    return topology::NameId{static_cast<std::size_t>(place - topology_.names.begin())};
  }

  topology::Topology topology_;
};

/// A handle in one flat slot on both sides.
[[nodiscard]] inline topology::Layout flat_layout(std::string path, std::uint32_t slot) {
  topology::Layout layout;
  layout.path = std::move(path);
  layout.caller.slot = slot;
  layout.callee.slot = slot;
  return layout;
}

/// "leaf" (2) defines "thing" (0), "mid" (3) uses it under two names and a "pollable" (1) of the host:
/// views    0 leaf thing, 1 mid thing, 2 mid item (thing again), 3 host pollable, 4 mid pollable, 5 host
/// thing calls    0 mid to leaf [constructor]thing, 1 mid to leaf use, 2 host to mid run, 3 mid to leaf ping
[[nodiscard]] inline topology::Topology sample_topology() {
  using topology::HandleKind;
  using topology::kHost;
  TopologyBuilder make;
  const auto leaf = make.instance("leaf");
  const auto mid = make.instance("mid");
  const auto thing = make.resource(leaf, "a:b/c", "thing", true);
  const auto pollable = make.resource(kHost, "wasi:io/poll", "pollable", false);
  const auto leaf_thing = make.view(leaf, thing, "a:b/c", "thing", true, kOfDefiner);
  const auto mid_thing = make.view(mid, thing, "a:b/c", "thing", false, kDropOnly);
  make.view(mid, thing, "a:b/d", "item", true, kDropOnly);
  const auto host_pollable = make.view(kHost, pollable, "wasi:io/poll", "pollable", true, kNoIntrinsics);
  const auto mid_pollable = make.view(mid, pollable, "wasi:io/poll", "pollable", false, kDropOnly);
  const auto host_thing = make.view(kHost, thing, "a:b/d", "item", false, kNoIntrinsics);

  make.boundary(mid, leaf, "a:b/c", "[constructor]thing");
  make.position(flat_layout("result", 0), leaf_thing, mid_thing, HandleKind::kOwn);

  make.boundary(mid, leaf, "a:b/c", "use");
  make.position(flat_layout("params/self", 0), mid_thing, leaf_thing, HandleKind::kBorrow);
  topology::Layout element;
  element.path = "params/l/[]/some";
  element.caller = {.root = topology::Root::kFlat,
                    .slot = 1,
                    .slot_type = topology::SlotType::kI32,
                    .lists = {{.offset = 0, .stride = 8}},
                    .offset = 4};
  element.callee = element.caller;
  topology::Location discriminant = element.caller;
  discriminant.offset = 0;
  element.guards = {
      {.caller = discriminant, .callee = discriminant, .width = 1, .case_index = 1, .case_label = "some"}};
  element.in_variant = true;
  element.in_list = true;
  make.position(std::move(element), mid_thing, leaf_thing, HandleKind::kOwn);

  make.boundary(kHost, mid, "", "run");
  make.position(flat_layout("params/p", 0), host_pollable, mid_pollable, HandleKind::kOwn);
  topology::Layout outcome;
  outcome.path = "result/0";
  outcome.caller = {.root = topology::Root::kResultArea,
                    .slot = 0,
                    .slot_type = topology::SlotType::kI32,
                    .lists = {},
                    .offset = 8};
  outcome.callee = outcome.caller;
  outcome.in_aggregate = true;
  make.position(std::move(outcome), mid_thing, host_thing, HandleKind::kOwn);

  make.boundary(mid, leaf, "a:b/c", "ping");
  return std::move(make).build();
}

}  // namespace meld_verify::routing
