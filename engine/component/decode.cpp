#include "engine/component/decode.h"

#include "engine/component/evaluate.h"
#include "engine/component/index_check.h"
#include "engine/component/parse.h"

namespace meld_verify::component {

namespace {

wasm::Expected<Composition> decode(std::span<const std::uint8_t> bytes, std::string_view file, World* world) {
  Budget budget(bytes.size());
  auto parsed = parse(bytes, file, budget);
  if (!parsed) {
    return tl::unexpected(std::move(parsed.error()));
  }
  if (auto wrong = check_indices(*parsed, file)) {
    return tl::unexpected(std::move(*wrong));
  }
  return evaluate(std::move(*parsed), file, budget, world);
}

}  // namespace

wasm::Expected<Composition> decode(std::span<const std::uint8_t> bytes, std::string_view file) {
  return decode(bytes, file, nullptr);
}

wasm::Expected<Decoded> decode_with_world(std::span<const std::uint8_t> bytes, std::string_view file) {
  World world;
  auto composition = decode(bytes, file, &world);
  if (!composition) {
    return tl::unexpected(std::move(composition.error()));
  }
  return Decoded{std::move(*composition), std::move(world)};
}

}  // namespace meld_verify::component
