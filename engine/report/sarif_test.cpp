// SARIF: what the official schema cannot say. tests/e2e/check_sarif.py holds logs against that.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/report/fused_sample.h"

namespace meld_verify::report {
namespace {

using nlohmann::json;

json log_of(FusedSample& sample) {
  return json::parse(
      fused_sarif(sample.report(), {.version = "1.2.3", .arguments = {"a", "b"}, .exit_code = 1}));
}

TEST(Sarif, AFindingIsAResultOfItsRule) {
  FusedSample sample;
  sample.lifted.plan.positions[0].steps[0].op = routing::StepOp::kRep;  // the entry stays
  sample.lifted.table_code[1][1] = FusedSample::place(12, 0x90);
  const json log = log_of(sample);
  EXPECT_EQ(log["version"], "2.1.0");
  const json& run = log["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["version"], "1.2.3");
  EXPECT_EQ(run["invocations"][0]["exitCode"], 1);
  EXPECT_EQ(run["properties"]["verdict"], "refuted");
  ASSERT_EQ(run["results"].size(), 1u);
  const json& result = run["results"][0];
  const json& rule = run["tool"]["driver"]["rules"][result["ruleIndex"].get<std::size_t>()];
  EXPECT_EQ(rule["id"], result["ruleId"]);
  EXPECT_EQ(result["level"], "error");
  EXPECT_EQ(result["kind"], "fail");
  const json& location = result["locations"][0];
  EXPECT_EQ(location["physicalLocation"]["artifactLocation"]["uri"], "fused.wasm");
  EXPECT_EQ(location["physicalLocation"]["region"]["byteOffset"], 0xa8f1);
  EXPECT_EQ(location["logicalLocations"][0]["fullyQualifiedName"],
            "mid → leaf  a:b/c  [constructor]thing  result");
  EXPECT_EQ(location["logicalLocations"][0]["kind"], "function");
  EXPECT_EQ(result["relatedLocations"][0]["message"]["text"], "rep of table leaf func 12 at 0x90");
  const json& way = result["codeFlows"][0]["threadFlows"][0]["locations"];
  ASSERT_GE(way.size(), 3u);
  EXPECT_EQ(way[0]["location"]["message"]["text"].get<std::string>().find("born"), 0u);
  EXPECT_EQ(way[2]["location"]["physicalLocation"]["region"]["byteOffset"], 0xa8f1);
  EXPECT_TRUE(result["partialFingerprints"].is_object());
}

TEST(Sarif, AFingerprintDoesNotDependOnWhereTheCodeIs) {
  FusedSample sample, moved;
  sample.lifted.plan.positions[0].count = 0;
  moved.lifted.plan.positions[0].count = 0;
  moved.lifted.position_code[0] = FusedSample::place(9, 0x1000);
  EXPECT_EQ(log_of(sample)["runs"][0]["results"][0]["partialFingerprints"],
            log_of(moved)["runs"][0]["results"][0]["partialFingerprints"]);
}

TEST(Sarif, WhatDoesNotRefuteIsNoError) {
  FusedSample sample;
  sample.lifted.plan.tables[1].checks.bounds = false;
  sample.lifted.plan.positions[0].count = 0;
  sample.lifted.topology.boundaries[0].reachable = false;
  const json log = log_of(sample);
  std::vector<std::string> levels;
  for (const json& result : log["runs"][0]["results"]) {
    levels.push_back(result["level"]);
  }
  EXPECT_EQ(levels, (std::vector<std::string>{"warning", "note"}));
}

TEST(Sarif, WhatCouldNotBeToldIsOpen) {
  FusedSample sample;
  lift::Note open;
  open.sentence = "a function has no counterpart";
  open.place = FusedSample::place(3, 0x30);
  sample.lifted.notes = {open};
  const json log = log_of(sample);
  const json& result = log["runs"][0]["results"][0];
  EXPECT_EQ(result["kind"], "open");
  EXPECT_EQ(result["level"], "none");
  EXPECT_EQ(result["locations"][0]["physicalLocation"]["region"]["byteOffset"], 0x30);
  EXPECT_EQ(log["runs"][0]["properties"]["verdict"], "unknown");
  EXPECT_EQ(log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
            "a function has no counterpart");
}

TEST(Sarif, NamesOfFilesBecomeUris) {
  FusedSample sample;
  const check::ArtefactReport artefact = check::check_artefact(sample.lifted, smt::load_rules().value());
  const FusedReport report{
      .composed = "/a b/c:d.wasm", .fused = "x/ö\xff.wasm", .lifted = sample.lifted, .artefact = artefact};
  const json log =
      json::parse(fused_sarif(report, {.version = "1", .arguments = {"x/ö\xff.wasm"}, .exit_code = 0}));
  EXPECT_EQ(log["runs"][0]["artifacts"][0]["location"]["uri"], "x/%C3%B6%FF.wasm");
  EXPECT_EQ(log["runs"][0]["artifacts"][1]["location"]["uri"], "file:///a%20b/c%3Ad.wasm");
  EXPECT_TRUE(log["runs"][0]["results"].empty());
}

TEST(Sarif, ARegionIsAsLongAsTheBodyOrTheInstruction) {
  FusedSample sample;
  const std::vector<std::uint8_t> bytes{0, 0, 0, 0, 0x00, 0x41, 0x80, 0x01, 0x1a, 0x0b};
  lift::Image image;
  image.bytes = bytes;
  image.modules.resize(1);
  wasm::Function function;
  function.body = {wasm::ByteOffset{4}, wasm::ByteOffset{10}};
  function.code = {wasm::ByteOffset{5}, wasm::ByteOffset{10}};
  image.modules[0].functions = {function};
  image.instances.resize(1);
  image.functions.resize(1);
  sample.image = &image;
  sample.lifted.plan.positions[0].count = 0;
  const auto length = [&](std::uint64_t offset) {
    sample.lifted.position_code[0] = FusedSample::place(0, offset);
    return log_of(sample)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].value(
        "byteLength", -1);
  };
  EXPECT_EQ(length(4), 6);
  EXPECT_EQ(length(5), 3);
  EXPECT_EQ(length(8), 1);
  EXPECT_EQ(length(10), -1);
  EXPECT_EQ(length(2), -1);
}

}  // namespace
}  // namespace meld_verify::report
