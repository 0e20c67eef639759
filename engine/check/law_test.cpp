// The relation of spec/ against an independent reading of the law (semantics.md, tables 1.2 and 1.3,
// and 1.6): a toy run time with real numbers in real tables, in which a value that is looked up where it does
// not live gives rubbish. Exhaustive over all conversions of up to three steps.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/check/check.h"
#include "engine/check/small_world.h"
#include "engine/smt/facts.h"

namespace meld_verify::check {
namespace {

using routing::Step;
using routing::StepOp;
using routing::TableId;
using routing::TypeKeyId;
using topology::HandleKind;
using topology::ResourceId;
using topology::ViewId;

const smt::RuleText& rules() {
  static const smt::RuleText text = smt::load_rules().value();
  return text;
}

// --- the toy run time
// -----------------------------------------------------------------------------------------------

struct Entry {
  int rep = 0;
  bool own = true;
  std::uint32_t key = 0;
  bool opaque = false;  ///< canonical entry of a host's type: nobody inside can read it
};

constexpr int kRubbish = -1;
constexpr int kRep = 777;

/// Tables give out indices that no other table gives, so that no wrong look-up succeeds by luck.
class Tables {
 public:
  int make(std::uint32_t table, const Entry& entry) {
    const int index = 1000 * static_cast<int>(table + 1) + next_++;
    entries_[table][index] = entry;
    return index;
  }
  [[nodiscard]] const Entry* find(std::uint32_t table, int index) const {
    const auto place = entries_.find(table);
    if (place == entries_.end()) {
      return nullptr;
    }
    const auto entry = place->second.find(index);
    return entry == place->second.end() ? nullptr : &entry->second;
  }
  void remove(std::uint32_t table, int index) { entries_[table].erase(index); }
  [[nodiscard]] std::size_t size() const {
    std::size_t all = 0;
    for (const auto& [table, entries] : entries_) {
      all += entries.size();
    }
    return all;
  }

