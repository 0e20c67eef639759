// The synchronous call: semantics.md 2.5.

#include <array>

#include "spec/instance_side.h"
#include "spec/lift.h"
#include "spec/lower.h"

namespace meld_verify::spec {

namespace {

std::span<const CoreValue> slots_of(const std::optional<CoreValue>& value) {
  return value ? std::span(&*value, 1) : std::span<const CoreValue>{};
}

}  // namespace

/// Adds to a trap which part of which call it stopped.
template <class T>
Result<T> Machine::placed(Result<T> outcome, const char* what, const Function& function, Party where) const {
  if (!outcome && !first_trap_) {
    outcome.error().sentence = std::string(what) + " of " + function.name + " (" + describe(where) +
                               "): " + outcome.error().sentence;
  }
  return outcome;
}

bool Machine::is_self_or_ancestor(InstanceId candidate, Party of) const {
  for (Party one = of; one; one = instances_[one->value].parent) {
    if (*one == candidate) {
      return true;
    }
  }
  return false;
}

/// The set E = Anc(callee) - Anc(caller): from the callee upwards until an ancestor of the caller. It depends
/// on who contains whom alone.
template <class Visit>
Result<void> Machine::each_entered(InstanceId callee, Party caller, Visit visit) {
  for (Party one = callee; one && !is_self_or_ancestor(*one, caller); one = at(*one).parent) {
    SPEC_CHECK(visit(at(*one)));
  }
  return {};
}

/// 2.5 step 2.
Result<void> Machine::enter(InstanceId callee, Party caller) {
  SPEC_CHECK(each_entered(callee, caller, [&](const Instance& one) -> Result<void> {
    return one.may_enter
               ? Result<void>{}
               : trap(TrapClass::kCannotEnter, describe(caller) + " calls into " + describe(callee) +
                                                   " while " + one.name + " is on the stack");
  }));
  if (tasks_.size() >= limits_.max_depth) {
    return trap(TrapClass::kGuestTrap, "call stack exhausted");
  }
  return each_entered(callee, caller, [](Instance& one) -> Result<void> {
    one.may_enter = false;
    return {};
  });
}

/// 2.5 step 11.
void Machine::leave(InstanceId callee, Party caller) {
  (void)each_entered(callee, caller, [](Instance& one) -> Result<void> {
    one.may_enter = true;
    return {};
  });
}

CoreResult Machine::call_out(const Lowering& lowering, std::span<const CoreValue> args) {
  const Function& callee = functions_[lowering.function.value];
  if (!at(lowering.caller).may_leave) {  // step 1
    return trap(TrapClass::kCannotLeave,
                describe(lowering.caller) + " calls " + callee.name + " in realloc or post-return");
  }
  const Crossing crossing{lowering.caller, callee.callee, lowering.function, callee.name};
  if (callee.callee) {
    SPEC_CHECK(enter(*callee.callee, lowering.caller));  // step 2
  }
  if (observer_ != nullptr) {
    observer_->entered(crossing);
  }
  SPEC_TRY(const std::optional<CoreValue> result,
           callee.callee ? call_guest(lowering, crossing, args) : call_host(lowering, crossing, args));
  if (observer_ != nullptr) {
    observer_->left(crossing);
  }
  return result;
}

void Machine::tell_passed(const Crossing& crossing, bool results, const Sequence& values) const {
  if (observer_ != nullptr) {
    observer_->passed(crossing, results, values);
  }
}

/// Steps 3 to 12, between two guests.
CoreResult Machine::call_guest(const Lowering& lowering, const Crossing& crossing,
                               std::span<const CoreValue> args) {
  const Function& callee = functions_[crossing.function.value];
  Subtask subtask{lowering.caller, {}, {}};  // step 3
  Task task{*callee.callee};
  const Running running_subtask(subtasks_, subtask);
  const Running running_task(tasks_, task);

  SPEC_TRY(const Sequence params, lift_params(lowering, callee, subtask, args));  // step 4
  tell_passed(crossing, false, params);
  SPEC_TRY(const Returned returned, run_lifted(callee, params, task));  // steps 5 to 8
  tell_passed(crossing, true, returned.values);
  SPEC_TRY(const std::optional<CoreValue> result,
           lower_results(lowering, callee, returned.values, args));  // step 9
  SPEC_CHECK(post_return(callee, returned.core));                    // step 10
  leave(*callee.callee, lowering.caller);                            // step 11
  resolve(subtask);                                                  // step 12
  return result;
}

/// The same with a host's function as the callee: it has no table, no flags and no memory.
CoreResult Machine::call_host(const Lowering& lowering, const Crossing& crossing,
                              std::span<const CoreValue> args) {
  const Function& callee = functions_[crossing.function.value];
  Subtask subtask{lowering.caller, {}, {}};  // step 3
  const Running running_subtask(subtasks_, subtask);

  SPEC_TRY(Sequence params, lift_params(lowering, callee, subtask, args));  // step 4
  tell_passed(crossing, false, params);
  const std::size_t borrowed_before = host_borrowed_.size();
  grant_to_host(params);                                 // in place of step 5
  auto returned = callee.host(std::move(params.items));  // step 6
  host_borrowed_.resize(borrowed_before);
  if (!returned || first_trap_) {
    return tl::unexpected(first_trap_ ? *first_trap_ : std::move(returned.error()));
  }
  Sequence values;
  if (*returned) {
    values.items.push_back(**std::move(returned));
  }
  tell_passed(crossing, true, values);
  SPEC_CHECK(placed(release_from_host(values, *callee.results, nullptr), "results", callee, std::nullopt));
  SPEC_TRY(const std::optional<CoreValue> result, lower_results(lowering, callee, values, args));  // step 9
  resolve(subtask);                                                                                // step 12
  return result;
}

/// The same with the host as the caller.
Result<std::optional<Value>> Machine::call_in(FunctionId id, std::vector<Value> args) {
  const Function& callee = functions_[id.value];
  if (!callee.callee) {
    return trap(TrapClass::kNotValid, "the host calls its own function " + callee.name);
  }
  SPEC_CHECK(enter(*callee.callee, std::nullopt));  // step 2
  const Crossing crossing{std::nullopt, callee.callee, id, callee.name};
  if (observer_ != nullptr) {
    observer_->entered(crossing);
  }
  Subtask subtask{std::nullopt, {}, {}};  // step 3
  Task task{*callee.callee};
  const Running running_subtask(subtasks_, subtask);
  const Running running_task(tasks_, task);

  const Sequence params{std::move(args)};
  SPEC_CHECK(placed(release_from_host(params, *callee.params, &subtask), "parameters", callee,
                    std::nullopt));  // in place of step 4
  tell_passed(crossing, false, params);
  SPEC_TRY(Returned returned, run_lifted(callee, params, task));  // steps 5 to 8
  tell_passed(crossing, true, returned.values);
  grant_to_host(returned.values);                  // in place of step 9
  SPEC_CHECK(post_return(callee, returned.core));  // step 10
  leave(*callee.callee, std::nullopt);             // step 11
  resolve(subtask);                                // step 12
  if (observer_ != nullptr) {
    observer_->left(crossing);
  }
  return returned.values.items.empty() ? std::optional<Value>{} : std::move(returned.values.items[0]);
}

/// Step 4: all of them, before any is lowered.
Result<Sequence> Machine::lift_params(const Lowering& lowering, const Function& callee, Subtask& subtask,
                                      std::span<const CoreValue> args) {
  InstanceSide side(*this, lowering.caller, lowering.options.realloc, nullptr, &subtask);
  Lift lift(lowering.options.memory, lowering.options.encoding, side);
  SPEC_TRY(std::vector<Value> values,
           placed(lift.values(args, *callee.params, kMaxFlatParams), "parameters", callee, lowering.caller));
  return Sequence{std::move(values)};
}

/// Step 9. Results that do not fit lie where the caller's last argument points to.
CoreResult Machine::lower_results(const Lowering& lowering, const Function& callee, const Sequence& values,
                                  std::span<const CoreValue> args) {
  InstanceSide side(*this, lowering.caller, lowering.options.realloc, nullptr, nullptr);
  Lower lower(lowering.options.memory, lowering.options.encoding, side);
  std::optional<std::uint32_t> out_pointer;
  if (callee.results->flat.size() > kMaxFlatResults) {
    out_pointer = static_cast<std::uint32_t>(args.back().bits);
  }
  SPEC_TRY(const std::vector<CoreValue> slots,
           placed(lower.values(values, *callee.results, kMaxFlatResults, out_pointer), "results", callee,
                  lowering.caller));
  return slots.empty() ? std::optional<CoreValue>{} : slots[0];
}

/// Steps 5 to 8: the callee's half.
Result<Machine::Returned> Machine::run_lifted(const Function& callee, const Sequence& params, Task& task) {
  const Options& options = callee.options;
  InstanceSide side(*this, *callee.callee, options.realloc, &task, nullptr);
  Lower lower(options.memory, options.encoding, side);
  SPEC_TRY(const std::vector<CoreValue> slots,
           placed(lower.values(params, *callee.params, kMaxFlatParams, std::nullopt), "parameters", callee,
                  callee.callee));  // step 5

  const std::vector<CoreType>& flat = callee.results->flat;
  std::optional<CoreType> core_type;
  if (!flat.empty()) {
    core_type = flat.size() > kMaxFlatResults ? CoreType::kI32 : flat[0];
  }
  Returned returned;
  SPEC_TRY(returned.core,
           placed(run_core(callee.core, slots, core_type), "the run", callee, callee.callee));  // step 6

  Lift lift(options.memory, options.encoding, side);
  SPEC_TRY(returned.values.items,
           placed(lift.values(slots_of(returned.core), *callee.results, kMaxFlatResults), "results", callee,
                  callee.callee));  // step 7
  if (task.borrows > 0) {           // step 8
    return trap(TrapClass::kBorrowsRemain, describe(callee.callee) + " returns from " + callee.name +
                                               " with " + std::to_string(task.borrows) +
                                               " borrows that it did not drop");
  }
  return returned;
}

/// Step 10. It gets what the core function gave.
Result<void> Machine::post_return(const Function& callee, const std::optional<CoreValue>& core) {
  if (!callee.options.post_return) {
    return {};
  }
  SPEC_CHECK(placed(run_confined(*callee.callee, callee.options.post_return, slots_of(core), std::nullopt),
                    "post-return", callee, callee.callee));
  return {};
}

/// Realloc and post-return: may not leave the instance.
CoreResult Machine::run_confined(InstanceId instance, const CoreFunction& core,
                                 std::span<const CoreValue> args, std::optional<CoreType> result) {
  at(instance).may_leave = false;
  SPEC_TRY(const std::optional<CoreValue> value, run_core(core, args, result));
  at(instance).may_leave = true;
  return value;
}

/// Runs guest code. A guest cannot go on after a trap of the machine, whatever it makes of it (I12).
CoreResult Machine::run_core(const CoreFunction& core, std::span<const CoreValue> args,
                             std::optional<CoreType> result) {
  CoreResult outcome = core(args);
  if (first_trap_) {
    return tl::unexpected(*first_trap_);
  }
  if (outcome && outcome->has_value() != result.has_value()) {
    return trap(TrapClass::kNotValid, "a core function of another type: it must give " +
                                          std::string(result ? "a value" : "nothing"));
  }
  if (outcome && result && (*outcome)->type != *result) {
    return trap(TrapClass::kNotValid, "a core function of another type: its result has the wrong core type");
  }
  return outcome;
}

/// Step 12: what was lent comes back.
void Machine::resolve(const Subtask& subtask) {
  for (const HandleIndex index : subtask.lenders) {
    Entry& entry = **at(*subtask.caller).table.look(index);
    entry.lends -= 1;
    tell(*subtask.caller, index, TableOperation::kReturn, entry);
  }
  for (const ObjectId object : subtask.host_lenders) {
    host_owned_.at(object).lends -= 1;
  }
}

}  // namespace meld_verify::spec
