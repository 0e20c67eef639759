#include "engine/run/guest_code.h"

#include <array>
#include <cstring>
#include <utility>

namespace meld_verify::run {
namespace {

CoreType type_of(spec::CoreType type) {
  switch (type) {
    case spec::CoreType::kI32:
      return CoreType::kI32;
    case spec::CoreType::kI64:
      return CoreType::kI64;
    case spec::CoreType::kF32:
      return CoreType::kF32;
    case spec::CoreType::kF64:
      return CoreType::kF64;
  }
  return CoreType::kOther;
}

spec::CoreValue value_of(const CoreValue& value) {
  switch (value.type) {
    case CoreType::kI64:
      return {spec::CoreType::kI64, value.bits};
    case CoreType::kF32:
      return {spec::CoreType::kF32, value.bits};
    case CoreType::kF64:
      return {spec::CoreType::kF64, value.bits};
    default:
      return {spec::CoreType::kI32, value.bits};
  }
}

std::vector<CoreType> slots_of(const spec::Type& type) {
  std::vector<CoreType> slots;
  for (const spec::CoreType slot : type.flat) {
    slots.push_back(type_of(slot));
  }
  return slots;
}

bool spills(const spec::TypeRef& result) {
  return result && result->flat.size() > spec::kMaxFlatResults;
}

}  // namespace

std::uint64_t GuestMemory::size() const {
  return store_.size(memory_);
}

void GuestMemory::read(std::uint32_t address, std::span<std::byte> into) const {
  if (!into.empty()) {
    std::memcpy(into.data(), store_.bytes(memory_) + address, into.size());
  }
}

void GuestMemory::write(std::uint32_t address, std::span<const std::byte> bytes) {
  if (!bytes.empty()) {
    std::memcpy(store_.bytes(memory_) + address, bytes.data(), bytes.size());
  }
}

spec::Trap trap_of(const CoreTrap& trap) {
  switch (trap.kind) {
    case CoreTrap::Kind::kHost:
      return {static_cast<spec::TrapClass>(trap.code), trap.message};
    case CoreTrap::Kind::kExhausted:
      return {spec::TrapClass::kUnsupported, trap.message == "call stack exhausted"
                                                 ? "the interpreter's call stack is full: " + trap.message
                                                 : trap.message};
    case CoreTrap::Kind::kLink:
      return {spec::TrapClass::kNotValid, trap.message};
    case CoreTrap::Kind::kTrap:
      break;
  }
  return {spec::TrapClass::kGuestTrap, trap.message};
}

spec::CoreFunction guest_function(CoreStore& store, const CoreExtern& function) {
  return [&store, function](std::span<const spec::CoreValue> args) -> spec::CoreResult {
    CoreStore::Values arguments;
    arguments.reserve(args.size());
    for (const spec::CoreValue& arg : args) {
      arguments.push_back({type_of(arg.type), arg.bits});
    }
    const CoreResult<CoreStore::Values> outcome = store.call(function, arguments);
    if (const auto* trap = std::get_if<CoreTrap>(&outcome)) {
      return tl::unexpected(trap_of(*trap));
    }
    const auto& results = std::get<CoreStore::Values>(outcome);
    if (results.empty()) {
      return std::optional<spec::CoreValue>{};
    }
    return std::optional(value_of(results.front()));
  };
}

CoreExtern import_function(CoreStore& store, const CoreSignature& signature, spec::CoreFunction function) {
  return store.host_function(
      signature,
      [function = std::move(function)](const CoreStore::Values& arguments,
                                       CoreStore::Values& results) -> std::unique_ptr<CoreTrap> {
        // Lowered functions have kMaxFlatParams slots and an out-pointer at the most.
        std::array<spec::CoreValue, spec::kMaxFlatParams + 1> args;
        for (std::size_t i = 0; i < arguments.size(); ++i) {
          args[i] = value_of(arguments[i]);
        }
        const spec::CoreResult outcome = function(std::span(args).first(arguments.size()));
        if (!outcome) {
          return std::make_unique<CoreTrap>(CoreTrap{CoreTrap::Kind::kHost, outcome.error().sentence,
                                                     static_cast<std::uint8_t>(outcome.error().trap_class)});
        }
        if (!results.empty()) {
          results.front() = {type_of((*outcome)->type), (*outcome)->bits};
        }
        return nullptr;
      });
}

CoreSignature lowered_signature(const spec::FunctionType& type) {
  CoreSignature signature = lifted_signature(type);
  if (spills(type.result)) {
    signature.results.clear();
    signature.params.push_back(CoreType::kI32);
  }
  return signature;
}

CoreSignature lifted_signature(const spec::FunctionType& type) {
  CoreSignature signature;
  const spec::TypeRef params = spec::types::tuple(type.params);
  if (params->flat.size() > spec::kMaxFlatParams) {
    signature.params.push_back(CoreType::kI32);
  } else {
    signature.params = slots_of(*params);
  }
  if (spills(type.result)) {
    signature.results.push_back(CoreType::kI32);
  } else if (type.result) {
    signature.results = slots_of(*type.result);
  }
  return signature;
}

CoreSignature post_return_signature(const spec::FunctionType& type) {
  return {lifted_signature(type).results, {}};
}

}  // namespace meld_verify::run