 private:
  std::map<std::uint32_t, std::map<int, Entry>> entries_;
  int next_ = 1;
};

struct Crossing {
  HandleKind kind;
  bool from_host, to_host, to_definer, host_defines;
  std::uint32_t from_table, to_table, key;
  auto operator<=>(const Crossing&) const = default;
};

enum class Outcome {
  kRight,  ///< the value ends as the law wants it, and the sender keeps exactly what it should
  kWrong,
  kTraps,  ///< an own is taken where the plan itself made a borrow (`not_own` of TAKE), else all is well
};

Outcome outcome_of(const Crossing& call, const std::vector<Step>& steps) {
  const bool borrow = call.kind == HandleKind::kBorrow;
  Tables tables;
  // What leaves. A host's object is known inside by its canonical index only: that number plays the rep's
  // part.
  int object = kRep;
  if (call.host_defines) {
    object = tables.make(0, {.rep = kRubbish, .own = !borrow, .key = call.key, .opaque = true});
  }
  int value = 0;
  int source = 0;  // index of the entry in the sender's table, where it has one that is not the token itself
  if (call.from_host && (borrow || call.host_defines)) {
    value = object;
  } else if (call.host_defines && call.from_table == 0) {
    value = object;
    source = object;
  } else {
    value = source = tables.make(call.from_table, {.rep = object, .own = true, .key = call.key});
  }
  const std::size_t before = tables.size();
  bool traps = false;

  for (const Step& step : steps) {
    const std::uint32_t table = step.table.value;
    if (table == 0 && call.host_defines) {
      value =
          kRubbish;  // FS3, and 1.2 of `new` and `rep`: only the definer can do that, and it is not inside
      continue;
    }
    if (step.op == StepOp::kBorrow && table == 0 && !call.to_host) {
      value =
          kRubbish;  // FS1: the definer, which the fused component is to the run time, gets no borrow entry
      continue;
    }
    if (step.op == StepOp::kNew || step.op == StepOp::kBorrow) {
      value = tables.make(table, {.rep = value, .own = step.op == StepOp::kNew, .key = step.type.value});
      continue;
    }
    const Entry* entry = tables.find(table, value);
    if (entry == nullptr || entry->opaque || entry->key != call.key) {  // LOOK and CHECK
      value = kRubbish;
      continue;
    }
    const int rep = entry->rep;
    if (step.op == StepOp::kTake) {
      traps |= !entry->own;
      tables.remove(table, value);
    }
    value = rep;
  }

  // What must arrive.
  const bool as_rep = call.host_defines ? call.to_host : borrow && call.to_definer && !call.to_host;
  bool arrived = false;
  if (as_rep) {
    arrived = value == object;
  } else if (call.host_defines && call.to_table == 0) {
    arrived = value == object && (!borrow || call.from_host);  // the canonical handle itself
  } else {
    const Entry* entry = tables.find(call.to_table, value);
    arrived = entry != nullptr && entry->rep == object && entry->own == !borrow && entry->key == call.key;
  }
  // What must be left: a borrow changes nothing at the sender; an own leaves it. Nothing else may have been
  // made.
  std::size_t expected = before;
  if (source != 0 && source != object) {
    const bool still_there = tables.find(call.from_table, source) != nullptr;
    if (borrow != still_there && !(!borrow && steps.empty() && call.from_table == call.to_table)) {
      return Outcome::kWrong;
    }
    expected -= still_there ? 0 : 1;
  }
  const bool entered = !as_rep && !(call.host_defines && call.to_table == 0) && !steps.empty();
  return !arrived || tables.size() != expected + (entered ? 1 : 0) ? Outcome::kWrong
         : traps                                                   ? Outcome::kTraps
                                                                   : Outcome::kRight;
}

// --- all crossings and conversions
// ----------------------------------------------------------------------------------

std::vector<std::vector<Step>> conversions(const std::vector<TableId>& tables, std::size_t longest) {
  std::vector<Step> all;
  for (const TableId table : tables) {
    for (const StepOp op : {StepOp::kTake, StepOp::kLend, StepOp::kRep}) {
      all.push_back({op, table, {}});
    }
    for (const StepOp op : {StepOp::kNew, StepOp::kBorrow}) {
      for (std::uint32_t key = 0; key < 2; ++key) {
        all.push_back({op, table, TypeKeyId{key}});
      }
    }
  }
  std::vector<std::vector<Step>> sequences{{}};
  std::size_t begin = 0;
  for (std::size_t length = 1; length <= longest; ++length) {
    const std::size_t end = sequences.size();
    for (std::size_t i = begin; i < end; ++i) {
      for (const Step& step : all) {
        auto longer = sequences[i];
        longer.push_back(step);
        sequences.push_back(std::move(longer));
      }
    }
    begin = end;
  }
  return sequences;
}

/// One world with a position for every conversion of one crossing.
struct Case {
  std::string name;
  Crossing call;
  SmallWorld world;
  std::vector<std::vector<Step>> all;
};

/// Where the handles of sender and receiver live.
enum class Homes { kTwo, kOne, kSenderCanonical, kReceiverCanonical, kBothCanonical };

struct Situation {
  HandleKind kind;
  std::uint32_t sender, receiver, definer;
  Homes homes = Homes::kTwo;
};

Case make_case(const Situation& what, std::size_t longest) {
  static constexpr const char* kNames[] = {"host", "root", "x", "y", "z"};
  static constexpr const char* kHomes[] = {"", ", one table", ", sender canonical", ", receiver canonical",
                                           ", both canonical"};
  Case made{std::string(what.kind == HandleKind::kOwn ? "own " : "borrow ") + kNames[what.sender] + " to " +
                kNames[what.receiver] + " of " + kNames[what.definer] + kHomes[static_cast<int>(what.homes)],
            {},
            {},
            {}};
  SmallWorld& world = made.world;
  const ResourceId resource = world.add_resource(what.definer);
  world.add_resource(4);  // what a wrong key stands for
  const bool from_canonical =
      what.sender == 0 || what.homes == Homes::kSenderCanonical || what.homes == Homes::kBothCanonical;
  const bool to_canonical =
      what.receiver == 0 || what.homes == Homes::kReceiverCanonical || what.homes == Homes::kBothCanonical;
  const TableId from_table = from_canonical ? TableId{} : world.add_table("from");
  const TableId to_table = to_canonical                ? TableId{}
                           : what.homes == Homes::kOne ? from_table
                                                       : world.add_table("to");
  const TableId other = world.add_table("other");
  const ViewId from = world.add_view(what.sender, resource, from_table);
  const ViewId to = world.add_view(what.receiver, resource, to_table);
  made.call = {.kind = what.kind,
               .from_host = what.sender == 0,
               .to_host = what.receiver == 0,
               .to_definer = what.receiver == what.definer,
               .host_defines = what.definer == 0,
               .from_table = from_table.value,
               .to_table = to_table.value,
               .key = resource.value};
  const std::set<TableId> tables{TableId{}, from_table, to_table, other};
  made.all = conversions({tables.begin(), tables.end()}, longest);
  for (const auto& steps : made.all) {
    world.add_position(from, to, what.kind, steps);
  }
  return made;
}

std::vector<Situation> all_situations() {
  constexpr std::uint32_t kHost = 0, kX = 2, kY = 3, kZ = 4;
  using enum Homes;
  std::vector<Situation> all;
  for (const HandleKind kind : {HandleKind::kOwn, HandleKind::kBorrow}) {
    // Table 1.3: Z = X, Z = Y, Z = third, and the host as third.
    for (const std::uint32_t definer : {kX, kY, kZ, kHost}) {
      for (const Homes homes : {kTwo, kOne, kSenderCanonical, kReceiverCanonical, kBothCanonical}) {
        all.push_back({kind, kX, kY, definer, homes});
      }
    }
    // 1.6: the outer boundary.
    for (const Homes homes : {kTwo, kBothCanonical}) {
      for (const std::uint32_t definer : {kY, kZ, kHost}) {
        all.push_back({kind, kHost, kY, definer, homes});
      }
      for (const std::uint32_t definer : {kX, kZ, kHost}) {
        all.push_back({kind, kX, kHost, definer, homes});
      }
    }
  }
  return all;
}

std::string shown(const std::vector<Step>& steps) {
  static constexpr const char* kOps[] = {"take", "lend", "rep", "new", "borrow"};
  std::string text;
  for (const Step& step : steps) {
    text += std::string(kOps[static_cast<int>(step.op)]) + " " + std::to_string(step.table.value) + "/" +
            std::to_string(step.type.value) + " ";
  }
  return text;
}

/// Positions that break a rule.
std::vector<bool> broken_positions(const PassResult& pass, std::size_t count) {
  std::vector<bool> broken(count, false);
  for (const smt::Broken& row : pass.broken) {
    if (row.unit.kind == UnitKind::kPosition) {
      broken[row.unit.id] = true;
    }
  }
  return broken;
}

/// Positions that some code applies to which refutes by default.
std::vector<bool> harmed_positions(const Case& one) {
  std::vector<Unit> units;
  for (std::uint32_t p = 0; p < one.all.size(); ++p) {
    units.push_back({UnitKind::kPosition, p});
  }
  std::vector<bool> harmed(one.all.size(), false);
  for (const smt::Named& row :
       smt::findings(rules(), smt::facts_around(one.world.topology, one.world.plan, units))) {
    const Harm harm = info_of(row.code).harm;
    if (row.unit.kind == UnitKind::kPosition && harm != Harm::kGuard && harm != Harm::kIsolation) {
      harmed[row.unit.id] = true;
    }
  }
  return harmed;
}

TEST(Law, BreaksNoRuleExactlyWhereTheToyRunTimeIsRight) {
  std::size_t right = 0, wrong = 0, detours = 0;
  std::set<Crossing> seen;
  for (const Situation& situation : all_situations()) {
    // Three steps where nobody's home is the canonical table; once for what is one crossing to the toy run
    // time.
    const bool long_ones = situation.homes == Homes::kTwo || situation.homes == Homes::kOne;
    const Case one = make_case(situation, long_ones ? 3 : 2);
    if (!seen.insert(one.call).second) {
      continue;
    }
    const PassResult pass = linear_pass(one.world.topology, one.world.plan, rules());
    const std::vector<bool> broken = broken_positions(pass, one.all.size());
    std::size_t passing = 0;
    for (std::uint32_t p = 0; p < one.all.size(); ++p) {
      const bool holds = outcome_of(one.call, one.all[p]) == Outcome::kRight;
      ++(holds ? right : wrong);
      if (!broken[p]) {
        ++passing;
        ASSERT_TRUE(holds) << "a wrong conversion passes: " << one.name << ": " << shown(one.all[p]);
      } else if (holds) {
        // Right, but by a way round that the premises do not cover. The shortest way is covered, but where
        // one instance has a host's handles in the canonical table and the other has not.
        ++detours;
        ASSERT_TRUE(one.all[p].size() > 1 || (one.call.host_defines && !long_ones))
            << one.name << ": " << shown(one.all[p]);
      }
    }
    // What a host's type is worth in the canonical table, the next test says; a borrow needs a table of the
    // receiver's own.
    const bool no_home = one.call.kind == HandleKind::kBorrow && one.call.to_table == 0 &&
                         !one.call.to_host && !one.call.to_definer;
    ASSERT_TRUE(passing == 0 || one.call.host_defines || !no_home) << one.name << ": a borrow has no home";
    ASSERT_TRUE(passing != 0 || (one.call.host_defines && !long_ones) || no_home)
        << one.name << ": no conversion passes";
  }
  EXPECT_GT(right - detours, 50u);
  EXPECT_GT(wrong, 250'000u);
}

TEST(Law, ADefectHasANameExactlyWhereARuleIsBroken) {
  std::size_t named = 0, unnamed = 0;
  for (const Situation& situation : all_situations()) {
    const Case one = make_case(situation, 2);
    const PassResult pass = linear_pass(one.world.topology, one.world.plan, rules());
    const std::vector<bool> broken = broken_positions(pass, one.all.size());
    const std::vector<bool> harmed = harmed_positions(one);
    for (std::uint32_t p = 0; p < one.all.size(); ++p) {
      const Outcome outcome = outcome_of(one.call, one.all[p]);
      named += harmed[p] ? 1 : 0;
      if (outcome == Outcome::kTraps) {  // the taxonomy has no code for it: `unknown`
        ++unnamed;
        ASSERT_TRUE(broken[p]) << one.name << ": " << shown(one.all[p]);
      } else {
        ASSERT_EQ(harmed[p], outcome == Outcome::kWrong) << one.name << ": " << shown(one.all[p]);
      }
    }
  }
  EXPECT_GT(named, 5'000u);
  EXPECT_LT(unnamed, named / 50);
}

TEST(Law, TheJudgeAndThePassAgreeOnAllOfThem) {
  for (const Situation& situation : all_situations()) {
    const Case one = make_case(situation, 2);
    EXPECT_EQ(smt::broken(rules(), smt::facts_of(one.world.topology, one.world.plan)),
              linear_pass(one.world.topology, one.world.plan, rules()).broken)
        << one.name;
  }
}

// --- destructors: what is called when an own or a borrow is dropped
// --------------------------------------------------

TEST(Law, DestructorsRunOnceForAnOwnAndNeverForABorrow) {
  // What the drop of one view calls: 0 is the destructor of its own resource type, 1 another's.
  const std::vector<std::vector<std::uint32_t>> lists{{},
                                                      {0},
                                                      {1},
                                                      {0, 0},
                                                      {0, 1},
                                                      {1, 0},
                                                      {1, 1},
                                                      {0, 0, 0},
                                                      {1, 0, 0},
                                                      {1, 1, 0},
                                                      {0, 1, 1, 1, 1, 1, 1},
                                                      {1, 1, 1, 1, 1, 1, 1, 0, 0},
                                                      {0, 1, 1, 1, 1, 1, 1, 1, 0}};
  SmallWorld world;
  std::vector<bool> is_wrong;
  for (const bool has_destructor : {true, false}) {
    for (const bool other_has : {true, false}) {
      for (const auto& own : lists) {
        for (const auto& borrow : {lists[0], lists[1], lists[2], lists[3], lists[6]}) {
          const ResourceId resource = world.add_resource(2, has_destructor);
          const ResourceId other = world.add_resource(3, other_has);
          const TableId table = world.add_table("x");
          const ViewId view = world.add_view(2, resource, table);
          world.topology.views[view.value].has_drop = true;
          routing::ViewRoute& route = world.plan.views[view.value];
          route.drop_table = table;
          int own_effects = 0, foreign_effects = 0;
          for (const std::uint32_t id : own) {
            route.own_destructors.push_back(id == 0 ? resource : other);
            own_effects += id == 0 && has_destructor ? 1 : 0;
            foreign_effects += id == 1 && other_has ? 1 : 0;
          }
          for (const std::uint32_t id : borrow) {
            route.borrow_destructors.push_back(id == 0 ? resource : other);
            foreign_effects += (id == 0 ? has_destructor : other_has) ? 1 : 0;
          }
          is_wrong.push_back(own_effects != (has_destructor ? 1 : 0) || foreign_effects != 0);
        }
      }
    }
  }
  const PassResult pass = linear_pass(world.topology, world.plan, rules());
  EXPECT_EQ(smt::broken(rules(), smt::facts_of(world.topology, world.plan)), pass.broken);
  std::vector<bool> broken(is_wrong.size(), false);
  for (const smt::Broken& row : pass.broken) {
    ASSERT_EQ(row.unit.kind, UnitKind::kView);
    broken[row.unit.id] = true;
  }
  EXPECT_EQ(broken, is_wrong);
  const Report report = check(world.topology, world.plan, rules());
  EXPECT_EQ(report.verdict, Verdict::kRefuted) << report.error;
  EXPECT_EQ(report.unproved.size(), 0u);
  std::vector<bool> named(is_wrong.size(), false);
  for (const Finding& finding : report.findings) {
    ASSERT_EQ(finding.unit.kind, UnitKind::kView);
    named[finding.unit.id] = finding.refutes;
  }
  EXPECT_EQ(named, is_wrong);
}

}  // namespace
}  // namespace meld_verify::check
