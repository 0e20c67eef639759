#pragma once

// Where the handles of a signature are.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/topology/layout.h"

namespace meld_verify::topology {

/// Handle positions in one function, at most.
inline constexpr std::size_t kMostPositions = 65'536;

/// A type in a signature lies below fewer types than this.
inline constexpr unsigned kMostDepth = 1'024;

/// What the positions of one function may weigh at most, in bytes of memory; walking the types counts too.
inline constexpr std::uint64_t kMostWeight = std::uint64_t{48} << 20;

/// A handle in a signature, seen from one side.
struct HandlePlace {
  HandleKind kind = HandleKind::kOwn;
  bool result = false;
  ResourceId resource;
  std::uint32_t alias_depth = 0;
  std::string label;  ///< of the resource type where the signature is written
  Layout layout;      ///< locations are the same on both sides of a synchronous call
};

/// Why the list of handles is not the whole truth.
struct SignatureLimit {
  std::string code;
  std::string sentence;
};

struct Signature {
  std::vector<HandlePlace> handles;     ///< in the order in which a call visits them
  std::optional<SignatureLimit> limit;  ///< "stream": the other handles are listed; else none is
  std::uint64_t weight = 0;             ///< bytes, as of kMostWeight
};

/// The handles of a synchronous call of `type`. Types that unfold to more than `most_weight` bytes of
/// positions (or kMostWeight), to more than kMostPositions or deeper than kMostDepth give a limit.
[[nodiscard]] Signature handles_of(const component::FuncType& type, const component::TypeArena& arena,
                                   const Layouts& layouts, std::uint64_t most_weight = kMostWeight);

}  // namespace meld_verify::topology
