#include "engine/smt/shapes.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace meld_verify::smt {
namespace {

using routing::Plan;
using routing::Step;
using routing::StepOp;
using topology::Position;
using topology::Topology;
using topology::View;

/// Writes fields from the lowest bit on, and reads them back in the same order.
class Packer {
 public:
  explicit Packer(UnitKind kind) : bits_(static_cast<Shape>(kind) << 62) {}
  void put(std::uint32_t value, unsigned width) {
    bits_ |= static_cast<Shape>(value) << at_;
    at_ += width;
  }
  void put(bool value) { put(value ? 1u : 0u, 1); }
  [[nodiscard]] Shape shape() const { return bits_; }

 private:
  Shape bits_;
  unsigned at_ = 0;
};

class Unpacker {
 public:
  explicit Unpacker(Shape shape) : bits_(shape) {}
  std::uint32_t get(unsigned width) {
    const auto value = static_cast<std::uint32_t>(bits_ & ((Shape{1} << width) - 1));
    bits_ >>= width;
    return value;
  }
  bool flag() { return get(1) != 0; }

 private:
  Shape bits_;
};

/// Numbers identities in the order in which they are first named.
template <std::size_t N>
class Roles {
 public:
  std::uint32_t of(std::uint32_t id) {
    for (std::uint32_t role = 0; role < count_; ++role) {
      if (ids_[role] == id) {
        return role;
      }
    }
    ids_[count_] = id;
    return count_++;
  }

 private:
  std::array<std::uint32_t, N> ids_{};
  std::uint32_t count_ = 0;
};

bool makes_entry(StepOp op) {
  return op == StepOp::kNew || op == StepOp::kBorrow;
}

}  // namespace

ShapeReader::ShapeReader(const Topology& topology, const Plan& plan)
    : topology_(topology),
      plan_(plan),
      has_destructor_(topology.resources.size(), false),
      view_apart_(topology.views.size(), false),
      table_in_use_(plan.tables.size(), false),
      table_shared_(plan.tables.size(), false),
      symbol_repeated_(plan.tables.size(), false) {
  mark_apart();
  std::vector<topology::InstanceId> definers(topology.resources.size());
  for (std::size_t r = 0; r < topology.resources.size(); ++r) {
    definers[r] = topology.resources[r].definer;
    has_destructor_[r] = topology.resources[r].has_destructor;
  }
  stands_for_.reserve(plan.types.size());
  for (const routing::TypeKey& key : plan.types) {
    stands_for_.push_back(key.resource);
  }
  near_.reserve(topology.views.size());
  std::vector<std::uint32_t> user(plan.tables.size(), 0);
  std::optional<routing::TypeKeyId> canonical_type;
  for (std::uint32_t v = 0; v < topology.views.size(); ++v) {
    const View& view = topology.views[v];
    const routing::ViewRoute& route = plan.views[v];
    near_.push_back({view.instance, definers[view.resource.value], route.table, route.type});
    const std::uint32_t table = route.table.value;
    table_in_use_[table] = true;
    if (route.table == routing::kCanonicalTable) {
      const auto& listed = plan.tables[0].types;
      const routing::TypeKeyId known = canonical_type.value_or(listed.empty() ? route.type : listed.front());
      canonical_has_two_types_ |= known != route.type;
      canonical_type = known;
    }
    if (view.instance != topology::kHost) {
      table_shared_[table] = table_shared_[table] || (user[table] != 0 && user[table] != view.instance.value);
      user[table] = view.instance.value;
    }
  }
  std::unordered_map<std::string_view, std::uint32_t> symbols;
  for (std::uint32_t t = 0; t < plan.tables.size(); ++t) {
    if (plan.tables[t].symbol.empty()) {
      continue;
    }
    const auto [place, fresh] = symbols.try_emplace(plan.tables[t].symbol, t);
    if (!fresh) {
      symbol_repeated_[t] = symbol_repeated_[place->second] = true;
    }
  }
}

void ShapeReader::mark_apart() {
  // Views in the order of their instances, by counting: a map of pairs costs ten times as much.
  std::vector<std::uint32_t> end(topology_.instances.size() + 1, 0);
  for (const View& view : topology_.views) {
    ++end[view.instance.value + 1];
  }
  std::partial_sum(end.begin(), end.end(), end.begin());
  std::vector<std::uint32_t> views(topology_.views.size());
  std::vector<std::uint32_t> next(end.begin(), end.end() - 1);
  for (std::uint32_t v = 0; v < topology_.views.size(); ++v) {
    views[next[topology_.views[v].instance.value]++] = v;
  }
  const auto resource_of = [&](std::uint32_t view) { return topology_.views[view].resource; };
  for (std::size_t i = 0; i + 1 < end.size(); ++i) {
    const auto begin = views.begin() + end[i], stop = views.begin() + end[i + 1];
    std::sort(begin, stop, [&](std::uint32_t left, std::uint32_t right) {
      return resource_of(left) < resource_of(right);
    });
    for (auto first = begin; first != stop;) {
      const auto last = std::find_if(
          first, stop, [&](std::uint32_t view) { return resource_of(view) != resource_of(*first); });
      const routing::ViewRoute& route = plan_.views[*first];
      const bool apart = std::any_of(first + 1, last, [&](std::uint32_t view) {
        return plan_.views[view].table != route.table || plan_.views[view].type != route.type;
      });
      for (; first != last; ++first) {
        view_apart_[*first] = apart;
      }
    }
  }
}

