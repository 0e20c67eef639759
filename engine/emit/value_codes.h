#pragma once

// Opcodes for moving values, beside those of wasm::op and arithmetic.

#include "engine/emit/arithmetic.h"

namespace meld_verify::emit::value_codes {

inline constexpr wasm::Opcode kF32Eq = 0x5b, kF64Eq = 0x61, kI32LtS = 0x48, kF32ReinterpretI32 = 0xbe,
                              kF64ReinterpretI64 = 0xbf, kI32ReinterpretF32 = 0xbc, kI64ReinterpretF64 = 0xbd,
                              kI32Extend8S = 0xc0, kI32Extend16S = 0xc1;

/// Fixed-length lists of more elements are moved and checked in a loop, where nothing speaks against it.
inline constexpr std::uint32_t kMostUnrolled = 4;

}  // namespace meld_verify::emit::value_codes
