#pragma once

// Tests only: a plan as a machine of numbers in tables, read from semantics.md (1.2, 1.3, 1.6, 2.3-2.6) and
// from nothing in spec/ or the engine. Whoever does everything right there must never see a wrong value.

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/routing/plan.h"

namespace meld_verify::check {

class ConcreteRun {
 public:
  ConcreteRun(const topology::Topology& topology, const routing::Plan& plan, std::uint32_t seed)
      : topology_(topology), plan_(plan), random_(seed), entries_(plan.tables.size()) {}

  /// Runs so many operations, at random; what went wrong first, if anything did.
  std::optional<std::string> run(std::size_t operations) {
    for (std::size_t i = 0; i < operations && wrong_.empty(); ++i) {
      operate();
    }
    return wrong_.empty() ? std::nullopt : std::optional(wrong_);
  }
  [[nodiscard]] std::size_t crossings() const { return crossings_; }
  [[nodiscard]] std::size_t drops() const { return drops_; }

 private:
  using Kind = topology::HandleKind;
  struct Object {
    std::uint32_t resource = 0;
    int rep = 0;
    bool dropped = false;
    std::uint32_t borrows = 0;  ///< borrow handles of it that are held
  };
  struct Entry {
    int rep = 0;
    bool own = true;
    std::uint32_t key = 0;
    bool opaque = false;  ///< a host's object: only the host knows more
  };
  /// What the code of an instance rightly holds.
  struct Held {
    std::uint32_t instance = 0;
    std::uint32_t object = 0;
    bool own = true;
    int value = 0;
  };

  std::uint32_t below(std::size_t bound) {
    return static_cast<std::uint32_t>(random_() % static_cast<std::uint32_t>(bound));
  }
  void fail(std::string what) {
    if (wrong_.empty()) {
      wrong_ = std::move(what);
    }
  }

  // --- tables

  /// Two tables of one symbol are one table in the fused file.
  std::size_t table_at(routing::TableId id) const {
    const std::string& symbol = plan_.tables[id.value].symbol;
    if (!symbol.empty()) {
      for (std::size_t t = 0; t < id.value; ++t) {
        if (plan_.tables[t].symbol == symbol) {
          return t;
        }
      }
    }
    return id.value;
  }
  /// Every table gives out numbers of its own, so that no wrong look-up succeeds by luck.
  int add(routing::TableId table, const Entry& entry) {
    const int index = next_++;
    entries_[table_at(table)][index] = entry;
    return index;
  }
  bool holds(routing::TableId table, routing::TypeKeyId key) const {
    if (table == routing::kCanonicalTable) {
      return true;
    }
    const auto& types = plan_.tables[table.value].types;
    return std::find(types.begin(), types.end(), key) != types.end();
  }
  const Entry* find(routing::TableId table, int index) const {
    const auto& all = entries_[table_at(table)];
    const auto place = all.find(index);
    return place == all.end() ? nullptr : &place->second;
  }
  std::size_t entries_of(int rep) const {
    std::size_t count = 0;
    for (const auto& table : entries_) {
      for (const auto& [index, entry] : table) {
        count += entry.rep == rep ? 1 : 0;
      }
    }
    return count;
  }
  /// Makes an entry for `rep` and gives its index; nothing if the table has no such entries, or if the entry
  /// would be of another resource type than its object.
  std::optional<int> make(routing::TableId table, routing::TypeKeyId key, int rep, bool own) {
    const auto object = std::find_if(objects_.begin(), objects_.end(),
                                     [&](const Object& candidate) { return candidate.rep == rep; });
    if (object == objects_.end() || !holds(table, key) ||
        plan_.types[key.value].resource.value != object->resource) {
      return std::nullopt;
    }
    return add(table, {.rep = rep, .own = own, .key = key.value, .opaque = false});
  }

  // --- operations

  void operate() {
    switch (below(6)) {
      case 0:
        make_object();
        break;
      case 1:
        drop();
        break;
      case 2:
        read_rep();
        break;
      default:
        cross();
        break;
    }
  }

  bool is_token(std::uint32_t resource) const {
    return topology_.resources[resource].definer == topology::kHost;
  }

  std::uint32_t new_object(std::uint32_t resource) {
    objects_.push_back({.resource = resource, .rep = 1'000'000 + static_cast<int>(objects_.size())});
    return static_cast<std::uint32_t>(objects_.size() - 1);
  }

