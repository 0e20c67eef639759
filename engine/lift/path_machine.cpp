#include "engine/lift/path_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/lift/number_steps.h"

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;
using wasm::ByteOffset;
namespace op = wasm::op;

namespace {

constexpr const char* kNotValid = "the code is not valid";
/// What a copy of a path costs, beside its parts.
constexpr std::size_t kForkSteps = 8;
/// At one step of a path: a loop whose end hangs on a value that is not bounded is given up.
constexpr std::size_t kMostChoices = 64;

}  // namespace

PathMachine::PathMachine(Executor::State& state, const Executor::Start& start, const Executor::Model& model)
    : state_(state),
      terms_(state.terms),
      image_(state.image),
      start_(start),
      model_(model),
      budget_{state.limits.steps, state.decider.questions() + state.limits.questions},
      most_terms_(state.terms.size() + state.limits.terms) {}

std::vector<Path> PathMachine::run() {
  if (auto first = begin()) {
    open_.push_back(std::move(*first));
  }
  while (!open_.empty()) {
    Running running = std::move(open_.back());
    open_.pop_back();
    walk(running);
    if (!running.impossible) {
      done_.push_back(std::move(running.path));
    }
  }
  return std::move(done_);
}

std::optional<PathMachine::Running> PathMachine::begin() {
  Running running;
  Path& path = running.path;
  for (const auto& [term, bits] : start_.known) {
    known_.insert_or_assign(term, bits);
  }
  charge(image_.memories.size() + image_.globals.size());
  std::vector<Term> areas = start_.areas;
  if (start_.after != nullptr) {
    path.conditions = start_.after->conditions;
    path.memories = start_.after->memories;
    path.globals = start_.after->globals;
    for (const MemoryState& memory : path.memories) {
      if (memory.areas) {
        areas.insert(areas.end(), memory.areas->begin(), memory.areas->end());
        break;  // they are the same ones in each memory
      }
    }
  }
  std::sort(areas.begin(), areas.end());
  areas.erase(std::unique(areas.begin(), areas.end()), areas.end());
  const auto shared = std::make_shared<const std::vector<Term>>(std::move(areas));
  for (std::size_t i = path.memories.size(); i < image_.memories.size(); ++i) {
    path.memories.push_back({MemoryId(i), MemoryVersion{}, nullptr, nullptr});
  }
  for (MemoryState& memory : path.memories) {
    memory.areas = shared;
  }
  for (std::size_t i = path.globals.size(); i < image_.globals.size(); ++i) {
    path.globals.push_back(state_.initial(GlobalId(i)));
  }
  for (const auto& [id, term] : start_.globals) {
    if (id.value < path.globals.size() && terms_.width(path.globals[id.value]) == terms_.width(term)) {
      path.globals[id.value] = term;
    }
  }
  for (const Term condition : start_.conditions) {
    add_condition(running, condition);
  }
  for (const auto& [term, bits] : start_.known) {
    add_condition(running, terms_.apply(TermOp::kEq, term, terms_.constant(terms_.width(term), bits)));
  }
  if (state_.decider.satisfiable(path.conditions) == Answer::kNo) {
    return std::nullopt;  // there is no such execution
  }
  enter(running, start_.function, start_.arguments);
  return running;
}

void PathMachine::walk(Running& running) {
  while (!running.ended) {
    Frame& frame = running.frames.back();
    if (frame.next >= frame.code->steps.size()) {
      end(running, Path::End::kStuck, kNotValid);
      return;
    }
    const CodeStep& now = frame.code->steps[frame.next];
    ++frame.next;
    running.path.at = now.at;
    charge(1);
    if (budget_.visits == 0) {
      end(running, Path::End::kStuck, fmt::format("the paths take more than {} steps", state_.limits.steps));
    } else if (terms_.size() > most_terms_) {
      end(running, Path::End::kStuck, fmt::format("the paths make more than {} terms", state_.limits.terms));
    } else if (running.path.conditions.size() > state_.limits.conditions) {
      end(running, Path::End::kStuck,
          fmt::format("the path has more than {} conditions", state_.limits.conditions));
    } else {
      step(running, now);
    }
  }
}

// --- ends, forks and conditions

