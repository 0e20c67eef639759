#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/routing/layout_json.h"
#include "engine/routing/plan.h"
#include "engine/routing/plan_document.h"
#include "engine/routing/sample_topology.h"
#include "engine/routing/spec_files.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;
using topology::Topology;

/// All numbers below the bound alike, also in the first cases (which RapidCheck would keep small).
std::uint32_t below(std::size_t bound) {
  return *rc::gen::resize(rc::kNominalSize,
                          rc::gen::inRange(std::uint32_t{0}, static_cast<std::uint32_t>(bound)));
}

bool coin() {
  return *rc::gen::arbitrary<bool>();
}

/// Text with whatever JSON has to escape; never the same for two numbers.
std::string label(const char* word, std::size_t number) {
  static constexpr const char* kOdd[] = {"", "\"", "\\", "\n", "/", "~1", "\xc3\xa9", "{}"};
  return word + std::string(kOdd[below(std::size(kOdd))]) + std::to_string(number);
}

topology::Location random_location() {
  topology::Location location;
  location.root = static_cast<topology::Root>(below(3));
  for (std::uint32_t i = below(3); i > 0; --i) {
    location.lists.push_back({.offset = below(64), .stride = 1 + below(32)});
  }
  location.offset = below(1000);
  if (location.root == topology::Root::kFlat) {  // what says nothing is as topologies have it
    location.slot = below(16);
    location.slot_type = static_cast<topology::SlotType>(below(4));
    if (location.lists.empty()) {
      location.offset = 0;
    } else {
      location.lists[0].offset = 0;
    }
  }
  return location;
}

topology::Layout random_layout(const std::string& path) {
  topology::Layout layout;
  layout.path = path;
  layout.caller = random_location();
  layout.callee = random_location();
  for (std::uint32_t i = below(3); i > 0; --i) {
    layout.guards.push_back({.caller = random_location(),
                             .callee = random_location(),
                             .width = static_cast<std::uint8_t>(1U << below(3)),
                             .case_index = below(300),
                             .case_label = label("case", i)});
  }
  layout.in_aggregate = coin();
  layout.in_variant = coin();
  layout.in_list = coin();
  return layout;
}

/// Up to six instances, four resource types and six calls; no sense in who sends what.
Topology random_topology() {
  TopologyBuilder make;
  const std::size_t instances = 2 + below(5);
  for (std::size_t i = 2; i < instances; ++i) {
    make.instance(coin() ? "twin" : label("inst", i));
  }
  const std::size_t resources = below(5);
  std::vector<topology::ViewId> views;
  for (std::size_t r = 0; r < resources; ++r) {
    const auto resource = make.resource(InstanceId{below(instances)}, coin() ? "a:b/c" : "",
                                        coin() ? "r" : label("r", r), coin());
    for (std::size_t i = 0; i < instances; ++i) {
      for (std::uint32_t k = below(3); k > 0; --k) {
        views.push_back(make.view(InstanceId{i}, resource, coin() ? "a:b/c" : "", label("v", k), coin(),
                                  {coin(), coin(), coin()}));
      }
    }
  }
  for (std::uint32_t b = below(7); b > 0; --b) {
    make.boundary(InstanceId{below(instances)}, InstanceId{below(instances)}, coin() ? "a:b/c" : "",
                  label("f", b));
    for (std::uint32_t k = views.empty() ? 0 : below(4); k > 0; --k) {
      make.position(random_layout(coin() ? "result" : label("params/", k)), views[below(views.size())],
                    views[below(views.size())],
                    coin() ? topology::HandleKind::kOwn : topology::HandleKind::kBorrow);
    }
  }
  return std::move(make).build();
}

template <class T>
std::vector<T> random_subset(std::size_t count) {
  std::vector<T> items;
  for (std::size_t i = 0; i < count; ++i) {
    if (coin()) {
      items.insert(items.begin() + below(items.size() + 1), T{i});
    }
  }
  return items;
}

std::vector<ResourceId> random_destructors(const Topology& topology) {
  std::vector<ResourceId> items;
  for (std::uint32_t i = below(4); i > 0; --i) {
    items.push_back(ResourceId{below(topology.resources.size())});
  }
  return items;
}

