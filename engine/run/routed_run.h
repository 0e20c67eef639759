#pragma once

// A composed component on the reference machine and through its router, side by side.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/component/composition.h"
#include "engine/run/made_up_value.h"
#include "engine/wasm/diagnostic.h"

namespace meld_verify::run {

struct RoutedLimits {
  std::size_t calls = 2'000'000;      ///< into and out of guests' modules, of each run
  std::uint64_t steps = 400'000'000;  ///< instructions, of each run
};

/// One pair of runs in which the same exports were called, with the same values.
struct RoutedComparison {
  enum class Outcome : std::uint8_t {
    kSame,       ///< to the guests and the host both runs are the same
    kDifferent,  ///< `sentence` says where they part
    kCutShort,   ///< a run met a limit or something out of scope; up to there they are the same
  };
  Outcome outcome = Outcome::kSame;
  std::string calls;     ///< the exports: "make; use"
  std::string sentence;  ///< what differs, or why a run was cut short; how both ended
  std::size_t seen = 0;  ///< calls over the guests' borders that were compared
  bool trapped = false;  ///< both ended so, for the same reason
  std::string trap;      ///< its class, if so
};

/// Runs the exports of the component's world on fresh programs, each alone, then all one after another, with
/// made-up values (empty ones, then full ones) and the handles that earlier calls gave; the host's functions
/// give made-up values. What is compared: each call into a guest's core module and out of it, with all values
/// (indices, reps, addresses) in order; how the run ended, by the law's class; results; the host's resources
/// that were destroyed; and in the end the entries of all handle tables. Errors: those of `rewrite::route`.
[[nodiscard]] wasm::Expected<std::vector<RoutedComparison>> compare_with_reference(
    std::span<const std::uint8_t> bytes, std::string_view file, const RoutedLimits& limits = {});

}  // namespace meld_verify::run
