#pragma once

// A world as text: two components have the same world if their texts are equal.

#include <optional>
#include <string>

#include "engine/component/world.h"

namespace meld_verify::component {

/// One line for each import and export and for each item of an instance. A type in a signature goes by the
/// name that it has in its own interface, else in another one of the world ("thing of interface"), else it is
/// written out once and goes by a number after that; so does a resource type without a name. Nothing where
/// that would take too long.
[[nodiscard]] std::optional<std::string> world_text(const World& world);

}  // namespace meld_verify::component
