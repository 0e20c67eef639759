#pragma once

// Facts: a topology and a plan in the vocabulary of spec/topology.smt2, as numbers.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/routing/plan.h"

namespace meld_verify::smt {

/// The base relations of spec/*.smt2, in the order of `kRelations`.
enum class Relation : std::uint8_t {
  kDefiner,
  kDestructor,
  kView,
  kCrosses,
  kTableOf,
  kTypeOf,
  kStandsFor,
  kThoughtDefiner,
  kHolds,
  kGoesTo,
  kStep,
  kSteps,
  kOwnRuns,
  kBorrowRuns,
  kMisplaced,
  kSymbol,
  kUnbounded,
  kNeverReused,
  kDefinitionOf,
  kMadeFrom,
  kExported,
  kCalled,
  kKnownAs,
  kSuffix,
  kVersion,
  kNested,
  kInResultArea,
  kSpilled,
  kDeep,
  kTwin,
  kResult,
  kLax,
  kGuestMemory,
  kCareless,
};

/// A sort of the vocabulary by the number of its bits (spec/datalog.smt2).
enum class Sort : std::uint8_t { kId, kCount, kKind, kOp, kIntrinsic, kPlace, kContainer, kGuard };

[[nodiscard]] unsigned bits_of(Sort sort);

struct RelationInfo {
  std::string_view name;
  std::array<Sort, 5> sorts;
  std::uint8_t arity;
  bool premises;  ///< declared in the rules of `broken`; else only in those that name leaks
};

inline constexpr std::size_t kRelationCount = static_cast<std::size_t>(Relation::kCareless) + 1;
[[nodiscard]] const RelationInfo& info_of(Relation relation);

/// Identities have 24 bits in the Datalog sorts; larger numbers must not be added.
inline constexpr std::uint32_t kMostIds = 1u << 24;

/// A set of facts, relation by relation.
class FactBase {
 public:
  /// Adds one fact. The caller keeps every number within its sort (checked by an assertion and when handed to
  /// Z3).
  void add(Relation relation, std::initializer_list<std::uint32_t> arguments) {
    auto& row = rows_[static_cast<std::size_t>(relation)];
    row.insert(row.end(), arguments.begin(), arguments.end());
  }
  /// All facts of a relation, one after another, `arity` numbers each.
  [[nodiscard]] std::span<const std::uint32_t> of(Relation relation) const {
    return rows_[static_cast<std::size_t>(relation)];
  }
  [[nodiscard]] std::size_t size() const;

 private:
  std::array<std::vector<std::uint32_t>, kRelationCount> rows_;
};

/// What the plan does differently from the topology about where the handle of a position sits; the numbers of
/// spec/leak.smt2. 0: nothing.
enum class Misplacement : std::uint8_t { kNone, kGuard, kList, kArea, kOffset, kSlotType };
[[nodiscard]] Misplacement misplacement(const topology::Layout& belongs, const topology::Layout& planned);
/// That of one position of a plan.
[[nodiscard]] Misplacement misplacement(const topology::Topology& topology, const routing::Plan& plan,
                                        std::uint32_t position);

/// All facts that the rules of `broken` speak of.
[[nodiscard]] FactBase facts_of(const topology::Topology& topology, const routing::Plan& plan);

/// One thing that rules are about; the numbers of spec/judge.smt2.
enum class UnitKind : std::uint8_t { kPosition, kView, kTable, kKey };
struct Unit {
  UnitKind kind = UnitKind::kPosition;
  std::uint32_t id = 0;
  auto operator<=>(const Unit&) const = default;
};

/// The facts around some units, names included: enough for the rules of spec/leak.smt2 to say what is wrong
/// with these units. What the rules say of other units there means nothing.
[[nodiscard]] FactBase facts_around(const topology::Topology& topology, const routing::Plan& plan,
                                    std::span<const Unit> units);

}  // namespace meld_verify::smt
