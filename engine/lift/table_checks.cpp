// What sequences of operations show: which entries are whose, which misuse traps, whether slots are reused.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/lift/table_reading.h"

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;

namespace {

constexpr std::size_t kMostOutcomes = 64;
constexpr const char* kStays = "the entry stays";

/// The worse of two answers where "yes" is what one hopes for.
Answer worse(Answer left, Answer right) {
  if (left == Answer::kNo || right == Answer::kNo) {
    return Answer::kNo;
  }
  return left == Answer::kUnknown ? left : right;
}

bool removes(const TableShape& shape) {
  return shape.removes;
}

}  // namespace

namespace {

std::optional<MadeEntry> made(const Outcome& outcome, Term rep) {
  for (const EntryWrite& write : outcome.writes) {
    if (write.value == rep && write.bytes == 4) {
      return MadeEntry{rep, outcome.path->results[0], write.address};
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Term> TableFunctions::State::premises(MemoryId memory) {
  std::vector<Term> all;
  for (const FunctionId make : group(memory).news) {
    if (unsound(make).empty()) {
      const auto& known = shape(make).supply.invariants;
      all.insert(all.end(), known.begin(), known.end());
    }
  }
  return all;
}

Answer TableFunctions::State::agree(FunctionId make_function, FunctionId use_function) {
  const FunctionId make = image.behind(make_function);
  const FunctionId use = image.behind(use_function);
  const auto known = agreements.find({make, use});
  if (known != agreements.end()) {
    return known->second;
  }
  return agreements[{make, use}] = find_agreement(make, use);
}

Answer TableFunctions::State::find_agreement(FunctionId make, FunctionId use) {
  const TableShape& maker = shape(make);
  const TableShape& user = shape(use);
  if (!maker.is_table_function || !user.is_table_function || maker.what.role != TableRole::kNew ||
      user.what.role == TableRole::kNew || user.what.role == TableRole::kOther) {
    return Answer::kUnknown;
  }
  const TableStorage& made_in = maker.what.storage;
  const TableStorage& used_in = user.what.storage;
  if (made_in.import || used_in.import) {
    return Answer::kUnknown;
  }
  if (made_in.canonical || used_in.canonical) {
    return made_in.canonical && used_in.canonical && made_in.canonical_type == used_in.canonical_type
               ? Answer::kYes
               : Answer::kNo;
  }
  if (!made_in.memory || !used_in.memory) {
    return Answer::kUnknown;
  }
  if (made_in.memory != used_in.memory) {
    return Answer::kNo;
  }
  if (user.what.role == TableRole::kUnlend) {
    for (const FunctionId other : group(*used_in.memory).uses) {
      if (shape(other).what.role == TableRole::kLend && undoes(use, other) &&
          agree(make, other) == Answer::kYes) {
        return Answer::kYes;
      }
    }
    return Answer::kUnknown;
  }
  if (unsound(make).empty()) {
    const Answer always = try_two(make, use, maker.supply.invariants);
    // What the drop changes beside the entry must be what the maker goes by.
    bool same_cells = true;
    for (const Outcome& outcome : user.outcomes) {
      for (const Cell& cell : outcome.returns() ? supplies.changed(outcome) : std::vector<Cell>{}) {
        same_cells = same_cells &&
                     (is_of_nobody(cell) || std::any_of(maker.supply.cells.begin(), maker.supply.cells.end(),
                                                        [&](const Cell& one) { return one.same(cell); }));
      }
    }
    if (always == Answer::kYes) {
      return same_cells && reads_entry_only(user) ? Answer::kYes : Answer::kUnknown;
    }
  }
  const auto opening = at_start(std::array{make});
  return opening && try_two(make, use, *opening) == Answer::kNo ? Answer::kNo : Answer::kUnknown;
}

// A global that only generated code sets, and no function that makes entries goes by: a count of lends, say.
bool TableFunctions::State::is_of_nobody(const Cell& cell) {
  if (!cell.global) {
    return false;
  }
  for (const FunctionId one : sets_through_others(*cell.global)) {
    if (operations.is_guest(one)) {
      return false;
    }
    if (being_read.contains(one) || !is_candidate(one) || !shape(one).is_table_function ||
        shape(one).what.role != TableRole::kNew) {
      continue;
    }
    const Supply& supply = shape(one).supply;
    const auto is = [&](const std::optional<Cell>& other) { return other && other->same(cell); };
    if (!supply.understood || is(supply.cursor) || is(supply.head)) {
      return false;
    }
  }
  return true;
}

// Another address may lie beyond its memory, where reading traps: the executor does not tell.
bool TableFunctions::State::reads_entry_only(const TableShape& use) {
  for (const Outcome& outcome : use.outcomes) {
    for (const Term word : query.loaded_words(outcome.conditions)) {
      const auto loaded = executor.loaded(word);
      if (terms.is_constant(loaded->address)) {
        continue;
      }
      const auto place =
          use.place ? supplies.fit(outcome, use.argument, loaded->address, *use.place) : use.place;
      if (!place || place->scale != use.place->scale || loaded->memory != use.what.storage.memory) {
        return false;
      }
    }
  }
  return true;
}

Answer TableFunctions::State::try_two(FunctionId make, FunctionId use, const Opening& opening) {
  const Term r1 = terms.symbol(32, "r1");
  const Term r2 = terms.symbol(32, "r2");
  Answer answer = Answer::kYes;
  std::size_t tried = 0;
  bool any = false;
  for (const Outcome& first : operations.run(make, r1, nullptr, opening)) {
    if (first.stuck()) {
      return Answer::kUnknown;
    }
    if (!first.returns()) {
      continue;
    }
    const auto one = made(first, r1);
    for (const Outcome& second : operations.run(make, r2, &first)) {
      if (second.stuck() || ++tried > kMostOutcomes) {
        return Answer::kUnknown;
      }
      if (!second.returns()) {
        continue;
      }
      const auto other = made(second, r2);
      if (!one || !other) {
        return Answer::kUnknown;
      }
      any = true;
      answer = worse(answer, try_use(make, use, second, *one, *other));
      answer = worse(answer, try_use(make, use, second, *other, *one));
      if (answer == Answer::kNo) {
        return answer;
      }
    }
  }
  return any ? answer : Answer::kUnknown;
}

Answer TableFunctions::State::try_use(FunctionId make, FunctionId use, const Outcome& after,
                                      const MadeEntry& used, const MadeEntry& other) {
  const TableShape& user = shape(use);
  const std::uint64_t scale = shape(make).supply.place.scale * shape(make).supply.stride;
  const MemoryId memory = *shape(make).what.storage.memory;
  const auto same = [&](const Outcome& outcome, Term left, Term right) {
    if (left == right) {
      return Answer::kYes;
    }
    const Term equal = operations.equal(left, right);
    const Answer always = operations.holds(outcome, equal);
    if (always == Answer::kYes) {
      return always;
    }
    return operations.differs(outcome, left, right) == Answer::kYes ? Answer::kNo : Answer::kUnknown;
  };
  Answer answer = Answer::kYes;
  bool returns = false;
  for (const Outcome& outcome : operations.run(use, used.index, &after)) {
    if (outcome.stuck()) {
      return Answer::kUnknown;
    }
    if (!outcome.returns()) {
      answer = worse(answer, Answer::kUnknown);  // it may trap on a live entry
      continue;
    }
    returns = true;
    if (user.what.role == TableRole::kRep || user.what.role == TableRole::kTake ||
        user.what.role == TableRole::kLend) {
      answer = worse(answer, same(outcome, outcome.path->results[0], used.rep));
    }
    if (user.what.role == TableRole::kLend) {
      answer = worse(answer, same(outcome, operations.read(outcome, memory, other.address, 4), other.rep));
      answer = worse(answer, same(outcome, operations.read(outcome, memory, used.address, 4), used.rep));
    }
    if (user.what.role == TableRole::kDrop || user.what.role == TableRole::kTake) {
      answer = worse(answer, same(outcome, operations.read(outcome, memory, other.address, 4), other.rep));
      // It is this entry that is removed: its rep goes to the destructor, or its words are written.
      bool shown = std::any_of(outcome.calls.begin(), outcome.calls.end(), [&](const CallEvent& call) {
        return same(outcome, call.arguments[0], used.rep) == Answer::kYes;
      });
      for (const EntryWrite& write : outcome.writes) {
        if (write.memory != memory) {
          return Answer::kUnknown;
        }
        const Term distance = terms.apply(TermOp::kSub, write.address, used.address);
        if (terms.is_constant(distance)) {
          const std::uint64_t up = terms.bits(distance);
          const std::uint64_t down = (0 - up) & 0xffff'ffff;
          shown = shown || up < scale || down < scale;
        } else {
          shown = shown || same(outcome, write.address, used.address) == Answer::kYes;
        }
      }
      answer = worse(answer, shown ? Answer::kYes : Answer::kUnknown);
    }
  }
  return returns ? answer : Answer::kNo;
}

bool TableFunctions::State::refuses(FunctionId make, FunctionId use) {
  if (shape(make).what.role != TableRole::kNew || !shape(use).is_table_function ||
      shape(use).outcomes.empty() || !unsound(make).empty()) {
    return false;
  }
  const Term rep = terms.symbol(32, "r");
  for (const Outcome& outcome : operations.run(make, rep, nullptr, shape(make).supply.invariants)) {
    if (outcome.stuck()) {
      return false;
    }
    if (!outcome.returns()) {
      continue;
    }
    for (const Outcome& used : operations.run(use, outcome.path->results[0], &outcome)) {
      if (used.path->end != Path::End::kTrap) {
        return false;
      }
    }
  }
  return true;
}

bool TableFunctions::State::undoes(FunctionId unlend, FunctionId lend) {
  const TableShape& up = shape(lend);
  const TableShape& down = shape(unlend);
  return up.what.role == TableRole::kLend && down.what.role == TableRole::kUnlend && up.count == down.count &&
         up.what.storage.memory == down.what.storage.memory;
}

bool TableFunctions::State::reads_lent(FunctionId make, FunctionId lend, FunctionId use) {
  const Term rep = terms.symbol(32, "r");
  for (const Outcome& entry : operations.run(make, rep, nullptr, shape(make).supply.invariants)) {
    const std::vector<Outcome> all =
        entry.returns() ? operations.run(lend, entry.path->results[0], &entry) : std::vector<Outcome>{};
    for (const Outcome& lent : all) {
      if (!lent.returns()) {
        return false;
      }
      for (const Outcome& used : operations.run(use, entry.path->results[0], &lent)) {
        if (!used.returns() ||
            operations.holds(used, operations.equal(used.path->results[0], rep)) != Answer::kYes) {
          return false;
        }
      }
    }
  }
  return true;
}

bool TableFunctions::State::traps_on_lent(const TableShape& use, std::span<const FunctionId> makers) {
  bool shown = false;
  for (const FunctionId lend : group(*use.what.storage.memory).uses) {
    for (const FunctionId make : makers) {
      if (shape(lend).what.role != TableRole::kLend || agree(make, lend) != Answer::kYes) {
        continue;
      }
      const Term rep = terms.symbol(32, "r");
      for (const Outcome& entry : operations.run(make, rep, nullptr, shape(make).supply.invariants)) {
        const std::vector<Outcome> all =
            entry.returns() ? operations.run(lend, entry.path->results[0], &entry) : std::vector<Outcome>{};
        for (const Outcome& lent : all) {
          const std::vector<Outcome> used = operations.run(use.what.function, entry.path->results[0], &lent);
          if (std::any_of(used.begin(), used.end(),
                          [](const Outcome& one) { return one.path->end != Path::End::kTrap; })) {
            return false;
          }
          shown = true;
        }
      }
    }
  }
  return shown;
}

// A drop without a destructor that changes the entry alone, which can be read as before: it ends a lend, as
// it were.
bool TableFunctions::State::leaves_entry(FunctionId make, FunctionId drop) {
  const TableShape& shaped = shape(drop);
  for (const Outcome& outcome : shaped.outcomes) {
    if (outcome.returns() && (!outcome.calls.empty() || !supplies.changed(outcome).empty())) {
      return false;
    }
  }
  const Term rep = terms.symbol(32, "r");
  const auto entries = operations.run(make, rep, nullptr, shape(make).supply.invariants);
  for (const FunctionId use : group(*shaped.what.storage.memory).uses) {
    if (shape(use).what.role != TableRole::kRep || agree(make, use) != Answer::kYes) {
      continue;
    }
    for (const Outcome& entry : entries) {
      const std::vector<Outcome> dropped =
          entry.returns() ? operations.run(drop, entry.path->results[0], &entry) : std::vector<Outcome>{};
      for (const Outcome& after : dropped) {
        if (!after.returns()) {
          continue;
        }
        for (const Outcome& used : operations.run(use, entry.path->results[0], &after)) {
          if (used.returns() &&
              operations.holds(used, operations.equal(used.path->results[0], rep)) == Answer::kYes) {
            return true;
          }
        }
      }
    }
  }
  return false;
}

routing::Reuse TableFunctions::State::reuse(FunctionId make, FunctionId drop) {
  const Term r1 = terms.symbol(32, "r1");
  const Term r2 = terms.symbol(32, "r2");
  bool always = true;
  bool ever = false;
  std::size_t tried = 0;
  for (const Outcome& first : operations.run(make, r1, nullptr, shape(make).supply.invariants)) {
    if (first.stuck()) {
      return routing::Reuse::kNever;
    }
    if (!first.returns()) {
      continue;
    }
    for (const Outcome& dropped : operations.run(drop, first.path->results[0], &first)) {
      if (dropped.stuck()) {
        return routing::Reuse::kNever;
      }
      if (!dropped.returns()) {
        continue;
      }
      for (const Outcome& second : operations.run(make, r2, &dropped)) {
        if (second.stuck() || ++tried > kMostOutcomes) {
          return routing::Reuse::kNever;
        }
        if (!second.returns()) {
          always = false;
          continue;
        }
        const Term equal = operations.equal(first.path->results[0], second.path->results[0]);
        const bool here = operations.holds(second, equal) == Answer::kYes;
        always = always && here;
        ever = ever || here || operations.possible(second, equal) == Answer::kYes;
      }
    }
  }
  return !ever ? routing::Reuse::kNever : always ? routing::Reuse::kLifo : routing::Reuse::kAny;
}

void TableFunctions::State::judge(TableShape& shaped) {
  if (shaped.judged) {
    return;
  }
  shaped.judged = true;
  if (!shaped.is_table_function || !shaped.what.storage.memory) {
    return;
  }
  if (shaped.what.role == TableRole::kNew) {
    judge_new(shaped);
  } else if (shaped.what.role != TableRole::kOther) {
    judge_use(shaped);
  }
  if (shaped.what.role != TableRole::kOther && !leaves_globals(shaped)) {
    shaped.what.understood = false;
    shaped.what.why = "it changes a global of generated code that others go by";
  }
}

void TableFunctions::State::judge_new(TableShape& shaped) {
  TableFunction& what = shaped.what;
  what.checks = {false, false, false, false, false, false};
  what.reuse = routing::Reuse::kNever;
  what.overflow = routing::Overflow::kUnchecked;
  const FunctionId make = what.function;
  if (const std::string& why = unsound(make); !why.empty()) {
    what.understood = false;
    what.why = why;
    return;
  }
  // The worst of all that give entries back: slots that one of them loses stay lost.
  std::optional<routing::Reuse> worst;
  bool only_ends = false;  // a drop ends entries and frees nothing
  for (const FunctionId use : group(*what.storage.memory).uses) {
    if (!removes(shape(use)) && shape(use).what.role == TableRole::kDrop &&
        agree(make, use) == Answer::kYes) {
      only_ends = true;
      continue;
    }
    const Answer works = removes(shape(use)) ? agree(make, use) : Answer::kNo;
    if (works != Answer::kNo && !(works == Answer::kYes && leaves_entry(make, use))) {
      if (works == Answer::kUnknown) {
        what.understood = false;
        what.why = fmt::format("it could not be told whether {} gives its slots back", image.name_of(use));
        continue;
      }
      const routing::Reuse here = reuse(make, use);
      worst = worst ? std::max(*worst, here) : here;
    }
  }
  what.reuse = worst.value_or(only_ends ? routing::Reuse::kNever : routing::Reuse::kLifo);  // none is freed
  judge_room(shaped);
}

void TableFunctions::State::judge_use(TableShape& shaped) {
  TableFunction& what = shaped.what;
  const FunctionId use = what.function;
  what.checks = {false, false, false, false, false, false};
  if (shaped.outcomes.empty()) {
    return;
  }
  const TableGroup& there = group(*what.storage.memory);
  std::vector<FunctionId> makers;
  std::vector<FunctionId> refused;
  bool all_known = true;
  bool takes_foreign = false;  // entries that are none of its own do not always trap
  for (const FunctionId make : there.news) {
    const Answer answer = agree(make, use);
    if (answer == Answer::kYes) {
      makers.push_back(make);
    } else if (refuses(make, use)) {
      refused.push_back(make);
    } else {
      takes_foreign = true;
      all_known = all_known && answer == Answer::kNo;
    }
  }
  judge_destructors(shaped, makers);
  if (what.role == TableRole::kLend) {
    for (const FunctionId make : makers) {
      for (const FunctionId other : there.uses) {
        const TableRole role = shape(other).what.role;
        if ((role == TableRole::kRep || role == TableRole::kLend) && agree(make, other) == Answer::kYes &&
            !reads_lent(make, use, other)) {
          what.understood = false;
          what.why = fmt::format("{} does not read an entry that is lent", image.name_of(other));
        }
      }
    }
  }
  if (makers.empty() || !all_known) {
    if (makers.empty() && what.understood) {
      what.understood = false;
      what.why = "no function makes entries that it provably works on";
    }
    return;
  }
  // Entries lie where their maker puts the rep.
  what.storage.slot_offset = shape(makers[0]).supply.place.offset;
  what.storage.scale = shape(makers[0]).supply.place.scale;
  if (takes_foreign) {
    return;
  }
  what.checks.zero = traps_on_zero(shaped, makers);
  what.checks.bounds = traps_out_of_bounds(shaped, makers);
  what.checks.lent =
      (what.role == TableRole::kTake || what.role == TableRole::kDrop) && traps_on_lent(shaped, makers);
  const auto dead = [&](FunctionId make) { return traps_on_dead(shaped, make); };
  what.checks.live = (what.role != TableRole::kDrop || what.why != kStays) &&
                     std::all_of(makers.begin(), makers.end(), dead) &&
                     std::all_of(refused.begin(), refused.end(), dead);
  for (const FunctionId other : refused) {
    // What takes both tells that they are of one type, and that their kind is refused.
    const bool of_one_type = std::any_of(there.uses.begin(), there.uses.end(), [&](FunctionId one) {
      return agree(other, one) == Answer::kYes && agree(makers[0], one) == Answer::kYes;
    });
    (of_one_type ? what.checks.kind : what.checks.type) = true;
  }
}

std::optional<std::vector<DestructorCall>> TableFunctions::State::destructors(FunctionId make,
                                                                              FunctionId drop) {
  const TableShape& shaped = shape(drop);
  if (agree(make, drop) != Answer::kYes || shaped.what.role != TableRole::kDrop) {
    return std::nullopt;
  }
  if (shaped.what.storage.canonical) {
    return shaped.what.understood ? std::optional(shaped.what.destructors) : std::nullopt;
  }
  const Term rep = terms.symbol(32, "r");
  std::optional<std::vector<DestructorCall>> always;
  for (const Outcome& entry : operations.run(make, rep, nullptr, shape(make).supply.invariants)) {
    if (entry.stuck()) {
      return std::nullopt;
    }
    if (!entry.returns()) {
      continue;
    }
    for (const Outcome& dropped : operations.run(drop, entry.path->results[0], &entry)) {
      if (dropped.stuck()) {
        return std::nullopt;
      }
      if (!dropped.returns()) {
        continue;
      }
      std::vector<DestructorCall> ran;
      for (const CallEvent& call : dropped.calls) {
        const Term given = call.arguments[0];
        ran.push_back({call.callee, given == rep || operations.holds(dropped, operations.equal(given, rep)) ==
                                                        Answer::kYes});
      }
      if ((always && *always != ran) || !keeps_counts(dropped)) {
        return std::nullopt;
      }
      always = ran;
    }
  }
  return always;
}

void TableFunctions::State::judge_destructors(TableShape& shaped, const std::vector<FunctionId>& makers) {
  TableFunction& what = shaped.what;
  if (what.role != TableRole::kDrop || makers.empty()) {
    return;
  }
  what.understood = removes(shaped) && std::none_of(makers.begin(), makers.end(), [&](FunctionId make) {
                      return leaves_entry(make, what.function);
                    });
  what.why = what.understood ? "" : kStays;
  std::optional<std::vector<DestructorCall>> all;
  for (const FunctionId make : makers) {
    const auto of_make = destructors(make, what.function);
    if (!of_make) {
      what.understood = false;
      what.why = fmt::format("dropping an entry of {} does not always run the same destructors",
                             image.name_of(make));
      return;
    }
    if (all && *all != *of_make) {
      what.understood = false;
      what.why = "entries of different makers run different destructors";
      what.destructors = of_make->size() > what.destructors.size() ? *of_make : what.destructors;
      continue;
    }
    all = of_make;
    what.destructors = *of_make;
  }
}

// Whether it may return for an index of which `condition` speaks. `fresh`: the condition implies that no
// function has given the index, so that the words of its entry are what they were after instantiation.
bool TableFunctions::State::returns_under(const TableShape& use, Term condition, bool fresh) {
  const MemoryId memory = *use.what.storage.memory;
  const TableGroup& there = group(memory);
  // One cursor gives all indices, so that `condition` speaks of all of them.
  const bool one_cursor = std::all_of(there.news.begin(), there.news.end(), [&](FunctionId make) {
    const auto& first = shape(there.news[0]).supply.cursor;
    const auto& cursor = shape(make).supply.cursor;
    return first && cursor && first->same(*cursor);
  });
  const bool blank =
      fresh && one_cursor && there.is_private && there.disturbed.empty() && !has_data(image, memory);
  for (const Outcome& outcome : use.outcomes) {
    if (!outcome.returns()) {
      continue;
    }
    std::vector<Term> all = outcome.conditions;
    const std::vector<Term> known = premises(memory);
    all.insert(all.end(), known.begin(), known.end());
    all.push_back(condition);
    if (blank) {
      const std::vector<Term> words = query.loaded_words(outcome.conditions);
      for (const Term word : words) {
        const auto loaded = executor.loaded(word);
        if (loaded->memory != memory || loaded->version != executor.initial(memory).version) {
          continue;
        }
        const auto place = supplies.fit(outcome, use.argument, loaded->address, *use.place);
        if (!place || place->scale != use.place->scale) {
          continue;
        }
        Term is_blank =
            operations.equal(terms.width(word) == 32 ? word : terms.resize(smt::TermOp::kExtend, word, 32),
                             operations.number(0));
        for (const FunctionId make : there.news) {
          for (const Cell& cell : shape(make).supply.cells) {
            if (!cell.global && cell.memory == memory) {
              const Term distance =
                  terms.apply(TermOp::kSub, loaded->address, operations.number(cell.address));
              const Term near = terms.apply(TermOp::kAdd, distance, operations.number(loaded->bytes - 1));
              is_blank =
                  operations.either(is_blank, operations.less(near, operations.number(loaded->bytes + 3)));
            }
          }
        }
        all.push_back(is_blank);
      }
    }
    if (decider.satisfiable(all) != Answer::kNo) {
      return true;
    }
  }
  return false;
}

bool TableFunctions::State::traps_on_zero(const TableShape& use, const std::vector<FunctionId>& makers) {
  const Term zero = operations.number(0);
  const bool fresh = std::all_of(makers.begin(), makers.end(), [&](FunctionId make) {
    const Supply& supply = shape(make).supply;
    std::vector<Term> all = supply.invariants;
    all.push_back(supply.given(operations, terms, zero));
    return decider.satisfiable(all) == Answer::kNo;
  });
  return !returns_under(use, operations.equal(use.argument, zero), fresh);
}

bool TableFunctions::State::traps_out_of_bounds(const TableShape& use,
                                                const std::vector<FunctionId>& makers) {
  Term unknown = terms.constant(1, 1);
  for (const FunctionId make : makers) {
    unknown =
        operations.both(unknown, terms.negation(shape(make).supply.given(operations, terms, use.argument)));
  }
  const std::uint64_t scale = shape(makers[0]).supply.place.scale;
  if (scale <= 1) {
    return !returns_under(use, unknown, true);
  }
  // Beyond this the address of the entry wraps round, to where another one lies.
  const Term wraps = operations.number((std::uint64_t{1} << 32) / scale);
  const Term small = operations.less(use.argument, wraps);
  return !returns_under(use, operations.both(unknown, small), true) &&
         !returns_under(use, operations.both(unknown, terms.negation(small)), false);
}

bool TableFunctions::State::traps_on_dead(const TableShape& use, FunctionId make) {
  bool shown = false;
  const Term rep = terms.symbol(32, "r");
  const auto entries = operations.run(make, rep, nullptr, shape(make).supply.invariants);
  for (const FunctionId drop : group(*use.what.storage.memory).uses) {
    const Answer works = removes(shape(drop)) ? agree(make, drop) : Answer::kNo;
    if (works == Answer::kUnknown) {
      return false;
    }
    if (works == Answer::kNo || leaves_entry(make, drop)) {
      continue;
    }
    for (const Outcome& entry : entries) {
      if (entry.stuck()) {
        return false;
      }
      if (!entry.returns()) {
        continue;
      }
      const Term index = entry.path->results[0];
      for (const Outcome& dropped : operations.run(drop, index, &entry)) {
        if (dropped.stuck()) {
          return false;
        }
        if (!dropped.returns()) {
          continue;
        }
        for (const Outcome& used : operations.run(use.what.function, index, &dropped)) {
          if (used.path->end != Path::End::kTrap) {
            return false;
          }
        }
        shown = true;
      }
    }
  }
  return shown;
}

}  // namespace meld_verify::lift
