#pragma once

// What the machine knows of core WebAssembly: values, functions, a memory. A run time stands behind them;
// tests use C++ lambdas and byte vectors.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "spec/trap.h"

namespace meld_verify::spec {

enum class CoreType : std::uint8_t { kI32, kI64, kF32, kF64 };

/// A core value as its bits; 32-bit types leave the upper half 0. Floats are bits too, so that no NaN changes
/// on the way.
struct CoreValue {
  CoreType type = CoreType::kI32;
  std::uint64_t bits = 0;
  constexpr bool operator==(const CoreValue&) const = default;
};

[[nodiscard]] constexpr CoreValue i32(std::uint32_t value) {
  return {CoreType::kI32, value};
}
[[nodiscard]] constexpr CoreValue i64(std::uint64_t value) {
  return {CoreType::kI64, value};
}
[[nodiscard]] constexpr CoreValue f32(float value) {
  return {CoreType::kF32, std::bit_cast<std::uint32_t>(value)};
}
[[nodiscard]] constexpr CoreValue f64(double value) {
  return {CoreType::kF64, std::bit_cast<std::uint64_t>(value)};
}

/// What a core function gives: at most one value, as sync Canonical ABI functions have no more
/// (MAX_FLAT_RESULTS), or the trap that ended it. An uncaught exception is a trap too (semantics.md 2.5 step
/// 6).
using CoreResult = Result<std::optional<CoreValue>>;

/// A guest's core function, or a built-in as the guest calls it. The arguments live for the call only.
using CoreFunction = std::function<CoreResult(std::span<const CoreValue>)>;

/// A guest's linear memory (memory32). The machine checks bounds before each access, so `read` and `write`
/// are only called within `size()`; a call into the guest may change the size.
class Memory {
 public:
  virtual ~Memory() = default;
  /// In bytes, at most 2^32.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  virtual void read(std::uint32_t address, std::span<std::byte> into) const = 0;
  virtual void write(std::uint32_t address, std::span<const std::byte> bytes) = 0;
};

}  // namespace meld_verify::spec
