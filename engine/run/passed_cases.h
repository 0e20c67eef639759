#pragma once

// Which cases of variants a program really passes. A world that takes no input does the same whenever it is
// called, so that running it tells.

#include "engine/lift/lift.h"

namespace meld_verify::run {

/// Whether all that the world's exports can do is known from running them: it imports nothing, and its
/// exports take no parameters.
[[nodiscard]] bool takes_no_input(const component::Composition& composition);

/// Where the world of the pair's composed file takes no input, runs it (each export alone, and all one after
/// another, twice) and leaves out what no run passes: positions below a case or a list where no handle ever
/// is are `reachable = false`, and a conversion that ignores its guard (L31) where no other case is ever
/// active is noted as latent and no longer part of the plan. An assumption says so. Does nothing where it
/// takes input, or some run does not end well.
void leave_out_cases(const lift::Pair& pair, lift::Lifted& lifted);

}  // namespace meld_verify::run
