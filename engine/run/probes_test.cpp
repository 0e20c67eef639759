// Modules with probes around functions, executed.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "engine/run/core_store.h"
#include "engine/wasm/rewrite.h"
#include "engine/wasm/validate.h"
#include "engine/wasm/wabt_text.h"

namespace meld_verify::run {
namespace {

using wasm::Probe;
using Bytes = std::vector<std::uint8_t>;

CoreValue i32(std::uint32_t value) {
  return {CoreType::kI32, value};
}

/// A module with probes, its own imports being functions of the host; what was called is written down.
class Probed {
 public:
  Probed(std::string_view text, const std::vector<Probe>& probes) {
    const Bytes bytes = wasm::assemble(text);
    const auto made = wasm::with_probes(bytes, {}, "module", probes, "probe");
    if (!made) {
      ADD_FAILURE() << to_string(made.error());
      return;
    }
    const wasm::Validation validation = wasm::validate_module(*made, {});
    EXPECT_EQ(validation.validity, wasm::Validity::kValid) << validation.sentence;
    const auto module = wasm::decode_module(*made, {}, "module");
    const auto loaded = store_.load(made->data(), made->size());
    if (!module || !std::holds_alternative<CoreStore::ModuleId>(loaded)) {
      ADD_FAILURE() << "not loaded";
      return;
    }
    const auto id = std::get<CoreStore::ModuleId>(loaded);
    std::vector<CoreExtern> imports;
    for (std::size_t i = 0; i < module->imports.size(); ++i) {
      const std::string name = module->imports[i].module + "." + module->imports[i].name;
      imports.push_back(store_.host_function(store_.import_signature(id, i),
                                             [this, name](const CoreStore::Values& arguments, auto& results) {
                                               events.push_back(name + written(arguments));
                                               for (std::size_t k = 0; k < results.size(); ++k) {
                                                 results[k].bits = 100 * (k + 1) + arguments.size();
                                               }
                                               return std::unique_ptr<CoreTrap>();
                                             }));
    }
    const auto instance = store_.instantiate(id, imports);
    if (!std::holds_alternative<CoreStore::InstanceId>(instance)) {
      ADD_FAILURE() << std::get<CoreTrap>(instance).message;
      return;
    }
    instance_ = std::get<CoreStore::InstanceId>(instance);
  }

  /// Calls an export: "(1 2)", or the trap's message.
  std::string call(const std::string& name, const CoreStore::Values& arguments) {
    const CoreExtern* found = store_.find(instance_, name);
    if (found == nullptr) {
      return "no such export";
    }
    const auto outcome = store_.call(*found, arguments);
    const auto* values = std::get_if<CoreStore::Values>(&outcome);
    return values != nullptr ? written(*values) : std::get<CoreTrap>(outcome).message;
  }

  std::vector<std::string> events;

 private:
  static std::string written(const CoreStore::Values& values) {
    std::string text = "(";
    for (const CoreValue& value : values) {
      text += fmt::format("{}{:x}", text.size() == 1 ? "" : " ", value.bits);
    }
    return text + ")";
  }

