#include "engine/check/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/check/conversion.h"
#include "engine/routing/json_text.h"
#include "engine/routing/plan_words.h"
#include "engine/routing/unique_ids.h"

namespace meld_verify::check {
namespace {

using routing::kCanonicalTable;
using routing::Plan;
using routing::PlanEntries;
using routing::quoted_json;
using routing::Table;
using routing::TableId;
using routing::TypeKeyId;
using routing::ViewRoute;
using topology::InstanceId;
using topology::Topology;

std::uint32_t entry_of(const std::vector<std::uint32_t>& entries, std::uint32_t id) {
  return id < entries.size() ? entries[id] : PlanEntries::kNone;
}

template <class Items, class Words>
std::string json_list(const Items& items, Words words) {
  std::string text;
  routing::append_list(text, items, [&](const auto& item) { text += words(item); });
  return text;
}

/// A plan with some things changed: what is asked for is copied, and written as a patch at the end.
class Change {
 public:
  using Index = std::vector<std::vector<std::uint32_t>>;
  using ViewsOf = std::map<std::uint32_t, std::vector<std::uint32_t>>;
  Change(const Topology& topology, const Plan& plan, const Index& positions_of_view, const ViewsOf& views)
      : topology_(topology), plan_(plan), positions_of_view_(positions_of_view), views_of_instance_(views) {
    for (const Table& table : plan.tables) {
      table_ids_.take(table.id);
    }
    for (const routing::TypeKey& type : plan.types) {
      type_ids_.take(type.id);
    }
  }

  void mend(const Unit& unit, std::uint8_t code, bool first) {
    switch (unit.kind) {
      case UnitKind::kPosition:
        mend_position(unit.id, code);
        break;
      case UnitKind::kView:
        mend_view(unit.id, code);
        break;
      case UnitKind::kTable:
        mend_table(unit.id, code, first);
        break;
      case UnitKind::kKey:
        definers_.insert(unit.id);
        break;
    }
  }

  std::vector<PatchOp> patch() && {
    for (const std::uint32_t key : definers_) {
      const InstanceId definer = topology_.resources[plan_.types[key].resource.value].definer;
      put(fmt::format("/types/{}/definer", key), std::to_string(definer.value));
      put(fmt::format("/types/{}/definer-name", key), name_of(definer));
    }
    for (const routing::TypeKey& type : new_types_) {
      put("/types/-",
          fmt::format("{{\"id\": {}, \"resource\": {}}}", quoted_json(type.id), type.resource.value));
    }
    for (const auto& [id, table] : tables_) {
      write_table(id, table);
    }
    for (const auto& [id, route] : views_) {
      write_view(id, route);
    }
    for (const std::uint32_t boundary : careful_) {
      if (const auto entry = entry_of(plan_.entries.boundaries, boundary); entry != PlanEntries::kNone) {
        put(fmt::format("/boundaries/{}/checks", entry), R"(["borrows-remain", "may-leave"])");
      }
    }
    write_positions();
    return std::move(ops_);
  }

 private:
  // --- what the plan is after the change

  const ViewRoute& view(std::uint32_t id) const {
    const auto place = views_.find(id);
    return place == views_.end() ? plan_.views[id] : place->second;
  }
  ViewRoute& changed_view(std::uint32_t id) { return views_.try_emplace(id, plan_.views[id]).first->second; }
  Table& changed_table(std::uint32_t id) {
    return id < plan_.tables.size() ? tables_.try_emplace(id, plan_.tables[id]).first->second
                                    : tables_.at(id);
  }

  void mend_position(std::uint32_t id, std::uint8_t code) {
    const topology::Position& position = topology_.positions[id];
    if (code == 40 || code == 50) {
      careful_.insert(position.boundary.value);
      return;
    }
    if (code == 9) {
      definers_.insert(view(position.receiver.value).type.value);
    }
    if (!right_conversion(topology_, position, view(position.sender.value), view(position.receiver.value))) {
      for (const topology::ViewId end : {position.sender, position.receiver}) {
        if (topology_.views[end.value].instance != topology::kHost &&
            view(end.value).table == kCanonicalTable) {
          route_anew(end.value, private_table(topology_.views[end.value].instance));
        }
      }
    }
    positions_.insert(id);
  }

