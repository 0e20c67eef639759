#include "engine/lift/boundary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "engine/lift/call_rest.h"
#include "engine/lift/memory_state.h"
#include "engine/lift/term_query.h"
#include "engine/lift/value_walk.h"

namespace meld_verify::lift {
namespace {

using smt::Answer;
using smt::TermOp;

constexpr std::uint8_t kDoubleDestructor = 45;  // L45
constexpr std::uint8_t kBorrowDestructor = 46;  // L46
constexpr std::uint8_t kWrongList = 32;         // L32
constexpr std::uint8_t kInVariant = 29;         // L29
constexpr std::uint8_t kInactiveCase = 31;      // L31
constexpr std::uint8_t kWrongPlace = 35;        // L35
constexpr std::uint8_t kOtherInstance = 20;     // L20
constexpr std::uint8_t kMergedImports = 22;     // L22

/// So many paths are compared also where one of them refutes.
constexpr std::size_t kEnough = 64;
/// Code that goes more ways than these is followed for shorter lists.
constexpr double kManyWays = 256;

class BoundaryReader {
 public:
  BoundaryReader(ReadingContext& context, const BoundaryCall& call)
      : context_(context), call_(call), type_(context.arena[call.type]), rest_(context, call) {
    reading_.positions.resize(call.positions);
    chains_.resize(call.positions);
  }

  BoundaryReading read() {
    make_arguments();
    for (const bool all : {false, true}) {
      every_list_ = all;
      bool complete = false;
      for (std::uint32_t most = bound(); !complete && most > 0; --most) {
        restart();
        reading_.most_elements = most;
        complete = run();
        if (!complete && !reading_.has_lists) {
          break;  // shorter lists are no help
        }
      }
      if (complete || is_wrong()) {
        break;
      }
    }
    settle();
    return std::move(reading_);
  }

 private:
  /// Elements of lists to begin with: two where more would take very long.
  [[nodiscard]] std::uint32_t bound() const {
    std::uint32_t most = context_.most_elements;
    const auto ways = [&] {
      return ways_through(context_.arena, parameters_, most) * ways_through(context_.arena, results_, most);
    };
    while (most > 2 && ways() > kManyWays) {
      --most;
    }
    return most;
  }

  void restart() {
    reading_.notes.clear();
    reading_.note_position.clear();
    reading_.positions.assign(call_.positions, {});
    chains_.assign(call_.positions, {});
    said_.clear();
    areas_known_.clear();
    reading_.has_lists = false;
    reading_.checks.clear();
  }

  void make_arguments() {
    arguments_ = parameter_symbols(context_.terms, context_.fused.type_of(call_.caller_reaches));
    std::size_t slots = 0;
    for (const component::Parameter& param : type_.params) {
      slots += context_.layouts[param.type].slots.size();
      parameters_.push_back(param);
    }
    spilled_ = slots > topology::kMostFlatParams;
    if (type_.result) {
      results_.push_back({.name = {}, .type = *type_.result});
      result_area_ = context_.layouts[*type_.result].slots.size() > topology::kMostFlatResults;
    }
    out_pointer_ = result_area_ && !call_.made_is_lifted;
    expected_arguments_ = (spilled_ ? 1 : slots) + (out_pointer_ ? 1 : 0);
    fits_ = arguments_.size() == expected_arguments_;
    if (fits_ && spilled_) {
      areas_.push_back(arguments_[0]);
    }
    if (fits_ && out_pointer_) {
      areas_.push_back(arguments_.back());
    }
  }

  void note(std::optional<std::uint8_t> code, std::string sentence,
            std::optional<std::uint32_t> position = {}, std::optional<wasm::ByteOffset> at = {}) {
    if (!said_.insert({position, sentence}).second) {
      return;
    }
    Note note;
    note.code = code;
    note.sentence = std::move(sentence);
    if (at) {
      note.place.emplace();
      note.place->function = call_.caller_reaches;
      note.place->offset = *at;
    }
    reading_.notes.push_back(std::move(note));
    reading_.note_position.push_back(position);
  }

  CallModel model(FunctionId function) {
    CallModel model = kind_of_call(function);
    if (model.kind != CallModel::Kind::kInline && model.changes_globals) {
      model.global_after = [this](const Path& path, GlobalId global, Term before) {
        return rest_.after(path, global, before);
      };
    }
    return model;
  }

