#include "spec/text.h"

#include <algorithm>

namespace meld_verify::spec {

namespace {

std::uint32_t at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// Bytes of the sequence that `lead` begins; 0 where it begins none.
std::size_t sequence_length(std::uint32_t lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xc2 && lead < 0xe0) {
    return 2;
  }
  if (lead >= 0xe0 && lead < 0xf0) {
    return 3;
  }
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/// The code point of a sequence of `length` bytes at `i`, not yet checked for range.
std::uint32_t point_at(std::string_view text, std::size_t i, std::size_t length) {
  static constexpr std::uint32_t kLeadBits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t point = at(text, i) & kLeadBits[length];
  for (std::size_t k = 1; k < length; ++k) {
    point = point << 6 | (at(text, i + k) & 0x3f);
  }
  return point;
}

bool continues(std::string_view text, std::size_t i, std::size_t length) {
  for (std::size_t k = 1; k < length; ++k) {
    if ((at(text, i + k) & 0xc0) != 0x80) {
      return false;
    }
  }
  return true;
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
    return;
  }
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      put(0xe0 | point >> 12);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
    }
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

void append_unit(std::vector<std::byte>& bytes, std::uint32_t unit) {
  bytes.push_back(static_cast<std::byte>(unit & 0xff));
  bytes.push_back(static_cast<std::byte>(unit >> 8));
}

}  // namespace

bool is_utf8(std::string_view text) {
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(at(text, i));
    if (length == 0 || length > text.size() - i || !continues(text, i, length)) {
      return false;
    }
    const std::uint32_t point = point_at(text, i, length);
    if (point < kLeast[length] || !is_scalar_value(point)) {
      return false;
    }
    i += length;
  }
  return true;
}

std::optional<std::string> utf8_of_utf16(std::span<const std::byte> bytes) {
  const auto unit = [&](std::size_t i) {
    return std::to_integer<std::uint32_t>(bytes[2 * i]) | std::to_integer<std::uint32_t>(bytes[2 * i + 1])
                                                              << 8;
  };
  const auto is_low = [](std::uint32_t u) { return u >= 0xdc00 && u < 0xe000; };
  std::string text;
  const std::size_t units = bytes.size() / 2;
  for (std::size_t i = 0; i < units; ++i) {
    std::uint32_t point = unit(i);
    if (point >= 0xd800 && point < 0xe000) {
      if (is_low(point) || i + 1 == units || !is_low(unit(i + 1))) {
        return std::nullopt;
      }
      point = 0x10000 + ((point - 0xd800) << 10 | (unit(++i) - 0xdc00));
    }
    append_utf8(text, point);
  }
  return text;
}

std::string utf8_of_latin1(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    append_utf8(text, std::to_integer<std::uint32_t>(byte));
  }
  return text;
}

std::u32string code_points(std::string_view utf8) {
  std::u32string points;
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t length = sequence_length(at(utf8, i));
    points.push_back(point_at(utf8, i, length));
    i += length;
  }
  return points;
}

std::vector<std::byte> utf16_of(const std::u32string& points) {
  std::vector<std::byte> bytes;
  bytes.reserve(points.size() * 2);
  for (const char32_t point : points) {
    if (point < 0x10000) {
      append_unit(bytes, point);
    } else {
      append_unit(bytes, 0xd800 + ((point - 0x10000) >> 10));
      append_unit(bytes, 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  return bytes;
}

bool fits_latin1(const std::u32string& points) {
  return std::ranges::all_of(points, [](char32_t point) { return point < 0x100; });
}

std::vector<std::byte> latin1_of(const std::u32string& points) {
  std::vector<std::byte> bytes;
  bytes.reserve(points.size());
  for (const char32_t point : points) {
    bytes.push_back(static_cast<std::byte>(point));
  }
  return bytes;
}

}  // namespace meld_verify::spec
