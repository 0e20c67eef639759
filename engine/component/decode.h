#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/component/composition.h"
#include "engine/component/world.h"

namespace meld_verify::component {

/// Decodes a component binary and evaluates it to a `Composition`.
///
/// `bytes` must outlive nothing: the result holds offsets, not pointers; function bodies are not read. `file`
/// is only used in diagnostics. Errors (`kBadInput`): not a component, truncated, malformed, an index out of
/// range, a missing or mismatched instantiation argument, more than the documented limits. Legal constructs
/// that are out of scope do not fail: they are listed in `Composition::unsupported`.
[[nodiscard]] wasm::Expected<Composition> decode(std::span<const std::uint8_t> bytes, std::string_view file);

/// A component's evaluation together with its world as it is written.
struct Decoded {
  Composition composition;
  World world;
};
/// As `decode`, with the world.
[[nodiscard]] wasm::Expected<Decoded> decode_with_world(std::span<const std::uint8_t> bytes,
                                                        std::string_view file);

}  // namespace meld_verify::component
