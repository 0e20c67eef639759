// Narrowed conditions are met by the very values that meet the conditions themselves.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/smt/narrow.h"
#include "engine/smt/term_value.h"
#include "spec/property.h"

namespace meld_verify::smt {
namespace {

using spec::below;
using spec::expect_met;
using spec::hold;
using spec::Tally;

constexpr unsigned kWidth = 3;
constexpr std::uint64_t kValues = 8;

/// Conditions over three leaves of three bits.
class Conditions {
 public:
  explicit Conditions(Terms& terms) : terms_(terms) {
    for (Term& leaf : leaves) {
      leaf = terms.symbol(kWidth, "v");
    }
    for (std::size_t i = 1 + below(7); i > 0; --i) {
      all.push_back(condition(2));
    }
  }

  std::array<Term, 3> leaves;
  std::vector<Term> all;

 private:
  Term constant() { return terms_.constant(kWidth, below(kValues)); }

  Term number(int levels) {
    if (levels == 0 || below(3) != 0) {
      return below(4) == 0 ? constant() : leaves[below(3)];
    }
    if (below(4) == 0) {
      return terms_.ite(condition(levels - 1), number(levels - 1), number(levels - 1));
    }
    constexpr std::array kOps{TermOp::kAdd, TermOp::kSub, TermOp::kMul,  TermOp::kAnd, TermOp::kOr,
                              TermOp::kXor, TermOp::kShl, TermOp::kRemU, TermOp::kDivU};
    return terms_.apply(kOps[below(kOps.size())], number(levels - 1), number(levels - 1));
  }

  Term condition(int levels) {
    if (levels > 0 && below(3) == 0) {
      constexpr std::array kOps{TermOp::kAnd, TermOp::kOr, TermOp::kXor};
      return terms_.apply(kOps[below(kOps.size())], condition(levels - 1), condition(levels - 1));
    }
    if (levels > 0 && below(3) == 0) {
      return terms_.negation(condition(levels - 1));
    }
    constexpr std::array kOps{TermOp::kEq, TermOp::kLessU, TermOp::kLessU, TermOp::kLessS};
    const TermOp op = kOps[below(kOps.size())];
    const bool wide = below(4) == 0;
    const auto side = [&](bool plain) {
      const Term term = plain ? (below(2) == 0 ? constant() : leaves[below(3)]) : number(levels);
      return wide ? terms_.resize(TermOp::kExtend, term, 6) : term;
    };
    const bool plain = below(3) != 0;
    return terms_.apply(op, side(plain), side(plain));
  }

  Terms& terms_;
};

bool meets(const Terms& terms, const Narrowed& narrowed, const Assignment& assigned) {
  return !narrowed.impossible &&
         std::all_of(narrowed.ranges.begin(), narrowed.ranges.end(),
                     [&](const auto& item) {
                       const std::uint64_t value = assigned(item.first);
                       const LeafRange& range = item.second;
                       return value >= range.least && value <= range.most && !range.excluded.contains(value);
                     }) &&
         std::all_of(narrowed.rest.begin(), narrowed.rest.end(), [&](const Literal& literal) {
           return (value_of(terms, literal.term, assigned) == 1) == literal.holds;
         });
}

TEST(NarrowProps, TheSameValuesMeetWhatConditionsAreNarrowedTo) {
  Tally tally;
  Solver solver;
  hold("the same values meet what conditions are narrowed to", 4000, [&] {
    Terms terms;
    const Conditions conditions(terms);
    const Narrowed narrowed = narrow(terms, conditions.all);
    bool met = false;
    for (std::uint64_t bits = 0; bits < kValues * kValues * kValues; ++bits) {
      const Assignment assigned = [&](Term leaf) {
        std::uint64_t rest = bits;
        for (const Term one : conditions.leaves) {
          if (one == leaf) {
            break;
          }
          rest /= kValues;
        }
        return rest % kValues;
      };
      const bool all = std::all_of(conditions.all.begin(), conditions.all.end(),
                                   [&](Term condition) { return value_of(terms, condition, assigned) == 1; });
      RC_ASSERT(meets(terms, narrowed, assigned) == all);
      met = met || all;
    }
    for (const auto& [leaf, value] : narrowed.fixed) {
      RC_ASSERT(narrowed.ranges.at(leaf).least == value);
      RC_ASSERT(narrowed.ranges.at(leaf).most == value);
    }
    Decider decider(terms, solver);
    RC_ASSERT(decider.satisfiable(conditions.all) == (met ? Answer::kYes : Answer::kNo));
    ++tally[narrowed.impossible ? "impossible" : narrowed.rest.empty() ? "ranges" : "rest"];
    ++tally[decider.questions() == 0 ? "not asked" : met ? "asked, yes" : "asked, no"];
    tally["fixed"] += static_cast<int>(narrowed.fixed.size());
  });
  expect_met(tally, {{"impossible", 100},
                     {"ranges", 100},
                     {"rest", 100},
                     {"not asked", 100},
                     {"asked, yes", 100},
                     {"asked, no", 100},
                     {"fixed", 100}});
}

TEST(NarrowProps, QuestionsOfOneFormAreAskedOnce) {
  hold("questions of one form are asked once", 50, [] {
    Solver solver;
    Terms terms;
    Decider decider(terms, solver);
    std::optional<Answer> first;
    const std::uint64_t factor = 3 + 2 * below(50), bound = 1 + below(1000);
    for (int i = 0; i < 3; ++i) {
      const Term a = terms.symbol(32, "a"), b = terms.symbol(32, "b");
      const Term product = terms.apply(TermOp::kMul, a, terms.constant(32, factor));
      const std::vector<Term> conditions{terms.apply(TermOp::kLessU, product, b),
                                         terms.apply(TermOp::kLessU, b, terms.constant(32, bound)),
                                         terms.apply(TermOp::kLessU, b, a)};
      const Answer answer = decider.satisfiable(conditions);
      RC_ASSERT(answer == first.value_or(answer));
      first = answer;
      RC_ASSERT(decider.questions() <= 1U);
    }
  });
}

}  // namespace
}  // namespace meld_verify::smt
