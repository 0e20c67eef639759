#pragma once

// A run that goes where a finding is.

#include <optional>
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

/// Whether both runs came to an end that tells something.
[[nodiscard]] bool is_comparable(const Replay& replay);

/// What a replay shows that refutes the fused file by itself, whatever its code could be read to do: a note
/// with code 57. The guests do nothing wrong (the composed run ends well), and in the fused run a rep arrives
/// that its type never made, a destructor runs too often or too rarely, things happen to other objects, or
/// the code traps. Nothing for other results alone (data that hold no handle may have been changed) and where
/// a run ended at a limit of the interpreter.
[[nodiscard]] std::optional<lift::Note> note_of(const Replay& replay);

}  // namespace meld_verify::run
