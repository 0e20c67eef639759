// Where tables lie: how many entries there is room for, and what else lies there.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/lift/table_reading.h"
#include "engine/wasm/instruction.h"

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;

namespace {

constexpr std::uint64_t kPage = 65536;
/// How the names of symbols begin that stand for what `memory.size` gives.
constexpr std::string_view kSizeOfMemory = "size of m";
constexpr std::uint8_t kOverflow = 51;
constexpr std::uint8_t kZero = 52;

/// Where the rep of the first entry lies.
std::uint64_t begin_of(const Supply& supply) {
  return supply.first * supply.place.scale + supply.place.offset;
}

}  // namespace

/// The state right after instantiation, as far as the makers go by it. Nothing: a start function may have
/// changed it.
std::optional<Opening> TableFunctions::State::at_start(std::span<const FunctionId> makers) {
  // What runs at instantiation.
  std::set<FunctionId> begins;
  std::vector<FunctionId> work;
  const auto visit = [&](FunctionId one) {
    if (begins.insert(one).second) {
      work.push_back(one);
    }
  };
  for (const LinkedInstance& instance : image.instances) {
    if (const auto start = image.modules[instance.module.value].start) {
      visit(instance.functions[*start]);
    }
  }
  while (!work.empty()) {
    const auto callees = writes().callees.find(work.back());
    work.pop_back();
    if (callees != writes().callees.end()) {
      std::for_each(callees->second.begin(), callees->second.end(), visit);
    }
  }
  for (const FunctionId make : makers) {
    for (const Cell& cell : shape(make).supply.cells) {
      const auto changed = cell.global ? writes().sets.find(*cell.global) : writes().sets.end();
      for (const FunctionId one : changed == writes().sets.end() ? std::set<FunctionId>{} : changed->second) {
        if (operations.is_guest(one) || begins.contains(one)) {
          return std::nullopt;
        }
      }
    }
  }
  Opening opening;
  for (std::size_t i = 0; i < image.globals.size(); ++i) {
    const LinkedGlobal& global = image.globals[i];
    if (global.type.is_mutable && global.type.type == wasm::ValueType::kI32 && global.initial) {
      opening.globals.emplace_back(GlobalId(i), operations.number(*global.initial));
    }
  }
  for (const FunctionId make : makers) {
    for (const Cell& cell : shape(make).supply.cells) {
      if (!cell.global && cell.initial) {
        opening.known.emplace_back(cell.start, *cell.initial);
      }
    }
  }
  return opening;
}

// The end of what is the table's own from its first entry on, as instantiated. `open_end`: beyond it there is
// nothing that could be harmed: an access traps.
std::optional<std::uint64_t> TableFunctions::State::end_of_room(FunctionId make, bool& open_end) {
  const Supply& supply = shape(make).supply;
  const TableGroup& there = group(supply.memory);
  const wasm::Limits& limits = image.memories[supply.memory.value].limits;
  const std::uint64_t begin = begin_of(supply);
  std::uint64_t end = limits.min * kPage;
  open_end = there.is_private || (limits.max == limits.min && composed != nullptr);
  for (const FunctionId other : there.news) {
    const Supply& theirs = shape(other).supply;
    if (other == make || !theirs.cursor || theirs.cursor->same(*supply.cursor)) {
      continue;
    }
    const std::uint64_t their_begin = begin_of(theirs);
    if (their_begin >= begin && their_begin < end) {
      end = their_begin;
      open_end = false;
    }
  }
  return end;
}

