#include "engine/wasm/diagnostic.h"

#include <fmt/format.h>

namespace meld_verify::wasm {

namespace {

/// Names come from the file: none of them breaks the line or speaks to the terminal.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      out += fmt::format("\\x{:02x}", code);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
  const Place& place = diagnostic.place;
  std::string where;
  if (place.offset) {
    where = fmt::format("at byte 0x{:x}", place.offset->value);
  }
  if (place.pointer) {
    where = fmt::format("at {}", place.pointer->empty() ? "/" : *place.pointer);
  }
  if (!place.within.empty()) {
    where += where.empty() ? place.within : fmt::format(" ({})", place.within);
  }
  std::string line = place.file;
  for (const std::string& part : {where, diagnostic.sentence}) {
    if (!part.empty()) {
      line += line.empty() ? part : ": " + part;
    }
  }
  return one_line(line);
}

}  // namespace meld_verify::wasm
