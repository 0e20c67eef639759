// Verdicts of whole plans: what is printed of a large topology, many warnings, hostile plans.

#include "engine/check/check.h"

#include <gtest/gtest.h>

#include <chrono>

#include "engine/check/small_world.h"
#include "engine/smt/facts.h"

namespace meld_verify::check {
namespace {

using routing::Step;
using routing::StepOp;
using routing::TableId;
using routing::TypeKeyId;
using topology::HandleKind;
using topology::InstanceId;
using topology::ViewId;

const smt::RuleText& rules() {
  static const smt::RuleText text = smt::load_rules().value();
  return text;
}

/// Twenty instances that all know one thing of instance 2, each with a table; each gives and lends it to the
/// next, and back to the definer; the required steps.
struct Crowd : SmallWorld {
  std::vector<ViewId> views;
  std::vector<TableId> tables;

  Crowd() {
    const auto thing = add_resource(2);
    for (std::uint32_t i = 0; i < 20; ++i) {
      if (2 + i >= topology.instances.size()) {
        topology.instances.push_back({.name = topology::NameId{std::uint32_t{4}},
                                      .definition = topology::DefinitionId{2 + i},
                                      .parent = {},
                                      .has_core = true,
                                      .reachable = true});
      }
      tables.push_back(add_table("t" + std::to_string(i)));
      views.push_back(add_view(2 + i, thing, tables.back()));
      topology.views[views.back().value].has_drop = true;
      plan.views[views.back().value].drop_table = tables.back();
      plan.views[views.back().value].own_destructors = {thing};
    }
    for (std::uint32_t i = 0; i + 1 < 20; ++i) {
      add_position(views[i], views[i + 1], HandleKind::kOwn,
                   {{StepOp::kTake, tables[i], {}}, {StepOp::kNew, tables[i + 1], TypeKeyId{0u}}});
      add_position(views[i + 1], views[0], HandleKind::kBorrow, {{StepOp::kLend, tables[i + 1], {}}});
    }
  }
};

std::vector<std::uint32_t> numbers(const std::vector<InstanceId>& instances) {
  std::vector<std::uint32_t> all;
  for (const InstanceId instance : instances) {
    all.push_back(instance.value);
  }
  return all;
}

TEST(Check, ProvesTheCrowd) {
  const Crowd crowd;
  EXPECT_EQ(check(crowd.topology, crowd.plan, rules()).verdict, Verdict::kProved);
}

TEST(Check, NamesOnlyTheInstancesThatAFindingNeeds) {
  using Numbers = std::vector<std::uint32_t>;
  {
    Crowd crowd;  // lent by the third, unconverted, to the definer: born 2, over 3 to 4
    crowd.plan.positions[3].count = 0;
    const Report report = check(crowd.topology, crowd.plan, rules());
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].code, 1);
    EXPECT_EQ(numbers(report.findings[0].involved), (Numbers{2, 3, 4}));
    ASSERT_FALSE(report.findings[0].way.empty());
    EXPECT_EQ(report.findings[0].way.front().verb, "born");
    EXPECT_EQ(report.findings[0].way.back().verb, "harm");
  }
  {
    Crowd crowd;  // the second's drop calls nothing
    crowd.plan.views[1].own_destructors.clear();
    const Report report = check(crowd.topology, crowd.plan, rules());
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].code, 43);
    EXPECT_EQ(numbers(report.findings[0].involved), (Numbers{2, 3}));
  }
  {
    Crowd crowd;  // one table's slots are used once
    crowd.plan.tables[crowd.tables[7].value].reuse = routing::Reuse::kNever;
    const Report report = check(crowd.topology, crowd.plan, rules());
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].code, 56);
    EXPECT_EQ(numbers(report.findings[0].involved), Numbers{9});
  }
  {
    Crowd crowd;  // the fifth's drop works on the twelfth's table
    crowd.plan.views[4].drop_table = crowd.tables[11];
    crowd.plan.tables[crowd.tables[11].value].instances = {InstanceId{13u}};
    const Report report = check(crowd.topology, crowd.plan, rules());
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(numbers(report.findings[0].involved), (Numbers{2, 3, 4, 5, 6, 13}));
  }
}

