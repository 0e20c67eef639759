#include "engine/wasm/instruction.h"

#include <fmt/format.h>

#include "engine/wasm/opcode_table.h"

namespace meld_verify::wasm {
namespace {

constexpr std::uint8_t kRefNullType = 0x63, kRefType = 0x64;  // both are followed by a heap type

}  // namespace

std::uint32_t Instruction::index(IndexSpace space) const {
  for (const IndexImmediate& one : indices) {
    if (one.space == space) {
      return one.value;
    }
  }
  return 0;
}

// The file's name is put into a failure at the end: so the reader stays good when this object is moved.
InstructionReader::InstructionReader(std::span<const std::uint8_t> code, ByteOffset base,
                                     std::string_view file)
    : in_(code, base, {}, "instructions"), file_(file) {}

bool InstructionReader::fail() {
  failure_ = in_.failure();
  failure_->place.file = file_;
  return false;
}

bool InstructionReader::next(Instruction& into) {
  if (failure_) {
    return false;
  }
  if (depth_ == 0) {
    if (in_.at_end()) {
      return false;
    }
    in_.fail("trailing-code", fmt::format("{} more bytes after the end of the instructions", in_.left()));
    return fail();
  }
  into.begin = in_.offset();
  into.indices.clear();
  into.memory = 0;
  into.offset = 0;
  into.align = 0;
  into.has_memarg = false;
  into.constant = 0;
  into.block = {};
  Opcode opcode = in_.byte("an instruction");
  if (opcode >= 0xfb && opcode <= 0xfe) {
    const std::uint32_t number = in_.u32("an instruction's number");
    // Of each prefix fewer than 0x100 (0xfc) or 0x1000 (others) are defined; what is above fits in no Opcode.
    const bool fits = number < (opcode == 0xfc ? 0x100u : 0x1000u);
    if (in_.ok() && !fits) {
      in_.unsupported(into.begin, "unknown-opcode",
                      fmt::format("an instruction of opcode 0x{:02x} {} is not known", opcode, number));
    }
    opcode = (opcode == 0xfc ? opcode << 8 : opcode << 12) + number;
  }
  into.opcode = opcode;
  if (in_.ok()) {
    const OpcodeEntry entry = opcode_entry(opcode);
    if (entry.name == nullptr) {
      in_.unsupported(into.begin, "unknown-opcode", fmt::format("{} is not known", name_of(opcode)));
    }
    read_immediates(entry.shape, into);
  }
  constexpr Opcode kDelegate = 0x18;  // takes the place of a try's end
  if (opcode == kDelegate && depth_ == 1) {
    in_.fail(into.begin, "delegate", "a delegate closes no try");
  }
  if (!in_.ok()) {
    return fail();
  }
  into.end = in_.offset();
  if (opcode == op::kEnd || opcode == kDelegate) {
    --depth_;
  }
  return true;
}

void InstructionReader::read_immediates(OpcodeShape shape, Instruction& into) {
  using enum IndexSpace;
  switch (shape) {
    case OpcodeShape::kNone:
      break;
    case OpcodeShape::kBlock:
      ++depth_;
      block_type(into);
      break;
    case OpcodeShape::kTryTable: {
      ++depth_;
      block_type(into);
      const std::uint32_t count = in_.count("a list of catches");
      for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
        const ByteOffset at = in_.offset();
        const std::uint8_t kind = in_.byte("a catch");
        if (kind > 3) {
          in_.fail(at, "catch-kind", fmt::format("a catch has kind {}; 0 to 3 are defined", kind));
        }
        if (kind < 2) {
          index(kTag, into);
        }
        index(kLabel, into);
      }
      break;
    }
    case OpcodeShape::kLabel:
      index(kLabel, into);
      break;
    case OpcodeShape::kBrTable: {
      const std::uint32_t count = in_.count("a list of labels");
      for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
        index(kLabel, into);
      }
      index(kLabel, into);
      break;
    }
    case OpcodeShape::kBrOnCast: {
      const ByteOffset at = in_.offset();
      if (in_.byte("the flags of a cast") > 3) {
        in_.fail(at, "cast-flags", "the flags of a cast are above 3");
      }
      index(kLabel, into);
      heap_type(into);
      heap_type(into);
      break;
    }
    case OpcodeShape::kFunc:
      index(kFunc, into);
      break;
    case OpcodeShape::kCallIndirect:
      index(kType, into);
      index(kTable, into);
      break;
    case OpcodeShape::kType:
      index(kType, into);
      break;
    case OpcodeShape::kTypeType:
      index(kType, into);
      index(kType, into);
      break;
    case OpcodeShape::kTypeCount:
      index(kType, into);
      in_.u32("a number of operands");
      break;
    case OpcodeShape::kTypeData:
      index(kType, into);
      index(kData, into);
      break;
    case OpcodeShape::kTypeElement:
      index(kType, into);
      index(kElement, into);
      break;
    case OpcodeShape::kField:
      index(kType, into);
      index(kField, into);
      break;
    case OpcodeShape::kHeapType:
      heap_type(into);
      break;
    case OpcodeShape::kTag:
      index(kTag, into);
      break;
    case OpcodeShape::kSelectTypes: {
      const std::uint32_t count = in_.count("a list of value types");
      for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
        const std::uint8_t type = in_.byte("a value type");
        if (type == kRefNullType || type == kRefType) {
          heap_type(into);
        }
      }
      break;
    }
    case OpcodeShape::kLocal:
      index(kLocal, into);
      break;
    case OpcodeShape::kGlobal:
      index(kGlobal, into);
      break;
    case OpcodeShape::kTable:
      index(kTable, into);
      break;
    case OpcodeShape::kTableTable:
      index(kTable, into);
      index(kTable, into);
      break;
    case OpcodeShape::kElement:
      index(kElement, into);
      break;
    case OpcodeShape::kElementTable:
      index(kElement, into);
      index(kTable, into);
      break;
    case OpcodeShape::kData:
      index(kData, into);
      break;
    case OpcodeShape::kDataMemory:
      index(kData, into);
      index(kMemory, into);
      break;
    case OpcodeShape::kMemory:
      index(kMemory, into);
      break;
    case OpcodeShape::kMemoryMemory:
      index(kMemory, into);
      index(kMemory, into);
      break;
    case OpcodeShape::kMemArg:
      memory_argument(into);
      break;
    case OpcodeShape::kMemArgLane:
      memory_argument(into);
      in_.byte("a lane");
      break;
    case OpcodeShape::kLane:
      in_.byte("a lane");
      break;
    case OpcodeShape::kBytes16:
      in_.take(16, "a vector constant");
      break;
    case OpcodeShape::kFence: {
      const ByteOffset at = in_.offset();
      if (in_.byte("a fence") != 0) {
        in_.fail(at, "fence", "the byte after atomic.fence is not zero");
      }
      break;
    }
    case OpcodeShape::kI32:
      into.constant = static_cast<std::uint32_t>(in_.s32("a constant"));
      break;
    case OpcodeShape::kI64:
      into.constant = static_cast<std::uint64_t>(in_.s64("a constant"));
      break;
    case OpcodeShape::kF32:
      into.constant = little_endian(4);
      break;
    case OpcodeShape::kF64:
      into.constant = little_endian(8);
      break;
  }
}

