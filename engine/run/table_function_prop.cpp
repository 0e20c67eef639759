// What engine/lift says of table functions, against running them: variants of two tables, most of them
// broken.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>

#include "engine/lift/table_bench.h"
#include "engine/lift/table_text.h"
#include "engine/run/core_store.h"

namespace meld_verify::run {
namespace {

using lift::TableFunction;
using lift::TableRole;
using smt::Answer;

/// Replaces one constant, offset, operation, name or statement by another.
class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  std::uint32_t below(std::size_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  std::string mutate(std::string text) {
    // Not the destructors, which are guests'.
    const std::size_t begin = std::min(text.find("(func $at"), text.find("(func (export \"new"));
    for (int tries = 0; tries < 50; ++tries) {
      const auto& [from, to] = kChanges[below(kChanges.size())];
      std::vector<std::size_t> places;
      for (std::size_t at = text.find(from, begin); at != std::string::npos; at = text.find(from, at + 1)) {
        places.push_back(at);
      }
      if (!places.empty()) {
        return text.replace(places[below(places.size())], from.size(), to);
      }
    }
    return text;
  }

 private:
  using Change = std::pair<std::string, std::string>;
  static inline const std::vector<Change> kChanges = {
      {"i32.const 0)", "i32.const 1)"},
      {"i32.const 1)", "i32.const 0)"},
      {"i32.const 1)", "i32.const 2)"},
      {"i32.const 2)", "i32.const 1)"},
      {"i32.const 4)", "i32.const 2)"},
      {"i32.const 4)", "i32.const 8)"},
      {"i32.const 16)", "i32.const 8)"},
      {"i32.const 16)", "i32.const 12)"},
      {"i32.const 16)", "i32.const 32)"},
      {"i32.const 4096)", "i32.const 5000)"},
      {"i32.const 4096)", "i32.const 40)"},
      {"i32.const 1114116)", "i32.const 0)"},
      {"offset=0", "offset=4"},
      {"offset=4", "offset=0"},
      {"offset=4", "offset=8"},
      {"offset=8", "offset=12"},
      {"offset=8", "offset=4"},
      {"offset=12", "offset=0"},
      {"i32.eq ", "i32.ne "},
      {"i32.ne ", "i32.eq "},
      {"i32.ge_u", "i32.gt_u"},
      {"i32.ge_u", "i32.ge_s"},
      {"i32.ge_u", "i32.lt_u"},
      {"i32.eqz", "i32.popcnt"},
      {"i32.add", "i32.sub"},
      {"i32.mul", "i32.shl"},
      {"i32.store ", "i32.store8 "},
      {"i32.store ", "i32.store16 "},
      {"i32.load ", "i32.load8_u "},
      {"$m ", "0 "},
      {"global.get $free", "global.get $next"},
      {"global.get $next", "global.get $free"},
      {"global.set $free", "global.set $next"},
      {"global.set $next", "global.set $free"},
      {"global.get $cursor", "global.get $other"},
      {"global.set $cursor", "global.set $other"},
      {"local.get $i", "local.get $rep"},
      {"local.get $rep", "local.get $i"},
      {"local.get $kind", "local.get $type"},
      {"local.get $type", "local.get $kind"},
      {"call $dtor_a", "call $dtor_b"},
      {"call $dtor_b", "call $dtor_a"},
      {"(call $unlink (local.get $i))", ""},
      {"unreachable", ""},
      {"(local.get 1)", "(local.get 0)"},
      {"(local.get 0)", "(i32.const 7)"},
  };
  std::mt19937 random_;
};

struct World {
  std::vector<std::string> makers, uses;
  std::vector<std::string> destructors;
};

/// What is claimed of a maker, and runs that hold it to that.
class Trial {
 public:
  Trial(const std::string& text, const World& world, std::uint32_t seed)
      : bench_(text, {world.destructors[0], world.destructors.back()}, {0}, 17),
        world_(world),
        random_(seed) {
    for (const std::string& make : world.makers) {
      const TableFunction* what = bench_.of(make);
      if (what != nullptr && what->role == TableRole::kNew && what->understood &&
          bench_.flaws(make).empty()) {
        makers_.push_back(make);
      }
    }
    for (const std::string& make : makers_) {
      for (const std::string& use : world.uses) {
        const TableFunction* what = bench_.of(use);
        if (what != nullptr && bench_.agree(make, use) == Answer::kYes) {
          uses_[make].push_back(use);
        }
      }
    }
  }

  [[nodiscard]] std::size_t makers() const { return makers_.size(); }
  std::map<std::string, int> shown;

