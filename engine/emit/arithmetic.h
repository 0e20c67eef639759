#pragma once

// Opcodes of arithmetic that emitted code uses, beside those of wasm::op.

#include "engine/wasm/instruction.h"

namespace meld_verify::emit::arithmetic {

inline constexpr wasm::Opcode kI32Eqz = 0x45, kI32Eq = 0x46, kI32Ne = 0x47, kI32LtU = 0x49, kI32GtS = 0x4a,
                              kI32GtU = 0x4b, kI32LeU = 0x4d, kI32GeU = 0x4f, kI64LtU = 0x54, kI64GtU = 0x56,
                              kI64LeU = 0x58, kI64GeU = 0x5a, kI32Add = 0x6a, kI32Sub = 0x6b, kI32Mul = 0x6c,
                              kI32And = 0x71, kI32Or = 0x72, kI32Xor = 0x73, kI32Shl = 0x74, kI32ShrU = 0x76,
                              kI64Add = 0x7c, kI64Sub = 0x7d, kI64Mul = 0x7e, kI64And = 0x83, kI64Shl = 0x86,
                              kI64ShrU = 0x88, kI32WrapI64 = 0xa7, kI64ExtendI32U = 0xad;

}  // namespace meld_verify::emit::arithmetic
