#include "engine/lift/term_query.h"

#include <algorithm>
#include <set>

#include "engine/smt/number.h"

namespace meld_verify::lift {
namespace {

using smt::TermOp;

std::uint64_t mask(unsigned width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

std::uint64_t mixed(std::uint64_t value) {  // splitmix64
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::int64_t as_signed(std::uint64_t bits, unsigned width) {
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  return static_cast<std::int64_t>((bits ^ sign) - sign);
}

}  // namespace

std::vector<Term> TermQuery::leaves(Term term) const {
  std::vector<Term> found;
  std::set<Term> seen{term};
  std::vector<Term> work{term};
  while (!work.empty()) {
    const Term one = work.back();
    work.pop_back();
    if (terms_.op(one) == TermOp::kSymbol || executor_.loaded(one)) {
      found.push_back(one);
      continue;
    }
    for (const Term argument : terms_.arguments(one)) {
      if (seen.insert(argument).second) {
        work.push_back(argument);
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool TermQuery::mentions(Term term, Term leaf) const {
  const std::vector<Term> all = leaves(term);
  return std::binary_search(all.begin(), all.end(), leaf);
}

std::vector<Term> TermQuery::loaded_words(std::span<const Term> terms) const {
  std::set<Term> found;
  std::set<Term> seen(terms.begin(), terms.end());
  std::vector<Term> work(seen.begin(), seen.end());
  const auto visit = [&](Term one) {
    if (seen.insert(one).second) {
      work.push_back(one);
    }
  };
  while (!work.empty()) {
    const Term one = work.back();
    work.pop_back();
    if (const auto word = executor_.loaded(one)) {
      found.insert(one);
      visit(word->address);
      continue;
    }
    for (const Term argument : terms_.arguments(one)) {
      visit(argument);
    }
  }
  return {found.begin(), found.end()};
}

std::uint64_t TermQuery::value(Term term, const Values& values, std::uint64_t seed) const {
  std::map<Term, std::uint64_t> known(values.begin(), values.end());
  std::vector<Term> work{term};
  std::vector<Term> needs;
  while (!work.empty()) {
    const Term one = work.back();
    if (known.contains(one)) {
      work.pop_back();
      continue;
    }
    const auto word = executor_.loaded(one);
    needs.clear();
    if (word) {
      needs.push_back(word->address);
    } else {
      const auto arguments = terms_.arguments(one);
      needs.assign(arguments.begin(), arguments.end());
    }
    bool ready = true;
    for (const Term need : needs) {
      if (!known.contains(need)) {
        work.push_back(need);
        ready = false;
      }
    }
    if (!ready) {
      continue;
    }
    work.pop_back();
    const TermOp op = terms_.op(one);
    const unsigned width = terms_.width(one);
    std::uint64_t result = 0;
    if (word) {
      result = mixed(seed ^ mixed(known[word->address] + (std::uint64_t{word->memory.value} << 40) +
                                  (std::uint64_t{word->version.value} << 48) + word->bytes));
    } else if (op == TermOp::kConstant) {
      result = terms_.bits(one);
    } else if (op == TermOp::kSymbol) {
      result = mixed(seed ^ mixed(one.value));
    } else if (op == TermOp::kIte) {
      result = known[needs[0]] != 0 ? known[needs[1]] : known[needs[2]];
    } else if (op == TermOp::kExtend || op == TermOp::kLow) {
      result = known[needs[0]];
    } else if (op == TermOp::kExtendS) {
      result = static_cast<std::uint64_t>(as_signed(known[needs[0]], terms_.width(needs[0])));
    } else if (op == TermOp::kOpaque) {
      result = mixed(terms_.tag(one));
      for (const Term need : needs) {
        result = mixed(result ^ known[need]);
      }
    } else {
      const unsigned of = terms_.width(needs[0]);
      result = smt::value_of(op, of, known[needs[0]] & mask(of), known[needs[1]] & mask(of));
    }
    known[one] = result & mask(width);
  }
  return known[term];
}

std::optional<Affine> TermQuery::guess(Term index, Term address, const Values& one,
                                       const Values& other) const {
  const std::uint64_t i1 = value(index, one, 1);
  const std::uint64_t i2 = value(index, other, 1);
  const std::uint64_t a1 = value(address, one, 1);
  const std::uint64_t a2 = value(address, other, 1);
  if (i2 <= i1 || a2 < a1 || (a2 - a1) % (i2 - i1) != 0) {
    return std::nullopt;
  }
  const std::uint64_t scale = (a2 - a1) / (i2 - i1);
  return Affine{scale, (a1 - scale * i1) & 0xffff'ffff};
}

}  // namespace meld_verify::lift
