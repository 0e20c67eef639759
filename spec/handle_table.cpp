#include "spec/handle_table.h"

namespace meld_verify::spec {

tl::expected<HandleIndex, TrapClass> HandleTable::add(const Entry& entry) {
  if (!free_.empty()) {
    const HandleIndex index = free_.back();
    free_.pop_back();
    slots_[index.value] = entry;
    return index;
  }
  const HandleIndex index(static_cast<std::uint32_t>(slots_.size()));
  if (index.value > max_index_) {
    return tl::unexpected(TrapClass::kTableFull);
  }
  slots_.push_back(entry);
  return index;
}

tl::expected<Entry*, TrapClass> HandleTable::look(HandleIndex index) {
  if (index.value >= slots_.size() || slots_[index.value].kind == EntryKind::kEmpty) {
    return tl::unexpected(TrapClass::kUnknownHandle);
  }
  return &slots_[index.value];
}

tl::expected<Entry, TrapClass> HandleTable::take(HandleIndex index) {
  const auto entry = look(index);
  if (!entry) {
    return tl::unexpected(entry.error());
  }
  const Entry taken = **entry;
  **entry = Entry{};
  free_.push_back(index);
  return taken;
}

}  // namespace meld_verify::spec
