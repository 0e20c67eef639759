#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "engine/wasm/index.h"

namespace meld_verify::wasm {

/// Why an input was not taken. `kBadInput` is the input's fault (exit code 2); `kUnsupported` is a construct
/// that is legal and out of this tool's scope (exit code 4).
enum class DiagnosticKind { kBadInput, kUnsupported };

/// Where in the input: a byte offset with the section or definition around it, or a JSON pointer.
struct Place {
  std::string file;                    ///< as the user named it; empty for bytes in memory
  std::optional<ByteOffset> offset;    ///< from the start of the file
  std::string within;                  ///< "type section of nested component 2"; may be empty
  std::optional<std::string> pointer;  ///< JSON pointer, e.g. "/tables/0/id"
};

/// One clear sentence about an input: what is wrong, where, and what was expected.
struct Diagnostic {
  DiagnosticKind kind = DiagnosticKind::kBadInput;
  std::string code;  ///< stable, kebab case: "truncated", "index-out-of-range", "schema", …
  Place place;
  std::string sentence;  ///< no trailing full stop, no place in it
};

template <class T>
using Expected = tl::expected<T, Diagnostic>;

/// "FILE: at byte 0x1f3a (type section of nested component 2): the file ends inside a list of 14 items"
/// Always one line: control characters are written as \x0a.
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);

}  // namespace meld_verify::wasm
