#include "engine/run/routed_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "engine/run/core_log.h"
#include "engine/run/routed_program.h"
#include "engine/run/value_text.h"
#include "engine/wasm/printable.h"

namespace meld_verify::run {
namespace {

using component::WorldExport;
using Outcome = RoutedComparison::Outcome;
using spec::TrapClass;

bool cut_short(const std::optional<spec::Trap>& trap) {
  return trap && (trap->trap_class == TrapClass::kUnsupported || trap->trap_class == TrapClass::kHostFault);
}

/// What the machine's side shows of a run: the host's resources as they end, and the entries that remain.
class HostSide : public spec::Observer {
 public:
  void destructor_entered(const spec::Destruction& what) override {
    if (!what.definer) {
      destroyed.push_back(what.rep.value);
    }
  }
  void still_live(const spec::LiveObject& object) override {
    if (object.holder) {
      live.push_back({.instance = component::InstanceId(object.holder->value + 1),
                      .index = object.index.value,
                      .own = object.own,
                      .resource = component::ResourceId(object.type.value),
                      .rep = object.rep.value,
                      .lends = 0});
    }
  }

  std::vector<std::uint32_t> destroyed;
  std::vector<TableEntry> live;
};

/// One program as its host sees it.
class Side {
 public:
  Side(Program& program, const RoutedLimits& limits) : program_(program) {
    program_.limit_steps(limits.steps);
    program_.set_host([this](const component::HostFunc& function, const spec::FunctionType& type) {
      return host_answer(function, type);
    });
  }

  void start() { note(program_.start()); }
  void call(const WorldExport& what, std::vector<spec::Value> arguments) {
    const auto result = program_.call(what, std::move(arguments));
    note(result);
    const spec::TypeRef type = program_.type_of(what).result;
    if (!result || !type || !*result) {
      results_ += ";";
      return;
    }
    spec::for_each_handle(**result, [&](const spec::Handle& handle) { handles_.push_back(handle); });
    results_ += (type->has_handles ? std::string("handles") : value_text(**result, *type)) + ";";
  }
  /// The host drops what it holds, oldest first.
  void drop_all() {
    for (std::size_t i = 0; i < handles_.size() && !trap_; ++i) {
      if (handles_[i].own && holds(handles_[i])) {
        note(program_.machine().host_drop(handles_[i]));
      }
    }
  }

  [[nodiscard]] bool holds(const spec::Handle& handle) const {
    const auto& owned = program_.machine().host_owned();
    return owned.find(handle.object) != owned.end();
  }
  Program& program() { return program_; }
  [[nodiscard]] const std::vector<spec::Handle>& handles() const { return handles_; }
  [[nodiscard]] const std::optional<spec::Trap>& trap() const { return trap_; }
  [[nodiscard]] const std::string& results() const { return results_; }

 private:
  spec::Result<std::optional<spec::Value>> host_answer(const component::HostFunc& function,
                                                       const spec::FunctionType& type) {
    if (!type.result) {
      return std::optional<spec::Value>{};
    }
    auto made = made_up_value(*type.result, Filling::kFull,
                              [&](const spec::Type& wanted) -> std::optional<spec::Handle> {
                                spec::Machine& machine = program_.machine();
                                if (wanted.kind != spec::Kind::kOwn || machine.definer(wanted.resource)) {
                                  return std::nullopt;
                                }
                                return machine.host_new(wanted.resource, spec::Rep(next_rep_++));
                              });
    if (!made) {
      return spec::trap(TrapClass::kUnsupported,
                        "the result of " + wasm::printable(function.name) + " cannot be made up");
    }
    return made;
  }
  template <class T>
  void note(const spec::Result<T>& result) {
    if (!result && !trap_) {
      trap_ = result.error();
    }
  }

  Program& program_;
  std::vector<spec::Handle> handles_;
  std::optional<spec::Trap> trap_;
  std::string results_;
  std::uint32_t next_rep_ = 1;
};

struct Call {
  const WorldExport* what = nullptr;  ///< of the composed component
  Filling filling = Filling::kEmpty;
};

/// The same calls on both programs.
class Both {
 public:
  Both(const component::Composition& composition, std::span<const std::uint8_t> bytes, RoutedProgram& routed,
       HostSide& routed_host, const RoutedLimits& limits)
      : composition_(composition),
        routed_(routed),
        routed_host_(routed_host),
        reference_program_(composition, bytes, &reference_host_),
        reference_log_(composition, bytes, everyone(composition), limits.calls),
        routed_log_(routed.composition(), routed.bytes(), guests(routed), limits.calls),
        reference_(reference_program_, limits),
        routed_side_(routed.program(), limits) {
    reference_program_.set_probes(reference_log_);
    routed.program().set_probes(routed_log_);
  }

