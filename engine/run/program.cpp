#include "engine/run/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/wasm/printable.h"

namespace meld_verify::run {
namespace {

using component::Canon;
using component::CanonId;
using component::CoreInstanceId;
using component::CoreItem;
using spec::TrapClass;

/// The machine numbers instances from the root on: the host is none of them.
spec::InstanceId machine_id(component::InstanceId id) {
  return spec::InstanceId(id.value - 1);
}

CoreExtern::Kind kind_of(component::CoreSort sort) {
  switch (sort) {
    case component::CoreSort::kFunc:
      return CoreExtern::Kind::kFunc;
    case component::CoreSort::kTable:
      return CoreExtern::Kind::kTable;
    case component::CoreSort::kMemory:
      return CoreExtern::Kind::kMemory;
    case component::CoreSort::kGlobal:
      return CoreExtern::Kind::kGlobal;
    case component::CoreSort::kTag:
      return CoreExtern::Kind::kTag;
  }
  return CoreExtern::Kind::kFunc;
}

std::string full_name(const std::string& interface_name, const std::string& name) {
  return interface_name.empty() ? name : interface_name + "#" + name;
}

/// The same, to be shown.
std::string shown_name(const std::string& interface_name, const std::string& name) {
  return wasm::printable(full_name(interface_name, name));
}

}  // namespace

Program::Program(const component::Composition& composition, std::span<const std::uint8_t> bytes,
                 spec::Observer* observer, spec::Limits limits)
    : composition_(composition),
      bytes_(bytes),
      types_(composition.types),
      machine_(limits, observer),
      modules_(composition.modules.size()),
      instances_(composition.core_instances.size()),
      canon_functions_(composition.canons.size()),
      lifted_(composition.canons.size()),
      function_names_(composition.canons.size()),
      refusals_(composition.canons.size()),
      destructors_(composition.resources.size()) {
  name_functions();
  define_instances();
  define_resource_types();
  define_host_functions();
}

/// A lift has no name of its own: it goes by that of the first who calls it.
void Program::name_functions() {
  const auto name = [&](const component::FuncRef& function, std::string text) {
    if (const CanonId* lift = std::get_if<CanonId>(&function); lift && function_names_[lift->value].empty()) {
      function_names_[lift->value] = std::move(text);
    }
  };
  for (const component::WorldExport& item : composition_.exports) {
    name(item.func, shown_name(item.interface_name, item.name));
  }
  for (const Canon& canon : composition_.canons) {
    if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      name(lower->callee, shown_name(lower->interface_name, lower->name));
    }
  }
}

void Program::define_instances() {
  for (std::size_t i = 1; i < composition_.instances.size(); ++i) {
    const component::ComponentInstance& instance = composition_.instances[i];
    machine_.add_instance(wasm::printable(instance.name),
                          instance.parent ? std::optional(machine_id(*instance.parent)) : std::nullopt);
  }
}

void Program::define_resource_types() {
  for (std::size_t i = 0; i < composition_.resources.size(); ++i) {
    const component::Resource& resource = composition_.resources[i];
    const std::string name = wasm::printable(resource.name);
    if (resource.definer == component::kHost) {
      machine_.add_host_resource_type(name);
    } else if (resource.has_destructor) {
      // The function is known when the evaluation gets there.
      machine_.add_resource_type(name, machine_id(resource.definer),
                                 [this, i](std::span<const spec::CoreValue> args) -> spec::CoreResult {
                                   if (!destructors_[i]) {
                                     return spec::trap(TrapClass::kUnsupported,
                                                       "a destructor that is not known would run");
                                   }
                                   return destructors_[i](args);
                                 });
    } else {
      machine_.add_resource_type(name, machine_id(resource.definer));
    }
  }
}

void Program::set_destructor(component::ResourceId resource, CoreInstanceId instance,
                             std::uint32_t function) {
  destructors_[resource.value] = [this, instance, function](std::span<const spec::CoreValue> args) {
    return run_by_index(instance, function, args);
  };
}

