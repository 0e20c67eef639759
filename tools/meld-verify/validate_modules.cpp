#include "tools/meld-verify/validate_modules.h"

#include <fmt/format.h>

#include "engine/wasm/validate.h"

namespace meld_verify::tool {

wasm::Expected<std::vector<std::string>> validate_modules(const component::Composition& composition,
                                                          std::span<const std::uint8_t> bytes,
                                                          const std::string& file) {
  std::vector<std::string> limits;
  for (const component::CoreModule& module : composition.modules) {
    const wasm::Validation said = wasm::validate_module(
        bytes.subspan(module.begin.value, module.end.value - module.begin.value), module.begin);
    wasm::Diagnostic diagnostic{
        .kind = wasm::DiagnosticKind::kBadInput,
        .code = "invalid-module",
        .place = {.file = file, .offset = said.offset, .within = "core module", .pointer = {}},
        .sentence = "not valid: " + said.sentence};
    switch (said.validity) {
      case wasm::Validity::kValid:
        break;
      case wasm::Validity::kInvalid:
        return tl::unexpected(std::move(diagnostic));
      case wasm::Validity::kLimit:
        diagnostic.sentence =
            fmt::format("limit: not validated, as wabt does not read {} ({})", said.feature, said.sentence);
        limits.push_back(wasm::to_string(diagnostic));
        break;
    }
  }
  return limits;
}

}  // namespace meld_verify::tool
