#pragma once

// Checked and unchecked access to a guest's memory, shared by lift and lower.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spec/core.h"

namespace meld_verify::spec {

/// The canonical NaNs. This machine runs the deterministic profile: each NaN that is lifted or lowered
/// becomes the canonical one.
inline constexpr std::uint32_t kCanonicalNan32 = 0x7fc00000;
inline constexpr std::uint64_t kCanonicalNan64 = 0x7ff8000000000000;

[[nodiscard]] float canonical_nan(float number);
[[nodiscard]] double canonical_nan(double number);

/// Of a 32-bit float by its bits, NaN made canonical.
[[nodiscard]] float float_of(std::uint64_t bits);
[[nodiscard]] double double_of(std::uint64_t bits);

/// Traps kMisaligned, then kOutOfBounds, unless `bytes` at `address` are an aligned area of the memory.
/// `what` begins the sentence ("the list of 3 elements").
[[nodiscard]] Result<void> check_area(const Memory& memory, std::uint32_t address, std::uint64_t bytes,
                                      std::uint32_t alignment, const std::string& what);

/// Little-endian integers of `size` bytes (1, 2, 4 or 8) within the memory's bounds.
[[nodiscard]] std::uint64_t read_integer(const Memory& memory, std::uint32_t address, std::uint32_t size);
void write_integer(Memory& memory, std::uint32_t address, std::uint64_t value, std::uint32_t size);

/// All bytes of an area within the memory's bounds.
[[nodiscard]] std::vector<std::byte> read_bytes(const Memory& memory, std::uint32_t address,
                                                std::size_t size);

}  // namespace meld_verify::spec
