#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spec/ids.h"
#include "spec/trap.h"

namespace meld_verify::spec {

/// One running call as its callee sees it (semantics.md 2.1): made for each lifted call, destructor call and
/// realloc call.
struct Task {
  InstanceId instance;
  std::uint32_t borrows = 0;  ///< borrow entries made for it and not yet dropped
};

enum class EntryKind : std::uint8_t {
  kEmpty,
  kOwn,
  kBorrow,
  kOther,  ///< a subtask, a stream end, …: takes an index away, and is no resource
};

/// What one slot of a table holds.
struct Entry {
  EntryKind kind = EntryKind::kEmpty;
  ResourceTypeId tag;  ///< origin of the type (design.md "Decided"), not the importer's view
  Rep rep;
  std::uint32_t lends = 0;  ///< unresolved subtasks that it is lent to, each time counted
  Task* scope = nullptr;    ///< of a borrow: the task that it was made for
  ObjectId object;          ///< ghost
};

/// The handle table of one instance (semantics.md 2.2). Indices are observable by guests, so their order is
/// law.
class HandleTable {
 public:
  /// The law's highest index; tests take less.
  static constexpr std::uint32_t kMaxIndex = (std::uint32_t{1} << 28) - 1;

  explicit HandleTable(std::uint32_t max_index = kMaxIndex) : max_index_(max_index) {}

  /// ALLOC: the index freed last, else the next new one. kTableFull above the highest index.
  [[nodiscard]] tl::expected<HandleIndex, TrapClass> add(const Entry& entry);
  /// LOOK: kUnknownHandle for 0, for what was never allocated and for what is gone. The pointer holds until
  /// the next `add`.
  [[nodiscard]] tl::expected<Entry*, TrapClass> look(HandleIndex index);
  /// TAKE: LOOK, then frees the index.
  [[nodiscard]] tl::expected<Entry, TrapClass> take(HandleIndex index);

  /// All slots by index, for whoever inspects; slot 0 is always empty.
  [[nodiscard]] std::span<const Entry> slots() const { return slots_; }
  /// Free indices; the last is allocated next.
  [[nodiscard]] std::span<const HandleIndex> free() const { return free_; }

 private:
  std::uint32_t max_index_;
  std::vector<Entry> slots_{1};
  std::vector<HandleIndex> free_;
};

}  // namespace meld_verify::spec
