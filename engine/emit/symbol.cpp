#include "engine/emit/symbol.h"

#include <fmt/format.h>

namespace meld_verify::emit {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

wasm::ExternKind kind_of(component::CoreSort sort) {
  switch (sort) {
    case component::CoreSort::kFunc:
      return wasm::ExternKind::kFunc;
    case component::CoreSort::kTable:
      return wasm::ExternKind::kTable;
    case component::CoreSort::kMemory:
      return wasm::ExternKind::kMemory;
    case component::CoreSort::kGlobal:
      return wasm::ExternKind::kGlobal;
    case component::CoreSort::kTag:
      return wasm::ExternKind::kTag;
  }
  return wasm::ExternKind::kFunc;
}

std::string name_of(BaseItem item) {
  switch (item) {
    case BaseItem::kDestructors:
      return "destructors";
    case BaseItem::kStaging:
      return "staging";
    case BaseItem::kStagingTop:
      return "staging.top";
    case BaseItem::kStagingReserve:
      return "staging.reserve";
    case BaseItem::kStagingRealloc:
      return "staging.realloc";
    case BaseItem::kTrap:
      return "trap";
    case BaseItem::kQuiet:
      return "quiet";
  }
  return {};
}

std::string name_of(TableStore part) {
  switch (part) {
    case TableStore::kMemory:
      return "memory";
    case TableStore::kTop:
      return "top";
    case TableStore::kFree:
      return "free";
    case TableStore::kBase:
      return "base";
    case TableStore::kRoom:
      return "room";
    case TableStore::kBorrows:
      return "borrows";
  }
  return {};
}

std::string name_of(CanonicalCall::Kind kind) {
  switch (kind) {
    case CanonicalCall::Kind::kLower:
      return "lower";
    case CanonicalCall::Kind::kNew:
      return "new";
    case CanonicalCall::Kind::kRep:
      return "rep";
    case CanonicalCall::Kind::kDrop:
      return "drop";
  }
  return {};
}

}  // namespace

std::string_view to_string(TrapReason reason) {
  switch (reason) {
    case TrapReason::kNone:
      return "none";
    case TrapReason::kUnknownHandle:
      return "unknown_handle";
    case TrapReason::kWrongType:
      return "wrong_type";
    case TrapReason::kLent:
      return "lent";
    case TrapReason::kNotOwn:
      return "not_own";
    case TrapReason::kBorrowsRemain:
      return "borrows_remain";
    case TrapReason::kCannotLeave:
      return "cannot_leave";
    case TrapReason::kTableFull:
      return "table_full";
    case TrapReason::kOutOfBounds:
      return "out_of_bounds";
    case TrapReason::kMisaligned:
      return "misaligned";
    case TrapReason::kBadDiscriminant:
      return "bad_discriminant";
    case TrapReason::kBadUtf8:
      return "bad_utf8";
    case TrapReason::kBadUtf16:
      return "bad_utf16";
    case TrapReason::kBadChar:
      return "bad_char";
    case TrapReason::kListTooLong:
      return "list_too_long";
    case TrapReason::kStringTooLong:
      return "string_too_long";
    case TrapReason::kBadRealloc:
      return "bad_realloc";
  }
  return "none";
}

std::string_view to_string(TableFunction function) {
  switch (function) {
    case TableFunction::kNew:
      return "new";
    case TableFunction::kBorrow:
      return "borrow";
    case TableFunction::kRep:
      return "rep";
    case TableFunction::kTake:
      return "take";
    case TableFunction::kLend:
      return "lend";
    case TableFunction::kUnlend:
      return "unlend";
    case TableFunction::kDrop:
      return "drop";
    case TableFunction::kDropAlike:
      return "drop_alike";
  }
  return {};
}

wasm::ExternKind kind_of(const Symbol& symbol) {
  using wasm::ExternKind;
  return std::visit(Overloaded{[](const GuestItem& guest) { return kind_of(guest.item.sort); },
                               [](const TablePart&) { return ExternKind::kFunc; },
                               [](const Borrows&) { return ExternKind::kGlobal; },
                               [](const MayLeave&) { return ExternKind::kGlobal; },
                               [](const TrapCall&) { return ExternKind::kFunc; },
                               [](BaseItem item) {
                                 switch (item) {
                                   case BaseItem::kDestructors:
                                     return ExternKind::kTable;
                                   case BaseItem::kStaging:
                                     return ExternKind::kMemory;
                                   case BaseItem::kStagingReserve:
                                   case BaseItem::kStagingRealloc:
                                     return ExternKind::kFunc;
                                   case BaseItem::kStagingTop:
                                   case BaseItem::kTrap:
                                   case BaseItem::kQuiet:
                                     return ExternKind::kGlobal;
                                 }
                                 return ExternKind::kGlobal;
                               },
                               [](const RouterFunction&) { return ExternKind::kFunc; },
                               [](const CanonicalCall&) { return ExternKind::kFunc; },
                               [](TableStore part) {
                                 return part == TableStore::kMemory ? ExternKind::kMemory
                                                                    : ExternKind::kGlobal;
                               }},
                    symbol);
}

SymbolName name_of(const Symbol& symbol) {
  return std::visit(
      Overloaded{[](const GuestItem& guest) -> SymbolName {
                   if (const auto* canon = std::get_if<component::CanonId>(&guest.item.source)) {
                     return {"canon", fmt::format("{}", canon->value)};
                   }
                   const auto& [instance, name] =
                       std::get<std::pair<component::CoreInstanceId, std::string>>(guest.item.source);
                   return {fmt::format("core instance {}", instance.value), name};
                 },
                 [](const TablePart& part) -> SymbolName {
                   return {fmt::format("table {}", part.table.value), std::string(to_string(part.function))};
                 },
                 [](const Borrows& borrows) -> SymbolName {
                   return {fmt::format("table {}", borrows.table.value), "borrows"};
                 },
                 [](const MayLeave& flag) -> SymbolName {
                   return {"base", fmt::format("may_leave {}", flag.instance.value)};
                 },
                 [](const TrapCall& trap) -> SymbolName {
                   return {"base", fmt::format("trap.{}", to_string(trap.reason))};
                 },
                 [](BaseItem item) -> SymbolName {
                   return {"base", name_of(item)};
                 },
                 [](const RouterFunction& function) -> SymbolName {
                   return {"router", fmt::format("{}", function.index)};
                 },
                 [](const CanonicalCall& call) -> SymbolName {
                   return {"canonical", fmt::format("{} {}", name_of(call.kind), call.id)};
                 },
                 [](TableStore part) -> SymbolName {
                   return {"table", name_of(part)};
                 }},
      symbol);
}

}  // namespace meld_verify::emit
