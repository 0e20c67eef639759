#include "engine/wasm/module.h"

#include <gtest/gtest.h>

#include "engine/wasm/wabt_text.h"

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Kind = ConstExpr::Kind;
using Mode = ElementSegment::Mode;
constexpr ByteOffset kBase{1000};

/// A core module with these sections.
Bytes module_of(std::initializer_list<Bytes> sections) {
  Bytes module{0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const Bytes& section : sections) {  // number, contents
    module.push_back(section[0]);
    module.push_back(static_cast<std::uint8_t>(section.size() - 1));
    module.insert(module.end(), section.begin() + 1, section.end());
  }
  return module;
}

Module read(const Bytes& bytes) {
  auto module = decode_module(bytes, kBase, "file.wasm");
  EXPECT_TRUE(module) << to_string(module.error());
  return module ? *module : Module{};
}

std::string code_of(const Bytes& bytes) {
  const auto module = decode_module(bytes, kBase, "file.wasm");
  if (module) {
    return "";
  }
  EXPECT_EQ(module.error().place.file, "file.wasm");
  EXPECT_GE(module.error().place.offset.value_or(ByteOffset{0}), kBase);
  return module.error().code;
}

const Bytes kType{1, 1, 0x60, 0, 0};
const Bytes kFunction{3, 1, 0};
const Bytes kTable{4, 1, 0x70, 0, 1};
const Bytes kCode{10, 1, 2, 0, 0x0b};

