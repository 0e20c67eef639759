#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/wasm/diagnostic.h"

namespace meld_verify::tool {

/// The bytes of a file. Errors: it cannot be opened or read, it is a directory, it is larger than 2 GiB.
[[nodiscard]] wasm::Expected<std::vector<std::uint8_t>> read_file(const std::string& path);

/// Writes a file whole. Errors: it cannot be written.
[[nodiscard]] wasm::Expected<bool> write_file(const std::string& path, const std::string& text);

}  // namespace meld_verify::tool
