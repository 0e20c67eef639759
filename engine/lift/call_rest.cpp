#include "engine/lift/call_rest.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/lift/memory_state.h"
#include "engine/lift/term_query.h"

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;
namespace op = wasm::op;

namespace {

constexpr std::size_t kMostCheckFunctions = 64;
/// How the names of symbols begin that stand for what `memory.size` gives.
constexpr std::string_view kSize = "size of m";

/// Reads the function and what it calls.
bool looks_only(const Image& image, const Alignment& alignment, FunctionId function) {
  std::set<FunctionId> seen{function};
  std::vector<FunctionId> work{function};
  if (!image.type_of(function).results.empty() || image.type_of(function).params.empty()) {
    return false;
  }
  bool loops = false;
  while (!work.empty()) {
    const FunctionId one = work.back();
    work.pop_back();
    if (!is_generated(image, alignment, one) || seen.size() > kMostCheckFunctions) {
      return false;
    }
    const LinkedInstance& in = image.instances[image.functions[one.value].instance.value];
    wasm::InstructionReader reader(image.code_of(one), image.definition_of(one).code.begin, image.file);
    wasm::Instruction now;
    bool writes = false, traps = false, branches = false;
    while (reader.next(now)) {
      writes = writes || (now.has_memarg && (now.opcode < op::kI32Load || now.opcode > op::kI64Load32U)) ||
               now.opcode == op::kGlobalSet || now.opcode == op::kTableSet || now.opcode == op::kMemoryGrow ||
               now.opcode > 0xff;
      traps = traps || now.opcode == op::kUnreachable;
      branches = branches || (now.opcode >= op::kBlock && now.opcode <= op::kElse) ||
                 (now.opcode >= op::kBr && now.opcode <= op::kReturn);
      loops = loops || now.opcode == op::kLoop;
      if (now.opcode == op::kCallIndirect || now.opcode == op::kReturnCall ||
          now.opcode == op::kReturnCallIndirect) {
        return false;
      }
      if (now.opcode == op::kCall) {
        const std::uint32_t index = now.index(wasm::IndexSpace::kFunc);
        if (index >= in.functions.size()) {
          return false;
        }
        const FunctionId called = image.behind(in.functions[index]);
        if (seen.insert(called).second) {
          work.push_back(called);
        }
      }
    }
    // What writes must be straight code that ends in a trap.
    if (!reader.ok() || (writes && (branches || !traps))) {
      return false;
    }
  }
  return loops;
}

}  // namespace

bool CallRest::is_guest(FunctionId function) const {
  return context_.alignment.is_guest[function.value];
}

std::vector<Path> CallRest::run(const Executor::Start& start, CallModel::Kind others) {
  return context_.executor.run(start, [&](FunctionId function) {
    CallModel model;
    model.kind =
        is_generated(context_.fused, context_.alignment, function) ? CallModel::Kind::kInline : others;
    model.global_after = [this](const Path& path, GlobalId global, Term before) {
      return after(path, global, before);
    };
    return model;
  });
}

std::vector<Term> CallRest::flags_down() {
  const GeneratedGlobals& globals = context_.tables.globals();
  std::vector<Term> conditions;
  for (std::uint32_t g = 0; g < globals.flag.size(); ++g) {
    if (globals.flag[g]) {
      conditions.push_back(begins(GlobalId{g}));
    }
  }
  return conditions;
}

