#include "spec/trap.h"

namespace meld_verify::spec {

std::string_view to_string(TrapClass trap_class) {
  switch (trap_class) {
    case TrapClass::kUnknownHandle:
      return "unknown_handle";
    case TrapClass::kWrongType:
      return "wrong_type";
    case TrapClass::kNotAResource:
      return "not_a_resource";
    case TrapClass::kLent:
      return "lent";
    case TrapClass::kNotOwn:
      return "not_own";
    case TrapClass::kBorrowsRemain:
      return "borrows_remain";
    case TrapClass::kCannotLeave:
      return "cannot_leave";
    case TrapClass::kCannotEnter:
      return "cannot_enter";
    case TrapClass::kTableFull:
      return "table_full";
    case TrapClass::kOutOfBounds:
      return "out_of_bounds";
    case TrapClass::kMisaligned:
      return "misaligned";
    case TrapClass::kBadDiscriminant:
      return "bad_discriminant";
    case TrapClass::kBadUtf8:
      return "bad_utf8";
    case TrapClass::kBadUtf16:
      return "bad_utf16";
    case TrapClass::kBadChar:
      return "bad_char";
    case TrapClass::kListTooLong:
      return "list_too_long";
    case TrapClass::kStringTooLong:
      return "string_too_long";
    case TrapClass::kBadRealloc:
      return "bad_realloc";
    case TrapClass::kGuestTrap:
      return "guest_trap";
    case TrapClass::kHostTrap:
      return "host_trap";
    case TrapClass::kDead:
      return "dead";
    case TrapClass::kUnsupported:
      return "unsupported";
    case TrapClass::kNotValid:
      return "not_valid";
    case TrapClass::kHostFault:
      return "host_fault";
  }
  return "?";
}

}  // namespace meld_verify::spec
