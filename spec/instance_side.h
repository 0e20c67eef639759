#pragma once

// Internal to the machine.

#include <span>

#include "spec/guest_side.h"
#include "spec/machine.h"

namespace meld_verify::spec {

/// One instance's side of a boundary: its table, its realloc, and the task (callee) or subtask (caller) whose
/// borrows and lends are counted.
class Machine::InstanceSide : public GuestSide {
 public:
  InstanceSide(Machine& machine, InstanceId instance, const CoreFunction& realloc, Task* task,
               Subtask* subtask)
      : machine_(machine), instance_(instance), realloc_(realloc), task_(task), subtask_(subtask) {}

  Result<Handle> lift_own(ResourceTypeId type, HandleIndex index) override;
  Result<Handle> lift_borrow(ResourceTypeId type, HandleIndex index) override;
  Result<std::uint32_t> lower_own(const Handle& handle) override;
  Result<std::uint32_t> lower_borrow(const Handle& handle) override;
  Result<std::uint32_t> reallocate(std::uint32_t old_address, std::uint32_t old_size, std::uint32_t alignment,
                                   std::uint32_t new_size) override;

 private:
  HandleTable& table() { return machine_.at(instance_).table; }
  Result<HandleIndex> add(const Entry& entry, Transfer transfer);
  void seen(Transfer transfer, std::uint32_t value, bool as_rep, const Handle& handle) const;

  Machine& machine_;
  InstanceId instance_;
  const CoreFunction& realloc_;
  Task* task_;        ///< where values are lowered into a callee
  Subtask* subtask_;  ///< where values are lifted from a caller
};

/// Puts a task or subtask on a list while it is unresolved, also past a trap.
template <class T>
class Running {
 public:
  Running(std::vector<const T*>& list, const T& one) : list_(list) { list_.push_back(&one); }
  ~Running() { list_.pop_back(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::vector<const T*>& list_;
};

}  // namespace meld_verify::spec
