#include "engine/lift/execute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/lift/image.h"
#include "engine/smt/term.h"
#include "engine/wasm/wabt_text.h"

namespace meld_verify::lift {
namespace {

using smt::TermOp;
using End = Path::End;
using Kind = CallModel::Kind;

constexpr MemoryId kCallee{0U};
constexpr MemoryId kCaller{1U};

/// A module in text, and its execution. Function 0 is `realloc`, 1 is `convert`, 2 is `callee`: imports all.
class ExecuteTest : public testing::Test {
 protected:
  void module(const std::string& body, const ExecutionLimits& limits = {}) {
    bytes = wasm::assemble(
        "(module"
        "  (import \"a\" \"realloc\" (func $realloc (param i32 i32 i32 i32) (result i32)))"
        "  (import \"a\" \"convert\" (func $convert (param i32) (result i32)))"
        "  (import \"a\" \"callee\" (func $callee (param i32) (result i32)))"
        "  (memory $callee 1) (memory $caller 1)" +
        body + ")");
    image = link_module(bytes, "test").value();
    executor = std::make_unique<Executor>(image, terms, decider, limits);
  }

  /// Executes the function exported as "f".
  std::vector<Path> run(Executor::Start start) {
    for (const wasm::CoreExport& item : image.modules[0].exports) {
      if (item.name == "f") {
        start.function = image.instances[0].functions[item.index];
      }
    }
    return executor->run(start, [this](FunctionId function) {
      CallModel model;
      switch (function.value) {
        case 0:
          model.kind = Kind::kAllocates;
          model.size_argument = 3;
          model.changes = {kCallee};
          model.keeps_allocations = true;
          model.allocates_in = kCallee;
          break;
        case 1:
          model.kind = Kind::kFunction;
          break;
        case 2:
          model.kind = Kind::kSymbol;
          model.changes = {kCallee};
          break;
        default:
          model.kind = others;
          break;
      }
      return model;
    });
  }
  std::vector<Path> run(std::vector<Term> arguments) {
    Executor::Start start;
    start.arguments = std::move(arguments);
    return run(start);
  }

  Term number(std::uint64_t bits) { return terms.constant(32, bits); }
  Term plus(Term base, std::uint64_t offset) { return terms.apply(TermOp::kAdd, base, number(offset)); }
  Term word(MemoryId memory, Term address, std::uint32_t size = 4) {
    return executor->load({memory, MemoryVersion{}, address, size});
  }
  Term less(Term left, Term right) { return terms.apply(TermOp::kLessU, left, right); }
  static std::vector<const Path*> that(const std::vector<Path>& paths, End end) {
    std::vector<const Path*> found;
    for (const Path& path : paths) {
      if (path.end == end) {
        found.push_back(&path);
      }
    }
    return found;
  }
  static Path only(const std::vector<Path>& paths) {
    const auto returned = that(paths, End::kReturn);
    EXPECT_EQ(returned.size(), 1U);
    EXPECT_TRUE(that(paths, End::kStuck).empty()) << that(paths, End::kStuck)[0]->why;
    return *returned.at(0);
  }
  Term read(const Path& path, MemoryId memory, Term address, std::uint32_t size = 4) {
    return executor->read(path.memories[memory.value], address, size, path.conditions);
  }
  bool is_unknown(Term term) const {
    return terms.op(term) == TermOp::kSymbol && terms.name(term) == "unknown";
  }