void ShapeReader::fetch_for_position(std::uint32_t id) const {
  if (id < topology_.positions.size()) {
    __builtin_prefetch(&near_[topology_.positions[id].sender.value]);
    __builtin_prefetch(&near_[topology_.positions[id].receiver.value]);
  }
}

void ShapeReader::fetch_for_view(std::uint32_t id) const {
  if (id < near_.size()) {
    __builtin_prefetch(plan_.views[id].own_destructors.data());
    __builtin_prefetch(plan_.tables[near_[id].table.value].types.data());
    __builtin_prefetch(stands_for_.data() + near_[id].type.value);
  }
}

Shape ShapeReader::position(std::uint32_t id) const {
  const Position& position = topology_.positions[id];
  const Near& from = near_[position.sender.value];
  const Near& to = near_[position.receiver.value];
  const routing::PositionRoute& route = plan_.positions[id];
  const routing::BoundaryRoute& duties = plan_.boundaries[position.boundary.value];

  Packer pack(UnitKind::kPosition);
  pack.put(position.kind == topology::HandleKind::kBorrow);
  pack.put(from.instance == topology::kHost);
  pack.put(to.instance == topology::kHost);
  pack.put(to.instance == to.definer);
  pack.put(to.definer == topology::kHost);
  pack.put(duties.checks_borrows_remain);
  pack.put(duties.checks_may_leave);
  pack.put(static_cast<std::uint32_t>(misplacement(topology_, plan_, id)), 3);
  Roles<7> tables;
  Roles<6> keys;
  pack.put(tables.of(routing::kCanonicalTable.value), 1);
  pack.put(tables.of(from.table.value), 1);
  pack.put(tables.of(to.table.value), 2);
  pack.put(keys.of(from.type.value), 1);
  pack.put(keys.of(to.type.value), 1);
  pack.put(route.count, 3);
  for (std::uint32_t i = 0; i < route.count; ++i) {
    const Step& step = route.steps[i];
    pack.put(static_cast<std::uint32_t>(step.op), 3);
    pack.put(tables.of(step.table.value), 3);
    pack.put(makes_entry(step.op) ? keys.of(step.type.value) : 0, 3);
  }
  return pack.shape();
}

Shape ShapeReader::view(std::uint32_t id) const {
  const View& view = topology_.views[id];
  const routing::ViewRoute& route = plan_.views[id];
  const auto contains = [](const auto& list, auto item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  Packer pack(UnitKind::kView);
  pack.put(route.type.value < stands_for_.size() && stands_for_[route.type.value] == view.resource);
  pack.put(route.table == routing::kCanonicalTable ||
           contains(plan_.tables[route.table.value].types, route.type));
  pack.put(view_apart_[id]);
  pack.put(bool{has_destructor_[view.resource.value]});
  for (const auto& table : {route.new_table, route.rep_table, route.drop_table}) {
    pack.put(!table ? 0u : *table == route.table ? 1u : 2u, 2);
  }
  const auto own = std::count(route.own_destructors.begin(), route.own_destructors.end(), view.resource);
  pack.put(static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(own, 2)), 2);
  const auto destroys = [&](topology::ResourceId resource) -> bool {
    return has_destructor_[resource.value];
  };
  // Whether another type's destructor runs, and whether one of them runs twice.
  std::vector<topology::ResourceId> others;
  for (const topology::ResourceId other : route.own_destructors) {
    if (other != view.resource && destroys(other)) {
      others.push_back(other);
    }
  }
  std::sort(others.begin(), others.end());
  pack.put(!others.empty());
  pack.put(std::adjacent_find(others.begin(), others.end()) != others.end());
  pack.put(std::any_of(route.borrow_destructors.begin(), route.borrow_destructors.end(), destroys));
  return pack.shape();
}

