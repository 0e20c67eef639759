#include "engine/report/places.h"

#include <fmt/format.h>

namespace meld_verify::report {
namespace {

using topology::Guard;
using topology::Location;
using topology::Root;
using topology::SlotType;

std::string_view type_words(SlotType type) {
  switch (type) {
    case SlotType::kI32:
      return "";
    case SlotType::kI64:
      return " (i64)";
    case SlotType::kF32:
      return " (f32)";
    case SlotType::kF64:
      return " (f64)";
  }
  return "";
}

/// What the root holds: a word, or the pointer to the first list.
std::string root_words(const Location& location) {
  const std::uint32_t offset = location.lists.empty() ? location.offset : location.lists.front().offset;
  switch (location.root) {
    case Root::kFlat:
      return fmt::format("slot {}{}", location.slot, type_words(location.slot_type));
    case Root::kParamArea:
      return fmt::format("param area +{}", offset);
    case Root::kResultArea:
      return fmt::format("result area +{}", offset);
  }
  return {};
}

std::string location_words(const Location& location) {
  std::string words = root_words(location);
  for (std::size_t i = 0; i < location.lists.size(); ++i) {
    const bool last = i + 1 == location.lists.size();
    const std::uint32_t offset = last ? location.offset : location.lists[i + 1].offset;
    words += fmt::format(" → element (of {} bytes) +{}", location.lists[i].stride, offset);
  }
  return words;
}

std::string side_words(const topology::Layout& layout, bool caller) {
  std::string words = location_words(caller ? layout.caller : layout.callee);
  std::string_view link = ", where ";
  for (const Guard& guard : layout.guards) {
    words += fmt::format("{}{} = {} ({})", link, location_words(caller ? guard.caller : guard.callee),
                         guard.case_index, guard.case_label);
    link = " and ";
  }
  return words;
}

}  // namespace

std::string place_words(const topology::Layout& layout) {
  const std::string caller = side_words(layout, true);
  const std::string callee = side_words(layout, false);
  return caller == callee ? caller : fmt::format("caller {}; callee {}", caller, callee);
}

}  // namespace meld_verify::report
