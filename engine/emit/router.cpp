#include "engine/emit/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "engine/emit/bridge.h"
#include "engine/emit/intrinsic.h"
#include "engine/emit/passed_values.h"
#include "engine/topology/layout.h"
#include "engine/wasm/printable.h"

namespace meld_verify::emit {

using component::Canon;
using component::CanonId;
using component::Composition;
using component::CoreItem;
using component::FuncTypeId;
using component::InstanceId;
using component::kHost;
using component::Lift;
using component::Lower;
using component::ResourceBuiltin;
using component::ResourceId;
using routing::kCanonicalTable;
using topology::BoundaryId;
using wasm::FuncType;
using wasm::ValueType;

namespace {

wasm::Diagnostic refused(std::string code, const std::string& instance, const std::string& reason) {
  wasm::Diagnostic why;
  why.kind = wasm::DiagnosticKind::kUnsupported;
  why.code = std::move(code);
  why.sentence = fmt::format("instance {}: {}", wasm::printable(instance), reason);
  return why;
}

class Maker {
 public:
  Maker(const Composition& composition, const topology::Topology& topology, const routing::Plan& plan)
      : composition_(composition), topology_(topology), plan_(plan), shared_(composition.types) {}

  wasm::Expected<Router> make() {
    if (!topology_.unsupported.empty()) {
      const topology::Unsupported& first = topology_.unsupported.front();
      return tl::unexpected(
          refused(first.code, composition_.instances[first.instance.value].name, first.sentence));
    }
    index();
    find_outer();
    make_tables();
    router_.destructors.resize(composition_.resources.size());
    router_.by_canon.resize(composition_.canons.size());
    router_.lowers.resize(composition_.canons.size());
    for (std::uint32_t i = 0; i < composition_.canons.size() && !failure_; ++i) {
      make_canon(CanonId{i});
    }
    make_destructors();
    for (std::uint32_t i = 0; i < composition_.exports.size() && !failure_; ++i) {
      make_export(i);
    }
    if (failure_) {
      return tl::unexpected(std::move(*failure_));
    }
    make_resources();
    look_for_staging();
    return std::move(router_);
  }

 private:
  using ViewKey = std::tuple<std::uint32_t, std::uint32_t, std::string, std::string, bool>;

  void fail(wasm::Diagnostic why) {
    if (!failure_) {
      failure_ = std::move(why);
    }
  }

  void index() {
    for (std::uint32_t v = 0; v < topology_.views.size(); ++v) {
      const topology::View& view = topology_.views[v];
      views_.emplace(ViewKey(view.instance.value, view.resource.value, topology_.text(view.interface_name),
                             topology_.text(view.name), view.exported),
                     v);
    }
    boundary_of_lower_.resize(composition_.canons.size());
    for (std::uint32_t b = 0; b < topology_.boundaries.size(); ++b) {
      if (const auto& lower = topology_.boundaries[b].lower) {
        boundary_of_lower_[lower->value] = BoundaryId{b};
      } else {
        outer_boundaries_.push_back(BoundaryId{b});
      }
    }
  }

  const std::string& name_of(InstanceId instance) const {
    return composition_.instances[instance.value].name;
  }

  static std::string path(const std::string& interface_name, char between, const std::string& name) {
    return interface_name.empty() ? name : interface_name + between + name;
  }

  RouterFunction add(Function function) {
    const RouterFunction made{static_cast<std::uint32_t>(router_.functions.size())};
    function.name = wasm::printable(function.name);
    router_.functions.push_back(std::move(function));
    return made;
  }

  /// A guest's item, or what the router has in its place. Canons that it may be were made before.
  Symbol symbol(const CoreItem& item) const {
    if (const auto* canon = std::get_if<CanonId>(&item.source)) {
      if (const auto& made = router_.by_canon[canon->value]) {
        return *made;
      }
    }
    return GuestItem{item};
  }
  std::optional<Symbol> symbol(const std::optional<CoreItem>& item) const {
    return item ? std::optional<Symbol>(symbol(*item)) : std::nullopt;
  }

  // --- tables

