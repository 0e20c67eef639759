#pragma once

// For tests: a composed file beside itself.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/component/decode.h"
#include "engine/lift/lift.h"

namespace meld_verify::run {

inline std::vector<std::uint8_t> read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A composed file beside itself: every function stands for itself.
struct Twin {
  explicit Twin(const std::filesystem::path& path) : bytes(read(path)) {
    auto decoded = component::decode(bytes, path.string());
    if (!decoded) {
      problem = wasm::to_string(decoded.error());
      return;
    }
    pair.composed = *decoded;
    pair.fused = *std::move(decoded);
    auto image = lift::link(pair.composed, bytes, path.string());
    if (!image) {
      problem = wasm::to_string(image.error());
      return;
    }
    pair.composed_image = *std::move(image);
    pair.fused_image = lift::link(*pair.fused, bytes, path.string()).value();
    pair.alignment.wired_to.resize(pair.composed.canons.size());
    for (std::size_t i = 0; i < pair.composed_image.functions.size(); ++i) {
      const lift::LinkedFunction& function = pair.composed_image.functions[i];
      const bool canon = function.kind == lift::LinkedFunction::Kind::kCanon;
      pair.alignment.counterpart.push_back(canon ? std::nullopt : std::optional(lift::FunctionId(i)));
      if (canon) {
        pair.alignment.wired_to[function.canon.value].emplace_back(i);
      }
    }
  }

  std::vector<std::uint8_t> bytes;
  lift::Pair pair;
  std::string problem;
};

}  // namespace meld_verify::run
