#include "engine/check/explain_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "engine/check/words.h"

namespace meld_verify::check {
namespace {

using routing::Plan;
using topology::Topology;

std::string destructors_words(const Topology& topology, const std::vector<topology::ResourceId>& resources) {
  std::string words;
  for (const topology::ResourceId resource : resources) {
    words += (words.empty() ? "destructor of " : ", then of ") + resource_words(topology, resource);
  }
  return words.empty() ? "no destructor" : words;
}

/// "slot 3", "parameter area + 60", "parameter area + 8 → elements of 12 bytes + 4"
std::string location_words(const topology::Location& location) {
  static constexpr const char* kSlotTypes[] = {"i32", "i64", "f32", "f64"};
  const auto offset = [](std::uint32_t bytes) { return bytes == 0 ? "" : fmt::format(" + {}", bytes); };
  std::string words;
  switch (location.root) {
    case topology::Root::kFlat:
      words = fmt::format("slot {} ({})", location.slot,
                          kSlotTypes[static_cast<std::size_t>(location.slot_type)]);
      break;
    case topology::Root::kParamArea:
      words = "parameter area";
      break;
    case topology::Root::kResultArea:
      words = "result area";
      break;
  }
  for (const topology::ListHop& list : location.lists) {
    words += offset(list.offset) + fmt::format(" → elements of {} bytes", list.stride);
  }
  return words + offset(location.offset);
}

std::string guards_words(const topology::Layout& layout) {
  std::string words;
  for (const topology::Guard& guard : layout.guards) {
    words += fmt::format("{}where {} is {} ({})", words.empty() ? "" : " and ", location_words(guard.caller),
                         guard.case_index, guard.case_label);
  }
  return words.empty() ? "always" : words;
}

/// What differs between two layouts, of each.
std::pair<std::string, std::string> layout_words(const topology::Layout& planned,
                                                 const topology::Layout& right) {
  if (planned.guards != right.guards) {
    return {"converted " + guards_words(planned), "converted " + guards_words(right)};
  }
  if (planned.caller != right.caller) {
    return {"what the caller has in " + location_words(planned.caller),
            "what it has in " + location_words(right.caller)};
  }
  return {"put where the callee has " + location_words(planned.callee),
          "put into its " + location_words(right.callee)};
}

/// What is lent is taken: its owner has no handle any more.
bool takes_what_is_lent(const Topology& topology, const Finding& finding) {
  return finding.code == 43 && finding.unit.kind == UnitKind::kPosition &&
         topology.positions[finding.unit.id].kind == topology::HandleKind::kBorrow;
}

/// Who decides what is done.
std::string_view who(Source source) {
  return source == Source::kPlan ? "the plan" : "the fused code";
}

void explain_position(const Topology& topology, const Plan& plan, Source source, Finding& finding) {
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
        std::tie(finding.gets, finding.belongs) = layout_words(
            plan.layouts[route.layout_override - 1], topology.layouts[topology.positions[id].layout.value]);
        finding.because =
            fmt::format("{} looks for the handle elsewhere than the Canonical ABI puts it", who(source));
        finding.mend = "leave out the position's own caller, callee and guards";
        return;
      }
      break;
    case 36:
      finding.gets += ", and an entry more than before";
      finding.because =
          fmt::format("{}'s steps leave an entry behind: {}", who(source), steps_words(plan, route));
      break;
    case 40:
      finding.gets = "no look at the callee's borrows when the call returns";
      finding.belongs = "a trap if some remain";
      finding.because = source == Source::kPlan ? "the boundary's checks leave out borrows-remain"
                                                : "the fused code returns without a look at them";
      finding.mend = "add borrows-remain to the boundary's checks";
      return;
    case 41:
      finding.gets = "an entry that is read without counting a lend";
      finding.belongs = "an entry that is lent while the call lasts";
      finding.because = fmt::format("{}'s steps are: {}", who(source), steps_words(plan, route));
      break;
    case 43:
      // Either an own arrives as a borrow, which the words above say, or what was lent was taken.
      if (takes_what_is_lent(topology, finding)) {
        const std::string lender =
            plan.tables[plan.views[topology.positions[id].sender.value].table.value].id;
        finding.headline = "owner loses what it lent";
        finding.gets += fmt::format(", and the lender's entry is removed from table {}", lender);
        finding.belongs += fmt::format(", and the lender's entry stays in table {}, lent", lender);
        finding.because = fmt::format("{} takes the entry instead of lending it: {}", who(source),
                                      steps_words(plan, route));
        break;
      }
      finding.because = fmt::format("{}'s steps are: {}", who(source), steps_words(plan, route));
      break;
    case 50:
      finding.gets = "no look at may_leave";
      finding.belongs = "a trap if the caller may not leave its instance";
      finding.because = source == Source::kPlan ? "the boundary's checks leave out may-leave"
                                                : "the fused code calls without a look at it";
      finding.mend = "add may-leave to the boundary's checks";
      return;
    default:
      finding.because = route.count == 0
                            ? fmt::format("{} leaves the value as it is", who(source))
                            : fmt::format("{}'s steps are: {}", who(source), steps_words(plan, route));
  }
  finding.mend = required == "nothing" ? "leave the value as it is" : required;
}

