#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "engine/routing/plan.h"
#include "engine/routing/plan_document.h"
#include "engine/routing/sample_topology.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;

/// One change to the required plan of the sample, and what is said of it.
struct Broken {
  const char* change;  ///< a JSON patch (RFC 6902)
  const char* pointer;
  const char* sentence;
};

void PrintTo(const Broken& broken, std::ostream* out) {
  *out << broken.change;
}

void expect_error(const Broken& broken, const char* code) {
  const topology::Topology topology = sample_topology();
  const json plan = json::parse(write_plan(required_plan(topology), topology));
  const auto result = read_plan(plan.patch(json::parse(broken.change)).dump(), "my.json", topology);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, wasm::DiagnosticKind::kBadInput);
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().place.file, "my.json");
  EXPECT_EQ(result.error().place.pointer, broken.pointer);
  EXPECT_EQ(result.error().place.offset, std::nullopt);
  EXPECT_EQ(result.error().sentence, broken.sentence);
}

class BreakOfTheSchema : public ::testing::TestWithParam<Broken> {};

TEST_P(BreakOfTheSchema, IsReportedWithItsPlace) {
  expect_error(GetParam(), "schema");
}

INSTANTIATE_TEST_SUITE_P(
    Each, BreakOfTheSchema,
    ::testing::Values(
        Broken{R"([{"op": "replace", "path": "", "value": []}])", "",
               "expected a fusion plan of meld-verify, version 1, found an array"},
        Broken{R"([{"op": "replace", "path": "/version", "value": 2}])", "/version", "expected 1, found 2"},
        Broken{R"([{"op": "remove", "path": "/version"}])", "",
               "the member \"version\" is missing; expected 1"},
        Broken{R"([{"op": "remove", "path": "/views"}])", "",
               "the member \"views\" is missing; expected an array"},
        Broken{R"([{"op": "replace", "path": "/generator", "value": null}])", "/generator",
               "expected a string, found null"},
        Broken{R"([{"op": "add", "path": "/a~1b~0c", "value": 1}])", "/a~1b~0c",
               "there is no member \"a/b~c\" here; expected \"boundaries\", \"generator\", \"tables\", "
               "\"types\", "
               "\"version\" or \"views\""},
        Broken{R"([{"op": "replace", "path": "/tables/1", "value": 3}])", "/tables/1",
               "expected a table, found 3"},
        Broken{R"([{"op": "replace", "path": "/tables/1/id", "value": ""}])", "/tables/1/id",
               "expected a string that is not empty, found \"\""},
        Broken{R"([{"op": "remove", "path": "/tables/2/id"}])", "/tables/2",
               "the member \"id\" is missing; expected a string that is not empty"},
        Broken{R"([{"op": "replace", "path": "/tables/1/instances/0", "value": -1}])",
               "/tables/1/instances/0", "expected a whole number from 0 to 4294967295, found -1"},
        Broken{R"([{"op": "replace", "path": "/tables/1/instances/0", "value": 4294967296}])",
               "/tables/1/instances/0", "expected a whole number from 0 to 4294967295, found 4294967296"},
        Broken{R"([{"op": "replace", "path": "/tables/1/instances/0", "value": 18446744073709551615}])",
               "/tables/1/instances/0",
               "expected a whole number from 0 to 4294967295, found 18446744073709551615"},
        Broken{R"([{"op": "replace", "path": "/tables/1/instances/0", "value": 1.5}])",
               "/tables/1/instances/0", "expected a whole number from 0 to 4294967295, found 1.5"},
        Broken{R"([{"op": "add", "path": "/tables/1/capacity", "value": 9007199254740992}])",
               "/tables/1/capacity",
               "expected a whole number from 0 to 9007199254740991, found 9007199254740992"},
        Broken{R"([{"op": "replace", "path": "/tables/1/storage", "value": "public"}])", "/tables/1/storage",
               "expected \"private\", \"canonical\" or {\"guest-memory\": INSTANCE}, found \"public\""},
        Broken{R"([{"op": "replace", "path": "/tables/1/storage", "value": {"guest-memory": "mid"}}])",
               "/tables/1/storage/guest-memory",
               "expected a whole number from 0 to 4294967295, found \"mid\""},
        Broken{R"([{"op": "replace", "path": "/tables/1/reuse", "value": "fifo"}])", "/tables/1/reuse",
               "expected \"lifo\", \"any\" or \"never\", found \"fifo\""},
        Broken{R"([{"op": "replace", "path": "/tables/1/checks/2", "value": "lives"}])", "/tables/1/checks/2",
               "expected \"zero\", \"bounds\", \"live\", \"type\", \"kind\" or \"lent\", found \"lives\""},
        Broken{R"([{"op": "replace", "path": "/views/0/exported", "value": 1}])", "/views/0/exported",
               "expected true or false, found 1"},
        Broken{R"([{"op": "add", "path": "/views/0/drop/owns", "value": []}])", "/views/0/drop/owns",
               "there is no member \"owns\" here; expected \"borrow\", \"own\" or \"table\""},
        Broken{R"([{"op": "remove", "path": "/boundaries/1/function"}])", "/boundaries/1",
               "the member \"function\" is missing; expected a string"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/0/kind", "value": "lent"}])",
               "/boundaries/1/positions/0/kind", "expected \"own\" or \"borrow\", found \"lent\""},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/0/steps",
                    "value": [{"take": "mid"}, {"take": "mid"}, {"take": "mid"}, {"take": "mid"}, {"take": "mid"}]}])",
               "/boundaries/1/positions/0/steps", "expected at most 4 items, found 5"},
        Broken{
            R"([{"op": "replace", "path": "/boundaries/1/positions/0/steps/0", "value": {"move": "mid"}}])",
            "/boundaries/1/positions/0/steps/0",
            "expected {\"take\": TABLE}, {\"lend\": TABLE}, {\"rep\": TABLE}, {\"new\": TABLE, \"type\": "
            "TYPE} or "
            "{\"borrow\": TABLE, \"type\": TYPE}, found an object"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/0/steps/0", "value": {"take": 3}}])",
               "/boundaries/1/positions/0/steps/0/take", "expected a string that is not empty, found 3"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/0/steps/0", "value": {"new": "mid"}}])",
               "/boundaries/1/positions/0/steps/0",
               "the member \"type\" is missing; expected a string that is not empty"},
        Broken{R"([{"op": "add", "path": "/boundaries/1/positions/0/steps/0/type", "value": "leaf.thing"}])",
               "/boundaries/1/positions/0/steps/0/type",
               "there is no member \"type\" here; expected \"lend\""},
        Broken{R"([{"op": "add", "path": "/boundaries/1/positions/0/caller", "value": {"slot": 1}}])",
               "/boundaries/1/positions/0/caller",
               "expected {\"flat\": SLOT}, {\"param-area\": PLACE} or {\"result-area\": PLACE}, found an "
               "object"},
        Broken{R"([{"op": "add", "path": "/boundaries/1/positions/0/callee",
                    "value": {"param-area": {"lists": [{"offset": 4}]}}}])",
               "/boundaries/1/positions/0/callee/param-area/lists/0",
               "the member \"stride\" is missing; expected a whole number from 0 to 4294967295"},
        Broken{R"([{"op": "add", "path": "/boundaries/1/positions/0/guards",
                    "value": [{"caller": {"flat": 0}, "callee": {"flat": 0}, "case": 0, "width": 3}]}])",
               "/boundaries/1/positions/0/guards/0/width", "expected 1, 2 or 4, found 3"}));

