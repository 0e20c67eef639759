// What a lift noted, and what the rules say of the plan that it read, become one verdict.

#include "engine/check/artefact.h"

#include <gtest/gtest.h>

#include "engine/check/small_world.h"

namespace meld_verify::check {
namespace {

using lift::CodePlace;
using lift::Note;
using routing::StepOp;
using routing::TypeKeyId;
using topology::HandleKind;

const smt::RuleText& rules() {
  static const smt::RuleText text = smt::load_rules().value();
  return text;
}

CodePlace place(std::uint32_t function, std::uint64_t offset) {
  CodePlace place;
  place.function = lift::FunctionId{function};
  place.index = function;
  place.offset = wasm::ByteOffset{offset};
  return place;
}

/// x defines a thing and gives it to y; y drops it. All of it is right.
class Artefact : public ::testing::Test {
 protected:
  Artefact() {
    const auto thing = world.add_resource(2);
    x_table = world.add_table("x");
    y_table = world.add_table("y");
    x_view = world.add_view(2, thing, x_table);
    y_view = world.add_view(3, thing, y_table);
    world.topology.views[y_view.value].has_drop = true;
    world.plan.views[y_view.value].drop_table = y_table;
    world.plan.views[y_view.value].own_destructors = {thing};
    given = world.add_position(x_view, y_view, HandleKind::kOwn,
                               {{StepOp::kTake, x_table, {}}, {StepOp::kNew, y_table, TypeKeyId{0u}}});
    lent = world.add_position(y_view, x_view, HandleKind::kBorrow, {{StepOp::kLend, y_table, {}}});
  }

  ArtefactReport run(const Options& options = {}) {
    lift::Lifted lifted;
    lifted.topology = world.topology;
    lifted.plan = world.plan;
    lifted.notes = notes;
    lifted.assumptions = {"lists of up to 3 elements"};
    lifted.boundary_code = {place(10, 100), place(11, 110)};
    lifted.position_code = {place(10, 104), std::nullopt};
    lifted.view_code = {{}, {std::nullopt, std::nullopt, place(20, 200)}};
    lifted.table_code = {{},
                         {place(30, 300), place(31, 310), place(32, 320)},
                         {place(40, 400), place(41, 410), place(42, 420)}};
    return check_artefact(lifted, rules(), options);
  }

  Note note(std::optional<std::uint8_t> code, std::string sentence) {
    Note made;
    made.code = code;
    made.sentence = std::move(sentence);
    return made;
  }

