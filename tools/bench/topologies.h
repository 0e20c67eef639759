#pragma once

// Topologies of any size, for measurements.

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/topology/topology.h"

namespace meld_verify::bench {

/// Whom a component calls. The first one calls the host.
enum class Family : std::uint8_t {
  kChain,  ///< the one before
  kTree,   ///< its parent in a binary tree
  kDag,    ///< with each of its calls some component before it, at random
  kAlike,  ///< as in the chain, but all are instances of one component, with the same names
};

inline constexpr std::array kFamilies{Family::kChain, Family::kTree, Family::kDag, Family::kAlike};
[[nodiscard]] std::string_view to_string(Family family);

inline constexpr std::uint32_t kResourcesEach = 4;
inline constexpr std::uint32_t kCallsEach = 8;

/// `components` component instances beside the host and the root. Each defines `kResourcesEach` resource
/// types and makes `kCallsEach` calls with one handle position each: own and borrow, parameter and result, to
/// the definer and elsewhere, flat and inside an option and a list. The host calls each that nobody calls.
/// The same topology each time. Requires `components` > 0.
[[nodiscard]] topology::Topology make_topology(Family family, std::uint32_t components);

}  // namespace meld_verify::bench
