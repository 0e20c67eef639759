#include "engine/lift/alignment.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/lift/correspondence.h"
#include "engine/lift/forward.h"
#include "engine/lift/initial_memory.h"
#include "engine/lift/placement.h"
#include "engine/wasm/printable.h"

namespace meld_verify::lift {
namespace {

using component::CoreItem;

wasm::Diagnostic does_not_belong(const component::Composition& composition, const Image& composed,
                                 const Image& fused, CoreInstanceId instance) {
  const LinkedInstance& stranger = composed.instances[instance.value];
  return {.kind = wasm::DiagnosticKind::kBadInput,
          .code = "does-not-belong",
          .place = {.file = fused.file, .offset = {}, .within = {}, .pointer = {}},
          .sentence =
              fmt::format("it was not made of {}: the {} functions of core module {} of {} are not in "
                          "it",
                          composed.file, composed.module_of(instance).functions.size(), stranger.module.value,
                          wasm::printable(composition.instances[stranger.owner.value].name))};
}

/// All that guests of the composed file can run, whoever calls: lifted functions with what goes with them,
/// destructors, start functions.
std::vector<bool> runnable(const component::Composition& composition, const Image& composed) {
  Walk walk(composed);
  const auto add = [&](const std::optional<CoreItem>& item) {
    if (const auto function = item ? composed.function_of(*item) : std::nullopt) {
      walk.add(*function);
    }
  };
  for (const component::Canon& canon : composition.canons) {
    const component::CanonOptions* options = nullptr;
    if (const auto* lift = std::get_if<component::Lift>(&canon.what)) {
      add(lift->core);
      options = &lift->options;
    } else if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      options = &lower->options;
    }
    if (options != nullptr) {
      add(options->realloc);
      add(options->post_return);
      add(options->callback);
    }
  }
  for (const component::Resource& resource : composition.resources) {
    add(resource.destructor);
  }
  for (std::uint32_t i = 0; i < composed.instances.size(); ++i) {
    const auto& start = composed.module_of(CoreInstanceId{i}).start;
    if (start && *start < composed.instances[i].functions.size()) {
      walk.add(composed.instances[i].functions[*start]);
    }
  }
  walk.run([](FunctionId) { return false; }, composed.functions.size());
  return walk.reached();
}

/// Gaps for what was not found, as far as it can run.
void report_missing(const component::Composition& composition, const Image& composed,
                    const std::vector<InstancePlace>& places, Correspondence& correspondence) {
  std::optional<std::vector<bool>> needed;
  const auto is_needed = [&](FunctionId function) {
    if (!needed) {
      needed = runnable(composition, composed);
    }
    return static_cast<bool>((*needed)[function.value]);
  };
  for (std::uint32_t i = 0; i < places.size(); ++i) {
    const CoreInstanceId id{i};
    const LinkedInstance& instance = composed.instances[i];
    const std::uint32_t imported = composed.module_of(id).imported_functions;
    const std::size_t defined = instance.functions.size() - imported;
    const auto any_needed = [&] {
      return std::any_of(instance.functions.begin() + imported, instance.functions.end(), is_needed);
    };
    switch (places[i].placed) {
      case Placed::kNotNeeded:
        break;
      case Placed::kAt: {
        const Match& match = *places[i].match;
        for (std::uint32_t k = 0; match.different > 0 && k < defined; ++k) {
          if (!match.equal[k] && is_needed(instance.functions[imported + k])) {
            correspondence.gap(id, fmt::format("function {} has no counterpart", imported + k), imported + k);
          }
        }
        break;
      }
      case Placed::kLost:
        if (any_needed()) {
          correspondence.gap(id,
                             fmt::format("the fused file has no copy of it: its place is another core "
                                         "instance's, which has {} functions too",
                                         defined),
                             {}, true);
        }
        break;
      case Placed::kNowhere:
        if (any_needed()) {
          correspondence.gap(id, "it is not in the fused file, or most of it is not");
        }
        break;
      case Placed::kAmbiguous:
        correspondence.gap(id,
                           "it is ambiguous where it lies: several places in the fused file are equal, and "
                           "what is called from where does not tell which is which");
        break;
    }
  }
}

/// Forwarders that have no counterpart: what they lead to stands for them.
void see_through(const Image& composed, const Image& fused, const std::vector<InstancePlace>& places,
                 Alignment& alignment) {
  for (std::uint32_t i = 0; i < places.size(); ++i) {
    const LinkedInstance& instance = composed.instances[i];
    const std::uint32_t imported = composed.module_of(CoreInstanceId{i}).imported_functions;
    if (places[i].placed == Placed::kNotNeeded) {
      alignment.instances[i].found = true;
    }
    for (std::size_t k = imported; k < instance.functions.size(); ++k) {
      const FunctionId function = instance.functions[k];
      const FunctionId end = composed.behind(function);
      if (alignment.counterpart[function.value] || end == function) {
        continue;
      }
      const LinkedFunction& linked = composed.functions[end.value];
      std::optional<FunctionId> there = alignment.counterpart[end.value];
      if (linked.kind == LinkedFunction::Kind::kCanon) {
        const auto& wired = alignment.wired_to[linked.canon.value];
        there = wired.empty() ? std::nullopt : std::optional(wired.front());
        ++alignment.aligned_functions;
      } else if (there) {
        there = fused.behind(*there);
        ++alignment.aligned_functions;
      }
      alignment.counterpart[function.value] = there;
      alignment.instances[i].functions[k] = there;
    }
  }
}

}  // namespace

wasm::Expected<Alignment> align(const component::Composition& composition, const Image& composed,
                                const Image& fused) {
  const Placement placement(composition, composed, fused);
  if (const auto stranger = placement.stranger()) {
    return tl::unexpected(does_not_belong(composition, composed, fused, *stranger));
  }
  const std::vector<InstancePlace>& places = placement.places();
  Alignment alignment;
  alignment.instances.resize(composed.instances.size());
  alignment.is_guest.resize(fused.functions.size());
  alignment.original_of.resize(fused.functions.size());
  alignment.wired_to.resize(composition.canons.size());
  alignment.counterpart.resize(composed.functions.size());
  for (std::uint32_t i = 0; i < composed.instances.size(); ++i) {
    alignment.all_functions += composed.module_of(CoreInstanceId{i}).functions.size();
  }
  Correspondence correspondence(composition, composed, fused, places, alignment);
  correspondence.relate_all();
  report_missing(composition, composed, places, correspondence);
  correspondence.compare_imports();
  correspondence.compare_tables();
  correspondence.compare_globals();
  correspondence.compare_segments();
  correspondence.compare_memories();
  correspondence.relate_quiet_memories();
  correspondence.spread();
  correspondence.compare_starts();
  correspondence.check_segments();
  correspondence.check_growth();
  see_through(composed, fused, places, alignment);
  if (placement.exhausted() && !composed.instances.empty()) {
    correspondence.gap(CoreInstanceId{},
                       "the fused file has too many equal places for core modules to "
                       "tell which is which");
  }
  return alignment;
}

bool is_generated(const Image& fused, const Alignment& alignment, FunctionId function) {
  return fused.functions[function.value].kind == LinkedFunction::Kind::kDefined &&
         !alignment.is_guest[function.value];
}

std::vector<bool> guests_memories(const Image& fused, const Alignment& alignment) {
  std::vector<bool> known(fused.memories.size());
  for (const AlignedInstance& instance : alignment.instances) {
    for (const std::optional<MemoryId>& memory : instance.memories) {
      if (memory) {
        known[memory->value] = true;
      }
    }
  }
  return known;
}

}  // namespace meld_verify::lift
