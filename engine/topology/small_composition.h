#pragma once

// For tests of this room: compositions put together by hand.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/topology/topology.h"

namespace meld_verify::topology {

/// Starts with the host and the root, and with one node for each primitive type.
class SmallComposition {
 public:
  using Labelled = std::pair<std::string, std::optional<component::TypeId>>;

  SmallComposition() {
    made.instances.push_back({.definition = {}, .parent = {}, .name = "host"});
    made.instances.push_back({.definition = {}, .parent = {}, .name = "root"});
    for (std::uint32_t kind = 0; kind <= static_cast<std::uint32_t>(component::TypeKind::kErrorContext);
         ++kind) {
      made.types.nodes.emplace_back().kind = static_cast<component::TypeKind>(kind);
    }
  }

  // --- instances, resource types, functions

  InstanceId instance(const std::string& name, InstanceId parent = kRoot) {
    made.instances.push_back(
        {.definition = DefinitionId{made.instances.size()}, .parent = parent, .name = name});
    return InstanceId{made.instances.size() - 1};
  }

  /// A core instance of `owner`; `started`: its module has a start function.
  void core(InstanceId owner, bool started = false) {
    component::CoreModule& module = made.modules.emplace_back();
    if (started) {
      module.index.start = decltype(module.index.start)::value_type{};
    }
    component::CoreInstance instance;
    instance.owner = owner;
    instance.module = component::CoreModuleId{made.modules.size() - 1};
    made.core_instances.push_back(std::move(instance));
  }

  ResourceId resource(InstanceId definer, const std::string& interface_name, const std::string& name,
                      bool has_destructor = false) {
    component::Resource& resource = made.resources.emplace_back();
    resource.definer = definer;
    resource.definition = made.instances[definer.value].definition;
    resource.name = name;
    resource.interface_name = interface_name;
    resource.has_destructor = has_destructor;
    return ResourceId{made.resources.size() - 1};
  }

  void known_as(InstanceId instance, ResourceId resource, const std::string& interface_name,
                const std::string& name, bool exported = false) {
    made.resource_names.push_back({.instance = instance,
                                   .resource = resource,
                                   .exported = exported,
                                   .interface_name = interface_name,
                                   .name = name});
  }

  void builtin(InstanceId owner, component::ResourceOp op, ResourceId resource,
               const std::string& interface_name, const std::string& name, bool exported = false) {
    canon(owner, component::ResourceBuiltin{.op = op,
                                            .resource = resource,
                                            .exported = exported,
                                            .interface_name = interface_name,
                                            .name = name});
  }

  CanonId lift(InstanceId owner, component::FuncTypeId type, bool async = false) {
    component::Lift lift;
    lift.type = type;
    lift.options.async = async;
    return canon(owner, std::move(lift));
  }

  CanonId lower(InstanceId owner, component::FuncRef callee, component::FuncTypeId type,
                const std::string& interface_name, const std::string& name, bool async = false) {
    component::Lower lower;
    lower.callee = callee;
    lower.type = type;
    lower.options.async = async;
    lower.interface_name = interface_name;
    lower.name = name;
    return canon(owner, std::move(lower));
  }

  component::HostFuncId host_func(const std::string& interface_name, const std::string& name,
                                  component::FuncTypeId type) {
    made.host_funcs.push_back({interface_name, name, type});
    return component::HostFuncId{made.host_funcs.size() - 1};
  }

  void world_export(const std::string& interface_name, const std::string& name, component::FuncRef func,
                    component::FuncTypeId type) {
    made.exports.push_back({interface_name, name, func, type});
  }

  component::FuncTypeId func(std::vector<std::pair<std::string, component::TypeId>> params,
                             std::optional<component::TypeId> result = {}) {
    component::FuncType& type = made.types.functions.emplace_back();
    for (auto& [name, param] : params) {
      type.params.push_back({std::move(name), param});
    }
    type.result = result;
    return component::FuncTypeId{made.types.functions.size() - 1};
  }

  // --- types

  component::TypeId primitive(component::TypeKind kind) const {
    return component::TypeId{static_cast<std::uint32_t>(kind)};
  }

  component::TypeId own(ResourceId resource, const std::string& label = {}, std::uint32_t depth = 0) {
    return handle(component::TypeKind::kOwn, resource, label, depth);
  }
  component::TypeId borrow(ResourceId resource, const std::string& label = {}, std::uint32_t depth = 0) {
    return handle(component::TypeKind::kBorrow, resource, label, depth);
  }

  component::TypeId record(std::vector<Labelled> fields) {
    return type(component::TypeKind::kRecord, std::move(fields));
  }
  component::TypeId tuple(const std::vector<component::TypeId>& elements) {
    std::vector<Labelled> members;
    for (const component::TypeId id : elements) {
      members.emplace_back("", id);
    }
    return type(component::TypeKind::kTuple, std::move(members));
  }
  component::TypeId variant(std::vector<Labelled> cases) {
    return type(component::TypeKind::kVariant, std::move(cases));
  }
  /// `count` labels, and a last case with a payload if `last` is given.
  component::TypeId cases(component::TypeKind kind, std::size_t count,
                          std::optional<component::TypeId> last = {}) {
    std::vector<Labelled> members;
    for (std::size_t i = 0; i < count; ++i) {
      members.emplace_back("c" + std::to_string(i), std::nullopt);
    }
    if (last) {
      members.emplace_back("last", last);
    }
    return type(kind, std::move(members));
  }
  component::TypeId option(component::TypeId some) {
    return type(component::TypeKind::kOption, {{"some", some}});
  }
  component::TypeId result(std::optional<component::TypeId> ok, std::optional<component::TypeId> error) {
    return type(component::TypeKind::kResult, {{"ok", ok}, {"error", error}});
  }
  component::TypeId list(component::TypeId element) {
    return type(component::TypeKind::kList, {{"", element}});
  }
  component::TypeId fixed_list(component::TypeId element, std::uint32_t length) {
    const component::TypeId id = type(component::TypeKind::kFixedList, {{"", element}});
    made.types.nodes[id.value].length = length;
    return id;
  }
  component::TypeId map(component::TypeId key, component::TypeId value) {
    return type(component::TypeKind::kMap, {{"key", key}, {"value", value}});
  }
  component::TypeId stream(component::TypeId element) {
    const component::TypeId id = type(component::TypeKind::kStream, {{"", element}});
    made.types.nodes[id.value].has_handle = true;
    return id;
  }

  component::Composition made;

 private:
  component::TypeId type(component::TypeKind kind, std::vector<Labelled> members) {
    component::TypeNode node;
    node.kind = kind;
    for (auto& [label, member] : members) {
      node.has_handle |= member && made.types[*member].has_handle;
      node.members.push_back({std::move(label), member});
    }
    made.types.nodes.push_back(std::move(node));
    return component::TypeId{made.types.nodes.size() - 1};
  }

  component::TypeId handle(component::TypeKind kind, ResourceId resource, const std::string& label,
                           std::uint32_t depth) {
    component::TypeNode node;
    node.kind = kind;
    node.resource = resource;
    node.resource_label = label;
    node.alias_depth = depth;
    node.has_handle = true;
    made.types.nodes.push_back(std::move(node));
    return component::TypeId{made.types.nodes.size() - 1};
  }

  template <class What>
  CanonId canon(InstanceId owner, What what) {
    const CanonId id{made.canons.size()};
    component::Canon& canon = made.canons.emplace_back();
    canon.owner = owner;
    canon.offset = wasm::ByteOffset{100 + id.value};
    canon.what = std::move(what);
    canon.event = id.value;
    return id;
  }
};

}  // namespace meld_verify::topology