  void make_tables() {
    for (std::uint32_t i = 1; i < plan_.tables.size(); ++i) {
      const routing::Table& table = plan_.tables[i];
      HandleTable made{.table = routing::TableId{i},
                       .name = wasm::printable(table.id),
                       .storage = table.storage,
                       .checks = table.checks,
                       .reuse = table.reuse,
                       .overflow = table.overflow,
                       .capacity = table.capacity,
                       .memory = {}};
      if (table.storage == routing::Storage::kGuestMemory && table.memory_of) {
        made.memory = memory_of(*table.memory_of);
        if (!made.memory) {
          fail(refused("no-memory", name_of(*table.memory_of),
                       "its memory is to hold a table, and it has none"));
        }
      }
      router_.tables.push_back(std::move(made));
    }
  }

  /// The first memory that a core instance of this instance exports.
  std::optional<GuestItem> memory_of(InstanceId instance) const {
    for (std::uint32_t i = 0; i < composition_.core_instances.size(); ++i) {
      const component::CoreInstance& core = composition_.core_instances[i];
      if (core.owner != instance) {
        continue;
      }
      for (const wasm::CoreExport& item : composition_.modules[core.module.value].index.exports) {
        if (item.kind == wasm::ExternKind::kMemory) {
          return GuestItem{
              CoreItem{component::CoreSort::kMemory, std::pair(component::CoreInstanceId{i}, item.name)}};
        }
      }
    }
    return std::nullopt;
  }

  // --- canons

  void make_canon(CanonId id) {
    const Canon& canon = composition_.canons[id.value];
    if (const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what)) {
      make_builtin(id, canon, *builtin);
    } else if (const auto* lower = std::get_if<Lower>(&canon.what)) {
      make_lower(id, canon, *lower);
    }
  }

  void make_builtin(CanonId id, const Canon& canon, const ResourceBuiltin& builtin) {
    const auto place = views_.find(ViewKey(canon.owner.value, builtin.resource.value,
                                           wasm::printable(builtin.interface_name),
                                           wasm::printable(builtin.name), builtin.exported));
    const std::string what = path(builtin.interface_name, '.', builtin.name);
    if (place == views_.end()) {
      return fail(refused("unknown-view", name_of(canon.owner), "no view of the plan is " + what));
    }
    const routing::ViewRoute& view = plan_.views[place->second];
    const auto name = [&](const char* op) { return fmt::format("{} {} {}", op, name_of(canon.owner), what); };
    const auto canonical = [&](const char* op, CanonicalCall::Kind kind) {
      const ResourceId resource = plan_.types[view.type.value].resource;
      return add(canonical_intrinsic(name(op), canon.owner, {kind, resource.value}));
    };
    switch (builtin.op) {
      case component::ResourceOp::kNew: {
        const routing::TableId table = view.new_table.value_or(view.table);
        router_.by_canon[id.value] =
            table == kCanonicalTable ? canonical("new", CanonicalCall::Kind::kNew)
                                     : add(new_intrinsic(name("new"), canon.owner, table, view.type.value));
        break;
      }
      case component::ResourceOp::kRep: {
        const routing::TableId table = view.rep_table.value_or(view.table);
        router_.by_canon[id.value] = table == kCanonicalTable
                                         ? canonical("rep", CanonicalCall::Kind::kRep)
                                         : add(rep_intrinsic(name("rep"), table, view.type.value));
        break;
      }
      case component::ResourceOp::kDrop: {
        const routing::TableId table = view.drop_table.value_or(view.table);
        if (table == kCanonicalTable) {
          router_.by_canon[id.value] = canonical("drop", CanonicalCall::Kind::kDrop);
          break;
        }
        const std::uint32_t slot = slot_of(view.own_destructors);
        const std::uint32_t borrow_slot = slot_of(view.borrow_destructors);
        router_.by_canon[id.value] = add(
            borrow_slot == 0 || borrow_slot == slot
                ? drop_intrinsic(name("drop"), canon.owner, table, view.type.value, slot, borrow_slot != 0)
                : drop_by_kind(name("drop"), canon.owner, table, view.type.value, slot, borrow_slot));
        break;
      }
    }
  }

