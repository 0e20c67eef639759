#include <fmt/format.h>
#include <z3++.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/smt/narrow.h"
#include "engine/smt/term.h"

namespace meld_verify::smt {

namespace {

/// Of all questions: so that a file made to be hard costs a minute, not a day.
constexpr std::uint64_t kAllResources = 100'000'000;
/// Terms beyond these are left undecided: they are no condition that a compiler or a fuser writes.
constexpr std::uint32_t kMostDepth = 500;
constexpr std::size_t kMostTerms = 20'000;

using Conditions = std::vector<Term>;  ///< sorted, each once

/// What is asked at once: literals that share leaves.
struct Question {
  std::vector<Literal> literals;
  std::vector<Term> leaves;  ///< sorted
};

/// A question written down with leaves numbered as they come: the same for questions that differ in the names
/// of their leaves only, which have the same answer.
using Text = std::vector<std::uint64_t>;

struct TextHash {
  std::size_t operator()(const Text& text) const {
    std::uint64_t hash = text.size();
    for (const std::uint64_t word : text) {
      hash = mixed(hash ^ word);
    }
    return hash;
  }
  static std::uint64_t mixed(std::uint64_t value) {  // splitmix64
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }
};

}  // namespace

struct Decider::State {
  State(Terms& its_terms, Solver its_solver, unsigned its_resources)
      : terms(its_terms),
        solver(std::move(its_solver)),
        context(solver.context()),
        resources(its_resources) {}

  Terms& terms;
  Solver solver;
  z3::context& context;
  std::unordered_map<Term, z3::expr> made;
  std::unordered_map<Term, std::vector<Term>> leaves;
  std::map<Conditions, Answer> answers;
  std::unordered_map<Text, Answer, TextHash> answers_of_alike;
  std::unordered_map<Term, std::uint64_t> hashes;  ///< whatever the names of leaves
  std::size_t questions = 0;
  unsigned resources = 0;   ///< of a question
  std::uint64_t spent = 0;  ///< by all

  /// What `of` is made of that can have any value: symbols and opaque terms. Nothing when it is too large.
  const std::vector<Term>* leaves_of(Term of) {
    if (const auto found = leaves.find(of); found != leaves.end()) {
      return &found->second;
    }
    std::vector<Term> result;
    std::unordered_set<Term> seen{of};
    std::vector<Term> open{of};
    while (!open.empty()) {
      const Term term = open.back();
      open.pop_back();
      if (is_leaf(terms, term)) {
        result.push_back(term);
        continue;
      }
      for (const Term argument : terms.arguments(term)) {
        if (seen.insert(argument).second) {
          open.push_back(argument);
        }
      }
      if (seen.size() > kMostTerms) {
        return nullptr;
      }
    }
    std::sort(result.begin(), result.end());
    return &leaves.emplace(of, std::move(result)).first->second;
  }

  [[nodiscard]] z3::expr bit(const z3::expr& condition) const {
    return z3::ite(condition, context.bv_val(1, 1), context.bv_val(0, 1));
  }

  /// The term for Z3. The depth of terms was checked.
  z3::expr make(Term term) {
    if (const auto found = made.find(term); found != made.end()) {
      return found->second;
    }
    const z3::expr result = fresh(term);
    made.emplace(term, result);
    return result;
  }

