#include "engine/lift/lift.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "engine/lift/assumptions.h"
#include "engine/lift/call_readings.h"
#include "engine/lift/handle_tables.h"
#include "engine/lift/pass_on.h"
#include "engine/lift/plan_names.h"
#include "engine/routing/implied_views.h"
#include "engine/wasm/printable.h"

namespace meld_verify::lift {
namespace {

using component::Canon;
using component::ResourceBuiltin;
using component::ResourceOp;
using routing::StepOp;
using routing::ViewRoute;
using topology::Boundary;
using topology::BoundaryId;
using topology::HandleKind;
using topology::Position;
using topology::PositionId;
using topology::View;
using topology::ViewId;

using PlanTableId = routing::TableId;

constexpr std::uint8_t kInstanceLost = 20;      // L20
constexpr std::uint8_t kMergedImports = 22;     // L22
constexpr std::uint8_t kForeignRep = 44;        // L44
constexpr std::uint8_t kSameNameTwoTypes = 15;  // L15

/// Of one function that stands for a call; more means that its lists are followed less far.
constexpr ExecutionLimits kAdapterLimits{.paths = 1024, .steps = 400'000, .conditions = 256};

class Assembly {
 public:
  Assembly(const Pair& pair, const LiftOptions& options)
      : pair_(pair),
        decider_(terms_),
        executor_(pair.fused_image, terms_, decider_, kAdapterLimits),
        functions_(pair.fused_image, pair.fused ? &*pair.fused : nullptr, pair.alignment, executor_, terms_,
                   decider_, &pair.composed_image),
        layouts_(pair.composed.types),
        context_{.fused = pair.fused_image,
                 .composed = pair.composed_image,
                 .alignment = pair.alignment,
                 .arena = pair.composed.types,
                 .layouts = layouts_,
                 .executor = executor_,
                 .terms = terms_,
                 .decider = decider_,
                 .tables = functions_,
                 .guests_memory = guests_memories(pair.fused_image, pair.alignment),
                 .most_elements = options.most_elements} {}

  Lifted run() {
    lifted_.topology = topology::topology_of(pair_.composed);
    lifted_.plan.generator = "read from " + pair_.fused_image.file;
    refine_reachability();
    note_gaps();
    find_intrinsics();
    refine_views();
    calls_ = read_calls(pair_, lifted_.topology, context_);
    take_readings();
    HandleTables tables(pair_, lifted_.topology, functions_, lifted_.plan);
    tables_ = &tables;
    meet_functions();
    tables.settle_types();
    route_views();
    route_boundaries();
    look_at_outer_destructors();
    describe_tables();
    name_for_people(lifted_.plan, lifted_.topology);
    lifted_.assumptions = assumptions_of(pair_, lifted_, calls_, functions_.has_counts());
    lifted_.aligned_functions = pair_.alignment.aligned_functions;
    lifted_.all_functions = pair_.alignment.all_functions;
    lifted_.questions = decider_.questions();
    return std::move(lifted_);
  }

 private:
  // --- what can run

  void refine_reachability() {
    topology::Topology& topology = lifted_.topology;
    const Reach reached = reach(pair_.composed, pair_.composed_image, pair_.fused_image, pair_.alignment);
    for (Boundary& boundary : topology.boundaries) {
      if (boundary.lower) {
        boundary.reachable = reached.canons[boundary.lower->value];
      }
    }
    reached_canons_ = reached.canons;
    std::vector<bool> runs(topology.instances.size(), false);
    for (std::uint32_t f = 0; f < reached.functions.size(); ++f) {
      const auto original = reached.functions[f] ? pair_.alignment.original_of[f] : std::nullopt;
      if (original) {
        const LinkedFunction& linked = pair_.composed_image.functions[original->value];
        runs[pair_.composed_image.instances[linked.instance.value].owner.value] = true;
      }
    }
    for (std::uint32_t c = 0; c < pair_.alignment.instances.size(); ++c) {
      if (!pair_.alignment.instances[c].found) {
        runs[pair_.composed_image.instances[c].owner.value] = true;  // it cannot be told
      }
    }
    for (std::uint32_t i = 1; i < topology.instances.size(); ++i) {
      topology.instances[i].reachable = topology.instances[i].reachable && runs[i];
    }
  }

  /// A view counts where code that runs uses one of its intrinsics, or a call that is made passes its
  /// handles.
  void refine_views() {
    topology::Topology& topology = lifted_.topology;
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      topology.views[v].reachable = intrinsics_[v].used;
    }
    for (const Position& position : topology.positions) {
      if (topology.boundaries[position.boundary.value].reachable) {
        topology.views[position.sender.value].reachable = true;
        topology.views[position.receiver.value].reachable = true;
      }
    }
  }

  void take_readings() {
    std::move(calls_.notes.begin(), calls_.notes.end(), std::back_inserter(lifted_.notes));
    lifted_.boundary_code = calls_.code;
    lifted_.paths = calls_.paths;
  }

  void note_gaps() {
    for (const AlignmentGap& gap : pair_.alignment.gaps) {
      Note note;
      if (gap.lost) {
        note.code = kInstanceLost;
      }
      note.instance = pair_.composed_image.instances[gap.original.value].owner;
      note.sentence = gap.sentence;
      lifted_.notes.push_back(std::move(note));
    }
  }

  // --- where each view's intrinsics go

  struct Intrinsics {
    std::array<std::vector<FunctionId>, 3> wired;  ///< new, rep, drop
    bool used = false;
  };
  static std::size_t slot_of(ResourceOp op) {
    return op == ResourceOp::kNew ? 0 : op == ResourceOp::kRep ? 1 : 2;
  }
  static constexpr std::array<TableRole, 3> kRoles{TableRole::kNew, TableRole::kRep, TableRole::kDrop};

  void find_intrinsics() {
    const topology::Topology& topology = lifted_.topology;
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::string, std::string, bool>, std::uint32_t> views;
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      const View& view = topology.views[v];
      const bool fresh = views
                             .emplace(std::tuple(view.instance.value, view.resource.value,
                                                 topology.text(view.interface_name), topology.text(view.name),
                                                 view.exported),
                                      v)
                             .second;
      if (!fresh) {
        Note note;
        note.view = ViewId{v};
        note.sentence = "two names of the resource type look alike";
        note.unsupported = true;
        lifted_.notes.push_back(std::move(note));
      }
    }
    intrinsics_.resize(topology.views.size());
    for (std::uint32_t c = 0; c < pair_.composed.canons.size(); ++c) {
      const Canon& canon = pair_.composed.canons[c];
      const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what);
      if (builtin == nullptr) {
        continue;
      }
      const auto found = views.find(std::tuple(canon.owner.value, builtin->resource.value,
                                               wasm::printable(builtin->interface_name),
                                               wasm::printable(builtin->name), builtin->exported));
      if (found == views.end()) {
        continue;
      }
      Intrinsics& of = intrinsics_[found->second];
      of.used |= reached_canons_[c];
      std::vector<FunctionId>& wired = of.wired[slot_of(builtin->op)];
      for (const FunctionId function : pair_.alignment.wired_to[c]) {
        const FunctionId behind = pair_.fused_image.behind(function);
        if (std::find(wired.begin(), wired.end(), behind) == wired.end()) {
          wired.push_back(behind);
        }
      }
    }
  }

