#pragma once

// Generated functions that stand around one of a guest's.

#include "engine/lift/boundary.h"

namespace meld_verify::lift {

/// Whether `generated` calls `to` once, with its own arguments, gives what that gives, writes no memory, and
/// leaves all globals of generated code as they were; flags may be raised for the call.
[[nodiscard]] bool passes_on(ReadingContext& context, FunctionId generated, FunctionId to);

}  // namespace meld_verify::lift
