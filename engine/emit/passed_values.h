#pragma once

// Parameters and results of functions as core code passes them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/topology/layout.h"
#include "engine/wasm/module.h"

namespace meld_verify::emit {

/// Parameters or results of a function as they lie in memory, or in slots.
struct PassedValues {
  std::vector<component::TypeId> types;
  std::vector<wasm::ValueType> slots;  ///< at most one more than may be flat
  bool in_memory = false;
  std::uint64_t size = 0;  ///< bytes in memory
  std::uint32_t alignment = 1;
};
[[nodiscard]] PassedValues passed_params(const component::FuncType& type, const topology::Layouts& layouts);
[[nodiscard]] PassedValues passed_results(const component::FuncType& type, const topology::Layouts& layouts);

/// The core type of a lowering (which is told where to put results that lie in memory), or of a lift.
[[nodiscard]] wasm::FuncType core_type(const PassedValues& params, const PassedValues& results, bool lowered);

}  // namespace meld_verify::emit