  void make_lower(CanonId id, const Canon& canon, const Lower& lower) {
    const std::string function = path(lower.interface_name, '#', lower.name);
    const std::optional<BoundaryId> boundary = boundary_of_lower_[id.value];
    if (!boundary) {
      return fail(
          refused("unknown-boundary", name_of(canon.owner), "the topology lacks its call of " + function));
    }
    const Side caller{.instance = canon.owner,
                      .encoding = lower.options.encoding,
                      .memory = symbol(lower.options.memory),
                      .realloc = symbol(lower.options.realloc)};
    if (const CanonId* callee = std::get_if<CanonId>(&lower.callee)) {
      const Canon& lifted = composition_.canons[callee->value];
      const auto& lift = std::get<Lift>(lifted.what);
      BridgeJob job = job_of(*boundary, lift.type);
      job.name = fmt::format("{} -> {} {}", name_of(canon.owner), name_of(lifted.owner), function);
      job.caller = caller;
      job.callee = side_of(lifted, lift);
      job.target = symbol(lift.core);
      job.post_return = symbol(lift.options.post_return);
      if (const auto bridge = add(job)) {
        router_.by_canon[id.value] = bridge->function;
      }
      return;
    }
    const std::string name = fmt::format("{} -> host {}", name_of(canon.owner), function);
    if (topology_.boundaries[boundary->value].position_count == 0) {
      router_.lowers[id.value] = OuterLower{caller.memory, caller.realloc};
      router_.by_canon[id.value] =
          add(host_call(name, canon.owner, CanonicalCall{CanonicalCall::Kind::kLower, id.value},
                        core_type(lower.type, true)));
      return;
    }
    BridgeJob job = job_of(*boundary, lower.type);
    job.name = name;
    job.caller = caller;
    job.callee = host_side(*boundary, caller);
    job.target = CanonicalCall{CanonicalCall::Kind::kLower, id.value};
    job.target_is_lowered = true;
    router_.lowers[id.value] = OuterLower{job.callee.memory, job.callee.realloc};
    if (const auto bridge = add(job)) {
      router_.by_canon[id.value] = bridge->function;
    }
  }

  // --- bridges

  struct Added {
    RouterFunction function;
    std::optional<RouterFunction> post_return;
  };

  BridgeJob job_of(BoundaryId boundary, FuncTypeId type) {
    BridgeJob job;
    job.composition = &composition_;
    job.topology = &topology_;
    job.plan = &plan_;
    job.boundary = boundary;
    job.type = type;
    job.shared = &shared_;
    return job;
  }

  Side side_of(const Canon& canon, const Lift& lift) const {
    return {.instance = canon.owner,
            .encoding = lift.options.encoding,
            .memory = symbol(lift.options.memory),
            .realloc = symbol(lift.options.realloc)};
  }

  /// The host's side of a call: in the guest's memory, unless handles lie there.
  Side host_side(BoundaryId boundary, const Side& guest) const {
    Side side = guest;
    side.instance = kHost;
    if (needs_staging(topology_, boundary)) {
      side.memory = BaseItem::kStaging;
      side.realloc = BaseItem::kStagingRealloc;
    }
    return side;
  }

  std::optional<Added> add(const BridgeJob& job) {
    const auto first = static_cast<std::uint32_t>(router_.functions.size());
    auto bridge = make_bridge(job, first);
    if (!bridge) {
      fail(std::move(bridge.error()));
      return std::nullopt;
    }
    for (Function& function : bridge->functions) {
      add(std::move(function));
    }
    Added added{.function = {first}, .post_return = {}};
    if (bridge->post_return) {
      added.post_return = RouterFunction{first + *bridge->post_return};
    }
    return added;
  }

  /// The core type of a lowering or of a lift.
  FuncType core_type(FuncTypeId id, bool lowered) const {
    const component::FuncType& type = composition_.types[id];
    return emit::core_type(passed_params(type, shared_.layouts), passed_results(type, shared_.layouts),
                           lowered);
  }

  // --- destructors

  /// A slot of the destructor table that calls these destructors.
  std::uint32_t slot_of(const std::vector<ResourceId>& destructors) {
    if (destructors.size() < 2) {
      return destructors.empty() ? 0 : destructors.front().value + 1;
    }
    const auto [place, fresh] = combined_.try_emplace(
        destructors, static_cast<std::uint32_t>(composition_.resources.size() + combined_.size() + 1));
    return place->second;
  }

