// Every instruction of every core module at hand, and each opcode there is, read by wabt and by us.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <wabt/binary-reader-nop.h>
#include <wabt/binary-reader.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "engine/wasm/instruction.h"
#include "engine/wasm/module.h"
#include "engine/wasm/opcode_table.h"
#include "engine/wasm/wabt_text.h"

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// One instruction as both sides say it.
struct Said {
  std::uint32_t function = 0;
  std::uint64_t begin = 0;  ///< of the opcode
  Opcode opcode = 0;
  std::vector<std::uint32_t> indices;
  std::uint64_t align = 0, offset = 0, memory = 0, constant = 0;
  bool operator==(const Said&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Said& said) {
  out << fmt::format("function {} at 0x{:x}: {} memory {} align {} offset {} constant {} indices",
                     said.function, said.begin, name_of(said.opcode), said.memory, said.align, said.offset,
                     said.constant);
  for (const std::uint32_t index : said.indices) {
    out << ' ' << index;
  }
  return out;
}

class WabtSays : public wabt::BinaryReaderNop {
 public:
  std::vector<Said> said;
  std::string error;

  bool OnError(const wabt::Error& wrong) override {
    error = wrong.message;
    return true;
  }
  wabt::Result BeginFunctionBody(wabt::Index index, wabt::Offset) override {
    function_ = index;
    return wabt::Result::Ok;
  }
  wabt::Result EndFunctionBody(wabt::Index) override {
    function_.reset();
    return wabt::Result::Ok;
  }
  wabt::Result OnOpcode(wabt::Opcode opcode) override {
    if (function_) {
      const std::uint32_t prefix = opcode.GetPrefix();
      const Opcode number = (prefix == 0      ? 0
                             : prefix == 0xfc ? prefix << 8
                                              : prefix << 12) +
                            opcode.GetCode();
      said.push_back({.function = *function_,
                      .begin = state->offset - opcode.GetLength(),
                      .opcode = number,
                      .indices = {},
                      .align = 0,
                      .offset = 0,
                      .memory = 0,
                      .constant = 0});
    }
    return wabt::Result::Ok;
  }

#define ONE(NAME)                                 \
  wabt::Result NAME(wabt::Index index) override { \
    return indices({index});                      \
  }
#define TWO(NAME)                                                     \
  wabt::Result NAME(wabt::Index first, wabt::Index second) override { \
    return indices({first, second});                                  \
  }
#define MEMORY(NAME)                                                                                    \
  wabt::Result NAME(wabt::Opcode, wabt::Index memory, wabt::Address align, wabt::Address at) override { \
    return access(memory, align, at);                                                                   \
  }
#define LANE(NAME)                                                                                     \
  wabt::Result NAME(wabt::Opcode, wabt::Index memory, wabt::Address align, wabt::Address at, uint64_t) \
      override {                                                                                       \
    return access(memory, align, at);                                                                  \
  }
  ONE(OnBrExpr)
  ONE(OnBrIfExpr)
  ONE(OnCallExpr)
  ONE(OnCatchExpr)
  ONE(OnDelegateExpr)
  ONE(OnGlobalGetExpr)
  ONE(OnGlobalSetExpr)
  ONE(OnLocalGetExpr)
  ONE(OnLocalSetExpr)
  ONE(OnLocalTeeExpr)
  ONE(OnDataDropExpr)
  ONE(OnMemoryFillExpr)
  ONE(OnMemoryGrowExpr)
  ONE(OnMemorySizeExpr)
  ONE(OnElemDropExpr)
  ONE(OnTableGetExpr)
  ONE(OnTableSetExpr)
  ONE(OnTableGrowExpr)
  ONE(OnTableSizeExpr)
  ONE(OnTableFillExpr)
  ONE(OnRefFuncExpr)
  ONE(OnRethrowExpr)
  ONE(OnReturnCallExpr)
  ONE(OnThrowExpr)
  TWO(OnCallIndirectExpr)
  TWO(OnReturnCallIndirectExpr)
  TWO(OnMemoryInitExpr)
  TWO(OnTableCopyExpr)
  TWO(OnTableInitExpr)
  TWO(OnMemoryCopyExpr)
  MEMORY(OnLoadExpr)
  MEMORY(OnStoreExpr)
  MEMORY(OnAtomicLoadExpr)
  MEMORY(OnAtomicStoreExpr)
  MEMORY(OnAtomicRmwExpr)
  MEMORY(OnAtomicRmwCmpxchgExpr)
  MEMORY(OnAtomicWaitExpr)
  MEMORY(OnAtomicNotifyExpr)
  MEMORY(OnLoadSplatExpr)
  MEMORY(OnLoadZeroExpr)
  LANE(OnSimdLoadLaneExpr)
  LANE(OnSimdStoreLaneExpr)
#undef ONE
#undef TWO
#undef MEMORY
#undef LANE
  wabt::Result OnBrTableExpr(wabt::Index count, wabt::Index* labels, wabt::Index last) override {
    indices({labels, labels + count});
    said.back().indices.push_back(last);
    return wabt::Result::Ok;
  }
  wabt::Result OnI32ConstExpr(uint32_t value) override {
    return constant(value);
  }
  wabt::Result OnI64ConstExpr(uint64_t value) override {
    return constant(value);
  }
  wabt::Result OnF32ConstExpr(uint32_t value) override {
    return constant(value);
  }
  wabt::Result OnF64ConstExpr(uint64_t value) override {
    return constant(value);
  }