  void mend_view(std::uint32_t id, std::uint8_t code) {
    const topology::View& what = topology_.views[id];
    if (code >= 43 && code <= 46) {
      ViewRoute& route = changed_view(id);
      route.own_destructors.clear();
      if (topology_.resources[what.resource.value].has_destructor) {
        route.own_destructors.push_back(what.resource);
      }
      route.borrow_destructors.clear();
      return;
    }
    if (what.instance == topology::kHost) {
      return;  // always in the canonical table, under the right type
    }
    // A table that is the instance's own stays its home.
    const TableId home = view(id).table;
    const std::vector<InstanceId>& users =
        plan_.tables[std::min<std::size_t>(home.value, plan_.tables.size() - 1)].instances;
    const bool own = home.value >= plan_.tables.size() ||
                     std::find(users.begin(), users.end(), what.instance) != users.end();
    route_anew(id, own && home != kCanonicalTable ? home : private_table(what.instance));
  }

  /// A table of the instance that is not the canonical one; a new one if it has none.
  TableId private_table(InstanceId instance) {
    for (std::uint32_t id = 1; id < plan_.tables.size(); ++id) {
      const auto& users = plan_.tables[id].instances;
      if (users.size() == 1 && users.front() == instance) {
        return TableId{id};
      }
    }
    for (const auto& [id, table] : tables_) {
      if (id >= plan_.tables.size() && table.instances.front() == instance) {
        return TableId{id};
      }
    }
    return new_table(instance, {});
  }

  TableId new_table(InstanceId instance, Table like) {
    like.id = table_ids_.make(topology_.text(topology_.instances[instance.value].name));
    like.symbol.clear();
    like.instances = {instance};
    like.types.clear();
    const auto id = static_cast<std::uint32_t>(plan_.tables.size() + new_tables_++);
    tables_.emplace(id, std::move(like));
    return TableId{id};
  }

  /// The type of the plan that is the resource type. What only the host's views use may not be in the file.
  TypeKeyId right_type(topology::ResourceId resource, TypeKeyId now) {
    const auto is_right = [&](std::uint32_t key) {
      return plan_.types[key].resource == resource &&
             plan_.types[key].definer == topology_.resources[resource.value].definer;
    };
    if (now.value >= plan_.types.size() || is_right(now.value)) {
      return now;
    }
    for (std::uint32_t key = 0; key < plan_.types.size(); ++key) {
      if (is_right(key) && is_named(TypeKeyId{key})) {
        return TypeKeyId{key};
      }
    }
    for (std::size_t i = 0; i < new_types_.size(); ++i) {
      if (new_types_[i].resource == resource) {
        return TypeKeyId{plan_.types.size() + i};
      }
    }
    const topology::Resource& what = topology_.resources[resource.value];
    new_types_.push_back({.id = type_ids_.make(topology_.text(topology_.instances[what.definer.value].name) +
                                               "." + topology_.text(what.name)),
                          .resource = resource,
                          .definer = what.definer});
    return TypeKeyId{plan_.types.size() + new_types_.size() - 1};
  }

  [[nodiscard]] bool is_named(TypeKeyId key) const {
    for (std::uint32_t t = 0; t < plan_.tables.size(); ++t) {
      const auto& types = plan_.tables[t].types;
      if (entry_of(plan_.entries.tables, t) != PlanEntries::kNone &&
          std::find(types.begin(), types.end(), key) != types.end()) {
        return true;
      }
    }
    for (std::uint32_t v = 0; v < plan_.views.size(); ++v) {
      if (topology_.views[v].instance != topology::kHost && plan_.views[v].type == key) {
        return true;
      }
    }
    return false;
  }

  /// All names that the view's instance has for its resource type get one table and type, and all that passes
  /// through them is converted as it then must be.
  void route_anew(std::uint32_t id, TableId home) {
    const topology::View& what = topology_.views[id];
    const TypeKeyId type = right_type(what.resource, view(id).type);
    for (const std::uint32_t v : views_of_instance_.at(what.instance.value)) {
      if (topology_.views[v].resource == what.resource) {
        route_to(v, home, type);
      }
    }
  }

  void route_to(std::uint32_t v, TableId home, TypeKeyId type) {
    ViewRoute& route = changed_view(v);
    route.table = home;
    route.type = type;
    for (auto* intrinsic : {&route.new_table, &route.rep_table, &route.drop_table}) {
      if (*intrinsic) {
        *intrinsic = home;
      }
    }
    Table& table = changed_table(home.value);
    if (std::find(table.types.begin(), table.types.end(), type) == table.types.end()) {
      table.types.push_back(type);
    }
    positions_.insert(positions_of_view_[v].begin(), positions_of_view_[v].end());
  }