void PathMachine::charge(std::size_t steps) {
  budget_.visits -= std::min(budget_.visits, steps);
}

void PathMachine::end(Running& running, Path::End how, std::string why) {
  if (running.ended) {
    return;
  }
  running.ended = true;
  running.path.end = how;
  running.path.why = std::move(why);
}

void PathMachine::add_condition(Running& running, Term condition) {
  std::vector<Term> open{condition};
  while (!open.empty()) {
    const Term now = open.back();
    open.pop_back();
    if (terms_.op(now) == TermOp::kAnd) {
      open.insert(open.end(), terms_.arguments(now).rbegin(), terms_.arguments(now).rend());
      continue;
    }
    if (terms_.op(now) == TermOp::kXor && terms_.op(terms_.negation(now)) == TermOp::kOr) {
      const auto parts = terms_.arguments(terms_.negation(now));
      open.push_back(terms_.negation(parts[1]));
      open.push_back(terms_.negation(parts[0]));
      continue;
    }
    auto& conditions = running.path.conditions;
    if (!(terms_.is_constant(now) && terms_.bits(now) != 0) &&
        std::find(conditions.begin(), conditions.end(), now) == conditions.end()) {
      conditions.push_back(now);
    }
  }
}

PathMachine::Sides PathMachine::decide(Running& running, Term condition) {
  if (terms_.is_constant(condition)) {
    const bool holds = terms_.bits(condition) != 0;
    return {holds, !holds};
  }
  const Term other = terms_.negation(condition);
  std::vector<Term> conditions = running.path.conditions;
  charge(conditions.size() / 16);
  for (const Term known : conditions) {
    if (known == condition || known == other) {
      return {known == condition, known == other};
    }
  }
  if (state_.decider.questions() >= budget_.last_question) {
    end(running, Path::End::kStuck,
        fmt::format("the paths put more than {} questions", state_.limits.questions));
    return {};
  }
  conditions.push_back(condition);
  if (state_.decider.satisfiable(conditions) == Answer::kNo) {
    return {false, true};
  }
  conditions.back() = other;
  return {true, state_.decider.satisfiable(conditions) != Answer::kNo};
}

std::optional<PathMachine::Running> PathMachine::fork(Running& running) {
  if (open_.size() + done_.size() + 1 >= state_.limits.paths) {
    end(running, Path::End::kStuck, fmt::format("there are more than {} paths", state_.limits.paths));
    return std::nullopt;
  }
  if (!running.frames.empty()) {
    const Frame& frame = running.frames.back();
    if (++running.choices[{frame.function, frame.next}] > kMostChoices) {
      end(running, Path::End::kStuck, "a loop goes on for longer than can be followed");
      return std::nullopt;
    }
  }
  const Path& path = running.path;
  charge(kForkSteps + (path.conditions.size() + path.globals.size() + running.stack.size()) / 16 +
         (path.calls.size() + 1) * (path.memories.size() + 8) / 8);
  return running;
}

void PathMachine::trap_if(Running& running, Term condition) {
  const Sides sides = decide(running, condition);
  if (!sides.yes) {
    return;
  }
  if (!sides.no) {
    end(running, Path::End::kTrap);
    return;
  }
  if (auto other = fork(running)) {
    add_condition(*other, condition);
    end(*other, Path::End::kTrap);
    open_.push_back(std::move(*other));
    add_condition(running, terms_.negation(condition));
  }
}

// --- values

Term PathMachine::known(Term term) const {
  const auto found = known_.find(term);
  return found == known_.end() ? term : terms_.constant(terms_.width(term), found->second);
}

void PathMachine::push(Running& running, Term term) {
  running.stack.push_back(known(term));
}

Term PathMachine::pop(Running& running, unsigned width) {
  // A frame's values lie above those of its caller.
  if (running.stack.size() <= running.frames.back().stack_base ||
      (width != 0 && terms_.width(running.stack.back()) != width)) {
    end(running, Path::End::kStuck, kNotValid);
    return terms_.constant(width == 0 ? 32 : width, 0);
  }
  const Term term = running.stack.back();
  running.stack.pop_back();
  return term;
}

const LinkedInstance& PathMachine::instance(const Running& running) const {
  return image_.instances[image_.functions[running.frames.back().function.value].instance.value];
}

