#pragma once

// Bounded reading of a binary: no count, index or length is believed before it is checked against what is
// there.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/wasm/diagnostic.h"
#include "engine/wasm/index.h"

namespace meld_verify::wasm {

/// Reads bytes from front to back. The first failure sticks: it is kept, and everything after it reads as
/// zero and empty without moving, so that a decoder may test `ok()` once per item instead of once per byte. A
/// list must be read with `count()`, which never promises more items than there are bytes left, and its loop
/// must test `ok()`.
class Reader {
 public:
  /// `base` is the offset of `bytes[0]` in the file. The bytes and the names must outlive the reader.
  Reader(std::span<const std::uint8_t> bytes, ByteOffset base, std::string_view file, std::string within)
      : bytes_(bytes), base_(base), file_(file), within_(std::move(within)) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] bool at_end() const { return failed_ || at_ == bytes_.size(); }
  [[nodiscard]] std::size_t left() const { return failed_ ? 0 : bytes_.size() - at_; }
  [[nodiscard]] ByteOffset offset() const { return {base_.value + at_}; }
  /// What went wrong; call only when not `ok()`.
  [[nodiscard]] const Diagnostic& failure() const { return failure_; }
  [[nodiscard]] std::string_view file() const { return file_; }
  [[nodiscard]] const std::string& within() const { return within_; }
  /// Names what is read from here on, for diagnostics.
  void set_within(std::string within) { within_ = std::move(within); }

  /// `what` completes the sentence "the file ends inside …".
  std::uint8_t byte(std::string_view what) {
    if (left() == 0) {
      truncated(what);
      return 0;
    }
    return bytes_[at_++];
  }
  /// The next byte without reading it; 0 at the end.
  [[nodiscard]] std::uint8_t peek() const { return at_end() ? std::uint8_t{0} : bytes_[at_]; }
  /// LEB128, here and below: no more bytes than so many bits may take, and no bit beyond them.
  std::uint32_t u32(std::string_view what) {
    if (left() != 0 && bytes_[at_] < 0x80) {
      return bytes_[at_++];
    }
    return static_cast<std::uint32_t>(number(32, what));
  }
  std::uint64_t u64(std::string_view what) { return number(64, what); }
  std::int32_t s32(std::string_view what) { return static_cast<std::int32_t>(signed_number(32, what)); }
  /// A signed number of at most 33 bits, as value types and type indices are written.
  std::int64_t s33(std::string_view what) { return signed_number(33, what); }
  std::int64_t s64(std::string_view what) { return signed_number(64, what); }
  /// The number of items that follow; each takes at least one byte.
  std::uint32_t count(std::string_view what);
  /// A length and so many bytes of UTF-8.
  std::string_view name(std::string_view what);
  std::span<const std::uint8_t> take(std::size_t size, std::string_view what);
  /// A reader over the next `size` bytes, which are passed over here.
  Reader slice(std::size_t size, std::string_view what, std::string within);

  /// Records a failure of the decoder's own at `at`.
  void fail(ByteOffset at, std::string code, std::string sentence);
  void fail(std::string code, std::string sentence) { fail(offset(), std::move(code), std::move(sentence)); }
  /// Records that what stands at `at` is legal and beyond what this tool takes.
  void unsupported(ByteOffset at, std::string code, std::string sentence);
  /// Takes over another's failure.
  void fail(const Diagnostic& failure);

 private:
  void truncated(std::string_view what);
  std::uint64_t number(unsigned bits, std::string_view what);
  std::int64_t signed_number(unsigned bits, std::string_view what);

  std::span<const std::uint8_t> bytes_;
  ByteOffset base_;
  std::string_view file_;
  std::string within_;
  std::size_t at_ = 0;
  bool failed_ = false;
  Diagnostic failure_;
};

/// Whether `bytes` are well-formed UTF-8 (no surrogates, nothing overlong).
[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace meld_verify::wasm
