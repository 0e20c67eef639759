#pragma once

// Inside this room only: JSON values, before they are text.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/check/check.h"
#include "engine/lift/lift.h"

namespace meld_verify::report {

using Json = nlohmann::ordered_json;

/// What `report_json` writes.
[[nodiscard]] Json verdict_json(const check::Report& report, const topology::Topology& topology,
                                const routing::Plan& plan, std::string_view subject);

/// Two spaces of indent, a line break at the end. Bytes that are no UTF-8 (files may be named by any) become
/// replacement characters.
[[nodiscard]] std::string text_of(const Json& json);

/// How many bytes a code place is long: those of the whole body where it starts one, else those of the
/// instruction. Nothing where the bytes are not at hand, or the place is not in its function.
[[nodiscard]] std::optional<std::uint64_t> code_length(const lift::CodePlace& place,
                                                       const lift::Image* image);

}  // namespace meld_verify::report
