#include "spec/lift.h"

#include <gtest/gtest.h>

#include <bit>

#include "spec/area.h"
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

class LiftTest : public testing::Test {
 protected:
  Result<Value> flat(const TypeRef& type, std::vector<CoreValue> slots, Encoding encoding = Encoding::kUtf8) {
    return Lift(&memory, encoding, side).flat(slots, *type);
  }
  Result<Value> load(const TypeRef& type, std::uint32_t address) {
    return Lift(&memory, Encoding::kUtf8, side).load(address, *type);
  }
  Result<std::vector<Value>> values(const std::vector<TypeRef>& all, std::vector<CoreValue> slots,
                                    std::size_t max_flat = kMaxFlatParams) {
    return Lift(&memory, Encoding::kUtf8, side).values(slots, *types::tuple(all), max_flat);
  }
  static TrapClass trap_of(const Result<Value>& result) {
    return result ? TrapClass::kDead : result.error().trap_class;
  }

  ByteMemory memory{256};
  PlainSide side{memory};
};

TEST_F(LiftTest, WrapsNarrowIntegers) {
  EXPECT_EQ(flat(p(Kind::kU8), {i32(0x1ff)}), Value{std::uint64_t{255}});
  EXPECT_EQ(flat(p(Kind::kU16), {i32(0x12345)}), Value{std::uint64_t{0x2345}});
  EXPECT_EQ(flat(p(Kind::kU32), {i32(0xffffffff)}), Value{std::uint64_t{0xffffffff}});
  EXPECT_EQ(flat(p(Kind::kU64), {i64(UINT64_MAX)}), Value{std::uint64_t{UINT64_MAX}});
  EXPECT_EQ(flat(p(Kind::kS8), {i32(0x1ff)}), Value{std::int64_t{-1}});
  EXPECT_EQ(flat(p(Kind::kS8), {i32(0x80)}), Value{std::int64_t{-128}});
  EXPECT_EQ(flat(p(Kind::kS16), {i32(0x18000)}), Value{std::int64_t{-32768}});
  EXPECT_EQ(flat(p(Kind::kS32), {i32(0x80000000)}), Value{std::int64_t{INT32_MIN}});
  EXPECT_EQ(flat(p(Kind::kS64), {i64(1ull << 63)}), Value{std::int64_t{INT64_MIN}});
}

TEST_F(LiftTest, NormalisesBoolsAndFlags) {
  EXPECT_EQ(flat(p(Kind::kBool), {i32(0)}), Value{false});
  EXPECT_EQ(flat(p(Kind::kBool), {i32(256)}), Value{true});
  EXPECT_EQ(flat(types::flags({"a", "b"}), {i32(0xfffffffe)}), Value{FlagSet{2}});
  EXPECT_EQ(flat(types::flags(std::vector<std::string>(32, "f")), {i32(0xfffffffe)}),
            Value{FlagSet{0xfffffffe}});
  memory.set(10, 2, 1);
  EXPECT_EQ(load(p(Kind::kBool), 10), Value{true});
  memory.set(12, 0x0301, 2);
  EXPECT_EQ(load(types::flags(std::vector<std::string>(9, "f")), 12), Value{FlagSet{0x101}});
}

TEST_F(LiftTest, MakesEachNanTheCanonicalOne) {
  EXPECT_EQ(flat(p(Kind::kF32), {{CoreType::kF32, 0xff800001}}),
            Value{std::bit_cast<float>(kCanonicalNan32)});
  EXPECT_EQ(flat(p(Kind::kF64), {{CoreType::kF64, 0xfff0000000000001}}),
            Value{std::bit_cast<double>(kCanonicalNan64)});
  memory.set(16, 0x7fffffff, 4);
  EXPECT_EQ(load(p(Kind::kF32), 16), Value{std::bit_cast<float>(kCanonicalNan32)});
  EXPECT_EQ(flat(p(Kind::kF32), {f32(-0.0f)}), Value{-0.0f});
  EXPECT_EQ(flat(p(Kind::kF64), {f64(1.5)}), Value{1.5});
}

TEST_F(LiftTest, ChecksChars) {
  EXPECT_EQ(flat(p(Kind::kChar), {i32(0xd7ff)}), Value{char32_t{0xd7ff}});
  EXPECT_EQ(flat(p(Kind::kChar), {i32(0xe000)}), Value{char32_t{0xe000}});
  EXPECT_EQ(flat(p(Kind::kChar), {i32(0x10ffff)}), Value{char32_t{0x10ffff}});
  for (const std::uint32_t bad : {0xd800u, 0xdfffu, 0x110000u, 0xffffffffu}) {
    EXPECT_EQ(trap_of(flat(p(Kind::kChar), {i32(bad)})), TrapClass::kBadChar) << bad;
  }
}

