#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meld_verify::bench {

/// What came of a program that was run to its end.
struct Outcome {
  bool started = false;
  int exit_code = -1;            ///< -1: a signal ended it
  std::string output;            ///< its standard output
  std::uint64_t peak_bytes = 0;  ///< highest resident size
  double seconds = 0;            ///< processor time
};

/// Runs a program, found through PATH, and waits for it.
[[nodiscard]] Outcome run(const std::vector<std::string>& command);

}  // namespace meld_verify::bench
