#pragma once

// What all commands share: exit codes, and how they speak.

#include <string>

#include "engine/check/check.h"
#include "engine/wasm/diagnostic.h"

namespace meld_verify::tool {

enum Exit { kProved = 0, kRefuted = 1, kBadInput = 2, kUnknown = 3, kUnsupported = 4, kInternal = 5 };

/// Says what is wrong on stderr, and gives the exit code for it.
int fail(const wasm::Diagnostic& diagnostic);

[[nodiscard]] int exit_of(check::Verdict verdict);

/// Whether stdout is a terminal.
[[nodiscard]] bool terminal();

/// Whether stdout is a terminal that wants colours (NO_COLOR is not set).
[[nodiscard]] bool colours();

/// Writes to stdout. Gives `code`, or kInternal where that fails.
int print(const std::string& text, int code);

}  // namespace meld_verify::tool
