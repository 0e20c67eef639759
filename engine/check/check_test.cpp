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

/// A right plan of some instances and the host, with tables that nobody uses.
struct Company : SmallWorld {
  Company() {
    const auto thing = add_resource(2);
    const auto token = add_resource(0);
    const TableId own[] = {add_table("x"), add_table("y")};
    const auto intrinsics = [&](ViewId id, TableId table, topology::ResourceId resource) {
      topology.views[id.value].has_new = topology.views[id.value].has_rep = true;
      topology.views[id.value].has_drop = true;
      plan.views[id.value].new_table = plan.views[id.value].rep_table = table;
      plan.views[id.value].drop_table = table;
      plan.views[id.value].own_destructors = {resource};
      return id;
    };
    const ViewId x = intrinsics(add_view(2, thing, own[0]), own[0], thing);
    const ViewId y = intrinsics(add_view(3, thing, own[1]), own[1], thing);
    const ViewId at_host = add_view(0, thing, routing::kCanonicalTable);
    const ViewId token_x = intrinsics(add_view(2, token, own[0]), own[0], token);
    const ViewId token_host = add_view(0, token, routing::kCanonicalTable);
    intrinsics(add_view(4, thing, routing::kCanonicalTable), routing::kCanonicalTable, thing);
    const TypeKeyId thing_type{0u}, token_type{1u};
    add_position(x, y, HandleKind::kOwn, {{StepOp::kTake, own[0], {}}, {StepOp::kNew, own[1], thing_type}});
    add_position(x, y, HandleKind::kBorrow,
                 {{StepOp::kLend, own[0], {}}, {StepOp::kBorrow, own[1], thing_type}});
    add_position(y, x, HandleKind::kBorrow, {{StepOp::kLend, own[1], {}}});
    add_position(x, at_host, HandleKind::kOwn,
                 {{StepOp::kTake, own[0], {}}, {StepOp::kNew, routing::kCanonicalTable, thing_type}});
    add_position(token_host, token_x, HandleKind::kOwn, {{StepOp::kNew, own[0], token_type}});
    plan.tables[add_table("unused").value].types = {thing_type};
    plan.tables[add_table("other").value].types = {token_type};
    add_table("empty");
    plan.types.push_back({.id = "again", .resource = thing, .definer = InstanceId{2u}});
  }
};

TEST(Check, KnowsANameForWhateverOneViewGetsWrong) {
  std::size_t refuted = 0;
  const auto known = [&](const Company& changed, const std::string& what) {
    for (const bool latent : {false, true}) {
      const Report report =
          check(changed.topology, changed.plan, rules(), {.latent = latent, .judge = JudgeUse::kNever});
      ASSERT_TRUE(report.verdict == Verdict::kProved || report.verdict == Verdict::kRefuted)
          << what << ": " << report.error;
      ASSERT_TRUE(report.unproved.empty()) << what;
      refuted += report.verdict == Verdict::kRefuted ? 1 : 0;
    }
  };
  const Company right;
  ASSERT_EQ(check(right.topology, right.plan, rules()).verdict, Verdict::kProved);
  for (std::uint32_t v = 0; v < right.plan.views.size(); ++v) {
    if (right.topology.views[v].instance == topology::kHost) {
      continue;
    }
    for (std::uint32_t t = 0; t < right.plan.tables.size(); ++t) {
      const std::string what = "view " + std::to_string(v) + ", table " + right.plan.tables[t].id;
      for (const auto intrinsic : {&routing::ViewRoute::new_table, &routing::ViewRoute::rep_table,
                                   &routing::ViewRoute::drop_table}) {
        Company changed = right;
        changed.plan.views[v].*intrinsic = TableId{t};
        known(changed, what + " for an intrinsic");
      }
      Company changed = right;
      changed.plan.views[v].table = TableId{t};
      known(changed, what);
    }
    for (std::uint32_t k = 0; k < right.plan.types.size(); ++k) {
      Company changed = right;
      changed.plan.views[v].type = TypeKeyId{k};
      known(changed, "view " + std::to_string(v) + ", type " + right.plan.types[k].id);
    }
  }
  EXPECT_GT(refuted, 100u);
}

TEST(Check, CallsAnIntrinsicOnTheCanonicalTableAConfusionOfHandles) {
  Crowd crowd;
  crowd.plan.views[0].rep_table = routing::kCanonicalTable;
  const Report canonical = check(crowd.topology, crowd.plan, rules());
  ASSERT_EQ(canonical.findings.size(), 1u);
  EXPECT_EQ(canonical.findings[0].code, 13);
  crowd.plan.views[0].rep_table = crowd.add_table("empty");  // where nobody's handles live
  const Report empty = check(crowd.topology, crowd.plan, rules());
  ASSERT_EQ(empty.findings.size(), 1u);
  EXPECT_EQ(empty.findings[0].code, 25);
}