std::optional<MemoryId> PathMachine::memory(Running& running, std::uint32_t index) {
  const LinkedInstance& in = instance(running);
  if (index >= in.memories.size()) {
    end(running, Path::End::kStuck, kNotValid);
    return std::nullopt;
  }
  const MemoryId id = in.memories[index];
  if (image_.memories[id.value].limits.is_64) {
    end(running, Path::End::kStuck, "a memory has addresses of 64 bits, which is not supported");
    return std::nullopt;
  }
  return id;
}

// --- instructions

void PathMachine::step(Running& running, const CodeStep& now) {
  if (number_shape(now.opcode)) {
    number(running, now);
    return;
  }
  if (now.opcode >= op::kLocalGet && now.opcode <= op::kLocalTee) {
    local(running, now);
    return;
  }
  if (now.opcode >= op::kI32Load && now.opcode <= op::kMemoryGrow) {
    memory_step(running, now);
    return;
  }
  if (block(running, now)) {
    return;
  }
  switch (now.opcode) {
    case op::kUnreachable:
      end(running, Path::End::kTrap);
      return;
    case op::kNop:
      return;
    case op::kCall:
      if (now.first >= instance(running).functions.size()) {
        end(running, Path::End::kStuck, kNotValid);
        return;
      }
      call(running, instance(running).functions[now.first], now.at);
      return;
    case op::kCallIndirect:
      table_call(running, now);
      return;
    case op::kDrop:
      pop(running, 0);
      return;
    case op::kSelect:
    case op::kSelectTyped: {
      const Term which = pop(running, 32);
      const Term no = pop(running, 0);
      const Term yes = pop(running, terms_.width(no));
      if (running.ended) {
        return;
      }
      const Term condition = terms_.negation(terms_.apply(TermOp::kEq, which, terms_.constant(32, 0)));
      const auto& conditions = running.path.conditions;
      const auto holds = [&conditions](Term term) {
        return std::find(conditions.begin(), conditions.end(), term) != conditions.end();
      };
      push(running, holds(condition)                    ? yes
                    : holds(terms_.negation(condition)) ? no
                                                        : terms_.ite(condition, yes, no));
      return;
    }
    case op::kGlobalGet:
    case op::kGlobalSet:
      global(running, now);
      return;
    case op::kI32Const:
      push(running, terms_.constant(32, now.constant));
      return;
    case op::kF32Const:
      push(running, terms_.constant(32, now.constant));
      return;
    case op::kI64Const:
    case op::kF64Const:
      push(running, terms_.constant(64, now.constant));
      return;
    case op::kMemoryCopy:
    case op::kMemoryFill:
      move(running, now);
      return;
    default:
      break;
  }
  end(running, Path::End::kStuck,
      fmt::format("{} at offset {:#x} is not supported", wasm::name_of(now.opcode), now.at.value));
}

