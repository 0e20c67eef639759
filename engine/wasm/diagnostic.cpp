#include "engine/wasm/diagnostic.h"

#include <fmt/format.h>

#include "engine/wasm/printable.h"

namespace meld_verify::wasm {

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
  return printable(line);
}

}  // namespace meld_verify::wasm
