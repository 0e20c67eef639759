#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "engine/routing/plan.h"
#include "engine/routing/sample_topology.h"

namespace meld_verify::routing {
namespace {

constexpr std::string_view kRequired = R"({
  "version": 1,
  "generator": "meld-verify",
  "types": [
    {"id": "leaf.thing", "resource": 0, "resource-name": "thing", "definer": 2, "definer-name": "leaf"},
    {"id": "host.pollable", "resource": 1, "resource-name": "pollable", "definer": 0, "definer-name": "host"}
  ],
  "tables": [
    {"id": "canonical", "instances": [0], "types": ["leaf.thing", "host.pollable"], "storage": "canonical", "reuse": "lifo", "overflow": "trap", "checks": ["zero", "bounds", "live", "type", "kind", "lent"]},
    {"id": "leaf", "instances": [2], "types": ["leaf.thing"], "storage": "private", "reuse": "lifo", "overflow": "trap", "checks": ["zero", "bounds", "live", "type", "kind", "lent"]},
    {"id": "mid", "instances": [3], "types": ["leaf.thing", "host.pollable"], "storage": "private", "reuse": "lifo", "overflow": "trap", "checks": ["zero", "bounds", "live", "type", "kind", "lent"]}
  ],
  "views": [
    {"instance": 2, "instance-name": "leaf", "resource": 0, "interface": "a:b/c", "name": "thing", "exported": true, "type": "leaf.thing", "table": "leaf", "new": "leaf", "rep": "leaf", "drop": {"table": "leaf", "own": [0], "borrow": []}},
    {"instance": 3, "instance-name": "mid", "resource": 0, "interface": "a:b/c", "name": "thing", "exported": false, "type": "leaf.thing", "table": "mid", "drop": {"table": "mid", "own": [0], "borrow": []}},
    {"instance": 3, "instance-name": "mid", "resource": 0, "interface": "a:b/d", "name": "item", "exported": true, "type": "leaf.thing", "table": "mid", "drop": {"table": "mid", "own": [0], "borrow": []}},
    {"instance": 3, "instance-name": "mid", "resource": 1, "interface": "wasi:io/poll", "name": "pollable", "exported": false, "type": "host.pollable", "table": "mid", "drop": {"table": "mid", "own": [], "borrow": []}}
  ],
  "boundaries": [
    {"boundary": 0, "caller": 3, "caller-name": "mid", "callee": 2, "callee-name": "leaf", "interface": "a:b/c", "function": "[constructor]thing",
     "positions": [
       {"at": "result", "kind": "own", "steps": [{"take": "leaf"}, {"new": "mid", "type": "leaf.thing"}]}]},
    {"boundary": 1, "caller": 3, "caller-name": "mid", "callee": 2, "callee-name": "leaf", "interface": "a:b/c", "function": "use",
     "positions": [
       {"at": "params/self", "kind": "borrow", "steps": [{"lend": "mid"}]},
       {"at": "params/l/[]/some", "kind": "own", "steps": [{"take": "mid"}, {"new": "leaf", "type": "leaf.thing"}]}]},
    {"boundary": 2, "caller": 0, "caller-name": "host", "callee": 3, "callee-name": "mid", "interface": "", "function": "run",
     "positions": [
       {"at": "params/p", "kind": "own", "steps": [{"new": "mid", "type": "host.pollable"}]},
       {"at": "result/0", "kind": "own", "steps": [{"take": "mid"}, {"new": "canonical", "type": "leaf.thing"}]}]}
  ]
}
)";

TEST(WritePlan, WritesOneItemALine) {
  const topology::Topology topology = sample_topology();
  EXPECT_EQ(write_plan(required_plan(topology), topology), kRequired);
}

TEST(WritePlan, WritesLocationsWhenAsked) {
  const topology::Topology topology = sample_topology();
  const std::string text = write_plan(required_plan(topology), topology, {.locations = true});
  EXPECT_NE(text.find(R"({"take": "mid"}, {"new": "leaf", "type": "leaf.thing"}],
        "caller": {"flat": 1, "lists": [{"offset": 0, "stride": 8}], "offset": 4}, "callee": {"flat": 1, "lists": [{"offset": 0, "stride": 8}], "offset": 4}, "guards": [{"caller": {"flat": 1, "lists": [{"offset": 0, "stride": 8}]}, "callee": {"flat": 1, "lists": [{"offset": 0, "stride": 8}]}, "width": 1, "case": 1, "label": "some"}]})"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find(R"("caller": {"result-area": {"offset": 8}}, "callee": {"result-area": {"offset": 8}}, )"
                R"("guards": []})"),
      std::string::npos)
      << text;
}

TEST(WritePlan, WritesALocationThatThePlanHasElsewhere) {
  const topology::Topology topology = sample_topology();
  Plan plan = required_plan(topology);
  topology::Layout layout = topology.layouts[0];
  layout.callee = {.root = topology::Root::kParamArea,
                   .slot = 0,
                   .slot_type = topology::SlotType::kI32,
                   .lists = {},
                   .offset = 0};
  layout.caller.slot_type = topology::SlotType::kI64;
  plan.layouts = {layout};
  plan.positions[0].layout_override = 1;
  const std::string text = write_plan(plan, topology);
  EXPECT_NE(text.find(R"("type": "leaf.thing"}],
        "caller": {"flat": 0, "type": "i64"}, "callee": {"param-area": {"offset": 0}}, "guards": []}]})"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("result-area"), std::string::npos);
}

TEST(WritePlan, EscapesNames) {
  TopologyBuilder make;
  const auto instance = make.instance("a\"b\\c\n\x01/~\xc3\xa9");
  const auto resource = make.resource(instance, "", "r", false);
  make.view(instance, resource, "", "r", true, kNoIntrinsics);
  const topology::Topology topology = std::move(make).build();
  const Plan plan = required_plan(topology);
  const std::string text = write_plan(plan, topology);
  EXPECT_NE(text.find(R"({"id": "a\"b\\c\u000a\u0001/~)"
                      "\xc3\xa9\", \"instances\": [2]"),
            std::string::npos)
      << text;
  const auto again = read_plan(text, "plan.json", topology);
  ASSERT_TRUE(again.has_value()) << again.error().sentence;
  EXPECT_EQ(again->tables[1].id, "a\"b\\c\n\x01/~\xc3\xa9");
}

TEST(WritePlan, LeavesOutWhatPassesUnchangedOnlyWhereThatIsSafe) {
  const topology::Topology topology = sample_topology();
  Plan plan = required_plan(topology);
  plan.boundaries[3].checks_may_leave = false;  // a boundary without positions
  plan.positions[0].count = 0;
  const std::string text = write_plan(plan, topology);
  EXPECT_NE(text.find(R"("function": "ping", "checks": ["borrows-remain"]})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"({"at": "result", "kind": "own", "steps": []})"), std::string::npos) << text;
}

}  // namespace
}  // namespace meld_verify::routing
