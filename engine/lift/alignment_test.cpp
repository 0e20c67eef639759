#include "engine/lift/alignment.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "engine/lift/read_by_test.h"

namespace meld_verify::lift {
namespace {

namespace fs = std::filesystem;

/// Composed and fused files of real programs.
std::vector<std::pair<fs::path, fs::path>> real_files() {
  std::vector<std::pair<fs::path, fs::path>> pairs;
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr) {
    std::cout << "skipped: MELD_VERIFY_SHARED does not name a folder with real files\n";
    return pairs;
  }
  const fs::path real = fs::path(shared) / "real";
  for (const auto& folder : fs::directory_iterator(real)) {
    for (const char* fused : {"fused.wasm", "fused.core.wasm"}) {
      if (fs::exists(folder.path() / fused)) {
        pairs.emplace_back(folder.path() / "composed.wasm", folder.path() / fused);
      }
    }
  }
  for (const auto& file : fs::directory_iterator(real / "history")) {
    const std::string name = file.path().filename().string();
    for (const auto& composed : fs::directory_iterator(real / "history/composed")) {
      const std::string program = composed.path().stem().string();  // "resource-floats-n.n"
      if (file.path().extension() == ".wasm" && name.find("." + program + ".") != std::string::npos) {
        pairs.emplace_back(composed.path(), file.path());
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

TEST(AlignmentTest, EveryRealFileAlignsInFull) {
  const auto pairs = real_files();
  for (const auto& [composed, fused] : pairs) {
    SCOPED_TRACE(fused.string());
    const auto begin = std::chrono::steady_clock::now();
    const AlignedFiles files(read_file(composed), read_file(fused));
    ASSERT_TRUE(files.alignment) << wasm::to_string(files.alignment.error());
    const Alignment& alignment = *files.alignment;
    std::cout << fused.parent_path().filename().string() << "/" << fused.filename().string() << ": "
              << alignment.aligned_functions << " of " << alignment.all_functions << ", "
              << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                       begin)
                     .count()
              << " ms\n";
    EXPECT_EQ(gaps_of(alignment), "");
    EXPECT_EQ(alignment.aligned_functions, alignment.all_functions);
    if (std::getenv("SHOW_WIRING"))
      std::cout << wiring_of(files);
    for (std::uint32_t i = 0; i < alignment.instances.size(); ++i) {
      if (files.composed.image.module_of(CoreInstanceId{i}).functions.size() > 4) {
        EXPECT_TRUE(alignment.instances[i].found) << i;
      }
    }
    const auto& canons = files.composed.composition->canons;
    for (std::size_t i = 0; i < canons.size(); ++i) {
      if (std::holds_alternative<component::ResourceBuiltin>(canons[i].what)) {
        EXPECT_LE(alignment.wired_to[i].size(), 1u);
      }
    }
  }
}

}  // namespace
}  // namespace meld_verify::lift
