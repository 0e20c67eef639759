#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "engine/smt/term_value.h"
#include "spec/property.h"

namespace meld_verify::smt {
namespace {

using spec::below;
using spec::expect_met;
using spec::hold;
using spec::Tally;

constexpr std::array kWidths{1U, 8U, 16U, 32U, 64U};

std::uint64_t mask(unsigned width) {
  return width == 64 ? ~0ULL : (1ULL << width) - 1;
}

std::uint64_t number(unsigned width) {
  const std::uint64_t any = *rc::gen::arbitrary<std::uint64_t>();
  switch (below(6)) {
    case 0:
      return below(9) & mask(width);
    case 1:
      return mask(width) - (below(3) & mask(width));
    case 2:
      return 1ULL << below(width);
    case 3:
      return mask(1 + below(width));
    default:
      return any & mask(width);
  }
}

/// Grows terms from a few leaves, and computes beside each what it is worth, step by step.
class Growth {
 public:
  explicit Growth(Terms& terms) : terms_(terms) {
    for (const unsigned width : kWidths) {
      for (int i = 0; i < 2; ++i) {
        const Term leaf = terms.symbol(width, "s");
        leaves[leaf] = number(width);
        remember(leaf, leaves[leaf]);
      }
      const std::uint64_t bits = number(width);
      remember(terms.constant(width, bits), bits);
    }
  }

  /// Adds a term, and says what kind of step it was. Its worth is computed by an operation on constants in
  /// another store, from the worth of its parts.
  void step() {
    const unsigned width = kWidths[below(kWidths.size())];
    const std::size_t kind = below(24);
    if (kind < 19) {
      const auto op = static_cast<TermOp>(static_cast<std::size_t>(TermOp::kAdd) + kind % 17);
      if (op == TermOp::kIte) {
        return;
      }
      const auto [left, left_bits] = any(width);
      const auto [right, right_bits] = below(3) == 0 ? constant(width) : any(width);
      check(terms_.apply(op, left, right), op, width, {left_bits, right_bits});
    } else if (kind == 19) {
      const auto [condition, chosen] = any(1);
      const auto [yes, yes_bits] = any(width);
      const auto [no, no_bits] = any(width);
      remember(terms_.ite(condition, yes, no), chosen != 0 ? yes_bits : no_bits);
    } else if (kind == 20) {
      const auto [condition, bits] = any(1);
      remember(terms_.negation(condition), bits ^ 1);
    } else {
      const unsigned from = kWidths[below(kWidths.size())];
      const auto [of, bits] = any(from);
      const unsigned small = std::min(width, from);
      const unsigned large = std::max(width, from);
      const auto [narrow, narrow_bits] = any(small);
      if (kind == 21) {
        remember(terms_.resize(TermOp::kLow, of, small), bits & mask(small));
      } else if (kind == 22) {
        remember(terms_.resize(TermOp::kExtend, narrow, large), narrow_bits);
      } else {
        const bool minus = ((narrow_bits >> (small - 1)) & 1) != 0;
        remember(terms_.resize(TermOp::kExtendS, narrow, large),
                 minus ? (narrow_bits | ~mask(small)) & mask(large) : narrow_bits);
      }
    }
  }

  std::map<Term, std::uint64_t> leaves;
  std::vector<std::pair<Term, std::uint64_t>> grown;

 private:
  void check(Term term, TermOp op, unsigned width, std::array<std::uint64_t, 2> bits) {
    // The plain operation on two symbols cannot be simplified.
    Terms plain;
    const Term left = plain.symbol(width, "l");
    const Term right = plain.symbol(width, "r");
    const Term result = plain.apply(op, left, right);
    remember(term, value_of(plain, result, [&](Term leaf) { return leaf == left ? bits[0] : bits[1]; }));
  }
  void remember(Term term, std::uint64_t bits) {
    grown.emplace_back(term, bits);
    by_width_[terms_.width(term)].emplace_back(term, bits);
  }
  std::pair<Term, std::uint64_t> any(unsigned width) {
    const auto& of = by_width_[width];
    return of[below(of.size())];
  }
  std::pair<Term, std::uint64_t> constant(unsigned width) {
    const std::uint64_t bits = number(width);
    return {terms_.constant(width, bits), bits};
  }

