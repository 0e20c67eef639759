#include "engine/emit/code.h"

namespace meld_verify::emit {

using wasm::ValueType;
namespace op = wasm::op;

std::uint32_t Code::local(ValueType type) {
  locals_.push_back(type);
  return static_cast<std::uint32_t>(type_.params.size() + locals_.size() - 1);
}

ValueType Code::type_of(std::uint32_t local) const {
  return local < type_.params.size() ? type_.params[local] : locals_.at(local - type_.params.size());
}

void Code::op(wasm::Opcode opcode) {
  steps_.push_back({.opcode = opcode});
}

void Code::i32(std::uint32_t value) {
  steps_.push_back({.opcode = op::kI32Const, .number = value});
}

void Code::i64(std::uint64_t value) {
  steps_.push_back({.opcode = op::kI64Const, .number = value});
}

void Code::f32(std::uint32_t bits) {
  steps_.push_back({.opcode = op::kF32Const, .number = bits});
}

void Code::f64(std::uint64_t bits) {
  steps_.push_back({.opcode = op::kF64Const, .number = bits});
}

void Code::get(std::uint32_t local) {
  steps_.push_back({.opcode = op::kLocalGet, .number = local});
}

void Code::set(std::uint32_t local) {
  steps_.push_back({.opcode = op::kLocalSet, .number = local});
}

void Code::tee(std::uint32_t local) {
  steps_.push_back({.opcode = op::kLocalTee, .number = local});
}

void Code::get(const Symbol& global) {
  steps_.push_back({.opcode = op::kGlobalGet, .symbol = global});
}

void Code::set(const Symbol& global) {
  steps_.push_back({.opcode = op::kGlobalSet, .symbol = global});
}

void Code::call(const Symbol& function, wasm::FuncType signature) {
  steps_.push_back({.opcode = op::kCall, .symbol = function, .signature = std::move(signature)});
}

void Code::call_indirect(const Symbol& table, wasm::FuncType signature) {
  steps_.push_back({.opcode = op::kCallIndirect, .symbol = table, .signature = std::move(signature)});
}

void Code::trap(TrapReason reason) {
  call(TrapCall{reason}, {});
  op(op::kUnreachable);
}

void Code::memory(wasm::Opcode opcode, const Symbol& memory, std::uint32_t offset, std::uint32_t align) {
  steps_.push_back({.opcode = opcode, .number = offset, .align = align, .symbol = memory});
}

void Code::memory_copy(const Symbol& to, const Symbol& from) {
  steps_.push_back({.opcode = op::kMemoryCopy, .symbol = to, .source = from});
}

void Code::memory_size(const Symbol& memory) {
  steps_.push_back({.opcode = op::kMemorySize, .symbol = memory});
}

void Code::memory_grow(const Symbol& memory) {
  steps_.push_back({.opcode = op::kMemoryGrow, .symbol = memory});
}

void Code::block(std::optional<ValueType> result) {
  steps_.push_back({.opcode = op::kBlock, .block_type = result});
}

void Code::loop(std::optional<ValueType> result) {
  steps_.push_back({.opcode = op::kLoop, .block_type = result});
}

void Code::begin_if(std::optional<ValueType> result) {
  steps_.push_back({.opcode = op::kIf, .block_type = result});
}

void Code::begin_else() {
  op(op::kElse);
}

void Code::end() {
  op(op::kEnd);
}

void Code::br(std::uint32_t label) {
  steps_.push_back({.opcode = op::kBr, .number = label});
}

void Code::br_if(std::uint32_t label) {
  steps_.push_back({.opcode = op::kBrIf, .number = label});
}

}  // namespace meld_verify::emit
