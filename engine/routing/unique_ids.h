#pragma once

// Readable ids for tables and type keys, no two alike.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/topology/topology.h"

namespace meld_verify::routing {

/// Hands out ids: the wanted one if it is free, else with "#2", "#3", … added.
class UniqueIds {
 public:
  /// Makes room for so many ids more.
  void reserve(std::size_t more) { last_number_.reserve(last_number_.size() + more); }

  /// Marks an id as taken.
  void take(std::string id) { last_number_.emplace(std::move(id), 1); }

  [[nodiscard]] bool is_free(const std::string& id) const { return !last_number_.contains(id); }

  [[nodiscard]] std::string make(std::string wanted) {
    const auto [place, fresh] = last_number_.emplace(wanted, 1);
    if (fresh) {
      return wanted;
    }
    std::uint32_t number = place->second;
    std::string id;
    do {
      id = wanted + "#" + std::to_string(++number);
    } while (!last_number_.emplace(id, 1).second);
    last_number_[wanted] = number;
    return id;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> last_number_;
};

/// "leaf", or "instance 3" for one without a name.
[[nodiscard]] std::string table_id(const topology::Topology& topology, topology::InstanceId instance,
                                   UniqueIds& ids);

/// "leaf.thing": definer and resource. A second one of that name gets its interface
/// ("leaf.test:res/api.thing").
[[nodiscard]] std::string type_key_id(const topology::Topology& topology, topology::ResourceId resource,
                                      UniqueIds& ids);

}  // namespace meld_verify::routing
