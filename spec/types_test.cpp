#include "spec/types.h"

#include <gtest/gtest.h>

namespace meld_verify::spec {
namespace {

using enum CoreType;
using Slots = std::vector<CoreType>;

TypeRef p(Kind kind) {
  return types::plain(kind);
}

TypeRef numbered(std::size_t cases) {
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < cases; ++i) {
    labels.push_back("c" + std::to_string(i));
  }
  return types::enumeration(labels);
}

TypeRef flags(std::size_t count) {
  return types::flags(std::vector<std::string>(count, "f"));
}

struct Expected {
  TypeRef type;
  std::uint64_t size;
  std::uint32_t alignment;
  Slots flat;
};

TEST(Types, LayOutThePlainOnes) {
  const ResourceTypeId r(7u);
  const Expected cases[] = {
      {p(Kind::kBool), 1, 1, {kI32}},
      {p(Kind::kS8), 1, 1, {kI32}},
      {p(Kind::kU8), 1, 1, {kI32}},
      {p(Kind::kS16), 2, 2, {kI32}},
      {p(Kind::kU16), 2, 2, {kI32}},
      {p(Kind::kS32), 4, 4, {kI32}},
      {p(Kind::kU32), 4, 4, {kI32}},
      {p(Kind::kS64), 8, 8, {kI64}},
      {p(Kind::kU64), 8, 8, {kI64}},
      {p(Kind::kF32), 4, 4, {kF32}},
      {p(Kind::kF64), 8, 8, {kF64}},
      {p(Kind::kChar), 4, 4, {kI32}},
      {p(Kind::kString), 8, 4, {kI32, kI32}},
      {types::list(p(Kind::kU64)), 8, 4, {kI32, kI32}},
      {types::own(r), 4, 4, {kI32}},
      {types::borrow(r), 4, 4, {kI32}},
      {flags(1), 1, 1, {kI32}},
      {flags(8), 1, 1, {kI32}},
      {flags(9), 2, 2, {kI32}},
      {flags(16), 2, 2, {kI32}},
      {flags(17), 4, 4, {kI32}},
      {flags(32), 4, 4, {kI32}},
  };
  for (const Expected& one : cases) {
    EXPECT_EQ(one.type->size, one.size) << static_cast<int>(one.type->kind);
    EXPECT_EQ(one.type->alignment, one.alignment) << static_cast<int>(one.type->kind);
    EXPECT_EQ(one.type->flat, one.flat) << static_cast<int>(one.type->kind);
  }
}

TEST(Types, AlignFieldsAndPadTheTail) {
  // u8 at 0, own at 4, u16 at 8, u64 at 16, bool at 24, tail to 32
  const TypeRef record = types::record({{"a", p(Kind::kU8)},
                                        {"b", types::own(ResourceTypeId(0u))},
                                        {"c", p(Kind::kU16)},
                                        {"d", p(Kind::kU64)},
                                        {"e", p(Kind::kBool)}});
  EXPECT_EQ(record->size, 32u);
  EXPECT_EQ(record->alignment, 8u);
  std::vector<std::uint64_t> offsets;
  for (const Part& field : record->parts) {
    offsets.push_back(field.offset);
  }
  EXPECT_EQ(offsets, (std::vector<std::uint64_t>{0, 4, 8, 16, 24}));
  EXPECT_EQ(record->flat, (Slots{kI32, kI32, kI32, kI64, kI32}));
}

TEST(Types, SizeTheDiscriminantByTheNumberOfCases) {
  EXPECT_EQ(numbered(1)->size, 1u);
  EXPECT_EQ(numbered(256)->size, 1u);
  EXPECT_EQ(numbered(257)->size, 2u);
  EXPECT_EQ(numbered(65536)->size, 2u);
  EXPECT_EQ(numbered(65537)->size, 4u);
  EXPECT_EQ(numbered(65537)->alignment, 4u);
  EXPECT_EQ(numbered(300)->flat, (Slots{kI32}));
}

TEST(Types, PutThePayloadBehindTheDiscriminant) {
  // disc 1, payload at 8 (u64), size 16; slots: disc, join(i32, i64, f32)
  const TypeRef variant = types::variant(
      {{"a", types::own(ResourceTypeId(0u))}, {"b", p(Kind::kU64)}, {"c", p(Kind::kF32)}, {"d", nullptr}});
  EXPECT_EQ(variant->payload_offset, 8u);
  EXPECT_EQ(variant->size, 16u);
  EXPECT_EQ(variant->alignment, 8u);
  EXPECT_EQ(variant->flat, (Slots{kI32, kI64}));

  const TypeRef option = types::option(p(Kind::kU8));
  EXPECT_EQ(option->payload_offset, 1u);
  EXPECT_EQ(option->size, 2u);
  EXPECT_EQ(option->flat, (Slots{kI32, kI32}));

  const TypeRef result = types::result(types::own(ResourceTypeId(0u)), p(Kind::kString));
  EXPECT_EQ(result->payload_offset, 4u);
  EXPECT_EQ(result->size, 12u);
  EXPECT_EQ(result->flat, (Slots{kI32, kI32, kI32}));

  const TypeRef nothing = types::result(nullptr, nullptr);
  EXPECT_EQ(nothing->size, 1u);
  EXPECT_EQ(nothing->flat, (Slots{kI32}));
}

TEST(Types, PutThePayloadAtItsOwnAlignmentUnderAWideDiscriminant) {
  std::vector<std::pair<std::string, TypeRef>> cases(257, {"c", nullptr});
  cases[3].second = p(Kind::kU8);
  const TypeRef variant = types::variant(cases);
  EXPECT_EQ(variant->payload_offset, 2u);
  EXPECT_EQ(variant->size, 4u) << "2 + 1, padded to 2";
}

TEST(Types, JoinSlots) {
  const CoreType all[] = {kI32, kI64, kF32, kF64};
  const CoreType joined[4][4] = {
      {kI32, kI64, kI32, kI64}, {kI64, kI64, kI64, kI64}, {kI32, kI64, kF32, kI64}, {kI64, kI64, kI64, kF64}};
  for (int left = 0; left < 4; ++left) {
    for (int right = 0; right < 4; ++right) {
      EXPECT_EQ(join(all[left], all[right]), joined[left][right]) << left << " " << right;
    }
  }
}

TEST(Types, UnrollFixedListsAndMakeMapsListsOfPairs) {
  const TypeRef fixed = types::fixed_list(types::borrow(ResourceTypeId(0u)), 3);
  EXPECT_EQ(fixed->size, 12u);
  EXPECT_EQ(fixed->alignment, 4u);
  EXPECT_EQ(fixed->flat, (Slots{kI32, kI32, kI32}));
  EXPECT_TRUE(fixed->has_borrow);
  EXPECT_FALSE(fixed->needs_memory);

  const TypeRef map = types::map(p(Kind::kU8), types::own(ResourceTypeId(0u)));
  EXPECT_EQ(map->size, 8u);
  EXPECT_EQ(map->flat, (Slots{kI32, kI32}));
  EXPECT_EQ(map->parts[0].type->size, 8u);
  EXPECT_EQ(map->parts[0].type->parts[1].offset, 4u);
  EXPECT_TRUE(map->has_handles);
}

TEST(Types, CutSlotsWhereTheyNoLongerCount) {
  EXPECT_EQ(types::fixed_list(p(Kind::kU8), 16)->flat.size(), 16u);
  EXPECT_EQ(types::fixed_list(p(Kind::kU8), 17)->flat.size(), 17u);
  EXPECT_EQ(types::fixed_list(p(Kind::kU8), 1000000)->flat.size(), 17u);
  EXPECT_EQ(types::option(types::fixed_list(p(Kind::kU8), 16))->flat.size(), 17u);
}

TEST(Types, SayWhenTheyAreTooLargeOrUnsupported) {
  EXPECT_FALSE(types::fixed_list(p(Kind::kU8), (1u << 28) - 1)->too_large);
  EXPECT_TRUE(types::fixed_list(p(Kind::kU8), 1u << 28)->too_large);
  EXPECT_TRUE(types::list(types::fixed_list(p(Kind::kU64), 0xffffffff))->too_large);
  EXPECT_TRUE(types::option(p(Kind::kStream))->unsupported);
  EXPECT_FALSE(types::option(p(Kind::kString))->unsupported);
}

}  // namespace
}  // namespace meld_verify::spec
