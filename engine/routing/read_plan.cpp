#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/routing/complaint.h"
#include "engine/routing/implied_views.h"
#include "engine/routing/json_path.h"
#include "engine/routing/json_text.h"
#include "engine/routing/layout_json.h"
#include "engine/routing/plan.h"
#include "engine/routing/plan_document.h"
#include "engine/routing/plan_words.h"
#include "engine/routing/spec_files.h"
#include "engine/routing/unique_ids.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;
using topology::Boundary;
using topology::HandleKind;
using topology::kHost;
using topology::Position;
using topology::Topology;
using topology::View;

const json* member(const json& object, std::string_view name) {
  const auto place = object.find(name);
  return place == object.end() ? nullptr : &*place;
}

const std::string& text_of(const json& string) {
  return string.get_ref<const std::string&>();
}

std::uint32_t number_of(const json& number) {
  return number.get<std::uint32_t>();
}

template <class Id>
using IdsByName = std::unordered_map<std::string, Id>;

/// Reads a document that keeps to the schema, so that members have their types and required ones are there.
class PlanReader {
 public:
  PlanReader(const Topology& topology, std::string_view file) : topology_(topology), complaint_(file) {}

  wasm::Expected<Plan> read(const json& document) && {
    const JsonPath root;
    if (const json* generator = member(document, "generator")) {
      plan_.generator = text_of(*generator);
    }
    if (!(types(document.at("types"), root / "types") && tables(document.at("tables"), root / "tables") &&
          views(document.at("views"), root / "views") &&
          boundaries(document.at("boundaries"), root / "boundaries"))) {
      return tl::unexpected(std::move(complaint_).take());
    }
    plan_.entries.views.assign(entry_of_.begin(), entry_of_.end());
    return std::move(plan_);
  }

 private:
  // --- references

  bool numbered(const char* what, std::size_t count, const json& number, const JsonPath& at,
                std::uint32_t& out) {
    out = number_of(number);
    return out < count || complaint_.raise(at, fmt::format("there is no {} {}; expected a number below {}",
                                                           what, out, count));
  }

  bool instance(const json& number, const JsonPath& at, InstanceId& out) {
    return numbered("instance", topology_.instances.size(), number, at, out.value);
  }

  bool resource(const json& number, const JsonPath& at, ResourceId& out) {
    return numbered("resource type", topology_.resources.size(), number, at, out.value);
  }

  template <class Id>
  bool named(const IdsByName<Id>& ids, const json& id, const JsonPath& at, const char* expected, Id& out) {
    const auto place = ids.find(text_of(id));
    if (place == ids.end()) {
      return complaint_.raise(
          at, fmt::format("nothing has the id {}; expected {}", quoted_json(text_of(id)), expected));
    }
    out = place->second;
    return true;
  }

  bool table(const json& id, const JsonPath& at, TableId& out) {
    return named(table_ids_, id, at, "\"canonical\" or the id of one of the tables", out);
  }

  bool type(const json& id, const JsonPath& at, TypeKeyId& out) {
    return named(type_ids_, id, at, "the id of one of the types", out);
  }