  z3::expr fresh(Term term) {
    const unsigned width = terms.width(term);
    const TermOp op = terms.op(term);
    if (op == TermOp::kConstant) {
      return context.bv_val(static_cast<std::uint64_t>(terms.bits(term)), width);
    }
    // An opaque term is a constant of its own: equal terms are one term, so what is known of one holds for
    // the other; that equal arguments make equal results of different terms is not used.
    if (op == TermOp::kSymbol || op == TermOp::kOpaque) {
      return context.bv_const(fmt::format("t{}", term.value).c_str(), width);
    }
    const auto arguments = terms.arguments(term);
    const z3::expr first = make(arguments[0]);
    if (op == TermOp::kIte) {
      return z3::ite(first == context.bv_val(1, 1), make(arguments[1]), make(arguments[2]));
    }
    if (op == TermOp::kExtend) {
      return z3::zext(first, width - terms.width(arguments[0]));
    }
    if (op == TermOp::kExtendS) {
      return z3::sext(first, width - terms.width(arguments[0]));
    }
    if (op == TermOp::kLow) {
      return first.extract(width - 1, 0);
    }
    const z3::expr second = make(arguments[1]);
    switch (op) {
      case TermOp::kAdd:
        return first + second;
      case TermOp::kSub:
        return first - second;
      case TermOp::kMul:
        return first * second;
      case TermOp::kDivU:
        return z3::udiv(first, second);
      case TermOp::kDivS:
        return first / second;
      case TermOp::kRemU:
        return z3::urem(first, second);
      case TermOp::kRemS:
        return z3::srem(first, second);
      case TermOp::kAnd:
        return first & second;
      case TermOp::kOr:
        return first | second;
      case TermOp::kXor:
        return first ^ second;
      case TermOp::kShl:
        return z3::shl(first, second);
      case TermOp::kShrU:
        return z3::lshr(first, second);
      case TermOp::kShrS:
        return z3::ashr(first, second);
      case TermOp::kRotl:
        return z3::expr(context, Z3_mk_ext_rotate_left(context, first, second));
      case TermOp::kRotr:
        return z3::expr(context, Z3_mk_ext_rotate_right(context, first, second));
      case TermOp::kEq:
        return bit(first == second);
      case TermOp::kLessU:
        return bit(z3::ult(first, second));
      case TermOp::kLessS:
        return bit(z3::slt(first, second));
      case TermOp::kConstant:
      case TermOp::kSymbol:
      case TermOp::kIte:
      case TermOp::kExtend:
      case TermOp::kExtendS:
      case TermOp::kLow:
      case TermOp::kOpaque:
        break;
    }
    throw std::logic_error("not an operation");
  }

  void add_range(z3::solver& solver, Term leaf, const LeafRange& range) {
    const unsigned width = terms.width(leaf);
    const z3::expr value = make(leaf);
    const auto number = [&](std::uint64_t bits) {
      return context.bv_val(static_cast<std::uint64_t>(bits), width);
    };
    if (range.least == range.most) {
      solver.add(value == number(range.least));
      return;
    }
    solver.add(z3::uge(value, number(range.least)));
    solver.add(z3::ule(value, number(range.most)));
    for (const std::uint64_t excluded : range.excluded) {
      solver.add(value != number(excluded));
    }
  }

  /// Z3's count of its own work so far.
  static std::uint64_t resources_used(const z3::solver& solver) {
    const z3::stats counts = solver.statistics();
    for (unsigned i = 0; i < counts.size(); ++i) {
      if (counts.key(i) == "rlimit count") {
        return counts.uint_value(i);
      }
    }
    return 0;
  }

  [[nodiscard]] std::uint64_t head_of(Term term) const {
    return std::uint64_t{terms.width(term)} << 8 | static_cast<std::uint64_t>(terms.op(term));
  }

  /// Of the term's form, leaves being alike. The depth of terms was checked.
  std::uint64_t hash_of(Term term) {
    if (const auto found = hashes.find(term); found != hashes.end()) {
      return found->second;
    }
    std::uint64_t hash = TextHash::mixed(is_leaf(terms, term) ? terms.width(term) : head_of(term));
    if (terms.is_constant(term)) {
      hash = TextHash::mixed(hash ^ terms.bits(term));
    } else if (!is_leaf(terms, term)) {
      for (const Term argument : terms.arguments(term)) {
        hash = TextHash::mixed(hash ^ hash_of(argument));
      }
    }
    hashes.emplace(term, hash);
    return hash;
  }

  /// Each term is written once; where it comes again stands its number.
  class Writer {
   public:
    Writer(const State& state, const Narrowed& known) : state_(state), known_(known) {}

    void write(Term term) {
      const auto [place, fresh] = numbers_.emplace(term, numbers_.size());
      if (!fresh) {
        text.insert(text.end(), {kAgain, place->second});
        return;
      }
      if (is_leaf(state_.terms, term)) {
        const auto fixed = known_.fixed.find(term);
        if (fixed != known_.fixed.end()) {
          text.insert(text.end(), {kFixed, state_.terms.width(term), fixed->second});
          return;
        }
        text.insert(text.end(), {kLeaf, state_.terms.width(term)});
        leaves_.push_back(term);
        return;
      }
      text.push_back(state_.head_of(term));
      if (state_.terms.is_constant(term)) {
        text.push_back(state_.terms.bits(term));
        return;
      }
      for (const Term argument : state_.terms.arguments(term)) {
        write(argument);
      }
    }

