#include "engine/check/explain_unit.h"

#include <fmt/format.h>

#include "engine/check/words.h"

namespace meld_verify::check {
namespace {

using routing::Plan;
using topology::Topology;

/// The JSON pointer to what the plan's file says of a unit; the nearest entry around it where it says
/// nothing; empty for a plan that was not read from a file.
std::string pointer_to(const Topology& topology, const Plan& plan, const Unit& unit) {
  const auto entry = [](const std::vector<std::uint32_t>& entries, std::uint32_t id) {
    return id < entries.size() ? entries[id] : routing::PlanEntries::kNone;
  };
  if (plan.entries.views.empty() && plan.entries.tables.empty()) {
    return {};
  }
  switch (unit.kind) {
    case UnitKind::kPosition: {
      const std::uint32_t boundary =
          entry(plan.entries.boundaries, topology.positions[unit.id].boundary.value);
      const std::uint32_t position = entry(plan.entries.positions, unit.id);
      return boundary == routing::PlanEntries::kNone ? "/boundaries"
             : position == routing::PlanEntries::kNone
                 ? fmt::format("/boundaries/{}", boundary)
                 : fmt::format("/boundaries/{}/positions/{}", boundary, position);
    }
    case UnitKind::kView: {
      const std::uint32_t view = entry(plan.entries.views, unit.id);
      return view == routing::PlanEntries::kNone ? "/views" : fmt::format("/views/{}", view);
    }
    case UnitKind::kTable: {
      const std::uint32_t table = entry(plan.entries.tables, unit.id);
      return table == routing::PlanEntries::kNone ? "/tables" : fmt::format("/tables/{}", table);
    }
    case UnitKind::kKey:
      return fmt::format("/types/{}", unit.id);
  }
  return {};
}

std::string list(const Topology& topology, const std::vector<topology::ResourceId>& resources) {
  std::string words;
  for (const topology::ResourceId resource : resources) {
    words += (words.empty() ? "" : ", then ") + resource_words(topology, resource);
  }
  return words.empty() ? "none" : words;
}

void explain_position(const Topology& topology, const Plan& plan, Finding& finding) {
  const std::uint32_t id = finding.unit.id;
  const routing::PositionRoute& route = plan.positions[id];
  finding.gets = arrives_words(topology, plan, id);
  finding.belongs = belongs_words(topology, plan, id);
  const std::string required = required_words(topology, plan, id);
  switch (finding.code) {
    case 14:
    case 31:
    case 32:
    case 33:
    case 35:
      if (route.layout_override != 0) {
        finding.because = "the plan looks for the handle elsewhere than the Canonical ABI puts it";
        finding.mend = "leave out the position's own caller, callee and guards";
        return;
      }
      break;
    case 36:
      finding.because = "the handle was given away, and its entry stays in the sender's table";
      break;
    case 40:
      finding.because = "the boundary does not check that borrows are gone when the call returns";
      finding.mend = "add borrows-remain to the boundary's checks";
      return;
    case 41:
      finding.because = "the entry is read without counting a lend";
      break;
    case 50:
      finding.because = "the boundary does not check may_leave";
      finding.mend = "add may-leave to the boundary's checks";
      return;
    default:
      finding.because = fmt::format("the plan does {}", steps_words(plan, route));
  }
  finding.mend = required == "nothing" ? "leave the value as it is" : required;
}

void explain_view(const Topology& topology, const Plan& plan, Finding& finding) {
  const topology::View& view = topology.views[finding.unit.id];
  const routing::ViewRoute& route = plan.views[finding.unit.id];
  const std::string right = resource_words(topology, view.resource);
  const routing::TypeKey& key = plan.types[route.type.value];
  switch (finding.code) {
    case 43:
    case 44:
    case 45:
      finding.gets = "destructor of " + list(topology, route.own_destructors);
      finding.belongs = "destructor of " + right + ", once";
      finding.because = "that is what the plan's drop calls for an own";
      finding.mend = fmt::format("drop.own: [{}]", view.resource.value);
      return;
    case 46:
      finding.gets = "destructor of " + list(topology, route.borrow_destructors);
      finding.belongs = "no destructor";
      finding.because = "that is what the plan's drop calls for a borrow";
      finding.mend = "drop.borrow: []";
      return;
    case 11:
    case 18:
      finding.gets = fmt::format("table {} and type {}", plan.tables[route.table.value].id, key.id);
      finding.belongs = "one table and one type for all names of " + right + " in this instance";
      finding.because = "another name of the same type there has another table or type";
      finding.mend = "route both to one table and one type";
      return;
    default:
      break;
  }
  if (key.resource != view.resource) {
    finding.gets = fmt::format("type {}, which is {}", key.id, resource_words(topology, key.resource));
    finding.belongs = "a type that is " + right;
    finding.because = "the plan takes the one for the other";
    finding.mend = "give the view a type that stands for " + right;
    return;
  }
  for (const auto& [intrinsic, table] : {std::pair("resource.new", route.new_table),
                                         {"resource.rep", route.rep_table},
                                         {"resource.drop", route.drop_table}}) {
    if (table && *table != route.table) {
      finding.gets = fmt::format("{} works on table {}", intrinsic, plan.tables[table->value].id);
      finding.belongs = fmt::format("table {}, where its handles live", plan.tables[route.table.value].id);
      finding.because = "the intrinsic is routed to a table that is not the view's";
      finding.mend = fmt::format("route it to {}", plan.tables[route.table.value].id);
      return;
    }
  }
  finding.gets =
      fmt::format("table {}, which has no entries of type {}", plan.tables[route.table.value].id, key.id);
  finding.belongs = "a table with entries of " + right;
  finding.because = "the plan names another table";
  finding.mend = "route the view to a table that holds its type";
}

void explain_table(const Plan& plan, Finding& finding) {
  const routing::Table& table = plan.tables[finding.unit.id];
  finding.mend = std::string(info_of(finding.code).mend);
  finding.belongs = "";
  switch (finding.code) {
    case 26:
      finding.because = fmt::format("another table's functions are called {} too", table.symbol);
      break;
    case 51:
      finding.because = table.capacity
                            ? fmt::format("entry {} is written without a check", *table.capacity + 1)
                            : "overflow is not checked";
      break;
    case 56:
      finding.because = "a slot that was freed is never used again";
      break;
    case 21:
      finding.because = "handles of several instances live in it";
      break;
    case 55:
      finding.because = "it lies in memory that guest code can write";
      break;
    default:
      finding.because = "its functions leave out that check";
  }
}

}  // namespace

std::string place_of(const Topology& topology, const Plan& plan, const Unit& unit) {
  switch (unit.kind) {
    case UnitKind::kPosition:
      return position_words(topology, unit.id);
    case UnitKind::kView:
      return view_words(topology, unit.id);
    case UnitKind::kTable:
      return "table " + plan.tables[unit.id].id;
    case UnitKind::kKey:
      return "type " + plan.types[unit.id].id;
  }
  return {};
}

void explain_unit(const Topology& topology, const Plan& plan, Finding& finding) {
  const Unit& unit = finding.unit;
  finding.place = place_of(topology, plan, unit);
  finding.headline = std::string(info_of(finding.code).name);
  finding.pointer = pointer_to(topology, plan, unit);
  switch (unit.kind) {
    case UnitKind::kPosition:
      explain_position(topology, plan, finding);
      break;
    case UnitKind::kView:
      explain_view(topology, plan, finding);
      break;
    case UnitKind::kTable:
      explain_table(plan, finding);
      break;
    case UnitKind::kKey: {
      const routing::TypeKey& key = plan.types[unit.id];
      const auto name = [&](topology::InstanceId instance) {
        return topology.text(topology.instances[instance.value].name);
      };
      finding.gets = name(key.definer) + " taken for the definer";
      finding.belongs = name(topology.resources[key.resource.value].definer);
      finding.because = "the plan names another definer than the instance that defined the type";
      finding.mend = fmt::format("definer: {}", topology.resources[key.resource.value].definer.value);
      break;
    }
  }
}

}  // namespace meld_verify::check
