#include "engine/lift/pass_on.h"

#include <algorithm>

#include "engine/lift/call_rest.h"
#include "engine/lift/memory_state.h"

namespace meld_verify::lift {

namespace {

/// All ways through generated code, with flags down; calls of other code are unknowns.
class Passage {
 public:
  Passage(ReadingContext& context, FunctionId generated, FunctionId to, CallsOut calls_out)
      : context_(context),
        call_{.type = {},
              .caller_reaches = generated,
              .callee = to,
              .post_return = {},
              .caller = {.memory = {},
                         .allocator =
                             calls_out == CallsOut::kNever ? std::optional<FunctionId>(to) : std::nullopt},
              .callee_side = {}},
        rest_(context, call_) {
    start_.function = generated;
    start_.conditions = rest_.flags_down();
    start_.arguments = parameter_symbols(context.terms, context.fused.type_of(generated));
  }

  /// Whether every way that valid values go returns, changes nothing, and is as `is_right` wants it.
  template <class IsRight>
  bool always(const IsRight& is_right) {
    if (!is_generated(context_.fused, context_.alignment, start_.function)) {
      return false;
    }
    bool returns = false;
    for (const Path& path : rest_.run(start_, CallModel::Kind::kSymbol)) {
      if (path.end == Path::End::kTrap && !rest_.may_trap(path, {})) {
        continue;
      }
      if (path.end != Path::End::kReturn || !is_right(path, start_.arguments) ||
          !rest_.left_behind(path).empty() ||
          std::any_of(path.memories.begin(), path.memories.end(),
                      [](const MemoryState& memory) { return memory.last != nullptr; })) {
        return false;
      }
      returns = true;
    }
    return returns;
  }

 private:
  ReadingContext& context_;
  const BoundaryCall call_;
  CallRest rest_;
  Executor::Start start_;
};

}  // namespace

bool passes_on(ReadingContext& context, FunctionId generated, FunctionId to, CallsOut calls_out) {
  if (context.fused.behind(generated) == to) {
    return true;
  }
  if (!same_type(context.fused.type_of(generated), context.fused.type_of(to))) {
    return false;
  }
  return Passage(context, generated, to, calls_out)
      .always([&](const Path& path, const std::vector<Term>& arguments) {
        return path.calls.size() == 1 && context.fused.behind(path.calls[0].callee) == to &&
               path.calls[0].arguments == arguments && path.calls[0].results == path.results;
      });
}

bool does_nothing(ReadingContext& context, FunctionId generated) {
  return Passage(context, generated, generated, CallsOut::kNever)
      .always([](const Path& path, const std::vector<Term>&) { return path.calls.empty(); });
}

}  // namespace meld_verify::lift
