#include "engine/run/core_store.h"

#include <wabt/binary-reader.h>
#include <wabt/error-formatter.h>
#include <wabt/interp/binary-reader-interp.h>
#include <wabt/interp/interp.h>

#include <optional>
#include <unordered_map>
#include <utility>

namespace meld_verify::run {
namespace {

namespace wi = wabt::interp;

CoreType type_of(wi::ValueType type) {
  switch (type) {
    case wabt::Type::I32:
      return CoreType::kI32;
    case wabt::Type::I64:
      return CoreType::kI64;
    case wabt::Type::F32:
      return CoreType::kF32;
    case wabt::Type::F64:
      return CoreType::kF64;
    default:
      return CoreType::kOther;
  }
}

wi::ValueType type_of(CoreType type) {
  switch (type) {
    case CoreType::kI32:
      return wabt::Type::I32;
    case CoreType::kI64:
      return wabt::Type::I64;
    case CoreType::kF32:
      return wabt::Type::F32;
    case CoreType::kF64:
      return wabt::Type::F64;
    case CoreType::kOther:
      break;
  }
  return wabt::Type::ExternRef;
}

/// f32 and f64 travel as bits, so that no NaN is changed on the way.
wi::Value value_of(const CoreValue& value) {
  wi::Value result;
  if (value.type == CoreType::kI32 || value.type == CoreType::kF32) {
    result.Set<wi::u32>(static_cast<wi::u32>(value.bits));
  } else {
    result.Set<wi::u64>(value.bits);
  }
  return result;
}

CoreValue value_of(CoreType type, const wi::Value& value) {
  const bool half = type == CoreType::kI32 || type == CoreType::kF32;
  return {type, half ? value.Get<wi::u32>() : value.Get<wi::u64>()};
}

CoreSignature signature_of(const wi::FuncType& type) {
  CoreSignature signature;
  for (const wi::ValueType param : type.params) {
    signature.params.push_back(type_of(param));
  }
  for (const wi::ValueType result : type.results) {
    signature.results.push_back(type_of(result));
  }
  return signature;
}

CoreExtern::Kind kind_of(wi::ExternKind kind) {
  switch (kind) {
    case wabt::ExternalKind::Func:
      return CoreExtern::Kind::kFunc;
    case wabt::ExternalKind::Table:
      return CoreExtern::Kind::kTable;
    case wabt::ExternalKind::Memory:
      return CoreExtern::Kind::kMemory;
    case wabt::ExternalKind::Global:
      return CoreExtern::Kind::kGlobal;
    case wabt::ExternalKind::Tag:
      return CoreExtern::Kind::kTag;
  }
  return CoreExtern::Kind::kFunc;
}

/// All that compilers emit. Typed references and garbage collection are half done in wabt 1.0.32: with them
/// it refuses good modules.
wabt::Features all_features() {
  wabt::Features features;
  features.EnableAll();
  features.disable_memory64();
  features.disable_function_references();
  features.disable_gc();
  return features;
}

// A thread can run a given number of instructions, but wabt lets only functions themselves put a call on it.
// Naming a private member in an explicit instantiation is allowed: these do what DefinedFunc::DoCall does.
template <class Opener, typename Opener::Member kMember>
struct Opened {
  friend typename Opener::Member open(Opener) { return kMember; }
};
struct PushCall {
  using Member = wi::RunResult (wi::Thread::*)(const wi::DefinedFunc&, wi::Trap::Ptr*);
  friend Member open(PushCall);
};
struct PushValues {
  using Member = void (wi::Thread::*)(const wi::ValueTypes&, const wi::Values&);
  friend Member open(PushValues);
};
struct PopValues {
  using Member = void (wi::Thread::*)(const wi::ValueTypes&, wi::Values*);
  friend Member open(PopValues);
};
template struct Opened<PushCall, &wi::Thread::PushCall>;
template struct Opened<PushValues, &wi::Thread::PushValues>;
struct Frames {
  using Member = std::vector<wi::Frame> wi::Thread::*;
  friend Member open(Frames);
};
template struct Opened<PopValues, &wi::Thread::PopValues>;
template struct Opened<Frames, &wi::Thread::frames_>;

}  // namespace

struct CoreStore::State {
  struct Instance {
    wi::Instance::Ptr instance;
    std::unordered_map<std::string, CoreExtern> exports;
  };

  wi::Store store{all_features()};
  std::vector<wi::Module::Ptr> modules;
  std::vector<Instance> instances;
  /// What a `CoreExtern` names. Never shrinks.
  std::vector<wi::Extern::Ptr> externs;
  std::unordered_map<std::size_t, std::size_t> extern_of_ref;
  /// The trap that a host function asked for, until it is handed to the caller at the bottom.
  std::unique_ptr<CoreTrap> host_trap;
  /// The interpreter's thread that is running, for calls from host functions; null at the bottom.
  wi::Thread* thread = nullptr;
  /// By module: its start functions, kept from wabt so that they run as any other call.
  std::vector<std::vector<wi::StartDesc>> starts;
  std::optional<std::uint64_t> steps_left;

