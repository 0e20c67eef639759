// The host as caller, as callee, and as the owner of resources.

#include "spec/machine_fixture.h"

namespace meld_verify::spec {
namespace {

using Lines = std::vector<std::string>;
using Outcome = Result<std::optional<std::uint32_t>>;

Outcome nothing(const std::vector<std::uint32_t>&) {
  return std::nullopt;
}

class HostTest : public MachineTest {
 protected:
  /// An own thing that the host holds.
  Handle held(std::uint32_t rep) {
    const FunctionId make = lifted(lib, {}, own(thing), [this, rep](auto) -> Outcome {
      SPEC_TRY(const HandleIndex index, machine.resource_new(lib, thing, Rep(rep)));
      return index.value;
    });
    return std::get<Handle>((*machine.call(make, {}).value()).content);
  }

  static Value borrowed(Handle handle) {
    handle.own = false;
    return Value{handle};
  }

  LoweringId host(InstanceId caller, std::vector<TypeRef> params, TypeRef result, HostFunction function,
                  Options options = {}) {
    return machine
        .lower(caller,
               machine.add_host_function("h", {std::move(params), std::move(result)}, std::move(function)),
               options)
        .value();
  }
};

TEST_F(HostTest, CallsAnExportWithValues) {
  ByteMemory memory;
  const FunctionId greet = lifted(
      lib, {types::plain(Kind::kString), types::plain(Kind::kS8)}, types::plain(Kind::kString),
      [&](auto args) -> Outcome {
        EXPECT_EQ(memory.text(args[0], args[1]), "meld");
        EXPECT_EQ(args[2], 0xfffffffeu);
        memory.set(512, args[0], 4);
        memory.set(516, 2, 4);
        return 512;
      },
      with_memory(memory));
  const auto result = machine.call(greet, {Value{Text{"meld", {}}}, Value{std::int64_t{-2}}});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, (Value{Text{"me", {}}}));
}

TEST_F(HostTest, GetsOwnsAndGivesThemBack) {
  const Handle handle = held(5);
  EXPECT_EQ(machine.host_owned().count(handle.object), 1u);
  const FunctionId take = lifted(app, {own(thing)}, nullptr, [this](auto args) -> Outcome {
    SPEC_CHECK(drop(app, args[0]));
    return std::nullopt;
  });
  ASSERT_TRUE(machine.call(take, {Value{handle}}));
  EXPECT_TRUE(machine.host_owned().empty());
  EXPECT_EQ(recorder.of("dtor"), (Lines{"dtor 5"}));
  EXPECT_EQ(trap_of(machine.call(take, {Value{handle}})), TrapClass::kHostFault) << "it gave it away";
}

TEST_F(HostTest, LendsToTheDefinerByRepAndToOthersByIndex) {
  const Handle handle = held(5);
  const FunctionId look = lifted(lib, {borrow(thing)}, nullptr, [](auto args) -> Outcome {
    EXPECT_EQ(args[0], 5u);
    return std::nullopt;
  });
  const FunctionId keep = lifted(app, {borrow(thing)}, nullptr, nothing);
  EXPECT_TRUE(machine.call(look, {borrowed(handle)}));
  EXPECT_EQ(machine.host_owned().at(handle.object).lends, 0u);
  EXPECT_EQ(trap_of(machine.call(keep, {borrowed(handle)})), TrapClass::kBorrowsRemain);
}

TEST_F(HostTest, CannotGiveAwayWhatItLends) {
  const Handle handle = held(5);
  const FunctionId f = lifted(app, {borrow(thing), own(thing)}, nullptr, nothing);
  EXPECT_EQ(trap_of(machine.call(f, {borrowed(handle), Value{handle}})), TrapClass::kLent);
}

TEST_F(HostTest, CannotDropWhatItLends) {
  const Handle handle = held(5);
  const LoweringId cruel = host(app, {}, nullptr, [&](auto) -> Result<std::optional<Value>> {
    SPEC_CHECK(machine.host_drop(handle));
    return std::nullopt;
  });
  const FunctionId f = lifted(app, {borrow(thing)}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(cruel, {}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(machine.call(f, {borrowed(handle)})), TrapClass::kLent);
}

TEST_F(HostTest, DropsRunTheDestructorInTheDefiner) {
  const Handle handle = held(5);
  recorder.lines.clear();
  ASSERT_TRUE(machine.host_drop(handle));
  EXPECT_EQ(recorder.lines, (Lines{"gave the host 0 own thing:5", "destroy thing:5 in lib by the host",
                                   "dtor 5", "destroyed thing:5 in lib by the host"}));
  EXPECT_EQ(trap_of(machine.host_drop(handle)), TrapClass::kHostFault);
}

TEST_F(HostTest, DropsCannotEnterADefinerOnTheStack) {
  const Handle handle = held(5);
  const LoweringId drops = host(lib, {}, nullptr, [&](auto) -> Result<std::optional<Value>> {
    SPEC_CHECK(machine.host_drop(handle));
    return std::nullopt;
  });
  const FunctionId run = lifted(lib, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(drops, {}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(machine.call(run, {})), TrapClass::kCannotEnter);
}

TEST_F(HostTest, CannotEnterAnInstanceThatCalledIt) {
  const FunctionId inner = lifted(app, {}, nullptr, nothing);
  const LoweringId back = host(app, {}, nullptr, [&](auto) -> Result<std::optional<Value>> {
    SPEC_CHECK(machine.call(inner, {}));
    return std::nullopt;
  });
  const FunctionId run = lifted(app, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(back, {}));
    return std::nullopt;
  });
  EXPECT_EQ(trap_of(machine.call(run, {})), TrapClass::kCannotEnter);
}

TEST_F(HostTest, CanEnterAnotherInstanceFromAHostFunction) {
  const FunctionId inner = lifted(other, {}, nullptr, nothing);
  const LoweringId hop = host(app, {}, nullptr, [&](auto) -> Result<std::optional<Value>> {
    SPEC_CHECK(machine.call(inner, {}));
    return std::nullopt;
  });
  const FunctionId run = lifted(app, {}, nullptr, [&](auto) -> Outcome {
    SPEC_CHECK(call(hop, {}));
    return std::nullopt;
  });
  EXPECT_TRUE(machine.call(run, {}));
}

TEST_F(HostTest, FunctionsGetOwnsAndBorrows) {
  std::vector<Value> seen;
  const LoweringId f = host(app, {borrow(thing), own(thing)}, types::plain(Kind::kU8),
                            [&](std::vector<Value> args) -> Result<std::optional<Value>> {
                              seen = std::move(args);
                              EXPECT_EQ(entry(app, 1).lends, 1u);
                              return Value{std::uint64_t{7}};
                            });
  ASSERT_EQ(thing_in(app, 11), 1u);
  ASSERT_EQ(thing_in(app, 12), 2u);
  EXPECT_EQ(call(f, {1, 2}), gives(7));
  EXPECT_EQ(entry(app, 1).lends, 0u);
  EXPECT_EQ(std::get<Handle>(seen[0].content).rep, Rep(11u));
  EXPECT_EQ(machine.host_owned().count(std::get<Handle>(seen[1].content).object), 1u);
  EXPECT_EQ(machine.host_owned().size(), 1u) << "a borrow is not owned";
}

TEST_F(HostTest, LendsABorrowOnOnlyWhileItHasIt) {
  const FunctionId look = lifted(lib, {borrow(thing)}, nullptr, [](auto args) -> Outcome {
    EXPECT_EQ(args[0], 11u);
    return std::nullopt;
  });
  Value kept;
  const LoweringId f =
      host(app, {borrow(thing)}, nullptr, [&](std::vector<Value> args) -> Result<std::optional<Value>> {
        kept = args[0];
        SPEC_CHECK(machine.call(look, {args[0]}));
        return std::nullopt;
      });
  ASSERT_TRUE(call(f, {thing_in(app, 11)}));
  EXPECT_EQ(trap_of(machine.call(look, {kept})), TrapClass::kHostFault);
}

TEST_F(HostTest, ResourcesOfTheHostHaveItsReps) {
  std::vector<std::uint32_t> destroyed;
  const ResourceTypeId file = machine.add_host_resource_type("file", [&](Rep rep) -> Result<void> {
    destroyed.push_back(rep.value);
    return {};
  });
  const LoweringId open = host(app, {}, own(file), [&](auto) -> Result<std::optional<Value>> {
    return Value{machine.host_new(file, Rep(900u))};
  });
  std::uint32_t seen = 0;
  const LoweringId read =
      host(app, {borrow(file)}, nullptr, [&](std::vector<Value> args) -> Result<std::optional<Value>> {
        seen = std::get<Handle>(args[0].content).rep.value;
        return std::nullopt;
      });
  EXPECT_EQ(call(open, {}), gives(1)) << "an index, never the rep";
  ASSERT_TRUE(call(read, {1}));
  EXPECT_EQ(seen, 900u);
  ASSERT_TRUE(machine.resource_drop(app, file, HandleIndex(1u)));
  EXPECT_EQ(destroyed, (std::vector<std::uint32_t>{900}));
  EXPECT_EQ(recorder.of("destroy "), (Lines{"destroy file:900 in the host by app"}));
}

TEST_F(HostTest, AHostsResourceArrivesInEveryGuestAsAnIndex) {
  const ResourceTypeId file = machine.add_host_resource_type("file");
  const Handle handle = machine.host_new(file, Rep(900u));
  const FunctionId look = lifted(app, {borrow(file)}, nullptr, [&](auto args) -> Outcome {
    EXPECT_EQ(args[0], 1u);
    SPEC_CHECK(machine.resource_drop(app, file, HandleIndex(args[0])));
    return std::nullopt;
  });
  EXPECT_TRUE(machine.call(look, {borrowed(handle)}));
}

TEST_F(HostTest, AHostThatRefusesIsAHostTrap) {
  const LoweringId f = host(app, {}, nullptr, [](auto) -> Result<std::optional<Value>> {
    return trap(TrapClass::kHostTrap, "exit");
  });
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kHostTrap);
}