bool PathMachine::block(Running& running, const CodeStep& now) {
  Frame& frame = running.frames.back();
  const std::uint32_t here = frame.next - 1;
  switch (now.opcode) {
    case op::kBlock:
    case op::kLoop:
    case op::kIf: {
      std::optional<Term> condition;
      if (now.opcode == op::kIf) {
        const Term which = pop(running, 32);
        condition = terms_.negation(terms_.apply(TermOp::kEq, which, terms_.constant(32, 0)));
      }
      if (running.stack.size() < frame.stack_base + now.params) {
        end(running, Path::End::kStuck, kNotValid);
      }
      if (running.ended) {
        return true;
      }
      const std::size_t height = running.stack.size() - now.params;
      if (now.opcode == op::kLoop) {
        frame.labels.push_back({here + 1, now.params, height, true});
        return true;
      }
      frame.labels.push_back({now.end + 1, now.results, height, false});
      if (!condition) {
        return true;
      }
      const Sides sides = decide(running, *condition);
      if (running.ended) {
        return true;
      }
      // Past the `else`; onto the `end`, where there is none.
      const std::uint32_t otherwise = now.otherwise == now.end ? now.end : now.otherwise + 1;
      if (sides.yes && sides.no) {
        auto other = fork(running);
        if (!other) {
          return true;
        }
        add_condition(*other, terms_.negation(*condition));
        other->frames.back().next = otherwise;
        open_.push_back(std::move(*other));
        add_condition(running, *condition);
      } else if (!sides.yes) {
        frame.next = otherwise;
      }
      return true;
    }
    case op::kElse:  // the first half ends here
      frame.next = now.end;
      return true;
    case op::kEnd:
      if (frame.labels.empty()) {
        leave(running);
      } else {
        frame.labels.pop_back();
      }
      return true;
    case op::kBr:
      branch(running, now.first);
      return true;
    case op::kBrIf: {
      const Term which = pop(running, 32);
      if (running.ended) {
        return true;
      }
      const Term condition = terms_.negation(terms_.apply(TermOp::kEq, which, terms_.constant(32, 0)));
      const Sides sides = decide(running, condition);
      if (running.ended) {
        return true;
      }
      if (sides.yes && sides.no) {
        auto other = fork(running);
        if (!other) {
          return true;
        }
        add_condition(*other, terms_.negation(condition));
        open_.push_back(std::move(*other));
        add_condition(running, condition);
      }
      if (sides.yes) {
        branch(running, now.first);
      }
      return true;
    }
    case op::kBrTable:
      branch_table(running, now);
      return true;
    case op::kReturn:
      leave(running);
      return true;
    default:
      return false;
  }
}

void PathMachine::branch(Running& running, std::uint32_t depth) {
  Frame& frame = running.frames.back();
  if (depth == frame.labels.size()) {
    leave(running);
    return;
  }
  if (depth > frame.labels.size()) {
    end(running, Path::End::kStuck, kNotValid);
    return;
  }
  const std::size_t place = frame.labels.size() - 1 - depth;
  const Label label = frame.labels[place];
  if (running.stack.size() < label.height + label.arity) {
    end(running, Path::End::kStuck, kNotValid);
    return;
  }
  running.stack.erase(running.stack.begin() + static_cast<std::ptrdiff_t>(label.height),
                      running.stack.end() - static_cast<std::ptrdiff_t>(label.arity));
  frame.labels.resize(label.loop ? place + 1 : place);
  frame.next = label.to;
}

void PathMachine::branch_table(Running& running, const CodeStep& now) {
  const Term index = pop(running, 32);
  if (running.ended) {
    return;
  }
  if (now.second == 0) {
    end(running, Path::End::kStuck, kNotValid);
    return;
  }
  const std::vector<std::uint32_t>& labels = running.frames.back().code->labels;
  const std::uint32_t cases = now.second - 1;
  if (terms_.is_constant(index)) {
    const auto which = static_cast<std::uint32_t>(std::min<std::uint64_t>(terms_.bits(index), cases));
    branch(running, labels[now.first + which]);
    return;
  }
  std::vector<std::pair<Term, std::uint32_t>> possible;
  for (std::uint32_t i = 0; i <= cases; ++i) {
    charge(1);
    const Term condition =
        i < cases ? terms_.apply(TermOp::kEq, index, terms_.constant(32, i))
                  : terms_.negation(terms_.apply(TermOp::kLessU, index, terms_.constant(32, cases)));
    const Sides sides = decide(running, condition);
    if (running.ended) {
      return;
    }
    if (sides.yes) {
      possible.emplace_back(condition, labels[now.first + i]);
    }
    if (!sides.no) {
      break;
    }
  }
  if (possible.empty()) {
    running.ended = running.impossible = true;
    return;
  }
  for (std::size_t i = 1; i < possible.size(); ++i) {
    auto other = fork(running);
    if (!other) {
      return;
    }
    add_condition(*other, possible[i].first);
    branch(*other, possible[i].second);
    open_.push_back(std::move(*other));
  }
  add_condition(running, possible[0].first);
  branch(running, possible[0].second);
}

void PathMachine::leave(Running& running) {
  Frame& frame = running.frames.back();
  const std::vector<wasm::ValueType>& types = image_.type_of(frame.function).results;
  std::vector<Term> results(types.size());
  for (std::size_t i = types.size(); i-- > 0;) {
    results[i] = pop(running, width_of(types[i]).value_or(0));
  }
  if (running.ended) {
    return;
  }
  running.stack.resize(frame.stack_base);
  running.frames.pop_back();
  if (running.frames.empty()) {
    running.path.results = std::move(results);
    end(running, Path::End::kReturn);
    return;
  }
  for (const Term result : results) {
    push(running, result);
  }
}

