// Where tables lie: how many entries there is room for, and what else lies there.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/lift/table_reading.h"

namespace meld_verify::lift {

using smt::Answer;

namespace {

constexpr std::uint64_t kPage = 65536;
constexpr std::uint8_t kOverflow = 51;
constexpr std::uint8_t kZero = 52;

/// Where the rep of the first entry lies.
std::uint64_t begin_of(const Supply& supply) {
  return supply.first * supply.place.scale + supply.place.offset;
}

}  // namespace

/// What holds right after instantiation, of the globals and words that the maker goes by.
std::vector<Term> TableFunctions::State::at_start(FunctionId make) {
  std::vector<Term> all;
  for (const Cell& cell : shape(make).supply.cells) {
    if (cell.initial) {
      all.push_back(operations.equal(cell.start, operations.number(*cell.initial)));
    }
  }
  // A global that it does not change may still say where entries lie.
  for (std::size_t i = 0; i < image.globals.size(); ++i) {
    const LinkedGlobal& global = image.globals[i];
    if (!global.type.is_mutable || global.type.type != wasm::ValueType::kI32 || !global.initial) {
      continue;
    }
    const Term start = operations.start(GlobalId(i));
    for (const FreshEntry& entry : shape(make).supply.entries) {
      if (query.mentions(entry.index, start) || query.mentions(entry.address, start)) {
        all.push_back(operations.equal(start, operations.number(*global.initial)));
        break;
      }
    }
  }
  return all;
}

// The end of what is the table's own from its first entry on, as instantiated. `open_end`: beyond it there is
// nothing that could be harmed: an access traps.
std::optional<std::uint64_t> TableFunctions::State::end_of_room(FunctionId make, bool& open_end) {
  const Supply& supply = shape(make).supply;
  const TableGroup& there = group(supply.memory);
  const wasm::Limits& limits = image.memories[supply.memory.value].limits;
  const std::uint64_t begin = begin_of(supply);
  std::uint64_t end = limits.min * kPage;
  open_end = there.is_private || limits.max == limits.min;
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

void TableFunctions::State::judge_room(TableShape& shaped) {
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
  const auto grown = writes().grows.find(supply.memory);
  const bool grows = grown != writes().grows.end() && !grown->second.empty();
  if (open_end) {
    what.overflow = routing::Overflow::kTrap;
    if (!grows) {
      what.capacity = room;
    } else if (bounded) {
      what.capacity = checked;
    }
    return;
  }
  what.overflow = routing::Overflow::kUnchecked;
  what.capacity = room;
}

// Whether right after instantiation the words of an entry can be lost by making others.
bool TableFunctions::State::loses_entry(FunctionId make, std::span<const FunctionId> between) {
  std::vector<Term> premises_there = at_start(make);
  for (const FunctionId one : between) {
    const std::vector<Term> theirs = at_start(one);
    premises_there.insert(premises_there.end(), theirs.begin(), theirs.end());
  }
  const Term kept = terms.symbol(32, "r1");
  for (const Outcome& first : operations.run(make, kept, nullptr, premises_there)) {
    if (!first.returns()) {
      continue;
    }
    std::vector<Outcome> now{first};
    for (const FunctionId one : between) {
      std::vector<Outcome> next;
      for (const Outcome& outcome : now) {
        for (Outcome& after : operations.run(one, terms.symbol(32, "r"), &outcome)) {
          if (after.returns() && next.size() < 16) {
            next.push_back(std::move(after));
          }
        }
      }
      now = std::move(next);
    }
    for (const Outcome& after : now) {
      for (const EntryWrite& word : first.writes) {
        if (word.value != kept || word.bytes != 4) {
          continue;
        }
        const Term now_there = operations.read(after, word.memory, word.address, word.bytes);
        if (now_there != kept && operations.differs(after, now_there, kept) == Answer::kYes) {
          return true;
        }
      }
    }
  }
  return false;
}

void TableFunctions::State::overlap_flaws(FunctionId make, std::vector<Flaw>& found) {
  const std::string name = image.name_of(make);
  const std::array<FunctionId, 1> again{make};
  if (loses_entry(make, again)) {
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
    const std::array<FunctionId, 2> one{other, make};
    const std::array<FunctionId, 3> two{make, other, make};
    if (loses_entry(make, one) || loses_entry(make, two)) {
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
