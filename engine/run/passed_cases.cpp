#include "engine/run/passed_cases.h"

#include <algorithm>
#include <map>
#include <set>
#include <variant>

#include "engine/lift/value_walk.h"
#include "engine/run/program.h"
#include "engine/smt/facts.h"

namespace meld_verify::run {
namespace {

using component::TypeId;
using component::TypeKind;
using component::TypeNode;
using spec::Choice;
using spec::Sequence;
using spec::Value;

constexpr std::uint8_t kInactiveCase = 31;  // L31
constexpr std::uint64_t kMostSteps = 200'000'000;

/// What was seen at a position.
struct Seen {
  bool handle = false;      ///< one was passed
  bool other_case = false;  ///< another case around it was active
};

/// Sees which cases pass, in all runs.
class CaseObserver : public spec::Observer {
 public:
  CaseObserver(const component::Composition& composition, const topology::Topology& topology)
      : composition_(composition), seen(topology.positions.size()) {
    for (const topology::Boundary& boundary : topology.boundaries) {
      if (boundary.lift) {
        calls_[{boundary.caller.value, boundary.lift->value}].push_back(&boundary);
      }
    }
  }

  const Program* program = nullptr;

  void passed(const spec::Crossing& crossing, bool results, const Sequence& values) override {
    const auto lift = program->lift_of(crossing.function);
    if (!lift) {
      return;
    }
    const auto found = calls_.find({program->instance_of(crossing.caller).value, lift->value});
    if (found == calls_.end()) {
      return;
    }
    const component::FuncType& type =
        composition_.types[std::get<component::Lift>(composition_.canons[lift->value].what).type];
    std::vector<TypeId> types;
    std::uint32_t first = 0;
    for (const component::Parameter& param : type.params) {
      if (results) {
        first += lift::handles_below(composition_.types, param.type);
      } else {
        types.push_back(param.type);
      }
    }
    if (results && type.result) {
      types.push_back(*type.result);
    }
    for (const topology::Boundary* boundary : found->second) {
      boundary_ = boundary;
      position_ = first;
      for (std::size_t i = 0; i < types.size() && i < values.items.size(); ++i) {
        visit(types[i], &values.items[i]);
      }
    }
  }

 private:
  const component::Composition& composition_;

 public:
  std::vector<Seen> seen;  ///< by position

 private:
  Seen* here() {
    return position_ < boundary_->position_count ? &seen[boundary_->first_position + position_] : nullptr;
  }

