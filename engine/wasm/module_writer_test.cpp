// What ModuleWriter writes, as our decoder and wabt's validator read it.

#include "engine/wasm/module_writer.h"

#include <gtest/gtest.h>

#include "engine/wasm/instruction.h"
#include "engine/wasm/validate.h"
#include "engine/wasm/writer.h"

namespace meld_verify::wasm {
namespace {

using enum ValueType;
using Bytes = std::vector<std::uint8_t>;

Module read(const Bytes& bytes) {
  const Validation validation = validate_module(bytes, {});
  EXPECT_EQ(validation.validity, Validity::kValid) << validation.sentence << validation.feature;
  auto module = decode_module(bytes, {}, "written.wasm");
  EXPECT_TRUE(module) << to_string(module.error());
  return module ? *module : Module{};
}

TEST(Writer, WritesNumbersThatTheReaderReads) {
  for (const std::int64_t number :
       {0l, 1l, 63l, 64l, 127l, 128l, 0x7fff'ffffl, 0xffff'ffffl, -1l, -64l, -65l, -128l, -0x8000'0000l,
        0x7fff'ffff'ffff'ffffl, std::int64_t(-0x7fff'ffff'ffff'ffffl - 1)}) {
    Writer writer;
    writer.s64(number);
    writer.u64(static_cast<std::uint64_t>(number));
    writer.s32(static_cast<std::int32_t>(number));
    writer.u32(static_cast<std::uint32_t>(number));
    Reader reader(writer.bytes(), {}, "numbers", "");
    EXPECT_EQ(reader.s64("a number"), number);
    EXPECT_EQ(reader.u64("a number"), static_cast<std::uint64_t>(number));
    EXPECT_EQ(reader.s32("a number"), static_cast<std::int32_t>(number));
    EXPECT_EQ(reader.u32("a number"), static_cast<std::uint32_t>(number));
    EXPECT_TRUE(reader.at_end() && reader.ok());
  }
}

TEST(ModuleWriter, WritesAnEmptyModule) {
  const Bytes bytes = ModuleWriter().write();
  EXPECT_EQ(bytes, (Bytes{0, 'a', 's', 'm', 1, 0, 0, 0}));
  read(bytes);
}

TEST(ModuleWriter, WritesAModuleWithEverything) {
  ModuleWriter writer("all");
  const FuncType unary{{kI32}, {kI32}};
  const std::uint32_t log = writer.import_function("host", "log", {{kI64, kF32}, {}});
  const std::uint32_t theirs = writer.import_memory("guest", "memory", {.min = 0, .max = {}});
  const std::uint32_t table =
      writer.import_table("base", "table", {.element = kFuncRef, .limits = {.min = 3, .max = 9}});
  const std::uint32_t flag = writer.import_global("base", "flag", {.type = kI32, .is_mutable = true});
  const std::uint32_t own = writer.memory({.min = 1, .max = 65536});
  const std::uint32_t second = writer.table({.element = kFuncRef, .limits = {.min = 200, .max = {}}});
  const std::uint32_t count = writer.global({.type = kI32, .is_mutable = true}, 0xffff'fff0, "count");
  writer.global({.type = kI64, .is_mutable = false}, 0x8000'0000'0000'0000);
  writer.global({.type = kF64, .is_mutable = false}, 0x7ff8'0000'0000'0001);
  const std::uint32_t same = writer.function("same", unary);
  const std::uint32_t other = writer.function("other", unary);
  const std::uint8_t body[] = {op::kLocalGet, 0, op::kLocalSet, 3, op::kLocalGet, 3, op::kEnd};
  writer.set_body(same, std::vector{kI64, kI64, kI32, kF64}, body);
  writer.set_body(
      other, {},
      std::vector<std::uint8_t>{op::kLocalGet, 0, op::kCall, static_cast<std::uint8_t>(same), op::kEnd});
  writer.export_item("same", ExternKind::kFunc, same);
  writer.export_item("memory", ExternKind::kMemory, own);
  writer.export_item("count", ExternKind::kGlobal, count);
  writer.element(table, 1, std::vector{log, same});
  writer.element(second, 128, std::vector{other});

  const Module module = read(writer.write());
  EXPECT_EQ(theirs, 0u);
  EXPECT_EQ(own, 1u);
  EXPECT_EQ(flag, 0u);
  EXPECT_EQ(module.types.size(), 2u);  // equal types are one
  ASSERT_EQ(module.imports.size(), 4u);
  EXPECT_EQ(module.imports[0].module, "host");
  EXPECT_EQ(module.imports[0].name, "log");
  EXPECT_EQ(module.type_of(log), (FuncType{{kI64, kF32}, {}}));
  EXPECT_EQ(module.type_of(same), unary);
  EXPECT_EQ(module.imports[2].table.limits, (Limits{.min = 3, .max = 9}));
  EXPECT_EQ(module.memories[own], (Limits{.min = 1, .max = 65536}));
  EXPECT_EQ(module.globals[count].init->bits, 0xffff'fff0u);
  EXPECT_EQ(module.globals[2].init->bits, 0x8000'0000'0000'0000u);
  EXPECT_EQ(module.globals[3].init->bits, 0x7ff8'0000'0000'0001u);
  ASSERT_EQ(module.functions.size(), 2u);
  EXPECT_EQ(module.functions[0].locals,
            (std::vector<std::pair<std::uint32_t, ValueType>>{{2, kI64}, {1, kI32}, {1, kF64}}));
  ASSERT_EQ(module.exports.size(), 3u);
  EXPECT_EQ(module.exports[1].name, "memory");
  EXPECT_EQ(module.exports[1].index, own);
  ASSERT_EQ(module.elements.size(), 2u);
  EXPECT_EQ(module.elements[0].functions, (std::vector<std::optional<std::uint32_t>>{log, same}));
  EXPECT_EQ(module.elements[1].table, second);
  EXPECT_EQ(module.elements[1].offset.bits, 128u);
}

TEST(ModuleWriter, WritesNamesThatWabtReads) {
  ModuleWriter writer("tables");
  const std::uint32_t trap = writer.import_function("base", "trap", {});
  writer.name_function(trap, "trap.lent");
  const std::uint32_t made = writer.function("drop app#2 test:res/api.thing", {});
  writer.set_body(made, {}, std::vector<std::uint8_t>{op::kCall, 0, op::kEnd});
  const Bytes bytes = writer.write();
  read(bytes);
  const std::string text(bytes.begin(), bytes.end());
  for (const char* const name : {"tables", "trap.lent", "drop app#2 test:res/api.thing"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name;
  }
}

TEST(ModuleWriter, ThrowsAtAFunctionWithoutABodyAndAtALateImport) {
  ModuleWriter writer;
  writer.function("f", {});
  EXPECT_THROW(static_cast<void>(writer.write()), std::logic_error);
  EXPECT_THROW(writer.import_function("a", "b", {}), std::logic_error);
}

}  // namespace
}  // namespace meld_verify::wasm
