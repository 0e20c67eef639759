// What the emitted functions of a handle table do when they run.

#include <gtest/gtest.h>

#include "engine/run/emitted_by_test.h"

namespace meld_verify::run {
namespace {

using emit::TrapReason;

constexpr std::uint32_t kThing = 3, kOther = 4;                   // tags
constexpr std::uint32_t kForThing = 1, kForOther = 2, kNone = 3;  // slots of the destructor table

Emitted gives(std::uint32_t value) {
  return {.value = value, .trap = TrapReason::kNone, .trapped = false};
}
Emitted traps(TrapReason reason) {
  return {.value = 0, .trap = reason, .trapped = true};
}
constexpr Emitted kDone{};
/// Of the run time's own.
constexpr Emitted kTrapsWithoutReason{.value = 0, .trap = TrapReason::kNone, .trapped = true};

TEST(HandleTable, GivesIndicesFromOneOnAndFreedOnesFirstLastFreedFirst) {
  EmittedTable table(right_table());
  for (std::uint32_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(table.make(kThing, 100 + i), gives(i));
  }
  for (const std::uint32_t freed : {1u, 3u, 2u}) {
    EXPECT_EQ(table.take(kThing, freed), gives(100 + freed));
  }
  for (const std::uint32_t index : {2u, 3u, 1u, 5u}) {
    EXPECT_EQ(table.make(kOther, index), gives(index));
  }
  EXPECT_EQ(table.rep(kThing, 4), gives(104));
}

TEST(HandleTable, TrapsOnWhatIsNoIndexOfAnEntry) {
  for (const std::uint32_t index : {0u, 2u, 3u, 4095u, 4096u, 4097u, 0x0fff'ffffu, 0x1000'0000u, 0x1000'0001u,
                                    0x8000'0001u, 0xffff'ffffu}) {
    const auto use = [&](const auto& what) {
      EmittedTable table(right_table());
      EXPECT_EQ(table.make(kThing, 7), gives(1));
      EXPECT_EQ(table.make(kThing, 8), gives(2));
      EXPECT_EQ(table.take(kThing, 2), gives(8));
      EXPECT_EQ(what(table), traps(TrapReason::kUnknownHandle)) << index;
    };
    use([&](EmittedTable& table) { return table.rep(kThing, index); });
    use([&](EmittedTable& table) { return table.take(kThing, index); });
    use([&](EmittedTable& table) { return table.lend(kThing, index); });
    use([&](EmittedTable& table) { return table.drop(kThing, index, kForThing); });
    use([&](EmittedTable& table) {
      return table.run(emit::TableFunction::kDropAlike, {kThing, index, kForThing});
    });
  }
}

TEST(HandleTable, TrapsOnAnEntryOfAnotherType) {
  const auto use = [&](const auto& what) {
    EmittedTable table(right_table());
    EXPECT_EQ(table.make(kThing, 7), gives(1));
    EXPECT_EQ(table.borrow(kOther, 8), gives(2));
    EXPECT_EQ(what(table), traps(TrapReason::kWrongType));
    EXPECT_TRUE(table.destroyed.empty());
  };
  use([&](EmittedTable& table) { return table.rep(kOther, 1); });
  use([&](EmittedTable& table) { return table.take(kOther, 1); });
  use([&](EmittedTable& table) { return table.take(kThing, 2); });
  use([&](EmittedTable& table) { return table.lend(kThing, 2); });
  use([&](EmittedTable& table) { return table.drop(kOther, 1, kForOther); });
}

TEST(HandleTable, CountsLendsAndKeepsWhatIsLent) {
  EmittedTable table(right_table());
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.lend(kThing, 1), gives(7));
  EXPECT_EQ(table.lend(kThing, 1), gives(7));
  EXPECT_EQ(table.rep(kThing, 1), gives(7));
  EXPECT_EQ(table.unlend(1), kDone);
  EXPECT_EQ(table.take(kThing, 1), traps(TrapReason::kLent));
  EXPECT_EQ(table.drop(kThing, 1, kForThing), traps(TrapReason::kLent));
  EXPECT_EQ(table.unlend(1), kDone);
  EXPECT_EQ(table.take(kThing, 1), gives(7));
}

TEST(HandleTable, AsksOfALentBorrowFirstWhetherItIsLent) {
  EmittedTable table(right_table());
  EXPECT_EQ(table.borrow(kThing, 7), gives(1));
  EXPECT_EQ(table.lend(kThing, 1), gives(7));
  EXPECT_EQ(table.take(kThing, 1), traps(TrapReason::kLent));
  EXPECT_EQ(table.unlend(1), kDone);
  EXPECT_EQ(table.take(kThing, 1), traps(TrapReason::kNotOwn));
  EXPECT_EQ(table.take(kOther, 1), traps(TrapReason::kWrongType));
}

TEST(HandleTable, CountsBorrowEntries) {
  EmittedTable table(right_table());
  EXPECT_EQ(table.borrow(kThing, 7), gives(1));
  EXPECT_EQ(table.make(kThing, 7), gives(2));
  EXPECT_EQ(table.borrow(kOther, 9), gives(3));
  EXPECT_EQ(table.borrows(), 2u);
  EXPECT_EQ(table.drop(kThing, 1, kForThing), kDone);
  EXPECT_EQ(table.borrows(), 1u);
  EXPECT_EQ(table.drop(kThing, 2, kForThing), kDone);
  EXPECT_EQ(table.borrows(), 1u);
  EXPECT_EQ(table.drop(kOther, 3, kForOther), kDone);
  EXPECT_EQ(table.borrows(), 0u);
  EXPECT_EQ(table.destroyed, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{kForThing, 7}}));
}