 private:
  wabt::Result indices(std::vector<std::uint32_t> all) {
    if (function_) {
      said.back().indices = std::move(all);
    }
    return wabt::Result::Ok;
  }
  wabt::Result access(wabt::Index memory, wabt::Address align, wabt::Address at) {
    said.back().memory = memory;
    said.back().align = align;
    said.back().offset = at;
    return wabt::Result::Ok;
  }
  wabt::Result constant(std::uint64_t value) {
    if (function_) {
      said.back().constant = value;
    }
    return wabt::Result::Ok;
  }
  std::optional<std::uint32_t> function_;
};

WabtSays wabt_says(std::span<const std::uint8_t> module) {
  wabt::Features features;
  features.EnableAll();
  constexpr bool kNames = false, kFirstOnly = true, kCustomSections = false;
  WabtSays wabt;
  wabt::ReadBinary(module.data(), module.size(), &wabt,
                   wabt::ReadBinaryOptions(features, nullptr, kNames, kFirstOnly, kCustomSections));
  return wabt;
}

/// What we say; `error` is empty if all could be read.
std::vector<Said> we_say(std::span<const std::uint8_t> bytes, std::string& error) {
  std::vector<Said> said;
  const auto module = decode_module(bytes, ByteOffset{0}, "module");
  if (!module) {
    error = to_string(module.error());
    return said;
  }
  Instruction instruction;
  for (std::size_t i = 0; i < module->functions.size() && error.empty(); ++i) {
    const Extent code = module->functions[i].code;
    InstructionReader reader(bytes.subspan(code.begin.value, code.end.value - code.begin.value), code.begin,
                             "module");
    while (reader.next(instruction)) {
      Said one{.function = module->imported_functions + static_cast<std::uint32_t>(i),
               .begin = instruction.begin.value,
               .opcode = instruction.opcode,
               .indices = {},
               .align = instruction.align,
               .offset = instruction.offset,
               .memory = instruction.memory,
               .constant = instruction.constant};
      for (const IndexImmediate& index : instruction.indices) {
        if (!instruction.has_memarg) {
          one.indices.push_back(index.value);
        }
      }
      said.push_back(std::move(one));
    }
    if (!reader.ok()) {
      error = to_string(reader.failure());
    } else if (instruction.end != code.end) {
      error = fmt::format("function {} ends before its end", i);
    }
  }
  return said;
}

/// How many instructions both sides say alike; fails where they do not. Modules that wabt does not read, for
/// their features, only have to be read by us.
std::size_t compare(std::span<const std::uint8_t> bytes, const std::string& name) {
  WabtSays wabt = wabt_says(bytes);
  std::string error;
  const std::vector<Said> ours = we_say(bytes, error);
  EXPECT_EQ(error, "") << name;
  EXPECT_EQ(wabt.error, "") << name;
  EXPECT_EQ(ours.size(), wabt.said.size()) << name;
  for (std::size_t i = 0; i < std::min(ours.size(), wabt.said.size()); ++i) {
    if (ours[i] != wabt.said[i]) {
      ADD_FAILURE() << name << "\nours:   " << ours[i] << "\nwabt's: " << wabt.said[i];
      return 0;
    }
  }
  return ours.size();
}

/// The core modules in a component, or the module itself.
void core_modules(std::span<const std::uint8_t> bytes, std::vector<std::span<const std::uint8_t>>& found) {
  constexpr std::size_t kPreamble = 8;
  constexpr std::uint8_t kCoreModule = 1, kComponent = 4;
  if (bytes.size() < kPreamble) {
    return;
  }
  if (bytes[4] == 1 && bytes[6] == 0) {
    found.push_back(bytes);
    return;
  }
  Reader in(bytes.subspan(kPreamble), ByteOffset{0}, "component", "component");
  while (!in.at_end()) {
    const std::uint8_t id = in.byte("a section");
    const auto contents = in.take(in.u32("a size"), "a section");
    if (in.ok() && (id == kCoreModule || id == kComponent)) {
      core_modules(contents, found);
    }
  }
}

std::size_t compare_folder(const std::filesystem::path& folder) {
  std::size_t modules = 0, instructions = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".wasm") {
      continue;
    }
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::vector<std::span<const std::uint8_t>> found;
    core_modules(bytes, found);
    for (const auto& module : found) {
      instructions += compare(module, entry.path().string());
      ++modules;
    }
  }
  std::cout << folder << ": " << modules << " core modules, " << instructions << " instructions\n";
  return instructions;
}