std::optional<std::vector<Term>> CallRest::quiet_drop(const CallEvent& event,
                                                      std::span<const Term> conditions) {
  const FunctionId called = context_.fused.behind(event.callee);
  const TableFunction* drop = context_.fused.functions[called.value].kind == LinkedFunction::Kind::kCanon
                                  ? context_.tables.of(called)
                                  : nullptr;
  if (drop == nullptr || drop->role != TableRole::kDrop || drop->destructors.size() != 1) {
    return std::nullopt;
  }
  const FunctionId destructor = drop->destructors[0].function;
  if (!is_generated(context_.fused, context_.alignment, destructor)) {
    return std::nullopt;
  }
  const auto [place, fresh] =
      quiet_.try_emplace({destructor, event.globals, {conditions.begin(), conditions.end()}});
  if (!fresh) {
    return place->second;
  }
  Executor::Start start;
  start.function = destructor;
  start.arguments = parameter_symbols(context_.terms, context_.fused.type_of(destructor));
  start.conditions.assign(conditions.begin(), conditions.end());
  for (std::uint32_t g = 0; g < event.globals.size(); ++g) {
    start.globals.emplace_back(GlobalId{g}, event.globals[g]);
  }
  const std::vector<Path> paths = run(start, CallModel::Kind::kUnreadable);
  if (paths.size() == 1 && paths[0].end == Path::End::kReturn &&
      std::all_of(paths[0].memories.begin(), paths[0].memories.end(),
                  [](const MemoryState& memory) { return memory.last == nullptr; })) {
    place->second = paths[0].globals;
  }
  return place->second;
}

std::optional<Term> CallRest::after(const Path& path, GlobalId global, Term before) {
  if (!context_.tables.globals().own[global.value]) {
    return std::nullopt;
  }
  const FunctionId called = context_.fused.behind(path.calls.back().callee);
  if (const auto quiet = quiet_drop(path.calls.back(), path.conditions)) {
    return (*quiet)[global.value];
  }
  const bool kept = context_.tables.is_count_or_flag(global);
  if (!is_guest(called) && called != call_.callee) {
    const auto by = context_.tables.moves(called, global);
    const TableFunction* function = context_.tables.of(called);
    const bool runs_guests = function != nullptr && !function->destructors.empty();
    if (!by || (!kept && (*by != 0 || runs_guests))) {
      return std::nullopt;
    }
    return context_.terms.apply(TermOp::kAdd, before, context_.terms.constant(32, *by));
  }
  if (!kept) {
    return std::nullopt;
  }
  Term after = before;
  if (called == call_.callee) {
    for (const CallEvent& event : path.calls) {
      const FunctionId maker = context_.fused.behind(event.callee);
      const TableFunction* function = is_guest(maker) ? nullptr : context_.tables.of(maker);
      if (function != nullptr && function->role == TableRole::kNew) {
        const auto by = context_.tables.moves(maker, global);
        if (!by) {
          return std::nullopt;
        }
        after = context_.terms.apply(TermOp::kSub, after, context_.terms.constant(32, *by));
      }
    }
  }
  return after;
}