TEST(HandleTable, RunsADestructorWhenTheIndexIsFreeAlready) {
  EmittedTable table(right_table());
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.make(kThing, 8), gives(2));
  std::vector<Emitted> seen;
  table.in_destructor = [&](std::uint32_t) {
    seen.push_back(table.make(kOther, 70));
    seen.push_back(table.rep(kOther, 1));
  };
  EXPECT_EQ(table.drop(kThing, 1, kForThing), kDone);
  EXPECT_EQ(seen, (std::vector{gives(1), gives(70)}));
  EXPECT_EQ(table.rep(kOther, 1), gives(70));
}

TEST(HandleTable, RunsNothingForATypeWithoutDestructor) {
  EmittedTable table(right_table());
  for (const std::uint32_t slot : {0u, kNone}) {
    EXPECT_EQ(table.make(kThing, 7), gives(1));
    EXPECT_EQ(table.drop(kThing, 1, slot), kDone);
  }
  EXPECT_TRUE(table.destroyed.empty());
}

TEST(HandleTable, DropsOwnAndBorrowAlikeOnlyWhereAPlanSaysSo) {
  EmittedTable table(right_table());
  EXPECT_EQ(table.borrow(kThing, 7), gives(1));
  EXPECT_EQ(table.make(kThing, 8), gives(2));
  for (const std::uint32_t index : {1u, 2u}) {
    EXPECT_EQ(table.run(emit::TableFunction::kDropAlike, {kThing, index, kForThing}), kDone);
  }
  EXPECT_EQ(table.borrows(), 0u);
  EXPECT_EQ(table.destroyed,
            (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{kForThing, 7}, {kForThing, 8}}));
}

TEST(HandleTable, GrowsPageByPageAndKeepsItsEntries) {
  EmittedTable table(right_table());
  constexpr std::uint32_t kEntries = 3 * 4096 + 10;
  for (std::uint32_t i = 1; i <= kEntries; ++i) {
    ASSERT_EQ(table.make(kThing, 5 * i), gives(i));
  }
  for (const std::uint32_t i : {1u, 4095u, 4096u, 8191u, 8192u, kEntries}) {
    EXPECT_EQ(table.rep(kThing, i), gives(5 * i));
  }
  EXPECT_EQ(table.rep(kThing, kEntries + 1), traps(TrapReason::kUnknownHandle));
}

/// Lets the table's memory grow to `pages` only.
void bound_memory(emit::Package& package, std::uint8_t pages) {
  const std::array<std::uint8_t, 5> section{5, 3, 1, 0, 1};
  const auto found = std::search(package.bytes.begin(), package.bytes.end(), section.begin(), section.end());
  ASSERT_NE(found, package.bytes.end());
  const std::array<std::uint8_t, 6> bounded{5, 4, 1, 1, 1, pages};
  package.bytes.insert(package.bytes.erase(found, found + section.size()), bounded.begin(), bounded.end());
}

TEST(HandleTable, TrapsWhenItsMemoryCannotGrow) {
  EmittedTable table(right_table(), [](emit::Package& package) { bound_memory(package, 2); });
  for (std::uint32_t i = 1; i < 2 * 4096; ++i) {
    ASSERT_EQ(table.make(kThing, i), gives(i));
  }
  EXPECT_EQ(table.make(kThing, 1), traps(TrapReason::kTableFull));
  EXPECT_EQ(table.borrow(kThing, 1), traps(TrapReason::kTableFull));
  EXPECT_EQ(table.borrows(), 0u);
  EXPECT_EQ(table.take(kThing, 77), gives(77));
  EXPECT_EQ(table.make(kThing, 78), gives(77));
}

