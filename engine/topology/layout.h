#pragma once

// Canonical layouts (semantics.md, section 3; memory32): how a value type lies in memory and in core slots.

#include <cstdint>
#include <span>
#include <vector>

#include "engine/topology/topology.h"

namespace meld_verify::topology {

/// More flat parameters or results than this lie in memory.
inline constexpr std::size_t kMostFlatParams = 16;
inline constexpr std::size_t kMostFlatResults = 1;
/// A value type must be smaller than this many bytes.
inline constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28;

/// Slots are counted up to here; a longer list is only known to be longer.
inline constexpr std::size_t kMostSlots = 64;

struct TypeLayout {
  std::uint64_t size = 0;  ///< bytes, saturating at kMostBytes
  std::uint32_t alignment = 1;
  std::vector<SlotType> slots;  ///< at most kMostSlots + 1
  /// Of its own: bytes of the discriminant of a variant, option, result or enum.
  std::uint32_t discriminant = 0;
  /// Offset of a variant's payload, or of the value in a map's element; offsets of record fields and tuple
  /// elements are summed up as they are visited.
  std::uint64_t payload = 0;
  std::uint64_t stride = 0;  ///< of a list or map: bytes from one element to the next
  bool too_large = false;    ///< itself, or a type below it, has kMostBytes or more: it has no positions
};

/// The layouts of all types of an arena, computed once.
class Layouts {
 public:
  explicit Layouts(const component::TypeArena& arena);
  [[nodiscard]] const TypeLayout& operator[](component::TypeId id) const { return layouts_[id.value]; }

 private:
  std::vector<TypeLayout> layouts_;
};

/// The least multiple of `alignment` that is not below `offset`.
[[nodiscard]] std::uint64_t aligned(std::uint64_t offset, std::uint32_t alignment);

/// One slot that can carry either of two.
[[nodiscard]] SlotType joined(SlotType left, SlotType right);

}  // namespace meld_verify::topology