Shape ShapeReader::table(std::uint32_t id) const {
  const routing::Table& table = plan_.tables[id];
  Packer pack(UnitKind::kTable);
  pack.put(bool{table_in_use_[id]});
  pack.put(bool{table_shared_[id]});
  pack.put(bool{symbol_repeated_[id]});
  pack.put(table.overflow == routing::Overflow::kUnchecked);
  pack.put(table.reuse == routing::Reuse::kNever);
  pack.put(table.storage == routing::Storage::kGuestMemory);
  bool two_types = id == routing::kCanonicalTable.value && canonical_has_two_types_;
  for (const routing::TypeKeyId type : table.types) {
    two_types |= type != table.types.front();
  }
  pack.put(two_types);
  const routing::TableChecks& checks = table.checks;
  for (const bool check : {checks.zero, checks.bounds, checks.live, checks.type, checks.kind, checks.lent}) {
    pack.put(check);
  }
  return pack.shape();
}

Shape ShapeReader::key(std::uint32_t id) const {
  const routing::TypeKey& key = plan_.types[id];
  Packer pack(UnitKind::kKey);
  pack.put(topology_.resources[key.resource.value].definer == key.definer);
  return pack.shape();
}

namespace {

void write_position(Unpacker& in, std::uint32_t base, FactBase& facts) {
  const bool borrow = in.flag();
  const bool from_host = in.flag();
  const bool to_host = in.flag();
  const bool to_definer = in.flag();
  const bool host_defines = in.flag();
  const bool checks_borrows = in.flag();
  const bool checks_leave = in.flag();
  const std::uint32_t place = in.get(3);
  in.get(1);  // the canonical table has role 0
  // Role 0 is the canonical table, which has this number in every plan.
  const auto table = [&](std::uint32_t role) { return role == 0 ? 0 : base + role; };
  const std::uint32_t from_table = table(in.get(1));
  const std::uint32_t to_table = table(in.get(2));
  const std::uint32_t from_key = base + in.get(1);
  const std::uint32_t to_key = base + in.get(1);
  const std::uint32_t count = in.get(3);

  const std::uint32_t sender = from_host ? 0 : base + 1;
  const std::uint32_t receiver = to_host ? 0 : base + 2;
  const std::uint32_t definer = host_defines ? 0 : to_definer ? receiver : base + 3;
  const std::uint32_t position = base, from = base, to = base + 1, resource = base;
  facts.add(Relation::kDefiner, {resource, definer});
  facts.add(Relation::kView, {from, sender, resource});
  facts.add(Relation::kView, {to, receiver, resource});
  facts.add(Relation::kTableOf, {from, from_table});
  facts.add(Relation::kTableOf, {to, to_table});
  facts.add(Relation::kTypeOf, {from, from_key});
  facts.add(Relation::kTypeOf, {to, to_key});
  facts.add(Relation::kCrosses, {position, borrow ? 1u : 0u, from, to});
  facts.add(Relation::kSteps, {position, count});
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t op = in.get(3);
    const std::uint32_t step_table = table(in.get(3));
    facts.add(Relation::kStep, {position, i, op, step_table, base + in.get(3)});
  }
  if (place != 0) {
    facts.add(Relation::kMisplaced, {position, place});
  }
  if (!checks_borrows) {
    facts.add(Relation::kCareless, {position, 0});
  }
  if (!checks_leave) {
    facts.add(Relation::kCareless, {position, 1});
  }
}

void write_view(Unpacker& in, std::uint32_t base, FactBase& facts) {
  const bool type_right = in.flag();
  const bool held = in.flag();
  const bool apart = in.flag();
  const bool destructor = in.flag();
  const std::uint32_t view = base, resource = base, other_resource = base + 1, table = base + 1,
                      other_table = base + 2, key = base, instance = base + 1;
  facts.add(Relation::kDefiner, {resource, instance});
  facts.add(Relation::kView, {view, instance, resource});
  facts.add(Relation::kTableOf, {view, table});
  facts.add(Relation::kTypeOf, {view, key});
  facts.add(Relation::kStandsFor, {key, type_right ? resource : other_resource});
  if (held) {
    facts.add(Relation::kHolds, {table, key});
  }
  if (apart) {
    facts.add(Relation::kView, {view + 1, instance, resource});
    facts.add(Relation::kTableOf, {view + 1, other_table});
    facts.add(Relation::kTypeOf, {view + 1, key});
  }
  if (destructor) {
    facts.add(Relation::kDestructor, {resource});
  }
  for (std::uint32_t intrinsic = 0; intrinsic < 3; ++intrinsic) {
    if (const std::uint32_t where = in.get(2); where != 0) {
      facts.add(Relation::kGoesTo, {view, intrinsic, where == 1 ? table : other_table});
    }
  }
  const std::uint32_t own = in.get(2);
  for (std::uint32_t i = 0; i < own; ++i) {
    facts.add(Relation::kOwnRuns, {view, i, resource});
  }
  const bool other_runs = in.flag();
  const bool other_runs_twice = in.flag();
  if (other_runs) {
    facts.add(Relation::kOwnRuns, {view, 0, other_resource});
    facts.add(Relation::kDestructor, {other_resource});
  }
  if (other_runs_twice) {
    facts.add(Relation::kOwnRuns, {view, 1, other_resource});
  }
  if (in.flag()) {
    facts.add(Relation::kBorrowRuns, {view, 0, base + 2});
    facts.add(Relation::kDestructor, {base + 2});
  }
}

