#if defined(__GNUC__) && !defined(__clang__)
// With sanitizers, g++ 12 takes members of std::regex (inside valijson) for uninitialised when they are not.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "engine/report/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "engine/component/decode.h"
#include "engine/report/fused_sample.h"

namespace meld_verify::report {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const fs::path kRoot = MELD_VERIFY_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ReportJson : public testing::Test {
 protected:
  void SetUp() override {
    setenv("MELD_VERIFY_SPEC", (kRoot / "spec").c_str(), 1);
    const json text = json::parse(read(kRoot / "spec/report.schema.json"));
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(text), schema);
  }

  std::string problems(const json& report) {
    valijson::ValidationResults results;
    valijson::Validator(valijson::Validator::kStrongTypes)
        .validate(schema, valijson::adapters::NlohmannJsonAdapter(report), &results);
    std::string text;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const std::string& part : error.context) {
        text += part;
      }
      text += ": " + error.description + "\n";
    }
    return text;
  }

  json report_on(const fs::path& component, const fs::path& plan_file, check::Profile profile) {
    const std::string bytes = read(component);
    const auto composition = component::decode(
        {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, component.string());
    const topology::Topology topology = topology::topology_of(composition.value());
    const auto plan = routing::read_plan(read(plan_file), plan_file.string(), topology);
    const auto rules = smt::load_rules();
    const check::Report report = check::check(topology, plan.value(), rules.value(), {.profile = profile});
    return json::parse(report_json(report, topology, plan.value(), "a plan"));
  }

  valijson::Schema schema;
};

TEST_F(ReportJson, KeepsToItsSchemaForEveryFindingThatHasAFixture) {
  std::size_t findings = 0;
  for (const auto& pair : fs::directory_iterator(kRoot / "fixtures/plans")) {
    if (!fs::exists(pair.path() / "expect.json")) {
      continue;
    }
    const json expect = json::parse(read(pair.path() / "expect.json"));
    for (const check::Profile profile : {check::Profile::kDefault, check::Profile::kStrict}) {
      const json report = report_on(kRoot / "fixtures/components" / expect["component"].get<std::string>(),
                                    pair.path() / "leak.plan.json", profile);
      EXPECT_EQ(problems(report), "") << pair.path();
      findings += report["findings"].size();
    }
  }
  EXPECT_GT(findings, 80u);
}

TEST_F(ReportJson, TheSchemaNoticesWhatIsWrong) {
  const json good = report_on(kRoot / "fixtures/demo/founding.wasm",
                              kRoot / "fixtures/demo/by-name.plan.json", check::Profile::kDefault);
  ASSERT_EQ(problems(good), "");
  ASSERT_FALSE(good["findings"].empty());
  for (const char* name : {"verdict", "findings", "judged"}) {
    json bad = good;
    bad.erase(name);
    EXPECT_NE(problems(bad), "") << name;
  }
  for (const auto& [name, value] : good["findings"][0].items()) {
    json bad = good;
    bad["findings"][0][name] = json::array({json::object()});
    EXPECT_NE(problems(bad), "") << name;
  }
}

TEST_F(ReportJson, KeepsToItsSchemaWhereItNamesWhatIsUnproved) {
  topology::Topology topology;
  topology.names = {""};
  topology.instances.resize(2);
  routing::Plan plan;
  plan.tables.emplace_back();
  check::Report report;
  report.unproved = {{{check::UnitKind::kPosition, 3}, "a → b", "/boundaries/0", {{"a rule", "so"}}}, {}};
  const json text = json::parse(report_json(report, topology, plan, "a plan"));
  EXPECT_EQ(problems(text), "");
  EXPECT_EQ(text["unproved-places"], 2);
  EXPECT_EQ(text["unproved"][0]["pointer"], "/boundaries/0");
}

TEST_F(ReportJson, AFusedFileKeepsToItToo) {
  for (const bool all_wrong : {false, true}) {
    FusedSample sample;
    if (all_wrong) {
      lift::Note open, table, boundary, instance, file;
      open.sentence = "cannot be read";
      open.position = topology::PositionId{1u};
      open.place = FusedSample::place(3, 77);
      open.place->name = "odd name";
      table.code = 51;
      table.table = routing::TableId{1u};
      boundary.code = 27;
      boundary.boundary = topology::BoundaryId{1u};
      instance.code = 20;
      instance.instance = topology::InstanceId{2u};
      file.code = 23;
      sample.lifted.notes = {open, table, boundary, instance, file};
      for (routing::PositionRoute& route : sample.lifted.plan.positions) {
        route.count = 0;
      }
    }
    FusedReport subject = sample.report();
    if (all_wrong) {
      subject.replay = ReplayWords{.finding = 0,
                                   .call = "run()",
                                   .driver = "the export",
                                   .difference = "leaf's destructor gets 5",
                                   .differs = true,
                                   .text = {}};
    }
    const json report = json::parse(fused_json(subject));
    EXPECT_EQ(problems(report), "");
    EXPECT_EQ(report["verdict"], all_wrong ? "refuted" : "proved");
    EXPECT_EQ(report["subject"], "fused.wasm");
    EXPECT_EQ(report["composed"], "composed.wasm");
    EXPECT_EQ(report["functions"]["aligned"], 7);
    EXPECT_EQ(report["open"].size(), all_wrong ? 1u : 0u);
    if (all_wrong) {
      std::set<std::string> kinds;
      bool placed = false;
      for (const json& finding : report["findings"]) {
        kinds.insert(finding["unit"]["kind"].get<std::string>());
        placed |= !finding["code-places"].empty() && finding["code-places"][0]["offset"] == 0xa8f1 &&
                  finding["code-places"][0]["role"] == "adapter";
      }
      EXPECT_EQ(kinds, (std::set<std::string>{"position", "table", "boundary", "instance", "file"}));
      EXPECT_TRUE(placed);
      EXPECT_EQ(report["replay"]["finding"], 1);
      EXPECT_EQ(report["open"][0]["code-place"]["name"], "odd name");
    }
  }
}

TEST_F(ReportJson, AFileMayBeNamedByAnyBytes) {
  topology::Topology topology;
  topology.names = {""};
  topology.instances.resize(2);
  routing::Plan plan;
  plan.tables.emplace_back();
  EXPECT_NO_THROW((void)report_json({}, topology, plan, "plan\xff.json"));
}

}  // namespace
}  // namespace meld_verify::report
