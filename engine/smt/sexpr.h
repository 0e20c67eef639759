#pragma once

// S-expressions: just enough of SMT-LIB's concrete syntax to read the rules of spec/ and write them again.

#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/diagnostic.h"

namespace meld_verify::smt {

/// An atom (symbol, numeral, keyword, string with its quotes) or a list.
struct Sexpr {
  std::string atom;  ///< empty in a list
  std::vector<Sexpr> items;
  bool is_list = false;
  wasm::ByteOffset at;  ///< where it begins in its text

  /// A list whose first item is the atom `head`.
  [[nodiscard]] bool is(std::string_view head) const {
    return is_list && !items.empty() && !items[0].is_list && items[0].atom == head;
  }
};

/// All expressions of a text, comments left out. `name` is the file that errors name. Errors: "parenthesis"
/// (unbalanced), "string" (no end), "depth" (more than 1,000 lists in one another).
[[nodiscard]] wasm::Expected<std::vector<Sexpr>> read_sexprs(std::string_view text, std::string_view name);

/// On one line.
[[nodiscard]] std::string to_string(const Sexpr& sexpr);

}  // namespace meld_verify::smt