Table random_table(std::size_t number, const Topology& topology, const Plan& plan) {
  Table table;
  const bool canonical = number == 0;
  table.id = canonical ? std::string(kCanonicalTableName) : label("table", number);
  table.symbol = coin() ? "" : label("$ht_", number);
  table.instances = random_subset<InstanceId>(topology.instances.size());
  table.types = random_subset<TypeKeyId>(plan.types.size());
  table.storage = canonical ? Storage::kCanonical : coin() ? Storage::kPrivate : Storage::kGuestMemory;
  if (table.storage == Storage::kGuestMemory) {
    table.memory_of = InstanceId{1 + below(topology.instances.size() - 1)};
  }
  table.reuse = static_cast<Reuse>(below(3));
  if (coin()) {
    table.capacity = *rc::gen::inRange(std::uint64_t{0}, std::uint64_t{1} << 53U);
  }
  table.overflow = coin() ? Overflow::kTrap : Overflow::kUnchecked;
  table.checks = {coin(), coin(), coin(), coin(), coin(), coin()};
  return table;
}

/// Any plan that can be said, right or (mostly) wrong.
Plan random_plan(const Topology& topology) {
  Plan plan;
  plan.generator = coin() ? "" : label("fuser", 1);
  const std::size_t types = topology.resources.empty() ? 0 : 1 + below(4);
  for (std::size_t i = 0; i < types; ++i) {
    plan.types.push_back({.id = label("type", i),
                          .resource = ResourceId{below(topology.resources.size())},
                          .definer = InstanceId{below(topology.instances.size())}});
  }
  const std::size_t tables = 1 + below(4);
  for (std::size_t i = 0; i < tables; ++i) {
    plan.tables.push_back(random_table(i, topology, plan));
  }
  const auto any_table = [&] { return TableId{below(tables)}; };
  for (const topology::View& view : topology.views) {
    ViewRoute route;
    route.type = TypeKeyId{below(types)};
    route.table = view.instance == topology::kHost ? kCanonicalTable : any_table();
    if (view.has_new) {
      route.new_table = any_table();
    }
    if (view.has_rep) {
      route.rep_table = any_table();
    }
    if (view.has_drop) {
      route.drop_table = any_table();
      route.own_destructors = random_destructors(topology);
      route.borrow_destructors = random_destructors(topology);
    }
    plan.views.push_back(std::move(route));
  }
  for (std::size_t i = 0; i < topology.boundaries.size(); ++i) {
    plan.boundaries.push_back({.checks_borrows_remain = coin(), .checks_may_leave = coin()});
  }
  for (const topology::Position& position : topology.positions) {
    PositionRoute route;
    route.count = static_cast<std::uint8_t>(below(kMaxSteps + 1));
    for (std::size_t i = 0; i < route.count; ++i) {
      route.steps[i] = {static_cast<StepOp>(below(5)), any_table(), TypeKeyId{below(types)}};
    }
    if (coin()) {
      topology::Layout layout = topology.layouts[position.layout.value];
      const topology::Layout other = random_layout(layout.path);
      if (!same_place(layout.caller, other.caller)) {
        layout.caller = other.caller;
        layout.callee = other.callee;
        layout.guards = other.guards;
        plan.layouts.push_back(std::move(layout));
        route.layout_override = static_cast<std::uint32_t>(plan.layouts.size());
      }
    }
    plan.positions.push_back(route);
  }
  return plan;
}

void assert_round_trip(const Plan& plan, const Topology& topology, bool locations) {
  const std::string text = write_plan(plan, topology, {.locations = locations});
  const auto again = read_plan(text, "plan.json", topology);
  if (!again) {
    RC_LOG() << again.error().code << " at " << again.error().place.pointer.value_or("?") << ": "
             << again.error().sentence << "\n"
             << text;
  }
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == plan);
  RC_ASSERT(write_plan(*again, topology, {.locations = locations}) == text);
}

RC_GTEST_PROP(WrittenPlans, AreReadAsTheyWere, ()) {
  const Topology topology = random_topology();
  const Plan plan = random_plan(topology);
  RC_CLASSIFY(!plan.layouts.empty(), "has handles elsewhere");
  RC_CLASSIFY(topology.views.size() > 1, "has views");
  assert_round_trip(plan, topology, coin());
}

RC_GTEST_PROP(WrittenPlans, AreReadAsTheyWereWhenTheyAreTheRequiredOne, ()) {
  const Topology topology = random_topology();
  assert_round_trip(required_plan(topology), topology, coin());
}

/// All places of a document, as JSON pointers.
void collect_places(const json& value, const json::json_pointer& at,
                    std::vector<json::json_pointer>& places) {
  places.push_back(at);
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      collect_places(member, at / name, places);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      collect_places(value[i], at / i, places);
    }
  }
}

