// semantics.md 2.3 and 2.5: what realloc and post-return may do.

#include "spec/machine_fixture.h"

namespace meld_verify::spec {
namespace {

using Outcome = Result<std::optional<std::uint32_t>>;

Outcome nothing(const std::vector<std::uint32_t>&) {
  return std::nullopt;
}

class ConfinedTest : public MachineTest {
 protected:
  /// What a guest must not do in realloc and post-return of `lib`.
  std::vector<Guest> escapes() {
    const LoweringId out = connected(lib, other, {}, nullptr, nothing);
    return {[this](auto) -> Outcome {
              SPEC_CHECK(machine.resource_new(lib, thing, Rep(1u)));
              return 64;
            },
            [this](auto) -> Outcome {
              SPEC_CHECK(drop(lib, 1));
              return 64;
            },
            [this, out](auto) -> Outcome {
              SPEC_CHECK(call(out, {}));
              return 64;
            }};
  }
};

TEST_F(ConfinedTest, PostReturnMayOnlyLookAtReps) {
  Options options;
  options.post_return = core([this](auto) -> Outcome {
    EXPECT_EQ(machine.resource_rep(lib, thing, HandleIndex(1u)), Rep(31u));
    EXPECT_FALSE(machine.instance(lib).may_leave);
    return std::nullopt;
  });
  const LoweringId f = connected(app, lib, {}, nullptr, nothing, options);
  ASSERT_EQ(thing_in(lib, 31), 1u);
  EXPECT_TRUE(call(f, {}));
  EXPECT_TRUE(machine.instance(lib).may_leave);
}

class EscapeTest : public ConfinedTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(EscapeTest, FromPostReturnTraps) {
  Options options;
  const Guest escape = escapes()[GetParam()];
  options.post_return = core([escape](auto args) -> Outcome {
    SPEC_CHECK(escape(args));
    return std::nullopt;
  });
  const LoweringId f = connected(app, lib, {}, nullptr, nothing, options);
  thing_in(lib, 1);
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kCannotLeave);
}

TEST_P(EscapeTest, FromTheCalleesReallocTraps) {
  ByteMemory ours;
  ByteMemory theirs;
  Options options = with_memory(theirs);
  options.realloc = core(escapes()[GetParam()]);
  const LoweringId f =
      connected(app, lib, {types::plain(Kind::kString)}, nullptr, nothing, options, with_memory(ours));
  ours.set(64, "abc");
  thing_in(lib, 1);
  EXPECT_EQ(trap_of(call(f, {64, 3})), TrapClass::kCannotLeave);
}

TEST_P(EscapeTest, FromTheCallersReallocTraps) {
  ByteMemory ours;
  ByteMemory theirs;
  theirs.set(64, 70, 4);
  theirs.set(68, 1, 4);
  theirs.set(70, "x");
  Options options = with_memory(ours);
  options.realloc = core(escapes()[GetParam()]);
  const LoweringId f = connected(
      lib, app, {}, types::plain(Kind::kString),
      [&theirs](auto) -> Outcome {
        theirs.set(80, 90, 4);
        theirs.set(84, 1, 4);
        theirs.set(90, "x");
        return 80;
      },
      with_memory(theirs), options);
  thing_in(lib, 1);
  EXPECT_EQ(trap_of(call(f, {64})), TrapClass::kCannotLeave);
}

INSTANTIATE_TEST_SUITE_P(NewDropAndCall, EscapeTest, testing::Values(0u, 1u, 2u));

}  // namespace
}  // namespace meld_verify::spec
