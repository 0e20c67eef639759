#include "engine/check/words.h"

#include <fmt/format.h>

#include "engine/check/conversion.h"

namespace meld_verify::check {
namespace {

using routing::Plan;
using routing::StepOp;
using topology::HandleKind;
using topology::kHost;
using topology::Topology;

const std::string& name_of(const Topology& topology, topology::InstanceId instance) {
  return topology.text(topology.instances[instance.value].name);
}

/// The ends of a position, for speaking of its value.
struct Ends {
  Ends(const Topology& topology, const Plan& plan, std::uint32_t id)
      : position(topology.positions[id]),
        sender(topology.views[position.sender.value]),
        receiver(topology.views[position.receiver.value]),
        definer(topology.resources[receiver.resource.value].definer),
        from(plan.tables[plan.views[position.sender.value].table.value]),
        to(plan.tables[plan.views[position.receiver.value].table.value]),
        borrow(position.kind == HandleKind::kBorrow) {}

  [[nodiscard]] bool token() const { return definer == kHost; }
  [[nodiscard]] bool leaves_as_rep() const { return sender.instance == kHost && (borrow || token()); }
  [[nodiscard]] bool arrives_as_rep() const { return receiver.instance == definer && (borrow || token()); }

  const topology::Position& position;
  const topology::View& sender;
  const topology::View& receiver;
  topology::InstanceId definer;
  const routing::Table& from;
  const routing::Table& to;
  bool borrow;
};

std::string rep_words(const Topology& topology, const Ends& ends) {
  return ends.token()
             ? fmt::format("canonical handle of {}", resource_words(topology, ends.receiver.resource))
             : fmt::format("rep of {}", resource_words(topology, ends.receiver.resource));
}

}  // namespace

std::string arrow(const Topology& topology, const topology::Boundary& boundary) {
  return name_of(topology, boundary.caller) + " → " + name_of(topology, boundary.callee);
}

std::string boundary_words(const Topology& topology, std::uint32_t id) {
  const topology::Boundary& boundary = topology.boundaries[id];
  std::string words = arrow(topology, boundary);
  for (const std::string& part : {topology.text(boundary.interface_name), topology.text(boundary.function)}) {
    if (!part.empty()) {
      words += "  " + part;
    }
  }
  return words;
}

std::string position_words(const Topology& topology, std::uint32_t id) {
  const topology::Position& position = topology.positions[id];
  std::string path = topology.layouts[position.layout.value].path;
  if (path.starts_with("params/")) {
    path.erase(0, 7);
  }
  return boundary_words(topology, position.boundary.value) + (path.empty() ? "" : "  " + path);
}

std::string resource_words(const Topology& topology, topology::ResourceId id) {
  const topology::Resource& resource = topology.resources[id.value];
  return topology.text(resource.name) + " of " + name_of(topology, resource.definer);
}

std::string view_words(const Topology& topology, std::uint32_t id) {
  const topology::View& view = topology.views[id];
  const std::string& interface_name = topology.text(view.interface_name);
  return fmt::format("{}'s {}{}", name_of(topology, view.instance), topology.text(view.name),
                     interface_name.empty() ? "" : " (" + interface_name + ")");
}

std::string steps_words(const Plan& plan, const routing::PositionRoute& route) {
  std::string words;
  for (std::uint32_t i = 0; i < route.count; ++i) {
    const routing::Step& step = route.steps[i];
    const std::string& table = plan.tables[step.table.value].id;
    std::string part;
    switch (step.op) {
      case StepOp::kTake:
        part = "take from " + table;
        break;
      case StepOp::kLend:
        part = "lend from " + table;
        break;
      case StepOp::kRep:
        part = "rep from " + table;
        break;
      case StepOp::kNew:
        part = fmt::format("new in {} as {}", table, plan.types[step.type.value].id);
        break;
      case StepOp::kBorrow:
        part = fmt::format("borrow in {} as {}", table, plan.types[step.type.value].id);
        break;
    }
    words += words.empty() ? part : ", " + part;
  }
  return words.empty() ? "nothing" : words;
}

std::string leaves_words(const Topology& topology, const Plan& plan, std::uint32_t id) {
  const Ends ends(topology, plan, id);
  return ends.leaves_as_rep() ? rep_words(topology, ends) : fmt::format("handle in table {}", ends.from.id);
}

std::string belongs_words(const Topology& topology, const Plan& plan, std::uint32_t id) {
  const Ends ends(topology, plan, id);
  if (ends.arrives_as_rep()) {
    return rep_words(topology, ends);
  }
  if (ends.borrow && !ends.token() && ends.receiver.instance != kHost &&
      ends.to.storage == routing::Storage::kCanonical) {
    return fmt::format("borrow handle in a table of {}'s own", name_of(topology, ends.receiver.instance));
  }
  return fmt::format("{} handle in table {}", ends.borrow ? "borrow" : "own", ends.to.id);
}

std::string arrives_words(const Topology& topology, const Plan& plan, std::uint32_t id) {
  const Ends ends(topology, plan, id);
  std::string value = leaves_words(topology, plan, id);
  bool rep = ends.leaves_as_rep() || (ends.token() && ends.from.storage == routing::Storage::kCanonical);
  std::string table = ends.from.id;
  const routing::PositionRoute& route = plan.positions[id];
  for (std::uint32_t i = 0; i < route.count; ++i) {
    const routing::Step& step = route.steps[i];
    const std::string& at = plan.tables[step.table.value].id;
    if (step.op == StepOp::kBorrow && step.table == routing::kCanonicalTable && !ends.token() &&
        ends.receiver.instance != kHost) {
      return "no handle: to the run time the fused component is the definer, and is never given a borrow "
             "entry";
    }
    if (step.op == StepOp::kNew || step.op == StepOp::kBorrow) {
      value = fmt::format("{} handle in table {}{}", step.op == StepOp::kNew ? "own" : "borrow", at,
                          rep ? "" : ", whose rep is a " + value);
      rep = false;
      table = at;
    } else if (rep) {
      return fmt::format("what table {} has under a rep", at);
    } else if (table != at) {
      return fmt::format("what table {} has under an index of table {}", at, table);
    } else {
      value = rep_words(topology, ends);
      rep = true;
    }
  }
  return value;
}

std::string required_words(const Topology& topology, const Plan& plan, std::uint32_t id) {
  const topology::Position& position = topology.positions[id];
  const auto route = right_conversion(topology, position, plan.views[position.sender.value],
                                      plan.views[position.receiver.value]);
  return route ? steps_words(plan, *route)
               : "keep the handles of instances in tables of their own, not in the canonical one";
}

}  // namespace meld_verify::check
