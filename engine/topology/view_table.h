#pragma once

// Under which names each instance knows each resource type.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/topology/topology.h"

namespace meld_verify::topology {

/// Appends views to a topology, each once, and finds the one that a signature speaks of.
class ViewTable {
 public:
  /// Keeps a reference to `views`; only this table may append to it.
  explicit ViewTable(std::vector<View>& views) : views_(views) {}

  /// The view with exactly these names, made if there is none. The reference is good until the next call.
  View& at(InstanceId instance, ResourceId resource, NameId interface_name, NameId name, bool exported);

  [[nodiscard]] bool knows(InstanceId instance, ResourceId resource) const;

  /// Of several names the first one that the signature uses (`name`) in the interface of the function, else
  /// the first with that name, else the first in that interface, else the first. Requires
  /// knows(instance, resource).
  [[nodiscard]] ViewId find(InstanceId instance, ResourceId resource, NameId interface_name,
                            NameId name) const;

 private:
  struct Key {
    InstanceId instance;
    ResourceId resource;
    NameId interface_name;
    NameId name;
    std::uint32_t role;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  /// The first view for a key in which a name may be `kAny`, and each view for its whole key.
  std::unordered_map<Key, ViewId, Hash> known_;
  std::vector<View>& views_;
};

}  // namespace meld_verify::topology