/// Of a fused file: which destructor runs, where the finding is about more than that.
void add_destructors(const Topology& topology, const Plan& plan, Finding& finding) {
  const bool wrong = std::any_of(finding.also.begin(), finding.also.end(),
                                 [](std::uint8_t code) { return code >= 43 && code <= 45; });
  if (wrong) {
    const topology::ResourceId resource = topology.views[finding.unit.id].resource;
    finding.gets +=
        "; its drop calls " + destructors_words(topology, plan.views[finding.unit.id].own_destructors);
    finding.belongs +=
        "; its drop calls " + (topology.resources[resource.value].has_destructor
                                   ? "destructor of " + resource_words(topology, resource) + ", once"
                                   : std::string("no destructor"));
  }
}

/// " (test:res/api)"
std::string interface_words(const Topology& topology, topology::ResourceId id) {
  const std::string& name = topology.text(topology.resources[id.value].interface_name);
  return name.empty() ? "" : " (" + name + ")";
}

void explain_view(const Topology& topology, const Plan& plan, Source source, Finding& finding) {
  const topology::View& view = topology.views[finding.unit.id];
  const routing::ViewRoute& route = plan.views[finding.unit.id];
  const std::string right = resource_words(topology, view.resource);
  const routing::TypeKey& key = plan.types[route.type.value];
  switch (finding.code) {
    case 43:
    case 44:
    case 45:
      finding.gets = destructors_words(topology, route.own_destructors);
      finding.belongs = topology.resources[view.resource.value].has_destructor
                            ? "destructor of " + right + ", once"
                            : std::string("no destructor");
      finding.because = fmt::format("that is what {}'s drop calls for an own", who(source));
      finding.mend = topology.resources[view.resource.value].has_destructor
                         ? fmt::format("drop.own: [{}]", view.resource.value)
                         : std::string("drop.own: []");
      return;
    case 46:
      finding.gets = destructors_words(topology, route.borrow_destructors);
      finding.belongs = "no destructor";
      finding.because = fmt::format("that is what {}'s drop calls for a borrow", who(source));
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
    std::string meant = resource_words(topology, key.resource), is = right;
    if (meant == is) {  // told apart by their interfaces only
      meant += interface_words(topology, key.resource);
      is += interface_words(topology, view.resource);
    }
    finding.gets = fmt::format("type {}, which is {}", key.id, meant);
    finding.belongs = "a type that is " + is;
    finding.because = fmt::format("{} takes the one for the other", who(source));
    finding.mend =
        fmt::format("give the view, its table and all that passes through it a type that is {}", is);
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
  finding.because =
      source == Source::kPlan ? "the plan names another table" : "the fused code works on another table";
  finding.mend = "route the view to a table that holds its type";
}

void explain_table(const Plan& plan, Source source, Finding& finding) {
  const routing::Table& table = plan.tables[finding.unit.id];
  finding.mend = std::string(info_of(finding.code).mend);
  finding.gets = std::string(info_of(finding.code).name);
  switch (finding.code) {
    case 26:
      finding.gets = fmt::format("the symbol {}, which another table has too", table.symbol);
      finding.belongs = "a symbol of its own";
      finding.because = "the fuser makes one name of two";
      break;
    case 51:
      finding.gets = table.capacity ? fmt::format("entry {} written without a check", *table.capacity + 1)
                                    : std::string("an entry written where there is no room for it");
      finding.belongs = "a trap when the table is full";
      finding.because = source == Source::kPlan ? "the plan says overflow: unchecked"
                                                : "the table's functions do not look whether there is room";
      break;
    case 56:
      finding.gets = "slots that are never used again";
      finding.belongs = "the slot that was freed last";
      finding.because = source == Source::kPlan ? "the plan says reuse: never"
                                                : "the table's functions keep no account of freed slots";
      break;
    case 21:
      finding.gets = "handles of several instances";
      finding.belongs = "those of one";
      finding.because = "views of several instances are routed to it";
      break;
    case 55:
      finding.gets = "memory that guest code can write";
      finding.belongs = "memory that no guest can address";
      finding.because = source == Source::kPlan ? "the plan says storage: guest-memory"
                                                : "the table lies in the linear memory of an instance";
      break;
    default: {
      static constexpr std::pair<std::uint8_t, const char*> kChecks[] = {
          {37, "live"}, {38, "live"},   {41, "kind or lent"}, {47, "type"},
          {52, "zero"}, {53, "bounds"}, {54, "type"}};
      finding.gets = "no trap";
      finding.belongs = "a trap";
      for (const auto& [code, check] : kChecks) {
        if (code == finding.code) {
          finding.because =
              fmt::format("the table's {} {}",
                          source == Source::kPlan ? "checks leave out" : "functions do not check:", check);
        }
      }
    }
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

void explain_unit(const Topology& topology, const Plan& plan, Source source, Finding& finding) {
  const Unit& unit = finding.unit;
  finding.place = place_of(topology, plan, unit);
  finding.headline = std::string(info_of(finding.code).name);
  finding.pointer = pointer_to(topology, plan, unit);
  switch (unit.kind) {
    case UnitKind::kPosition:
      explain_position(topology, plan, source, finding);
      break;
    case UnitKind::kView:
      explain_view(topology, plan, source, finding);
      if (source == Source::kCode && (finding.code < 43 || finding.code > 46)) {
        add_destructors(topology, plan, finding);
      }
      break;
    case UnitKind::kTable:
      explain_table(plan, source, finding);
      break;
    case UnitKind::kKey: {
      const routing::TypeKey& key = plan.types[unit.id];
      const auto name = [&](topology::InstanceId instance) {
        return topology.text(topology.instances[instance.value].name);
      };
      finding.gets = name(key.definer) + " taken for the definer";
      finding.belongs = name(topology.resources[key.resource.value].definer);
      finding.because = fmt::format("{} {} another definer than the instance that defined the type",
                                    who(source), source == Source::kPlan ? "names" : "has");
      finding.mend = fmt::format("definer: {}", topology.resources[key.resource.value].definer.value);
      break;
    }
  }
}

std::string symptom_of(const Topology& topology, const Plan& plan, const Finding& finding) {
  if (takes_what_is_lent(topology, finding)) {
    return "the owner's next use of its handle traps; nobody is left to drop the object";
  }
  if (finding.code == 13 && finding.unit.kind == UnitKind::kView) {
    return "unknown handle, or another resource's: canonical indices are no indices of the other table";
  }
  if (finding.code == 13 && finding.unit.kind == UnitKind::kPosition) {
    const topology::Position& position = topology.positions[finding.unit.id];
    const bool at_host = topology.views[position.sender.value].instance == topology::kHost ||
                         topology.views[position.receiver.value].instance == topology::kHost;
    const bool token =
        topology.resources[topology.views[position.sender.value].resource.value].definer == topology::kHost;
    const routing::PositionRoute& route = plan.positions[finding.unit.id];
    const bool enters =
        std::any_of(route.steps.begin(), route.steps.begin() + route.count, [](const auto& step) {
          return step.op == routing::StepOp::kBorrow && step.table == routing::kCanonicalTable;
        });
    if (!token && enters && topology.views[position.receiver.value].instance != topology::kHost) {
      return at_host ? "a handle operation on a rep" : "a handle operation on what is no handle";
    }
  }
  return std::string(info_of(finding.code).symptom);
}

}  // namespace meld_verify::check
