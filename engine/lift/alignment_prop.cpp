// A fixture as its own fused file, with something changed: whatever is changed in guests' code is seen, and
// no bytes make linking or aligning fail otherwise than with a diagnostic.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "engine/lift/read_by_test.h"
#include "spec/property.h"

namespace meld_verify::lift {
namespace {

using spec::below;

struct Fixture {
  std::string name;
  FileBytes bytes;
  component::Composition composition;
  Image image;
  Alignment alignment;
  std::vector<FunctionId> guests;  ///< that can run
};

const std::vector<std::unique_ptr<Fixture>>& fixtures() {
  static const auto all = [] {
    std::vector<std::unique_ptr<Fixture>> made;
    for (const auto& path : fixture_files()) {
      auto one = std::make_unique<Fixture>();
      one->name = path.stem().string();
      one->bytes = read_file(path);
      auto composition = component::decode(one->bytes, one->name);
      if (!composition || !composition->unsupported.empty()) {
        continue;
      }
      one->composition = std::move(*composition);
      one->image = link(one->composition, one->bytes, one->name).value();
      one->alignment = align(one->composition, one->image, one->image).value();
      const Reach reached = reach(one->composition, one->image, one->image, one->alignment);
      for (std::uint32_t i = 0; i < one->image.functions.size(); ++i) {
        if (one->alignment.is_guest[i] && reached.functions[i]) {
          one->guests.emplace_back(i);
        }
      }
      if (!one->guests.empty()) {
        made.push_back(std::move(one));
      }
    }
    return made;
  }();
  return all;
}

/// Whether an alignment with the fixture itself, where `changed` was, says that something is not as it was.
bool shows_change(const Fixture& fixture, FunctionId changed, const Image& fused,
                  const Alignment& alignment) {
  // An equal copy that nobody else needs may have taken its place.
  if (!alignment.gaps.empty() || alignment.counterpart[changed.value] != changed) {
    return true;
  }
  for (std::size_t i = 0; i < alignment.wired_to.size(); ++i) {
    for (const FunctionId wired : alignment.wired_to[i]) {
      const LinkedFunction& linked = fused.functions[wired.value];
      if (linked.kind != LinkedFunction::Kind::kCanon || linked.canon != CanonId(i)) {
        return true;
      }
    }
  }
  return alignment.wired_to.size() != fixture.composition.canons.size();
}

TEST(AlignmentProperty, NoByteOfGuestsCodeChangesUnseen) {
  ASSERT_GT(fixtures().size(), 30u);
  spec::Tally tally;
  spec::hold("a changed byte of a guest's code is seen", 6000, [&] {
    const Fixture& fixture = *fixtures()[below(fixtures().size())];
    const FunctionId function = fixture.guests[below(fixture.guests.size())];
    const wasm::Extent code = fixture.image.definition_of(function).code;
    const auto at = static_cast<std::size_t>(code.begin.value) +
                    below(static_cast<std::size_t>(code.end.value - code.begin.value));
    FileBytes bytes = fixture.bytes;
    bytes[at] = *rc::gen::oneOf(
        rc::gen::arbitrary<std::uint8_t>(),
        rc::gen::map(rc::gen::inRange(0, 8),
                     [&](int bit) { return static_cast<std::uint8_t>(bytes[at] ^ (1u << bit)); }),
        rc::gen::map(rc::gen::inRange(0, 8), [](int small) { return static_cast<std::uint8_t>(small); }));
    const auto image = link(fixture.composition, bytes, "fused.wasm");
    if (bytes == fixture.bytes || !image) {
      ++tally["the same, or refused"];
      return;
    }
    const auto alignment = align(fixture.composition, fixture.image, *image);
    ++tally[alignment ? "aligned" : "refused"];
    if (alignment) {
      RC_LOG() << fixture.name << ", byte " << at << ": " << int{fixture.bytes[at]} << " is "
               << int{bytes[at]} << "\n";
      RC_ASSERT(shows_change(fixture, function, *image, *alignment));
    }
  });
  spec::expect_met(tally, {{"aligned", 500}});
}

TEST(AlignmentProperty, AnyBytesAreAlignedOrRefused) {
  spec::Tally tally;
  spec::hold("edited files are aligned or refused", 6000, [&] {
    const Fixture& fixture = *fixtures()[below(fixtures().size())];
    FileBytes bytes = fixture.bytes;
    const std::uint32_t edits = 1 + below(3);
    for (std::uint32_t i = 0; i < edits; ++i) {
      const FunctionId function = fixture.guests[below(fixture.guests.size())];
      const wasm::Extent body = fixture.image.definition_of(function).body;
      const bool in_code = *rc::gen::arbitrary<bool>();
      const std::size_t at = in_code ? static_cast<std::size_t>(body.begin.value) +
                                           below(static_cast<std::size_t>(body.end.value - body.begin.value))
                                     : below(bytes.size());
      bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto composition = component::decode(bytes, "fused.wasm");
    const auto image = composition.and_then(
        [&](const component::Composition& decoded) { return link(decoded, bytes, "fused.wasm"); });
    if (!image) {
      ++tally["refused"];
      return;
    }
    const auto alignment = align(fixture.composition, fixture.image, *image);
    if (!alignment) {
      ++tally["foreign"];
      return;
    }
    ++tally["aligned"];
    const Reach reached = reach(fixture.composition, fixture.image, *image, *alignment);
    RC_ASSERT(reached.functions.size() == image->functions.size());
    // And the other way round, where the edited file is the original.
    const auto back = align(*composition, *image, fixture.image);
    if (back) {
      RC_ASSERT(back->instances.size() == image->instances.size());
      (void)reach(*composition, *image, fixture.image, *back);
    }
  });
  spec::expect_met(tally, {{"aligned", 500}, {"refused", 500}});
}

}  // namespace
}  // namespace meld_verify::lift
