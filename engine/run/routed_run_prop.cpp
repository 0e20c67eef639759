// Programs whose guests' code was changed at random, through the router against the reference machine: guests
// that forge, keep and mix up handles, pass wild addresses and values, and do not keep to the Canonical ABI.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "engine/component/decode.h"
#include "engine/run/routed_run.h"
#include "engine/wasm/validate.h"
#include "spec/property.h"

namespace meld_verify::run {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

struct File {
  std::string name;
  Bytes bytes;
  component::Composition composition;
};

std::vector<File> programs() {
  std::vector<File> found;
  for (const char* const folder : {"fixtures/components", "fixtures/scripts", "fixtures/demo"}) {
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(fs::path(MELD_VERIFY_SOURCE_DIR) / folder)) {
      constexpr std::uintmax_t kMostBytes = 20'000;
      if (entry.path().extension() != ".wasm" || entry.file_size() > kMostBytes) {
        continue;
      }
      std::ifstream in(entry.path(), std::ios::binary);
      File file{entry.path().string(), Bytes(std::istreambuf_iterator<char>(in), {}), {}};
      auto composition = component::decode(file.bytes, file.name);
      if (composition && !composition->exports.empty()) {
        file.composition = *std::move(composition);
        found.push_back(std::move(file));
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const File& left, const File& right) { return left.name < right.name; });
  return found;
}

/// One to three bytes of function bodies changed; nothing where no module has any, or what came out is not
/// valid.
std::optional<Bytes> changed(const File& file, std::mt19937& random) {
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  std::vector<const component::CoreModule*> modules;
  for (const component::CoreModule& module : file.composition.modules) {
    if (!module.index.bodies.empty()) {
      modules.push_back(&module);
    }
  }
  if (modules.empty()) {
    return std::nullopt;
  }
  constexpr int kAttempts = 60;  // most single bytes do not fit
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Bytes bytes = file.bytes;
    const component::CoreModule& module = *modules[below(modules.size())];
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      const wasm::Extent body = module.index.bodies[below(module.index.bodies.size())];
      const std::size_t size = body.end.value - body.begin.value;
      std::uint8_t& byte = bytes[body.begin.value + below(size)];
      const std::uint8_t small[] = {0, 1, 2, 3, 4, 0x7f};
      switch (below(4)) {
        case 0:
          byte = static_cast<std::uint8_t>(byte + 1);
          break;
        case 1:
          byte = static_cast<std::uint8_t>(byte - 1);
          break;
        case 2:
          byte = small[below(std::size(small))];
          break;
        default:
          byte = bytes[body.begin.value + below(size)];
      }
    }
    const auto module_bytes =
        std::span(bytes).subspan(module.begin.value, module.end.value - module.begin.value);
    if (bytes != file.bytes &&
        wasm::validate_module(module_bytes, module.begin).validity == wasm::Validity::kValid) {
      return bytes;
    }
  }
  return std::nullopt;
}

TEST(RoutedRunProp, ChangedGuestsSeeTheSame) {
  const auto number = [](const char* name, std::uint32_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : otherwise;
  };
  const std::uint32_t first = number("MELD_VERIFY_ROUTED_SEED", 0);
  const std::uint32_t cases = number("MELD_VERIFY_ROUTED_CASES", 400);
  const std::vector<File> files = programs();
  ASSERT_FALSE(files.empty());
  const RoutedLimits limits{.calls = 50'000, .steps = 2'000'000};
  spec::Tally met;
  for (std::uint32_t seed = first; seed < first + cases; ++seed) {
    std::mt19937 random(seed);
    const File& file = files[random() % files.size()];
    const auto bytes = changed(file, random);
    if (!bytes) {
      continue;
    }
    const auto compared = compare_with_reference(*bytes, file.name, limits);
    if (!compared) {
      ++met["refused"];
      continue;
    }
    ++met["programs"];
    for (const RoutedComparison& one : *compared) {
      ASSERT_NE(one.outcome, RoutedComparison::Outcome::kDifferent)
          << "seed " << seed << ", " << file.name << ": " << one.calls << ": " << one.sentence;
      ++met["runs"];
      ++met[one.trapped                                           ? "trap " + one.trap
            : one.outcome == RoutedComparison::Outcome::kCutShort ? "cut short"
                                                                  : "end well"];
    }
  }
  for (const auto& [word, count] : met) {
    std::cout << word << ": " << count << "\n";
  }
  if (cases >= 400) {
    spec::expect_met(
        met, {{"programs", 200}, {"end well", 100}, {"trap unknown_handle", 10}, {"trap guest_trap", 5}});
  }
}

}  // namespace
}  // namespace meld_verify::run
