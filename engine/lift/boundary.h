#pragma once

// What the function that stands for a call does with every handle.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/lift/lift.h"
#include "engine/lift/table_function.h"
#include "engine/topology/layout.h"

namespace meld_verify::lift {

/// One conversion that a value passes through, in order from sender to receiver.
struct Conversion {
  TableRole role = TableRole::kOther;
  FunctionId function;
  bool operator==(const Conversion&) const = default;
};

/// What happens to the handle at one position.
struct PositionReading {
  bool seen = false;  ///< in some run the value crossed
  std::vector<Conversion> steps;
  std::optional<wasm::ByteOffset> at;  ///< of the first conversion's call
  bool ignores_guard = false;          ///< it is converted also where another case is the active one
};

struct BoundaryReading {
  std::vector<PositionReading> positions;  ///< of the boundary, in order
  std::vector<Note> notes;  ///< `boundary` and `position` left out: indices are in `note_position`
  std::vector<std::optional<std::uint32_t>> note_position;  ///< parallel to `notes`
  std::uint32_t most_elements = 0;                          ///< lists were followed up to so many elements
  bool has_lists = false;                                   ///< … that matter
  bool posts_return = false;                                ///< the callee's post-return is called within
  std::set<FunctionId> checks;  ///< functions that look at values, and are taken to let valid ones pass
  std::size_t paths = 0;
};

/// One side of a boundary, in the fused file.
struct BoundarySide {
  std::optional<MemoryId> memory;
  std::optional<FunctionId> allocator;
};

/// A call as it should be.
struct BoundaryCall {
  component::FuncTypeId type;
  FunctionId caller_reaches;  ///< what stands for the call in the fused file
  FunctionId callee;          ///< the fused counterpart of the lifted core function
  std::optional<FunctionId> post_return;
  BoundarySide caller, callee_side;
  component::StringEncoding encoding = component::StringEncoding::kUtf8;  ///< of both sides
  /// What stands for the call has the core type of a lift (the run time calls it): it gives where its results
  /// lie.
  bool made_is_lifted = false;
  /// Of a made lift: its post-return, which the run time calls when it has read the results.
  std::optional<FunctionId> closing = {};
  /// The callee has the core type of a lowering (the host's): it is told where to put its results.
  bool callee_is_lowered = false;
  std::uint32_t positions = 0;  ///< handle positions that the topology has for it
};

/// What readers of boundaries share.
struct ReadingContext {
  const Image& fused;
  const Image& composed;
  const Alignment& alignment;
  const component::TypeArena& arena;
  const topology::Layouts& layouts;
  Executor& executor;
  smt::Terms& terms;
  smt::Decider& decider;
  TableFunctions& tables;
  std::vector<bool> guests_memory;  ///< `guests_memories`
  std::uint32_t most_elements = 3;
  std::map<FunctionId, bool> checks = {};  ///< known of `is_check`
};

/// Executes the function for every length of the lists that matter, up to the bound, and reads off what
/// becomes of each handle. What could not be read is a note without a code.
[[nodiscard]] BoundaryReading read_boundary(ReadingContext& context, const BoundaryCall& call);

}  // namespace meld_verify::lift
