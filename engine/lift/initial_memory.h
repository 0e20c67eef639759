#pragma once

// What memories hold after instantiation, before any code has run.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "engine/lift/image.h"

namespace meld_verify::lift {

/// Bytes that a data segment left, the last one where several wrote.
struct InitialBytes {
  std::span<const std::uint8_t> bytes;
  CoreInstanceId instance;  ///< whose segment it is
  std::uint32_t segment = 0;
};

/// A memory's contents: what lies at which address, none overlapping; zero elsewhere.
struct InitialMemory {
  std::map<std::uint64_t, InitialBytes> areas;
  /// A segment whose address is not known, or that does not fit.
  std::optional<InitialBytes> unknown;
};

/// Of every memory, by MemoryId.
[[nodiscard]] std::vector<InitialMemory> initial_memories(const Image& image);

/// The first address below `end` at which two memories differ; and whose segment of `left` or, where that has
/// none, of `right` is to blame.
struct MemoryDifference {
  std::uint64_t address = 0;
  std::optional<InitialBytes> left, right;
};
[[nodiscard]] std::optional<MemoryDifference> difference(const InitialMemory& left,
                                                         const InitialMemory& right, std::uint64_t end);

}  // namespace meld_verify::lift
