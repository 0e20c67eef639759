#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/component/composition.h"

namespace meld_verify::tool {

/// Runs wabt's validator over each core module of `composition`, which was decoded from `bytes`. A module
/// that is wrong is an error; one that wabt cannot read gives a line that says where and for which feature.
[[nodiscard]] wasm::Expected<std::vector<std::string>> validate_modules(
    const component::Composition& composition, std::span<const std::uint8_t> bytes, const std::string& file);

/// The same of a core module that stands alone.
[[nodiscard]] wasm::Expected<std::vector<std::string>> validate_module(std::span<const std::uint8_t> bytes,
                                                                       const std::string& file);

}  // namespace meld_verify::tool
