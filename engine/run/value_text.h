#pragma once

#include <string>
#include <string_view>

#include "spec/values.h"

namespace meld_verify::run {

/// Reads an argument of a command line as a value of `type`: true or false, a decimal number ("nan", "inf"
/// and
/// "-inf" for floats), one character, or, for a string, the text itself. The error is a sentence: another
/// kind of type, out of range, not a number.
[[nodiscard]] tl::expected<spec::Value, std::string> read_argument(std::string_view text,
                                                                   const spec::Type& type);

/// The value on one line, in the notation of WIT values (WAVE): `{x: 1, y: "two"}`, `some(3)`, `[1, 2]`. A
/// handle is `own thing#3`, by its object.
[[nodiscard]] std::string value_text(const spec::Value& value, const spec::Type& type);

}  // namespace meld_verify::run
