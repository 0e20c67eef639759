#include "engine/report/page.h"

#include <gtest/gtest.h>

#include <sstream>

namespace meld_verify::report {
namespace {

TEST(Page, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(width_of("a → b"), 5u);
  EXPECT_EQ(padded("→", 3), "→  ");
  EXPECT_EQ(padded("wide", 3), "wide");
}

TEST(Page, ShortLinesStayAsTheyAre) {
  EXPECT_EQ(wrapped("one  two", 4), "one  two\n");
}

TEST(Page, LongLinesBreakBetweenWordsAndKeepTheirIndent) {
  std::string line = "head";
  for (int i = 0; i < 60; ++i) {
    line += " word" + std::to_string(i);
  }
  std::istringstream lines(wrapped(line, 6));
  std::string first, next, words;
  std::getline(lines, first);
  words = first;
  EXPECT_LE(width_of(first), 100u);
  std::size_t count = 0;
  while (std::getline(lines, next)) {
    EXPECT_LE(width_of(next), 100u);
    EXPECT_EQ(next.find_first_not_of(' '), 6u);
    words += " " + next.substr(6);
    ++count;
  }
  EXPECT_GE(count, 3u);
  EXPECT_EQ(words, line);
}

TEST(Page, ColourIsThereOnlyWhenAskedFor) {
  EXPECT_EQ(painted("x", Paint::kWrong, false), "x");
  EXPECT_EQ(painted("x", Paint::kWrong, true), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace meld_verify::report
