#pragma once

// Unicode as the Canonical ABI needs it: UTF-8 is what values hold; UTF-16 and Latin-1 are spellings in
// memory.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meld_verify::spec {

/// Up to 0x10ffff and no surrogate: what a `char` may be.
[[nodiscard]] constexpr bool is_scalar_value(std::uint32_t point) {
  return point < 0x110000 && (point < 0xd800 || point > 0xdfff);
}

/// Well formed: shortest forms of scalar values only.
[[nodiscard]] bool is_utf8(std::string_view text);

/// Little-endian UTF-16 to UTF-8; nullopt where a surrogate stands alone. `bytes` has an even size.
[[nodiscard]] std::optional<std::string> utf8_of_utf16(std::span<const std::byte> bytes);

/// Latin-1 to UTF-8.
[[nodiscard]] std::string utf8_of_latin1(std::span<const std::byte> bytes);

/// The code points of well-formed UTF-8.
[[nodiscard]] std::u32string code_points(std::string_view utf8);

/// Little-endian UTF-16.
[[nodiscard]] std::vector<std::byte> utf16_of(const std::u32string& points);

/// Whether Latin-1 can spell it.
[[nodiscard]] bool fits_latin1(const std::u32string& points);

/// Latin-1, one byte for each code point; requires `fits_latin1`.
[[nodiscard]] std::vector<std::byte> latin1_of(const std::u32string& points);

}  // namespace meld_verify::spec
