#pragma once

// What guests' core code sees: each call into a guest's module and out of it, with the values that pass. Two
// runs of the same guests are the same for them exactly when these logs are equal.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/run/program.h"

namespace meld_verify::run {

/// A function that a guest's module imports or exports is entered or left.
struct CoreCall {
  component::CoreInstanceId instance;  ///< in the numbers of whoever asked for the log
  std::uint32_t function = 0;          ///< in its module
  bool leaves = false;
  std::vector<std::uint64_t> values;  ///< arguments, or results; an i32 or f32 has the upper half zero
  bool operator==(const CoreCall&) const = default;
};

class CoreLog : public Probes {
 public:
  /// `running` and `bytes`: what the program runs. `guests`: by its core instances, what each is in the log;
  /// nothing: it is not listened to. All must outlive it. More than `most` calls end the program as
  /// unsupported.
  CoreLog(const component::Composition& running, std::span<const std::uint8_t> bytes,
          std::vector<std::optional<component::CoreInstanceId>> guests, std::size_t most);

  spec::Result<std::optional<ProbedModule>> module(component::CoreInstanceId instance) override;
  spec::Result<void> canon_entered(component::CanonId, std::span<const spec::CoreValue>) override {
    return {};
  }
  void canon_left(component::CanonId) override {}

  [[nodiscard]] const std::vector<CoreCall>& calls() const { return calls_; }

 private:
  CoreStore::HostFunction probe(component::CoreInstanceId instance, std::uint32_t function, bool leaves);

  const component::Composition& running_;
  std::span<const std::uint8_t> bytes_;
  std::vector<std::optional<component::CoreInstanceId>> guests_;
  std::size_t most_;
  std::vector<CoreCall> calls_;
};

/// "core instance 3 enters function 7 (1, 0x110008)"
[[nodiscard]] std::string to_string(const CoreCall& call);

}  // namespace meld_verify::run