  CoreExtern name(CoreExtern::Kind kind, wi::Ref ref) {
    const auto [place, fresh] = extern_of_ref.try_emplace(ref.index, externs.size());
    if (fresh) {
      externs.push_back(store.UnsafeGet<wi::Extern>(ref));
    }
    return {kind, place->second};
  }

  CoreTrap trap_of(const wi::Trap::Ptr& trap) {
    if (host_trap) {
      return std::move(*std::exchange(host_trap, nullptr));
    }
    const std::string message = trap ? trap->message() : "uncaught exception";
    return {message == "call stack exhausted" ? CoreTrap::Kind::kExhausted : CoreTrap::Kind::kTrap, message,
            0};
  }

  /// The thread's own call, but that it stops when no steps are left, and when the call stack is full: wabt
  /// passes over a call of another instance's function then, and goes on with its arguments for results.
  wabt::Result run(wi::Func& function, wi::Thread& thread_of_call, const wi::Values& params,
                   wi::Values& results, wi::Trap::Ptr* trap) {
    constexpr int kAtOnce = 128;
    auto* const defined = wabt::dyn_cast<wi::DefinedFunc>(&function);
    if (defined == nullptr) {
      return function.Call(thread_of_call, params, results, trap);
    }
    const auto stop = [this](const char* message) {
      host_trap = std::make_unique<CoreTrap>(CoreTrap{CoreTrap::Kind::kExhausted, message, 0});
      return wabt::Result::Error;
    };
    const auto& frames = thread_of_call.*open(Frames{});
    (thread_of_call.*open(PushValues{}))(defined->type().params, params);
    wi::RunResult outcome = (thread_of_call.*open(PushCall{}))(*defined, trap);
    while (outcome == wi::RunResult::Ok) {
      const std::size_t room = frames.capacity() - frames.size();
      if (room == 0) {
        return stop("call stack exhausted");
      }
      const int at_once = room > kAtOnce ? kAtOnce : 1;  // an instruction adds one frame at the most
      if (steps_left && *steps_left < kAtOnce) {
        return stop("the program takes more instructions than it may");
      }
      if (steps_left) {
        *steps_left -= static_cast<std::uint64_t>(at_once);
      }
      outcome = thread_of_call.Run(at_once, trap);
    }
    if (outcome != wi::RunResult::Return) {
      return wabt::Result::Error;
    }
    (thread_of_call.*open(PopValues{}))(defined->type().results, &results);
    return wabt::Result::Ok;
  }

  /// The same, from the bottom or from within a host function.
  wabt::Result run(wi::Func& function, const wi::Values& params, wi::Values& results, wi::Trap::Ptr* trap) {
    if (thread != nullptr) {
      return run(function, *thread, params, results, trap);
    }
    wi::Thread fresh(store);
    return run(function, fresh, params, results, trap);
  }