  // --- tables and types

  void meet_functions() {
    const topology::Topology& topology = lifted_.topology;
    for (const bool makers : {true, false}) {
      for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
        for (const std::vector<FunctionId>& wired : intrinsics_[v].wired) {
          for (const FunctionId function : wired) {
            meet(function, makers);
          }
        }
      }
      for (const std::vector<BoundaryReading>& readings : calls_.readings) {
        for (const BoundaryReading& reading : readings) {
          for (const PositionReading& position : reading.positions) {
            for (const Conversion& step : position.steps) {
              meet(step.function, makers);
            }
          }
        }
      }
    }
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      const View& view = topology.views[v];
      for (const FunctionId function : intrinsics_[v].wired[0]) {
        if (functions_.of(function) != nullptr &&
            topology.resources[view.resource.value].definer == view.instance) {
          tables_->makes(function, view.resource);
        }
      }
      for (const std::vector<FunctionId>& wired : intrinsics_[v].wired) {
        for (const FunctionId function : wired) {
          if (functions_.of(function) != nullptr) {
            tables_->handles(function, view.resource);
          }
        }
      }
    }
    each_reading([&](const Position& position, const PositionReading& reading) {
      if (!reading.steps.empty() && reading.steps.back().role == TableRole::kNew) {
        tables_->handles(reading.steps.back().function, topology.views[position.receiver.value].resource);
      }
    });
  }

  void meet(FunctionId function, bool makers) {
    const TableFunction* what = functions_.of(function);
    if (what != nullptr && (what->role == TableRole::kNew) == makers) {
      (void)tables_->home_of(function);
    }
  }

  // --- views

  void view_note(std::uint32_t v, std::optional<std::uint8_t> code, std::string sentence,
                 FunctionId function) {
    Note note;
    note.code = code;
    note.view = ViewId{v};
    note.sentence = std::move(sentence);
    note.place = place_of(pair_.fused_image, function);
    lifted_.notes.push_back(std::move(note));
  }

  /// The first function that a view's intrinsic is wired to and that does what it should; notes what does
  /// not.
  std::optional<FunctionId> intrinsic(std::uint32_t v, std::size_t slot) {
    static constexpr std::array<const char*, 3> kNames{"resource.new", "resource.rep", "resource.drop"};
    std::optional<FunctionId> found;
    for (const FunctionId function : intrinsics_[v].wired[slot]) {
      const TableFunction* what = functions_.of(function);
      if (what == nullptr || (what->role != kRoles[slot] && what->role != TableRole::kOther)) {
        view_note(v, kMergedImports,
                  fmt::format("{} leads to {}, which does something else", kNames[slot],
                              pair_.fused_image.name_of(function)),
                  function);
      } else if (what->role == TableRole::kOther) {
        view_note(v, {},
                  fmt::format("{} leads to {}, whose work could not be told: {}", kNames[slot],
                              pair_.fused_image.name_of(function), what->why),
                  function);
      } else if (!found) {
        found = function;
      } else if (!(tables_->home_of(function).table == tables_->home_of(*found).table)) {
        view_note(v, kMergedImports, fmt::format("{} leads to two tables", kNames[slot]), function);
      }
    }
    return found;
  }

  void route_views() {
    const topology::Topology& topology = lifted_.topology;
    lifted_.plan.views.resize(topology.views.size());
    lifted_.view_code.resize(topology.views.size());
    std::vector<std::array<std::optional<FunctionId>, 3>> wired(topology.views.size());
    std::vector<std::optional<HandleTables::Home>> homes(topology.views.size());
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      for (std::size_t slot = 0; slot < 3; ++slot) {
        wired[v][slot] = intrinsic(v, slot);
        if (wired[v][slot]) {
          lifted_.view_code[v][slot] = place_of(pair_.fused_image, *wired[v][slot]);
        }
      }
      if (topology.views[v].instance == topology::kHost) {
        homes[v] = HandleTables::Home{routing::kCanonicalTable,
                                      tables_->canonical_key_of(topology.views[v].resource)};
      } else if (wired[v][0]) {
        homes[v] = tables_->home_of(*wired[v][0]);
      }
    }
    house_by_deliveries(wired, homes);
    homes_ = homes;
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      route_view(v, wired[v], *homes[v]);
    }
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      const ViewRoute& route = lifted_.plan.views[v];
      routing::Table& table = lifted_.plan.tables[route.table.value];
      add_once(table.instances, topology.views[v].instance);
      add_once(table.types, route.type);
    }
  }

  template <class T>
  static void add_once(std::vector<T>& list, const T& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) {
      list.push_back(item);
    }
  }

  /// Views without resource.new live where values are delivered to them; else where their drop and rep look;
  /// else where another name of the same type in the same instance lives; else where the values come from
  /// that are passed to them as they are.
  void house_by_deliveries(const std::vector<std::array<std::optional<FunctionId>, 3>>& wired,
                           std::vector<std::optional<HandleTables::Home>>& homes) {
    const topology::Topology& topology = lifted_.topology;
    each_reading([&](const Position& position, const PositionReading& reading) {
      if (!reading.steps.empty() && reading.steps.back().role == TableRole::kNew &&
          !homes[position.receiver.value]) {
        homes[position.receiver.value] = tables_->home_of(reading.steps.back().function);
      }
    });
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      for (const std::size_t slot : {2, 1}) {
        if (!homes[v] && wired[v][slot]) {
          homes[v] = tables_->home_of(*wired[v][slot]);
        }
      }
    }
    each_reading([&](const Position& position, const PositionReading& reading) {
      if (!reading.steps.empty() && reading.steps.front().role != TableRole::kNew &&
          !homes[position.sender.value]) {
        homes[position.sender.value] = tables_->home_of(reading.steps.front().function);
      }
    });
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      for (std::uint32_t w = 0; w < topology.views.size() && !homes[v]; ++w) {
        if (homes[w] && topology.views[v].instance == topology.views[w].instance &&
            topology.views[v].resource == topology.views[w].resource) {
          homes[v] = homes[w];
        }
      }
    }
    bool changed = true;
    while (changed) {
      changed = false;
      each_reading([&](const Position& position, const PositionReading& reading) {
        if (reading.seen && reading.steps.empty() && homes[position.sender.value] &&
            !homes[position.receiver.value]) {
          homes[position.receiver.value] = homes[position.sender.value];
          changed = true;
        }
      });
    }
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      if (!homes[v]) {
        homes[v] = HandleTables::Home{routing::kCanonicalTable, tables_->key_of(topology.views[v].resource)};
      }
    }
  }

  template <class Visit>
  void each_reading(Visit visit) {
    const topology::Topology& topology = lifted_.topology;
    for (std::uint32_t b = 0; b < topology.boundaries.size(); ++b) {
      for (const BoundaryReading& reading : calls_.readings[b]) {
        for (std::uint32_t p = 0; p < topology.boundaries[b].position_count; ++p) {
          visit(topology.positions[topology.boundaries[b].first_position + p], reading.positions[p]);
        }
      }
    }
  }

  void route_view(std::uint32_t v, const std::array<std::optional<FunctionId>, 3>& wired,
                  const HandleTables::Home& home) {
    const View& view = lifted_.topology.views[v];
    ViewRoute& route = lifted_.plan.views[v];
    route.table = home.table;
    route.type = home.type;
    routing::imply_intrinsics(route, view, lifted_.topology);
    const std::array<std::optional<PlanTableId>*, 3> slots{&route.new_table, &route.rep_table,
                                                           &route.drop_table};
    for (std::size_t slot = 0; slot < 3; ++slot) {
      if (!wired[slot] || !*slots[slot]) {
        continue;
      }
      const HandleTables::Home to = tables_->home_of(*wired[slot], home);
      *slots[slot] = to.table;
      if (to.table == home.table && to.type != home.type) {
        view_note(v, kSameNameTwoTypes,
                  fmt::format("{} works on another type of the table", slot == 0   ? "resource.new"
                                                                       : slot == 1 ? "resource.rep"
                                                                                   : "resource.drop"),
                  *wired[slot]);
      }
    }
    if (wired[2]) {
      route_drop(v, wired[0], *wired[2]);
    }
  }

  /// What the drop of an own entry runs, and of a borrow entry.
  void route_drop(std::uint32_t v, std::optional<FunctionId> make, FunctionId function) {
    const TableFunction& drop = *functions_.of(function);
    ViewRoute& route = lifted_.plan.views[v];
    const std::array<std::vector<FunctionId>, 2> made{makers_for(v, HandleKind::kOwn, make),
                                                      makers_for(v, HandleKind::kBorrow, {})};
    for (const bool borrow : {false, true}) {
      std::optional<std::vector<DestructorCall>> all;
      for (const FunctionId maker : made[borrow ? 1 : 0]) {
        const auto runs = tables_->run_by(maker, function);
        if (!runs) {
          view_note(v, {}, "it could not be told which destructor a drop runs", function);
        } else if (all && *all != *runs) {
          view_note(v, {}, "dropping handles that came in different ways runs different destructors",
                    function);
        }
        all = all ? all : runs;
      }
      if (!all && borrow) {
        continue;  // no borrow gets here
      }
      if (!all && made[0].empty() && !own_arrives(lifted_.plan.views[v].table)) {
        if (lifted_.topology.resources[lifted_.topology.views[v].resource.value].has_destructor) {
          route.own_destructors = {lifted_.topology.views[v].resource};
        }
        continue;  // nor does an own
      }
      if (!all && made[0].empty() && !drop.understood) {
        view_note(v, {}, "it could not be told which destructor a drop runs", function);
      }
      const std::vector<DestructorCall> calls = all.value_or(drop.destructors);
      (borrow ? route.borrow_destructors : route.own_destructors) = tables_->destroyed_by(drop, calls);
      for (const DestructorCall& call : calls) {
        if (!call.gets_rep) {
          view_note(v, kForeignRep, "the destructor gets something else than the rep", function);
        }
      }
      if (!tables_->destroys_only_resources(calls)) {
        view_note(v, kForeignRep, "the drop calls a function that is no destructor", function);
      }
    }
  }

  /// Whether owns of any type get into a table.
  bool own_arrives(PlanTableId table) {
    if (table == routing::kCanonicalTable) {
      return true;
    }
    bool arrives = false;
    for (std::uint32_t v = 0; v < intrinsics_.size(); ++v) {
      arrives |= homes_[v]->table == table && !intrinsics_[v].wired[0].empty();
    }
    each_reading([&](const Position& position, const PositionReading& reading) {
      arrives |= position.kind == HandleKind::kOwn && reading.seen &&
                 homes_[position.receiver.value]->table == table;
    });
    return arrives;
  }

  /// Functions that make the entries of a view which are of that kind: under any name that its instance has
  /// for the type.
  std::vector<FunctionId> makers_for(std::uint32_t v, HandleKind kind, std::optional<FunctionId> make) {
    const View& view = lifted_.topology.views[v];
    std::vector<FunctionId> makers;
    if (make) {
      makers.push_back(*make);
    }
    for (std::uint32_t w = 0; w < intrinsics_.size() && kind == HandleKind::kOwn; ++w) {
      const View& other = lifted_.topology.views[w];
      if (other.instance == view.instance && other.resource == view.resource) {
        for (const FunctionId function : intrinsics_[w].wired[0]) {
          if (functions_.of(function) != nullptr && functions_.of(function)->role == TableRole::kNew) {
            add_once(makers, function);
          }
        }
      }
    }
    each_reading([&](const Position& position, const PositionReading& reading) {
      const View& receiver = lifted_.topology.views[position.receiver.value];
      if (receiver.instance == view.instance && receiver.resource == view.resource && position.kind == kind &&
          !reading.steps.empty() && reading.steps.back().role == TableRole::kNew) {
        add_once(makers, reading.steps.back().function);
      }
    });
    return makers;
  }

  // --- boundaries

  void route_boundaries() {
    const topology::Topology& topology = lifted_.topology;
    lifted_.plan.boundaries.assign(topology.boundaries.size(),
                                   {.checks_borrows_remain = false, .checks_may_leave = false});
    lifted_.plan.positions.resize(topology.positions.size());
    lifted_.position_code.resize(topology.positions.size());
    for (std::uint32_t b = 0; b < topology.boundaries.size(); ++b) {
      const Boundary& boundary = topology.boundaries[b];
      for (std::uint32_t i = 0; i < boundary.position_count; ++i) {
        const PositionId id{boundary.first_position + i};
        route_position(b, i, id);
      }
    }
  }

  void route_position(std::uint32_t b, std::uint32_t i, PositionId id) {
    const Boundary& boundary = lifted_.topology.boundaries[b];
    const Position& position = lifted_.topology.positions[id.value];
    routing::PositionRoute& route = lifted_.plan.positions[id.value];
    const BoundaryReading* reading = nullptr;
    for (const BoundaryReading& one : calls_.readings[b]) {
      if (reading == nullptr ||
          (one.positions[i].seen && (!reading->positions[i].seen ||
                                     one.positions[i].steps.size() < reading->positions[i].steps.size()))) {
        reading = &one;
      }
    }
    if (reading == nullptr) {
      if (boundary.lower && boundary.lift) {
        route = as_it_should_be(position);  // nobody calls it, or a note says why it was not read
      }
      return;
    }
    const PositionReading& seen = reading->positions[i];
    if (!seen.seen) {
      route = as_it_should_be(position);
      return;
    }
    if (seen.at) {
      lifted_.position_code[id.value] =
          place_of(pair_.fused_image, lifted_.boundary_code[b]->function, *seen.at);
    }
    translate(b, id, position, seen, route);
  }

  void translate(std::uint32_t b, PositionId id, const Position& position, const PositionReading& seen,
                 routing::PositionRoute& route) {
    for (std::size_t i = 0; i < seen.steps.size(); ++i) {
      const Conversion& step = seen.steps[i];
      if (i < routing::kMaxSteps && step.role != TableRole::kOther && step.role != TableRole::kDrop) {
        continue;
      }
      const TableFunction* what = functions_.of(step.function);
      Note note;
      note.boundary = BoundaryId{b};
      note.position = id;
      note.sentence =
          fmt::format("passes through {}, which is no conversion that could be read{}{}",
                      pair_.fused_image.name_of(step.function),
                      what == nullptr || what->why.empty() ? "" : ": ", what == nullptr ? "" : what->why);
      note.place = place_of(pair_.fused_image, step.function);
      lifted_.notes.push_back(std::move(note));
      route = as_it_should_be(position);
      return;
    }
    std::optional<HandleTables::Home> at{home_of_view(position.sender)};
    for (const Conversion& step : seen.steps) {
      const bool makes = step.role == TableRole::kNew;
      const std::optional<HandleTables::Home> preferred =
          makes ? std::optional(home_of_view(position.receiver)) : at;
      const HandleTables::Home home = tables_->home_of(step.function, preferred);
      if (!makes && at && at->table == home.table && at->type != home.type) {
        Note note;
        note.code = kSameNameTwoTypes;
        note.boundary = BoundaryId{b};
        note.position = id;
        note.sentence = "is looked up as another type of the table";
        note.place = place_of(pair_.fused_image, step.function);
        lifted_.notes.push_back(std::move(note));
      }
      if (makes && position.kind == HandleKind::kOwn && functions_.counts_entries(step.function)) {
        Note note;
        note.boundary = BoundaryId{b};
        note.position = id;
        note.sentence = "an own handle is counted as one that the callee must drop";
        note.place = place_of(pair_.fused_image, step.function);
        lifted_.notes.push_back(std::move(note));
      }
      routing::Step& made = route.steps[route.count++];
      made.op = makes                           ? made_as(position, step.function)
                : step.role == TableRole::kTake ? StepOp::kTake
                : step.role == TableRole::kLend ? StepOp::kLend
                                                : StepOp::kRep;
      made.table = home.table;
      made.type = home.type;
      at = makes ? std::optional(home) : std::nullopt;
    }
    if (seen.ignores_guard && !seen.steps.empty()) {
      topology::Layout layout = lifted_.topology.layouts[position.layout.value];
      layout.guards.clear();
      lifted_.plan.layouts.push_back(std::move(layout));
      route.layout_override = static_cast<std::uint32_t>(lifted_.plan.layouts.size());
    }
  }

  /// An entry whose drop runs no destructor is a borrow, where the resource type has one or a borrow belongs.
  StepOp made_as(const Position& position, FunctionId maker) {
    const View& view = lifted_.topology.views[position.receiver.value];
    const std::optional<FunctionId> drop = drop_of(view);
    const TableFunction* what = drop ? functions_.of(*drop) : nullptr;
    const StepOp as_asked = position.kind == HandleKind::kBorrow ? StepOp::kBorrow : StepOp::kNew;
    if (!drop && functions_.of(maker)->storage.memory) {
      return as_asked;  // nobody drops it, so that nothing tells one from the other
    }
    if (what == nullptr || what->role != TableRole::kDrop || what->storage.canonical ||
        what->storage.import) {
      return StepOp::kNew;
    }
    const auto runs = tables_->run_by(maker, *drop);
    if (!runs) {
      return as_asked;  // a note says that it could not be told
    }
    const bool has_destructor = lifted_.topology.resources[view.resource.value].has_destructor;
    const bool may_be_borrow = position.kind == HandleKind::kBorrow || other_maker_destroys(maker, *drop);
    return runs && runs->empty() && (has_destructor ? may_be_borrow : position.kind == HandleKind::kBorrow)
               ? StepOp::kBorrow
               : StepOp::kNew;
  }

  /// The drop that an instance has for a resource type, under any of its names.
  std::optional<FunctionId> drop_of(const View& view) const {
    for (std::uint32_t v = 0; v < intrinsics_.size(); ++v) {
      const View& other = lifted_.topology.views[v];
      if (other.instance == view.instance && other.resource == view.resource &&
          !intrinsics_[v].wired[2].empty()) {
        return intrinsics_[v].wired[2].front();
      }
    }
    return {};
  }

  /// Whether the drop tells entries of this maker from those of another one, which it destroys.
  bool other_maker_destroys(FunctionId maker, FunctionId drop) {
    const std::vector<FunctionId> makers = tables_->makers_of(tables_->home_of(maker).table);
    return std::any_of(makers.begin(), makers.end(), [&](FunctionId other) {
      const auto runs = tables_->run_by(other, drop);
      return other != maker && runs && !runs->empty();
    });
  }

  HandleTables::Home home_of_view(ViewId view) const {
    const ViewRoute& route = lifted_.plan.views[view.value];
    return {route.table, route.type};
  }

  /// The conversion that belongs there, in the plan's tables: for what never happens.
  routing::PositionRoute as_it_should_be(const Position& position) const {
    const ViewRoute& from = lifted_.plan.views[position.sender.value];
    const ViewRoute& to = lifted_.plan.views[position.receiver.value];
    routing::PositionRoute route;
    if (position.kind == HandleKind::kOwn && from.table == to.table && from.type == to.type) {
      return route;
    }
    const bool borrow = position.kind == HandleKind::kBorrow;
    const View& receiver = lifted_.topology.views[position.receiver.value];
    const auto definer = lifted_.topology.resources[receiver.resource.value].definer;
    // The host lends the rep of a guest's type; a handle of its own type is what entries keep.
    if (lifted_.topology.views[position.sender.value].instance != topology::kHost ||
        (!borrow && definer != topology::kHost)) {
      route.steps[route.count++] = {
          .op = borrow ? StepOp::kLend : StepOp::kTake, .table = from.table, .type = {}};
    }
    const bool to_host = receiver.instance == topology::kHost;
    if (!borrow ? !to_host || definer != topology::kHost : definer != receiver.instance && !to_host) {
      route.steps[route.count++] = {
          .op = borrow ? StepOp::kBorrow : StepOp::kNew, .table = to.table, .type = to.type};
    }
    return route;
  }

  // --- the rest

  /// What runs when the host drops a handle of a guest's type.
  void look_at_outer_destructors() {
    for (std::uint32_t v = 0; v < intrinsics_.size(); ++v) {
      const View& view = lifted_.topology.views[v];
      if (view.instance != topology::kHost || !pair_.fused ||
          lifted_.topology.resources[view.resource.value].definer == topology::kHost) {
        continue;
      }
      for (const auto& [type, key] : tables_->canonical_types()) {
        if (key != lifted_.plan.views[v].type) {
          continue;
        }
        const auto runs = pair_.fused_image.function_behind(pair_.fused->resources[type].destructor);
        const auto belongs = tables_->destructor_of(view.resource);
        const bool right = belongs ? runs && passes_on(context_, *runs, *belongs, CallsOut::kPerhaps)
                                   : !runs || does_nothing(context_, *runs);
        if (!right) {
          Note note;
          note.view = ViewId{v};
          note.sentence = "it could not be told what runs when the host drops it";
          lifted_.notes.push_back(std::move(note));
        }
      }
    }
  }

  void describe_tables() {
    lifted_.table_code.resize(lifted_.plan.tables.size());
    for (std::uint32_t t = 0; t < lifted_.plan.tables.size(); ++t) {
      for (const FunctionId function : tables_->met()[t]) {
        const TableRole role = functions_.of(function)->role;
        const std::size_t slot = role == TableRole::kNew ? 0 : role == TableRole::kRep ? 1 : 2;
        if (!lifted_.table_code[t][slot]) {
          lifted_.table_code[t][slot] = place_of(pair_.fused_image, function);
        }
        if (role == TableRole::kNew && t > 0) {
          for (const TableFunctions::Flaw& flaw : functions_.flaws(function)) {
            Note note;
            note.code = flaw.code;
            note.table = PlanTableId{t};
            note.sentence = flaw.sentence;
            note.place = place_of(pair_.fused_image, flaw.function);
            lifted_.notes.push_back(std::move(note));
          }
        }
      }
    }
    for (const HandleTables::Doubt& doubt : tables_->doubts()) {
      Note note;
      note.table = doubt.table;
      note.sentence = pair_.fused_image.name_of(doubt.function) + ": " + doubt.sentence;
      note.place = place_of(pair_.fused_image, doubt.function);
      lifted_.notes.push_back(std::move(note));
    }
  }

  const Pair& pair_;
  smt::Terms terms_;
  smt::Decider decider_;
  Executor executor_;
  TableFunctions functions_;
  topology::Layouts layouts_;
  ReadingContext context_;
  Lifted lifted_;
  HandleTables* tables_ = nullptr;
  std::vector<bool> reached_canons_;
  std::vector<std::optional<HandleTables::Home>> homes_;  ///< by view
  std::vector<Intrinsics> intrinsics_;                    ///< by view
  CallReadings calls_;
};

}  // namespace

Lifted lift(const Pair& pair, const LiftOptions& options) {
  return Assembly(pair, options).run();
}

}  // namespace meld_verify::lift
