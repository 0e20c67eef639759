#include "engine/emit/encode.h"

#include <stdexcept>

#include "engine/wasm/opcode_table.h"
#include "engine/wasm/writer.h"

namespace meld_verify::emit {
namespace {

using wasm::OpcodeShape;

void encode_opcode(wasm::Writer& to, wasm::Opcode opcode) {
  if (opcode < 0x100) {
    to.byte(static_cast<std::uint8_t>(opcode));
  } else if (opcode < 0x10000) {
    to.byte(static_cast<std::uint8_t>(opcode >> 8));
    to.u32(opcode & 0xff);
  } else {
    to.byte(static_cast<std::uint8_t>(opcode >> 12));
    to.u32(opcode & 0xfff);
  }
}

const Symbol& named(const std::optional<Symbol>& symbol) {
  if (!symbol) {
    throw std::logic_error("an instruction without the symbol that it needs");
  }
  return *symbol;
}

void encode_step(wasm::Writer& to, const Step& step, const Indices& indices) {
  encode_opcode(to, step.opcode);
  const auto number = [&] { return static_cast<std::uint32_t>(step.number); };
  const auto index = [&](const std::optional<Symbol>& symbol) { to.u32(indices.symbol(named(symbol))); };
  switch (wasm::opcode_entry(step.opcode).shape) {
    case OpcodeShape::kNone:
      break;
    case OpcodeShape::kBlock: {
      constexpr std::uint8_t kNothing = 0x40;
      to.byte(step.block_type ? static_cast<std::uint8_t>(*step.block_type) : kNothing);
      break;
    }
    case OpcodeShape::kLabel:
    case OpcodeShape::kLocal:
      to.u32(number());
      break;
    case OpcodeShape::kFunc:
    case OpcodeShape::kGlobal:
    case OpcodeShape::kTable:
    case OpcodeShape::kMemory:
      index(step.symbol);
      break;
    case OpcodeShape::kMemoryMemory:
      index(step.symbol);
      index(step.source);
      break;
    case OpcodeShape::kCallIndirect:
      to.u32(indices.type(step.signature));
      index(step.symbol);
      break;
    case OpcodeShape::kMemArg: {
      constexpr std::uint32_t kHasMemory = 0x40;
      const std::uint32_t memory = indices.symbol(named(step.symbol));
      to.u32(step.align | (memory != 0 ? kHasMemory : 0));
      if (memory != 0) {
        to.u32(memory);
      }
      to.u64(step.number);
      break;
    }
    case OpcodeShape::kI32:
      to.s32(static_cast<std::int32_t>(number()));
      break;
    case OpcodeShape::kI64:
      to.s64(static_cast<std::int64_t>(step.number));
      break;
    case OpcodeShape::kF32:
      to.little_endian(step.number, 4);
      break;
    case OpcodeShape::kF64:
      to.little_endian(step.number, 8);
      break;
    default:
      throw std::logic_error("emitted code has no " + wasm::name_of(step.opcode));
  }
}

}  // namespace

std::vector<std::uint8_t> encode(const Code& code, const Indices& indices) {
  wasm::Writer to;
  for (const Step& step : code.steps()) {
    encode_step(to, step, indices);
  }
  to.byte(wasm::op::kEnd);
  return to.take();
}

}  // namespace meld_verify::emit
