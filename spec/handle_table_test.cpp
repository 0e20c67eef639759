#include "spec/handle_table.h"

#include <gtest/gtest.h>

namespace meld_verify::spec {
namespace {

Entry own(std::uint32_t rep) {
  return {EntryKind::kOwn, ResourceTypeId(0u), Rep(rep), 0, nullptr, ObjectId{rep}};
}

std::uint32_t added(HandleTable& table, std::uint32_t rep) {
  return table.add(own(rep)).value().value;
}

TEST(HandleTable, CountsFromOne) {
  HandleTable table;
  EXPECT_EQ(added(table, 10), 1u);
  EXPECT_EQ(added(table, 11), 2u);
  EXPECT_EQ(added(table, 12), 3u);
  EXPECT_EQ(table.slots()[0].kind, EntryKind::kEmpty);
}

TEST(HandleTable, ReusesTheIndexFreedLast) {
  HandleTable table;
  for (std::uint32_t rep = 0; rep < 3; ++rep) {
    added(table, rep);
  }
  for (const std::uint32_t index : {1u, 3u, 2u}) {
    ASSERT_TRUE(table.take(HandleIndex(index)));
  }
  EXPECT_EQ(added(table, 20), 2u);
  EXPECT_EQ(added(table, 21), 3u);
  EXPECT_EQ(added(table, 22), 1u);
  EXPECT_EQ(added(table, 23), 4u) << "grows when nothing is free";
}

TEST(HandleTable, KnowsNoIndexThatIsNotInUse) {
  HandleTable table;
  added(table, 10);
  for (const std::uint32_t index : {0u, 2u, 5u, 0x10000000u, 0xffffffffu}) {
    EXPECT_EQ(table.look(HandleIndex(index)).error(), TrapClass::kUnknownHandle) << index;
    EXPECT_EQ(table.take(HandleIndex(index)).error(), TrapClass::kUnknownHandle) << index;
  }
  EXPECT_TRUE(table.free().empty()) << "a failed take frees nothing";
  ASSERT_TRUE(table.take(HandleIndex(1u)));
  EXPECT_EQ(table.look(HandleIndex(1u)).error(), TrapClass::kUnknownHandle) << "gone";
  EXPECT_EQ(table.take(HandleIndex(1u)).error(), TrapClass::kUnknownHandle) << "gone once";
}

TEST(HandleTable, IsFullAboveTheHighestIndex) {
  HandleTable table(2);
  EXPECT_EQ(added(table, 10), 1u);
  EXPECT_EQ(added(table, 11), 2u);
  EXPECT_EQ(table.add(own(12)).error(), TrapClass::kTableFull);
  ASSERT_TRUE(table.take(HandleIndex(1u)));
  EXPECT_EQ(added(table, 12), 1u) << "a freed index is still there";
  EXPECT_EQ(HandleTable::kMaxIndex, 268435455u);
}

TEST(HandleTable, GivesBackWhatWasPutIn) {
  HandleTable table;
  added(table, 77);
  EXPECT_EQ((*table.look(HandleIndex(1u)))->rep.value, 77u);
  EXPECT_EQ(table.take(HandleIndex(1u))->rep.value, 77u);
}

}  // namespace
}  // namespace meld_verify::spec
