#pragma once

// What emitted code refers to, by what it is. Packaging (a module of its own, or a place at the end of a
// fuser's) turns each into an index.

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "engine/component/composition.h"
#include "engine/routing/plan.h"

namespace meld_verify::emit {

/// A function or memory of the guests, as the composed component names it.
struct GuestItem {
  component::CoreItem item;
  bool operator==(const GuestItem& other) const {
    return item.sort == other.item.sort && item.source == other.item.source;
  }
  bool operator<(const GuestItem& other) const {
    return std::tie(item.sort, item.source) < std::tie(other.item.sort, other.item.source);
  }
};

/// A function of a handle table's. All take and give i32; `tag` is the type key's number in the plan.
enum class TableFunction : std::uint8_t {
  kNew,     ///< (tag, rep) -> index: a new own entry (semantics.md 2.2 ALLOC); also of lower_own
  kBorrow,  ///< (tag, rep) -> index: a new borrow entry; counts it in `kBorrows`
  kRep,     ///< (tag, index) -> rep
  kTake,    ///< (tag, index) -> rep: lift_own; removes the entry
  kLend,    ///< (tag, index) -> rep: lift_borrow; counts a lend
  kUnlend,  ///< (index): the call that it was lent to has ended
  kDrop,  ///< (tag, index, slot): removes the entry; of an own calls `slot` of the destructor table with the
          ///< rep, of a borrow counts `kBorrows` down
  kDropAlike,  ///< as kDrop, but calls the slot for a borrow too (wrong plans only)
};
struct TablePart {
  routing::TableId table;
  TableFunction function;
  auto operator<=>(const TablePart&) const = default;
};
/// A mutable i32 global of a handle table: how many borrow entries are alive in it.
struct Borrows {
  routing::TableId table;
  auto operator<=>(const Borrows&) const = default;
};
/// A mutable i32 global of a component instance: 1 while it may call out and make or drop handles, else 0.
struct MayLeave {
  component::InstanceId instance;
  auto operator<=>(const MayLeave&) const = default;
};

/// Why emitted code traps: the classes of semantics.md section 2 and those of values; the numbers are those
/// that the global `trap` of the base module shows.
enum class TrapReason : std::uint8_t {
  kNone = 0,
  kUnknownHandle,
  kWrongType,
  kLent,
  kNotOwn,
  kBorrowsRemain,
  kCannotLeave,
  kTableFull,
  kOutOfBounds,
  kMisaligned,
  kBadDiscriminant,
  kBadUtf8,
  kBadUtf16,
  kBadChar,
  kListTooLong,
  kStringTooLong,
  kBadRealloc,
};
inline constexpr std::uint8_t kTrapReasons = 17;
/// "unknown_handle", as the law calls it.
[[nodiscard]] std::string_view to_string(TrapReason reason);

/// A function () -> () of the base module that notes the reason and traps.
struct TrapCall {
  TrapReason reason;
  auto operator<=>(const TrapCall&) const = default;
};

/// Things of the base module of which there is one.
enum class BaseItem : std::uint8_t {
  kDestructors,     ///< funcref table; slot 0 does nothing, others are `Router::destructors`
  kStaging,         ///< memory at the outer boundary that no guest sees
  kStagingTop,      ///< mutable i32 global: first free byte of kStaging
  kStagingReserve,  ///< function (address, size): makes kStaging so large that an area ends within it
  kStagingRealloc,  ///< function (old, old size, alignment, size) -> address, in kStaging
  kTrap,            ///< mutable i32 global, exported as "trap": the TrapReason, kNone before a trap
  kQuiet,           ///< mutable i32 global: 1: the next run of an outer destructor does nothing
};

/// A function of the router: index into `Router::functions`.
struct RouterFunction {
  std::uint32_t index = 0;
  auto operator<=>(const RouterFunction&) const = default;
};

/// A canonical definition that stays one in the fused component.
struct CanonicalCall {
  enum class Kind : std::uint8_t {
    kLower,  ///< the lowering `id` (CanonId) of a host's function, with the options of `lowered` below
    kNew,    ///< of resource type `id` (ResourceId), as the fused component knows it
    kRep,
    kDrop,
  };
  Kind kind = Kind::kLower;
  std::uint32_t id = 0;
  auto operator<=>(const CanonicalCall&) const = default;
};

/// In a table's own code: a mutable i32 global or the memory of that table. Outside of the table's functions
/// only `Borrows` is known.
enum class TableStore : std::uint8_t {
  kMemory,
  kTop,     ///< the highest index that was ever given, 0 at first
  kFree,    ///< the index that was freed last, or 0
  kBase,    ///< kGuestMemory: where the table begins in its memory
  kRoom,    ///< kGuestMemory: slots that there is room for, 0 before the first entry
  kBorrows  ///< what `Borrows` is outside
};

using Symbol = std::variant<GuestItem, TablePart, Borrows, MayLeave, TrapCall, BaseItem, RouterFunction,
                            CanonicalCall, TableStore>;

/// What kind of core item a symbol stands for. Of a CanonicalCall, TrapCall, TablePart or RouterFunction: a
/// function.
[[nodiscard]] wasm::ExternKind kind_of(const Symbol& symbol);

/// A two-part name for people, the same for no two symbols: {"table 3", "take"}, {"base",
/// "trap.unknown_handle"}, {"core instance 4", "memory"}. TableStore: {"table", "top"}.
struct SymbolName {
  std::string module, field;
};
[[nodiscard]] SymbolName name_of(const Symbol& symbol);
/// "take", as the table module exports it; "borrows" of the counter.
[[nodiscard]] std::string_view to_string(TableFunction function);
inline constexpr std::uint8_t kTableFunctions = 8;

}  // namespace meld_verify::emit