  smt::Terms terms;
  smt::Decider decider{terms};
  std::vector<std::uint8_t> bytes;
  Image image;
  std::unique_ptr<Executor> executor;
  Kind others = Kind::kInline;
  Term p = terms.symbol(32, "p");
  Term q = terms.symbol(32, "q");
};

TEST_F(ExecuteTest, AStraightLineGivesOnePath) {
  module(
      "(func (export \"f\") (param i32 i32) (result i32)"
      "  local.get 0 i32.const 2 i32.mul local.get 1 i32.add i32.const 1 i32.sub)");
  const auto paths = run({p, q});
  EXPECT_EQ(terms.text(only(paths).results[0]), "(add (add (shl p 1) q) 0xffffffff)");
  EXPECT_TRUE(paths[0].conditions.empty());
}

TEST_F(ExecuteTest, ABranchGivesAPathForEachSide) {
  module(
      "(func (export \"f\") (param i32) (result i32)"
      "  local.get 0 i32.const 10 i32.lt_u if (result i32) i32.const 1 else i32.const 2 end)");
  const auto paths = run({p});
  ASSERT_EQ(paths.size(), 2U);
  const Term small = less(p, number(10));
  EXPECT_EQ(paths[0].conditions, std::vector{small});
  EXPECT_EQ(paths[0].results[0], number(1));
  EXPECT_EQ(paths[1].conditions, std::vector{terms.negation(small)});
  EXPECT_EQ(paths[1].results[0], number(2));
}

TEST_F(ExecuteTest, ABranchThatConditionsDecideIsFollowed) {
  module(
      "(func (export \"f\") (param i32) (result i32)"
      "  local.get 0 i32.const 10 i32.lt_u if (result i32) i32.const 1 else i32.const 2 end)");
  Executor::Start start;
  start.arguments = {p};
  start.conditions = {less(p, q), less(q, number(10))};
  EXPECT_EQ(only(run(start)).results[0], number(1));
  start.conditions = {less(p, q), less(q, p)};
  EXPECT_TRUE(run(start).empty());
}

TEST_F(ExecuteTest, AFailedAllocationIsNoPath) {
  module(
      "(func (export \"f\") (param i32)"
      "  (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get 0))"
      "  i32.eqz if unreachable end)");
  EXPECT_EQ(only(run({p})).calls.size(), 1U);
}

TEST_F(ExecuteTest, AGuardEndsInATrap) {
  module("(func (export \"f\") (param i32) local.get 0 i32.const 100 i32.gt_u if unreachable end)");
  const auto paths = run({p});
  ASSERT_EQ(that(paths, End::kTrap).size(), 1U);
  const Term large = less(number(100), p);
  EXPECT_EQ(that(paths, End::kTrap)[0]->conditions, std::vector{large});
  EXPECT_EQ(only(paths).conditions, std::vector{terms.negation(large)});
}

TEST_F(ExecuteTest, ABranchTableGivesAPathForEachCase) {
  module(
      "(func (export \"f\") (param i32) (result i32)"
      "  block block block local.get 0 br_table 0 1 2 end i32.const 7 return end i32.const 8 return end"
      "  i32.const 9)");
  const auto paths = run({p});
  ASSERT_EQ(paths.size(), 3U);
  std::vector<Term> results;
  for (const Path& path : paths) {
    ASSERT_EQ(path.conditions.size(), 1U);
    results.push_back(path.results[0]);
  }
  std::vector<Term> wanted{number(7), number(8), number(9)};
  EXPECT_TRUE(std::is_permutation(results.begin(), results.end(), wanted.begin(), wanted.end()));
  EXPECT_EQ(only(run({number(1)})).results[0], number(8));
  EXPECT_EQ(only(run({number(77)})).results[0], number(9));
}

TEST_F(ExecuteTest, BlocksTakeAndGiveSeveralValues) {
  module(
      "(func (export \"f\") (param i32 i32) (result i32 i32)"
      "  local.get 0 local.get 1"
      "  block (param i32 i32) (result i32 i32) i32.const 5 drop i32.const 3 i32.add br 0 end)");
  const auto paths = run({p, q});
  EXPECT_EQ(only(paths).results, (std::vector{p, plus(q, 3)}));
}

TEST_F(ExecuteTest, WordsAreSeenThroughACopy) {
  module(
      "(func (export \"f\") (param i32 i32) (result i32) (local i32)"
      "  (local.set 2 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get 1) "
      "(i32.const 8))))"
      "  (memory.copy $callee $caller (local.get 2) (local.get 0) (i32.mul (local.get 1) (i32.const 8)))"
      "  local.get 2)");
  Executor::Start start;
  start.arguments = {p, q};
  start.conditions = {less(number(2), q), less(q, number(100))};
  const Path path = only(run(start));
  const Term area = path.results[0];
  // The third element is there, whatever the length is; the fourth may be, the hundredth is not.
  EXPECT_EQ(read(path, kCallee, plus(area, 20)), word(kCaller, plus(p, 20)));
  EXPECT_TRUE(is_unknown(read(path, kCallee, plus(area, 28))));
  EXPECT_EQ(read(path, kCallee, plus(area, 796)),
            executor->load({kCallee, path.memories[0].version, plus(area, 796), 4}));
  const auto origin = executor->origin(path.memories[0], plus(area, 8), number(16), path.conditions);
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->memory, kCaller);
  EXPECT_EQ(origin->address, plus(p, 8));
}

TEST_F(ExecuteTest, WordsAreSeenThroughCopiesOfCopies) {
  module(
      "(func (export \"f\") (param i32) (result i32) (local i32 i32)"
      "  (local.set 1 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 64)))"
      "  (memory.copy $callee $caller (local.get 1) (local.get 0) (i32.const 64))"
      "  (local.set 2 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 32)))"
      "  (memory.copy $callee $callee (local.get 2) (i32.add (local.get 1) (i32.const 16)) (i32.const 32))"
      "  (i32.store8 $callee offset=1 (local.get 2) (i32.const 255))"
      "  local.get 2)");
  const Path path = only(run({p}));
  const Term area = path.results[0];
  EXPECT_EQ(read(path, kCallee, plus(area, 4)), word(kCaller, plus(p, 20)));
  EXPECT_EQ(read(path, kCallee, plus(area, 4), 8), word(kCaller, plus(p, 20), 8));
  // A byte of the first word is another one: the rest is as it was.
  EXPECT_EQ(read(path, kCallee, area, 1), word(kCaller, plus(p, 16), 1));
  EXPECT_EQ(read(path, kCallee, plus(area, 1), 1), terms.constant(8, 255));
  EXPECT_EQ(terms.resize(TermOp::kLow, read(path, kCallee, area), 8), word(kCaller, plus(p, 16), 1));
  EXPECT_FALSE(executor->origin(path.memories[0], area, number(4), path.conditions));
}

TEST_F(ExecuteTest, AListOfKnownLengthUnrolls) {
  module(
      "(func (export \"f\") (param i32) (result i32) (local i32 i32 i32)"
      "  (local.set 1 (i32.load $caller offset=4 (local.get 0)))"
      "  (local.set 2 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)"
      "                (i32.mul (local.get 1) (i32.const 4))))"
      "  (memory.copy $callee $caller (local.get 2) (i32.load $caller (local.get 0))"
      "                               (i32.mul (local.get 1) (i32.const 4)))"
      "  block loop (br_if 1 (i32.ge_u (local.get 3) (i32.load $caller offset=4 (local.get 0))))"
      "    (i32.store $callee (i32.add (local.get 2) (i32.mul (local.get 3) (i32.const 4)))"
      "      (call $convert (i32.load $callee (i32.add (local.get 2) (i32.mul (local.get 3) (i32.const "
      "4))))))"
      "    (local.set 3 (i32.add (local.get 3) (i32.const 1))) br 0 end end"
      "  (call $callee (local.get 2)))");
  Executor::Start start;
  start.arguments = {p};
  start.known = {{word(kCaller, plus(p, 4)), 3}};
  const Path path = only(run(start));
  ASSERT_EQ(path.calls.size(), 5U);
  const Term list = word(kCaller, p);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const CallEvent& call = path.calls[1 + i];
    EXPECT_EQ(call.callee, FunctionId{1U});
    EXPECT_EQ(call.arguments[0], word(kCaller, plus(list, 4 * i)));
    EXPECT_EQ(executor->result_of(path, call.results[0]), std::pair(std::size_t{1 + i}, std::size_t{0}));
    EXPECT_EQ(
        executor->read(path.calls[4].before[0], plus(path.calls[4].arguments[0], 4 * i), 4, path.conditions),
        call.results[0]);
  }
  EXPECT_EQ(path.calls[0].arguments[3], number(12));
}

