// What with_probes leaves and moves. That probes are told what they should be is tested where modules are
// run.

#include "engine/wasm/rewrite.h"

#include <gtest/gtest.h>

#include "engine/wasm/instruction.h"
#include "engine/wasm/validate.h"
#include "engine/wasm/wabt_text.h"

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Rewritten {
  Bytes bytes;
  Module module;
};

Rewritten rewritten(const Bytes& bytes, const std::vector<Probe>& probes) {
  auto made = with_probes(bytes, {}, "file.wasm", probes, "probe");
  EXPECT_TRUE(made) << to_string(made.error());
  if (!made) {
    return {};
  }
  auto module = decode_module(*made, {}, "made.wasm");
  EXPECT_TRUE(module) << to_string(module.error());
  return module ? Rewritten{*made, *module} : Rewritten{};
}

/// The section's contents.
Bytes section(const Rewritten& from, std::uint8_t id) {
  for (const Section& one : from.module.sections) {
    if (one.id == id) {
      return {from.bytes.begin() + static_cast<std::ptrdiff_t>(one.extent.begin.value),
              from.bytes.begin() + static_cast<std::ptrdiff_t>(one.extent.end.value)};
    }
  }
  return {};
}

Bytes preamble_and(std::initializer_list<Bytes> sections) {
  Bytes module{0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const Bytes& section : sections) {  // number, contents
    module.push_back(section[0]);
    module.push_back(static_cast<std::uint8_t>(section.size() - 1));
    module.insert(module.end(), section.begin() + 1, section.end());
  }
  return module;
}

const Bytes kType{1, 1, 0x60, 0, 0};
const Bytes kImport{2, 1, 1, 'a', 1, 'b', 0, 0};  // function 0
const Bytes kFunction{3, 1, 0};                   // function 1
const Bytes kCode{10, 1, 4, 0, 0x10, 0, 0x0b};    // calls function 0

TEST(WithProbes, MovesFunctionsInElementSegmentsOfAllEncodings) {
  // Function 1 becomes 3; the forwarding function of 0 is number 4.
  const Rewritten made =
      rewritten(preamble_and({kType,
                              kImport,
                              kFunction,
                              {4, 1, 0x70, 0, 9},
                              {9, 8,                                                                    //
                               0, 0x41, 0,    0x0b, 2,    0,    1,                                      //
                               1, 0,    2,    0,    1,                                                  //
                               2, 0,    0x41, 2,    0x0b, 0,    2,    0,    1,                          //
                               3, 0,    2,    0,    1,                                                  //
                               4, 0x41, 4,    0x0b, 2,    0xd2, 0,    0x0b, 0xd2, 1,    0x0b,           //
                               5, 0x70, 2,    0xd2, 0,    0x0b, 0xd2, 1,    0x0b,                       //
                               6, 0,    0x41, 6,    0x0b, 0x70, 2,    0xd2, 0,    0x0b, 0xd2, 1, 0x0b,  //
                               7, 0x70, 2,    0xd2, 0,    0x0b, 0xd2, 1,    0x0b},
                              kCode}),
                {{0, "enter", "leave"}});
  const std::vector<std::optional<std::uint32_t>> expected{4u, 3u};
  ASSERT_EQ(made.module.elements.size(), 8u);
  for (const ElementSegment& segment : made.module.elements) {
    EXPECT_EQ(segment.functions, expected);
  }
  EXPECT_EQ(validate_module(made.bytes, {}).validity, Validity::kValid);
  // The forwarding function calls the probes, which are 1 and 2, around the import.
  EXPECT_EQ(section(made, 10), (Bytes{2, 4, 0, 0x10, 4, 0x0b, 8, 0, 0x10, 1, 0x10, 0, 0x10, 2, 0x0b}));
}

TEST(WithProbes, MovesFunctionsInTablesGlobalsExportsAndStart) {
  const Bytes bytes = preamble_and({kType,
                                    kImport,
                                    kFunction,
                                    {4, 1, 0x40, 0, 0x70, 0, 1, 0xd2, 1, 0x0b},
                                    {6, 1, 0x70, 0, 0xd2, 0x80, 0x80, 0, 0x0b},
                                    {7, 3, 1, 'e', 0, 0, 1, 'f', 0, 1, 1, 't', 1, 0},
                                    {8, 1},
                                    kCode});
  const Rewritten made = rewritten(bytes, {{0, "enter", "leave"}});
  EXPECT_EQ(section(made, 4), (Bytes{1, 0x40, 0, 0x70, 0, 1, 0xd2, 3, 0x0b}));
  EXPECT_EQ(section(made, 6), (Bytes{1, 0x70, 0, 0xd2, 4, 0x0b}));
  EXPECT_EQ(made.module.exports.at(0).index, 4u);
  EXPECT_EQ(made.module.exports.at(1).index, 3u);
  EXPECT_EQ(made.module.exports.at(2).index, 0u);
  EXPECT_EQ(made.module.start, 3u);
}

TEST(WithProbes, KeepsAProbedDefinedFunctionInItsPlace) {
  const Rewritten made = rewritten(
      preamble_and({kType, kImport, {3, 2, 0, 0}, {10, 2, 4, 0, 0x10, 1, 0x0b, 4, 0, 0x10, 2, 0x0b}}),
      {{1, "enter", "leave"}});
  // 1 and 2 are the probes, 3 stands around what is now 5, 4 calls itself as before.
  EXPECT_EQ(section(made, 10),
            (Bytes{3, 8, 0, 0x10, 1, 0x10, 5, 0x10, 2, 0x0b, 4, 0, 0x10, 4, 0x0b, 4, 0, 0x10, 3, 0x0b}));
}

