#include "engine/wasm/printable.h"

#include <gtest/gtest.h>

namespace meld_verify::wasm {
namespace {

TEST(Printable, NamesOfPeopleStayAsTheyAre) {
  for (const char* name : {"", "leaf", "test:res/api@1.0.0", "größe → 家"}) {
    EXPECT_EQ(printable(name), name);
  }
}

TEST(Printable, NothingSpeaksToTheTerminalOrBreaksTheLine) {
  EXPECT_EQ(printable("a\nb\x1b[31mc\x7f"), "a\\x0ab\\x1b[31mc\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "the one-character CSI";
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0") << "a no-break space is harmless";
}

TEST(Printable, NothingTurnsTheDirectionOfWriting) {
  EXPECT_EQ(printable("\u202eabc"), "\\xe2\\x80\\xaeabc");
  EXPECT_EQ(printable("\u2066"), "\\xe2\\x81\\xa6");
}

}  // namespace
}  // namespace meld_verify::wasm