  CoreStore store_;
  CoreStore::InstanceId instance_{};
};

using Events = std::vector<std::string>;

/// Functions: 0 "host.take", 1 "host.give" imported; 2 $sum, 3 $outer, 4 $pair, 5 $indirect, 6 $begin, 7
/// $stop, 8 $tail.
constexpr std::string_view kText = R"((module
  (type $binary (func (param i32 i32) (result i32)))
  (import "host" "take" (func $take (param i32)))
  (import "host" "give" (func $give (param i32 i32) (result i32)))
  (table $first 6 funcref)
  (table $second 4 funcref)
  (global $named funcref (ref.func $give))
  (export "give" (func $give))
  (export "sum" (func $sum))
  (export "outer" (func $outer))
  (export "pair" (func $pair))
  (export "indirect" (func $indirect))
  (export "stop" (func $stop))
  (export "tail" (func $tail))
  (start $begin)
  (elem (table $first) (i32.const 0) func $sum $give)
  (elem (table $second) (i32.const 0) funcref (ref.func $sum) (ref.null func) (ref.func $give))
  (elem $passive funcref (ref.func $sum) (ref.func $give))
  (elem declare func $sum $give $take)
  (func $sum (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $outer (param i32) (result i32)
    (call $take (local.get 0))
    (call $sum (call $sum (local.get 0) (i32.const 1)) (call $give (i32.const 4) (i32.const 5))))
  (func $pair (param i64 f32) (result f64 i64)
    (local $unused i32)
    (f64.promote_f32 (local.get 1)) (local.get 0))
  (func $indirect (param i32 i32 i32) (result i32)
    (table.init $first $passive (i32.const 2) (i32.const 0) (i32.const 2))
    (table.set $first (i32.const 4) (ref.func $give))
    (table.set $first (i32.const 5) (global.get $named))
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 6))
      (then (call_indirect $first (type $binary) (local.get 1) (local.get 2) (local.get 0)))
      (else (call_indirect $second (type $binary) (local.get 1) (local.get 2)
        (i32.sub (local.get 0) (i32.const 6))))))
  (func $begin (call $take (i32.const 42)))
  (func $stop (param i32) (result i32) unreachable)
  (func $tail (param i32 i32) (result i32) (return_call $sum (local.get 0) (local.get 1)))
))";

TEST(Probes, TellTheArgumentsAndResultsOfADefinedFunction) {
  Probed module(kText, {{2, "enter-sum", "leave-sum"}});
  module.events.clear();
  EXPECT_EQ(module.call("sum", {i32(3), i32(4)}), "(7)");
  EXPECT_EQ(module.events, (Events{"probe.enter-sum(3 4)", "probe.leave-sum(7)"}));
}

TEST(Probes, TellOfCallsFromWithin) {
  Probed module(kText, {{2, "enter-sum", "leave-sum"}});
  module.events.clear();
  EXPECT_EQ(module.call("outer", {i32(1)}), "(68)");
  EXPECT_EQ(module.events, (Events{"host.take(1)", "probe.enter-sum(1 1)", "probe.leave-sum(2)",
                                   "host.give(4 5)", "probe.enter-sum(2 66)", "probe.leave-sum(68)"}));
  module.events.clear();
  EXPECT_EQ(module.call("tail", {i32(1), i32(5)}), "(6)");
  EXPECT_EQ(module.events, (Events{"probe.enter-sum(1 5)", "probe.leave-sum(6)"}));
}

TEST(Probes, TellOfAnImportedFunctionWhereverItIsNamed) {
  Probed module(kText, {{1, "enter", "leave"}});
  module.events.clear();
  const Events events{"probe.enter(1 2)", "host.give(1 2)", "probe.leave(66)"};
  EXPECT_EQ(module.call("give", {i32(1), i32(2)}), "(66)");
  EXPECT_EQ(module.events, events);
  // An active segment of either kind, a passive one, ref.func in code and in a global.
  for (const std::uint32_t entry : {1u, 3u, 4u, 5u, 8u}) {
    module.events.clear();
    EXPECT_EQ(module.call("indirect", {i32(entry), i32(1), i32(2)}), "(66)");
    EXPECT_EQ(module.events, events) << entry;
  }
  module.events.clear();
  EXPECT_EQ(module.call("outer", {i32(1)}), "(68)");
  EXPECT_EQ(module.events, (Events{"host.take(1)", "probe.enter(4 5)", "host.give(4 5)", "probe.leave(66)"}));
}

TEST(Probes, TellOfAFunctionInAnElementSegment) {
  Probed module(kText, {{2, "enter", "leave"}});
  for (const std::uint32_t entry : {0u, 2u, 6u}) {
    module.events.clear();
    EXPECT_EQ(module.call("indirect", {i32(entry), i32(1), i32(2)}), "(3)");
    EXPECT_EQ(module.events, (Events{"probe.enter(1 2)", "probe.leave(3)"})) << entry;
  }
}

