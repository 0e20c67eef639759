#include <utility>

#include "engine/lift/alignment.h"
#include "engine/lift/calls.h"

namespace meld_verify::lift {
namespace {

using component::Composition;
using component::CoreItem;
using component::ResourceId;
using component::TypeId;
using component::TypeKind;

const component::Lift* lift_of(const Composition& composition, const component::FuncRef& function) {
  const auto* canon = std::get_if<CanonId>(&function);
  return canon == nullptr ? nullptr : std::get_if<component::Lift>(&composition.canons[canon->value].what);
}

/// The resource types of which a value of that type can hold an own handle.
class Owned {
 public:
  explicit Owned(const Composition& composition)
      : composition_(composition), seen_(composition.types.nodes.size()) {}

  void add(TypeId type) {
    std::vector<TypeId> todo{type};
    while (!todo.empty()) {
      const TypeId next = todo.back();
      todo.pop_back();
      const component::TypeNode& node = composition_.types[next];
      if (seen_[next.value] || !node.has_handle) {
        continue;
      }
      seen_[next.value] = true;
      if (node.kind == TypeKind::kOwn) {
        found_.push_back(node.resource);
      }
      for (const component::Member& member : node.members) {
        if (member.type) {
          todo.push_back(*member.type);
        }
      }
    }
  }
  /// Those found since the last call.
  std::vector<ResourceId> take() { return std::exchange(found_, {}); }

 private:
  const Composition& composition_;
  std::vector<bool> seen_;
  std::vector<ResourceId> found_;
};

class Reaching {
 public:
  Reaching(const Composition& composition, const Image& composed, const Image& fused,
           const Alignment& alignment)
      : composition_(composition),
        composed_(composed),
        fused_(fused),
        alignment_(alignment),
        walk_(fused),
        owned_(composition),
        followed_(composed.functions.size()),
        called_(composition.canons.size()),
        dropped_(composition.resources.size()) {}

  Reach run() {
    add_world();
    add_starts();
    std::size_t before = 0;
    do {
      before = walk_.order().size();
      walk_.run([](FunctionId) { return false; }, fused_.functions.size());
      follow_originals();
      add_dropped();
    } while (walk_.order().size() != before);
    Reach reach{.functions = walk_.reached(), .canons = called_};
    for (const component::WorldExport& item : composition_.exports) {
      if (const auto* canon = std::get_if<CanonId>(&item.func)) {
        reach.canons[canon->value] = true;
      }
    }
    for (std::size_t i = 0; i < composition_.canons.size(); ++i) {
      const auto* lower = std::get_if<component::Lower>(&composition_.canons[i].what);
      const auto* callee = lower == nullptr ? nullptr : std::get_if<CanonId>(&lower->callee);
      if (callee != nullptr && reach.canons[i]) {
        reach.canons[callee->value] = true;
      }
    }
    return reach;
  }

 private:
  void add_counterpart(const std::optional<CoreItem>& item) {
    const auto function = item ? composed_.function_of(*item) : std::nullopt;
    if (function && alignment_.counterpart[function->value]) {
      walk_.add(*alignment_.counterpart[function->value]);
    }
  }
  void add_own(const std::optional<CoreItem>& item) {
    if (const auto function = item ? fused_.function_of(*item) : std::nullopt) {
      walk_.add(*function);
    }
  }

  /// What the world can call, by the composed file and by the fused one.
  void add_world() {
    for (const component::WorldExport& item : composition_.exports) {
      if (const component::Lift* lift = lift_of(composition_, item.func)) {
        add_counterpart(lift->core);
        add_counterpart(lift->options.realloc);
        add_counterpart(lift->options.post_return);
        if (const auto& result = composition_.types[item.type].result) {
          owned_.add(*result);
        }
      }
    }
    if (fused_.composition == nullptr) {
      return;
    }
    for (const component::WorldExport& item : fused_.composition->exports) {
      if (const component::Lift* lift = lift_of(*fused_.composition, item.func)) {
        add_own(lift->core);
        add_own(lift->options.realloc);
        add_own(lift->options.post_return);
      }
    }
  }

