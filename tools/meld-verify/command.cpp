#include "tools/meld-verify/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace meld_verify::tool {

int fail(const wasm::Diagnostic& diagnostic) {
  fmt::print(stderr, "{}\n", wasm::to_string(diagnostic));
  return diagnostic.kind == wasm::DiagnosticKind::kUnsupported ? kUnsupported : kBadInput;
}

int exit_of(check::Verdict verdict) {
  switch (verdict) {
    case check::Verdict::kProved:
      return kProved;
    case check::Verdict::kRefuted:
      return kRefuted;
    case check::Verdict::kUnknown:
      return kUnknown;
    case check::Verdict::kUnsupported:
      return kUnsupported;
    case check::Verdict::kError:
      return kInternal;
  }
  return kInternal;
}

bool terminal() {
  return isatty(STDOUT_FILENO) != 0;
}

bool colours() {
  return terminal() && std::getenv("NO_COLOR") == nullptr;
}

int print(const std::string& text, int code) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    fmt::print(stderr, "meld-verify: the output cannot be written\n");
    return kInternal;
  }
  return code;
}

}  // namespace meld_verify::tool
