#pragma once

// How much a finding counts: whether anything reaches it, whether it refutes, and which is told first.

#include <vector>

#include "engine/check/check.h"

namespace meld_verify::check {

/// Whether a defect with this harm refutes where it is reached.
[[nodiscard]] bool refutes(Harm harm, Profile profile);

/// The order of `Report::findings`: refuting ones, then warnings, then what nothing reaches.
[[nodiscard]] bool told_before(const Finding& left, const Finding& right);

/// What the exports of the world can reach.
class Reach {
 public:
  /// The topology must outlive it.
  Reach(const topology::Topology& topology, const routing::Plan& plan);

  [[nodiscard]] bool operator()(const Unit& unit) const;

 private:
  const topology::Topology& topology_;
  std::vector<bool> tables_, keys_;
};

}  // namespace meld_verify::check
