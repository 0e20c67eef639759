#include "engine/topology/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "engine/topology/positions.h"

namespace meld_verify::topology {
namespace {

using component::Canon;
using component::Composition;
using component::FuncRef;
using component::FuncTypeId;
using component::Lift;
using component::Lower;
using component::ResourceBuiltin;
using component::ResourceName;

class Builder {
 public:
  explicit Builder(const Composition& composition) : composition_(composition), layouts_(composition.types) {
    topology_.names.emplace_back();
    name_numbers_.emplace("", 0);
  }

  Topology build() {
    instances_and_resources();
    for (const component::Unsupported& item : composition_.unsupported) {
      topology_.unsupported.push_back({item.instance, item.code, item.sentence});
    }
    list_boundaries();
    find_uses();
    make_views();
    place_handles();
    std::vector<InstanceId> started;
    for (const component::CoreInstance& core : composition_.core_instances) {
      if (composition_.modules[core.module.value].index.start) {
        started.push_back(core.owner);
      }
    }
    mark_reachable(topology_, started);
    return std::move(topology_);
  }

 private:
  /// A boundary's signatures: what its handles are, and the types as caller and callee write them.
  struct Call {
    Signature caller;
    Signature callee;
  };

  NameId name(const std::string& text) {
    const auto [place, fresh] =
        name_numbers_.try_emplace(text, static_cast<std::uint32_t>(topology_.names.size()));
    if (fresh) {
      topology_.names.push_back(text);
    }
    return NameId{place->second};
  }

  void instances_and_resources() {
    for (const component::ComponentInstance& instance : composition_.instances) {
      topology_.instances.push_back({.name = name(instance.name),
                                     .definition = instance.definition,
                                     .parent = instance.parent,
                                     .has_core = false,
                                     .reachable = false});
    }
    for (const component::CoreInstance& core : composition_.core_instances) {
      topology_.instances[core.owner.value].has_core = true;
    }
    for (const component::Resource& resource : composition_.resources) {
      topology_.resources.push_back({.name = name(resource.name),
                                     .interface_name = name(resource.interface_name),
                                     .definer = resource.definer,
                                     .definition = resource.definition,
                                     .definition_index = resource.definition_index,
                                     .has_destructor = resource.has_destructor});
    }
  }

  const Lift& lift_of(CanonId id) const { return std::get<Lift>(composition_.canons[id.value].what); }

  void add_boundary(Boundary boundary, FuncTypeId caller, FuncTypeId callee) {
    Call call{handles_of(composition_.types[caller], composition_.types, layouts_),
              caller == callee ? Signature{}
                               : handles_of(composition_.types[callee], composition_.types, layouts_)};
    if (caller == callee) {
      call.callee = call.caller;
    }
    const InstanceId blamed = boundary.callee == kHost ? boundary.caller : boundary.callee;
    const std::string function = topology_.text(boundary.function);
    if (call.callee.unsupported) {
      topology_.unsupported.push_back({blamed, call.callee.unsupported->first,
                                       fmt::format("{}: {}", function, call.callee.unsupported->second)});
    } else if (!same_handles(call.caller, call.callee)) {
      topology_.unsupported.push_back(
          {blamed, "signature-mismatch",
           fmt::format("{}: caller and callee place its handles differently", function)});
      call = {};
    }
    topology_.boundaries.push_back(boundary);
    calls_.push_back(std::move(call));
  }

  static bool same_handles(const Signature& left, const Signature& right) {
    return std::equal(left.handles.begin(), left.handles.end(), right.handles.begin(), right.handles.end(),
                      [](const HandlePlace& a, const HandlePlace& b) {
                        return a.kind == b.kind && a.result == b.result && a.resource == b.resource &&
                               a.layout.caller == b.layout.caller &&
                               a.layout.guards.size() == b.layout.guards.size();
                      });
  }