  /// `read` gives each item's id; with `once`, none may be named twice.
  template <class Id>
  bool list(const json& items, const JsonPath& at, bool once,
            bool (PlanReader::*read)(const json&, const JsonPath&, Id&), std::vector<Id>& out) {
    out.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      Id id;
      if (!(this->*read)(items[i], at / i, id)) {
        return false;
      }
      out.push_back(id);
    }
    if (once) {
      std::vector<std::pair<Id, std::size_t>> sorted;
      sorted.reserve(out.size());
      for (std::size_t i = 0; i < out.size(); ++i) {
        sorted.emplace_back(out[i], i);
      }
      std::sort(sorted.begin(), sorted.end());
      for (std::size_t i = 1; i < sorted.size(); ++i) {
        if (sorted[i].first == sorted[i - 1].first) {
          return complaint_.raise(at / sorted[i].second, "this is named twice here; expected it once");
        }
      }
    }
    return true;
  }

  /// Sets the flags of the words in "checks", clears the others; all stay as they are without "checks".
  template <class Route, std::size_t N>
  static void checks(const json& object, const Words<bool Route::*, N>& words, Route& route) {
    if (const json* made = member(object, "checks")) {
      for (const auto& [word, check] : words) {
        route.*check = std::any_of(made->begin(), made->end(),
                                   [&, name = word](const json& item) { return text_of(item) == name; });
      }
    }
  }

  // --- types and tables

  bool types(const json& items, const JsonPath& at) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      const JsonPath here = at / i;
      TypeKey& key = plan_.types.emplace_back();
      key.id = text_of(items[i].at("id"));
      if (!type_ids_.emplace(key.id, TypeKeyId{i}).second) {
        return complaint_.raise(here / "id", fmt::format("two types have the id {}; expected ids that differ",
                                                         quoted_json(key.id)));
      }
      if (!resource(items[i].at("resource"), here / "resource", key.resource)) {
        return false;
      }
      key.definer = topology_.resources[key.resource.value].definer;
      const json* definer = member(items[i], "definer");
      if (definer != nullptr && !instance(*definer, here / "definer", key.definer)) {
        return false;
      }
    }
    return true;
  }

  bool tables(const json& items, const JsonPath& at) {
    plan_.tables.emplace_back();  // the canonical one, listed or not
    plan_.entries.tables.push_back(PlanEntries::kNone);
    table_ids_.emplace(kCanonicalTableName, kCanonicalTable);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const JsonPath here = at / i;
      const std::string& id = text_of(items[i].at("id"));
      const bool canonical = id == kCanonicalTableName;
      if (canonical ? lists_canonical_ : !table_ids_.emplace(id, TableId{plan_.tables.size()}).second) {
        return complaint_.raise(
            here / "id", fmt::format("two tables have the id {}; expected ids that differ", quoted_json(id)));
      }
      lists_canonical_ = lists_canonical_ || canonical;
      Table& out = canonical ? plan_.tables[0] : plan_.tables.emplace_back();
      out.id = id;
      plan_.entries.tables.resize(plan_.tables.size());
      plan_.entries.tables[canonical ? 0 : plan_.tables.size() - 1] = static_cast<std::uint32_t>(i);
      if (!one_table(items[i], here, out)) {
        return false;
      }
    }
    return true;
  }

  bool one_table(const json& object, const JsonPath& at, Table& out) {
    if (const json* symbol = member(object, "symbol")) {
      out.symbol = text_of(*symbol);
    }
    if (!list(object.at("instances"), at / "instances", true, &PlanReader::instance, out.instances) ||
        !list(object.at("types"), at / "types", true, &PlanReader::type, out.types) ||
        !storage(object, at, out)) {
      return false;
    }
    if (const json* reuse = member(object, "reuse")) {
      out.reuse = meaning_of(kReuseWords, text_of(*reuse)).value_or(out.reuse);
    }
    if (const json* capacity = member(object, "capacity")) {
      out.capacity = capacity->get<std::uint64_t>();
    }
    if (const json* overflow = member(object, "overflow")) {
      out.overflow = meaning_of(kOverflowWords, text_of(*overflow)).value_or(out.overflow);
    }
    checks(object, kTableCheckWords, out.checks);
    return true;
  }

  bool storage(const json& object, const JsonPath& at, Table& out) {
    const bool canonical = out.id == kCanonicalTableName;
    out.storage = canonical ? Storage::kCanonical : Storage::kPrivate;
    const json* given = member(object, "storage");
    if (given == nullptr) {
      return true;
    }
    const JsonPath here = at / "storage";
    if (canonical != (given->is_string() && text_of(*given) == "canonical")) {
      return complaint_.raise(here, canonical ? "this is the run time's table; expected \"canonical\""
                                              : "only the table \"canonical\" is the run time's; expected "
                                                "\"private\" or {\"guest-memory\": INSTANCE}");
    }
    if (given->is_string()) {
      return true;
    }
    out.storage = Storage::kGuestMemory;
    out.memory_of.emplace();
    const JsonPath memory = here / "guest-memory";
    return instance(given->at("guest-memory"), memory, *out.memory_of) &&
           (*out.memory_of != kHost ||
            complaint_.raise(memory, "instance 0 is the host, which has no memory; expected a guest"));
  }

  // --- views

  static std::pair<InstanceId, ResourceId> owner(const View& view) { return {view.instance, view.resource}; }

  bool views(const json& items, const JsonPath& at) {
    plan_.views.resize(topology_.views.size());
    entry_of_.assign(topology_.views.size(), kNoEntry);
    views_by_owner_.resize(topology_.views.size());
    for (std::size_t i = 0; i < views_by_owner_.size(); ++i) {
      views_by_owner_[i] = ViewId{i};
    }
    std::stable_sort(views_by_owner_.begin(), views_by_owner_.end(), [this](ViewId left, ViewId right) {
      return owner(topology_.views[left.value]) < owner(topology_.views[right.value]);
    });
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!view_entry(items[i], at / i, i)) {
        return false;
      }
    }
    for (std::size_t i = 0; i < entry_of_.size(); ++i) {
      if (entry_of_[i] == kNoEntry && topology_.views[i].instance != kHost) {
        return complaint_.raise(at, "no entry is for " + shown(topology_.views[i]) + "; expected one");
      }
    }
    imply_host_views();
    return true;
  }

  std::string shown(const View& view) const {
    return fmt::format("the view {} (interface {}, {}) of resource type {} in instance {}",
                       quoted_json(topology_.text(view.name)),
                       quoted_json(topology_.text(view.interface_name)),
                       view.exported ? "exported" : "imported", view.resource.value, view.instance.value);
  }

  /// The views that the entry stands for; none when that is wrong.
  std::vector<ViewId> views_of_entry(const json& entry, const JsonPath& at) {
    std::pair<InstanceId, ResourceId> wanted;
    if (!instance(entry.at("instance"), at / "instance", wanted.first) ||
        !resource(entry.at("resource"), at / "resource", wanted.second)) {
      return {};
    }
    const auto first = std::lower_bound(
        views_by_owner_.begin(), views_by_owner_.end(), wanted,
        [this](ViewId view, const auto& key) { return owner(topology_.views[view.value]) < key; });
    std::vector<ViewId> matches;
    for (auto view = first; view != views_by_owner_.end() && owner(topology_.views[view->value]) == wanted;
         ++view) {
      matches.push_back(*view);
    }
    if (matches.empty()) {
      complaint_.raise(
          at / "resource",
          fmt::format("instance {} has no view of resource type {}; expected one of which it has",
                      wanted.first.value, wanted.second.value));
    }
    narrow(entry, at, "interface", matches, [&](const View& view, const json& given) {
      return topology_.text(view.interface_name) == text_of(given);
    });
    narrow(entry, at, "name", matches,
           [&](const View& view, const json& given) { return topology_.text(view.name) == text_of(given); });
    narrow(entry, at, "exported", matches,
           [](const View& view, const json& given) { return view.exported == given.get<bool>(); });
    // Of views that are told apart by nothing, each fully named entry is for the next one.
    if (entry.contains("interface") && entry.contains("name") && entry.contains("exported")) {
      const auto next = std::find_if(matches.begin(), matches.end(),
                                     [this](ViewId view) { return entry_of_[view.value] == kNoEntry; });
      if (next != matches.end()) {
        return {*next};
      }
    }
    return matches;
  }

  /// Leaves the views of which the member, if it is there, is true.
  template <class IsOf>
  void narrow(const json& entry, const JsonPath& at, std::string_view name, std::vector<ViewId>& matches,
              IsOf is_of) {
    const json* given = member(entry, name);
    if (given == nullptr || matches.empty()) {
      return;
    }
    const View& nearest = topology_.views[matches.front().value];
    std::erase_if(matches, [&](ViewId view) { return !is_of(topology_.views[view.value], *given); });
    if (matches.empty()) {
      complaint_.raise(at / name, fmt::format("the instance has no such view of the resource type; expected "
                                              "for example {}",
                                              shown(nearest)));
    }
  }

  bool view_entry(const json& entry, const JsonPath& at, std::size_t number) {
    const std::vector<ViewId> matches = views_of_entry(entry, at);
    ViewRoute given;
    if (matches.empty() || !type(entry.at("type"), at / "type", given.type) ||
        !table(entry.at("table"), at / "table", given.table)) {
      return false;
    }
    if (topology_.views[matches.front().value].instance == kHost && given.table != kCanonicalTable) {
      return complaint_.raise(at / "table",
                              "the host's handles are in the run time's table; expected \"canonical\"");
    }
    const json* new_table = member(entry, "new");
    const json* rep_table = member(entry, "rep");
    const json* drop = member(entry, "drop");
    if (!intrinsic(new_table, at / "new", matches, &View::has_new, given.new_table) ||
        !intrinsic(rep_table, at / "rep", matches, &View::has_rep, given.rep_table) ||
        !drop_intrinsic(drop, at / "drop", matches, given)) {
      return false;
    }
    for (const ViewId id : matches) {
      const View& view = topology_.views[id.value];
      if (entry_of_[id.value] != kNoEntry) {
        return complaint_.raise(
            at, fmt::format("{} is covered by /views/{} already; expected one entry for it", shown(view),
                            entry_of_[id.value]));
      }
      entry_of_[id.value] = static_cast<std::uint32_t>(number);
      route_view(view, given, drop, plan_.views[id.value]);
    }
    return true;
  }

  bool intrinsic(const json* given, const JsonPath& at, const std::vector<ViewId>& matches, bool View::*has,
                 std::optional<TableId>& out) {
    if (given == nullptr) {
      return true;
    }
    return has_intrinsic(matches, at, has) && table(*given, at, out.emplace());
  }

  bool has_intrinsic(const std::vector<ViewId>& matches, const JsonPath& at, bool View::*has) {
    return std::any_of(matches.begin(), matches.end(),
                       [&](ViewId view) { return topology_.views[view.value].*has; }) ||
           complaint_.raise(at, "the instance has no such intrinsic for this view; expected no such member");
  }

  bool drop_intrinsic(const json* drop, const JsonPath& at, const std::vector<ViewId>& matches,
                      ViewRoute& given) {
    if (drop == nullptr) {
      return true;
    }
    if (!has_intrinsic(matches, at, &View::has_drop)) {
      return false;
    }
    const json* drop_table = member(*drop, "table");
    const json* own = member(*drop, "own");
    const json* borrow = member(*drop, "borrow");
    return (drop_table == nullptr || table(*drop_table, at / "table", given.drop_table.emplace())) &&
           (own == nullptr || list(*own, at / "own", false, &PlanReader::resource, given.own_destructors)) &&
           (borrow == nullptr ||
            list(*borrow, at / "borrow", false, &PlanReader::resource, given.borrow_destructors));
  }

  /// What the entry says of this view, and for what it leaves out the default.
  void route_view(const View& view, const ViewRoute& given, const json* drop, ViewRoute& out) const {
    out.type = given.type;
    out.table = given.table;
    imply_intrinsics(out, view, topology_);
    if (view.has_new && given.new_table) {
      out.new_table = given.new_table;
    }
    if (view.has_rep && given.rep_table) {
      out.rep_table = given.rep_table;
    }
    if (view.has_drop && drop != nullptr) {
      out.drop_table = given.drop_table.value_or(given.table);
      if (member(*drop, "own") != nullptr) {
        out.own_destructors = given.own_destructors;
      }
      out.borrow_destructors = given.borrow_destructors;
    }
  }

  void imply_host_views() {
    std::vector<std::optional<TypeKeyId>> keys = implied_keys(plan_.types, topology_);
    UniqueIds ids;
    for (const TypeKey& key : plan_.types) {
      ids.take(key.id);
    }
    std::vector<TypeKeyId> added;
    for (std::size_t i = 0; i < entry_of_.size(); ++i) {
      if (entry_of_[i] != kNoEntry) {
        continue;
      }
      const View& view = topology_.views[i];
      std::optional<TypeKeyId>& key = keys[view.resource.value];
      if (!key) {
        key = TypeKeyId{plan_.types.size()};
        added.push_back(*key);
        plan_.types.push_back({.id = type_key_id(topology_, view.resource, ids),
                               .resource = view.resource,
                               .definer = topology_.resources[view.resource.value].definer});
      }
      plan_.views[i].type = *key;
      plan_.views[i].table = kCanonicalTable;
      imply_intrinsics(plan_.views[i], view, topology_);
    }
    if (lists_canonical_) {
      plan_.tables[0].types.insert(plan_.tables[0].types.end(), added.begin(), added.end());
    } else {
      plan_.tables[0] = implied_canonical_table(plan_.views, topology_);
    }
  }

  // --- boundaries

  bool boundaries(const json& items, const JsonPath& at) {
    plan_.boundaries.resize(topology_.boundaries.size());
    plan_.positions.resize(topology_.positions.size());
    plan_.entries.boundaries.resize(topology_.boundaries.size(), PlanEntries::kNone);
    plan_.entries.positions.resize(topology_.positions.size(), PlanEntries::kNone);
    std::vector<bool> seen(topology_.boundaries.size(), false);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const json& entry = items[i];
      const JsonPath here = at / i;
      std::uint32_t number = 0;
      if (!numbered("boundary", seen.size(), entry.at("boundary"), here / "boundary", number)) {
        return false;
      }
      if (seen[number]) {
        return complaint_.raise(here / "boundary",
                                fmt::format("boundary {} has an entry already; expected one", number));
      }
      seen[number] = true;
      plan_.entries.boundaries[number] = static_cast<std::uint32_t>(i);
      const Boundary& boundary = topology_.boundaries[number];
      if (!is_instance(boundary.caller, entry.at("caller"), here / "caller") ||
          !is_instance(boundary.callee, entry.at("callee"), here / "callee") ||
          !is_text(boundary.interface_name, member(entry, "interface"), here / "interface") ||
          !is_text(boundary.function, &entry.at("function"), here / "function")) {
        return false;
      }
      checks(entry, kBoundaryCheckWords, plan_.boundaries[number]);
      const json* listed = member(entry, "positions");
      if (listed != nullptr && !positions(*listed, here / "positions", number)) {
        return false;
      }
    }
    return true;
  }

  bool is_instance(InstanceId actual, const json& given, const JsonPath& at) {
    return number_of(given) == actual.value ||
           complaint_.raise(at, fmt::format("in this boundary it is another instance; expected {}, found {}",
                                            actual.value, number_of(given)));
  }

  bool is_text(topology::NameId actual, const json* given, const JsonPath& at) {
    return given == nullptr || text_of(*given) == topology_.text(actual) ||
           complaint_.raise(at,
                            fmt::format("in this boundary it is another; expected {}, found {}",
                                        quoted_json(topology_.text(actual)), quoted_json(text_of(*given))));
  }

  const std::string& path_of(std::uint32_t position) const {
    return topology_.layouts[topology_.positions[position].layout.value].path;
  }

  /// Entries are matched by path; of positions with one path, each takes the next. In the topology's own
  /// order no search is needed.
  bool positions(const json& items, const JsonPath& at, std::uint32_t boundary_number) {
    const Boundary& boundary = topology_.boundaries[boundary_number];
    const std::uint32_t end = boundary.first_position + boundary.position_count;
    std::vector<bool> seen(boundary.position_count, false);
    std::unordered_map<std::string_view, std::vector<std::uint32_t>> by_path;  // in reverse order
    std::uint32_t next = boundary.first_position;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string& path = text_of(items[i].at("at"));
      const JsonPath here = at / i;
      std::uint32_t found = end;
      if (by_path.empty() && next < end && path_of(next) == path) {
        found = next++;
      } else {
        if (by_path.empty()) {
          for (std::uint32_t position = end; position-- > boundary.first_position;) {
            std::vector<std::uint32_t>& places = by_path[path_of(position)];
            if (!seen[position - boundary.first_position]) {
              places.push_back(position);
            }
          }
        }
        const auto places = by_path.find(path);
        if (places == by_path.end()) {
          return complaint_.raise(
              here / "at", fmt::format("boundary {} has no handle at {}; expected one of its positions, "
                                       "as `meld-verify plan` prints them",
                                       boundary_number, quoted_json(path)));
        }
        if (places->second.empty()) {
          return complaint_.raise(
              here / "at",
              fmt::format("the position {} has an entry already; expected one", quoted_json(path)));
        }
        found = places->second.back();
        places->second.pop_back();
      }
      seen[found - boundary.first_position] = true;
      plan_.entries.positions[found] = static_cast<std::uint32_t>(i);
      if (!one_position(items[i], here, topology_.positions[found], plan_.positions[found])) {
        return false;
      }
    }
    return true;
  }

  bool one_position(const json& entry, const JsonPath& at, const Position& position, PositionRoute& out) {
    const std::string_view kind = position.kind == HandleKind::kOwn ? "own" : "borrow";
    const json* given = member(entry, "kind");
    if (given != nullptr && text_of(*given) != kind) {
      return complaint_.raise(at / "kind",
                              fmt::format("the handle here is of the other kind; expected \"{}\"", kind));
    }
    const json& listed = entry.at("steps");
    const JsonPath steps = at / "steps";
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (!step(listed[i], steps / i, out.steps[i])) {
        return false;
      }
    }
    out.count = static_cast<std::uint8_t>(listed.size());
    if (!places_are_whole(entry, at)) {
      return false;
    }
    if (auto layout = read_layout(entry, topology_.layouts[position.layout.value])) {
      const auto next = static_cast<std::uint32_t>(plan_.layouts.size());
      const auto [place, fresh] = layout_numbers_.emplace(std::move(*layout), next + 1);
      if (fresh) {
        plan_.layouts.push_back(place->first);
      }
      out.layout_override = place->second;
    }
    return true;
  }

  /// Looks at "caller" and "callee" of a position or guard, and at a position's guards.
  bool places_are_whole(const json& object, const JsonPath& at) {
    for (const std::string_view side : {"caller", "callee"}) {
      const json* place = member(object, side);
      if (place == nullptr || !place->contains("flat") || !place->contains("offset")) {
        continue;
      }
      const json* lists = member(*place, "lists");
      if (lists == nullptr || lists->empty()) {
        const JsonPath here = at / side;
        return complaint_.raise(here / "offset",
                                "a slot has no bytes to count; expected no such member, or \"lists\" whose "
                                "pointer is in the slot");
      }
    }
    if (const json* guards = member(object, "guards")) {
      const JsonPath here = at / "guards";
      for (std::size_t i = 0; i < guards->size(); ++i) {
        if (!places_are_whole((*guards)[i], here / i)) {
          return false;
        }
      }
    }
    return true;
  }

  bool step(const json& object, const JsonPath& at, Step& out) {
    for (const auto& [word, op] : kStepWords) {
      if (const json* id = member(object, word)) {
        out.op = op;
        return table(*id, at / word, out.table) &&
               (!makes_entry(op) || type(object.at("type"), at / "type", out.type));
      }
    }
    return complaint_.raise(at, "expected a step");
  }

  static constexpr std::uint32_t kNoEntry = PlanEntries::kNone;

  const Topology& topology_;
  Complaint complaint_;
  Plan plan_;
  IdsByName<TypeKeyId> type_ids_;
  IdsByName<TableId> table_ids_;
  bool lists_canonical_ = false;
  std::vector<ViewId> views_by_owner_;
  std::vector<std::uint32_t> entry_of_;  ///< of each view; kNoEntry: none
  std::map<topology::Layout, std::uint32_t> layout_numbers_;
};

}  // namespace

wasm::Expected<Plan> read_plan(std::string_view json_text, std::string_view file, const Topology& topology) {
  const wasm::Expected<std::string> schema = plan_schema();
  if (!schema) {
    return tl::unexpected(schema.error());
  }
  const wasm::Expected<json> document = parse_json(json_text, file);
  if (!document) {
    return tl::unexpected(document.error());
  }
  if (const wasm::Expected<void> kept = check_schema(*document, *schema, file); !kept) {
    return tl::unexpected(kept.error());
  }
  return PlanReader(topology, file).read(*document);
}

}  // namespace meld_verify::routing