class BreakOfAReference : public ::testing::TestWithParam<Broken> {};

TEST_P(BreakOfAReference, IsReportedWithItsPlace) {
  expect_error(GetParam(), "plan-reference");
}

INSTANTIATE_TEST_SUITE_P(
    InTypesAndTables, BreakOfAReference,
    ::testing::Values(
        Broken{R"([{"op": "replace", "path": "/types/1/resource", "value": 2}])", "/types/1/resource",
               "there is no resource type 2; expected a number below 2"},
        Broken{R"([{"op": "replace", "path": "/types/1/definer", "value": 4}])", "/types/1/definer",
               "there is no instance 4; expected a number below 4"},
        Broken{R"([{"op": "replace", "path": "/types/1/id", "value": "leaf.thing"}])", "/types/1/id",
               "two types have the id \"leaf.thing\"; expected ids that differ"},
        Broken{R"([{"op": "replace", "path": "/tables/2/id", "value": "leaf"}])", "/tables/2/id",
               "two tables have the id \"leaf\"; expected ids that differ"},
        Broken{R"([{"op": "copy", "from": "/tables/0", "path": "/tables/-"}])", "/tables/3/id",
               "two tables have the id \"canonical\"; expected ids that differ"},
        Broken{R"([{"op": "replace", "path": "/tables/1/instances/0", "value": 9}])", "/tables/1/instances/0",
               "there is no instance 9; expected a number below 4"},
        Broken{R"([{"op": "replace", "path": "/tables/2/instances", "value": [3, 2, 3]}])",
               "/tables/2/instances/2", "this is named twice here; expected it once"},
        Broken{R"([{"op": "replace", "path": "/tables/2/types/1", "value": "thing"}])", "/tables/2/types/1",
               "nothing has the id \"thing\"; expected the id of one of the types"},
        Broken{R"([{"op": "replace", "path": "/tables/2/types/1", "value": "leaf.thing"}])",
               "/tables/2/types/1", "this is named twice here; expected it once"},
        Broken{R"([{"op": "replace", "path": "/tables/0/storage", "value": "private"}])", "/tables/0/storage",
               "this is the run time's table; expected \"canonical\""},
        Broken{R"([{"op": "replace", "path": "/tables/1/storage", "value": "canonical"}])",
               "/tables/1/storage",
               "only the table \"canonical\" is the run time's; expected \"private\" or {\"guest-memory\": "
               "INSTANCE}"},
        Broken{R"([{"op": "replace", "path": "/tables/1/storage", "value": {"guest-memory": 4}}])",
               "/tables/1/storage/guest-memory", "there is no instance 4; expected a number below 4"},
        Broken{R"([{"op": "replace", "path": "/tables/1/storage", "value": {"guest-memory": 0}}])",
               "/tables/1/storage/guest-memory",
               "instance 0 is the host, which has no memory; expected a guest"}));