bool TableFunctions::State::ran_out_of_pages(const Outcome& outcome) {
  const Term failed = operations.number(0xffff'ffff);
  for (const Term condition : outcome.conditions) {
    for (const Term leaf : query.leaves(condition)) {
      if (terms.op(leaf) == TermOp::kSymbol && terms.name(leaf).rfind(kGrowth, 0) == 0 &&
          operations.holds(outcome, operations.equal(leaf, failed)) == Answer::kYes) {
        return true;
      }
    }
  }
  return false;
}

void TableFunctions::State::judge_room(TableShape& shaped) {
  find_capacity(shaped);
  // There must be no other reason to trap than that the table is full.
  TableFunction& what = shaped.what;
  const Supply& supply = shaped.supply;
  std::vector<Term> room = supply.invariants;
  if (what.capacity && *what.capacity > 0) {
    const std::uint64_t last = (*supply.cursor->initial & 0xffff'ffff) + (*what.capacity - 1) * supply.step;
    room.push_back(operations.at_most(supply.cursor->start, operations.number(last)));
  }
  const bool traps = std::any_of(shaped.outcomes.begin(), shaped.outcomes.end(), [&](const Outcome& outcome) {
    std::vector<Term> all = outcome.conditions;
    all.insert(all.end(), room.begin(), room.end());
    return outcome.path->end == Path::End::kTrap && !ran_out_of_pages(outcome) &&
           decider.satisfiable(all) != Answer::kNo;
  });
  if (traps) {
    what.understood = false;
    what.why = "it may trap although there is room";
    what.capacity = 0;
    what.reuse = routing::Reuse::kNever;
  }
}

// The least cursor with which it traps and that no entry gets beyond: what it counts in may wrap around
// there.
std::optional<std::uint64_t> TableFunctions::State::first_wall(const TableShape& shaped) {
  const Supply& supply = shaped.supply;
  const std::uint64_t begin = *supply.cursor->initial & 0xffff'ffff;
  const auto at = [&](const Outcome& outcome, std::uint64_t least, std::uint64_t most) {
    std::vector<Term> all = outcome.conditions;
    all.insert(all.end(), supply.cursor_values.begin(), supply.cursor_values.end());
    all.push_back(operations.at_most(operations.number(least), supply.cursor->start));
    all.push_back(operations.at_most(supply.cursor->start, operations.number(most)));
    return decider.satisfiable(all) != Answer::kNo;
  };
  const auto traps_until = [&](std::uint64_t most) {
    return std::any_of(shaped.outcomes.begin(), shaped.outcomes.end(), [&](const Outcome& outcome) {
      return outcome.path->end == Path::End::kTrap && !ran_out_of_pages(outcome) && at(outcome, begin, most);
    });
  };
  std::uint64_t low = begin;
  std::uint64_t high = 0xffff'ffff;
  if (!traps_until(high)) {
    return std::nullopt;
  }
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (traps_until(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const std::uint64_t last = low + supply.step - 1;
  if (low <= begin || last > 0xffff'ffff) {
    return std::nullopt;
  }
  for (const FreshEntry& entry : supply.entries) {
    if (!entry.listed && at(shaped.outcomes[entry.outcome], low, last)) {
      return std::nullopt;
    }
  }
  return low;
}

void TableFunctions::State::find_capacity(TableShape& shaped) {
  TableFunction& what = shaped.what;
  const Supply& supply = shaped.supply;
  const FunctionId make = what.function;
  const std::uint64_t begin = *supply.cursor->initial & 0xffff'ffff;
  // The largest cursor with which it still returns a new entry.
  std::optional<std::uint64_t> most;
  bool bounded = true;
  for (const FreshEntry& entry : supply.entries) {
    const Outcome& outcome = shaped.outcomes[entry.outcome];
    if (entry.listed) {
      continue;
    }
    const auto may = [&](std::uint64_t cursor) {
      std::vector<Term> all = outcome.conditions;
      all.insert(all.end(), supply.cursor_values.begin(), supply.cursor_values.end());
      all.push_back(operations.at_most(operations.number(cursor), supply.cursor->start));
      return decider.satisfiable(all) != Answer::kNo;
    };
    std::uint64_t low = begin;
    std::uint64_t high = std::uint64_t{1} << 32;  // cannot be
    if (const auto wall = first_wall(shaped)) {
      most = std::max(most.value_or(0), *wall - supply.step);
      continue;
    }
    if (may(0xffff'ffff - supply.step)) {
      bounded = false;
      break;
    }
    if (!may(low)) {
      continue;
    }
    while (high - low > 1) {
      const std::uint64_t middle = low + (high - low) / 2;
      (may(middle) ? low : high) = middle;
    }
    most = std::max(most.value_or(0), low);
  }
  bool open_end = false;
  const auto end = end_of_room(make, open_end);
  const std::uint64_t first = begin_of(supply);
  const std::uint64_t apart = supply.stride * supply.place.scale;
  const std::uint64_t room = *end < first + 4 ? 0 : (*end - first - 4) / apart + 1;
  const std::uint64_t checked = most ? (*most - begin) / supply.step + 1 : 0;
  if (bounded && checked <= room) {
    what.capacity = checked;
    what.overflow = routing::Overflow::kTrap;
    return;
  }
  const bool grows = writes().grows.contains(supply.memory);
  if (open_end && (bounded || supply.bounded)) {
    what.overflow = routing::Overflow::kTrap;
    if (!grows) {
      what.capacity = room;
      return;
    }
    if (bounded) {
      what.capacity = checked;
    }
    const TableGroup& there = group(supply.memory);
    const bool in_time = std::all_of(there.news.begin(), there.news.end(), [&](FunctionId other) {
      return shape(other).supply.understood && grows_in_time(shape(other));
    });
    const std::uint64_t pages = image.memories[supply.memory.value].limits.max.value_or(kPage);
    if (!in_time) {
      what.capacity = room;
    } else if (pages < kPage) {
      const std::uint64_t most_room = pages * kPage < first + 4 ? 0 : (pages * kPage - first - 4) / apart + 1;
      what.capacity = std::min(what.capacity.value_or(most_room), most_room);
    }
    return;
  }
  what.overflow = routing::Overflow::kUnchecked;
  what.capacity = room;
}

// Straight code: grows, by a page at least, before anything is stored.
bool TableFunctions::State::grows_before_it_stores(FunctionId make, MemoryId memory) {
  namespace op = wasm::op;
  std::set<FunctionId> seen{make};
  std::vector<FunctionId> work{make};
  std::size_t storing = 0;
  while (!work.empty()) {
    const FunctionId one = work.back();
    work.pop_back();
    const LinkedInstance& in = image.instances[image.functions[one.value].instance.value];
    wasm::InstructionReader reader(image.code_of(one), image.definition_of(one).code.begin, image.file);
    wasm::Instruction now;
    bool stores = false;
    bool more = false;  // the instruction before says by how much
    while (reader.next(now)) {
      if (now.opcode == op::kMemoryGrow && (stores || !more)) {
        return false;
      }
      stores = stores || (now.opcode >= op::kI32Store && now.opcode <= op::kI64Store32 &&
                          now.memory < in.memories.size() && in.memories[now.memory] == memory);
      more = now.opcode == op::kI32Const && (now.constant & 0xffff'ffff) - 1 < 65536;
    }
    storing += stores ? 1 : 0;
    const auto callees = writes().callees.find(one);
    for (const FunctionId called :
         callees == writes().callees.end() ? std::set<FunctionId>{} : callees->second) {
      const FunctionId callee = image.behind(called);
      if (image.functions[callee.value].kind == LinkedFunction::Kind::kDefined &&
          !operations.is_guest(callee) && seen.insert(callee).second) {
        work.push_back(callee);
      }
    }
  }
  return storing == 1;
}

// Whether each new entry lies within its memory, which grows where it must: given that the room of all
// entries up to the new one does, so it does with it.
bool TableFunctions::State::grows_in_time(const TableShape& shaped) {
  const Supply& supply = shaped.supply;
  const std::uint64_t apart = supply.stride * supply.place.scale;
  if (supply.first * supply.place.scale > image.memories[supply.memory.value].limits.min * kPage ||
      !grows_before_it_stores(shaped.what.function, supply.memory)) {
    return false;
  }
  const auto wide = [&](Term term) { return terms.resize(TermOp::kExtend, term, 64); };
  const auto plus = [&](Term term, std::uint64_t more) {
    return terms.apply(TermOp::kAdd, term, terms.constant(64, more));
  };
  const auto within = [&](Term end, Term pages) {
    return terms.negation(
        terms.apply(TermOp::kLessU, terms.apply(TermOp::kShl, pages, terms.constant(64, 16)), end));
  };
  const std::string size_name = fmt::format("{}{}", kSizeOfMemory, supply.memory.value);
  const std::string growth_name = fmt::format("{}{}", kGrowth, supply.memory.value);
  for (const FreshEntry& entry : supply.entries) {
    if (entry.listed) {
      continue;
    }
    Outcome all = shaped.outcomes[entry.outcome];
    std::optional<Term> size;
    bool grown = false;
    for (const Term condition : shaped.outcomes[entry.outcome].conditions) {
      for (const Term leaf : query.leaves(condition)) {
        if (terms.op(leaf) != TermOp::kSymbol) {
          continue;
        }
        if (terms.name(leaf) == size_name) {
          if (size && *size != leaf) {
            return false;
          }
          size = leaf;
        } else if (terms.name(leaf) == growth_name) {
          grown =
              operations.holds(all, terms.negation(operations.equal(leaf, operations.number(0xffff'ffff)))) ==
              Answer::kYes;
          if (!grown) {
            return false;
          }
        }
      }
    }
    if (!size) {
      return false;
    }
    const Term begin = terms.apply(TermOp::kMul, wide(entry.index), terms.constant(64, supply.place.scale));
    all.conditions.insert(all.conditions.end(), supply.invariants.begin(), supply.invariants.end());
    all.conditions.push_back(operations.at_most(*size, operations.number(kPage)));
    all.conditions.push_back(within(begin, wide(*size)));
    const Term pages = plus(wide(*size), grown ? 1 : 0);
    if (operations.holds(all, within(plus(begin, apart), pages)) != Answer::kYes) {
      return false;
    }
    for (const EntryWrite& write : all.writes) {
      if (!terms.is_constant(write.address) &&
          operations.holds(all, within(plus(wide(write.address), write.bytes), pages)) != Answer::kYes) {
        return false;
      }
    }
  }
  return true;
}

// Whether right after instantiation a sequence of functions that make entries may write over one of them.
bool TableFunctions::State::loses_entry(std::span<const FunctionId> makers) {
  struct Way {
    Outcome outcome;
    std::vector<EntryWrite> reps;  ///< of all entries so far
  };
  const auto opening = at_start(makers);
  if (!opening) {
    return false;
  }
  std::vector<Way> ways(1);
  bool begun = false;
  for (const FunctionId one : makers) {
    const Term rep = terms.symbol(32, "r");
    std::vector<Way> next;
    for (const Way& way : ways) {
      for (Outcome& outcome : operations.run(one, rep, begun ? &way.outcome : nullptr, *opening)) {
        if (!outcome.returns() || next.size() >= 16) {
          continue;
        }
        std::vector<EntryWrite> reps = way.reps;
        for (const EntryWrite& word : outcome.writes) {
          if (word.value == rep && word.bytes == 4) {
            reps.push_back(word);
          }
        }
        next.push_back({std::move(outcome), std::move(reps)});
      }
    }
    ways = std::move(next);
    begun = true;
  }
  for (const Way& way : ways) {
    for (const EntryWrite& word : way.reps) {
      const Term now = operations.read(way.outcome, word.memory, word.address, word.bytes);
      if (now != word.value && operations.differs(way.outcome, now, word.value) == Answer::kYes) {
        return true;
      }
    }
  }
  return false;
}

void TableFunctions::State::overlap_flaws(FunctionId make, std::vector<Flaw>& found) {
  const std::string name = image.name_of(make);
  const auto opening = at_start(std::array{make});
  if (!opening) {
    return;
  }
  const auto first = operations.run(make, terms.symbol(32, "r"), nullptr, *opening);
  if (std::all_of(first.begin(), first.end(),
                  [](const Outcome& outcome) { return outcome.path->end == Path::End::kTrap; })) {
    found.push_back({kOverflow, make, fmt::format("{} traps instead of making the first entry", name)});
    return;
  }
  if (loses_entry(std::array{make, make})) {
    found.push_back({kOverflow, make,
                     fmt::format("{} makes a second entry over the first one, which is still live", name)});
    return;
  }
  // Who else moves what says where the next entry goes.
  std::set<FunctionId> others;
  for (const Cell& cell : shape(make).supply.cells) {
    if (cell.global) {
      const auto setters = writes().sets.find(*cell.global);
      if (setters != writes().sets.end()) {
        others.insert(setters->second.begin(), setters->second.end());
      }
    }
  }
  others.erase(make);
  std::size_t tried = 0;
  for (const FunctionId other : others) {
    if (operations.is_guest(other) || image.type_of(other) != image.type_of(make) || !is_candidate(other) ||
        ++tried > 16) {
      continue;
    }
    if (loses_entry(std::array{make, other, make}) || loses_entry(std::array{make, make, other, make})) {
      found.push_back({kOverflow, make,
                       fmt::format("{} moves the cursor of {}, so that a new entry comes over a live one",
                                   image.name_of(other), name)});
    }
  }
}

void TableFunctions::State::room_flaws(FunctionId make, std::vector<Flaw>& found) {
  const TableShape& shaped = shape(make);
  const Supply& supply = shaped.supply;
  if (!supply.understood) {
    return;
  }
  const std::string name = image.name_of(make);
  const std::uint64_t begin = begin_of(supply);
  const wasm::Limits& limits = image.memories[supply.memory.value].limits;
  if (begin + 4 > limits.min * kPage) {
    found.push_back({kOverflow, make,
                     fmt::format("the first entry of {} lies at {:#x}, beyond the {} pages of its memory",
                                 name, begin, limits.min)});
  }
  if (supply.first == 0) {
    found.push_back({kZero, make, fmt::format("{} gives index 0, which no handle may have", name)});
  }
  if (composed != nullptr) {
    for (std::size_t i = 0; i < alignment.instances.size() && i < composed->instances.size(); ++i) {
      const auto& places = alignment.instances[i].memories;
      for (std::size_t j = 0; j < places.size() && j < composed->instances[i].memories.size(); ++j) {
        const MemoryId original = composed->instances[i].memories[j];
        const std::uint64_t pages = composed->memories[original.value].limits.min;
        if (places[j] == supply.memory && begin < pages * kPage) {
          found.push_back({kOverflow, make,
                           fmt::format("the table of {} begins at {:#x}, inside the {} pages that the guest "
                                       "has from the start",
                                       name, begin, pages)});
          return;
        }
      }
    }
  }
  for (const FunctionId other : group(supply.memory).news) {
    const Supply& theirs = shape(other).supply;
    if (other == make || !theirs.understood || theirs.cursor->same(*supply.cursor)) {
      continue;
    }
    const std::uint64_t their_begin = begin_of(theirs);
    if (their_begin >= begin && their_begin - begin < supply.stride * supply.place.scale) {
      found.push_back(
          {kOverflow, make,
           fmt::format("the tables of {} and {} begin at the same place", name, image.name_of(other))});
    }
  }
}

}  // namespace meld_verify::lift
