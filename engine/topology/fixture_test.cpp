// The room on decoded files: those of fixtures/components.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/component/decode.h"
#include "engine/topology/topology.h"

namespace meld_verify::topology {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components";

wasm::Expected<Topology> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  return component::decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, path.string())
      .map([](const component::Composition& composition) { return topology_of(composition); });
}

/// The first position of that path, which must be there.
const Layout& layout_of(const Topology& topology, const std::string& path) {
  static const Layout kNone;
  for (const Layout& layout : topology.layouts) {
    if (layout.path == path) {
      return layout;
    }
  }
  ADD_FAILURE() << "no position " << path;
  return kNone;
}

TEST(FixtureTest, EveryTopologyHoldsTogether) {
  std::size_t files = 0;
  std::size_t positions = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".wasm") {
      continue;
    }
    SCOPED_TRACE(entry.path().filename().string());
    const auto topology = read(entry.path());
    if (!topology) {
      EXPECT_EQ(entry.path().filename().string().substr(0, 11), "unsupported");
      continue;
    }
    ++files;
    positions += topology->positions.size();
    std::uint32_t next = 0;
    for (std::uint32_t b = 0; b < topology->boundaries.size(); ++b) {
      const Boundary& boundary = topology->boundaries[b];
      EXPECT_EQ(boundary.first_position, next);
      next += boundary.position_count;
      ASSERT_LE(next, topology->positions.size());
      EXPECT_EQ(boundary.caller == kHost, !boundary.lower);
      EXPECT_EQ(boundary.callee == kHost, !boundary.lift);
      for (std::uint32_t p = boundary.first_position; p < next; ++p) {
        const Position& position = topology->positions[p];
        EXPECT_EQ(position.boundary, BoundaryId{b});
        ASSERT_LT(position.layout.value, topology->layouts.size());
        const View& sender = topology->views.at(position.sender.value);
        const View& receiver = topology->views.at(position.receiver.value);
        EXPECT_EQ(sender.resource, receiver.resource);
        EXPECT_EQ(sender.instance, position.result ? boundary.callee : boundary.caller);
        EXPECT_EQ(receiver.instance, position.result ? boundary.caller : boundary.callee);
        EXPECT_FALSE(position.result && position.kind == HandleKind::kBorrow);
        EXPECT_EQ(topology->layouts[position.layout.value].path.substr(0, 6),
                  position.result ? "result" : "params");
      }
    }
    EXPECT_EQ(next, topology->positions.size());
  }
  EXPECT_GE(files, 30u);
  EXPECT_GE(positions, 100u);
}

TEST(FixtureTest, AJoinedSlotIsWide) {
  const auto topology = read(kFolder / "place-joined-variant.wasm");
  ASSERT_TRUE(topology);
  const Layout& held = layout_of(*topology, "params/choice/held");
  EXPECT_EQ(held.caller.slot_type, SlotType::kI64);
  EXPECT_EQ(held.callee.slot, held.guards.at(0).callee.slot + 1);
  EXPECT_EQ(held.guards[0].case_index, 0u);
}

TEST(FixtureTest, AJoinedSlotThatHoldsAListsPointerIsWide) {
  const auto topology = read(kFolder / "place-joined-list.wasm");
  ASSERT_TRUE(topology);
  const Layout& all = layout_of(*topology, "params/choice/all/[]");
  EXPECT_EQ(all.caller.slot_type, SlotType::kI64);
  EXPECT_EQ(all.callee.slot_type, SlotType::kI64);
  EXPECT_EQ(all.callee.lists.size(), 1u);
}

TEST(FixtureTest, SeventeenParametersLieInTheArea) {
  const auto topology = read(kFolder / "place-flat-17.wasm");
  ASSERT_TRUE(topology);
  const Layout& seen = layout_of(*topology, "params/seen");
  EXPECT_EQ(seen.caller.root, Root::kParamArea);
  EXPECT_EQ(seen.callee.offset, 64u);
}

TEST(FixtureTest, TwoNamesOfOneTypeAreTwoViews) {
  const auto topology = read(kFolder / "double-export.wasm");
  ASSERT_TRUE(topology);
  std::vector<std::string> names;
  for (const View& view : topology->views) {
    if (view.instance == topology->resources.front().definer) {
      names.push_back(topology->text(view.name));
    }
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

TEST(FixtureTest, MapValuesAreFound) {
  const auto topology = read(kFolder / "place-map-own.wasm");
  ASSERT_TRUE(topology);
  const Layout& value = layout_of(*topology, "params/m/[]/value");
  EXPECT_TRUE(value.in_list);
  ASSERT_EQ(value.caller.lists.size(), 1u);
  EXPECT_EQ(value.caller.offset + 4, value.caller.lists[0].stride);
}

}  // namespace
}  // namespace meld_verify::topology
