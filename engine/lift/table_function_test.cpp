#include "engine/lift/table_function.h"

#include <gtest/gtest.h>

#include "engine/lift/table_bench.h"

namespace meld_verify::lift {
namespace {

using routing::Overflow;
using routing::Reuse;
using smt::Answer;

constexpr routing::TableChecks kNone{false, false, false, false, false, false};

TEST(TableFunctionTest, ReadsMeldsTable) {
  TableBench bench(BumpTable().text(), {"dtor"}, {0}, 17);
  const TableFunction* made = bench.of("new");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->role, TableRole::kNew);
  EXPECT_TRUE(made->understood) << made->why;
  EXPECT_EQ(made->storage.memory, MemoryId(0u));
  EXPECT_EQ(made->storage.scale, 1u);
  EXPECT_EQ(made->storage.slot_offset, 0u);
  EXPECT_EQ(made->storage.cursor, GlobalId(0u));
  EXPECT_EQ(made->storage.begin, 1114116u);
  EXPECT_EQ(made->reuse, Reuse::kNever);
  EXPECT_EQ(made->capacity, 16383u);
  EXPECT_EQ(made->overflow, Overflow::kUnchecked);
  const TableFunction* rep = bench.of("rep");
  ASSERT_NE(rep, nullptr);
  EXPECT_EQ(rep->role, TableRole::kRep);
  EXPECT_TRUE(rep->understood) << rep->why;
  EXPECT_EQ(rep->storage.memory, MemoryId(0u));
  EXPECT_EQ(rep->checks, kNone);
  const TableFunction* drop = bench.of("drop");
  ASSERT_NE(drop, nullptr);
  EXPECT_EQ(drop->role, TableRole::kDrop);
  EXPECT_TRUE(drop->understood) << drop->why;
  EXPECT_TRUE(drop->ignores_zero);
  EXPECT_EQ(drop->checks, kNone);
  ASSERT_EQ(drop->destructors.size(), 1u);
  EXPECT_EQ(drop->destructors[0].function, bench.find("dtor"));
  EXPECT_TRUE(drop->destructors[0].gets_rep);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kYes);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kYes);
  EXPECT_TRUE(bench.flaws("new").empty());
}

TEST(TableFunctionTest, AGuestsFunctionIsNone) {
  TableBench bench(BumpTable().text(), {"dtor", "rep"}, {0});
  EXPECT_EQ(bench.of("dtor"), nullptr);
  EXPECT_EQ(bench.of("rep"), nullptr);
}

TEST(TableFunctionTest, StepsSmallerThanAWordOverlap) {
  BumpTable table;
  table.step = "2";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_FALSE(bench.of("new")->understood);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kNo);
  ASSERT_EQ(bench.flaws("new").size(), 1u);
  EXPECT_EQ(bench.flaws("new")[0].code, 51);
}

TEST(TableFunctionTest, ACursorThatStaysIsAFlaw) {
  BumpTable table;
  table.set = "$other";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_FALSE(bench.of("new")->understood);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kNo);
  EXPECT_FALSE(bench.flaws("new").empty());
}

TEST(TableFunctionTest, AnotherOffsetIsAnotherEntry) {
  BumpTable table;
  table.rep_offset = "4";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kNo);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kYes);
  EXPECT_NE(bench.of("rep")->storage.slot_offset, bench.of("new")->storage.slot_offset);
}

TEST(TableFunctionTest, AnEntryStoredElsewhereIsNotFound) {
  BumpTable table;
  table.new_offset = "4";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kNo);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kNo);
}

TEST(TableFunctionTest, ClearingAnotherEntryIsNoAgreement) {
  BumpTable table;
  table.clear_offset = "4";
  table.clear = "(i32.store offset=4 (local.get 0) (i32.const 0))";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kNo);
}

