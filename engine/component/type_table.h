#pragma once

// Evaluates value and function types into the arena of a composition, with resource types substituted.

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/component/budget.h"
#include "engine/component/scope.h"

namespace meld_verify::component {

/// Value types may contain each other this deep.
inline constexpr std::uint16_t kMostTypeDepth = 1'000;
/// A value takes fewer bytes than this in a memory with 64-bit addresses (Binary.md, "Type Definitions").
inline constexpr std::uint64_t kMostValueSize = std::uint64_t{1} << 28;

inline constexpr std::uint32_t kMostFlat = 1'000;
inline constexpr std::uint32_t kMostHandles = 1'000'000;

/// What the values of a type are like, at any depth.
struct TypeTraits {
  std::uint64_t size = 1;  ///< bytes in a memory with 64-bit addresses
  std::uint32_t alignment = 1;
  std::uint16_t depth = 0;
  std::uint32_t flat = 1;     ///< core values that it is passed as; at most kMostFlat, which stands for more
  std::uint32_t handles = 0;  ///< places for handles; at most kMostHandles, which stands for more
  bool has_pointer = false;   ///< a string, list or map: the value does not fit into core values alone
  bool has_borrow = false;    ///< a borrow, also behind a stream or future
  bool has_resource = false;  ///< an own or a borrow, also behind a stream or future
};

class TypeTable {
 public:
  TypeTable(TypeArena& arena, Budget& budget);

  /// The type of a reference in `scope`; the sentence says why there is none.
  [[nodiscard]] tl::expected<TypeId, std::string> resolve(const syntax::ValType& type,
                                                          const Scope& scope) const;
  /// The sentence says why there is no such type. When the budget is spent, any type: the caller asks it.
  [[nodiscard]] tl::expected<TypeId, std::string> define(const syntax::DefType& type, const Scope& scope);
  [[nodiscard]] tl::expected<FuncTypeId, std::string> define(const syntax::FuncDecl& func,
                                                             const Scope& scope);

  /// Whether both are the same type: their resource types agree, and so do their labels.
  [[nodiscard]] bool equal(TypeId left, TypeId right) const;
  [[nodiscard]] bool equal(FuncTypeId left, FuncTypeId right) const;

  [[nodiscard]] const TypeTraits& traits(TypeId id) const { return traits_[id.value]; }
  [[nodiscard]] bool has_resource(FuncTypeId id) const;
  /// Places for handles in parameters and results.
  [[nodiscard]] std::uint64_t handles(FuncTypeId id) const;
  [[nodiscard]] bool exhausted() const { return exhausted_; }

 private:
  // Equal types have one representative, so that comparing two is comparing two numbers, however large the
  // types are and however often they meet.
  struct Hash {
    const TypeTable* table;
    std::size_t operator()(std::uint32_t node) const;
  };
  struct Same {
    const TypeTable* table;
    bool operator()(std::uint32_t left, std::uint32_t right) const;
  };

  [[nodiscard]] tl::expected<void, std::string> measure(const TypeNode& node, TypeTraits& traits) const;

  TypeArena& arena_;
  Budget& budget_;
  std::vector<TypeTraits> traits_;      ///< parallel to the nodes
  std::vector<std::uint32_t> same_as_;  ///< parallel to the nodes: the representative
  std::unordered_set<std::uint32_t, Hash, Same> representatives_;
  bool exhausted_ = false;
};

}  // namespace meld_verify::component
