#include "engine/run/guest_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

#include "engine/wasm/printable.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::InstanceId;
using component::ResourceId;
using component::ResourceOp;
using Kind = GuestEvent::Kind;

/// The objects of each resource type that its definer made and that are not destroyed.
class LiveObjects {
 public:
  explicit LiveObjects(std::size_t resources) : types_(resources) {}

  std::size_t make(ResourceId type, std::uint32_t rep) {
    Type& of = types_[type.value];
    of.live[rep].push_back(of.made);
    return of.made++;
  }
  [[nodiscard]] bool has(ResourceId type, std::uint32_t rep) const {
    const auto place = types_[type.value].live.find(rep);
    return place != types_[type.value].live.end() && !place->second.empty();
  }
  [[nodiscard]] std::optional<std::size_t> find(ResourceId type, std::uint32_t rep) const {
    return has(type, rep) ? std::optional(types_[type.value].live.at(rep).front()) : std::nullopt;
  }
  std::optional<std::size_t> destroy(ResourceId type, std::uint32_t rep) {
    if (!has(type, rep)) {
      return std::nullopt;
    }
    std::unordered_map<std::uint32_t, std::deque<std::size_t>>& live = types_[type.value].live;
    const auto place = live.find(rep);
    const std::size_t object = place->second.front();
    place->second.pop_front();
    if (place->second.empty()) {
      live.erase(place);
    }
    return object;
  }

 private:
  struct Type {
    std::size_t made = 0;
    std::unordered_map<std::uint32_t, std::deque<std::size_t>> live;
  };
  std::vector<Type> types_;
};

/// Turns steps into events, in order.
class Events {
 public:
  Events(const lift::Pair& pair, const std::vector<GuestStep>& steps, const std::vector<GuestEvent>* composed)
      : pair_(pair), steps_(steps), composed_(composed), objects_(pair.composed.resources.size()) {
    merge_lifts();
  }

  GuestEvent event(const GuestStep& step) {
    GuestEvent made;
    made.kind = step.kind;
    made.value = step.value;
    switch (step.kind) {
      case Kind::kMade:
      case Kind::kDropped: {
        const CanonId canon = builtin(step);
        made.instance = pair_.composed.canons[canon.value].owner;
        made.function = canon;
        made.resource =
            std::get<component::ResourceBuiltin>(pair_.composed.canons[canon.value].what).resource;
        if (step.kind == Kind::kMade) {
          made.object = objects_.make(*made.resource, step.value);
        }
        break;
      }
      case Kind::kDestroyed:
        destroyed(step, made);
        break;
      case Kind::kCalled:
      case Kind::kReturned:
        made.function = lift_name_[step.role->lifts.front().value];
        made.instance = pair_.composed.canons[made.function->value].owner;
        for (std::size_t i = 0; i < step.lent.size(); ++i) {
          if (step.lent[i]) {
            const ResourceId resource = step.role->lent[i].resource;
            made.lent.push_back({resource, *step.lent[i], objects_.find(resource, *step.lent[i])});
            made.foreign = made.foreign || !made.lent.back().object;
          }
        }
        break;
    }
    return made;
  }

 private:
  /// Lifts whose functions are one in the fused file go by the first of them.
  void merge_lifts() {
    std::unordered_map<lift::FunctionId, CanonId> first;
    for (std::size_t i = 0; i < pair_.composed.canons.size(); ++i) {
      lift_name_.emplace_back(i);
      const auto function = lifted_function(pair_, CanonId(i));
      const auto counterpart = function ? pair_.alignment.counterpart[function->value] : std::nullopt;
      if (counterpart) {
        lift_name_.back() = first.try_emplace(*counterpart, CanonId(i)).first->second;
      }
    }
  }

  /// What the composed run's next event of that kind is about; null where it has none, or is that run.
  const GuestEvent* model(Kind kind) {
    if (composed_ == nullptr) {
      return nullptr;
    }
    std::size_t& at = cursor_[static_cast<std::size_t>(kind)];
    while (at < composed_->size() && (*composed_)[at].kind != kind) {
      ++at;
    }
    return at < composed_->size() ? &(*composed_)[at++] : nullptr;
  }

