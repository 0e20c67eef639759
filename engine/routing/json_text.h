#pragma once

#include <string>
#include <string_view>

namespace meld_verify::routing {

/// `text`, which is UTF-8, as a JSON string.
[[nodiscard]] inline std::string quoted_json(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xfU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// Appends "[a, b]", of what `each` appends for an item.
template <class List, class Each>
void append_list(std::string& out, const List& list, Each each) {
  out += '[';
  bool first = true;
  for (const auto& item : list) {
    out += first ? "" : ", ";
    first = false;
    each(item);
  }
  out += ']';
}

}  // namespace meld_verify::routing