TEST(TableFunctionTest, ADestructorThatGetsTheIndex) {
  BumpTable table;
  table.destroyed = "(local.get 0)";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  const TableFunction* drop = bench.of("drop");
  ASSERT_NE(drop, nullptr);
  EXPECT_EQ(drop->role, TableRole::kDrop);
  ASSERT_EQ(drop->destructors.size(), 1u);
  EXPECT_FALSE(drop->destructors[0].gets_rep);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kYes);
}

TEST(TableFunctionTest, ADestructorThatGetsTheNextEntrysRep) {
  BumpTable table;
  table.destroyed = "(i32.load offset=4 (local.get 0))";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  const TableFunction* drop = bench.of("drop");
  ASSERT_NE(drop, nullptr);
  EXPECT_TRUE(bench.agree("new", "drop") != Answer::kYes || !drop->destructors.at(0).gets_rep);
}

TEST(TableFunctionTest, ADropThatForgetsToClear) {
  BumpTable table;
  table.clear = "";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  const TableFunction* drop = bench.of("drop");
  ASSERT_NE(drop, nullptr);
  EXPECT_EQ(drop->role, TableRole::kDrop);
  EXPECT_FALSE(drop->checks.live);
  EXPECT_EQ(drop->destructors.size(), 1u);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kYes);
  EXPECT_EQ(bench.of("new")->reuse, Reuse::kNever);
}

TEST(TableFunctionTest, ADestructorThatRunsTwiceIsThereTwice) {
  BumpTable table;
  table.clear = "(call $dtor (i32.load (local.get 0))) (i32.store (local.get 0) (i32.const 0))";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_EQ(bench.of("drop")->destructors.size(), 2u);
}

TEST(TableFunctionTest, ADestructorThatRunsForSomeRepsIsNotUnderstood) {
  BumpTable table;
  table.destroyed = "(i32.load (local.get 0)))";
  table.destroyed =
      "(i32.load (local.get 0))) (if (i32.and (i32.load (local.get 0)) (i32.const 1)) (then (call $dtor "
      "(i32.load (local.get 0)))) (else)";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  ASSERT_NE(bench.of("drop"), nullptr);
  EXPECT_FALSE(bench.of("drop")->understood);
}

TEST(TableFunctionTest, AnotherMemoryIsAnotherTable) {
  BumpTable table;
  table.more =
      "(func (export \"rep_1\") (param i32) (result i32) (i32.load 1 (local.get 0)))"
      "(func (export \"drop_1\") (param i32) (i32.store 1 (local.get 0) (i32.const 0)))";
  TableBench bench(table.text(), {"dtor"}, {0, 1}, 17);
  EXPECT_EQ(bench.agree("new", "rep_1"), Answer::kNo);
  EXPECT_EQ(bench.agree("new", "drop_1"), Answer::kNo);
}

TEST(TableFunctionTest, ACapacityThatIsChecked) {
  BumpTable table;
  table.check = "(if (i32.ge_u (global.get $cursor) (i32.const 1115140)) (then unreachable))";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_TRUE(bench.of("new")->understood) << bench.of("new")->why;
  EXPECT_EQ(bench.of("new")->capacity, 256u);
  EXPECT_EQ(bench.of("new")->overflow, Overflow::kTrap);
}

TEST(TableFunctionTest, ACheckBeyondThePageIsNone) {
  BumpTable table;
  table.check = "(if (i32.ge_u (global.get $cursor) (i32.const 2097152)) (then unreachable))";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_EQ(bench.of("new")->capacity, 16383u);
  EXPECT_EQ(bench.of("new")->overflow, Overflow::kUnchecked);
}

TEST(TableFunctionTest, ATableInsideTheGuestsOwnPages) {
  BumpTable table;
  table.begin = "1048580";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  ASSERT_EQ(bench.flaws("new").size(), 1u);
  EXPECT_EQ(bench.flaws("new")[0].code, 51);
}

