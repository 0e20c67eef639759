#pragma once

#include <cstdint>

#include "spec/core.h"
#include "spec/values.h"

namespace meld_verify::spec {

/// What lift and lower need of the instance on their side of a boundary, beside its memory. The machine
/// implements it with the instance's table, its task or subtask, and its realloc.
class GuestSide {
 public:
  virtual ~GuestSide() = default;

  /// Takes the own entry away (semantics.md 2.4 lift_own).
  virtual Result<Handle> lift_own(ResourceTypeId type, HandleIndex index) = 0;
  /// Lends the entry to the running subtask (2.4 lift_borrow).
  virtual Result<Handle> lift_borrow(ResourceTypeId type, HandleIndex index) = 0;
  /// Adds an own entry; gives its index (2.4 lower_own).
  virtual Result<std::uint32_t> lower_own(const Handle& handle) = 0;
  /// Adds a borrow entry of the running task and gives its index; the definer gets the rep instead (2.4
  /// lower_borrow).
  virtual Result<std::uint32_t> lower_borrow(const Handle& handle) = 0;
  /// Calls the instance's realloc with may_leave cleared (2.5 step 5). The address is as the guest gave it,
  /// yet unchecked; sizes are bytes.
  virtual Result<std::uint32_t> reallocate(std::uint32_t old_address, std::uint32_t old_size,
                                           std::uint32_t alignment, std::uint32_t new_size) = 0;
};

}  // namespace meld_verify::spec
