#include "engine/lift/pass_on.h"

#include "engine/lift/call_rest.h"
#include "engine/lift/memory_state.h"

namespace meld_verify::lift {

bool passes_on(ReadingContext& context, FunctionId generated, FunctionId to) {
  if (context.fused.behind(generated) == to) {
    return true;
  }
  if (context.fused.functions[generated.value].kind != LinkedFunction::Kind::kDefined ||
      context.alignment.is_guest[generated.value] ||
      !same_type(context.fused.type_of(generated), context.fused.type_of(to))) {
    return false;
  }
  // What `to` is allowed to go on to is as for an allocator: nobody calls out of it.
  const BoundaryCall call{.type = {},
                          .caller_reaches = generated,
                          .callee = to,
                          .post_return = {},
                          .caller = {.memory = {}, .allocator = to},
                          .callee_side = {}};
  CallRest rest(context, call);
  Executor::Start start;
  start.function = generated;
  for (const wasm::ValueType type : context.fused.type_of(generated).params) {
    const bool wide = type == wasm::ValueType::kI64 || type == wasm::ValueType::kF64;
    start.arguments.push_back(context.terms.symbol(wide ? 64 : 32, "p"));
  }
  const auto model = [&](FunctionId function) {
    CallModel model;
    const bool inside = context.fused.functions[function.value].kind == LinkedFunction::Kind::kDefined &&
                        !context.alignment.is_guest[function.value];
    model.kind = inside ? CallModel::Kind::kInline : CallModel::Kind::kSymbol;
    model.global_after = [&rest](const Path& path, GlobalId global, Term before) {
      return rest.after(path, global, before);
    };
    return model;
  };
  bool returns = false;
  for (const Path& path : context.executor.run(start, model)) {
    if (path.end == Path::End::kTrap && !rest.may_trap(path, {})) {
      continue;
    }
    if (path.end != Path::End::kReturn || path.calls.size() != 1 ||
        context.fused.behind(path.calls[0].callee) != to || path.calls[0].arguments != start.arguments ||
        path.calls[0].results != path.results || !rest.left_behind(path).empty()) {
      return false;
    }
    for (const MemoryState& memory : path.memories) {
      if (memory.last != nullptr) {
        return false;
      }
    }
    returns = true;
  }
  return returns;
}

}  // namespace meld_verify::lift