  SmallWorld world;
  routing::TableId x_table, y_table;
  topology::ViewId x_view, y_view;
  std::uint32_t given = 0, lent = 0;
  std::vector<Note> notes;
};

TEST_F(Artefact, IsProvedWhenThePlanIsRightAndNothingWasNoted) {
  const ArtefactReport artefact = run();
  EXPECT_EQ(artefact.report.verdict, Verdict::kProved);
  EXPECT_TRUE(artefact.sites.empty());
  EXPECT_EQ(artefact.report.assumptions,
            (std::vector<std::string>{"guests keep to the Canonical ABI", "lists of up to 3 elements"}));
  EXPECT_EQ(run({.profile = Profile::kStrict}).report.assumptions,
            (std::vector<std::string>{"lists of up to 3 elements"}));
}

TEST_F(Artefact, SaysOfEachFindingWhichCodeItIs) {
  world.plan.positions[given].count = 0;
  world.plan.views[y_view.value].own_destructors.clear();
  world.plan.tables[x_table.value].reuse = routing::Reuse::kNever;
  const ArtefactReport artefact = run();
  ASSERT_EQ(artefact.report.verdict, Verdict::kRefuted);
  ASSERT_EQ(artefact.sites.size(), artefact.report.findings.size());
  std::size_t seen = 0;
  for (std::size_t i = 0; i < artefact.sites.size(); ++i) {
    const Unit unit = artefact.report.findings[i].unit;
    const FindingSite& site = artefact.sites[i];
    ASSERT_EQ(site.code.size(), site.roles.size());
    ASSERT_FALSE(site.code.empty());
    if (unit == Unit{UnitKind::kPosition, given}) {
      EXPECT_EQ(site.code[0].offset.value, 104u);
      EXPECT_EQ(site.code.size(), 1u);
      EXPECT_EQ(site.roles[0], "adapter");
      EXPECT_EQ(site.way[1], std::nullopt);
      EXPECT_EQ(site.way[2]->offset.value, 104u);
      EXPECT_EQ(site.way.size(), artefact.report.findings[i].way.size());
      EXPECT_NE(artefact.report.findings[i].because.find("the fused code"), std::string::npos);
      ++seen;
    } else if (unit == Unit{UnitKind::kView, y_view.value}) {
      EXPECT_EQ(site.code[0].index, 20u);
      EXPECT_EQ(site.roles[0], "resource.drop");
      EXPECT_EQ(artefact.report.findings[i].because, "that is what the fused code's drop calls for an own");
      ++seen;
    } else if (unit == Unit{UnitKind::kTable, x_table.value}) {
      EXPECT_EQ(artefact.report.findings[i].code, 56);
      EXPECT_EQ(site.code[0].index, 30u);
      EXPECT_EQ(site.roles[0], "new of table x");
      ++seen;
    }
  }
  EXPECT_EQ(seen, 3u);
}

TEST_F(Artefact, AnEntryThatStaysNamesTheFunctionThatOnlyReadsIt) {
  world.plan.positions[given].steps[0].op = StepOp::kRep;
  const ArtefactReport artefact = run();
  ASSERT_EQ(artefact.report.findings.size(), 1u);
  EXPECT_EQ(artefact.report.findings[0].code, 36);
  ASSERT_EQ(artefact.sites[0].code.size(), 2u);
  EXPECT_EQ(artefact.sites[0].code[1].index, 31u);
  EXPECT_EQ(artefact.sites[0].roles[1], "rep of table x");
}

TEST_F(Artefact, SaysWhichDestructorRunsWhereTheTypeIsWrongToo) {
  const auto other = world.add_resource(4);
  world.plan.types[0].resource = other;
  world.plan.views[y_view.value].own_destructors = {other};
  const ArtefactReport artefact = run();
  bool said = false;
  for (const Finding& finding : artefact.report.findings) {
    said |= finding.unit == Unit{UnitKind::kView, y_view.value} &&
            finding.gets.find("; its drop calls destructor of thing of z") != std::string::npos &&
            finding.belongs.find("; its drop calls destructor of thing of x, once") != std::string::npos;
  }
  EXPECT_TRUE(said);
}

TEST_F(Artefact, ANoteWithACodeRefutes) {
  Note found = note(51, "the 257th entry lies in the heap");
  found.table = y_table;
  found.place = place(40, 404);
  notes = {found};
  const ArtefactReport artefact = run();
  EXPECT_EQ(artefact.report.verdict, Verdict::kRefuted);
  ASSERT_EQ(artefact.report.findings.size(), 1u);
  const Finding& finding = artefact.report.findings[0];
  EXPECT_EQ(finding.code, 51);
  EXPECT_EQ(finding.place, "table y");
  EXPECT_EQ(finding.headline, "overflow not noticed");
  EXPECT_EQ(finding.because, "the 257th entry lies in the heap");
  EXPECT_TRUE(finding.refutes);
  EXPECT_EQ(finding.unit, (Unit{UnitKind::kTable, y_table.value}));
  ASSERT_EQ(artefact.sites[0].code.size(), 3u);
  EXPECT_EQ(artefact.sites[0].roles[0], "new of table y");
  EXPECT_EQ(artefact.sites[0].code[0].offset.value, 404u);
}

TEST_F(Artefact, ANoteAboutAnUnreachableCallRefutesOnlyWhenAskedTo) {
  Note found = note(27, "reaches another function");
  found.boundary = topology::BoundaryId{1u};
  notes = {found};
  world.topology.boundaries[1].reachable = false;
  const ArtefactReport artefact = run();
  EXPECT_EQ(artefact.report.verdict, Verdict::kProved);
  EXPECT_TRUE(artefact.report.latent);
  ASSERT_EQ(artefact.report.findings.size(), 1u);
  EXPECT_FALSE(artefact.report.findings[0].refutes);
  EXPECT_EQ(artefact.report.findings[0].whole, (Whole{Whole::Kind::kBoundary, 1}));
  EXPECT_EQ(artefact.report.findings[0].place, "y → x  f");
  EXPECT_EQ(run({.latent = true}).report.verdict, Verdict::kRefuted);
}

TEST_F(Artefact, ANoteAboutAGuardRefutesUnderTheStrictProfileOnly) {
  Note found = note(53, "index 0x12345 reads the data of y");
  found.table = y_table;
  notes = {found};
  EXPECT_EQ(run().report.verdict, Verdict::kProved);
  EXPECT_EQ(run({.profile = Profile::kStrict}).report.verdict, Verdict::kRefuted);
}

TEST_F(Artefact, ANoteIsOneMoreCodeOfTheFindingThatIsThere) {
  world.plan.views[y_view.value].own_destructors.clear();
  Note lesser = note(45, "and again"), first = note(20, "the only copy is another's");
  lesser.view = first.view = y_view;
  notes = {lesser, first, first};
  const ArtefactReport artefact = run();
  ASSERT_EQ(artefact.report.findings.size(), 1u);
  const Finding& finding = artefact.report.findings[0];
  EXPECT_EQ(finding.code, 20);
  EXPECT_EQ(finding.headline, "instances taken for one");
  EXPECT_EQ(finding.also, (std::vector<std::uint8_t>{43, 45}));
  EXPECT_EQ(finding.because,
            "that is what the fused code's drop calls for an own; and again; the only copy is another's");
}

TEST_F(Artefact, AGuardThatIsMissingTooIsAFindingOfItsOwn) {
  world.plan.tables[y_table.value].reuse = routing::Reuse::kNever;
  Note found = note(38, "a freed index is taken");
  found.table = y_table;
  notes = {found};
  const ArtefactReport artefact = run();
  ASSERT_EQ(artefact.report.findings.size(), 2u);
  EXPECT_EQ(artefact.report.findings[0].code, 56);
  EXPECT_EQ(artefact.report.findings[1].code, 38);
  EXPECT_EQ(artefact.sites[1].roles[0], "drop of table y");
}

TEST_F(Artefact, WhatCouldNotBeReadIsNeverProved) {
  Note open = note({}, "the loop's bound is no length of a list");
  open.position = topology::PositionId{given};
  notes = {open};
  {
    const ArtefactReport artefact = run();
    EXPECT_EQ(artefact.report.verdict, Verdict::kUnknown);
    EXPECT_EQ(artefact.report.error, "x → y  f  it: the loop's bound is no length of a list");
    EXPECT_EQ(artefact.open.size(), 1u);
  }
  notes[0].unsupported = true;
  EXPECT_EQ(run().report.verdict, Verdict::kUnsupported);
  notes.insert(notes.begin(), note({}, "a function has no counterpart"));
  EXPECT_EQ(run().report.verdict, Verdict::kUnsupported);
  notes.pop_back();
  EXPECT_EQ(run().report.verdict, Verdict::kUnknown);
  EXPECT_EQ(run().report.error, "a function has no counterpart");
}

TEST_F(Artefact, WhatCouldNotBeReadHidesNoFinding) {
  world.plan.positions[given].count = 0;
  notes = {note({}, "a function has no counterpart")};
  const ArtefactReport artefact = run();
  EXPECT_EQ(artefact.report.verdict, Verdict::kRefuted);
  EXPECT_EQ(artefact.report.error, "");
  EXPECT_EQ(artefact.open.size(), 1u);
}

TEST_F(Artefact, WhatCouldNotBeReadWhereNothingLeadsIsSetAside) {
  Note open = note({}, "too many paths");
  open.position = topology::PositionId{lent};
  notes = {open};
  world.topology.boundaries[1].reachable = false;
  const ArtefactReport artefact = run();
  EXPECT_EQ(artefact.report.verdict, Verdict::kProved);
  EXPECT_TRUE(artefact.report.latent);
  EXPECT_TRUE(artefact.open.empty());
  ASSERT_EQ(artefact.aside.size(), 1u);
  EXPECT_EQ(artefact.aside[0].place, "y → x  f  it");
  EXPECT_EQ(run({.latent = true}).report.verdict, Verdict::kUnknown);
}

TEST_F(Artefact, NotesAboutAnInstanceOrTheFileHaveAPlaceToo) {
  Note lost = note(20, "y's core instance is missing"), file = note(23, "names collide");
  lost.instance = topology::InstanceId{3u};
  notes = {lost, file};
  const ArtefactReport artefact = run();
  ASSERT_EQ(artefact.report.findings.size(), 2u);
  EXPECT_EQ(artefact.report.findings[0].place, "y");
  EXPECT_EQ(artefact.report.findings[0].involved, (std::vector{topology::InstanceId{3u}}));
  EXPECT_EQ(artefact.report.findings[1].place, "");
  EXPECT_TRUE(artefact.sites[1].code.empty());
}

TEST_F(Artefact, ACompositionOutOfScopeStaysUnsupported) {
  world.topology.unsupported.push_back({topology::kRoot, "stream", "a stream crosses"});
  notes = {note(20, "whatever")};
  const ArtefactReport artefact = run();
  EXPECT_EQ(artefact.report.verdict, Verdict::kUnsupported);
  EXPECT_TRUE(artefact.sites.empty());
}

TEST_F(Artefact, PlacesThatTheLiftLeftOutDoNoHarm) {
  world.plan.positions[given].count = 0;
  lift::Lifted lifted;
  lifted.topology = world.topology;
  lifted.plan = world.plan;
  const ArtefactReport artefact = check_artefact(lifted, rules());
  EXPECT_EQ(artefact.report.verdict, Verdict::kRefuted);
  EXPECT_TRUE(artefact.sites.at(0).code.empty());
}

}  // namespace
}  // namespace meld_verify::check
