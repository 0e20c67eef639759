// Packaged functions, as wabt and our decoder read them.

#include "engine/emit/package.h"

#include <gtest/gtest.h>

#include "engine/wasm/validate.h"

namespace meld_verify::emit {
namespace {

using enum wasm::ValueType;
namespace op = wasm::op;

wasm::Module read(const Package& package) {
  const wasm::Validation validation = wasm::validate_module(package.bytes, {});
  EXPECT_EQ(validation.validity, wasm::Validity::kValid) << validation.sentence << validation.feature;
  auto module = wasm::decode_module(package.bytes, {}, "package.wasm");
  EXPECT_TRUE(module) << to_string(module.error());
  return module ? *module : wasm::Module{};
}

Symbol guest(component::CoreSort sort, std::uint32_t instance, std::string name) {
  return GuestItem{{sort, std::pair{component::CoreInstanceId(instance), std::move(name)}}};
}

const wasm::FuncType kUnary{{kI32}, {kI32}};

Function calls(std::string name, const Symbol& callee) {
  Code code(kUnary);
  code.get(0u);
  code.call(callee, kUnary);
  return {std::move(name), std::move(code)};
}

TEST(PackageFunctions, ImportsWhatIsNotPackaged) {
  Router router;
  router.functions = {calls("a", RouterFunction{1}), calls("b", RouterFunction{2}),
                      calls("c", guest(component::CoreSort::kFunc, 4, "f"))};
  const std::uint32_t packaged[] = {1, 0};
  const Package package = package_functions(router, packaged);
  const wasm::Module module = read(package);
  EXPECT_EQ(package.imports, (std::vector<Symbol>{RouterFunction{2}}));
  ASSERT_EQ(module.imports.size(), 1u);
  EXPECT_EQ(module.type_of(0), kUnary);
  ASSERT_EQ(package.exports.size(), 2u);
  EXPECT_EQ(package.exports[0], (std::pair<Symbol, std::string>(RouterFunction{1}, "b")));
  EXPECT_EQ(package.exports[1], (std::pair<Symbol, std::string>(RouterFunction{0}, "a")));
  EXPECT_EQ(module.exports[1].name, "a");
  EXPECT_EQ(module.exports[1].index, 2u);
}

TEST(PackageFunctions, TakesEveryKindOfSymbolAndInstruction) {
  Router router;
  Code code({{kI32, kI64}, {kI64}});
  const Symbol first = guest(component::CoreSort::kMemory, 1, "memory");
  const Symbol second = guest(component::CoreSort::kMemory, 2, "memory");
  const std::uint32_t local = code.local(kF64);
  EXPECT_EQ(local, 2u);
  EXPECT_EQ(code.type_of(local), kF64);
  EXPECT_EQ(code.type_of(1), kI64);
  code.get(MayLeave{component::InstanceId(3u)});
  code.op(wasm::Opcode{0x45});  // i32.eqz
  code.begin_if();
  code.trap(TrapReason::kCannotLeave);
  code.end();
  code.get(Borrows{routing::TableId(1u)});
  code.set(Borrows{routing::TableId(2u)});
  code.i32(1);
  code.get(0u);
  code.call(TablePart{routing::TableId(1u), TableFunction::kNew}, {{kI32, kI32}, {kI32}});
  code.call(TablePart{routing::TableId(2u), TableFunction::kUnlend}, {{kI32}, {}});
  code.get(0u);
  code.get(0u);
  code.call_indirect(BaseItem::kDestructors, {{kI32}, {}});
  code.get(0u);
  code.memory(op::kF64Load, first, 16, 3);
  code.set(local);
  code.get(0u);
  code.get(local);
  code.memory(op::kF64Store, second, 0xffff'fff0, 3);
  code.get(0u);
  code.get(0u);
  code.i32(0xffff'ffff);
  code.memory_copy(second, first);
  code.memory_size(first);
  code.memory_grow(second);
  code.op(op::kDrop);
  code.f32(0x7fc0'0001);
  code.op(op::kDrop);
  code.f64(0x7ff8'0000'0000'0001);
  code.op(op::kDrop);
  code.get(BaseItem::kQuiet);
  code.set(BaseItem::kStagingTop);
  code.i32(2);
  code.call(CanonicalCall{CanonicalCall::Kind::kDrop, 7}, {{kI32}, {}});
  code.block(kI64);
  code.loop(kI64);
  code.i64(0x8000'0000'0000'0000);
  code.get(0u);
  code.br_if(1);
  code.br(1);
  code.end();
  code.end();
  router.functions = {{"all", code}};
  const std::uint32_t packaged[] = {0};
  const Package package = package_functions(router, packaged);
  const wasm::Module module = read(package);
  ASSERT_EQ(package.imports.size(), module.imports.size());
  for (std::size_t i = 0; i < package.imports.size(); ++i) {
    EXPECT_EQ(kind_of(package.imports[i]), module.imports[i].kind);
    EXPECT_EQ(name_of(package.imports[i]).module, module.imports[i].module);
    EXPECT_EQ(name_of(package.imports[i]).field, module.imports[i].name);
  }
  EXPECT_EQ(module.memories.size(), 2u);
  EXPECT_EQ(module.memories[0], wasm::Limits{});
}

TEST(PackageFunctions, GivesEachExportANameOfItsOwn) {
  Router router;
  router.functions = {calls("same", RouterFunction{1}), calls("same", RouterFunction{0})};
  const std::uint32_t packaged[] = {0, 1};
  const Package package = package_functions(router, packaged);
  read(package);
  EXPECT_NE(package.exports[0].second, package.exports[1].second);
}

TEST(PackageTable, IsValidWithAllOptions) {
  using routing::Overflow;
  using routing::Reuse;
  using routing::Storage;
  HandleTable table;
  table.table = routing::TableId(7u);
  for (std::uint32_t off = 0; off < 64; ++off) {
    table.checks = {.zero = (off & 1) == 0,
                    .bounds = (off & 2) == 0,
                    .live = (off & 4) == 0,
                    .type = (off & 8) == 0,
                    .kind = (off & 16) == 0,
                    .lent = (off & 32) == 0};
    for (const Reuse reuse : {Reuse::kLifo, Reuse::kAny, Reuse::kNever}) {
      for (const Overflow overflow : {Overflow::kTrap, Overflow::kUnchecked}) {
        for (const std::optional<std::uint64_t> capacity :
             {std::optional<std::uint64_t>(), {0}, {9}, {1ull << 52}}) {
          for (const Storage storage : {Storage::kPrivate, Storage::kGuestMemory}) {
            table.reuse = reuse;
            table.overflow = overflow;
            table.capacity = capacity;
            table.storage = storage;
            table.memory.reset();
            if (storage == Storage::kGuestMemory) {
              table.memory = std::get<GuestItem>(guest(component::CoreSort::kMemory, 1, "memory"));
            }
            const Package package = package_table(table);
            read(package);
            ASSERT_EQ(package.exports.size(), kTableFunctions + 1u);
          }
        }
      }
    }
  }
}

TEST(PackageTable, ImportsDestructorsAndTrapsAndExportsFunctionsByTheirNames) {
  HandleTable table;
  table.table = routing::TableId(7u);
  const Package package = package_table(table);
  const wasm::Module module = read(package);
  EXPECT_EQ(module.memories.size(), 1u);
  EXPECT_EQ(module.imported_memories, 0u);
  EXPECT_EQ(package.imports.size(), 6u);  // five ways to trap, the destructors
  for (std::uint8_t i = 0; i < kTableFunctions; ++i) {
    const auto function = static_cast<TableFunction>(i);
    EXPECT_EQ(package.exports[i + 1u].first, Symbol(TablePart{table.table, function}));
    EXPECT_EQ(package.exports[i + 1u].second, to_string(function));
  }
  EXPECT_EQ(package.exports[0].first, Symbol(Borrows{table.table}));
  EXPECT_EQ(package.exports[0].second, "borrows");
}

TEST(PackageBase, FillsTheSlotsThatHaveNoDestructor) {
  Router router;
  router.destructors.resize(3);
  router.destructors[1].function = RouterFunction{0};
  router.uses_staging = true;
  const wasm::Module module = read(package_base(router, 5));
  EXPECT_EQ(module.tables.at(0).limits.min, 4u);
  std::vector<std::uint64_t> filled;
  for (const wasm::ElementSegment& segment : module.elements) {
    filled.push_back(segment.offset.bits);
  }
  EXPECT_EQ(filled, (std::vector<std::uint64_t>{0, 1, 3}));
}

}  // namespace
}  // namespace meld_verify::emit
