#include "engine/topology/positions.h"

#include <gtest/gtest.h>

#include "engine/topology/small_composition.h"

namespace meld_verify::topology {
namespace {

using component::TypeId;
using component::TypeKind;

Location slot(std::uint32_t number, SlotType type = SlotType::kI32) {
  Location location;
  location.slot = number;
  location.slot_type = type;
  return location;
}

Location behind_slot(std::uint32_t number, std::vector<ListHop> lists, std::uint32_t offset) {
  Location location;
  location.slot = number;
  location.lists = std::move(lists);
  location.offset = offset;
  return location;
}

Location in_area(Root root, std::uint32_t offset, std::vector<ListHop> lists = {}) {
  Location location;
  location.root = root;
  location.lists = std::move(lists);
  location.offset = offset;
  return location;
}

Guard when(const Location& location, std::uint8_t width, std::uint32_t case_index, std::string label) {
  return {.caller = location,
          .callee = location,
          .width = width,
          .case_index = case_index,
          .case_label = std::move(label)};
}

/// What a test says of one handle.
struct Expected {
  std::string path;
  Location at;
  std::vector<Guard> guards;
};

class PositionsTest : public ::testing::Test {
 protected:
  Signature signature(const std::vector<std::pair<std::string, TypeId>>& params,
                      std::optional<TypeId> result = {}) {
    const component::FuncTypeId type = small.func(params, result);
    return handles_of(small.made.types[type], small.made.types, Layouts(small.made.types));
  }

  void expect(const Signature& signature, const std::vector<Expected>& expected) {
    EXPECT_FALSE(signature.limit);
    ASSERT_EQ(signature.handles.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Layout& layout = signature.handles[i].layout;
      SCOPED_TRACE(expected[i].path);
      EXPECT_EQ(layout.path, expected[i].path);
      EXPECT_TRUE(layout.caller == expected[i].at);
      EXPECT_TRUE(layout.callee == expected[i].at);
      EXPECT_TRUE(layout.guards == expected[i].guards);
      EXPECT_EQ(layout.in_variant, !expected[i].guards.empty());
    }
  }

  TypeId primitive(TypeKind kind) const { return small.primitive(kind); }

