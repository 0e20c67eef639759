#include "engine/component/decode.h"
#include "engine/lift/bound_functions.h"
#include "engine/lift/lift.h"

namespace meld_verify::lift {
namespace {

/// The byte after the version tells a component from a core module (Binary.md: layer 1).
bool is_component(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 8 && bytes[6] == 1;
}

}  // namespace

wasm::Expected<std::unique_ptr<Pair>> read_pair(std::span<const std::uint8_t> composed,
                                                std::string_view composed_file,
                                                std::span<const std::uint8_t> fused,
                                                std::string_view fused_file) {
  auto pair = std::make_unique<Pair>();
  auto composition = component::decode(composed, composed_file);
  if (!composition) {
    return tl::unexpected(composition.error());
  }
  pair->composed = std::move(*composition);
  auto composed_image = link(pair->composed, composed, composed_file);
  if (!composed_image) {
    return tl::unexpected(composed_image.error());
  }
  pair->composed_image = std::move(*composed_image);
  if (is_component(fused)) {
    auto fused_composition = component::decode(fused, fused_file);
    if (!fused_composition) {
      return tl::unexpected(fused_composition.error());
    }
    pair->fused = std::move(*fused_composition);
  }
  auto fused_image = pair->fused ? link(*pair->fused, fused, fused_file) : link_module(fused, fused_file);
  if (!fused_image) {
    return tl::unexpected(fused_image.error());
  }
  pair->fused_image = std::move(*fused_image);
  auto alignment = align(pair->composed, pair->composed_image, pair->fused_image);
  if (!alignment) {
    return tl::unexpected(alignment.error());
  }
  pair->alignment = std::move(*alignment);
  bind_functions(pair->fused_image, pair->alignment);
  return pair;
}

}  // namespace meld_verify::lift