TEST(TableFunctionTest, ATableBeyondItsMemory) {
  BumpTable table;
  table.begin = "1179648";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  ASSERT_EQ(bench.flaws("new").size(), 1u);
  EXPECT_EQ(bench.of("new")->capacity, 0u);
}

TEST(TableFunctionTest, SomebodyElseWhoMovesTheCursor) {
  BumpTable table;
  table.more =
      "(func (export \"new_1\") (param i32) (result i32)"
      "  (i32.store 1 (global.get $other) (local.get 0))"
      "  (global.set $cursor (i32.add (global.get $other) (i32.const 4)))"
      "  (global.get $other))";
  TableBench bench(table.text(), {"dtor"}, {0, 1}, 17);
  EXPECT_FALSE(bench.of("new")->understood);
  EXPECT_FALSE(bench.flaws("new").empty());
}

TEST(TableFunctionTest, TwoTablesMayShareACursor) {
  BumpTable table;
  table.more =
      "(func (export \"new_1\") (param i32) (result i32) (local i32)"
      "  (local.set 1 (global.get $cursor))"
      "  (i32.store 1 (local.get 1) (local.get 0))"
      "  (global.set $cursor (i32.add (local.get 1) (i32.const 4)))"
      "  (local.get 1))";
  TableBench bench(table.text(), {"dtor"}, {0, 1}, 17);
  EXPECT_TRUE(bench.of("new")->understood) << bench.of("new")->why;
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kYes);
  EXPECT_TRUE(bench.flaws("new").empty());
}

TEST(TableFunctionTest, EntriesOfRepAndTag) {
  TableBench bench(R"((module (memory 1) (global $n (mut i32) (i32.const 1))
    (func $dtor (export "dtor") (param i32))
    (func (export "new") (param i32) (result i32) (local $i i32)
      (local.set $i (global.get $n))
      (i32.store (i32.shl (local.get $i) (i32.const 3)) (local.get 0))
      (i32.store offset=4 (i32.shl (local.get $i) (i32.const 3)) (i32.const 7))
      (global.set $n (i32.add (local.get $i) (i32.const 1)))
      (local.get $i))
    (func (export "rep") (param i32) (result i32)
      (if (i32.ne (i32.load offset=4 (i32.shl (local.get 0) (i32.const 3))) (i32.const 7)) (then unreachable))
      (i32.load (i32.shl (local.get 0) (i32.const 3))))
    (func (export "drop") (param i32)
      (if (i32.ne (i32.load offset=4 (i32.shl (local.get 0) (i32.const 3))) (i32.const 7)) (then unreachable))
      (i32.store offset=4 (i32.shl (local.get 0) (i32.const 3)) (i32.const 0))
      (call $dtor (i32.load (i32.shl (local.get 0) (i32.const 3)))))))",
                   {"dtor"}, {});
  const TableFunction* made = bench.of("new");
  ASSERT_NE(made, nullptr);
  EXPECT_TRUE(made->understood) << made->why;
  EXPECT_EQ(made->storage.scale, 8u);
  EXPECT_EQ(made->storage.slot_offset, 0u);
  EXPECT_EQ(made->reuse, Reuse::kNever);
  EXPECT_EQ(made->capacity, 8191u);
  EXPECT_EQ(made->overflow, Overflow::kTrap);  // nothing else is in its memory
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kYes);
  EXPECT_EQ(bench.agree("new", "drop"), Answer::kYes);
  // Index 0x20000001 wraps round to the entry of index 1.
  EXPECT_EQ(bench.of("rep")->checks, (routing::TableChecks{true, false, true, false, false, false}));
  EXPECT_EQ(bench.of("drop")->destructors, (std::vector<DestructorCall>{{bench.find("dtor"), true}}));
}

