#include "engine/lift/alignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "engine/lift/read_by_test.h"

namespace meld_verify::lift {
namespace {

namespace fs = std::filesystem;

/// Composed and fused files of real programs.
std::vector<std::pair<fs::path, fs::path>> real_files() {
  std::vector<std::pair<fs::path, fs::path>> pairs;
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr) {
    std::cout << "skipped: MELD_VERIFY_SHARED does not name a folder with real files\n";
    return pairs;
  }
  const fs::path real = fs::path(shared) / "real";
  for (const auto& folder : fs::directory_iterator(real)) {
    for (const char* fused : {"fused.wasm", "fused.core.wasm"}) {
      if (fs::exists(folder.path() / fused)) {
        pairs.emplace_back(folder.path() / "composed.wasm", folder.path() / fused);
      }
    }
  }
  for (const auto& file : fs::directory_iterator(real / "history")) {
    const std::string name = file.path().filename().string();
    for (const auto& composed : fs::directory_iterator(real / "history/composed")) {
      const std::string program = composed.path().stem().string();  // "resource-floats-n.n"
      if (file.path().extension() == ".wasm" && name.find("." + program + ".") != std::string::npos) {
        pairs.emplace_back(composed.path(), file.path());
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

TEST(AlignmentTest, EveryRealFileAlignsInFull) {
  const auto pairs = real_files();
  for (const auto& [composed, fused] : pairs) {
    SCOPED_TRACE(fused.string());
    const auto begin = std::chrono::steady_clock::now();
    const AlignedFiles files(read_file(composed), read_file(fused));
    ASSERT_TRUE(files.alignment) << wasm::to_string(files.alignment.error());
    const Alignment& alignment = *files.alignment;
    std::cout << fused.parent_path().filename().string() << "/" << fused.filename().string() << ": "
              << alignment.aligned_functions << " of " << alignment.all_functions << ", "
              << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                       begin)
                     .count()
              << " ms\n";
    EXPECT_EQ(gaps_of(alignment), "");
    EXPECT_EQ(alignment.aligned_functions, alignment.all_functions);
    if (std::getenv("SHOW_WIRING"))
      std::cout << wiring_of(files);
    for (std::uint32_t i = 0; i < alignment.instances.size(); ++i) {
      if (files.composed.image.module_of(CoreInstanceId{i}).functions.size() > 4) {
        EXPECT_TRUE(alignment.instances[i].found) << i;
      }
    }
    const auto& canons = files.composed.composition->canons;
    for (std::size_t i = 0; i < canons.size(); ++i) {
      if (std::holds_alternative<component::ResourceBuiltin>(canons[i].what)) {
        EXPECT_LE(alignment.wired_to[i].size(), 1u);
      }
    }
  }
}

/// A fixture that is its own fused file, with some bytes of that changed.
class Changed {
 public:
  explicit Changed(const std::string& name)
      : original_(read_file(fixture_path(name)), name), bytes_(original_.bytes) {}

  /// Of a core instance, by the name that it exports it by.
  [[nodiscard]] FunctionId function(std::uint32_t instance, const std::string& name) const {
    return original_.image
        .function_of({component::CoreSort::kFunc, std::pair(CoreInstanceId{instance}, name)})
        .value();
  }
  [[nodiscard]] const wasm::Module& module(std::uint32_t instance) const {
    return original_.image.module_of(CoreInstanceId{instance});
  }
  /// The first instruction of that opcode in a function.
  [[nodiscard]] wasm::Instruction find(FunctionId function, wasm::Opcode opcode) const {
    wasm::InstructionReader reader(original_.image.code_of(function),
                                   original_.image.definition_of(function).code.begin, "");
    wasm::Instruction instruction;
    while (reader.next(instruction) && instruction.opcode != opcode) {
    }
    EXPECT_EQ(instruction.opcode, opcode);
    return instruction;
  }
  void set(wasm::ByteOffset at, std::uint8_t value) {
    EXPECT_NE(bytes_.at(static_cast<std::size_t>(at.value)), value);
    bytes_.at(static_cast<std::size_t>(at.value)) = value;
  }
  [[nodiscard]] std::uint8_t byte(wasm::ByteOffset at) const {
    return bytes_.at(static_cast<std::size_t>(at.value));
  }
  [[nodiscard]] AlignedFiles aligned() const { return {original_.bytes, bytes_}; }
  [[nodiscard]] std::string gaps() const {
    const AlignedFiles files = aligned();
    return files.alignment ? gaps_of(*files.alignment) : wasm::to_string(files.alignment.error());
  }

 private:
  LinkedFile original_;
  FileBytes bytes_;
};

// Core instances of shim-and-table: the leaf's shim, main, fixup; the app's main.
constexpr std::uint32_t kLeaf = 1, kApp = 3;

TEST(AlignmentTest, EveryFixtureIsItsOwnFusedFile) {
  std::size_t files = 0, memories = 0;
  for (const auto& path : fixture_files()) {
    SCOPED_TRACE(path.filename().string());
    const FileBytes bytes = read_file(path);
    const auto composition = component::decode(bytes, "t.wasm");
    if (!composition) {
      continue;
    }
    ++files;
    const AlignedFiles pair(bytes, bytes);
    ASSERT_TRUE(pair.alignment) << wasm::to_string(pair.alignment.error());
    EXPECT_EQ(gaps_of(*pair.alignment), "");
    EXPECT_EQ(pair.alignment->aligned_functions, pair.alignment->all_functions);
    const Image& image = pair.composed.image;
    for (std::uint32_t i = 0; i < image.functions.size(); ++i) {
      if (const auto& counterpart = pair.alignment->counterpart[i]) {
        EXPECT_EQ(image.behind(*counterpart), image.behind(FunctionId{i}));
      }
    }
    for (const component::Canon& canon : composition->canons) {
      const auto* lift = std::get_if<component::Lift>(&canon.what);
      if (lift != nullptr && lift->options.memory) {
        const LinkedMemory& memory = image.memories[image.memory_of(*lift->options.memory)->value];
        EXPECT_TRUE(pair.alignment->instances[memory.instance.value].memories[memory.index]);
        ++memories;
      }
    }
    for (std::uint32_t i = 0; i < pair.alignment->wired_to.size(); ++i) {
      for (const FunctionId wired : pair.alignment->wired_to[i]) {
        EXPECT_EQ(wired, image.canon_functions[i]);
      }
    }
  }
  EXPECT_GT(files, 40u);
  EXPECT_GT(memories, 5u);
}

TEST(AlignmentTest, ShimsAndFixupsNeedNoCounterpart) {
  const AlignedFiles files = Changed("shim-and-table").aligned();
  ASSERT_TRUE(files.alignment);
  const Alignment& alignment = *files.alignment;
  const Image& image = files.composed.image;
  EXPECT_TRUE(alignment.instances[0].found);
  const FunctionId destructor = image.instances[0].functions[0];
  EXPECT_EQ(alignment.counterpart[destructor.value], image.behind(destructor));
  EXPECT_FALSE(alignment.is_guest[destructor.value]);
  EXPECT_TRUE(alignment.is_guest[image.behind(destructor).value]);
}

TEST(AlignmentTest, AnInstructionThatDiffersLeavesAFunctionWithoutCounterpart) {
  Changed files("shim-and-table");
  const FunctionId dtor = files.function(kLeaf, "dtor");
  files.set(files.find(dtor, 0x6b).begin, 0x6a);  // adds instead of subtracting
  EXPECT_EQ(files.gaps(), "core module 1 (main) of leaf: function 8 has no counterpart\n");
  const AlignedFiles pair = files.aligned();
  EXPECT_FALSE(pair.alignment->counterpart[dtor.value]);
  EXPECT_TRUE(pair.alignment->instances[kLeaf].found);
  EXPECT_EQ(pair.alignment->gaps[0].function, 8u);
}

TEST(AlignmentTest, AConstantThatDiffersIsSeen) {
  Changed files("shim-and-table");
  const auto constant = files.find(files.function(kApp, "run"), wasm::op::kI32Const);
  files.set(wasm::ByteOffset{constant.end.value - 1}, 4);
  EXPECT_NE(files.gaps(), "");
}

TEST(AlignmentTest, ADataByteThatDiffersIsSeen) {
  Changed files("shim-and-table");
  files.set(files.module(kLeaf).data[0].bytes.begin, 0xe9);
  EXPECT_EQ(
      files.gaps(),
      "core module 1 (main) of leaf: the byte at address 0x8 of its memory 0 starts as another value in "
      "the fused file\n");
}

TEST(AlignmentTest, DataThatOnlyTheCanonicalAbiReadsIsComparedToo) {
  Changed files("place-result-string");
  std::size_t changed = 0;
  for (std::uint32_t i = 0; i < 8 && changed == 0; ++i) {
    if (!files.module(i).data.empty()) {
      const wasm::ByteOffset at = files.module(i).data[0].bytes.begin;
      files.set(at, static_cast<std::uint8_t>(files.byte(at) + 1));
      ++changed;
    }
  }
  EXPECT_EQ(changed, 1u);
  EXPECT_NE(files.gaps(), "");
}

TEST(AlignmentTest, DataThatLiesElsewhereIsSeen) {
  Changed files("shim-and-table");
  const wasm::Extent offset = files.module(kLeaf).data[0].offset.extent;
  files.set(wasm::ByteOffset{offset.begin.value + 1}, 12);
  EXPECT_NE(files.gaps().find("the byte at address 0x8 of its memory 0"), std::string::npos);
}

TEST(AlignmentTest, AGlobalThatStartsOtherwiseIsSeen) {
  Changed files("shim-and-table");
  const wasm::Extent init = files.module(kLeaf).globals[1].init->extent;
  files.set(wasm::ByteOffset{init.begin.value + 1}, 1);
  EXPECT_EQ(files.gaps(),
            "core module 1 (main) of leaf: its global 1 starts as another value in the fused file\n");
}

TEST(AlignmentTest, AGlobalInAnothersPlaceIsAFaultOfThatFunction) {
  Changed files("shim-and-table");
  const auto get = files.find(files.function(kLeaf, "live"), wasm::op::kGlobalGet);
  files.set(get.indices[0].begin, 0);
  EXPECT_EQ(files.gaps(), "core module 1 (main) of leaf: function 9 has no counterpart\n");
}

TEST(AlignmentTest, AnotherEntryOfATableIsSeen) {
  Changed files("shim-and-table");
  // Elements 2 3 1 of the leaf's own segment, in its last three bytes.
  const FileBytes segment{0x00, 0x41, 0x01, 0x0b, 0x03, 0x02, 0x03, 0x01};
  const FileBytes& bytes = read_file(fixture_path("shim-and-table"));
  const auto place = std::search(bytes.begin(), bytes.end(), segment.begin(), segment.end());
  ASSERT_NE(place, bytes.end());
  files.set(wasm::ByteOffset{static_cast<std::uint64_t>(place - bytes.begin()) + 5}, 0x05);
  EXPECT_EQ(files.gaps(),
            "core module 1 (main) of leaf: entry 1 of its table 0 is another function, end in the fused "
            "file\n");
}

TEST(AlignmentTest, ACallThatGoesElsewhereIsAFaultOfTheCaller) {
  Changed files("shim-and-table");
  const auto call = files.find(files.function(kLeaf, "look"), wasm::op::kCall);
  files.set(call.indices[0].begin, 2);  // to alloc
  EXPECT_EQ(files.gaps(), "core module 1 (main) of leaf: function 6 has no counterpart\n");
}

TEST(AlignmentTest, AnImportThatGoesElsewhereIsWiring) {
  Changed files("shim-and-table");
  const auto call = files.find(files.function(kApp, "run"), wasm::op::kCall);  // make
  files.set(call.indices[0].begin, 1);                                         // look
  const AlignedFiles pair = files.aligned();
  ASSERT_TRUE(pair.alignment);
  EXPECT_EQ(gaps_of(*pair.alignment), "");
  EXPECT_EQ(wiring_of(pair).substr(wiring_of(pair).find("canon lower make")),
            "canon lower make -> canon lower look canon lower make\n"
            "canon lower look -> canon lower look\n"
            "canon lower end -> canon lower end\n"
            "canon lower live -> canon lower live\n"
            "canon resource.drop thing -> canon resource.drop thing\n");
}

TEST(AlignmentTest, AnInstanceThatIsSharedIsLost) {
  const AlignedFiles files(read_file(fixture_path("two-instances")),
                           read_file(fixture_path("leaf-two-consumers")));
  ASSERT_TRUE(files.alignment);
  EXPECT_EQ(
      gaps_of(*files.alignment),
      "lost: core module 0 (cells) of leaf2: the fused file has no copy of it: its place is another core "
      "instance's, which has 4 functions too\n"
      "lost: core module 1 (main) of leaf2: the fused file has no copy of it: its place is another core "
      "instance's, which has 2 functions too\n");
  std::size_t found = 0;
  for (const AlignedInstance& instance : files.alignment->instances) {
    found += instance.found ? 1 : 0;
  }
  EXPECT_EQ(found, files.alignment->instances.size() - 2);
}

TEST(AlignmentTest, EqualCopiesAreToldApartByWhoCallsThem) {
  // The fused file has its two leaves the other way round: each user calls the other one's.
  const FileBytes original = read_file(fixture_path("two-instances"));
  FileBytes bytes = original;
  const std::string name = "fix:two/things";
  std::vector<std::size_t> aliases;  // "alias export instance N name"
  for (std::size_t at = 0; at + 4 + name.size() < bytes.size(); ++at) {
    if (bytes[at] == 0x05 && bytes[at + 1] == 0x00 && bytes[at + 2] < 2 && bytes[at + 3] == name.size() &&
        std::equal(name.begin(), name.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at) + 4)) {
      aliases.push_back(at + 2);
    }
  }
  ASSERT_EQ(aliases.size(), 2u);
  std::swap(bytes[aliases[0]], bytes[aliases[1]]);
  const AlignedFiles files(original, bytes);
  ASSERT_TRUE(files.alignment);
  EXPECT_EQ(gaps_of(*files.alignment), "");
  EXPECT_EQ(files.alignment->aligned_functions, files.alignment->all_functions);
  const auto instance_at = [&](std::uint32_t instance) {
    const FunctionId function = files.composed.image.instances[instance].functions.back();
    return files.fused.image.functions[files.alignment->counterpart[function.value]->value].instance;
  };
  // cells and main of leaf1, of leaf2; user1, user2.
  EXPECT_EQ(instance_at(0), CoreInstanceId{std::uint32_t{2}});
  EXPECT_EQ(instance_at(1), CoreInstanceId{std::uint32_t{3}});
  EXPECT_EQ(instance_at(2), CoreInstanceId{std::uint32_t{0}});
  EXPECT_EQ(instance_at(3), CoreInstanceId{std::uint32_t{1}});
  EXPECT_EQ(instance_at(4), CoreInstanceId{std::uint32_t{4}});
  EXPECT_EQ(instance_at(5), CoreInstanceId{std::uint32_t{5}});
}

TEST(AlignmentTest, ASurplusCopyIsNoGap) {
  const AlignedFiles files(read_file(fixture_path("leaf-two-consumers")),
                           read_file(fixture_path("two-instances")));
  ASSERT_TRUE(files.alignment);
  EXPECT_EQ(gaps_of(*files.alignment), "");
}

/// A core module of functions without parameters: "i32.const N; drop; call I; end" for each pair (N, I).
FileBytes module_of(const std::vector<std::pair<std::uint8_t, std::uint8_t>>& functions) {
  const auto count = static_cast<std::uint8_t>(functions.size());
  FileBytes bytes{0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00};
  bytes.insert(bytes.end(), {0x03, static_cast<std::uint8_t>(count + 1), count});
  bytes.insert(bytes.end(), count, 0x00);
  bytes.insert(bytes.end(), {0x0a, static_cast<std::uint8_t>(8 * count + 1), count});
  for (const auto& [number, called] : functions) {
    bytes.insert(bytes.end(), {0x07, 0x00, 0x41, number, 0x1a, 0x10, called, 0x0b});
  }
  return bytes;
}
/// A component with one instance of it.
FileBytes component_of(const FileBytes& module) {
  FileBytes bytes{0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x01};
  bytes.push_back(static_cast<std::uint8_t>(module.size()));
  bytes.insert(bytes.end(), module.begin(), module.end());
  bytes.insert(bytes.end(), {0x02, 0x04, 0x01, 0x00, 0x00, 0x00});
  return bytes;
}

TEST(AlignmentTest, FunctionsMayStandInAnotherOrderOrBeLeftOut) {
  const FileBytes composed =
      component_of(module_of({{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 0}, {7, 0}}));
  // The other way round, and without the seventh, which nobody calls.
  const AlignedFiles files(composed, module_of({{6, 5}, {5, 0}, {4, 1}, {3, 2}, {2, 3}, {1, 4}}));
  ASSERT_TRUE(files.alignment) << wasm::to_string(files.alignment.error());
  EXPECT_EQ(gaps_of(*files.alignment), "");
  EXPECT_EQ(files.alignment->aligned_functions, 6u);
  EXPECT_EQ(files.alignment->all_functions, 7u);
  EXPECT_EQ(files.alignment->instances[0].functions[0], FunctionId{std::uint32_t{5}});
  // A call that goes elsewhere is still its caller's fault.
  const AlignedFiles wrong(composed, module_of({{7, 6}, {6, 6}, {5, 1}, {4, 2}, {3, 3}, {2, 4}, {1, 4}}));
  ASSERT_TRUE(wrong.alignment) << wasm::to_string(wrong.alignment.error());
  EXPECT_EQ(wrong.alignment->aligned_functions, 6u);
}

TEST(AlignmentTest, AFileOfOtherComponentsDoesNotBelong) {
  const AlignedFiles files(read_file(fixture_path("shim-and-table")), read_file(fixture_path("diamond")));
  ASSERT_FALSE(files.alignment);
  EXPECT_EQ(
      wasm::to_string(files.alignment.error()),
      "fused.wasm: it was not made of composed.wasm: the 8 functions of core module 1 of leaf are not in "
      "it");
  EXPECT_EQ(files.alignment.error().code, "does-not-belong");
}

TEST(AlignmentTest, AStartFunctionThatIsNotRunIsSeen) {
  // The section that names it becomes a custom one.
  FileBytes bytes = read_file(fixture_path("start-calls-import"));
  const FileBytes section{0x08, 0x01, 0x02};
  const auto place = std::search(bytes.begin(), bytes.end(), section.begin(), section.end());
  ASSERT_NE(place, bytes.end());
  *place = 0x00;
  place[1] = 0x01;
  place[2] = 0x00;
  const AlignedFiles files(read_file(fixture_path("start-calls-import")), bytes);
  ASSERT_TRUE(files.alignment);
  EXPECT_NE(gaps_of(*files.alignment).find("its start function is not run in its turn"), std::string::npos)
      << gaps_of(*files.alignment);
}

TEST(ReachTest, WhatTheWorldCanCallAndNoMore) {
  const AlignedFiles files = Changed("shim-and-table").aligned();
  ASSERT_TRUE(files.alignment);
  const Image& image = files.fused.image;
  const Reach reached = reach(*files.composed.composition, files.composed.image, image, *files.alignment);
  const auto is_reached = [&](std::uint32_t instance, const std::string& name) {
    return static_cast<bool>(reached.functions[image
                                                   .function_of({component::CoreSort::kFunc,
                                                                 std::pair(CoreInstanceId{instance}, name)})
                                                   ->value]);
  };
  EXPECT_TRUE(is_reached(kApp, "run"));
  EXPECT_TRUE(is_reached(kLeaf, "make"));
  EXPECT_TRUE(is_reached(kLeaf, "dtor"));  // by resource.drop
  EXPECT_FALSE(is_reached(kLeaf, "same"));
  const auto& canons = files.composed.composition->canons;
  for (std::size_t i = 0; i < canons.size(); ++i) {
    const auto* lift = std::get_if<component::Lift>(&canons[i].what);
    const bool same = lift != nullptr && image.function_of(lift->core) ==
                                             files.composed.image.function_of(
                                                 {component::CoreSort::kFunc,
                                                  std::pair(CoreInstanceId{kLeaf}, std::string("same"))});
    EXPECT_EQ(reached.canons[i], !same) << i;
  }
}

}  // namespace
}  // namespace meld_verify::lift
