#include "spec/instance_side.h"

#include <array>

namespace meld_verify::spec {

/// 2.4 lift_own: TAKE, CHECK, lent, not_own.
Result<Handle> Machine::InstanceSide::lift_own(ResourceTypeId type, HandleIndex index) {
  const auto taken = table().take(index);
  if (!taken) {
    return machine_.entry_trap(taken.error(), instance_, index);
  }
  SPEC_CHECK(machine_.check_entry(*taken, type, instance_, index));
  if (taken->lends > 0) {
    return machine_.entry_trap(TrapClass::kLent, instance_, index);
  }
  if (taken->kind == EntryKind::kBorrow) {
    return machine_.entry_trap(TrapClass::kNotOwn, instance_, index);
  }
  const Handle handle{type, true, taken->rep, taken->object};
  machine_.tell(instance_, index, TableOperation::kRemove, *taken);
  seen(Transfer::kLiftOwn, index.value, false, handle);
  return handle;
}

/// 2.4 lift_borrow: LOOK, CHECK, lend. A borrow is lent on like an own.
Result<Handle> Machine::InstanceSide::lift_borrow(ResourceTypeId type, HandleIndex index) {
  const auto found = table().look(index);
  if (!found) {
    return machine_.entry_trap(found.error(), instance_, index);
  }
  Entry& entry = **found;
  SPEC_CHECK(machine_.check_entry(entry, type, instance_, index));
  entry.lends += 1;
  subtask_->lenders.push_back(index);
  const Handle handle{type, false, entry.rep, entry.object};
  machine_.tell(instance_, index, TableOperation::kLend, entry);
  seen(Transfer::kLiftBorrow, index.value, false, handle);
  return handle;
}

/// 2.4 lower_own: always a new entry, in the definer too.
Result<std::uint32_t> Machine::InstanceSide::lower_own(const Handle& handle) {
  const Entry entry{EntryKind::kOwn, handle.type, handle.rep, 0, nullptr, handle.object};
  SPEC_TRY(const HandleIndex index, add(entry, Transfer::kLowerOwn));
  return index.value;
}

/// 2.4 lower_borrow: the definer gets the rep and no entry; anybody else an entry of the running task.
Result<std::uint32_t> Machine::InstanceSide::lower_borrow(const Handle& handle) {
  if (machine_.definer(handle.type) == instance_) {
    seen(Transfer::kLowerBorrow, handle.rep.value, true, handle);
    return handle.rep.value;
  }
  task_->borrows += 1;
  const Entry entry{EntryKind::kBorrow, handle.type, handle.rep, 0, task_, handle.object};
  SPEC_TRY(const HandleIndex index, add(entry, Transfer::kLowerBorrow));
  return index.value;
}

Result<HandleIndex> Machine::InstanceSide::add(const Entry& entry, Transfer transfer) {
  const auto index = table().add(entry);
  if (!index) {
    return machine_.entry_trap(index.error(), instance_, HandleIndex{});
  }
  machine_.tell(instance_, *index, TableOperation::kAdd, entry);
  seen(transfer, index->value, false, {entry.tag, entry.kind == EntryKind::kOwn, entry.rep, entry.object});
  return *index;
}

void Machine::InstanceSide::seen(Transfer transfer, std::uint32_t value, bool as_rep,
                                 const Handle& handle) const {
  if (machine_.observer_ != nullptr) {
    machine_.observer_->handle_seen(
        {instance_, transfer, value, as_rep, handle.type, handle.rep, handle.object});
  }
}

/// 2.5 step 5: a task of its own, may_leave cleared.
Result<std::uint32_t> Machine::InstanceSide::reallocate(std::uint32_t old_address, std::uint32_t old_size,
                                                        std::uint32_t alignment, std::uint32_t new_size) {
  const std::array args = {i32(old_address), i32(old_size), i32(alignment), i32(new_size)};
  Task task{instance_};
  const Running running(machine_.tasks_, task);
  SPEC_TRY(const std::optional<CoreValue> address,
           machine_.run_confined(instance_, realloc_, args, CoreType::kI32));
  return static_cast<std::uint32_t>(address->bits);
}

}  // namespace meld_verify::spec