  template <class T>
  T* get(const CoreExtern& item) const {
    return wabt::cast<T>(externs[item.id_].get());
  }
};

CoreStore::CoreStore() : state_(std::make_unique<State>()) {}
CoreStore::~CoreStore() = default;

CoreResult<CoreStore::ModuleId> CoreStore::load(const std::uint8_t* bytes, std::size_t size) {
  wabt::Errors errors;
  wi::ModuleDesc module;
  const wabt::ReadBinaryOptions options(all_features(), nullptr, false, true, false);
  if (wabt::Failed(wi::ReadBinaryInterp("module", bytes, size, options, &errors, &module))) {
    return CoreTrap{CoreTrap::Kind::kLink,
                    errors.empty() ? "the module cannot be read" : errors.front().message, 0};
  }
  state_->starts.push_back(std::move(module.starts));
  module.starts.clear();
  state_->modules.push_back(wi::Module::New(state_->store, std::move(module)));
  return state_->modules.size() - 1;
}

CoreSignature CoreStore::import_signature(ModuleId module, std::size_t import) const {
  const wi::ExternType& type = *state_->modules[module]->import_types()[import].type;
  return wabt::isa<wi::FuncType>(&type) ? signature_of(*wabt::cast<wi::FuncType>(&type)) : CoreSignature{};
}

CoreResult<CoreStore::InstanceId> CoreStore::instantiate(ModuleId module,
                                                         const std::vector<CoreExtern>& imports) {
  wi::RefVec refs;
  for (const CoreExtern& item : imports) {
    refs.push_back(state_->externs[item.id_]->self());
  }
  wi::Trap::Ptr trap;
  wi::Instance::Ptr instance =
      wi::Instance::Instantiate(state_->store, state_->modules[module]->self(), refs, &trap);
  if (!instance) {
    CoreTrap why = state_->trap_of(trap);
    if (why.kind == CoreTrap::Kind::kTrap && why.message == "import signature mismatch") {
      why.kind = CoreTrap::Kind::kLink;  // no code ran: the component is not valid
    }
    return why;
  }
  for (const wi::StartDesc& start : state_->starts[module]) {
    const auto function = state_->store.UnsafeGet<wi::Func>(instance->funcs()[start.func_index]);
    wi::Values none;
    if (wabt::Failed(state_->run(*function, {}, none, &trap))) {
      return state_->trap_of(trap);
    }
  }
  State::Instance made{instance, {}};
  const auto& exports = state_->modules[module]->desc().exports;
  for (std::size_t i = 0; i < exports.size(); ++i) {
    made.exports.emplace(exports[i].type.name,
                         state_->name(kind_of(exports[i].type.type->kind), instance->exports()[i]));
  }
  state_->instances.push_back(std::move(made));
  return state_->instances.size() - 1;
}

const CoreExtern* CoreStore::find(InstanceId instance, const std::string& name) const {
  const auto& exports = state_->instances[instance].exports;
  const auto place = exports.find(name);
  return place == exports.end() ? nullptr : &place->second;
}

CoreExtern CoreStore::host_function(const CoreSignature& signature, HostFunction function) {
  wi::FuncType type({}, {});
  for (const CoreType param : signature.params) {
    type.params.push_back(type_of(param));
  }
  for (const CoreType result : signature.results) {
    type.results.push_back(type_of(result));
  }
  State* state = state_.get();
  auto callback = [state, signature, function = std::move(function)](
                      wi::Thread& thread, const wi::Values& params, wi::Values& results,
                      wi::Trap::Ptr* out_trap) {
    Values arguments(params.size()), answers(signature.results.size());
    for (std::size_t i = 0; i < params.size(); ++i) {
      arguments[i] = value_of(signature.params[i], params[i]);
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      answers[i].type = signature.results[i];
    }
    wi::Thread* const outer = std::exchange(state->thread, &thread);
    std::unique_ptr<CoreTrap> trap = function(arguments, answers);
    state->thread = outer;
    if (trap) {
      *out_trap = wi::Trap::New(state->store, trap->message);
      state->host_trap = std::move(trap);
      return wabt::Result::Error;
    }
    results.resize(answers.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      results[i] = value_of(answers[i]);
    }
    return wabt::Result::Ok;
  };
  const wi::HostFunc::Ptr made = wi::HostFunc::New(state_->store, std::move(type), std::move(callback));
  return state_->name(CoreExtern::Kind::kFunc, made->self());
}

CoreSignature CoreStore::signature(const CoreExtern& function) const {
  return signature_of(state_->get<wi::Func>(function)->type());
}

CoreResult<CoreStore::Values> CoreStore::call(const CoreExtern& function, const Values& arguments) {
  auto* const func = state_->get<wi::Func>(function);
  if (arguments.size() != func->type().params.size()) {  // the interpreter would not survive it
    return CoreTrap{CoreTrap::Kind::kLink, "a core function is called with another number of arguments", 0};
  }
  wi::Values params, results;
  params.reserve(arguments.size());
  for (const CoreValue& argument : arguments) {
    params.push_back(value_of(argument));
  }
  wi::Trap::Ptr trap;
  if (wabt::Failed(state_->run(*func, params, results, &trap))) {
    return state_->trap_of(trap);
  }
  Values answers(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    answers[i] = value_of(type_of(func->type().results[i]), results[i]);
  }
  return answers;
}

CoreExtern CoreStore::function(InstanceId instance, std::size_t index) const {
  return state_->name(CoreExtern::Kind::kFunc, state_->instances[instance].instance->funcs()[index]);
}

std::size_t CoreStore::function_count(InstanceId instance) const {
  return state_->instances[instance].instance->funcs().size();
}

void CoreStore::limit_steps(std::uint64_t steps) {
  state_->steps_left = steps;
}

std::uint64_t CoreStore::steps_left() const {
  return state_->steps_left.value_or(0);
}

CoreExtern CoreStore::memory(InstanceId instance, std::size_t index) const {
  return state_->name(CoreExtern::Kind::kMemory, state_->instances[instance].instance->memories()[index]);
}

CoreValue CoreStore::value(const CoreExtern& global) const {
  const auto* const found = state_->get<wi::Global>(global);
  return value_of(type_of(found->type().type), found->Get());
}

std::uint8_t* CoreStore::bytes(const CoreExtern& memory) const {
  return state_->get<wi::Memory>(memory)->UnsafeData();
}

std::uint64_t CoreStore::size(const CoreExtern& memory) const {
  return state_->get<wi::Memory>(memory)->ByteSize();
}

}  // namespace meld_verify::run
