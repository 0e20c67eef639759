#pragma once

// wabt's validator over a core module. wabt stays inside wabt_validate.cpp.

#include <cstdint>
#include <span>
#include <string>

#include "engine/wasm/index.h"

namespace meld_verify::wasm {

/// What wabt says of a core module. `kLimit`: the module uses a feature that this wabt does not read, so that
/// it is neither known to be valid nor to be invalid.
enum class Validity { kValid, kInvalid, kLimit };

struct Validation {
  Validity validity = Validity::kValid;
  ByteOffset offset;     ///< kInvalid, kLimit: where, in the file
  std::string sentence;  ///< kInvalid: what is wrong, in wabt's words
  std::string feature;   ///< kLimit: "garbage-collected types", …
};

/// Validates the core module in `bytes`, which starts at offset `base` of its file, function bodies included.
/// All features that wabt knows are on, but for its outdated draft of typed references; malformed custom
/// sections are passed over. Reads the whole module into wabt's form, which takes many times its size in
/// memory.
[[nodiscard]] Validation validate_module(std::span<const std::uint8_t> bytes, ByteOffset base);

}  // namespace meld_verify::wasm
