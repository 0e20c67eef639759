// Definitions, the ways in, and what the rest of the machine shares.

#include "spec/machine.h"

#include <utility>

namespace meld_verify::spec {

Machine::Machine(Limits limits, Observer* observer) : limits_(limits), observer_(observer) {}

Machine::~Machine() = default;

// --- definitions

InstanceId Machine::add_instance(std::string name, std::optional<InstanceId> parent) {
  instances_.push_back({std::move(name), parent, true, true, HandleTable(limits_.max_index)});
  return InstanceId(static_cast<std::uint32_t>(instances_.size() - 1));
}

ResourceTypeId Machine::add_resource_type(std::string name, InstanceId definer, CoreFunction destructor) {
  resource_types_.push_back({std::move(name), definer, std::move(destructor), {}});
  return ResourceTypeId(static_cast<std::uint32_t>(resource_types_.size() - 1));
}

ResourceTypeId Machine::add_host_resource_type(std::string name, HostDestructor destructor) {
  resource_types_.push_back({std::move(name), std::nullopt, {}, std::move(destructor)});
  return ResourceTypeId(static_cast<std::uint32_t>(resource_types_.size() - 1));
}

FunctionId Machine::add_function(Function function) {
  function.params = types::tuple(function.type.params);
  function.results =
      types::tuple(function.type.result ? std::vector{function.type.result} : std::vector<TypeRef>{});
  functions_.push_back(std::move(function));
  return FunctionId(static_cast<std::uint32_t>(functions_.size() - 1));
}

FunctionId Machine::add_host_function(std::string name, FunctionType type, HostFunction function) {
  Function added;
  added.name = std::move(name);
  added.type = std::move(type);
  added.host = std::move(function);
  return add_function(std::move(added));
}

Result<void> Machine::check_type(const Function& function) const {
  if (function.params->unsupported || function.results->unsupported) {
    return trap(TrapClass::kUnsupported,
                function.name + ": streams, futures and error contexts are not supported");
  }
  if (function.params->too_large || function.results->too_large) {
    return trap(TrapClass::kNotValid, function.name + " has a type of 2^28 bytes or more");
  }
  if (function.results->has_borrow) {
    return trap(TrapClass::kNotValid, function.name + " has a borrow in its result");
  }
  return {};
}

namespace {

/// Realloc serves the side that values are lowered into; a spilled area of results is the caller's own.
Result<void> check_options(const std::string& name, const Options& options, bool needs_memory,
                           bool needs_realloc) {
  if (options.async) {
    return trap(TrapClass::kUnsupported, name + ": async lift and lower are not supported");
  }
  if ((needs_memory || needs_realloc) && options.memory == nullptr) {
    return trap(TrapClass::kNotValid, name + " needs the option memory");
  }
  if (needs_realloc && !options.realloc) {
    return trap(TrapClass::kNotValid, name + " needs the option realloc");
  }
  return {};
}

bool spills_params(const Type& params) {
  return params.flat.size() > kMaxFlatParams;
}

bool spills_results(const Type& results) {
  return results.flat.size() > kMaxFlatResults;
}

}  // namespace

Result<FunctionId> Machine::lift(std::string name, InstanceId callee, FunctionType type, CoreFunction core,
                                 Options options) {
  Function added;
  added.name = std::move(name);
  added.callee = callee;
  added.type = std::move(type);
  added.core = std::move(core);
  added.options = std::move(options);
  const FunctionId id = add_function(std::move(added));
  const Function& function = functions_.back();
  SPEC_CHECK(check_type(function));
  const Type& params = *function.params;
  const Type& results = *function.results;
  SPEC_CHECK(check_options(function.name, function.options, results.needs_memory || spills_results(results),
                           params.needs_memory || spills_params(params)));
  return id;
}

Result<void> Machine::check_connection(InstanceId caller, const Function& callee,
                                       const Options& options) const {
  if (!callee.callee) {
    return {};
  }
  if (!limits_.allow_donuts &&
      (is_self_or_ancestor(*callee.callee, caller) || is_self_or_ancestor(caller, callee.callee))) {
    return trap(TrapClass::kUnsupported,
                describe(caller) + " calls " + callee.name + " of " + describe(callee.callee) +
                    ": calls to oneself, to an ancestor or to a descendant are not supported");
  }
  if ((callee.params->has_text || callee.results->has_text) && options.encoding != callee.options.encoding) {
    return trap(TrapClass::kUnsupported,
                callee.name + ": strings between two different encodings are not supported");
  }
  return {};
}

Result<LoweringId> Machine::lower(InstanceId caller, FunctionId function, Options options) {
  const Function& callee = functions_[function.value];
  SPEC_CHECK(check_type(callee));
  SPEC_CHECK(check_connection(caller, callee, options));
  const Type& params = *callee.params;
  const Type& results = *callee.results;
  SPEC_CHECK(check_options(callee.name, options,
                           params.needs_memory || spills_params(params) || spills_results(results),
                           results.needs_memory));
  lowerings_.push_back({caller, function, std::move(options)});
  return LoweringId(static_cast<std::uint32_t>(lowerings_.size() - 1));
}

// --- the ways in

CoreResult Machine::call(LoweringId lowering, std::span<const CoreValue> args) {
  SPEC_CHECK(check_alive());
  return noted([&]() -> CoreResult {
    SPEC_CHECK(check_args(lowerings_[lowering.value], args));
    return call_out(lowerings_[lowering.value], args);
  }());
}

Result<std::optional<Value>> Machine::call(FunctionId function, std::vector<Value> args) {
  SPEC_CHECK(check_alive());
  return noted(call_in(function, std::move(args)));
}

CoreResult Machine::run_start(InstanceId instance, const CoreFunction& start) {
  SPEC_CHECK(check_alive());
  return noted([&]() -> CoreResult {
    SPEC_CHECK(enter(instance, std::nullopt));
    SPEC_TRY(const std::optional<CoreValue> result, start({}));
    leave(instance, std::nullopt);
    return result;
  }());
}

Result<HandleIndex> Machine::resource_new(InstanceId instance, ResourceTypeId type, Rep rep) {
  SPEC_CHECK(check_alive());
  return noted(new_own(instance, type, rep));
}

Result<Rep> Machine::resource_rep(InstanceId instance, ResourceTypeId type, HandleIndex index) {
  SPEC_CHECK(check_alive());
  return noted(rep_of(instance, type, index));
}

Result<void> Machine::resource_drop(InstanceId instance, ResourceTypeId type, HandleIndex index) {
  SPEC_CHECK(check_alive());
  return noted(drop(instance, type, index));
}

CoreFunction Machine::core_function(LoweringId lowering) {
  return [this, lowering](std::span<const CoreValue> args) { return call(lowering, args); };
}

CoreFunction Machine::core_resource_new(InstanceId instance, ResourceTypeId type) {
  return [this, instance, type](std::span<const CoreValue> args) -> CoreResult {
    SPEC_TRY(const HandleIndex index,
             resource_new(instance, type, Rep(static_cast<std::uint32_t>(args[0].bits))));
    return i32(index.value);
  };
}

CoreFunction Machine::core_resource_rep(InstanceId instance, ResourceTypeId type) {
  return [this, instance, type](std::span<const CoreValue> args) -> CoreResult {
    SPEC_TRY(const Rep rep,
             resource_rep(instance, type, HandleIndex(static_cast<std::uint32_t>(args[0].bits))));
    return i32(rep.value);
  };
}

CoreFunction Machine::core_resource_drop(InstanceId instance, ResourceTypeId type) {
  return [this, instance, type](std::span<const CoreValue> args) -> CoreResult {
    SPEC_CHECK(resource_drop(instance, type, HandleIndex(static_cast<std::uint32_t>(args[0].bits))));
    return std::nullopt;
  };
}

Result<HandleIndex> Machine::add_other_entry(InstanceId instance) {
  SPEC_CHECK(check_alive());
  return noted([&]() -> Result<HandleIndex> {
    Entry entry;
    entry.kind = EntryKind::kOther;
    const auto index = at(instance).table.add(entry);
    return index ? Result<HandleIndex>(*index) : entry_trap(index.error(), instance, HandleIndex{});
  }());
}

// --- what they share

Result<void> Machine::check_alive() const {
  if (first_trap_) {
    return trap(TrapClass::kDead, "machine has trapped: " + first_trap_->sentence);
  }
  return {};
}

Result<void> Machine::check_args(const Lowering& lowering, std::span<const CoreValue> args) const {
  const Function& callee = functions_[lowering.function.value];
  const std::size_t params = spills_params(*callee.params) ? 1 : callee.params->flat.size();
  if (args.size() != params + (spills_results(*callee.results) ? 1 : 0)) {
    return trap(TrapClass::kNotValid, describe(lowering.caller) + " calls " + callee.name + " with " +
                                          std::to_string(args.size()) + " core values");
  }
  return {};
}

/// 2.2 CHECK.
Result<void> Machine::check_entry(const Entry& entry, ResourceTypeId type, InstanceId instance,
                                  HandleIndex index) const {
  if (entry.kind == EntryKind::kOther) {
    return entry_trap(TrapClass::kNotAResource, instance, index);
  }
  if (entry.tag != type) {
    return entry_trap(TrapClass::kWrongType, instance, index,
                      "is of type " + name(entry.tag) + ", used as " + name(type));
  }
  return {};
}

tl::unexpected<Trap> Machine::entry_trap(TrapClass trap_class, InstanceId instance, HandleIndex index,
                                         const std::string& why) const {
  const auto of_handle = [&](const std::string& words) {
    return tl::unexpected(
        Trap{trap_class, "handle " + std::to_string(index.value) + " of " + describe(instance) + " " + words,
             HandlePlace{instance, index}});
  };
  switch (trap_class) {
    case TrapClass::kUnknownHandle:
      return of_handle("does not exist: it was never made, or is gone");
    case TrapClass::kNotAResource:
      return of_handle("is no resource");
    case TrapClass::kLent:
      return of_handle("is lent to a running call");
    case TrapClass::kNotOwn:
      return of_handle("is a borrow where an own is asked for");
    case TrapClass::kTableFull:
      return trap(trap_class, "the handle table of " + describe(instance) + " is full");
    default:
      return of_handle(why);
  }
}

void Machine::tell(InstanceId instance, HandleIndex index, TableOperation operation,
                   const Entry& entry) const {
  if (observer_ != nullptr) {
    observer_->table_changed({instance, index, operation, entry});
  }
}

std::string Machine::describe(Party party) const {
  return party ? instances_[party->value].name : "the host";
}

void Machine::finish() const {
  if (observer_ == nullptr) {
    return;
  }
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    const std::span<const Entry> slots = instances_[i].table.slots();
    for (std::uint32_t index = 1; index < slots.size(); ++index) {
      const Entry& entry = slots[index];
      if (entry.kind == EntryKind::kOwn || entry.kind == EntryKind::kBorrow) {
        observer_->still_live({InstanceId(i), HandleIndex(index), entry.kind == EntryKind::kOwn, entry.tag,
                               entry.rep, entry.object});
      }
    }
  }
  for (const auto& [object, held] : host_owned_) {
    observer_->still_live({std::nullopt, HandleIndex{}, true, held.type, held.rep, object});
  }
}

}  // namespace meld_verify::spec
