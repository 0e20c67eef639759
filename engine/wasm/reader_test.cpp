#include "engine/wasm/reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

Reader reader(const Bytes& bytes) {
  return {bytes, ByteOffset{100}, "f.wasm", "a test"};
}

TEST(Reader, ReadsUnsignedNumbersOfUpToFiveBytes) {
  const Bytes bytes{0x00, 0xe5, 0x8e, 0x26, 0xff, 0xff, 0xff, 0xff, 0x0f};
  Reader in = reader(bytes);
  EXPECT_EQ(in.u32("n"), 0u);
  EXPECT_EQ(in.u32("n"), 624485u);
  EXPECT_EQ(in.u32("n"), 0xffffffffu);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.at_end());
}

TEST(Reader, RefusesNumbersThatAreTooLongOrTooLarge) {
  for (const Bytes& bytes :
       {Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, Bytes{0xff, 0xff, 0xff, 0xff, 0x1f}}) {
    Reader in = reader(bytes);
    EXPECT_EQ(in.u32("the size"), 0u);
    ASSERT_FALSE(in.ok());
    EXPECT_EQ(in.failure().code, "leb128");
    EXPECT_EQ(in.failure().place.offset->value, 100u);
  }
}

TEST(Reader, ReadsSignedNumbersOf33Bits) {
  const Bytes bytes{0x7f, 0x40, 0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x80, 0x80, 0x80, 0x80, 0x70};
  Reader in = reader(bytes);
  EXPECT_EQ(in.s33("n"), -1);
  EXPECT_EQ(in.s33("n"), -64);
  EXPECT_EQ(in.s33("n"), 128);
  EXPECT_EQ(in.s33("n"), 0xffffffff);
  EXPECT_EQ(in.s33("n"), -0x100000000);
  EXPECT_TRUE(in.ok());
}

TEST(Reader, NeverPromisesMoreItemsThanBytes) {
  const Bytes bytes{0x80, 0x80, 0x80, 0x80, 0x04, 1, 2, 3};
  Reader in = reader(bytes);
  EXPECT_EQ(in.count("the list of types"), 0u);
  EXPECT_EQ(
      to_string(in.failure()),
      "f.wasm: at byte 0x64 (a test): the list of types claims 1073741824 items, but only 3 bytes are left");
}

TEST(Reader, KeepsTheFirstFailureAndReadsNothingAfterIt) {
  const Bytes bytes{5, 'a'};
  Reader in = reader(bytes);
  EXPECT_EQ(in.name("a name"), "");
  EXPECT_EQ(in.failure().place.offset->value, 101u);
  EXPECT_EQ(in.byte("more"), 0u);
  EXPECT_EQ(in.failure().sentence, "a name is 5 bytes long, but only 1 bytes are left");
}

TEST(Diagnostic, IsOneLineWhateverTheFileCallsItsThings) {
  const Diagnostic wrong{.kind = DiagnosticKind::kBadInput,
                         .code = "mismatch",
                         .place = {.file = "f.wasm", .offset = ByteOffset{16}, .within = {}, .pointer = {}},
                         .sentence = "\"a\n\x1b[2J\" is missing"};
  EXPECT_EQ(to_string(wrong), "f.wasm: at byte 0x10: \"a\\x0a\\x1b[2J\" is missing");
}

TEST(Reader, RefusesWhatIsNotUtf8) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"));
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace meld_verify::wasm
