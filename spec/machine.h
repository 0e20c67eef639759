#pragma once

// The reference machine: the Canonical ABI of sync calls and resources as semantics.md section 2 has it. It
// is the oracle of this project: it shares no code with the engine, and is written to be read beside the law.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "spec/handle_table.h"
#include "spec/observer.h"
#include "spec/values.h"

namespace meld_verify::spec {

/// A component-level function type. No result: null.
struct FunctionType {
  std::vector<TypeRef> params;
  TypeRef result;
};

/// The canonical options of a lift or lower. What a function type does not need may be left out.
struct Options {
  Encoding encoding = Encoding::kUtf8;
  Memory* memory = nullptr;  ///< must outlive the machine
  CoreFunction realloc;
  CoreFunction post_return;  ///< of a lift only
  bool async = false;        ///< refused as unsupported
};

/// A host's function: parameters to result. Owns among the parameters are the host's from then on; borrows
/// end when it returns.
using HostFunction = std::function<Result<std::optional<Value>>(std::vector<Value>)>;
/// Destroys a resource of a host's type.
using HostDestructor = std::function<Result<void>(Rep)>;

/// How a machine departs from the bare law.
struct Limits {
  std::uint32_t max_index = HandleTable::kMaxIndex;  ///< of each handle table
  /// Whether an instance may lower a function lifted by itself, an ancestor or a descendant. Run times differ
  /// there (semantics.md 2.9), so it is refused by default; if allowed, 2.5 applies as written.
  bool allow_donuts = false;
  /// Calls within calls, destructors and reallocs included; one more is a kGuestTrap, as a full stack is. A
  /// level takes about 1 KiB of the C++ stack, 10 KiB with sanitizers, and whatever the guests take.
  std::size_t max_depth = 500;
};

/// One component instance (semantics.md 2.1).
struct Instance {
  std::string name;
  std::optional<InstanceId> parent;
  bool may_leave = true;
  bool may_enter = true;
  HandleTable table;
};

/// The caller's side of one running call (semantics.md 2.1).
struct Subtask {
  Party caller;
  /// One for each lift_borrow. Indices stand for entries here: a lent entry cannot be removed, so its index
  /// stays its own.
  std::vector<HandleIndex> lenders;
  std::vector<ObjectId> host_lenders;  ///< the same where the caller is the host
};

/// A resource that the host owns.
struct HostOwned {
  ResourceTypeId type;
  Rep rep;
  std::uint32_t lends = 0;
};

/// Runs the Canonical ABI for a set of component instances. Definitions come first: instances, resource
/// types, functions, lowerings; then calls. Every call may trap; after the first trap each further one traps
/// kDead (I12).
///
/// One thread; guests call back in from within a call. The memories and the observer must outlive the
/// machine.
class Machine {
 public:
  explicit Machine(Limits limits = {}, Observer* observer = nullptr);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // --- definitions; none of them changes what runs

  InstanceId add_instance(std::string name, std::optional<InstanceId> parent = std::nullopt);
  /// A resource type that `definer` defines (semantics.md 1.4). An empty destructor is none.
  ResourceTypeId add_resource_type(std::string name, InstanceId definer, CoreFunction destructor = {});
  /// A resource type of the host, which chooses the reps.
  ResourceTypeId add_host_resource_type(std::string name, HostDestructor destructor = {});
  FunctionId add_host_function(std::string name, FunctionType type, HostFunction function);
  /// `canon lift` in `callee`. kUnsupported for async, streams, futures, error contexts; kNotValid where
  /// options are missing, a type is too large, or a result has a borrow.
  Result<FunctionId> lift(std::string name, InstanceId callee, FunctionType type, CoreFunction core,
                          Options options = {});
  /// `canon lower` in `caller`. As `lift`; kUnsupported also for donuts and self calls (unless allowed), and
  /// for strings between two encodings.
  Result<LoweringId> lower(InstanceId caller, FunctionId function, Options options = {});

  // --- calls

