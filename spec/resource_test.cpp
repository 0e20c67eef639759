// semantics.md 2.3, 2.6 and what is observable of 2.2.

#include "spec/machine_fixture.h"

namespace meld_verify::spec {
namespace {

using Lines = std::vector<std::string>;
using Outcome = Result<std::optional<std::uint32_t>>;

class ResourceTest : public MachineTest {};
class ResourceDonutTest : public DonutTest {};

TEST_F(ResourceTest, NewRepAndDropInTheDefiner) {
  EXPECT_EQ(machine.resource_new(lib, thing, Rep(50u)), HandleIndex(1u));
  EXPECT_EQ(machine.resource_new(lib, thing, Rep(50u)), HandleIndex(2u)) << "equal reps, two resources";
  EXPECT_NE(entry(lib, 1).object, entry(lib, 2).object);
  EXPECT_EQ(machine.resource_rep(lib, thing, HandleIndex(2u)), Rep(50u));
  EXPECT_TRUE(drop(lib, 1));
  EXPECT_EQ(recorder.of("dtor"), (Lines{"dtor 50"}));
  EXPECT_EQ(machine.resource_new(lib, thing, Rep(51u)), HandleIndex(1u));
}

TEST_F(ResourceTest, NewAndRepAreForTheDefinerOnly) {
  EXPECT_EQ(trap_of(machine.resource_new(app, thing, Rep(1u))), TrapClass::kNotValid);
}

TEST_F(ResourceTest, RepIsForTheDefinerOnly) {
  const std::uint32_t index = thing_in(app, 1);
  EXPECT_EQ(trap_of(machine.resource_rep(app, thing, HandleIndex(index))), TrapClass::kNotValid);
}

class ForgedIndexTest : public ResourceTest, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(ForgedIndexTest, DropTraps) {
  thing_in(lib, 1);
  thing_in(lib, 2);
  ASSERT_TRUE(drop(lib, 2));
  EXPECT_EQ(trap_of(drop(lib, GetParam())), TrapClass::kUnknownHandle);
}

TEST_P(ForgedIndexTest, RepTraps) {
  thing_in(lib, 1);
  thing_in(lib, 2);
  ASSERT_TRUE(drop(lib, 2));
  EXPECT_EQ(trap_of(machine.resource_rep(lib, thing, HandleIndex(GetParam()))), TrapClass::kUnknownHandle);
}

TEST_P(ForgedIndexTest, OwnAndBorrowParamsTrap) {
  for (const bool owned : {true, false}) {
    Recorder silent;
    Machine fresh({}, &silent);
    silent.machine = &fresh;
    const InstanceId a = fresh.add_instance("a");
    const InstanceId b = fresh.add_instance("b");
    const ResourceTypeId t = fresh.add_resource_type("t", a);
    ASSERT_TRUE(fresh.resource_new(a, t, Rep(1u)));
    ASSERT_TRUE(fresh.resource_new(a, t, Rep(2u)));
    ASSERT_TRUE(fresh.resource_drop(a, t, HandleIndex(2u)));
    const FunctionId f =
        fresh
            .lift("f", b, {{owned ? types::own(t) : types::borrow(t)}, nullptr}, core([](auto) -> Outcome {
                    ADD_FAILURE() << "must not run";
                    return std::nullopt;
                  }))
            .value();
    const Slots args = {i32(GetParam())};
    EXPECT_EQ(trap_of(fresh.call(fresh.lower(a, f).value(), args)), TrapClass::kUnknownHandle);
  }
}

INSTANTIATE_TEST_SUITE_P(ZeroGoneNeverAllocatedAndHuge, ForgedIndexTest,
                         testing::Values(0u, 2u, 3u, 0x10000000u, 0xffffffffu));

TEST_F(ResourceTest, AnIndexIsUnknownInAnotherInstance) {
  const std::uint32_t index = thing_in(app, 1);
  EXPECT_EQ(trap_of(drop(other, index)), TrapClass::kUnknownHandle);
}

TEST_F(ResourceTest, DropOfAnotherTypeTraps) {
  const ResourceTypeId second = machine.add_resource_type("second", lib);
  thing_in(lib, 1);
  EXPECT_EQ(trap_of(machine.resource_drop(lib, second, HandleIndex(1u))), TrapClass::kWrongType);
}

TEST_F(ResourceTest, RepOfAnotherTypeTraps) {
  const ResourceTypeId second = machine.add_resource_type("second", lib);
  thing_in(lib, 1);
  EXPECT_EQ(trap_of(machine.resource_rep(lib, second, HandleIndex(1u))), TrapClass::kWrongType);
}

TEST_F(ResourceTest, AReusedIndexIsOfItsNewType) {
  const ResourceTypeId second = machine.add_resource_type("second", lib);
  thing_in(lib, 1);
  ASSERT_TRUE(drop(lib, 1));
  ASSERT_EQ(machine.resource_new(lib, second, Rep(2u)), HandleIndex(1u));
  EXPECT_EQ(trap_of(drop(lib, 1)), TrapClass::kWrongType);
}

TEST_F(ResourceTest, DropOfWhatIsNoResourceTraps) {
  ASSERT_EQ(machine.add_other_entry(lib), HandleIndex(1u));
  EXPECT_EQ(thing_in(lib, 1), 2u) << "it shifts the indices of resources";
  EXPECT_EQ(trap_of(drop(lib, 1)), TrapClass::kNotAResource);
}

TEST_F(ResourceTest, RepOfWhatIsNoResourceTraps) {
  ASSERT_EQ(machine.add_other_entry(lib), HandleIndex(1u));
  EXPECT_EQ(trap_of(machine.resource_rep(lib, thing, HandleIndex(1u))), TrapClass::kNotAResource);
}

class FullTableTest : public MachineTest {
 protected:
  FullTableTest() : MachineTest(Limits{2, false, 500}) {}
};

TEST_F(FullTableTest, NewTraps) {
  thing_in(lib, 1);
  thing_in(lib, 2);
  EXPECT_EQ(trap_of(machine.resource_new(lib, thing, Rep(3u))), TrapClass::kTableFull);
}

TEST_F(FullTableTest, LoweringAnOwnTraps) {
  const LoweringId give =
      connected(lib, app, {own(thing)}, nullptr, [](auto) -> Outcome { return std::nullopt; });
  for (std::uint32_t rep = 0; rep < 2; ++rep) {
    ASSERT_TRUE(call(give, {thing_in(lib, rep)}));
  }
  EXPECT_EQ(trap_of(call(give, {thing_in(lib, 3)})), TrapClass::kTableFull);
}

TEST_F(FullTableTest, LoweringABorrowTraps) {
  const LoweringId look = connected(lib, app, {borrow(thing), borrow(thing), borrow(thing)}, nullptr,
                                    [](auto) -> Outcome { return std::nullopt; });
  const std::uint32_t index = thing_in(lib, 1);
  EXPECT_EQ(trap_of(call(look, {index, index, index})), TrapClass::kTableFull);
}

TEST_F(ResourceTest, TheDestructorRunsInTheDefinerWhoeverDrops) {
  EXPECT_EQ(thing_in(app, 41), 1u);
  EXPECT_EQ(thing_in(other, 42), 1u);
  recorder.lines.clear();
  ASSERT_TRUE(drop(other, 1));
  ASSERT_TRUE(drop(app, 1));
  EXPECT_EQ(recorder.of("destroy "),
            (Lines{"destroy thing:42 in lib by other", "destroy thing:41 in lib by app"}));
  EXPECT_EQ(recorder.of("dtor"), (Lines{"dtor 42", "dtor 41"}));
}

TEST_F(ResourceTest, EachTypeAndEachInstanceHasItsOwnDestructor) {
  const ResourceTypeId second =
      machine.add_resource_type("second", lib, core([this](auto args) { return note("second", args); }));
  const ResourceTypeId plain = machine.add_resource_type("plain", other);
  ASSERT_EQ(thing_in(lib, 1), 1u);
  ASSERT_EQ(machine.resource_new(lib, second, Rep(1u)), HandleIndex(2u)) << "types share the table";
  ASSERT_EQ(machine.resource_new(other, plain, Rep(1u)), HandleIndex(1u)) << "instances do not";
  recorder.lines.clear();
  ASSERT_TRUE(machine.resource_drop(lib, second, HandleIndex(2u)));
  ASSERT_TRUE(drop(lib, 1));
  ASSERT_TRUE(machine.resource_drop(other, plain, HandleIndex(1u)));
  EXPECT_EQ(recorder.of("second"), (Lines{"second 1"}));
  EXPECT_EQ(recorder.of("dtor"), (Lines{"dtor 1"}));
  EXPECT_EQ(recorder.of("destroy plain"), (Lines{"destroy plain:1 in other by other without code"}));
}

TEST_F(ResourceTest, TheSlotIsFreeBeforeTheDestructorRuns) {
  std::uint32_t seen = 0;
  ResourceTypeId t;
  t = machine.add_resource_type("t", lib, core([&](auto args) -> Outcome {
                                  if (args[0] == 1) {
                                    seen = machine.resource_new(lib, t, Rep(2u)).value().value;
                                  }
                                  return std::nullopt;
                                }));
  ASSERT_EQ(machine.resource_new(lib, t, Rep(1u)), HandleIndex(1u));
  ASSERT_TRUE(machine.resource_drop(lib, t, HandleIndex(1u)));
  EXPECT_EQ(seen, 1u);
}

TEST_F(ResourceTest, ADestructorMayDropAndCall) {
  const LoweringId log = connected(lib, other, {types::plain(Kind::kU32)}, nullptr,
                                   [this](auto args) { return note("log", args); });
  ResourceTypeId outer = machine.add_resource_type("outer", lib, core([&](auto args) -> Outcome {
                                                     SPEC_CHECK(call(log, {args[0]}));
                                                     SPEC_CHECK(drop(lib, args[0]));
                                                     return std::nullopt;
                                                   }));
  ASSERT_EQ(thing_in(lib, 77), 1u);
  ASSERT_EQ(machine.resource_new(lib, outer, Rep(1u)), HandleIndex(2u));
  recorder.lines.clear();
  ASSERT_TRUE(machine.resource_drop(lib, outer, HandleIndex(2u)));
  EXPECT_EQ(recorder.of("log"), (Lines{"log 1"}));
  EXPECT_EQ(recorder.of("dtor"), (Lines{"dtor 77"}));
  EXPECT_EQ(recorder.of("destroyed"),
            (Lines{"destroyed thing:77 in lib by lib", "destroyed outer:1 in lib by lib"}));
}

TEST_F(ResourceTest, ATrapInADestructorStopsTheMachine) {
  const ResourceTypeId t = machine.add_resource_type(
      "t", lib, core([](auto) -> Outcome { return trap(TrapClass::kGuestTrap, "unreachable"); }));
  ASSERT_TRUE(machine.resource_new(lib, t, Rep(1u)));
  EXPECT_EQ(trap_of(machine.resource_drop(lib, t, HandleIndex(1u))), TrapClass::kGuestTrap);
  EXPECT_EQ(trap_of(machine.resource_new(lib, t, Rep(1u))), TrapClass::kDead);
}

TEST_F(ResourceTest, TheDropOfABorrowRunsNoDestructor) {
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, [this](auto args) -> Outcome {
    SPEC_CHECK(drop(other, args[0]));
    return std::nullopt;
  });
  const std::uint32_t index = thing_in(app, 5);
  recorder.lines.clear();
  ASSERT_TRUE(call(look, {index}));
  EXPECT_TRUE(recorder.of("destroy").empty());
  EXPECT_EQ(entry(app, index).kind, EntryKind::kOwn) << "it is still there";
}

/// A borrow counts for the task that it was made for, not for the one that runs (2.6).
TEST_F(ResourceTest, ADestructorMayDropABorrowOfTheCallAroundIt) {
  std::uint32_t kept = 0;
  const ResourceTypeId mine = machine.add_resource_type("mine", other, core([&](auto) -> Outcome {
                                                          SPEC_CHECK(drop(other, kept));
                                                          return std::nullopt;
                                                        }));
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, [&](auto args) -> Outcome {
    kept = args[0];
    SPEC_TRY(const HandleIndex index, machine.resource_new(other, mine, Rep(1u)));
    SPEC_CHECK(machine.resource_drop(other, mine, index));
    EXPECT_EQ(machine.tasks().back()->borrows, 0u);
    return std::nullopt;
  });
  const std::uint32_t index = thing_in(app, 5);
  EXPECT_TRUE(call(look, {index}));
}