void Program::define_host_functions() {
  for (const component::HostFunc& function : composition_.host_funcs) {
    const std::string name = shown_name(function.interface_name, function.name);
    const spec::FunctionType type = types_.of(function.type);
    host_functions_.push_back(machine_.add_host_function(
        name, type, [this, name, type, &function](const std::vector<spec::Value>&) {
          return host_answer_ ? host_answer_(function, type)
                              : spec::Result<std::optional<spec::Value>>(spec::trap(
                                    TrapClass::kUnsupported,
                                    "the program calls " + name + ", which a host would have to provide"));
        }));
  }
}

spec::Result<void> Program::start() {
  for (const component::Unsupported& item : composition_.unsupported) {
    if (item.code == "value-import" || item.code == "component-start") {
      return spec::trap(TrapClass::kUnsupported,
                        composition_.instances[item.instance.value].name + ": " + item.sentence);
    }
  }
  for (const component::Event& event : composition_.events) {
    switch (event.kind) {
      case component::EventKind::kInstance:
        break;
      case component::EventKind::kResource:
        if (const auto& destructor = composition_.resources[event.id].destructor) {
          SPEC_TRY(destructors_[event.id], function(*destructor, {{CoreType::kI32}, {}}, "a destructor"));
        }
        break;
      case component::EventKind::kCanon:
        SPEC_CHECK(define(CanonId{event.id}));
        break;
      case component::EventKind::kCoreInstance:
        SPEC_CHECK(instantiate(composition_.core_instances[event.id], CoreInstanceId{event.id}));
        break;
    }
  }
  return {};
}

// --- canonical definitions

spec::Result<void> Program::define(CanonId id) {
  const Canon& canon = composition_.canons[id.value];
  const auto done = [&]() -> spec::Result<void> {
    if (const auto* lift = std::get_if<component::Lift>(&canon.what)) {
      return define_lift(canon, id, *lift);
    }
    if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      return define_lower(canon, id, *lower);
    }
    if (const auto* builtin = std::get_if<component::ResourceBuiltin>(&canon.what)) {
      return define_builtin(canon, id, *builtin);
    }
    return spec::trap(
        TrapClass::kUnsupported,
        fmt::format("canon {} is out of scope", std::get<component::OtherBuiltin>(canon.what).name));
  }();
  if (!done && done.error().trap_class == TrapClass::kUnsupported) {
    refusals_[id.value] =
        fmt::format("{}: {}", composition_.instances[canon.owner.value].name, done.error().sentence);
    return {};
  }
  return done;
}

CoreExtern Program::refusing(const CoreSignature& signature, CanonId id) {
  return import_function(store_, signature, [this, id](std::span<const spec::CoreValue>) -> spec::CoreResult {
    return spec::trap(TrapClass::kUnsupported, refusals_[id.value]);
  });
}

spec::Result<void> Program::define_lift(const Canon& canon, CanonId id, const component::Lift& lift) {
  if (lift.options.async || composition_.types[lift.type].async) {
    return spec::trap(TrapClass::kUnsupported, "an asynchronous function is lifted, which is out of scope");
  }
  spec::FunctionType type = types_.of(lift.type);
  SPEC_TRY(spec::CoreFunction core, function(lift.core, lifted_signature(type), "a lifted function"));
  SPEC_TRY(spec::Options options, this->options(lift.options, type));
  SPEC_TRY(const spec::FunctionId made, machine_.lift(function_names_[id.value], machine_id(canon.owner),
                                                      std::move(type), std::move(core), std::move(options)));
  lifted_[id.value] = made;
  return {};
}

