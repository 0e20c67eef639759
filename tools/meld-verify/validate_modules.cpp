#include "tools/meld-verify/validate_modules.h"

#include <fmt/format.h>

#include "engine/wasm/validate.h"

namespace meld_verify::tool {

namespace {

/// Adds to `limits` what wabt cannot read.
wasm::Expected<bool> validate(std::span<const std::uint8_t> module, wasm::ByteOffset begin,
                              const std::string& file, std::vector<std::string>& limits) {
  const wasm::Validation said = wasm::validate_module(module, begin);
  const auto about = [&](std::string sentence) {
    wasm::Diagnostic diagnostic;
    diagnostic.code = "invalid-module";
    diagnostic.place.file = file;
    diagnostic.place.offset = said.offset;
    diagnostic.place.within = "core module";
    diagnostic.sentence = std::move(sentence);
    return diagnostic;
  };
  switch (said.validity) {
    case wasm::Validity::kValid:
      break;
    case wasm::Validity::kInvalid:
      return tl::unexpected(about("not valid: " + said.sentence));
    case wasm::Validity::kLimit:
      limits.push_back(wasm::to_string(about(
          fmt::format("limit: not validated, as wabt does not read {} ({})", said.feature, said.sentence))));
      break;
  }
  return true;
}

}  // namespace

wasm::Expected<std::vector<std::string>> validate_modules(const component::Composition& composition,
                                                          std::span<const std::uint8_t> bytes,
                                                          const std::string& file) {
  std::vector<std::string> limits;
  for (const component::CoreModule& module : composition.modules) {
    const auto valid = validate(bytes.subspan(module.begin.value, module.end.value - module.begin.value),
                                module.begin, file, limits);
    if (!valid) {
      return tl::unexpected(valid.error());
    }
  }
  return limits;
}

wasm::Expected<std::vector<std::string>> validate_module(std::span<const std::uint8_t> bytes,
                                                         const std::string& file) {
  std::vector<std::string> limits;
  return validate(bytes, wasm::ByteOffset{0}, file, limits).map([&](bool) { return std::move(limits); });
}

}  // namespace meld_verify::tool
