#include "engine/component/decode.h"

#include "engine/component/evaluate.h"
#include "engine/component/parse.h"

namespace meld_verify::component {

wasm::Expected<Composition> decode(std::span<const std::uint8_t> bytes, std::string_view file) {
  return parse(bytes, file).and_then([&](const syntax::File& parsed) { return evaluate(parsed, file); });
}

}  // namespace meld_verify::component
