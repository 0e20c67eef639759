// Which functions work on one memory, and whether they leave each other's state as the others rely on.

#include <fmt/format.h>

#include <algorithm>

#include "engine/lift/table_reading.h"

namespace meld_verify::lift {

using smt::Answer;

namespace {

constexpr std::size_t kMostCandidates = 256;

bool has(const std::set<FunctionId>& set, FunctionId function) {
  return set.contains(function);
}

/// Two functions that make entries may take turns: what both change, they change in the same way.
bool shares(const Supply& ours, const Supply& theirs) {
  if (!theirs.understood) {
    return false;
  }
  const auto is = [](const std::optional<Cell>& one, const Cell& other) { return one && one->same(other); };
  for (const Cell& cell : theirs.cells) {
    const bool counts = is(ours.cursor, cell) && is(theirs.cursor, cell) && ours.step == theirs.step;
    const bool lists = is(ours.head, cell) && is(theirs.head, cell) && ours.link == theirs.link &&
                       ours.memory == theirs.memory && is(ours.cursor, *theirs.cursor);
    if ((is(ours.cursor, cell) && !counts) || (is(ours.head, cell) && !lists)) {
      return false;
    }
  }
  return true;
}

template <class Map, class Key>
std::set<FunctionId> all_of(const Map& map, Key key) {
  const auto found = map.find(key);
  return found == map.end() ? std::set<FunctionId>{} : found->second;
}

}  // namespace

const CodeWrites& TableFunctions::State::writes() {
  if (!code) {
    code = code_writes(image, alignment.is_guest);
  }
  return *code;
}

bool TableFunctions::State::is_candidate(FunctionId function) {
  const wasm::FuncType& type = image.type_of(function);
  return type.params.size() == 1 && type.results.size() <= 1 && may_be_operation(function);
}

// Small, without loops, and calls nothing but generated code and what a destructor may be: so no adapter of
// any size is executed.
bool TableFunctions::State::may_be_operation(FunctionId function) {
  constexpr std::size_t kMostCode = 8192;
  constexpr std::size_t kMostFunctions = 64;
  std::set<FunctionId> seen{function};
  std::vector<FunctionId> work{function};
  std::size_t size = 0;
  while (!work.empty()) {
    const FunctionId one = work.back();
    work.pop_back();
    size += image.code_of(one).size();
    if (seen.size() > kMostFunctions || size > kMostCode || has(writes().indirect, one) ||
        has(writes().loops, one)) {
      return false;
    }
    for (const FunctionId called : all_of(writes().callees, one)) {
      const FunctionId callee = image.behind(called);
      const bool inside = image.functions[callee.value].kind == LinkedFunction::Kind::kDefined &&
                          !operations.is_guest(callee);
      const wasm::FuncType& type = image.type_of(callee);
      if (!inside && (type.params.size() != 1 || !type.results.empty())) {
        return false;
      }
      if (inside && seen.insert(callee).second) {
        work.push_back(callee);
      }
    }
  }
  return true;
}

// A part of operations: only they call it, and it is not open to others.
bool TableFunctions::State::serves_only(FunctionId function, const std::set<FunctionId>& operations_there) {
  std::set<FunctionId> seen{function};
  std::vector<FunctionId> work{function};
  bool called = false;
  while (!work.empty()) {
    const FunctionId one = work.back();
    work.pop_back();
    if (one != function && has(operations_there, one)) {
      called = true;
      continue;
    }
    if (has(writes().open, one) || operations.is_guest(one)) {
      return false;
    }
    bool reached = false;
    for (const auto& [caller, callees] : writes().callees) {
      if (has(callees, one)) {
        reached = true;
        if (seen.insert(caller).second) {
          work.push_back(caller);
        }
      }
    }
    if (!reached) {
      return false;  // dead
    }
  }
  return called;
}

// An adapter that takes an entry from one table and makes one in another: whatever it does to the memory, an
// operation does.
bool TableFunctions::State::is_made_of(FunctionId function, const std::set<FunctionId>& operations_there,
                                       const std::set<FunctionId>& reaching) {
  for (const auto& [global, setters] : writes().sets) {
    if (has(setters, function) && std::any_of(setters.begin(), setters.end(), [&](FunctionId one) {
          return one != function && has(reaching, one);
        })) {
      return false;
    }
  }
  const std::set<FunctionId> callees = all_of(writes().callees, function);
  return std::all_of(callees.begin(), callees.end(), [&](FunctionId called) {
    const FunctionId callee = image.behind(called);
    return callee != function && (!has(reaching, callee) || has(operations_there, callee));
  });
}

const TableGroup& TableFunctions::State::group(MemoryId memory) {
  const auto [place, added] = groups.try_emplace(memory);
  TableGroup& group = place->second;
  if (!added) {
    return group;
  }
  group.is_private = !guests_memories(image, alignment)[memory.value];
  // Functions that read or write the memory, and those that call them.
  std::set<FunctionId> touching = all_of(writes().stores, memory);
  const std::set<FunctionId> loading = all_of(writes().loads, memory);
  touching.insert(loading.begin(), loading.end());
  std::erase_if(touching, [&](FunctionId one) { return operations.is_guest(one); });
  std::set<FunctionId> candidates = touching;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [caller, callees] : writes().callees) {
      if (!operations.is_guest(caller) && !has(candidates, caller) &&
          std::any_of(callees.begin(), callees.end(), [&](FunctionId one) { return has(candidates, one); })) {
        candidates.insert(caller);
        grew = true;
      }
    }
  }
  std::set<FunctionId> found;
  std::size_t tried = 0;
  for (const FunctionId one : candidates) {
    if (image.behind(one) != one || !is_candidate(one)) {
      continue;
    }
    if (++tried > kMostCandidates) {
      group.disturbed = "too many functions work on the table's memory to look at them all";
      break;
    }
    const TableShape& shaped = shape(one);
    if (!shaped.is_table_function || shaped.what.role == TableRole::kOther ||
        shaped.what.storage.memory != memory) {
      continue;  // if it writes, it disturbs
    }
    found.insert(one);
  }
  std::erase_if(found, [&, all = found](FunctionId one) {
    return !has(touching, one) && is_made_of(one, all, candidates);
  });
  for (const FunctionId one : found) {
    if (serves_only(one, found)) {
      continue;  // seen as a part of those that it serves
    }
    (shape(one).what.role == TableRole::kNew ? group.news : group.uses).push_back(one);
  }
  for (const FunctionId one : writes().unreadable) {
    if (!operations.is_guest(one)) {
      group.disturbed = fmt::format("the code of {} cannot be read", image.name_of(one));
    }
  }
  if (!group.is_private) {
    return group;
  }
  for (const FunctionId writer : all_of(writes().stores, memory)) {
    if (!has(found, writer) && !serves_only(writer, found)) {
      group.disturbed = fmt::format("{} writes the table's memory too", image.name_of(writer));
    }
  }
  return group;
}