TEST(TableFunctionTest, ATableThatChecksEverything) {
  TableBench bench(CheckedTable().text(), {"dtor_a", "dtor_b"}, {0});
  for (const char* make : {"new_a", "new_b", "lend_a"}) {
    const TableFunction* made = bench.of(make);
    ASSERT_NE(made, nullptr);
    EXPECT_TRUE(made->understood) << made->why;
    EXPECT_EQ(made->reuse, Reuse::kLifo);
    EXPECT_EQ(made->capacity, 4095u);
    EXPECT_EQ(made->overflow, Overflow::kTrap);
    EXPECT_EQ(made->storage.scale, 16u);
    EXPECT_EQ(made->storage.slot_offset, 4u);
    EXPECT_TRUE(bench.flaws(make).empty());
  }
  for (const char* use : {"rep_a", "take_a", "drop_a"}) {
    EXPECT_EQ(bench.agree("new_a", use), Answer::kYes) << use;
    EXPECT_EQ(bench.agree("new_b", use), Answer::kNo) << use;
    const TableFunction* used = bench.of(use);
    ASSERT_NE(used, nullptr);
    EXPECT_EQ(used->understood, std::string_view(use) != "drop_a") << used->why;
    EXPECT_TRUE(used->checks.zero) << use;
    EXPECT_TRUE(used->checks.bounds) << use;
    EXPECT_TRUE(used->checks.live) << use;
    EXPECT_TRUE(used->checks.type) << use;
    EXPECT_EQ(used->storage.slot_offset, 4u);
  }
  EXPECT_EQ(bench.agree("lend_a", "rep_a"), Answer::kYes);
  EXPECT_EQ(bench.agree("lend_a", "take_a"), Answer::kNo);
  EXPECT_TRUE(bench.of("take_a")->checks.kind);
  EXPECT_EQ(bench.of("take_a")->role, TableRole::kTake);
  // Borrow entries run none: which, depends on who made the entry.
  const std::vector<DestructorCall> runs_a{{bench.find("dtor_a"), true}};
  const std::vector<DestructorCall> runs_b{{bench.find("dtor_b"), true}};
  EXPECT_EQ(bench.tables->destructors(bench.find("new_a"), bench.find("drop_a")), runs_a);
  EXPECT_EQ(bench.tables->destructors(bench.find("lend_a"), bench.find("drop_a")),
            std::vector<DestructorCall>{});
  EXPECT_EQ(bench.tables->destructors(bench.find("new_b"), bench.find("drop_a")), std::nullopt);
  EXPECT_EQ(bench.of("drop_b")->destructors, runs_b);
  EXPECT_TRUE(bench.of("drop_b")->understood);
}

TEST(TableFunctionTest, ADropThatLosesTheSlot) {
  CheckedTable table;
  table.freed = "(i32.store $m (call $at (local.get $i)) (i32.const 0))";
  TableBench bench(table.text(), {"dtor_a", "dtor_b"}, {0});
  EXPECT_EQ(bench.of("new_b")->reuse, Reuse::kNever);
}

TEST(TableFunctionTest, AListThatForgetsTheOthersIsNotUnderstood) {
  CheckedTable table;
  table.link = "";
  TableBench bench(table.text(), {"dtor_a", "dtor_b"}, {0});
  EXPECT_FALSE(bench.of("new_a")->understood);
  EXPECT_NE(bench.agree("new_a", "rep_a"), Answer::kYes);
}

TEST(TableFunctionTest, AListThatIsKeptAfterTheDestructorRanIsNotUnderstood) {
  CheckedTable table;
  table.freed = "";
  table.late = "(call $unlink (local.get $i))";
  TableBench bench(table.text(), {"dtor_a", "dtor_b"}, {0});
  EXPECT_FALSE(bench.of("new_a")->understood);
}

TEST(TableFunctionTest, AFreedEntryThatLooksAlive) {
  CheckedTable table;
  table.blank = "";
  TableBench bench(table.text(), {"dtor_a", "dtor_b"}, {0});
  ASSERT_NE(bench.of("rep_a"), nullptr);
  EXPECT_FALSE(bench.of("rep_a")->checks.live);
  EXPECT_FALSE(bench.of("drop_a")->checks.live);
}

