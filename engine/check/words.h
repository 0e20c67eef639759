#pragma once

// How topologies and plans are spoken of.

#include <string>

#include "engine/check/check.h"

namespace meld_verify::check {

/// "runner → leaf", "host → leaf"
[[nodiscard]] std::string arrow(const topology::Topology& topology, const topology::Boundary& boundary);
/// "runner → leaf  test:res/api  [constructor]thing"
[[nodiscard]] std::string boundary_words(const topology::Topology& topology, std::uint32_t boundary);
/// "runner → leaf  test:res/api  [constructor]thing  result"
[[nodiscard]] std::string position_words(const topology::Topology& topology, std::uint32_t position);
/// "thing of leaf"
[[nodiscard]] std::string resource_words(const topology::Topology& topology, topology::ResourceId resource);
/// "runner's thing (test:res/api)": the view, by the name that the instance has for it
[[nodiscard]] std::string view_words(const topology::Topology& topology, std::uint32_t view);
/// "take from leaf, new in runner as leaf.thing"; "nothing" without steps
[[nodiscard]] std::string steps_words(const routing::Plan& plan, const routing::PositionRoute& route);
/// What belongs at the receiving end: "own handle in table runner", "rep of leaf's thing".
[[nodiscard]] std::string belongs_words(const topology::Topology& topology, const routing::Plan& plan,
                                        std::uint32_t position);
/// What arrives there by the plan's steps.
[[nodiscard]] std::string arrives_words(const topology::Topology& topology, const routing::Plan& plan,
                                        std::uint32_t position);
/// What the value is where it leaves.
[[nodiscard]] std::string leaves_words(const topology::Topology& topology, const routing::Plan& plan,
                                       std::uint32_t position);
/// The conversion that belongs at a position, in the plan's tables.
[[nodiscard]] std::string required_words(const topology::Topology& topology, const routing::Plan& plan,
                                         std::uint32_t position);

}  // namespace meld_verify::check
