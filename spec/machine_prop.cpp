// The machine against a model of its tables and the invariants of semantics.md 2.8, over random operations
// with right, forged, stale, zero and foreign indices.

#include <rapidcheck/state.h>

#include "spec/machine_world.h"
#include "spec/property.h"

namespace meld_verify::spec {
namespace {

/// A world that counts what it met.
struct CountingWorld : World {
  explicit CountingWorld(Tally& tally) : met(tally) {}
  Tally& met;
};

using Command = rc::state::Command<TableModel, CountingWorld>;

/// Mostly an index of a live entry, of the type or not; else stale, zero, foreign or wild.
std::uint32_t some_index(const TableModel& model, int place, int type) {
  static constexpr std::uint32_t kWild[] = {0, 0xffffffff, 0x10000000, 0x0fffffff, 9, 10};
  const TableModel::Table& table = model.tables[static_cast<std::size_t>(place)];
  std::vector<std::uint32_t> live;
  std::vector<std::uint32_t> live_of_type;
  for (std::uint32_t i = 1; i < table.rows.size(); ++i) {
    if (table.rows[i].used) {
      live.push_back(i);
      if (table.rows[i].type == type) {
        live_of_type.push_back(i);
      }
    }
  }
  const std::uint32_t choice = below(16);
  if (choice < 12 && !live_of_type.empty()) {
    return live_of_type[below(live_of_type.size())];
  }
  if (choice < 13 && !live.empty()) {
    return live[below(live.size())];
  }
  if (choice < 14 && !table.free.empty()) {
    return table.free[below(table.free.size())];
  }
  return choice < 15 ? below(8) : kWild[below(std::size(kWild))];
}

/// A type that the place has an entry of, if there is one and more often than not.
int some_type(const TableModel& model, int place) {
  const TableModel::Table& table = model.tables[static_cast<std::size_t>(place)];
  for (int attempt = 0; attempt < 6; ++attempt) {
    const TableModel::Row& row = table.rows[below(table.rows.size())];
    if (row.used) {
      return row.type;
    }
  }
  return static_cast<int>(below(kTypes));
}

/// A place with something in its table, more often than not.
int some_place(const TableModel& model) {
  int place = static_cast<int>(below(kInstances));
  for (int attempt = 0; attempt < 4 && model.tables[static_cast<std::size_t>(place)].rows.size() == 1;
       ++attempt) {
    place = static_cast<int>(below(kInstances));
  }
  return place;
}

int some_stranger(int place) {
  int stranger = static_cast<int>(below(kInstances));
  while (related(stranger, place)) {
    stranger = static_cast<int>(below(kInstances));
  }
  return stranger;
}

bool is_host_op(Op op) {
  return op == Op::kHostGive || op == Op::kHostLend || op == Op::kHostDrop;
}

bool is_valid(const TableModel& model, const Operation& o) {
  if (o.op == Op::kNew || o.op == Op::kRep) {
    return kDefiners[static_cast<std::size_t>(o.type)] == o.x;
  }
  if (is_host_op(o.op)) {
    return o.i < model.host.size() && !related(o.x, o.z);
  }
  return !related(o.x, o.y) && !related(o.y, o.z);
}

/// Runs one operation on the machine and on the model, and compares all that can be seen.
class Step : public Command {
 public:
  explicit Step(Operation operation) : operation_(operation) {}

  void checkPreconditions(const TableModel& model) const override { RC_PRE(is_valid(model, operation_)); }

  void apply(TableModel& model) const override { (void)model.expect(operation_); }

  void run(const TableModel& model, CountingWorld& world) const override {
    TableModel after = model;
    const Seen expected = after.expect(operation_);
    const Seen seen = world.run(operation_);
    ++world.met["operations"];
    ++world.met[expected.trap ? std::string(to_string(*expected.trap)) : "no trap"];
    ++world.met["op " + std::to_string(static_cast<int>(operation_.op))];
    if (!expected.trap && operation_.op == Op::kLend) {
      ++world.met["lent, conduct " + std::to_string(static_cast<int>(operation_.conduct))];
    }
    RC_LOG() << operation_ << ": expected " << expected << "; seen " << seen << std::endl;
    RC_ASSERT(seen == expected);
    for (const std::string& problem : world.problems()) {
      RC_FAIL(problem);
    }
    if (!expected.trap) {
      RC_ASSERT(world.difference(after) == "");
    }
  }

  void show(std::ostream& out) const override { out << operation_; }

 private:
  Operation operation_;
};

/// Families of operations: each has its own generator, so that shrinking keeps to the family.
Operation some_operation(const TableModel& model, Op op) {
  Operation o;
  o.op = op;
  o.x = some_place(model);
  o.y = some_stranger(o.x);
  o.z = some_stranger(o.y);
  o.type = some_type(model, o.x);
  o.conduct = static_cast<Conduct>(below(3) == 0 ? below(7) : below(2) * 2 + below(2));
  o.i = some_index(model, o.x, o.type);
  o.j = some_index(model, o.x, o.type);
  if (op == Op::kNew || op == Op::kRep) {
    o.type = static_cast<int>(below(kTypes));
    o.type = o.type == kHostType ? 0 : o.type;
    o.x = kDefiners[static_cast<std::size_t>(o.type)];
    o.i = op == Op::kNew ? below(12) : some_index(model, o.x, o.type);
  } else if (op == Op::kFetch) {
    o.type = some_type(model, o.y);
    o.i = some_index(model, o.y, o.type);
  } else if (op == Op::kHostNew) {
    o.i = below(12);
  } else if (is_host_op(op)) {
    RC_PRE(!model.host.empty());
    o.i = below(model.host.size());
    o.z = some_stranger(o.x);
  }
  return o;
}

rc::Gen<std::shared_ptr<const Command>> some_step(const TableModel& model) {
  return rc::gen::exec([model]() -> std::shared_ptr<const Command> {
    static constexpr Op kOften[] = {Op::kNew,  Op::kNew,  Op::kNew,  Op::kGive,
                                    Op::kLend, Op::kLend, Op::kFetch};
    const std::uint32_t choice = below(17 + std::size(kOften));
    return std::make_shared<Step>(
        some_operation(model, choice < 17 ? static_cast<Op>(choice) : kOften[choice - 17]));
  });
}

TEST(Machine, ShowsWhatTheModelExpectsAndKeepsTheInvariants) {
  Tally met;
  hold("machine against model", 2000, [&met] {
    const TableModel model;
    CountingWorld world(met);
    rc::state::check(model, world, some_step);
  });
  std::map<std::string, int> least = {{"operations", 10000},  {"no trap", 4000},     {"unknown_handle", 300},
                                      {"wrong_type", 50},     {"lent", 20},          {"not_own", 20},
                                      {"borrows_remain", 50}, {"cannot_leave", 100}, {"cannot_enter", 100},
                                      {"table_full", 20}};
  for (int op = 0; op < 17; ++op) {
    least["op " + std::to_string(op)] = 400;
  }
  for (const Conduct conduct : {Conduct::kLetGo, Conduct::kPassOn, Conduct::kPassTwice}) {
    least["lent, conduct " + std::to_string(static_cast<int>(conduct))] = 20;
  }
  expect_met(met, least);
  for (const auto& [word, count] : met) {
    testing::Test::RecordProperty("met " + word, count);
  }
}

}  // namespace
}  // namespace meld_verify::spec
