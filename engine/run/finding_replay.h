#pragma once

// A run that goes where a finding is.

#include <vector>

#include "engine/check/check.h"
#include "engine/run/fused_program.h"

namespace meld_verify::run {

/// The built-ins and lowered functions of the composed file that code calls where a finding is: the lowered
/// function of its boundary; the built-ins of its view; of a table or type those of its views; of an
/// instance all of its own. Empty where the finding is about a call of the host, or the whole file.
[[nodiscard]] std::vector<component::CanonId> canons_of(const lift::Pair& pair, const lift::Lifted& lifted,
                                                        const check::Finding& finding);

/// Whether the fused run does something else than the composed one.
[[nodiscard]] bool differs(const Replay& replay);

}  // namespace meld_verify::run