TEST(HandleTable, KeepsToACapacity) {
  emit::HandleTable options = right_table();
  options.capacity = 3;
  EmittedTable table(options);
  for (std::uint32_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(table.make(kThing, i), gives(i));
  }
  EXPECT_EQ(table.make(kThing, 1), traps(TrapReason::kTableFull));
  EXPECT_EQ(table.drop(kThing, 2, 0), kDone);
  EXPECT_EQ(table.make(kThing, 9), gives(2));
  EXPECT_EQ(table.make(kThing, 1), traps(TrapReason::kTableFull));
}

TEST(HandleTable, GoesBeyondAnUncheckedCapacity) {
  emit::HandleTable options = right_table();
  options.capacity = 3;
  options.overflow = routing::Overflow::kUnchecked;
  EmittedTable table(options);
  for (std::uint32_t i = 1; i <= 5000; ++i) {
    ASSERT_EQ(table.make(kThing, i), gives(i));
  }
}

TEST(HandleTable, TrapsBeforeALendCountWraps) {
  EmittedTable table(right_table());
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.unlend(1), kDone);  // as if lent 2^32 - 1 times
  EXPECT_EQ(table.lend(kThing, 1), traps(TrapReason::kTableFull));
}

TEST(HandleTable, ReusesNoIndexWhereAPlanNeverDoes) {
  emit::HandleTable options = right_table();
  options.reuse = routing::Reuse::kNever;
  EmittedTable table(options);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(table.make(kThing, i), gives(i));
    EXPECT_EQ(table.drop(kThing, i, 0), kDone);
    EXPECT_EQ(table.rep(kThing, i), traps(TrapReason::kUnknownHandle));
  }
}

TEST(HandleTable, ReusesIndicesInAnotherOrderWhereAPlanTakesAny) {
  emit::HandleTable options = right_table();
  options.reuse = routing::Reuse::kAny;
  EmittedTable table(options);
  for (std::uint32_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(table.make(kThing, i), gives(i));
  }
  for (const std::uint32_t freed : {1u, 2u, 3u}) {
    EXPECT_EQ(table.take(kThing, freed), gives(freed));
  }
  std::vector<std::uint32_t> again;
  for (int i = 0; i < 3; ++i) {
    again.push_back(table.make(kThing, 9).value);
  }
  EXPECT_EQ(again, (std::vector<std::uint32_t>{1, 3, 2}));
  EXPECT_EQ(table.make(kThing, 9), gives(5));
}

// --- tables with a check switched off

EmittedTable without(bool routing::TableChecks::*check) {
  emit::HandleTable options = right_table();
  options.checks.*check = false;
  return EmittedTable(options);
}

TEST(HandleTableWithoutACheck, PassesOverIndexZero) {
  EmittedTable table = without(&routing::TableChecks::zero);
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.rep(kThing, 0), gives(0));
  EXPECT_EQ(table.lend(kThing, 0), gives(0));
  EXPECT_EQ(table.unlend(0), kDone);
  EXPECT_EQ(table.take(kThing, 0), gives(0));
  EXPECT_EQ(table.drop(kThing, 0, kForThing), kDone);
  EXPECT_TRUE(table.destroyed.empty());
  EXPECT_EQ(table.rep(kThing, 2), traps(TrapReason::kUnknownHandle));
  EXPECT_EQ(table.rep(kThing, 1), gives(7));
}

TEST(HandleTableWithoutACheck, ReadsWhereverAnIndexPoints) {
  EmittedTable table = without(&routing::TableChecks::bounds);
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.rep(kThing, 100), gives(0));
  EXPECT_EQ(table.rep(kThing, 0x1000'0001), gives(7));
  EXPECT_EQ(table.rep(kThing, 5000), kTrapsWithoutReason);
  EXPECT_EQ(table.rep(kThing, 0), traps(TrapReason::kUnknownHandle));
  EXPECT_EQ(table.take(kThing, 1), gives(7));
  EXPECT_EQ(table.rep(kThing, 1), traps(TrapReason::kUnknownHandle));
}

TEST(HandleTableWithoutACheck, TakesAFreedIndexForLive) {
  EmittedTable table = without(&routing::TableChecks::live);
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.drop(kThing, 1, kForThing), kDone);
  EXPECT_EQ(table.rep(kThing, 1), gives(7));
  EXPECT_EQ(table.rep(kOther, 1), traps(TrapReason::kWrongType));
  EXPECT_EQ(table.drop(kThing, 1, kForThing), kDone);
  EXPECT_EQ(table.destroyed.size(), 2u);
  EXPECT_EQ(table.rep(kThing, 0), traps(TrapReason::kUnknownHandle));
  EXPECT_EQ(table.rep(kThing, 2), traps(TrapReason::kUnknownHandle));
}

