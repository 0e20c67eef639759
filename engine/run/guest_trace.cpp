#include "engine/run/guest_trace.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/wasm/rewrite.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using lift::FunctionId;
using lift::LinkedFunction;
using spec::TrapClass;

bool share_code(const GuestRole& left, const GuestRole& right) {
  return std::any_of(left.code_of.begin(), left.code_of.end(), [&](component::InstanceId instance) {
    return std::find(right.code_of.begin(), right.code_of.end(), instance) != right.code_of.end();
  });
}

/// The low halves of the arguments: a rep that shares a slot with something wider lies there.
template <class Values>
std::vector<std::uint32_t> low_words(const Values& arguments) {
  std::vector<std::uint32_t> words;
  for (const auto& argument : arguments) {
    words.push_back(static_cast<std::uint32_t>(argument.bits));
  }
  return words;
}

/// The reps that a function gets.
std::vector<std::optional<std::uint32_t>> lent_reps(const GuestRole& role,
                                                    const std::vector<std::uint32_t>& arguments) {
  std::vector<std::optional<std::uint32_t>> reps;
  for (const LentSlot& lent : role.lent) {
    const bool there = lent.slot < arguments.size() &&
                       std::all_of(lent.cases.begin(), lent.cases.end(), [&](const auto& item) {
                         return item.first < arguments.size() && arguments[item.first] == item.second;
                       });
    reps.push_back(there ? std::optional(arguments[lent.slot]) : std::nullopt);
  }
  return reps;
}

}  // namespace

GuestTrace::GuestTrace(const component::Composition& running, const lift::Image& image,
                       const component::Composition& composed, const GuestRoles& roles,
                       std::size_t most_steps)
    : running_(running),
      image_(image),
      composed_(composed),
      most_steps_(most_steps),
      called_(composed.canons.size()) {
  for (const auto& [function, role] : roles) {
    const LinkedFunction& what = image.functions[function.value];
    switch (what.kind) {
      case LinkedFunction::Kind::kDefined:
        functions_[what.instance.value].emplace_back(what.index, &role);
        break;
      case LinkedFunction::Kind::kCanon:
        canons_[what.canon.value] = &role;
        break;
      case LinkedFunction::Kind::kImport: {
        const std::vector<FunctionId>& functions = image.instances[what.instance.value].functions;
        const auto place = std::find(functions.begin(), functions.end(), function);
        canons_[static_cast<std::uint32_t>(place - functions.begin())] = &role;
        break;
      }
    }
  }
}

std::uint32_t GuestTrace::probed_index(FunctionId function) const {
  const LinkedFunction& what = image_.functions[function.value];
  const auto place = functions_.find(what.instance.value);
  const std::size_t probes = place == functions_.end() ? 0 : place->second.size();
  const bool imported = what.index < image_.module_of(what.instance).imported_functions;
  return what.index + static_cast<std::uint32_t>(imported ? 0 : 2 * probes);
}

spec::Result<std::optional<ProbedModule>> GuestTrace::module(component::CoreInstanceId instance) {
  const auto place = functions_.find(instance.value);
  if (place == functions_.end()) {
    return std::optional<ProbedModule>{};
  }
  std::vector<wasm::Probe> probes;
  ProbedModule made;
  for (const auto& [index, role] : place->second) {
    const std::string number = std::to_string(probes.size());
    probes.push_back({index, "enter" + number, "leave" + number});
    made.probes.emplace_back([this, role = role](const CoreStore::Values& arguments,
                                                 CoreStore::Values&) -> std::unique_ptr<CoreTrap> {
      if (enter(*role, low_words(arguments))) {
        return nullptr;
      }
      return std::make_unique<CoreTrap>(CoreTrap{CoreTrap::Kind::kHost, "the run has too many events",
                                                 static_cast<std::uint8_t>(TrapClass::kUnsupported)});
    });
    made.probes.emplace_back(
        [this](const CoreStore::Values&, CoreStore::Values&) -> std::unique_ptr<CoreTrap> {
          leave();
          return nullptr;
        });
  }
  const component::CoreModule& module =
      running_.modules[running_.core_instances[instance.value].module.value];
  auto bytes =
      wasm::with_probes(image_.bytes.subspan(module.begin.value, module.end.value - module.begin.value),
                        module.begin, image_.file, probes, "meld-verify:probes");
  if (!bytes) {
    return spec::trap(TrapClass::kUnsupported,
                      "a core module cannot be given probes: " + wasm::to_string(bytes.error()));
  }
  made.bytes = *std::move(bytes);
  return std::optional(std::move(made));
}