  void make_object() {
    const std::uint32_t v = below(topology_.views.size());
    const routing::ViewRoute& route = plan_.views[v];
    const topology::View& view = topology_.views[v];
    if (!route.new_table || objects_.size() > 40) {
      return;
    }
    const std::uint32_t object = new_object(view.resource.value);
    const auto index = make(*route.new_table, route.type, objects_[object].rep, true);
    if (!index) {
      fail("resource.new makes no entry of the right type");
      return;
    }
    held_.push_back({view.instance.value, object, true, *index});
  }

  /// A handle that the instance of the view may use there.
  std::optional<std::size_t> pick(std::uint32_t v, bool owns_only) {
    const topology::View& view = topology_.views[v];
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].instance == view.instance.value && (held_[i].own || !owns_only) &&
          objects_[held_[i].object].resource == view.resource.value) {
        fitting.push_back(i);
      }
    }
    return fitting.empty() ? std::nullopt : std::optional(fitting[below(fitting.size())]);
  }

  void read_rep() {
    const std::uint32_t v = below(topology_.views.size());
    const routing::ViewRoute& route = plan_.views[v];
    const auto choice = pick(v, false);
    if (!route.rep_table || !choice) {
      return;
    }
    const Entry* entry = find(*route.rep_table, held_[*choice].value);
    if (entry == nullptr || entry->rep != objects_[held_[*choice].object].rep ||
        entry->key != route.type.value) {
      fail("resource.rep gives another value");
    }
  }

  void drop() {
    const std::uint32_t v = below(topology_.views.size());
    const topology::View& view = topology_.views[v];
    const routing::ViewRoute& route = plan_.views[v];
    const auto choice = pick(v, false);
    if (!route.drop_table || !choice) {
      return;
    }
    const Held handle = held_[*choice];
    Object& object = objects_[handle.object];
    if (handle.own && object.borrows != 0) {
      return;  // lent: a guest that keeps to the law does not
    }
    const Entry* entry = find(*route.drop_table, handle.value);
    if (entry != nullptr && entry->opaque) {  // the canonical handle of a host's object: the canonical drop
      if (*route.drop_table != routing::kCanonicalTable) {
        fail("a host's handle in another table");
      }
    } else if (entry == nullptr || entry->rep != object.rep || entry->key != route.type.value) {
      fail("resource.drop finds another entry");
      return;
    } else if (entry->own != handle.own) {
      fail("resource.drop takes an own for a borrow, or the other way round");
      return;
    }
    std::size_t own_runs = 0, other_runs = 0;
    for (const topology::ResourceId called : handle.own ? route.own_destructors : route.borrow_destructors) {
      if (topology_.resources[called.value].has_destructor) {
        ++(called == view.resource ? own_runs : other_runs);
      }
    }
    const bool must = handle.own && topology_.resources[view.resource.value].has_destructor;
    if (own_runs != (must ? 1u : 0u) || other_runs != 0) {
      fail("a destructor too many or too few");
    }
    entries_[table_at(*route.drop_table)].erase(handle.value);
    object.dropped |= handle.own;
    object.borrows -= handle.own ? 0 : 1;
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(*choice));
    ++drops_;
    if (handle.own && !is_token(object.resource) && entries_of(object.rep) != 0) {
      fail("an entry outlives its object");
    }
  }

  /// What the host has of its own to give.
  std::size_t from_host(std::uint32_t resource, Kind kind) {
    const std::uint32_t object = new_object(resource);
    const int token = add(routing::kCanonicalTable,
                          {.rep = objects_[object].rep, .own = kind == Kind::kOwn, .key = 0, .opaque = true});
    objects_[object].rep = token;  // all that anybody inside ever knows of it
    held_.push_back({topology::kHost.value, object, true, token});
    return held_.size() - 1;
  }

  void cross() {
    if (topology_.positions.empty()) {
      return;
    }
    const std::uint32_t p = below(topology_.positions.size());
    const topology::Position& position = topology_.positions[p];
    const topology::View& sender = topology_.views[position.sender.value];
    const topology::View& receiver = topology_.views[position.receiver.value];
    const routing::ViewRoute& to = plan_.views[position.receiver.value];
    const routing::ViewRoute& from = plan_.views[position.sender.value];
    const bool borrow = position.kind == Kind::kBorrow;
    const bool token = is_token(sender.resource.value);
    auto choice = pick(position.sender.value, !borrow);
    if (!choice && sender.instance == topology::kHost && token && objects_.size() <= 40) {
      choice = from_host(sender.resource.value, position.kind);
    }
    if (!choice) {
      return;
    }
    const Held handle = held_[*choice];
    const std::uint32_t number = handle.object;
    const int rep = objects_[number].rep;
    if (!borrow && objects_[number].borrows != 0) {
      return;
    }
    ++crossings_;
    // 1.6: a borrow of a guest's type leaves the host as the rep.
    int value = sender.instance == topology::kHost && borrow && !token ? rep : handle.value;
    const std::size_t before = entries_of(rep);
    const bool lies_elsewhere = plan_.positions[p].layout_override != 0;
    for (std::uint32_t i = 0; i < plan_.positions[p].count && !lies_elsewhere; ++i) {
      const routing::Step& step = plan_.positions[p].steps[i];
      const bool makes = step.op == routing::StepOp::kNew || step.op == routing::StepOp::kBorrow;
      if (token && step.table == routing::kCanonicalTable) {
        fail("the plan works on the host's own entries");
        return;
      }
      if (step.op == routing::StepOp::kBorrow && step.table == routing::kCanonicalTable &&
          receiver.instance != topology::kHost) {
        fail("1.6: the fused component is the definer, and is given no borrow entry");
        return;
      }
      if (makes) {
        const auto index = make(step.table, step.type, value, step.op == routing::StepOp::kNew);
        if (!index) {
          fail("a conversion makes an entry of a wrong value or type");
          return;
        }
        value = *index;
        continue;
      }
      const Entry* entry = find(step.table, value);
      if (entry == nullptr || entry->opaque || entry->key != from.type.value ||
          (step.op == routing::StepOp::kTake && !entry->own)) {
        fail("a conversion looks up what is not there");
        return;
      }
      const int found = entry->rep;
      if (step.op == routing::StepOp::kTake) {
        entries_[table_at(step.table)].erase(value);
      }
      value = found;
    }
    arrive(p, number, value, before, *choice, to, receiver);
  }

  void arrive(std::uint32_t p, std::uint32_t number, int value, std::size_t before, std::size_t choice,
              const routing::ViewRoute& to, const topology::View& receiver) {
    const topology::Position& position = topology_.positions[p];
    const topology::View& sender = topology_.views[position.sender.value];
    Object& object = objects_[number];
    const bool borrow = position.kind == Kind::kBorrow;
    const bool token = is_token(object.resource);
    const topology::InstanceId definer = topology_.resources[object.resource].definer;
    const bool as_rep = token ? receiver.instance == topology::kHost : borrow && receiver.instance == definer;
    const std::size_t after = entries_of(object.rep);
    const bool owned_inside = sender.instance != topology::kHost || !token;
    if (as_rep) {
      if (value != object.rep) {
        fail("the definer gets something else than the rep");
      }
      if (after != before - (borrow || !owned_inside || value == held_[choice].value ? 0 : 1)) {
        fail("an entry too many or too few where a rep arrives");
      }
    } else {
      const Entry* entry = find(to.table, value);
      const bool in_place = token && to.table == routing::kCanonicalTable && value == object.rep &&
                            (!borrow || sender.instance == topology::kHost);
      if (!in_place && (entry == nullptr || entry->rep != object.rep || entry->own == borrow ||
                        entry->key != to.type.value)) {
        fail("the receiver gets no handle of its table for the object");
      }
      const std::size_t left = borrow ? before + (in_place ? 0 : 1) : in_place ? 0 : token ? 1 : before;
      if (after != left) {
        fail("an entry too many or too few");
      }
    }
    if (!borrow) {
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(choice));
    }
    if (receiver.instance == topology::kHost && token) {
      return;  // the host has it again
    }
    if (as_rep) {
      return;  // used during the call
    }
    if (receiver.instance == topology::kHost && borrow) {
      // The host's borrow ends with the call.
      entries_[table_at(routing::kCanonicalTable)].erase(value);
      return;
    }
    object.borrows += borrow ? 1 : 0;
    held_.push_back({receiver.instance.value, number, !borrow, value});
  }

  const topology::Topology& topology_;
  const routing::Plan& plan_;
  std::mt19937 random_;
  std::vector<std::map<int, Entry>> entries_;
  std::vector<Object> objects_;
  std::vector<Held> held_;
  std::string wrong_;
  int next_ = 1;
  std::size_t crossings_ = 0, drops_ = 0;
};

}  // namespace meld_verify::check