TEST_F(ExecuteTest, HalvesOfAJoinedSlotComeApart) {
  module(
      "(func (export \"f\") (param i64 i32 i32) (result i32 i32 i64)"
      "  (i64.store $caller (local.get 1) (local.get 0))"
      "  (i32.load $caller (local.get 1)) (i32.load $caller offset=4 (local.get 1))"
      "  (i64.or (i64.extend_i32_u (local.get 1)) (i64.shl (i64.extend_i32_u (local.get 2)) (i64.const "
      "32))))");
  const Term slot = terms.symbol(64, "slot");
  const Path path = only(run({slot, p, q}));
  EXPECT_EQ(path.results[0], terms.resize(TermOp::kLow, slot, 32));
  EXPECT_EQ(terms.resize(TermOp::kLow, path.results[2], 32), p);

  module(
      "(func (export \"f\") (param i32) (result i32 i32) (local i64)"
      "  (local.set 1 (i64.load $caller (local.get 0)))"
      "  (i32.wrap_i64 (local.get 1)) (i32.wrap_i64 (i64.shr_u (local.get 1) (i64.const 32))))");
  EXPECT_EQ(only(run({p})).results, (std::vector{word(kCaller, p), word(kCaller, plus(p, 4))}));
}

TEST_F(ExecuteTest, NarrowLoadsAreResizedWords) {
  module(
      "(func (export \"f\") (param i32) (result i32 i64)"
      "  (i32.load8_u $caller (local.get 0)) (i64.load16_s $caller (local.get 0)))");
  const Path path = only(run({p}));
  EXPECT_EQ(path.results[0], terms.resize(TermOp::kExtend, word(kCaller, p, 1), 32));
  EXPECT_EQ(path.results[1], terms.resize(TermOp::kExtendS, word(kCaller, p, 2), 64));
}

