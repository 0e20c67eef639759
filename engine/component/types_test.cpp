// Type constructors: what the arena says of each, and which are refused.

#include "engine/component/decode_by_test.h"

namespace meld_verify::component {
namespace {

using namespace build;

/// The type of the parameter of an imported function, with `before` in front of it in the type section.
struct Taken {
  Composition composition;
  const TypeNode* node = nullptr;
};
Taken taken(std::vector<Bytes> before, const Bytes& type) {
  Component made;
  before.push_back(type);
  const auto last = static_cast<std::uint32_t>(before.size() - 1);
  before.push_back(func({{"p", index(last)}}));
  made.types(before).imports({import("f", func_of(last + 1))});
  Taken out{decoded(made), nullptr};
  if (!out.composition.host_funcs.empty()) {
    const FuncType& function = out.composition.types[out.composition.host_funcs[0].type];
    out.node = &out.composition.types[function.params[0].type];
  }
  return out;
}
TypeKind member_kind(const Taken& taken, std::size_t at) {
  return taken.composition.types[*taken.node->members[at].type].kind;
}

TEST(Types, PrimitivesAreTheirOwnNodes) {
  const std::vector<std::pair<std::uint8_t, TypeKind>> all{
      {0x7f, TypeKind::kBool},   {0x7e, TypeKind::kS8},          {0x7d, TypeKind::kU8},
      {0x7c, TypeKind::kS16},    {0x7b, TypeKind::kU16},         {0x7a, TypeKind::kS32},
      {0x79, TypeKind::kU32},    {0x78, TypeKind::kS64},         {0x77, TypeKind::kU64},
      {0x76, TypeKind::kF32},    {0x75, TypeKind::kF64},         {0x74, TypeKind::kChar},
      {0x73, TypeKind::kString}, {0x64, TypeKind::kErrorContext}};
  for (const auto& [opcode, kind] : all) {
    EXPECT_EQ(taken({}, {opcode}).node->kind, kind) << int(opcode);
  }
}

TEST(Types, RecordsKeepTheirFieldsInOrder) {
  const Taken made = taken({}, record({{"a", kS32}, {"b", kString}}));
  ASSERT_EQ(made.node->kind, TypeKind::kRecord);
  EXPECT_EQ(made.node->members[0].label, "a");
  EXPECT_EQ(made.node->members[1].label, "b");
  EXPECT_EQ(member_kind(made, 1), TypeKind::kString);
  EXPECT_FALSE(made.node->has_handle);
}

TEST(Types, VariantCasesMayHaveNoPayload) {
  const Taken made = taken({}, variant({{"none", {}}, {"some", kU64}}));
  ASSERT_EQ(made.node->kind, TypeKind::kVariant);
  EXPECT_FALSE(made.node->members[0].type);
  EXPECT_EQ(member_kind(made, 1), TypeKind::kU64);
}

TEST(Types, ListsOfAnyAndOfFixedLength) {
  EXPECT_EQ(taken({}, list(kU8)).node->kind, TypeKind::kList);
  const Taken made = taken({}, fixed_list(kU8, 7));
  EXPECT_EQ(made.node->kind, TypeKind::kFixedList);
  EXPECT_EQ(made.node->length, 7u);
  EXPECT_EQ(made.node->members.size(), 1u);
}

TEST(Types, TuplesFlagsEnumsOptionsResultsAndMaps) {
  EXPECT_EQ(taken({}, tuple({kU8, kU8, kString})).node->members.size(), 3u);
  EXPECT_EQ(taken({}, flags({"x", "y"})).node->kind, TypeKind::kFlags);
  EXPECT_EQ(taken({}, enumeration({"x", "y", "z"})).node->members[2].label, "z");
  EXPECT_EQ(taken({}, option(kU8)).node->members.size(), 1u);
  const Taken both = taken({}, result(kU8, kString));
  EXPECT_EQ(both.node->members[0].label, "ok");
  EXPECT_EQ(both.node->members[1].label, "error");
  EXPECT_FALSE(taken({}, result({}, kString)).node->members[0].type);
  const Taken made = taken({}, map(kString, kU8));
  EXPECT_EQ(made.node->kind, TypeKind::kMap);
  EXPECT_EQ(member_kind(made, 0), TypeKind::kString);
}

TEST(Types, HandlesNameAResourceTypeAndAreSeenFromOutside) {
  const Taken made = taken({kResource, own(0)}, record({{"h", index(1)}}));
  EXPECT_TRUE(made.node->has_handle);
  const TypeNode& handle = made.composition.types[*made.node->members[0].type];
  EXPECT_EQ(handle.kind, TypeKind::kOwn);
  EXPECT_EQ(handle.resource, ResourceId{std::uint32_t{0}});
  EXPECT_EQ(taken({kResource}, borrow(0)).node->kind, TypeKind::kBorrow);
}

TEST(Types, StreamsAndFuturesMayHaveNoType) {
  EXPECT_EQ(taken({}, stream(kU8)).node->members.size(), 1u);
  EXPECT_TRUE(taken({}, stream({})).node->members.empty());
  EXPECT_EQ(taken({}, future({})).node->kind, TypeKind::kFuture);
  EXPECT_TRUE(taken({}, future({})).node->has_handle);
}

TEST(Types, FunctionsMayBeAsyncAndWithoutResult) {
  Component made;
  made.types({func({{"a", kU8}}, kString, true), func({})});
  made.imports({import("f", func_of(0)), import("g", func_of(1))});
  const Composition composition = decoded(made);
  const FuncType& async = composition.types[composition.host_funcs[0].type];
  EXPECT_TRUE(async.async);
  EXPECT_EQ(async.params[0].name, "a");
  EXPECT_EQ(composition.types[*async.result].kind, TypeKind::kString);
  EXPECT_FALSE(composition.types[composition.host_funcs[1].type].result);
}

TEST(Types, CoreTypesArePassedOverAndCounted) {
  const Bytes function{0x60, 1, 0x7f, 0}, structure{0x5f, 1, 0x7f, 0x01}, array{0x5e, 0x78, 0x00};
  Component made;
  made.core_types({function,
                   structure,
                   array,
                   {0x4e, 2, 0x60, 0, 0, 0x50, 0, 0x60, 0, 0},
                   {0x00, 0x50, 0, 0x60, 0, 0},
                   {0x4f, 0, 0x60, 0, 0},
                   {0x4e, 1, 0x50, 0, 0x5f, 0},
                   cat({{0x50, 4},
                        {0x01},
                        function,
                        {0x02, 0x10, 0x01, 1, 0},
                        {0x00},
                        text("m"),
                        text("n"),
                        {0x02, 0x01, 1, 2},
                        {0x03},
                        text("e"),
                        {0x00, 0}})});
  // Eight definitions, nine types: the last, a module type, is the index 8.
  made.imports({import("m", module_of(8))});
  EXPECT_EQ(unsupported(decoded(made)), std::vector<std::string>{"module-import"});
  made.imports({import("n", module_of(9))});
  EXPECT_EQ(refusal(made), "index-out-of-range: core type index 9 is out of range: 9 are defined so far");
}

TEST(Types, WhatIsNoTypeIsRefused) {
  const auto said = [](const Bytes& type) { return refusal(Component().types({type})); };
  EXPECT_EQ(said({0x3d}), "unknown-code: a type has the unknown code 0x3d");
  EXPECT_EQ(said(record({})), "empty-type: a record without any members");
  EXPECT_EQ(said(variant({})), "empty-type: a variant without any members");
  EXPECT_EQ(said(tuple({})), "empty-type: a tuple without any members");
  EXPECT_EQ(said(enumeration({})), "empty-type: a enum without any members");
  EXPECT_EQ(said(fixed_list(kU8, 0)), "empty-type: a fixed-length list of length 0");
  EXPECT_EQ(said({0x3f, 0x7d, 0x00}),
            "unknown-code: a resource type's representation has the unknown code 0x7d");
  EXPECT_EQ(said(list(index(3))), "index-out-of-range: type index 3 is out of range: none is defined so far");
  EXPECT_EQ(said(list({0x40})), "unknown-code: a value type has the unknown code 0x40");
  EXPECT_EQ(said(own(0)), "index-out-of-range: type index 0 is out of range: none is defined so far");
  EXPECT_EQ(refusal(Component().types({kS32, own(0)})), "type: type 0 is not a resource type");
  EXPECT_EQ(refusal(Component().types({kResource, list(index(0))})), "type: type 0 is not a value type");
}

TEST(Types, ThirtyTwoFlagsAreTakenAndThirtyThreeNot) {
  std::vector<std::string_view> names(32, "x");
  EXPECT_EQ(refusal(Component().types({flags(names)})), "");
  names.push_back("x");
  EXPECT_EQ(refusal(Component().types({flags(names)})), "flags: 33 flags; 32 are allowed");
}

TEST(Types, ABorrowIsNeitherReturnedNorStreamed) {
  EXPECT_EQ(refusal(Component().types({kResource, borrow(0), func({}, index(1))})),
            "type: a function's result has a borrow in it");
  EXPECT_EQ(refusal(Component().types({kResource, borrow(0), list(index(1)), func({}, index(2))})),
            "type: a function's result has a borrow in it");
  EXPECT_EQ(refusal(Component().types({kResource, borrow(0), stream(index(1))})),
            "type: a stream or future of borrows");
  EXPECT_EQ(refusal(Component().types({kResource, own(0), func({}, index(1))})), "");
}

TEST(Types, AValueOf256MiBIsRefusedAndOneBelowIsNot) {
  EXPECT_EQ(refusal(Component().types({fixed_list(kU8, (1u << 28) - 1)})), "");
  EXPECT_EQ(refusal(Component().types({fixed_list(kU8, 1u << 28)})),
            "type: a value of this type takes 268435456 bytes; less than 268435456 is allowed");
  EXPECT_EQ(refusal(Component().types({fixed_list(kString, 0xffff'ffffu)})),
            "type: a value of this type takes 68719476720 bytes; less than 268435456 is allowed");
  // A record is padded, a variant has a tag: 2^28 is reached by these and not by their parts.
  const Bytes half = fixed_list(kU64, 1u << 24);
  EXPECT_EQ(refusal(Component().types({half, record({{"a", index(0)}, {"b", kU8}})})), "");
  EXPECT_NE(refusal(Component().types({half, tuple({index(0), index(0)})})), "");
  EXPECT_NE(refusal(Component().types({fixed_list(kU8, (1u << 28) - 1), option(index(0))})), "");
}

TEST(Types, TypesNestAThousandDeep) {
  std::vector<Bytes> types{list(kU8)};
  for (std::uint32_t i = 0; i < 999; ++i) {
    types.push_back(list(index(i)));
  }
  EXPECT_EQ(refusal(Component().types(types)), "");
  types.push_back(list(index(999)));
  EXPECT_EQ(refusal(Component().types(types)), "type: types are nested more than 1000 deep");
}

}  // namespace
}  // namespace meld_verify::component
