#pragma once

// For properties: the binaries of fixtures, to be edited.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <vector>

namespace meld_verify::component {

/// The bytes of all .wasm files in these folders of fixtures/, ordered by path.
inline std::vector<std::vector<std::uint8_t>> fixture_files(std::initializer_list<const char*> folders) {
  std::vector<std::filesystem::path> paths;
  for (const char* folder : folders) {
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(MELD_VERIFY_SOURCE_DIR) / "fixtures" / folder)) {
      if (entry.path().extension() == ".wasm") {
        paths.push_back(entry.path());
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<std::uint8_t>> files;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return files;
}

}  // namespace meld_verify::component