  /// The core function that `canon lower` makes, called by its instance (semantics.md 2.5).
  CoreResult call(LoweringId lowering, std::span<const CoreValue> args);
  /// The host calls a lifted function. Owns among the arguments must be the host's (kHostFault else), borrows
  /// of what it owns or was lent in the running host function.
  Result<std::optional<Value>> call(FunctionId function, std::vector<Value> args);
  /// Runs a core function that is no export, as a start function while its instance is made: the instance and
  /// its ancestors count as entered.
  CoreResult run_start(InstanceId instance, const CoreFunction& start);

  /// `canon resource.new` (2.3). kNotValid where `instance` does not define the type.
  Result<HandleIndex> resource_new(InstanceId instance, ResourceTypeId type, Rep rep);
  /// `canon resource.rep` (2.3): own or borrow, and also where may_leave is false.
  Result<Rep> resource_rep(InstanceId instance, ResourceTypeId type, HandleIndex index);
  /// `canon resource.drop` (2.3); of an own, runs the destructor (2.6).
  Result<void> resource_drop(InstanceId instance, ResourceTypeId type, HandleIndex index);

  /// The same as the core functions that a guest imports.
  CoreFunction core_function(LoweringId lowering);
  CoreFunction core_resource_new(InstanceId instance, ResourceTypeId type);
  CoreFunction core_resource_rep(InstanceId instance, ResourceTypeId type);
  CoreFunction core_resource_drop(InstanceId instance, ResourceTypeId type);

  /// The host makes a resource of a host's type and owns it.
  Handle host_new(ResourceTypeId type, Rep rep);
  /// The host drops an own. Runs the destructor; traps kLent while it is lent, kHostFault if it is not the
  /// host's.
  Result<void> host_drop(const Handle& handle);

  /// Puts an entry that is no resource into a table, as a subtask or stream end would be.
  Result<HandleIndex> add_other_entry(InstanceId instance);

  /// Reports to the observer what is still live. The machine may go on.
  void finish() const;

  // --- for whoever inspects, also during a call

  [[nodiscard]] const std::optional<Trap>& first_trap() const { return first_trap_; }
  [[nodiscard]] std::size_t instance_count() const { return instances_.size(); }
  [[nodiscard]] const Instance& instance(InstanceId id) const { return instances_[id.value]; }
  /// nullopt: the host.
  [[nodiscard]] Party definer(ResourceTypeId type) const { return resource_types_[type.value].definer; }
  [[nodiscard]] const std::string& name(ResourceTypeId type) const {
    return resource_types_[type.value].name;
  }
  [[nodiscard]] const std::string& name(FunctionId function) const { return functions_[function.value].name; }
  /// Unresolved, outermost first.
  [[nodiscard]] std::span<const Task* const> tasks() const { return tasks_; }
  [[nodiscard]] std::span<const Subtask* const> subtasks() const { return subtasks_; }
  [[nodiscard]] const std::unordered_map<ObjectId, HostOwned>& host_owned() const { return host_owned_; }
  /// "app", "the host"
  [[nodiscard]] std::string describe(Party party) const;

 private:
  class InstanceSide;

  struct ResourceType {
    std::string name;
    Party definer;
    CoreFunction destructor;
    HostDestructor host_destructor;
  };

  struct Function {
    std::string name;
    Party callee;
    FunctionType type;
    TypeRef params;  ///< the parameters as a tuple
    TypeRef results;
    CoreFunction core;  ///< of a lift
    Options options;    ///< of a lift
    HostFunction host;
  };

  struct Lowering {
    InstanceId caller;
    FunctionId function;
    Options options;
  };

  /// What a lifted function gave: as values, and as the core value that post-return gets.
  struct Returned {
    Sequence values;
    std::optional<CoreValue> core;
  };

  Instance& at(InstanceId id) { return instances_[id.value]; }

  // definitions
  FunctionId add_function(Function function);
  Result<void> check_type(const Function& function) const;
  Result<void> check_args(const Lowering& lowering, std::span<const CoreValue> args) const;
  Result<void> check_connection(InstanceId caller, const Function& callee, const Options& options) const;

