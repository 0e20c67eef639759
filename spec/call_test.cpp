// semantics.md 2.5 and 1.3: the sync call.

#include "spec/machine_fixture.h"

namespace meld_verify::spec {
namespace {

using Lines = std::vector<std::string>;
using Outcome = Result<std::optional<std::uint32_t>>;

Outcome nothing(const std::vector<std::uint32_t>&) {
  return std::nullopt;
}

class CallTest : public MachineTest {};
class CallDonutTest : public DonutTest {};

TEST_F(CallTest, TakesTheTwelveStepsInOrder) {
  Options options;
  options.post_return = core([this](auto args) { return note("post-return", args); });
  const LoweringId f = connected(
      app, other, {borrow(thing), own(thing)}, own(thing),
      [this](auto args) -> Outcome {
        note("run", args);
        SPEC_CHECK(drop(other, args[0]));
        return args[1];
      },
      options);
  ASSERT_EQ(thing_in(app, 70), 1u);
  ASSERT_EQ(thing_in(app, 80), 2u);
  recorder.lines.clear();
  EXPECT_EQ(call(f, {1, 2}), gives(2));
  EXPECT_EQ(recorder.lines,
            (Lines{"enter app->other f", "lend app 1 own thing:70 lends 1", "lift-borrow app 1 thing:70",
                   "remove app 2 own thing:80 lends 0", "lift-own app 2 thing:80",
                   "add other 1 borrow thing:70 lends 0", "lower-borrow other 1 thing:70",
                   "add other 2 own thing:80 lends 0", "lower-own other 2 thing:80", "run 1 2",
                   "drop other 1 borrow thing:70 lends 0", "remove other 2 own thing:80 lends 0",
                   "lift-own other 2 thing:80", "add app 2 own thing:80 lends 0", "lower-own app 2 thing:80",
                   "post-return 2", "return app 1 own thing:70 lends 0", "leave app->other f"}));
}

// --- the transfer matrix of 1.3; the definer is caller, callee, or third

TEST_F(CallTest, AnOwnParamArrivesAsAnIndexAlsoInTheDefiner) {
  const std::pair<InstanceId, InstanceId> pairs[] = {{lib, app}, {app, lib}, {app, other}};
  for (const auto& [caller, callee] : pairs) {
    const LoweringId take =
        connected(caller, callee, {own(thing)}, nullptr, [this, callee = callee](auto args) -> Outcome {
          EXPECT_EQ(entry(callee, args[0]).rep, Rep(777u));
          EXPECT_EQ(entry(callee, args[0]).kind, EntryKind::kOwn);
          SPEC_CHECK(drop(callee, args[0]));
          return std::nullopt;
        });
    const std::uint32_t index = thing_in(caller, 777);
    EXPECT_TRUE(call(take, {index}));
    EXPECT_EQ(entry(caller, index).kind, EntryKind::kEmpty);
  }
}

TEST_F(CallTest, ABorrowParamArrivesInTheDefinerAsTheRep) {
  const LoweringId look = connected(app, lib, {borrow(thing)}, nullptr, [this](auto args) -> Outcome {
    EXPECT_EQ(args[0], 777u);
    EXPECT_EQ(machine.tasks().back()->borrows, 0u);
    return std::nullopt;
  });
  EXPECT_TRUE(call(look, {thing_in(app, 777)})) << "nothing to drop";
  EXPECT_EQ(recorder.of("lower-borrow"), (Lines{"lower-borrow lib rep 777 thing:777"}));
}

TEST_F(CallTest, ABorrowParamArrivesElsewhereAsABorrowToDrop) {
  for (const InstanceId caller : {lib, app}) {
    const LoweringId look = connected(caller, other, {borrow(thing)}, nullptr, [this](auto args) -> Outcome {
      EXPECT_EQ(entry(other, args[0]).kind, EntryKind::kBorrow);
      EXPECT_EQ(machine.tasks().back()->borrows, 1u);
      SPEC_CHECK(drop(other, args[0]));
      return std::nullopt;
    });
    EXPECT_TRUE(call(look, {thing_in(caller, 777)}));
  }
}

TEST_F(CallTest, AnOwnResultIsTakenByIndexAlsoFromTheDefiner) {
  const std::uint32_t index = thing_in(lib, 777);
  const LoweringId make = connected(app, lib, {}, own(thing), [index](auto) -> Outcome { return index; });
  EXPECT_EQ(call(make, {}), gives(1));
  EXPECT_EQ(entry(lib, index).kind, EntryKind::kEmpty);
  const LoweringId back = connected(lib, app, {}, own(thing), [](auto) -> Outcome { return 1; });
  thing_in(lib, 5);
  EXPECT_EQ(call(back, {}), gives(2)) << "an entry in the definer, not a rep";
  EXPECT_EQ(entry(lib, 2).rep, Rep(777u));
}

TEST_F(CallTest, ARepIsNoHandleForAnOwnResult) {
  thing_in(lib, 777);
  const LoweringId make = connected(app, lib, {}, own(thing), [](auto) -> Outcome { return 777; });
  EXPECT_EQ(trap_of(call(make, {})), TrapClass::kUnknownHandle);
}

TEST_F(CallTest, AnOwnResultOfAnotherTypeTraps) {
  const ResourceTypeId second = machine.add_resource_type("second", lib);
  const LoweringId make = connected(app, lib, {}, own(thing), [](auto) -> Outcome { return 1; });
  ASSERT_TRUE(machine.resource_new(lib, second, Rep(1u)));
  EXPECT_EQ(trap_of(call(make, {})), TrapClass::kWrongType);
}

TEST_F(CallTest, ParamsOfAnotherTypeOrNoResourceTrap) {
  const ResourceTypeId second = machine.add_resource_type("second", lib);
  const LoweringId look = connected(lib, app, {borrow(thing)}, nullptr, nothing);
  ASSERT_TRUE(machine.resource_new(lib, second, Rep(1u)));
  EXPECT_EQ(trap_of(call(look, {1})), TrapClass::kWrongType);
}

TEST_F(CallTest, ASubtaskIsNoResource) {
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, nothing);
  ASSERT_TRUE(machine.add_other_entry(app));
  EXPECT_EQ(trap_of(call(look, {1})), TrapClass::kNotAResource);
}

// --- consequences (2.5)

TEST_F(CallTest, BorrowThenOwnOfOneHandleIsLent) {
  const LoweringId f = connected(app, other, {borrow(thing), own(thing)}, nullptr, nothing);
  const std::uint32_t index = thing_in(app, 1);
  EXPECT_EQ(trap_of(call(f, {index, index})), TrapClass::kLent);
}

TEST_F(CallTest, OwnThenBorrowOfOneHandleIsUnknown) {
  const LoweringId f = connected(app, other, {own(thing), borrow(thing)}, nullptr, nothing);
  const std::uint32_t index = thing_in(app, 1);
  EXPECT_EQ(trap_of(call(f, {index, index})), TrapClass::kUnknownHandle);
}

TEST_F(CallTest, TheSameHandleTwiceIsLentTwice) {
  std::uint32_t index = 0;
  const LoweringId f =
      connected(app, other, {borrow(thing), borrow(thing)}, nullptr, [&](auto args) -> Outcome {
        EXPECT_EQ(args, (std::vector<std::uint32_t>{1, 2}));
        EXPECT_EQ(machine.tasks().back()->borrows, 2u);
        EXPECT_EQ(entry(app, index).lends, 2u);
        EXPECT_EQ(machine.subtasks().back()->lenders.size(), 2u);
        SPEC_CHECK(drop(other, args[0]));
        EXPECT_EQ(machine.tasks().back()->borrows, 1u);
        SPEC_CHECK(drop(other, args[1]));
        return std::nullopt;
      });
  index = thing_in(app, 1);
  EXPECT_TRUE(call(f, {index, index}));
  EXPECT_EQ(entry(app, index).lends, 0u);
}

TEST_F(CallTest, TheLastLiftedIndexIsTheNextAllocated) {
  const LoweringId f = connected(app, other, {own(thing), own(thing)}, nullptr, nothing);
  ASSERT_EQ(thing_in(app, 1), 1u);
  ASSERT_EQ(thing_in(app, 2), 2u);
  ASSERT_TRUE(call(f, {1, 2}));
  EXPECT_EQ(thing_in(app, 3), 2u);
  EXPECT_EQ(thing_in(app, 4), 1u);
}

TEST_F(CallDonutTest, ASelfCallLiftsAllBeforeItLowers) {
  std::vector<std::uint32_t> seen;
  const LoweringId f = connected(app, app, {own(thing), own(thing)}, nullptr, [&](auto args) -> Outcome {
    seen = args;
    return std::nullopt;
  });
  ASSERT_EQ(thing_in(app, 1), 1u);
  ASSERT_EQ(thing_in(app, 2), 2u);
  ASSERT_TRUE(call(f, {1, 2}));
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{2, 1}));
}