TEST_F(LiftTest, ReadsStringsInTheirEncoding) {
  memory.set(100, "h\xc3\xa9");
  EXPECT_EQ(flat(p(Kind::kString), {i32(100), i32(3)}), (Value{Text{"h\xc3\xa9", {}}}));
  memory.set(110, std::string_view("h\0\xe9\0", 4));
  const auto utf16 = flat(p(Kind::kString), {i32(110), i32(2)}, Encoding::kUtf16);
  EXPECT_EQ(utf16, (Value{Text{"h\xc3\xa9", {}}}));
  EXPECT_EQ(std::get<Text>(utf16->content).spelling, Spelling::kUtf16);
  memory.set(120, "h\xe9");
  const auto latin1 = flat(p(Kind::kString), {i32(120), i32(2)}, Encoding::kLatin1OrUtf16);
  EXPECT_EQ(latin1, (Value{Text{"h\xc3\xa9", {}}}));
  EXPECT_EQ(std::get<Text>(latin1->content).spelling, Spelling::kLatin1);
  const auto tagged = flat(p(Kind::kString), {i32(110), i32(0x80000002)}, Encoding::kLatin1OrUtf16);
  EXPECT_EQ(tagged, (Value{Text{"h\xc3\xa9", {}}}));
  EXPECT_EQ(std::get<Text>(tagged->content).spelling, Spelling::kTaggedUtf16);
}

TEST_F(LiftTest, ChecksStringsBeforeItReadsThem) {
  const auto string = p(Kind::kString);
  EXPECT_EQ(trap_of(flat(string, {i32(0), i32(1u << 28)})), TrapClass::kStringTooLong);
  EXPECT_EQ(trap_of(flat(string, {i32(0), i32((1u << 28) - 1)})), TrapClass::kOutOfBounds);
  EXPECT_EQ(trap_of(flat(string, {i32(1), i32(1u << 27)}, Encoding::kUtf16)), TrapClass::kStringTooLong);
  EXPECT_EQ(trap_of(flat(string, {i32(1), i32(1)}, Encoding::kUtf16)), TrapClass::kMisaligned);
  EXPECT_EQ(trap_of(flat(string, {i32(1), i32(0)}, Encoding::kLatin1OrUtf16)), TrapClass::kMisaligned);
  EXPECT_EQ(trap_of(flat(string, {i32(254), i32(2)}, Encoding::kUtf16)), TrapClass::kOutOfBounds);
  EXPECT_EQ(trap_of(flat(string, {i32(257), i32(0)})), TrapClass::kOutOfBounds)
      << "an empty one is checked too";
  EXPECT_EQ(flat(string, {i32(256), i32(0)}), (Value{Text{}})) << "at the very end";
  memory.set(100, "\xff");
  EXPECT_EQ(trap_of(flat(string, {i32(100), i32(1)})), TrapClass::kBadUtf8);
  memory.set(100, 0xd800, 2);
  EXPECT_EQ(trap_of(flat(string, {i32(100), i32(1)}, Encoding::kUtf16)), TrapClass::kBadUtf16);
}

TEST_F(LiftTest, ChecksListsBeforeItReadsThem) {
  const auto longs = types::list(p(Kind::kU64));
  EXPECT_EQ(trap_of(flat(longs, {i32(1), i32(1u << 25)})), TrapClass::kListTooLong);
  EXPECT_EQ(trap_of(flat(longs, {i32(0), i32((1u << 25) - 1)})), TrapClass::kOutOfBounds);
  EXPECT_EQ(trap_of(flat(longs, {i32(4), i32(1)})), TrapClass::kMisaligned);
  EXPECT_EQ(trap_of(flat(longs, {i32(4), i32(0)})), TrapClass::kMisaligned) << "an empty one is checked too";
  EXPECT_EQ(trap_of(flat(longs, {i32(256), i32(1)})), TrapClass::kOutOfBounds);
  EXPECT_EQ(trap_of(flat(longs, {i32(0xfffffff8), i32(1)})), TrapClass::kOutOfBounds) << "does not wrap";
  const auto owns = types::list(types::own(kThing));
  EXPECT_EQ(trap_of(flat(owns, {i32(248), i32(3)})), TrapClass::kOutOfBounds);
  EXPECT_TRUE(side.lifted.empty()) << "no handle is touched before the bounds are known";
}

TEST_F(LiftTest, LiftsEachElementAndField) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    memory.set(100 + 4 * i, 7 + i, 4);
  }
  EXPECT_EQ(flat(types::list(types::own(kThing)), {i32(100), i32(3)}),
            (Value{Sequence{{owned(7), owned(8), owned(9)}}}));
  EXPECT_EQ(load(types::fixed_list(types::own(kThing), 2), 104), (Value{Sequence{{owned(8), owned(9)}}}));
  memory.set(120, 5, 1);
  memory.set(124, 9, 4);
  EXPECT_EQ(load(types::tuple({p(Kind::kU8), types::own(kThing)}), 120),
            (Value{Sequence{{Value{std::uint64_t{5}}, owned(9)}}}));
  EXPECT_EQ(flat(types::map(p(Kind::kU8), types::own(kThing)), {i32(120), i32(1)}),
            (Value{Sequence{{Value{Sequence{{Value{std::uint64_t{5}}, owned(9)}}}}}}));
  EXPECT_EQ(flat(types::list(p(Kind::kU8)), {i32(120), i32(1)}), (Value{Bytes{{5}}}));
}

