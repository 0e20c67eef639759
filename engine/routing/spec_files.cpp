#include "engine/routing/spec_files.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

namespace meld_verify::routing {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code failure;
  return fs::is_directory(path, failure);
}

wasm::Diagnostic bad(std::string code, std::string file, std::string sentence) {
  return {.kind = wasm::DiagnosticKind::kBadInput,
          .code = std::move(code),
          .place = {.file = std::move(file), .offset = {}, .within = {}, .pointer = {}},
          .sentence = std::move(sentence)};
}

}  // namespace

wasm::Expected<std::string> spec_directory() {
  if (const char* named = std::getenv("MELD_VERIFY_SPEC"); named != nullptr && *named != '\0') {
    if (!is_folder(named)) {
      return tl::unexpected(
          bad("spec-directory", named,
              "the environment variable MELD_VERIFY_SPEC names this, which is not a folder"));
    }
    return std::string(named);
  }
  std::vector<std::string> candidates;
  std::error_code failure;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", failure); !failure) {
    candidates.push_back((program.parent_path().parent_path() / "share/meld-verify/spec").string());
  }
#ifdef MELD_VERIFY_SPEC_SOURCE
  candidates.emplace_back(MELD_VERIFY_SPEC_SOURCE);
#endif
#ifdef MELD_VERIFY_SPEC_INSTALLED
  candidates.emplace_back(MELD_VERIFY_SPEC_INSTALLED);
#endif
  std::string tried;
  for (std::string& candidate : candidates) {
    if (is_folder(candidate)) {
      return std::move(candidate);
    }
    tried += (tried.empty() ? "" : ", ") + candidate;
  }
  return tl::unexpected(bad("spec-directory", "",
                            fmt::format("the program's rules and schemas are not there (looked at: {}); set "
                                        "MELD_VERIFY_SPEC to the folder spec of its source",
                                        tried)));
}

wasm::Expected<std::string> read_spec_file(std::string_view name) {
  return spec_directory().and_then([name](const std::string& directory) -> wasm::Expected<std::string> {
    const std::string path = (fs::path(directory) / name).string();
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.is_open() || in.bad() || text.empty()) {
      return tl::unexpected(bad("spec-file", path, "this file of the program's own cannot be read"));
    }
    return text;
  });
}

wasm::Expected<std::string> plan_schema() {
  return read_spec_file("plan.schema.json");
}

}  // namespace meld_verify::routing
