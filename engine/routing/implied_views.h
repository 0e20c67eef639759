#pragma once

// What the JSON form says of a view by leaving it, or a member of it, out.

#include <optional>
#include <vector>

#include "engine/routing/plan.h"

namespace meld_verify::routing {

/// The key that stands for each resource type (indexed by it) where the plan names none: the first with this
/// resource type and its true definer, else the first with this resource type, else none.
[[nodiscard]] std::vector<std::optional<TypeKeyId>> implied_keys(const std::vector<TypeKey>& types,
                                                                 const topology::Topology& topology);

/// Fills in the intrinsics that the view has: they go to its table, and the drop of an own entry calls the
/// resource type's destructor if it has one.
void imply_intrinsics(ViewRoute& route, const topology::View& view, const topology::Topology& topology);

/// The canonical table of a plan that does not list it: it holds the handles of the host and of all `views`
/// that are there.
[[nodiscard]] Table implied_canonical_table(const std::vector<ViewRoute>& views,
                                            const topology::Topology& topology);

}  // namespace meld_verify::routing