TEST(WabtInstructions, AreOursInTheFixtures) {
  EXPECT_GT(compare_folder(std::filesystem::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components"), 1000u);
}

TEST(WabtInstructions, AreOursInRealPrograms) {
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr || *shared == '\0') {
    std::cout << "SKIPPED: MELD_VERIFY_SHARED names no folder with real programs\n";
    return;
  }
  EXPECT_GT(compare_folder(std::filesystem::path(shared) / "real"), 100'000u);
}

void append_number(Bytes& to, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) {
    to.push_back(static_cast<std::uint8_t>(value | 0x80));
  }
  to.push_back(static_cast<std::uint8_t>(value));
}

/// The shortest immediates that wabt's reader takes after an opcode of this shape. All indices are different
/// where it does not check them.
Bytes immediates(OpcodeShape shape) {
  switch (shape) {
    case OpcodeShape::kNone:
      return {};
    case OpcodeShape::kBlock:
      return {0x40, 0x0b};
    case OpcodeShape::kTryTable:
      return {0x40, 4, 0, 3, 7, 1, 4, 8, 2, 9, 3, 10, 0x0b};
    case OpcodeShape::kBrTable:
      return {3, 4, 5, 6, 0x80, 1};
    case OpcodeShape::kBrOnCast:
      return {3, 4, 0x6e, 0x6d};
    case OpcodeShape::kFunc:
    case OpcodeShape::kLabel:
    case OpcodeShape::kType:
    case OpcodeShape::kTag:
    case OpcodeShape::kLocal:
    case OpcodeShape::kGlobal:
    case OpcodeShape::kTable:
    case OpcodeShape::kElement:
    case OpcodeShape::kData:
    case OpcodeShape::kMemory:
      return {0};
    case OpcodeShape::kCallIndirect:
    case OpcodeShape::kTypeType:
    case OpcodeShape::kTypeCount:
    case OpcodeShape::kTypeData:
    case OpcodeShape::kTypeElement:
    case OpcodeShape::kField:
    case OpcodeShape::kTableTable:
    case OpcodeShape::kElementTable:
    case OpcodeShape::kDataMemory:
    case OpcodeShape::kMemoryMemory:
      return {0, 1};
    case OpcodeShape::kHeapType:
      return {0x70};
    case OpcodeShape::kSelectTypes:
      return {1, 0x7f};
    case OpcodeShape::kMemArg:
      return {0x42, 1, 0x85, 2};
    case OpcodeShape::kMemArgLane:
      return {0x42, 1, 0x85, 2, 1};
    case OpcodeShape::kLane:
      return {1};
    case OpcodeShape::kBytes16:
      return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    case OpcodeShape::kFence:
      return {0};
    case OpcodeShape::kI32:
      return {0x85, 0xff, 0xff, 0xff, 0x78};
    case OpcodeShape::kI64:
      return {0x85, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    case OpcodeShape::kF32:
      return {1, 2, 3, 0x84};
    case OpcodeShape::kF64:
      return {1, 2, 3, 4, 5, 6, 7, 0x88};
  }
  return {};
}

/// A module of two memories, two tables and a function with this one instruction.
Bytes module_with(const Bytes& instruction) {
  Bytes body{0};
  body.insert(body.end(), instruction.begin(), instruction.end());
  body.push_back(0x0b);
  Bytes module{0, 'a', 's',  'm', 1, 0,    0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2,  1, 0, 4,
               7, 2,   0x70, 0,   1, 0x70, 0, 1, 5, 5, 2, 0,    1, 0, 1, 12, 1, 2, 10};
  append_number(module, static_cast<std::uint32_t>(body.size() + 2));
  module.push_back(1);
  module.push_back(static_cast<std::uint8_t>(body.size()));
  module.insert(module.end(), body.begin(), body.end());
  constexpr std::uint8_t kData[] = {11, 5, 2, 1, 0, 1, 0};  // two segments
  module.insert(module.end(), std::begin(kData), std::end(kData));
  return module;
}

TEST(WabtInstructions, AreOursForEachOpcodeThereIs) {
  // Opcodes that wabt 1.0.32 does not read. It takes its own call_ref to have no immediate.
  const std::set<Opcode> newer{0x0a, 0x14,   0x15,   0x1f,   0xd3,   0xd4,  0xd5,
                               0xd6, 0xfc12, 0xfc13, 0xfc14, 0xfc15, 0xfc16};
  std::size_t both = 0, ours_only = 0, neither = 0;
  for (const std::uint32_t prefix : {0u, 0xfbu, 0xfcu, 0xfdu, 0xfeu}) {
    for (std::uint32_t number = 0; number < (prefix == 0 ? 0xfbu : 0x200u); ++number) {
      const bool fits = prefix != 0xfc || number < 0x100;
      const Opcode opcode = (prefix == 0 ? 0 : prefix == 0xfc ? prefix << 8 : prefix << 12) + number;
      const OpcodeEntry entry = fits ? opcode_entry(opcode) : OpcodeEntry{};
      Bytes bytes;
      if (prefix != 0) {
        bytes.push_back(static_cast<std::uint8_t>(prefix));
      }
      prefix == 0 ? bytes.push_back(static_cast<std::uint8_t>(number)) : append_number(bytes, number);
      const Bytes after = immediates(entry.shape);
      bytes.insert(bytes.end(), after.begin(), after.end());
      // Openers and closers need a partner.
      if (opcode == 0x05 || opcode == op::kEnd || opcode == 0x07 || opcode == 0x18 || opcode == 0x19) {
        const std::uint8_t opener = opcode == 0x05 ? 0x04 : opcode == op::kEnd ? 0x02 : 0x06;
        bytes.insert(bytes.begin(), {opener, 0x40});
        if (opcode != op::kEnd && opcode != 0x18) {
          bytes.push_back(0x0b);
        }
      }
      const Bytes module = module_with(bytes);
      const std::string name = fmt::format("{} ({:#x})", name_of(opcode), opcode);
      if (entry.name == nullptr) {
        std::string error;
        we_say(module, error);
        EXPECT_NE(error.find("is not known"), std::string::npos) << name << ": " << error;
        EXPECT_NE(wabt_says(module).error, "") << name;
        ++neither;
      } else if (newer.contains(opcode) || prefix == 0xfb) {
        std::string error;
        EXPECT_GE(we_say(module, error).size(), 2u) << name;
        EXPECT_EQ(error, "") << name;
        ++ours_only;
      } else {
        EXPECT_GE(compare(module, name), 2u) << name;
        const auto code = prefix == 0 ? wabt::Opcode::FromCode(number)
                                      : wabt::Opcode::FromCode(static_cast<std::uint8_t>(prefix), number);
        EXPECT_EQ(name_of(opcode), code.GetName());
        ++both;
      }
    }
  }
  std::cout << both << " opcodes as wabt reads them, " << ours_only << " newer ones, " << neither
            << " unknown\n";
  EXPECT_GT(both, 500u);
}

}  // namespace
}  // namespace meld_verify::wasm
