#include "engine/wasm/reader.h"

#include <fmt/format.h>

namespace meld_verify::wasm {

void Reader::fail(const Diagnostic& failure) {
  if (!failed_) {
    failed_ = true;
    failure_ = failure;
  }
}

void Reader::fail(ByteOffset at, std::string code, std::string sentence) {
  fail(Diagnostic{.kind = DiagnosticKind::kBadInput,
                  .code = std::move(code),
                  .place = {.file = std::string(file_), .offset = at, .within = within_, .pointer = {}},
                  .sentence = std::move(sentence)});
}

void Reader::unsupported(ByteOffset at, std::string code, std::string sentence) {
  fail(Diagnostic{.kind = DiagnosticKind::kUnsupported,
                  .code = std::move(code),
                  .place = {.file = std::string(file_), .offset = at, .within = within_, .pointer = {}},
                  .sentence = std::move(sentence)});
}

void Reader::truncated(std::string_view what) {
  fail("truncated", fmt::format("the bytes end inside {}", what));
}

std::uint64_t Reader::number(unsigned bits, std::string_view what) {
  const ByteOffset start = offset();
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < bits; shift += 7) {
    const std::uint8_t next = byte(what);
    if (!ok()) {
      return 0;
    }
    const unsigned used = bits - shift;  // bits of this byte that the number has room for
    if (used < 7 && (next >> used) != 0) {
      break;
    }
    value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
    if ((next & 0x80) == 0) {
      return value;
    }
  }
  fail(start, "leb128",
       fmt::format("{} is not a number of at most {} bits in at most {} bytes", what, bits, (bits + 6) / 7));
  return 0;
}

std::int64_t Reader::signed_number(unsigned bits, std::string_view what) {
  const ByteOffset start = offset();
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < bits; shift += 7) {
    const std::uint8_t next = byte(what);
    if (!ok()) {
      return 0;
    }
    value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
    if ((next & 0x80) == 0) {
      const bool negative = (next & 0x40) != 0;
      const unsigned used = bits - shift;
      if (used < 7) {  // the sign bit and all above it are alike
        const unsigned above = static_cast<unsigned>(next & 0x7f) >> (used - 1);
        if (above != (negative ? 0x7fu >> (used - 1) : 0u)) {
          break;
        }
      }
      if (negative && shift + 7 < 64) {
        value |= ~std::uint64_t{0} << (shift + 7);
      }
      return static_cast<std::int64_t>(value);
    }
  }
  fail(start, "leb128",
       fmt::format("{} is not a signed number of at most {} bits in at most {} bytes", what, bits,
                   (bits + 6) / 7));
  return 0;
}

std::uint32_t Reader::count(std::string_view what) {
  const ByteOffset start = offset();
  const std::uint32_t items = u32(what);
  if (items > left()) {
    fail(start, "count", fmt::format("{} claims {} items, but only {} bytes are left", what, items, left()));
    return 0;
  }
  return items;
}

std::span<const std::uint8_t> Reader::take(std::size_t size, std::string_view what) {
  if (size > left()) {
    if (ok()) {
      fail("truncated", fmt::format("{} is {} bytes long, but only {} bytes are left", what, size, left()));
    }
    return {};
  }
  const auto taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

std::string_view Reader::name(std::string_view what) {
  const ByteOffset start = offset();
  const std::uint32_t size = u32(what);
  const auto bytes = take(size, what);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_utf8(text)) {
    fail(start, "utf8", fmt::format("{} is not UTF-8", what));
    return {};
  }
  return text;
}

Reader Reader::slice(std::size_t size, std::string_view what, std::string within) {
  const ByteOffset start = offset();
  Reader inner(take(size, what), start, file_, std::move(within));
  if (!ok()) {
    inner.fail(failure_);
  }
  return inner;
}

bool is_utf8(std::string_view bytes) {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<unsigned char>(bytes[k]); };
  while (i < bytes.size()) {
    const unsigned char lead = at(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || bytes.size() - i < size) {
      return false;
    }
    for (std::size_t k = 1; k < size; ++k) {
      if ((at(i + k) & 0xc0) != 0x80) {
        return false;
      }
    }
    const unsigned char second = at(i + 1);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    i += size;
  }
  return true;
}

}  // namespace meld_verify::wasm