  /// Of a resource type that nothing drops, no slot is ever called.
  void make_destructors() {
    std::vector<bool> called = is_outer_;
    for (const routing::ViewRoute& view : plan_.views) {
      for (const auto* destructors : {&view.own_destructors, &view.borrow_destructors}) {
        for (const ResourceId resource : *destructors) {
          called[resource.value] = true;
        }
      }
    }
    for (std::uint32_t i = 0; i < composition_.resources.size(); ++i) {
      const component::Resource& resource = composition_.resources[i];
      Destructor& destructor = router_.destructors[i];
      destructor.resource = ResourceId{i};
      if (!called[i]) {
        continue;
      }
      if (resource.definer == kHost) {
        destructor.function = CanonicalCall{CanonicalCall::Kind::kDrop, i};
      } else {
        destructor.function = symbol(resource.destructor);
      }
    }
    router_.destructors.resize(composition_.resources.size() + combined_.size());
    for (const auto& [resources, slot] : combined_) {
      std::vector<std::uint32_t> slots;
      std::string name = "destructors";
      for (const ResourceId resource : resources) {
        slots.push_back(resource.value + 1);
        name += " " + label(resource);
      }
      router_.destructors[slot - 1] = {
          .resource = *std::max_element(resources.begin(), resources.end(),
                                        [&](ResourceId left, ResourceId right) {
                                          return composition_.resources[left.value].event <
                                                 composition_.resources[right.value].event;
                                        }),
          .function = add(several_destructors(std::move(name), slots))};
    }
  }

  std::string label(ResourceId id) const {
    const component::Resource& resource = composition_.resources[id.value];
    return path(resource.interface_name, '.', resource.name);
  }

  // --- the outer boundary

  void make_export(std::uint32_t number) {
    const component::WorldExport& item = composition_.exports[number];
    const CanonId* callee = std::get_if<CanonId>(&item.func);
    if (callee == nullptr) {  // the host's own function, passed on as a component function
      router_.exports.push_back(
          {.function = TrapCall{TrapReason::kNone}, .memory = {}, .realloc = {}, .post_return = {}});
      return;
    }
    const BoundaryId boundary = outer_boundaries_.at(outer_seen_++);
    const Canon& canon = composition_.canons[callee->value];
    const auto& lift = std::get<Lift>(canon.what);
    const std::string function = path(item.interface_name, '#', item.name);
    OuterExport made{.function = symbol(lift.core),
                     .memory = symbol(lift.options.memory),
                     .realloc = symbol(lift.options.realloc),
                     .post_return = symbol(lift.options.post_return)};
    if (topology_.boundaries[boundary.value].position_count == 0) {
      const FuncType type = core_type(lift.type, false);
      made.realloc = realloc_for_host(canon.owner, made.realloc);
      if (made.post_return) {
        made.post_return = kept_in(canon.owner, *made.post_return, {type.results, {}},
                                   fmt::format("post-return of {} {}", name_of(canon.owner), function));
      }
      router_.exports.push_back(std::move(made));
      return;
    }
    BridgeJob job = job_of(boundary, lift.type);
    job.name = fmt::format("host -> {} {}", name_of(canon.owner), function);
    job.callee = side_of(canon, lift);
    job.caller = host_side(boundary, job.callee);
    job.target = made.function;
    job.post_return = made.post_return;
    job.made_is_lowered = false;
    if (const auto bridge = add(job)) {
      made.function = bridge->function;
      made.memory = job.caller.memory;
      made.realloc = needs_staging(topology_, boundary) ? job.caller.realloc
                                                        : realloc_for_host(canon.owner, made.realloc);
      made.post_return = bridge->post_return ? std::optional<Symbol>(*bridge->post_return) : std::nullopt;
    }
    router_.exports.push_back(std::move(made));
  }

  /// A guest's realloc as the run time may call it.
  std::optional<Symbol> realloc_for_host(InstanceId instance, const std::optional<Symbol>& realloc) {
    if (!realloc) {
      return std::nullopt;
    }
    const FuncType type{{ValueType::kI32, ValueType::kI32, ValueType::kI32, ValueType::kI32},
                        {ValueType::kI32}};
    return kept_in(instance, *realloc, type, fmt::format("realloc of {} for the host", name_of(instance)));
  }