TEST_F(ResourceTest, ADestructorThatKeepsABorrowDoesNotFailAtItsOwnExit) {
  const ResourceTypeId mine =
      machine.add_resource_type("mine", other, core([](auto) -> Outcome { return std::nullopt; }));
  const LoweringId look = connected(app, other, {borrow(thing)}, nullptr, [&](auto) -> Outcome {
    SPEC_TRY(const HandleIndex index, machine.resource_new(other, mine, Rep(1u)));
    SPEC_CHECK(machine.resource_drop(other, mine, index));
    note("after", {});
    return std::nullopt;
  });
  const std::uint32_t index = thing_in(app, 5);
  EXPECT_EQ(trap_of(call(look, {index})), TrapClass::kBorrowsRemain);
  EXPECT_EQ(recorder.of("after").size(), 1u);
}

/// app (on the stack) -> lib, which drops a resource that app defines: the destructor would enter app again.
TEST_F(ResourceTest, ADestructorCannotEnterASiblingOnTheStack) {
  for (const bool has_code : {true, false}) {
    Machine fresh;
    const InstanceId a = fresh.add_instance("a");
    const InstanceId b = fresh.add_instance("b");
    const ResourceTypeId t = fresh.add_resource_type(
        "t", a, has_code ? core([](auto) -> Outcome { return std::nullopt; }) : CoreFunction{});
    const FunctionId take = fresh
                                .lift("take", b, {{types::own(t)}, nullptr}, core([&](auto args) -> Outcome {
                                        SPEC_CHECK(fresh.resource_drop(b, t, HandleIndex(args[0])));
                                        return std::nullopt;
                                      }))
                                .value();
    const LoweringId give = fresh.lower(a, take).value();
    const FunctionId run = fresh
                               .lift("run", a, {{}, nullptr}, core([&](auto) -> Outcome {
                                       SPEC_TRY(const HandleIndex index, fresh.resource_new(a, t, Rep(1u)));
                                       SPEC_CHECK(fresh.call(give, Slots{i32(index.value)}));
                                       return std::nullopt;
                                     }))
                               .value();
    EXPECT_EQ(trap_of(fresh.call(run, {})), TrapClass::kCannotEnter) << has_code;
  }
}

