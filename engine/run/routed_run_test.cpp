// Programs through the router against the reference machine, over all fixtures and real files.

#include "engine/run/routed_run.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

namespace meld_verify::run {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Components in the folder and below whose name the test takes.
template <class Takes>
std::vector<fs::path> components_in(const fs::path& folder, const Takes& takes) {
  constexpr std::size_t kLayer = 6;  // of the preamble: 1 in a component
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".wasm" && takes(entry.path())) {
      const auto bytes = read(entry.path());
      if (bytes.size() > kLayer && bytes[kLayer] == 1) {
        found.push_back(entry.path());
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void compare_all(const std::vector<fs::path>& files) {
  std::map<std::string, int> tally;
  for (const fs::path& path : files) {
    const auto bytes = read(path);
    const auto compared = compare_with_reference(bytes, path.string());
    if (!compared) {
      EXPECT_EQ(compared.error().kind, wasm::DiagnosticKind::kUnsupported)
          << wasm::to_string(compared.error());
      ++tally["files refused"];
      std::cout << wasm::to_string(compared.error()) << "\n";
      continue;
    }
    ++tally["files"];
    for (const RoutedComparison& one : *compared) {
      EXPECT_NE(one.outcome, RoutedComparison::Outcome::kDifferent)
          << path << ": " << one.calls << ": " << one.sentence;
      ++tally["runs"];
      tally["runs that trap"] += one.trapped ? 1 : 0;
      tally["calls"] += static_cast<int>(one.seen);
      if (one.outcome == RoutedComparison::Outcome::kCutShort) {
        ++tally["runs cut short"];
      }
    }
  }
  for (const auto& [what, count] : tally) {
    std::cout << count << " " << what << "\n";
  }
  EXPECT_GT(tally["runs"], 0);
}

// And with what lies in the folder MELD_VERIFY_COMPONENTS, if that is set: generated programs, say
// (tests/e2e/check_programs.py … --seeds 1000 300 --keep FOLDER).
TEST(RoutedRun, DoesWhatTheReferenceMachineDoesWithFixtures) {
  compare_all(components_in(fs::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components",
                            [](const fs::path&) { return true; }));
  if (const char* const folder = std::getenv("MELD_VERIFY_COMPONENTS")) {
    compare_all(components_in(folder, [](const fs::path&) { return true; }));
  }
}

TEST(RoutedRun, DoesWhatTheReferenceMachineDoesWithScripts) {
  compare_all(components_in(fs::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/scripts",
                            [](const fs::path&) { return true; }));
}

TEST(RoutedRun, DoesWhatTheReferenceMachineDoesWithRealFiles) {
  const char* const shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr) {
    GTEST_SKIP() << "MELD_VERIFY_SHARED names no folder of third-party files";
  }
  compare_all(components_in(fs::path(shared) / "real", [](const fs::path& path) {
    return path.filename() == "composed.wasm" || path.parent_path().filename() == "composed";
  }));
}

TEST(RoutedRun, DoesWhatTheReferenceMachineDoesWithOfficialTests) {
  const char* const shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr) {
    GTEST_SKIP() << "MELD_VERIFY_SHARED names no folder of third-party files";
  }
  compare_all(components_in(fs::path(shared) / "official", [](const fs::path&) { return true; }));
}

}  // namespace
}  // namespace meld_verify::run