  Terms& terms_;
  std::map<unsigned, std::vector<std::pair<Term, std::uint64_t>>> by_width_;
};

TEST(TermProps, ASimplifiedTermIsWorthWhatTheOperationsGive) {
  Tally tally;
  hold("a simplified term is worth what the operations give", 1500, [&tally] {
    Terms terms;
    Growth growth(terms);
    for (int i = 0; i < 60; ++i) {
      growth.step();
    }
    const Assignment assigned = [&growth](Term leaf) { return growth.leaves.at(leaf); };
    for (const auto& [term, bits] : growth.grown) {
      RC_LOG(terms.text(term));
      RC_ASSERT(value_of(terms, term, assigned) == bits);
      ++tally[terms.is_constant(term) ? "constant" : "open"];
    }
  });
  expect_met(tally, {{"constant", 1000}, {"open", 10'000}});
}

TEST(TermProps, TheSolverAgrees) {
  Tally tally;
  Solver solver;
  hold("the solver agrees", 60, [&tally, &solver] {
    Terms terms;
    Growth growth(terms);
    for (int i = 0; i < 25; ++i) {
      growth.step();
    }
    Decider decider(terms, solver);
    std::vector<Term> given;
    for (const auto& [leaf, bits] : growth.leaves) {
      // Three times the leaf is a number that no other value gives: the solver has to find it.
      const Term three = terms.constant(terms.width(leaf), 3);
      given.push_back(terms.apply(TermOp::kEq, terms.apply(TermOp::kMul, leaf, three),
                                  terms.apply(TermOp::kMul, terms.constant(terms.width(leaf), bits), three)));
    }
    for (std::size_t i = growth.grown.size() - 6; i < growth.grown.size(); ++i) {
      const auto& [term, bits] = growth.grown[i];
      const Term claim = terms.apply(TermOp::kEq, term, terms.constant(terms.width(term), bits));
      RC_LOG(terms.text(term));
      const Answer answer = decider.follows(given, claim);
      RC_ASSERT(answer != Answer::kNo);
      ++tally[answer == Answer::kYes ? "yes" : "unknown"];
    }
  });
  expect_met(tally, {{"yes", 300}});
}

TEST(TermProps, ConditionsOnOneValueAreDecidedByCounting) {
  Tally tally;
  Solver solver;
  hold("conditions on one value are decided by counting", 3000, [&tally, &solver] {
    Terms terms;
    Decider decider(terms, solver);
    const unsigned width = below(3) == 0 ? 1 : 3;
    const Term value = terms.symbol(width, "v");
    const auto bound = [&] { return terms.constant(width, below(9)); };
    std::vector<Term> conditions;
    for (std::size_t i = 1 + below(6); i > 0; --i) {
      const TermOp op = below(2) == 0 ? TermOp::kEq : TermOp::kLessU;
      Term condition = below(2) == 0 ? terms.apply(op, value, bound()) : terms.apply(op, bound(), value);
      if (op == TermOp::kEq ? below(4) != 0 : below(2) == 0) {
        condition = terms.negation(condition);
      }
      conditions.push_back(condition);
    }
    bool met = false;
    for (std::uint64_t bits = 0; bits <= mask(width); ++bits) {
      met = met || std::all_of(conditions.begin(), conditions.end(), [&](Term condition) {
              return value_of(terms, condition, [bits](Term) { return bits; }) == 1;
            });
    }
    RC_ASSERT(decider.satisfiable(conditions) == (met ? Answer::kYes : Answer::kNo));
    RC_ASSERT(decider.questions() == 0U);
    ++tally[met ? "yes" : "no"];
  });
  expect_met(tally, {{"yes", 300}, {"no", 300}});
}

}  // namespace
}  // namespace meld_verify::smt
