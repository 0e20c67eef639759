#pragma once

// A fused file, executed with a faithful host, and what its guests' handles do while it runs, in the words of
// the composed file.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/lift.h"
#include "engine/run/guest_events.h"
#include "engine/run/made_up_value.h"
#include "engine/run/program.h"

namespace meld_verify::run {

struct ReplayLimits {
  std::size_t events = 1'000'000;           ///< of each of the two runs
  std::uint64_t steps = 200'000'000;        ///< instructions, of each of the two runs
  std::uint64_t all_steps = 1'000'000'000;  ///< after so many `find_difference` tries no more
  std::uint64_t all_bytes = 100'000'000;    ///< of both files, each time they are loaded: the same
  std::size_t runs = 40;                    ///< that `find_difference` tries
};

/// One call of an export of the composed file's world.
struct WorldCall {
  const component::WorldExport* what = nullptr;
  /// Nothing: they are made up, handles from what earlier calls gave.
  std::optional<std::vector<spec::Value>> arguments;
  Filling filling = Filling::kEmpty;
};

/// What the composed and the fused file do when the same exports are called, on a fresh program each.
///
/// The composed file runs on the reference machine. So does a fused component, whose export of the same name
/// is called; its canonical built-ins and outer lifts are the machine's. Where it lost that export, or is a
/// core module, the counterpart of the lifted core function is called directly. Handles that the host holds
/// in the end are dropped. Functions that the world imports give made-up values, the same in both.
struct Replay {
  std::string call;    ///< the exports and their arguments in WAVE: "make(1); use(own #1)"
  std::string driver;  ///< "the same export", or "core function 305 (the fused file lost the export)", …
  RunOutcome composed;
  RunOutcome fused;
  RunDifference difference;
  std::size_t runs = 1;                  ///< pairs of runs that were made to find it
  bool to_the_point = true;              ///< a run came to what `find_difference` was asked about
  std::vector<std::string> assumptions;  ///< about the host, where they are needed
};

/// Runs one call, or several one after another.
[[nodiscard]] Replay replay(const lift::Pair& pair, const component::WorldExport& what,
                            std::vector<spec::Value> arguments = {}, const ReplayLimits& limits = {});
[[nodiscard]] Replay replay(const lift::Pair& pair, const std::vector<WorldCall>& calls,
                            const ReplayLimits& limits = {});

/// The exports of the composed world that `find_difference` can call, in the file's order: lifted functions
/// whose arguments can be made up, or be handles that another export gives.
[[nodiscard]] std::vector<const component::WorldExport*> callable(const lift::Pair& pair);

/// Calls each export of the composed world, then all in order, then two after each other, each on fresh
/// programs, until a difference shows. The first comparable replay with kNone and a sentence when none does
/// ("no call of the world's exports shows a difference (12 runs)"); kIncomparable when no run could be
/// compared. `about`: definitions of the composed file (lifts, lowered functions, built-ins); a difference in
/// runs that come to none of them is given only where there is no other.
[[nodiscard]] Replay find_difference(const lift::Pair& pair, const ReplayLimits& limits = {},
                                     const std::vector<component::CanonId>& about = {});

/// The replay for people: the call, the last events of both runs before they part and the first ones after
/// in two columns (composed, fused), how both end, and the difference.
[[nodiscard]] std::string replay_text(const lift::Pair& pair, const Replay& replay);

}  // namespace meld_verify::run
