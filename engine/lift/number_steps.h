#pragma once

// The number instructions as terms: comparisons, arithmetic, conversions.

#include <cstdint>
#include <optional>
#include <span>

#include "engine/smt/term.h"
#include "engine/wasm/instruction.h"

namespace meld_verify::lift {

/// What a number instruction takes and gives, in bits.
struct NumberShape {
  unsigned operands = 0;  ///< one or two, of one width
  unsigned width = 0;     ///< of the operands
  unsigned result = 0;
};

/// Nothing: not a number instruction (or a vector one).
[[nodiscard]] std::optional<NumberShape> number_shape(wasm::Opcode opcode);

/// The result. `operands` fit the shape.
[[nodiscard]] smt::Term number_result(smt::Terms& terms, wasm::Opcode opcode,
                                      std::span<const smt::Term> operands);

/// The condition under which the instruction traps; nothing where it never does.
[[nodiscard]] std::optional<smt::Term> number_trap(smt::Terms& terms, wasm::Opcode opcode,
                                                   std::span<const smt::Term> operands);

}  // namespace meld_verify::lift