  SmallComposition small;
  const ResourceId thing = small.resource(kRoot, "", "thing");
  const TypeId own = small.own(thing, "thing", 3);
  const TypeId borrow = small.borrow(thing, "loan");
  const TypeId u8 = primitive(TypeKind::kU8);
  const TypeId u16 = primitive(TypeKind::kU16);
  const TypeId u32 = primitive(TypeKind::kU32);
  const TypeId u64 = primitive(TypeKind::kU64);
  const TypeId text = primitive(TypeKind::kString);
};

TEST_F(PositionsTest, PlainParametersAndResultAreSlots) {
  const Signature found = signature({{"self", borrow}, {"s", text}, {"n", u64}, {"o", own}}, own);
  expect(found, {{"params/self", slot(0), {}}, {"params/o", slot(4), {}}, {"result", slot(0), {}}});
  EXPECT_EQ(found.handles[0].kind, HandleKind::kBorrow);
  EXPECT_EQ(found.handles[0].label, "loan");
  EXPECT_EQ(found.handles[0].resource, thing);
  EXPECT_FALSE(found.handles[1].result);
  EXPECT_EQ(found.handles[1].kind, HandleKind::kOwn);
  EXPECT_EQ(found.handles[1].alias_depth, 3u);
  EXPECT_TRUE(found.handles[2].result);
  EXPECT_FALSE(found.handles[2].layout.in_aggregate || found.handles[2].layout.in_list);
}

TEST_F(PositionsTest, TypesWithoutHandlesHaveNone) {
  expect(signature({{"a", text}, {"b", small.list(small.option(u64))}}, small.result(text, {})), {});
}

TEST_F(PositionsTest, RecordFieldsAndTupleElementsFollowEachOther) {
  const TypeId inner = small.record({{"n", u64}, {"it", borrow}});
  const TypeId outer = small.tuple({u8, inner, own});
  const Signature found = signature({{"x", u32}, {"p", outer}});
  expect(found, {{"params/p/1/it", slot(3), {}}, {"params/p/2", slot(4), {}}});
  EXPECT_TRUE(found.handles[0].layout.in_aggregate);
  EXPECT_FALSE(found.handles[0].layout.in_list);
}

TEST_F(PositionsTest, NestedRecordsInMemoryArePadded) {
  // 0 a, 8 inner {8 own, 16 u64, 24 own, 28 padding}, 32 own
  const TypeId inner = small.record({{"x", own}, {"n", u64}, {"y", own}});
  const TypeId outer = small.record({{"a", u8}, {"inner", inner}, {"z", own}});
  expect(signature({}, outer), {{"result/inner/x", in_area(Root::kResultArea, 8), {}},
                                {"result/inner/y", in_area(Root::kResultArea, 24), {}},
                                {"result/z", in_area(Root::kResultArea, 32), {}}});
}

TEST_F(PositionsTest, ARecordOfOneHandleIsStillOneFlatResult) {
  expect(signature({}, small.record({{"it", own}})), {{"result/it", slot(0), {}}});
  expect(signature({}, small.tuple({own, own})),
         {{"result/0", in_area(Root::kResultArea, 0), {}}, {"result/1", in_area(Root::kResultArea, 4), {}}});
}

TEST_F(PositionsTest, AnOptionGuardsItsHandle) {
  expect(signature({{"n", u32}, {"o", small.option(borrow)}}),
         {{"params/o/some", slot(2), {when(slot(1), 4, 1, "some")}}});
}

TEST_F(PositionsTest, ASlotJoinedWithAWiderCaseIsWide) {
  const TypeId wide = small.variant({{"none", {}}, {"number", u64}, {"it", own}});
  expect(signature({{"v", wide}}), {{"params/v/it", slot(1, SlotType::kI64), {when(slot(0), 4, 2, "it")}}});
  const TypeId half = small.variant({{"it", own}, {"number", primitive(TypeKind::kF32)}});
  expect(signature({{"v", half}}), {{"params/v/it", slot(1), {when(slot(0), 4, 0, "it")}}});
  const TypeId real = small.variant({{"it", own}, {"number", primitive(TypeKind::kF64)}});
  expect(signature({{"v", real}}), {{"params/v/it", slot(1, SlotType::kI64), {when(slot(0), 4, 0, "it")}}});
  // Only the slot that is shared with the wide case is wide.
  const TypeId second = small.variant({{"pair", small.tuple({own, own})}, {"number", u64}});
  expect(signature({{"v", second}}),
         {{"params/v/pair/0", slot(1, SlotType::kI64), {when(slot(0), 4, 0, "pair")}},
          {"params/v/pair/1", slot(2), {when(slot(0), 4, 0, "pair")}}});
}

TEST_F(PositionsTest, AnInnerDiscriminantIsJoinedAsAnyOtherSlot) {
  const TypeId outer = small.variant({{"perhaps", small.option(own)}, {"number", u64}});
  expect(signature({{"v", outer}}),
         {{"params/v/perhaps/some",
           slot(2),
           {when(slot(0), 4, 0, "perhaps"), when(slot(1, SlotType::kI64), 4, 1, "some")}}});
}

TEST_F(PositionsTest, APointerInASlotJoinedWithAWiderCaseIsWide) {
  const TypeId outer = small.variant({{"all", small.list(own)}, {"number", u64}});
  Location at = behind_slot(1, {{0, 4}}, 0);
  at.slot_type = SlotType::kI64;
  expect(signature({{"v", outer}}), {{"params/v/all/[]", at, {when(slot(0), 4, 0, "all")}}});
  // A discriminant among the elements lies behind the same pointer.
  const TypeId maybes = small.variant({{"all", small.list(small.option(own))}, {"number", u64}});
  at.lists = {{0, 8}};
  Location held = at;
  held.offset = 4;
  expect(signature({{"v", maybes}}),
         {{"params/v/all/[]/some", held, {when(slot(0), 4, 0, "all"), when(at, 1, 1, "some")}}});
  // Joined with a float that is no wider, it stays what it is; so it does in a slot that no other case has.
  const TypeId half = small.variant({{"all", small.list(own)}, {"number", primitive(TypeKind::kF32)}});
  expect(signature({{"v", half}}),
         {{"params/v/all/[]", behind_slot(1, {{0, 4}}, 0), {when(slot(0), 4, 0, "all")}}});
  const TypeId later = small.variant({{"pair", small.tuple({u32, small.list(own)})}, {"number", u64}});
  expect(signature({{"v", later}}),
         {{"params/v/pair/1/[]", behind_slot(2, {{0, 4}}, 0), {when(slot(0), 4, 0, "pair")}}});
}

TEST_F(PositionsTest, AResultOfTwoCasesLiesInTheResultArea) {
  expect(signature({}, small.result(own, text)),
         {{"result/ok", in_area(Root::kResultArea, 4), {when(in_area(Root::kResultArea, 0), 1, 0, "ok")}}});
  expect(signature({}, small.result(std::nullopt, own)),
         {{"result/error",
           in_area(Root::kResultArea, 4),
           {when(in_area(Root::kResultArea, 0), 1, 1, "error")}}});
  // The payload is aligned for the widest case.
  expect(
      signature({}, small.result(small.tuple({own, own}), u64)),
      {{"result/ok/0", in_area(Root::kResultArea, 8), {when(in_area(Root::kResultArea, 0), 1, 0, "ok")}},
       {"result/ok/1", in_area(Root::kResultArea, 12), {when(in_area(Root::kResultArea, 0), 1, 0, "ok")}}});
}

TEST_F(PositionsTest, ListElementsLieBehindAPointer) {
  expect(signature({{"n", u32}, {"l", small.list(own)}}), {{"params/l/[]", behind_slot(1, {{0, 4}}, 0), {}}});
  const TypeId pair = small.record({{"n", u8}, {"it", own}});
  const Signature found = signature({{"l", small.list(pair)}});
  expect(found, {{"params/l/[]/it", behind_slot(0, {{0, 8}}, 4), {}}});
  EXPECT_TRUE(found.handles[0].layout.in_list && found.handles[0].layout.in_aggregate);
  expect(
      signature({{"l", small.list(small.option(borrow))}}),
      {{"params/l/[]/some", behind_slot(0, {{0, 8}}, 4), {when(behind_slot(0, {{0, 8}}, 0), 1, 1, "some")}}});
}

TEST_F(PositionsTest, ListsOfListsAreHops) {
  expect(signature({{"l", small.list(small.list(own))}}),
         {{"params/l/[]/[]", behind_slot(0, {{0, 8}, {0, 4}}, 0), {}}});
  const TypeId row = small.tuple({u32, small.list(small.tuple({u64, own}))});
  expect(signature({{"n", u8}, {"l", small.list(row)}}, row),
         {{"params/l/[]/1/[]/1", behind_slot(1, {{0, 12}, {4, 16}}, 8), {}},
          {"result/1/[]/1", in_area(Root::kResultArea, 8, {{4, 16}}), {}}});
}

TEST_F(PositionsTest, AGuardAroundAListLiesBeforeItsPointer) {
  expect(signature({}, small.option(small.list(own))),
         {{"result/some/[]",
           in_area(Root::kResultArea, 0, {{4, 4}}),
           {when(in_area(Root::kResultArea, 0), 1, 1, "some")}}});
}

TEST_F(PositionsTest, FixedListsAreUnrolled) {
  const Signature found = signature({{"n", u8}, {"l", small.fixed_list(own, 3)}});
  expect(found,
         {{"params/l/[0]", slot(1), {}}, {"params/l/[1]", slot(2), {}}, {"params/l/[2]", slot(3), {}}});
  EXPECT_TRUE(found.handles[0].layout.in_list);
  expect(signature({}, small.fixed_list(small.tuple({u8, own}), 2)),
         {{"result/[0]/1", in_area(Root::kResultArea, 4), {}},
          {"result/[1]/1", in_area(Root::kResultArea, 12), {}}});
}

TEST_F(PositionsTest, MapsHoldHandlesInTheirValues) {
  expect(signature({{"m", small.map(u32, own)}}), {{"params/m/[]/value", behind_slot(0, {{0, 8}}, 4), {}}});
  expect(signature({{"m", small.map(u64, own)}}), {{"params/m/[]/value", behind_slot(0, {{0, 16}}, 8), {}}});
  expect(signature({{"m", small.map(text, small.option(own))}}),
         {{"params/m/[]/value/some",
           behind_slot(0, {{0, 16}}, 12),
           {when(behind_slot(0, {{0, 16}}, 8), 1, 1, "some")}}});
}

TEST_F(PositionsTest, SixteenFlatParametersStayFlatAndSeventeenSpill) {
  std::vector<std::pair<std::string, TypeId>> params{{"first", u8}};
  for (int i = 0; i < 14; ++i) {
    params.emplace_back("n" + std::to_string(i), u64);
  }
  params.emplace_back("it", borrow);
  expect(signature(params), {{"params/it", slot(15), {}}});
  params.emplace_back("last", u8);
  expect(signature(params), {{"params/it", in_area(Root::kParamArea, 120), {}}});
  params.back().second = small.option(borrow);
  expect(signature(params), {{"params/it", in_area(Root::kParamArea, 120), {}},
                             {"params/last/some",
                              in_area(Root::kParamArea, 128),
                              {when(in_area(Root::kParamArea, 124), 1, 1, "some")}}});
  params.back().second = small.list(own);
  expect(signature(params), {{"params/it", in_area(Root::kParamArea, 120), {}},
                             {"params/last/[]", in_area(Root::kParamArea, 0, {{124, 4}}), {}}});
}

TEST_F(PositionsTest, SlotsOfAllParametersCountTogether) {
  const TypeId ten = small.fixed_list(u8, 10);
  expect(signature({{"a", ten}, {"b", ten}, {"it", own}}),
         {{"params/it", in_area(Root::kParamArea, 20), {}}});
}

TEST_F(PositionsTest, ManyCasesHaveAWiderDiscriminant) {
  const auto guarded = [&](std::size_t before) {
    return small.list(small.cases(TypeKind::kVariant, before, own));
  };
  expect(signature({{"l", guarded(255)}}), {{"params/l/[]/last",
                                             behind_slot(0, {{0, 8}}, 4),
                                             {when(behind_slot(0, {{0, 8}}, 0), 1, 255, "last")}}});
  expect(signature({{"l", guarded(256)}}), {{"params/l/[]/last",
                                             behind_slot(0, {{0, 8}}, 4),
                                             {when(behind_slot(0, {{0, 8}}, 0), 2, 256, "last")}}});
  expect(signature({{"l", guarded(65'536)}}), {{"params/l/[]/last",
                                                behind_slot(0, {{0, 8}}, 4),
                                                {when(behind_slot(0, {{0, 8}}, 0), 4, 65'536, "last")}}});
}

TEST_F(PositionsTest, AStreamIsALimitAndTheOtherHandlesAreListed) {
  const Signature found = signature({{"s", small.stream(u8)}, {"o", own}, {"t", small.stream(own)}});
  ASSERT_TRUE(found.limit);
  EXPECT_EQ(found.limit->code, "stream");
  ASSERT_EQ(found.handles.size(), 1u);
  EXPECT_TRUE(found.handles[0].layout.caller == slot(1));
}

TEST_F(PositionsTest, AFunctionHasAsManyPositionsAsTheLimitAndNoMore) {
  const TypeId inner = small.fixed_list(small.option(own), 256);
  EXPECT_EQ(signature({{"l", small.fixed_list(inner, 256)}}).handles.size(), kMostPositions);
  const Signature above = signature({{"l", small.fixed_list(inner, 256)}, {"o", own}});
  ASSERT_TRUE(above.limit);
  EXPECT_EQ(above.limit->code, "too-many-handles");
  EXPECT_TRUE(above.handles.empty());
}

TEST_F(PositionsTest, LargeValuesAreALimit) {
  const Signature large = signature({{"l", small.fixed_list(own, 1u << 26)}});
  ASSERT_TRUE(large.limit);
  EXPECT_EQ(large.limit->code, "too-large");
  EXPECT_TRUE(large.handles.empty());
  const TypeId half = small.fixed_list(u8, 1u << 27);
  const Signature together = signature({{"a", half}, {"b", half}, {"o", own}});
  ASSERT_TRUE(together.limit);
  EXPECT_EQ(together.limit->code, "too-large");
  const Signature behind = signature({{"a", small.list(small.tuple({half, half}))}, {"o", own}}, own);
  ASSERT_TRUE(behind.limit);
  EXPECT_EQ(behind.limit->code, "too-large");
}

TEST_F(PositionsTest, TypesThatDoubleAreGivenUpSoon) {
  TypeId handles = own;
  TypeId streams = small.stream(u8);
  for (int i = 0; i < 100; ++i) {
    handles = small.tuple({small.list(handles), small.option(small.list(handles))});
    streams = small.tuple({small.list(streams), small.list(streams)});
  }
  for (const TypeId id : {handles, streams}) {
    const Signature found = signature({{"d", id}});
    ASSERT_TRUE(found.limit);
    EXPECT_EQ(found.limit->code, "too-many-handles");
    EXPECT_TRUE(found.handles.empty());
    EXPECT_LE(found.weight, kMostWeight + (1u << 20));
  }
}

TEST_F(PositionsTest, DeepTypesAreALimit) {
  TypeId type = own;
  for (unsigned i = 1; i < kMostDepth; ++i) {
    type = small.list(type);
  }
  EXPECT_EQ(signature({{"d", type}}).handles.size(), 1u);
  const Signature deeper = signature({{"d", small.list(type)}});
  ASSERT_TRUE(deeper.limit);
  EXPECT_EQ(deeper.limit->code, "too-deep");
  EXPECT_TRUE(deeper.handles.empty());
}

}  // namespace
}  // namespace meld_verify::topology
