#include "engine/emit/text_code.h"

#include <utility>

#include "engine/emit/arithmetic.h"

namespace meld_verify::emit {

using wasm::ValueType;
using namespace arithmetic;
namespace op = wasm::op;

namespace {

constexpr std::uint32_t kAddress = 0, kLength = 1;
constexpr wasm::Opcode kI64Eqz = 0x50, kI64Or = 0x84;

/// Writes one function's code: small words for what it does often.
class Writer {
 public:
  Writer(Code& code, const Symbol& memory) : code_(code), memory_(memory) {}

  void byte(std::uint32_t address, std::uint32_t offset = 0) {
    code_.get(address);
    code_.memory(op::kI32Load8U, memory_, offset, 0);
  }
  void unit(std::uint32_t address, std::uint32_t offset = 0) {
    code_.get(address);
    code_.memory(op::kI32Load16U, memory_, offset, 1);
  }
  void with(std::uint32_t constant, wasm::Opcode opcode) {
    code_.i32(constant);
    code_.op(opcode);
  }
  void advance(std::uint32_t local, std::uint32_t by) {
    code_.get(local);
    with(by, kI32Add);
    code_.set(local);
  }
  /// Begins a loop over the code units up to the address on the stack, which it keeps in `end`.
  void begin_units(std::uint32_t end) {
    code_.set(end);
    code_.block();
    code_.loop();
    code_.get(kAddress);
    code_.get(end);
    code_.op(kI32Eq);
    code_.br_if(1);
  }
  void end_units() {
    code_.br(0);
    code_.end();
    code_.end();
  }
  /// Traps if the number on the stack is not 0.
  void trap_if(TrapReason reason) {
    code_.begin_if();
    code_.trap(reason);
    code_.end();
  }
  /// `local` = (byte == lead ? special : usual), from two constants.
  void choose(std::uint32_t local, std::uint32_t byte, std::uint32_t lead, std::uint32_t special,
              std::uint32_t usual) {
    code_.i32(special);
    code_.i32(usual);
    code_.get(byte);
    with(lead, kI32Eq);
    code_.op(op::kSelect);
    code_.set(local);
  }

