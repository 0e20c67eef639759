#pragma once

#include <cstdint>

#include "engine/smt/term.h"

namespace meld_verify::smt {

/// What an operation of two terms of `width` bits gives for numbers of that width: as SMT-LIB has it, also
/// for division by zero and shifts beyond the width. Throws std::logic_error for another operation.
[[nodiscard]] std::uint64_t value_of(TermOp op, unsigned width, std::uint64_t left, std::uint64_t right);

}  // namespace meld_verify::smt
