#include "engine/run/value_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace meld_verify::run {
namespace {

namespace types = spec::types;
using spec::Kind;
using spec::Value;

std::string round_trip(std::string_view text, Kind kind) {
  const spec::TypeRef type = types::plain(kind);
  const auto value = read_argument(text, *type);
  return value ? value_text(*value, *type) : "error: " + value.error();
}

TEST(ValueText, ScalarsAreReadAndWritten) {
  EXPECT_EQ(round_trip("true", Kind::kBool), "true");
  EXPECT_EQ(round_trip("-128", Kind::kS8), "-128");
  EXPECT_EQ(round_trip("255", Kind::kU8), "255");
  EXPECT_EQ(round_trip("-9223372036854775808", Kind::kS64), "-9223372036854775808");
  EXPECT_EQ(round_trip("18446744073709551615", Kind::kU64), "18446744073709551615");
  EXPECT_EQ(round_trip("1.5", Kind::kF32), "1.5");
  EXPECT_EQ(round_trip("-inf", Kind::kF64), "-inf");
  EXPECT_EQ(round_trip("nan", Kind::kF64), "nan");
  EXPECT_EQ(round_trip("→", Kind::kChar), "'→'");
  EXPECT_EQ(round_trip("say \"hi\"", Kind::kString), "\"say \\\"hi\\\"\"");
}

TEST(ValueText, WhatDoesNotFitIsRefused) {
  for (const auto& [text, kind] :
       std::vector<std::pair<std::string, Kind>>{{"128", Kind::kS8},
                                                 {"-129", Kind::kS8},
                                                 {"-1", Kind::kU8},
                                                 {"256", Kind::kU8},
                                                 {"4294967296", Kind::kU32},
                                                 {"99999999999999999999", Kind::kU64},
                                                 {"1x", Kind::kU32},
                                                 {"", Kind::kU32},
                                                 {"maybe", Kind::kBool},
                                                 {"ab", Kind::kChar},
                                                 {"", Kind::kChar},
                                                 {"two", Kind::kF64}}) {
    EXPECT_FALSE(read_argument(text, *types::plain(kind))) << text;
  }
  EXPECT_FALSE(read_argument("[1]", *types::list(types::plain(Kind::kU8))));
}

TEST(ValueText, CompositesAreWrittenAsInWit) {
  const spec::TypeRef u32 = types::plain(Kind::kU32);
  const Value one{std::uint64_t{1}}, two{std::uint64_t{2}};
  EXPECT_EQ(value_text({spec::Sequence{{one, two}}}, *types::record({{"x", u32}, {"y", u32}})),
            "{x: 1, y: 2}");
  EXPECT_EQ(value_text({spec::Sequence{{one, two}}}, *types::tuple({u32, u32})), "(1, 2)");
  EXPECT_EQ(value_text({spec::Sequence{{one}}}, *types::tuple({u32})), "(1)");
  EXPECT_EQ(value_text({spec::Sequence{{one, two}}}, *types::list(u32)), "[1, 2]");
  EXPECT_EQ(value_text({spec::Bytes{{7, 8}}}, *types::list(types::plain(Kind::kU8))), "[7, 8]");
  EXPECT_EQ(value_text({spec::Choice{1, {two}}}, *types::option(u32)), "some(2)");
  EXPECT_EQ(value_text({spec::Choice{0, {}}}, *types::option(u32)), "none");
  EXPECT_EQ(value_text({spec::Choice{1, {}}}, *types::result(u32, nullptr)), "error");
  EXPECT_EQ(value_text({spec::Choice{1, {}}}, *types::enumeration({"red", "blue"})), "blue");
  EXPECT_EQ(value_text({spec::FlagSet{5}}, *types::flags({"a", "b", "c"})), "{a, c}");
}

}  // namespace
}  // namespace meld_verify::run
