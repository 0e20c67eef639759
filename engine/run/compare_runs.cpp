// Where two runs part.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/run/guest_events.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::ResourceId;
using Kind = GuestEvent::Kind;
using Difference = RunDifference::Kind;
using spec::TrapClass;

/// The run did not come to an end of its own.
bool cut_short(const RunOutcome& run) {
  if (!run.trap) {
    return false;
  }
  switch (run.trap->trap_class) {
    case TrapClass::kUnsupported:
    case TrapClass::kNotValid:
    case TrapClass::kHostFault:
    case TrapClass::kHostTrap:
    case TrapClass::kDead:
      return true;
    default:
      return false;
  }
}

bool same(const GuestEvent& left, const GuestEvent& right) {
  return left.kind == right.kind && left.instance == right.instance && left.resource == right.resource &&
         left.function == right.function && left.object == right.object &&
         (left.lent == right.lent || left.lent.empty() || right.lent.empty());
}

std::size_t parting(const std::vector<GuestEvent>& left, const std::vector<GuestEvent>& right) {
  return static_cast<std::size_t>(
      std::mismatch(left.begin(), left.end(), right.begin(), right.end(), same).first - left.begin());
}

class Comparison {
 public:
  Comparison(const lift::Pair& pair, const RunOutcome& composed, const RunOutcome& fused)
      : pair_(pair), composed_(composed), fused_(fused), words_(pair.composed) {
    at_ = parting(composed.events, fused.events);
  }

  RunDifference result() {
    const std::string unseen = what_the_fused_run_cannot_show();
    if (unseen.empty()) {
      if (auto found = foreign_rep()) {
        return *std::move(found);
      }
    }
    const bool whole = at_ == composed_.events.size() && at_ == fused_.events.size();
    if (cut_short(composed_) || cut_short(fused_)) {
      if (unseen.empty() && at_ < composed_.events.size() && at_ < fused_.events.size()) {
        return difference(Difference::kOrder, parting_words());  // whatever would have come after
      }
      return difference(Difference::kIncomparable,
                        cut_short(composed_) ? "the composed file cannot be run: " + composed_.trap->sentence
                                             : "the fused file cannot be run: " + fused_.trap->sentence);
    }
    if (composed_.trap.has_value() != fused_.trap.has_value()) {
      return difference(
          Difference::kTrap,
          fused_.trap ? "the fused file traps where the composed one ends well: " + fused_.trap->sentence
                      : "the fused file ends well where the composed one traps: " + composed_.trap->sentence);
    }
    if (!unseen.empty()) {
      return difference(Difference::kIncomparable, unseen);
    }
    if (composed_.trap) {
      return whole ? difference(Difference::kNone, {})
                   : difference(Difference::kTrap,
                                "both files trap, but not at the same place: " + parting_words());
    }
    if (auto found = destructor_counts()) {
      return *std::move(found);
    }
    if (!whole) {
      return difference(Difference::kOrder, parting_words());
    }
    for (std::size_t i = 0; i < std::min(composed_.results.size(), fused_.results.size()); ++i) {
      if (composed_.results[i] && fused_.results[i] && *composed_.results[i] != *fused_.results[i]) {
        return difference(Difference::kResult,
                          fmt::format("call {} gives {} in the fused file, {} in the composed one", i + 1,
                                      *fused_.results[i], *composed_.results[i]));
      }
    }
    return difference(Difference::kNone, {});
  }

 private:
  RunDifference difference(Difference kind, std::string sentence) const {
    return {kind, std::move(sentence), at_, at_};
  }

  /// Code that ran in the composed file and has no counterpart to be seen; empty when there is none.
  std::string what_the_fused_run_cannot_show() const {
    for (const CanonId canon : composed_.called) {
      if (pair_.alignment.wired_to[canon.value].empty() && !lost(pair_.composed.canons[canon.value].owner)) {
        return fmt::format("it is not known what stands for {} of {} in the fused file", words_.canon(canon),
                           words_.instance(pair_.composed.canons[canon.value].owner));
      }
    }
    for (std::size_t i = 0; i < pair_.composed_image.instances.size() && !composed_.called.empty(); ++i) {
      const lift::LinkedInstance& instance = pair_.composed_image.instances[i];
      const auto& start = pair_.composed_image.module_of(component::CoreInstanceId(i)).start;
      if (start && !pair_.alignment.counterpart[instance.functions[*start].value] && !lost(instance.owner)) {
        return fmt::format("it is not known which code of the fused file is the start function of {}",
                           words_.instance(instance.owner));
      }
    }
    std::vector<char> called(pair_.composed.canons.size()), destroyed(pair_.composed.resources.size());
    for (const GuestEvent& event : composed_.events) {
      const bool destruction = event.kind == Kind::kDestroyed;
      if ((!destruction && event.kind != Kind::kCalled) ||
          std::exchange(destruction ? destroyed[event.resource->value] : called[event.function->value], 1) !=
              0) {
        continue;
      }
      const auto function =
          destruction ? destructor_function(pair_, *event.resource) : lifted_function(pair_, *event.function);
      if (function && !pair_.alignment.counterpart[function->value] && !lost(event.instance)) {
        return fmt::format("it is not known which code of the fused file is {} of {}",
                           destruction ? "the destructor of " + words_.resource(*event.resource)
                                       : words_.function(*event.function),
                           words_.instance(event.instance));
      }
    }
    return {};
  }

