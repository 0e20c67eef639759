#include "engine/run/fused_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/run/guest_trace.h"
#include "engine/run/lone_module.h"
#include "engine/run/value_text.h"
#include "engine/wasm/printable.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::WorldExport;
using lift::FunctionId;
using spec::TrapClass;

/// One program with its trace, and the handles that its host got. The n-th handles of two sessions in which
/// the same happens stand for each other.
class Session {
 public:
  Session(const lift::Pair& pair, const component::Composition& running, std::span<const std::uint8_t> bytes,
          const lift::Image& image, const GuestRoles& roles, const ReplayLimits& limits)
      : pair_(pair),
        image_(image),
        trace_(running, image, pair.composed, roles, limits.events),
        program_(running, bytes) {
    program_.set_probes(trace_);
    program_.limit_steps(limits.steps);
    program_.set_host([this](const component::HostFunc& function, const spec::FunctionType& type) {
      return host_answer(function, type);
    });
  }

  Program& program() { return program_; }
  const GuestTrace& trace() const { return trace_; }
  const std::vector<spec::Handle>& handles() const { return handles_; }
  RunOutcome& outcome() { return outcome_; }
  [[nodiscard]] bool goes_on() const { return !outcome_.trap; }

  void start() { note(program_.start()); }

  void call(const WorldExport& what, std::vector<spec::Value> arguments) {
    const spec::Result<std::optional<spec::Value>> result = program_.call(what, std::move(arguments));
    note(result);
    if (!result) {
      return;
    }
    const spec::TypeRef type = program_.type_of(what).result;
    if (!type || !*result) {
      outcome_.results.emplace_back("");
      return;
    }
    spec::for_each_handle(**result, [&](const spec::Handle& handle) { handles_.push_back(handle); });
    outcome_.results.push_back(type->has_handles ? std::nullopt : std::optional(value_text(**result, *type)));
    last_ = *result;
  }

  /// Calls the counterpart of a lifted core function, then of its post-return.
  void call_counterpart(const component::Lift& lift, FunctionId function,
                        std::span<const spec::CoreValue> slots) {
    const auto run = [&](FunctionId called, std::span<const spec::CoreValue> values) {
      return program_.call_core(image_.functions[called.value].instance, trace_.probed_index(called), values);
    };
    const spec::CoreResult result = run(function, slots);
    note(result);
    if (!result) {
      return;
    }
    core_result_ = *result;
    outcome_.results.emplace_back();
    if (!lift.options.post_return) {
      return;
    }
    const auto post = pair_.composed_image.function_of(*lift.options.post_return);
    const auto counterpart = post ? pair_.alignment.counterpart[post->value] : std::nullopt;
    if (counterpart && image_.functions[counterpart->value].kind == lift::LinkedFunction::Kind::kDefined) {
      note(run(*counterpart, *result ? std::span(&**result, 1) : std::span<const spec::CoreValue>{}));
    }
  }

  /// The host drops what it holds, oldest first.
  void drop_all() {
    for (std::size_t i = 0; i < handles_.size() && goes_on(); ++i) {
      const auto& owned = program_.machine().host_owned();
      if (handles_[i].own && owned.find(handles_[i].object) != owned.end()) {
        note(program_.machine().host_drop(handles_[i]));
      }
    }
  }

  void fail(std::string sentence) {
    outcome_.trap = spec::Trap{TrapClass::kUnsupported, std::move(sentence)};
  }

  [[nodiscard]] const std::optional<spec::Value>& last() const { return last_; }
  [[nodiscard]] const std::optional<spec::CoreValue>& core_result() const { return core_result_; }

 private:
  /// Empty values, and new resources of the host's types.
  spec::Result<std::optional<spec::Value>> host_answer(const component::HostFunc& function,
                                                       const spec::FunctionType& type) {
    if (!type.result) {
      return std::optional<spec::Value>{};
    }
    std::optional<spec::Value> made = made_up_value(
        *type.result, Filling::kEmpty, [&](const spec::Type& wanted) -> std::optional<spec::Handle> {
          spec::Machine& machine = program_.machine();
          if (wanted.kind != spec::Kind::kOwn || machine.definer(wanted.resource)) {
            return std::nullopt;
          }
          return machine.host_new(wanted.resource, spec::Rep(next_rep_++));
        });
    if (!made) {
      return spec::trap(TrapClass::kUnsupported, "the program calls " + wasm::printable(function.name) +
                                                     ", whose result cannot be made up");
    }
    return made;
  }

