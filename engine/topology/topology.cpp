#include "engine/topology/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "engine/topology/positions.h"
#include "engine/topology/view_table.h"
#include "engine/wasm/printable.h"

namespace meld_verify::topology {
namespace {

using component::Canon;
using component::Composition;
using component::FuncTypeId;
using component::Lift;
using component::Lower;
using component::ResourceBuiltin;
using component::ResourceName;

/// What all positions may weigh: this and as much again for each call as a call of some tens of handles does.
constexpr std::uint64_t kBaseWeight = std::uint64_t{64} << 20;
constexpr std::uint64_t kWeightPerCall = 4'096;

class Builder {
 public:
  explicit Builder(const Composition& composition)
      : composition_(composition),
        layouts_(composition.types),
        has_string_(with_strings(composition.types)),
        views_(topology_.views) {
    topology_.names.emplace_back();
    name_numbers_.emplace("", NameId{});
    weight_left_ = kBaseWeight + kWeightPerCall * (composition.canons.size() + composition.exports.size());
  }

  Topology build() {
    instances_and_resources();
    list_unsupported();
    list_boundaries();
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
  /// A signature, and where its layouts are in the topology.
  struct Known {
    Signature signature;
    std::vector<LayoutId> layouts;  ///< parallel to its handles, whose own layouts were moved from
    std::vector<NameId> labels;     ///< parallel to its handles
  };

  /// A boundary's signature as caller and callee write it; both null where it has no positions.
  struct Call {
    const Known* caller = nullptr;
    const Known* callee = nullptr;
  };

  NameId name(const std::string& text) {
    const auto [place, fresh] = name_numbers_.try_emplace(text, NameId{topology_.names.size()});
    if (fresh) {
      topology_.names.push_back(wasm::printable(text));
    }
    return place->second;
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

  // --- what a check cannot speak of

  void list_unsupported() {
    for (const component::Unsupported& item : composition_.unsupported) {
      topology_.unsupported.push_back({item.instance, item.code, wasm::printable(item.sentence)});
      listed_.insert({item.instance, item.offset, item.code});
    }
    for (const Canon& canon : composition_.canons) {
      if (const auto* lift = std::get_if<Lift>(&canon.what)) {
        if (lift->options.async || composition_.types[lift->type].async) {
          refuse(canon, "async-lift", "an asynchronous function is lifted, which is out of scope");
        }
      } else if (const auto* lower = std::get_if<Lower>(&canon.what)) {
        if (lower->options.async || composition_.types[lower->type].async) {
          refuse(canon, "async-lower", "a function is lowered asynchronously, which is out of scope");
        }
        const CanonId* callee = std::get_if<CanonId>(&lower->callee);
        if (callee != nullptr && related(canon.owner, composition_.canons[callee->value].owner)) {
          refuse(canon, "donut",
                 "it calls a function of itself or of an instance around it or inside it, which is out of "
                 "scope");
        }
        if (callee != nullptr) {
          const auto& lift = std::get<Lift>(composition_.canons[callee->value].what);
          if (lift.options.encoding != lower->options.encoding && has_string_[lower->type.value]) {
            refuse(canon, "transcoding",
                   "strings cross here from one encoding to another, which is out of scope");
          }
        }
      }
    }
  }

  /// By function type.
  static std::vector<bool> with_strings(const component::TypeArena& types) {
    std::vector<bool> nodes(
        types.nodes.size());  // members have smaller numbers than what they are members of
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const component::TypeNode& node = types.nodes[i];
      nodes[i] = node.kind == component::TypeKind::kString ||
                 std::any_of(node.members.begin(), node.members.end(), [&](const component::Member& member) {
                   return member.type && nodes[member.type->value];
                 });
    }
    std::vector<bool> functions;
    for (const component::FuncType& function : types.functions) {
      functions.push_back(
          (function.result && nodes[function.result->value]) ||
          std::any_of(function.params.begin(), function.params.end(),
                      [&](const component::Parameter& param) { return nodes[param.type.value]; }));
    }
    return functions;
  }

  /// Unless the decoder has said so of this very definition.
  void refuse(const Canon& canon, const std::string& code, std::string sentence) {
    if (listed_.insert({canon.owner, canon.offset, code}).second) {
      topology_.unsupported.push_back({canon.owner, code, std::move(sentence)});
    }
  }

  bool encloses(InstanceId outer, InstanceId inner) const {
    std::optional<InstanceId> at = inner;
    while (at && *at != outer) {
      at = composition_.instances[at->value].parent;
    }
    return at.has_value();
  }

  bool related(InstanceId left, InstanceId right) const {
    return encloses(left, right) || encloses(right, left);
  }

  // --- boundaries

  const Known& signature_of(FuncTypeId type) {
    const auto [place, fresh] = signatures_.try_emplace(type);
    Known& known = place->second;
    if (fresh) {
      known.signature = handles_of(composition_.types[type], composition_.types, layouts_, weight_left_);
      weight_left_ -= std::min(weight_left_, known.signature.weight);
      for (HandlePlace& handle : known.signature.handles) {
        known.layouts.push_back(layout(std::move(handle.layout)));
        known.labels.push_back(name(handle.label));
      }
    }
    return known;
  }

  LayoutId layout(Layout&& layout) {
    const auto [place, fresh] = layout_numbers_.try_emplace(std::move(layout), topology_.layouts.size());
    if (fresh) {
      topology_.layouts.push_back(place->first);
    }
    return place->second;
  }

  void add_boundary(Boundary boundary, FuncTypeId caller, FuncTypeId callee) {
    Call call{&signature_of(caller), &signature_of(callee)};
    std::optional<SignatureLimit> limit = call.callee->signature.limit;
    if (!limit) {
      limit = call.caller->signature.limit;
    }
    if (!limit && !same_shape(*call.caller, *call.callee)) {
      limit = {"signature-mismatch", "caller and callee place its handles differently"};
    }
    if (!limit || limit->code == "stream") {
      const std::uint64_t weight = call.callee->layouts.size() * sizeof(Position);
      if (weight > weight_left_) {
        limit = {"too-many-handles",
                 "the handle positions of all functions take more memory than is set aside for them"};
      } else {
        weight_left_ -= weight;
      }
    }
    if (limit) {
      topology_.unsupported.push_back(
          {boundary.callee == kHost ? boundary.caller : boundary.callee, limit->code,
           fmt::format("{}: {}", topology_.text(boundary.function), limit->sentence)});
      if (limit->code != "stream" || !same_shape(*call.caller, *call.callee)) {
        call = {};
      }
    }
    topology_.boundaries.push_back(boundary);
    calls_.push_back(call);
  }

  /// The same handles in the same places; paths and labels are for readers.
  bool same_shape(const Known& left, const Known& right) const {
    if (&left == &right) {
      return true;
    }
    const std::vector<HandlePlace>& a = left.signature.handles;
    const std::vector<HandlePlace>& b = right.signature.handles;
    if (a.size() != b.size()) {
      return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i].kind != b[i].kind || a[i].result != b[i].result || a[i].resource != b[i].resource ||
          (left.layouts[i] != right.layouts[i] && !same_places(topology_.layouts[left.layouts[i].value],
                                                               topology_.layouts[right.layouts[i].value]))) {
        return false;
      }
    }
    return true;
  }

