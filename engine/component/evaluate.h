#pragma once

#include <string_view>

#include "engine/component/syntax.h"

namespace meld_verify::component {

/// A composition has at most so many component instances.
inline constexpr std::uint32_t kMostInstances = 10'000;
/// Instances instantiate each other this deep.
inline constexpr unsigned kMostInstanceDepth = 200;
/// Definitions that are evaluated, counted anew for each instance.
inline constexpr std::uint32_t kMostEvaluated = 400'000;

/// Evaluates a file: instantiates its root with everything that it imports given by the host.
[[nodiscard]] wasm::Expected<Composition> evaluate(const syntax::File& file, std::string_view name);

}  // namespace meld_verify::component