  template <class T>
  void note(const spec::Result<T>& result) {
    if (!result && !outcome_.trap) {
      outcome_.trap = result.error();
    }
  }

  const lift::Pair& pair_;
  const lift::Image& image_;
  GuestTrace trace_;
  Program program_;
  std::vector<spec::Handle> handles_;
  RunOutcome outcome_;
  std::optional<spec::Value> last_;
  std::optional<spec::CoreValue> core_result_;
  std::uint32_t next_rep_ = 1;
};

/// Both programs, called in turn.
class Race {
 public:
  Race(const lift::Pair& pair, const ReplayLimits& limits)
      : pair_(pair),
        limits_(limits),
        composed_roles_(roles_of_composed(pair)),
        fused_roles_(roles_of_fused(pair)),
        composed_(pair, pair.composed, pair.composed_image.bytes, pair.composed_image, composed_roles_,
                  limits) {
    if (pair.fused) {
      fused_ = std::make_unique<Session>(pair, *pair.fused, pair.fused_image.bytes, pair.fused_image,
                                         fused_roles_, limits);
      return;
    }
    lone_ = embed(pair);
    result_.assumptions = lone_.assumptions;
    fused_ = std::make_unique<Session>(pair, lone_.composition, lone_.bytes, pair.fused_image, fused_roles_,
                                       limits);
    for (std::size_t i = 0; i < pair.composed.resources.size(); ++i) {
      const component::ResourceId resource(i);
      const auto destructor = destructor_function(pair, resource);
      const auto counterpart = destructor ? pair.alignment.counterpart[destructor->value] : std::nullopt;
      if (counterpart &&
          pair.fused_image.functions[counterpart->value].kind == lift::LinkedFunction::Kind::kDefined) {
        fused_->program().set_destructor(resource, component::CoreInstanceId(std::size_t{0}),
                                         fused_->trace().probed_index(*counterpart));
      }
    }
  }

  Replay run(const std::vector<WorldCall>& calls) {
    if (!pair_.composed.host_funcs.empty()) {
      result_.assumptions.emplace_back(
          "the functions that the world imports give zeros, empty values and first cases");
    }
    composed_.start();
    if (lone_.problem.empty()) {
      fused_->start();
    } else {
      fused_->fail(lone_.problem);
    }
    for (const WorldCall& call : calls) {
      if (!composed_.goes_on()) {
        break;
      }
      one(call);
    }
    if (composed_.goes_on()) {
      composed_.drop_all();
    }
    if (fused_->goes_on()) {
      fused_->drop_all();
    }
    composed_.outcome().steps = limits_.steps - composed_.program().steps_left();
    fused_->outcome().steps = limits_.steps - fused_->program().steps_left();
    result_.composed = std::move(composed_.outcome());
    result_.composed.called = composed_.trace().called();
    result_.composed.events = events_of(pair_, composed_.trace().steps(), nullptr);
    result_.fused = std::move(fused_->outcome());
    result_.fused.called = fused_->trace().called();
    result_.fused.events = events_of(pair_, fused_->trace().steps(), &result_.composed.events);
    result_.difference = compare(pair_, result_.composed, result_.fused);
    return std::move(result_);
  }

 private:
  void one(const WorldCall& call) {
    const WorldExport& what = *call.what;
    const spec::FunctionType type = composed_.program().type_of(what);
    const std::optional<std::vector<spec::Value>> arguments =
        call.arguments ? call.arguments : made_up(type, call.filling);
    const std::string name =
        wasm::printable(what.interface_name.empty() ? what.name : what.interface_name + "#" + what.name);
    if (!arguments || arguments->size() != type.params.size()) {
      composed_.fail("there are no arguments for " + name);
      return;
    }
    std::string words;
    for (std::size_t i = 0; i < arguments->size(); ++i) {
      words += (i == 0 ? "" : ", ") + value_text((*arguments)[i], *type.params[i]);
    }
    result_.call += fmt::format("{}{}({})", result_.call.empty() ? "" : "; ", name, words);
    std::optional<std::vector<spec::Value>> theirs =
        counterparts(*arguments, composed_.handles(), fused_->handles());
    composed_.call(what, *arguments);
    if (fused_->goes_on()) {
      call_fused(what, type, *arguments, std::move(theirs));
    }
  }

