#include "engine/smt/term.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace meld_verify::smt {
namespace {

class TermTest : public testing::Test {
 protected:
  Term number(std::uint64_t bits) { return terms.constant(32, bits); }
  Term add(Term left, Term right) { return terms.apply(TermOp::kAdd, left, right); }
  Term sub(Term left, Term right) { return terms.apply(TermOp::kSub, left, right); }
  Term mul(Term left, Term right) { return terms.apply(TermOp::kMul, left, right); }
  Term shl(Term left, unsigned by) {
    return terms.apply(TermOp::kShl, left, terms.constant(terms.width(left), by));
  }
  Term eq(Term left, Term right) { return terms.apply(TermOp::kEq, left, right); }
  Term less(Term left, Term right) { return terms.apply(TermOp::kLessU, left, right); }
  Term wide(Term of) { return terms.resize(TermOp::kExtend, of, 64); }

  Terms terms;
  Term a = terms.symbol(32, "a");
  Term b = terms.symbol(32, "b");
};

TEST_F(TermTest, EqualTermsAreOneTerm) {
  EXPECT_EQ(add(a, b), add(b, a));
  EXPECT_EQ(terms.apply(TermOp::kXor, a, b), terms.apply(TermOp::kXor, b, a));
  EXPECT_NE(terms.symbol(32, "a"), a);
  const std::uint32_t tag = terms.tag_named("f");
  EXPECT_EQ(terms.tag_named("f"), tag);
  EXPECT_EQ(terms.opaque(32, tag, std::array{a}), terms.opaque(32, tag, std::array{a}));
  EXPECT_NE(terms.opaque(32, tag, std::array{a}), terms.opaque(32, tag, std::array{b}));
}

TEST_F(TermTest, SumsHaveOneForm) {
  EXPECT_EQ(add(add(a, number(4)), number(8)), add(a, number(12)));
  EXPECT_EQ(sub(add(a, b), a), b);
  EXPECT_EQ(mul(add(a, number(1)), number(8)), add(shl(a, 3), number(8)));
  EXPECT_EQ(mul(a, number(4)), shl(a, 2));
  EXPECT_EQ(add(a, a), shl(a, 1));
  EXPECT_EQ(sub(add(a, number(5)), add(a, number(5))), number(0));
}

TEST_F(TermTest, ATermSplitsIntoBaseAndOffset) {
  const Terms::Split split = terms.split(add(add(number(0xfffffffe), a), number(6)));
  EXPECT_EQ(split.base, a);
  EXPECT_EQ(split.offset, 4U);
  EXPECT_FALSE(terms.split(number(7)).base);
  EXPECT_EQ(terms.split(number(7)).offset, 7U);
}

TEST_F(TermTest, HalvesOfAJoinedWordComeApart) {
  const Term joined = terms.apply(TermOp::kOr, wide(a), shl(wide(b), 32));
  EXPECT_EQ(terms.resize(TermOp::kLow, joined, 32), a);
  const Term upper = terms.apply(TermOp::kShrU, joined, terms.constant(64, 32));
  EXPECT_EQ(terms.resize(TermOp::kLow, upper, 32), b);
  EXPECT_EQ(upper, wide(b));
}

TEST_F(TermTest, MasksAreNarrowTerms) {
  const Term byte = terms.resize(TermOp::kLow, a, 8);
  EXPECT_EQ(terms.apply(TermOp::kAnd, a, number(255)), terms.resize(TermOp::kExtend, byte, 32));
  const Term word = terms.resize(TermOp::kExtend, byte, 32);
  EXPECT_EQ(terms.apply(TermOp::kAnd, word, number(255)), word);
}

TEST_F(TermTest, ComparisonsSeeThroughSumsAndWidths) {
  EXPECT_EQ(eq(add(a, number(1)), add(a, number(2))), terms.constant(1, 0));
  EXPECT_EQ(eq(add(a, number(3)), number(5)), eq(a, number(2)));
  const Term byte = terms.resize(TermOp::kLow, a, 8);
  EXPECT_EQ(less(terms.resize(TermOp::kExtend, byte, 32), number(256)), terms.constant(1, 1));
  EXPECT_EQ(eq(terms.resize(TermOp::kExtend, byte, 32), number(300)), terms.constant(1, 0));
}

TEST_F(TermTest, AConditionAsAWordIsTheConditionAgain) {
  const Term condition = less(a, b);
  const Term word = terms.resize(TermOp::kExtend, condition, 32);
  EXPECT_EQ(eq(word, number(0)), terms.negation(condition));
  EXPECT_EQ(terms.negation(eq(word, number(0))), condition);
  EXPECT_EQ(terms.ite(condition, number(1), number(0)), word);
}

TEST_F(TermTest, AChoiceOfNumbersIsNoConditionForTheirSum) {
  const Term condition = less(a, b);
  const Term choice = terms.ite(condition, terms.constant(64, 2), terms.constant(64, ~0ULL));
  EXPECT_EQ(terms.op(choice), TermOp::kIte);
}

TEST_F(TermTest, LongTermsHaveShortTexts) {
  EXPECT_EQ(terms.text(add(a, number(8))), "(add a 8)");
  EXPECT_EQ(terms.text(terms.opaque(32, terms.tag_named("f32.add"), std::array{a, b})), "(f32.add a b)");
  Term term = a;
  for (int i = 0; i < 2000; ++i) {
    term = terms.apply(TermOp::kDivU, term, terms.apply(TermOp::kXor, term, b));
  }
  EXPECT_LT(terms.text(term).size(), 100'000U);
}

TEST_F(TermTest, TermsThatDoNotFitAreRefused) {
  EXPECT_THROW(add(a, terms.symbol(64, "c")), std::logic_error);
  EXPECT_THROW(terms.resize(TermOp::kLow, a, 64), std::logic_error);
  EXPECT_THROW(terms.constant(65, 0), std::logic_error);
}

class DeciderTest : public TermTest {
 protected:
  Answer follows(std::vector<Term> conditions, Term condition) {
    return decider.follows(conditions, condition);
  }
  Decider decider{terms};
};

TEST_F(DeciderTest, DecidesConditions) {
  EXPECT_EQ(follows({less(a, b)}, terms.negation(eq(a, b))), Answer::kYes);
  EXPECT_EQ(follows({less(a, b)}, eq(a, number(0))), Answer::kNo);
  EXPECT_EQ(decider.satisfiable(std::array{less(a, b), less(b, a)}), Answer::kNo);
  EXPECT_EQ(decider.satisfiable(std::array{less(a, b)}), Answer::kYes);
  EXPECT_EQ(decider.satisfiable({}), Answer::kYes);
  // 4 * a does not wrap around.
  EXPECT_EQ(follows({less(a, number(0x4000'0000))}, terms.negation(less(shl(a, 2), a))), Answer::kYes);
  EXPECT_EQ(follows({}, terms.negation(less(shl(a, 2), a))), Answer::kNo);
}

TEST_F(DeciderTest, RemembersAnswers) {
  const std::vector<Term> conditions{less(a, b), less(b, number(10))};
  EXPECT_EQ(decider.satisfiable(conditions), Answer::kYes);
  const std::size_t asked = decider.questions();
  EXPECT_GT(asked, 0U);
  EXPECT_EQ(decider.satisfiable(std::vector<Term>(conditions.rbegin(), conditions.rend())), Answer::kYes);
  EXPECT_EQ(decider.questions(), asked);
}

TEST_F(DeciderTest, AnswersWhatIsPlainWithoutAsking) {
  EXPECT_EQ(follows({less(a, b)}, less(a, b)), Answer::kYes);
  EXPECT_EQ(decider.satisfiable(std::array{less(a, b), terms.negation(less(a, b))}), Answer::kNo);
  EXPECT_EQ(decider.satisfiable(std::array{eq(a, number(3))}), Answer::kYes);
  EXPECT_EQ(decider.questions(), 0U);
}

TEST_F(DeciderTest, AHardQuestionIsUnknown) {
  // Factors of a product of two primes near 2^31: far beyond the limit.
  const Term product = mul(terms.resize(TermOp::kExtend, a, 64), terms.resize(TermOp::kExtend, b, 64));
  const Term semiprime = eq(product, terms.constant(64, 4611685975477714963ULL));
  EXPECT_EQ(decider.satisfiable(std::array{semiprime, less(number(1), a), less(number(1), b), less(a, b)}),
            Answer::kUnknown);
}

TEST_F(DeciderTest, ADeepTermIsUnknown) {
  Term term = a;
  for (int i = 0; i < 2000; ++i) {
    term = terms.apply(TermOp::kDivU, term, terms.apply(TermOp::kXor, term, b));
  }
  EXPECT_EQ(decider.satisfiable(std::array{less(term, b)}), Answer::kUnknown);
}

TEST_F(DeciderTest, WritesQuestionsForACommandLine) {
  const std::string text = decider.dump(std::array{less(a, b), eq(b, number(4))});
  EXPECT_NE(text.find("(set-logic QF_BV)"), std::string::npos);
  EXPECT_NE(text.find("; a\n"), std::string::npos);
  EXPECT_NE(text.find("bvult"), std::string::npos) << text;
  EXPECT_NE(text.find("(check-sat)"), std::string::npos);
}

}  // namespace
}  // namespace meld_verify::smt