spec::Result<void> GuestTrace::canon_entered(CanonId canon, std::span<const spec::CoreValue> arguments) {
  static const GuestRole kNone;
  const auto place = canons_.find(canon.value);
  if (!enter(place == canons_.end() ? kNone : *place->second, low_words(arguments))) {
    return spec::trap(TrapClass::kUnsupported, "the run has too many events");
  }
  return {};
}

void GuestTrace::canon_left(CanonId) {
  leave();
}

std::vector<CanonId> GuestTrace::called() const {
  std::vector<CanonId> all;
  for (std::size_t i = 0; i < called_.size(); ++i) {
    if (called_[i]) {
      all.emplace_back(i);
    }
  }
  return all;
}

std::optional<std::size_t> GuestTrace::running_drop() const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->drop || !frame->role->code_of.empty()) {
      return frame->drop;
    }
  }
  return std::nullopt;
}

bool GuestTrace::note_guests_call(const GuestRole& role, const GuestRole& caller, std::uint32_t value,
                                  Frame& frame) {
  bool any = false, makes = false, drops = false;
  for (const CanonId canon : role.stands_for) {
    const component::Canon& what = composed_.canons[canon.value];
    if (std::find(caller.code_of.begin(), caller.code_of.end(), what.owner) == caller.code_of.end()) {
      continue;  // what another guest's code calls by this name
    }
    any = true;
    called_[canon.value] = true;
    if (const auto* builtin = std::get_if<component::ResourceBuiltin>(&what.what)) {
      makes = makes || builtin->op == component::ResourceOp::kNew;
      drops = drops || builtin->op == component::ResourceOp::kDrop;
    }
  }
  if (makes) {
    steps_.push_back({GuestStep::Kind::kMade, value, &role, &caller, {}, {}});
  }
  if (drops) {
    frame.drop = steps_.size();
    steps_.push_back({GuestStep::Kind::kDropped, value, &role, &caller, {}, {}});
  }
  return any;
}

bool GuestTrace::enter(const GuestRole& role, const std::vector<std::uint32_t>& arguments) {
  using Kind = GuestStep::Kind;
  const GuestRole* caller = frames_.empty() ? nullptr : frames_.back().role;
  if (caller != nullptr && caller->code_of.empty()) {
    caller = nullptr;  // an adapter, a table function or a built-in
  }
  const std::uint32_t value = arguments.empty() ? 0 : arguments.front();
  Frame frame;
  frame.role = &role;
  const bool canonical = caller != nullptr && note_guests_call(role, *caller, value, frame);
  // A guest's call of a function of its own is no event.
  if (caller == nullptr || canonical || (!role.code_of.empty() && !share_code(role, *caller))) {
    if (!role.destroys.empty()) {
      steps_.push_back(
          {Kind::kDestroyed, value, &role, nullptr, {}, caller == nullptr ? running_drop() : frame.drop});
    }
    if (!role.lifts.empty()) {
      steps_.push_back({Kind::kCalled, 0, &role, nullptr, lent_reps(role, arguments), {}});
      frame.called = true;
    }
  }
  frames_.push_back(frame);
  return steps_.size() <= most_steps_;
}

void GuestTrace::leave() {
  if (frames_.empty()) {
    return;  // an exception took frames away
  }
  if (frames_.back().called) {
    steps_.push_back({GuestStep::Kind::kReturned, 0, frames_.back().role, nullptr, {}, {}});
  }
  frames_.pop_back();
}

}  // namespace meld_verify::run
