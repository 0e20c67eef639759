#include "spec/lower.h"

#include <gtest/gtest.h>

#include <bit>

#include "spec/plain_side.h"

namespace meld_verify::spec {
namespace {

TypeRef p(Kind kind) {
  return types::plain(kind);
}

const ResourceTypeId kThing(3u);

Value owned(std::uint32_t rep) {
  return Value{Handle{kThing, true, Rep(rep), ObjectId{rep}}};
}

Value u(std::uint64_t number) {
  return Value{number};
}

using Slots = std::vector<CoreValue>;

class LowerTest : public testing::Test {
 protected:
  Slots flat(const TypeRef& type, const Value& value, Encoding encoding = Encoding::kUtf8) {
    Slots slots;
    const auto lowered = Lower(&memory, encoding, side).flat(value, *type, slots);
    EXPECT_TRUE(lowered);
    return slots;
  }
  void store(const TypeRef& type, const Value& value, std::uint32_t address) {
    EXPECT_TRUE(Lower(&memory, Encoding::kUtf8, side).store(value, address, *type));
  }
  Result<Slots> values(const std::vector<TypeRef>& all, const std::vector<Value>& items, std::size_t max_flat,
                       std::optional<std::uint32_t> out_pointer = std::nullopt) {
    return Lower(&memory, Encoding::kUtf8, side)
        .values(Sequence{items}, *types::tuple(all), max_flat, out_pointer);
  }
  Value text(const char* utf8, std::optional<Spelling> spelling = {}) { return Value{Text{utf8, spelling}}; }