  CallModel kind_of_call(FunctionId function) {
    CallModel model;
    const FunctionId behind = context_.fused.behind(function);
    if (behind == call_.callee || (call_.post_return && behind == *call_.post_return)) {
      if (call_.callee_side.memory) {
        model.changes = {*call_.callee_side.memory};
      }
      if (behind == call_.callee) {
        if (!call_.callee_is_lowered) {  // it may make calls, whose generated code uses its memories too
          for (std::uint32_t m = 0; m < context_.fused.memories.size(); ++m) {
            if (!context_.guests_memory[m] && call_.callee_side.memory != MemoryId{m}) {
              model.changes.push_back(MemoryId{m});
            }
          }
        }
        model.then = [this](const CallEvent& event, std::span<const MemoryState> memories) {
          std::optional<MemoryState> memory;
          if (call_.callee_side.memory) {
            memory = memories[call_.callee_side.memory->value];
          }
          if (result_area_ && memory) {
            area_of(results_, *memory, given(event).address.value_or(context_.terms.constant(32, 0)));
          }
          return valid(results_, given(event), memory);
        };
      }
      return model;
    }
    if (behind == call_.callee_side.allocator || behind == call_.caller.allocator) {
      model.kind = CallModel::Kind::kAllocates;
      model.keeps_allocations = true;
      model.size_argument = 3;
      model.allocates_in =
          behind == call_.callee_side.allocator ? call_.callee_side.memory : call_.caller.memory;
      model.then = [this, memory = model.allocates_in](const CallEvent& event, std::span<const MemoryState>) {
        return allocated(event, memory);
      };
      return model;
    }
    if (context_.alignment.is_guest[behind.value]) {
      // Somebody else's code: nothing is known afterwards.
      for (std::uint32_t m = 0; m < context_.fused.memories.size(); ++m) {
        model.changes.push_back(MemoryId{m});
      }
      return model;
    }
    if (is_check(context_, behind)) {
      reading_.checks.insert(behind);
      model.changes_globals = false;
      return model;
    }
    const TableFunction* table = context_.tables.of(behind);
    if (table == nullptr && context_.fused.functions[behind.value].kind == LinkedFunction::Kind::kDefined) {
      model.kind = CallModel::Kind::kInline;
      return model;
    }
    model.keeps_allocations = true;
    if (table == nullptr || !table->destructors.empty()) {
      model.changes_nothing = [this](const Path& path) {
        return rest_.quiet_drop(path.calls.back(), path.conditions).has_value();
      };
      for (std::uint32_t m = 0; m < context_.fused.memories.size(); ++m) {
        model.changes.push_back(MemoryId{m});
      }
    }
    return model;
  }

  /// False when some path was given up.
  bool run() {
    if (!fits_) {
      note({}, "the function that stands for the call takes other parameters");
      return true;
    }
    std::vector<Path> paths;
    if (context_.fused.behind(call_.caller_reaches) == call_.callee) {
      paths.push_back(straight_path());
    } else {
      Executor::Start start;
      start.function = call_.caller_reaches;
      start.arguments = arguments_;
      start.areas = areas_;
      std::optional<MemoryState> memory;
      if (call_.caller.memory) {
        memory = context_.executor.initial(*call_.caller.memory);
        if (spilled_) {
          area_of(parameters_, *memory, arguments_[0]);
        }
        if (out_pointer_) {
          area_of(results_, *memory, arguments_.back());
        }
      }
      start.conditions = valid(parameters_, place(arguments_, spilled_), memory);
      const std::vector<Term> counts = rest_.counts_before();
      start.conditions.insert(start.conditions.end(), counts.begin(), counts.end());
      paths = context_.executor.run(start, [this](FunctionId function) { return model(function); });
    }
    reading_.paths += paths.size();
    if (paths.empty()) {
      note({}, "no valid values could be found for it");
    }
    bool returns = false, complete = true;
    std::size_t compared = 0;
    for (const Path& path : paths) {
      if (++compared > kEnough && is_wrong()) {
        break;  // more of the same
      }
      returns |= path.end == Path::End::kReturn;
      if (path.end == Path::End::kStuck) {
        note({}, "could not be executed: " + path.why, {}, path.at);
        complete = false;
      } else if (path.end == Path::End::kReturn) {
        compare(path);
      } else if (rest_.may_trap(path, areas_known_)) {
        note({}, "may trap on values that are valid", {}, path.at);
      }
    }
    if (!returns && !paths.empty() && complete) {
      note({}, "it always traps", {}, paths.front().at);
    }
    return complete || is_wrong();
  }

