#include "engine/smt/narrow.h"

#include <algorithm>
#include <utility>

#include "engine/smt/number.h"

namespace meld_verify::smt {
namespace {

/// Rounds in which more leaves become known; what is left is for the solver.
constexpr int kMostRounds = 8;

std::uint64_t mask(unsigned width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

class Narrowing {
 public:
  explicit Narrowing(const Terms& terms) : terms_(terms) {}

  Narrowed run(std::span<const Term> conditions) {
    std::vector<Literal> open;
    for (const Term condition : conditions) {
      open.push_back({condition, true});
    }
    for (int round = 0; round < kMostRounds; ++round) {
      const std::size_t before = result_.fixed.size();
      result_.rest.clear();
      for (const Literal& one : open) {
        take_apart(one);
      }
      close_ranges();
      if (result_.impossible) {
        return std::move(result_);
      }
      std::sort(result_.rest.begin(), result_.rest.end());
      result_.rest.erase(std::unique(result_.rest.begin(), result_.rest.end()), result_.rest.end());
      if (result_.fixed.size() == before) {
        break;
      }
      open = result_.rest;
      values_.clear();
    }
    return std::move(result_);
  }

 private:
  /// A condition as those that it is made of.
  void take_apart(const Literal& whole) {
    std::vector<Literal> open{whole};
    while (!open.empty() && !result_.impossible) {
      const Literal now = open.back();
      open.pop_back();
      if (const auto known = value(now.term)) {
        result_.impossible = (*known != 0) != now.holds;
        continue;
      }
      const TermOp op = terms_.op(now.term);
      if (op == TermOp::kXor || op == TermOp::kAnd || op == TermOp::kOr) {
        const auto arguments = terms_.arguments(now.term);
        const auto first = value(arguments[0]), second = value(arguments[1]);
        if (op == TermOp::kXor && (first || second)) {
          open.push_back({arguments[first ? 1 : 0], now.holds != ((first ? *first : *second) != 0)});
          continue;
        }
        // One of them that is known does not decide: or the whole would be known.
        if (op != TermOp::kXor && (first || second)) {
          open.push_back({arguments[first ? 1 : 0], now.holds});
          continue;
        }
        if (op != TermOp::kXor && now.holds == (op == TermOp::kAnd)) {
          open.push_back({arguments[0], now.holds});
          open.push_back({arguments[1], now.holds});
          continue;
        }
      }
      if (!compares(now)) {
        result_.rest.push_back(now);
      }
    }
  }

  /// The leaf that a term is, with zeros in front of it perhaps.
  [[nodiscard]] std::optional<Term> leaf_of(Term term) const {
    if (terms_.op(term) == TermOp::kExtend) {
      term = terms_.arguments(term)[0];
    }
    return is_leaf(terms_, term) ? std::optional(term) : std::nullopt;
  }

  LeafRange& range_of(Term leaf) {
    return result_.ranges.try_emplace(leaf, LeafRange{0, mask(terms_.width(leaf)), {}}).first->second;
  }

  /// Whether it compares a leaf with a number: that is noted.
  bool compares(const Literal& one) {
    if (is_leaf(terms_, one.term)) {
      keep(range_of(one.term), one.holds ? 1 : 0, one.holds ? 1 : 0);
      return true;
    }
    const TermOp op = terms_.op(one.term);
    if (op != TermOp::kEq && op != TermOp::kLessU) {
      return false;
    }
    const auto arguments = terms_.arguments(one.term);
    const auto left = value(arguments[0]), right = value(arguments[1]);
    if (left.has_value() == right.has_value()) {
      return false;
    }
    const std::optional<Term> leaf = leaf_of(arguments[left ? 1 : 0]);
    if (!leaf) {
      return false;
    }
    const std::uint64_t with = left ? *left : *right;
    const std::uint64_t all = ~std::uint64_t{0};
    LeafRange& range = range_of(*leaf);
    if (op == TermOp::kEq) {
      if (one.holds) {
        keep(range, with, with);
      } else {
        range.excluded.insert(with);
      }
    } else if (right) {  // leaf < with
      if (!one.holds) {
        keep(range, with, all);
      } else if (with == 0) {
        result_.impossible = true;
      } else {
        keep(range, 0, with - 1);
      }
    } else if (!one.holds) {  // not with < leaf
      keep(range, 0, with);
    } else if (with == all) {
      result_.impossible = true;
    } else {
      keep(range, with + 1, all);
    }
    return true;
  }

  static void keep(LeafRange& range, std::uint64_t least, std::uint64_t most) {
    range.least = std::max(range.least, least);
    range.most = std::min(range.most, most);
  }

  void close_ranges() {
    for (auto& [leaf, range] : result_.ranges) {
      while (range.least < range.most && range.excluded.contains(range.least)) {
        ++range.least;
      }
      while (range.least < range.most && range.excluded.contains(range.most)) {
        --range.most;
      }
      if (range.least > range.most || range.excluded.contains(range.least)) {
        result_.impossible = true;
        return;
      }
      std::erase_if(range.excluded, [&range = range](std::uint64_t value) {
        return value < range.least || value > range.most;
      });
      if (range.least == range.most) {
        result_.fixed.emplace(leaf, range.least);
      }
    }
  }

  /// What a term comes to, if it is the same for all values of leaves that are not fixed.
  std::optional<std::uint64_t> value(Term of) {
    std::vector<Term> work{of};
    while (!work.empty()) {
      const Term now = work.back();
      if (values_.contains(now)) {
        work.pop_back();
        continue;
      }
      if (is_leaf(terms_, now)) {
        const auto found = result_.fixed.find(now);
        values_[now] = found != result_.fixed.end() ? std::optional(found->second) : std::nullopt;
        work.pop_back();
        continue;
      }
      bool ready = true;
      for (const Term argument : terms_.arguments(now)) {
        if (!values_.contains(argument)) {
          work.push_back(argument);
          ready = false;
        }
      }
      if (ready) {
        work.pop_back();
        const std::optional<std::uint64_t> result = computed(now);
        values_[now] = result ? std::optional(*result & mask(terms_.width(now))) : std::nullopt;
      }
    }
    return values_[of];
  }

  /// Of a term whose arguments' values are noted.
  std::optional<std::uint64_t> computed(Term term) {
    const TermOp op = terms_.op(term);
    if (op == TermOp::kConstant) {
      return terms_.bits(term);
    }
    const auto arguments = terms_.arguments(term);
    const auto of = [&](std::size_t i) { return values_[arguments[i]]; };
    if (op == TermOp::kIte) {
      if (const auto condition = of(0)) {
        return *condition != 0 ? of(1) : of(2);
      }
      return of(1) == of(2) ? of(1) : std::nullopt;
    }
    const unsigned width = terms_.width(arguments[0]);
    if (op == TermOp::kExtend || op == TermOp::kLow) {
      return of(0);
    }
    if (op == TermOp::kExtendS) {
      const auto bits = of(0);
      const std::uint64_t sign = std::uint64_t{1} << (width - 1);
      return bits ? std::optional((*bits ^ sign) - sign) : std::nullopt;
    }
    const auto left = of(0), right = of(1);
    if (left && right) {
      return value_of(op, width, *left, *right);
    }
    // One of them may be enough.
    const std::optional<std::uint64_t> one = left ? left : right;
    if (one && *one == 0 && (op == TermOp::kAnd || op == TermOp::kMul)) {
      return 0;
    }
    if (one && *one == mask(width) && op == TermOp::kOr) {
      return mask(width);
    }
    return std::nullopt;
  }

  const Terms& terms_;
  Narrowed result_;
  std::unordered_map<Term, std::optional<std::uint64_t>> values_;  ///< as far as leaves are fixed
};

}  // namespace

bool is_leaf(const Terms& terms, Term term) {
  return terms.op(term) == TermOp::kSymbol || terms.op(term) == TermOp::kOpaque;
}

Narrowed narrow(const Terms& terms, std::span<const Term> conditions) {
  return Narrowing(terms).run(conditions);
}

}  // namespace meld_verify::smt
