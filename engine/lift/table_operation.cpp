#include "engine/lift/table_operation.h"

#include <fmt/format.h>

#include <utility>

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;

Operations::Operations(const Image& image, const Alignment& alignment, Executor& executor, smt::Terms& terms,
                       smt::Decider& decider)
    : image_(image), alignment_(alignment), executor_(executor), terms_(terms), decider_(decider) {
  for (std::size_t i = 0; i < image.globals.size(); ++i) {
    const wasm::GlobalType& type = image.globals[i].type;
    if (type.is_mutable && (type.type == wasm::ValueType::kI32 || type.type == wasm::ValueType::kI64)) {
      starts_.emplace(GlobalId(i), terms.symbol(type.type == wasm::ValueType::kI32 ? 32 : 64,
                                                fmt::format("g{}", i)));
    }
  }
}

bool Operations::is_guest(FunctionId function) const {
  return function.value < alignment_.is_guest.size() && alignment_.is_guest[function.value];
}

std::vector<Outcome> Operations::run(FunctionId function, Term argument, const Outcome* after,
                                     std::span<const Term> given) {
  return execute(function, argument, after, given, CallModel::Kind::kSymbol);
}

std::vector<Outcome> Operations::run_until_call(FunctionId function, Term argument,
                                                std::span<const Term> given) {
  return execute(function, argument, nullptr, given, CallModel::Kind::kUnreadable);
}

std::vector<Outcome> Operations::execute(FunctionId function, Term argument, const Outcome* after,
                                         std::span<const Term> given, CallModel::Kind calls) {
  const auto inside = [this](FunctionId callee) {
    return image_.functions[callee.value].kind == LinkedFunction::Kind::kDefined && !is_guest(callee);
  };
  const auto model = [&](FunctionId callee) {
    CallModel result;
    result.kind = inside(callee) && inside(image_.behind(callee)) ? CallModel::Kind::kInline : calls;
    return result;
  };
  Executor::Start start;
  start.function = function;
  start.arguments = {argument};
  start.conditions.assign(given.begin(), given.end());
  if (after != nullptr) {
    start.after = after->path.get();
  } else {
    start.globals.assign(starts_.begin(), starts_.end());
  }
  std::vector<Outcome> outcomes;
  for (Path& path : executor_.run(start, model)) {
    Outcome outcome;
    outcome.conditions.assign(given.begin(), given.end());
    if (after != nullptr) {
      outcome.conditions.insert(outcome.conditions.end(), after->conditions.begin(), after->conditions.end());
    }
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
    const MemoryState* since = after != nullptr ? &after->path->memories[i] : nullptr;
    const auto writes = executor_.writes(path.memories[i], since);
    if (!writes) {
      outcome.traceable = false;
      continue;
    }
    for (const WrittenWord& one : *writes) {
      outcome.writes.push_back({path.memories[i].memory, one.address, one.bytes, one.value});
    }
  }
  for (const CallEvent& call : path.calls) {
    outcome.calls.push_back(call);
    outcome.calls.back().callee = image_.behind(call.callee);
  }
}

Term Operations::start(GlobalId global) {
  const auto found = starts_.find(global);
  if (found != starts_.end()) {
    return found->second;
  }
  return starts_.emplace(global, terms_.symbol(32, fmt::format("g{}", global.value))).first->second;
}

Term Operations::read(const Outcome& after, MemoryId memory, Term address, std::uint32_t bytes) {
  return executor_.read(after.path->memories[memory.value], address, bytes, after.conditions);
}

Term Operations::word(MemoryId memory, Term address, std::uint32_t bytes) {
  return executor_.load({memory, executor_.initial(memory).version, address, bytes});
}

Answer Operations::holds(const Outcome& in, Term condition) {
  return decider_.follows(in.conditions, condition);
}

Answer Operations::possible(const Outcome& in, Term condition) {
  std::vector<Term> all = in.conditions;
  all.push_back(condition);
  return decider_.satisfiable(all);
}

Term Operations::number(std::uint64_t value) { return terms_.constant(32, value & 0xffff'ffff); }

Term Operations::equal(Term left, Term right) { return terms_.apply(TermOp::kEq, left, right); }

Term Operations::less(Term left, Term right) { return terms_.apply(TermOp::kLessU, left, right); }

Term Operations::at_most(Term left, Term right) { return terms_.negation(less(right, left)); }

Term Operations::either(Term left, Term right) { return terms_.apply(TermOp::kOr, left, right); }

Term Operations::both(Term left, Term right) { return terms_.apply(TermOp::kAnd, left, right); }

}  // namespace meld_verify::lift
