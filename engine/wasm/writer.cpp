#include "engine/wasm/writer.h"

namespace meld_verify::wasm {

void Writer::append(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Writer::u64(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    byte(static_cast<std::uint8_t>(value | 0x80));
  }
  byte(static_cast<std::uint8_t>(value));
}

void Writer::s64(std::int64_t value) {
  constexpr std::int64_t kSign = 0x40;
  while (value < -kSign || value >= kSign) {
    byte(static_cast<std::uint8_t>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  byte(static_cast<std::uint8_t>(value & 0x7f));
}

void Writer::little_endian(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

void Writer::name(std::string_view text) {
  count(text.size());
  bytes_.insert(bytes_.end(), text.begin(), text.end());
}

void Writer::sized(std::span<const std::uint8_t> bytes) {
  count(bytes.size());
  append(bytes);
}

void Writer::section(std::uint8_t id, std::span<const std::uint8_t> contents) {
  byte(id);
  sized(contents);
}

}  // namespace meld_verify::wasm
