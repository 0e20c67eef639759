#include "engine/routing/layout_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/routing/json_text.h"
#include "engine/routing/plan_words.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;
using topology::Guard;
using topology::Layout;
using topology::ListHop;
using topology::Location;
using topology::Root;
using topology::SlotType;

std::uint32_t number(const json& object, std::string_view name, std::uint32_t fallback) {
  const auto member = object.find(name);
  return member == object.end() ? fallback : member->get<std::uint32_t>();
}

void read_area(const json& area, Location& location) {
  if (const auto lists = area.find("lists"); lists != area.end()) {
    for (const json& hop : *lists) {
      location.lists.push_back({.offset = number(hop, "offset", 0), .stride = number(hop, "stride", 0)});
    }
  }
  location.offset = number(area, "offset", 0);
}

Location read_location(const json& object) {
  Location location;
  if (const auto slot = object.find("flat"); slot != object.end()) {
    location.slot = slot->get<std::uint32_t>();
    if (const auto type = object.find("type"); type != object.end()) {
      location.slot_type =
          meaning_of(kSlotTypeWords, type->get_ref<const std::string&>()).value_or(SlotType::kI32);
    }
    read_area(object, location);
  } else if (const auto params = object.find("param-area"); params != object.end()) {
    location.root = Root::kParamArea;
    read_area(*params, location);
  } else {
    location.root = Root::kResultArea;
    read_area(object.at("result-area"), location);
  }
  return location;
}

/// `own` is the topology's guard in the same place, if there is one: a label that is left out is its label.
Guard read_guard(const json& object, const Guard* own) {
  Guard guard;
  guard.caller = read_location(object.at("caller"));
  guard.callee = read_location(object.at("callee"));
  guard.width = static_cast<std::uint8_t>(number(object, "width", 4));
  guard.case_index = number(object, "case", 0);
  if (const auto label = object.find("label"); label != object.end()) {
    guard.case_label = label->get<std::string>();
  } else if (own != nullptr && own->case_index == guard.case_index) {
    guard.case_label = own->case_label;
  }
  return guard;
}

/// A discriminant in a slot has no width, and labels are for readers.
bool same_guard(const Guard& left, const Guard& right) {
  const auto is_slot = [](const Location& place) { return place.root == Root::kFlat && place.lists.empty(); };
  const bool in_slots = is_slot(left.caller) && is_slot(left.callee);
  return same_place(left.caller, right.caller) && same_place(left.callee, right.callee) &&
         (in_slots || left.width == right.width) && left.case_index == right.case_index;
}

void write_location(const Location& location, std::string& out) {
  const auto add = std::back_inserter(out);
  const bool flat = location.root == Root::kFlat;
  if (flat) {
    fmt::format_to(add, "{{\"flat\": {}", location.slot);
    if (location.slot_type != SlotType::kI32) {
      fmt::format_to(add, R"(, "type": "{}")", word_of(kSlotTypeWords, location.slot_type));
    }
  } else {
    out += location.root == Root::kParamArea ? "{\"param-area\": {" : "{\"result-area\": {";
  }
  bool follows = flat;
  if (!location.lists.empty()) {
    out += follows ? ", \"lists\": " : "\"lists\": ";
    append_list(out, location.lists, [&](const ListHop& hop) {
      fmt::format_to(add, R"({{"offset": {}, "stride": {}}})", hop.offset, hop.stride);
    });
    follows = true;
  }
  if (location.offset != 0 || !follows) {
    fmt::format_to(add, "{}\"offset\": {}", follows ? ", " : "", location.offset);
  }
  out += flat ? "}" : "}}";
}

}  // namespace

bool same_place(const Location& left, const Location& right) {
  if (left.root != right.root || left.lists.size() != right.lists.size()) {
    return false;
  }
  const bool flat = left.root == Root::kFlat;
  if (flat && (left.slot != right.slot || left.slot_type != right.slot_type)) {
    return false;
  }
  if (left.lists.empty()) {
    return flat || left.offset == right.offset;
  }
  for (std::size_t i = 0; i < left.lists.size(); ++i) {
    const bool from_slot = flat && i == 0;
    if (left.lists[i].stride != right.lists[i].stride ||
        (!from_slot && left.lists[i].offset != right.lists[i].offset)) {
      return false;
    }
  }
  return left.offset == right.offset;
}

std::optional<Layout> read_layout(const json& position, const Layout& own) {
  const auto caller = position.find("caller");
  const auto callee = position.find("callee");
  const auto guards = position.find("guards");
  if (caller == position.end() && callee == position.end() && guards == position.end()) {
    return std::nullopt;
  }
  Layout layout = own;
  if (caller != position.end()) {
    layout.caller = read_location(*caller);
  }
  if (callee != position.end()) {
    layout.callee = read_location(*callee);
  }
  if (guards != position.end()) {
    layout.guards.clear();
    for (std::size_t i = 0; i < guards->size(); ++i) {
      layout.guards.push_back(read_guard((*guards)[i], i < own.guards.size() ? &own.guards[i] : nullptr));
    }
  }
  if (same_place(layout.caller, own.caller) && same_place(layout.callee, own.callee) &&
      std::equal(layout.guards.begin(), layout.guards.end(), own.guards.begin(), own.guards.end(),
                 same_guard)) {
    return std::nullopt;
  }
  return layout;
}

void write_layout(const Layout& layout, std::string& out) {
  out += "\"caller\": ";
  write_location(layout.caller, out);
  out += ", \"callee\": ";
  write_location(layout.callee, out);
  out += ", \"guards\": ";
  append_list(out, layout.guards, [&](const Guard& guard) {
    out += "{\"caller\": ";
    write_location(guard.caller, out);
    out += ", \"callee\": ";
    write_location(guard.callee, out);
    fmt::format_to(std::back_inserter(out), R"(, "width": {}, "case": {}, "label": {}}})", guard.width,
                   guard.case_index, quoted_json(guard.case_label));
  });
}

}  // namespace meld_verify::routing
