#include "engine/topology/view_table.h"

#include <limits>

namespace meld_verify::topology {
namespace {

constexpr NameId kAny{std::numeric_limits<std::uint32_t>::max()};

/// Keys are either of one view, by the kind of its name, or of the first view of many.
enum Role : std::uint32_t { kImported, kExported, kFirst };

}  // namespace

std::size_t ViewTable::Hash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = key.role;
  for (const std::uint32_t part :
       {key.instance.value, key.resource.value, key.interface_name.value, key.name.value}) {
    hash = (hash ^ part) * 0x9e37'79b9'7f4a'7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

View& ViewTable::at(InstanceId instance, ResourceId resource, NameId interface_name, NameId name,
                    bool exported) {
  const ViewId id{views_.size()};
  const auto [place, fresh] =
      known_.try_emplace({instance, resource, interface_name, name, exported ? kExported : kImported}, id);
  if (!fresh) {
    return views_[place->second.value];
  }
  for (const NameId either_interface : {interface_name, kAny}) {
    for (const NameId either_name : {name, kAny}) {
      known_.try_emplace({instance, resource, either_interface, either_name, kFirst}, id);
    }
  }
  return views_.emplace_back(View{.instance = instance,
                                  .resource = resource,
                                  .interface_name = interface_name,
                                  .name = name,
                                  .exported = exported});
}

bool ViewTable::knows(InstanceId instance, ResourceId resource) const {
  return known_.contains({instance, resource, kAny, kAny, kFirst});
}

ViewId ViewTable::find(InstanceId instance, ResourceId resource, NameId interface_name, NameId name) const {
  for (const NameId either_name : {name, kAny}) {
    for (const NameId either_interface : {interface_name, kAny}) {
      const auto found = known_.find({instance, resource, either_interface, either_name, kFirst});
      if (found != known_.end()) {
        return found->second;
      }
    }
  }
  return {};
}

}  // namespace meld_verify::topology
