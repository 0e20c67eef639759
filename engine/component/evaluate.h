#pragma once

#include <string_view>

#include "engine/component/budget.h"
#include "engine/component/syntax.h"
#include "engine/component/world.h"

namespace meld_verify::component {

/// Instances instantiate each other this deep.
inline constexpr unsigned kMostInstanceDepth = 200;

/// Evaluates a file: instantiates its root with everything that it imports given by the host. `file` has
/// passed `check_indices`. What is evaluated is counted anew for each instance; more than `budget` allows is
/// "too-large" (`kUnsupported`). `world`, if given, is set to the root's world.
[[nodiscard]] wasm::Expected<Composition> evaluate(syntax::File file, std::string_view name, Budget& budget,
                                                   World* world = nullptr);

}  // namespace meld_verify::component