  void list_boundaries() {
    for (std::uint32_t i = 0; i < composition_.canons.size(); ++i) {
      const Canon& canon = composition_.canons[i];
      const Lower* lower = std::get_if<Lower>(&canon.what);
      if (lower == nullptr) {
        continue;
      }
      const CanonId* lift = std::get_if<CanonId>(&lower->callee);
      Boundary boundary{.caller = canon.owner,
                        .callee = lift == nullptr ? kHost : composition_.canons[lift->value].owner,
                        .interface_name = name(lower->interface_name),
                        .function = name(lower->name),
                        .lower = CanonId{i},
                        .lift = lift == nullptr ? std::nullopt : std::optional(*lift)};
      add_boundary(boundary, lower->type,
                   lift == nullptr
                       ? composition_.host_funcs[std::get<component::HostFuncId>(lower->callee).value].type
                       : lift_of(*lift).type);
    }
    for (const component::WorldExport& item : composition_.exports) {
      if (const CanonId* lift = std::get_if<CanonId>(&item.func)) {
        add_boundary({.caller = kHost,
                      .callee = composition_.canons[lift->value].owner,
                      .interface_name = name(item.interface_name),
                      .function = name(item.name),
                      .lower = {},
                      .lift = *lift},
                     item.type, lift_of(*lift).type);
      }
    }
  }

  /// Which instance handles which resource type, in calls or by built-ins.
  void find_uses() {
    for (std::size_t b = 0; b < calls_.size(); ++b) {
      for (const HandlePlace& place : calls_[b].callee.handles) {
        uses_.insert({topology_.boundaries[b].caller, place.resource});
        uses_.insert({topology_.boundaries[b].callee, place.resource});
      }
    }
    for (const Canon& canon : composition_.canons) {
      if (const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what)) {
        uses_.insert({canon.owner, builtin->resource});
      }
    }
  }

  std::uint32_t view(InstanceId instance, ResourceId resource, NameId interface_name, NameId label,
                     bool exported) {
    std::vector<std::uint32_t>& known = views_of_[{instance, resource}];
    for (const std::uint32_t id : known) {
      const View& view = topology_.views[id];
      if (view.interface_name == interface_name && view.name == label && view.exported == exported) {
        return id;
      }
    }
    const auto id = static_cast<std::uint32_t>(topology_.views.size());
    topology_.views.push_back({.instance = instance,
                               .resource = resource,
                               .interface_name = interface_name,
                               .name = label,
                               .exported = exported});
    known.push_back(id);
    return id;
  }

  void make_views() {
    for (const Canon& canon : composition_.canons) {
      const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what);
      if (builtin == nullptr) {
        continue;
      }
      View& made = topology_.views[view(canon.owner, builtin->resource, name(builtin->interface_name),
                                        name(builtin->name), builtin->exported)];
      switch (builtin->op) {
        case component::ResourceOp::kNew:
          made.has_new = true;
          break;
        case component::ResourceOp::kRep:
          made.has_rep = true;
          break;
        case component::ResourceOp::kDrop:
          made.has_drop = true;
          break;
      }
    }
    for (const ResourceName& known : composition_.resource_names) {
      if (uses_.contains({known.instance, known.resource})) {
        view(known.instance, known.resource, name(known.interface_name), name(known.name), known.exported);
      }
    }
    for (const auto& [instance, resource] : uses_) {
      if (!views_of_.contains({instance, resource})) {
        const component::Resource& what = composition_.resources[resource.value];
        view(instance, resource, name(what.interface_name), name(what.name), what.definer == instance);
      }
    }
  }

  /// Of several names the one that the signature uses, in the interface of the function; else the first.
  ViewId view_for(InstanceId instance, ResourceId resource, const std::string& label,
                  NameId interface_name) const {
    const std::vector<std::uint32_t>& known = views_of_.at({instance, resource});
    std::uint32_t best = known.front();
    int best_score = -1;
    for (const std::uint32_t id : known) {
      const View& view = topology_.views[id];
      const int score =
          (topology_.text(view.name) == label ? 2 : 0) + (view.interface_name == interface_name ? 1 : 0);
      if (score > best_score) {
        best = id;
        best_score = score;
      }
    }
    return ViewId{best};
  }