const std::string& TableFunctions::State::unsound(FunctionId make) {
  const auto known = unsound_reasons.find(make);
  if (known != unsound_reasons.end()) {
    return known->second;
  }
  unsound_reasons[make] = "";  // who is asked while this is being answered goes by the same premises
  std::string why = find_unsound(make);
  return unsound_reasons[make] = std::move(why);
}

std::string TableFunctions::State::find_unsound(FunctionId make) {
  const TableShape& shaped = shape(make);
  if (!shaped.supply.understood) {
    return shaped.supply.why;
  }
  const TableGroup& group_there = group(shaped.supply.memory);
  if (!group_there.disturbed.empty()) {
    return group_there.disturbed;
  }
  if (std::string why = keeps_cursor(make); !why.empty()) {
    return why;
  }
  if (std::string why = keeps_to_slots(make); !why.empty()) {
    return why;
  }
  for (const FunctionId use : group_there.uses) {
    if (std::string why = keeps_list(make, use); !why.empty()) {
      return why;
    }
  }
  return "";
}

// Whoever sets the cursor moves it on by the same step.
std::string TableFunctions::State::keeps_cursor(FunctionId make) {
  const Supply& supply = shape(make).supply;
  const Cell& cursor = *supply.cursor;
  const TableGroup& group_there = group(supply.memory);
  std::set<FunctionId> operations_there(group_there.news.begin(), group_there.news.end());
  operations_there.insert(group_there.uses.begin(), group_there.uses.end());
  const auto steps = [&](const TableShape& other) {
    if (other.what.role != TableRole::kNew) {
      return std::all_of(other.outcomes.begin(), other.outcomes.end(), [&](const Outcome& outcome) {
        return !outcome.returns() || supplies.end(outcome, cursor) == cursor.start;
      });
    }
    return shares(supply, other.supply);
  };
  for (const FunctionId one : operations_there) {
    if (!steps(shape(one))) {
      return fmt::format("{} moves the cursor of {} in another way", image.name_of(one), image.name_of(make));
    }
  }
  for (const std::optional<Cell>& cell : {supply.cursor, supply.head}) {
    if (!cell || !cell->global) {
      continue;
    }
    for (const FunctionId one : all_of(writes().sets, *cell->global)) {
      if (has(operations_there, one) || serves_only(one, operations_there)) {
        continue;
      }
      // Makers of entries in another memory may count on with the same cursor.
      if (cell->same(cursor) && !operations.is_guest(one) && is_candidate(one) &&
          shape(one).is_table_function && shape(one).what.role == TableRole::kNew && steps(shape(one))) {
        continue;
      }
      return fmt::format("{} sets the global that says where the next entry goes", image.name_of(one));
    }
  }
  return "";
}

