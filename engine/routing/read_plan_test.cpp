#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/routing/plan.h"
#include "engine/routing/sample_topology.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;
using topology::Topology;

/// The required plan of the sample as JSON, for a test to change.
json sample_plan() {
  const Topology topology = sample_topology();
  return json::parse(write_plan(required_plan(topology), topology));
}

Plan read(const json& plan) {
  const auto result = read_plan(plan.dump(), "plan.json", sample_topology());
  EXPECT_TRUE(result.has_value()) << wasm::Diagnostic(result.error()).sentence << " at "
                                  << result.error().place.pointer.value_or("?");
  return result.value_or(Plan{});
}

TEST(ReadPlan, GivesThePlanThatWasWritten) {
  const Topology topology = sample_topology();
  const Plan plan = required_plan(topology);
  for (const bool locations : {false, true}) {
    const auto again = read_plan(write_plan(plan, topology, {.locations = locations}), "plan.json", topology);
    ASSERT_TRUE(again.has_value()) << again.error().sentence;
    EXPECT_TRUE(*again == plan);
    EXPECT_TRUE(again->layouts.empty());
  }
}

TEST(ReadPlan, TakesTheDefaultsOfWhatIsLeftOut) {
  json plan = sample_plan();
  plan.erase("generator");
  for (json& type : plan["types"]) {
    type.erase("definer");
  }
  for (json& table : plan["tables"]) {
    for (const char* name : {"storage", "reuse", "overflow", "checks"}) {
      table.erase(name);
    }
  }
  plan["tables"].erase(0);
  for (json& view : plan["views"]) {
    for (const char* name : {"new", "rep", "drop", "exported"}) {
      view.erase(name);
    }
  }
  Plan expected = required_plan(sample_topology());
  expected.generator.clear();
  EXPECT_TRUE(read(plan) == expected);
}

TEST(ReadPlan, ReadsEachMemberOfATable) {
  json plan = sample_plan();
  plan["tables"][1] = json::parse(R"({"id": "leaf", "symbol": "$ht_0", "instances": [3, 2],
    "types": ["host.pollable", "leaf.thing"], "storage": {"guest-memory": 3}, "reuse": "never",
    "capacity": 9007199254740991, "overflow": "unchecked", "checks": ["live", "zero"]})");
  const Table table = read(plan).tables[1];
  EXPECT_EQ(
      table,
      (Table{.id = "leaf",
             .symbol = "$ht_0",
             .instances = {InstanceId{3U}, InstanceId{2U}},
             .types = {TypeKeyId{1U}, TypeKeyId{0U}},
             .storage = Storage::kGuestMemory,
             .memory_of = InstanceId{3U},
             .reuse = Reuse::kNever,
             .capacity = 9007199254740991U,
             .overflow = Overflow::kUnchecked,
             .checks = {
                 .zero = true, .bounds = false, .live = true, .type = false, .kind = false, .lent = false}}));
}

TEST(ReadPlan, PutsTheCanonicalTableFirst) {
  json plan = sample_plan();
  std::swap(plan["tables"][0], plan["tables"][2]);
  const Plan result = read(plan);
  EXPECT_EQ(result.tables[0].id, "canonical");
  EXPECT_EQ(result.tables[1].id, "mid");
  EXPECT_EQ(result.tables[2].id, "leaf");
  EXPECT_EQ(result.views[0].table, TableId{2U});
}

TEST(ReadPlan, GivesACanonicalTableThatIsNotListedTheViewsThatAreThere) {
  json plan = sample_plan();
  plan["tables"].erase(0);
  plan["views"][0]["table"] = "canonical";
  const Table canonical = read(plan).tables[0];
  EXPECT_EQ(canonical.instances, (std::vector{topology::kHost, InstanceId{2U}}));
  EXPECT_EQ(canonical.types, (std::vector{TypeKeyId{0U}, TypeKeyId{1U}}));
  EXPECT_EQ(canonical.storage, Storage::kCanonical);
}

TEST(ReadPlan, TakesAnEntryWithoutNamesForAllViewsOfThePair) {
  json plan = sample_plan();
  plan["views"].erase(2);
  plan["views"][1] = json::parse(
      R"({"instance": 3, "resource": 0, "type": "host.pollable", "table": "leaf", "drop": {"own": [1, 0, 1]}})");
  const Plan result = read(plan);
  const ViewRoute expected{
      TypeKeyId{1U}, TableId{1U}, {}, {}, TableId{1U}, {ResourceId{1U}, ResourceId{0U}, ResourceId{1U}}, {}};
  EXPECT_EQ(result.views[1], expected);
  EXPECT_EQ(result.views[2], expected);
}

