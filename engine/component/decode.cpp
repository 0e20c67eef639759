#include "engine/component/decode.h"

#include "engine/component/evaluate.h"
#include "engine/component/index_check.h"
#include "engine/component/parse.h"

namespace meld_verify::component {

wasm::Expected<Composition> decode(std::span<const std::uint8_t> bytes, std::string_view file) {
  Budget budget(bytes.size());
  auto parsed = parse(bytes, file, budget);
  if (!parsed) {
    return tl::unexpected(std::move(parsed.error()));
  }
  if (auto wrong = check_indices(*parsed, file)) {
    return tl::unexpected(std::move(*wrong));
  }
  return evaluate(std::move(*parsed), file, budget);
}

}  // namespace meld_verify::component
