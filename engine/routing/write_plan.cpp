#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "engine/routing/implied_views.h"
#include "engine/routing/json_text.h"
#include "engine/routing/layout_json.h"
#include "engine/routing/plan.h"
#include "engine/routing/plan_words.h"

namespace meld_verify::routing {
namespace {

using topology::Topology;

/// Writes the top-level member after member; each item of its arrays is a line or a few.
class PlanWriter {
 public:
  PlanWriter(const Plan& plan, const Topology& topology, const PlanText& options)
      : plan_(plan), topology_(topology), options_(options) {
    for (const Table& table : plan.tables) {
      table_ids_.push_back(quoted_json(table.id));
    }
    for (const TypeKey& type : plan.types) {
      type_ids_.push_back(quoted_json(type.id));
    }
  }

  std::string write() && {
    add("{{\n  \"version\": 1");
    if (!plan_.generator.empty()) {
      add(",\n  \"generator\": {}", quoted_json(plan_.generator));
    }
    array("types", [this] { types(); });
    array("tables", [this] { tables(); });
    array("views", [this] { views(); });
    array("boundaries", [this] { boundaries(); });
    add("\n}}\n");
    return std::move(out_);
  }

 private:
  template <class... T>
  void add(fmt::format_string<T...> format, T&&... arguments) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<T>(arguments)...);
  }

  template <class Items>
  void array(std::string_view name, Items items) {
    add(",\n  \"{}\": [", name);
    first_item_ = true;
    items();
    add("{}]", first_item_ ? "" : "\n  ");
  }

  void begin_item() {
    out_ += first_item_ ? "\n    " : ",\n    ";
    first_item_ = false;
  }

  template <class Route, std::size_t N>
  void checks(const Words<bool Route::*, N>& words, const Route& route) {
    std::vector<std::string_view> made;
    for (const auto& [word, check] : words) {
      if (route.*check) {
        made.push_back(word);
      }
    }
    out_ += ", \"checks\": ";
    append_list(out_, made, [this](std::string_view word) { add("\"{}\"", word); });
  }

  std::string instance_name(InstanceId instance) const {
    return quoted_json(topology_.text(topology_.instances[instance.value].name));
  }

  void types() {
    for (std::size_t i = 0; i < plan_.types.size(); ++i) {
      const TypeKey& type = plan_.types[i];
      begin_item();
      add(R"({{"id": {}, "resource": {}, "resource-name": {}, "definer": {}, "definer-name": {}}})",
          type_ids_[i], type.resource.value,
          quoted_json(topology_.text(topology_.resources[type.resource.value].name)), type.definer.value,
          instance_name(type.definer));
    }
  }

  void tables() {
    for (std::size_t i = 0; i < plan_.tables.size(); ++i) {
      const Table& table = plan_.tables[i];
      begin_item();
      add("{{\"id\": {}", table_ids_[i]);
      if (!table.symbol.empty()) {
        add(", \"symbol\": {}", quoted_json(table.symbol));
      }
      out_ += ", \"instances\": ";
      append_list(out_, table.instances, [this](InstanceId instance) { add("{}", instance.value); });
      out_ += ", \"types\": ";
      append_list(out_, table.types, [this](TypeKeyId type) { out_ += type_ids_[type.value]; });
      storage(table);
      add(R"(, "reuse": "{}")", word_of(kReuseWords, table.reuse));
      if (table.capacity) {
        add(", \"capacity\": {}", *table.capacity);
      }
      add(R"(, "overflow": "{}")", word_of(kOverflowWords, table.overflow));
      checks(kTableCheckWords, table.checks);
      out_ += '}';
    }
  }

  void storage(const Table& table) {
    switch (table.storage) {
      case Storage::kPrivate:
        out_ += R"(, "storage": "private")";
        return;
      case Storage::kCanonical:
        out_ += R"(, "storage": "canonical")";
        return;
      case Storage::kGuestMemory:
        add(R"(, "storage": {{"guest-memory": {}}})", table.memory_of.value().value);
        return;
    }
  }

