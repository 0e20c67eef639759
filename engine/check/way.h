#pragma once

// The way of a value: from where it is born to where it does harm.

#include <optional>
#include <vector>

#include "engine/check/check.h"

namespace meld_verify::check {

/// Finds ways through a topology. Linear set-up once, then a breadth-first search for each finding.
class Ways {
 public:
  Ways(const topology::Topology& topology, const routing::Plan& plan);

  /// The positions that a handle of the finding's resource type crosses, in order, from its definer to the
  /// unit that is wrong (that position itself not included). Empty when it is wrong where it is born; nothing
  /// when it never gets there.
  [[nodiscard]] std::optional<std::vector<std::uint32_t>> positions_before(const Unit& unit) const;

  /// Fills in `way` and `involved`.
  void describe(Finding& finding) const;

 private:
  [[nodiscard]] std::optional<std::vector<std::uint32_t>> shortest(topology::ResourceId resource,
                                                                   topology::InstanceId goal,
                                                                   bool must_own) const;
  /// Whether some name of the type has resource.new.
  [[nodiscard]] bool is_made(topology::ResourceId resource) const;

  const topology::Topology& topology_;
  const routing::Plan& plan_;
  /// Positions by the resource type that crosses.
  std::vector<std::vector<std::uint32_t>> positions_of_;
};

}  // namespace meld_verify::check
