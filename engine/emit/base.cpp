// Functions of the base module.

#include <fmt/format.h>

#include "engine/emit/arithmetic.h"
#include "engine/emit/router.h"

namespace meld_verify::emit {

using wasm::ValueType;
using namespace arithmetic;
namespace op = wasm::op;

std::vector<Function> trap_functions() {
  std::vector<Function> made;
  for (std::uint8_t i = 1; i < kTrapReasons; ++i) {
    Code code({});
    code.i32(i);
    code.set(BaseItem::kTrap);
    code.op(op::kUnreachable);
    made.push_back({fmt::format("trap.{}", to_string(static_cast<TrapReason>(i))), std::move(code)});
  }
  return made;
}

namespace {

/// Adds `size` to the i64 on the stack, keeps the sum in `end`, and traps where it lies beyond the address
/// space: its last byte is never handed out, so that the top stays a number of 32 bits.
void add_size(Code& code, std::uint32_t size, std::uint32_t end) {
  code.get(size);
  code.op(kI64ExtendI32U);
  code.op(kI64Add);
  code.tee(end);
  code.i64(0xffff'ffff);
  code.op(kI64GtU);
  code.begin_if();
  code.trap(TrapReason::kBadRealloc);
  code.end();
}

}  // namespace

// Without a branch but to the trap: whoever follows all ways through the code meets one.
Function staging_reserve() {
  constexpr std::uint32_t kAddress = 0, kSize = 1, kPageShift = 16;
  Code code({std::vector<ValueType>(2, ValueType::kI32), {}});
  const std::uint32_t end = code.local(ValueType::kI64);
  const std::uint32_t missing = code.local(ValueType::kI32);
  code.get(kAddress);
  code.op(kI64ExtendI32U);
  add_size(code, kSize, end);
  // Pages that `end` takes, less those that there are; grow by as many, if any are missing.
  code.get(end);
  code.i64((1u << kPageShift) - 1);
  code.op(kI64Add);
  code.i64(kPageShift);
  code.op(kI64ShrU);
  code.op(kI32WrapI64);
  code.memory_size(BaseItem::kStaging);
  code.op(kI32Sub);
  code.tee(missing);
  code.i32(0);
  code.get(missing);
  code.i32(0);
  code.op(kI32GtS);
  code.op(op::kSelect);
  code.memory_grow(BaseItem::kStaging);
  code.i32(0xffff'ffff);
  code.op(kI32Eq);
  code.begin_if();
  code.trap(TrapReason::kBadRealloc);
  code.end();
  return {"staging.reserve", std::move(code)};
}

// All sums are of 64 bits, so that none wraps.
Function staging_realloc() {
  constexpr std::uint32_t kOld = 0, kOldSize = 1, kAlignment = 2, kSize = 3;
  Code code({std::vector<ValueType>(4, ValueType::kI32), {ValueType::kI32}});
  const std::uint32_t address = code.local(ValueType::kI64);
  const std::uint32_t end = code.local(ValueType::kI64);
  // address = (top + alignment - 1) & -alignment
  code.get(BaseItem::kStagingTop);
  code.op(kI64ExtendI32U);
  code.get(kAlignment);
  code.op(kI64ExtendI32U);
  code.op(kI64Add);
  code.i64(1);
  code.op(kI64Sub);
  code.i64(0);
  code.get(kAlignment);
  code.op(kI64ExtendI32U);
  code.op(kI64Sub);
  code.op(kI64And);
  code.tee(address);
  add_size(code, kSize, end);
  code.get(address);
  code.op(kI32WrapI64);
  code.get(kSize);
  code.call(BaseItem::kStagingReserve, {{ValueType::kI32, ValueType::kI32}, {}});
  code.get(end);
  code.op(kI32WrapI64);
  code.set(BaseItem::kStagingTop);
  // What the old area holds, as far as the new one takes it.
  code.get(address);
  code.op(kI32WrapI64);
  code.get(kOld);
  code.get(kOldSize);
  code.get(kSize);
  code.get(kOldSize);
  code.get(kSize);
  code.op(kI32LtU);
  code.op(op::kSelect);
  code.memory_copy(BaseItem::kStaging, BaseItem::kStaging);
  code.get(address);
  code.op(kI32WrapI64);
  return {"staging.realloc", std::move(code)};
}

}  // namespace meld_verify::emit
