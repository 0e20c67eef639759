#pragma once

// The one decoder of instructions.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/diagnostic.h"
#include "engine/wasm/module_index.h"
#include "engine/wasm/reader.h"

namespace meld_verify::wasm {

enum class OpcodeShape : std::uint8_t;

/// An opcode as one number: the byte itself (0x41 is i32.const), or prefix and number of a prefixed one
/// (0xfc0a is memory.copy; 0xfd000 + n for the vector instructions, 0xfe000 + n for atomics, 0xfb000 + n for
/// garbage collection).
using Opcode = std::uint32_t;

/// What an index immediate counts.
enum class IndexSpace : std::uint8_t {
  kType,
  kFunc,
  kTable,
  kMemory,
  kGlobal,
  kTag,
  kElement,
  kData,
  kLocal,
  kLabel,
  kField,
};

/// An index in the instruction's bytes. The memory of a load or store is one only where it is written out.
struct IndexImmediate {
  IndexSpace space = IndexSpace::kFunc;
  std::uint32_t value = 0;
  ByteOffset begin;  ///< of its LEB128
  ByteOffset end;
};

struct Instruction {
  Opcode opcode = 0;
  ByteOffset begin;
  ByteOffset end;
  /// In the order of the bytes: call_indirect: type, table; memory.copy: destination, source; table.copy the
  /// same; memory.init: data, memory. br_table: its labels, the default last (up to all of them). The type of
  /// a block is in `block` only; that of a reference is written as a signed number.
  std::vector<IndexImmediate> indices;
  /// Loads and stores, atomic and vector ones included.
  std::uint32_t memory = 0;
  std::uint64_t offset = 0;
  std::uint32_t align = 0;  ///< exponent
  bool has_memarg = false;
  /// i32.const and f32.const (upper half zero), i64.const, f64.const; vector lanes and others: 0.
  std::uint64_t constant = 0;
  /// block, loop, if, try, try_table: parameter and result types are those of a type index, or one result, or
  /// none.
  struct BlockType {
    std::optional<std::uint32_t> type;       ///< index into the module's types
    std::optional<std::uint8_t> value_type;  ///< one result
  };
  BlockType block;

  /// The first index of that space; call only where there is one.
  [[nodiscard]] std::uint32_t index(IndexSpace space) const;
};

/// Opcodes that others speak of.
namespace op {
inline constexpr Opcode kUnreachable = 0x00, kNop = 0x01, kBlock = 0x02, kLoop = 0x03, kIf = 0x04,
                        kElse = 0x05, kEnd = 0x0b, kBr = 0x0c, kBrIf = 0x0d, kBrTable = 0x0e, kReturn = 0x0f,
                        kCall = 0x10, kCallIndirect = 0x11, kReturnCall = 0x12, kReturnCallIndirect = 0x13,
                        kDrop = 0x1a, kSelect = 0x1b, kSelectTyped = 0x1c, kLocalGet = 0x20, kLocalSet = 0x21,
                        kLocalTee = 0x22, kGlobalGet = 0x23, kGlobalSet = 0x24, kTableGet = 0x25,
                        kTableSet = 0x26, kI32Load = 0x28, kI64Load = 0x29, kF32Load = 0x2a, kF64Load = 0x2b,
                        kI32Load8S = 0x2c, kI32Load8U = 0x2d, kI32Load16S = 0x2e, kI32Load16U = 0x2f,
                        kI64Load8S = 0x30, kI64Load32U = 0x35, kI32Store = 0x36, kI64Store = 0x37,
                        kF32Store = 0x38, kF64Store = 0x39, kI32Store8 = 0x3a, kI32Store16 = 0x3b,
                        kI64Store8 = 0x3c, kI64Store16 = 0x3d, kI64Store32 = 0x3e, kMemorySize = 0x3f,
                        kMemoryGrow = 0x40, kI32Const = 0x41, kI64Const = 0x42, kF32Const = 0x43,
                        kF64Const = 0x44, kRefFunc = 0xd2, kMemoryInit = 0xfc08, kDataDrop = 0xfc09,
                        kMemoryCopy = 0xfc0a, kMemoryFill = 0xfc0b, kTableInit = 0xfc0c, kElemDrop = 0xfc0d,
                        kTableCopy = 0xfc0e, kTableGrow = 0xfc0f, kTableSize = 0xfc10, kTableFill = 0xfc11;
}  // namespace op

/// Reads instructions one after another, without memory of its own beyond one instruction.
class InstructionReader {
 public:
  /// `code` is what `Function::code` (or `ConstExpr::extent`) spans; it starts at offset `base` of the file.
  /// The bytes must outlive the reader.
  InstructionReader(std::span<const std::uint8_t> code, ByteOffset base, std::string_view file);

  /// Reads the next one into `into`; false at the end of the code, and on failure. Nesting is not checked but
  /// for the code ending after the `end` that closes the body. To be fast, hand in the same `into` each time.
  bool next(Instruction& into);
  /// How many blocks are open, the body itself included; 0 after the `end` that closes it.
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  [[nodiscard]] bool ok() const { return !failure_.has_value(); }
  /// Why reading stopped; call only when not `ok()`. "truncated", "unknown-opcode" (`kUnsupported`), ...
  [[nodiscard]] const Diagnostic& failure() const { return *failure_; }

 private:
  bool fail();
  void read_immediates(OpcodeShape shape, Instruction& into);
  std::uint32_t index(IndexSpace space, Instruction& into);
  void block_type(Instruction& into);
  void heap_type(Instruction& into);
  void memory_argument(Instruction& into);
  std::uint64_t little_endian(std::size_t size);

  Reader in_;
  std::string file_;
  std::uint32_t depth_ = 1;
  std::optional<Diagnostic> failure_;
};

/// "i32.const", "memory.copy"; "opcode 0xfd07" for one without a name here.
[[nodiscard]] std::string name_of(Opcode opcode);

}  // namespace meld_verify::wasm