  /// Made once for what it stands around.
  Symbol kept_in(InstanceId instance, const Symbol& target, const FuncType& type, std::string name) {
    const auto [place, fresh] = kept_.try_emplace(std::tuple(instance.value, target), RouterFunction{});
    if (fresh) {
      place->second = add(emit::kept_in(std::move(name), instance, target, type));
    }
    return place->second;
  }

  /// Resource types of guests that cross the outer boundary, are exported by the root, or live in the run
  /// time's own table.
  void find_outer() {
    is_outer_.resize(composition_.resources.size());
    const auto add_outer = [&](ResourceId resource) {
      is_outer_[resource.value] = composition_.resources[resource.value].definer != kHost;
    };
    for (const topology::View& view : topology_.views) {
      if (view.instance == kHost) {
        add_outer(view.resource);
      }
    }
    for (const component::ResourceName& name : composition_.resource_names) {
      if (name.instance == component::kRoot && name.exported) {
        add_outer(name.resource);
      }
    }
    for (const routing::ViewRoute& view : plan_.views) {
      if (view.table == kCanonicalTable || view.new_table == kCanonicalTable ||
          view.rep_table == kCanonicalTable || view.drop_table == kCanonicalTable) {
        add_outer(plan_.types[view.type.value].resource);
      }
    }
  }

  /// Those, and what bridges of a wrong plan put into the run time's table.
  void make_resources() {
    std::vector<bool> outer = is_outer_;
    for (const Function& function : router_.functions) {
      for (const Step& step : function.code.steps()) {
        if (step.symbol) {
          const auto* call = std::get_if<CanonicalCall>(&*step.symbol);
          if (call != nullptr && call->kind != CanonicalCall::Kind::kLower) {
            outer[call->id] = true;
          }
        }
      }
    }
    for (std::uint32_t i = 0; i < outer.size(); ++i) {
      if (outer[i] && composition_.resources[i].definer != kHost) {
        const RouterFunction destructor =
            add(outer_destructor("outer destructor " + label(ResourceId{i}), i + 1));
        router_.resources.push_back({.resource = ResourceId{i}, .destructor = destructor});
      }
    }
  }

  void look_for_staging() {
    const auto is_staging = [](const std::optional<Symbol>& symbol) {
      const auto* item = symbol ? std::get_if<BaseItem>(&*symbol) : nullptr;
      return item != nullptr && (*item == BaseItem::kStaging || *item == BaseItem::kStagingTop ||
                                 *item == BaseItem::kStagingReserve || *item == BaseItem::kStagingRealloc);
    };
    for (const Function& function : router_.functions) {
      for (const Step& step : function.code.steps()) {
        router_.uses_staging |= is_staging(step.symbol) || is_staging(step.source);
      }
    }
    for (const OuterExport& item : router_.exports) {
      router_.uses_staging |= is_staging(item.memory);
    }
    for (const std::optional<OuterLower>& lower : router_.lowers) {
      router_.uses_staging |= lower && is_staging(lower->memory);
    }
  }

  const Composition& composition_;
  const topology::Topology& topology_;
  const routing::Plan& plan_;
  BridgeShared shared_;
  Router router_;
  std::map<ViewKey, std::uint32_t> views_;
  std::vector<std::optional<BoundaryId>> boundary_of_lower_;
  std::vector<BoundaryId> outer_boundaries_;  ///< of the exports that are lifts, in their order
  std::size_t outer_seen_ = 0;
  std::vector<bool> is_outer_;  ///< by resource type
  std::map<std::vector<ResourceId>, std::uint32_t> combined_;
  std::map<std::tuple<std::uint32_t, Symbol>, RouterFunction> kept_;
  std::optional<wasm::Diagnostic> failure_;
};

}  // namespace

wasm::Expected<Router> make_router(const Composition& composition, const topology::Topology& topology,
                                   const routing::Plan& plan) {
  return Maker(composition, topology, plan).make();
}

}  // namespace meld_verify::emit