  /// Another instance took its place: nothing of it is there to be seen, and that is known.
  bool lost(component::InstanceId instance) const {
    return std::any_of(pair_.alignment.gaps.begin(), pair_.alignment.gaps.end(), [&](const auto& gap) {
      return gap.lost && pair_.composed_image.instances[gap.original.value].owner == instance;
    });
  }

  std::optional<RunDifference> foreign_rep() const {
    // Types whose definer calls the destructor, or such a function, itself with what is no rep.
    std::vector<bool> odd(pair_.composed.resources.size());
    for (const GuestEvent& event : composed_.events) {
      if (event.foreign) {
        odd[about(event).first.value] = true;
      }
    }
    for (std::size_t i = 0; i < fused_.events.size(); ++i) {
      const GuestEvent& event = fused_.events[i];
      if (!event.foreign || odd[about(event).first.value]) {
        continue;
      }
      const auto [resource, rep] = about(event);
      const std::string who = words_.instance(event.instance);
      std::string sentence =
          event.kind == Kind::kDestroyed
              ? fmt::format("{}'s destructor of {} gets 0x{:x}, {}", who, words_.resource(resource), rep,
                            what_it_got(i))
              : fmt::format("{}'s {} gets 0x{:x} for its {}, {}", who, words_.function(*event.function), rep,
                            words_.resource(resource), what_it_got(i));
      if (fused_.trap) {
        sentence += "; then it traps: " + fused_.trap->sentence;
      }
      return RunDifference{Difference::kForeignRep, std::move(sentence), at_, i};
    }
    return std::nullopt;
  }

  /// The resource type and the rep that an event with a foreign one is about.
  static std::pair<ResourceId, std::uint32_t> about(const GuestEvent& event) {
    for (const LentObject& lent : event.lent) {
      if (!lent.object) {
        return {lent.resource, lent.rep};
      }
    }
    return {*event.resource, event.value};
  }

  /// Of a foreign rep: "which leaf never made (it is a rep of intermediate's thing)"
  std::string what_it_got(std::size_t of) const {
    const GuestEvent& event = fused_.events[of];
    const std::string who = words_.instance(event.instance);
    if (event.instead_of) {
      const component::Resource& dropped = pair_.composed.resources[event.instead_of->value];
      const bool alike = makes(of, event.resource).has_value();
      return fmt::format("which {} never made: it is the rep of {}'s {}, of which a handle is dropped{}", who,
                         words_.instance(dropped.definer), words_.resource(*event.instead_of),
                         alike ? fmt::format(" ({} made another of that number)", who) : std::string());
    }
    if (makes(of, about(event).first)) {
      return "which is destroyed already";
    }
    const std::optional<std::size_t> maker = makes(of, std::nullopt);
    return fmt::format(
        "which {} never made{}", who,
        maker ? fmt::format(" (it is a rep of {}'s {})", words_.instance(fused_.events[*maker].instance),
                            words_.resource(*fused_.events[*maker].resource))
              : std::string());
  }

  /// The last event before another one that makes its rep, of that resource type or of any.
  std::optional<std::size_t> makes(std::size_t before, std::optional<ResourceId> resource) const {
    const std::uint32_t rep = about(fused_.events[before]).second;
    for (std::size_t i = before; i-- > 0;) {
      const GuestEvent& event = fused_.events[i];
      if (event.kind == Kind::kMade && event.value == rep && (!resource || event.resource == resource)) {
        return i;
      }
    }
    return std::nullopt;
  }

  std::optional<RunDifference> destructor_counts() const {
    std::vector<std::size_t> expected(pair_.composed.resources.size()), seen(expected.size());
    const auto count = [](const RunOutcome& run, std::vector<std::size_t>& counts) {
      for (const GuestEvent& event : run.events) {
        if (event.kind == Kind::kDestroyed) {
          ++counts[event.resource->value];
        }
      }
    };
    count(composed_, expected);
    count(fused_, seen);
    for (const bool missing : {true, false}) {
      for (std::size_t i = 0; i < seen.size(); ++i) {
        if (missing ? seen[i] < expected[i] : seen[i] > expected[i]) {
          const component::Resource& resource = pair_.composed.resources[i];
          const std::string who =
              words_.instance(resource.definer) + "'s destructor of " + words_.resource(ResourceId(i));
          return missing ? difference(Difference::kMissingDestructor,
                                      fmt::format("{} runs {} of {} times", who, seen[i], expected[i]))
                         : difference(Difference::kExtraDestructor,
                                      fmt::format("{} runs {} times, {} in the composed file", who, seen[i],
                                                  expected[i]));
        }
      }
    }
    return std::nullopt;
  }

  std::string parting_words() const {
    const auto words = [&](const RunOutcome& run) {
      return at_ < run.events.size() ? words_.event(run.events[at_]) : std::string("nothing more");
    };
    return fmt::format("event {} is \"{}\" in the fused file, \"{}\" in the composed one", at_ + 1,
                       words(fused_), words(composed_));
  }

  const lift::Pair& pair_;
  const RunOutcome& composed_;
  const RunOutcome& fused_;
  GuestWords words_;
  std::size_t at_ = 0;
};

}  // namespace

RunDifference compare(const lift::Pair& pair, const RunOutcome& composed, const RunOutcome& fused) {
  return Comparison(pair, composed, fused).result();
}

}  // namespace meld_verify::run
