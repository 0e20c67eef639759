#pragma once

#include <string>
#include <string_view>

#include "engine/check/check.h"

namespace meld_verify::report {

/// The verdict on a plan as JSON (version 1): the same content as the text.
[[nodiscard]] std::string report_json(const check::Report& report, const topology::Topology& topology,
                                      const routing::Plan& plan, std::string_view subject);

}  // namespace meld_verify::report
