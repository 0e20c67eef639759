// Flags and counts of generated code, and memories of tables that grow.

#include <gtest/gtest.h>

#include <string>

#include "engine/lift/table_bench.h"

namespace meld_verify::lift {
namespace {

/// A table of 16 bytes an entry that grows; a guest that makes entries with `new`, and a flag and a count.
struct GrowingTable {
  std::string pages = "1";
  std::string full = "(i32.shl (memory.size) (i32.const 12))";
  std::string grows = "(if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))";
  std::string also;         ///< in `new`
  std::string also_lookup;  ///< in `rep`

  [[nodiscard]] std::string text() const {
    return "(module (memory " + pages +
           ") (global $top (mut i32) (i32.const 0)) (global $flag (mut i32) (i32.const 1))"
           "(global $count (mut i32) (i32.const 0))"
           "(func $new (export \"new\") (param i32) (result i32) (local i32)"
           "  (local.set 1 (i32.add (global.get $top) (i32.const 1)))"
           "  (if (i32.eq (local.get 1) " +
           full + ") (then " + grows +
           "))"
           "  (global.set $top (local.get 1))"
           "  (i32.store offset=4 (i32.shl (local.get 1) (i32.const 4)) (local.get 0)) " +
           also +
           "  (local.get 1))"
           "(func $rep (export \"rep\") (param i32) (result i32) " +
           also_lookup +
           "  (i32.load offset=4 (i32.shl (local.get 0) (i32.const 4))))"
           "(func (export \"guest\") (drop (call $rep (call $new (i32.const 1)))))"
           "(func (export \"reset\") (global.set $flag (i32.const 1))))";
  }
};

TEST(TableGlobalsTest, ATableThatGrowsInTimeHasNoCapacity) {
  TableBench bench(GrowingTable().text(), {"guest"}, {});
  ASSERT_NE(bench.of("new"), nullptr);
  EXPECT_TRUE(bench.of("new")->understood) << bench.of("new")->why;
  EXPECT_EQ(bench.of("new")->capacity, std::nullopt);
  EXPECT_TRUE(bench.of("rep")->understood) << bench.of("rep")->why;
}

TEST(TableGlobalsTest, ATableThatGrowsLateHoldsWhatItsFirstPagesHold) {
  for (const char* full : {"(i32.shl (memory.size) (i32.const 13))",
                           "(i32.add (i32.shl (memory.size) (i32.const 12)) (i32.const 1))"}) {
    GrowingTable table;
    table.full = full;
    TableBench bench(table.text(), {"guest"}, {});
    EXPECT_EQ(bench.of("new")->capacity, 4095u) << full;
  }
}

TEST(TableGlobalsTest, GrowingByNothingIsNotGrowing) {
  GrowingTable table;
  table.grows = "(if (i32.eq (memory.grow (i32.const 0)) (i32.const -1)) (then unreachable))";
  TableBench bench(table.text(), {"guest"}, {});
  EXPECT_EQ(bench.of("new")->capacity, 4095u);
}

TEST(TableGlobalsTest, AMemoryWithALimitIsFullThere) {
  GrowingTable table;
  table.pages = "1 2";
  TableBench bench(table.text(), {"guest"}, {});
  EXPECT_EQ(bench.of("new")->capacity, 8191u);
}

TEST(TableGlobalsTest, AMakerThatSetsAFlagIsNotUnderstood) {
  GrowingTable table;
  table.also = "(global.set $flag (i32.const 3))";
  TableBench bench(table.text(), {"guest"}, {});
  EXPECT_FALSE(bench.of("new")->understood);
}

TEST(TableGlobalsTest, AMakerThatSetsAFlagBackIsUnderstood) {
  GrowingTable table;
  table.also = "(global.set $flag (i32.const 0)) (global.set $flag (i32.const 1))";
  TableBench bench(table.text(), {"guest"}, {});
  EXPECT_TRUE(bench.of("new")->understood) << bench.of("new")->why;
}

TEST(TableGlobalsTest, WhatGuestsCallCountsNothing) {
  GrowingTable table;
  table.also = "(global.set $count (i32.add (global.get $count) (i32.const 1)))";
  TableBench bench(table.text(), {"guest"}, {});
  EXPECT_TRUE(bench.tables->counts_entries(bench.find("new")));
  EXPECT_FALSE(bench.tables->counts_entries(bench.find("rep")));
  EXPECT_FALSE(bench.of("new")->understood);
}

TEST(TableGlobalsTest, WhatOnlyGeneratedCodeCallsMayCount) {
  GrowingTable table;
  table.also = "(global.set $count (i32.add (global.get $count) (i32.const 1)))";
  TableBench bench(table.text(), {"reset"}, {});
  EXPECT_TRUE(bench.of("new")->understood) << bench.of("new")->why;
}

TEST(TableGlobalsTest, ALookupThatCountsInAGlobalEndsTheReading) {
  GrowingTable table;
  table.also_lookup =
      "(i32.store offset=8 (i32.shl (local.get 0) (i32.const 4))"
      "  (i32.add (i32.const 1) (i32.load offset=8 (i32.shl (local.get 0) (i32.const 4)))))"
      "(global.set $count (i32.add (global.get $count) (i32.const 1)))";
  TableBench bench(table.text(), {"guest"}, {});
  ASSERT_NE(bench.of("rep"), nullptr);
  EXPECT_FALSE(bench.of("rep")->understood);
}

}  // namespace
}  // namespace meld_verify::lift