  static bool same_places(const Layout& left, const Layout& right) {
    return left.caller == right.caller &&
           std::equal(left.guards.begin(), left.guards.end(), right.guards.begin(), right.guards.end(),
                      [](const Guard& a, const Guard& b) {
                        return a.caller == b.caller && a.width == b.width && a.case_index == b.case_index;
                      });
  }

  void list_boundaries() {
    for (std::uint32_t i = 0; i < composition_.canons.size(); ++i) {
      const Canon& canon = composition_.canons[i];
      const auto* lower = std::get_if<Lower>(&canon.what);
      if (lower == nullptr) {
        continue;
      }
      const CanonId* callee = std::get_if<CanonId>(&lower->callee);
      Boundary boundary{.caller = canon.owner,
                        .callee = kHost,
                        .interface_name = name(lower->interface_name),
                        .function = name(lower->name),
                        .lower = CanonId{i},
                        .lift = {}};
      if (callee == nullptr) {
        const auto host = std::get<component::HostFuncId>(lower->callee);
        add_boundary(boundary, lower->type, composition_.host_funcs[host.value].type);
      } else {
        const Canon& lift = composition_.canons[callee->value];
        boundary.callee = lift.owner;
        boundary.lift = *callee;
        add_boundary(boundary, lower->type, std::get<Lift>(lift.what).type);
      }
    }
    for (const component::WorldExport& item : composition_.exports) {
      if (const CanonId* callee = std::get_if<CanonId>(&item.func)) {
        const Canon& lift = composition_.canons[callee->value];
        add_boundary({.caller = kHost,
                      .callee = lift.owner,
                      .interface_name = name(item.interface_name),
                      .function = name(item.name),
                      .lower = {},
                      .lift = *callee},
                     item.type, std::get<Lift>(lift.what).type);
      }
    }
  }

