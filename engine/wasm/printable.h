#pragma once

#include <string>
#include <string_view>

namespace meld_verify::wasm {

/// A name from a file as it may be shown: what would break the line, speak to the terminal or change the
/// direction of writing is `\xNN`, byte by byte. Everything else is as it was.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace meld_verify::wasm
