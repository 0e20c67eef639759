#include "engine/topology/layout.h"

#include <gtest/gtest.h>

#include "engine/topology/small_composition.h"

namespace meld_verify::topology {
namespace {

using component::TypeId;
using component::TypeKind;

constexpr SlotType kI32 = SlotType::kI32;
constexpr SlotType kI64 = SlotType::kI64;
constexpr SlotType kF32 = SlotType::kF32;
constexpr SlotType kF64 = SlotType::kF64;

class LayoutTest : public ::testing::Test {
 protected:
  TypeId primitive(TypeKind kind) const { return small.primitive(kind); }

  void expect(TypeId id, std::uint64_t size, std::uint32_t alignment, std::vector<SlotType> slots) {
    const Layouts layouts(small.made.types);
    EXPECT_EQ(layouts[id].size, size);
    EXPECT_EQ(layouts[id].alignment, alignment);
    EXPECT_EQ(layouts[id].slots, slots);
    EXPECT_FALSE(layouts[id].too_large);
  }

  SmallComposition small;
};

TEST_F(LayoutTest, PrimitiveTypesAreAsWideAsTheirNamesSay) {
  expect(primitive(TypeKind::kBool), 1, 1, {kI32});
  expect(primitive(TypeKind::kS8), 1, 1, {kI32});
  expect(primitive(TypeKind::kU8), 1, 1, {kI32});
  expect(primitive(TypeKind::kS16), 2, 2, {kI32});
  expect(primitive(TypeKind::kU16), 2, 2, {kI32});
  expect(primitive(TypeKind::kS32), 4, 4, {kI32});
  expect(primitive(TypeKind::kU32), 4, 4, {kI32});
  expect(primitive(TypeKind::kS64), 8, 8, {kI64});
  expect(primitive(TypeKind::kU64), 8, 8, {kI64});
  expect(primitive(TypeKind::kF32), 4, 4, {kF32});
  expect(primitive(TypeKind::kF64), 8, 8, {kF64});
  expect(primitive(TypeKind::kChar), 4, 4, {kI32});
  expect(primitive(TypeKind::kString), 8, 4, {kI32, kI32});
  expect(primitive(TypeKind::kErrorContext), 4, 4, {kI32});
}

TEST_F(LayoutTest, HandlesAndStreamsAreOneWord) {
  const ResourceId thing = small.resource(kRoot, "", "thing");
  expect(small.own(thing), 4, 4, {kI32});
  expect(small.borrow(thing), 4, 4, {kI32});
  expect(small.stream(primitive(TypeKind::kU64)), 4, 4, {kI32});
}

TEST_F(LayoutTest, RecordsArePaddedBetweenFieldsAndAtTheEnd) {
  expect(small.record({{"a", primitive(TypeKind::kU8)},
                       {"b", primitive(TypeKind::kU64)},
                       {"c", primitive(TypeKind::kU16)}}),
         24, 8, {kI32, kI64, kI32});
  expect(small.tuple({primitive(TypeKind::kU8), primitive(TypeKind::kU16), primitive(TypeKind::kU8)}), 6, 2,
         {kI32, kI32, kI32});
}

TEST_F(LayoutTest, FlagsTakeOneTwoOrFourBytes) {
  expect(small.cases(TypeKind::kFlags, 8), 1, 1, {kI32});
  expect(small.cases(TypeKind::kFlags, 9), 2, 2, {kI32});
  expect(small.cases(TypeKind::kFlags, 16), 2, 2, {kI32});
  expect(small.cases(TypeKind::kFlags, 17), 4, 4, {kI32});
  expect(small.cases(TypeKind::kFlags, 32), 4, 4, {kI32});
}

TEST_F(LayoutTest, DiscriminantsAreAsWideAsTheNumberOfCasesNeeds) {
  expect(small.cases(TypeKind::kEnum, 1), 1, 1, {kI32});
  expect(small.cases(TypeKind::kEnum, 256), 1, 1, {kI32});
  expect(small.cases(TypeKind::kEnum, 257), 2, 2, {kI32});
  expect(small.cases(TypeKind::kEnum, 65'536), 2, 2, {kI32});
  expect(small.cases(TypeKind::kEnum, 65'537), 4, 4, {kI32});
  expect(small.cases(TypeKind::kVariant, 256, primitive(TypeKind::kU8)), 3 + 1, 2, {kI32, kI32});
}

TEST_F(LayoutTest, CasesShareSlotsWideEnoughForEach) {
  const auto either = [&](TypeKind left, TypeKind right) {
    return small.variant({{"l", primitive(left)}, {"none", {}}, {"r", primitive(right)}});
  };
  expect(either(TypeKind::kU32, TypeKind::kU8), 8, 4, {kI32, kI32});
  expect(either(TypeKind::kU32, TypeKind::kF32), 8, 4, {kI32, kI32});
  expect(either(TypeKind::kF32, TypeKind::kF32), 8, 4, {kI32, kF32});
  expect(either(TypeKind::kF32, TypeKind::kU64), 16, 8, {kI32, kI64});
  expect(either(TypeKind::kF32, TypeKind::kF64), 16, 8, {kI32, kI64});
  expect(either(TypeKind::kU64, TypeKind::kF64), 16, 8, {kI32, kI64});
  expect(either(TypeKind::kF64, TypeKind::kF64), 16, 8, {kI32, kF64});
  expect(either(TypeKind::kString, TypeKind::kU64), 16, 8, {kI32, kI64, kI32});
}

TEST_F(LayoutTest, OptionsAndResultsAreVariants) {
  expect(small.option(primitive(TypeKind::kU64)), 16, 8, {kI32, kI64});
  expect(small.option(primitive(TypeKind::kU8)), 2, 1, {kI32, kI32});
  expect(small.result(std::nullopt, std::nullopt), 1, 1, {kI32});
  expect(small.result(primitive(TypeKind::kU16), primitive(TypeKind::kString)), 12, 4, {kI32, kI32, kI32});
}

TEST_F(LayoutTest, ListsArePointersAndFixedListsAreInline) {
  const TypeId pair = small.tuple({primitive(TypeKind::kU32), primitive(TypeKind::kU8)});
  const TypeId list = small.list(pair);
  const TypeId map = small.map(primitive(TypeKind::kU8), primitive(TypeKind::kU64));
  expect(list, 8, 4, {kI32, kI32});
  expect(map, 8, 4, {kI32, kI32});
  expect(small.fixed_list(pair, 3), 24, 4, {kI32, kI32, kI32, kI32, kI32, kI32});
  const Layouts layouts(small.made.types);
  EXPECT_EQ(layouts[list].stride, 8u);
  EXPECT_EQ(layouts[map].stride, 16u);
  EXPECT_EQ(layouts[map].payload, 8u);
}

TEST_F(LayoutTest, SlotsAreCountedNoFurtherThanNeeded) {
  const TypeId many = small.fixed_list(primitive(TypeKind::kU8), 1'000'000);
  const TypeId option = small.option(many);
  const Layouts layouts(small.made.types);
  EXPECT_EQ(layouts[many].slots.size(), kMostSlots + 1);
  EXPECT_EQ(layouts[option].slots.size(), kMostSlots + 1);
  EXPECT_EQ(layouts[many].size, 1'000'000u);
}

TEST_F(LayoutTest, SizesStopAtTheLimit) {
  const TypeId largest = small.fixed_list(primitive(TypeKind::kU8), (1u << 28) - 1);
  const TypeId above = small.fixed_list(primitive(TypeKind::kU8), 1u << 28);
  const TypeId huge = small.fixed_list(small.fixed_list(above, 0xffff'ffff), 0xffff'ffff);
  const TypeId behind = small.option(small.list(above));
  const TypeId element = small.map(primitive(TypeKind::kU64), largest);
  const Layouts layouts(small.made.types);
  EXPECT_FALSE(layouts[largest].too_large);
  EXPECT_EQ(layouts[largest].size, (1u << 28) - 1);
  EXPECT_TRUE(layouts[above].too_large);
  EXPECT_TRUE(layouts[huge].too_large);
  EXPECT_EQ(layouts[huge].size, kMostBytes);
  EXPECT_TRUE(layouts[behind].too_large);
  EXPECT_EQ(layouts[behind].size, 12u);
  EXPECT_TRUE(layouts[element].too_large);
}

TEST_F(LayoutTest, DoublingTypesSaturate) {
  TypeId type = primitive(TypeKind::kU8);
  for (int i = 0; i < 200; ++i) {
    type = small.tuple({type, type});
  }
  const Layouts layouts(small.made.types);
  EXPECT_EQ(layouts[type].size, kMostBytes);
  EXPECT_TRUE(layouts[type].too_large);
}

}  // namespace
}  // namespace meld_verify::topology