TEST_F(CallTest, UseAfterTransferTrapsInALaterCall) {
  const LoweringId take = connected(app, other, {own(thing)}, nullptr, nothing);
  const std::uint32_t index = thing_in(app, 1);
  ASSERT_TRUE(call(take, {index}));
  EXPECT_EQ(trap_of(call(take, {index})), TrapClass::kUnknownHandle);
}

TEST_F(CallTest, ABorrowIsLentOnAndComesBack) {
  const LoweringId inner = connected(other, lib, {borrow(thing)}, nullptr, [&](auto args) -> Outcome {
    EXPECT_EQ(args[0], 9u) << "the definer sees the rep, two borrows away";
    EXPECT_EQ(entry(other, 1).lends, 1u);
    return std::nullopt;
  });
  const LoweringId outer = connected(app, other, {borrow(thing)}, nullptr, [&](auto args) -> Outcome {
    SPEC_CHECK(call(inner, {args[0]}));
    EXPECT_EQ(entry(other, args[0]).lends, 0u);
    SPEC_CHECK(drop(other, args[0]));
    return std::nullopt;
  });
  EXPECT_TRUE(call(outer, {thing_in(app, 9)}));
}

TEST_F(CallTest, ABorrowIsNoOwn) {
  const LoweringId take = connected(other, lib, {own(thing)}, nullptr, nothing);
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, [&](auto args) -> Outcome {
    SPEC_CHECK(call(take, {args[0]}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(call(look, {thing_in(app, 1)})), TrapClass::kNotOwn);
}

TEST_F(CallTest, ALentBorrowIsLentBeforeItIsNotOwn) {
  const LoweringId both = connected(other, lib, {borrow(thing), own(thing)}, nullptr, nothing);
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, [&](auto args) -> Outcome {
    SPEC_CHECK(call(both, {args[0], args[0]}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(call(look, {thing_in(app, 1)})), TrapClass::kLent);
}

/// Step 8 comes before step 10.
TEST_F(CallTest, APostReturnCannotRescueABorrow) {
  Options options;
  options.post_return = core([this](auto args) { return note("post-return", args); });
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, nothing, options);
  EXPECT_EQ(trap_of(call(look, {thing_in(app, 1)})), TrapClass::kBorrowsRemain);
  EXPECT_TRUE(recorder.of("post-return").empty());
}

TEST_F(CallTest, AKeptBorrowOfAnEarlierCallIsGone) {
  std::uint32_t kept = 0;
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, [&](auto args) -> Outcome {
    if (kept != 0) {
      SPEC_CHECK(drop(other, kept + 1));
    }
    kept = args[0];
    SPEC_CHECK(drop(other, args[0]));
    return std::nullopt;
  });
  const std::uint32_t index = thing_in(app, 1);
  ASSERT_TRUE(call(look, {index}));
  EXPECT_EQ(trap_of(call(look, {index})), TrapClass::kUnknownHandle);
}

// --- may_enter

TEST_F(CallTest, AnInstanceOnTheStackCannotBeEntered) {
  const LoweringId back = connected(other, app, {}, nullptr, nothing);
  const LoweringId there = connected(app, other, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(back, {}));
    return std::nullopt;
  });
  const FunctionId run = lifted(app, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(there, {}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(machine.call(run, {})), TrapClass::kCannotEnter);
}

TEST_F(CallTest, EnteringClearsTheSetAndLeavingRestoresIt) {
  const InstanceId outer = machine.add_instance("outer");
  const InstanceId left = machine.add_instance("left", outer);
  const InstanceId right = machine.add_instance("right", outer);
  const LoweringId across = connected(left, right, {}, nullptr, [&](auto) -> Outcome {
    EXPECT_FALSE(machine.instance(right).may_enter);
    EXPECT_FALSE(machine.instance(left).may_enter);
    return std::nullopt;
  });
  const FunctionId run = lifted(left, {}, nullptr, [&](auto) -> Outcome {
    EXPECT_FALSE(machine.instance(outer).may_enter) << "the host enters the parent too";
    EXPECT_TRUE(machine.instance(right).may_enter);
    SPEC_CHECK(call(across, {}));
    EXPECT_TRUE(machine.instance(right).may_enter);
    return std::nullopt;
  });
  ASSERT_TRUE(machine.call(run, {}));
  for (const InstanceId one : {outer, left, right}) {
    EXPECT_TRUE(machine.instance(one).may_enter);
  }
}

TEST_F(CallDonutTest, AParentMayCallItsChildAndTheChildItsParent) {
  const InstanceId child = machine.add_instance("child", app);
  const LoweringId up = connected(child, app, {}, nullptr, nothing);
  const LoweringId down = connected(app, child, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(up, {}));
    return std::nullopt;
  });
  const FunctionId run = lifted(app, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(down, {}));
    return std::nullopt;
  });
  EXPECT_TRUE(machine.call(run, {}));
}