TEST_F(LiftTest, ChecksDiscriminantsBeforeThePayload) {
  const auto variant = types::variant({{"a", types::own(kThing)}, {"b", nullptr}, {"c", p(Kind::kU64)}});
  EXPECT_EQ(trap_of(flat(variant, {i32(3), i64(0)})), TrapClass::kBadDiscriminant);
  memory.set(64, 3, 1);
  EXPECT_EQ(trap_of(load(variant, 64)), TrapClass::kBadDiscriminant);
  EXPECT_TRUE(side.lifted.empty());
  EXPECT_EQ(flat(types::enumeration({"a", "b"}), {i32(1)}), (Value{Choice{1, {}}}));
  EXPECT_EQ(trap_of(flat(types::enumeration({"a", "b"}), {i32(2)})), TrapClass::kBadDiscriminant);
}

TEST_F(LiftTest, ReadsADiscriminantOfItsWidthOnly) {
  std::vector<std::pair<std::string, TypeRef>> cases(257, {"c", nullptr});
  memory.set(64, 0xaa0100, 4);
  EXPECT_EQ(load(types::variant(cases), 64), (Value{Choice{256, {}}}));
  EXPECT_EQ(load(types::option(p(Kind::kU8)), 65), (Value{Choice{1, {Value{std::uint64_t{0xaa}}}}}));
}

TEST_F(LiftTest, TakesTheLowHalfOfAJoinedSlotAndLeavesTheOthersAlone) {
  const auto variant = types::variant({{"a", types::own(kThing)},
                                       {"b", p(Kind::kU64)},
                                       {"c", p(Kind::kF32)},
                                       {"d", nullptr},
                                       {"e", p(Kind::kF64)}});
  EXPECT_EQ(flat(variant, {i32(0), i64(0xdeadbeef00000007)}), (Value{Choice{0, {owned(7)}}}));
  EXPECT_EQ(flat(variant, {i32(2), i64(0xdeadbeef3f800000)}), (Value{Choice{2, {Value{1.0f}}}}));
  EXPECT_EQ(flat(variant, {i32(4), i64(std::bit_cast<std::uint64_t>(2.5))}),
            (Value{Choice{4, {Value{2.5}}}}));
  EXPECT_EQ(flat(variant, {i32(3), i64(7)}), (Value{Choice{3, {}}})) << "an inactive slot is no handle";
  const auto mixed = types::result(p(Kind::kF32), p(Kind::kU32));
  EXPECT_EQ(flat(mixed, {i32(0), i32(0x3f800000)}), (Value{Choice{0, {Value{1.0f}}}}));
  EXPECT_EQ(side.lifted, (std::vector<std::uint32_t>{7}));
}

TEST_F(LiftTest, NarrowsThroughNestedVariants) {
  const auto inner = types::option(types::own(kThing));
  const auto outer = types::result(inner, types::tuple({p(Kind::kU64), p(Kind::kU64)}));
  EXPECT_EQ(flat(outer, {i32(0), i64(0xff00000001), i64(0xff00000009)}),
            (Value{Choice{0, {Value{Choice{1, {owned(9)}}}}}}));
  EXPECT_EQ(trap_of(flat(outer, {i32(0), i64(2), i64(0)})), TrapClass::kBadDiscriminant);
}

TEST_F(LiftTest, LiftsUpTo16SlotsFlatAndMoreFromMemory) {
  const std::vector<TypeRef> sixteen(16, types::own(kThing));
  std::vector<CoreValue> slots;
  for (std::uint32_t i = 0; i < 17; ++i) {
    slots.push_back(i32(i + 1));
    memory.set(64 + 4 * i, 100 + i, 4);
  }
  EXPECT_EQ(values(sixteen, {slots.begin(), slots.begin() + 16})->back(), owned(16));
  const std::vector<TypeRef> seventeen(17, types::own(kThing));
  EXPECT_EQ(values(seventeen, {i32(64)})->back(), owned(116));
  EXPECT_EQ(values(seventeen, {i32(66)}).error().trap_class, TrapClass::kMisaligned);
  EXPECT_EQ(values(seventeen, {i32(192)}).error().trap_class, TrapClass::kOutOfBounds);
  EXPECT_EQ(values({types::own(kThing)}, {i32(5)}, kMaxFlatResults)->front(), owned(5));
  EXPECT_EQ(values({p(Kind::kString)}, {i32(252)}, kMaxFlatResults).error().trap_class,
            TrapClass::kOutOfBounds);
}

}  // namespace
}  // namespace meld_verify::spec