    /// Of the leaves, in the order in which they came.
    void write_ranges() {
      for (const Term leaf : leaves_) {
        const auto range = known_.ranges.find(leaf);
        if (range == known_.ranges.end()) {
          text.push_back(kNoRange);
          continue;
        }
        const auto& [least, most, excluded] = range->second;
        text.insert(text.end(), {kRange, least, most, excluded.size()});
        text.insert(text.end(), excluded.begin(), excluded.end());
      }
    }

    Text text;

   private:
    // Beyond what `head_of` gives.
    static constexpr std::uint64_t kAgain = 1U << 20;
    static constexpr std::uint64_t kLeaf = kAgain + 1;
    static constexpr std::uint64_t kFixed = kAgain + 2;
    static constexpr std::uint64_t kNoRange = kAgain + 3;
    static constexpr std::uint64_t kRange = kAgain + 4;
    const State& state_;
    const Narrowed& known_;
    std::vector<Term> leaves_;
    std::unordered_map<Term, std::uint64_t> numbers_;
  };

  Text text_of(const Question& question, const Narrowed& known) {
    std::vector<std::pair<std::uint64_t, Literal>> order;
    for (const Literal& literal : question.literals) {
      order.emplace_back(hash_of(literal.term) ^ (literal.holds ? 1 : 0), literal);
    }
    std::sort(order.begin(), order.end());
    Writer writer(*this, known);
    for (const auto& [hash, literal] : order) {
      writer.text.push_back(literal.holds ? 1 : 0);
      writer.write(literal.term);
    }
    writer.write_ranges();
    return std::move(writer.text);
  }

  /// One question to Z3, answered from memory where one of the same form was put before.
  Answer ask(const Question& question, const Narrowed& known) {
    const bool small =
        std::all_of(question.literals.begin(), question.literals.end(),
                    [this](const Literal& literal) { return terms.depth(literal.term) <= kMostDepth; });
    if (!small) {
      return Answer::kUnknown;
    }
    Text text = text_of(question, known);
    const auto found = answers_of_alike.find(text);
    if (found != answers_of_alike.end()) {
      return found->second;
    }
    return answers_of_alike.emplace(std::move(text), ask_z3(question, known)).first->second;
  }

  Answer ask_z3(const Question& question, const Narrowed& known) {
    Answer answer = Answer::kUnknown;
    if (spent < kAllResources) {
      ++questions;
      try {
        // A solver of its own for each question: an answer must not depend on the questions before it.
        z3::solver solver(context, "QF_BV");
        z3::params params(context);
        params.set("rlimit", resources);
        params.set("random_seed", 0U);
        solver.set(params);
        for (const Literal& literal : question.literals) {
          solver.add(make(literal.term) == context.bv_val(literal.holds ? 1 : 0, 1));
        }
        for (const Term leaf : question.leaves) {
          if (const auto range = known.ranges.find(leaf); range != known.ranges.end()) {
            add_range(solver, leaf, range->second);
          }
        }
        const std::uint64_t before = resources_used(solver);
        const z3::check_result result = solver.check();
        spent += std::min<std::uint64_t>(resources_used(solver) - before, resources);
        switch (result) {
          case z3::sat:
            answer = Answer::kYes;
            break;
          case z3::unsat:
            answer = Answer::kNo;
            break;
          case z3::unknown:
            break;
        }
      } catch (const z3::exception&) {
        answer = Answer::kUnknown;
      }
    }
    return answer;
  }

  Answer satisfiable(std::span<const Term> given) {
    const Term yes = terms.constant(1, 1);
    std::set<Term> all;
    for (const Term condition : given) {
      if (terms.is_constant(condition)) {
        if (condition != yes) {
          return Answer::kNo;
        }
        continue;
      }
      all.insert(condition);
    }
    for (const Term condition : all) {
      if (all.contains(terms.negation(condition))) {
        return Answer::kNo;
      }
    }
    Conditions conditions(all.begin(), all.end());
    if (const auto found = answers.find(conditions); found != answers.end()) {
      return found->second;
    }
    const Answer answer = decide(conditions);
    answers.emplace(std::move(conditions), answer);
    return answer;
  }

