#pragma once

// Generated functions that stand around one of a guest's.

#include "engine/lift/boundary.h"

namespace meld_verify::lift {

/// Whether the guest's function that generated code stands around may call out of its instance: a destructor
/// may, an allocator and a post-return may not, so that flags may be raised for them.
enum class CallsOut : std::uint8_t { kNever, kPerhaps };

/// Whether `generated` calls `to` once, with its own arguments, gives what that gives, writes no memory, and
/// leaves all globals of generated code as they were.
[[nodiscard]] bool passes_on(ReadingContext& context, FunctionId generated, FunctionId to,
                             CallsOut calls_out = CallsOut::kNever);

/// Whether it returns without a call and without a change that anybody sees, while no flag is up.
[[nodiscard]] bool does_nothing(ReadingContext& context, FunctionId generated);

}  // namespace meld_verify::lift
