// The functions of a handle table (semantics.md 2.2 to 2.4).
//
// An entry is 16 bytes: {tag, kind and whether it is live; rep; lends; the index freed before this one}.
// Index 0 is never given, so that 0 ends the list of freed indices, and its entry is never written.

#include <algorithm>
#include <string>
#include <utility>

#include "engine/emit/arithmetic.h"
#include "engine/emit/router.h"

namespace meld_verify::emit {
namespace {

using wasm::ValueType;
using namespace arithmetic;
namespace op = wasm::op;

// Of an entry's first word: what it is, in the lowest bits; above them the tag. An empty entry has 0 there.
constexpr std::uint32_t kOwn = 1, kBorrow = 3, kBorrowShift = 1, kBorrowBit = 1 << kBorrowShift,
                        kTagShift = 2;
// Where the words lie in an entry.
constexpr std::uint32_t kHead = 0, kRep = 4, kLends = 8, kNext = 12;
constexpr std::uint32_t kEntryShift = 4, kPageShift = 16, kEntriesOfPageShift = kPageShift - kEntryShift;
constexpr std::uint32_t kWordAlign = 2;
constexpr std::uint64_t kMostEntries = (std::uint64_t{1} << 28) - 1;
constexpr std::uint32_t kFailed = 0xffff'ffff;  // what memory.grow gives

wasm::FuncType signature(std::size_t params, std::size_t results) {
  return {std::vector<ValueType>(params, ValueType::kI32), std::vector<ValueType>(results, ValueType::kI32)};
}

/// What an entry must be like, beside being live and of the right type.
struct Demands {
  bool not_lent = false;
  bool own = false;
};

/// One function of a table under construction. Parameters are the first locals.
class TableCode {
 public:
  TableCode(const HandleTable& table, std::size_t params, std::size_t results)
      : table_(table), code_(signature(params, results)) {}

  void make(std::uint32_t kind);
  void read();
  void take();
  void lend();
  void unlend();
  void drop(bool alike);

  [[nodiscard]] Code finish() { return std::move(code_); }

 private:
  using Local = std::uint32_t;

  [[nodiscard]] const routing::TableChecks& checks() const { return table_.checks; }
  [[nodiscard]] bool in_guest_memory() const { return table_.storage == routing::Storage::kGuestMemory; }
  [[nodiscard]] bool traps_when_full() const { return table_.overflow == routing::Overflow::kTrap; }

  Local local() { return code_.local(ValueType::kI32); }
  /// Traps with `reason` if the i32 on the stack is not 0.
  void trap_if(TrapReason reason);
  void load(Local entry, std::uint32_t word);
  /// Writes what `value` puts on the stack.
  template <class Value>
  void store(Local entry, std::uint32_t word, const Value& value);
  /// Sets `entry` to the address of the entry whose index is on the stack.
  void locate(Local entry);
  void add(const Symbol& global, std::uint32_t amount);

  /// LOOK and CHECK and what else is asked, in the law's order: sets `entry` to the entry's address and
  /// `head` to its first word.
  void look(Local tag, Local index, Local entry, Local head, Demands demands);
  void check_entry(Local tag, Local entry, Local head, Demands demands);
  /// Removes the entry and frees its index.
  void free(Local index, Local entry);
  void make_room(Local index);
  void make_room_in_guest_memory(Local index);
  /// Table without a check of index 0: what `what` does is done for other indices, 0 is passed over.
  template <class What>
  void unless_passed_over(Local index, const What& what);