INSTANTIATE_TEST_SUITE_P(
    InPlaces, BreakOfAReference,
    ::testing::Values(
        Broken{
            R"([{"op": "add", "path": "/boundaries/1/positions/0/caller", "value": {"flat": 0, "offset": 4}}])",
            "/boundaries/1/positions/0/caller/offset",
            "a slot has no bytes to count; expected no such member, or \"lists\" whose pointer is in the "
            "slot"},
        Broken{R"([{"op": "add", "path": "/boundaries/1/positions/0/callee",
                    "value": {"flat": 0, "lists": [], "offset": 0}}])",
               "/boundaries/1/positions/0/callee/offset",
               "a slot has no bytes to count; expected no such member, or \"lists\" whose pointer is in the "
               "slot"},
        Broken{R"([{"op": "add", "path": "/boundaries/1/positions/1/guards",
                    "value": [{"caller": {"flat": 1, "lists": [{"stride": 8}], "offset": 1},
                               "callee": {"flat": 1, "offset": 1}, "case": 1}]}])",
               "/boundaries/1/positions/1/guards/0/callee/offset",
               "a slot has no bytes to count; expected no such member, or \"lists\" whose pointer is in the "
               "slot"}));

INSTANTIATE_TEST_SUITE_P(
    InViews, BreakOfAReference,
    ::testing::Values(
        Broken{R"([{"op": "replace", "path": "/views/0/instance", "value": 4}])", "/views/0/instance",
               "there is no instance 4; expected a number below 4"},
        Broken{R"([{"op": "replace", "path": "/views/0/resource", "value": 2}])", "/views/0/resource",
               "there is no resource type 2; expected a number below 2"},
        Broken{R"([{"op": "replace", "path": "/views/0/resource", "value": 1}])", "/views/0/resource",
               "instance 2 has no view of resource type 1; expected one of which it has"},
        Broken{R"([{"op": "replace", "path": "/views/2/interface", "value": "a:b/e"}])", "/views/2/interface",
               "the instance has no such view of the resource type; expected for example the view \"thing\" "
               "(interface \"a:b/c\", imported) of resource type 0 in instance 3"},
        Broken{R"([{"op": "replace", "path": "/views/2/name", "value": "thing"}])", "/views/2/name",
               "the instance has no such view of the resource type; expected for example the view \"item\" "
               "(interface \"a:b/d\", exported) of resource type 0 in instance 3"},
        Broken{R"([{"op": "replace", "path": "/views/2/exported", "value": false}])", "/views/2/exported",
               "the instance has no such view of the resource type; expected for example the view \"item\" "
               "(interface \"a:b/d\", exported) of resource type 0 in instance 3"},
        Broken{R"([{"op": "replace", "path": "/views/0/type", "value": "thing"}])", "/views/0/type",
               "nothing has the id \"thing\"; expected the id of one of the types"},
        Broken{R"([{"op": "replace", "path": "/views/0/table", "value": "lead"}])", "/views/0/table",
               "nothing has the id \"lead\"; expected \"canonical\" or the id of one of the tables"},
        Broken{R"([{"op": "replace", "path": "/views/0/new", "value": "lead"}])", "/views/0/new",
               "nothing has the id \"lead\"; expected \"canonical\" or the id of one of the tables"},
        Broken{R"([{"op": "add", "path": "/views/1/new", "value": "leaf"}])", "/views/1/new",
               "the instance has no such intrinsic for this view; expected no such member"},
        Broken{R"([{"op": "add", "path": "/views/1/rep", "value": "leaf"}])", "/views/1/rep",
               "the instance has no such intrinsic for this view; expected no such member"},
        Broken{R"([{"op": "add", "path": "/views/-", "value": {"instance": 0, "resource": 1,
                    "type": "host.pollable", "table": "canonical", "drop": {}}}])",
               "/views/4/drop", "the instance has no such intrinsic for this view; expected no such member"},
        Broken{R"([{"op": "replace", "path": "/views/0/drop/table", "value": "lead"}])",
               "/views/0/drop/table",
               "nothing has the id \"lead\"; expected \"canonical\" or the id of one of the tables"},
        Broken{R"([{"op": "replace", "path": "/views/0/drop/own", "value": [0, 2]}])", "/views/0/drop/own/1",
               "there is no resource type 2; expected a number below 2"},
        Broken{R"([{"op": "replace", "path": "/views/0/drop/borrow", "value": [2]}])",
               "/views/0/drop/borrow/0", "there is no resource type 2; expected a number below 2"},
        Broken{R"([{"op": "add", "path": "/views/-", "value": {"instance": 0, "resource": 1,
                    "type": "host.pollable", "table": "mid"}}])",
               "/views/4/table", "the host's handles are in the run time's table; expected \"canonical\""},
        Broken{R"([{"op": "copy", "from": "/views/0", "path": "/views/-"}])", "/views/4",
               "the view \"thing\" (interface \"a:b/c\", exported) of resource type 0 in instance 2 is "
               "covered by "
               "/views/0 already; expected one entry for it"},
        Broken{R"([{"op": "remove", "path": "/views/2/interface"}, {"op": "remove", "path": "/views/2/name"},
                   {"op": "remove", "path": "/views/2/exported"}])",
               "/views/2",
               "the view \"thing\" (interface \"a:b/c\", imported) of resource type 0 in instance 3 is "
               "covered by "
               "/views/1 already; expected one entry for it"},
        Broken{R"([{"op": "remove", "path": "/views/3"}])", "/views",
               "no entry is for the view \"pollable\" (interface \"wasi:io/poll\", imported) of resource "
               "type 1 in "
               "instance 3; expected one"}));

