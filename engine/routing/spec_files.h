#pragma once

// The files of spec/ (rules, schemas) that the program reads as it runs: after install as well as in the
// build tree.

#include <string>
#include <string_view>

#include "engine/wasm/diagnostic.h"

namespace meld_verify::routing {

/// The folder that holds the files of spec/. With the environment variable MELD_VERIFY_SPEC it is that one.
/// Otherwise the first that exists of: ../share/meld-verify/spec beside the program's own folder, the source
/// tree's, the installed one. Errors: "spec-directory" (the variable names no folder; none exists).
[[nodiscard]] wasm::Expected<std::string> spec_directory();

/// The bytes of one file there, e.g. "plan.schema.json". Errors: as above; "spec-file" (cannot be read).
[[nodiscard]] wasm::Expected<std::string> read_spec_file(std::string_view name);

/// The JSON Schema of plans, as text.
[[nodiscard]] wasm::Expected<std::string> plan_schema();

}  // namespace meld_verify::routing
