// Bytes that were a component once: whatever is done to them, `route` ends with a component of the same
// world, or with a diagnostic.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "engine/component/fixture_files_by_test.h"
#include "engine/component/world_text.h"
#include "engine/rewrite/route.h"
#include "spec/property.h"

namespace meld_verify::rewrite {
namespace {

using Bytes = std::vector<std::uint8_t>;
using spec::below;

const std::vector<Bytes>& fixtures() {
  static const std::vector<Bytes> kAll = component::fixture_files({"components"});
  return kAll;
}

TEST(Route, EditedComponentsAreMadeFlatOrRefused) {
  spec::Tally tally;
  spec::hold("edited components are made flat or refused", 5'000, [&] {
    Bytes bytes = fixtures()[below(fixtures().size())];
    const std::uint32_t edits = 1 + below(3);
    for (std::uint32_t i = 0; i < edits; ++i) {
      const std::size_t at = 8 + below(bytes.size() - 8);
      switch (below(3)) {
        case 0:
          bytes[at] = static_cast<std::uint8_t>(below(256));
          break;
        case 1:
          bytes[at] = static_cast<std::uint8_t>(bytes[at] + (below(2) == 0 ? 1 : 0xff));
          break;
        default:
          bytes[at] ^= static_cast<std::uint8_t>(1u << below(8));
      }
    }
    const auto flat = route(bytes, "edited.wasm");
    if (!flat) {
      ++tally[flat.error().kind == wasm::DiagnosticKind::kUnsupported ? "unsupported" : "bad"];
      RC_ASSERT(!flat.error().sentence.empty() && !flat.error().code.empty());
      RC_ASSERT(flat.error().place.file == "edited.wasm");
      return;
    }
    ++tally["flat"];
    const auto before = component::decode_with_world(bytes, "");
    const auto after = component::decode_with_world(*flat, "");
    RC_ASSERT(before && after);
    RC_ASSERT(component::world_text(before->world) == component::world_text(after->world));
  });
  spec::expect_met(tally, {{"flat", 500}, {"bad", 500}, {"unsupported", 200}});
}

}  // namespace
}  // namespace meld_verify::rewrite
