#pragma once

#include <string>

#include "engine/topology/topology.h"

namespace meld_verify::report {

/// Where a handle lies at both sides of a call, in words: "slot 3 (i64), where slot 2 = 1 (held)",
/// "result area +8", "each of the list at slot 0, 4 bytes apart, +0". Where the sides differ, both:
/// "caller … ; callee …".
[[nodiscard]] std::string place_words(const topology::Layout& layout);

}  // namespace meld_verify::report