std::uint32_t InstructionReader::index(IndexSpace space, Instruction& into) {
  const ByteOffset begin = in_.offset();
  const std::uint32_t value = in_.u32("an index");
  into.indices.push_back({.space = space, .value = value, .begin = begin, .end = in_.offset()});
  return value;
}

void InstructionReader::block_type(Instruction& into) {
  const std::uint8_t first = in_.peek();
  // A value type is one byte that would be a negative number; a type index is one that is not.
  if ((first & 0xc0) != 0x40) {
    const ByteOffset at = in_.offset();
    const std::int64_t type = in_.s33("a block type");
    if (type < 0) {
      in_.fail(at, "block-type", "a block type is a negative number of more than one byte");
    }
    into.block.type = static_cast<std::uint32_t>(type);
    return;
  }
  constexpr std::uint8_t kNothing = 0x40;
  in_.byte("a block type");
  if (first == kNothing) {
    return;
  }
  into.block.value_type = first;
  if (first == kRefNullType || first == kRefType) {
    heap_type(into);
  }
}

void InstructionReader::heap_type(Instruction& into) {
  const ByteOffset begin = in_.offset();
  const std::int64_t type = in_.s33("a heap type");
  if (type >= 0 && in_.ok()) {
    into.indices.push_back({.space = IndexSpace::kType,
                            .value = static_cast<std::uint32_t>(type),
                            .begin = begin,
                            .end = in_.offset()});
  }
}

void InstructionReader::memory_argument(Instruction& into) {
  constexpr std::uint32_t kHasMemory = 0x40;
  const ByteOffset at = in_.offset();
  const std::uint32_t flags = in_.u32("an alignment");
  into.has_memarg = true;
  into.align = flags & ~kHasMemory;
  if (into.align >= 64) {
    in_.fail(at, "alignment", fmt::format("an alignment of 2 to the power of {}", into.align));
  }
  if ((flags & kHasMemory) != 0) {
    into.memory = index(IndexSpace::kMemory, into);
  }
  into.offset = in_.u64("an offset");
}

std::uint64_t InstructionReader::little_endian(std::size_t size) {
  const auto bytes = in_.take(size, "a constant");
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | bytes[i];
  }
  return value;
}

std::string name_of(Opcode opcode) {
  const OpcodeEntry entry = opcode_entry(opcode);
  return entry.name != nullptr ? entry.name : fmt::format("opcode 0x{:02x}", opcode);
}

}  // namespace meld_verify::wasm
