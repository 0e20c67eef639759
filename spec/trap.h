#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "spec/ids.h"

namespace meld_verify::spec {

/// Why a machine stopped. The names of semantics.md section 2, then those of values, then those that are no
/// trap of the law.
enum class TrapClass : std::uint8_t {
  kUnknownHandle,  ///< no entry at the index: 0, never allocated, already gone (2.2)
  kWrongType,      ///< the entry is of another resource type (2.2)
  kNotAResource,   ///< the entry is a subtask, a stream end, … (2.2)
  kLent,           ///< the entry is lent to an unresolved call (2.3, 2.4)
  kNotOwn,         ///< a borrow where an own is asked for (2.4)
  kBorrowsRemain,  ///< the callee returns with borrows that it did not drop (2.5 step 8)
  kCannotLeave,    ///< a call out of realloc or post-return (2.3, 2.5 step 1)
  kCannotEnter,    ///< the callee is on the stack already (2.5 step 2, 2.6)
  kTableFull,      ///< no index left (2.2)

  kOutOfBounds,      ///< an area ends past the memory
  kMisaligned,       ///< a pointer is not a multiple of its type's alignment
  kBadDiscriminant,  ///< a case number that the variant does not have
  kBadUtf8,          ///< bytes that are no UTF-8
  kBadUtf16,         ///< a lone surrogate
  kBadChar,          ///< a surrogate, or above 0x10ffff
  kListTooLong,      ///< 2^28 bytes of elements or more
  kStringTooLong,    ///< 2^28 bytes of code units or more
  kBadRealloc,       ///< realloc's result is misaligned or out of bounds

  kGuestTrap,  ///< the core function itself trapped or threw
  kHostTrap,   ///< the host's function or destructor refused

  kDead,         ///< the machine has trapped before (I12)
  kUnsupported,  ///< legal, and outside of what this machine does
  kNotValid,     ///< a validator would have refused the definition
  kHostFault,    ///< the host gave a value of another type, or a handle that it does not hold
};

/// The stable name of a class: "unknown_handle", …
[[nodiscard]] std::string_view to_string(TrapClass trap_class);

/// One slot of one instance's table.
struct HandlePlace {
  InstanceId instance;
  HandleIndex index;
  bool operator==(const HandlePlace&) const = default;
};

struct Trap {
  TrapClass trap_class = TrapClass::kGuestTrap;
  std::string sentence;                              ///< readable, no trailing full stop
  std::optional<HandlePlace> handle = std::nullopt;  ///< the index that was not good, of a trap about one
  bool operator==(const Trap&) const = default;
};

template <class T>
using Result = tl::expected<T, Trap>;

[[nodiscard]] inline tl::unexpected<Trap> trap(TrapClass trap_class, std::string sentence) {
  return tl::unexpected<Trap>(Trap{trap_class, std::move(sentence)});
}

}  // namespace meld_verify::spec

#define SPEC_JOINED_NAME(left, right) left##right
#define SPEC_TRY_NAMED(name, declaration, ...)                                   \
  auto name = (__VA_ARGS__);                                                     \
  if (!name) {                                                                   \
    return ::tl::unexpected<::meld_verify::spec::Trap>(std::move(name).error()); \
  }                                                                              \
  declaration = *std::move(name)
#define SPEC_TRY_AT(line, declaration, ...) \
  SPEC_TRY_NAMED(SPEC_JOINED_NAME(result_, line), declaration, __VA_ARGS__)

/// `SPEC_TRY(const Rep rep, lift_own(…))`: the value of a Result, or return its trap.
#define SPEC_TRY(declaration, ...) SPEC_TRY_AT(__LINE__, declaration, __VA_ARGS__)

/// Of a Result whose value does not matter: return its trap if it is one.
#define SPEC_CHECK(...)                                                             \
  if (auto outcome = (__VA_ARGS__); !outcome) {                                     \
    return ::tl::unexpected<::meld_verify::spec::Trap>(std::move(outcome).error()); \
  }