  void views() {
    const std::vector<std::optional<TypeKeyId>> keys = implied_keys(plan_.types, topology_);
    for (std::size_t i = 0; i < plan_.views.size(); ++i) {
      const topology::View& view = topology_.views[i];
      const ViewRoute& route = plan_.views[i];
      if (view.instance == topology::kHost && keys[view.resource.value] == route.type) {
        ViewRoute implied{route.type, kCanonicalTable, {}, {}, {}, {}, {}};
        imply_intrinsics(implied, view, topology_);
        if (implied == route) {
          continue;
        }
      }
      begin_item();
      add(R"({{"instance": {}, "instance-name": {}, "resource": {}, "interface": {}, "name": {}, )"
          R"("exported": {}, "type": {}, "table": {})",
          view.instance.value, instance_name(view.instance), view.resource.value,
          quoted_json(topology_.text(view.interface_name)), quoted_json(topology_.text(view.name)),
          view.exported, type_ids_[route.type.value], table_ids_[route.table.value]);
      if (route.new_table) {
        add(", \"new\": {}", table_ids_[route.new_table->value]);
      }
      if (route.rep_table) {
        add(", \"rep\": {}", table_ids_[route.rep_table->value]);
      }
      if (route.drop_table) {
        const auto number = [this](ResourceId resource) { add("{}", resource.value); };
        add(R"(, "drop": {{"table": {}, "own": )", table_ids_[route.drop_table->value]);
        append_list(out_, route.own_destructors, number);
        out_ += ", \"borrow\": ";
        append_list(out_, route.borrow_destructors, number);
        out_ += '}';
      }
      out_ += '}';
    }
  }

  void boundaries() {
    for (std::size_t i = 0; i < plan_.boundaries.size(); ++i) {
      const topology::Boundary& boundary = topology_.boundaries[i];
      const BoundaryRoute& route = plan_.boundaries[i];
      if (boundary.position_count == 0 && route == BoundaryRoute{}) {
        continue;
      }
      begin_item();
      add(R"({{"boundary": {}, "caller": {}, "caller-name": {}, "callee": {}, "callee-name": {}, )"
          R"("interface": {}, "function": {})",
          i, boundary.caller.value, instance_name(boundary.caller), boundary.callee.value,
          instance_name(boundary.callee), quoted_json(topology_.text(boundary.interface_name)),
          quoted_json(topology_.text(boundary.function)));
      if (route != BoundaryRoute{}) {
        checks(kBoundaryCheckWords, route);
      }
      if (boundary.position_count != 0) {
        out_ += ",\n     \"positions\": [";
        for (std::uint32_t k = 0; k < boundary.position_count; ++k) {
          out_ += k == 0 ? "\n       " : ",\n       ";
          position(boundary.first_position + k);
        }
        out_ += ']';
      }
      out_ += '}';
    }
  }

  void position(std::uint32_t index) {
    const topology::Position& position = topology_.positions[index];
    const PositionRoute& route = plan_.positions[index];
    const topology::Layout& own_layout = topology_.layouts[position.layout.value];
    add(R"({{"at": {}, "kind": "{}", "steps": [)", quoted_json(own_layout.path),
        position.kind == topology::HandleKind::kOwn ? "own" : "borrow");
    for (std::uint8_t k = 0; k < route.count; ++k) {
      const Step& step = route.steps[k];
      add(R"({}{{"{}": {})", k == 0 ? "" : ", ", word_of(kStepWords, step.op), table_ids_[step.table.value]);
      if (makes_entry(step.op)) {
        add(", \"type\": {}", type_ids_[step.type.value]);
      }
      out_ += '}';
    }
    out_ += ']';
    if (route.layout_override != 0) {
      places(plan_.layouts[route.layout_override - 1]);
    } else if (options_.locations) {
      places(own_layout);
    }
    out_ += '}';
  }

  void places(const topology::Layout& layout) {
    out_ += ",\n        ";
    write_layout(layout, out_);
  }

  const Plan& plan_;
  const Topology& topology_;
  const PlanText& options_;
  std::vector<std::string> table_ids_;  ///< quoted
  std::vector<std::string> type_ids_;   ///< quoted
  std::string out_;
  bool first_item_ = true;
};

}  // namespace

std::string write_plan(const Plan& plan, const topology::Topology& topology, const PlanText& text) {
  return PlanWriter(plan, topology, text).write();
}

}  // namespace meld_verify::routing