TEST_F(ResourceTest, ADescendantMayDropItsAncestorsResource) {
  const InstanceId parent = machine.add_instance("parent");
  const InstanceId child = machine.add_instance("child", parent);
  const ResourceTypeId t =
      machine.add_resource_type("t", parent, core([this](auto args) { return note("parent-dtor", args); }));
  const FunctionId make = lifted(parent, {}, own(t), [&](auto) -> Outcome {
    SPEC_TRY(const HandleIndex index, machine.resource_new(parent, t, Rep(8u)));
    return index.value;
  });
  const FunctionId take = lifted(child, {own(t)}, nullptr, [&](auto args) -> Outcome {
    EXPECT_FALSE(machine.instance(parent).may_enter);
    SPEC_CHECK(machine.resource_drop(child, t, HandleIndex(args[0])));
    EXPECT_FALSE(machine.instance(parent).may_enter) << "the set was empty";
    return std::nullopt;
  });
  const auto made = machine.call(make, {});
  ASSERT_TRUE(made);
  ASSERT_TRUE(machine.call(take, {**made}));
  EXPECT_EQ(recorder.of("parent-dtor"), (Lines{"parent-dtor 8"}));
  EXPECT_TRUE(machine.instance(parent).may_enter);
  EXPECT_TRUE(machine.instance(child).may_enter);
}