spec::Result<void> Program::define_lower(const Canon& canon, CanonId id, const component::Lower& lower) {
  const CanonId* lift = std::get_if<CanonId>(&lower.callee);
  if (lift != nullptr && !lifted_[lift->value]) {
    return spec::trap(TrapClass::kUnsupported,
                      "it calls a function that is out of scope: " + refusals_[lift->value]);
  }
  if (composition_.types[lower.type].async) {
    return spec::trap(TrapClass::kUnsupported, "an asynchronous function is lowered, which is out of scope");
  }
  const spec::FunctionType type = types_.of(lower.type);
  SPEC_TRY(spec::Options options, this->options(lower.options, type));
  const spec::FunctionId callee = lift != nullptr
                                      ? *lifted_[lift->value]
                                      : host_functions_[std::get<component::HostFuncId>(lower.callee).value];
  SPEC_TRY(const spec::LoweringId lowering,
           machine_.lower(machine_id(canon.owner), callee, std::move(options)));
  canon_functions_[id.value] = canon_function(lowered_signature(type), id, machine_.core_function(lowering));
  return {};
}

CoreExtern Program::canon_function(const CoreSignature& signature, CanonId id, spec::CoreFunction function) {
  if (probes_ == nullptr) {
    return import_function(store_, signature, std::move(function));
  }
  return import_function(store_, signature,
                         [probes = probes_, id, function = std::move(function)](
                             std::span<const spec::CoreValue> args) -> spec::CoreResult {
                           SPEC_CHECK(probes->canon_entered(id, args));
                           spec::CoreResult outcome = function(args);
                           if (outcome) {
                             probes->canon_left(id);
                           }
                           return outcome;
                         });
}

spec::Result<void> Program::define_builtin(const Canon& canon, CanonId id,
                                           const component::ResourceBuiltin& builtin) {
  const spec::InstanceId instance = machine_id(canon.owner);
  const spec::ResourceTypeId type(builtin.resource.value);
  CoreSignature signature{{CoreType::kI32}, {CoreType::kI32}};
  spec::CoreFunction made;
  switch (builtin.op) {
    case component::ResourceOp::kNew:
      made = machine_.core_resource_new(instance, type);
      break;
    case component::ResourceOp::kRep:
      made = machine_.core_resource_rep(instance, type);
      break;
    case component::ResourceOp::kDrop:
      made = machine_.core_resource_drop(instance, type);
      signature.results.clear();
      break;
  }
  canon_functions_[id.value] = canon_function(signature, id, std::move(made));
  return {};
}

spec::Result<spec::Options> Program::options(const component::CanonOptions& options,
                                             const spec::FunctionType& type) {
  spec::Options made;
  made.encoding = encoding_of(options.encoding);
  made.async = options.async;
  if (options.memory) {
    SPEC_TRY(const CoreExtern found, item(*options.memory));
    made.memory = memory(found);
  }
  if (options.realloc) {
    SPEC_TRY(made.realloc,
             function(*options.realloc, {std::vector(4, CoreType::kI32), {CoreType::kI32}}, "realloc"));
  }
  if (options.post_return) {
    SPEC_TRY(made.post_return, function(*options.post_return, post_return_signature(type), "post-return"));
  }
  return made;
}

spec::Memory* Program::memory(const CoreExtern& memory) {
  for (const auto& [known, made] : known_memories_) {
    if (known == memory) {
      return made;
    }
  }
  memories_.emplace_back(store_, memory);
  known_memories_.emplace_back(memory, &memories_.back());
  return &memories_.back();
}

// --- core code

spec::Result<CoreExtern> Program::item(const CoreItem& item) const {
  if (const CanonId* canon = std::get_if<CanonId>(&item.source)) {
    if (!canon_functions_[canon->value]) {
      return spec::trap(TrapClass::kUnsupported, refusals_[canon->value]);
    }
    return *canon_functions_[canon->value];
  }
  const auto& [instance, name] = std::get<std::pair<CoreInstanceId, std::string>>(item.source);
  const CoreExtern* found = store_.find(*instances_[instance.value], name);
  if (found == nullptr || found->kind() != kind_of(item.sort)) {
    return spec::trap(
        TrapClass::kNotValid,
        fmt::format("a core instance has no export \"{}\" of the kind that is asked for", name));
  }
  return *found;
}

