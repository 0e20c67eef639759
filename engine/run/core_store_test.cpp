#include "engine/run/core_store.h"

#include <gtest/gtest.h>

#include <array>

#include "engine/wasm/wabt_text.h"

namespace meld_verify::run {
namespace {

/// (module
///   (import "host" "double" (func $double (param i32) (result i32)))
///   (import "host" "wide" (func $wide (param i64 f32 f64) (result i64)))
///   (memory (export "memory") 1 2)
///   (func (export "twice") (param i32) (result i32) (call $double (call $double (local.get 0))))
///   (func (export "stop") unreachable)
///   (func $deep (export "deep") (param i32) (result i32)
///     (if (result i32) (local.get 0)
///       (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))
///   (func (export "pass") (param i64 f32 f64) (result i64)
///     (call $wide (local.get 0) (local.get 1) (local.get 2)))
///   (func (export "grow") (result i32) (memory.grow (i32.const 1)))
///   (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0))))
constexpr auto kModule = std::to_array<std::uint8_t>(
    {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x14, 0x04, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x60,
     0x03, 0x7e, 0x7d, 0x7c, 0x01, 0x7e, 0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x7f, 0x02, 0x1b, 0x02, 0x04,
     0x68, 0x6f, 0x73, 0x74, 0x06, 0x64, 0x6f, 0x75, 0x62, 0x6c, 0x65, 0x00, 0x00, 0x04, 0x68, 0x6f, 0x73,
     0x74, 0x04, 0x77, 0x69, 0x64, 0x65, 0x00, 0x01, 0x03, 0x07, 0x06, 0x00, 0x02, 0x00, 0x01, 0x03, 0x00,
     0x05, 0x04, 0x01, 0x01, 0x01, 0x02, 0x07, 0x35, 0x07, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02,
     0x00, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x00, 0x02, 0x04, 0x73, 0x74, 0x6f, 0x70, 0x00, 0x03, 0x04,
     0x64, 0x65, 0x65, 0x70, 0x00, 0x04, 0x04, 0x70, 0x61, 0x73, 0x73, 0x00, 0x05, 0x04, 0x67, 0x72, 0x6f,
     0x77, 0x00, 0x06, 0x04, 0x70, 0x65, 0x65, 0x6b, 0x00, 0x07, 0x0a, 0x3a, 0x06, 0x08, 0x00, 0x20, 0x00,
     0x10, 0x00, 0x10, 0x00, 0x0b, 0x03, 0x00, 0x00, 0x0b, 0x11, 0x00, 0x20, 0x00, 0x04, 0x7f, 0x20, 0x00,
     0x41, 0x01, 0x6b, 0x10, 0x04, 0x05, 0x41, 0x07, 0x0b, 0x0b, 0x0a, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20,
     0x02, 0x10, 0x01, 0x0b, 0x06, 0x00, 0x41, 0x01, 0x40, 0x00, 0x0b, 0x07, 0x00, 0x20, 0x00, 0x2d, 0x00,
     0x00, 0x0b, 0x00, 0x1c, 0x04, 0x6e, 0x61, 0x6d, 0x65, 0x01, 0x15, 0x03, 0x00, 0x06, 0x64, 0x6f, 0x75,
     0x62, 0x6c, 0x65, 0x01, 0x04, 0x77, 0x69, 0x64, 0x65, 0x04, 0x04, 0x64, 0x65, 0x65, 0x70});

CoreValue i32(std::uint32_t value) {
  return {CoreType::kI32, value};
}

class CoreStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto loaded = store.load(kModule.data(), kModule.size());
    ASSERT_TRUE(std::holds_alternative<CoreStore::ModuleId>(loaded));
    module = std::get<CoreStore::ModuleId>(loaded);
    const CoreExtern doubled = store.host_function(
        {{CoreType::kI32}, {CoreType::kI32}},
        [this](const auto& arguments, auto& results) { return on_double(arguments, results); });
    const CoreExtern wide =
        store.host_function(store.import_signature(module, 1), [this](const auto& arguments, auto& results) {
          seen = arguments;
          results[0].bits = arguments[0].bits;
          return std::unique_ptr<CoreTrap>();
        });
    const auto made = store.instantiate(module, {doubled, wide});
    ASSERT_TRUE(std::holds_alternative<CoreStore::InstanceId>(made));
    instance = std::get<CoreStore::InstanceId>(made);
  }

