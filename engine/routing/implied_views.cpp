#include "engine/routing/implied_views.h"

#include <algorithm>

namespace meld_verify::routing {
namespace {

template <class T>
void sort_unique(std::vector<T>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

}  // namespace

std::vector<std::optional<TypeKeyId>> implied_keys(const std::vector<TypeKey>& types,
                                                   const topology::Topology& topology) {
  std::vector<std::optional<TypeKeyId>> keys(topology.resources.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    std::optional<TypeKeyId>& key = keys[types[i].resource.value];
    const InstanceId definer = topology.resources[types[i].resource.value].definer;
    if (!key || (types[key->value].definer != definer && types[i].definer == definer)) {
      key = TypeKeyId{i};
    }
  }
  return keys;
}

void imply_intrinsics(ViewRoute& route, const topology::View& view, const topology::Topology& topology) {
  if (view.has_new) {
    route.new_table = route.table;
  }
  if (view.has_rep) {
    route.rep_table = route.table;
  }
  if (view.has_drop) {
    route.drop_table = route.table;
    if (topology.resources[view.resource.value].has_destructor) {
      route.own_destructors = {view.resource};
    }
  }
}

Table implied_canonical_table(const std::vector<ViewRoute>& views, const topology::Topology& topology) {
  Table table;
  table.id = kCanonicalTableName;
  table.storage = Storage::kCanonical;
  table.instances = {topology::kHost};
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (views[i].table == kCanonicalTable) {
      table.instances.push_back(topology.views[i].instance);
      table.types.push_back(views[i].type);
    }
  }
  sort_unique(table.instances);
  sort_unique(table.types);
  return table;
}

}  // namespace meld_verify::routing
