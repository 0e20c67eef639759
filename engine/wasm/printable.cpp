#include "engine/wasm/printable.h"

#include <fmt/format.h>

#include <algorithm>

namespace meld_verify::wasm {
namespace {

/// Bytes at the start of `text` that must not be shown as they are: a control character (C0, DEL, C1), or one
/// of those that embed or override the direction of writing (U+202A to U+202E, U+2066 to U+2069).
std::size_t hidden_at(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  if (at(0) < 0x20 || at(0) == 0x7f) {
    return 1;
  }
  if (at(0) == 0xc2 && at(1) >= 0x80 && at(1) <= 0x9f) {
    return 2;
  }
  const bool override_mark = at(1) == 0x80 && at(2) >= 0xaa && at(2) <= 0xae;
  const bool isolate_mark = at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9;
  return at(0) == 0xe2 && (override_mark || isolate_mark) ? 3 : 0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t hidden = hidden_at(text);
    for (std::size_t i = 0; i < hidden; ++i) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    }
    if (hidden == 0) {
      shown += text.front();
    }
    text.remove_prefix(std::max<std::size_t>(hidden, 1));
  }
  return shown;
}

}  // namespace meld_verify::wasm