 private:
  Code& code_;
  const Symbol& memory_;
};

}  // namespace

Function check_utf8(std::string name, const Symbol& memory) {
  Code code({{ValueType::kI32, ValueType::kI32}, {}});
  Writer write(code, memory);
  const std::uint32_t end = code.local(ValueType::kI32);
  const std::uint32_t byte = code.local(ValueType::kI32);
  const std::uint32_t bytes = code.local(ValueType::kI32);
  const std::uint32_t least = code.local(ValueType::kI32);
  const std::uint32_t most = code.local(ValueType::kI32);
  const auto continuation = [&](std::uint32_t offset) {
    write.byte(kAddress, offset);
    write.with(0xc0, kI32And);
    write.with(0x80, kI32Ne);
    write.trap_if(TrapReason::kBadUtf8);
  };
  const auto left = [&] {
    code.get(end);
    code.get(kAddress);
    code.op(kI32Sub);
  };
  code.get(kAddress);
  code.get(kLength);
  code.op(kI32Add);
  write.begin_units(end);
  write.byte(kAddress);
  code.tee(byte);
  write.with(0x80, kI32LtU);
  code.begin_if();
  // ASCII in large steps, then in smaller ones.
  for (const std::uint32_t step : {32u, 8u}) {
    left();
    write.with(step, kI32GeU);
    code.begin_if();
    for (std::uint32_t offset = 0; offset < step; offset += 8) {
      code.get(kAddress);
      code.memory(op::kI64Load, memory, offset, 0);
      if (offset != 0) {
        code.op(kI64Or);
      }
    }
    code.i64(0x8080'8080'8080'8080);
    code.op(kI64And);
    code.op(kI64Eqz);
    code.begin_if();
    write.advance(kAddress, step);
    code.br(3);
    code.end();
    code.end();
  }
  write.advance(kAddress, 1);
  code.br(1);
  code.end();
  code.get(byte);
  write.with(0xc2, kI32Sub);
  write.with(0xe0 - 0xc2, kI32LtU);
  code.begin_if();
  left();
  write.with(2, kI32LtU);
  write.trap_if(TrapReason::kBadUtf8);
  continuation(1);
  write.advance(kAddress, 2);
  code.br(1);
  code.end();
  // How long the sequence is, and which second byte it may have.
  code.get(byte);
  write.with(0xf0, kI32And);
  write.with(0xe0, kI32Eq);
  code.begin_if();
  code.i32(3);
  code.set(bytes);
  write.choose(least, byte, 0xe0, 0xa0, 0x80);
  write.choose(most, byte, 0xed, 0x9f, 0xbf);
  code.begin_else();
  code.get(byte);
  write.with(0xf0, kI32Sub);
  write.with(5, kI32GeU);
  write.trap_if(TrapReason::kBadUtf8);
  code.i32(4);
  code.set(bytes);
  write.choose(least, byte, 0xf0, 0x90, 0x80);
  write.choose(most, byte, 0xf4, 0x8f, 0xbf);
  code.end();
  left();
  code.get(bytes);
  code.op(kI32LtU);
  write.trap_if(TrapReason::kBadUtf8);
  write.byte(kAddress, 1);
  code.get(least);
  code.op(kI32Sub);
  code.get(most);
  code.get(least);
  code.op(kI32Sub);
  code.op(kI32GtU);
  write.trap_if(TrapReason::kBadUtf8);
  continuation(2);
  code.get(bytes);
  write.with(4, kI32Eq);
  code.begin_if();
  continuation(3);
  code.end();
  code.get(kAddress);
  code.get(bytes);
  code.op(kI32Add);
  code.set(kAddress);
  write.end_units();
  return {std::move(name), std::move(code)};
}

Function check_utf16(std::string name, const Symbol& memory) {
  Code code({{ValueType::kI32, ValueType::kI32}, {}});
  Writer write(code, memory);
  const std::uint32_t end = code.local(ValueType::kI32);
  const std::uint32_t unit = code.local(ValueType::kI32);
  code.get(kAddress);
  code.get(kLength);
  write.with(1, kI32Shl);
  code.op(kI32Add);
  write.begin_units(end);
  write.unit(kAddress);
  code.tee(unit);
  write.with(0xf800, kI32And);
  write.with(0xd800, kI32Ne);
  code.begin_if();
  write.advance(kAddress, 2);
  code.br(1);
  code.end();
  code.get(unit);
  write.with(0xdc00, kI32GeU);
  write.trap_if(TrapReason::kBadUtf16);
  code.get(end);
  code.get(kAddress);
  code.op(kI32Sub);
  write.with(4, kI32LtU);
  write.trap_if(TrapReason::kBadUtf16);
  write.unit(kAddress, 2);
  write.with(0xfc00, kI32And);
  write.with(0xdc00, kI32Ne);
  write.trap_if(TrapReason::kBadUtf16);
  write.advance(kAddress, 4);
  write.end_units();
  return {std::move(name), std::move(code)};
}

Function narrow_to_latin1(std::string name, const Symbol& memory) {
  Code code({{ValueType::kI32, ValueType::kI32}, {ValueType::kI32}});
  Writer write(code, memory);
  const std::uint32_t i = code.local(ValueType::kI32);
  const auto unit_address = [&] {
    code.get(kAddress);
    code.get(i);
    write.with(1, kI32Shl);
    code.op(kI32Add);
  };
  const auto for_each_unit = [&](const auto& body) {
    code.i32(0);
    code.set(i);
    code.block();
    code.loop();
    code.get(i);
    code.get(kLength);
    code.op(kI32Eq);
    code.br_if(1);
    body();
    write.advance(i, 1);
    code.br(0);
    code.end();
    code.end();
  };
  for_each_unit([&] {
    unit_address();
    code.memory(op::kI32Load16U, memory, 0, 1);
    write.with(0x100, kI32GeU);
    code.begin_if();
    code.i32(0);
    code.op(op::kReturn);
    code.end();
  });
  for_each_unit([&] {
    code.get(kAddress);
    code.get(i);
    code.op(kI32Add);
    unit_address();
    code.memory(op::kI32Load16U, memory, 0, 1);
    code.memory(op::kI32Store8, memory, 0, 0);
  });
  code.i32(1);
  return {std::move(name), std::move(code)};
}

}  // namespace meld_verify::emit
