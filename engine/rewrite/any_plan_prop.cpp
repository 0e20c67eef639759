// The router takes any plan, right or wrong: what is made of a plan with random mistakes is still valid.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/rewrite/route.h"
#include "engine/routing/plan.h"
#include "engine/wasm/validate.h"
#include "spec/property.h"

// It leaves the plan to be included before.
#include "engine/check/random_plan.h"

namespace meld_verify::rewrite {
namespace {

struct Composed {
  std::string name;
  std::vector<std::uint8_t> bytes;
  component::Decoded decoded;
  topology::Topology topology;
};

const std::vector<Composed>& fixtures() {
  static const std::vector<Composed> kAll = [] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components")) {
      const std::string name = entry.path().stem().string();
      if (entry.path().extension() == ".wasm" && !name.starts_with("unsupported-")) {
        paths.push_back(entry.path());
      }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Composed> files;
    for (const auto& path : paths) {
      std::ifstream in(path, std::ios::binary);
      Composed one;
      one.name = path.stem().string();
      one.bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
      auto decoded = component::decode_with_world(one.bytes, one.name);
      if (!decoded) {
        ADD_FAILURE() << wasm::to_string(decoded.error());
        continue;
      }
      one.decoded = std::move(*decoded);
      one.topology = topology::topology_of(one.decoded.composition);
      files.push_back(std::move(one));
    }
    return files;
  }();
  return kAll;
}

TEST(AnyPlan, WhatIsMadeOfItIsValid) {
  spec::Tally tally;
  spec::hold("what is made of any plan is valid", 1'500, [&] {
    const Composed& composed = fixtures()[spec::below(fixtures().size())];
    routing::Plan plan = routing::required_plan(composed.topology);
    for (std::uint32_t i = spec::below(5); i > 0; --i) {
      check::mutate(composed.topology, plan);
    }
    const bool right = plan == routing::required_plan(composed.topology);
    const auto router = emit::make_router(composed.decoded.composition, composed.topology, plan);
    if (!router) {
      ++tally["refused"];
      RC_ASSERT(!right);
      RC_ASSERT(router.error().kind == wasm::DiagnosticKind::kUnsupported);
      return;
    }
    const auto flat = flatten(composed.decoded, *router, composed.bytes);
    if (!flat) {
      ++tally["refused"];
      RC_ASSERT(!right);
      return;
    }
    ++tally[right ? "right" : "wrong"];
    const auto again = component::decode(*flat, "flat.wasm");
    RC_ASSERT(again);
    const std::span<const std::uint8_t> bytes(*flat);
    for (const component::CoreModule& module : again->modules) {
      const wasm::Validation validation = wasm::validate_module(
          bytes.subspan(module.begin.value, module.end.value - module.begin.value), module.begin);
      RC_LOG() << composed.name << ": " << validation.sentence << '\n';
      RC_ASSERT(validation.validity == wasm::Validity::kValid);
    }
  });
  spec::expect_met(tally, {{"right", 150}, {"wrong", 500}});
}

}  // namespace
}  // namespace meld_verify::rewrite
