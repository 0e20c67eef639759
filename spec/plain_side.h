#pragma once

// A side without a table, for tests of lift and lower alone: a handle's index is its rep, and each is noted.

#include <vector>

#include "spec/byte_memory.h"
#include "spec/guest_side.h"

namespace meld_verify::spec {

class PlainSide : public GuestSide {
 public:
  explicit PlainSide(ByteMemory& memory) : memory_(memory) {}

  std::vector<std::uint32_t> lifted;
  std::vector<std::uint32_t> lowered;
  struct Reallocation {
    std::uint32_t old_address, old_size, alignment, new_size;
    bool operator==(const Reallocation&) const = default;
  };
  std::vector<Reallocation> reallocations;
  /// In place of what the memory would give.
  std::optional<std::uint32_t> next_address;

  Result<Handle> lift_own(ResourceTypeId type, HandleIndex index) override {
    lifted.push_back(index.value);
    return Handle{type, true, Rep(index.value), ObjectId{index.value}};
  }
  Result<Handle> lift_borrow(ResourceTypeId type, HandleIndex index) override {
    lifted.push_back(index.value);
    return Handle{type, false, Rep(index.value), ObjectId{index.value}};
  }
  Result<std::uint32_t> lower_own(const Handle& handle) override {
    lowered.push_back(handle.rep.value);
    return handle.rep.value;
  }
  Result<std::uint32_t> lower_borrow(const Handle& handle) override { return lower_own(handle); }
  Result<std::uint32_t> reallocate(std::uint32_t old_address, std::uint32_t old_size, std::uint32_t alignment,
                                   std::uint32_t new_size) override {
    reallocations.push_back({old_address, old_size, alignment, new_size});
    return next_address ? *next_address : memory_.allocate(old_address, old_size, alignment, new_size);
  }

 private:
  ByteMemory& memory_;
};

}  // namespace meld_verify::spec