TEST(WithProbes, AddsSectionsThatAreNotThere) {
  const Rewritten none =
      rewritten(preamble_and({kType, kFunction, {10, 1, 2, 0, 0x0b}}), {{0, "enter", "leave"}});
  EXPECT_EQ(none.module.imports.size(), 2u);
  EXPECT_EQ(none.module.imports.at(0).module, "probe");
  EXPECT_EQ(validate_module(none.bytes, {}).validity, Validity::kValid);
  const Rewritten only = rewritten(
      preamble_and({kType, kImport, {5, 1, 0, 1}, {7, 1, 1, 'a', 0, 0}, {11, 1, 0, 0x41, 0, 0x0b, 1, 7}}),
      {{0, "enter", "leave"}});
  EXPECT_EQ(only.module.functions.size(), 1u);
  EXPECT_EQ(only.module.exports.at(0).index, 3u);
  EXPECT_EQ(validate_module(only.bytes, {}).validity, Validity::kValid);
}

TEST(WithProbes, CountsTypesNotTheirGroups) {
  const Bytes group{1, 2, 0x4e, 2, 0x50, 0, 0x5f, 0, 0x5f, 0, 0x60, 1, 0x7f, 0};
  const Rewritten made =
      rewritten(preamble_and({group, {3, 1, 2}, {10, 1, 2, 0, 0x0b}}), {{0, "enter", "leave"}});
  ASSERT_EQ(made.module.types.size(), 5u);
  EXPECT_EQ(section(made, 1).at(0), 4);  // groups
  EXPECT_EQ(made.module.imports.at(0).type, 3u);
  EXPECT_EQ(made.module.types[3], (FuncType{.params = {ValueType::kI32}, .results = {}}));
  EXPECT_EQ(made.module.imports.at(1).type, 4u);
  EXPECT_EQ(made.module.function_types.back(), 2u);
}

TEST(WithProbes, KeepsCustomSectionsButForNames) {
  const Bytes custom{0, 3, 'a', 'b', 'c', 9, 9};
  const Bytes names{0, 4, 'n', 'a', 'm', 'e', 1};
  const Rewritten made =
      rewritten(preamble_and({custom, kType, kImport, kFunction, {12, 0}, kCode, {11, 0}, names, custom}),
                {{1, "enter", "leave"}});
  std::vector<std::uint8_t> ids;
  for (const Section& one : made.module.sections) {
    ids.push_back(one.id);
  }
  EXPECT_EQ(ids, (std::vector<std::uint8_t>{0, 1, 2, 3, 12, 10, 11, 0}));
  EXPECT_EQ(section(made, 0), Bytes(custom.begin() + 1, custom.end()));
}

TEST(WithProbes, WithoutProbesChangesNothing) {
  const Bytes bytes = preamble_and({kType, kImport, kFunction, {7, 1, 1, 'a', 0, 1}, {8, 1}, kCode});
  EXPECT_EQ(rewritten(bytes, {}).bytes, bytes);
}

TEST(WithProbes, MovesAllThatCodeNames) {
  const Bytes bytes = assemble(R"((module
    (import "a" "b" (func $f (param i32) (result i32)))
    (memory 1) (memory 1)
    (global i32 (i32.const 0))
    (elem declare func $f $g)
    (func $g (param i32) (result i32)
      (drop (ref.func $f)) (drop (ref.func $g))
      (memory.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 0))
      (i32.store 1 (local.get 0) (global.get 0))
      (if (i32.const 1) (then (return (call $g (i32.const 7)))))
      (return_call $f (i32.const 0)))))");
  const Rewritten made = rewritten(bytes, {{0, "enter", "leave"}});
  EXPECT_EQ(validate_module(made.bytes, {}).validity, Validity::kValid);
  const auto module = decode_module(bytes, {}, "file.wasm");
  const auto read = [](const Bytes& from, const Module& of, std::uint32_t led_0, std::uint32_t led_1) {
    std::vector<std::vector<std::uint64_t>> all;
    const Extent code = of.functions.at(0).code;
    InstructionReader reader(
        std::span<const std::uint8_t>(from).subspan(code.begin.value, code.end.value - code.begin.value),
        code.begin, "code");
    for (Instruction one; reader.next(one);) {
      all.push_back({one.opcode, one.constant, one.offset, one.memory});
      for (const IndexImmediate& index : one.indices) {
        const bool function = index.space == IndexSpace::kFunc;
        all.back().push_back(!function          ? index.value
                             : index.value == 0 ? led_0
                             : index.value == 1 ? led_1
                                                : index.value);
      }
    }
    return all;
  };
  EXPECT_EQ(read(bytes, *module, 4, 3), read(made.bytes, made.module, 0, 0));
}

TEST(WithProbes, RefusesWhatItCannotRead) {
  const auto code_of = [](const Bytes& bytes) {
    const Probe probe{0, "enter", "leave"};
    const auto made = with_probes(bytes, ByteOffset{50}, "file.wasm", {&probe, 1}, "probe");
    return made ? "" : made.error().code;
  };
  EXPECT_EQ(code_of(preamble_and({})), "index-out-of-range");
  EXPECT_EQ(code_of(preamble_and({kType, kFunction, {10, 1, 3, 0, 0xff, 0x0b}})), "unknown-opcode");
  EXPECT_EQ(code_of(preamble_and({kType, kFunction, {10, 1, 4, 0, 0x10, 1, 0x0b}})), "index-out-of-range");
  EXPECT_EQ(code_of(preamble_and({{1, 1, 0x60, 1, 0x64, 0x70, 0}, kFunction, {10, 1, 2, 0, 0x0b}})),
            "probe-type");
  EXPECT_EQ(code_of({}), "truncated");
}

}  // namespace
}  // namespace meld_verify::wasm