/// Parent drops a child-defined own while the child is on the stack, destructor or not.
TEST_F(ResourceDonutTest, AParentCannotDropIntoAChildOnTheStack) {
  const InstanceId parent = machine.add_instance("parent");
  const InstanceId child = machine.add_instance("child", parent);
  const ResourceTypeId t = machine.add_resource_type("t", child);
  const LoweringId up = connected(child, parent, {own(t)}, nullptr, [&](auto args) -> Outcome {
    SPEC_CHECK(machine.resource_drop(parent, t, HandleIndex(args[0])));
    return std::nullopt;
  });
  const FunctionId run = lifted(child, {}, nullptr, [&](auto) -> Outcome {
    SPEC_TRY(const HandleIndex index, machine.resource_new(child, t, Rep(1u)));
    SPEC_CHECK(call(up, {index.value}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(machine.call(run, {})), TrapClass::kCannotEnter);
}

/// The one way to see a lend in sync code beside a second parameter: a donut's destructor in the lender.
TEST_F(ResourceDonutTest, DropOfALentEntryTraps) {
  const InstanceId parent = machine.add_instance("parent");
  const InstanceId child = machine.add_instance("child", parent);
  std::uint32_t lent = 0;
  ResourceTypeId t;
  t = machine.add_resource_type("t", parent, core([&](auto args) -> Outcome {
                                  if (args[0] == 2) {
                                    SPEC_CHECK(machine.resource_drop(parent, t, HandleIndex(lent)));
                                  }
                                  return std::nullopt;
                                }));
  const LoweringId down = connected(parent, child, {borrow(t), own(t)}, nullptr, [&](auto args) -> Outcome {
    EXPECT_EQ(entry(parent, lent).lends, 1u);
    SPEC_CHECK(machine.resource_drop(child, t, HandleIndex(args[1])));
    return std::nullopt;
  });
  lent = machine.resource_new(parent, t, Rep(1u)).value().value;
  const std::uint32_t second = machine.resource_new(parent, t, Rep(2u)).value().value;
  EXPECT_EQ(trap_of(call(down, {lent, second})), TrapClass::kLent);
}

}  // namespace
}  // namespace meld_verify::spec
