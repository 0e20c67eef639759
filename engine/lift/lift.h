#pragma once

// A fused file as the plan that a fuser could have written, with where in the bytes each of it stands.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/lift/alignment.h"
#include "engine/routing/plan.h"
#include "engine/topology/topology.h"

namespace meld_verify::lift {

/// A function of the fused file, for people.
struct CodePlace {
  FunctionId function;
  std::uint32_t index = 0;  ///< in its core module
  CoreModuleId module;
  std::string name;         ///< an export's, or empty
  wasm::ByteOffset offset;  ///< in the fused file: its body, or the instruction that is meant
};

/// What the bytes show and a plan cannot say. With a code: a leak. Without: something that could not be read,
/// so that the verdict cannot be "proved".
struct Note {
  std::optional<std::uint8_t> code;
  std::optional<topology::BoundaryId> boundary;
  std::optional<topology::PositionId> position;
  std::optional<topology::ViewId> view;
  std::optional<routing::TableId> table;
  std::optional<topology::InstanceId> instance;
  std::string sentence;
  std::optional<CodePlace> place;
  bool latent = false;       ///< with a code: nothing that the world's exports do can bring it about
  bool unsupported = false;  ///< without a code: out of scope, rather than not understood
};

struct Lifted {
  topology::Topology topology;  ///< the composed file's, `reachable` refined by what the fused code can call
  routing::Plan plan;
  std::vector<Note> notes;
  std::vector<std::string> assumptions;
  /// Parallel to the topology's boundaries: the function that stands for the call. Nothing: never wired.
  std::vector<std::optional<CodePlace>> boundary_code;
  /// Parallel to the topology's positions: the first call that converts the value.
  std::vector<std::optional<CodePlace>> position_code;
  /// Parallel to the topology's views: new, rep, drop.
  std::vector<std::array<std::optional<CodePlace>, 3>> view_code;
  /// Parallel to the plan's tables: new, rep, drop.
  std::vector<std::array<std::optional<CodePlace>, 3>> table_code;
  std::size_t aligned_functions = 0, all_functions = 0;
  std::size_t paths = 0;      ///< executed
  std::size_t questions = 0;  ///< put to Z3
};

/// Both files, decoded and aligned; what replay and repair start from too.
struct Pair {
  component::Composition composed;
  std::optional<component::Composition> fused;  ///< none: the fused file is a core module
  Image composed_image;
  Image fused_image;
  Alignment alignment;
};

/// Decodes, links and aligns. The bytes must outlive the result, which must not be moved once made (hence the
/// pointer). Errors: those of `component::decode`, `link` and `align`.
[[nodiscard]] wasm::Expected<std::unique_ptr<Pair>> read_pair(std::span<const std::uint8_t> composed,
                                                              std::string_view composed_file,
                                                              std::span<const std::uint8_t> fused,
                                                              std::string_view fused_file);

struct LiftOptions {
  std::uint32_t most_elements = 3;  ///< of a list, where the elements matter
};

/// Reads the plan off the bytes.
[[nodiscard]] Lifted lift(const Pair& pair, const LiftOptions& options = {});

}  // namespace meld_verify::lift
