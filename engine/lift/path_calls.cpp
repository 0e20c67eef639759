// Memory instructions and calls of PathMachine.

#include <fmt/format.h>

#include <array>
#include <utility>

#include "engine/lift/path_machine.h"

namespace meld_verify::lift {

using smt::TermOp;
namespace op = wasm::op;

namespace {

/// A load or store: so many bytes in memory, a value of so many bits.
struct Access {
  std::uint32_t bytes = 0;
  unsigned width = 0;
  bool with_sign = false;
};

constexpr std::array<Access, 14> kLoads{{{4, 32, false},
                                         {8, 64, false},
                                         {4, 32, false},
                                         {8, 64, false},
                                         {1, 32, true},
                                         {1, 32, false},
                                         {2, 32, true},
                                         {2, 32, false},
                                         {1, 64, true},
                                         {1, 64, false},
                                         {2, 64, true},
                                         {2, 64, false},
                                         {4, 64, true},
                                         {4, 64, false}}};
constexpr std::array<Access, 9> kStores{{{4, 32, false},
                                         {8, 64, false},
                                         {4, 32, false},
                                         {8, 64, false},
                                         {1, 32, false},
                                         {2, 32, false},
                                         {1, 64, false},
                                         {2, 64, false},
                                         {4, 64, false}}};

}  // namespace

// --- memories

void PathMachine::memory_step(Running& running, const CodeStep& now) {
  if (now.opcode < op::kI32Store) {
    load(running, now);
  } else if (now.opcode < op::kMemorySize) {
    store(running, now);
  } else if (const auto of = memory(running, now.first)) {
    const bool grows = now.opcode == op::kMemoryGrow;
    if (grows) {  // what is there stays, and of what comes new nothing is known
      (void)pop(running, 32);
    }
    push(running, terms_.symbol(32, fmt::format("{}{}", grows ? kGrowth : "size of m", of->value)));
  }
}

void PathMachine::load(Running& running, const CodeStep& now) {
  const Access access = kLoads[now.opcode - op::kI32Load];
  const auto from = memory(running, now.first);
  const Term base = pop(running, 32);
  if (running.ended) {
    return;
  }
  if (now.constant > 0xffff'ffff) {
    end(running, Path::End::kTrap);  // beyond any memory
    return;
  }
  // The sum has one bit more, but where that is set the access traps.
  const Term address = terms_.apply(TermOp::kAdd, base, terms_.constant(32, now.constant));
  const Term word = known(state_.logs.read(running.path.memories[from->value], address, access.bytes,
                                           running.path.conditions, budget_));
  push(running, terms_.resize(access.with_sign ? TermOp::kExtendS : TermOp::kExtend, word, access.width));
}

void PathMachine::store(Running& running, const CodeStep& now) {
  const Access access = kStores[now.opcode - op::kI32Store];
  const auto to = memory(running, now.first);
  const Term value = pop(running, access.width);
  const Term base = pop(running, 32);
  if (running.ended) {
    return;
  }
  if (now.constant > 0xffff'ffff) {
    end(running, Path::End::kTrap);
    return;
  }
  const Term address = terms_.apply(TermOp::kAdd, base, terms_.constant(32, now.constant));
  state_.logs.store(running.path.memories[to->value], address, state_.logs.part(value, 0, access.bytes));
}

void PathMachine::move(Running& running, const CodeStep& now) {
  const auto to = memory(running, now.first);
  const auto from = now.opcode == op::kMemoryCopy ? memory(running, now.second) : to;
  const Term size = pop(running, 32);
  const Term source = pop(running, 32);  // of a fill: the byte
  const Term address = pop(running, 32);
  if (running.ended || (terms_.is_constant(size) && terms_.bits(size) == 0)) {
    return;
  }
  std::vector<MemoryState>& memories = running.path.memories;
  if (now.opcode == op::kMemoryCopy) {
    state_.logs.copy(memories[to->value], address, memories[from->value], source, size);
  } else {
    state_.logs.fill(memories[to->value], address, state_.logs.part(source, 0, 1), size);
  }
}

// --- calls

void PathMachine::table_call(Running& running, const CodeStep& now) {
  const LinkedInstance& in = instance(running);
  const wasm::Module& module = image_.modules[in.module.value];
  const Term index = pop(running, 32);
  if (now.first >= module.types.size() || now.second >= in.tables.size()) {
    end(running, Path::End::kStuck, "the code is not valid");
  }
  if (running.ended) {
    return;
  }
  const LinkedTable& table = image_.tables[in.tables[now.second].value];
  if (!table.fixed || !terms_.is_constant(index)) {
    end(running, Path::End::kStuck,
        fmt::format("call_indirect at offset {:#x} may lead to different functions", now.at.value));
    return;
  }
  const std::uint64_t place = terms_.bits(index);
  if (place >= table.entries.size() || !table.entries[place]) {
    end(running, Path::End::kTrap);
    return;
  }
  const FunctionId function = *table.entries[place];
  const wasm::FuncType& wanted = module.types[now.first];
  const wasm::FuncType& type = image_.type_of(function);
  if (!same_type(wanted, type)) {
    if (wanted == type) {
      end(running, Path::End::kStuck, "a function's type is not supported");
    } else {
      end(running, Path::End::kTrap);
    }
    return;
  }
  call(running, function, now.at);
}

void PathMachine::call(Running& running, FunctionId function, wasm::ByteOffset at) {
  const wasm::FuncType& type = image_.type_of(function);
  std::vector<Term> arguments(type.params.size());
  for (std::size_t i = arguments.size(); i-- > 0;) {
    const auto width = width_of(type.params[i]);
    if (!width) {
      end(running, Path::End::kStuck, "a call passes what is not a number, which is not supported");
      return;
    }
    arguments[i] = pop(running, *width);
  }
  if (running.ended) {
    return;
  }
  FunctionId callee = image_.behind(function);
  if (const auto bound = image_.bound_at(running.frames.back().function, at)) {
    callee = *bound;
    const auto& given = image_.bound[image_.functions[callee.value].bound - 1].arguments;
    std::vector<Term> open;
    for (std::size_t i = 0; i < arguments.size() && i < given.size(); ++i) {
      if (!given[i]) {
        open.push_back(arguments[i]);
      }
    }
    arguments = std::move(open);
  }
  const CallModel model = model_(callee);
  switch (model.kind) {
    case CallModel::Kind::kInline:
      if (running.frames.size() >= state_.limits.inline_depth) {
        end(running, Path::End::kStuck,
            fmt::format("calls lie more than {} deep in one another", state_.limits.inline_depth));
        return;
      }
      enter(running, callee, std::move(arguments));
      return;
    case CallModel::Kind::kUnreadable:
      end(running, Path::End::kStuck,
          fmt::format("the call at offset {:#x} to \"{}\" is not understood", at.value,
                      image_.name_of(callee)));
      return;
    case CallModel::Kind::kSymbol:
    case CallModel::Kind::kFunction:
    case CallModel::Kind::kAllocates:
      break;
  }
  charge((running.path.memories.size() + running.path.globals.size()) / 4 + arguments.size());
  CallEvent event;
  event.callee = callee;
  event.at = at;
  event.arguments = std::move(arguments);
  event.conditions = running.path.conditions.size();
  event.before = running.path.memories;
  event.globals = running.path.globals;
  const auto first_new_term = static_cast<std::uint32_t>(terms_.size());
  if (!results_of(running, model, event, type)) {
    return;
  }
  for (const Term result : event.results) {
    push(running, result);
  }
  running.path.calls.push_back(std::move(event));
  after_call(running, model, first_new_term);
  if (model.then) {
    for (const Term condition : model.then(running.path.calls.back(), running.path.memories)) {
      add_condition(running, condition);
    }
  }
}

bool PathMachine::results_of(Running& running, const CallModel& model, CallEvent& event,
                             const wasm::FuncType& type) {
  const std::size_t number = running.path.calls.size();
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const auto width = width_of(type.results[i]);
    if (!width) {
      end(running, Path::End::kStuck, "a call gives what is not a number, which is not supported");
      return false;
    }
    if (model.kind == CallModel::Kind::kFunction) {
      const std::uint32_t tag = terms_.tag_named(fmt::format("call f{}.{}", event.callee.value, i));
      event.results.push_back(terms_.opaque(*width, tag, event.arguments));
    } else {
      event.results.push_back(terms_.symbol(*width, fmt::format("f{}#{}.{}", event.callee.value, number, i)));
    }
  }
  if (model.kind != CallModel::Kind::kAllocates) {
    return true;
  }
  if (event.results.size() != 1 || terms_.width(event.results[0]) != 32) {
    end(running, Path::End::kStuck, "a function that gives memory has a type that does not fit");
    return false;
  }
  const Term result = event.results[0];
  const Term zero = terms_.constant(32, 0);
  std::optional<Term> size;
  if (model.size_argument) {
    if (*model.size_argument >= event.arguments.size() ||
        terms_.width(event.arguments[*model.size_argument]) != 32) {
      end(running, Path::End::kStuck, "a function that gives memory has a type that does not fit");
      return false;
    }
    size = event.arguments[*model.size_argument];
  }
  state_.logs.allocate(result, size, model.allocates_in);
  add_condition(running, terms_.negation(terms_.apply(TermOp::kEq, result, zero)));
  if (size) {  // it ends before the memory does
    const Term last = terms_.apply(TermOp::kSub, zero, *size);
    const Term late = terms_.apply(TermOp::kLessU, last, result);
    const Term some = terms_.negation(terms_.apply(TermOp::kEq, *size, zero));
    add_condition(running, terms_.negation(terms_.apply(TermOp::kAnd, some, late)));
  }
  return true;
}

void PathMachine::after_call(Running& running, const CallModel& model, std::uint32_t first_new_term) {
  if (!model.changes.empty() && !(model.changes_nothing && model.changes_nothing(running.path))) {
    // After the results, which may be in memory then.
    const MemoryVersion version = state_.logs.new_version();
    for (const MemoryId id : model.changes) {
      if (id.value < running.path.memories.size()) {
        state_.logs.forget(running.path.memories[id.value], version,
                           model.keeps_allocations ? std::optional(first_new_term) : std::nullopt);
      }
    }
  }
  if (model.changes_globals) {
    charge(running.path.globals.size() / 4);
    for (std::size_t i = 0; i < running.path.globals.size(); ++i) {
      const wasm::GlobalType type = image_.globals[i].type;
      if (!type.is_mutable || !width_of(type.type)) {
        continue;
      }
      const auto known_after = model.global_after
                                   ? model.global_after(running.path, GlobalId(i), running.path.globals[i])
                                   : std::nullopt;
      if (known_after) {
        running.path.globals[i] = *known_after;
      } else {
        running.path.globals[i] = terms_.symbol(*width_of(type.type), fmt::format("g{}", i));
      }
    }
  }
}

}  // namespace meld_verify::lift
