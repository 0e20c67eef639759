#pragma once

// Globals that generated code keeps for itself: flags that it raises for the time of a call, counts of
// entries.

#include <vector>

#include "engine/lift/code_writes.h"
#include "engine/smt/term.h"

namespace meld_verify::lift {

struct GeneratedGlobals {
  /// By GlobalId: a mutable i32 that no guest's code sets and no host can reach.
  std::vector<bool> own;
  /// Of them: set to constants only, and back to what was there before. Whoever goes by it must look whether
  /// each function that is called sets it back, and that it is not raised while guests run that may call.
  std::vector<bool> flag;
};

/// From the instructions.
[[nodiscard]] GeneratedGlobals generated_globals(const Image& image, const std::vector<bool>& is_guest,
                                                 const CodeWrites& writes);

}  // namespace meld_verify::lift
