// Emitted handle tables against the law's own (spec/handle_table.h), over random operations with right,
// forged, stale, zero and foreign indices.

#include <gtest/gtest.h>
#include <rapidcheck/state.h>

#include <random>

#include "engine/run/emitted_by_test.h"
#include "spec/handle_table.h"
#include "spec/property.h"

namespace meld_verify::run {
namespace {

using emit::TrapReason;
using spec::Entry;
using spec::EntryKind;
using spec::HandleIndex;
using spec::TrapClass;

constexpr std::uint32_t kTags = 3;

/// What the law knows of one table.
struct Model {
  spec::HandleTable table;
  std::uint32_t borrows = 0;
};

enum class Op : std::uint8_t { kNew, kNewMany, kBorrow, kRep, kTake, kLend, kUnlend, kDrop, kDropAndMake };
constexpr const char* kNames[] = {"new",
                                  "new, many times",
                                  "borrow",
                                  "rep",
                                  "take",
                                  "lend",
                                  "unlend",
                                  "drop",
                                  "drop, and new in the destructor"};

struct Operation {
  Op op = Op::kNew;
  std::uint32_t tag = 0;
  std::uint32_t number = 0;  // rep, index, or how many
  std::uint32_t slot = 0;
};

std::ostream& operator<<(std::ostream& out, const Operation& o) {
  return out << kNames[static_cast<std::size_t>(o.op)] << " (type " << o.tag << ", " << o.number << ", slot "
             << o.slot << ")";
}

/// All that can be seen of an operation.
struct Seen {
  std::optional<std::string> trap;
  std::uint32_t value = 0;
  std::uint32_t borrows = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> destroyed;  ///< slot and rep
  std::vector<std::uint32_t> made;                                 ///< in destructors
  bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  out << (seen.trap ? "trap " + *seen.trap : std::to_string(seen.value)) << ", borrows " << seen.borrows;
  for (const auto& [slot, rep] : seen.destroyed) {
    out << ", destructor " << slot << " of " << rep;
  }
  for (const std::uint32_t index : seen.made) {
    out << ", made " << index;
  }
  return out;
}

/// Semantics.md 2.2 to 2.4, over the law's table.
class Law {
 public:
  explicit Law(Model& model) : model_(model) {}

  Seen run(const Operation& o) {
    Seen seen;
    const auto trap = perform(o, seen);
    if (trap) {
      seen.trap = std::string(spec::to_string(*trap));
    }
    seen.borrows = model_.borrows;
    return seen;
  }

 private:
  using Trap = std::optional<TrapClass>;

  Trap perform(const Operation& o, Seen& seen) {
    switch (o.op) {
      case Op::kNew:
        return add(o.tag, o.number, EntryKind::kOwn, seen.value);
      case Op::kNewMany:
        for (std::uint32_t i = 0; i < o.number; ++i) {
          if (const Trap trap = add(o.tag, i, EntryKind::kOwn, seen.value)) {
            seen.value = 0;
            return trap;
          }
        }
        return {};
      case Op::kBorrow:
        if (const Trap trap = add(o.tag, o.number, EntryKind::kBorrow, seen.value)) {
          return trap;
        }
        ++model_.borrows;
        return {};
      case Op::kRep:
        return checked(o, {}, [&](Entry& entry) { seen.value = entry.rep.value; });
      case Op::kLend:
        return checked(o, {}, [&](Entry& entry) {
          ++entry.lends;
          seen.value = entry.rep.value;
        });
      case Op::kUnlend:
        --(*model_.table.look(HandleIndex(o.number)))->lends;
        return {};
      case Op::kTake:
        return checked(o, {.not_lent = true, .own = true}, [&](Entry& entry) {
          seen.value = entry.rep.value;
          (void)model_.table.take(HandleIndex(o.number));
        });
      case Op::kDrop:
      case Op::kDropAndMake:
        return checked(o, {.not_lent = true, .own = false}, [&](Entry& found) {
          const Entry entry = found;
          (void)model_.table.take(HandleIndex(o.number));
          if (entry.kind == EntryKind::kBorrow) {
            --model_.borrows;
          } else if (o.slot == 1 || o.slot == 2) {
            seen.destroyed.emplace_back(o.slot, entry.rep.value);
            if (o.op == Op::kDropAndMake) {
              (void)add(o.tag, entry.rep.value + 1, EntryKind::kOwn, seen.made.emplace_back());
            }
          }
        });
    }
    return {};
  }