  void mend_table(std::uint32_t id, std::uint8_t code, bool first) {
    switch (code) {
      case 21: {
        // The first user keeps it, the others get tables like it.
        std::map<std::uint32_t, TableId> homes;
        for (const auto& [instance, views] : views_of_instance_) {
          for (const std::uint32_t v : views) {
            if (instance == topology::kHost.value || view(v).table.value != id) {
              continue;
            }
            auto place = homes.find(instance);
            if (place == homes.end()) {
              const TableId home =
                  homes.empty() ? TableId{id} : new_table(InstanceId{instance}, plan_.tables[id]);
              place = homes.emplace(instance, home).first;
            }
            if (place->second.value != id) {
              route_to(v, place->second, view(v).type);
            }
          }
        }
        return;
      }
      case 26:
        if (!first) {
          changed_table(id).symbol.clear();
        }
        return;
      case 51:
        changed_table(id).overflow = routing::Overflow::kTrap;
        return;
      case 55:
        changed_table(id).storage = routing::Storage::kPrivate;
        return;
      case 56:
        changed_table(id).reuse = routing::Reuse::kLifo;
        return;
      default:
        changed_table(id).checks = {};
    }
  }

  // --- as operations

  void put(std::string path, std::string value) {
    PatchOp op{.op = "add", .path = std::move(path), .value = std::move(value)};
    if (op.path.ends_with("/-") || seen_.insert(op.path).second) {
      ops_.push_back(std::move(op));
    }
  }

  std::string name_of(InstanceId instance) const {
    return quoted_json(topology_.text(topology_.instances[instance.value].name));
  }
  std::string table_name(TableId id) const {
    return quoted_json(id.value < plan_.tables.size() ? plan_.tables[id.value].id : tables_.at(id.value).id);
  }
  std::string type_name(TypeKeyId id) const {
    return quoted_json(id.value < plan_.types.size() ? plan_.types[id.value].id
                                                     : new_types_[id.value - plan_.types.size()].id);
  }
  static std::string number(topology::ResourceId id) { return std::to_string(id.value); }

  void write_table(std::uint32_t id, const Table& table) {
    const auto checks = [&] {
      std::vector<std::string_view> made;
      for (const auto& [word, check] : routing::kTableCheckWords) {
        if (table.checks.*check) {
          made.push_back(word);
        }
      }
      return json_list(made, [](std::string_view word) { return quoted_json(word); });
    };
    const auto storage = [&] {
      return table.storage == routing::Storage::kGuestMemory && table.memory_of
                 ? fmt::format("{{\"guest-memory\": {}}}", table.memory_of->value)
                 : std::string("\"private\"");
    };
    const auto types = [&] {
      return json_list(table.types, [&](TypeKeyId type) { return type_name(type); });
    };
    const auto reuse = [&] { return quoted_json(word_of(routing::kReuseWords, table.reuse)); };
    const auto overflow = [&] { return quoted_json(word_of(routing::kOverflowWords, table.overflow)); };
    if (id >= plan_.tables.size()) {
      put("/tables/-",
          fmt::format("{{\"id\": {}, \"instances\": [{}], \"types\": {}, \"storage\": {}, \"reuse\": {}, "
                      "\"overflow\": {}{}, \"checks\": {}}}",
                      quoted_json(table.id), table.instances.front().value, types(), storage(), reuse(),
                      overflow(), table.capacity ? fmt::format(", \"capacity\": {}", *table.capacity) : "",
                      checks()));
      return;
    }
    const std::uint32_t entry = entry_of(plan_.entries.tables, id);
    if (entry == PlanEntries::kNone) {  // the canonical table, which then holds what is there
      return;
    }
    const Table& before = plan_.tables[id];
    const std::string at = fmt::format("/tables/{}/", entry);
    if (table.types != before.types) {
      put(at + "types", types());
    }
    if (table.symbol != before.symbol) {
      ops_.push_back({.op = "remove", .path = at + "symbol", .value = {}});
    }
    if (table.overflow != before.overflow) {
      put(at + "overflow", overflow());
    }
    if (table.reuse != before.reuse) {
      put(at + "reuse", reuse());
    }
    if (table.storage != before.storage) {
      put(at + "storage", storage());
    }
    if (table.checks != before.checks) {
      put(at + "checks", checks());
    }
  }

  void write_view(std::uint32_t id, const ViewRoute& route) {
    const std::uint32_t entry = entry_of(plan_.entries.views, id);
    if (entry == PlanEntries::kNone || route == plan_.views[id]) {
      return;
    }
    const std::string at = fmt::format("/views/{}/", entry);
    put(at + "type", type_name(route.type));
    put(at + "table", table_name(route.table));
    if (route.new_table) {
      put(at + "new", table_name(*route.new_table));
    }
    if (route.rep_table) {
      put(at + "rep", table_name(*route.rep_table));
    }
    if (route.drop_table) {
      put(at + "drop",
          fmt::format("{{\"table\": {}, \"own\": {}, \"borrow\": {}}}", table_name(*route.drop_table),
                      json_list(route.own_destructors, number), json_list(route.borrow_destructors, number)));
    }
  }