  /// What a step that makes or drops can be about.
  std::vector<CanonId> builtins(const GuestStep& step) const {
    const ResourceOp op = step.kind == Kind::kMade ? ResourceOp::kNew : ResourceOp::kDrop;
    std::vector<CanonId> candidates;
    for (const CanonId canon : step.role->stands_for) {
      const component::Canon& what = pair_.composed.canons[canon.value];
      const auto* builtin = std::get_if<component::ResourceBuiltin>(&what.what);
      const std::vector<InstanceId>& who = step.caller->code_of;
      if (builtin != nullptr && builtin->op == op &&
          std::find(who.begin(), who.end(), what.owner) != who.end()) {
        candidates.push_back(canon);
      }
    }
    return candidates;
  }

  CanonId builtin(const GuestStep& step) {
    const std::vector<CanonId> candidates = builtins(step);
    const GuestEvent* like = model(step.kind);
    for (const CanonId canon : candidates) {
      if (like != nullptr && like->function == canon) {
        return canon;
      }
    }
    return candidates.front();
  }

  void destroyed(const GuestStep& step, GuestEvent& made) {
    std::vector<ResourceId> candidates = step.role->destroys;
    std::vector<ResourceId> dropped;
    if (step.drop) {
      for (const CanonId canon : builtins(steps_[*step.drop])) {
        dropped.push_back(
            std::get<component::ResourceBuiltin>(pair_.composed.canons[canon.value].what).resource);
      }
      std::erase_if(candidates, [&](ResourceId type) {
        return std::find(dropped.begin(), dropped.end(), type) == dropped.end();
      });
    }
    const bool wrong = candidates.empty();
    made.resource = among(wrong ? step.role->destroys : candidates, step);
    made.instance = pair_.composed.resources[made.resource->value].definer;
    if (wrong) {
      made.foreign = true;
      made.instead_of = among(dropped, step);
      objects_.destroy(*made.instead_of, step.value);
      return;
    }
    made.object = objects_.destroy(*made.resource, step.value);
    made.foreign = !made.object;
  }

  /// Which of several types a destruction is most likely about.
  ResourceId among(const std::vector<ResourceId>& candidates, const GuestStep& step) {
    const GuestEvent* like = model(step.kind);
    for (const ResourceId type : candidates) {
      if (like != nullptr && like->resource == type && objects_.has(type, step.value)) {
        return type;
      }
    }
    for (const ResourceId type : candidates) {
      if (objects_.has(type, step.value)) {
        return type;
      }
    }
    return candidates.front();
  }

  const lift::Pair& pair_;
  const std::vector<GuestStep>& steps_;
  const std::vector<GuestEvent>* composed_;
  LiveObjects objects_;
  std::vector<CanonId> lift_name_;
  std::size_t cursor_[5] = {};
};

std::string full_name(const std::string& interface_name, const std::string& name) {
  return wasm::printable(interface_name.empty() ? name : interface_name + "#" + name);
}

}  // namespace

std::vector<GuestEvent> events_of(const lift::Pair& pair, const std::vector<GuestStep>& steps,
                                  const std::vector<GuestEvent>* composed) {
  Events events(pair, steps, composed);
  std::vector<GuestEvent> all;
  all.reserve(steps.size());
  for (const GuestStep& step : steps) {
    all.push_back(events.event(step));
  }
  return all;
}

bool reaches(const lift::Pair& pair, const RunOutcome& run, CanonId canon) {
  if (std::find(run.called.begin(), run.called.end(), canon) != run.called.end()) {
    return true;
  }
  const auto function = lifted_function(pair, canon);
  if (!function) {
    return false;
  }
  const auto counterpart = pair.alignment.counterpart[function->value];
  std::vector<char> known(pair.composed.canons.size());  // lifts that were seen to be others
  return std::any_of(run.events.begin(), run.events.end(), [&](const GuestEvent& event) {
    if (event.kind != Kind::kCalled || std::exchange(known[event.function->value], 1) != 0) {
      return false;
    }
    const auto other = lifted_function(pair, *event.function);
    return other == function ||
           (counterpart && other && pair.alignment.counterpart[other->value] == counterpart);
  });
}