  void call_fused(const WorldExport& what, const spec::FunctionType& type,
                  const std::vector<spec::Value>& arguments, std::optional<std::vector<spec::Value>> theirs) {
    const WorldExport* kept = nullptr;
    for (std::size_t i = 0; pair_.fused && i < pair_.fused->exports.size(); ++i) {
      const WorldExport& item = pair_.fused->exports[i];
      if (item.interface_name == what.interface_name && item.name == what.name) {
        kept = &item;
      }
    }
    if (kept != nullptr) {
      set_driver("the same export");
      if (!theirs) {
        fused_->fail("the fused file did not give a handle that the call needs");
        return;
      }
      if (fused_->program().type_of(*kept).params.size() != theirs->size()) {
        fused_->fail("the fused file exports " + wasm::printable(what.name) + " with another type");
        return;
      }
      fused_->call(*kept, *std::move(theirs));
      return;
    }
    drive(what, type, arguments);
  }

  /// Without the export.
  void drive(const WorldExport& what, const spec::FunctionType& type,
             const std::vector<spec::Value>& arguments) {
    const std::string name = wasm::printable(what.name);
    const auto* canon = std::get_if<CanonId>(&what.func);
    const auto function = canon != nullptr ? lifted_function(pair_, *canon) : std::nullopt;
    const auto counterpart = function ? pair_.alignment.counterpart[function->value] : std::nullopt;
    if (!counterpart ||
        pair_.fused_image.functions[counterpart->value].kind != lift::LinkedFunction::Kind::kDefined) {
      fused_->fail("the fused file has lost the export " + name + ", and what it lifts is not known");
      return;
    }
    std::vector<spec::CoreValue> slots;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (!flatten_plain(arguments[i], *type.params[i], slots)) {
        fused_->fail("the fused file has lost the export " + name + ", whose parameters are not plain");
        return;
      }
    }
    if (slots.size() > spec::kMaxFlatParams || (type.result && type.result->has_handles)) {
      fused_->fail("the fused file has lost the export " + name + ", whose values need it");
      return;
    }
    set_driver(
        fmt::format("core function {} ({})", pair_.fused_image.functions[counterpart->value].index,
                    pair_.fused ? "the fused file lost the export" : "the fused file is a core module"));
    fused_->call_counterpart(std::get<component::Lift>(pair_.composed.canons[canon->value].what),
                             *counterpart, slots);
    compare_plain_results(type);
  }

  /// Puts the core result beside that of the composed run, where both are one plain slot.
  void compare_plain_results(const spec::FunctionType& type) {
    std::vector<spec::CoreValue> expected;
    RunOutcome& composed = composed_.outcome();
    RunOutcome& fused = fused_->outcome();
    if (composed.trap || fused.trap || !type.result || !composed_.last() || !fused_->core_result() ||
        !flatten_plain(*composed_.last(), *type.result, expected) || expected.size() != 1) {
      return;
    }
    fused.results.back() = expected.front() == *fused_->core_result()
                               ? composed.results.back()
                               : std::optional(fmt::format("0x{:x}", fused_->core_result()->bits));
  }

  void set_driver(std::string driver) {
    if (result_.driver.empty()) {
      result_.driver = std::move(driver);
    }
  }

  std::optional<std::vector<spec::Value>> made_up(const spec::FunctionType& type, Filling filling) {
    const auto& owned = composed_.program().machine().host_owned();
    return made_up_arguments(type, filling, composed_.handles(), [&owned](const spec::Handle& handle) {
      return owned.find(handle.object) != owned.end();
    });
  }

  const lift::Pair& pair_;
  const ReplayLimits& limits_;
  GuestRoles composed_roles_, fused_roles_;
  LoneModule lone_;
  Session composed_;
  std::unique_ptr<Session> fused_;
  Replay result_;
};

}  // namespace

Replay replay(const lift::Pair& pair, const std::vector<WorldCall>& calls, const ReplayLimits& limits) {
  return Race(pair, limits).run(calls);
}

Replay replay(const lift::Pair& pair, const WorldExport& what, std::vector<spec::Value> arguments,
              const ReplayLimits& limits) {
  return replay(pair, std::vector<WorldCall>{{&what, std::move(arguments), Filling::kEmpty}}, limits);
}

}  // namespace meld_verify::run
