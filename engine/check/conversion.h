#pragma once

// The conversion that a position needs, in the tables and types that a plan gives to its views.

#include <optional>

#include "engine/routing/plan.h"

namespace meld_verify::check {

/// The shortest right conversion between two views that are routed as `from` and `to`. None: no conversion is
/// known to be right (a host's handles that one side keeps in the canonical table: nobody inside reads or
/// makes entries there).
[[nodiscard]] std::optional<routing::PositionRoute> right_conversion(const topology::Topology& topology,
                                                                     const topology::Position& position,
                                                                     const routing::ViewRoute& from,
                                                                     const routing::ViewRoute& to);

}  // namespace meld_verify::check