  /// Bytes that a list of values takes up in memory, and how they are aligned.
  [[nodiscard]] std::pair<Term, std::uint32_t> extent(std::span<const component::Parameter> list) {
    std::uint64_t size = 0;
    std::uint32_t alignment = 1;
    for (const component::Parameter& param : list) {
      const topology::TypeLayout& layout = context_.layouts[param.type];
      size = topology::aligned(size, layout.alignment) + layout.size;
      alignment = std::max(alignment, layout.alignment);
    }
    return {context_.terms.constant(32, topology::aligned(size, alignment)), alignment};
  }

  void area_of(std::span<const component::Parameter> list, const MemoryState& memory, Term address) {
    const auto [size, alignment] = extent(list);
    areas_known_.push_back({memory.memory, address, size, context_.terms.constant(1, 1), alignment});
  }

  /// What a guest's allocator gives is aligned, and lies in its memory.
  std::vector<Term> allocated(const CallEvent& event, std::optional<MemoryId> memory) {
    if (!memory || event.arguments.size() != 4 || event.results.size() != 1 ||
        !context_.terms.is_constant(event.arguments[2])) {
      return {};
    }
    const std::uint64_t alignment = context_.terms.bits(event.arguments[2]);
    const bool fits = alignment > 0 && alignment <= 8 && (alignment & (alignment - 1)) == 0;
    areas_known_.push_back({*memory, event.results[0], event.arguments[3], context_.terms.constant(1, 1),
                            fits ? static_cast<std::uint32_t>(alignment) : 1U});
    return {};
  }

  /// Whether what was read so far refutes: then the paths that were given up do not matter.
  [[nodiscard]] bool is_wrong() const {
    return std::any_of(reading_.notes.begin(), reading_.notes.end(),
                       [](const Note& note) { return note.code.has_value(); }) ||
           std::any_of(chains_.begin(), chains_.end(), [](const auto& chains) { return chains.size() > 1; });
  }

  std::vector<Term> valid(std::span<const component::Parameter> list, const ValuePlace& place,
                          const std::optional<MemoryState>& memory) {
    Validity found = validity(context_.arena, context_.layouts, context_.executor, context_.terms, list,
                              place, memory, {reading_.most_elements, every_list_}, call_.encoding);
    reading_.has_lists |= found.has_lists;
    areas_known_.insert(areas_known_.end(), found.areas.begin(), found.areas.end());
    return std::move(found.conditions);
  }

  /// The call goes to the callee's own function: nothing is done on the way.
  Path straight_path() {
    Path path;
    CallEvent event;
    event.callee = call_.callee;
    event.arguments = arguments_;
    for (std::uint32_t m = 0; m < context_.fused.memories.size(); ++m) {
      event.before.push_back(context_.executor.initial(MemoryId{m}));
    }
    for (const wasm::ValueType result : context_.fused.type_of(call_.callee).results) {
      const bool wide = result == wasm::ValueType::kI64 || result == wasm::ValueType::kF64;
      if (straight_results_.empty()) {
        straight_results_.push_back(context_.terms.symbol(wide ? 64 : 32, "r0"));
      }
    }
    event.results = straight_results_;
    for (std::uint32_t g = 0; g < context_.fused.globals.size(); ++g) {
      event.globals.push_back(context_.executor.initial(GlobalId{g}));
    }
    path.globals = event.globals;
    path.results = event.results;
    path.memories = event.before;
    path.calls.push_back(std::move(event));
    return path;
  }

  /// The memory after call number `index`.
  static const MemoryState& after(const Path& path, std::size_t index, MemoryId memory) {
    return index + 1 < path.calls.size() ? path.calls[index + 1].before[memory.value]
                                         : path.memories[memory.value];
  }

