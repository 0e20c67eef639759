#pragma once

// An independent checker of the invariants of semantics.md 2.8: it keeps its own book of each resource from
// the events, and reads the machine's state, but shares no rule with the machine.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spec/machine.h"

namespace meld_verify::spec {

class Ledger : public Observer {
 public:
  /// What is wrong, as "I5: …"; empty if all is well. Also right during a call, while guest code runs.
  [[nodiscard]] std::vector<std::string> violations(const Machine& machine) const {
    std::vector<std::string> found = seen_;
    for (std::uint32_t i = 0; i < machine.instance_count(); ++i) {
      check_table(machine, InstanceId(i), found);
    }
    check_objects(machine, found);
    check_borrows(machine, found);
    check_lends(machine, found);
    return found;
  }

  /// How many resources were made, and how many of them destroyed.
  [[nodiscard]] std::size_t made() const { return objects_.size(); }
  [[nodiscard]] std::size_t destroyed() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(objects_, [](const auto& one) { return one.second.destroyed > 0; }));
  }

  void table_changed(const TableChange& change) override {
    if (change.entry.kind != EntryKind::kOwn) {
      return;
    }
    Object& object = objects_[change.entry.object];
    switch (change.operation) {
      case TableOperation::kNew:
        object = {change.entry.tag, change.entry.rep};
        break;
      case TableOperation::kRemove:
        object.in_flight = true;
        break;
      case TableOperation::kAdd:
        object.in_flight = false;
        break;
      case TableOperation::kDrop:
        object.dropped += 1;
        break;
      case TableOperation::kRep:
      case TableOperation::kLend:
      case TableOperation::kReturn:
        break;
    }
  }

  void host_made(const LiveObject& made) override { objects_[made.object] = {made.type, made.rep}; }
  void host_got(const LiveObject& got) override {
    if (got.own) {
      objects_[got.object].in_flight = false;
    }
  }
  void host_gave(const LiveObject& gave) override {
    if (gave.own) {
      objects_[gave.object].in_flight = true;
    }
  }

  void destructor_entered(const Destruction& destruction) override {
    Object& object = objects_[destruction.object];
    if (!destruction.dropper) {  // the host's drop is no operation on a table
      object.dropped += 1;
      object.in_flight = false;
    }
    object.destroyed += 1;
    if (object.rep != destruction.rep || object.type != destruction.type) {
      seen_.push_back("I9: destroyed with another rep or type than it was made with");
    }
    definers_.emplace_back(destruction.type, destruction.definer);
  }

 private:
  struct Object {
    ResourceTypeId type;
    Rep rep;
    bool in_flight = false;
    int dropped = 0;
    int destroyed = 0;
  };

  static std::string at(InstanceId instance, std::size_t index) {
    return " (instance " + std::to_string(instance.value) + ", index " + std::to_string(index) + ")";
  }

  static void check_table(const Machine& machine, InstanceId id, std::vector<std::string>& found) {
    const HandleTable& table = machine.instance(id).table;
    if (table.slots()[0].kind != EntryKind::kEmpty) {
      found.push_back("I1: slot 0 is in use" + at(id, 0));
    }
    std::multiset<std::uint32_t> free;
    for (const HandleIndex index : table.free()) {
      free.insert(index.value);
    }
    std::multiset<std::uint32_t> empty;
    for (std::uint32_t i = 1; i < table.slots().size(); ++i) {
      const Entry& entry = table.slots()[i];
      if (entry.kind == EntryKind::kEmpty) {
        empty.insert(i);
      }
      if (entry.kind == EntryKind::kBorrow && machine.definer(entry.tag) == id) {
        found.push_back("I8: the definer has a borrow" + at(id, i));
      }
    }
    if (free.contains(0)) {
      found.push_back("I1: index 0 is free" + at(id, 0));
    }
    if (free != empty) {
      found.push_back("I2: the free list is not the set of empty slots" + at(id, 0));
    }
  }

  template <class Visit>
  static void each_entry(const Machine& machine, EntryKind kind, Visit visit) {
    for (std::uint32_t i = 0; i < machine.instance_count(); ++i) {
      const auto slots = machine.instance(InstanceId(i)).table.slots();
      for (std::uint32_t index = 0; index < slots.size(); ++index) {
        if (slots[index].kind == kind) {
          visit(InstanceId(i), index, slots[index]);
        }
      }
    }
  }

  /// I3: one place each. I9: destroyed as often as dropped, at most once, in the definer.
  void check_objects(const Machine& machine, std::vector<std::string>& found) const {
    std::map<ObjectId, int> places;
    each_entry(machine, EntryKind::kOwn, [&](InstanceId id, std::uint32_t index, const Entry& entry) {
      places[entry.object] += 1;
      const auto known = objects_.find(entry.object);
      if (known == objects_.end() || known->second.rep != entry.rep || known->second.type != entry.tag) {
        found.push_back("I3: an entry is not the resource that was made" + at(id, index));
      }
    });
    for (const auto& [object, held] : machine.host_owned()) {
      places[object] += 1;
    }
    for (const auto& [id, object] : objects_) {
      const int count = places[id] + (object.in_flight ? 1 : 0) + object.dropped;
      if (count != 1) {
        found.push_back("I3: resource " + std::to_string(id.value) + " is in " + std::to_string(count) +
                        " places");
      }
      if (object.destroyed != object.dropped) {
        found.push_back("I9: resource " + std::to_string(id.value) + " was destroyed " +
                        std::to_string(object.destroyed) + " times, dropped " +
                        std::to_string(object.dropped));
      }
    }
    for (const auto& [type, definer] : definers_) {
      if (machine.definer(type) != definer) {
        found.push_back("I9: a destructor ran outside of the definer");
      }
    }
  }

  /// I4 and I6: borrows counted by the task that they were made for, none of a task that is over. I7: the
  /// resource under a borrow is still there, and lent.
  static void check_borrows(const Machine& machine, std::vector<std::string>& found) {
    std::map<const Task*, std::uint32_t> counted;
    for (const Task* task : machine.tasks()) {
      counted[task] = 0;
    }
    std::map<ObjectId, std::uint32_t> owned;
    each_entry(machine, EntryKind::kOwn,
               [&](InstanceId, std::uint32_t, const Entry& entry) { owned[entry.object] += entry.lends; });
    for (const auto& [object, held] : machine.host_owned()) {
      owned[object] += held.lends;
    }
    each_entry(machine, EntryKind::kBorrow, [&](InstanceId id, std::uint32_t index, const Entry& entry) {
      const auto task = counted.find(entry.scope);
      if (task == counted.end()) {
        found.push_back("I6: a borrow outlives its task" + at(id, index));
        return;
      }
      task->second += 1;
      if (task->first->instance != id) {
        found.push_back("I4: a borrow of another instance's task" + at(id, index));
      }
      const auto under = owned.find(entry.object);
      if (under == owned.end() || under->second == 0) {
        found.push_back("I7: the resource under a borrow is gone or not lent" + at(id, index));
      }
    });
    for (const auto& [task, count] : counted) {
      if (task->borrows != count) {
        found.push_back("I4: a task counts " + std::to_string(task->borrows) + " borrows and has " +
                        std::to_string(count));
      }
    }
  }

  /// I5.
  static void check_lends(const Machine& machine, std::vector<std::string>& found) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> lent;
    std::map<ObjectId, std::uint32_t> lent_by_host;
    for (const Subtask* subtask : machine.subtasks()) {
      for (const HandleIndex index : subtask->lenders) {
        lent[{subtask->caller->value, index.value}] += 1;
      }
      for (const ObjectId object : subtask->host_lenders) {
        lent_by_host[object] += 1;
      }
    }
    const auto check = [&](InstanceId id, std::uint32_t index, const Entry& entry) {
      if (entry.lends != lent[{id.value, index}]) {
        found.push_back("I5: lends is not the number of lenders" + at(id, index));
      }
    };
    each_entry(machine, EntryKind::kOwn, check);
    each_entry(machine, EntryKind::kBorrow, check);
    for (const auto& [object, held] : machine.host_owned()) {
      if (held.lends != lent_by_host[object]) {
        found.push_back("I5: the host's lends is not the number of its lenders");
      }
    }
  }

  std::map<ObjectId, Object> objects_;
  std::vector<std::pair<ResourceTypeId, Party>> definers_;
  std::vector<std::string> seen_;
};

}  // namespace meld_verify::spec