TEST(TableFunctionTest, AnAdapterThatLooksLikeADropDoesNotCountAsOne) {
  std::string text = CheckedTable().text();
  text.insert(text.rfind(')'),
              "(func (export \"touch\") (param i32)"
              "  (call $dtor_a (call $look (local.get 0) (i32.const 1))))");
  TableBench bench(text, {"dtor_a", "dtor_b"}, {0});
  EXPECT_EQ(bench.of("new_a")->reuse, Reuse::kLifo);
  EXPECT_TRUE(bench.of("rep_a")->checks.live);
  ASSERT_NE(bench.of("touch"), nullptr);
  EXPECT_FALSE(bench.of("touch")->understood);
  EXPECT_FALSE(bench.of("touch")->checks.live);
}

TEST(TableFunctionTest, CountingALendIsNotTakingTheEntry) {
  std::string text = CheckedTable().text();
  text.insert(text.rfind(')'),
              "(func (export \"lend\") (param i32) (result i32)"
              "  (i32.store $m offset=12 (call $at (local.get 0))"
              "    (i32.add (i32.const 4) (i32.load $m offset=12 (call $at (local.get 0)))))"
              "  (call $look (local.get 0) (i32.const 1)))");
  TableBench bench(text, {"dtor_a", "dtor_b"}, {0});
  ASSERT_NE(bench.of("lend"), nullptr);
  EXPECT_EQ(bench.of("lend")->role, TableRole::kOther);
  EXPECT_FALSE(bench.of("lend")->understood);
  EXPECT_FALSE(bench.of("new_a")->understood);
}

TEST(TableFunctionTest, EndingALendIsNotDroppingTheEntry) {
  std::string text = CheckedTable().text();
  text.insert(text.rfind(')'),
              "(func (export \"end\") (param i32)"
              "  (drop (call $look (local.get 0) (i32.const 1)))"
              "  (i32.store $m offset=12 (call $at (local.get 0)) (i32.const 1)))");
  TableBench bench(text, {"dtor_a", "dtor_b"}, {0});
  EXPECT_EQ(bench.of("new_a")->reuse, Reuse::kLifo);
  EXPECT_TRUE(bench.of("rep_a")->checks.live);
  ASSERT_NE(bench.of("end"), nullptr);
  EXPECT_FALSE(bench.of("end")->understood);
  EXPECT_FALSE(bench.of("end")->checks.live);
}

TEST(TableFunctionTest, AStartFunctionThatSetsTheCursorIsSeen) {
  BumpTable table;
  table.begin = "0";
  table.more = "(func $begin (global.set $cursor (i32.const 1114116))) (start $begin)";
  TableBench bench(table.text(), {"dtor"}, {0}, 17);
  EXPECT_FALSE(bench.of("new")->understood);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kUnknown);
}

TEST(TableFunctionTest, WhatIsRefusedIsTold) {
  TableBench bench(CheckedTable().text(), {"dtor_a", "dtor_b"}, {0});
  EXPECT_TRUE(bench.tables->refuses(bench.find("new_b"), bench.find("rep_a")));
  EXPECT_FALSE(bench.tables->refuses(bench.find("new_a"), bench.find("rep_a")));
  EXPECT_TRUE(bench.tables->refuses(bench.find("lend_a"), bench.find("take_a")));
}