  std::string position_json(std::uint32_t id, const routing::PositionRoute& route) const {
    const topology::Position& position = topology_.positions[id];
    const std::span<const routing::Step> steps(route.steps.data(), route.count);
    return fmt::format("{{\"at\": {}, \"kind\": \"{}\", \"steps\": {}}}",
                       quoted_json(topology_.layouts[position.layout.value].path),
                       position.kind == topology::HandleKind::kOwn ? "own" : "borrow",
                       json_list(steps, [&](const routing::Step& step) {
                         return fmt::format(
                             "{{\"{}\": {}{}}}", word_of(routing::kStepWords, step.op),
                             table_name(step.table),
                             routing::makes_entry(step.op) ? ", \"type\": " + type_name(step.type) : "");
                       }));
  }

  void write_positions() {
    std::map<std::uint32_t, std::vector<std::string>> missing;  // by boundary
    for (const std::uint32_t id : positions_) {
      const topology::Position& position = topology_.positions[id];
      const auto right =
          right_conversion(topology_, position, view(position.sender.value), view(position.receiver.value));
      const routing::PositionRoute& now = plan_.positions[id];
      if (!right ||
          (right->count == now.count && now.layout_override == 0 &&
           std::equal(right->steps.begin(), right->steps.begin() + right->count, now.steps.begin()))) {
        continue;
      }
      const std::uint32_t entry = entry_of(plan_.entries.positions, id);
      if (entry == PlanEntries::kNone) {
        missing[position.boundary.value].push_back(position_json(id, *right));
        continue;
      }
      ops_.push_back({.op = "replace",
                      .path = fmt::format("/boundaries/{}/positions/{}",
                                          entry_of(plan_.entries.boundaries, position.boundary.value), entry),
                      .value = position_json(id, *right)});
    }
    for (const auto& [b, items] : missing) {
      const topology::Boundary& boundary = topology_.boundaries[b];
      const auto list = [&] { return json_list(items, [](const std::string& item) { return item; }); };
      const std::uint32_t entry = entry_of(plan_.entries.boundaries, b);
      if (entry == PlanEntries::kNone) {
        put("/boundaries/-",
            fmt::format(
                "{{\"boundary\": {}, \"caller\": {}, \"callee\": {}, \"interface\": {}, \"function\": {}, "
                "\"positions\": {}}}",
                b, boundary.caller.value, boundary.callee.value,
                quoted_json(topology_.text(boundary.interface_name)),
                quoted_json(topology_.text(boundary.function)), list()));
        continue;
      }
      bool has_any = false;
      for (std::uint32_t p = 0; p < boundary.position_count; ++p) {
        has_any |= entry_of(plan_.entries.positions, boundary.first_position + p) != PlanEntries::kNone;
      }
      if (!has_any) {
        put(fmt::format("/boundaries/{}/positions", entry), list());
        continue;
      }
      for (const std::string& item : items) {
        put(fmt::format("/boundaries/{}/positions/-", entry), item);
      }
    }
  }

  const Topology& topology_;
  const Plan& plan_;
  const Index& positions_of_view_;
  const ViewsOf& views_of_instance_;
  routing::UniqueIds table_ids_, type_ids_;
  std::size_t new_tables_ = 0;
  std::vector<routing::TypeKey> new_types_;
  std::map<std::uint32_t, Table> tables_;
  std::map<std::uint32_t, ViewRoute> views_;
  std::set<std::uint32_t> positions_, careful_, definers_;
  std::set<std::string> seen_;
  std::vector<PatchOp> ops_;
};

}  // namespace

Repairs::Repairs(const Topology& topology, const Plan& plan)
    : topology_(topology), plan_(plan), positions_of_view_(topology.views.size()) {
  for (std::uint32_t p = 0; p < topology.positions.size(); ++p) {
    positions_of_view_[topology.positions[p].sender.value].push_back(p);
    positions_of_view_[topology.positions[p].receiver.value].push_back(p);
  }
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    views_of_instance_[topology.views[v].instance.value].push_back(v);
  }
}

std::vector<PatchOp> Repairs::of(const Finding& finding) const {
  if (plan_.entries.views.empty() && plan_.entries.tables.empty()) {
    return {};
  }
  Change change(topology_, plan_, positions_of_view_, views_of_instance_);
  change.mend(finding.unit, finding.code, true);
  for (const Unit& unit : finding.others) {
    change.mend(unit, finding.code, false);
  }
  return std::move(change).patch();
}

}  // namespace meld_verify::check
