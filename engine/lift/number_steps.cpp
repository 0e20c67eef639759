#include "engine/lift/number_steps.h"

#include <bit>
#include <string>
#include <vector>

namespace meld_verify::lift {

using smt::Term;
using smt::TermOp;
using smt::Terms;
using wasm::Opcode;

namespace {

// The binary format's numbering; each run of opcodes is the same operations for i32 and then for i64 (f32 and
// then f64).
constexpr Opcode kI32Eqz = 0x45, kI32Compare = 0x46, kI64Eqz = 0x50, kI64Compare = 0x51, kF32Compare = 0x5b,
                 kF64Compare = 0x61, kI32Count = 0x67, kI32Arithmetic = 0x6a, kI64Count = 0x79,
                 kI64Arithmetic = 0x7c, kF32Unary = 0x8b, kF32Binary = 0x92, kF64Unary = 0x99,
                 kF64Binary = 0xa0, kI32Wrap = 0xa7, kI32Trunc = 0xa8, kI64ExtendS = 0xac, kI64ExtendU = 0xad,
                 kI64Trunc = 0xae, kF32Convert = 0xb2, kF32Demote = 0xb6, kF64Convert = 0xb7,
                 kF64Promote = 0xbb, kI32Reinterpret = 0xbc, kI32Extend8 = 0xc0, kI64Extend8 = 0xc2,
                 kLast = 0xc4, kTruncSat = 0xfc00, kLastTruncSat = 0xfc07;
constexpr unsigned kAbs = 0, kNeg = 1;  // of the unary float operations
constexpr unsigned kCopysign = 6;       // of the binary ones

std::uint64_t top(unsigned width) {
  return std::uint64_t{1} << (width - 1);
}

/// An operation that is not looked into. It is a function of the operands' bits: which NaN comes out is left
/// open by the specification, but two executions of one run time agree on it.
Term untold(Terms& terms, Opcode opcode, unsigned width, std::span<const Term> operands) {
  return terms.opaque(width, terms.tag_named(wasm::name_of(opcode)), operands);
}

Term word(Terms& terms, Term condition) {
  return terms.resize(TermOp::kExtend, condition, 32);
}

/// eq, ne, lt_s, lt_u, gt_s, gt_u, le_s, le_u, ge_s, ge_u
Term compare(Terms& terms, unsigned which, Term left, Term right) {
  switch (which) {
    case 0:
      return terms.apply(TermOp::kEq, left, right);
    case 1:
      return terms.negation(terms.apply(TermOp::kEq, left, right));
    default:
      break;
  }
  const TermOp less = which % 2 == 0 ? TermOp::kLessS : TermOp::kLessU;
  switch (which / 2) {
    case 1:
      return terms.apply(less, left, right);
    case 2:
      return terms.apply(less, right, left);
    case 3:
      return terms.negation(terms.apply(less, right, left));
    default:
      return terms.negation(terms.apply(less, left, right));
  }
}

/// add, sub, mul, div_s, div_u, rem_s, rem_u, and, or, xor, shl, shr_s, shr_u, rotl, rotr
Term arithmetic(Terms& terms, unsigned which, Term left, Term right) {
  static constexpr TermOp kOps[] = {TermOp::kAdd,  TermOp::kSub,  TermOp::kMul,  TermOp::kDivS,
                                    TermOp::kDivU, TermOp::kRemS, TermOp::kRemU, TermOp::kAnd,
                                    TermOp::kOr,   TermOp::kXor,  TermOp::kShl,  TermOp::kShrS,
                                    TermOp::kShrU, TermOp::kRotl, TermOp::kRotr};
  const TermOp op = kOps[which];
  if (op == TermOp::kShl || op == TermOp::kShrS || op == TermOp::kShrU) {  // shifts count modulo the width
    const unsigned width = terms.width(left);
    right = terms.apply(TermOp::kAnd, right, terms.constant(width, width - 1));
  }
  return terms.apply(op, left, right);
}

/// clz, ctz, popcnt
Term count(Terms& terms, Opcode opcode, unsigned which, std::span<const Term> operands) {
  const unsigned width = terms.width(operands[0]);
  if (!terms.is_constant(operands[0])) {
    return untold(terms, opcode, width, operands);
  }
  const std::uint64_t bits = terms.bits(operands[0]);
  int result = std::popcount(bits);
  if (which == 0) {
    result = std::countl_zero(bits) - static_cast<int>(64 - width);
  } else if (which == 1) {
    result = bits == 0 ? static_cast<int>(width) : std::countr_zero(bits);
  }
  return terms.constant(width, static_cast<std::uint64_t>(result));
}

Term float_unary(Terms& terms, Opcode opcode, unsigned which, std::span<const Term> operands) {
  const unsigned width = terms.width(operands[0]);
  if (which == kAbs) {
    return terms.apply(TermOp::kAnd, operands[0], terms.constant(width, top(width) - 1));
  }
  if (which == kNeg) {
    return terms.apply(TermOp::kXor, operands[0], terms.constant(width, top(width)));
  }
  return untold(terms, opcode, width, operands);
}

Term float_binary(Terms& terms, Opcode opcode, unsigned which, std::span<const Term> operands) {
  const unsigned width = terms.width(operands[0]);
  if (which == kCopysign) {
    const Term size = terms.apply(TermOp::kAnd, operands[0], terms.constant(width, top(width) - 1));
    const Term sign = terms.apply(TermOp::kAnd, operands[1], terms.constant(width, top(width)));
    return terms.apply(TermOp::kOr, size, sign);
  }
  return untold(terms, opcode, width, operands);
}

/// i32.trunc_f32_s, _u, i32.trunc_f64_s, _u and the like: which float, by the distance from the first.
unsigned float_width(unsigned which) {
  return which % 4 < 2 ? 32 : 64;
}

}  // namespace

std::optional<NumberShape> number_shape(Opcode opcode) {
  if (opcode >= kTruncSat && opcode <= kLastTruncSat) {
    const unsigned which = opcode - kTruncSat;
    return NumberShape{1, float_width(which), which < 4 ? 32U : 64U};
  }
  if (opcode < kI32Eqz || opcode > kLast) {
    return std::nullopt;
  }
  if (opcode == kI32Eqz || opcode == kI64Eqz) {
    return NumberShape{1, opcode == kI32Eqz ? 32U : 64U, 32};
  }
  if (opcode < kI32Count) {
    const bool narrow = opcode < kI64Eqz || (opcode >= kF32Compare && opcode < kF64Compare);
    return NumberShape{2, narrow ? 32U : 64U, 32};
  }
  if (opcode < kI32Wrap) {
    const bool narrow = opcode < kI64Count || (opcode >= kF32Unary && opcode < kF64Unary);
    const bool one = (opcode >= kI32Count && opcode < kI32Arithmetic) ||
                     (opcode >= kI64Count && opcode < kI64Arithmetic) ||
                     (opcode >= kF32Unary && opcode < kF32Binary) ||
                     (opcode >= kF64Unary && opcode < kF64Binary);
    return NumberShape{one ? 1U : 2U, narrow ? 32U : 64U, narrow ? 32U : 64U};
  }
  if (opcode == kI32Wrap) {
    return NumberShape{1, 64, 32};
  }
  if (opcode < kI64ExtendS) {
    return NumberShape{1, float_width(opcode - kI32Trunc), 32};
  }
  if (opcode < kI64Trunc) {
    return NumberShape{1, 32, 64};
  }
  if (opcode < kF32Convert) {
    return NumberShape{1, float_width(opcode - kI64Trunc), 64};
  }
  if (opcode < kF32Demote) {
    return NumberShape{1, float_width(opcode - kF32Convert), 32};
  }
  if (opcode == kF32Demote) {
    return NumberShape{1, 64, 32};
  }
  if (opcode < kF64Promote) {
    return NumberShape{1, float_width(opcode - kF64Convert), 64};
  }
  if (opcode == kF64Promote) {
    return NumberShape{1, 32, 64};
  }
  if (opcode < kI32Extend8) {  // i32 of f32, i64 of f64, f32 of i32, f64 of i64
    const unsigned width = (opcode - kI32Reinterpret) % 2 == 0 ? 32 : 64;
    return NumberShape{1, width, width};
  }
  const unsigned width = opcode < kI64Extend8 ? 32 : 64;
  return NumberShape{1, width, width};
}

Term number_result(Terms& terms, Opcode opcode, std::span<const Term> operands) {
  const NumberShape shape = *number_shape(opcode);
  const auto both = [&](auto function, Opcode first) {
    return function(terms, opcode - first, operands[0], operands[1]);
  };
  if (opcode == kI32Eqz || opcode == kI64Eqz) {
    return word(terms, terms.apply(TermOp::kEq, operands[0], terms.constant(shape.width, 0)));
  }
  if (opcode < kI64Eqz) {
    return word(terms, both(compare, kI32Compare));
  }
  if (opcode < kF32Compare) {
    return word(terms, both(compare, kI64Compare));
  }
  if (opcode < kI32Count) {
    return word(terms, untold(terms, opcode, 1, operands));
  }
  if (opcode < kI32Arithmetic) {
    return count(terms, opcode, opcode - kI32Count, operands);
  }
  if (opcode < kI64Count) {
    return both(arithmetic, kI32Arithmetic);
  }
  if (opcode < kI64Arithmetic) {
    return count(terms, opcode, opcode - kI64Count, operands);
  }
  if (opcode < kF32Unary) {
    return both(arithmetic, kI64Arithmetic);
  }
  if (opcode < kF32Binary) {
    return float_unary(terms, opcode, opcode - kF32Unary, operands);
  }
  if (opcode < kF64Unary) {
    return float_binary(terms, opcode, opcode - kF32Binary, operands);
  }
  if (opcode < kF64Binary) {
    return float_unary(terms, opcode, opcode - kF64Unary, operands);
  }
  if (opcode < kI32Wrap) {
    return float_binary(terms, opcode, opcode - kF64Binary, operands);
  }
  if (opcode == kI32Wrap) {
    return terms.resize(TermOp::kLow, operands[0], 32);
  }
  if (opcode == kI64ExtendS || opcode == kI64ExtendU) {
    return terms.resize(opcode == kI64ExtendS ? TermOp::kExtendS : TermOp::kExtend, operands[0], 64);
  }
  if (opcode >= kI32Reinterpret && opcode < kI32Extend8) {
    return operands[0];
  }
  if (opcode >= kI32Extend8 && opcode <= kLast) {
    const unsigned from = 8U << (opcode < kI64Extend8 ? opcode - kI32Extend8 : opcode - kI64Extend8);
    return terms.resize(TermOp::kExtendS, terms.resize(TermOp::kLow, operands[0], from), shape.width);
  }
  return untold(terms, opcode, shape.result, operands);
}

std::optional<Term> number_trap(Terms& terms, Opcode opcode, std::span<const Term> operands) {
  const auto trunc = [](Opcode first, Opcode of) { return of >= first && of < first + 4; };
  if (trunc(kI32Trunc, opcode) || trunc(kI64Trunc, opcode)) {
    return terms.opaque(1, terms.tag_named(wasm::name_of(opcode) + " traps"), operands);
  }
  const bool narrow = opcode >= kI32Arithmetic && opcode < kI64Count;
  if (!narrow && !(opcode >= kI64Arithmetic && opcode < kF32Unary)) {
    return std::nullopt;
  }
  const unsigned which = opcode - (narrow ? kI32Arithmetic : kI64Arithmetic);
  if (which < 3 || which > 6) {
    return std::nullopt;
  }
  const unsigned width = narrow ? 32 : 64;
  const Term by_zero = terms.apply(TermOp::kEq, operands[1], terms.constant(width, 0));
  if (which != 3) {
    return by_zero;
  }
  // div_s: the one quotient that does not fit.
  const Term least = terms.apply(TermOp::kEq, operands[0], terms.constant(width, top(width)));
  const Term minus_one = terms.apply(TermOp::kEq, operands[1], terms.constant(width, ~std::uint64_t{0}));
  return terms.apply(TermOp::kOr, by_zero, terms.apply(TermOp::kAnd, least, minus_one));
}

}  // namespace meld_verify::lift