// Entries that are live at once share no word.
std::string TableFunctions::State::keeps_to_slots(FunctionId make) {
  const TableGroup& group_there = group(shape(make).supply.memory);
  const Supply& supply = shape(make).supply;
  const std::uint64_t room = supply.stride * supply.place.scale;
  std::uint64_t low = supply.place.offset;
  std::uint64_t high = low + 4;
  std::vector<Cell> cells;
  for (const FunctionId one : group_there.news) {
    const auto& theirs = shape(one).supply.cells;
    cells.insert(cells.end(), theirs.begin(), theirs.end());
  }
  const auto visit = [&](const Outcome& outcome, Term index) {
    for (const EntryWrite& write : outcome.writes) {
      if (write.memory != supply.memory) {
        return false;
      }
      if (terms.is_constant(write.address)) {
        const std::uint64_t address = terms.bits(write.address);
        // A cell; entries must stay away from it.
        const std::uint64_t begin = supply.first * supply.place.scale + supply.place.offset;
        if (std::none_of(cells.begin(), cells.end(),
                         [&](const Cell& cell) {
                           return !cell.global && cell.memory == write.memory && cell.address == address;
                         }) ||
            address + write.bytes + room > begin) {
          return false;
        }
        continue;
      }
      const auto place = supplies.fit(outcome, index, write.address, supply.place);
      if (!place || place->scale != supply.place.scale) {
        return false;
      }
      low = std::min(low, place->offset);
      high = std::max(high, place->offset + write.bytes);
    }
    return true;
  };
  const auto why = [&](FunctionId one) {
    return fmt::format("{} writes outside of the entry that it works on", image.name_of(one));
  };
  for (const FunctionId one : group_there.news) {
    const TableShape& other = shape(one);
    if (!other.supply.understood) {
      return fmt::format("{}, on the same memory: {}", image.name_of(one), other.supply.why);
    }
    for (const FreshEntry& entry : other.supply.entries) {
      Outcome outcome = other.outcomes[entry.outcome];
      const auto& known = other.supply.invariants;
      outcome.conditions.insert(outcome.conditions.end(), known.begin(), known.end());
      if (!visit(outcome, entry.index)) {
        return why(one);
      }
    }
  }
  for (const FunctionId one : group_there.uses) {
    const TableShape& other = shape(one);
    for (const Outcome& outcome : other.outcomes) {
      if (outcome.returns() && !visit(outcome, other.argument)) {
        return why(one);
      }
    }
  }
  if (high - low > room) {
    return fmt::format("entries take {} bytes and lie {} bytes apart", high - low, room);
  }
  return "";
}

// Who touches the list of freed entries puts the entry that it removed in front of it, before any destructor
// runs, which may use the table.
std::string TableFunctions::State::keeps_list(FunctionId make, FunctionId use) {
  const Supply& supply = shape(make).supply;
  const TableShape& other = shape(use);
  const auto touches = [&](const Outcome& outcome) {
    const std::vector<Cell> cells = supplies.changed(outcome);
    return std::any_of(cells.begin(), cells.end(), [&](const Cell& one) {
      return std::any_of(supply.cells.begin(), supply.cells.end(),
                         [&](const Cell& ours) { return ours.same(one); });
    });
  };
  const std::string name = image.name_of(use);
  std::vector<Term> premises = supply.invariants;
  premises.push_back(supply.given(operations, terms, other.argument));
  if (supply.head) {
    premises.push_back(terms.negation(operations.equal(other.argument, supply.head->start)));
  }
  const auto puts_in_front = [&](const Outcome& outcome) {
    if (!supply.head || supplies.end(outcome, *supply.head) != other.argument ||
        supplies.end(outcome, *supply.cursor) != supply.cursor->start) {
      return false;
    }
    const Term scaled = terms.apply(smt::TermOp::kMul, other.argument, operations.number(supply.link.scale));
    const Term link = terms.apply(smt::TermOp::kAdd, scaled, operations.number(supply.link.offset));
    const Term linked = operations.read(outcome, supply.memory, link, 4);
    return linked == supply.head->start ||
           operations.holds(outcome, operations.equal(linked, supply.head->start)) == Answer::kYes;
  };
  bool lists = false;
  bool calls = false;
  for (Outcome outcome : other.outcomes) {
    outcome.conditions.insert(outcome.conditions.end(), premises.begin(), premises.end());
    if (!outcome.returns() || decider.satisfiable(outcome.conditions) == Answer::kNo || !touches(outcome)) {
      continue;
    }
    lists = true;
    calls = calls || !outcome.calls.empty();
    if (!puts_in_front(outcome)) {
      return fmt::format("{} changes what {} takes its next entry from in a way that is not understood", name,
                         image.name_of(make));
    }
  }
  if (!lists || !calls) {
    return "";
  }
  for (const Outcome& outcome : operations.run_until_call(use, other.argument, premises)) {
    if (outcome.path->end == Path::End::kStuck && (!outcome.traceable || !puts_in_front(outcome))) {
      return fmt::format(
          "{} keeps its list of freed entries after the destructor ran, which may use the table", name);
    }
  }
  return "";
}

}  // namespace meld_verify::lift
