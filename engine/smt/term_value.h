#pragma once

// What a term is worth when its symbols and opaque terms have values: for tests, and written without a look
// at how terms are simplified.

#include <functional>
#include <stdexcept>
#include <unordered_map>

#include "engine/smt/term.h"

namespace meld_verify::smt {

/// Values of symbols and opaque terms.
using Assignment = std::function<std::uint64_t(Term)>;

inline std::uint64_t value_of(const Terms& terms, Term term, const Assignment& assigned,
                              std::unordered_map<Term, std::uint64_t>& known) {
  if (const auto found = known.find(term); found != known.end()) {
    return found->second;
  }
  const unsigned width = terms.width(term);
  const std::uint64_t ones = width == 64 ? ~0ULL : (1ULL << width) - 1;
  const auto arguments = terms.arguments(term);
  const auto number = [&](std::size_t i) { return value_of(terms, arguments[i], assigned, known); };
  const auto with_sign = [&](std::size_t i) {
    const unsigned bits = terms.width(arguments[i]);
    const std::uint64_t plain = number(i);
    const bool minus = ((plain >> (bits - 1)) & 1) != 0;
    return static_cast<__int128>(plain) - (minus ? static_cast<__int128>(1) << bits : 0);
  };
  std::uint64_t value = 0;
  switch (terms.op(term)) {
    case TermOp::kConstant:
      value = terms.bits(term);
      break;
    case TermOp::kSymbol:
    case TermOp::kOpaque:
      value = assigned(term);
      break;
    case TermOp::kAdd:
      value = number(0) + number(1);
      break;
    case TermOp::kSub:
      value = number(0) - number(1);
      break;
    case TermOp::kMul:
      value = number(0) * number(1);
      break;
    case TermOp::kDivU:
      value = number(1) == 0 ? ones : number(0) / number(1);
      break;
    case TermOp::kDivS:
      value = number(1) == 0 ? (with_sign(0) < 0 ? 1 : ones)
                             : static_cast<std::uint64_t>(with_sign(0) / with_sign(1));
      break;
    case TermOp::kRemU:
      value = number(1) == 0 ? number(0) : number(0) % number(1);
      break;
    case TermOp::kRemS:
      value = number(1) == 0 ? number(0) : static_cast<std::uint64_t>(with_sign(0) % with_sign(1));
      break;
    case TermOp::kAnd:
      value = number(0) & number(1);
      break;
    case TermOp::kOr:
      value = number(0) | number(1);
      break;
    case TermOp::kXor:
      value = number(0) ^ number(1);
      break;
    case TermOp::kShl:
      value = number(1) >= width ? 0 : number(0) << number(1);
      break;
    case TermOp::kShrU:
      value = number(1) >= width ? 0 : number(0) >> number(1);
      break;
    case TermOp::kShrS:
      value = static_cast<std::uint64_t>(with_sign(0) >> (number(1) >= width ? width : number(1)));
      break;
    case TermOp::kRotl:
    case TermOp::kRotr: {
      value = number(0);
      for (std::uint64_t i = number(1) % width; i > 0; --i) {
        const bool left = terms.op(term) == TermOp::kRotl;
        value = left ? (value << 1) | (value >> (width - 1)) : (value >> 1) | ((value & 1) << (width - 1));
        value &= ones;
      }
      break;
    }
    case TermOp::kEq:
      value = number(0) == number(1) ? 1 : 0;
      break;
    case TermOp::kLessU:
      value = number(0) < number(1) ? 1 : 0;
      break;
    case TermOp::kLessS:
      value = with_sign(0) < with_sign(1) ? 1 : 0;
      break;
    case TermOp::kIte:
      value = number(0) != 0 ? number(1) : number(2);
      break;
    case TermOp::kExtend:
    case TermOp::kLow:
      value = number(0);
      break;
    case TermOp::kExtendS:
      value = static_cast<std::uint64_t>(with_sign(0));
      break;
  }
  value &= ones;
  known.emplace(term, value);
  return value;
}

inline std::uint64_t value_of(const Terms& terms, Term term, const Assignment& assigned) {
  std::unordered_map<Term, std::uint64_t> known;
  return value_of(terms, term, assigned, known);
}

}  // namespace meld_verify::smt
