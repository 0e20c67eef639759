// What a run shows by itself, and what it leaves open.

#include "engine/run/finding_replay.h"

#include <gtest/gtest.h>

namespace meld_verify::run {
namespace {

using Kind = RunDifference::Kind;
using spec::TrapClass;

Replay with(Kind kind, std::optional<spec::Trap> fused = {}, std::optional<spec::Trap> composed = {}) {
  Replay replay;
  replay.call = "run()";
  replay.difference = {kind, "something else happens", 3, 3};
  replay.fused.trap = std::move(fused);
  replay.composed.trap = std::move(composed);
  return replay;
}

TEST(NoteOfARun, SaysWhatTheRunShows) {
  for (const Kind kind :
       {Kind::kForeignRep, Kind::kMissingDestructor, Kind::kExtraDestructor, Kind::kOrder, Kind::kTrap}) {
    const std::optional<lift::Note> note = note_of(with(kind));
    ASSERT_TRUE(note);
    EXPECT_EQ(note->code, 57);
    EXPECT_FALSE(note->latent);
    EXPECT_EQ(note->sentence, "a run of run() shows it: something else happens");
  }
}

TEST(NoteOfARun, NamesTheStartWhereNothingIsCalled) {
  Replay replay = with(Kind::kOrder);
  replay.call.clear();
  EXPECT_EQ(note_of(replay)->sentence, "a run of its start functions shows it: something else happens");
}

TEST(NoteOfARun, IsNoneWhereNothingDiffersOrOnlyAResult) {
  for (const Kind kind : {Kind::kNone, Kind::kResult, Kind::kIncomparable}) {
    EXPECT_FALSE(note_of(with(kind)));
  }
}

TEST(NoteOfARun, IsNoneWhereTheComposedFileTraps) {
  EXPECT_FALSE(note_of(with(Kind::kTrap, {}, spec::Trap{TrapClass::kUnknownHandle, "no handle"})));
  EXPECT_FALSE(note_of(with(Kind::kForeignRep, {}, spec::Trap{TrapClass::kUnsupported, "too long"})));
}

TEST(NoteOfARun, IsNoneWhereTheFusedFileComesToALimit) {
  EXPECT_FALSE(note_of(with(Kind::kTrap, spec::Trap{TrapClass::kGuestTrap, "run: call stack exhausted"})));
  EXPECT_TRUE(note_of(with(Kind::kTrap, spec::Trap{TrapClass::kGuestTrap, "run: unreachable executed"})));
}

TEST(NoteOfARun, KnowsWhatCannotBeCompared) {
  EXPECT_FALSE(is_comparable(with(Kind::kIncomparable)));
  EXPECT_TRUE(is_comparable(with(Kind::kNone)));
  EXPECT_TRUE(is_comparable(with(Kind::kTrap)));
}

}  // namespace
}  // namespace meld_verify::run
