#pragma once

// A composed and a fused file as tests read them: decoded, linked, aligned.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/component/decode.h"
#include "engine/lift/alignment.h"
#include "engine/lift/image.h"

namespace meld_verify::lift {

using FileBytes = std::vector<std::uint8_t>;

inline FileBytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// One file, linked. Not to be moved: the image looks at the rest.
struct LinkedFile {
  LinkedFile(FileBytes from, const std::string& name) : bytes(std::move(from)) {
    constexpr std::size_t kLayer = 6;  // of the preamble: 1 in a component
    if (bytes.size() > kLayer && bytes[kLayer] == 1) {
      composition = component::decode(bytes, name).value();
      image = link(*composition, bytes, name).value();
    } else {
      image = link_module(bytes, name).value();
    }
  }
  LinkedFile(const LinkedFile&) = delete;
  LinkedFile& operator=(const LinkedFile&) = delete;

  FileBytes bytes;
  std::optional<component::Composition> composition;
  Image image;
};

inline std::filesystem::path fixture_path(const std::string& name) {
  return std::filesystem::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components" / (name + ".wasm");
}
inline LinkedFile fixture(const std::string& name) {
  return {read_file(fixture_path(name)), name};
}
/// All of them, in order.
inline std::vector<std::filesystem::path> fixture_files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(MELD_VERIFY_SOURCE_DIR "/fixtures/components")) {
    if (entry.path().extension() == ".wasm") {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// A pair of files. `alignment` may be an error.
struct AlignedFiles {
  AlignedFiles(FileBytes of_composed, FileBytes of_fused)
      : composed(std::move(of_composed), "composed.wasm"),
        fused(std::move(of_fused), "fused.wasm"),
        alignment(align(*composed.composition, composed.image, fused.image)) {}

  LinkedFile composed, fused;
  wasm::Expected<Alignment> alignment;
};

/// The gaps, one a line.
inline std::string gaps_of(const Alignment& alignment) {
  std::string all;
  for (const AlignmentGap& gap : alignment.gaps) {
    all += (gap.lost ? "lost: " : "") + gap.sentence + "\n";
  }
  return all;
}

/// What is wired where: "canon resource.drop thing -> $ht_drop_0".
inline std::string wiring_of(const AlignedFiles& files) {
  std::string all;
  const Image& composed = files.composed.image;
  for (std::size_t i = 0; i < files.alignment->wired_to.size(); ++i) {
    if (files.alignment->wired_to[i].empty()) {
      continue;
    }
    all += composed.name_of(*composed.canon_functions[i]) + " ->";
    for (const FunctionId function : files.alignment->wired_to[i]) {
      all += " " + files.fused.image.name_of(function);
    }
    all += "\n";
  }
  return all;
}

}  // namespace meld_verify::lift
