#pragma once

// Bit-vector terms: what symbolic execution computes with. Equal terms are one term; applying an operation
// simplifies.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/smt/rules.h"
#include "engine/wasm/index.h"

namespace meld_verify::smt {

using Term = wasm::Index<struct TermTag>;

enum class TermOp : std::uint8_t {
  kConstant,
  kSymbol,
  kAdd,
  kSub,
  kMul,
  kDivU,
  kDivS,
  kRemU,
  kRemS,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShrU,
  kShrS,
  kRotl,
  kRotr,
  kEq,  ///< of width 1; so the comparisons below
  kLessU,
  kLessS,
  kIte,     ///< condition of width 1
  kExtend,  ///< with zeros
  kExtendS,
  kLow,     ///< the low bits
  kOpaque,  ///< an uninterpreted function (`tag`) of its arguments: floats, clz, …
};

/// Makes and holds terms. Widths are 1 to 64 bits. Division by zero and shifts by the width and more are
/// those of SMT-LIB (x / 0 has all bits set, x % 0 is x, what is shifted out is gone); rotations count modulo
/// the width. Both sides of an operation must be equally wide: anything else is our mistake, and throws
/// std::logic_error.
class Terms {
 public:
  Terms();
  ~Terms();
  Term constant(unsigned width, std::uint64_t bits);
  /// A fresh unknown. `name` is for people and dumps.
  Term symbol(unsigned width, std::string name);
  Term apply(TermOp op, Term left, Term right);
  Term ite(Term condition, Term yes, Term no);
  Term resize(TermOp op, Term of, unsigned width);  ///< kExtend, kExtendS, kLow
  Term opaque(unsigned width, std::uint32_t tag, std::span<const Term> arguments);
  /// The tag of that name, the same one for a name each time. Tags come from here and from nowhere else.
  std::uint32_t tag_named(std::string_view name);
  Term negation(Term condition);  ///< of width 1

  [[nodiscard]] TermOp op(Term term) const;
  [[nodiscard]] unsigned width(Term term) const;
  [[nodiscard]] std::span<const Term> arguments(Term term) const;
  [[nodiscard]] std::uint64_t bits(Term constant) const;
  [[nodiscard]] bool is_constant(Term term) const { return op(term) == TermOp::kConstant; }
  [[nodiscard]] const std::string& name(Term symbol) const;
  [[nodiscard]] std::uint32_t tag(Term opaque) const;
  /// The term as base + offset modulo 2^width; a constant has no base.
  struct Split {
    std::optional<Term> base;
    std::uint64_t offset = 0;
  };
  [[nodiscard]] Split split(Term term) const;
  /// "(add p0 8)"; the inner parts of a long one are left out, as "…".
  [[nodiscard]] std::string text(Term term) const;
  [[nodiscard]] std::size_t size() const;
  /// How deep terms lie inside one another: 0 for what has no arguments.
  [[nodiscard]] std::uint32_t depth(Term term) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Asks Z3 about conditions (terms of width 1), each question with a resource limit and a fixed seed, answers
/// kept. "Unknown" is an answer. Symbols and opaque terms stand for any value, each on its own: two opaque
/// terms with arguments that may be equal are not known to be equal. So "No" to `satisfiable` and "Yes" to
/// `follows` are always right, "Yes" to `satisfiable` is so up to opaque terms.
enum class Answer : std::uint8_t { kYes, kNo, kUnknown };
class Decider {
 public:
  /// `terms` must outlive it. `resources`: Z3's `rlimit` of one question; half a second and more of work.
  /// Once all questions have taken fifty times the default, every other one is unknown.
  explicit Decider(Terms& terms, Solver solver = {}, unsigned resources = 2'000'000);
  ~Decider();
  /// Whether some values satisfy all conditions.
  Answer satisfiable(std::span<const Term> conditions);
  /// Whether `condition` holds in all values that satisfy `conditions`.
  Answer follows(std::span<const Term> conditions, Term condition);
  /// Questions that were put to Z3 (not answered by simplification or from memory).
  [[nodiscard]] std::size_t questions() const;
  /// The conditions as SMT-LIB text for a solver's command line.
  [[nodiscard]] std::string dump(std::span<const Term> conditions) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace meld_verify::smt
