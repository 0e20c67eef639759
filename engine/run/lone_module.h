#pragma once

// A fused core module with an embedder around it.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/lift/lift.h"

namespace meld_verify::run {

/// A component of one instance that has the fused core module as core instance 0, so that it runs as any
/// component. Its function imports are the first canonical definitions, in order.
struct LoneModule {
  component::Composition composition;
  std::vector<std::uint8_t> bytes;  ///< the file that `composition` speaks of
  std::string problem;              ///< why it cannot be run; empty when it can
  /// What is taken for granted of whoever embeds the module: its imports come without a specification.
  std::vector<std::string> assumptions;
};

/// Puts canonical built-ins on *one* handle table under the module's imports. The resource type of an import
/// is that of the composed file whose built-in guests' code reaches there; its resource types keep their
/// numbers. An import that only the fuser's code calls goes by its name, for want of anything else: the type
/// of an import that is known and has the same module and field (`[export]`, `[resource-…]` and `$N` aside),
/// else the only type that guests know by that interface and name. What is neither is refused when it is
/// called. Imported memories are made, nothing else is.
[[nodiscard]] LoneModule embed(const lift::Pair& pair);

}  // namespace meld_verify::run
