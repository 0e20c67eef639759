// The built-ins and the destructor call: semantics.md 2.3 and 2.6.

#include <array>

#include "spec/instance_side.h"

namespace meld_verify::spec {

/// 2.3 resource_new.
Result<HandleIndex> Machine::new_own(InstanceId instance, ResourceTypeId type, Rep rep) {
  if (definer(type) != instance) {
    return trap(TrapClass::kNotValid,
                "resource.new of " + name(type) + " outside of the instance that defines it");
  }
  if (!at(instance).may_leave) {
    return trap(TrapClass::kCannotLeave,
                describe(instance) + " calls resource.new in realloc or post-return");
  }
  const Entry entry{EntryKind::kOwn, type, rep, 0, nullptr, ObjectId{next_object_++}};
  const auto index = at(instance).table.add(entry);
  if (!index) {
    return entry_trap(index.error(), instance, HandleIndex{});
  }
  tell(instance, *index, TableOperation::kNew, entry);
  return *index;
}

/// 2.3 resource_rep: no test of may_leave, and a borrow will do.
Result<Rep> Machine::rep_of(InstanceId instance, ResourceTypeId type, HandleIndex index) {
  if (definer(type) != instance) {
    return trap(TrapClass::kNotValid,
                "resource.rep of " + name(type) + " outside of the instance that defines it");
  }
  const auto entry = at(instance).table.look(index);
  if (!entry) {
    return entry_trap(entry.error(), instance, index);
  }
  SPEC_CHECK(check_entry(**entry, type, instance, index));
  tell(instance, index, TableOperation::kRep, **entry);
  return (*entry)->rep;
}

/// 2.3 resource_drop: may_leave, TAKE, CHECK, lent; then the destructor, or one borrow less for the task that
/// the entry was made for, whichever task runs.
Result<void> Machine::drop(InstanceId instance, ResourceTypeId type, HandleIndex index) {
  if (!at(instance).may_leave) {
    return trap(TrapClass::kCannotLeave,
                describe(instance) + " calls resource.drop in realloc or post-return");
  }
  const auto taken = at(instance).table.take(index);
  if (!taken) {
    return entry_trap(taken.error(), instance, index);
  }
  SPEC_CHECK(check_entry(*taken, type, instance, index));
  if (taken->lends > 0) {
    return entry_trap(TrapClass::kLent, instance, index);
  }
  tell(instance, index, TableOperation::kDrop, *taken);
  if (taken->kind == EntryKind::kOwn) {
    return destroy(destruction_of(instance, type, taken->rep, taken->object));
  }
  taken->scope->borrows -= 1;
  return {};
}

Destruction Machine::destruction_of(Party dropper, ResourceTypeId type, Rep rep, ObjectId object) const {
  const ResourceType& resource = resource_types_[type.value];
  const bool has_code =
      resource.definer ? static_cast<bool>(resource.destructor) : static_cast<bool>(resource.host_destructor);
  return {dropper, resource.definer, type, rep, object, has_code};
}

/// 2.6 RUN_DTOR: in the definer, whoever drops. Entering it is checked even if there is no destructor.
Result<void> Machine::destroy(const Destruction& destruction) {
  if (destruction.definer) {
    SPEC_CHECK(enter(*destruction.definer, destruction.dropper));
  }
  if (observer_ != nullptr) {
    observer_->destructor_entered(destruction);
  }
  SPEC_CHECK(run_destructor(destruction));
  if (observer_ != nullptr) {
    observer_->destructor_left(destruction);
  }
  if (destruction.definer) {
    leave(*destruction.definer, destruction.dropper);
  }
  return {};
}

/// A new task even in the same instance. It gets no borrows, so it has none to check.
Result<void> Machine::run_destructor(const Destruction& destruction) {
  if (!destruction.has_code) {
    return {};
  }
  const ResourceType& resource = resource_types_[destruction.type.value];
  if (!destruction.definer) {
    return resource.host_destructor(destruction.rep);
  }
  Task task{*destruction.definer};
  const Running running(tasks_, task);
  const std::array args = {i32(destruction.rep.value)};
  SPEC_CHECK(run_core(resource.destructor, args, std::nullopt));
  return {};
}

}  // namespace meld_verify::spec
