// Bytes that were a component once: whatever is done to them, the decoder ends with a composition or with a
// diagnostic whose place is in the file.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "engine/component/decode.h"
#include "engine/component/fixture_files_by_test.h"

namespace meld_verify::component {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::vector<Bytes>& fixtures() {
  static const std::vector<Bytes> all = fixture_files({"components", "bad"});
  return all;
}

enum class Edit { kFlipBit, kSetByte, kInsert, kErase, kTruncate, kSplice, kRepeat };

/// One edit of `bytes`.
void edit(Bytes& bytes) {
  const auto place = [&] { return *rc::gen::inRange<std::size_t>(0, bytes.size() + 1); };
  const std::size_t at = place();
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto length = static_cast<std::ptrdiff_t>(
      std::min<std::size_t>(bytes.size() - at, *rc::gen::inRange<std::size_t>(1, 40)));
  switch (*rc::gen::element(Edit::kFlipBit, Edit::kFlipBit, Edit::kSetByte, Edit::kSetByte, Edit::kInsert,
                            Edit::kErase, Edit::kTruncate, Edit::kSplice, Edit::kRepeat)) {
    case Edit::kFlipBit:
      if (at < bytes.size()) {
        *here = static_cast<std::uint8_t>(*here ^ (1u << *rc::gen::inRange(0, 8)));
      }
      break;
    case Edit::kSetByte:
      if (at < bytes.size()) {  // the borders of numbers, and opcodes of sections, sorts, types and canons
        *here = *rc::gen::oneOf(rc::gen::element<std::uint8_t>(0x00, 0x7f, 0x80, 0xff, 0x40, 0x69),
                                rc::gen::inRange<std::uint8_t>(0, 0x20),
                                rc::gen::inRange<std::uint8_t>(0x3e, 0x7f));
      }
      break;
    case Edit::kInsert:
      bytes.insert(here, *rc::gen::arbitrary<std::uint8_t>());
      break;
    case Edit::kErase:
      bytes.erase(here, here + length);
      break;
    case Edit::kTruncate:
      bytes.erase(here, bytes.end());
      break;
    case Edit::kSplice: {
      const Bytes& other = *rc::gen::elementOf(fixtures());
      const auto from = other.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(other) + 1);
      const auto most = std::min<std::ptrdiff_t>(other.end() - from, 200);
      const Bytes piece(from, from + *rc::gen::inRange<std::ptrdiff_t>(0, most + 1));
      bytes.insert(here, piece.begin(), piece.end());
      break;
    }
    case Edit::kRepeat: {
      const Bytes piece(here, here + length);
      bytes.insert(here, piece.begin(), piece.end());
      break;
    }
  }
}

/// Every reference of the result leads to something that is there.
void check(const Composition& composition) {
  const auto item = [&](const CoreItem& core) {
    if (const auto* canon = std::get_if<CanonId>(&core.source)) {
      RC_ASSERT(canon->value < composition.canons.size());
    } else {
      RC_ASSERT((std::get<std::pair<CoreInstanceId, std::string>>(core.source).first.value <
                 composition.core_instances.size()));
    }
  };
  RC_ASSERT(composition.instances.size() >= 2u);
  for (const CoreInstance& core : composition.core_instances) {
    RC_ASSERT(core.module.value < composition.modules.size());
    RC_ASSERT(core.imports.size() == composition.modules[core.module.value].index.imports.size());
    std::for_each(core.imports.begin(), core.imports.end(), item);
  }
  for (const Canon& canon : composition.canons) {
    RC_ASSERT(canon.owner.value < composition.instances.size());
    if (const auto* lifted = std::get_if<Lift>(&canon.what)) {
      item(lifted->core);
      RC_ASSERT(lifted->type.value < composition.types.functions.size());
    } else if (const auto* builtin = std::get_if<ResourceBuiltin>(&canon.what)) {
      RC_ASSERT(builtin->resource.value < composition.resources.size());
    }
  }
  for (std::size_t i = 0; i < composition.types.nodes.size(); ++i) {
    for (const Member& member : composition.types.nodes[i].members) {
      RC_ASSERT(!member.type || member.type->value < i);
    }
  }
}

struct Tally {
  int cases = 0, taken = 0, refused = 0, deep = 0;
};

void decode_edited(Tally& tally) {
  Bytes bytes = *rc::gen::elementOf(fixtures());
  const int edits = *rc::gen::inRange(1, 5);
  for (int i = 0; i < edits; ++i) {
    edit(bytes);
  }
  ++tally.cases;
  const auto composition = decode(bytes, "edited.wasm");
  if (composition) {
    ++tally.taken;
    check(*composition);
    return;
  }
  ++tally.refused;
  const wasm::Diagnostic& wrong = composition.error();
  RC_ASSERT(!wrong.sentence.empty() && !wrong.code.empty());
  const std::string line = wasm::to_string(wrong);
  RC_ASSERT(std::none_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; }));
  RC_ASSERT(wrong.place.file == "edited.wasm");
  RC_ASSERT(wrong.place.offset.has_value());
  RC_ASSERT(wrong.place.offset->value <= bytes.size());
  tally.deep += wrong.place.offset->value > 8 ? 1 : 0;
}

TEST(Mutation, EditedComponentsAreTakenOrRefusedInTheirOwnBytes) {
  ASSERT_GT(fixtures().size(), 40u);
  constexpr int kCases = 20'000;
  Tally tally;
  rc::detail::TestParams params;
  params.seed = 20261124;
  params.maxSuccess = kCases;
  params.maxSize = 100;
  const auto result =
      rc::detail::checkTestable([&] { decode_edited(tally); }, rc::detail::TestMetadata(), params);
  std::ostringstream said;
  rc::detail::printResultMessage(result, said);
  RecordProperty("said", said.str());
  ASSERT_TRUE(result.template is<rc::detail::SuccessResult>()) << said.str();
  EXPECT_EQ(tally.cases, kCases);
  // Not all of it ends at the first bytes, and not all of it is harmless.
  EXPECT_GT(tally.taken, kCases / 20) << tally.taken;
  EXPECT_GT(tally.deep, kCases / 4) << tally.deep;
}

}  // namespace
}  // namespace meld_verify::component