  const HandleTable& table_;
  Code code_;
};

void TableCode::trap_if(TrapReason reason) {
  code_.begin_if();
  code_.trap(reason);
  code_.end();
}

void TableCode::load(Local entry, std::uint32_t word) {
  code_.get(entry);
  code_.memory(op::kI32Load, TableStore::kMemory, word, kWordAlign);
}

template <class Value>
void TableCode::store(Local entry, std::uint32_t word, const Value& value) {
  code_.get(entry);
  value();
  code_.memory(op::kI32Store, TableStore::kMemory, word, kWordAlign);
}

void TableCode::locate(Local entry) {
  code_.i32(kEntryShift);
  code_.op(kI32Shl);
  if (in_guest_memory()) {
    code_.get(TableStore::kBase);
    code_.op(kI32Add);
  }
  code_.set(entry);
}

void TableCode::add(const Symbol& global, std::uint32_t amount) {
  code_.get(global);
  code_.i32(amount);
  code_.op(kI32Add);
  code_.set(global);
}

template <class What>
void TableCode::unless_passed_over(Local index, const What& what) {
  if (checks().zero) {
    what();
    return;
  }
  code_.get(index);
  code_.begin_if();
  what();
  code_.end();
}

void TableCode::look(Local tag, Local index, Local entry, Local head, Demands demands) {
  if (checks().bounds) {  // of 0, too: 0 - 1 is above all indices
    code_.get(index);
    code_.i32(1);
    code_.op(kI32Sub);
    code_.get(TableStore::kTop);
    code_.op(kI32GeU);
    trap_if(TrapReason::kUnknownHandle);
  } else if (checks().zero) {
    code_.get(index);
    code_.op(kI32Eqz);
    trap_if(TrapReason::kUnknownHandle);
  }
  code_.get(index);
  locate(entry);
  load(entry, kHead);
  code_.set(head);
  if (checks().bounds) {
    check_entry(tag, entry, head, demands);
    return;
  }
  // An index that was never given is taken for that of whatever lies there.
  code_.get(index);
  code_.get(TableStore::kTop);
  code_.op(kI32LeU);
  code_.begin_if();
  check_entry(tag, entry, head, demands);
  code_.end();
}

void TableCode::check_entry(Local tag, Local entry, Local head, Demands demands) {
  if (checks().live) {
    code_.get(head);
    code_.op(kI32Eqz);
    trap_if(TrapReason::kUnknownHandle);
  }
  if (checks().type) {
    code_.get(head);
    code_.i32(kTagShift);
    code_.op(kI32ShrU);
    code_.get(tag);
    code_.op(kI32Ne);
    trap_if(TrapReason::kWrongType);
  }
  if (checks().lent && demands.not_lent) {
    load(entry, kLends);
    trap_if(TrapReason::kLent);
  }
  if (checks().kind && demands.own) {
    code_.get(head);
    code_.i32(kBorrowBit);
    code_.op(kI32And);
    trap_if(TrapReason::kNotOwn);
  }
}

void TableCode::free(Local index, Local entry) {
  if (checks().live) {
    store(entry, kHead, [&] { code_.i32(0); });
  }
  switch (table_.reuse) {
    case routing::Reuse::kNever:
      break;
    case routing::Reuse::kLifo:
      store(entry, kNext, [&] { code_.get(TableStore::kFree); });
      code_.get(index);
      code_.set(TableStore::kFree);
      break;
    case routing::Reuse::kAny: {  // behind the one that is given next
      const Local next = local();
      code_.get(TableStore::kFree);
      code_.begin_if();
      code_.get(TableStore::kFree);
      locate(next);
      store(entry, kNext, [&] { load(next, kNext); });
      store(next, kNext, [&] { code_.get(index); });
      code_.begin_else();
      store(entry, kNext, [&] { code_.i32(0); });
      code_.get(index);
      code_.set(TableStore::kFree);
      code_.end();
      break;
    }
  }
}

void TableCode::make_room(Local index) {
  if (table_.capacity && traps_when_full() && *table_.capacity < kMostEntries) {
    code_.get(index);
    code_.i32(static_cast<std::uint32_t>(*table_.capacity));
    code_.op(kI32GtU);
    trap_if(TrapReason::kTableFull);
  }
  if (in_guest_memory()) {
    make_room_in_guest_memory(index);
    return;
  }
  // A table of 2^28 entries fills a memory: then it cannot grow, and no index is ever above 2^28 - 1.
  code_.get(index);
  code_.memory_size(TableStore::kMemory);
  code_.i32(kEntriesOfPageShift);
  code_.op(kI32Shl);
  code_.op(kI32Eq);
  code_.begin_if();
  code_.i32(1);
  code_.memory_grow(TableStore::kMemory);
  if (traps_when_full()) {
    code_.i32(kFailed);
    code_.op(kI32Eq);
    trap_if(TrapReason::kTableFull);
  } else {
    code_.op(op::kDrop);
  }
  code_.end();
}

// A table with a capacity is put at the end of the memory when it gets its first entry. One without moves to
// the end, with twice the room, when it is full: the guest may have grown its memory behind the table.
void TableCode::make_room_in_guest_memory(Local index) {
  const Local place = local();
  const Local pages = local();
  if (table_.capacity) {
    code_.get(TableStore::kRoom);
    code_.op(kI32Eqz);
  } else {
    code_.get(index);
    code_.get(TableStore::kRoom);
    code_.op(kI32GeU);
  }
  code_.begin_if();
  if (table_.capacity) {
    const std::uint64_t entries = std::min(*table_.capacity, kMostEntries) + 1;
    const std::uint64_t entries_of_page = std::uint64_t{1} << kEntriesOfPageShift;
    code_.i32(static_cast<std::uint32_t>((entries + entries_of_page - 1) / entries_of_page));
  } else {
    code_.get(TableStore::kRoom);
    code_.i32(kEntriesOfPageShift - 1);
    code_.op(kI32ShrU);
    code_.i32(1);
    code_.op(kI32Or);
  }
  code_.tee(pages);
  code_.memory_grow(TableStore::kMemory);
  code_.set(place);
  if (traps_when_full()) {
    code_.get(place);
    code_.i32(kFailed);
    code_.op(kI32Eq);
    trap_if(TrapReason::kTableFull);
  }
  code_.get(place);
  code_.i32(kPageShift);
  code_.op(kI32Shl);
  code_.set(place);
  if (!table_.capacity) {
    code_.get(place);
    code_.get(TableStore::kBase);
    code_.get(TableStore::kRoom);
    code_.i32(kEntryShift);
    code_.op(kI32Shl);
    code_.memory_copy(TableStore::kMemory, TableStore::kMemory);
  }
  code_.get(place);
  code_.set(TableStore::kBase);
  code_.get(pages);
  code_.i32(kEntriesOfPageShift);
  code_.op(kI32Shl);
  code_.set(TableStore::kRoom);
  code_.end();
}

void TableCode::make(std::uint32_t kind) {
  constexpr Local kTag = 0, kTheRep = 1;
  const Local index = local();
  const Local entry = local();
  const bool reuses = table_.reuse != routing::Reuse::kNever;
  if (reuses) {
    code_.get(TableStore::kFree);
    code_.tee(index);
    code_.begin_if();
    code_.get(index);
    locate(entry);
    load(entry, kNext);
    code_.set(TableStore::kFree);
    code_.begin_else();
  }
  code_.get(TableStore::kTop);
  code_.i32(1);
  code_.op(kI32Add);
  code_.set(index);
  make_room(index);
  code_.get(index);
  code_.set(TableStore::kTop);
  code_.get(index);
  locate(entry);
  if (reuses) {
    code_.end();
  }
  store(entry, kHead, [&] {
    code_.get(kTag);
    code_.i32(kTagShift);
    code_.op(kI32Shl);
    code_.i32(kind);
    code_.op(kI32Or);
  });
  store(entry, kRep, [&] { code_.get(kTheRep); });
  store(entry, kLends, [&] { code_.i32(0); });
  if (kind == kBorrow) {
    add(TableStore::kBorrows, 1);
  }
  code_.get(index);
}

void TableCode::read() {
  constexpr Local kTag = 0, kIndex = 1;
  const Local rep = local();
  unless_passed_over(kIndex, [&] {
    const Local entry = local();
    look(kTag, kIndex, entry, local(), {});
    load(entry, kRep);
    code_.set(rep);
  });
  code_.get(rep);
}

void TableCode::take() {
  constexpr Local kTag = 0, kIndex = 1;
  const Local rep = local();
  unless_passed_over(kIndex, [&] {
    const Local entry = local();
    const Local head = local();
    look(kTag, kIndex, entry, head, {.not_lent = true, .own = true});
    load(entry, kRep);
    code_.set(rep);
    free(kIndex, entry);
    if (!checks().kind) {
      code_.get(TableStore::kBorrows);
      code_.get(head);
      code_.i32(kBorrowShift);
      code_.op(kI32ShrU);
      code_.i32(1);
      code_.op(kI32And);
      code_.op(kI32Sub);
      code_.set(TableStore::kBorrows);
    }
  });
  code_.get(rep);
}

void TableCode::lend() {
  constexpr Local kTag = 0, kIndex = 1;
  const Local rep = local();
  unless_passed_over(kIndex, [&] {
    const Local entry = local();
    const Local lends = local();
    look(kTag, kIndex, entry, local(), {});
    load(entry, kLends);
    code_.i32(1);
    code_.op(kI32Add);
    code_.tee(lends);
    code_.op(kI32Eqz);
    trap_if(TrapReason::kTableFull);  // 2^32 lends
    store(entry, kLends, [&] { code_.get(lends); });
    load(entry, kRep);
    code_.set(rep);
  });
  code_.get(rep);
}

void TableCode::unlend() {
  constexpr Local kIndex = 0;
  const Local entry = local();
  unless_passed_over(kIndex, [&] {
    code_.get(kIndex);
    locate(entry);
    store(entry, kLends, [&] {
      load(entry, kLends);
      code_.i32(1);
      code_.op(kI32Sub);
    });
  });
}

void TableCode::drop(bool alike) {
  constexpr Local kTag = 0, kIndex = 1, kSlot = 2;
  unless_passed_over(kIndex, [&] {
    const Local entry = local();
    const Local head = local();
    const Local rep = local();
    const auto destroy = [&] {
      code_.get(rep);
      code_.get(kSlot);
      code_.call_indirect(BaseItem::kDestructors, signature(1, 0));
    };
    look(kTag, kIndex, entry, head, {.not_lent = true});
    load(entry, kRep);
    code_.set(rep);
    free(kIndex, entry);
    code_.get(head);
    code_.i32(kBorrowBit);
    code_.op(kI32And);
    code_.begin_if();
    add(TableStore::kBorrows, 0u - 1);
    if (!alike) {
      code_.begin_else();
      destroy();
    }
    code_.end();
    if (alike) {
      destroy();
    }
  });
}

}  // namespace

std::vector<Function> table_functions(const HandleTable& table) {
  std::vector<Function> made;
  const auto add = [&](TableFunction function, std::size_t params, std::size_t results, const auto& write) {
    TableCode code(table, params, results);
    write(code);
    made.push_back({std::string(to_string(function)), code.finish()});
  };
  add(TableFunction::kNew, 2, 1, [](TableCode& code) { code.make(kOwn); });
  add(TableFunction::kBorrow, 2, 1, [](TableCode& code) { code.make(kBorrow); });
  add(TableFunction::kRep, 2, 1, [](TableCode& code) { code.read(); });
  add(TableFunction::kTake, 2, 1, [](TableCode& code) { code.take(); });
  add(TableFunction::kLend, 2, 1, [](TableCode& code) { code.lend(); });
  add(TableFunction::kUnlend, 1, 0, [](TableCode& code) { code.unlend(); });
  add(TableFunction::kDrop, 3, 0, [](TableCode& code) { code.drop(false); });
  add(TableFunction::kDropAlike, 3, 0, [](TableCode& code) { code.drop(true); });
  return made;
}

}  // namespace meld_verify::emit
