#include "engine/lift/table_operation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/lift/memory_state.h"

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;

Operations::Operations(const Image& image, const Alignment& alignment, Executor& executor, smt::Terms& terms,
                       smt::Decider& decider)
    : image_(image), alignment_(alignment), executor_(executor), terms_(terms), decider_(decider) {}

bool Operations::is_guest(FunctionId function) const {
  return function.value < alignment_.is_guest.size() && alignment_.is_guest[function.value];
}

std::vector<Outcome> Operations::run(FunctionId function, Term argument, const Outcome* after,
                                     const Opening& opening) {
  return execute(function, argument, after, opening, CallModel::Kind::kSymbol);
}

std::vector<Outcome> Operations::run_until_call(FunctionId function, Term argument, const Opening& opening) {
  return execute(function, argument, nullptr, opening, CallModel::Kind::kUnreadable);
}

std::vector<Outcome> Operations::execute(FunctionId function, Term argument, const Outcome* after,
                                         const Opening& opening, CallModel::Kind calls) {
  const auto inside = [this](FunctionId callee) {
    return image_.functions[callee.value].kind == LinkedFunction::Kind::kDefined && !is_guest(callee);
  };
  const auto model = [&](FunctionId callee) {
    CallModel result;
    result.kind = inside(callee) && inside(image_.behind(callee)) ? CallModel::Kind::kInline : calls;
    result.changes_globals = false;
    return result;
  };
  Executor::Start start;
  start.function = function;
  start.arguments = {argument};
  if (after != nullptr) {
    start.after = after->path.get();
    start.conditions = after->conditions;
    start.known = after->known;
  } else {
    start.conditions = opening.given;
    start.conditions.insert(start.conditions.end(), held_.begin(), held_.end());
    start.known = opening.known;
    start.globals = opening.globals;
  }
  std::vector<Outcome> outcomes;
  for (Path& path : executor_.run(start, model)) {
    Outcome outcome;
    outcome.conditions = start.conditions;
    outcome.known = start.known;
    outcome.conditions.insert(outcome.conditions.end(), path.conditions.begin(), path.conditions.end());
    outcome.path = std::make_shared<const Path>(std::move(path));
    if (decider_.satisfiable(outcome.conditions) == Answer::kNo) {
      continue;
    }
    trace(outcome, after);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

void Operations::trace(Outcome& outcome, const Outcome* after) {
  const Path& path = *outcome.path;
  for (std::size_t i = 0; i < path.memories.size(); ++i) {
    const MemoryWrite* const until = after != nullptr ? after->path->memories[i].last.get() : nullptr;
    for (const MemoryWrite* one = path.memories[i].last.get(); one != until; one = one->previous.get()) {
      if (one == nullptr || one->kind != MemoryWrite::Kind::kStore || !terms_.is_constant(one->size)) {
        outcome.traceable = false;
        break;
      }
      outcome.writes.push_back({path.memories[i].memory, one->address,
                                static_cast<std::uint32_t>(terms_.bits(one->size)), one->value});
    }
  }
  for (const CallEvent& call : path.calls) {
    outcome.calls.push_back(call);
    outcome.calls.back().callee = image_.behind(call.callee);
  }
}

Term Operations::start(GlobalId global) {
  return executor_.initial(global);
}

Term Operations::read(const Outcome& after, MemoryId memory, Term address, std::uint32_t bytes) {
  return executor_.read(after.path->memories[memory.value], address, bytes, after.conditions);
}

Term Operations::word(MemoryId memory, Term address, std::uint32_t bytes) {
  return executor_.load({memory, executor_.initial(memory).version, address, bytes});
}

bool Operations::is_known(Term term) const {
  std::vector<Term> work{term};
  std::set<Term> seen{term};
  while (!work.empty()) {
    const Term one = work.back();
    work.pop_back();
    if (terms_.op(one) == TermOp::kSymbol && terms_.name(one) == "unknown") {
      return false;
    }
    for (const Term argument : terms_.arguments(one)) {
      if (seen.insert(argument).second) {
        work.push_back(argument);
      }
    }
  }
  return true;
}

Answer Operations::differs(const Outcome& in, Term left, Term right) {
  const Term equal_terms = equal(left, right);
  const auto known = [this](Term one) { return is_known(one); };
  if (!is_known(left) || !is_known(right) ||
      !std::all_of(in.conditions.begin(), in.conditions.end(), known)) {
    return Answer::kUnknown;
  }
  return possible(in, terms_.negation(equal_terms));
}

Answer Operations::holds(const Outcome& in, Term condition) {
  return decider_.follows(in.conditions, condition);
}

Answer Operations::possible(const Outcome& in, Term condition) {
  std::vector<Term> all = in.conditions;
  all.push_back(condition);
  return decider_.satisfiable(all);
}

Term Operations::number(std::uint64_t value) {
  return terms_.constant(32, value & 0xffff'ffff);
}

Term Operations::equal(Term left, Term right) {
  return terms_.apply(TermOp::kEq, left, right);
}

Term Operations::less(Term left, Term right) {
  return terms_.apply(TermOp::kLessU, left, right);
}

Term Operations::at_most(Term left, Term right) {
  return terms_.negation(less(right, left));
}

Term Operations::either(Term left, Term right) {
  return terms_.apply(TermOp::kOr, left, right);
}

Term Operations::both(Term left, Term right) {
  return terms_.apply(TermOp::kAnd, left, right);
}

}  // namespace meld_verify::lift
