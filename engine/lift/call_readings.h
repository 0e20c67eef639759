#pragma once

// Every boundary of the composed file, found and read in the fused one.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/lift/boundary.h"

namespace meld_verify::lift {

/// A function of the fused file for people; `at` is the instruction that is meant, else its body.
[[nodiscard]] CodePlace place_of(const Image& fused, FunctionId function,
                                 std::optional<wasm::ByteOffset> at = {});

/// What calls do.
struct CallReadings {
  /// By boundary: one for each function that the call is wired to. None: nobody calls it, it goes to or comes
  /// from the host, or a note says why it was not read.
  std::vector<std::vector<BoundaryReading>> readings;
  std::vector<std::optional<CodePlace>> code;  ///< by boundary
  std::vector<Note> notes;
  std::size_t paths = 0;
  std::optional<std::uint32_t> fewest_elements;  ///< bound of the lists that matter, if there are any
  bool embedder_lifts = false;                   ///< exports of the world, of a fused core module
  bool lost_exports = false;
  bool own_allocators = false;  ///< generated code has allocators that canonical definitions use
  std::size_t checks = 0;       ///< functions that only look at values and trap
};

/// Reads the boundaries of `topology`, which is that of the pair's composed file.
[[nodiscard]] CallReadings read_calls(const Pair& pair, const topology::Topology& topology,
                                      ReadingContext& context);

}  // namespace meld_verify::lift
