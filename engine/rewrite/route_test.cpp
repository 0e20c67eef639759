// Flat components of the fixtures, as our decoder and wabt read them.

#include "engine/rewrite/route.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "engine/component/world_text.h"
#include "engine/wasm/validate.h"

namespace meld_verify::rewrite {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components";

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

/// Each fixture with its flat component; those that are named so are refused.
struct Routed {
  std::string name;
  Bytes composed_bytes, flat_bytes;
  component::Decoded composed, flat;
};

const std::vector<Routed>& all() {
  static const std::vector<Routed> kAll = [] {
    std::vector<Routed> made;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
      const std::string name = entry.path().stem().string();
      if (entry.path().extension() != ".wasm" || name.starts_with("unsupported-")) {
        continue;
      }
      Routed one{
          .name = name, .composed_bytes = read(entry.path()), .flat_bytes = {}, .composed = {}, .flat = {}};
      auto flat = route(one.composed_bytes, name);
      if (!flat) {
        ADD_FAILURE() << wasm::to_string(flat.error());
        continue;
      }
      one.flat_bytes = std::move(*flat);
      auto composed = component::decode_with_world(one.composed_bytes, name);
      auto again = component::decode_with_world(one.flat_bytes, name);
      if (!composed || !again) {
        ADD_FAILURE() << name << ": " << wasm::to_string(composed ? again.error() : composed.error());
        continue;
      }
      one.composed = std::move(*composed);
      one.flat = std::move(*again);
      made.push_back(std::move(one));
    }
    return made;
  }();
  return kAll;
}

TEST(Route, TakesTheFixtures) {
  EXPECT_GE(all().size(), 30u);
}

TEST(Route, CoreModulesAreValid) {
  for (const Routed& one : all()) {
    for (const component::CoreModule& module : one.flat.composition.modules) {
      const std::span<const std::uint8_t> bytes(one.flat_bytes);
      const wasm::Validation validation = wasm::validate_module(
          bytes.subspan(module.begin.value, module.end.value - module.begin.value), module.begin);
      EXPECT_EQ(validation.validity, wasm::Validity::kValid)
          << one.name << " " << module.name << ": " << validation.sentence << validation.feature;
    }
  }
}

TEST(Route, WorldsReadTheSame) {
  for (const Routed& one : all()) {
    EXPECT_EQ(component::world_text(one.flat.world), component::world_text(one.composed.world)) << one.name;
  }
}

/// The bytes of the module of each core instance, in order.
std::vector<std::string> instantiated(const component::Composition& composition, const Bytes& bytes) {
  std::vector<std::string> modules;
  for (const component::CoreInstance& instance : composition.core_instances) {
    const component::CoreModule& module = composition.modules[instance.module.value];
    modules.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(module.begin.value),
                         bytes.begin() + static_cast<std::ptrdiff_t>(module.end.value));
  }
  return modules;
}

TEST(Route, GuestsAreInstantiatedByteForByteInTheirOrder) {
  for (const Routed& one : all()) {
    const std::vector<std::string> guests = instantiated(one.composed.composition, one.composed_bytes);
    const std::vector<std::string> flat = instantiated(one.flat.composition, one.flat_bytes);
    auto at = flat.begin();
    for (const std::string& guest : guests) {
      at = std::find(at, flat.end(), guest);
      ASSERT_NE(at, flat.end()) << one.name;
      ++at;
    }
    // A definition that is instantiated several times is there once, unless it was there several times.
    std::map<std::string, std::size_t> before, after;
    for (const auto& [decoded, bytes, count] : {std::tuple(&one.composed, &one.composed_bytes, &before),
                                                std::tuple(&one.flat, &one.flat_bytes, &after)}) {
      for (const component::CoreModule& module : decoded->composition.modules) {
        ++(*count)[std::string(bytes->begin() + static_cast<std::ptrdiff_t>(module.begin.value),
                               bytes->begin() + static_cast<std::ptrdiff_t>(module.end.value))];
      }
    }
    for (const std::string& guest : guests) {
      EXPECT_LE(after[guest], before[guest]) << one.name;
    }
  }
}

TEST(Route, NothingIsLiftedAndLoweredBetweenGuests) {
  for (const Routed& one : all()) {
    for (const component::CoreInstance& instance : one.flat.composition.core_instances) {
      EXPECT_EQ(instance.owner, component::kRoot) << one.name;
    }
    for (const component::Canon& canon : one.flat.composition.canons) {
      if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
        EXPECT_TRUE(std::holds_alternative<component::HostFuncId>(lower->callee)) << one.name;
      }
      EXPECT_EQ(canon.owner, component::kRoot) << one.name;
    }
  }
}

TEST(Route, HandlesOfTheRunTimeAreOnlyThoseOfItsWorld) {
  for (const Routed& one : all()) {
    const bool has_host_functions = !one.composed.composition.host_funcs.empty();
    const bool exports_types =
        std::any_of(one.composed.composition.resource_names.begin(),
                    one.composed.composition.resource_names.end(), [](const component::ResourceName& name) {
                      return name.instance == component::kRoot && name.exported;
                    });
    if (!has_host_functions && !exports_types) {
      for (const component::Canon& canon : one.flat.composition.canons) {
        EXPECT_FALSE(std::holds_alternative<component::ResourceBuiltin>(canon.what)) << one.name;
      }
      EXPECT_TRUE(one.flat.composition.resources.empty()) << one.name;
    }
  }
}

TEST(Route, TwiceGivesTheSameBytes) {
  for (const Routed& one : all()) {
    EXPECT_EQ(*route(one.composed_bytes, one.name), one.flat_bytes) << one.name;
  }
}

TEST(Route, WhatIsOutOfScopeIsRefusedWithTheInstanceOrThePlace) {
  std::size_t refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".wasm" || !name.starts_with("unsupported-")) {
      continue;
    }
    const auto flat = route(read(entry.path()), name);
    ASSERT_FALSE(flat) << name;
    EXPECT_EQ(flat.error().kind, wasm::DiagnosticKind::kUnsupported) << name;
    EXPECT_TRUE(flat.error().place.offset || flat.error().sentence.starts_with("instance ")) << name;
    EXPECT_EQ(flat.error().place.file, name);
    ++refused;
  }
  EXPECT_GE(refused, 8u);
}

}  // namespace
}  // namespace meld_verify::rewrite
