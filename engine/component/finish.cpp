// Names: of resource types as each instance knows them, of instances, of the world's functions.

#include <fmt/format.h>

#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "engine/component/evaluator.h"
#include "engine/component/parse.h"

namespace meld_verify::component {

void Evaluator::name_imports(InstanceId instance, const Entity& entity, std::string_view name) {
  const auto add = [&](const TypeValue& type, std::string_view interface_name, std::string_view label) {
    if (type.kind == TypeValue::Kind::kResource && spend(cost::kEvaluated) && spend_name(interface_name) &&
        spend_name(label)) {
      out_.resource_names.push_back({.instance = instance,
                                     .resource = type.resource,
                                     .exported = false,
                                     .interface_name = std::string(interface_name),
                                     .name = std::string(label)});
    }
  };
  if (const auto* type = std::get_if<TypeValue>(&entity)) {
    add(*type, {}, name);
  } else if (const auto* bag = std::get_if<InstanceRef>(&entity)) {
    for (const auto& [label, item] : (*bag)->exports) {
      if (const auto* type_item = std::get_if<TypeValue>(&item)) {
        add(*type_item, name, label);
      }
    }
  }
}

void Evaluator::name_exports(InstanceId instance, const InstanceValue& exports) {
  const auto add = [&](const TypeValue& type, std::string_view interface_name, std::string_view label) {
    if (type.kind == TypeValue::Kind::kResource && spend(cost::kEvaluated) && spend_name(interface_name) &&
        spend_name(label)) {
      out_.resource_names.push_back({.instance = instance,
                                     .resource = type.resource,
                                     .exported = true,
                                     .interface_name = std::string(interface_name),
                                     .name = std::string(label)});
    }
  };
  for (const auto& [name, item] : exports.exports) {
    if (const auto* type = std::get_if<TypeValue>(&item)) {
      add(*type, {}, name);
    } else if (const auto* bag = std::get_if<InstanceRef>(&item)) {
      for (const auto& [label, inner] : (*bag)->exports) {
        if (const auto* type_item = std::get_if<TypeValue>(&inner)) {
          add(*type_item, name, label);
        }
      }
    }
  }
}

void Evaluator::list_world_exports(const InstanceValue& exports, const std::string& interface_name,
                                   unsigned depth) {
  if (depth > kMostNesting) {
    return;
  }
  for (const auto& [name, item] : exports.exports) {
    if (!spend(cost::kEvaluated) || !spend_name(interface_name) || !spend_name(name)) {
      return;
    }
    if (const auto* func = std::get_if<FuncValue>(&item)) {
      out_.exports.push_back({interface_name, std::string(name), func->ref, func->type});
    } else if (const auto* bag = std::get_if<InstanceRef>(&item)) {
      list_world_exports(
          **bag, interface_name.empty() ? std::string(name) : interface_name + "/" + std::string(name),
          depth + 1);
    } else if (std::holds_alternative<ComponentValue>(item) || std::holds_alternative<ModuleValue>(item)) {
      unsupported(kRoot, "code-export", fmt::format("the component or core module \"{}\" is exported", name));
    }
  }
}

void Evaluator::finish() {
  // The definer's own export names a resource type best, an interface's before one at the top level.
  for (const bool want_interface : {true, false}) {
    for (const ResourceName& name : out_.resource_names) {
      Resource& resource = out_.resources[name.resource.value];
      if (resource.name.empty() && name.exported && name.instance == resource.definer &&
          (!want_interface || !name.interface_name.empty())) {
        resource.name = name.name;
        resource.interface_name = name.interface_name;
      }
    }
  }
  for (std::size_t i = 0; i < out_.resources.size(); ++i) {
    Resource& resource = out_.resources[i];
    if (resource.name.empty()) {
      resource.name = resource_labels_[i].empty() ? fmt::format("resource {}", i) : resource_labels_[i];
    }
  }
  using Known = std::tuple<std::uint32_t, std::uint32_t, std::string_view, std::string_view>;
  std::set<Known> known_names;
  for (const ResourceName& name : out_.resource_names) {
    if (!spend(cost::kPort)) {
      return;
    }
    known_names.emplace(name.instance.value, name.resource.value, name.interface_name, name.name);
  }
  for (Canon& canon : out_.canons) {
    auto* builtin = std::get_if<ResourceBuiltin>(&canon.what);
    if (builtin == nullptr) {
      continue;
    }
    const Resource& resource = out_.resources[builtin->resource.value];
    // An own definition goes by the name that its instance exports it by.
    if (resource.definer == canon.owner || builtin->name.empty()) {
      builtin->exported = resource.definer == canon.owner;
      if (!known_names.contains(
              {canon.owner.value, builtin->resource.value, builtin->interface_name, builtin->name})) {
        spend_name(resource.name);
        spend_name(resource.interface_name);
        if (!ok()) {
          return;
        }
        builtin->name = resource.name;
        builtin->interface_name = resource.interface_name;
      }
    }
  }
  std::unordered_set<std::string> taken{"host"};
  std::unordered_map<std::string, int> next_number;
  for (std::size_t i = 1; i < out_.instances.size(); ++i) {
    std::string& name = out_.instances[i].name;
    const std::string wanted = name.empty() ? fmt::format("component {}", i) : name;
    name = wanted;
    for (int& number = next_number.try_emplace(wanted, 2).first->second; !taken.insert(name).second;
         ++number) {
      name = fmt::format("{}#{}", wanted, number);
    }
  }
}

}  // namespace meld_verify::component
