#include "spec/values.h"

#include <gtest/gtest.h>

#include <cmath>

#include "spec/text.h"

namespace meld_verify::spec {
namespace {

TypeRef p(Kind kind) {
  return types::plain(kind);
}

Value u(std::uint64_t number) {
  return Value{number};
}

Value s(std::int64_t number) {
  return Value{number};
}

TEST(Values, ConformWithinTheRangeOfIntegers) {
  EXPECT_TRUE(conforms(u(255), *p(Kind::kU8)));
  EXPECT_FALSE(conforms(u(256), *p(Kind::kU8)));
  EXPECT_TRUE(conforms(s(-128), *p(Kind::kS8)));
  EXPECT_TRUE(conforms(s(127), *p(Kind::kS8)));
  EXPECT_FALSE(conforms(s(128), *p(Kind::kS8)));
  EXPECT_FALSE(conforms(s(-129), *p(Kind::kS8)));
  EXPECT_TRUE(conforms(s(INT64_MIN), *p(Kind::kS64)));
  EXPECT_TRUE(conforms(u(UINT64_MAX), *p(Kind::kU64)));
  EXPECT_FALSE(conforms(u(UINT64_MAX), *p(Kind::kU32)));
  EXPECT_FALSE(conforms(s(1), *p(Kind::kU8))) << "signed is another kind of value";
}

TEST(Values, ConformByShape) {
  const TypeRef pair = types::tuple({p(Kind::kU8), p(Kind::kBool)});
  EXPECT_TRUE(conforms(Value{Sequence{{u(1), Value{true}}}}, *pair));
  EXPECT_FALSE(conforms(Value{Sequence{{u(1)}}}, *pair));
  EXPECT_FALSE(conforms(Value{Sequence{{Value{true}, u(1)}}}, *pair));

  const TypeRef option = types::option(p(Kind::kU8));
  EXPECT_TRUE(conforms(Value{Choice{0, {}}}, *option));
  EXPECT_TRUE(conforms(Value{Choice{1, {u(3)}}}, *option));
  EXPECT_FALSE(conforms(Value{Choice{1, {}}}, *option));
  EXPECT_FALSE(conforms(Value{Choice{0, {u(3)}}}, *option));
  EXPECT_FALSE(conforms(Value{Choice{2, {}}}, *option));

  const TypeRef flags = types::flags({"a", "b"});
  EXPECT_TRUE(conforms(Value{FlagSet{3}}, *flags));
  EXPECT_FALSE(conforms(Value{FlagSet{4}}, *flags));

  EXPECT_TRUE(conforms(Value{Bytes{{1, 2}}}, *types::list(p(Kind::kU8))));
  EXPECT_FALSE(conforms(Value{Sequence{{u(1)}}}, *types::list(p(Kind::kU8)))) << "bytes are packed";
  EXPECT_TRUE(conforms(Value{Sequence{{u(1), u(2)}}}, *types::fixed_list(p(Kind::kU8), 2)));
  EXPECT_FALSE(conforms(Value{Sequence{{u(1)}}}, *types::fixed_list(p(Kind::kU8), 2)));
}

TEST(Values, ConformByTheTypeAndKindOfHandles) {
  const ResourceTypeId r(1u);
  const Value own{Handle{r, true, Rep(5u), ObjectId{9}}};
  EXPECT_TRUE(conforms(own, *types::own(r)));
  EXPECT_FALSE(conforms(own, *types::borrow(r)));
  EXPECT_FALSE(conforms(own, *types::own(ResourceTypeId(2u))));
}

TEST(Values, ConformByText) {
  EXPECT_TRUE(conforms(Value{Text{"h\xc3\xa9", {}}}, *p(Kind::kString)));
  EXPECT_FALSE(conforms(Value{Text{"\xc3", {}}}, *p(Kind::kString)));
  EXPECT_FALSE(conforms(Value{char32_t{0xd800}}, *p(Kind::kChar)));
  EXPECT_FALSE(conforms(Value{char32_t{0x110000}}, *p(Kind::kChar)));
}

TEST(Values, AreEqualWhenTheBitsOfFloatsAre) {
  EXPECT_EQ(Value{std::nanf("")}, Value{std::nanf("")});
  EXPECT_FALSE(Value{0.0} == Value{-0.0});
  EXPECT_FALSE(Value{1.0} == Value{1.0f});
}

TEST(Text, TakesUtf8OfShortestFormsOnly) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Text, PairsSurrogates) {
  const auto utf16 = [](std::initializer_list<int> bytes) {
    std::vector<std::byte> raw;
    for (const int byte : bytes) {
      raw.push_back(static_cast<std::byte>(byte));
    }
    return utf8_of_utf16(raw);
  };
  EXPECT_EQ(utf16({0x3d, 0xd8, 0x00, 0xde}), "\xf0\x9f\x98\x80");
  EXPECT_EQ(utf16({0xff, 0xdb, 0xff, 0xdf}), "\xf4\x8f\xbf\xbf");
  EXPECT_EQ(utf16({0x3d, 0xd8}), std::nullopt) << "high alone";
  EXPECT_EQ(utf16({0x00, 0xde}), std::nullopt) << "low alone";
  EXPECT_EQ(utf16({0x3d, 0xd8, 0x3d, 0xd8}), std::nullopt) << "two high";
  EXPECT_EQ(utf16_of(code_points("\xf0\x9f\x98\x80")),
            (std::vector<std::byte>{std::byte{0x3d}, std::byte{0xd8}, std::byte{0x00}, std::byte{0xde}}));
}

}  // namespace
}  // namespace meld_verify::spec