  // traps
  Result<void> check_alive() const;
  template <class T>
  Result<T> noted(Result<T> outcome);
  template <class T>
  Result<T> placed(Result<T> outcome, const char* what, const Function& function, Party where) const;
  tl::unexpected<Trap> entry_trap(TrapClass trap_class, InstanceId instance, HandleIndex index,
                                  const std::string& why = {}) const;
  Result<void> check_entry(const Entry& entry, ResourceTypeId type, InstanceId instance,
                           HandleIndex index) const;
  void tell(InstanceId instance, HandleIndex index, TableOperation operation, const Entry& entry) const;

  // 2.5
  bool is_self_or_ancestor(InstanceId candidate, Party of) const;
  template <class Visit>
  Result<void> each_entered(InstanceId callee, Party caller, Visit visit);
  Result<void> enter(InstanceId callee, Party caller);
  void leave(InstanceId callee, Party caller);
  CoreResult call_out(const Lowering& lowering, std::span<const CoreValue> args);
  CoreResult call_guest(const Lowering& lowering, const Crossing& crossing, std::span<const CoreValue> args);
  CoreResult call_host(const Lowering& lowering, const Crossing& crossing, std::span<const CoreValue> args);
  void tell_passed(const Crossing& crossing, bool results, const Sequence& values) const;
  Result<std::optional<Value>> call_in(FunctionId id, std::vector<Value> args);
  Result<Sequence> lift_params(const Lowering& lowering, const Function& callee, Subtask& subtask,
                               std::span<const CoreValue> args);
  CoreResult lower_results(const Lowering& lowering, const Function& callee, const Sequence& values,
                           std::span<const CoreValue> args);
  Result<Returned> run_lifted(const Function& callee, const Sequence& params, Task& task);
  Result<void> post_return(const Function& callee, const std::optional<CoreValue>& core);
  CoreResult run_core(const CoreFunction& core, std::span<const CoreValue> args,
                      std::optional<CoreType> result);
  CoreResult run_confined(InstanceId instance, const CoreFunction& core, std::span<const CoreValue> args,
                          std::optional<CoreType> result);
  void resolve(const Subtask& subtask);

  // 2.3 and 2.6
  Result<HandleIndex> new_own(InstanceId instance, ResourceTypeId type, Rep rep);
  Result<Rep> rep_of(InstanceId instance, ResourceTypeId type, HandleIndex index);
  Result<void> drop(InstanceId instance, ResourceTypeId type, HandleIndex index);
  Result<void> destroy(const Destruction& destruction);
  Result<void> run_destructor(const Destruction& destruction);
  [[nodiscard]] Destruction destruction_of(Party dropper, ResourceTypeId type, Rep rep,
                                           ObjectId object) const;

  // the host's side
  Result<void> release_from_host(const Sequence& values, const Type& tuple, Subtask* subtask);
  Result<void> release_from_host(const Handle& handle, Subtask* subtask);
  void grant_to_host(const Sequence& values);

  Limits limits_;
  Observer* observer_;
  std::deque<Instance> instances_;
  std::deque<ResourceType> resource_types_;
  std::deque<Function> functions_;
  std::deque<Lowering> lowerings_;

  std::vector<const Task*> tasks_;
  std::vector<const Subtask*> subtasks_;
  std::unordered_map<ObjectId, HostOwned> host_owned_;
  std::vector<ObjectId> host_borrowed_;  ///< by the host functions that run
  std::uint64_t next_object_ = 1;
  std::optional<Trap> first_trap_;
};

/// Remembers and tells the first trap; whatever fails after it fails with it.
template <class T>
Result<T> Machine::noted(Result<T> outcome) {
  if (outcome) {
    return outcome;
  }
  if (!first_trap_) {
    first_trap_ = outcome.error();
    if (observer_ != nullptr) {
      observer_->trapped(*first_trap_);
    }
  }
  return tl::unexpected(*first_trap_);
}

}  // namespace meld_verify::spec