void write_table(Unpacker& in, std::uint32_t base, FactBase& facts) {
  const std::uint32_t table = base + 1;
  if (in.flag()) {
    facts.add(Relation::kView, {base, base + 1, base});
    facts.add(Relation::kTableOf, {base, table});
  }
  if (in.flag()) {
    facts.add(Relation::kView, {base + 1, base + 2, base});
    facts.add(Relation::kTableOf, {base + 1, table});
  }
  if (in.flag()) {
    facts.add(Relation::kSymbol, {table, base});
    facts.add(Relation::kSymbol, {table + 1, base});
  }
  if (in.flag()) {
    facts.add(Relation::kUnbounded, {table});
  }
  if (in.flag()) {
    facts.add(Relation::kNeverReused, {table});
  }
  if (in.flag()) {
    facts.add(Relation::kGuestMemory, {table});
  }
  facts.add(Relation::kHolds, {table, base});
  if (in.flag()) {
    facts.add(Relation::kHolds, {table, base + 1});
  }
  for (std::uint32_t guard = 0; guard < 6; ++guard) {
    if (!in.flag()) {
      facts.add(Relation::kLax, {table, guard});
    }
  }
}

void write_key(Unpacker& in, std::uint32_t base, FactBase& facts) {
  facts.add(Relation::kStandsFor, {base, base});
  facts.add(Relation::kDefiner, {base, base});
  facts.add(Relation::kThoughtDefiner, {base, in.flag() ? base : base + 1});
}

}  // namespace

Unit write_facts(Shape shape, std::uint32_t base, FactBase& facts) {
  const auto kind = static_cast<UnitKind>(shape >> 62);
  Unpacker in(shape & ~(Shape{3} << 62));
  switch (kind) {
    case UnitKind::kPosition:
      write_position(in, base, facts);
      return {kind, base};
    case UnitKind::kView:
      write_view(in, base, facts);
      return {kind, base};
    case UnitKind::kTable:
      write_table(in, base, facts);
      return {kind, base + 1};
    case UnitKind::kKey:
      write_key(in, base, facts);
      return {kind, base};
  }
  return {};
}

namespace {

/// Asks one thing of some shapes: `wanted` are indices into `shapes`. `evaluate` gets the facts of a batch
/// and gives rows with a unit; `note` gets the index of the shape of each row.
template <class Evaluate, class Note>
void ask(const std::vector<Shape>& shapes, const std::vector<std::size_t>& wanted, Evaluate evaluate,
         Note note) {
  constexpr std::uint32_t kStride = 16;
  // Above some ten thousand shapes at once Z3's time and memory grow faster than their number.
  constexpr std::size_t kMostAtOnce = 8192;
  static_assert((kMostAtOnce + 2) * kStride < kMostIds);
  for (std::size_t first = 0; first < wanted.size(); first += kMostAtOnce) {
    const std::size_t count = std::min(kMostAtOnce, wanted.size() - first);
    FactBase facts;
    std::vector<Unit> units;
    units.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      // Number 0 is the host and the canonical table, so no shape begins there.
      units.push_back(
          write_facts(shapes[wanted[first + i]], static_cast<std::uint32_t>(i + 1) * kStride, facts));
    }
    for (const auto& row : evaluate(facts)) {
      // A shape has a few things around its unit, of which rows speak too.
      const std::size_t i = row.unit.id / kStride;
      if (i >= 1 && i <= count && units[i - 1] == row.unit) {
        note(wanted[first + i - 1], row);
      }
    }
  }
}

}  // namespace

std::vector<ShapeVerdict> judge_shapes(const RuleText& rules, const std::vector<Shape>& shapes,
                                       const Solver& solver) {
  std::vector<ShapeVerdict> verdicts(shapes.size());
  std::vector<std::size_t> wanted(shapes.size());
  std::iota(wanted.begin(), wanted.end(), std::size_t{0});
  ask(
      shapes, wanted, [&](const FactBase& facts) { return broken(rules, facts, solver); },
      [&](std::size_t shape, const Broken& row) { verdicts[shape].broken |= 1u << row.rule; });
  // What is broken is looked at closely anyway; names for what is not are warnings.
  std::erase_if(wanted, [&](std::size_t shape) { return verdicts[shape].broken != 0; });
  ask(
      shapes, wanted, [&](const FactBase& facts) { return findings(rules, facts, solver); },
      [&](std::size_t shape, const Named&) { verdicts[shape].named = true; });
  return verdicts;
}

}  // namespace meld_verify::smt
