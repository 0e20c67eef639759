#pragma once

// What a function that stands for a call leaves behind in generated code's own globals, and whether it can
// trap on what guests that keep to the rules hand to it.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/lift/boundary.h"
#include "engine/lift/value_walk.h"

namespace meld_verify::lift {

/// Counts and stacks of generated code are held to stay below this.
inline constexpr std::uint64_t kMostCounted = std::uint64_t{1} << 31;

class CallRest {
 public:
  CallRest(ReadingContext& context, const BoundaryCall& call) : context_(context), call_(call) {}

  /// For `CallModel::global_after`: flags are set back by whatever a guest calls, and a callee drops the
  /// borrows that it was given for the call.
  [[nodiscard]] std::optional<Term> after(const Path& path, GlobalId global, Term before);

  /// All ways through generated code; calls of other code are `others`.
  [[nodiscard]] std::vector<Path> run(const Executor::Start& start, CallModel::Kind others);
  /// That all flags have the value that they begin with.
  [[nodiscard]] std::vector<Term> flags_down();
  /// Of a call of a canonical drop whose destructor is generated code that, in the state at the call, does
  /// nothing but set globals: what they are then. Nothing: the destructor may do more.
  [[nodiscard]] std::optional<std::vector<Term>> quiet_drop(const CallEvent& event,
                                                            std::span<const Term> conditions);
  /// Conditions on what generated code counts, before the call: see `kMostCounted`.
  [[nodiscard]] std::vector<Term> counts_before();
  /// Why what a path that returned leaves behind is not what was there before; empty: it is.
  [[nodiscard]] std::string left_behind(const Path& path);
  /// Lends that are not given back after the call, and what is given back without: sentence, and which call
  /// of the path.
  [[nodiscard]] std::vector<std::pair<std::string, std::size_t>> unbalanced_lends(const Path& path,
                                                                                  std::size_t callee);
  /// Whether the path depends on no word that could not be told.
  [[nodiscard]] bool knows_all(const Path& path) const;
  /// Whether a path that traps is one on which valid values lead. `areas`: of all valid values so far.
  [[nodiscard]] bool may_trap(const Path& path, std::span<const ValidArea> areas);

 private:
  [[nodiscard]] bool is_guest(FunctionId function) const;
  /// Whether the post-return of a made lift gives a global the value that it begins with.
  [[nodiscard]] bool is_closed(const Path& path, GlobalId global);
  [[nodiscard]] bool grows_without_end(std::string_view symbol) const;
  /// What a global of generated code holds when nothing has run.
  [[nodiscard]] Term first_value(GlobalId global);
  /// That a flag has the value that it has while no call is under way.
  [[nodiscard]] Term begins(GlobalId flag);

  ReadingContext& context_;
  const BoundaryCall& call_;
  /// By destructor, what it finds in the globals, and what holds then.
  std::map<std::tuple<FunctionId, std::vector<Term>, std::vector<Term>>, std::optional<std::vector<Term>>>
      quiet_;
};

/// Unknowns for the parameters of a function: "p0", "p1", …
[[nodiscard]] std::vector<Term> parameter_symbols(smt::Terms& terms, const wasm::FuncType& type);

/// Whether a function does nothing but look at values and trap: it reads memory, and writes neither memory
/// nor globals but on the way to a trap. It takes parameters and gives nothing.
[[nodiscard]] bool is_check(ReadingContext& context, FunctionId function);

}  // namespace meld_verify::lift
