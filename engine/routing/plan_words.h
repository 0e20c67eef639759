#pragma once

// The words of the JSON form, shared by its writer and its reader.

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/routing/plan.h"

namespace meld_verify::routing {

/// A closed set of words and what they mean.
template <class T, std::size_t N>
using Words = std::array<std::pair<std::string_view, T>, N>;

inline constexpr Words<StepOp, 5> kStepWords{{{"take", StepOp::kTake},
                                              {"lend", StepOp::kLend},
                                              {"rep", StepOp::kRep},
                                              {"new", StepOp::kNew},
                                              {"borrow", StepOp::kBorrow}}};
inline constexpr Words<Reuse, 3> kReuseWords{
    {{"lifo", Reuse::kLifo}, {"any", Reuse::kAny}, {"never", Reuse::kNever}}};
inline constexpr Words<Overflow, 2> kOverflowWords{
    {{"trap", Overflow::kTrap}, {"unchecked", Overflow::kUnchecked}}};
inline constexpr Words<topology::SlotType, 4> kSlotTypeWords{{{"i32", topology::SlotType::kI32},
                                                              {"i64", topology::SlotType::kI64},
                                                              {"f32", topology::SlotType::kF32},
                                                              {"f64", topology::SlotType::kF64}}};
inline constexpr Words<bool TableChecks::*, 6> kTableCheckWords{{{"zero", &TableChecks::zero},
                                                                 {"bounds", &TableChecks::bounds},
                                                                 {"live", &TableChecks::live},
                                                                 {"type", &TableChecks::type},
                                                                 {"kind", &TableChecks::kind},
                                                                 {"lent", &TableChecks::lent}}};
inline constexpr Words<bool BoundaryRoute::*, 2> kBoundaryCheckWords{
    {{"borrows-remain", &BoundaryRoute::checks_borrows_remain},
     {"may-leave", &BoundaryRoute::checks_may_leave}}};

template <class T, std::size_t N>
[[nodiscard]] constexpr std::string_view word_of(const Words<T, N>& words, T value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) {
      return word;
    }
  }
  return {};
}

template <class T, std::size_t N>
[[nodiscard]] constexpr std::optional<T> meaning_of(const Words<T, N>& words, std::string_view word) {
  for (const auto& [known, meaning] : words) {
    if (known == word) {
      return meaning;
    }
  }
  return std::nullopt;
}

/// Whether the step puts a new entry into its table, and so has a type.
[[nodiscard]] constexpr bool makes_entry(StepOp op) {
  return op == StepOp::kNew || op == StepOp::kBorrow;
}

}  // namespace meld_verify::routing