  Trap add(std::uint32_t tag, std::uint32_t rep, EntryKind kind, std::uint32_t& index) {
    Entry entry;
    entry.kind = kind;
    entry.tag = spec::ResourceTypeId(tag);
    entry.rep = spec::Rep(rep);
    const auto made = model_.table.add(entry);
    if (!made) {
      return made.error();
    }
    index = made->value;
    return {};
  }

  struct Demands {
    bool not_lent = false, own = false;
  };
  template <class Then>
  Trap checked(const Operation& o, Demands demands, const Then& then) {
    const auto entry = model_.table.look(HandleIndex(o.number));
    if (!entry) {
      return entry.error();
    }
    if ((*entry)->tag != spec::ResourceTypeId(o.tag)) {
      return TrapClass::kWrongType;
    }
    if (demands.not_lent && (*entry)->lends != 0) {
      return TrapClass::kLent;
    }
    if (demands.own && (*entry)->kind != EntryKind::kOwn) {
      return TrapClass::kNotOwn;
    }
    then(**entry);
    return {};
  }

  Model& model_;
};

Seen seen_of(EmittedTable& table, const Operation& o) {
  Seen seen;
  table.destroyed.clear();
  table.in_destructor = {};
  Emitted outcome;
  switch (o.op) {
    case Op::kNew:
      outcome = table.make(o.tag, o.number);
      break;
    case Op::kNewMany:
      for (std::uint32_t i = 0; i < o.number && !outcome.trapped; ++i) {
        outcome = table.make(o.tag, i);
      }
      break;
    case Op::kBorrow:
      outcome = table.borrow(o.tag, o.number);
      break;
    case Op::kRep:
      outcome = table.rep(o.tag, o.number);
      break;
    case Op::kTake:
      outcome = table.take(o.tag, o.number);
      break;
    case Op::kLend:
      outcome = table.lend(o.tag, o.number);
      break;
    case Op::kUnlend:
      outcome = table.unlend(o.number);
      break;
    case Op::kDropAndMake:
      table.in_destructor = [&](std::uint32_t rep) { seen.made.push_back(table.make(o.tag, rep + 1).value); };
      [[fallthrough]];
    case Op::kDrop:
      outcome = table.drop(o.tag, o.number, o.slot);
      break;
  }
  if (outcome.trapped) {
    seen.trap = std::string(to_string(outcome.trap));
  }
  seen.value = outcome.value;
  seen.borrows = table.borrows();
  seen.destroyed = table.destroyed;
  return seen;
}

/// Draws operations; `below(n)` gives a number below n.
template <class Below>
class Draw {
 public:
  Draw(const Model& model, const Below& below) : model_(model), below_(below) {}

