#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meld_verify::routing {

/// A place in a JSON document: a chain from the place to the document's root, on the stack of who walks it.
/// Text is made of it only when something is wrong there. Neither the parent nor the key is owned.
class JsonPath {
 public:
  JsonPath() = default;

  /// A member or item of this place, which must outlive it.
  [[nodiscard]] JsonPath operator/(std::string_view key) const& { return JsonPath(this, key, 0, false); }
  [[nodiscard]] JsonPath operator/(std::size_t index) const& { return JsonPath(this, {}, index, true); }
  JsonPath operator/(std::string_view key) const&& = delete;
  JsonPath operator/(std::size_t index) const&& = delete;

  /// The JSON pointer (RFC 6901): "/tables/0/id"; empty for the root.
  [[nodiscard]] std::string pointer() const {
    if (parent_ == nullptr) {
      return {};
    }
    std::string text = parent_->pointer() + "/";
    if (is_index_) {
      return text + std::to_string(index_);
    }
    append_token(text, key_);
    return text;
  }

  /// Appends a member's name as a JSON pointer has it.
  static void append_token(std::string& text, std::string_view key) {
    for (const char c : key) {
      if (c == '~') {
        text += "~0";
      } else if (c == '/') {
        text += "~1";
      } else {
        text += c;
      }
    }
  }

 private:
  JsonPath(const JsonPath* parent, std::string_view key, std::size_t index, bool is_index)
      : parent_(parent), key_(key), index_(index), is_index_(is_index) {}

  const JsonPath* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace meld_verify::routing