  RoutedComparison run(const std::vector<Call>& calls) {
    reference_.start();
    routed_side_.start();
    for (const Call& call : calls) {
      if (!one(call)) {
        break;
      }
    }
    if (!reference_.trap() && !routed_side_.trap()) {
      reference_.drop_all();
      routed_side_.drop_all();
    }
    reference_program_.machine().finish();
    result_.seen = std::min(reference_log_.calls().size(), routed_log_.calls().size());
    result_.trapped = reference_.trap() && routed_side_.trap();
    result_.trap = result_.trapped ? spec::to_string(reference_.trap()->trap_class) : "";
    compare();
    return std::move(result_);
  }

 private:
  static std::vector<std::optional<component::CoreInstanceId>> everyone(
      const component::Composition& composition) {
    std::vector<std::optional<component::CoreInstanceId>> all;
    for (std::size_t i = 0; i < composition.core_instances.size(); ++i) {
      all.emplace_back(component::CoreInstanceId(i));
    }
    return all;
  }
  static std::vector<std::optional<component::CoreInstanceId>> guests(const RoutedProgram& routed) {
    std::vector<std::optional<component::CoreInstanceId>> all;
    for (const rewrite::FlatInstance& instance : routed.core_instances()) {
      all.push_back(instance.guest);
    }
    return all;
  }

  /// False: no more calls can be made.
  bool one(const Call& call) {
    const WorldExport& what = *call.what;
    result_.calls += (result_.calls.empty() ? "" : "; ") + wasm::printable(what.name);
    if (reference_.trap() || routed_side_.trap()) {
      return false;
    }
    const auto& exports = routed_.composition().exports;
    const auto same = std::find_if(exports.begin(), exports.end(), [&](const WorldExport& item) {
      return item.interface_name == what.interface_name && item.name == what.name;
    });
    if (same == exports.end()) {
      differ("the routed component lost the export " + wasm::printable(what.name));
      return false;
    }
    const auto arguments =
        made_up_arguments(reference_program_.type_of(what), call.filling, reference_.handles(),
                          [this](const spec::Handle& handle) { return reference_.holds(handle); });
    if (!arguments) {
      return true;  // no call without a handle
    }
    auto theirs = counterparts(*arguments, reference_.handles(), routed_side_.handles());
    if (!theirs) {
      differ("the routed component did not give a handle that the other gave");
      return false;
    }
    reference_.call(what, *arguments);
    routed_side_.call(*same, *std::move(theirs));
    return true;
  }

  void differ(std::string sentence) {
    if (result_.outcome != Outcome::kDifferent) {
      result_.outcome = Outcome::kDifferent;
      result_.sentence = std::move(sentence);
    }
  }

  static std::string end_of(const Side& side) {
    return side.trap()
               ? fmt::format("traps {}: {}", spec::to_string(side.trap()->trap_class), side.trap()->sentence)
               : "ends well";
  }

  void compare() {
    const std::string ends =
        fmt::format("the reference run {}, the routed run {}", end_of(reference_), end_of(routed_side_));
    compare_logs(ends);
    if (cut_short(reference_.trap()) || cut_short(routed_side_.trap())) {
      if (result_.outcome == Outcome::kSame) {
        result_.outcome = Outcome::kCutShort;
        result_.sentence = ends;
      }
      return;
    }
    if (reference_.trap().has_value() != routed_side_.trap().has_value() ||
        (reference_.trap() && reference_.trap()->trap_class != routed_side_.trap()->trap_class &&
         !in_early_realloc())) {
      differ(ends);
      return;
    }
    if (reference_.results() != routed_side_.results()) {
      differ(fmt::format("results: {} in the reference run, {} in the routed one", reference_.results(),
                         routed_side_.results()));
    }
    if (reference_host_.destroyed != routed_host_.destroyed) {
      differ(
          fmt::format("{} of the host's resources are destroyed in the reference run, {} in the routed one, "
                      "or others or in another order",
                      reference_host_.destroyed.size(), routed_host_.destroyed.size()));
    }
    if (!reference_.trap()) {
      compare_tables();
    }
  }

  void compare_logs(const std::string& ends) {
    const auto& ours = reference_log_.calls();
    const auto& theirs = routed_log_.calls();
    const auto [left, right] = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
    if (left == ours.end() && right == theirs.end()) {
      return;
    }
    if (left == ours.end() && reference_.trap() && routed_side_.trap() &&
        only_allocate({right, theirs.end()})) {
      return;
    }
    if ((left == ours.end() && cut_short(reference_.trap())) ||
        (right == theirs.end() && cut_short(routed_side_.trap()))) {
      return;
    }
    differ(fmt::format("call {}: {} in the reference run, {} in the routed one ({})", left - ours.begin(),
                       left == ours.end() ? "none" : to_string(*left),
                       right == theirs.end() ? "none" : to_string(*right), ends));
  }