  ByteMemory memory{256};
  PlainSide side{memory};
};

TEST_F(LowerTest, SignExtendsSlotsAndWritesNarrowBytes) {
  EXPECT_EQ(flat(p(Kind::kS8), Value{std::int64_t{-1}}), (Slots{i32(0xffffffff)}));
  EXPECT_EQ(flat(p(Kind::kS64), Value{std::int64_t{-1}}), (Slots{i64(UINT64_MAX)}));
  EXPECT_EQ(flat(p(Kind::kU8), u(255)), (Slots{i32(255)}));
  EXPECT_EQ(flat(p(Kind::kBool), Value{true}), (Slots{i32(1)}));
  EXPECT_EQ(flat(p(Kind::kChar), Value{char32_t{0x1f600}}), (Slots{i32(0x1f600)}));
  store(p(Kind::kS8), Value{std::int64_t{-2}}, 10);
  EXPECT_EQ(memory.integer(10, 2), 0xaafeu) << "one byte";
  store(p(Kind::kS16), Value{std::int64_t{-2}}, 12);
  EXPECT_EQ(memory.integer(12, 4), 0xaaaafffeu) << "two bytes";
}

TEST_F(LowerTest, MakesEachNanTheCanonicalOne) {
  EXPECT_EQ(flat(p(Kind::kF32), Value{std::bit_cast<float>(0xff800001)}),
            (Slots{{CoreType::kF32, 0x7fc00000}}));
  EXPECT_EQ(flat(p(Kind::kF64), Value{std::bit_cast<double>(0xfff0000000000001)}),
            (Slots{{CoreType::kF64, 0x7ff8000000000000}}));
  EXPECT_EQ(flat(p(Kind::kF32), Value{-0.0f}), (Slots{f32(-0.0f)}));
}

TEST_F(LowerTest, WritesStringsInTheirEncoding) {
  EXPECT_EQ(flat(p(Kind::kString), text("h\xc3\xa9")), (Slots{i32(64), i32(3)}));
  EXPECT_EQ(memory.text(64, 3), "h\xc3\xa9");
  EXPECT_EQ(flat(p(Kind::kString), text("h\xc3\xa9", Spelling::kUtf16), Encoding::kUtf16),
            (Slots{i32(68), i32(2)}));
  EXPECT_EQ(memory.text(68, 4), std::string("h\0\xe9\0", 4));
  EXPECT_EQ(flat(p(Kind::kString), text("h\xc3\xa9", Spelling::kLatin1), Encoding::kLatin1OrUtf16),
            (Slots{i32(72), i32(2)}));
  EXPECT_EQ(memory.text(72, 2), "h\xe9");
  EXPECT_EQ(flat(p(Kind::kString), text("\xe2\x82\xac", Spelling::kTaggedUtf16), Encoding::kLatin1OrUtf16),
            (Slots{i32(74), i32(0x80000001)}));
  EXPECT_EQ(memory.integer(74, 2), 0x20acu);
  const std::vector<PlainSide::Reallocation> expected = {
      {0, 0, 1, 3}, {0, 0, 2, 4}, {0, 0, 2, 2}, {0, 0, 2, 2}};
  EXPECT_EQ(side.reallocations, expected);
}

TEST_F(LowerTest, ShrinksTaggedUtf16ThatFitsLatin1) {
  EXPECT_EQ(flat(p(Kind::kString), text("h\xc3\xa9", Spelling::kTaggedUtf16), Encoding::kLatin1OrUtf16),
            (Slots{i32(68), i32(2)}));
  EXPECT_EQ(memory.text(68, 2), "h\xe9");
  const std::vector<PlainSide::Reallocation> expected = {{0, 0, 2, 4}, {64, 4, 1, 2}};
  EXPECT_EQ(side.reallocations, expected);
}

TEST_F(LowerTest, SpellsAHostsTextAsTheReceiverDoes) {
  EXPECT_EQ(flat(p(Kind::kString), text("ab"), Encoding::kUtf16), (Slots{i32(64), i32(2)}));
  EXPECT_EQ(flat(p(Kind::kString), text("ab"), Encoding::kLatin1OrUtf16), (Slots{i32(68), i32(2)}));
  EXPECT_EQ(flat(p(Kind::kString), text("\xe2\x82\xac"), Encoding::kLatin1OrUtf16),
            (Slots{i32(70), i32(0x80000001)}));
}

TEST_F(LowerTest, AllocatesEmptyStringsAndListsToo) {
  EXPECT_EQ(flat(p(Kind::kString), text("")), (Slots{i32(64), i32(0)}));
  EXPECT_EQ(flat(types::list(p(Kind::kU64)), Value{Sequence{}}), (Slots{i32(64), i32(0)}));
  const std::vector<PlainSide::Reallocation> expected = {{0, 0, 1, 0}, {0, 0, 8, 0}};
  EXPECT_EQ(side.reallocations, expected);
}

TEST_F(LowerTest, AllocatesBeforeItLowersWhatIsInside) {
  const Value lists{Sequence{{Value{Sequence{{owned(1)}}}, Value{Sequence{{owned(2), owned(3)}}}}}};
  EXPECT_EQ(flat(types::list(types::list(types::own(kThing))), lists), (Slots{i32(64), i32(2)}));
  EXPECT_EQ(side.lowered, (std::vector<std::uint32_t>{1, 2, 3}));
  const std::vector<PlainSide::Reallocation> expected = {{0, 0, 4, 16}, {0, 0, 4, 4}, {0, 0, 4, 8}};
  EXPECT_EQ(side.reallocations, expected);
  EXPECT_EQ(memory.integer(64, 4), 80u);
  EXPECT_EQ(memory.integer(68, 4), 1u);
  EXPECT_EQ(memory.integer(72, 4), 84u);
  EXPECT_EQ(memory.integer(88, 4), 3u);
}

TEST_F(LowerTest, StoresFieldsAndCasesAtTheirOffsets) {
  const TypeRef record =
      types::record({{"a", p(Kind::kU8)}, {"b", types::own(kThing)}, {"c", types::option(p(Kind::kU16))}});
  store(record, Value{Sequence{{u(1), owned(2), Value{Choice{1, {u(0x304)}}}}}}, 32);
  EXPECT_EQ(memory.integer(32, 4), 0xaaaaaa01u) << "padding stays";
  EXPECT_EQ(memory.integer(36, 4), 2u);
  EXPECT_EQ(memory.integer(40, 4), 0x0304aa01u);
  store(types::option(types::own(kThing)), Value{Choice{0, {}}}, 48);
  EXPECT_EQ(memory.integer(48, 8), 0xaaaaaaaaaaaaaa00u) << "no payload is written";
}

TEST_F(LowerTest, ZeroExtendsJoinedSlotsAndZeroesTheRest) {
  const auto variant = types::variant({{"a", types::own(kThing)},
                                       {"b", types::tuple({p(Kind::kU64), p(Kind::kF64)})},
                                       {"c", p(Kind::kF32)},
                                       {"d", p(Kind::kS8)}});
  EXPECT_EQ(flat(variant, Value{Choice{0, {owned(0xffffffff)}}}), (Slots{i32(0), i64(0xffffffff), f64(0.0)}));
  EXPECT_EQ(flat(variant, Value{Choice{2, {Value{1.0f}}}}), (Slots{i32(2), i64(0x3f800000), f64(0.0)}));
  EXPECT_EQ(flat(variant, Value{Choice{3, {Value{std::int64_t{-1}}}}}),
            (Slots{i32(3), i64(0xffffffff), f64(0.0)}));
  EXPECT_EQ(flat(types::result(p(Kind::kF32), p(Kind::kU32)), Value{Choice{0, {Value{1.0f}}}}),
            (Slots{i32(0), i32(0x3f800000)}));
}

TEST_F(LowerTest, SpillsMoreThan16Slots) {
  const std::vector<TypeRef> all(17, types::own(kThing));
  std::vector<Value> items;
  for (std::uint32_t i = 0; i < 17; ++i) {
    items.push_back(owned(i + 1));
  }
  EXPECT_EQ(values(all, items, kMaxFlatParams), (Slots{i32(64)}));
  EXPECT_EQ(memory.integer(64 + 64, 4), 17u);
  const std::vector<PlainSide::Reallocation> expected = {{0, 0, 4, 68}};
  EXPECT_EQ(side.reallocations, expected);
}

TEST_F(LowerTest, StoresResultsAtTheOutPointer) {
  const std::vector<TypeRef> all = {types::tuple({p(Kind::kU8), p(Kind::kU32)})};
  const std::vector<Value> items = {Value{Sequence{{u(1), u(2)}}}};
  EXPECT_EQ(values(all, items, kMaxFlatResults, 32), Slots{});
  EXPECT_EQ(memory.integer(36, 4), 2u);
  EXPECT_EQ(values(all, items, kMaxFlatResults, 34).error().trap_class, TrapClass::kMisaligned);
  EXPECT_EQ(values(all, items, kMaxFlatResults, 252).error().trap_class, TrapClass::kOutOfBounds);
  EXPECT_TRUE(side.reallocations.empty());
}

TEST_F(LowerTest, ChecksWhatReallocGives) {
  const std::vector<TypeRef> longs = {types::list(p(Kind::kU64))};
  const std::vector<Value> items = {Value{Sequence{{u(1)}}}};
  for (const std::uint32_t bad : {4u, 252u, 256u, 0xfffffff8u}) {
    side.next_address = bad;
    EXPECT_EQ(values(longs, items, kMaxFlatParams).error().trap_class, TrapClass::kBadRealloc) << bad;
  }
  side.next_address = 248;
  EXPECT_EQ(values(longs, items, kMaxFlatParams), (Slots{i32(248), i32(1)}));
}

}  // namespace
}  // namespace meld_verify::spec
