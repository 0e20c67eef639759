#pragma once

#include <string>
#include <vector>

namespace meld_verify::tool {

/// `meld-verify run`: executes an export of a composed component through its router, or with the reference
/// machine.
struct RunCommand {
  std::string composed;
  std::string invoke;                  ///< empty: wasi:cli/run, else the only function called "run"
  std::vector<std::string> arguments;  ///< scalars and strings
  std::string events_file;
  bool reference = false;
  bool trace = false;

  /// The exit code: 0 it ended well, 1 it trapped or wasi:cli/run gave an error, 2 bad input or usage, 4
  /// out of scope or a host function is needed.
  [[nodiscard]] int run() const;
};

}  // namespace meld_verify::tool
