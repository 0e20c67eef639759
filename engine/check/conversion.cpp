#include "engine/check/conversion.h"

namespace meld_verify::check {

using routing::kCanonicalTable;
using routing::StepOp;
using topology::kHost;

std::optional<routing::PositionRoute> right_conversion(const topology::Topology& topology,
                                                       const topology::Position& position,
                                                       const routing::ViewRoute& from,
                                                       const routing::ViewRoute& to) {
  const topology::View& sender = topology.views[position.sender.value];
  const topology::View& receiver = topology.views[position.receiver.value];
  const topology::InstanceId definer = topology.resources[receiver.resource.value].definer;
  const bool borrow = position.kind == topology::HandleKind::kBorrow;
  bool starts_as_rep = sender.instance == kHost && (borrow || definer == kHost);
  bool ends_as_rep = receiver.instance == definer && (borrow || definer == kHost);
  if (definer == kHost) {
    const bool from_canonical = from.table == kCanonicalTable, to_canonical = to.table == kCanonicalTable;
    if (sender.instance != kHost && receiver.instance != kHost && (from_canonical || to_canonical)) {
      return from_canonical && to_canonical && !borrow && from.type == to.type
                 ? std::optional(routing::PositionRoute{})
                 : std::nullopt;
    }
    starts_as_rep |= from_canonical;
    ends_as_rep |= to_canonical;
  }
  // FS1: a borrow entry that the run time makes of itself arrives as the rep.
  if (borrow && !ends_as_rep && receiver.instance != kHost && to.table == kCanonicalTable) {
    return std::nullopt;
  }
  routing::PositionRoute route;
  if (!starts_as_rep) {
    route.steps[route.count++] = {borrow ? StepOp::kLend : StepOp::kTake, from.table, {}};
  }
  if (!ends_as_rep) {
    route.steps[route.count++] = {borrow ? StepOp::kBorrow : StepOp::kNew, to.table, to.type};
  }
  return route;
}

}  // namespace meld_verify::check
