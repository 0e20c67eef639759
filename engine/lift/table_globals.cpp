// What table functions do to globals that generated code keeps for itself.

#include <algorithm>

#include "engine/lift/table_reading.h"

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;

std::optional<std::uint32_t> TableFunctions::State::moves(FunctionId function, GlobalId global) {
  const TableShape& shaped = shape(function);
  if (!shaped.is_table_function || image.functions[function.value].kind != LinkedFunction::Kind::kDefined) {
    return 0;  // the run time's
  }
  std::optional<std::uint32_t> by;
  for (const Outcome& outcome : shaped.outcomes) {
    if (outcome.stuck()) {
      return std::nullopt;
    }
    if (!outcome.returns()) {
      continue;
    }
    const Term moved =
        terms.apply(TermOp::kSub, outcome.path->globals[global.value], operations.start(global));
    if (!terms.is_constant(moved) || (by && *by != terms.bits(moved))) {
      return std::nullopt;
    }
    by = static_cast<std::uint32_t>(terms.bits(moved));
  }
  return by;
}

bool TableFunctions::State::keeps_counts(const Outcome& outcome) {
  for (std::uint32_t g = 0; g < image.globals.size(); ++g) {
    const Term start = operations.start(GlobalId{g});
    const Term end = outcome.path->globals[g];
    if (end != start && is_count_or_flag(GlobalId{g}) &&
        operations.holds(outcome, operations.equal(start, end)) != Answer::kYes) {
      return false;
    }
  }
  return true;
}

const std::set<FunctionId>& TableFunctions::State::sets_through_others(GlobalId global) {
  const auto [place, fresh] = setters.try_emplace(global);
  if (fresh) {
    const auto set = writes().sets.find(global);
    place->second = set == writes().sets.end() ? std::set<FunctionId>{} : set->second;
    for (bool grew = !place->second.empty(); grew;) {
      grew = false;
      for (const auto& [caller, callees] : writes().callees) {
        if (!operations.is_guest(caller) && !place->second.contains(caller) &&
            std::any_of(callees.begin(), callees.end(), [&, all = &place->second](FunctionId one) {
              return all->contains(one) || all->contains(image.behind(one));
            })) {
          grew = place->second.insert(caller).second;
        }
      }
    }
  }
  return place->second;
}

// Flags stay as they are, and counts change by the same in all states; what guests call counts nothing. (What
// a drop counts depends on the entry: see `destructors`.)
bool TableFunctions::State::leaves_globals(const TableShape& shaped) {
  const FunctionId function = shaped.what.function;
  for (std::uint32_t g = 0; g < image.globals.size(); ++g) {
    const GlobalId global{g};
    const Term start = operations.start(global);
    const bool touched = std::any_of(
        shaped.outcomes.begin(), shaped.outcomes.end(),
        [&](const Outcome& outcome) { return outcome.returns() && outcome.path->globals[g] != start; });
    if (!touched || !globals.own[g] || !is_count_or_flag(global)) {
      continue;
    }
    if (globals.flag[g]) {
      if (std::any_of(shaped.outcomes.begin(), shaped.outcomes.end(), [&](const Outcome& outcome) {
            return outcome.returns() && operations.holds(outcome, operations.equal(outcome.path->globals[g],
                                                                                   start)) != Answer::kYes;
          })) {
        return false;
      }
    } else if (shaped.what.role != TableRole::kDrop) {
      const auto by = moves(function, global);
      if (!by || (*by != 0 && is_open_to_guests(function))) {
        return false;
      }
    }
  }
  return true;
}

bool TableFunctions::State::is_open_to_guests(FunctionId function) {
  if (!guests_call) {
    guests_call.emplace();
    for (const LinkedTable& table : image.tables) {
      for (const auto& entry : table.entries) {
        if (entry) {
          guests_call->insert(image.behind(*entry));
        }
      }
    }
    for (const auto& [caller, callees] : writes().callees) {
      for (const FunctionId called : operations.is_guest(caller) ? callees : std::set<FunctionId>{}) {
        guests_call->insert(image.behind(called));
      }
    }
  }
  return guests_call->contains(function);
}

bool TableFunctions::State::counts_entries(FunctionId function) {
  for (std::uint32_t g = 0; g < globals.own.size(); ++g) {
    if (globals.own[g] && !globals.flag[g] && is_count_or_flag(GlobalId{g}) &&
        moves(function, GlobalId{g}) != std::optional(0U)) {
      return true;
    }
  }
  return false;
}

}  // namespace meld_verify::lift