  /// `removes`: rather one that removes an entry than one that makes one.
  Operation operation(std::uint32_t most_at_once, bool removes = false) {
    static constexpr Op kOps[] = {Op::kNew,    Op::kNew,  Op::kNew,  Op::kBorrow,     Op::kBorrow,
                                  Op::kRep,    Op::kTake, Op::kTake, Op::kLend,       Op::kLend,
                                  Op::kUnlend, Op::kDrop, Op::kDrop, Op::kDropAndMake};
    Operation o;
    o.op = below_(64) == 0 ? Op::kNewMany : kOps[below_(std::size(kOps))];
    if (removes && (o.op == Op::kNew || o.op == Op::kNewMany || o.op == Op::kBorrow)) {
      o.op = o.op == Op::kNew ? Op::kTake : o.op == Op::kBorrow ? Op::kDrop : Op::kUnlend;
    }
    o.tag = below_(kTags);
    o.slot = below_(4);
    switch (o.op) {
      case Op::kNew:
      case Op::kBorrow:
        o.number = below_(2) == 0 ? below_(10) : below_(0xffff'ffff);
        break;
      case Op::kNewMany:
        o.number = below_(most_at_once);
        break;
      default:
        o.number = index(o);
        if (const Entry* entry = live(o.number); entry != nullptr && below_(8) != 0) {
          o.tag = entry->tag.value;
        }
    }
    return o;
  }

  /// Whether the operation may be done: only what was lent is given back.
  static bool is_valid(const Model& model, const Operation& o) {
    const auto slots = model.table.slots();
    return o.op != Op::kUnlend || (o.number < slots.size() && slots[o.number].lends != 0);
  }

 private:
  const Entry* live(std::uint32_t index) const {
    const auto slots = model_.table.slots();
    return index < slots.size() && slots[index].kind != EntryKind::kEmpty ? &slots[index] : nullptr;
  }

  std::uint32_t index(const Operation& o) {
    static constexpr std::uint32_t kWild[] = {0,           0xffff'ffff, 0x1000'0000, 0x1000'0001,
                                              0x0fff'ffff, 0x8000'0001, 4096};
    const auto size = static_cast<std::uint32_t>(model_.table.slots().size());
    const std::uint32_t choice = below_(16);
    if (choice == 0) {
      return kWild[below_(std::size(kWild))];
    }
    if (choice == 1) {
      return size + below_(3);
    }
    if (choice == 2 && !model_.table.free().empty()) {
      return model_.table.free()[below_(model_.table.free().size())].value;
    }
    for (int attempt = 0; attempt < 40; ++attempt) {
      const std::uint32_t tried = below_(size);
      const Entry* const entry = live(tried);
      if (entry != nullptr && (o.op != Op::kUnlend || entry->lends != 0)) {
        return tried;
      }
    }
    return below_(size + 1);
  }

  const Model& model_;
  const Below& below_;
};

struct World {
  World(const emit::HandleTable& options, spec::Tally& tally) : table(options), met(tally) {}
  EmittedTable table;
  spec::Tally& met;
};

void note(spec::Tally& met, const Operation& o, const Seen& expected) {
  ++met["operations"];
  ++met[expected.trap.value_or("no trap")];
  ++met[kNames[static_cast<std::size_t>(o.op)]];
  met["destructors"] += static_cast<int>(expected.destroyed.size());
}

using Command = rc::state::Command<Model, World>;

class Step : public Command {
 public:
  explicit Step(Operation operation) : operation_(operation) {}

  void checkPreconditions(const Model& model) const override {
    RC_PRE(Draw<int>::is_valid(model, operation_));
  }
  void apply(Model& model) const override { (void)Law(model).run(operation_); }
  void run(const Model& model, World& world) const override {
    Model after = model;
    const Seen expected = Law(after).run(operation_);
    const Seen seen = seen_of(world.table, operation_);
    note(world.met, operation_, expected);
    RC_LOG() << operation_ << ": expected " << expected << "; seen " << seen << std::endl;
    RC_ASSERT(seen == expected);
  }
  void show(std::ostream& out) const override { out << operation_; }