TEST(ReadPlan, TakesEntriesForViewsThatNothingTellsApartInOrder) {
  TopologyBuilder make;
  const auto leaf = make.instance("leaf");
  const auto thing = make.resource(leaf, "a:b/c", "thing", true);
  make.view(leaf, thing, "a:b/c", "thing", true, kOfDefiner);
  make.view(leaf, thing, "a:b/c", "thing", true, kDropOnly);
  const Topology topology = std::move(make).build();
  Plan plan = required_plan(topology);
  plan.views[1].drop_table = kCanonicalTable;
  const auto again = read_plan(write_plan(plan, topology), "plan.json", topology);
  ASSERT_TRUE(again.has_value()) << again.error().sentence;
  EXPECT_EQ(again->views, plan.views);
}

TEST(ReadPlan, ReadsWhereIntrinsicsGo) {
  json plan = sample_plan();
  plan["views"][0]["new"] = "mid";
  plan["views"][0]["rep"] = "canonical";
  plan["views"][0]["drop"] = json::parse(R"({"table": "mid", "own": [], "borrow": [1]})");
  plan["views"][1]["drop"] = json::object();
  const Plan result = read(plan);
  EXPECT_EQ(
      result.views[0],
      (ViewRoute{TypeKeyId{0U}, TableId{1U}, TableId{2U}, TableId{0U}, TableId{2U}, {}, {ResourceId{1U}}}));
  EXPECT_EQ(result.views[1],
            (ViewRoute{TypeKeyId{0U}, TableId{2U}, {}, {}, TableId{2U}, {ResourceId{0U}}, {}}));
}

TEST(ReadPlan, AddsAKeyForAViewOfTheHostThatHasNone) {
  json plan = sample_plan();
  plan["types"] = json::parse(R"([{"id": "host.pollable", "resource": 0}])");
  for (json& table : plan["tables"]) {
    table["types"] = json::array({"host.pollable"});
  }
  for (json& view : plan["views"]) {
    view["type"] = "host.pollable";
  }
  plan["boundaries"] = json::array();
  const Plan result = read(plan);
  ASSERT_EQ(result.types.size(), 2U);
  EXPECT_EQ(result.types[1], (TypeKey{"host.wasi:io/poll.pollable", ResourceId{1U}, topology::kHost}));
  EXPECT_EQ(result.views[3].type, TypeKeyId{1U});
  EXPECT_EQ(result.views[5].type, TypeKeyId{0U});
  EXPECT_EQ(result.tables[0].types, (std::vector{TypeKeyId{0U}, TypeKeyId{1U}}));
}

TEST(ReadPlan, PrefersTheKeyWithTheTrueDefinerForViewsOfTheHost) {
  json plan = sample_plan();
  plan["types"].insert(plan["types"].begin(), json::parse(R"({"id": "lie", "resource": 1, "definer": 3})"));
  const Plan result = read(plan);
  EXPECT_EQ(result.types[0].definer, InstanceId{3U});
  EXPECT_EQ(result.views[3].type, TypeKeyId{2U});
}

TEST(ReadPlan, PassesUnchangedWhatItLeavesOut) {
  json plan = sample_plan();
  plan["boundaries"][1]["positions"].erase(0);
  plan["boundaries"][1]["checks"] = json::array({"may-leave"});
  plan["boundaries"].erase(0);
  const Plan result = read(plan);
  EXPECT_EQ(result.positions[0].count, 0);
  EXPECT_EQ(result.positions[1].count, 0);
  EXPECT_EQ(result.positions[2].count, 2);
  EXPECT_EQ(result.boundaries[0], (BoundaryRoute{true, true}));
  EXPECT_EQ(result.boundaries[1], (BoundaryRoute{false, true}));
}

TEST(ReadPlan, ReadsEachStepInOrder) {
  json plan = sample_plan();
  json& positions = plan["boundaries"][1]["positions"];
  std::swap(positions[0], positions[1]);  // matched by path, not by order
  positions[1]["steps"] = json::parse(
      R"([{"rep": "canonical"}, {"borrow": "leaf", "type": "host.pollable"}, {"lend": "mid"}, {"take": "leaf"}])");
  const PositionRoute route = read(plan).positions[1];
  ASSERT_EQ(route.count, 4);
  EXPECT_EQ(route.steps[0], (Step{StepOp::kRep, TableId{0U}, {}}));
  EXPECT_EQ(route.steps[1], (Step{StepOp::kBorrow, TableId{1U}, TypeKeyId{1U}}));
  EXPECT_EQ(route.steps[2], (Step{StepOp::kLend, TableId{2U}, {}}));
  EXPECT_EQ(route.steps[3], (Step{StepOp::kTake, TableId{1U}, {}}));
}

