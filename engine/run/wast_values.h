#pragma once

// Values as `wasm-tools json-from-wast` writes them: {"type": "u32", "value": "42"}.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "spec/values.h"

namespace meld_verify::run {

/// Reads an argument as a value of `type`. The error is a sentence.
[[nodiscard]] tl::expected<spec::Value, std::string> read_wast_value(const nlohmann::json& json,
                                                                     const spec::Type& type);

/// Whether `value`, which is of `type`, is what the script expects; "nan:canonical" and "nan:arithmetic" are
/// any NaN. The error is a sentence: the script's value is not one of that type.
[[nodiscard]] tl::expected<bool, std::string> is_wast_value(const spec::Value& value,
                                                            const nlohmann::json& json,
                                                            const spec::Type& type);

}  // namespace meld_verify::run
