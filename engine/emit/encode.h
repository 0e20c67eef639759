#pragma once

// Code with its symbols turned into indices.

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/emit/code.h"

namespace meld_verify::emit {

/// Where the module that takes in the code has what the code speaks of.
struct Indices {
  std::function<std::uint32_t(const Symbol&)> symbol;  ///< in the index space of the symbol's kind
  std::function<std::uint32_t(const wasm::FuncType&)> type;
};

/// The instructions of `code` in the binary format, the body's own `end` included. The locals are
/// `Code::locals`.
[[nodiscard]] std::vector<std::uint8_t> encode(const Code& code, const Indices& indices);

}  // namespace meld_verify::emit