TEST(TableFunctionTest, WideWordsAndWideMemoriesAreNoTables) {
  TableBench bench(R"((module (memory i64 1) (memory $n 1) (global $c (mut i32) (i32.const 8))
    (func (export "wide") (param i32) (result i32)
      (i32.store (i64.extend_i32_u (global.get $c)) (local.get 0))
      (global.set $c (i32.add (global.get $c) (i32.const 8))) (global.get $c))
    (func (export "long") (param i32) (result i32)
      (i64.store $n (global.get $c) (i64.extend_i32_u (local.get 0)))
      (global.set $c (i32.add (global.get $c) (i32.const 8))) (global.get $c))
    (func (export "load") (param i32) (result i32) (i32.wrap_i64 (i64.load $n (local.get 0))))
    (func (export "load8") (param i32) (result i32) (i32.load8_u $n (local.get 0)))
    (func (export "fill") (param i32) (memory.fill $n (local.get 0) (i32.const 0) (i32.const 8)))))",
                   {}, {});
  for (const char* odd : {"wide", "long", "load", "load8", "fill"}) {
    const TableFunction* function = bench.of(odd);
    EXPECT_TRUE(function == nullptr || !function->understood) << odd;
    for (const char* other : {"wide", "long"}) {
      EXPECT_NE(bench.agree(other, odd), Answer::kYes);
    }
    EXPECT_TRUE(bench.flaws(odd).empty());
  }
}

TEST(TableFunctionTest, OneWhoWritesAPrivateMemoryIsSeen) {
  std::string text = CheckedTable().text();
  text.insert(text.rfind(')'),
              "(func (export \"stray\") (param i32 i32) (i32.store $m (local.get 0) (local.get 1)))");
  TableBench bench(text, {"dtor_a", "dtor_b"}, {0});
  EXPECT_FALSE(bench.of("new_a")->understood);
  EXPECT_NE(bench.agree("new_a", "rep_a"), Answer::kYes);
  EXPECT_FALSE(bench.of("rep_a")->checks.live);
}

TEST(TableFunctionTest, OtherFunctionsAreNone) {
  TableBench bench(R"((module (memory 1)
    (func $guest (export "guest") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "two") (param i32 i32) (result i32) (local.get 0))
    (func (export "idle") (param i32))
    (func (export "adapter") (param i32) (result i32) (call $guest (i32.load (local.get 0))))
    (func (export "loop") (param i32) (result i32) (loop (br 0)) (unreachable))))",
                   {"guest"}, {0});
  EXPECT_EQ(bench.of("guest"), nullptr);
  EXPECT_EQ(bench.of("two"), nullptr);
  EXPECT_EQ(bench.of("adapter"), nullptr);
  for (const char* odd : {"same", "idle", "loop"}) {
    const TableFunction* function = bench.of(odd);
    ASSERT_NE(function, nullptr) << odd;
    EXPECT_EQ(function->role, TableRole::kOther) << odd;
    EXPECT_FALSE(function->why.empty()) << odd;
    EXPECT_FALSE(function->understood) << odd;
    EXPECT_EQ(function->checks, kNone) << odd;
  }
}

TEST(TableFunctionTest, ImportsAreWhatTheirNameSays) {
  TableBench bench(R"((module (import "[export]i" "[resource-new]r" (func $new (param i32) (result i32)))
    (import "[export]i" "[resource-rep]r" (func $rep (param i32) (result i32)))
    (import "i" "[resource-drop]r" (func $drop (param i32)))
    (import "i" "other" (func $other (param i32)))
    (func (export "new") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "drop") (param i32) (call $drop (local.get 0)))
    (func (export "rep") (param i32) (result i32) (call $rep (local.get 0)))
    (func (export "other") (param i32) (call $other (local.get 0)))))",
                   {}, {});
  EXPECT_EQ(bench.of("new")->role, TableRole::kNew);
  EXPECT_EQ(bench.of("rep")->role, TableRole::kRep);
  EXPECT_EQ(bench.of("drop")->role, TableRole::kDrop);
  EXPECT_EQ(bench.of("drop")->storage.import, 2u);
  EXPECT_EQ(bench.of("other"), nullptr);
  EXPECT_EQ(bench.agree("new", "rep"), Answer::kUnknown);
}

}  // namespace
}  // namespace meld_verify::lift