  CoreResult<CoreStore::Values> call(const std::string& name, const CoreStore::Values& arguments) {
    return store.call(*store.find(instance, name), arguments);
  }

  CoreStore store;
  CoreStore::ModuleId module{};
  CoreStore::InstanceId instance{};
  CoreStore::HostFunction on_double = [](const CoreStore::Values& arguments, CoreStore::Values& results) {
    results[0].bits = 2 * arguments[0].bits;
    return std::unique_ptr<CoreTrap>();
  };
  CoreStore::Values seen;
};

TEST_F(CoreStoreTest, CodeCallsTheHostAndComesBack) {
  const auto outcome = call("twice", {i32(5)});
  ASSERT_TRUE(std::holds_alternative<CoreStore::Values>(outcome));
  EXPECT_EQ(std::get<CoreStore::Values>(outcome).at(0).bits, 20u);
}

TEST_F(CoreStoreTest, TheHostMayCallBackIn) {
  on_double = [this](const CoreStore::Values& arguments, CoreStore::Values& results) {
    results[0] = std::get<CoreStore::Values>(call("deep", arguments)).at(0);
    return std::unique_ptr<CoreTrap>();
  };
  const auto outcome = call("twice", {i32(100)});
  ASSERT_TRUE(std::holds_alternative<CoreStore::Values>(outcome));
  EXPECT_EQ(std::get<CoreStore::Values>(outcome).at(0).bits, 7u);
}