TEST_F(ExecuteTest, ResultsAreWrittenWhereTheCallerWantsThem) {
  module(
      "(func (export \"f\") (param i32 i32) (local i32)"
      "  (local.set 2 (call $callee (local.get 0)))"
      "  (memory.copy $caller $callee (local.get 1) (local.get 2) (i32.const 12))"
      "  (i32.store $caller offset=4 (local.get 1) (call $convert (i32.load $callee offset=4 (local.get "
      "2)))))");
  const Path path = only(run({p, q}));
  const Term given = path.calls[0].results[0];
  const MemoryVersion later = path.memories[0].version;
  EXPECT_NE(later, MemoryVersion{});
  EXPECT_EQ(read(path, kCaller, plus(q, 8)), executor->load({kCallee, later, plus(given, 8), 4}));
  EXPECT_EQ(read(path, kCaller, plus(q, 4)), path.calls[1].results[0]);
  EXPECT_EQ(path.calls[1].arguments[0], executor->load({kCallee, later, plus(given, 4), 4}));
}

TEST_F(ExecuteTest, WhatMayOverlapIsUnknown) {
  module(
      "(func (export \"f\") (param i32 i32) (result i32)"
      "  (i32.store $caller (local.get 0) (i32.const 1)) (i32.store $caller (local.get 1) (i32.const 2))"
      "  (i32.load $caller (local.get 0)))");
  EXPECT_TRUE(is_unknown(only(run({p, q})).results[0]));
  Executor::Start start;
  start.arguments = {p, q};
  start.areas = {p, q};
  EXPECT_EQ(only(run(start)).results[0], number(1));
  start.areas = {p};
  EXPECT_TRUE(is_unknown(only(run(start)).results[0]));
  start.areas = {};
  start.conditions = {less(plus(p, 3), q), less(p, number(1000))};
  EXPECT_EQ(only(run(start)).results[0], number(1));
}

TEST_F(ExecuteTest, AnAccessBeyondAnAllocationMayHitAnything) {
  module(
      "(func (export \"f\") (param i32) (result i32) (local i32)"
      "  (i32.store $callee (local.get 0) (i32.const 1))"
      "  (local.set 1 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (i32.store $callee (local.get 0) (i32.const 1))"
      "  (i32.store $callee offset=4 (local.get 1) (i32.const 2))"
      "  (i32.load $callee (local.get 0)))");
  EXPECT_EQ(only(run({p})).results[0], number(1));
  module(
      "(func (export \"f\") (param i32) (result i32) (local i32)"
      "  (local.set 1 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (i32.store $callee (local.get 0) (i32.const 1))"
      "  (i32.store $callee offset=8 (local.get 1) (i32.const 2))"
      "  (i32.load $callee (local.get 0)))");
  EXPECT_TRUE(is_unknown(only(run({p})).results[0]));
}

TEST_F(ExecuteTest, AnAccessBeyondAnOlderAllocationMayHitAYoungerOne) {
  module(
      "(func (export \"f\") (result i32) (local i32 i32)"
      "  (local.set 0 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (local.set 1 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (i32.store $callee (local.get 1) (i32.const 1))"
      "  (i32.store $callee offset=12 (local.get 0) (i32.const 2))"
      "  (i32.load $callee (local.get 1)))");
  EXPECT_TRUE(is_unknown(only(run(std::vector<Term>{})).results[0]));
}

