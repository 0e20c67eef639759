#pragma once

// Functions over the code units of strings in one memory.

#include <string>

#include "engine/emit/code.h"

namespace meld_verify::emit {

/// (address, bytes) -> (): traps kBadUtf8 unless these bytes, which must lie in the memory, are UTF-8. It
/// only reads.
[[nodiscard]] Function check_utf8(std::string name, const Symbol& memory);

/// (address, code units) -> (): traps kBadUtf16 if a surrogate has no partner. It only reads.
[[nodiscard]] Function check_utf16(std::string name, const Symbol& memory);

/// (address, code units) -> i32: where all code units of this UTF-16 are below 256, writes them as bytes in
/// place and gives 1; else 0.
[[nodiscard]] Function narrow_to_latin1(std::string name, const Symbol& memory);

}  // namespace meld_verify::emit