  void compare(const Path& path) {
    std::optional<std::size_t> callee;
    for (std::size_t i = 0; i < path.calls.size(); ++i) {
      const FunctionId called = context_.fused.behind(path.calls[i].callee);
      if (called != call_.callee) {
        continue;
      }
      if (callee) {
        note(kWrongPlace, "calls the callee more than once", {}, path.calls[i].at);
        return;
      }
      callee = i;
    }
    if (!callee) {
      return wrong_callee(path);
    }
    const CallEvent& event = path.calls[*callee];
    used_.assign(path.calls.size(), false);
    used_[*callee] = true;

    ValueWalk params = walk(path);
    ValueSide sender = side(call_.caller), receiver = side(call_.callee_side);
    if (sender.memory) {
      sender.memory = context_.executor.initial(*call_.caller.memory);
    }
    if (receiver.memory) {
      receiver.memory = event.before[call_.callee_side.memory->value];
    }
    if (spilled_ && call_.callee_side.allocator && call_.callee_side.memory != call_.caller.memory) {
      area_is_allocated(params, event.arguments[0]);
    }
    params.values(parameters_, place(arguments_, spilled_), place(event.arguments, spilled_), sender,
                  receiver, 0, "params");
    read_chains(path, params);

    ValueWalk results = walk(path);
    if (!results_.empty()) {
      sender = side(call_.callee_side);
      receiver = side(call_.caller);
      if (sender.memory) {
        sender.memory = after(path, *callee, *call_.callee_side.memory);
      }
      if (receiver.memory) {
        receiver.memory = path.memories[call_.caller.memory->value];
      }
      const ValuePlace from = given(event);
      const ValuePlace to = out_pointer_ ? ValuePlace{.address = arguments_.back(), .slots = {}}
                                         : place(path.results, result_area_);
      results.values(results_, from, to, sender, receiver, static_cast<std::uint32_t>(param_positions()),
                     "result");
      read_chains(path, results);
    }
    reading_.has_lists |= params.met_lists || results.met_lists;
    writes_are_contained(path, event.before, params);
    writes_are_contained(path, path.memories, results);
    if (const std::string left = rest_.left_behind(path); !left.empty()) {
      note({}, left, {}, path.at);
    }
    look_at_others(path, *callee, params, results);
    post_return_is_called(path);
    for (const auto& [sentence, call_of] : rest_.unbalanced_lends(path, *callee)) {
      note({}, sentence, {}, path.calls[call_of].at);
    }
  }

  /// Guests' memories are written where their allocators gave memory, and where the caller wants the results.
  void writes_are_contained(const Path& path, const std::vector<MemoryState>& memories, ValueWalk& walk) {
    for (const MemoryState& memory : memories) {
      if (!context_.guests_memory[memory.memory.value]) {
        continue;
      }
      for (const MemoryWrite* write = memory.last.get(); write != nullptr; write = write->previous.get()) {
        if (write->kind == MemoryWrite::Kind::kCall) {
          continue;
        }
        const Answer contained = is_contained(memory.memory, *write, walk);
        if (contained != Answer::kYes) {
          note(contained == Answer::kNo ? std::optional(kWrongPlace) : std::nullopt,
               "a guest's memory is written where nothing was given for it", {}, path.at);
          return;
        }
      }
    }
  }

  Answer is_contained(MemoryId memory, const MemoryWrite& write, ValueWalk& walk) {
    if (out_pointer_ && memory == call_.caller.memory) {
      const smt::Terms::Split split = context_.terms.split(write.address);
      if (split.base == arguments_.back()) {
        const std::uint64_t area = context_.layouts[*type_.result].size;
        const Term end =
            context_.terms.apply(TermOp::kAdd, context_.terms.resize(TermOp::kExtend, write.size, 64),
                                 context_.terms.constant(64, split.offset));
        return walk.follows(context_.terms.negation(
            context_.terms.apply(TermOp::kLessU, context_.terms.constant(64, area), end)));
      }
    }
    for (const BoundarySide* side : {&call_.callee_side, &call_.caller}) {
      if (side->memory == memory && side->allocator) {
        const Answer given = walk.allocated(write.address, write.size, *side->allocator);
        if (given != Answer::kNo || side == &call_.caller) {
          return given;
        }
      }
    }
    return Answer::kNo;
  }

  ValueWalk walk(const Path& path) {
    return {context_.arena,
            context_.layouts,
            context_.executor,
            context_.terms,
            context_.decider,
            path,
            {reading_.most_elements, every_list_}};
  }

  ValueSide side(const BoundarySide& side) const {
    ValueSide made;
    made.encoding = call_.encoding;
    made.allocator = side.allocator;
    if (side.memory) {
      made.memory = context_.executor.initial(*side.memory);
    }
    return made;
  }

