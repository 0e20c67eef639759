#pragma once

// Which functions of a file write what: memories, globals. From the instructions, without running them.

#include <map>
#include <set>
#include <vector>

#include "engine/lift/image.h"

namespace meld_verify::lift {

struct CodeWrites {
  std::map<MemoryId, std::set<FunctionId>> stores;     ///< or fills, copies into, initialises
  std::map<MemoryId, std::set<FunctionId>> grows;      ///< `memory.grow`
  std::map<MemoryId, std::set<FunctionId>> loads;      ///< or copies from
  std::map<GlobalId, std::set<FunctionId>> sets;       ///< `global.set`
  std::map<FunctionId, std::set<FunctionId>> callees;  ///< direct calls and `ref.func`
  std::set<FunctionId> indirect;                       ///< that call through tables or references
  std::set<FunctionId> open;                           ///< that stand in a table, or are exported
  std::set<FunctionId> loops;                          ///< that have a loop
  std::vector<FunctionId> unreadable;                  ///< whose instructions cannot be read
};

/// Reads the instructions of all defined functions, once. Of guests' functions only sets, grows and calls to
/// others than guests' are noted. Time is linear in the size of the code.
[[nodiscard]] CodeWrites code_writes(const Image& image, const std::vector<bool>& is_guest);

}  // namespace meld_verify::lift
