#include "tools/meld-verify/input.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace meld_verify::tool {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 31;

auto failure(const std::string& path, std::string code, std::string sentence) {
  return tl::unexpected(wasm::Diagnostic{.kind = wasm::DiagnosticKind::kBadInput,
                                         .code = std::move(code),
                                         .place = {.file = path, .offset = {}, .within = {}, .pointer = {}},
                                         .sentence = std::move(sentence)});
}

}  // namespace

wasm::Expected<std::vector<std::uint8_t>> read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return failure(path, "file", "is a directory, not a file");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return failure(path, "file", std::string("cannot be opened: ") + std::strerror(errno));
  }
  std::vector<std::uint8_t> bytes;
  if (const std::uintmax_t size = std::filesystem::file_size(path, error); !error) {
    if (size > kMostBytes) {
      return failure(path, "too-large", "is larger than 2 GiB");
    }
    bytes.resize(static_cast<std::size_t>(size));
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
  }
  // A pipe has no size.
  char block[1 << 16];
  while (in.read(block, sizeof block) || in.gcount() > 0) {
    bytes.insert(bytes.end(), block, block + in.gcount());
    if (bytes.size() > kMostBytes) {
      return failure(path, "too-large", "is larger than 2 GiB");
    }
  }
  return bytes;
}

wasm::Expected<bool> write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    return failure(path, "file", std::string("cannot be written: ") + std::strerror(errno));
  }
  return true;
}

}  // namespace meld_verify::tool
