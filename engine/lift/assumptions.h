#pragma once

// What the reading of a fused file rests on, in words.

#include <string>
#include <vector>

#include "engine/lift/call_readings.h"

namespace meld_verify::lift {

/// `has_counts`: generated code counts in globals of its own.
[[nodiscard]] std::vector<std::string> assumptions_of(const Pair& pair, const Lifted& lifted,
                                                      const CallReadings& calls, bool has_counts);

}  // namespace meld_verify::lift