spec::Result<spec::CoreFunction> Program::function(const CoreItem& item, const CoreSignature& signature,
                                                   std::string_view what) {
  SPEC_TRY(const CoreExtern found, this->item(item));
  if (found.kind() != CoreExtern::Kind::kFunc || !(store_.signature(found) == signature)) {
    return spec::trap(TrapClass::kNotValid, fmt::format("{} is no core function of the type that its "
                                                        "component-level type asks for",
                                                        what));
  }
  return guest(found);
}

spec::Trap Program::meant(const spec::Trap& trap) const {
  if (trap.trap_class == TrapClass::kGuestTrap && trap_words_) {
    return trap_words_().value_or(trap);
  }
  return trap;
}

spec::CoreFunction Program::guest(const CoreExtern& function) {
  return [this, run = guest_function(store_, function)](std::span<const spec::CoreValue> args) {
    spec::CoreResult outcome = run(args);
    return outcome ? outcome : tl::unexpected(meant(outcome.error()));
  };
}

spec::Result<CoreStore::ModuleId> Program::module(component::CoreModuleId id) {
  std::optional<CoreStore::ModuleId>& known = modules_[id.value];
  if (!known) {
    const component::CoreModule& what = composition_.modules[id.value];
    const auto loaded = store_.load(bytes_.data() + what.begin.value, what.end.value - what.begin.value);
    if (const auto* trap = std::get_if<CoreTrap>(&loaded)) {
      return spec::trap(TrapClass::kUnsupported,
                        fmt::format("wabt cannot read the core module at byte 0x{:x}: {}", what.begin.value,
                                    trap->message));
    }
    known = std::get<CoreStore::ModuleId>(loaded);
  }
  return *known;
}

spec::Result<void> Program::instantiate(const component::CoreInstance& what, CoreInstanceId id) {
  std::optional<ProbedModule> probed;
  if (probes_ != nullptr) {
    SPEC_TRY(probed, probes_->module(id));
  }
  CoreStore::ModuleId module{};
  if (probed) {
    const auto loaded = store_.load(probed->bytes.data(), probed->bytes.size());
    if (const auto* trap = std::get_if<CoreTrap>(&loaded)) {
      return spec::trap(TrapClass::kUnsupported,
                        "wabt cannot read a core module with probes in it: " + trap->message);
    }
    module = std::get<CoreStore::ModuleId>(loaded);
  } else {
    SPEC_TRY(module, this->module(what.module));
  }
  std::vector<CoreExtern> imports;
  for (std::size_t i = 0; i < what.imports.size(); ++i) {
    const CanonId* canon = std::get_if<CanonId>(&what.imports[i].source);
    if (canon != nullptr && !canon_functions_[canon->value]) {
      imports.push_back(refusing(store_.import_signature(module, i), *canon));
      continue;
    }
    SPEC_TRY(const CoreExtern found, item(what.imports[i]));
    imports.push_back(found);
  }
  for (std::size_t i = 0; probed && i < probed->probes.size(); ++i) {
    imports.push_back(store_.host_function(store_.import_signature(module, what.imports.size() + i),
                                           std::move(probed->probes[i])));
  }
  // Data and element segments are written, and the start function runs.
  const auto make = [&](std::span<const spec::CoreValue>) -> spec::CoreResult {
    const auto made = store_.instantiate(module, imports);
    if (const auto* trap = std::get_if<CoreTrap>(&made)) {
      return tl::unexpected(meant(trap_of(*trap)));
    }
    instances_[id.value] = std::get<CoreStore::InstanceId>(made);
    return std::optional<spec::CoreValue>{};
  };
  SPEC_CHECK(machine_.run_start(machine_id(what.owner), make));
  return {};
}

// --- exports

const component::WorldExport* Program::find(std::string_view name) const {
  const component::WorldExport* found = nullptr;
  for (const component::WorldExport& item : composition_.exports) {
    const std::string full = full_name(item.interface_name, item.name);
    const std::size_t version = item.interface_name.find('@');
    const std::string unversioned = full_name(item.interface_name.substr(0, version), item.name);
    if (full == name) {
      return &item;
    }
    if (unversioned == name || item.name == name) {
      if (found != nullptr) {
        return nullptr;
      }
      found = &item;
    }
  }
  return found;
}