bool PathMachine::enter(Running& running, FunctionId function, std::vector<Term> arguments) {
  const auto stuck = [&](std::string why) {
    end(running, Path::End::kStuck, std::move(why));
    return false;
  };
  if (function.value >= image_.functions.size() ||
      image_.functions[function.value].kind != LinkedFunction::Kind::kDefined) {
    return stuck("a function that is executed is not defined in a core module");
  }
  const wasm::Function& definition = image_.definition_of(function);
  if (const std::uint32_t bound = image_.functions[function.value].bound; bound != 0) {
    std::vector<Term> all;
    std::size_t next = 0;
    for (const auto& given : image_.bound[bound - 1].arguments) {
      if (!given && next == arguments.size()) {
        return stuck("the arguments are not those that the function takes");
      }
      all.push_back(given ? terms_.constant(32, *given) : arguments[next++]);
    }
    arguments = std::move(all);
  }
  const wasm::FuncType& type = image_.type_of(image_.unbound(function));
  Frame frame;
  frame.function = function;
  frame.code = &state_.code_of(function);
  frame.stack_base = running.stack.size();
  if (!frame.code->problem.empty()) {
    return stuck(frame.code->problem);
  }
  if (arguments.size() != type.params.size()) {
    return stuck("the arguments are not those that the function takes");
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (width_of(type.params[i]) != terms_.width(arguments[i])) {
      return stuck("the arguments are not those that the function takes");
    }
    frame.locals.push_back(known(arguments[i]));
  }
  for (const auto& [count, local] : definition.locals) {
    const auto width = width_of(local);
    if (count != 0 && !width) {
      return stuck("a local variable is not a number, which is not supported");
    }
    if (count != 0) {
      frame.locals.insert(frame.locals.end(), count, terms_.constant(*width, 0));
    }
  }
  charge(frame.locals.size() / 16);
  running.frames.push_back(std::move(frame));
  return true;
}

void PathMachine::local(Running& running, const CodeStep& now) {
  std::vector<Term>& locals = running.frames.back().locals;
  if (now.first >= locals.size()) {
    end(running, Path::End::kStuck, kNotValid);
    return;
  }
  Term& variable = locals[now.first];
  if (now.opcode == op::kLocalGet) {
    push(running, variable);
    return;
  }
  const Term value = pop(running, terms_.width(variable));
  if (running.ended) {
    return;
  }
  variable = value;
  if (now.opcode == op::kLocalTee) {
    push(running, value);
  }
}

void PathMachine::global(Running& running, const CodeStep& now) {
  const LinkedInstance& in = instance(running);
  if (now.first >= in.globals.size()) {
    end(running, Path::End::kStuck, kNotValid);
    return;
  }
  const GlobalId id = in.globals[now.first];
  if (!width_of(image_.globals[id.value].type.type)) {
    end(running, Path::End::kStuck, "a global is not a number, which is not supported");
    return;
  }
  Term& variable = running.path.globals[id.value];
  if (now.opcode == op::kGlobalGet) {
    push(running, variable);
    return;
  }
  const Term value = pop(running, terms_.width(variable));
  if (!running.ended) {
    variable = value;
  }
}

void PathMachine::number(Running& running, const CodeStep& now) {
  const NumberShape shape = *number_shape(now.opcode);
  Term operands[2];
  for (unsigned i = shape.operands; i-- > 0;) {
    operands[i] = pop(running, shape.width);
  }
  if (running.ended) {
    return;
  }
  const std::span<const Term> used(operands, shape.operands);
  if (const auto traps = number_trap(terms_, now.opcode, used)) {
    trap_if(running, *traps);
    if (running.ended) {
      return;
    }
  }
  constexpr wasm::Opcode kI32Wrap = 0xa7;
  push(running, now.opcode == kI32Wrap ? state_.logs.part(operands[0], 0, 4)
                                       : number_result(terms_, now.opcode, used));
}

}  // namespace meld_verify::lift
