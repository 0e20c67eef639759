#pragma once

// Lines of a page for people.

#include <string>
#include <string_view>
#include <vector>

namespace meld_verify::report {

/// Number of terminal cells of UTF-8 text (one per code point).
[[nodiscard]] std::size_t width_of(std::string_view text);

/// `text` with spaces up to `width` cells.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

/// Breaks at spaces so that no line has more than 100 cells; further lines start at `indent`.
[[nodiscard]] std::string wrapped(std::string_view line, std::size_t indent);

enum class Paint { kWrong, kRight, kDim, kBold };
/// The text in a colour, if colours are on.
[[nodiscard]] std::string painted(std::string_view text, Paint paint, bool colour);

}  // namespace meld_verify::report