 private:
  Operation operation_;
};

rc::Gen<std::shared_ptr<const Command>> some_step(const Model& model) {
  return rc::gen::exec([model]() -> std::shared_ptr<const Command> {
    constexpr std::uint32_t kAtOnce = 60;
    const auto below = [](std::size_t bound) { return spec::below(bound); };
    return std::make_shared<Step>(Draw(model, below).operation(kAtOnce));
  });
}

void check_steps(const std::string& name, const emit::HandleTable& options, int cases) {
  spec::Tally met;
  spec::hold(name, cases, [&] {
    Model model;
    if (options.capacity) {
      model.table = spec::HandleTable(static_cast<std::uint32_t>(*options.capacity));
    }
    World world(options, met);
    rc::state::check(model, world, some_step);
  });
  std::map<std::string, int> least = {{"operations", 20 * cases}, {"no trap", 10 * cases},
                                      {"unknown_handle", cases},  {"wrong_type", cases / 2},
                                      {"lent", cases / 4},        {"not_own", cases / 8},
                                      {"destructors", cases / 2}};
  for (const char* const operation : kNames) {
    least[operation] = cases / 4;
  }
  if (options.capacity) {
    least["table_full"] = cases / 4;
  }
  spec::expect_met(met, least);
}

TEST(HandleTableProp, DoesWhatTheLawsTableDoes) {
  check_steps("emitted table against the law's", right_table(), 1000);
}

TEST(HandleTableProp, DoesWhatTheLawsTableDoesUpToItsCapacity) {
  emit::HandleTable options = right_table();
  options.capacity = 40;
  check_steps("emitted table of 40 entries against the law's", options, 500);
}

TEST(HandleTableProp, DoesWhatTheLawsTableDoesInAGuestsMemory) {
  check_steps("emitted table in a guest's memory against the law's", table_in_guest_memory(), 500);
}

// Too long to be shrunk: what goes wrong late, after growth over several pages and with long lists of free
// indices.
TEST(HandleTableProp, DoesWhatTheLawsTableDoesForALongTime) {
  constexpr std::uint32_t kOperations = 30'000, kPhase = 3'000, kAtOnce = 300;
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t bound) { return static_cast<std::uint32_t>(random() % bound); };
    Model model;
    spec::Tally met;
    EmittedTable table(seed == 3 ? table_in_guest_memory() : right_table());
    std::size_t most_free = 0;
    for (std::uint32_t i = 0; i < kOperations; ++i) {
      const Operation o = Draw(model, below).operation(kAtOnce, i / kPhase % 2 == 1);
      most_free = std::max(most_free, model.table.free().size());
      if (!Draw<int>::is_valid(model, o)) {
        continue;
      }
      const Seen expected = Law(model).run(o);
      ASSERT_EQ(seen_of(table, o), expected) << "seed " << seed << ", operation " << i << ": " << o;
      note(met, o, expected);
    }
    EXPECT_GT(model.table.slots().size(), 3u * 4096) << seed;
    EXPECT_GT(most_free, 500u) << seed;
    spec::expect_met(met, {{"operations", 25'000},
                           {"unknown_handle", 100},
                           {"wrong_type", 100},
                           {"lent", 100},
                           {"not_own", 100},
                           {"destructors", 100}});
  }
}

// The comparison sees each way in which a plan's tables may be wrong.
TEST(HandleTableProp, SeesEachWrongTable) {
  std::vector<std::pair<std::string, emit::HandleTable>> wrong;
  const auto add = [&](const std::string& name, const auto& change) {
    wrong.emplace_back(name, right_table());
    change(wrong.back().second);
  };
  add("zero", [](emit::HandleTable& table) { table.checks.zero = false; });
  add("bounds", [](emit::HandleTable& table) { table.checks.bounds = false; });
  add("live", [](emit::HandleTable& table) { table.checks.live = false; });
  add("type", [](emit::HandleTable& table) { table.checks.type = false; });
  add("kind", [](emit::HandleTable& table) { table.checks.kind = false; });
  add("lent", [](emit::HandleTable& table) { table.checks.lent = false; });
  add("reuse never", [](emit::HandleTable& table) { table.reuse = routing::Reuse::kNever; });
  add("reuse any", [](emit::HandleTable& table) { table.reuse = routing::Reuse::kAny; });
  add("capacity", [](emit::HandleTable& table) { table.capacity = 100; });
  for (const auto& [name, options] : wrong) {
    constexpr std::uint32_t kOperations = 3'000, kAtOnce = 30;
    std::mt19937 random(7);
    const auto below = [&](std::size_t bound) { return static_cast<std::uint32_t>(random() % bound); };
    Model model;
    EmittedTable table(options);
    bool differs = false;
    for (std::uint32_t i = 0; i < kOperations && !differs; ++i) {
      const Operation o = Draw(model, below).operation(kAtOnce);
      if (Draw<int>::is_valid(model, o)) {
        const Seen expected = Law(model).run(o);
        differs = seen_of(table, o) != expected;
      }
    }
    EXPECT_TRUE(differs) << name;
  }
}

}  // namespace
}  // namespace meld_verify::run
