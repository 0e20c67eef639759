#pragma once

// Evaluates value and function types into the arena of a composition, with resource types substituted.

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/component/scope.h"

namespace meld_verify::component {

/// Value types may contain each other this deep.
inline constexpr std::uint16_t kMostTypeDepth = 1'000;

class TypeTable {
 public:
  explicit TypeTable(TypeArena& arena);

  /// The type of a reference in `scope`; the sentence says why there is none.
  [[nodiscard]] tl::expected<TypeId, std::string> resolve(const syntax::ValType& type,
                                                          const Scope& scope) const;
  [[nodiscard]] tl::expected<TypeId, std::string> define(const syntax::DefType& type, const Scope& scope);
  [[nodiscard]] tl::expected<FuncTypeId, std::string> define(const syntax::FuncDecl& func,
                                                             const Scope& scope);

  /// Whether values of both types are the same values: shapes and resource types agree, whatever the labels.
  [[nodiscard]] bool equal(TypeId left, TypeId right);
  [[nodiscard]] bool equal(FuncTypeId left, FuncTypeId right);

 private:
  TypeArena& arena_;
  std::vector<std::uint16_t> depth_;  ///< parallel to the nodes
  std::unordered_set<std::uint64_t> known_equal_;
};

}  // namespace meld_verify::component