  /// Where a call of the callee puts its results.
  [[nodiscard]] ValuePlace given(const CallEvent& event) const {
    return call_.callee_is_lowered && result_area_ && !event.arguments.empty()
               ? ValuePlace{.address = event.arguments.back(), .slots = {}}
               : place(event.results, result_area_);
  }

  static ValuePlace place(const std::vector<Term>& values, bool in_memory) {
    ValuePlace place;
    if (in_memory && !values.empty()) {
      place.address = values[0];
    } else {
      place.slots = values;
    }
    return place;
  }

  void area_is_allocated(ValueWalk& walk, Term address) {
    const Answer given = walk.allocated(address, extent(parameters_).first, *call_.callee_side.allocator);
    if (given != Answer::kYes) {
      note(given == Answer::kNo ? std::optional(kWrongPlace) : std::nullopt,
           "the parameters are put where the callee's allocator gave no memory");
    }
  }

  [[nodiscard]] std::size_t param_positions() const {
    std::size_t sum = 0;
    for (const component::Parameter& param : type_.params) {
      sum += handles_below(context_.arena, param.type);
    }
    return sum;
  }

  /// The way back from what arrives to what was sent.
  struct Chain {
    std::vector<Conversion> steps;
    std::vector<std::size_t> calls;
    bool complete = false;
    Term begins;
  };
  Chain chain(const Path& path, Term sent, Term received) const {
    Chain chain;
    chain.begins = received;
    while (chain.begins != sent && chain.steps.size() <= routing::kMaxSteps) {
      const auto call = context_.executor.result_of(path, chain.begins);
      if (!call || path.calls[call->first].arguments.size() != 1) {
        return chain;
      }
      const CallEvent& event = path.calls[call->first];
      const TableFunction* function = context_.tables.of(context_.fused.behind(event.callee));
      if (function == nullptr) {
        return chain;
      }
      chain.steps.insert(chain.steps.begin(), {.role = function->role, .function = function->function});
      chain.calls.insert(chain.calls.begin(), call->first);
      chain.begins = event.arguments[0];
    }
    chain.complete = chain.begins == sent;
    return chain;
  }

  void read_chains(const Path& path, ValueWalk& walk) {
    for (const ValueFlaw& flaw : walk.flaws) {
      note(flaw.certain ? std::optional(kWrongPlace) : std::nullopt, flaw.sentence);
    }
    for (const HandleSeen& seen : walk.handles) {
      if (seen.position >= reading_.positions.size()) {
        continue;
      }
      Chain found = chain(path, seen.sent, seen.received);
      for (const std::size_t call : found.calls) {
        used_[call] = true;
      }
      if (!found.complete && !same_value(path, seen, found)) {
        not_the_handle(path, walk, seen, found);
        continue;
      }
      removed_afterwards(path, seen, found);
      keep(path, seen, found);
    }
  }

  /// Terms that differ may still be equal under the path's conditions.
  bool same_value(const Path& path, const HandleSeen& seen, const Chain& found) {
    std::vector<Term> conditions = path.conditions;
    conditions.insert(conditions.end(), seen.guards.begin(), seen.guards.end());
    conditions.insert(conditions.end(), seen.lengths.begin(), seen.lengths.end());
    return context_.decider.follows(conditions, context_.terms.apply(TermOp::kEq, seen.sent, found.begins)) ==
           Answer::kYes;
  }

  void not_the_handle(const Path& path, const ValueWalk& walk, const HandleSeen& seen, const Chain& found) {
    for (const HandleSeen& other : walk.possible) {
      if (other.sent == found.begins && other.position != seen.position) {
        return note(seen.in_list ? kWrongList : kWrongPlace, "gets the handle of another place of the call",
                    seen.position);
      }
    }
    for (const HandleSeen& other : walk.handles) {
      if (other.sent == found.begins) {
        return note(kWrongList, "gets another element's handle", seen.position);
      }
    }
    std::vector<Term> conditions = path.conditions;
    conditions.insert(conditions.end(), seen.guards.begin(), seen.guards.end());
    conditions.insert(conditions.end(), seen.lengths.begin(), seen.lengths.end());
    conditions.push_back(context_.terms.negation(context_.terms.apply(TermOp::kEq, seen.sent, found.begins)));
    const Answer differs =
        depends_on_tables(found.begins) ? Answer::kUnknown : context_.decider.satisfiable(conditions);
    note(differs == Answer::kYes ? std::optional(kWrongPlace) : std::nullopt,
         "gets something else than the handle that was passed", seen.position);
  }

