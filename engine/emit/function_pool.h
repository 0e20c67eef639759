#pragma once

// The functions that one bridge consists of, and those that bridges share.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/emit/code.h"

namespace meld_verify::emit {

/// What a function over the code units of a memory does.
enum class TextFunction : std::uint8_t { kCheckUtf8, kCheckUtf16, kNarrow };

/// Functions over code units that a router has by now. One stands for all bridges that come after the one
/// that it was made for.
using TextFunctions = std::map<std::pair<Symbol, TextFunction>, RouterFunction>;

/// Functions numbered from a first one on.
class FunctionPool {
 public:
  explicit FunctionPool(std::uint32_t first) : first_(first) {}

  [[nodiscard]] RouterFunction reserve() {
    functions_.emplace_back();
    return {first_ + static_cast<std::uint32_t>(functions_.size() - 1)};
  }
  void fill(RouterFunction at, Function function) { functions_[at.index - first_] = std::move(function); }
  [[nodiscard]] std::vector<Function> take() {
    std::vector<Function> all;
    all.reserve(functions_.size());
    for (std::optional<Function>& one : functions_) {
      all.push_back(*std::move(one));
    }
    return all;
  }

 private:
  std::uint32_t first_;
  std::vector<std::optional<Function>> functions_;
};

}  // namespace meld_verify::emit