  Answer decide(const Conditions& conditions) {
    for (const Term condition : conditions) {
      if (leaves_of(condition) == nullptr) {
        return Answer::kUnknown;
      }
    }
    const Narrowed known = narrow(terms, conditions);
    if (known.impossible) {
      return Answer::kNo;
    }
    // Literals that share nothing with one another are questions of their own: they come up again and again
    // while others change. What ranges alone say is answered: none is empty.
    std::unordered_map<Term, std::size_t> group_of;  // of a leaf
    std::vector<std::size_t> parent;
    const auto root = [&parent](std::size_t group) {
      while (parent[group] != group) {
        group = parent[group] = parent[parent[group]];
      }
      return group;
    };
    for (const Literal& literal : known.rest) {
      const std::vector<Term>* of = leaves_of(literal.term);
      if (of == nullptr) {
        return Answer::kUnknown;
      }
      const std::size_t group = parent.size();
      parent.push_back(group);
      for (const Term leaf : *of) {
        if (known.fixed.contains(leaf)) {
          continue;
        }
        const auto [place, added] = group_of.emplace(leaf, group);
        if (!added) {
          parent[root(place->second)] = root(group);
        }
      }
    }
    std::map<std::size_t, Question> groups;
    for (std::size_t i = 0; i < known.rest.size(); ++i) {
      Question& question = groups[root(i)];
      question.literals.push_back(known.rest[i]);
      const std::vector<Term>& of = *leaves_of(known.rest[i].term);
      question.leaves.insert(question.leaves.end(), of.begin(), of.end());
    }
    Answer answer = Answer::kYes;
    for (auto& [group, question] : groups) {
      std::sort(question.leaves.begin(), question.leaves.end());
      question.leaves.erase(std::unique(question.leaves.begin(), question.leaves.end()),
                            question.leaves.end());
      const Answer part = ask(question, known);
      if (part == Answer::kNo) {
        return part;
      }
      if (part == Answer::kUnknown) {
        answer = part;
      }
    }
    return answer;
  }
};

Decider::Decider(Terms& terms, Solver solver, unsigned resources)
    : state_(std::make_unique<State>(terms, std::move(solver), resources)) {}
Decider::~Decider() = default;

Answer Decider::satisfiable(std::span<const Term> conditions) {
  return state_->satisfiable(conditions);
}

Answer Decider::follows(std::span<const Term> conditions, Term condition) {
  Terms& terms = state_->terms;
  if (terms.is_constant(condition) && terms.bits(condition) != 0) {
    return Answer::kYes;
  }
  if (std::find(conditions.begin(), conditions.end(), condition) != conditions.end()) {
    return Answer::kYes;
  }
  std::vector<Term> with(conditions.begin(), conditions.end());
  with.push_back(terms.negation(condition));
  switch (state_->satisfiable(with)) {
    case Answer::kYes:
      return Answer::kNo;
    case Answer::kNo:
      return Answer::kYes;
    case Answer::kUnknown:
      break;
  }
  return Answer::kUnknown;
}

std::size_t Decider::questions() const {
  return state_->questions;
}

std::string Decider::dump(std::span<const Term> conditions) const {
  State& state = *state_;
  std::string text = "(set-logic QF_BV)\n";
  std::set<Term> leaves;
  for (const Term condition : conditions) {
    const std::vector<Term>* of = state.leaves_of(condition);
    if (of == nullptr || state.terms.depth(condition) > kMostDepth) {
      return "; a condition is too large to be put to a solver\n";
    }
    leaves.insert(of->begin(), of->end());
  }
  for (const Term leaf : leaves) {
    text += fmt::format("(declare-const t{} (_ BitVec {}))  ; {}\n", leaf.value, state.terms.width(leaf),
                        state.terms.text(leaf));
  }
  try {
    z3::solver solver(state.context, "QF_BV");
    for (const Term condition : conditions) {
      solver.add(state.make(condition) == state.context.bv_val(1, 1));
    }
    for (const z3::expr& assertion : solver.assertions()) {
      text += fmt::format("(assert {})\n", assertion.to_string());
    }
  } catch (const z3::exception& problem) {
    return fmt::format("; {}\n", problem.msg());
  }
  return text + "(check-sat)\n";
}

}  // namespace meld_verify::smt