TEST(ReadPlan, NotesOnlyPlacesThatDiffer) {
  json plan = sample_plan();
  json& position = plan["boundaries"][1]["positions"][1];
  position["guards"] = json::parse(
      R"([{"caller": {"flat": 1, "lists": [{"stride": 8}]}, "callee": {"flat": 1, "lists": [{"stride": 8}]},
           "width": 1, "case": 1, "label": "another name"}])");
  position["caller"] = json::parse(R"({"flat": 1, "lists": [{"offset": 5, "stride": 8}], "offset": 4})");
  EXPECT_EQ(read(plan).positions[2].layout_override, 0U);  // each change is in what says nothing there

  position["caller"]["type"] = "i64";
  EXPECT_EQ(read(plan).positions[2].layout_override, 1U);
  position["caller"].erase("type");
  position["guards"][0]["callee"]["type"] = "f64";
  EXPECT_EQ(read(plan).positions[2].layout_override, 1U);
  position["guards"][0]["callee"].erase("type");
  EXPECT_EQ(read(plan).positions[2].layout_override, 0U);

  position["guards"][0]["width"] = 2;
  EXPECT_EQ(read(plan).positions[2].layout_override, 1U);
  position["guards"][0]["width"] = 1;

  position["guards"][0].erase("label");
  position["callee"] = json::parse(R"({"param-area": {"lists": [{"stride": 8}], "offset": 12}})");
  const Plan result = read(plan);
  ASSERT_EQ(result.positions[2].layout_override, 1U);
  ASSERT_EQ(result.layouts.size(), 1U);
  const topology::Layout& layout = result.layouts[0];
  EXPECT_EQ(layout.path, "params/l/[]/some");
  EXPECT_TRUE(layout.in_list && layout.in_variant && !layout.in_aggregate);
  EXPECT_EQ(layout.callee,
            (topology::Location{topology::Root::kParamArea, 0, topology::SlotType::kI32, {{0, 8}}, 12}));
  EXPECT_EQ(layout.caller.slot, 1U);
  ASSERT_EQ(layout.guards.size(), 1U);
  EXPECT_EQ(layout.guards[0].width, 1);
  EXPECT_EQ(layout.guards[0].case_label, "some");
}

/// A change of where the sample's "params/self" lies: what is left out of it is the topology's.
struct Elsewhere {
  const char* position;
};
class ReadPlanPlace : public ::testing::TestWithParam<Elsewhere> {};

TEST_P(ReadPlanPlace, IsAnOverride) {
  json plan = sample_plan();
  plan["boundaries"][1]["positions"][0].update(json::parse(GetParam().position));
  EXPECT_EQ(read(plan).positions[1].layout_override, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Each, ReadPlanPlace,
    ::testing::Values(Elsewhere{R"({"caller": {"flat": 1}})"}, Elsewhere{R"({"callee": {"flat": 7}})"},
                      Elsewhere{R"({"callee": {"flat": 0, "type": "f64"}})"},
                      Elsewhere{R"({"caller": {"param-area": {}}})"},
                      Elsewhere{R"({"caller": {"result-area": {"offset": 0}}})"},
                      Elsewhere{R"({"caller": {"flat": 0, "lists": [{"stride": 4}]}})"},
                      Elsewhere{
                          R"({"guards": [{"caller": {"flat": 0}, "callee": {"flat": 0}, "case": 0}]})"}));

TEST(ReadPlan, KeepsOneLayoutForPositionsThatAreElsewhereInTheSameWay) {
  json plan = sample_plan();
  const json elsewhere = json::parse(R"({"param-area": {"offset": 4}})");
  plan["boundaries"][0]["positions"][0]["callee"] = elsewhere;
  plan["boundaries"][2]["positions"][0]["callee"] = elsewhere;
  EXPECT_EQ(read(plan).layouts.size(), 2U);  // their paths differ

  TopologyBuilder make;
  const auto leaf = make.instance("leaf");
  const auto thing = make.resource(leaf, "a:b/c", "thing", true);
  const auto view = make.view(leaf, thing, "a:b/c", "thing", true, kOfDefiner);
  for (const char* function : {"f", "g"}) {
    make.boundary(topology::kHost, leaf, "a:b/c", function);
    make.position(flat_layout("params/a", 0), view, view, topology::HandleKind::kOwn);
    make.position(flat_layout("params/a", 1), view, view, topology::HandleKind::kOwn);
  }
  const Topology topology = std::move(make).build();
  json same = json::parse(write_plan(required_plan(topology), topology));
  for (json& boundary : same["boundaries"]) {
    boundary["positions"][0]["caller"] = elsewhere;
  }
  const auto result = read_plan(same.dump(), "plan.json", topology);
  ASSERT_TRUE(result.has_value()) << result.error().sentence;
  EXPECT_EQ(result->layouts.size(), 1U);
  EXPECT_EQ(result->positions[0].layout_override, 1U);
  EXPECT_EQ(result->positions[1].layout_override, 0U);  // the second of two positions with one path
  EXPECT_EQ(result->positions[2].layout_override, 1U);
}

}  // namespace
}  // namespace meld_verify::routing
