#pragma once

// Lifting: core values and memory of one instance to component-level values (semantics.md 2.4 and section 3).

#include <span>
#include <vector>

#include "spec/guest_side.h"

namespace meld_verify::spec {

/// Lifts out of one instance. Every check of the law is made before what it guards is read.
class Lift {
 public:
  /// `memory` may be null where no type needs it. All three must outlive this.
  Lift(const Memory* memory, Encoding encoding, GuestSide& side)
      : memory_(memory), encoding_(encoding), side_(side) {}

  /// The parameters or results of a function: from slots if there are at most `max_flat`, else from the
  /// memory that the only slot points to. Left to right, depth first. Traps as `load` and `flat`, and
  /// kMisaligned or kOutOfBounds for the spilled area.
  [[nodiscard]] Result<std::vector<Value>> values(std::span<const CoreValue> slots, const Type& tuple,
                                                  std::size_t max_flat);

  /// A value from an area that is known to be aligned and within bounds.
  [[nodiscard]] Result<Value> load(std::uint32_t address, const Type& type);

  /// A value from its slots; `slots` are at least as many as the type's.
  [[nodiscard]] Result<Value> flat(std::span<const CoreValue> slots, const Type& type);

 private:
  Result<Value> from_bits(std::uint64_t bits, const Type& type);
  Result<Value> text(std::uint32_t address, std::uint32_t tagged_units);
  Result<Text> decoded(std::uint32_t address, std::uint32_t bytes, Spelling spelling);
  Result<Value> list(std::uint32_t address, std::uint32_t length, const Type& list_type);
  Result<Value> load_elements(std::uint32_t address, std::uint32_t length, const Type& element);
  Result<Value> load_product(std::uint32_t address, const Type& type);
  Result<Value> load_sum(std::uint32_t address, const Type& type);
  Result<Value> flat_product(std::span<const CoreValue> slots, const Type& type);
  Result<Value> flat_elements(std::span<const CoreValue> slots, const Type& type);
  Result<Value> flat_sum(std::span<const CoreValue> slots, const Type& type);

  const Memory* memory_;
  Encoding encoding_;
  GuestSide& side_;
};

}  // namespace meld_verify::spec
