#include "engine/wasm/instruction.h"

#include <gtest/gtest.h>

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr ByteOffset kBase{1000};

/// All instructions of `code`; what is wrong with it goes to `error`.
std::vector<Instruction> read(const Bytes& code, Diagnostic* error = nullptr) {
  InstructionReader reader(code, kBase, "file.wasm");
  std::vector<Instruction> all;
  for (Instruction one; reader.next(one);) {
    all.push_back(one);
  }
  if (error != nullptr) {
    EXPECT_FALSE(reader.ok());
    *error = reader.ok() ? Diagnostic{} : reader.failure();
  } else {
    EXPECT_TRUE(reader.ok()) << to_string(reader.failure());
  }
  return all;
}

/// The one instruction before the end.
Instruction only(Bytes code) {
  code.push_back(0x0b);
  const auto all = read(code);
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(all.at(0).begin, kBase);
  EXPECT_EQ(all.at(0).end.value, kBase.value + code.size() - 1);
  return all.at(0);
}

std::string code_of(const Bytes& code) {
  Diagnostic error;
  read(code, &error);
  EXPECT_EQ(error.place.file, "file.wasm");
  EXPECT_GE(error.place.offset.value_or(ByteOffset{0}), kBase);
  return error.code;
}

TEST(Instruction, SaysItsIndicesInTheOrderOfTheBytes) {
  const Instruction call = only({0x10, 0x85, 0x01});
  EXPECT_EQ(call.opcode, op::kCall);
  EXPECT_EQ(call.index(IndexSpace::kFunc), 133u);
  EXPECT_EQ(call.indices.at(0).begin.value, kBase.value + 1);
  EXPECT_EQ(call.indices.at(0).end.value, kBase.value + 3);
  const Instruction indirect = only({0x11, 3, 1});
  EXPECT_EQ(indirect.index(IndexSpace::kType), 3u);
  EXPECT_EQ(indirect.index(IndexSpace::kTable), 1u);
  const Instruction copy = only({0xfc, 10, 1, 2});
  EXPECT_EQ(copy.opcode, op::kMemoryCopy);
  EXPECT_EQ(copy.indices.at(0).value, 1u);
  EXPECT_EQ(copy.indices.at(1).value, 2u);
  const Instruction init = only({0xfc, 8, 5, 1});
  EXPECT_EQ(init.index(IndexSpace::kData), 5u);
  EXPECT_EQ(init.index(IndexSpace::kMemory), 1u);
  const Instruction table = only({0x0e, 2, 7, 8, 9});
  ASSERT_EQ(table.indices.size(), 3u);
  EXPECT_EQ(table.indices[2].value, 9u);
}

