#include "engine/run/guest_trace.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/wasm/rewrite.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::ResourceId;
using lift::FunctionId;
using lift::LinkedFunction;
using spec::TrapClass;

template <class T>
void add(std::vector<T>& list, const T& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) {
    list.push_back(item);
  }
}

/// The code behind a core item.
std::optional<FunctionId> code_behind(const lift::Image& image, const component::CoreItem& item) {
  const std::optional<FunctionId> function = image.function_of(item);
  if (!function) {
    return std::nullopt;
  }
  for (const FunctionId found : {image.behind(*function), *function}) {
    if (image.functions[found.value].kind == LinkedFunction::Kind::kDefined) {
      return found;
    }
  }
  return std::nullopt;
}

/// Calls `visit(function, change)` for all functions of the composed file's guests that have a role.
template <class Visit>
void each_guest_function(const lift::Pair& pair, Visit visit) {
  const component::Composition& composed = pair.composed;
  for (std::size_t i = 0; i < composed.canons.size(); ++i) {
    if (const auto function = lifted_function(pair, CanonId(i))) {
      visit(*function, [i](GuestRole& role) { add(role.lifts, CanonId(i)); });
    }
  }
  for (std::size_t i = 0; i < composed.resources.size(); ++i) {
    if (const auto function = destructor_function(pair, ResourceId(i))) {
      visit(*function, [i](GuestRole& role) { add(role.destroys, ResourceId(i)); });
    }
  }
  const lift::Image& image = pair.composed_image;
  for (std::size_t i = 0; i < image.instances.size(); ++i) {
    const auto& start = image.module_of(component::CoreInstanceId(i)).start;
    if (start) {
      visit(image.instances[i].functions[*start], [](GuestRole&) {});
    }
  }
}

component::InstanceId owner_of(const lift::Image& image, FunctionId function) {
  return image.instances[image.functions[function.value].instance.value].owner;
}

}  // namespace

std::optional<FunctionId> lifted_function(const lift::Pair& pair, CanonId lift) {
  const auto* what = std::get_if<component::Lift>(&pair.composed.canons[lift.value].what);
  return what == nullptr ? std::nullopt : code_behind(pair.composed_image, what->core);
}

std::optional<FunctionId> destructor_function(const lift::Pair& pair, ResourceId resource) {
  const auto& destructor = pair.composed.resources[resource.value].destructor;
  return destructor ? code_behind(pair.composed_image, *destructor) : std::nullopt;
}

GuestRoles roles_of_composed(const lift::Pair& pair) {
  GuestRoles roles;
  const lift::Image& image = pair.composed_image;
  each_guest_function(pair, [&](FunctionId function, auto change) {
    if (image.functions[function.value].kind == LinkedFunction::Kind::kDefined) {
      GuestRole& role = roles[function];
      add(role.code_of, owner_of(image, function));
      change(role);
    }
  });
  for (std::size_t i = 0; i < image.functions.size(); ++i) {
    const LinkedFunction& function = image.functions[i];
    if (function.kind == LinkedFunction::Kind::kCanon) {
      add(roles[FunctionId(i)].stands_for, function.canon);
    }
  }
  return roles;
}

GuestRoles roles_of_fused(const lift::Pair& pair) {
  GuestRoles roles;
  each_guest_function(pair, [&](FunctionId function, auto change) {
    const auto& counterpart = pair.alignment.counterpart[function.value];
    if (counterpart && pair.composed_image.functions[function.value].kind == LinkedFunction::Kind::kDefined) {
      GuestRole& role = roles[*counterpart];
      add(role.code_of, owner_of(pair.composed_image, function));
      change(role);
    }
  });
  for (std::size_t i = 0; i < pair.alignment.wired_to.size(); ++i) {
    for (const FunctionId function : pair.alignment.wired_to[i]) {
      add(roles[function].stands_for, CanonId(i));
    }
  }
  return roles;
}

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
      const bool first = !arguments.empty() && arguments.front().type == CoreType::kI32;
      if (enter(*role,
                first ? std::optional(static_cast<std::uint32_t>(arguments.front().bits)) : std::nullopt)) {
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
  const bool first = !arguments.empty() && arguments.front().type == spec::CoreType::kI32;
  if (!enter(place == canons_.end() ? kNone : *place->second,
             first ? std::optional(static_cast<std::uint32_t>(arguments.front().bits)) : std::nullopt)) {
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
    steps_.push_back({GuestStep::Kind::kMade, value, &role, &caller, {}});
  }
  if (drops) {
    frame.drop = steps_.size();
    steps_.push_back({GuestStep::Kind::kDropped, value, &role, &caller, {}});
  }
  return any;
}

bool GuestTrace::enter(const GuestRole& role, std::optional<std::uint32_t> first_argument) {
  using Kind = GuestStep::Kind;
  const GuestRole* caller = frames_.empty() ? nullptr : frames_.back().role;
  if (caller != nullptr && caller->code_of.empty()) {
    caller = nullptr;  // an adapter, a table function or a built-in
  }
  const std::uint32_t value = first_argument.value_or(0);
  Frame frame;
  frame.role = &role;
  if (caller == nullptr || note_guests_call(role, *caller, value, frame)) {  // else a guest's own function
    if (!role.destroys.empty()) {
      steps_.push_back(
          {Kind::kDestroyed, value, &role, nullptr, caller == nullptr ? running_drop() : frame.drop});
    }
    if (!role.lifts.empty()) {
      steps_.push_back({Kind::kCalled, 0, &role, nullptr, {}});
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
    steps_.push_back({GuestStep::Kind::kReturned, 0, frames_.back().role, nullptr, {}});
  }
  frames_.pop_back();
}

}  // namespace meld_verify::run