TEST(HandleTableWithoutACheck, TakesOneTypeForAnother) {
  EmittedTable table = without(&routing::TableChecks::type);
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.rep(kOther, 1), gives(7));
  EXPECT_EQ(table.drop(kOther, 1, kForOther), kDone);
  EXPECT_EQ(table.destroyed, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{kForOther, 7}}));
  EXPECT_EQ(table.rep(kThing, 1), traps(TrapReason::kUnknownHandle));
}

TEST(HandleTableWithoutACheck, TakesABorrowForAnOwn) {
  EmittedTable table = without(&routing::TableChecks::kind);
  EXPECT_EQ(table.borrow(kThing, 7), gives(1));
  EXPECT_EQ(table.take(kThing, 1), gives(7));
  EXPECT_EQ(table.borrows(), 0u);
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.take(kThing, 1), gives(7));
  EXPECT_EQ(table.borrows(), 0u);
}

TEST(HandleTableWithoutACheck, GivesAwayWhatIsLent) {
  EmittedTable table = without(&routing::TableChecks::lent);
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.lend(kThing, 1), gives(7));
  EXPECT_EQ(table.take(kThing, 1), gives(7));
}

// --- tables in a guest's memory

TEST(HandleTableInGuestMemory, LiesBehindTheGuestsData) {
  EmittedTable table(table_in_guest_memory());
  const CoreExtern memory = table.known.at(*table.table.memory);
  std::fill_n(table.store.bytes(memory), table.store.size(memory), std::uint8_t{0xab});
  EXPECT_EQ(table.rep(kThing, 0), traps(TrapReason::kUnknownHandle));
  EXPECT_EQ(table.make(kThing, 7), gives(1));
  EXPECT_EQ(table.make(kThing, 8), gives(2));
  EXPECT_EQ(table.rep(kThing, 0), traps(TrapReason::kUnknownHandle));
  EXPECT_EQ(table.rep(kThing, 3), traps(TrapReason::kUnknownHandle));
  EXPECT_EQ(table.rep(kThing, 2), gives(8));
  EXPECT_EQ(table.take(kThing, 1), gives(7));
  EXPECT_EQ(table.store.size(memory), 2u << 16);
  EXPECT_TRUE(std::all_of(table.store.bytes(memory), table.store.bytes(memory) + (1 << 16),
                          [](std::uint8_t byte) { return byte == 0xab; }));
}