  /// Whether these calls are all of reallocs, or made by them. In a call that traps over its parameters the
  /// router has asked for memory for some of them already: to nobody a difference, as nothing runs after a
  /// trap (semantics.md 2.5).
  bool only_allocate(std::span<const CoreCall> calls) const {
    std::size_t depth = 0;
    for (const CoreCall& call : calls) {
      if (depth == 0 && (call.leaves || !reallocs_.contains({call.instance, call.function}))) {
        return false;
      }
      depth = call.leaves ? depth - 1 : depth + 1;
    }
    return true;
  }

  /// The routed run traps in a realloc, or over what it gave, that the reference run did not come to.
  bool in_early_realloc() const {
    const auto& ours = reference_log_.calls();
    const auto& theirs = routed_log_.calls();
    return theirs.size() > ours.size() && only_allocate(std::span(theirs).subspan(ours.size()));
  }

  static std::set<std::pair<component::CoreInstanceId, std::uint32_t>> reallocs_of(
      const component::Composition& composition) {
    std::set<std::pair<component::CoreInstanceId, std::uint32_t>> all;
    for (const component::Canon& canon : composition.canons) {
      const auto* lift = std::get_if<component::Lift>(&canon.what);
      const auto* lower = std::get_if<component::Lower>(&canon.what);
      const auto& realloc = lift != nullptr    ? lift->options.realloc
                            : lower != nullptr ? lower->options.realloc
                                               : std::nullopt;
      const auto* place =
          realloc ? std::get_if<std::pair<component::CoreInstanceId, std::string>>(&realloc->source)
                  : nullptr;
      if (place == nullptr) {
        continue;
      }
      const auto& core = composition.core_instances[place->first.value];
      for (const wasm::CoreExport& item : composition.modules[core.module.value].index.exports) {
        if (item.name == place->second) {
          all.emplace(place->first, item.index);
        }
      }
    }
    return all;
  }

  void compare_tables() {
    std::vector<TableEntry> ours = reference_host_.live;
    std::vector<TableEntry> theirs = routed_.entries();
    std::sort(ours.begin(), ours.end(), [](const TableEntry& left, const TableEntry& right) {
      return std::pair(left.instance, left.index) < std::pair(right.instance, right.index);
    });
    for (auto* const side : {&ours, &theirs}) {
      for (TableEntry& entry : *side) {
        if (composition_.resources[entry.resource.value].definer == component::kHost) {
          entry.rep = 0;  // the host's own, or a canonical handle
        }
      }
    }
    if (ours != theirs) {
      const auto text = [&](const std::vector<TableEntry>& entries) {
        std::string words;
        for (const TableEntry& entry : entries) {
          words += fmt::format(" {}[{}]={}{}:{:#x}/{}", composition_.instances[entry.instance.value].name,
                               entry.index, entry.own ? "own " : "borrow ",
                               composition_.resources[entry.resource.value].name, entry.rep, entry.lends);
        }
        return words;
      };
      differ(fmt::format("entries that remain:{} in the reference run,{} in the routed one", text(ours),
                         text(theirs)));
    }
  }

  const component::Composition& composition_;
  std::set<std::pair<component::CoreInstanceId, std::uint32_t>> reallocs_ = reallocs_of(composition_);
  RoutedProgram& routed_;
  HostSide& routed_host_;
  HostSide reference_host_;
  Program reference_program_;
  CoreLog reference_log_, routed_log_;
  Side reference_, routed_side_;
  RoutedComparison result_;
};

/// Exports that can be called: of guests, without what is out of scope.
std::vector<const WorldExport*> callable(const component::Composition& composition) {
  std::vector<const WorldExport*> found;
  for (const WorldExport& item : composition.exports) {
    if (std::holds_alternative<component::CanonId>(item.func) && !composition.types[item.type].async) {
      found.push_back(&item);
    }
  }
  return found;
}

}  // namespace

wasm::Expected<std::vector<RoutedComparison>> compare_with_reference(std::span<const std::uint8_t> bytes,
                                                                     std::string_view file,
                                                                     const RoutedLimits& limits) {
  const auto composition = component::decode(bytes, file);
  if (!composition) {
    return tl::unexpected(composition.error());
  }
  std::vector<RoutedComparison> all;
  std::optional<wasm::Diagnostic> failure;
  const auto compare = [&](const std::vector<Call>& calls) {
    HostSide routed_host;
    auto routed = RoutedProgram::make(bytes, file, &routed_host);
    if (!routed) {
      failure = routed.error();
      return;
    }
    all.push_back(Both(*composition, bytes, **routed, routed_host, limits).run(calls));
  };
  const auto exports = callable(*composition);
  for (const Filling filling : {Filling::kEmpty, Filling::kFull}) {
    std::vector<Call> everything;
    for (const WorldExport* what : exports) {
      everything.push_back({what, filling});
      if (!failure && exports.size() > 1 &&
          (filling == Filling::kEmpty || !composition->types[what->type].params.empty())) {
        compare({{what, filling}});
      }
    }
    if (!failure) {
      compare(everything);
    }
  }
  if (failure) {
    return tl::unexpected(*failure);
  }
  return all;
}

}  // namespace meld_verify::run
