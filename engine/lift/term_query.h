#pragma once

// Questions about terms that need no solver: what they are made of, and what they come to.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/smt/term.h"

namespace meld_verify::lift {

/// address = index * scale + offset, modulo 2^32.
struct Affine {
  std::uint64_t scale = 1;
  std::uint64_t offset = 0;
  constexpr auto operator<=>(const Affine&) const = default;
};

class TermQuery {
 public:
  /// Values for leaves (symbols and loaded words).
  using Values = std::map<Term, std::uint64_t>;

  /// Both must outlive it.
  TermQuery(const smt::Terms& terms, const Executor& executor) : terms_(terms), executor_(executor) {}

  /// Symbols and loaded words that `term` is made of; the addresses of loaded words are not looked into.
  [[nodiscard]] std::vector<Term> leaves(Term term) const;
  /// Whether `leaf` is among them.
  [[nodiscard]] bool mentions(Term term, Term leaf) const;
  /// Loaded words in any of the terms, those in addresses of others included.
  [[nodiscard]] std::vector<Term> loaded_words(std::span<const Term> terms) const;
  /// What the term comes to when leaves have `values`; others get numbers that depend on `seed` alone, equal
  /// loads equal ones.
  [[nodiscard]] std::uint64_t value(Term term, const Values& values, std::uint64_t seed) const;
  /// A guess at scale and offset from two samples of the leaves; nothing when they do not fit. The caller
  /// proves it.
  [[nodiscard]] std::optional<Affine> guess(Term index, Term address, const Values& one,
                                            const Values& other) const;

 private:
  const smt::Terms& terms_;
  const Executor& executor_;
};

}  // namespace meld_verify::lift
