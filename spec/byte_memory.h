#pragma once

// A guest's memory for tests: a byte vector with a bump realloc.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "spec/area.h"
#include "spec/core.h"
#include "spec/types.h"

namespace meld_verify::spec {

/// Bytes that start as 0xaa, so that what nobody wrote shows. Allocation starts at 64 and never frees.
class ByteMemory : public Memory {
 public:
  explicit ByteMemory(std::size_t size = 4096) : bytes_(size, std::byte{0xaa}) {}

  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }

  void read(std::uint32_t address, std::span<std::byte> into) const override {
    demand(address + into.size());
    std::copy_n(bytes_.begin() + address, into.size(), into.begin());
  }

  void write(std::uint32_t address, std::span<const std::byte> bytes) override {
    demand(address + bytes.size());
    std::ranges::copy(bytes, bytes_.begin() + address);
  }

  [[nodiscard]] std::uint64_t integer(std::uint32_t address, std::uint32_t size) const {
    return read_integer(*this, address, size);
  }
  void set(std::uint32_t address, std::uint64_t value, std::uint32_t size) {
    write_integer(*this, address, value, size);
  }
  void set(std::uint32_t address, std::string_view text) { write(address, std::as_bytes(std::span(text))); }
  [[nodiscard]] std::string text(std::uint32_t address, std::size_t size) const {
    std::string text(size, '\0');
    read(address, std::as_writable_bytes(std::span(text)));
    return text;
  }

  /// The next free area; an old one is copied.
  std::uint32_t allocate(std::uint32_t old_address, std::uint32_t old_size, std::uint32_t alignment,
                         std::uint32_t new_size) {
    const auto address = static_cast<std::uint32_t>(align_to(next_, alignment));
    next_ = address + new_size;
    while (next_ > bytes_.size()) {
      bytes_.resize(bytes_.size() * 2, std::byte{0xaa});
    }
    const auto old = bytes_.begin() + old_address;
    std::copy_n(old, std::min(old_size, new_size), bytes_.begin() + address);
    return address;
  }

  /// `allocate` as a guest exports it.
  CoreFunction realloc() {
    return [this](std::span<const CoreValue> args) -> CoreResult {
      const auto word = [&](std::size_t i) { return static_cast<std::uint32_t>(args[i].bits); };
      return i32(allocate(word(0), word(1), word(2), word(3)));
    };
  }

 private:
  /// Whoever accesses must have checked.
  void demand(std::uint64_t end) const {
    if (end > bytes_.size()) {
      std::abort();
    }
  }

  std::vector<std::byte> bytes_;
  std::uint32_t next_ = 64;
};

}  // namespace meld_verify::spec