TEST(Check, RefutesABorrowThatIsEnteredInTheCanonicalTable) {
  SmallWorld world;  // y has its handles of x's thing in the canonical table
  const auto thing = world.add_resource(2);
  const TableId own = world.add_table("x");
  const ViewId x = world.add_view(2, thing, own), y = world.add_view(3, thing, routing::kCanonicalTable);
  const ViewId host = world.add_view(0, thing, routing::kCanonicalTable);
  const TypeKeyId type{0u};
  world.add_position(x, y, HandleKind::kOwn,
                     {{StepOp::kTake, own, {}}, {StepOp::kNew, routing::kCanonicalTable, type}});
  world.add_position(x, host, HandleKind::kBorrow,
                     {{StepOp::kLend, own, {}}, {StepOp::kBorrow, routing::kCanonicalTable, type}});
  ASSERT_EQ(check(world.topology, world.plan, rules(), {.profile = Profile::kStrict}).verdict,
            Verdict::kProved);
  for (const bool from_host : {false, true}) {
    SmallWorld wrong = world;
    std::vector<Step> steps{{StepOp::kBorrow, routing::kCanonicalTable, type}};
    if (!from_host) {
      steps.insert(steps.begin(), {StepOp::kLend, own, {}});
    }
    wrong.add_position(from_host ? host : x, y, HandleKind::kBorrow, steps);
    const Report report = check(wrong.topology, wrong.plan, rules());
    EXPECT_EQ(report.verdict, Verdict::kRefuted);
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_EQ(report.findings[0].code, 13);
    EXPECT_TRUE(report.findings[0].also.empty());
    EXPECT_EQ(report.findings[0].belongs, "borrow handle in a table of y's own");
    EXPECT_NE(report.findings[0].mend.find("tables of their own"), std::string::npos);
  }
}

TEST(Check, SaysWhatIsRemovedWhereWhatIsLentIsTaken) {
  Crowd crowd;
  crowd.plan.positions[3].steps[0].op = StepOp::kTake;
  const Report report = check(crowd.topology, crowd.plan, rules());
  ASSERT_EQ(report.findings.size(), 1u);
  const Finding& finding = report.findings[0];
  EXPECT_EQ(finding.code, 43);
  EXPECT_EQ(finding.headline, "owner loses what it lent");
  EXPECT_NE(finding.gets.find("entry is removed from table t2"), std::string::npos) << finding.gets;
  EXPECT_NE(finding.belongs.find("entry stays in table t2, lent"), std::string::npos) << finding.belongs;
}

TEST(Check, InventsNoBirthAndNoWay) {
  const auto born = [](const Crowd& crowd) {
    return check(crowd.topology, crowd.plan, rules()).findings.at(0).way.at(0).what;
  };
  Crowd crowd;
  crowd.plan.positions[3].count = 0;
  EXPECT_EQ(born(crowd), "nothing in this component makes one");
  crowd.topology.views[0].has_new = true;
  EXPECT_EQ(born(crowd), "resource.new");
  crowd.topology.positions[0].receiver = crowd.views[0];  // the second gets none any more
  crowd.plan.positions[0].count = 0;
  EXPECT_EQ(born(crowd), "no way in this component brings one here");
}

TEST(Check, SaysWhetherARuleIsBrokenWhereNoExportLeads) {
  Crowd crowd;
  EXPECT_FALSE(check(crowd.topology, crowd.plan, rules()).latent);
  crowd.plan.positions[3].count = 0;
  crowd.topology.boundaries[3].reachable = false;
  const Report report = check(crowd.topology, crowd.plan, rules());
  EXPECT_EQ(report.verdict, Verdict::kProved);
  EXPECT_TRUE(report.latent);
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
  EXPECT_EQ(report.unproved.size(), 1u);
  EXPECT_NE(report.error.find("not do it in a form that is known to be right"), std::string::npos);
  EXPECT_EQ(report.unproved[0].unit, (Unit{UnitKind::kPosition, 0}));
  EXPECT_EQ(report.error.find(report.unproved[0].place), 0u);
  ASSERT_EQ(report.unproved[0].rules.size(), 1u);
  EXPECT_EQ(report.unproved[0].rules[0].name, "violates-own-target");
  // With a warning at the same place still no disagreement.
  crowd.plan.boundaries[0].checks_may_leave = false;
  EXPECT_EQ(check(crowd.topology, crowd.plan, rules()).verdict, Verdict::kUnknown);
  // A refutation elsewhere is one, and nobody reads of the roundabout way as if it were an error.
  crowd.plan.positions[3].count = 0;
  const Report refuted = check(crowd.topology, crowd.plan, rules());
  EXPECT_EQ(refuted.verdict, Verdict::kRefuted);
  EXPECT_EQ(refuted.error, "");
  EXPECT_EQ(refuted.unproved.size(), 1u);
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
