// Real files: what a run of the fused file shows beside the composed one. Labels are those of the folder's
// README.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "engine/run/fused_program.h"
#include "engine/run/twin_by_test.h"

namespace meld_verify::run {
namespace {

namespace fs = std::filesystem;
using Kind = RunDifference::Kind;

class RealFiles : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("MELD_VERIFY_SHARED");
    if (shared == nullptr) {
      std::cout << "SKIPPED: MELD_VERIFY_SHARED names no folder with the real files\n";
      GTEST_SKIP();
    }
    real = fs::path(shared) / "real";
  }

  /// The replay of two files; its text where it fails.
  Replay difference(const fs::path& composed, const fs::path& fused) {
    composed_bytes = read(composed);
    fused_bytes = read(fused);
    auto pair = lift::read_pair(composed_bytes, composed.string(), fused_bytes, fused.string());
    if (!pair) {
      ADD_FAILURE() << wasm::to_string(pair.error());
      return {};
    }
    Replay found = find_difference(**pair);
    text = fused.string() + "\n" + replay_text(**pair, found);
    if (std::getenv("MELD_VERIFY_SHOW") != nullptr) {
      std::cout << text << "\n";
    }
    return found;
  }

  Replay in_folder(const std::string& folder, const std::string& file = "fused.wasm") {
    return difference(real / folder / "composed.wasm", real / folder / file);
  }

  fs::path real;
  std::vector<std::uint8_t> composed_bytes, fused_bytes;
  std::string text;
};

TEST_F(RealFiles, RightFilesShowNoDifference) {
  for (const char* folder : {"resource-borrow", "resource-aggregates", "chain-newget-0", "chain-variant-0"}) {
    for (const char* file : {"fused.wasm", "fused.core.wasm"}) {
      const Replay found = in_folder(folder, file);
      EXPECT_EQ(found.difference.kind, Kind::kNone) << text;
      EXPECT_GT(found.fused.events.size(), 0u);
    }
  }
}

TEST_F(RealFiles, AQuietlyWrongFileGivesTheLeafARepThatItNeverMade) {
  for (const char* folder : {"chain-newget-1", "chain-ownparam-1"}) {
    const Replay found = in_folder(folder);
    EXPECT_EQ(found.difference.kind, Kind::kForeignRep) << text;
    EXPECT_FALSE(found.fused.trap) << text;
    EXPECT_NE(found.difference.sentence.find("l's destructor of thing gets 0x"), std::string::npos) << text;
    EXPECT_NE(found.difference.sentence.find("which l never made"), std::string::npos) << text;
  }
}

TEST_F(RealFiles, AFileThatTrapsIsShownToTrap) {
  for (const char* folder : {"resource-import-and-export", "resource-with-lists", "chain-loop20k-1",
                             "chain-variant-1", "chain-optborrow-0"}) {
    const Replay found = in_folder(folder);
    EXPECT_TRUE(found.difference.kind == Kind::kTrap || found.difference.kind == Kind::kForeignRep) << text;
    EXPECT_FALSE(found.composed.trap) << text;
    EXPECT_TRUE(found.fused.trap) << text;
  }
}

TEST_F(RealFiles, ACoreModuleRunsWithCanonicalBuiltIns) {
  const Replay found = in_folder("resource-floats", "fused.core.wasm");
  EXPECT_FALSE(found.composed.trap) << text;
  ASSERT_TRUE(found.fused.trap) << text;
  EXPECT_EQ(found.fused.trap->trap_class, spec::TrapClass::kUnknownHandle) << text;
}

TEST_F(RealFiles, OlderFilesAreAsTheirNamesSay) {
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(real / "history")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".wasm") {
      continue;
    }
    ++seen;
    // VERSION.PROGRAM.STYLE.LABEL.wasm; the version may have dots in it.
    const std::size_t label_at = name.rfind('.', name.size() - 6);
    const std::size_t style_at = name.rfind('.', label_at - 1);
    const std::size_t program_at = name.rfind('.', style_at - 1);
    const std::string label = name.substr(label_at + 1, name.size() - 6 - label_at);
    const std::string composed = name.substr(program_at + 1, label_at - program_at - 1) + ".wasm";
    const Replay found = difference(real / "history" / "composed" / composed, entry.path());
    if (label == "ok") {
      EXPECT_EQ(found.difference.kind, Kind::kNone) << text;
    } else {
      EXPECT_NE(found.difference.kind, Kind::kNone) << text;
      EXPECT_NE(found.difference.kind, Kind::kIncomparable) << text;
    }
  }
  EXPECT_GT(seen, 10u);
}

}  // namespace
}  // namespace meld_verify::run
