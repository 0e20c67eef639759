#pragma once

// Conditions, simplified by what they say of single unknowns: most questions need no solver then.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/smt/term.h"

namespace meld_verify::smt {

/// Whether a term can have any value: a symbol, or an opaque term.
[[nodiscard]] bool is_leaf(const Terms& terms, Term term);

/// Values that a leaf may have.
struct LeafRange {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::set<std::uint64_t> excluded;  ///< in between
  auto operator<=>(const LeafRange&) const = default;
};

/// A condition (a term of width 1), or that it does not hold.
struct Literal {
  Term term;
  bool holds = true;
  auto operator<=>(const Literal&) const = default;
};

/// What conditions come to: all of them hold exactly when each leaf is in its range and all of `rest` holds.
struct Narrowed {
  bool impossible = false;
  std::map<Term, LeafRange> ranges;     ///< of leaves that are compared with numbers; none is empty
  std::map<Term, std::uint64_t> fixed;  ///< leaves of which the range has one value
  std::vector<Literal> rest;  ///< sorted, each once; about more than one leaf that is not fixed, say
};

/// Narrows the ranges of leaves until nothing changes. Makes no terms. Time is linear in the size of the
/// conditions, a few times over.
[[nodiscard]] Narrowed narrow(const Terms& terms, std::span<const Term> conditions);

}  // namespace meld_verify::smt