  /// Whether a value was read from what generated code keeps for itself: an entry, perhaps.
  bool depends_on_tables(Term value) {
    const TermQuery query(context_.terms, context_.executor);
    const std::vector<Term> words = query.loaded_words(std::array{value});
    const std::vector<Term> leaves = query.leaves(value);
    for (std::uint32_t g = 0; g < context_.fused.globals.size(); ++g) {
      const Term global = context_.executor.initial(GlobalId{g});
      if (!context_.terms.is_constant(global) &&
          std::find(leaves.begin(), leaves.end(), global) != leaves.end()) {
        return true;
      }
    }
    return std::any_of(words.begin(), words.end(), [&](Term word) {
      return !context_.guests_memory[context_.executor.loaded(word)->memory.value];
    });
  }

  /// `rep` and then a removal without destructor is a take.
  void removed_afterwards(const Path& path, const HandleSeen& seen, Chain& found) {
    if (found.steps.empty() || found.steps[0].role != TableRole::kRep) {
      return;
    }
    for (std::size_t i = 0; i < path.calls.size(); ++i) {
      const CallEvent& event = path.calls[i];
      if (used_[i] || event.arguments.size() != 1 || event.arguments[0] != seen.sent) {
        continue;
      }
      const TableFunction* function = context_.tables.of(context_.fused.behind(event.callee));
      if (function != nullptr && function->role == TableRole::kDrop &&
          (function->destructors.empty() || rest_.quiet_drop(event, path.conditions))) {
        used_[i] = true;
        found.steps[0].role = TableRole::kTake;
      }
    }
  }

  /// Whether the cases around the handle were known to be the active ones when the call was made.
  bool active_at(const Path& path, const CallEvent& event, const HandleSeen& seen) const {
    const std::size_t before = std::min(event.conditions, path.conditions.size());
    std::vector<Term> known(path.conditions.begin(),
                            path.conditions.begin() + static_cast<std::ptrdiff_t>(before));
    known.insert(known.end(), seen.lengths.begin(), seen.lengths.end());
    return std::all_of(seen.guards.begin(), seen.guards.end(),
                       [&](Term guard) { return context_.decider.follows(known, guard) == Answer::kYes; });
  }

  void keep(const Path& path, const HandleSeen& seen, const Chain& found) {
    PositionReading& position = reading_.positions[seen.position];
    position.seen = true;
    if (!found.calls.empty() && !position.at) {
      position.at = path.calls[found.calls[0]].at;
    }
    for (const std::size_t call : found.calls) {
      if (!active_at(path, path.calls[call], seen)) {
        position.ignores_guard |= rest_.knows_all(path);
        if (!position.ignores_guard) {
          note({}, "it could not be told under which case it is converted", seen.position,
               path.calls[call].at);
        }
      }
    }
    std::vector<std::vector<Conversion>>& chains = chains_[seen.position];
    if (std::find(chains.begin(), chains.end(), found.steps) == chains.end()) {
      chains.push_back(found.steps);
      in_list_ |= seen.in_list;
    }
  }

  void wrong_callee(const Path& path) {
    for (const CallEvent& event : path.calls) {
      const FunctionId called = context_.fused.behind(event.callee);
      if (!context_.alignment.is_guest[called.value] || called == call_.callee_side.allocator ||
          called == call_.caller.allocator || called == call_.post_return) {
        continue;
      }
      const bool copy = is_copy(called);
      return note(copy ? kOtherInstance : kMergedImports,
                  "calls another function than the one that was imported", {}, event.at);
    }
    note(kMergedImports, "returns without a call of the function that was imported", {}, path.at);
  }

  /// Whether it is the callee's function in another instance of its module.
  bool is_copy(FunctionId called) const {
    const auto one = context_.alignment.original_of[called.value];
    const auto other = context_.alignment.original_of[call_.callee.value];
    if (!one || !other || *one == *other) {
      return false;
    }
    const LinkedFunction& left = context_.composed.functions[one->value];
    const LinkedFunction& right = context_.composed.functions[other->value];
    return left.index == right.index && context_.composed.instances[left.instance.value].module ==
                                            context_.composed.instances[right.instance.value].module;
  }

