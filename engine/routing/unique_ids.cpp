#include "engine/routing/unique_ids.h"

#include <utility>

namespace meld_verify::routing {
namespace {

std::string instance_label(const topology::Topology& topology, topology::InstanceId instance) {
  const std::string& name = topology.text(topology.instances[instance.value].name);
  return name.empty() ? "instance " + std::to_string(instance.value) : name;
}

}  // namespace

std::string table_id(const topology::Topology& topology, topology::InstanceId instance, UniqueIds& ids) {
  return ids.make(instance_label(topology, instance));
}

std::string type_key_id(const topology::Topology& topology, topology::ResourceId resource, UniqueIds& ids) {
  const topology::Resource& type = topology.resources[resource.value];
  const std::string definer = instance_label(topology, type.definer);
  const std::string& name = topology.text(type.name);
  const std::string label = name.empty() ? "resource " + std::to_string(resource.value) : name;
  std::string shorter = definer + "." + label;
  const std::string& interface_name = topology.text(type.interface_name);
  if (ids.is_free(shorter) || interface_name.empty()) {
    return ids.make(std::move(shorter));
  }
  return ids.make(definer + "." + interface_name + "." + label);
}

}  // namespace meld_verify::routing