INSTANTIATE_TEST_SUITE_P(
    InBoundaries, BreakOfAReference,
    ::testing::Values(
        Broken{R"([{"op": "replace", "path": "/boundaries/1/boundary", "value": 4}])",
               "/boundaries/1/boundary", "there is no boundary 4; expected a number below 4"},
        Broken{R"([{"op": "copy", "from": "/boundaries/1", "path": "/boundaries/-"}])",
               "/boundaries/3/boundary", "boundary 1 has an entry already; expected one"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/caller", "value": 2}])", "/boundaries/1/caller",
               "in this boundary it is another instance; expected 3, found 2"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/callee", "value": 77}])", "/boundaries/1/callee",
               "in this boundary it is another instance; expected 2, found 77"},
        Broken{R"([{"op": "replace", "path": "/boundaries/2/interface", "value": "a:b/c"}])",
               "/boundaries/2/interface", "in this boundary it is another; expected \"\", found \"a:b/c\""},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/function", "value": "used"}])",
               "/boundaries/1/function", "in this boundary it is another; expected \"use\", found \"used\""},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/1/at", "value": "result"}])",
               "/boundaries/1/positions/1/at",
               "boundary 1 has no handle at \"result\"; expected one of its positions, as `meld-verify plan` "
               "prints them"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/1/at", "value": "params/self"}])",
               "/boundaries/1/positions/1/at",
               "the position \"params/self\" has an entry already; expected one"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/1/kind", "value": "borrow"}])",
               "/boundaries/1/positions/1/kind", "the handle here is of the other kind; expected \"own\""},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/1/steps/0/take", "value": "lead"}])",
               "/boundaries/1/positions/1/steps/0/take",
               "nothing has the id \"lead\"; expected \"canonical\" or the id of one of the tables"},
        Broken{R"([{"op": "replace", "path": "/boundaries/1/positions/1/steps/1/type", "value": "thing"}])",
               "/boundaries/1/positions/1/steps/1/type",
               "nothing has the id \"thing\"; expected the id of one of the types"}));

