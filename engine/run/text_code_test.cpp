// Functions over code units against the law's reading of text, at all edges of what is allowed.

#include "engine/emit/text_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "engine/run/emitted_by_test.h"
#include "spec/text.h"

namespace meld_verify::run {
namespace {

using emit::TrapReason;

/// One such function over a memory of its own.
class TextCode : public EmittedModules {
 public:
  template <class Make>
  explicit TextCode(Make make) {
    emit::Router router;
    router.functions.push_back(make("f", symbol_));
    add(emit::package_base(router, 1));
    add_memory(memory_, 1, 1);
    const std::uint32_t all[] = {0};
    add(emit::package_functions(router, all));
  }

  [[nodiscard]] std::byte* place(std::uint32_t address) const {
    return reinterpret_cast<std::byte*>(bytes() + address);
  }
  [[nodiscard]] std::uint8_t* bytes() const { return store.bytes(known.at(symbol_)); }
  Emitted run(std::uint32_t address, std::uint32_t length) { return call(function_, {address, length}); }

 private:
  const emit::GuestItem memory_{component::CoreItem{
      component::CoreSort::kMemory, std::pair(component::CoreInstanceId(0u), std::string("memory"))}};
  const emit::Symbol symbol_ = memory_;
  const emit::Symbol function_ = emit::RouterFunction{0};
};

TEST(TextCode, Utf8IsWhatTheLawTakesForIt) {
  TextCode code(emit::check_utf8);
  static constexpr std::uint8_t kSecond[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
  static constexpr std::uint8_t kLater[] = {0x41, 0x80, 0xbf, 0xc0};
  static constexpr std::uint32_t kBefore[] = {0, 1, 7, 8, 31, 32, 41};
  std::size_t good = 0, bad = 0;
  const auto compare = [&](std::uint32_t before, const std::string& middle, std::uint32_t after) {
    const std::string text = std::string(before, 'a') + middle + std::string(after, 'z');
    std::copy(text.begin(), text.end(), code.bytes() + 3);
    std::memset(code.bytes() + 3 + text.size(), 0x80, 4);  // what comes after is not the string's
    const Emitted outcome = code.run(3, static_cast<std::uint32_t>(text.size()));
    const bool right = spec::is_utf8(text);
    (right ? good : bad)++;
    ASSERT_EQ(outcome.trapped, !right) << ::testing::PrintToString(text);
    if (!right) {
      ASSERT_EQ(outcome.trap, TrapReason::kBadUtf8);
    }
  };
  std::size_t turn = 0;
  for (std::uint32_t lead = 0; lead < 256; ++lead) {
    for (const std::uint8_t second : kSecond) {
      for (const std::uint8_t third : kLater) {
        for (const std::uint8_t fourth : kLater) {
          const char sequence[] = {static_cast<char>(lead), static_cast<char>(second),
                                   static_cast<char>(third), static_cast<char>(fourth)};
          const std::string middle(sequence, 1 + turn % 4);
          compare(kBefore[turn % std::size(kBefore)], middle, turn % 3 == 0 ? 40 : 0);
          compare(0, std::string(sequence, 4), 0);
          ++turn;
          if (HasFatalFailure()) {
            return;
          }
        }
      }
    }
  }
  EXPECT_GT(good, 1'000u);
  EXPECT_GT(bad, 10'000u);
  EXPECT_FALSE(code.run(65'536, 0).trapped);
}

std::vector<std::byte> bytes_of(const std::vector<std::uint16_t>& units) {
  std::vector<std::byte> bytes(units.size() * 2);
  const auto from = std::as_bytes(std::span(units));
  std::copy(from.begin(), from.end(), bytes.begin());
  return bytes;
}

TEST(TextCode, Utf16IsWhatTheLawTakesForIt) {
  TextCode code(emit::check_utf16);
  static constexpr std::uint16_t kUnits[] = {0x00,   0x41,   0xd7ff, 0xd800, 0xdbff,
                                             0xdc00, 0xdfff, 0xe000, 0xffff};
  for (const std::uint16_t a : kUnits) {
    for (const std::uint16_t b : kUnits) {
      for (const std::uint16_t c : kUnits) {
        for (const std::uint16_t d : kUnits) {
          for (std::uint32_t length = 0; length <= 4; ++length) {
            std::vector<std::uint16_t> units = {a, b, c, d};
            units.resize(length);
            const auto bytes = bytes_of(units);
            std::copy(bytes.begin(), bytes.end(), code.place(2));
            std::memset(code.bytes() + 2 + bytes.size(), 0xdc, 2);
            const Emitted outcome = code.run(2, length);
            ASSERT_EQ(outcome.trapped, !spec::utf8_of_utf16(bytes)) << ::testing::PrintToString(units);
            ASSERT_TRUE(!outcome.trapped || outcome.trap == TrapReason::kBadUtf16);
          }
        }
      }
    }
  }
}

TEST(TextCode, OnlyWhatFitsIsNarrowed) {
  TextCode code(emit::narrow_to_latin1);
  static constexpr std::uint16_t kUnits[] = {0x00, 0x41, 0xff, 0x100, 0xffff};
  for (const std::uint16_t a : kUnits) {
    for (const std::uint16_t b : kUnits) {
      for (const std::uint16_t c : kUnits) {
        const std::vector<std::uint16_t> units = {a, b, c};
        const auto bytes = bytes_of(units);
        std::copy(bytes.begin(), bytes.end(), code.place(2));
        const bool fits = std::max({a, b, c}) < 0x100;
        EXPECT_EQ(code.run(2, 3), (Emitted{.value = fits ? 1u : 0u, .trap = {}, .trapped = false}));
        if (fits) {
          const std::uint8_t narrow[] = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                                         static_cast<std::uint8_t>(c)};
          EXPECT_EQ(std::memcmp(code.bytes() + 2, narrow, 3), 0);
        } else {
          EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), code.place(2)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace meld_verify::run
