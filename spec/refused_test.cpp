// What is refused where it is defined or called: unsupported, or against validation.

#include "spec/machine_fixture.h"

namespace meld_verify::spec {
namespace {

using Outcome = Result<std::optional<std::uint32_t>>;

Outcome nothing(const std::vector<std::uint32_t>&) {
  return std::nullopt;
}

class RefusedTest : public MachineTest {
 protected:
  TrapClass lift_of(FunctionType type, Options options = {}) {
    return trap_of(machine.lift("f", lib, std::move(type), core(nothing), std::move(options)));
  }
};

TEST_F(RefusedTest, AsyncStreamsFuturesAndErrorContexts) {
  Options async;
  async.async = true;
  EXPECT_EQ(lift_of({{}, nullptr}, async), TrapClass::kUnsupported);
  EXPECT_EQ(trap_of(machine.lower(app, lifted(lib, {}, nullptr, nothing), async)), TrapClass::kUnsupported);
  for (const Kind kind : {Kind::kStream, Kind::kFuture, Kind::kErrorContext}) {
    EXPECT_EQ(lift_of({{types::list(types::plain(kind))}, nullptr}), TrapClass::kUnsupported);
  }
  EXPECT_FALSE(machine.first_trap()) << "a refusal is no trap";
}

TEST_F(RefusedTest, CallsToOneselfAnAncestorOrADescendant) {
  const InstanceId child = machine.add_instance("child", app);
  const InstanceId grandchild = machine.add_instance("grandchild", child);
  const InstanceId nephew = machine.add_instance("nephew", app);
  const FunctionId of_app = lifted(app, {}, nullptr, nothing);
  const FunctionId of_grandchild = lifted(grandchild, {}, nullptr, nothing);
  EXPECT_EQ(trap_of(machine.lower(app, of_app)), TrapClass::kUnsupported);
  EXPECT_EQ(trap_of(machine.lower(grandchild, of_app)), TrapClass::kUnsupported);
  EXPECT_EQ(trap_of(machine.lower(app, of_grandchild)), TrapClass::kUnsupported);
  EXPECT_TRUE(machine.lower(nephew, of_grandchild));
  EXPECT_TRUE(machine.lower(lib, of_app));
}

TEST_F(RefusedTest, StringsBetweenTwoEncodings) {
  ByteMemory memory;
  Options utf16 = with_memory(memory);
  utf16.encoding = Encoding::kUtf16;
  const FunctionId text = lifted(lib, {types::plain(Kind::kString)}, nullptr, nothing, utf16);
  EXPECT_EQ(trap_of(machine.lower(app, text, with_memory(memory))), TrapClass::kUnsupported);
  EXPECT_TRUE(machine.lower(app, text, utf16));
  const FunctionId bytes = lifted(lib, {types::list(types::plain(Kind::kU8))}, nullptr, nothing, utf16);
  EXPECT_TRUE(machine.lower(app, bytes, with_memory(memory))) << "no string in it";
}

TEST_F(RefusedTest, WhatAValidatorRefuses) {
  ByteMemory memory;
  Options no_realloc;
  no_realloc.memory = &memory;
  const TypeRef text = types::plain(Kind::kString);
  EXPECT_EQ(lift_of({{}, borrow(thing)}), TrapClass::kNotValid);
  EXPECT_EQ(lift_of({{}, types::option(types::list(borrow(thing)))}, with_memory(memory)),
            TrapClass::kNotValid);
  EXPECT_EQ(lift_of({{text}, nullptr}), TrapClass::kNotValid);
  EXPECT_EQ(lift_of({{text}, nullptr}, no_realloc), TrapClass::kNotValid);
  EXPECT_EQ(lift_of({std::vector<TypeRef>(17, text), nullptr}, no_realloc), TrapClass::kNotValid);
  EXPECT_EQ(lift_of({{}, text}), TrapClass::kNotValid);
  EXPECT_TRUE(machine.lift("f", lib, {{}, text}, core(nothing), no_realloc)) << "results are lifted from it";
  EXPECT_EQ(lift_of({{types::fixed_list(types::plain(Kind::kU64), 1u << 26)}, nullptr}, with_memory(memory)),
            TrapClass::kNotValid);
  const FunctionId takes = lifted(lib, {text}, nullptr, nothing, with_memory(memory));
  EXPECT_TRUE(machine.lower(app, takes, no_realloc)) << "params are lifted from it";
  const FunctionId gives = lifted(lib, {}, text, nothing, with_memory(memory));
  EXPECT_EQ(trap_of(machine.lower(app, gives, no_realloc)), TrapClass::kNotValid);
}

TEST_F(RefusedTest, CoreFunctionsOfAnotherType) {
  const LoweringId f = connected(app, lib, {}, types::plain(Kind::kU32), nothing);
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kNotValid);
}

TEST_F(RefusedTest, CallsWithAnotherNumberOfCoreValues) {
  const LoweringId f = connected(app, lib, {types::plain(Kind::kU32)}, nullptr, nothing);
  EXPECT_EQ(trap_of(call(f, {})), TrapClass::kNotValid);
}

}  // namespace
}  // namespace meld_verify::spec
