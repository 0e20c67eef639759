#include "engine/wasm/validate.h"

#include <gtest/gtest.h>

#include <vector>

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// A core module with these sections.
Validation said(const Bytes& sections) {
  Bytes module{0, 'a', 's', 'm', 1, 0, 0, 0};
  module.insert(module.end(), sections.begin(), sections.end());
  return validate_module(module, ByteOffset{1000});
}

/// A module of one function [] -> [] with this body, its locals and end included.
Validation said_of_body(const Bytes& body) {
  Bytes sections{1,  4,
                 1,  0x60,
                 0,  0,
                 3,  2,
                 1,  0,
                 10, static_cast<std::uint8_t>(body.size() + 2),
                 1,  static_cast<std::uint8_t>(body.size())};
  sections.insert(sections.end(), body.begin(), body.end());
  return said(sections);
}

TEST(Validate, TakesAValidModule) {
  EXPECT_EQ(said({}).validity, Validity::kValid);
  EXPECT_EQ(said_of_body({0, 0x0b}).validity, Validity::kValid);
}

TEST(Validate, SaysWhereAnInvalidBodyIsWrong) {
  const Validation wrong = said_of_body({0, 0x1a, 0x0b});  // drop of nothing
  EXPECT_EQ(wrong.validity, Validity::kInvalid);
  EXPECT_GE(wrong.offset.value, 1022u);
  EXPECT_LE(wrong.offset.value, 1025u);
  EXPECT_NE(wrong.sentence.find("type mismatch"), std::string::npos) << wrong.sentence;
  EXPECT_EQ(said_of_body({0, 0xff, 0x0b}).validity, Validity::kInvalid);
  EXPECT_EQ(said({1, 9}).validity, Validity::kInvalid);
}

TEST(Validate, HasAllFeaturesOnThatWabtKnows) {
  EXPECT_EQ(said({5, 5, 2, 0, 1, 0, 1}).validity, Validity::kValid);  // two memories
  EXPECT_EQ(said({5, 3, 1, 4, 1}).validity, Validity::kValid);        // 64-bit memory
  EXPECT_EQ(said({6, 9, 1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b}).validity,
            Validity::kValid);                                             // extended const
  EXPECT_EQ(said_of_body({0, 0x12, 0, 0x0b}).validity, Validity::kValid);  // tail call
}

TEST(Validate, TakesAReferenceToAFunctionForAFuncref) {
  EXPECT_EQ(
      said({1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 6, 6, 1, 0x70, 0, 0xd2, 0, 0x0b, 10, 4, 1, 2, 0, 0x0b}).validity,
      Validity::kValid);
}

TEST(Validate, PassesOverMalformedCustomSections) {
  EXPECT_EQ(said({0, 6, 4, 'n', 'a', 'm', 'e', 9}).validity, Validity::kValid);
}

TEST(Validate, CallsWhatWabtDoesNotReadALimit) {
  const auto feature = [](const Validation& limit) {
    EXPECT_EQ(limit.validity, Validity::kLimit) << limit.sentence;
    EXPECT_GE(limit.offset.value, 1008u);
    return limit.feature;
  };
  EXPECT_EQ(feature(said({1, 5, 1, 0x4e, 1, 0x5f, 0})), "garbage collection");
  EXPECT_EQ(feature(said({1, 5, 1, 0x60, 1, 0x6e, 0})), "garbage collection");
  EXPECT_EQ(feature(said({1, 5, 1, 0x60, 1, 0x69, 0})), "exception handling with exnref");
  EXPECT_EQ(feature(said({1, 6, 1, 0x60, 1, 0x64, 0x70, 0})), "typed references");
  EXPECT_EQ(feature(said({5, 4, 1, 8, 1, 0})), "custom page sizes");
  EXPECT_EQ(feature(said({4, 4, 1, 0x70, 4, 1})), "tables with 64-bit indices");
  EXPECT_EQ(feature(said_of_body({0, 0x0a, 0x0b})), "exception handling with exnref");
  EXPECT_EQ(feature(said_of_body({0, 0xfb, 0x1c, 0x0b})), "garbage collection");
  EXPECT_EQ(feature(said_of_body({0, 0xfc, 0x13, 0x0b})), "wide arithmetic");
  EXPECT_EQ(feature(said_of_body({0, 0xe0, 0, 0x0b})), "stack switching");
}

}  // namespace
}  // namespace meld_verify::wasm
