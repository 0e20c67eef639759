#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/component/syntax.h"

namespace meld_verify::component {

/// Nested components, and component and instance types inside each other, go this deep.
inline constexpr unsigned kMostNesting = 100;
/// All definitions and declarations of a file, and all that the evaluation makes of them.
inline constexpr std::uint32_t kMostItems = 200'000;

/// Reads a component binary as written. The result holds views of `bytes`.
[[nodiscard]] wasm::Expected<syntax::File> parse(std::span<const std::uint8_t> bytes, std::string_view file);

}  // namespace meld_verify::component
