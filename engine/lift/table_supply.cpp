#include "engine/lift/table_supply.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace meld_verify::lift {
namespace {

using smt::Answer;
using smt::TermOp;

constexpr std::uint64_t kPage = 65536;
constexpr std::uint64_t kFourGib = std::uint64_t{1} << 32;

template <class Visit>
bool each_segment(const Image& image, MemoryId memory, Visit visit) {
  for (const LinkedInstance& instance : image.instances) {
    for (const wasm::DataSegment& segment : image.modules[instance.module.value].data) {
      if (segment.active && segment.memory < instance.memories.size() &&
          instance.memories[segment.memory] == memory && !visit(instance, segment)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

bool has_data(const Image& image, MemoryId memory) {
  return !each_segment(image, memory, [](const LinkedInstance&, const wasm::DataSegment& segment) {
    return segment.bytes.end == segment.bytes.begin;
  });
}

std::optional<std::uint64_t> initial_word(const Image& image, MemoryId memory, std::uint64_t address) {
  std::array<std::uint8_t, 4> word{};
  const bool known =
      each_segment(image, memory, [&](const LinkedInstance& instance, const wasm::DataSegment& segment) {
        std::uint64_t at = segment.offset.bits;
        if (segment.offset.kind == wasm::ConstExpr::Kind::kGlobal) {
          const auto value = segment.offset.index < instance.globals.size()
                                 ? image.globals[instance.globals[segment.offset.index].value].initial
                                 : std::nullopt;
          if (!value) {
            return false;
          }
          at = *value;
        } else if (segment.offset.kind != wasm::ConstExpr::Kind::kConst) {
          return false;
        }
        at &= 0xffff'ffff;
        const std::uint64_t size = segment.bytes.end.value - segment.bytes.begin.value;
        for (std::uint64_t i = 0; i < word.size(); ++i) {
          if (address + i >= at && address + i - at < size) {
            word[i] = image.bytes[segment.bytes.begin.value + (address + i - at)];
          }
        }
        return true;
      });
  if (!known) {
    return std::nullopt;
  }
  return std::uint64_t{word[0]} | std::uint64_t{word[1]} << 8 | std::uint64_t{word[2]} << 16 |
         std::uint64_t{word[3]} << 24;
}

Term Supply::given(Operations& operations, smt::Terms& terms, Term index) const {
  const Term first_index = operations.number(first);
  Term result = operations.both(operations.at_most(first_index, index), operations.less(index, next));
  if (stride > 1) {
    const Term distance = terms.apply(TermOp::kSub, index, first_index);
    const Term rest = terms.apply(TermOp::kRemU, distance, operations.number(stride));
    result = operations.both(result, operations.equal(rest, operations.number(0)));
  }
  return result;
}

std::vector<Cell> SupplyReader::changed(const Outcome& outcome) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < image_.globals.size(); ++i) {
    const LinkedGlobal& global = image_.globals[i];
    if (!global.type.is_mutable || global.type.type != wasm::ValueType::kI32) {
      continue;
    }
    const Term start = operations_.start(GlobalId(i));
    if (outcome.path->globals[i] != start) {
      cells.push_back({GlobalId(i), {}, 0, start, global.initial});
    }
  }
  for (const EntryWrite& write : outcome.writes) {
    if (!terms_.is_constant(write.address) || write.bytes != 4) {
      continue;
    }
    const std::uint64_t address = terms_.bits(write.address);
    Cell cell{std::nullopt, write.memory, address, operations_.word(write.memory, write.address, 4),
              initial_word(image_, write.memory, address)};
    if (std::none_of(cells.begin(), cells.end(), [&](const Cell& one) { return one.same(cell); })) {
      cells.push_back(cell);
    }
  }
  return cells;
}

Term SupplyReader::end(const Outcome& outcome, const Cell& cell) {
  if (cell.global) {
    return outcome.path->globals[cell.global->value];
  }
  return operations_.read(outcome, cell.memory, operations_.number(cell.address), 4);
}

std::optional<Affine> SupplyReader::fit(const Outcome& outcome, Term index, Term address, Affine hint) {
  const auto proved = [&](const Affine& affine) {
    const Term scaled = terms_.apply(TermOp::kMul, index, operations_.number(affine.scale));
    const Term expected = terms_.apply(TermOp::kAdd, scaled, operations_.number(affine.offset));
    return expected == address ||
           operations_.holds(outcome, operations_.equal(expected, address)) == Answer::kYes;
  };
  // Other words of the same entry differ in the offset: seen where both are offsets from one base.
  const std::uint64_t at = query_.value(address, {}, 7);
  const std::uint64_t scaled = query_.value(index, {}, 7) * hint.scale;
  const Affine same_scale{hint.scale, (at - scaled) & 0xffff'ffff};
  if (proved(same_scale)) {
    return same_scale;
  }
  TermQuery::Values one;
  TermQuery::Values other;
  for (const Term leaf : query_.leaves(index)) {
    one[leaf] = 1;
    other[leaf] = 2;
  }
  const auto guessed = query_.guess(index, address, one, other);
  return guessed && proved(*guessed) ? guessed : std::nullopt;
}

Supply SupplyReader::read(const std::vector<Outcome>& outcomes, Term argument,
                          const std::function<bool(MemoryId)>& grows) {
  Supply supply;
  supply.understood = find_entries(outcomes, argument, supply) && find_cursor(outcomes, supply) &&
                      find_places(outcomes, supply, grows(supply.memory)) && find_list(outcomes, supply);
  return supply;
}

bool SupplyReader::find_entries(const std::vector<Outcome>& outcomes, Term argument, Supply& supply) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& outcome = outcomes[i];
    if (!outcome.returns()) {
      continue;
    }
    std::optional<Term> address;
    for (const EntryWrite& write : outcome.writes) {
      if (write.value != argument || write.bytes != 4 || terms_.is_constant(write.address)) {
        continue;
      }
      if (address || (!supply.entries.empty() && write.memory != supply.memory)) {
        supply.why = "it stores the rep at more than one place";
        return false;
      }
      address = write.address;
      supply.memory = write.memory;
    }
    if (!address) {
      supply.why = "it may return an index without storing the rep";
      return false;
    }
    supply.entries.push_back({i, outcome.path->results[0], *address, false});
    for (const Cell& cell : changed(outcome)) {
      if (std::none_of(supply.cells.begin(), supply.cells.end(),
                       [&](const Cell& one) { return one.same(cell); })) {
        supply.cells.push_back(cell);
      }
    }
  }
  return true;
}

bool SupplyReader::find_cursor(const std::vector<Outcome>& outcomes, Supply& supply) {
  for (FreshEntry& entry : supply.entries) {
    const Outcome& outcome = outcomes[entry.outcome];
    bool found = false;
    for (const Cell& cell : supply.cells) {
      if (!query_.mentions(entry.index, cell.start)) {
        continue;
      }
      const smt::Terms::Split after = terms_.split(end(outcome, cell));
      if (after.base != cell.start || (after.offset & 0xffff'ffff) == 0) {
        continue;
      }
      const std::uint64_t step = after.offset & 0xffff'ffff;
      if (supply.cursor && (!supply.cursor->same(cell) || supply.step != step)) {
        supply.why = "several cursors give new indices";
        return false;
      }
      supply.cursor = cell;
      supply.step = step;
      found = true;
    }
    entry.listed = !found;
  }
  if (!supply.cursor) {
    supply.why = "no cursor that moves on gives new indices";
    return false;
  }
  if (!supply.cursor->initial || supply.step >= kFourGib / 2) {
    supply.why = "where its cursor begins, or where to it moves, could not be told";
    return false;
  }
  return true;
}

bool SupplyReader::find_places(const std::vector<Outcome>& outcomes, Supply& supply, bool grows) {
  const Cell& cursor = *supply.cursor;
  const std::uint64_t begin = *cursor.initial & 0xffff'ffff;
  const Term first = operations_.number(begin);
  supply.invariants.push_back(operations_.at_most(first, cursor.start));
  if (supply.step > 1) {
    const Term moved = terms_.apply(TermOp::kSub, cursor.start, first);
    supply.invariants.push_back(operations_.equal(
        terms_.apply(TermOp::kRemU, moved, operations_.number(supply.step)), operations_.number(0)));
  }
  supply.cursor_values = supply.invariants;
  const auto at = [&](std::uint64_t steps) {
    return TermQuery::Values{{cursor.start, (begin + steps * supply.step) & 0xffff'ffff}};
  };
  std::optional<Affine> place;
  for (const FreshEntry& entry : supply.entries) {
    if (entry.listed || place) {
      continue;
    }
    if (query_.leaves(entry.index) != std::vector<Term>{cursor.start}) {
      supply.why = "a new index depends on more than its cursor";
      return false;
    }
    place = query_.guess(entry.index, entry.address, at(0), at(1));
    supply.first = query_.value(entry.index, at(0), 1);
    supply.stride = query_.value(entry.index, at(1), 1) - supply.first;
    supply.next = entry.index;
    if (place) {
      supply.place = *place;
      bound_cursor(outcomes[entry.outcome], entry, supply, grows);
    }
  }
  if (!place) {
    supply.why = "where an entry lies does not follow from its index";
    return false;
  }
  for (const FreshEntry& entry : supply.entries) {
    Outcome outcome = outcomes[entry.outcome];
    outcome.conditions.insert(outcome.conditions.end(), supply.invariants.begin(), supply.invariants.end());
    const Term scaled = terms_.apply(TermOp::kMul, entry.index, operations_.number(place->scale));
    const Term expected = terms_.apply(TermOp::kAdd, scaled, operations_.number(place->offset));
    if (operations_.holds(outcome, operations_.equal(expected, entry.address)) != Answer::kYes ||
        (!entry.listed &&
         operations_.holds(outcome, operations_.equal(entry.index, supply.next)) != Answer::kYes)) {
      supply.why = "where an entry lies does not follow from its index";
      return false;
    }
  }
  // Indices by the cursor: equal steps, as far as it may go.
  Outcome any = outcomes[supply.entries.front().outcome];
  any.conditions = supply.invariants;
  const Term moved = terms_.apply(TermOp::kSub, cursor.start, first);
  const Term steps = terms_.apply(TermOp::kDivU, moved, operations_.number(supply.step));
  const Term expected = terms_.apply(TermOp::kAdd, operations_.number(supply.first),
                                     terms_.apply(TermOp::kMul, steps, operations_.number(supply.stride)));
  if (supply.stride == 0 || supply.stride >= kFourGib / 2 ||
      (!(supply.next == cursor.start && supply.stride == supply.step) &&
       operations_.holds(any, operations_.equal(supply.next, expected)) != Answer::kYes)) {
    supply.why = "its indices do not follow from its cursor";
    return false;
  }
  return true;
}

// No store reaches beyond what its memory can ever have, and the cursor moves on after it.
void SupplyReader::bound_cursor(const Outcome& outcome, const FreshEntry& entry, Supply& supply, bool grows) {
  const wasm::Limits& limits = image_.memories[supply.memory.value].limits;
  const std::uint64_t pages = grows ? limits.max.value_or(65536) : limits.min;
  const std::uint64_t most = pages < 65536 ? pages * kPage : kFourGib;
  const Cell& cursor = *supply.cursor;
  const std::uint64_t begin = *cursor.initial & 0xffff'ffff;
  const auto at = [&](std::uint64_t steps) {
    return TermQuery::Values{{cursor.start, (begin + steps * supply.step) & 0xffff'ffff}};
  };
  const std::uint64_t one = query_.value(entry.address, at(0), 1);
  const std::uint64_t other = query_.value(entry.address, at(1), 1);
  const auto try_bound = [&] {
    if (other <= one || one + 4 > most) {
      return false;
    }
    // One more than the last entry that fits. The address must follow the cursor up to there.
    const std::uint64_t entries = (most - 4 - one) / (other - one) + 1;
    const std::uint64_t bound = begin + entries * supply.step;
    if (bound >= kFourGib) {
      return false;
    }
    const Term limit = operations_.number(bound);
    Outcome within = outcome;
    within.conditions.insert(within.conditions.end(), supply.invariants.begin(), supply.invariants.end());
    within.conditions.push_back(operations_.at_most(cursor.start, limit));
    const Term moved = terms_.apply(TermOp::kSub, cursor.start, operations_.number(begin));
    const Term steps = terms_.apply(TermOp::kDivU, moved, operations_.number(supply.step));
    const Term place = terms_.apply(TermOp::kAdd, operations_.number(one),
                                    terms_.apply(TermOp::kMul, steps, operations_.number(other - one)));
    if (operations_.holds(within, operations_.equal(place, entry.address)) != Answer::kYes) {
      return false;
    }
    supply.invariants.push_back(operations_.at_most(cursor.start, limit));
    return true;
  };
  supply.bounded = try_bound();
  if (!supply.bounded) {
    const std::uint64_t far = std::max(begin, kFourGib - 1 - std::min(8 * supply.step, kFourGib - 1));
    supply.invariants.push_back(operations_.at_most(cursor.start, operations_.number(far)));
  }
}

bool SupplyReader::find_list(const std::vector<Outcome>& outcomes, Supply& supply) {
  for (const FreshEntry& entry : supply.entries) {
    if (!entry.listed) {
      continue;
    }
    const Outcome& outcome = outcomes[entry.outcome];
    const auto head = std::find_if(supply.cells.begin(), supply.cells.end(),
                                   [&](const Cell& cell) { return cell.start == entry.index; });
    supply.why = "how it takes a freed entry could not be told";
    if (head == supply.cells.end() || !head->initial || (supply.head && !supply.head->same(*head))) {
      return false;
    }
    // The link is read from the entry before anything is written there.
    const auto link = executor_.loaded(end(outcome, *head));
    if (!link || link->memory != supply.memory || link->bytes != 4 ||
        link->version != executor_.initial(supply.memory).version) {
      return false;
    }
    const auto at = fit(outcome, entry.index, link->address, supply.place);
    if (!at || at->scale != supply.place.scale || (supply.head && supply.link != *at)) {
      return false;
    }
    if (supply.cursor->same(*head) || end(outcome, *supply.cursor) != supply.cursor->start) {
      return false;
    }
    supply.head = *head;
    supply.link = *at;
    supply.end_of_list = *head->initial & 0xffff'ffff;
    // Never taken from an empty list; nothing that the cursor gave looks like its end.
    const Term last = operations_.number(supply.end_of_list);
    Outcome any = outcome;
    any.conditions = supply.invariants;
    if (operations_.possible(outcome, operations_.equal(head->start, last)) != Answer::kNo ||
        operations_.possible(any, supply.given(operations_, terms_, last)) != Answer::kNo) {
      supply.why = "the end of its list of freed entries may be taken for an entry";
      return false;
    }
    const Term next = end(outcome, *head);
    const auto listed = [&](Term index) {
      return operations_.either(operations_.equal(index, last), supply.given(operations_, terms_, index));
    };
    supply.invariants.push_back(listed(head->start));
    // Where the list is not empty, its second entry is another one.
    supply.invariants.push_back(operations_.either(
        operations_.equal(head->start, last),
        operations_.both(listed(next), terms_.negation(operations_.equal(next, head->start)))));
  }
  supply.why.clear();
  return true;
}

}  // namespace meld_verify::lift
