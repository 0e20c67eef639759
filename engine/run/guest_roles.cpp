// Which functions of a file mean what.

#include <algorithm>
#include <utility>

#include "engine/run/guest_trace.h"
#include "engine/run/value_types.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::ResourceId;
using lift::FunctionId;
using lift::LinkedFunction;

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
  // What they call within themselves is no event either, and a fuser may call them more or less often.
  const auto visit_options = [&](const component::CanonOptions& options) {
    for (const auto& item : {options.realloc, options.post_return}) {
      if (const auto function = item ? code_behind(image, *item) : std::nullopt) {
        visit(*function, [](GuestRole&) {});
      }
    }
  };
  for (const component::Canon& canon : composed.canons) {
    if (const auto* lift = std::get_if<component::Lift>(&canon.what)) {
      visit_options(lift->options);
    } else if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      visit_options(lower->options);
    }
  }
}

/// Finds the slots of a flat value that hold reps of what `definer` defines.
class LentSlots {
 public:
  LentSlots(const component::Composition& composed, component::InstanceId definer)
      : composed_(composed), definer_(definer) {}

  void visit(const spec::Type& type, std::size_t slot) {
    using spec::Kind;
    switch (type.kind) {
      case Kind::kBorrow: {
        const ResourceId resource(type.resource.value);
        if (composed_.resources[resource.value].definer == definer_) {
          found.push_back({slot, resource, cases_});
        }
        break;
      }
      case Kind::kRecord:
      case Kind::kTuple:
        for (const spec::Part& part : type.parts) {
          visit(*part.type, slot);
          slot += part.type->flat.size();
        }
        break;
      case Kind::kFixedList:
        for (std::uint32_t i = 0; i < type.length && slot < spec::kMaxFlatParams; ++i) {
          visit(*type.parts[0].type, slot);
          slot += type.parts[0].type->flat.size();
        }
        break;
      case Kind::kVariant:
      case Kind::kOption:
      case Kind::kResult:
        for (std::size_t i = 0; i < type.parts.size(); ++i) {
          if (type.parts[i].type && type.parts[i].type->has_borrow) {
            cases_.emplace_back(slot, static_cast<std::uint32_t>(i));
            visit(*type.parts[i].type, slot + 1);
            cases_.pop_back();
          }
        }
        break;
      default:
        break;
    }
  }

  std::vector<LentSlot> found;

 private:
  const component::Composition& composed_;
  component::InstanceId definer_;
  std::vector<std::pair<std::size_t, std::uint32_t>> cases_;
};

/// Says of functions that are lifted once in which slots they get reps, where their parameters are flat.
void find_lent_slots(const component::Composition& composed, GuestRoles& roles) {
  ValueTypes types(composed.types);
  for (auto& [function, role] : roles) {
    if (role.lifts.size() != 1) {
      continue;
    }
    const component::Canon& canon = composed.canons[role.lifts.front().value];
    const spec::TypeRef params =
        spec::types::tuple(types.of(std::get<component::Lift>(canon.what).type).params);
    if (params->has_borrow && !params->unsupported && params->flat.size() <= spec::kMaxFlatParams) {
      LentSlots slots(composed, canon.owner);
      slots.visit(*params, 0);
      role.lent = std::move(slots.found);
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
  find_lent_slots(pair.composed, roles);
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
  find_lent_slots(pair.composed, roles);
  return roles;
}

}  // namespace meld_verify::run
