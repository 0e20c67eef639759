// The pairs of fixtures/fused: what running them shows, held against what their expectations say.

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <string>

#include "engine/run/fused_program.h"
#include "engine/run/twin_by_test.h"

namespace meld_verify::run {
namespace {

namespace fs = std::filesystem;
using Kind = RunDifference::Kind;

/// Of a folder's expect.json, the text of one member.
std::string member(const std::string& json, const std::string& name) {
  const std::size_t at = json.find("\"" + name + "\": \"");
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t begin = at + name.size() + 5;
  return json.substr(begin, json.find('"', begin) - begin);
}

TEST(FusedFixtures, RunsShowWhatTheirExpectationsSay) {
  const fs::path folder(MELD_VERIFY_SOURCE_DIR "/fixtures/fused");
  if (!fs::exists(folder)) {
    std::cout << "SKIPPED: there is no fixtures/fused\n";
    GTEST_SKIP();
  }
  std::size_t right = 0, trapping = 0, quiet = 0, shown = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::vector<std::uint8_t> bytes = read(entry.path() / "expect.json");
    const std::string json(bytes.begin(), bytes.end());
    if (json.empty()) {
      continue;
    }
    const bool proved = member(json, "verdict") == "proved";
    const bool traps = member(json, "fused").rfind("trapped", 0) == 0;
    const std::vector<std::uint8_t> composed = read(entry.path() / "composed.wasm");
    for (const char* file : {"fused.wasm", "fused.core.wasm"}) {
      const std::vector<std::uint8_t> fused = read(entry.path() / file);
      if (fused.empty()) {
        continue;
      }
      const std::string name = (entry.path().filename() / file).string();
      const auto pair = lift::read_pair(composed, "composed", fused, name);
      ASSERT_TRUE(pair) << wasm::to_string(pair.error());
      const Replay found = find_difference(**pair);
      const std::string text = name + "\n" + replay_text(**pair, found);
      EXPECT_NE(found.difference.kind, Kind::kIncomparable) << text;
      const bool differs = found.difference.kind != Kind::kNone;
      if (proved) {
        EXPECT_FALSE(differs) << text;
        ++right;
      } else if (std::string_view(file) == "fused.core.wasm") {
        continue;  // the expectation is the component's: what its wrapper gets wrong an embedder may not
      } else if (traps) {
        EXPECT_TRUE(differs && found.fused.trap) << text;
        ++trapping;
      } else {
        ++quiet;
        shown += differs ? 1 : 0;
      }
    }
  }
  EXPECT_GT(right, 20u);
  EXPECT_GT(trapping, 10u);
  // A table without reuse needs more objects, an own that stays behind a guest that breaks the rules.
  EXPECT_GT(shown, 2u) << "of " << quiet << " that are wrong and end well";
}

}  // namespace
}  // namespace meld_verify::run
