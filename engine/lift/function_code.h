#pragma once

// A function's instructions with their blocks matched: what execution walks over.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/lift/image.h"

namespace meld_verify::lift {

/// An instruction.
struct CodeStep {
  wasm::Opcode opcode = 0;
  wasm::ByteOffset at;
  std::uint64_t constant = 0;  ///< of a constant; of a load or store: its offset
  std::uint32_t first = 0;   ///< the first index; of a load or store: the memory; of br_table: into `labels`
  std::uint32_t second = 0;  ///< the second index; of br_table: how many labels, the default included
  /// block, if, else: the step of the `end` that closes it.
  std::uint32_t end = 0;
  std::uint32_t otherwise = 0;  ///< if: the step of its `else`; without one, the `end`
  std::uint32_t params = 0;     ///< block, loop, if
  std::uint32_t results = 0;
};

struct FunctionCode {
  std::vector<CodeStep> steps;
  std::vector<std::uint32_t> labels;
  std::string problem;  ///< not empty: why it cannot be executed
};

/// Reads the instructions of a kDefined function.
[[nodiscard]] FunctionCode code_for(const Image& image, FunctionId function);

}  // namespace meld_verify::lift
