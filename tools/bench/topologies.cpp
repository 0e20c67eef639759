#include "tools/bench/topologies.h"

#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace meld_verify::bench {
namespace {

using topology::HandleKind;
using topology::InstanceId;
using topology::kHost;
using topology::kRoot;
using topology::Layout;
using topology::LayoutId;
using topology::NameId;
using topology::ResourceId;
using topology::Topology;
using topology::ViewId;

/// One call that each component makes: which resource type of the callee crosses, and how.
struct Call {
  std::string_view function;
  std::uint32_t resource;
  HandleKind kind;
  bool result;
  /// The resource type is not the callee's but one that the callee has from whom it calls first.
  bool elsewhere;
  std::uint32_t layout;
};

enum LayoutNumber : std::uint32_t { kSelf, kResult, kSomeResult, kElement };

constexpr std::array<Call, kCallsEach> kCalls{{
    {"[constructor]r0", 0, HandleKind::kOwn, true, false, kResult},
    {"[method]r0.use", 0, HandleKind::kBorrow, false, false, kSelf},
    {"[constructor]r1", 1, HandleKind::kOwn, true, false, kResult},
    {"consume", 1, HandleKind::kOwn, false, false, kSelf},
    {"find", 2, HandleKind::kOwn, true, false, kSomeResult},
    {"sum", 2, HandleKind::kBorrow, false, false, kElement},
    {"lend-on", 3, HandleKind::kBorrow, false, true, kSelf},
    {"hand-back", 3, HandleKind::kOwn, true, true, kResult},
}};

std::vector<Layout> make_layouts() {
  std::vector<Layout> layouts(4);
  layouts[kSelf].path = "params/self";
  layouts[kResult].path = "result";
  Layout& some = layouts[kSomeResult];
  some.path = "result/some";
  some.in_variant = true;
  some.caller.root = topology::Root::kResultArea;
  some.caller.offset = 4;
  some.callee = some.caller;
  topology::Location discriminant = some.caller;
  discriminant.offset = 0;
  some.guards = {
      {.caller = discriminant, .callee = discriminant, .width = 1, .case_index = 1, .case_label = "some"}};
  Layout& element = layouts[kElement];
  element.path = "params/all/[]";
  element.in_list = true;
  element.caller.lists = {{.offset = 0, .stride = 4}};
  element.callee = element.caller;
  return layouts;
}

class Generator {
 public:
  Generator(Family family, std::uint32_t components) : family_(family), components_(components) {}

  Topology run() {
    out_.layouts = make_layouts();
    out_.names.emplace_back();
    reserve();
    add_instance("host");
    add_instance("app");
    for (std::uint32_t r = 0; r < kResourcesEach; ++r) {
      add_resource(kHost, r);
    }
    called_.resize(components_ + 2, false);
    for (std::uint32_t i = 0; i < components_; ++i) {
      add_component(i);
    }
    for (std::uint32_t i = 0; i < components_; ++i) {
      if (const InstanceId instance{i + 2}; !called_[instance.value]) {
        add_boundary(kHost, instance, "run");
      }
    }
    topology::mark_reachable(out_, {});
    return std::move(out_);
  }

 private:
  void reserve() {
    out_.instances.reserve(components_ + 2);
    out_.resources.reserve(std::size_t{components_ + 1} * kResourcesEach);
    out_.boundaries.reserve(std::size_t{components_} * (kCallsEach + 1));
    out_.positions.reserve(std::size_t{components_} * kCallsEach);
  }

  NameId intern(std::string name) {
    const auto [place, fresh] = numbers_.try_emplace(std::move(name), out_.names.size());
    if (fresh) {
      out_.names.push_back(place->first);
    }
    return NameId{place->second};
  }

  InstanceId add_instance(std::string name) {
    const InstanceId id{out_.instances.size()};
    // Instances of one component have one definition; the others have one each.
    const std::size_t definition = family_ == Family::kAlike && id.value > 1 ? 2 : id.value;
    out_.instances.push_back({.name = intern(std::move(name)),
                              .definition = component::DefinitionId{definition},
                              .parent = id.value > 1 ? std::optional(kRoot) : std::nullopt,
                              .has_core = id.value > 1,
                              .reachable = false});
    return id;
  }

  NameId interface_of(InstanceId instance) {
    return intern(family_ == Family::kAlike ? "bench:all/api@1.0.0"
                                            : "bench:c" + std::to_string(instance.value) + "/api@1.0.0");
  }

