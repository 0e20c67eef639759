// The rules by which terms become simpler. Each rule replaces a term by one of the same value under every
// assignment; term_prop.cpp holds them to that, Z3 checks them on samples.

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "engine/smt/number.h"
#include "engine/smt/term_store.h"

namespace meld_verify::smt {

namespace {

constexpr std::size_t kMostParts = 16;

bool commutes(TermOp op) {
  return op == TermOp::kAnd || op == TermOp::kOr || op == TermOp::kXor || op == TermOp::kMul ||
         op == TermOp::kEq;
}

bool compares(TermOp op) {
  return op == TermOp::kEq || op == TermOp::kLessU || op == TermOp::kLessS;
}

bool is_power(std::uint64_t number) {
  return std::has_single_bit(number);
}

unsigned log_of(std::uint64_t power) {
  return static_cast<unsigned>(std::countr_zero(power));
}

}  // namespace

std::uint64_t value_of(TermOp op, unsigned width, std::uint64_t left, std::uint64_t right) {
  const std::uint64_t mask = mask_of(width);
  const std::int64_t signed_left = signed_of(width, left);
  const std::int64_t signed_right = signed_of(width, right);
  switch (op) {
    case TermOp::kAdd:
      return (left + right) & mask;
    case TermOp::kSub:
      return (left - right) & mask;
    case TermOp::kMul:
      return (left * right) & mask;
    case TermOp::kDivU:
      return right == 0 ? mask : left / right;
    case TermOp::kDivS:
      if (right == 0) {
        return signed_left < 0 ? 1 : mask;
      }
      // The one quotient that does not fit wraps around.
      return (signed_right == -1 ? ~left + 1 : static_cast<std::uint64_t>(signed_left / signed_right)) & mask;
    case TermOp::kRemU:
      return right == 0 ? left : left % right;
    case TermOp::kRemS:
      if (right == 0) {
        return left;
      }
      return signed_right == -1 ? 0 : static_cast<std::uint64_t>(signed_left % signed_right) & mask;
    case TermOp::kAnd:
      return left & right;
    case TermOp::kOr:
      return left | right;
    case TermOp::kXor:
      return left ^ right;
    case TermOp::kShl:
      return right >= width ? 0 : (left << right) & mask;
    case TermOp::kShrU:
      return right >= width ? 0 : left >> right;
    case TermOp::kShrS:
      return static_cast<std::uint64_t>(signed_left >> std::min<std::uint64_t>(right, 63)) & mask;
    case TermOp::kRotl:
    case TermOp::kRotr: {
      std::uint64_t by = right % width;
      if (op == TermOp::kRotr) {
        by = (width - by) % width;
      }
      return by == 0 ? left : ((left << by) | (left >> (width - by))) & mask;
    }
    case TermOp::kEq:
      return left == right ? 1 : 0;
    case TermOp::kLessU:
      return left < right ? 1 : 0;
    case TermOp::kLessS:
      return signed_left < signed_right ? 1 : 0;
    case TermOp::kConstant:
    case TermOp::kSymbol:
    case TermOp::kIte:
    case TermOp::kExtend:
    case TermOp::kExtendS:
    case TermOp::kLow:
    case TermOp::kOpaque:
      break;
  }
  throw std::logic_error("not an operation of two terms");
}

// --- sums

bool Terms::State::collect(Term term, std::uint64_t factor, LinearSum& into) const {
  const TermNode& node = at(term);
  factor &= mask_of(node.width);
  if (factor == 0) {
    return true;
  }
  if (node.op == TermOp::kConstant) {
    into.offset = (into.offset + factor * node.bits) & mask_of(node.width);
    return true;
  }
  if (!node.atom) {
    if (node.op == TermOp::kAdd || node.op == TermOp::kSub) {
      return collect(node.arguments[0], factor, into) &&
             collect(node.arguments[1], node.op == TermOp::kAdd ? factor : ~factor + 1, into);
    }
    if (node.op == TermOp::kMul && is_constant(node.arguments[1])) {
      return collect(node.arguments[0], factor * bits(node.arguments[1]), into);
    }
    if (node.op == TermOp::kShl && is_constant(node.arguments[1])) {
      return collect(node.arguments[0], factor << bits(node.arguments[1]), into);
    }
  }
  const auto place = std::lower_bound(into.parts.begin(), into.parts.end(), term,
                                      [](const auto& part, Term wanted) { return part.first < wanted; });
  if (place != into.parts.end() && place->first == term) {
    place->second = (place->second + factor) & mask_of(node.width);
    if (place->second == 0) {
      into.parts.erase(place);
    }
    return true;
  }
  if (into.parts.size() == kMostParts) {
    return false;
  }
  into.parts.insert(place, {term, factor});
  return true;
}

LinearSum Terms::State::sum_of(Term term) const {
  LinearSum sum;
  if (!collect(term, 1, sum)) {
    sum = {{{term, 1}}, 0};
  }
  return sum;
}

Term Terms::State::scaled(Term of, std::uint64_t factor) {
  const unsigned wide = width(of);
  if (factor == 1) {
    return of;
  }
  return is_power(factor) ? make(TermOp::kShl, wide, of, constant(wide, log_of(factor)))
                          : make(TermOp::kMul, wide, of, constant(wide, factor));
}

Term Terms::State::build(const LinearSum& sum, unsigned width) {
  const std::uint64_t top = std::uint64_t{1} << (width - 1);
  std::optional<Term> plus;
  std::optional<Term> minus;
  for (const auto& [term, factor] : sum.parts) {
    const bool negative = (factor & top) != 0;
    const Term part = scaled(term, negative ? (~factor + 1) & mask_of(width) : factor);
    std::optional<Term>& side = negative ? minus : plus;
    side = side ? make(TermOp::kAdd, width, *side, part) : part;
  }
  if (!plus && !minus) {
    return constant(width, sum.offset);
  }
  Term result = plus.value_or(Term{});
  if (minus) {
    result = make(TermOp::kSub, width, plus ? *plus : constant(width, 0), *minus);
  }
  return sum.offset == 0 ? result : make(TermOp::kAdd, width, result, constant(width, sum.offset));
}

Term Terms::State::add(Term left, std::uint64_t factor, Term right) {
  const unsigned wide = width(left);
  LinearSum sum;
  if (collect(left, 1, sum) && collect(right, factor, sum)) {
    return build(sum, wide);
  }
  if (factor == 1) {
    return make(TermOp::kAdd, wide, left, right, true);
  }
  return make(TermOp::kSub, wide, left, right, true);
}

// --- operations of two terms

Term Terms::State::apply(TermOp op, Term left, Term right, int levels) {
  const unsigned wide = width(left);
  if (is_constant(left) && is_constant(right)) {
    return constant(compares(op) ? 1 : wide, value_of(op, wide, bits(left), bits(right)));
  }
  if (commutes(op) && (is_constant(left) || (!is_constant(right) && right < left))) {
    std::swap(left, right);
  }
  switch (op) {
    case TermOp::kAdd:
    case TermOp::kSub:
      if (wide == 1) {
        return bitwise(TermOp::kXor, left, right, levels);
      }
      return add(left, op == TermOp::kAdd ? 1 : mask_of(wide), right);
    case TermOp::kMul: {
      if (wide == 1) {
        return bitwise(TermOp::kAnd, left, right, levels);
      }
      if (!is_constant(right)) {
        return make(op, wide, left, right);
      }
      LinearSum sum;
      return collect(left, bits(right), sum) ? build(sum, wide) : make(op, wide, left, right, true);
    }
    case TermOp::kDivU:
      if (is_constant(right) && is_power(bits(right))) {
        return shift(TermOp::kShrU, left, constant(wide, log_of(bits(right))), levels);
      }
      return make(op, wide, left, right);
    case TermOp::kRemU:
      if (is_constant(right) && is_power(bits(right))) {
        return bitwise(TermOp::kAnd, left, constant(wide, bits(right) - 1), levels);
      }
      return make(op, wide, left, right);
    case TermOp::kDivS:
      return is_constant(right) && bits(right) == 1 && wide > 1 ? left : make(op, wide, left, right);
    case TermOp::kRemS:
      return make(op, wide, left, right);
    case TermOp::kAnd:
    case TermOp::kOr:
    case TermOp::kXor:
      return bitwise(op, left, right, levels);
    case TermOp::kShl:
    case TermOp::kShrU:
    case TermOp::kShrS:
      return shift(op, left, right, levels);
    case TermOp::kRotl:
    case TermOp::kRotr:
      return is_constant(right) && bits(right) % wide == 0 ? left : make(op, wide, left, right);
    case TermOp::kEq:
      return equal(left, right, levels);
    case TermOp::kLessU:
    case TermOp::kLessS:
      return less(op, left, right, levels);
    case TermOp::kConstant:
    case TermOp::kSymbol:
    case TermOp::kIte:
    case TermOp::kExtend:
    case TermOp::kExtendS:
    case TermOp::kLow:
    case TermOp::kOpaque:
      break;
  }
  throw std::logic_error("not an operation of two terms");
}

Term Terms::State::negation(Term condition) {
  if (is_constant(condition)) {
    return constant(1, bits(condition) ^ 1);
  }
  if (is(condition, TermOp::kXor) && is_constant(arg(condition, 1))) {
    return arg(condition, 0);
  }
  return make(TermOp::kXor, 1, condition, constant(1, 1));
}

Term Terms::State::bitwise(TermOp op, Term left, Term right, int levels) {
  const unsigned wide = width(left);
  const std::uint64_t mask = mask_of(wide);
  if (is_constant(left)) {
    std::swap(left, right);
  }
  if (is_constant(left)) {
    return constant(wide, value_of(op, wide, bits(left), bits(right)));
  }
  if (left == right) {
    return op == TermOp::kXor ? constant(wide, 0) : left;
  }
  if (wide == 1 && (negation(left) == right)) {
    return constant(1, op == TermOp::kAnd ? 0 : 1);
  }
  if (is_constant(right)) {
    const std::uint64_t with = bits(right);
    if (with == 0) {
      return op == TermOp::kAnd ? right : left;
    }
    if (with == mask && op != TermOp::kXor) {
      return op == TermOp::kAnd ? left : right;
    }
    if (wide == 1) {
      return negation(left);  // what is left of the operations with a constant
    }
    if (is(left, op) && is_constant(arg(left, 1))) {
      const Term merged = constant(wide, value_of(op, wide, bits(arg(left, 1)), with));
      return bitwise(op, arg(left, 0), merged, levels);
    }
    if (op == TermOp::kAnd && is_power(with + 1)) {
      return resize(TermOp::kExtend, low(left, log_of(with + 1), levels), wide, levels);
    }
  }
  if (levels > 0 && is(left, TermOp::kExtend)) {
    const Term inner = arg(left, 0);
    const unsigned narrow = width(inner);
    std::optional<Term> other;
    if (is_constant(right) && (op == TermOp::kAnd || bits(right) <= mask_of(narrow))) {
      other = constant(narrow, bits(right));
    } else if (is(right, TermOp::kExtend) && width(arg(right, 0)) == narrow) {
      other = arg(right, 0);
    }
    if (other) {
      return resize(TermOp::kExtend, bitwise(op, inner, *other, levels - 1), wide, levels - 1);
    }
  }
  if (!is_constant(right) && right < left) {
    std::swap(left, right);
  }
  return make(op, wide, left, right);
}

Term Terms::State::shift(TermOp op, Term left, Term right, int levels) {
  const unsigned wide = width(left);
  if (is_constant(left) && is_constant(right)) {
    return constant(wide, value_of(op, wide, bits(left), bits(right)));
  }
  if (!is_constant(right)) {
    return make(op, wide, left, right);
  }
  std::uint64_t by = bits(right);
  if (by == 0) {
    return left;
  }
  if (by >= wide) {
    if (op != TermOp::kShrS) {
      return constant(wide, 0);
    }
    by = wide - 1;
    if (by == 0) {
      return left;
    }
    right = constant(wide, by);
  }
  if (op == TermOp::kShl) {
    LinearSum sum;
    return collect(left, std::uint64_t{1} << by, sum) ? build(sum, wide) : make(op, wide, left, right, true);
  }
  const TermNode& node = at(left);
  if (node.op == TermOp::kExtend) {  // the highest bit is zero, so both shifts to the right are one
    const Term inner = node.arguments[0];
    if (by >= width(inner)) {
      return constant(wide, 0);
    }
    const Term narrow = shift(TermOp::kShrU, inner, constant(width(inner), by), levels - 1);
    return resize(TermOp::kExtend, narrow, wide, levels - 1);
  }
  if (op == TermOp::kShrS || levels <= 0) {
    return make(op, wide, left, right);
  }
  if (node.op == TermOp::kShrU && is_constant(node.arguments[1])) {
    const std::uint64_t sum = by + bits(node.arguments[1]);
    return sum >= wide ? constant(wide, 0) : shift(op, node.arguments[0], constant(wide, sum), levels - 1);
  }
  if (node.op == TermOp::kShl && is_constant(node.arguments[1]) && bits(node.arguments[1]) <= by) {
    const Term rest = shift(op, node.arguments[0], constant(wide, by - bits(node.arguments[1])), levels - 1);
    return resize(TermOp::kExtend, low(rest, wide - static_cast<unsigned>(by), levels - 1), wide, levels - 1);
  }
  if (node.op == TermOp::kAnd || node.op == TermOp::kOr || node.op == TermOp::kXor) {
    const TermOp of = node.op;
    const Term second = node.arguments[1];
    const Term first = shift(op, node.arguments[0], right, levels - 1);
    return bitwise(of, first, shift(op, second, right, levels - 1), levels - 1);
  }
  return make(op, wide, left, right);
}

// --- comparisons

Term Terms::State::equal(Term left, Term right, int levels) {
  const unsigned wide = width(left);
  if (left == right) {
    return constant(1, 1);
  }
  if (wide == 1) {
    return negation(bitwise(TermOp::kXor, left, right, levels));
  }
  LinearSum difference;
  if (collect(left, 1, difference) && collect(right, mask_of(wide), difference)) {
    if (difference.parts.empty()) {
      return constant(1, difference.offset == 0 ? 1 : 0);
    }
    if ((difference.parts.front().second >> (wide - 1)) != 0) {
      for (auto& part : difference.parts) {
        part.second = (~part.second + 1) & mask_of(wide);
      }
      difference.offset = (~difference.offset + 1) & mask_of(wide);
    }
    const auto& parts = difference.parts;
    if (parts.size() == 2 && difference.offset == 0 && parts[0].second == 1 &&
        parts[1].second == mask_of(wide)) {
      left = parts[0].first;
      right = parts[1].first;
    } else {
      right = constant(wide, ~difference.offset + 1);
      difference.offset = 0;
      left = build(difference, wide);
    }
  } else if (right < left) {
    std::swap(left, right);
  }
  if (is_constant(left)) {
    std::swap(left, right);
  }
  const TermNode& node = at(left);
  if (levels > 0 && is_constant(right)) {
    const std::uint64_t with = bits(right);
    if (node.op == TermOp::kExtend || node.op == TermOp::kExtendS) {
      const Term inner = node.arguments[0];
      const std::uint64_t narrow = with & mask_of(width(inner));
      const std::uint64_t again =
          node.op == TermOp::kExtend
              ? narrow
              : static_cast<std::uint64_t>(signed_of(width(inner), narrow)) & mask_of(wide);
      return again == with ? equal(inner, constant(width(inner), narrow), levels - 1) : constant(1, 0);
    }
    if (node.op == TermOp::kIte && is_constant(node.arguments[1]) && is_constant(node.arguments[2])) {
      const Term condition = node.arguments[0];
      const bool yes = bits(node.arguments[1]) == with;
      const bool no = bits(node.arguments[2]) == with;
      return yes == no ? constant(1, yes ? 1 : 0) : yes ? condition : negation(condition);
    }
    if (node.op == TermOp::kXor && is_constant(node.arguments[1])) {
      return equal(node.arguments[0], constant(wide, bits(node.arguments[1]) ^ with), levels - 1);
    }
    if (node.op == TermOp::kOr && with == 0) {
      const Term second = node.arguments[1];
      const Term first = equal(node.arguments[0], right, levels - 1);
      return bitwise(TermOp::kAnd, first, equal(second, right, levels - 1), levels - 1);
    }
  } else if (levels > 0 && node.op == at(right).op &&
             (node.op == TermOp::kExtend || node.op == TermOp::kExtendS) &&
             width(node.arguments[0]) == width(arg(right, 0))) {
    return equal(node.arguments[0], arg(right, 0), levels - 1);
  }
  return make(TermOp::kEq, 1, left, right);
}

Term Terms::State::less(TermOp op, Term left, Term right, int levels) {
  const unsigned wide = width(left);
  if (left == right) {
    return constant(1, 0);
  }
  if (is_constant(left) && is_constant(right)) {
    return constant(1, value_of(op, wide, bits(left), bits(right)));
  }
  if (wide == 1) {  // as a signed number, one bit set is -1
    return op == TermOp::kLessU ? bitwise(TermOp::kAnd, negation(left), right, levels)
                                : bitwise(TermOp::kAnd, left, negation(right), levels);
  }
  const auto extended = [this](Term term) { return is(term, TermOp::kExtend); };
  if (op == TermOp::kLessS && (extended(left) || extended(right))) {
    const auto negative = [&](Term term) { return is_constant(term) && signed_of(wide, bits(term)) < 0; };
    if (negative(left) || negative(right)) {
      return constant(1, negative(left) ? 1 : 0);
    }
    if ((extended(left) || is_constant(left)) && (extended(right) || is_constant(right))) {
      op = TermOp::kLessU;
    }
  }
  const auto choice = [this](Term term) {
    return is(term, TermOp::kIte) && is_constant(arg(term, 1)) && is_constant(arg(term, 2));
  };
  if ((choice(left) && is_constant(right)) || (choice(right) && is_constant(left))) {
    const Term of = choice(left) ? left : right;
    const auto result = [&](Term part) {
      return of == left ? value_of(op, wide, bits(part), bits(right)) != 0
                        : value_of(op, wide, bits(left), bits(part)) != 0;
    };
    const bool yes = result(arg(of, 1));
    const bool no = result(arg(of, 2));
    return yes == no ? constant(1, yes ? 1 : 0) : yes ? arg(of, 0) : negation(arg(of, 0));
  }
  if (op == TermOp::kLessS) {
    return make(op, 1, left, right);
  }
  if (is_constant(right)) {
    const std::uint64_t bound = bits(right);
    if (bound == 0) {
      return constant(1, 0);
    }
    if (bound == 1) {
      return equal(left, constant(wide, 0), levels);
    }
    if (bound == mask_of(wide)) {
      return negation(equal(left, right, levels));
    }
    if (extended(left) && levels > 0) {
      const Term inner = arg(left, 0);
      return bound > mask_of(width(inner)) ? constant(1, 1)
                                           : less(op, inner, constant(width(inner), bound), levels - 1);
    }
  }
  if (is_constant(left)) {
    const std::uint64_t bound = bits(left);
    if (bound == 0) {
      return negation(equal(right, left, levels));
    }
    if (bound == mask_of(wide)) {
      return constant(1, 0);
    }
    if (extended(right) && levels > 0) {
      const Term inner = arg(right, 0);
      return bound >= mask_of(width(inner)) ? constant(1, 0)
                                            : less(op, constant(width(inner), bound), inner, levels - 1);
    }
  }
  if (extended(left) && extended(right) && width(arg(left, 0)) == width(arg(right, 0))) {
    return less(op, arg(left, 0), arg(right, 0), levels - 1);
  }
  return make(op, 1, left, right);
}

// --- choice and width

Term Terms::State::ite(Term condition, Term yes, Term no) {
  if (is_constant(condition)) {
    return bits(condition) != 0 ? yes : no;
  }
  if (yes == no) {
    return yes;
  }
  if (is(condition, TermOp::kXor) && is_constant(arg(condition, 1))) {
    return ite(arg(condition, 0), no, yes);
  }
  const unsigned wide = width(yes);
  if (wide == 1 && is_constant(yes)) {
    return bits(yes) != 0 ? bitwise(TermOp::kOr, condition, no, 1)
                          : bitwise(TermOp::kAnd, negation(condition), no, 1);
  }
  if (wide == 1 && is_constant(no)) {
    return bits(no) != 0 ? bitwise(TermOp::kOr, negation(condition), yes, 1)
                         : bitwise(TermOp::kAnd, condition, yes, 1);
  }
  if (is_constant(yes) && is_constant(no) && bits(yes) <= 1 && bits(no) <= 1) {
    return resize(TermOp::kExtend, bits(yes) == 1 ? condition : negation(condition), wide, 1);
  }
  TermNode node;
  node.op = TermOp::kIte;
  node.width = static_cast<std::uint8_t>(wide);
  node.count = 3;
  node.arguments = {condition, yes, no};
  return make(std::move(node));
}

Term Terms::State::resize(TermOp op, Term of, unsigned to, int levels) {
  const unsigned wide = width(of);
  if (to == wide) {
    return of;
  }
  if (op == TermOp::kLow) {
    return low(of, to, levels);
  }
  if (is_constant(of)) {
    return constant(to,
                    op == TermOp::kExtend ? bits(of) : static_cast<std::uint64_t>(signed_of(wide, bits(of))));
  }
  // Above a true extension with zeros, the sign is plus.
  if (is(of, op) || is(of, TermOp::kExtend)) {
    return resize(at(of).op, arg(of, 0), to, levels);
  }
  TermNode node;
  node.op = op;
  node.width = static_cast<std::uint8_t>(to);
  node.count = 1;
  node.arguments = {of, Term{}, Term{}};
  return make(std::move(node));
}

Term Terms::State::low(Term of, unsigned to, int levels) {
  const unsigned wide = width(of);
  if (to == wide) {
    return of;
  }
  if (is_constant(of)) {
    return constant(to, bits(of));
  }
  const TermNode& node = at(of);
  if (node.op == TermOp::kLow) {
    return low(node.arguments[0], to, levels);
  }
  if (node.op == TermOp::kExtend || node.op == TermOp::kExtendS) {
    const Term inner = node.arguments[0];
    return to <= width(inner) ? low(inner, to, levels) : resize(node.op, inner, to, levels);
  }
  if (levels > 0) {
    switch (node.op) {
      case TermOp::kAnd:
      case TermOp::kOr:
      case TermOp::kXor: {
        const TermOp op = node.op;
        const Term second = node.arguments[1];
        const Term first = low(node.arguments[0], to, levels - 1);
        return bitwise(op, first, low(second, to, levels - 1), levels - 1);
      }
      case TermOp::kIte: {
        const Term condition = node.arguments[0];
        const Term no = node.arguments[2];
        const Term yes = low(node.arguments[1], to, levels - 1);
        return ite(condition, yes, low(no, to, levels - 1));
      }
      case TermOp::kAdd:
      case TermOp::kSub:
      case TermOp::kMul:
      case TermOp::kShl: {
        const LinearSum sum = sum_of(of);
        if (to == 1 || (sum.parts.size() == 1 && sum.parts[0].first == of)) {
          break;
        }
        LinearSum narrow;
        narrow.offset = sum.offset & mask_of(to);
        bool fits = true;
        for (const auto& [term, factor] : sum.parts) {
          if ((factor & mask_of(to)) != 0) {
            fits = fits && collect(low(term, to, levels - 1), factor, narrow);
          }
        }
        if (fits) {
          return build(narrow, to);
        }
        break;
      }
      case TermOp::kShrS:
        if (is_constant(node.arguments[1]) && bits(node.arguments[1]) + to <= wide) {
          const Term second = node.arguments[1];
          return low(shift(TermOp::kShrU, node.arguments[0], second, levels - 1), to, levels - 1);
        }
        break;
      default:
        break;
    }
  }
  TermNode result;
  result.op = TermOp::kLow;
  result.width = static_cast<std::uint8_t>(to);
  result.count = 1;
  result.arguments = {of, Term{}, Term{}};
  return make(std::move(result));
}

}  // namespace meld_verify::smt
