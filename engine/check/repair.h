#pragma once

// How to mend a plan, as a change of its file.

#include <map>
#include <vector>

#include "engine/check/check.h"

namespace meld_verify::check {

/// Makes repairs. Linear set-up once, then work in proportion to what a finding concerns.
class Repairs {
 public:
  Repairs(const topology::Topology& topology, const routing::Plan& plan);

  /// Operations of a JSON patch (RFC 6902) on the file that the plan was read from; after them, in order, the
  /// finding is gone and, if the rest of the plan is right, nothing else is wrong. Views that were misrouted
  /// are routed anew together with all positions that they send to or receive from. Empty for a plan that was
  /// not read from a file.
  [[nodiscard]] std::vector<PatchOp> of(const Finding& finding) const;

 private:
  const topology::Topology& topology_;
  const routing::Plan& plan_;
  std::vector<std::vector<std::uint32_t>> positions_of_view_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> views_of_instance_;
};

}  // namespace meld_verify::check