TEST_F(CallDonutTest, AChildOnTheStackCannotBeEnteredFromItsParent) {
  const InstanceId child = machine.add_instance("child", app);
  const LoweringId down = connected(app, child, {}, nullptr, nothing);
  const LoweringId up = connected(child, app, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(down, {}));
    return std::nullopt;
  });
  const FunctionId run = lifted(child, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(up, {}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(machine.call(run, {})), TrapClass::kCannotEnter);
}

TEST_F(CallTest, AnEndlessRecursionIsAFullStack) {
  LoweringId there;
  ResourceTypeId t;
  t = machine.add_resource_type("t", app, core([&](auto) -> Outcome {
                                  SPEC_TRY(const HandleIndex index, machine.resource_new(app, t, Rep(0u)));
                                  SPEC_CHECK(machine.resource_drop(app, t, index));
                                  return std::nullopt;
                                }));
  ASSERT_TRUE(machine.resource_new(app, t, Rep(0u)));
  EXPECT_EQ(trap_of(machine.resource_drop(app, t, HandleIndex(1u))), TrapClass::kGuestTrap);
}

// --- values in memory

TEST_F(CallTest, MoreThan16ParamsAndTwoResultsGoThroughMemory) {
  ByteMemory ours;
  ByteMemory theirs;
  std::vector<TypeRef> params(16, types::plain(Kind::kU8));
  params.push_back(borrow(thing));
  const TypeRef result = types::tuple({types::plain(Kind::kU8), own(thing)});
  const LoweringId f = connected(
      app, other, params, result,
      [&](auto args) -> Outcome {
        EXPECT_EQ(args.size(), 1u);
        EXPECT_EQ(theirs.integer(args[0] + 15, 1), 15u);
        const auto borrowed = static_cast<std::uint32_t>(theirs.integer(args[0] + 16, 4));
        EXPECT_EQ(entry(other, borrowed).rep, Rep(6u));
        SPEC_CHECK(drop(other, borrowed));
        theirs.set(512, 0xff, 1);
        theirs.set(516, 1, 4);
        return 512;
      },
      with_memory(theirs), with_memory(ours));
  ASSERT_EQ(thing_in(other, 5), 1u);
  ASSERT_EQ(thing_in(app, 6), 1u);
  for (std::uint32_t i = 0; i < 16; ++i) {
    ours.set(256 + i, i, 1);
  }
  ours.set(272, 1, 4);
  EXPECT_EQ(call(f, {256, 300}), CoreResult{}) << "the caller's out-pointer comes last";
  EXPECT_EQ(ours.integer(300, 1), 0xffu);
  EXPECT_EQ(ours.integer(304, 4), 2u);
  EXPECT_EQ(entry(app, 2).rep, Rep(5u));
}

