#pragma once

// Shapes: what the rules can see of one unit, with identities replaced by roles. Two units of one shape are
// judged alike, so each distinct shape is asked of Z3 once. A shape *is* its facts: they are made from it
// alone.

#include <cstdint>
#include <vector>

#include "engine/smt/facts.h"
#include "engine/smt/rules.h"

namespace meld_verify::smt {

/// The shape of one unit in 62 bits; the two highest hold the kind.
using Shape = std::uint64_t;

/// Reads the shapes of a plan's units. Holds what cannot be seen at one unit alone (names that one instance
/// has for one resource type, tables of one symbol, tables of several instances).
class ShapeReader {
 public:
  ShapeReader(const topology::Topology& topology, const routing::Plan& plan);

  [[nodiscard]] Shape position(std::uint32_t id) const;
  [[nodiscard]] Shape view(std::uint32_t id) const;
  /// Has what `position` or `view` will need fetched from memory. For any number; changes nothing else.
  void fetch_for_position(std::uint32_t id) const;
  void fetch_for_view(std::uint32_t id) const;
  [[nodiscard]] Shape table(std::uint32_t id) const;
  [[nodiscard]] Shape key(std::uint32_t id) const;

 private:
  /// What a position needs of a view, its resource type and its route, side by side: positions name views in
  /// any order, and each look into memory that is far away costs more than all else.
  struct Near {
    topology::InstanceId instance;
    topology::InstanceId definer;
    routing::TableId table;
    routing::TypeKeyId type;
  };

  void mark_apart();

  const topology::Topology& topology_;
  const routing::Plan& plan_;
  std::vector<Near> near_;                        ///< of each view
  std::vector<topology::ResourceId> stands_for_;  ///< of each type key
  std::vector<bool> has_destructor_;              ///< each resource type
  std::vector<bool> view_apart_;  ///< another view of its instance and resource type is routed otherwise
  std::vector<bool> table_in_use_;
  std::vector<bool> table_shared_;  ///< by two instances, neither of them the host
  bool canonical_has_two_types_ = false;
  std::vector<bool> symbol_repeated_;  ///< another table has the same symbol
};

/// What the rules say of a shape.
struct ShapeVerdict {
  std::uint32_t broken = 0;  ///< bit n: rule n
  bool named = false;        ///< nothing is broken, but some code applies: a warning
};

/// Asks Z3, some thousands of them at a time, first what is broken, then the names of what is not. Result
/// parallel to `shapes`.
[[nodiscard]] std::vector<ShapeVerdict> judge_shapes(const RuleText& rules, const std::vector<Shape>& shapes,
                                                     const Solver& solver = {});

/// The facts of one shape, with identities from `base` on (16 are used), and the unit that it is of.
Unit write_facts(Shape shape, std::uint32_t base, FactBase& facts);

}  // namespace meld_verify::smt