TEST_F(CoreStoreTest, EveryTypeTravelsAsItsBits) {
  // A signalling NaN of each width: its payload must arrive.
  const CoreStore::Values arguments{{CoreType::kI64, 0x8000'0000'0000'0001},
                                    {CoreType::kF32, 0x7fa0'0001},
                                    {CoreType::kF64, 0x7ff4'0000'0000'0001}};
  const auto outcome = call("pass", arguments);
  ASSERT_TRUE(std::holds_alternative<CoreStore::Values>(outcome));
  ASSERT_EQ(seen.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(seen[i].type, arguments[i].type);
    EXPECT_EQ(seen[i].bits, arguments[i].bits);
  }
  EXPECT_EQ(std::get<CoreStore::Values>(outcome).at(0).bits, 0x8000'0000'0000'0001u);
}

TEST_F(CoreStoreTest, TrapsAreToldApart) {
  const auto stop = call("stop", {});
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(stop));
  EXPECT_EQ(std::get<CoreTrap>(stop).kind, CoreTrap::Kind::kTrap);

  const auto deep = call("deep", {i32(1'000'000)});
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(deep));
  EXPECT_EQ(std::get<CoreTrap>(deep).kind, CoreTrap::Kind::kExhausted);

  on_double = [](const CoreStore::Values&, CoreStore::Values&) {
    return std::make_unique<CoreTrap>(CoreTrap{CoreTrap::Kind::kHost, "no", 42});
  };
  const auto host = call("twice", {i32(1)});
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(host));
  EXPECT_EQ(std::get<CoreTrap>(host).kind, CoreTrap::Kind::kHost);
  EXPECT_EQ(std::get<CoreTrap>(host).message, "no");
  EXPECT_EQ(std::get<CoreTrap>(host).code, 42);

  // The trap of an earlier call is not that of a later one.
  EXPECT_EQ(std::get<CoreTrap>(call("stop", {})).kind, CoreTrap::Kind::kTrap);
}

TEST_F(CoreStoreTest, MemoryIsSeenAsItGrows) {
  const CoreExtern memory = *store.find(instance, "memory");
  EXPECT_EQ(memory.kind(), CoreExtern::Kind::kMemory);
  EXPECT_EQ(store.size(memory), 65536u);
  EXPECT_EQ(std::get<CoreStore::Values>(call("grow", {})).at(0).bits, 1u);
  EXPECT_EQ(store.size(memory), 2 * 65536u);
  store.bytes(memory)[70'000] = 9;
  EXPECT_EQ(std::get<CoreStore::Values>(call("peek", {i32(70'000)})).at(0).bits, 9u);
  EXPECT_EQ(store.find(instance, "nothing"), nullptr);
}

TEST_F(CoreStoreTest, ModulesThatAreNoneAreRefused) {
  const std::array<std::uint8_t, 9> half{0, 'a', 's', 'm', 1, 0, 0, 0, 1};
  const auto outcome = store.load(half.data(), half.size());
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(outcome));
  EXPECT_EQ(std::get<CoreTrap>(outcome).kind, CoreTrap::Kind::kLink);
}

TEST_F(CoreStoreTest, ImportsMustFit) {
  const CoreExtern wrong = *store.find(instance, "stop");
  const auto outcome = store.instantiate(module, {wrong, wrong});
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(outcome));
}

TEST_F(CoreStoreTest, CodeStopsWhenItsStepsAreUsedUp) {
  store.limit_steps(10'000);
  ASSERT_TRUE(std::holds_alternative<CoreStore::Values>(call("deep", {i32(100)})));
  std::size_t calls = 0;
  for (; calls < 1000; ++calls) {
    const auto outcome = call("deep", {i32(100)});
    if (const auto* trap = std::get_if<CoreTrap>(&outcome)) {
      EXPECT_EQ(trap->kind, CoreTrap::Kind::kExhausted);
      break;
    }
  }
  EXPECT_GT(calls, 2u);
  EXPECT_LT(calls, 20u);
}

TEST_F(CoreStoreTest, StepsOfCallsWithinCallsCountToo) {
  store.limit_steps(1'000'000);
  on_double = [this](const CoreStore::Values& arguments, CoreStore::Values& results) {
    results[0].bits = arguments[0].bits;
    const auto inner = call("twice", {i32(1)});
    const auto* trap = std::get_if<CoreTrap>(&inner);
    return trap != nullptr ? std::make_unique<CoreTrap>(*trap) : nullptr;
  };
  const auto outcome = call("twice", {i32(5)});
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(outcome));
}

TEST(CoreStoreStart, AStartFunctionThatLoopsIsStopped) {
  // (module (func (loop (br 0))) (start 0))
  constexpr auto kLoops = std::to_array<std::uint8_t>(
      {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02,
       0x01, 0x00, 0x08, 0x01, 0x00, 0x0a, 0x09, 0x01, 0x07, 0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b});
  CoreStore store;
  store.limit_steps(100'000);
  const auto module = store.load(kLoops.data(), kLoops.size());
  ASSERT_TRUE(std::holds_alternative<CoreStore::ModuleId>(module));
  const auto made = store.instantiate(std::get<CoreStore::ModuleId>(module), {});
  ASSERT_TRUE(std::holds_alternative<CoreTrap>(made));
  EXPECT_EQ(std::get<CoreTrap>(made).kind, CoreTrap::Kind::kExhausted);
}

TEST_F(CoreStoreTest, FunctionsAreFoundByTheirIndexToo) {
  EXPECT_EQ(store.function_count(instance), 8u);
  EXPECT_EQ(store.function(instance, 2), *store.find(instance, "twice"));
}

// wabt passes over such a call when its stack is just full, and takes the arguments for the results.
TEST(CoreStoreStack, StopsAtAFullStackAlsoWhenAnotherInstancesFunctionIsCalled) {
  CoreStore store;
  const auto instance = [&](std::string_view text, const std::vector<CoreExtern>& imports) {
    const auto bytes = wasm::assemble(text);
    return std::get<CoreStore::InstanceId>(
        store.instantiate(std::get<CoreStore::ModuleId>(store.load(bytes.data(), bytes.size())), imports));
  };
  const auto callee =
      instance(R"((module (func (export "seven") (param i32) (result i32) (i32.const 7))))", {});
  const auto caller = instance(R"((module
    (import "callee" "seven" (func $seven (param i32) (result i32)))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
        (else (call $seven (i32.const 99)))))))",
                               {*store.find(callee, "seven")});
  for (const bool limited : {false, true}) {
    if (limited) {
      store.limit_steps(1'000'000'000);
    }
    bool ended = false;
    for (std::uint32_t depth = 1; depth < 100'000 && !ended; depth += depth < 1'000 ? 500 : 1) {
      const auto result = store.call(*store.find(caller, "deep"), {i32(depth)});
      if (const auto* trap = std::get_if<CoreTrap>(&result)) {
        EXPECT_EQ(trap->kind, CoreTrap::Kind::kExhausted);
        ended = true;
      } else {
        ASSERT_EQ(std::get<CoreStore::Values>(result)[0].bits, 7u) << depth;
      }
    }
    EXPECT_TRUE(ended);
  }
}

}  // namespace
}  // namespace meld_verify::run