std::optional<CanonId> Program::lift_of(spec::FunctionId function) const {
  const auto found = std::find(lifted_.begin(), lifted_.end(), std::optional(function));
  return found == lifted_.end() ? std::nullopt
                                : std::optional(CanonId{static_cast<std::size_t>(found - lifted_.begin())});
}

component::InstanceId Program::instance_of(spec::Party party) const {
  return party ? component::InstanceId{party->value + 1} : component::kHost;
}

spec::FunctionType Program::type_of(const component::WorldExport& what) {
  return types_.of(what.type);
}

spec::Result<std::optional<spec::Value>> Program::call(const component::WorldExport& what,
                                                       std::vector<spec::Value> arguments) {
  const CanonId* lift = std::get_if<CanonId>(&what.func);
  if (lift == nullptr) {
    return spec::trap(TrapClass::kUnsupported, what.name + " is a function of the host's, passed on");
  }
  if (!lifted_[lift->value]) {
    return spec::trap(TrapClass::kUnsupported, refusals_[lift->value]);
  }
  if (machine_.first_trap() && machine_.first_trap()->trap_class == TrapClass::kUnsupported) {
    return tl::unexpected(*machine_.first_trap());  // what it would do now is not known
  }
  return machine_.call(*lifted_[lift->value], std::move(arguments));
}

spec::CoreResult Program::run_by_index(CoreInstanceId instance, std::uint32_t function,
                                       std::span<const spec::CoreValue> arguments) {
  const std::optional<CoreStore::InstanceId>& made = instances_[instance.value];
  if (!made || function >= store_.function_count(*made)) {
    return spec::trap(TrapClass::kUnsupported, "a function is called whose instance is not made yet");
  }
  const CoreExtern found = store_.function(*made, function);
  const CoreSignature signature = store_.signature(found);
  bool fits = signature.params.size() == arguments.size() && signature.results.size() <= 1;
  for (std::size_t i = 0; fits && i < arguments.size(); ++i) {
    fits = static_cast<int>(signature.params[i]) == static_cast<int>(arguments[i].type);
  }
  if (!fits) {
    return spec::trap(TrapClass::kNotValid, "a core function is called with other arguments than it takes");
  }
  return guest(found)(arguments);
}

std::string Program::name_of(const component::FuncRef& function) const {
  if (const CanonId* lift = std::get_if<CanonId>(&function)) {
    return function_names_[lift->value];
  }
  const component::HostFunc& host = composition_.host_funcs[std::get<component::HostFuncId>(function).value];
  return shown_name(host.interface_name, host.name);
}

std::string Program::name_of(const component::WorldExport& what) {
  return shown_name(what.interface_name, what.name);
}

std::optional<std::uint64_t> Program::global(CoreInstanceId instance, const std::string& name) const {
  const std::optional<CoreStore::InstanceId>& made = instances_[instance.value];
  const CoreExtern* const found = made ? store_.find(*made, name) : nullptr;
  return found != nullptr && found->kind() == CoreExtern::Kind::kGlobal
             ? std::optional(store_.value(*found).bits)
             : std::nullopt;
}

std::span<const std::uint8_t> Program::memory(CoreInstanceId instance, std::uint32_t index) const {
  const std::optional<CoreStore::InstanceId>& made = instances_[instance.value];
  if (!made) {
    return {};
  }
  const CoreExtern memory = store_.memory(*made, index);
  return {store_.bytes(memory), store_.size(memory)};
}

spec::CoreResult Program::call_core(CoreInstanceId instance, std::uint32_t function,
                                    std::span<const spec::CoreValue> arguments) {
  const component::InstanceId owner = composition_.core_instances[instance.value].owner;
  return machine_.run_start(machine_id(owner), [&](std::span<const spec::CoreValue>) -> spec::CoreResult {
    return run_by_index(instance, function, arguments);
  });
}

}  // namespace meld_verify::run