  void add_resource(InstanceId definer, std::uint32_t number) {
    out_.resources.push_back({.name = intern("r" + std::to_string(number)),
                              .interface_name = interface_of(definer),
                              .definer = definer,
                              .definition = out_.instances[definer.value].definition,
                              .definition_index = number,
                              .has_destructor = definer != kHost && number != 3});
  }

  /// The number `number` of the resource types that an instance defines (the root defines none).
  static ResourceId resource_of(InstanceId definer, std::uint32_t number) {
    const std::uint32_t place = definer == kHost ? 0 : definer.value - 1;
    return ResourceId{std::size_t{place} * kResourcesEach + number};
  }

  ViewId view_of(InstanceId instance, ResourceId resource) {
    const auto key = (std::uint64_t{instance.value} << 32) | resource.value;
    const auto [place, fresh] = views_.try_emplace(key, out_.views.size());
    if (fresh) {
      const topology::Resource& type = out_.resources[resource.value];
      const bool own = type.definer == instance;
      out_.views.push_back({.instance = instance,
                            .resource = resource,
                            .interface_name = type.interface_name,
                            .name = type.name,
                            .exported = own,
                            .has_new = own && instance != kHost,
                            .has_rep = own && instance != kHost,
                            .has_drop = instance != kHost});
    }
    return ViewId{place->second};
  }

  void add_boundary(InstanceId caller, InstanceId callee, std::string_view function) {
    out_.boundaries.push_back({.caller = caller,
                               .callee = callee,
                               .interface_name = interface_of(callee),
                               .function = intern(std::string(function)),
                               .first_position = static_cast<std::uint32_t>(out_.positions.size()),
                               .position_count = 0,
                               .lower = {},
                               .lift = {},
                               .reachable = false});
  }

  /// Whom component `number` calls with its call `call`.
  InstanceId callee_of(std::uint32_t number, std::uint32_t call) {
    if (number == 0) {
      return kHost;
    }
    switch (family_) {
      case Family::kChain:
      case Family::kAlike:
        return InstanceId{number - 1 + 2};
      case Family::kTree:
        return InstanceId{(number - 1) / 2 + 2};
      case Family::kDag:
        return InstanceId{choices_[std::size_t{number} * kCallsEach + call] + 2};
    }
    return kHost;
  }

  void choose(std::uint32_t number) {
    for (std::uint32_t call = 0; family_ == Family::kDag && call < kCallsEach; ++call) {
      // (random numbers of the engine itself, as distributions differ between standard libraries)
      choices_.push_back(number == 0 ? 0 : static_cast<std::uint32_t>(random_()) % number);
    }
  }

  void add_component(std::uint32_t number) {
    choose(number);
    const InstanceId caller = add_instance("c" + std::to_string(number));
    for (std::uint32_t r = 0; r < kResourcesEach; ++r) {
      add_resource(caller, r);
      view_of(caller, resource_of(caller, r));
    }
    for (std::uint32_t c = 0; c < kCallsEach; ++c) {
      const Call& call = kCalls[c];
      const InstanceId callee = callee_of(number, c);
      called_[callee.value] = true;
      // Of the host everything is its own.
      const InstanceId definer = call.elsewhere && callee != kHost ? callee_of(callee.value - 2, c) : callee;
      const ResourceId resource = resource_of(definer, call.resource);
      add_boundary(caller, callee, call.function);
      const ViewId outside = view_of(caller, resource);
      const ViewId inside = view_of(callee, resource);
      out_.positions.push_back({.boundary = topology::BoundaryId{out_.boundaries.size() - 1},
                                .layout = LayoutId{call.layout},
                                .sender = call.result ? inside : outside,
                                .receiver = call.result ? outside : inside,
                                .kind = call.kind,
                                .result = call.result,
                                .alias_depth = 0});
      ++out_.boundaries.back().position_count;
    }
  }

  Family family_;
  std::uint32_t components_;
  Topology out_;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::unordered_map<std::uint64_t, std::size_t> views_;
  std::vector<bool> called_;
  std::vector<std::uint32_t> choices_;  ///< kDag: kCallsEach of each component
  std::mt19937_64 random_{107};
};

}  // namespace

std::string_view to_string(Family family) {
  switch (family) {
    case Family::kChain:
      return "chain";
    case Family::kTree:
      return "tree";
    case Family::kDag:
      return "dag";
    case Family::kAlike:
      return "alike";
  }
  return {};
}

Topology make_topology(Family family, std::uint32_t components) {
  return Generator(family, components).run();
}

}  // namespace meld_verify::bench