TEST(Instruction, SaysConstantsByTheirBits) {
  EXPECT_EQ(only({0x41, 0x7f}).constant, 0xffff'ffffu);
  EXPECT_EQ(only({0x41, 0x80, 0x80, 0x80, 0x80, 0x78}).constant, 0x8000'0000u);
  EXPECT_EQ(only({0x42, 0x7f}).constant, ~std::uint64_t{0});
  EXPECT_EQ(only({0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}).constant,
            std::uint64_t{1} << 63);
  EXPECT_EQ(only({0x43, 0, 0, 0x80, 0xbf}).constant, 0xbf80'0000u);
  EXPECT_EQ(only({0x44, 1, 2, 3, 4, 5, 6, 7, 8}).constant, 0x0807'0605'0403'0201u);
}

TEST(Instruction, SaysTheMemoryAlignmentAndOffsetOfAnAccess) {
  const Instruction load = only({0x28, 2, 0x80, 1});
  EXPECT_TRUE(load.has_memarg);
  EXPECT_EQ(load.align, 2u);
  EXPECT_EQ(load.offset, 128u);
  EXPECT_EQ(load.memory, 0u);
  EXPECT_TRUE(load.indices.empty());
  const Instruction store = only({0x36, 0x42, 3, 16});
  EXPECT_EQ(store.align, 2u);
  EXPECT_EQ(store.memory, 3u);
  EXPECT_EQ(store.offset, 16u);
  EXPECT_EQ(store.index(IndexSpace::kMemory), 3u);
  const Instruction far = only({0x29, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});
  EXPECT_EQ(far.offset, ~std::uint64_t{0});
  EXPECT_TRUE(only({0xfd, 0x5b, 0x43, 1, 8, 1}).has_memarg);
  EXPECT_EQ(only({0xfe, 0x10, 2, 8}).offset, 8u);
}

TEST(Instruction, SaysTheTypeOfABlock) {
  const auto block = [](Bytes type) {
    type.insert(type.begin(), 0x02);
    type.insert(type.end(), {0x0b, 0x0b});
    const auto all = read(type);
    EXPECT_EQ(all.size(), 3u);
    return all.at(0).block;
  };
  EXPECT_FALSE(block({0x40}).type);
  EXPECT_FALSE(block({0x40}).value_type);
  EXPECT_EQ(block({0x7f}).value_type, 0x7f);
  EXPECT_EQ(block({5}).type, 5u);
  EXPECT_EQ(block({0xc5, 0x00}).type, 69u);
  EXPECT_EQ(block({0x63, 0x70}).value_type, 0x63);
}

TEST(Instruction, KnowsWhatCameAfterTheFirstVersion) {
  const auto all = read({0x1f, 0x40, 4, 0, 3, 7, 1, 4, 8, 2, 9, 3, 10, 0x0b, 0x0b});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(name_of(all[0].opcode), "try_table");
  EXPECT_EQ(all[0].indices.size(), 6u);
  EXPECT_EQ(all[0].index(IndexSpace::kTag), 3u);
  EXPECT_EQ(all[0].index(IndexSpace::kLabel), 7u);
  EXPECT_EQ(read({0x06, 0x40, 0x18, 0, 0x0b}).size(), 3u);  // a try that delegates has no end
  EXPECT_EQ(read({0x06, 0x40, 0x07, 0, 0x19, 0x0b, 0x0b}).size(), 5u);
  EXPECT_EQ(only({0x14, 4}).index(IndexSpace::kType), 4u);   // call_ref
  EXPECT_EQ(only({0xd5, 4}).index(IndexSpace::kLabel), 4u);  // br_on_null
  EXPECT_EQ(only({0xd0, 4}).index(IndexSpace::kType), 4u);   // ref.null of a type
  EXPECT_TRUE(only({0xd0, 0x70}).indices.empty());
  EXPECT_EQ(only({0xfb, 2, 4, 1}).index(IndexSpace::kField), 1u);  // struct.get
  EXPECT_EQ(only({0xfd, 0x93, 0x02}).opcode, 0xfd113u);
  EXPECT_EQ(name_of(0xfd113), "i32x4.dot_i8x16_i7x16_add_s");
}

TEST(Instruction, HasAName) {
  EXPECT_EQ(name_of(op::kI32Const), "i32.const");
  EXPECT_EQ(name_of(op::kMemoryCopy), "memory.copy");
  EXPECT_EQ(name_of(0xfd09a), "opcode 0xfd09a");
  EXPECT_EQ(name_of(0xff), "opcode 0xff");
  EXPECT_EQ(name_of(0xffff'ffff), "opcode 0xffffffff");
}

TEST(InstructionReader, SaysWhyItStops) {
  EXPECT_EQ(code_of({}), "truncated");
  EXPECT_EQ(code_of({0x01}), "truncated");
  EXPECT_EQ(code_of({0x02, 0x40, 0x0b}), "truncated");
  EXPECT_EQ(code_of({0x10}), "truncated");
  EXPECT_EQ(code_of({0x43, 0, 0, 0}), "truncated");
  EXPECT_EQ(code_of({0x0b, 0x01}), "trailing-code");
  EXPECT_EQ(code_of({0x18, 0x00}), "delegate");
  EXPECT_EQ(code_of({0xff, 0x0b}), "unknown-opcode");
  EXPECT_EQ(code_of({0xfc, 0x80, 0x02, 0x0b}), "unknown-opcode");
  EXPECT_EQ(code_of({0xfd, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b}), "unknown-opcode");
  EXPECT_EQ(code_of({0x28, 0x80, 0x01, 0, 0x0b}), "alignment");
  EXPECT_EQ(code_of({0x0e, 0xff, 0xff, 0xff, 0x0f, 0, 0x0b}), "count");
}

TEST(InstructionReader, TakesNoNumberThatIsTooLong) {
  EXPECT_EQ(code_of({0x10, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x41, 0x80, 0x80, 0x80, 0x80, 0x08, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x41, 0x80, 0x80, 0x80, 0x80, 0x70, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x28, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x02, 0x80, 0x80, 0x80, 0x80, 0x20, 0x0b, 0x0b}), "leb128");
  EXPECT_EQ(code_of({0x02, 0xff, 0x7f, 0x0b, 0x0b}), "block-type");
}

TEST(InstructionReader, SaysThePlaceOfAnUnknownOpcode) {
  Diagnostic error;
  EXPECT_EQ(read({0x01, 0x01, 0xfd, 0x9a, 0x01, 0x0b}, &error).size(), 2u);
  EXPECT_EQ(error.kind, DiagnosticKind::kUnsupported);
  EXPECT_EQ(error.place.offset, ByteOffset{kBase.value + 2});
  EXPECT_EQ(error.sentence, "opcode 0xfd09a is not known");
}

}  // namespace
}  // namespace meld_verify::wasm
