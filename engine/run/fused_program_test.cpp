// Composed files beside files that were fused from them, both executed.

#include "engine/run/fused_program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "engine/run/twin_by_test.h"

namespace meld_verify::run {
namespace {

using Kind = RunDifference::Kind;

TEST(Replay, EveryFixtureDoesWhatItselfDoes) {
  std::size_t compared = 0, events = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(MELD_VERIFY_SOURCE_DIR "/fixtures/components")) {
    if (entry.path().extension() != ".wasm") {
      continue;
    }
    Twin twin(entry.path());
    if (!twin.problem.empty()) {
      std::cout << twin.problem << "\n";
      continue;
    }
    const Replay replay = find_difference(twin.pair);
    EXPECT_TRUE(replay.difference.kind == Kind::kNone || replay.difference.kind == Kind::kIncomparable)
        << entry.path() << "\n"
        << replay_text(twin.pair, replay);
    compared += replay.difference.kind == Kind::kNone ? 1 : 0;
    events += replay.composed.events.size();
    if (replay.difference.kind == Kind::kIncomparable) {
      std::cout << entry.path().stem() << ": " << replay.difference.sentence << "\n";
    }
    if (std::getenv("MELD_VERIFY_SHOW") != nullptr) {
      std::cout << replay_text(twin.pair, replay);
    }
  }
  EXPECT_GT(compared, 30u);
  EXPECT_GT(events, 200u);
}

TEST(Replay, EveryFixtureAlignedWithItselfDoesToo) {
  std::size_t compared = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(MELD_VERIFY_SOURCE_DIR "/fixtures/components")) {
    if (entry.path().extension() != ".wasm") {
      continue;
    }
    const std::vector<std::uint8_t> bytes = read(entry.path());
    const auto pair = lift::read_pair(bytes, entry.path().string(), bytes, entry.path().string());
    if (!pair) {
      continue;  // out of scope
    }
    const Replay found = find_difference(**pair);
    EXPECT_TRUE(found.difference.kind == Kind::kNone || found.difference.kind == Kind::kIncomparable)
        << entry.path() << "\n"
        << replay_text(**pair, found);
    compared += found.difference.kind == Kind::kNone ? 1 : 0;
  }
  EXPECT_GT(compared, 30u);
}

/// Of the exports of fixtures/components/host-calls-in.
const component::WorldExport* named(const lift::Pair& pair, const std::string& name) {
  for (const component::WorldExport& item : pair.composed.exports) {
    if (item.name == name) {
      return &item;
    }
  }
  return nullptr;
}

TEST(Replay, WhatOneCallGivesTheNextOneTakes) {
  Twin twin(MELD_VERIFY_SOURCE_DIR "/fixtures/components/host-calls-in.wasm");
  const component::WorldExport* const make = named(twin.pair, "make");
  const component::WorldExport* const end = named(twin.pair, "end");
  ASSERT_TRUE(make != nullptr && end != nullptr);
  const Replay both =
      replay(twin.pair, {{make, std::nullopt, Filling::kFull}, {end, std::nullopt, Filling::kFull}});
  EXPECT_EQ(both.difference.kind, Kind::kNone) << replay_text(twin.pair, both);
  EXPECT_EQ(both.call, "fix:host/things#make(1); fix:host/things#end(own #1)");
  ASSERT_EQ(both.fused.results.size(), 2u);
  EXPECT_EQ(both.fused.results[1], "1");
  const Replay alone = replay(twin.pair, {{end, std::nullopt, Filling::kFull}});
  EXPECT_EQ(alone.difference.kind, Kind::kIncomparable) << "there is no handle to give";
}

TEST(Replay, TheHostDropsWhatItHolds) {
  Twin twin(MELD_VERIFY_SOURCE_DIR "/fixtures/components/host-calls-in.wasm");
  const Replay made = replay(twin.pair, *named(twin.pair, "make"), {spec::Value{std::uint64_t{7}}});
  ASSERT_FALSE(made.fused.events.empty());
  EXPECT_EQ(made.fused.events.back().kind, GuestEvent::Kind::kDestroyed);
}

TEST(Replay, ARunThatTakesTooLongIsNotCompared) {
  Twin twin(MELD_VERIFY_SOURCE_DIR "/fixtures/components/leaf-two-consumers.wasm");
  ReplayLimits limits;
  limits.events = 3;
  EXPECT_EQ(find_difference(twin.pair, limits).difference.kind, Kind::kIncomparable);
  limits = {};
  limits.steps = 200;
  EXPECT_EQ(find_difference(twin.pair, limits).difference.kind, Kind::kIncomparable);
}

TEST(Replay, ARunSaysWhatItCameTo) {
  Twin twin(MELD_VERIFY_SOURCE_DIR "/fixtures/components/host-calls-in.wasm");
  const component::WorldExport* const make = named(twin.pair, "make");
  const Replay made = replay(twin.pair, {{make, std::nullopt, Filling::kEmpty}});
  EXPECT_TRUE(reaches(twin.pair, made.composed, std::get<component::CanonId>(make->func)));
  EXPECT_TRUE(reaches(twin.pair, made.fused, std::get<component::CanonId>(make->func)));
  EXPECT_FALSE(reaches(twin.pair, made.fused, std::get<component::CanonId>(named(twin.pair, "end")->func)));
}

TEST(Replay, TheTextShowsBothRunsSideBySide) {
  Twin twin(MELD_VERIFY_SOURCE_DIR "/fixtures/components/leaf-two-consumers.wasm");
  const std::string text = replay_text(twin.pair, find_difference(twin.pair));
  EXPECT_NE(text.find("replay of run()"), std::string::npos) << text;
  EXPECT_NE(text.find("leaf makes thing #5, rep 0x440"), std::string::npos) << text;
  EXPECT_NE(text.find("no call of the world's exports shows a difference"), std::string::npos) << text;
}

}  // namespace
}  // namespace meld_verify::run
