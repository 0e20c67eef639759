#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "engine/routing/plan.h"
#include "engine/routing/sample_topology.h"

namespace meld_verify::routing {
namespace {

using topology::HandleKind;
using topology::kHost;
using topology::Topology;

/// "take leaf, new mid leaf.thing".
std::string text_of(const Plan& plan, const PositionRoute& route) {
  std::string text;
  for (std::size_t i = 0; i < route.count; ++i) {
    const Step& step = route.steps[i];
    static constexpr const char* kWords[] = {"take", "lend", "rep", "new", "borrow"};
    text += i == 0 ? "" : ", ";
    text += kWords[static_cast<std::size_t>(step.op)];
    text += " " + plan.tables[step.table.value].id;
    if (step.op == StepOp::kNew || step.op == StepOp::kBorrow) {
      text += " " + plan.types[step.type.value].id;
    }
  }
  return text;
}

/// A value of "x", "y", "z" or "host" to another of them, of a type that "z" or the host defines.
struct Cell {
  const char* sender;
  const char* receiver;
  const char* definer;
  HandleKind kind;
  const char* steps;
};

void PrintTo(const Cell& cell, std::ostream* out) {
  *out << (cell.kind == HandleKind::kOwn ? "own " : "borrow ") << cell.sender << " to " << cell.receiver
       << ", a type of " << cell.definer;
}

class ConversionOf : public ::testing::TestWithParam<Cell> {};

TEST_P(ConversionOf, IsTheLaws) {
  const Cell& cell = GetParam();
  TopologyBuilder make;
  const auto x = make.instance("x");
  const auto y = make.instance("y");
  const auto z = make.instance("z");
  const auto instance = [&](const std::string& name) {
    return name == "x" ? x : name == "y" ? y : name == "z" ? z : kHost;
  };
  make.resource(x, "other:one/i", "decoy", true);
  const auto resource = make.resource(instance(cell.definer), "a:b/c", "thing", true);
  const auto sender = make.view(instance(cell.sender), resource, "a:b/c", "thing", false, kDropOnly);
  const auto receiver = make.view(instance(cell.receiver), resource, "a:b/c", "thing", true, kDropOnly);
  make.boundary(instance(cell.sender), instance(cell.receiver), "a:b/c", "f");
  make.position(flat_layout("params/a", 0), sender, receiver, cell.kind);
  make.boundary(instance(cell.receiver), instance(cell.sender), "a:b/c", "g");
  make.position(flat_layout("result", 0), sender, receiver, cell.kind);
  const Plan plan = required_plan(std::move(make).build());
  ASSERT_EQ(plan.positions.size(), 2U);
  EXPECT_EQ(text_of(plan, plan.positions[0]), cell.steps);
  EXPECT_EQ(text_of(plan, plan.positions[1]), cell.steps);
  EXPECT_EQ(plan.positions[0].layout_override, 0U);
}

constexpr HandleKind kOwn = HandleKind::kOwn;
constexpr HandleKind kBorrow = HandleKind::kBorrow;

INSTANTIATE_TEST_SUITE_P(BetweenGuests, ConversionOf,
                         ::testing::Values(  // semantics.md 1.3: definer sends, receives, is a third
                             Cell{"z", "y", "z", kOwn, "take z, new y z.thing"},
                             Cell{"x", "z", "z", kOwn, "take x, new z z.thing"},
                             Cell{"x", "y", "z", kOwn, "take x, new y z.thing"},
                             Cell{"z", "y", "z", kBorrow, "lend z, borrow y z.thing"},
                             Cell{"x", "z", "z", kBorrow, "lend x"},
                             Cell{"x", "y", "z", kBorrow, "lend x, borrow y z.thing"},
                             Cell{"x", "y", "host", kOwn, "take x, new y host.thing"},
                             Cell{"x", "y", "host", kBorrow, "lend x, borrow y host.thing"}));

INSTANTIATE_TEST_SUITE_P(TypesOfTheHost, ConversionOf,
                         ::testing::Values(Cell{"y", "host", "host", kOwn, "take y"},
                                           Cell{"y", "host", "host", kBorrow, "lend y"},
                                           Cell{"host", "y", "host", kOwn, "new y host.thing"},
                                           Cell{"host", "y", "host", kBorrow, "borrow y host.thing"}));

INSTANTIATE_TEST_SUITE_P(
    TypesOfAGuestAtTheHost, ConversionOf,
    ::testing::Values(Cell{"host", "y", "z", kOwn, "take canonical, new y z.thing"},
                      Cell{"host", "z", "z", kOwn, "take canonical, new z z.thing"},
                      Cell{"y", "host", "z", kOwn, "take y, new canonical z.thing"},
                      Cell{"z", "host", "z", kOwn, "take z, new canonical z.thing"},
                      Cell{"host", "z", "z", kBorrow, ""},
                      Cell{"host", "y", "z", kBorrow, "borrow y z.thing"},
                      Cell{"y", "host", "z", kBorrow, "lend y, borrow canonical z.thing"},
                      Cell{"z", "host", "z", kBorrow, "lend z, borrow canonical z.thing"}));

TEST(RequiredPlan, HasTheCanonicalTableAndOnePerInstanceWithViews) {
  const Plan plan = required_plan(sample_topology());
  ASSERT_EQ(plan.tables.size(), 3U);
  EXPECT_EQ(plan.tables[0].id, "canonical");
  EXPECT_EQ(plan.tables[0].storage, Storage::kCanonical);
  EXPECT_EQ(plan.tables[0].instances, std::vector{kHost});
  EXPECT_EQ(plan.tables[0].types, (std::vector{TypeKeyId{0U}, TypeKeyId{1U}}));
  EXPECT_EQ(plan.tables[1].id, "leaf");
  EXPECT_EQ(plan.tables[1].instances, std::vector{InstanceId{2U}});
  EXPECT_EQ(plan.tables[1].types, std::vector{TypeKeyId{0U}});
  EXPECT_EQ(plan.tables[2].id, "mid");
  EXPECT_EQ(plan.tables[2].instances, std::vector{InstanceId{3U}});
  EXPECT_EQ(plan.tables[2].types, (std::vector{TypeKeyId{0U}, TypeKeyId{1U}}));
  for (const Table& table : {plan.tables[1], plan.tables[2]}) {
    EXPECT_EQ(table.storage, Storage::kPrivate);
    EXPECT_EQ(table.reuse, Reuse::kLifo);
    EXPECT_EQ(table.overflow, Overflow::kTrap);
    EXPECT_EQ(table.capacity, std::nullopt);
    EXPECT_EQ(table.checks, (TableChecks{true, true, true, true, true, true}));
  }
}

TEST(RequiredPlan, RoutesEachViewAndItsIntrinsicsToItsInstancesTable) {
  const Plan plan = required_plan(sample_topology());
  const TableId canonical{0U};
  const TableId leaf{1U};
  const TableId mid{2U};
  const ResourceId thing{0U};
  const TypeKeyId thing_key{0U};
  const TypeKeyId pollable_key{1U};
  ASSERT_EQ(plan.views.size(), 6U);
  EXPECT_EQ(plan.views[0], (ViewRoute{thing_key, leaf, leaf, leaf, leaf, {thing}, {}}));
  EXPECT_EQ(plan.views[1], (ViewRoute{thing_key, mid, {}, {}, mid, {thing}, {}}));
  EXPECT_EQ(plan.views[2], (ViewRoute{thing_key, mid, {}, {}, mid, {thing}, {}}));
  EXPECT_EQ(plan.views[3], (ViewRoute{pollable_key, canonical, {}, {}, {}, {}, {}}));
  EXPECT_EQ(plan.views[4], (ViewRoute{pollable_key, mid, {}, {}, mid, {}, {}}));
  EXPECT_EQ(plan.views[5], (ViewRoute{thing_key, canonical, {}, {}, {}, {}, {}}));
}

TEST(RequiredPlan, HasOneKeyPerResourceTypeWithItsTrueDefiner) {
  const Plan plan = required_plan(sample_topology());
  const std::vector<TypeKey> expected = {{"leaf.thing", ResourceId{0U}, InstanceId{2U}},
                                         {"host.pollable", ResourceId{1U}, kHost}};
  EXPECT_EQ(plan.types, expected);
}

TEST(RequiredPlan, TellsInstancesAndResourcesOfOneNameApart) {
  TopologyBuilder make;
  for (const char* name : {"leaf", "leaf", "canonical", "", "leaf#2"}) {
    const auto instance = make.instance(name);
    for (const char* interface_name : {"a:b/one", "a:b/two", ""}) {
      const auto resource = make.resource(instance, interface_name, "r", false);
      make.view(instance, resource, interface_name, "r", true, kOfDefiner);
    }
  }
  const Plan plan = required_plan(std::move(make).build());
  std::vector<std::string> tables;
  for (const Table& table : plan.tables) {
    tables.push_back(table.id);
  }
  EXPECT_EQ(tables, (std::vector<std::string>{"canonical", "leaf", "leaf#2", "canonical#2", "instance 5",
                                              "leaf#2#2"}));
  std::vector<std::string> types;
  for (std::size_t i = 0; i < 6; ++i) {
    types.push_back(plan.types[i].id);
  }
  EXPECT_EQ(types, (std::vector<std::string>{"leaf.r", "leaf.a:b/two.r", "leaf.r#2", "leaf.a:b/one.r",
                                             "leaf.a:b/two.r#2", "leaf.r#3"}));
}

TEST(RequiredPlan, IsMadeInLinearTimeForAHundredThousandInstances) {
  constexpr std::uint32_t kInstances = 100'000;
  constexpr std::uint32_t kPositions = 8;
  TopologyBuilder make;
  const auto first = make.instance("node");
  auto resource = make.resource(first, "a:b/c", "thing", true);
  auto view = make.view(first, resource, "a:b/c", "thing", true, kOfDefiner);
  for (std::uint32_t i = 1; i < kInstances; ++i) {
    const auto instance = make.instance("node");
    const auto receiver = make.view(instance, resource, "a:b/c", "thing", false, kDropOnly);
    make.boundary(topology::InstanceId{instance.value - 1}, instance, "a:b/c", "use");
    for (std::uint32_t k = 0; k < kPositions; ++k) {
      make.position(flat_layout("params/a", k), view, receiver, k % 2 == 0 ? kOwn : kBorrow);
    }
    view = receiver;
  }
  const Topology topology = std::move(make).build();
  const auto start = std::chrono::steady_clock::now();
  const Plan plan = required_plan(topology);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", static_cast<int>(taken.count() * 1000));
  EXPECT_LT(taken.count(), 5.0);  // under sanitizers as well; quadratic work would take minutes
  EXPECT_EQ(plan.tables.size(), kInstances + 1U);
  EXPECT_EQ(plan.tables.back().id, "node#100000");
  EXPECT_EQ(text_of(plan, plan.positions.back()), "lend node#99999, borrow node#100000 node.thing");
}

}  // namespace
}  // namespace meld_verify::routing
