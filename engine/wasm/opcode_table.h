#pragma once

// All instructions of WebAssembly 3.0, and what follows the opcode of each.

#include <cstdint>

#include "engine/wasm/instruction.h"

namespace meld_verify::wasm {

/// What follows an opcode in the bytes. Where a name lists several things, they come in that order.
enum class OpcodeShape : std::uint8_t {
  kNone,
  kBlock,     ///< block type
  kTryTable,  ///< block type, list of catches
  kLabel,
  kBrTable,   ///< list of labels, default label
  kBrOnCast,  ///< flags, label, two heap types
  kFunc,
  kCallIndirect,  ///< type, table
  kType,
  kTypeType,
  kTypeCount,  ///< type, number of operands
  kTypeData,
  kTypeElement,
  kField,  ///< type, field of it
  kHeapType,
  kTag,
  kSelectTypes,  ///< list of value types
  kLocal,
  kGlobal,
  kTable,
  kTableTable,
  kElement,
  kElementTable,
  kData,
  kDataMemory,
  kMemory,
  kMemoryMemory,
  kMemArg,
  kMemArgLane,  ///< memory argument, lane
  kLane,
  kBytes16,  ///< a vector constant, or the lanes of a shuffle
  kFence,    ///< a zero byte
  kI32,
  kI64,
  kF32,
  kF64,
};

struct OpcodeEntry {
  const char* name = nullptr;  ///< in the text format; null: no instruction has this opcode
  OpcodeShape shape = OpcodeShape::kNone;
};

[[nodiscard]] OpcodeEntry opcode_entry(Opcode opcode);

}  // namespace meld_verify::wasm