TEST(Module, HoldsWhatTheTextSays) {
  const Bytes bytes = assemble(R"((module
    (type $t (func (param i32 i64 f32 f64 v128 funcref externref) (result i32 i64)))
    (import "a" "f" (func (type $t)))
    (import "b" "g" (global (mut i64)))
    (import "c" "t" (table 1 2 externref))
    (import "d" "m" (memory 1 3 shared))
    (import "e" "x" (tag (param i32)))
    (func $defined (local i32 i32 f64))
    (table 10 funcref)
    (memory i64 2)
    (tag (param i64))
    (global i32 (i32.const -1))
    (global (mut f64) (f64.const 1))
    (global i64 (global.get 0))
    (global funcref (ref.null func))
    (global i32 (i32.add (i32.const 1) (i32.const 2)))
    (export "one" (func $defined))
    (export "two" (memory 1))
    (start $defined)
    (data (memory 0) (i32.const 8) "abc")
    (data "de")))");
  const Module module = read(bytes);
  EXPECT_EQ(module.types.at(0),
            (FuncType{.params = {ValueType::kI32, ValueType::kI64, ValueType::kF32, ValueType::kF64,
                                 ValueType::kV128, ValueType::kFuncRef, ValueType::kExternRef},
                      .results = {ValueType::kI32, ValueType::kI64}}));
  ASSERT_EQ(module.imports.size(), 5u);
  EXPECT_EQ(module.imports[0].module, "a");
  EXPECT_EQ(module.imports[0].name, "f");
  EXPECT_EQ(module.imports[1].global, (GlobalType{ValueType::kI64, true}));
  EXPECT_EQ(module.imports[2].table.element, ValueType::kExternRef);
  EXPECT_EQ(module.imports[2].table.limits, (Limits{1, 2, false, false}));
  EXPECT_EQ(module.imports[3].memory, (Limits{1, 3, false, true}));
  EXPECT_EQ(module.imports[4].kind, ExternKind::kTag);
  EXPECT_EQ(module.imported_functions, 1u);
  EXPECT_EQ(module.function_types.size(), 2u);
  EXPECT_EQ(module.type_of(1), FuncType{});
  EXPECT_EQ(module.tables.size(), 2u);
  EXPECT_EQ(module.tables[1].limits.min, 10u);
  EXPECT_EQ(module.memories.size(), 2u);
  EXPECT_EQ(module.memories[1], (Limits{2, std::nullopt, true, false}));
  EXPECT_EQ(module.tags.size(), 2u);
  EXPECT_EQ(module.imported_tags, 1u);
  EXPECT_EQ(module.start, 1u);
  EXPECT_EQ(module.exports.at(0).index, 1u);

  ASSERT_EQ(module.globals.size(), 6u);
  EXPECT_FALSE(module.globals[0].init);
  const auto init = [&](std::size_t i) { return module.globals.at(i).init.value_or(ConstExpr{}); };
  EXPECT_EQ(init(1).kind, Kind::kConst);
  EXPECT_EQ(init(1).bits, 0xffff'ffffu);
  EXPECT_EQ(init(2).bits, 0x3ff0'0000'0000'0000u);
  EXPECT_EQ(init(3).kind, Kind::kGlobal);
  EXPECT_EQ(init(3).index, 0u);
  EXPECT_EQ(init(4).kind, Kind::kNull);
  EXPECT_EQ(init(5).kind, Kind::kOther);
  EXPECT_EQ(init(5).extent.end.value - init(5).extent.begin.value, 6u);

  const Function& function = module.defined(1);
  const std::vector<std::pair<std::uint32_t, ValueType>> locals{{2, ValueType::kI32}, {1, ValueType::kF64}};
  EXPECT_EQ(function.locals, locals);
  EXPECT_EQ(function.code.begin.value - function.body.begin.value, 5u);
  EXPECT_EQ(function.code.end, function.body.end);
  EXPECT_EQ(bytes[function.code.begin.value - kBase.value], 0x0b);

  ASSERT_EQ(module.data.size(), 2u);
  EXPECT_TRUE(module.data[0].active);
  EXPECT_EQ(module.data[0].offset.bits, 8u);
  EXPECT_EQ(module.data[0].bytes.end.value - module.data[0].bytes.begin.value, 3u);
  EXPECT_EQ(bytes[module.data[1].bytes.begin.value - kBase.value], 'd');
  EXPECT_FALSE(module.data[1].active);
}

TEST(Module, HoldsElementSegmentsOfAllEncodings) {
  const Module module = read(module_of({kType,
                                        kFunction,
                                        {4, 2, 0x70, 0, 1, 0x70, 0, 1},
                                        {9,    9,                                                    //
                                         0,    0x41, 5,    0x0b, 1,    0,                            //
                                         1,    0,    1,    0,                                        //
                                         2,    1,    0x41, 6,    0x0b, 0,    1,    0,                //
                                         3,    0,    1,    0,                                        //
                                         4,    0x41, 7,    0x0b, 2,    0xd2, 0,    0x0b,             //
                                         0xd0, 0x70, 0x0b,                                           //
                                         5,    0x70, 1,    0xd2, 0,    0x0b,                         //
                                         6,    1,    0x41, 8,    0x0b, 0x70, 1,    0xd2, 0,   0x0b,  //
                                         7,    0x70, 1,    0xd2, 0,    0x0b,                         //
                                         5,    0x6f, 2,    0xd0, 0x6f, 0x0b, 0x41, 0,    0x0b},
                                        kCode}));
  const std::vector<std::optional<std::uint32_t>> one{0u};
  const std::vector<std::optional<std::uint32_t>> one_and_null{0u, std::nullopt};
  const Mode modes[] = {Mode::kActive,  Mode::kPassive, Mode::kActive,      Mode::kDeclarative, Mode::kActive,
                        Mode::kPassive, Mode::kActive,  Mode::kDeclarative, Mode::kPassive};
  ASSERT_EQ(module.elements.size(), std::size(modes));
  for (std::size_t i = 0; i < 8; ++i) {
    const ElementSegment& segment = module.elements[i];
    EXPECT_EQ(segment.mode, modes[i]) << i;
    EXPECT_EQ(segment.table, i % 4 == 2 ? 1u : 0u) << i;
    EXPECT_EQ(segment.functions, i == 4 ? one_and_null : one) << i;
    EXPECT_FALSE(segment.opaque);
    if (segment.mode == Mode::kActive) {
      EXPECT_EQ(segment.offset.bits, 5 + i / 2) << i;
    }
  }
  EXPECT_TRUE(module.elements[8].opaque);
  EXPECT_TRUE(module.elements[8].functions.empty());
  EXPECT_EQ(module.references.size(), 8u);
}

TEST(Module, HoldsTypesOfTheGarbageCollection) {
  const Module module = read(module_of({{1,    4,                                        // groups
                                         0x60, 1,    0x7f, 0,                            //
                                         0x4e, 2,                                        // rec
                                         0x50, 0,    0x5f, 2,    0x63, 1,   1, 0x78, 0,  // struct
                                         0x4f, 1,    1,    0x5f, 0,                      // struct of it
                                         0x5e, 0x64, 0x70, 1,                            // array
                                         0x60, 1,    0x63, 1,    1,    0x7e}}));
  ASSERT_EQ(module.types.size(), 5u);
  EXPECT_EQ(module.types[1], FuncType{});
  EXPECT_EQ(module.types[4].params, (std::vector<ValueType>{ValueType::kOther}));
  EXPECT_EQ(module.types[4].results, (std::vector<ValueType>{ValueType::kI64}));
}

TEST(Module, SaysWhereBytesNameAFunction) {
  const Bytes bytes = module_of({kType,
                                 kFunction,
                                 {4, 1, 0x40, 0, 0x70, 0, 1, 0xd2, 0, 0x0b},
                                 {6, 1, 0x70, 0, 0xd2, 0x80, 0, 0x0b},
                                 {7, 2, 1, 'e', 0, 0, 1, 't', 1, 0},
                                 {8, 0},
                                 {9, 1, 0, 0x41, 0, 0x0b, 1, 0},
                                 kCode});
  const Module module = read(bytes);
  ASSERT_EQ(module.references.size(), 5u);
  EXPECT_EQ(module.globals.at(0).init->kind, Kind::kFunc);
  for (const FunctionReference& one : module.references) {
    EXPECT_EQ(one.function, 0u);
    EXPECT_EQ(bytes[one.at.end.value - kBase.value - 1], 0);
  }
  EXPECT_EQ(module.references[1].at.end.value - module.references[1].at.begin.value, 2u);
}

TEST(Module, TakesNoIndexOutOfRange) {
  const auto refused = [](std::initializer_list<Bytes> sections) {
    EXPECT_EQ(code_of(module_of(sections)), "index-out-of-range");
  };
  refused({kType, {3, 1, 1}});
  refused({kType, {2, 1, 1, 'a', 1, 'b', 0, 1}});
  refused({kType, {2, 1, 1, 'a', 1, 'b', 4, 0, 1}});
  refused({kType, {13, 1, 0, 1}});
  refused({kType, kFunction, {7, 1, 1, 'a', 0, 1}, kCode});
  refused({kType, kFunction, {7, 1, 1, 'a', 2, 0}, kCode});
  refused({kType, kFunction, {8, 1}, kCode});
  refused({kType, kFunction, {9, 1, 0, 0x41, 0, 0x0b, 1, 0}, kCode});
  refused({kType, kFunction, kTable, {9, 1, 0, 0x41, 0, 0x0b, 1, 1}, kCode});
  refused({kType, kFunction, {9, 1, 5, 0x70, 1, 0xd2, 1, 0x0b}, kCode});
  refused({kType, kFunction, {6, 1, 0x70, 0, 0xd2, 1, 0x0b}, kCode});
  refused({{6, 1, 0x7f, 0, 0x23, 0, 0x0b}});
  refused({{6, 1, 0x7f, 0, 0x41, 0, 0x23, 0, 0x6a, 0x0b}});
  refused({{11, 1, 0, 0x41, 0, 0x0b, 0}});
}

TEST(Module, TakesSectionsOnceAndInOrder) {
  EXPECT_EQ(code_of(module_of({kType, kFunction, kType, kCode})), "section-order");
  EXPECT_EQ(code_of(module_of({kTable, kType})), "section-order");
  EXPECT_EQ(code_of(module_of({kTable, kTable})), "section-order");
  EXPECT_EQ(code_of(module_of({{6, 0}, {13, 0}})), "section-order");
  EXPECT_EQ(code_of(module_of({kType, kFunction, kCode, {12, 0}})), "section-order");
  EXPECT_EQ(code_of(module_of(
                {{0, 1, 'a'}, kType, {0, 1, 'a'}, kFunction, {5, 0}, {13, 0}, {6, 0}, {12, 0}, kCode})),
            "");
  EXPECT_EQ(code_of(module_of({{99}})), "unknown-section");
}

TEST(Module, CountsBodiesAndData) {
  EXPECT_EQ(code_of(module_of({kType, kFunction})), "count");
  EXPECT_EQ(code_of(module_of({kType, kFunction, {10, 2, 2, 0, 0x0b, 2, 0, 0x0b}})), "count");
  EXPECT_EQ(code_of(module_of({kCode})), "count");
  EXPECT_EQ(code_of(module_of({{12, 1}})), "count");
  EXPECT_EQ(code_of(module_of({{1, 0xff, 0xff, 0xff, 0xff, 0x0f}})), "count");
}

TEST(Module, RefusesWhatIsTooLarge) {
  EXPECT_EQ(code_of(module_of({kType, kFunction, {10, 1, 6, 1, 0xd0, 0x86, 3, 0x7f, 0x0b}})), "");
  EXPECT_EQ(code_of(module_of({kType, kFunction, {10, 1, 6, 1, 0xd1, 0x86, 3, 0x7f, 0x0b}})), "too-large");
  EXPECT_EQ(code_of(module_of({kType,
                               kFunction,
                               {10, 1, 14, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0xff, 0xff, 0xff, 0xff,
                                0x0f, 0x7f, 0x0b}})),
            "too-large");
  Bytes types{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 0xc3, 0x8d, 0xb7, 1, 0xc0, 0x84, 0x3d};  // 1,000,000 types
  types.resize(types.size() + 3'000'000);
  for (std::size_t i = types.size() - 3'000'000; i < types.size(); i += 3) {
    types[i] = 0x60;
  }
  EXPECT_EQ(code_of(types), "too-large");  // and the section
}

TEST(Module, RefusesMalformedBytes) {
  EXPECT_EQ(code_of({}), "truncated");
  EXPECT_EQ(code_of({0, 'a', 's', 'm', 13, 0, 1, 0}), "not-a-core-module");
  EXPECT_EQ(code_of(module_of({{1, 1, 0x60, 0}})), "truncated");
  EXPECT_EQ(code_of(module_of({{1, 1, 0x60, 0, 0, 0}})), "section-size");
  EXPECT_EQ(code_of(module_of({{1, 1, 0x61, 0, 0}})), "type-form");
  EXPECT_EQ(code_of(module_of({kTable, {9, 1, 8}})), "segment-flags");
  EXPECT_EQ(code_of(module_of({{11, 1, 3}})), "segment-flags");
  EXPECT_EQ(code_of(module_of({{6, 1, 0x7f, 0, 0x41, 0}})), "truncated");
  EXPECT_EQ(code_of(module_of({{6, 1, 0x7f, 0, 0xff, 0x0b}})), "unknown-opcode");
  EXPECT_EQ(code_of(module_of({kType, kFunction, {10, 1, 2, 5, 0x0b}})), "count");
}

}  // namespace
}  // namespace meld_verify::wasm
