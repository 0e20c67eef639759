#pragma once

// Where the handles of a signature are.

#include <optional>
#include <string>
#include <vector>

#include "engine/topology/layout.h"

namespace meld_verify::topology {

/// Handle positions in one function, at most.
inline constexpr std::size_t kMostPositions = 65'536;

/// A handle in a signature, seen from one side.
struct HandlePlace {
  HandleKind kind = HandleKind::kOwn;
  bool result = false;
  ResourceId resource;
  std::uint32_t alias_depth = 0;
  std::string label;  ///< of the resource type where the signature is written
  Layout layout;      ///< locations are the same on both sides of a synchronous call
};

struct Signature {
  std::vector<HandlePlace> handles;  ///< in the order in which a call visits them
  /// Why the list is not the whole truth: code and sentence.
  std::optional<std::pair<std::string, std::string>> unsupported;
};

[[nodiscard]] Signature handles_of(const component::FuncType& type, const component::TypeArena& arena,
                                   const Layouts& layouts);

}  // namespace meld_verify::topology