TEST_F(ExecuteTest, APointerMadeAfterAnAllocationMayLeadIntoIt) {
  module(
      "(func (export \"f\") (result i32) (local i32 i32)"
      "  (local.set 0 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (local.set 1 (call $callee (local.get 0)))"
      "  (i32.store $callee (local.get 0) (i32.const 1))"
      "  (i32.store $callee (local.get 1) (i32.const 2))"
      "  (i32.load $callee (local.get 0)))");
  EXPECT_TRUE(is_unknown(only(run(std::vector<Term>{})).results[0]));
}

TEST_F(ExecuteTest, ACallForgetsAllButAllocations) {
  module(
      "(func (export \"f\") (param i32) (result i32 i32) (local i32)"
      "  (local.set 1 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (i32.store $callee (local.get 0) (i32.const 1)) (i32.store $callee (local.get 1) (i32.const 2))"
      "  (drop (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))"
      "  (i32.load $callee (local.get 0)) (i32.load $callee (local.get 1)))");
  const Path path = only(run({p}));
  EXPECT_EQ(path.results[0], executor->load({kCallee, path.memories[0].version, p, 4}));
  EXPECT_EQ(path.results[1], number(2));
}

TEST_F(ExecuteTest, FillsAreRead) {
  module(
      "(func (export \"f\") (param i32) (result i32 i32)"
      "  (memory.fill $caller (local.get 0) (i32.const 171) (i32.const 6))"
      "  (i32.load $caller (local.get 0)) (i32.load $caller offset=4 (local.get 0)))");
  const Path path = only(run({p}));
  EXPECT_EQ(path.results[0], number(0xabababab));
  EXPECT_EQ(terms.resize(TermOp::kLow, path.results[1], 16), terms.constant(16, 0xabab));
}

TEST_F(ExecuteTest, InnerFunctionsAreExecuted) {
  module(
      "(func $twice (param i32) (result i32) local.get 0 local.get 0 i32.add)"
      "(table funcref (elem $twice))"
      "(type $t (func (param i32) (result i32)))"
      "(func (export \"f\") (param i32) (result i32)"
      "  local.get 0 call $twice i32.const 0 call_indirect (type $t) i32.const 1 i32.add)");
  EXPECT_EQ(terms.text(only(run({p})).results[0]), "(add (shl p 2) 1)");
}

TEST_F(ExecuteTest, RecursionAndEndlessLoopsStop) {
  module("(func $f (export \"f\") (param i32) (result i32) local.get 0 i32.const 1 i32.add call $f)");
  auto paths = run({p});
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_EQ(paths[0].end, End::kStuck);
  EXPECT_NE(paths[0].why.find("deep"), std::string::npos) << paths[0].why;

  ExecutionLimits limits;
  limits.steps = 10'000;
  module("(func (export \"f\") loop br 0 end)", limits);
  paths = run(std::vector<Term>{});
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_EQ(paths[0].end, End::kStuck);
  EXPECT_EQ(paths[0].why, "the paths take more than 10000 steps");
}

TEST_F(ExecuteTest, TooManyPathsEndStuck) {
  ExecutionLimits limits;
  limits.paths = 20;
  module(
      "(func (export \"f\") (param i32) (local i32)"
      "  block loop (br_if 1 (i32.ge_u (local.get 1) (local.get 0)))"
      "  (local.set 1 (i32.add (local.get 1) (i32.const 1))) br 0 end end)",
      limits);
  const auto paths = run({p});
  EXPECT_EQ(paths.size(), 20U);
  ASSERT_EQ(that(paths, End::kStuck).size(), 1U);
  EXPECT_EQ(that(paths, End::kStuck)[0]->why, "there are more than 20 paths");
}

TEST_F(ExecuteTest, WhatIsNotSupportedIsNamed) {
  module("(table 1 funcref) (func (export \"f\") (result i32) table.size 0)");
  const auto paths = run(std::vector<Term>{});
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_EQ(paths[0].end, End::kStuck);
  EXPECT_EQ(paths[0].why.rfind("table.size at offset 0x", 0), 0U) << paths[0].why;
}

