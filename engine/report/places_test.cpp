#include "engine/report/places.h"

#include <gtest/gtest.h>

namespace meld_verify::report {
namespace {

using topology::Guard;
using topology::Layout;
using topology::Location;
using topology::Root;
using topology::SlotType;

Layout at(Location location) {
  return {.path = {}, .caller = location, .callee = location, .guards = {}};
}

TEST(Places, AFlatSlotIsItsNumber) {
  EXPECT_EQ(place_words(at({.slot = 3, .lists = {}})), "slot 3");
}

TEST(Places, AJoinedSlotHasItsType) {
  EXPECT_EQ(place_words(at({.slot = 1, .slot_type = SlotType::kI64, .lists = {}})), "slot 1 (i64)");
}

TEST(Places, AJoinedSlotThatHoldsAPointerHasItsType) {
  EXPECT_EQ(place_words(at({.slot = 1, .slot_type = SlotType::kI64, .lists = {{0, 8}}, .offset = 4})),
            "slot 1 (i64) → element (of 8 bytes) +4");
}

TEST(Places, SpilledHandlesLieInAnArea) {
  EXPECT_EQ(place_words(at({.root = Root::kParamArea, .lists = {}, .offset = 64})), "param area +64");
  EXPECT_EQ(place_words(at({.root = Root::kResultArea, .lists = {}, .offset = 4})), "result area +4");
}

TEST(Places, EachListIsAHopFromWhereItsPointerLies) {
  const Location location{.root = Root::kParamArea, .lists = {{8, 12}, {4, 16}}, .offset = 2};
  EXPECT_EQ(place_words(at(location)), "param area +8 → element (of 12 bytes) +4 → element (of 16 bytes) +2");
}

TEST(Places, GuardsFollowOutermostFirst) {
  Layout layout = at({.slot = 2, .lists = {}});
  for (std::uint32_t i = 0; i < 2; ++i) {
    Guard guard;
    guard.caller.slot = guard.callee.slot = i;
    guard.case_index = i + 1;
    guard.case_label = i == 0 ? "outer" : "inner";
    layout.guards.push_back(guard);
  }
  EXPECT_EQ(place_words(layout), "slot 2, where slot 0 = 1 (outer) and slot 1 = 2 (inner)");
}

TEST(Places, SidesThatDifferAreBothSaid) {
  Layout layout = at({.slot = 2, .lists = {}});
  layout.callee.slot = 5;
  EXPECT_EQ(place_words(layout), "caller slot 2; callee slot 5");
}

}  // namespace
}  // namespace meld_verify::report