Term CallRest::first_value(GlobalId global) {
  return context_.terms.constant(32, *context_.fused.globals[global.value].initial & 0xffff'ffff);
}

/// Flags are up only while nobody calls who keeps to the rules.
Term CallRest::begins(GlobalId flag) {
  return context_.terms.apply(TermOp::kEq, context_.executor.initial(flag), first_value(flag));
}

std::vector<Term> CallRest::counts_before() {
  const GeneratedGlobals& globals = context_.tables.globals();
  std::vector<Term> conditions;
  for (std::uint32_t g = 0; g < globals.own.size(); ++g) {
    if (globals.own[g] && !globals.flag[g] && context_.tables.is_count_or_flag(GlobalId{g})) {
      conditions.push_back(context_.terms.apply(TermOp::kLessU, context_.executor.initial(GlobalId{g}),
                                                context_.terms.constant(32, kMostCounted)));
    }
  }
  return conditions;
}

bool CallRest::is_closed(const Path& path, GlobalId global) {
  if (!call_.closing || is_guest(*call_.closing)) {
    return false;
  }
  Executor::Start start;
  start.function = *call_.closing;
  start.conditions = flags_down();
  start.arguments = parameter_symbols(context_.terms, context_.fused.type_of(*call_.closing));
  for (std::uint32_t g = 0; g < path.globals.size(); ++g) {
    start.globals.emplace_back(GlobalId{g}, path.globals[g]);
  }
  bool returns = false;
  for (const Path& closing : run(start, CallModel::Kind::kSymbol)) {
    if (closing.end == Path::End::kTrap) {
      continue;
    }
    if (closing.end != Path::End::kReturn || closing.globals[global.value] != first_value(global)) {
      return false;
    }
    returns = true;
  }
  return returns;
}

std::string CallRest::left_behind(const Path& path) {
  const GeneratedGlobals& globals = context_.tables.globals();
  for (std::uint32_t g = 0; g < globals.own.size(); ++g) {
    if (!globals.own[g] || !context_.tables.is_count_or_flag(GlobalId{g})) {
      continue;
    }
    const Term before = context_.executor.initial(GlobalId{g});
    const auto same = [&](Term now) {
      if (now == before) {
        return true;
      }
      std::vector<Term> conditions = path.conditions;
      if (globals.flag[g] || call_.made_is_lifted) {  // the host calls when nothing is under way
        conditions.push_back(begins(GlobalId{g}));
      }
      return context_.decider.follows(conditions, context_.terms.apply(TermOp::kEq, before, now)) ==
             Answer::kYes;
    };
    if (!same(path.globals[g]) && !is_closed(path, GlobalId{g})) {
      return fmt::format("global {} of generated code is not what it was before", g);
    }
    for (const CallEvent& event : path.calls) {
      const FunctionId called = context_.fused.behind(event.callee);
      const bool may_call = is_guest(called) && called != call_.caller.allocator &&
                            called != call_.callee_side.allocator && called != call_.post_return;
      if (globals.flag[g] && may_call && !same(event.globals[g])) {
        return fmt::format("global {} of generated code, which others go by, is raised while {} runs", g,
                           context_.fused.name_of(called));
      }
    }
  }
  return {};
}

std::vector<std::pair<std::string, std::size_t>> CallRest::unbalanced_lends(const Path& path,
                                                                            std::size_t callee) {
  std::vector<std::pair<std::string, std::size_t>> found;
  std::vector<TableRole> roles;
  for (const CallEvent& event : path.calls) {
    const FunctionId called = context_.fused.behind(event.callee);
    const TableFunction* function = is_guest(called) ? nullptr : context_.tables.of(called);
    roles.push_back(function == nullptr ? TableRole::kOther : function->role);
  }
  const auto same = [&](Term left, Term right) {
    return left == right ||
           context_.decider.follows(path.conditions, context_.terms.apply(TermOp::kEq, left, right)) ==
               Answer::kYes;
  };
  std::vector<bool> paired(path.calls.size(), false);
  for (std::size_t i = 0; i < path.calls.size(); ++i) {
    if (roles[i] != TableRole::kLend) {
      continue;
    }
    bool given_back = false;
    for (std::size_t j = std::max(i, callee) + 1; j < path.calls.size() && !given_back; ++j) {
      if (!paired[j] && roles[j] == TableRole::kUnlend && path.calls[j].arguments.size() == 1 &&
          context_.tables.undoes(path.calls[j].callee, path.calls[i].callee) &&
          same(path.calls[i].arguments[0], path.calls[j].arguments[0])) {
        paired[j] = given_back = true;
      }
    }
    if (!given_back) {
      found.emplace_back("a handle is lent for the call and not given back", i);
    }
  }
  for (std::size_t j = 0; j < path.calls.size(); ++j) {
    if (!paired[j] && roles[j] == TableRole::kUnlend) {
      found.emplace_back("a handle is given back that was not lent", j);
    }
  }
  return found;
}

/// Whether a symbol stands for the growth of a memory that no limit holds back.
bool CallRest::grows_without_end(std::string_view symbol) const {
  constexpr std::uint64_t kMostPages = 65536;
  for (std::uint32_t m = 0; m < context_.fused.memories.size() && symbol.rfind(kGrowth, 0) == 0; ++m) {
    if (symbol.substr(kGrowth.size()) == std::to_string(m)) {
      return context_.fused.memories[m].limits.max.value_or(kMostPages) >= kMostPages;
    }
  }
  return false;
}

bool CallRest::knows_all(const Path& path) const {
  const TermQuery query(context_.terms, context_.executor);
  return std::none_of(path.conditions.begin(), path.conditions.end(), [&](Term condition) {
    const std::vector<Term> leaves = query.leaves(condition);
    return std::any_of(leaves.begin(), leaves.end(), [&](Term leaf) {
      return context_.terms.op(leaf) == smt::TermOp::kSymbol && context_.terms.name(leaf) == "unknown";
    });
  });
}

bool CallRest::may_trap(const Path& path, std::span<const ValidArea> areas) {
  smt::Terms& terms = context_.terms;
  std::vector<Term> conditions = path.conditions;
  const std::vector<Term> down = flags_down();
  conditions.insert(conditions.end(), down.begin(), down.end());
  const TermQuery query(terms, context_.executor);
  std::set<Term> sizes;
  for (const Term condition : path.conditions) {
    for (const Term leaf : query.leaves(condition)) {
      if (terms.op(leaf) != TermOp::kSymbol) {
        continue;
      }
      if (terms.name(leaf).rfind(kSize, 0) == 0) {
        sizes.insert(leaf);
      } else if (grows_without_end(terms.name(leaf))) {  // memories can grow
        conditions.push_back(terms.negation(terms.apply(TermOp::kEq, leaf, terms.constant(32, 0xffff'ffff))));
      }
    }
  }
  const auto wide = [&](Term term) { return terms.resize(TermOp::kExtend, term, 64); };
  for (const Term size : sizes) {
    const Term bytes = terms.apply(TermOp::kShl, wide(size), terms.constant(64, 16));
    conditions.push_back(terms.negation(terms.apply(TermOp::kLessU, terms.constant(32, 65536), size)));
    for (const ValidArea& area : areas) {
      // Memories only grow: what was there when the size was asked for lies within it.
      if (terms.name(size) == fmt::format("{}{}", kSize, area.memory.value) && area.address < size) {
        const Term end = terms.apply(TermOp::kAdd, wide(area.address), wide(area.size));
        const Term inside = terms.negation(terms.apply(TermOp::kLessU, bytes, end));
        conditions.push_back(terms.ite(area.exists, inside, terms.constant(1, 1)));
      }
    }
  }
  for (const ValidArea& area : areas) {
    if (area.alignment > 1) {
      const Term rest = terms.apply(TermOp::kAnd, area.address, terms.constant(32, area.alignment - 1));
      const Term aligned = terms.apply(TermOp::kEq, rest, terms.constant(32, 0));
      conditions.push_back(terms.ite(area.exists, aligned, terms.constant(1, 1)));
    }
    // A list has less than 2^28 bytes.
    const Term small = terms.apply(TermOp::kLessU, area.size, terms.constant(32, std::uint64_t{1} << 28));
    conditions.push_back(terms.ite(area.exists, small, terms.constant(1, 1)));
  }
  return context_.decider.satisfiable(conditions) != Answer::kNo;
}

bool is_check(ReadingContext& context, FunctionId function) {
  const auto [place, fresh] = context.checks.try_emplace(function, false);
  if (fresh) {
    place->second = looks_only(context.fused, context.alignment, function);
  }
  return place->second;
}

std::vector<Term> parameter_symbols(smt::Terms& terms, const wasm::FuncType& type) {
  std::vector<Term> symbols;
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const bool wide = type.params[i] == wasm::ValueType::kI64 || type.params[i] == wasm::ValueType::kF64;
    symbols.push_back(terms.symbol(wide ? 64 : 32, fmt::format("p{}", i)));
  }
  return symbols;
}

}  // namespace meld_verify::lift