  /// `value` is null below a case that is not the active one.
  void visit(TypeId id, const Value* value) {
    const TypeNode& node = composition_.types[id];
    if (!node.has_handle) {
      return;
    }
    const std::uint32_t first = position_;
    if (node.kind == TypeKind::kOwn || node.kind == TypeKind::kBorrow) {
      if (Seen* const seen_here = here()) {
        (value != nullptr ? seen_here->handle : seen_here->other_case) = true;
      }
      ++position_;
      return;
    }
    const Choice* const choice = value != nullptr ? std::get_if<Choice>(&value->content) : nullptr;
    const Sequence* const items = value != nullptr ? std::get_if<Sequence>(&value->content) : nullptr;
    switch (node.kind) {
      case TypeKind::kVariant:
      case TypeKind::kOption:
      case TypeKind::kResult:
        for (std::uint32_t i = 0; i < node.members.size(); ++i) {
          if (node.members[i].type) {
            const std::uint32_t wanted = node.kind == TypeKind::kOption ? 1 : i;
            const bool active = choice != nullptr && choice->chosen == wanted && !choice->payload.empty();
            visit(*node.members[i].type, active ? &choice->payload.front() : nullptr);
          }
        }
        break;
      case TypeKind::kRecord:
      case TypeKind::kTuple:
        for (std::uint32_t i = 0; i < node.members.size(); ++i) {
          visit(*node.members[i].type,
                items != nullptr && i < items->items.size() ? &items->items[i] : nullptr);
        }
        break;
      case TypeKind::kFixedList:
        for (std::uint32_t i = 0; i < node.length; ++i) {
          visit(*node.members.front().type,
                items != nullptr && i < items->items.size() ? &items->items[i] : nullptr);
        }
        break;
      case TypeKind::kList:
        if (items != nullptr) {
          for (const Value& item : items->items) {
            position_ = first;
            visit(*node.members.front().type, &item);
          }
        }
        break;
      case TypeKind::kMap:
        if (items != nullptr) {
          for (const Value& item : items->items) {
            position_ = first;
            const Sequence* const entry = std::get_if<Sequence>(&item.content);
            visit(*node.members[1].type,
                  entry != nullptr && entry->items.size() == 2 ? &entry->items[1] : nullptr);
          }
        }
        break;
      default:
        break;
    }
    position_ = first + lift::handles_below(composition_.types, id);
  }

  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<const topology::Boundary*>> calls_;
  const topology::Boundary* boundary_ = nullptr;
  std::uint32_t position_ = 0;
};

/// Whether it ended well.
bool run_all(const lift::Pair& pair, CaseObserver& observer,
             const std::vector<const component::WorldExport*>& calls) {
  Program program(pair.composed, pair.composed_image.bytes, &observer);
  observer.program = &program;
  program.limit_steps(kMostSteps);
  if (!program.start()) {
    return false;
  }
  return std::all_of(calls.begin(), calls.end(),
                     [&](const component::WorldExport* call) { return program.call(*call, {}).has_value(); });
}

}  // namespace

bool takes_no_input(const component::Composition& composition) {
  return composition.host_funcs.empty() &&
         std::none_of(
             composition.resources.begin(), composition.resources.end(),
             [](const component::Resource& resource) { return resource.definer == component::kHost; }) &&
         std::all_of(composition.exports.begin(), composition.exports.end(),
                     [&](const component::WorldExport& item) {
                       return std::holds_alternative<component::CanonId>(item.func) &&
                              composition.types[item.type].params.empty();
                     });
}

void leave_out_cases(const lift::Pair& pair, lift::Lifted& lifted) {
  topology::Topology& topology = lifted.topology;
  const bool has_cases =
      std::any_of(topology.positions.begin(), topology.positions.end(), [&](const topology::Position& one) {
        const topology::Layout& layout = topology.layouts[one.layout.value];
        return layout.in_variant || layout.in_list;
      });
  if (!has_cases || !takes_no_input(pair.composed)) {
    return;
  }
  CaseObserver observer(pair.composed, topology);
  std::vector<const component::WorldExport*> all;
  bool well = true;
  for (const component::WorldExport& item : pair.composed.exports) {
    well = well && run_all(pair, observer, {&item});
    all.push_back(&item);
  }
  const std::size_t once = all.size();
  for (std::size_t i = 0; i < once; ++i) {
    all.push_back(all[i]);
  }
  if (!well || !run_all(pair, observer, all)) {
    return;
  }
  bool left_out = false;
  for (std::uint32_t p = 0; p < topology.positions.size(); ++p) {
    const topology::Layout& layout = topology.layouts[topology.positions[p].layout.value];
    if (!layout.in_variant && !layout.in_list) {
      continue;
    }
    const Seen& seen = observer.seen[p];
    routing::PositionRoute& route = lifted.plan.positions[p];
    if (!seen.handle) {
      topology.positions[p].reachable = false;
      left_out = true;
    }
    if (seen.other_case) {
      continue;
    }
    bool noted = false;
    for (lift::Note& note : lifted.notes) {
      if (note.code == kInactiveCase && note.position == topology::PositionId{p}) {
        note.latent = noted = left_out = true;
      }
    }
    if (route.layout_override != 0 &&
        smt::misplacement(topology, lifted.plan, p) == smt::Misplacement::kGuard) {
      route.layout_override = 0;
      left_out = true;
      if (!noted) {
        lift::Note note;
        note.code = kInactiveCase;
        note.boundary = topology.positions[p].boundary;
        note.position = topology::PositionId{p};
        note.sentence =
            "it is converted whatever the case, and no run of the world's exports passes another one";
        note.place = lifted.position_code[p];
        note.latent = true;
        lifted.notes.push_back(std::move(note));
      }
    }
  }
  if (left_out) {
    lifted.assumptions.push_back(
        "the world takes no input: cases that its exports did not pass when run are never passed");
  }
}

}  // namespace meld_verify::run
