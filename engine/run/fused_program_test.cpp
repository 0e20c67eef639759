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

}  // namespace
}  // namespace meld_verify::run