  // --- views

  /// Which instance handles which resource type, in calls or by built-ins.
  std::set<std::pair<InstanceId, ResourceId>> uses() const {
    std::set<std::pair<InstanceId, ResourceId>> found;
    for (std::size_t b = 0; b < calls_.size(); ++b) {
      if (calls_[b].callee == nullptr) {
        continue;
      }
      for (const HandlePlace& place : calls_[b].callee->signature.handles) {
        found.insert({topology_.boundaries[b].caller, place.resource});
        found.insert({topology_.boundaries[b].callee, place.resource});
      }
    }
    for (const Canon& canon : composition_.canons) {
      if (const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what)) {
        found.insert({canon.owner, builtin->resource});
      }
    }
    return found;
  }

  void make_views() {
    for (const Canon& canon : composition_.canons) {
      const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what);
      if (builtin == nullptr) {
        continue;
      }
      View& view = views_.at(canon.owner, builtin->resource, name(builtin->interface_name),
                             name(builtin->name), builtin->exported);
      switch (builtin->op) {
        case component::ResourceOp::kNew:
          view.has_new = true;
          break;
        case component::ResourceOp::kRep:
          view.has_rep = true;
          break;
        case component::ResourceOp::kDrop:
          view.has_drop = true;
          break;
      }
    }
    const std::set<std::pair<InstanceId, ResourceId>> used = uses();
    for (const ResourceName& known : composition_.resource_names) {
      if (known.instance != kHost && used.contains({known.instance, known.resource})) {
        views_.at(known.instance, known.resource, name(known.interface_name), name(known.name),
                  known.exported);
      }
    }
    for (const auto& [instance, resource] : used) {
      if (!views_.knows(instance, resource)) {
        const Resource& what = topology_.resources[resource.value];
        views_.at(instance, resource, what.interface_name, what.name, what.definer == instance);
      }
    }
  }

  // --- positions

  void place_handles() {
    for (std::uint32_t b = 0; b < calls_.size(); ++b) {
      Boundary& boundary = topology_.boundaries[b];
      boundary.first_position = static_cast<std::uint32_t>(topology_.positions.size());
      const Call& call = calls_[b];
      if (call.callee == nullptr) {
        continue;
      }
      boundary.position_count = static_cast<std::uint32_t>(call.callee->layouts.size());
      for (std::size_t i = 0; i < call.callee->layouts.size(); ++i) {
        const HandlePlace& out = call.caller->signature.handles[i];
        const HandlePlace& in = call.callee->signature.handles[i];
        const ViewId caller =
            views_.find(boundary.caller, in.resource, boundary.interface_name, call.caller->labels[i]);
        const ViewId callee =
            views_.find(boundary.callee, in.resource, boundary.interface_name, call.callee->labels[i]);
        const std::uint32_t depth = std::max(in.alias_depth, out.alias_depth);
        topology_.positions.push_back(
            {.boundary = BoundaryId{b},
             .layout = call.callee->layouts[i],
             .sender = in.result ? callee : caller,
             .receiver = in.result ? caller : callee,
             .kind = in.kind,
             .result = in.result,
             .alias_depth = static_cast<std::uint8_t>(std::min<std::uint32_t>(depth, 255))});
      }
    }
  }

  const Composition& composition_;
  const Layouts layouts_;
  const std::vector<bool> has_string_;  ///< by function type
  Topology topology_;
  ViewTable views_;
  std::uint64_t weight_left_ = 0;
  std::unordered_map<std::string, NameId> name_numbers_;
  std::map<Layout, LayoutId> layout_numbers_;
  std::unordered_map<FuncTypeId, Known> signatures_;  ///< nodes stay where they are
  std::vector<Call> calls_;                           ///< parallel to the boundaries
  std::set<std::tuple<InstanceId, wasm::ByteOffset, std::string>> listed_;
};

}  // namespace

Topology topology_of(const Composition& composition) {
  return Builder(composition).build();
}

}  // namespace meld_verify::topology
