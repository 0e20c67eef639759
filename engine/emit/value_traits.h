#pragma once

// What code has to do for the values of each type, whatever memory they are in.

#include <cstdint>
#include <vector>

#include "engine/topology/layout.h"

namespace meld_verify::emit {

struct ValueTraits {
  /// In memory each of its bytes is one of the value's, and none is to be changed on the way: neither a
  /// pointer nor a handle, no padding, nothing that has several spellings. Floats are such: which NaN
  /// arrives is left open by the law.
  bool is_plain = false;
  bool has_range = false;    ///< a char or case number in it may be out of range (of plain types only)
  std::uint32_t weight = 0;  ///< instructions to move one, in tens or so; saturates
};

/// Of all types of an arena, computed once.
class AllValueTraits {
 public:
  AllValueTraits(const component::TypeArena& arena, const topology::Layouts& layouts);
  [[nodiscard]] const ValueTraits& operator[](component::TypeId id) const { return traits_[id.value]; }

 private:
  std::vector<ValueTraits> traits_;
};

}  // namespace meld_verify::emit
