#pragma once

// Where terms live, and how they are simplified: for term.cpp and simplify.cpp.

#include <array>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/smt/term.h"

namespace meld_verify::smt {

/// One term.
struct TermNode {
  TermOp op = TermOp::kConstant;
  std::uint8_t width = 0;
  std::uint8_t count = 0;   ///< of `arguments`; an opaque term's are in `more`
  bool atom = false;        ///< a sum of too many parts to be taken apart again
  std::uint32_t tag = 0;    ///< kOpaque; kSymbol: index of its name
  std::uint32_t depth = 0;  ///< 0 for what has no arguments
  std::uint64_t bits = 0;   ///< kConstant
  std::array<Term, 3> arguments{};
  std::vector<Term> more;
};

/// A sum modulo 2^width: parts with their factors, in the order of the terms, and a constant.
struct LinearSum {
  std::vector<std::pair<Term, std::uint64_t>> parts;
  std::uint64_t offset = 0;
};

struct Terms::State {
  std::deque<TermNode> nodes;
  std::unordered_multimap<std::uint64_t, Term> by_hash;
  std::vector<std::string> names;
  std::vector<std::string> tag_names;
  std::map<std::string, std::uint32_t, std::less<>> tags;

  [[nodiscard]] const TermNode& at(Term term) const { return nodes[term.value]; }
  [[nodiscard]] bool is(Term term, TermOp op) const { return at(term).op == op; }
  [[nodiscard]] bool is_constant(Term term) const { return is(term, TermOp::kConstant); }
  [[nodiscard]] std::uint64_t bits(Term term) const { return at(term).bits; }
  [[nodiscard]] unsigned width(Term term) const { return at(term).width; }
  [[nodiscard]] Term arg(Term term, std::size_t i) const { return at(term).arguments[i]; }

  /// The node, as it is, made once.
  Term make(TermNode node);
  Term make(TermOp op, unsigned width, Term left, Term right, bool atom = false);
  Term constant(unsigned width, std::uint64_t bits);

  // Simplifying; `levels` bounds how far into a term it reaches, so that each call costs a bounded time.
  Term apply(TermOp op, Term left, Term right, int levels);
  Term bitwise(TermOp op, Term left, Term right, int levels);
  Term shift(TermOp op, Term left, Term right, int levels);
  Term equal(Term left, Term right, int levels);
  Term less(TermOp op, Term left, Term right, int levels);
  Term ite(Term condition, Term yes, Term no);
  Term resize(TermOp op, Term of, unsigned width, int levels);
  Term low(Term of, unsigned width, int levels);
  Term negation(Term condition);

  Term add(Term left, std::uint64_t factor, Term right);  ///< left + factor * right
  Term scaled(Term of, std::uint64_t factor);
  [[nodiscard]] LinearSum sum_of(Term term) const;
  /// Adds factor * term; false when that makes too many parts.
  bool collect(Term term, std::uint64_t factor, LinearSum& into) const;
  Term build(const LinearSum& sum, unsigned width);
};

/// The low `width` bits set.
constexpr std::uint64_t mask_of(unsigned width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}
/// A value of `width` bits as a signed number.
constexpr std::int64_t signed_of(unsigned width, std::uint64_t bits) {
  const unsigned unused = 64 - width;
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

}  // namespace meld_verify::smt