TEST(HandleTableInGuestMemory, MovesWithItsEntriesWhenItIsFull) {
  EmittedTable table(table_in_guest_memory());
  const CoreExtern memory = table.known.at(*table.table.memory);
  std::uint32_t i = 1;
  Emitted last = table.make(kThing, 3);
  for (; last == gives(i) && i < 100'000; last = table.make(kThing, 3 * i)) {
    ++i;
  }
  EXPECT_EQ(last, traps(TrapReason::kTableFull));
  EXPECT_EQ(i, 15u * 4096);  // 1, 3, 7 and 15 pages beside the guest's one; for 31 there is no room
  EXPECT_LE(table.store.size(memory), EmittedTable::guest_pages << 16);
  for (const std::uint32_t index : {1u, 4095u, 4096u, 20'000u}) {
    EXPECT_EQ(table.rep(kThing, index), gives(3 * index));
  }
}

TEST(HandleTableInGuestMemory, IsOfItsCapacityFromTheFirstEntryOn) {
  emit::HandleTable options = table_in_guest_memory();
  options.capacity = 5000;
  EmittedTable table(options);
  const CoreExtern memory = table.known.at(*table.table.memory);
  EXPECT_EQ(table.store.size(memory), 1u << 16);
  EXPECT_EQ(table.make(kThing, 0), gives(1));
  EXPECT_EQ(table.store.size(memory), 3u << 16);
  for (std::uint32_t i = 2; i <= 5000; ++i) {
    ASSERT_EQ(table.make(kThing, i), gives(i));
  }
  EXPECT_EQ(table.make(kThing, 0), traps(TrapReason::kTableFull));
  EXPECT_EQ(table.store.size(memory), 3u << 16);
}

TEST(HandleTableInGuestMemory, TrapsWhereThereIsNoRoomForIt) {
  emit::HandleTable options = table_in_guest_memory();
  options.capacity = 4096 * EmittedTable::guest_pages;
  EXPECT_EQ(EmittedTable(options).make(kThing, 7), traps(TrapReason::kTableFull));
  options.capacity = (std::uint64_t{1} << 53) - 1;
  EXPECT_EQ(EmittedTable(options).make(kThing, 7), traps(TrapReason::kTableFull));
}

TEST(HandleTableInGuestMemory, WritesOnBehindAnUncheckedCapacity) {
  emit::HandleTable options = table_in_guest_memory();
  options.capacity = 10;
  options.overflow = routing::Overflow::kUnchecked;
  EmittedTable table(options);
  for (std::uint32_t i = 1; i < 4096; ++i) {
    ASSERT_EQ(table.make(kThing, i), gives(i));
  }
  EXPECT_EQ(table.make(kThing, 1), kTrapsWithoutReason);
}

// --- the base module

TEST(Base, NotesTheReasonOfEachTrap) {
  EmittedModules modules;
  modules.add(emit::package_base({}, 3));
  for (std::uint8_t i = 1; i < emit::kTrapReasons; ++i) {
    const auto reason = static_cast<TrapReason>(i);
    EXPECT_EQ(modules.call(emit::TrapCall{reason}, {}), traps(reason));
  }
}

TEST(Base, LetsAllInstancesLeaveAtFirst) {
  EmittedModules modules;
  modules.add(emit::package_base({}, 4));
  for (std::uint32_t i = 1; i < 4; ++i) {
    EXPECT_EQ(modules.number(emit::MayLeave{component::InstanceId(i)}), 1u);
  }
  EXPECT_EQ(modules.number(emit::BaseItem::kTrap), 0u);
  EXPECT_FALSE(modules.known.contains(emit::BaseItem::kStaging));
}

class Staging : public testing::Test, public EmittedModules {
 protected:
  Staging() {
    emit::Router router;
    router.uses_staging = true;
    add(emit::package_base(router, 1));
  }
  Emitted realloc(std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment, std::uint32_t size) {
    return call(emit::BaseItem::kStagingRealloc, {old, old_size, alignment, size});
  }
  std::uint8_t& byte(std::uint32_t at) { return store.bytes(known.at(emit::BaseItem::kStaging))[at]; }
};

TEST_F(Staging, GivesAlignedAreasThatDoNotOverlap) {
  const std::uint32_t first = realloc(0, 0, 1, 3).value;
  EXPECT_NE(first, 0u);
  const std::uint32_t second = realloc(0, 0, 8, 9).value;
  EXPECT_EQ(second % 8, 0u);
  EXPECT_GE(second, first + 3);
  const std::uint32_t third = realloc(0, 0, 4, 0).value;
  EXPECT_EQ(third % 4, 0u);
  EXPECT_GE(third, second + 9);
  EXPECT_EQ(realloc(0, 0, 1, 1).value, third);
}

TEST_F(Staging, KeepsWhatAnAreaHoldsWhenItGrowsOrShrinks) {
  const std::uint32_t first = realloc(0, 0, 2, 4).value;
  for (std::uint8_t i = 0; i < 4; ++i) {
    byte(first + i) = static_cast<std::uint8_t>(10 + i);
  }
  const std::uint32_t wider = realloc(first, 4, 2, 100'000).value;
  EXPECT_GE(wider, first + 4);
  for (std::uint8_t i = 0; i < 4; ++i) {
    EXPECT_EQ(byte(wider + i), 10 + i);
  }
  const std::uint32_t less = realloc(wider, 100'000, 2, 2).value;
  EXPECT_EQ(byte(less + 1), 11);
}

TEST_F(Staging, TrapsWhereNoMemoryIsLeft) {
  EXPECT_EQ(realloc(0, 0, 1, 0xffff'ffff), traps(TrapReason::kBadRealloc));
  EXPECT_EQ(realloc(0, 0, 8, 0xffff'fff8), traps(TrapReason::kBadRealloc));
  EXPECT_FALSE(realloc(0, 0, 8, 8).trapped);
}

}  // namespace
}  // namespace meld_verify::run