TEST_F(CallTest, HandlesGoThroughEveryConstructorInOrder) {
  ByteMemory ours;
  ByteMemory theirs;
  const TypeRef deep =
      types::record({{"list", types::list(types::option(own(thing)))},
                     {"variant", types::variant({{"n", types::plain(Kind::kU64)}, {"h", own(thing)}})},
                     {"fixed", types::fixed_list(own(thing), 2)},
                     {"map", types::map(types::plain(Kind::kU8), own(thing))}});
  std::vector<std::uint32_t> seen;
  const LoweringId f = connected(
      app, other, {deep}, nullptr,
      [&](auto args) -> Outcome {
        seen = args;
        return std::nullopt;
      },
      with_memory(theirs), with_memory(ours));
  for (std::uint32_t rep = 11; rep <= 15; ++rep) {
    thing_in(app, rep);
  }
  ours.set(128, 1, 4);  // some(5)
  ours.set(132, 5, 4);
  ours.set(136, 0, 4);  // none, with a handle's index behind it
  ours.set(140, 4, 4);
  ours.set(160, 7, 4);  // {7: 1}
  ours.set(164, 1, 4);
  const Slots args = {i32(128), i32(2), i32(1), i64(0xdead00000004), i32(3), i32(2), i32(160), i32(1)};
  ASSERT_TRUE(machine.call(f, args));
  std::vector<std::uint32_t> reps;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    reps.push_back(entry(other, i).rep.value);
  }
  EXPECT_EQ(reps, (std::vector<std::uint32_t>{15, 14, 13, 12, 11})) << "depth first decides the indices";
  EXPECT_EQ(seen[2], 1u);
  EXPECT_EQ(seen[3], 2u);
  EXPECT_EQ(seen[4], 3u);
  EXPECT_EQ(seen[5], 4u);
  EXPECT_EQ(theirs.integer(seen[0] + 4, 4), 1u);
  EXPECT_EQ(theirs.integer(seen[0] + 8, 1), 0u);
  EXPECT_EQ(theirs.integer(seen[6] + 4, 4), 5u);
}