struct NotJson {
  std::string text;
  std::size_t offset;
  const char* sentence;
};

void PrintTo(const NotJson& broken, std::ostream* out) {
  *out << broken.text;
}

class TextThatIsNotJson : public ::testing::TestWithParam<NotJson> {};

TEST_P(TextThatIsNotJson, IsReportedWithItsOffset) {
  const auto result = read_plan(GetParam().text, "my.json", sample_topology());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, "not-json");
  ASSERT_TRUE(result.error().place.offset.has_value());
  EXPECT_EQ(result.error().place.offset->value, GetParam().offset);
  EXPECT_EQ(result.error().place.pointer, std::nullopt);
  EXPECT_EQ(result.error().sentence, GetParam().sentence);
}

INSTANTIATE_TEST_SUITE_P(
    Each, TextThatIsNotJson,
    ::testing::Values(
        NotJson{"", 0, "the text ends inside a JSON value; expected the rest of it"},
        NotJson{"{\"version\": 1", 13, "the text ends inside a JSON value; expected the rest of it"},
        NotJson{"{\"version\": \"on", 15, "the text ends inside a JSON value; expected the rest of it"},
        NotJson{"{\"version\" 1}", 11, "expected JSON in UTF-8 after '{\"version\" ', found '1'"},
        NotJson{"{\"version\": 1}\n}", 15, "expected JSON in UTF-8 after '{\"version\": 1}\\x0a', found '}'"},
        NotJson{"[1,]", 3, "expected JSON in UTF-8 after '[1,', found ']'"},
        NotJson{"[\"a\xff\"]", 3, "expected JSON in UTF-8 after '[\"a', found '\\xff'"},
        NotJson{std::string("{}\0{", 4), 2, "expected JSON in UTF-8 after '{}', found '\\x00'"},
        NotJson{"\x7f"
                "ELF",
                0, "expected JSON in UTF-8 after '', found '\\x7f'"},
        NotJson{"[" + std::string(std::size_t{1} << 22U, ' ') + "x", (std::size_t{1} << 22U) + 1,
                "expected JSON in UTF-8 after '…                        ', found 'x'"}));

TEST(ReadPlan, RefusesDeepNestingWithoutRecursion) {
  const std::size_t million = 1'000'000;
  for (const auto& [opening, pointer] : {std::pair{"[", "/0"}, std::pair{"{\"a\":", "/a"}}) {
    std::string text;
    for (std::size_t i = 0; i < million; ++i) {
      text += opening;
    }
    const auto result = read_plan(text, "my.json", sample_topology());
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, "schema");
    std::string expected;
    for (std::size_t i = 0; i < kMaxPlanDepth; ++i) {
      expected += pointer;
    }
    EXPECT_EQ(result.error().place.pointer, expected);
    EXPECT_EQ(result.error().sentence,
              "arrays and objects inside each other more than 64 deep; expected what spec/plan.schema.json "
              "describes");
  }
}

TEST(ReadPlan, ReadsNestingUpToTheLimit) {
  std::string text = "1";
  for (std::size_t i = 0; i < kMaxPlanDepth; ++i) {
    text = "[" + text + "]";
  }
  const auto result = parse_json(text, "my.json");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->dump(), text);
}

TEST(ReadPlan, RefusesAMemberThatOccursTwice) {
  const topology::Topology topology = sample_topology();
  std::string text = write_plan(required_plan(topology), topology);
  text.insert(text.find("\"instances\": [3]"), "\"instances\": [2], ");
  const auto result = read_plan(text, "my.json", topology);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, "schema");
  EXPECT_EQ(result.error().place.pointer, "/tables/2/instances");
  EXPECT_EQ(result.error().sentence, "this member occurs twice in its object; expected it once");
}

TEST(CheckSchema, RefusesASchemaThatIsNone) {
  EXPECT_EQ(check_schema(json::object(), "{", "my.json").error().code, "spec-file");
  EXPECT_EQ(check_schema(json::object(), R"({"$ref": "#/definitions/gone"})", "my.json").error().code,
            "spec-file");
  EXPECT_TRUE(check_schema(json::object(), R"({"type": "object"})", "my.json").has_value());
}

}  // namespace
}  // namespace meld_verify::routing
