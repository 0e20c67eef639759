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

// All sums are of 64 bits, so that none wraps.
Function staging_realloc() {
  constexpr std::uint32_t kOld = 0, kOldSize = 1, kAlignment = 2, kSize = 3, kPageShift = 16;
  Code code({std::vector<ValueType>(4, ValueType::kI32), {ValueType::kI32}});
  const std::uint32_t address = code.local(ValueType::kI64);
  const std::uint32_t end = code.local(ValueType::kI64);
  const std::uint32_t pages = code.local(ValueType::kI32);
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
  code.get(kSize);
  code.op(kI64ExtendI32U);
  code.op(kI64Add);
  code.tee(end);
  // pages = those that `end` takes; the last byte of the address space is never handed out, so that the top
  // stays a number of 32 bits
  code.i64(0xffff'ffff);
  code.op(kI64GtU);
  code.begin_if();
  code.trap(TrapReason::kBadRealloc);
  code.end();
  code.get(end);
  code.i64((1u << kPageShift) - 1);
  code.op(kI64Add);
  code.i64(kPageShift);
  code.op(kI64ShrU);
  code.op(kI32WrapI64);
  code.tee(pages);
  code.memory_size(BaseItem::kStaging);
  code.op(kI32GtU);
  code.begin_if();
  code.get(pages);
  code.memory_size(BaseItem::kStaging);
  code.op(kI32Sub);
  code.memory_grow(BaseItem::kStaging);
  code.i32(0xffff'ffff);
  code.op(kI32Eq);
  code.begin_if();
  code.trap(TrapReason::kBadRealloc);
  code.end();
  code.end();
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
