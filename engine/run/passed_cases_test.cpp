// What a program that takes no input passes, and what it never does.

#include "engine/run/passed_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "engine/run/twin_by_test.h"

namespace meld_verify::run {
namespace {

const std::string kFolder = MELD_VERIFY_SOURCE_DIR "/fixtures/fused/";

/// A composed file and a fused one, lifted.
struct LiftedPair {
  explicit LiftedPair(const std::string& name)
      : composed(read(folder(name) / "composed.wasm")), fused(read(folder(name) / "fused.wasm")) {
    auto found = lift::read_pair(composed, "composed", fused, "fused");
    if (found) {
      pair = *std::move(found);
      lifted = lift::lift(*pair);
    }
  }

  /// A name of fixtures/fused, or a whole path.
  static std::filesystem::path folder(const std::string& name) {
    return std::filesystem::path(kFolder) / name;
  }

  [[nodiscard]] bool left_out() const {
    return std::any_of(lifted.assumptions.begin(), lifted.assumptions.end(), [](const std::string& one) {
      return one.find("takes no input") != std::string::npos;
    });
  }

  std::vector<std::uint8_t> composed, fused;
  std::unique_ptr<lift::Pair> pair;
  lift::Lifted lifted;
};

/// A position below a case of a variant; nothing when there is none that a call can reach.
std::optional<std::uint32_t> in_variant(const lift::Lifted& lifted) {
  for (std::uint32_t p = 0; p < lifted.topology.positions.size(); ++p) {
    const topology::Position& position = lifted.topology.positions[p];
    if (position.reachable && lifted.topology.layouts[position.layout.value].in_variant) {
      return p;
    }
  }
  return std::nullopt;
}

TEST(PassedCases, AWorldThatImportsOrTakesParametersTakesInput) {
  const auto takes_none = [](const std::string& path) {
    const std::vector<std::uint8_t> bytes = read(MELD_VERIFY_SOURCE_DIR "/fixtures/" + path);
    return takes_no_input(component::decode(bytes, path).value());
  };
  EXPECT_TRUE(takes_none("fused/right-variant/composed.wasm"));
  EXPECT_TRUE(takes_none("fused/hand-right-lists/composed.wasm"));
  EXPECT_FALSE(takes_none("components/host-calls-in.wasm"));
  EXPECT_FALSE(takes_none("components/host-passed-on.wasm"));
}

TEST(PassedCases, WhatARunPassesStays) {
  LiftedPair file("right-variant");
  ASSERT_TRUE(file.pair);
  const lift::Lifted before = file.lifted;
  ASSERT_TRUE(in_variant(before));
  leave_out_cases(*file.pair, file.lifted);
  for (std::size_t p = 0; p < before.topology.positions.size(); ++p) {
    EXPECT_EQ(file.lifted.topology.positions[p].reachable, before.topology.positions[p].reachable);
    EXPECT_EQ(file.lifted.plan.positions[p].layout_override, before.plan.positions[p].layout_override);
  }
  EXPECT_FALSE(file.left_out());
}

TEST(PassedCases, WhatNoRunPassesIsLeftOut) {
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr) {
    std::cout << "SKIPPED: MELD_VERIFY_SHARED names no folder with the real files\n";
    GTEST_SKIP();
  }
  LiftedPair file(std::string(shared) + "/real/resource-aggregates");
  ASSERT_TRUE(file.pair);
  const lift::Lifted before = file.lifted;
  leave_out_cases(*file.pair, file.lifted);
  EXPECT_TRUE(file.left_out());
  for (std::uint32_t p = 0; p < before.topology.positions.size(); ++p) {
    const topology::Position& position = before.topology.positions[p];
    const topology::Layout& layout = before.topology.layouts[position.layout.value];
    if (!layout.in_variant && !layout.in_list) {  // always there
      EXPECT_EQ(file.lifted.topology.positions[p].reachable, position.reachable);
    }
    EXPECT_LE(file.lifted.topology.positions[p].reachable, position.reachable);
  }
}

TEST(PassedCases, NothingIsLeftOutWhereTheWorldTakesInput) {
  LiftedPair file("right-variant");
  ASSERT_TRUE(file.pair);
  file.pair->composed.host_funcs.emplace_back();
  const std::optional<std::uint32_t> position = in_variant(file.lifted);
  ASSERT_TRUE(position);
  lift::Note note;
  note.code = 31;
  note.position = topology::PositionId{*position};
  file.lifted.notes = {note};
  leave_out_cases(*file.pair, file.lifted);
  EXPECT_FALSE(file.lifted.notes.front().latent);
  EXPECT_FALSE(file.left_out());
}

}  // namespace
}  // namespace meld_verify::run