GuestWords::GuestWords(const component::Composition& composed)
    : composed_(composed), functions_(composed.canons.size()) {
  for (const component::Resource& one : composed.resources) {
    const auto alike = [&](const component::Resource& other) {
      return &other != &one && other.definer == one.definer && other.name == one.name;
    };
    const bool alone = std::none_of(composed.resources.begin(), composed.resources.end(), alike);
    resources_.push_back(wasm::printable(
        alone || one.interface_name.empty() ? one.name : one.name + " of " + one.interface_name));
  }
  const auto name = [&](const component::FuncRef& function, std::string text) {
    if (const auto* lift = std::get_if<CanonId>(&function); lift && functions_[lift->value].empty()) {
      functions_[lift->value] = std::move(text);
    }
  };
  for (const component::Canon& canon : composed.canons) {
    if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      name(lower->callee, full_name(lower->interface_name, lower->name));
    }
  }
  for (const component::WorldExport& item : composed.exports) {
    name(item.func, full_name(item.interface_name, item.name));
  }
}

std::string GuestWords::instance(InstanceId id) const {
  return wasm::printable(composed_.instances[id.value].name);
}

const std::string& GuestWords::resource(ResourceId id) const {
  return resources_[id.value];
}

std::string GuestWords::function(CanonId lift) const {
  return functions_[lift.value].empty() ? fmt::format("function {}", lift.value) : functions_[lift.value];
}

std::string GuestWords::canon(CanonId id) const {
  const auto& what = composed_.canons[id.value].what;
  if (const auto* builtin = std::get_if<component::ResourceBuiltin>(&what)) {
    const char* op = builtin->op == ResourceOp::kNew    ? "new"
                     : builtin->op == ResourceOp::kDrop ? "drop"
                                                        : "rep";
    return fmt::format("resource.{} of {}", op, resource(builtin->resource));
  }
  if (const auto* lower = std::get_if<component::Lower>(&what)) {
    return "the import " + full_name(lower->interface_name, lower->name);
  }
  return fmt::format("canonical definition {}", id.value);
}

std::string GuestWords::event(const GuestEvent& event) const {
  const std::string who = instance(event.instance);
  const std::string which = event.object ? fmt::format(" #{}", *event.object + 1) : "";
  switch (event.kind) {
    case Kind::kMade:
      return fmt::format("{} makes {}{}, rep 0x{:x}", who, resource(*event.resource), which, event.value);
    case Kind::kDropped:
      return fmt::format("{} drops {} handle 0x{:x}", who, resource(*event.resource), event.value);
    case Kind::kDestroyed:
      return fmt::format(
          "{}'s destructor of {} gets 0x{:x}{}", who, resource(*event.resource), event.value,
          event.instead_of ? ", a rep of " + instance(composed_.resources[event.instead_of->value].definer) +
                                 "'s " + resource(*event.instead_of)
          : event.foreign ? ", a foreign rep"
                          : which);
    case Kind::kCalled: {
      std::string lent;
      for (const LentObject& one : event.lent) {
        lent += fmt::format("{}{}", lent.empty() ? "" : ", ",
                            one.object ? fmt::format("{} #{}", resource(one.resource), *one.object + 1)
                                       : fmt::format("0x{:x}, no {}", one.rep, resource(one.resource)));
      }
      return fmt::format("-> {}  {}{}", who, function(*event.function),
                         lent.empty() ? "" : " (" + lent + ")");
    }
    case Kind::kReturned:
      return fmt::format("<- {}  {}", who, function(*event.function));
  }
  return {};
}

}  // namespace meld_verify::run
