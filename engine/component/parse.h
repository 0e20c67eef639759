#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/component/budget.h"
#include "engine/component/syntax.h"

namespace meld_verify::component {

/// Nested components, and component and instance types inside each other, go this deep.
inline constexpr unsigned kMostNesting = 100;
/// Names of imports, exports and instances are at most so many bytes long.
inline constexpr std::size_t kLongestName = 4'000;

/// Reads a component binary as written, and spends of `budget` what that takes. The result holds views of
/// `bytes`.
[[nodiscard]] wasm::Expected<syntax::File> parse(std::span<const std::uint8_t> bytes, std::string_view file,
                                                 Budget& budget);

}  // namespace meld_verify::component
