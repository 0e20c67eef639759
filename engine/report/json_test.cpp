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
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "engine/component/decode.h"

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
