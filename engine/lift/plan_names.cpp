#include "engine/lift/plan_names.h"

#include <array>
#include <optional>
#include <vector>

#include "engine/routing/unique_ids.h"

namespace meld_verify::lift {
namespace {

using topology::InstanceId;

/// By table: the instance that it is named after.
std::vector<std::optional<InstanceId>> keepers_of(const routing::Plan& plan,
                                                  const topology::Topology& topology) {
  std::vector<std::optional<InstanceId>> keepers(plan.tables.size());
  const auto keep = [&](const std::optional<routing::TableId>& table, InstanceId instance) {
    if (table && !keepers[table->value]) {
      keepers[table->value] = instance;
    }
  };
  for (const bool makers : {true, false}) {
    for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
      if (topology.views[v].has_new == makers) {
        keep(plan.views[v].table, topology.views[v].instance);
      }
    }
  }
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    for (const auto& table : {plan.views[v].new_table, plan.views[v].rep_table, plan.views[v].drop_table}) {
      keep(table, topology.views[v].instance);
    }
  }
  return keepers;
}

}  // namespace

void name_for_people(routing::Plan& plan, const topology::Topology& topology) {
  const std::vector<std::optional<InstanceId>> keepers = keepers_of(plan, topology);
  routing::UniqueIds tables, types;
  for (std::uint32_t t = 0; t < plan.tables.size(); ++t) {
    if (t == routing::kCanonicalTable.value || !keepers[t]) {
      tables.take(plan.tables[t].id);
    }
  }
  for (std::uint32_t t = 0; t < plan.tables.size(); ++t) {
    if (t != routing::kCanonicalTable.value && keepers[t]) {
      plan.tables[t].id = routing::table_id(topology, *keepers[t], tables);
    }
  }
  for (routing::TypeKey& key : plan.types) {
    if (key.resource.value < topology.resources.size()) {
      key.id = routing::type_key_id(topology, key.resource, types);
    } else {
      types.take(key.id);
    }
  }
}

}  // namespace meld_verify::lift