  void post_return_is_called(const Path& path) {
    const auto times = std::count_if(path.calls.begin(), path.calls.end(), [&](const CallEvent& event) {
      return context_.fused.behind(event.callee) == call_.post_return;
    });
    if (call_.post_return && times != 1) {
      note({}, times == 0 ? "the callee's post-return is not called" : "post-return is called more than once",
           {}, path.at);
    }
  }

  /// Calls that no handle explains.
  void look_at_others(const Path& path, std::size_t callee, const ValueWalk& params,
                      const ValueWalk& results) {
    for (std::size_t i = 0; i < path.calls.size(); ++i) {
      const CallEvent& event = path.calls[i];
      const FunctionId called = context_.fused.behind(event.callee);
      if (used_[i] || called == call_.callee_side.allocator || called == call_.caller.allocator ||
          reading_.checks.contains(called)) {
        continue;
      }
      if (call_.post_return && called == *call_.post_return) {
        reading_.posts_return = true;
        if (i < callee || event.arguments != path.calls[callee].results) {
          note(kWrongPlace, "post-return gets something else than what the callee returned", {}, event.at);
        }
        continue;
      }
      const TableFunction* function = context_.tables.of(called);
      if (function == nullptr) {
        note(kMergedImports, "calls a function that has no part in this call", {}, event.at);
        continue;
      }
      if (function->role == TableRole::kUnlend) {
        continue;  // see `CallRest::unbalanced_lends`
      }
      if (event.arguments.size() == 1 && explained(path, event, *function, params, results)) {
        continue;
      }
      note(
          {},
          fmt::format("calls {} with a value that is no handle of this call", context_.fused.name_of(called)),
          {}, event.at);
    }
  }

  bool explained(const Path& path, const CallEvent& event, const TableFunction& function,
                 const ValueWalk& params, const ValueWalk& results) {
    const Term value = event.arguments[0];
    for (const ValueWalk* walk : {&params, &results}) {
      for (const HandleSeen& seen : walk->possible) {
        if (seen.sent != value || seen.position >= reading_.positions.size()) {
          continue;
        }
        if (function.role == TableRole::kDrop && !function.destructors.empty()) {
          note(kDoubleDestructor, "is destroyed while it is passed on", seen.position, event.at);
          return true;
        }
        const bool active = active_at(path, event, seen);
        if (!active && !rest_.knows_all(path)) {
          note({}, "it could not be told under which case it is converted", seen.position, event.at);
        } else if (!active) {
          reading_.positions[seen.position].ignores_guard = true;
          note(kInactiveCase, "is converted also where another case is the active one", seen.position,
               event.at);
        }
        return true;
      }
      for (const HandleSeen& seen : walk->handles) {
        if (seen.received == value && function.role == TableRole::kDrop) {
          // What was made for the call is put away again.
          if (!function.destructors.empty()) {
            note(kBorrowDestructor, "is destroyed after the call", seen.position, event.at);
          }
          return true;
        }
      }
    }
    return false;
  }

  /// One conversion for each position.
  void settle() {
    for (std::uint32_t p = 0; p < chains_.size(); ++p) {
      std::vector<std::vector<Conversion>>& chains = chains_[p];
      std::stable_sort(chains.begin(), chains.end(),
                       [](const auto& left, const auto& right) { return left.size() < right.size(); });
      if (!chains.empty()) {
        reading_.positions[p].steps = chains.front();
      }
      if (chains.size() > 1) {
        note(in_list_ ? kWrongList : kInVariant, "is converted in some cases and otherwise in others", p);
      }
    }
  }

  ReadingContext& context_;
  const BoundaryCall& call_;
  const component::FuncType& type_;
  std::vector<component::Parameter> parameters_, results_;
  std::vector<Term> arguments_, areas_, straight_results_;
  std::size_t expected_arguments_ = 0;
  bool spilled_ = false, result_area_ = false, out_pointer_ = false, fits_ = false, in_list_ = false;
  bool every_list_ = false;
  CallRest rest_;
  std::vector<ValidArea> areas_known_;
  BoundaryReading reading_;
  std::vector<std::vector<std::vector<Conversion>>> chains_;
  std::vector<bool> used_;
  std::set<std::pair<std::optional<std::uint32_t>, std::string>> said_;
};

}  // namespace

BoundaryReading read_boundary(ReadingContext& context, const BoundaryCall& call) {
  return BoundaryReader(context, call).read();
}

}  // namespace meld_verify::lift