TEST_F(HostTest, ValuesOfAnotherTypeAreItsFault) {
  const LoweringId f = host(app, {}, types::plain(Kind::kU8),
                            [](auto) -> Result<std::optional<Value>> { return Value{true}; });
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kHostFault);
}

TEST_F(HostTest, ArgumentsOfAnotherNumberAreItsFault) {
  const FunctionId f = lifted(app, {types::plain(Kind::kU8)}, nullptr, nothing);
  EXPECT_EQ(trap_of(machine.call(f, {})), TrapClass::kHostFault);
}

TEST_F(HostTest, FunctionsCannotBeCalledInReallocOrPostReturn) {
  const LoweringId f =
      host(lib, {}, nullptr, [](auto) -> Result<std::optional<Value>> { return std::nullopt; });
  Options options;
  options.post_return = core([&](auto) -> Outcome {
    SPEC_CHECK(call(f, {}));
    return std::nullopt;
  });
  const LoweringId g = connected(app, lib, {}, nullptr, nothing, options);
  EXPECT_EQ(trap_of(call(g, {})), TrapClass::kCannotLeave);
}

TEST_F(HostTest, AStartFunctionRunsAsIfEntered) {
  const FunctionId f = lifted(app, {}, nullptr, nothing);
  const LoweringId back = host(app, {}, nullptr, [&](auto) -> Result<std::optional<Value>> {
    SPEC_CHECK(machine.call(f, {}));
    return std::nullopt;
  });
  const LoweringId out = connected(app, other, {}, nullptr, nothing);
  EXPECT_TRUE(machine.run_start(app, core([&](auto) -> Outcome {
                                  SPEC_CHECK(call(out, {}));
                                  return std::nullopt;
                                })));
  EXPECT_EQ(trap_of(machine.run_start(app, core([&](auto) -> Outcome {
                                        SPEC_CHECK(call(back, {}));
                                        return std::nullopt;
                                      }))),
            TrapClass::kCannotEnter);
}

TEST_F(HostTest, FinishTellsWhatIsLive) {
  thing_in(app, 1);
  thing_in(lib, 2);
  held(3);
  recorder.lines.clear();
  machine.finish();
  EXPECT_EQ(recorder.lines,
            (Lines{"live app 1 own thing:1", "live lib 1 own thing:2", "live the host 0 own thing:3"}));
}

TEST_F(HostTest, AMillionObjectsNeedOneSlot) {
  Machine quiet;
  const InstanceId a = quiet.add_instance("a");
  const ResourceTypeId t = quiet.add_resource_type("t", a, core(nothing));
  for (std::uint32_t i = 0; i < 1000000; ++i) {
    ASSERT_EQ(quiet.resource_new(a, t, Rep(i)), HandleIndex(1u));
    ASSERT_TRUE(quiet.resource_drop(a, t, HandleIndex(1u)));
  }
  EXPECT_EQ(quiet.instance(a).table.slots().size(), 2u);
}

}  // namespace
}  // namespace meld_verify::spec
