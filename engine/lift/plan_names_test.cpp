#include "engine/lift/plan_names.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/routing/sample_topology.h"

namespace meld_verify::lift {
namespace {

TEST(PlanNames, AreThoseOfARequiredPlanWhereEachInstanceHasItsTable) {
  const topology::Topology topology = routing::sample_topology();
  routing::Plan plan = routing::required_plan(topology);
  const routing::Plan required = plan;
  for (std::uint32_t t = 1; t < plan.tables.size(); ++t) {
    plan.tables[t].id = plan.tables[t].symbol = "$ht_new_" + std::to_string(t);
  }
  for (std::uint32_t k = 0; k < plan.types.size(); ++k) {
    plan.types[k].id = "type of $ht_new_" + std::to_string(k);
  }
  name_for_people(plan, topology);
  for (std::uint32_t t = 0; t < plan.tables.size(); ++t) {
    EXPECT_EQ(plan.tables[t].id, required.tables[t].id);
  }
  EXPECT_EQ(plan.tables[1].symbol, "$ht_new_1");
  EXPECT_EQ(plan.types, required.types);
}

TEST(PlanNames, AreDistinct) {
  const topology::Topology topology = routing::sample_topology();
  routing::Plan plan = routing::required_plan(topology);
  plan.tables.resize(plan.tables.size() + 2);
  plan.tables[plan.tables.size() - 2].id = "leaf";  // nobody's, and called like an instance
  plan.tables.back().id = "where a drop looks";
  plan.types.push_back(plan.types[0]);
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    if (topology.views[v].has_drop) {
      plan.views[v].drop_table = routing::TableId{plan.tables.size() - 1};
    }
  }
  name_for_people(plan, topology);
  std::set<std::string> tables, types;
  for (const routing::Table& table : plan.tables) {
    EXPECT_TRUE(tables.insert(table.id).second) << table.id;
  }
  for (const routing::TypeKey& key : plan.types) {
    EXPECT_TRUE(types.insert(key.id).second) << key.id;
  }
  EXPECT_EQ(plan.tables[plan.tables.size() - 2].id, "leaf");
  EXPECT_EQ(plan.tables[1].id, "leaf#2");
  EXPECT_EQ(plan.tables.back().id, "leaf#3");
}

}  // namespace
}  // namespace meld_verify::lift