TEST_F(ExecuteTest, GrowingAMemoryGivesAnythingAndKeepsWhatIsThere) {
  module(
      "(func (export \"f\") (param i32) (result i32 i32)"
      "  local.get 0 i32.const 7 i32.store $caller"
      "  i32.const 1 memory.grow $caller"
      "  local.get 0 i32.load $caller)");
  const auto paths = run({p});
  ASSERT_EQ(paths.size(), 1U);
  ASSERT_EQ(paths[0].end, End::kReturn);
  EXPECT_EQ(terms.op(paths[0].results[0]), smt::TermOp::kSymbol);
  EXPECT_EQ(paths[0].results[1], terms.constant(32, 7));
}

TEST_F(ExecuteTest, ArgumentsMustFit) {
  module("(func (export \"f\") (param i32))");
  EXPECT_EQ(run(std::vector<Term>{})[0].end, End::kStuck);
  EXPECT_EQ(run({terms.symbol(64, "wide")})[0].end, End::kStuck);
}

TEST_F(ExecuteTest, DivisionTrapsWhereItMay) {
  module("(func (export \"f\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_u)");
  const auto paths = run({p, q});
  EXPECT_EQ(that(paths, End::kTrap).size(), 1U);
  EXPECT_EQ(only(paths).results[0], terms.apply(TermOp::kDivU, p, q));
  EXPECT_EQ(run({p, number(8)}).size(), 1U);
  EXPECT_EQ(run({p, number(0)}).at(0).end, End::kTrap);
}

TEST_F(ExecuteTest, FloatsAreFunctionsOfTheirBits) {
  module(
      "(func (export \"f\") (param f32 f32) (result f32 f32 i32)"
      "  (f32.add (local.get 0) (local.get 1)) (f32.neg (local.get 0)) (i32.reinterpret_f32 (local.get 0)))");
  const Path path = only(run({p, q}));
  EXPECT_EQ(terms.text(path.results[0]), "(f32.add p q)");
  EXPECT_EQ(terms.text(path.results[1]), "(xor p 0x80000000)");
  EXPECT_EQ(path.results[2], p);
}

TEST_F(ExecuteTest, APathGoesOnWhereAnotherEnded) {
  // A table of handles: `new` puts a number where the cursor is.
  module(
      "(global $cursor (mut i32) (i32.const 64))"
      "(func (export \"f\") (param i32) (result i32) (local i32)"
      "  (local.set 1 (global.get $cursor)) (i32.store $callee (local.get 1) (local.get 0))"
      "  (global.set $cursor (i32.add (local.get 1) (i32.const 4))) local.get 1)");
  Executor::Start start;
  start.arguments = {p};
  const auto first = run(start);
  const Term index = only(first).results[0];
  start.arguments = {q};
  start.after = &first[0];
  const auto second = run(start);
  EXPECT_EQ(only(second).results[0], plus(index, 4));
  EXPECT_EQ(read(second[0], kCallee, index), p);
  EXPECT_EQ(read(second[0], kCallee, plus(index, 4)), q);
  EXPECT_EQ(index, executor->initial(GlobalId{0U}));
  start.after = nullptr;
  start.globals = {{GlobalId{0U}, number(64)}};
  EXPECT_EQ(only(run(start)).results[0], number(64));
}

TEST_F(ExecuteTest, ACallMayChangeGlobals) {
  module(
      "(global $count (mut i32) (i32.const 64)) (global $fixed i32 (i32.const 7))"
      "(func (export \"f\") (result i32 i32)"
      "  (global.set $count (i32.const 5)) (drop (call $callee (i32.const 0)))"
      "  global.get $count global.get $fixed)");
  const Path path = only(run(std::vector<Term>{}));
  EXPECT_EQ(terms.op(path.results[0]), TermOp::kSymbol);
  EXPECT_EQ(path.results[1], number(7));
}

TEST_F(ExecuteTest, ALongLogIsLetGo) {
  module(
      "(func (export \"f\") (param i32) (local i32)"
      "  loop (i32.store $caller (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 4))) (local.get 1))"
      "  (local.set 1 (i32.add (local.get 1) (i32.const 1)))"
      "  (br_if 0 (i32.lt_u (local.get 1) (i32.const 20000))) end)");
  const Path path = only(run({p}));
  EXPECT_EQ(read(path, kCaller, plus(p, 79'996)), number(19'999));
  EXPECT_EQ(read(path, kCaller, plus(p, 4)), number(1));
}

}  // namespace
}  // namespace meld_verify::lift