  void place_handles() {
    std::map<Layout, std::uint32_t> layouts;
    for (std::uint32_t b = 0; b < calls_.size(); ++b) {
      Boundary& boundary = topology_.boundaries[b];
      boundary.first_position = static_cast<std::uint32_t>(topology_.positions.size());
      const Call& call = calls_[b];
      for (std::size_t i = 0; i < call.callee.handles.size(); ++i) {
        const HandlePlace& place = call.callee.handles[i];
        const HandlePlace& caller_place = i < call.caller.handles.size() ? call.caller.handles[i] : place;
        const auto [layout, fresh] =
            layouts.try_emplace(place.layout, static_cast<std::uint32_t>(topology_.layouts.size()));
        if (fresh) {
          topology_.layouts.push_back(place.layout);
        }
        const ViewId caller =
            view_for(boundary.caller, place.resource, caller_place.label, boundary.interface_name);
        const ViewId callee = view_for(boundary.callee, place.resource, place.label, boundary.interface_name);
        topology_.positions.push_back({.boundary = BoundaryId{b},
                                       .layout = LayoutId{layout->second},
                                       .sender = place.result ? callee : caller,
                                       .receiver = place.result ? caller : callee,
                                       .kind = place.kind,
                                       .result = place.result,
                                       .alias_depth = static_cast<std::uint8_t>(std::min<std::uint32_t>(
                                           255, std::max(place.alias_depth, caller_place.alias_depth)))});
      }
      boundary.position_count =
          static_cast<std::uint32_t>(topology_.positions.size()) - boundary.first_position;
    }
  }

  const Composition& composition_;
  const Layouts layouts_;
  Topology topology_;
  std::unordered_map<std::string, std::uint32_t> name_numbers_;
  std::vector<Call> calls_;  ///< parallel to the boundaries
  std::set<std::pair<InstanceId, ResourceId>> uses_;
  std::map<std::pair<InstanceId, ResourceId>, std::vector<std::uint32_t>> views_of_;
};

}  // namespace

Topology topology_of(const Composition& composition) {
  return Builder(composition).build();
}

void mark_reachable(Topology& topology, const std::vector<InstanceId>& started) {
  std::vector<std::vector<std::uint32_t>> called_by(topology.instances.size());
  for (std::uint32_t b = 0; b < topology.boundaries.size(); ++b) {
    called_by[topology.boundaries[b].caller.value].push_back(b);
  }
  std::vector<std::vector<InstanceId>> drops(topology.instances.size());
  for (const View& view : topology.views) {
    if (view.has_drop && topology.resources[view.resource.value].has_destructor) {
      drops[view.instance.value].push_back(topology.resources[view.resource.value].definer);
    }
  }
  std::vector<InstanceId> work;
  const auto reach = [&](InstanceId instance) {
    if (instance != kHost && !topology.instances[instance.value].reachable) {
      topology.instances[instance.value].reachable = true;
      work.push_back(instance);
    }
  };
  const auto call = [&](std::uint32_t boundary) {
    topology.boundaries[boundary].reachable = true;
    reach(topology.boundaries[boundary].callee);
  };
  for (const std::uint32_t boundary : called_by[kHost.value]) {
    call(boundary);
  }
  for (const InstanceId instance : started) {
    reach(instance);
  }
  while (!work.empty()) {
    const InstanceId instance = work.back();
    work.pop_back();
    for (const std::uint32_t boundary : called_by[instance.value]) {
      call(boundary);
    }
    for (const InstanceId definer : drops[instance.value]) {
      reach(definer);
    }
  }
}

}  // namespace meld_verify::topology
