// Two runs that were one, with something changed in the second.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "engine/run/fused_program.h"
#include "engine/run/twin_by_test.h"

namespace meld_verify::run {
namespace {

using Kind = RunDifference::Kind;
using EventKind = GuestEvent::Kind;

class CompareRuns : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(twin.problem, "");
    whole = replay(twin.pair, *callable(twin.pair).front());
    ASSERT_EQ(whole.difference.kind, Kind::kNone) << replay_text(twin.pair, whole);
  }

  RunDifference after(const std::function<void(RunOutcome&)>& change) {
    RunOutcome fused = whole.composed;
    change(fused);
    return compare(twin.pair, whole.composed, fused);
  }

  static std::vector<GuestEvent>::iterator first(RunOutcome& run, EventKind kind) {
    return std::find_if(run.events.begin(), run.events.end(),
                        [kind](const GuestEvent& event) { return event.kind == kind; });
  }

  Twin twin{MELD_VERIFY_SOURCE_DIR "/fixtures/components/leaf-two-consumers.wasm"};
  Replay whole;
};

TEST_F(CompareRuns, TheSameIsTheSame) {
  EXPECT_EQ(after([](RunOutcome&) {}).kind, Kind::kNone);
}

TEST_F(CompareRuns, ADestructorThatDoesNotRunIsMissed) {
  const RunDifference found =
      after([](RunOutcome& run) { run.events.erase(first(run, EventKind::kDestroyed)); });
  EXPECT_EQ(found.kind, Kind::kMissingDestructor);
  EXPECT_NE(found.sentence.find("leaf's destructor of thing runs "), std::string::npos) << found.sentence;
}

TEST_F(CompareRuns, ADestructorThatRunsTwiceGetsADeadRep) {
  const RunDifference found = after([](RunOutcome& run) {
    GuestEvent again = *first(run, EventKind::kDestroyed);
    again.object.reset();
    again.foreign = true;
    run.events.push_back(again);
  });
  EXPECT_EQ(found.kind, Kind::kForeignRep);
  EXPECT_NE(found.sentence.find("destroyed already"), std::string::npos) << found.sentence;
}

TEST_F(CompareRuns, ARepThatNobodyMadeIsForeignAlsoWhereTheRunTrapsThen) {
  const RunDifference found = after([](RunOutcome& run) {
    const auto place = first(run, EventKind::kDestroyed);
    place->object.reset();
    place->foreign = true;
    place->value = 0x1234;
    run.events.erase(place + 1, run.events.end());
    run.trap = spec::Trap{spec::TrapClass::kGuestTrap, "unreachable executed", {}};
  });
  EXPECT_EQ(found.kind, Kind::kForeignRep);
  EXPECT_NE(found.sentence.find("gets 0x1234, which leaf never made"), std::string::npos) << found.sentence;
  EXPECT_NE(found.sentence.find("then it traps: unreachable executed"), std::string::npos) << found.sentence;
  EXPECT_FALSE(whole.composed.events[found.composed_event].foreign);
}

TEST_F(CompareRuns, ADestructorOfAnotherObjectIsAnotherOrder) {
  const RunDifference found = after([](RunOutcome& run) {
    const auto one = first(run, EventKind::kDestroyed);
    const auto other = std::find_if(one + 1, run.events.end(), [](const GuestEvent& event) {
      return event.kind == EventKind::kDestroyed;
    });
    ASSERT_NE(other, run.events.end());
    std::swap(one->object, other->object);
  });
  EXPECT_EQ(found.kind, Kind::kOrder);
}

TEST_F(CompareRuns, TrapsAreComparedByWhereTheyAre) {
  const spec::Trap trap{spec::TrapClass::kGuestTrap, "unreachable executed", {}};
  EXPECT_EQ(after([&](RunOutcome& run) { run.trap = trap; }).kind, Kind::kTrap);
  RunOutcome composed = whole.composed, fused = whole.composed;
  composed.trap = spec::Trap{spec::TrapClass::kUnknownHandle, "no such handle", {}};
  fused.trap = trap;
  EXPECT_EQ(compare(twin.pair, composed, fused).kind, Kind::kNone) << "classes are compared loosely";
  fused.events.pop_back();
  EXPECT_EQ(compare(twin.pair, composed, fused).kind, Kind::kTrap);
}

TEST_F(CompareRuns, WhatCannotRunIsNotCompared) {
  const spec::Trap trap{spec::TrapClass::kUnsupported, "out of scope", {}};
  EXPECT_EQ(after([&](RunOutcome& run) { run.trap = trap; }).kind, Kind::kIncomparable);
  RunOutcome composed = whole.composed;
  composed.trap = trap;
  EXPECT_EQ(compare(twin.pair, composed, whole.fused).kind, Kind::kIncomparable);
}

TEST_F(CompareRuns, ResultsCount) {
  EXPECT_EQ(after([](RunOutcome& run) { run.results.back() = "17"; }).kind, Kind::kResult);
  EXPECT_EQ(after([](RunOutcome& run) { run.results.back().reset(); }).kind, Kind::kNone);
}

TEST_F(CompareRuns, WithoutACounterpartOnlyATrapIsADifference) {
  for (std::optional<lift::FunctionId>& counterpart : twin.pair.alignment.counterpart) {
    counterpart.reset();
  }
  const auto without = [](RunOutcome& run) { run.events.clear(); };
  EXPECT_EQ(after(without).kind, Kind::kIncomparable);
  EXPECT_EQ(after([&](RunOutcome& run) {
              without(run);
              run.trap = spec::Trap{spec::TrapClass::kGuestTrap, "unreachable executed", {}};
            }).kind,
            Kind::kTrap);
}

}  // namespace
}  // namespace meld_verify::run