TEST(Check, CallsATypeWithNothingInCommonAnArbitraryCandidate) {
  SmallWorld world;
  world.topology.names.emplace_back("stream");
  const auto thing = world.add_resource(2);
  const auto stream = world.add_resource(3);
  world.topology.resources[stream.value].name = topology::NameId{world.topology.names.size() - 1};
  const TableId table = world.add_table("z");
  const ViewId view = world.add_view(4, thing, table);
  world.plan.views[view.value].type = TypeKeyId{stream.value};
  world.plan.tables[table.value].types = {TypeKeyId{stream.value}};
  const Report report = check(world.topology, world.plan, rules());
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.verdict, Verdict::kRefuted);
  EXPECT_EQ(report.findings[0].code, 25);
  EXPECT_TRUE(report.findings[0].also.empty());
}

TEST(Check, IsNotKeptFromAVerdictByWarnings) {
  Crowd crowd;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint32_t p = crowd.add_position(crowd.views[1], crowd.views[0], HandleKind::kBorrow,
                                               {{StepOp::kLend, crowd.tables[1], {}}});
    crowd.plan.boundaries[crowd.topology.positions[p].boundary.value].checks_may_leave = false;
  }
  const Report report = check(crowd.topology, crowd.plan, rules());
  EXPECT_EQ(report.verdict, Verdict::kProved) << report.error;
  EXPECT_GT(report.unnamed, 0u);
  EXPECT_EQ(check(crowd.topology, crowd.plan, rules(), {.profile = Profile::kStrict}).verdict,
            Verdict::kRefuted);
  // Nor is a defect among them overlooked.
  crowd.plan.positions.back().count = 0;
  const Report refuted = check(crowd.topology, crowd.plan, rules());
  EXPECT_EQ(refuted.verdict, Verdict::kRefuted);
  EXPECT_EQ(refuted.findings.front().unit, (Unit{UnitKind::kPosition, 1037}));
}

TEST(Check, SaysUnknownOfARoundaboutWay) {
  Crowd crowd;  // right, but nothing that the theorem covers
  auto& route = crowd.plan.positions[0];
  route.steps = {Step{StepOp::kTake, crowd.tables[0], {}},
                 {StepOp::kNew, crowd.tables[5], TypeKeyId{0u}},
                 {StepOp::kTake, crowd.tables[5], {}},
                 {StepOp::kNew, crowd.tables[1], TypeKeyId{0u}}};
  route.count = 4;
  const Report report = check(crowd.topology, crowd.plan, rules());
  EXPECT_EQ(report.verdict, Verdict::kUnknown);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.unproved, 1u);
  EXPECT_NE(report.error.find("not do it in a form that is known to be right"), std::string::npos);
  // With a warning at the same place still no disagreement.
  crowd.plan.boundaries[0].checks_may_leave = false;
  EXPECT_EQ(check(crowd.topology, crowd.plan, rules()).verdict, Verdict::kUnknown);
  // A refutation elsewhere is one, and nobody reads of the roundabout way as if it were an error.
  crowd.plan.positions[3].count = 0;
  const Report refuted = check(crowd.topology, crowd.plan, rules());
  EXPECT_EQ(refuted.verdict, Verdict::kRefuted);
  EXPECT_EQ(refuted.error, "");
  EXPECT_EQ(refuted.unproved, 1u);
  // Where no export of the world leads, it does not count.
  crowd.plan.positions[3].count = 1;
  crowd.topology.boundaries[0].reachable = false;
  EXPECT_EQ(check(crowd.topology, crowd.plan, rules()).verdict, Verdict::kProved);
  EXPECT_EQ(check(crowd.topology, crowd.plan, rules(), {.latent = true}).verdict, Verdict::kUnknown);
}

TEST(Check, StandsAPlanWithThousandsOfShapes) {
  Crowd crowd;
  std::uint32_t state = 1;
  const auto draw = [&](std::uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % bound;
  };
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    std::vector<Step> steps;
    for (std::uint32_t k = 0; k < routing::kMaxSteps; ++k) {
      steps.push_back({static_cast<StepOp>(draw(5)), crowd.tables[draw(20)], TypeKeyId{0u}});
    }
    crowd.add_position(crowd.views[1 + draw(18)], crowd.views[draw(2) * 19],
                       draw(2) == 0 ? HandleKind::kOwn : HandleKind::kBorrow, steps);
  }
  const auto start = std::chrono::steady_clock::now();
  const Report report = check(crowd.topology, crowd.plan, rules(), {.judge = JudgeUse::kNever});
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(report.verdict, Verdict::kRefuted) << report.error;
  EXPECT_GT(report.shapes, 5'000u);
  EXPECT_GT(report.unnamed, 10'000u);
  EXPECT_LT(time.count(), 10.0);
  RecordProperty("seconds", std::to_string(time.count()));
}

}  // namespace
}  // namespace meld_verify::check