json junk() {
  static const std::vector<json> kJunk = {nullptr,
                                          true,
                                          0,
                                          1,
                                          2,
                                          4,
                                          -1,
                                          1.5,
                                          1e300,
                                          "",
                                          "canonical",
                                          "leaf",
                                          "never",
                                          "i64",
                                          json::array(),
                                          json::object(),
                                          json::array({0}),
                                          json::array({0, 0}),
                                          4294967295U,
                                          4294967296U,
                                          18446744073709551615U,
                                          json::parse(R"({"take": "leaf"})"),
                                          json::parse(R"({"new": "leaf", "type": "leaf.thing"})"),
                                          json::parse(R"({"flat": 1, "lists": [{"stride": 4}]})"),
                                          json::parse(R"({"guest-memory": 2})")};
  return kJunk[below(kJunk.size())];
}

/// The sample's plan with locations and up to three changes anywhere.
json changed_plan(const Topology& topology) {
  json plan = json::parse(write_plan(required_plan(topology), topology, {.locations = true}));
  static const std::vector<std::string> kMembers = {"id",    "type", "steps",  "caller",   "table",    "own",
                                                    "lists", "case", "checks", "capacity", "odd~/name"};
  for (std::uint32_t i = below(4); i > 0; --i) {
    std::vector<json::json_pointer> places;
    collect_places(plan, json::json_pointer(), places);
    const json::json_pointer& at = places[below(places.size())];
    json& value = plan[at];
    switch (below(3)) {
      case 0:
        value = junk();
        break;
      case 1:
        if (!at.empty() && coin()) {
          json& parent = plan[at.parent_pointer()];
          parent.is_array() ? parent.erase(std::stoul(at.back())) : (void)parent.erase(at.back());
        }
        break;
      default:
        if (value.is_object()) {
          value[kMembers[below(kMembers.size())]] = junk();
        } else if (value.is_array()) {
          value.push_back(value.empty() || coin() ? junk() : json(value[0]));
        }
    }
  }
  return plan;
}

RC_GTEST_PROP(ChangedPlans, BreakTheSchemaExactlyWhereABreakIsFound, ()) {
  const std::string schema_text = plan_schema().value();
  const json schema = json::parse(schema_text);
  const json plan = changed_plan(sample_topology());
  const bool kept = check_schema(plan, schema_text, "plan.json").has_value();
  const auto found = first_break(plan, schema);
  RC_CLASSIFY(kept);
  RC_LOG() << plan.dump() << "\n" << (found ? found->pointer + ": " + found->sentence : "no break");
  RC_ASSERT(kept == !found.has_value());
  if (found) {
    RC_ASSERT(plan.contains(json::json_pointer(found->pointer)));
  }
}

RC_GTEST_PROP(ChangedPlans, AreReadOrRefusedAtAPlaceThatTheyHave, ()) {
  const Topology topology = sample_topology();
  const json plan = changed_plan(topology);
  const auto result = read_plan(plan.dump(), "plan.json", topology);
  RC_CLASSIFY(result.has_value());
  if (result) {
    RC_ASSERT(read_plan(write_plan(*result, topology), "plan.json", topology).value() == *result);
  } else {
    RC_LOG() << result.error().sentence;
    const std::string& code = result.error().code;
    const bool known = code == "schema" || code == "plan-reference";
    RC_ASSERT(known);
    RC_ASSERT(plan.contains(json::json_pointer(result.error().place.pointer.value())));
  }
}

RC_GTEST_PROP(CutPlans, AreNotJsonAtTheirEnd, ()) {
  const Topology topology = sample_topology();
  const std::string text = write_plan(required_plan(topology), topology);
  const std::size_t length = below(text.rfind('}'));
  const auto result = read_plan(std::string_view(text).substr(0, length), "plan.json", topology);
  RC_ASSERT(!result.has_value());
  RC_ASSERT(result.error().code == "not-json");
  RC_ASSERT(result.error().place.offset.value().value == length);
}

RC_GTEST_PROP(ScrambledPlans, NeverCrashTheReader, ()) {
  const Topology topology = sample_topology();
  std::string text = write_plan(required_plan(topology), topology);
  for (std::uint32_t i = 1 + below(8); i > 0; --i) {
    static constexpr std::string_view kBytes = "{}[],:\"\\0-1e.\x01\xff tn";
    text[below(text.size())] = kBytes[below(kBytes.size())];
  }
  const auto result = read_plan(text, "plan.json", topology);
  if (!result) {
    RC_ASSERT(!result.error().sentence.empty());
    RC_ASSERT(result.error().place.file == "plan.json");
  }
}

}  // namespace
}  // namespace meld_verify::routing