  /// One run; the first claim that does not hold.
  std::string run() {
    CoreStore store;
    const auto module = std::get<CoreStore::ModuleId>(store.load(bench_.bytes.data(), bench_.bytes.size()));
    const auto instance = std::get<CoreStore::InstanceId>(store.instantiate(module, {}));
    std::map<std::string, std::map<std::uint32_t, std::uint32_t>> live;  // by maker: index -> rep
    std::vector<std::uint32_t> freed;
    std::set<std::uint32_t> ever;
    const auto call = [&](const std::string& name, std::uint32_t argument) {
      return store.call(*store.find(instance, name), {{CoreType::kI32, argument}});
    };
    const auto* memory = store.find(instance, world_.makers.size() > 1 ? "guest" : "memory");
    const auto word = [&](std::size_t at) {
      std::uint32_t value = 0;
      std::memcpy(&value, store.bytes(*memory) + at, 4);
      return value;
    };
    const auto is_live = [&](std::uint32_t index) {
      return std::any_of(live.begin(), live.end(),
                         [&](const auto& one) { return one.second.contains(index); });
    };
    const std::size_t steps = below(60);
    for (std::size_t i = 0; i < steps && !makers_.empty(); ++i) {
      const std::string make = makers_[below(makers_.size())];
      const TableFunction& made = *bench_.of(make);
      if (below(2) == 0 || live[make].empty()) {
        std::size_t alive = 0;
        for (const auto& [name, entries] : live) {
          alive += entries.size();
        }
        const bool never = made.reuse == routing::Reuse::kNever;
        const std::size_t used = never ? ever.size() : alive;
        if (made.overflow == routing::Overflow::kUnchecked && made.capacity && used >= *made.capacity) {
          continue;
        }
        const auto rep = static_cast<std::uint32_t>(random_()) | 1u;
        const auto result = call(make, rep);
        if (std::holds_alternative<CoreTrap>(result)) {
          if (made.capacity && used >= *made.capacity) {
            shown["full"]++;
            return "";
          }
          return make + " traps with " + std::to_string(used) + " entries";
        }
        // (Reuse::kNever is the bad side: it may still take what others freed.)
        if (made.overflow == routing::Overflow::kTrap && made.capacity && alive >= *made.capacity) {
          return make + " makes more than its capacity";
        }
        const auto index = static_cast<std::uint32_t>(std::get<0>(result)[0].bits);
        if (is_live(index)) {
          return make + " gives a live index";
        }
        // (One that never reuses may still free and take for the others.)
        const bool all_reuse = std::all_of(makers_.begin(), makers_.end(), [&](const std::string& one) {
          return bench_.of(one)->reuse != routing::Reuse::kNever;
        });
        if (all_reuse && made.reuse == routing::Reuse::kLifo && !freed.empty() && freed.back() != index) {
          return make + " does not give the freed index";
        }
        if (!freed.empty() && freed.back() == index) {
          freed.pop_back();
        }
        ever.insert(index);
        live[make][index] = rep;
        continue;
      }
      if (uses_[make].empty()) {
        continue;
      }
      const std::string use = uses_[make][below(uses_[make].size())];
      const TableFunction& what = *bench_.of(use);
      auto entry = live[make].begin();
      std::advance(entry, below(live[make].size()));
      const std::uint32_t counts[2] = {word(16), word(20)};
      const auto result = call(use, entry->first);
      if (std::holds_alternative<CoreTrap>(result)) {
        return use + " traps on a live entry";
      }
      if (what.role != TableRole::kDrop && std::get<0>(result)[0].bits != entry->second) {
        return use + " gives another rep";
      }
      if (what.role == TableRole::kDrop) {
        const auto runs = bench_.tables->destructors(bench_.find(make), bench_.find(use));
        std::uint32_t expected[2] = {0, 0};
        for (const lift::DestructorCall& one : runs.value_or(std::vector<lift::DestructorCall>{})) {
          const bool second =
              one.function == bench_.find(world_.destructors.back()) && world_.destructors.size() > 1;
          expected[second ? 1 : 0] += 1;
          if (one.gets_rep && word(second ? 12 : 8) != entry->second) {
            return use + " hands a destructor something else than the rep";
          }
        }
        if (runs && (word(16) - counts[0] != expected[0] || word(20) - counts[1] != expected[1])) {
          return use + " does not run its destructors on an entry of " + make;
        }
        shown[runs ? "destructors" : "unknown destructors"]++;
      }
      if (what.role != TableRole::kRep) {
        if (made.reuse != routing::Reuse::kNever) {
          freed.push_back(entry->first);
        }
        live[make].erase(entry);
      }
    }
    return misuse(call, live, freed, ever, is_live);
  }

