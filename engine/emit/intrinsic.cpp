#include "engine/emit/intrinsic.h"

#include <utility>

#include "engine/emit/arithmetic.h"

namespace meld_verify::emit {

using wasm::FuncType;
using wasm::ValueType;

namespace {

constexpr ValueType kI32 = ValueType::kI32;

FuncType two_to_one() {
  return {{kI32, kI32}, {kI32}};
}

void check_may_leave(Code& code, component::InstanceId instance) {
  code.get(MayLeave{instance});
  code.op(arithmetic::kI32Eqz);
  code.begin_if();
  code.trap(TrapReason::kCannotLeave);
  code.end();
}

void set_may_leave(Code& code, component::InstanceId instance, bool may) {
  code.i32(may ? 1 : 0);
  code.set(MayLeave{instance});
}

void pass_on(Code& code, const Symbol& target, const FuncType& type) {
  for (std::uint32_t i = 0; i < type.params.size(); ++i) {
    code.get(i);
  }
  code.call(target, type);
}

}  // namespace

FuncType one_to_one() {
  return {{kI32}, {kI32}};
}

FuncType one_to_none() {
  return {{kI32}, {}};
}

Function new_intrinsic(std::string name, component::InstanceId instance, routing::TableId table,
                       std::uint32_t tag) {
  Code code(one_to_one());
  check_may_leave(code, instance);
  code.i32(tag);
  code.get(0);
  code.call(TablePart{table, TableFunction::kNew}, two_to_one());
  return {std::move(name), std::move(code)};
}

Function rep_intrinsic(std::string name, routing::TableId table, std::uint32_t tag) {
  Code code(one_to_one());
  code.i32(tag);
  code.get(0);
  code.call(TablePart{table, TableFunction::kRep}, two_to_one());
  return {std::move(name), std::move(code)};
}

Function drop_intrinsic(std::string name, component::InstanceId instance, routing::TableId table,
                        std::uint32_t tag, std::uint32_t slot, bool alike) {
  Code code(one_to_none());
  check_may_leave(code, instance);
  code.i32(tag);
  code.get(0);
  code.i32(slot);
  code.call(TablePart{table, alike ? TableFunction::kDropAlike : TableFunction::kDrop},
            {{kI32, kI32, kI32}, {}});
  return {std::move(name), std::move(code)};
}

Function drop_by_kind(std::string name, component::InstanceId instance, routing::TableId table,
                      std::uint32_t tag, std::uint32_t own_slot, std::uint32_t borrow_slot) {
  Code code(one_to_none());
  const std::uint32_t rep = code.local(kI32);
  const std::uint32_t borrows = code.local(kI32);
  check_may_leave(code, instance);
  code.i32(tag);
  code.get(0);
  code.call(TablePart{table, TableFunction::kRep}, two_to_one());
  code.set(rep);
  code.get(Borrows{table});
  code.set(borrows);
  code.i32(tag);
  code.get(0);
  code.i32(0);
  code.call(TablePart{table, TableFunction::kDrop}, {{kI32, kI32, kI32}, {}});
  // A borrow was counted down.
  code.get(rep);
  code.i32(own_slot);
  code.i32(borrow_slot);
  code.get(borrows);
  code.get(Borrows{table});
  code.op(arithmetic::kI32Eq);
  code.op(wasm::op::kSelect);
  code.call_indirect(BaseItem::kDestructors, one_to_none());
  return {std::move(name), std::move(code)};
}

Function canonical_intrinsic(std::string name, component::InstanceId instance, CanonicalCall call) {
  const FuncType type = call.kind == CanonicalCall::Kind::kDrop ? one_to_none() : one_to_one();
  Code code(type);
  if (call.kind != CanonicalCall::Kind::kRep) {
    check_may_leave(code, instance);
  }
  pass_on(code, call, type);
  return {std::move(name), std::move(code)};
}

Function several_destructors(std::string name, const std::vector<std::uint32_t>& slots) {
  Code code(one_to_none());
  for (const std::uint32_t slot : slots) {
    code.get(0);
    code.i32(slot);
    code.call_indirect(BaseItem::kDestructors, one_to_none());
  }
  return {std::move(name), std::move(code)};
}

Function outer_destructor(std::string name, std::uint32_t slot) {
  Code code(one_to_none());
  code.get(BaseItem::kQuiet);
  code.begin_if();
  code.i32(0);
  code.set(BaseItem::kQuiet);
  code.begin_else();
  code.get(0);
  code.i32(slot);
  code.call_indirect(BaseItem::kDestructors, one_to_none());
  code.end();
  return {std::move(name), std::move(code)};
}

Function kept_in(std::string name, component::InstanceId instance, const Symbol& target,
                 const FuncType& type) {
  Code code(type);
  set_may_leave(code, instance, false);
  pass_on(code, target, type);
  set_may_leave(code, instance, true);
  return {std::move(name), std::move(code)};
}

Function host_call(std::string name, component::InstanceId instance, const Symbol& target,
                   const FuncType& type) {
  Code code(type);
  check_may_leave(code, instance);
  set_may_leave(code, instance, false);
  pass_on(code, target, type);
  set_may_leave(code, instance, true);
  return {std::move(name), std::move(code)};
}

}  // namespace meld_verify::emit
