#pragma once

// Lowering: component-level values to core values and memory of one instance (semantics.md 2.4 and section
// 3).

#include <optional>
#include <span>
#include <vector>

#include "spec/guest_side.h"

namespace meld_verify::spec {

/// Lowers into one instance. Values must conform to their types. Each area that the guest names, by realloc
/// or as an out-pointer, is checked before it is written.
class Lower {
 public:
  /// `memory` may be null where no type needs it. All three must outlive this.
  Lower(Memory* memory, Encoding encoding, GuestSide& side)
      : memory_(memory), encoding_(encoding), side_(side) {}

  /// The parameters or results of a function, as slots if there are at most `max_flat`. Else they are stored
  /// at `out_pointer`, and there are no slots; or, without one, in memory of realloc, and the only slot
  /// points there. Traps kBadRealloc, kMisaligned or kOutOfBounds (of the out-pointer), and what handles and
  /// realloc trap.
  [[nodiscard]] Result<std::vector<CoreValue>> values(const Sequence& values, const Type& tuple,
                                                      std::size_t max_flat,
                                                      std::optional<std::uint32_t> out_pointer);

  /// Into an area that is known to be aligned and within bounds.
  [[nodiscard]] Result<void> store(const Value& value, std::uint32_t address, const Type& type);

  /// Appends the type's slots.
  [[nodiscard]] Result<void> flat(const Value& value, const Type& type, std::vector<CoreValue>& slots);

 private:
  struct PointerAndLength {
    std::uint32_t address = 0;
    std::uint32_t length = 0;  ///< elements; of a string tagged code units
  };

  Result<std::uint64_t> bits_of(const Value& value, const Type& type);
  Result<std::uint32_t> allocate(std::uint32_t alignment, std::uint64_t bytes);
  Result<std::uint32_t> reallocate(PointerAndLength old, std::uint32_t alignment, std::uint64_t bytes);
  Result<PointerAndLength> in_memory(const Value& value, const Type& type);
  Result<PointerAndLength> text(const Text& text);
  Result<PointerAndLength> copied(std::span<const std::byte> bytes, std::uint32_t alignment);
  Result<PointerAndLength> probably_utf16(const std::u32string& points);
  Result<PointerAndLength> list(const Value& value, const Type& list_type);
  Result<void> store_elements(const Sequence& elements, std::uint32_t address, const Type& element);
  Result<void> store_product(const Sequence& fields, std::uint32_t address, const Type& type);
  Result<void> store_sum(const Choice& choice, std::uint32_t address, const Type& type);
  Result<void> flat_sum(const Choice& choice, const Type& type, std::vector<CoreValue>& slots);

  Memory* memory_;
  Encoding encoding_;
  GuestSide& side_;
};

}  // namespace meld_verify::spec