TEST_F(CallTest, ATextGoesFromMemoryToMemory) {
  ByteMemory ours;
  ByteMemory theirs(64);
  Options post = with_memory(theirs);
  const LoweringId f = connected(
      app, lib, {types::plain(Kind::kString)}, nullptr,
      [&](auto args) -> Outcome {
        EXPECT_EQ(theirs.text(args[0], args[1]), "meld");
        return std::nullopt;
      },
      post, with_memory(ours));
  ours.set(100, "meld");
  EXPECT_TRUE(call(f, {100, 4})) << "realloc grew the callee's memory";
}

TEST_F(CallTest, BadValuesTrapAtTheBoundary) {
  const LoweringId f = connected(app, lib, {types::plain(Kind::kChar)}, nullptr, nothing);
  const CoreResult result = call(f, {0xd800});
  EXPECT_EQ(trap_of(result), TrapClass::kBadChar);
  EXPECT_EQ(result.error().sentence, "parameters of f (app): 55296 is no Unicode scalar value");
}

// --- traps

TEST_F(CallTest, AfterATrapNothingGoesOn) {
  const LoweringId f = connected(app, lib, {}, nullptr, nothing);
  const FunctionId export_f = lifted(app, {}, nullptr, nothing);
  const std::uint32_t index = thing_in(lib, 1);
  ASSERT_EQ(trap_of(drop(lib, 99)), TrapClass::kUnknownHandle);
  EXPECT_EQ(trap_of(drop(lib, index)), TrapClass::kDead);
  EXPECT_EQ(trap_of(machine.resource_new(lib, thing, Rep(1u))), TrapClass::kDead);
  EXPECT_EQ(trap_of(machine.resource_rep(lib, thing, HandleIndex(index))), TrapClass::kDead);
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kDead);
  EXPECT_EQ(trap_of(machine.call(export_f, {})), TrapClass::kDead);
  EXPECT_EQ(trap_of(machine.run_start(app, core(nothing))), TrapClass::kDead);
  EXPECT_EQ(trap_of(machine.add_other_entry(app)), TrapClass::kDead);
  EXPECT_EQ(recorder.of("trap"), (Lines{"trap unknown_handle"})) << "told once";
  EXPECT_EQ(drop(lib, index).error().sentence,
            "machine has trapped: handle 99 of lib does not exist: it was never made, or is gone");
}

TEST_F(CallTest, AGuestCannotSwallowATrap) {
  const LoweringId f = connected(app, lib, {}, nullptr, [this](auto) -> Outcome {
    EXPECT_FALSE(drop(lib, 99));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kUnknownHandle);
}

TEST_F(CallTest, AGuestCannotRenameATrap) {
  const LoweringId f = connected(app, lib, {}, nullptr, [this](auto) -> Outcome {
    EXPECT_FALSE(drop(lib, 99));
    return trap(TrapClass::kGuestTrap, "unreachable");
  });
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kUnknownHandle);
}

TEST_F(CallTest, AGuestsOwnTrapIsAGuestTrap) {
  const LoweringId f = connected(app, lib, {}, nullptr,
                                 [](auto) -> Outcome { return trap(TrapClass::kGuestTrap, "unreachable"); });
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kGuestTrap);
  EXPECT_EQ(machine.first_trap()->sentence, "the run of f (lib): unreachable");
  EXPECT_TRUE(machine.tasks().empty());
  EXPECT_TRUE(machine.subtasks().empty());
}

TEST_F(CallTest, TrapsOfReallocAndPostReturnAreGuestTraps) {
  const Guest unreachable = [](auto) -> Outcome { return trap(TrapClass::kGuestTrap, "unreachable"); };
  Options options;
  options.post_return = core(unreachable);
  const LoweringId f = connected(app, lib, {}, nullptr, nothing, options);
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kGuestTrap);
}

}  // namespace
}  // namespace meld_verify::spec