TEST(Probes, TellOfTheStartFunction) {
  EXPECT_EQ(Probed(kText, {}).events, (Events{"host.take(2a)"}));
  EXPECT_EQ(Probed(kText, {{6, "enter", "leave"}}).events,
            (Events{"probe.enter()", "host.take(2a)", "probe.leave()"}));
  EXPECT_EQ(Probed(R"((module (import "host" "begin" (func)) (start 0)))", {{0, "enter", "leave"}}).events,
            (Events{"probe.enter()", "host.begin()", "probe.leave()"}));
}

TEST(Probes, TellSeveralResultsInOrder) {
  Probed module(kText, {{4, "enter", "leave"}});
  module.events.clear();
  EXPECT_EQ(module.call("pair", {{CoreType::kI64, 7}, {CoreType::kF32, 0x3f80'0000}}),
            "(3ff0000000000000 7)");
  EXPECT_EQ(module.events, (Events{"probe.enter(7 3f800000)", "probe.leave(3ff0000000000000 7)"}));
}

TEST(Probes, DoNotTellThatATrappingFunctionIsLeft) {
  Probed module(kText, {{7, "enter", "leave"}});
  module.events.clear();
  EXPECT_NE(module.call("stop", {i32(1)}).find("unreachable"), std::string::npos);
  EXPECT_EQ(module.events, (Events{"probe.enter(1)"}));
}

TEST(Probes, StandAroundEachOther) {
  Probed module(kText, {{2, "a", "b"}, {1, "c", "d"}, {2, "e", "f"}, {3, "g", "h"}});
  module.events.clear();
  EXPECT_EQ(module.call("sum", {i32(3), i32(4)}), "(7)");
  EXPECT_EQ(module.events, (Events{"probe.a(3 4)", "probe.e(3 4)", "probe.f(7)", "probe.b(7)"}));
  module.events.clear();
  EXPECT_EQ(module.call("outer", {i32(1)}), "(68)");
  EXPECT_EQ(module.events.front(), "probe.g(1)");
  EXPECT_EQ(module.events.back(), "probe.h(68)");
  EXPECT_EQ(module.events.size(), 2u + 1u + 3u + 2u * 4u);
}

TEST(Probes, AreRefusedWhereThereIsNoSuchFunction) {
  const Bytes bytes = wasm::assemble(kText);
  const Probe probe{9, "enter", "leave"};
  const auto made = wasm::with_probes(bytes, {}, "module", {&probe, 1}, "probe");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "index-out-of-range");
}

TEST(Probes, LeaveRealFusedModulesValid) {
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr || *shared == '\0') {
    std::cout << "SKIPPED: MELD_VERIFY_SHARED names no folder with real programs\n";
    return;
  }
  std::size_t modules = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(shared) / "real")) {
    const auto path = entry.path() / "fused.core.wasm";
    if (!std::filesystem::exists(path)) {
      continue;
    }
    std::ifstream file(path, std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto module = wasm::decode_module(bytes, {}, path.string());
    ASSERT_TRUE(module) << to_string(module.error());
    std::vector<Probe> probes;  // imported functions, exported ones, and some of all
    for (std::uint32_t i = 0; i < 20; ++i) {
      const auto functions = static_cast<std::uint32_t>(module->function_types.size());
      const std::uint32_t function =
          i < 5 ? i % std::max(module->imported_functions, 1u) : i * functions / 20;
      probes.push_back({function, fmt::format("enter-{}", i), fmt::format("leave-{}", i)});
    }
    const auto made = wasm::with_probes(bytes, {}, path.string(), probes, "probe");
    ASSERT_TRUE(made) << to_string(made.error());
    const wasm::Validation validation = wasm::validate_module(*made, {});
    EXPECT_EQ(validation.validity, wasm::Validity::kValid) << path << ": " << validation.sentence;
    const auto after = wasm::decode_module(*made, {}, path.string());
    ASSERT_TRUE(after) << to_string(after.error());
    EXPECT_EQ(after->imports.size(), module->imports.size() + 40);
    EXPECT_EQ(after->imports.back().name, "leave-19");
    EXPECT_EQ(after->data.size(), module->data.size());
    ++modules;
  }
  EXPECT_GE(modules, 10u);
}

}  // namespace
}  // namespace meld_verify::run
