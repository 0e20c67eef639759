#include "spec/area.h"

#include <array>
#include <bit>
#include <cmath>

namespace meld_verify::spec {

float canonical_nan(float number) {
  return std::isnan(number) ? std::bit_cast<float>(kCanonicalNan32) : number;
}

double canonical_nan(double number) {
  return std::isnan(number) ? std::bit_cast<double>(kCanonicalNan64) : number;
}

float float_of(std::uint64_t bits) {
  return canonical_nan(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
}

double double_of(std::uint64_t bits) {
  return canonical_nan(std::bit_cast<double>(bits));
}

Result<void> check_area(const Memory& memory, std::uint32_t address, std::uint64_t bytes,
                        std::uint32_t alignment, const std::string& what) {
  if (address % alignment != 0) {
    return trap(TrapClass::kMisaligned, what + " at address " + std::to_string(address) +
                                            " must start at a multiple of " + std::to_string(alignment));
  }
  if (address + bytes > memory.size()) {
    return trap(TrapClass::kOutOfBounds, what + " of " + std::to_string(bytes) + " bytes at address " +
                                             std::to_string(address) + " ends past the memory of " +
                                             std::to_string(memory.size()) + " bytes");
  }
  return {};
}

std::uint64_t read_integer(const Memory& memory, std::uint32_t address, std::uint32_t size) {
  std::array<std::byte, 8> bytes{};
  memory.read(address, std::span(bytes).first(size));
  std::uint64_t value = 0;
  for (std::uint32_t i = size; i > 0; --i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i - 1]);
  }
  return value;
}

void write_integer(Memory& memory, std::uint32_t address, std::uint64_t value, std::uint32_t size) {
  std::array<std::byte, 8> bytes{};
  for (std::uint32_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  }
  memory.write(address, std::span(bytes).first(size));
}

std::vector<std::byte> read_bytes(const Memory& memory, std::uint32_t address, std::size_t size) {
  std::vector<std::byte> bytes(size);
  memory.read(address, bytes);
  return bytes;
}

}  // namespace meld_verify::spec
