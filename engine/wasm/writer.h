#pragma once

// Writing of a binary: the counterpart of reader.h.

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace meld_verify::wasm {

/// Bytes that grow at their end.
class Writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(value); }
  void append(std::span<const std::uint8_t> bytes);
  /// LEB128, here and below: in as few bytes as the number takes.
  void u32(std::uint32_t value) { u64(value); }
  void u64(std::uint64_t value);
  void s32(std::int32_t value) { s64(value); }
  void s64(std::int64_t value);
  /// How many items follow. Requires fewer than 2^32.
  void count(std::size_t value) { u64(value); }
  /// The lowest `size` bytes of the value, the lowest first.
  void little_endian(std::uint64_t value, std::size_t size);
  /// Its length and the text, which must be UTF-8.
  void name(std::string_view text);
  /// The number of bytes, and the bytes.
  void sized(std::span<const std::uint8_t> bytes);
  /// A section of a module or component: its number, its size and its contents.
  void section(std::uint8_t id, std::span<const std::uint8_t> contents);

  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::vector<std::uint8_t> take() { return std::exchange(bytes_, {}); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace meld_verify::wasm
