#pragma once

// Core code and memories of the interpreter as the reference machine sees them.

#include "engine/run/core_store.h"
#include "spec/machine.h"

namespace meld_verify::run {

class GuestMemory : public spec::Memory {
 public:
  /// `store` must outlive this.
  GuestMemory(const CoreStore& store, const CoreExtern& memory) : store_(store), memory_(memory) {}
  [[nodiscard]] std::uint64_t size() const override;
  void read(std::uint32_t address, std::span<std::byte> into) const override;
  void write(std::uint32_t address, std::span<const std::byte> bytes) override;

 private:
  const CoreStore& store_;
  CoreExtern memory_;
};

/// A trap in core code in the machine's words: that of the imported function which asked for it; kUnsupported
/// where the interpreter met a limit of its own.
[[nodiscard]] spec::Trap trap_of(const CoreTrap& trap);

/// A function of the interpreter, for the machine to call. `store` must outlive it.
[[nodiscard]] spec::CoreFunction guest_function(CoreStore& store, const CoreExtern& function);

/// A function of the machine, for guests to import.
[[nodiscard]] CoreExtern import_function(CoreStore& store, const CoreSignature& signature,
                                         spec::CoreFunction function);

/// The core signatures of a function (semantics.md section 3): of what `canon lower` makes, of what `canon
/// lift` takes, and of its post-return.
[[nodiscard]] CoreSignature lowered_signature(const spec::FunctionType& type);
[[nodiscard]] CoreSignature lifted_signature(const spec::FunctionType& type);
[[nodiscard]] CoreSignature post_return_signature(const spec::FunctionType& type);

}  // namespace meld_verify::run