 private:
  template <class Call, class Live>
  std::string misuse(const Call& call,
                     const std::map<std::string, std::map<std::uint32_t, std::uint32_t>>& live,
                     const std::vector<std::uint32_t>& freed, const std::set<std::uint32_t>& ever,
                     const Live& is_live) {
    const std::string use = world_.uses[below(world_.uses.size())];
    const TableFunction* what = bench_.of(use);
    if (what == nullptr) {
      return "";
    }
    const auto traps = [&](std::uint32_t index) {
      return std::holds_alternative<CoreTrap>(call(use, index));
    };
    switch (below(4)) {
      case 0:
        if (what->checks.zero && !ever.contains(0)) {
          shown["zero"]++;
          return traps(0) ? "" : use + " takes index 0";
        }
        break;
      case 1:
        if (what->checks.live && !freed.empty() && !is_live(freed.back())) {
          shown["live"]++;
          const std::uint32_t index = freed[below(freed.size())];
          return is_live(index) || traps(index) ? "" : use + " takes a freed index";
        }
        break;
      case 2:
        if (what->checks.bounds && !ever.empty()) {
          shown["bounds"]++;
          const std::uint32_t near = *ever.rbegin();
          const std::uint32_t tries[] = {near + 1,
                                         near + 4,
                                         near + 0x10000000u,
                                         near + 0x20000000u,
                                         near * 2 + 1,
                                         0xffffffffu,
                                         static_cast<std::uint32_t>(random_()),
                                         near + 0x40000000u};
          const std::uint32_t index = tries[below(std::size(tries))];
          return ever.contains(index) || traps(index) ? "" : use + " takes an index that was never given";
        }
        break;
      default:
        for (const std::string& make : makers_) {
          const auto entries = live.find(make);
          if (entries != live.end() && !entries->second.empty() && bench_.agree(make, use) == Answer::kNo &&
              (what->checks.type || what->checks.kind)) {
            shown["type"]++;
            return traps(entries->second.begin()->first) ? "" : use + " takes an entry of " + make;
          }
        }
    }
    return "";
  }

  std::uint32_t below(std::size_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  lift::TableBench bench_;
  World world_;
  std::mt19937 random_;
  std::vector<std::string> makers_;
  std::map<std::string, std::vector<std::string>> uses_;
};

bool is_valid(const std::string& text) {
  try {
    const auto bytes = wasm::assemble(text);
    CoreStore store;
    const auto module = store.load(bytes.data(), bytes.size());
    return std::holds_alternative<CoreStore::ModuleId>(module) &&
           std::holds_alternative<CoreStore::InstanceId>(
               store.instantiate(std::get<CoreStore::ModuleId>(module), {}));
  } catch (const std::invalid_argument&) {
    return false;
  }
}

TEST(TableFunctionProp, WhatIsSaidOfATableIsSoWhenItRuns) {
  const auto number = [](const char* name, std::uint32_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : otherwise;
  };
  const std::uint32_t first = number("MELD_VERIFY_TABLE_SEED", 0);
  const std::uint32_t cases = number("MELD_VERIFY_TABLE_CASES", 60);
  std::map<std::string, int> shown;
  int understood = 0;
  int tried = 0;
  for (std::uint32_t seed = first; seed < first + cases; ++seed) {
    Mutator mutator(seed);
    const bool checked = seed % 2 == 0;
    std::string text = checked ? lift::CheckedTable().text() : lift::BumpTable().text();
    for (std::uint32_t n = mutator.below(3); n > 0; --n) {
      text = mutator.mutate(text);
    }
    if (!is_valid(text)) {
      continue;
    }
    const World world = checked ? World{{"new_a", "lend_a", "new_b"},
                                        {"rep_a", "rep_b", "take_a", "drop_a", "drop_b"},
                                        {"dtor_a", "dtor_b"}}
                                : World{{"new"}, {"rep", "drop"}, {"dtor"}};
    ++tried;
    Trial trial(text, world, seed);
    understood += trial.makers() != 0 ? 1 : 0;
    for (int run = 0; run < 40; ++run) {
      ASSERT_EQ(trial.run(), "") << "seed " << seed << "\n" << text;
    }
    for (const auto& [what, count] : trial.shown) {
      shown[what] += count;
    }
  }
  std::cout << tried << " tables, " << understood << " of them with makers that are fine";
  for (const auto& [what, count] : shown) {
    std::cout << ", " << count << " times " << what;
  }
  std::cout << "\n";
  EXPECT_GT(understood, 0);
  EXPECT_LT(understood, tried);
}

}  // namespace
}  // namespace meld_verify::run
