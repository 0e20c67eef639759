#pragma once

// Scripts of component tests, in the form that `wasm-tools json-from-wast` gives them.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/diagnostic.h"

namespace meld_verify::run {

/// What became of one command of a script.
struct ScriptStep {
  enum class Outcome : std::uint8_t {
    kPassed,
    kFailed,
    kUnsupported,  ///< out of scope, or it needs what this runner does not have: neither passed nor failed
  };
  Outcome outcome = Outcome::kPassed;
  std::uint64_t line = 0;  ///< in the .wast file
  std::string command;     ///< "assert_trap"
  std::string sentence;    ///< why it did not pass
  bool asserts = false;    ///< not just a definition that went well
  /// False where the text of a trap that came stands for no class that is known here: any trap passes then.
  bool classified = true;
};

/// Reads a file beside the script. Errors: it cannot be read.
using ReadFile = std::function<wasm::Expected<std::vector<std::uint8_t>>(const std::string& name)>;

/// What a script's components are run with.
enum class ScriptMachine : std::uint8_t { kReference, kRouter };

/// Runs a script; a step for each of its commands. `file` names it in diagnostics. A trap must be of the
/// class that the script's text stands for where that is one of the law's. Errors (kBadInput): "not-json",
/// "script" (not of that form), and those of `read`.
[[nodiscard]] wasm::Expected<std::vector<ScriptStep>> run_wast_script(
    std::string_view json, const std::string& file, const ReadFile& read,
    ScriptMachine machine = ScriptMachine::kReference);

}  // namespace meld_verify::run