  void add_starts() {
    for (std::uint32_t i = 0; i < fused_.instances.size(); ++i) {
      const auto& start = fused_.module_of(CoreInstanceId{i}).start;
      if (start && *start < fused_.instances[i].functions.size()) {
        walk_.add(fused_.instances[i].functions[*start]);
      }
    }
  }

  /// The canonical definitions that the originals of what was newly reached call.
  void follow_originals() {
    Walk walk(composed_);
    for (std::uint32_t i = 0; i < composed_.functions.size(); ++i) {
      if (!followed_[i] && runs(FunctionId{i})) {
        walk.add(FunctionId{i});
      }
    }
    walk.run(
        [&](FunctionId function) {
          const LinkedFunction& linked = composed_.functions[function.value];
          if (linked.kind == LinkedFunction::Kind::kCanon) {
            called_[linked.canon.value] = true;
          }
          // Shims and the like have no counterpart of their own: what they call is called.
          if (linked.kind != LinkedFunction::Kind::kDefined || followed_[function.value] ||
              (is_aligned(function) && !runs(function))) {
            return true;
          }
          followed_[function.value] = true;
          return false;
        },
        composed_.functions.size());
  }
  [[nodiscard]] bool is_aligned(FunctionId original) const {
    const auto& counterpart = alignment_.counterpart[original.value];
    return counterpart && alignment_.is_guest[counterpart->value];
  }
  [[nodiscard]] bool runs(FunctionId original) const {
    return composed_.functions[original.value].kind == LinkedFunction::Kind::kDefined &&
           is_aligned(original) && walk_.reached()[alignment_.counterpart[original.value]->value];
  }

  /// Destructors: of handles that the host may drop, and behind what stands for resource.drop.
  void add_dropped() {
    for (std::size_t i = 0; i < composition_.canons.size(); ++i) {
      const component::Canon& canon = composition_.canons[i];
      const auto* lower = std::get_if<component::Lower>(&canon.what);
      if (lower != nullptr && called_[i]) {
        if (std::holds_alternative<component::HostFuncId>(lower->callee)) {
          for (const component::Parameter& parameter : composition_.types[lower->type].params) {
            owned_.add(parameter.type);
          }
        }
      }
      const auto* builtin = std::get_if<component::ResourceBuiltin>(&canon.what);
      if (builtin != nullptr && builtin->op == component::ResourceOp::kDrop && drops_outside(CanonId(i))) {
        drop(builtin->resource);
      }
    }
    for (const ResourceId resource : owned_.take()) {
      drop(resource);
    }
  }
  void drop(ResourceId resource) {
    if (!dropped_[resource.value]) {
      dropped_[resource.value] = true;
      add_counterpart(composition_.resources[resource.value].destructor);
    }
  }
  /// Whether it is wired to an import of a core module that stands alone, which guests reach: what is behind
  /// that, whoever links it, runs the destructor.
  [[nodiscard]] bool drops_outside(CanonId canon) const {
    for (const FunctionId function : alignment_.wired_to[canon.value]) {
      if (walk_.reached()[function.value] &&
          fused_.functions[function.value].kind == LinkedFunction::Kind::kImport) {
        return true;
      }
    }
    return false;
  }

  const Composition& composition_;
  const Image& composed_;
  const Image& fused_;
  const Alignment& alignment_;
  Walk walk_;
  Owned owned_;
  std::vector<bool> followed_;  ///< by the composed file's functions: what they call was looked at
  std::vector<bool> called_;    ///< by canon
  std::vector<bool> dropped_;
};

}  // namespace

Reach reach(const Composition& composition, const Image& composed, const Image& fused,
            const Alignment& alignment) {
  return Reaching(composition, composed, fused, alignment).run();
}

}  // namespace meld_verify::lift
