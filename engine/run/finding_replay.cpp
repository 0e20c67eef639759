#include "engine/run/finding_replay.h"

#include <fmt/format.h>

#include <optional>

namespace meld_verify::run {
namespace {

using check::Unit;
using check::UnitKind;
using check::Whole;
using component::CanonId;

/// Whether a finding about `unit` is about this view.
bool is_about(const lift::Lifted& lifted, const Unit& unit, std::uint32_t view) {
  const routing::ViewRoute& route = lifted.plan.views[view];
  switch (unit.kind) {
    case UnitKind::kPosition:
      return false;
    case UnitKind::kView:
      return view == unit.id;
    case UnitKind::kTable:
      for (const auto& table :
           {std::optional(route.table), route.new_table, route.rep_table, route.drop_table}) {
        if (table && table->value == unit.id) {
          return true;
        }
      }
      return false;
    case UnitKind::kKey:
      return route.type.value == unit.id;
  }
  return false;
}

constexpr std::uint8_t kRunDiffers = 57;  // L57

/// Code may need more of the stack than what it stands for.
bool ends_at_a_limit(const spec::Trap& trap) {
  return trap.sentence.find("call stack exhausted") != std::string::npos;
}

}  // namespace

std::vector<CanonId> canons_of(const lift::Pair& pair, const lift::Lifted& lifted,
                               const check::Finding& finding) {
  std::vector<CanonId> canons;
  const topology::Topology& topology = lifted.topology;
  const auto boundary = [&](std::uint32_t id) {
    if (topology.boundaries[id].lower) {
      canons.push_back(*topology.boundaries[id].lower);
    }
  };
  const auto built_ins = [&](topology::InstanceId owner, std::optional<topology::ResourceId> resource) {
    for (std::uint32_t c = 0; c < pair.composed.canons.size(); ++c) {
      const component::Canon& canon = pair.composed.canons[c];
      const auto* built_in = std::get_if<component::ResourceBuiltin>(&canon.what);
      if (canon.owner == owner && (built_in ? !resource || built_in->resource == *resource : !resource)) {
        canons.emplace_back(c);
      }
    }
  };
  if (finding.whole) {
    if (finding.whole->kind == Whole::Kind::kBoundary) {
      boundary(finding.whole->id);
    } else if (finding.whole->kind == Whole::Kind::kInstance) {
      built_ins(topology::InstanceId{finding.whole->id}, std::nullopt);
    }
    return canons;
  }
  if (finding.unit.kind == UnitKind::kPosition) {
    boundary(topology.positions[finding.unit.id].boundary.value);
    return canons;
  }
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    if (is_about(lifted, finding.unit, v)) {
      built_ins(topology.views[v].instance, topology.views[v].resource);
    }
  }
  return canons;
}

bool differs(const Replay& replay) {
  return replay.difference.kind != RunDifference::Kind::kNone &&
         replay.difference.kind != RunDifference::Kind::kIncomparable;
}

bool is_comparable(const Replay& replay) {
  return replay.difference.kind != RunDifference::Kind::kIncomparable;
}

std::optional<lift::Note> note_of(const Replay& replay) {
  if (replay.composed.trap) {
    return std::nullopt;  // a guest, or the made-up call, may be what is wrong
  }
  switch (replay.difference.kind) {
    case RunDifference::Kind::kNone:
    case RunDifference::Kind::kResult:
    case RunDifference::Kind::kIncomparable:
      return std::nullopt;
    case RunDifference::Kind::kTrap:
      if (replay.fused.trap && ends_at_a_limit(*replay.fused.trap)) {
        return std::nullopt;
      }
      break;
    case RunDifference::Kind::kForeignRep:
    case RunDifference::Kind::kMissingDestructor:
    case RunDifference::Kind::kExtraDestructor:
    case RunDifference::Kind::kOrder:
      break;
  }
  lift::Note note;
  note.code = kRunDiffers;
  note.sentence = fmt::format("a run of {} shows it: {}",
                              replay.call.empty() ? std::string("its start functions") : replay.call,
                              replay.difference.sentence);
  return note;
}

}  // namespace meld_verify::run
