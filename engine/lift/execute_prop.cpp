// Code that no compiler wrote: execution ends, and says what is wrong.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/wasm/wabt_text.h"
#include "spec/property.h"

namespace meld_verify::lift {
namespace {

using spec::below;
using spec::expect_met;
using spec::hold;
using spec::Tally;

constexpr const char* kModule = R"((module
  (import "a" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "a" "other" (func $other (param i32 i64) (result i32 f64)))
  (memory 1) (memory 1) (global $g (mut i32) (i32.const 4)) (table funcref (elem $list))
  (type $t (func (param i32 i64) (result i32)))
  (func $list (param i32 i64) (result i32) (local i32 i64 f32 f64)
    (local.set 2 (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.wrap_i64 (local.get 1))))
    (memory.copy 0 1 (local.get 2) (local.get 0) (i32.wrap_i64 (local.get 1)))
    (i64.store 0 offset=4 (local.get 2) (i64.load 1 offset=8 (local.get 0)))
    (block (block (loop (br_table 0 1 2 (i32.load8_u 1 (local.get 0)))) (i32.store16 0 (local.get 2) (i32.const 7)))
      (memory.fill 1 (local.get 0) (i32.const 1) (i32.const 12)))
    (if (result i32) (i32.lt_u (local.get 0) (i32.load 0 offset=4 (local.get 2)))
      (then (i32.div_s (local.get 0) (local.get 2)))
      (else (call_indirect (type $t) (local.get 0) (i64.const 3) (i32.const 0)))))
  (func $mixed (param f32 f64 i32) (result f32 i32)
    (global.set $g (i32.add (global.get $g) (local.get 2)))
    (call $other (local.get 2) (i64.reinterpret_f64 (f64.add (local.get 1) (f64.const 2))))
    (local.set 1) (local.set 2)
    (block (param) (br_if 0 (i32.eqz (local.get 2))) (local.set 0 (f32.neg (local.get 0))))
    (local.get 0) (select (i32.trunc_f64_s (local.get 1)) (local.get 2) (i32.const 1))))
)";

TEST(ExecuteMutations, ChangedCodeIsExecutedOrRefused) {
  const std::vector<std::uint8_t> original = wasm::assemble(kModule);
  const Image plain = link_module(original, "plain").value();
  Tally tally;
  smt::Solver solver;
  hold("changed code is executed or refused", 1500, [&] {
    std::vector<std::uint8_t> bytes = original;
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      const auto& functions = plain.modules[0].functions;
      const wasm::Extent& code = functions[below(functions.size())].code;
      const std::size_t size = static_cast<std::size_t>(code.end.value - code.begin.value);
      const std::size_t at = static_cast<std::size_t>(code.begin.value) + below(size);
      bytes[at] =
          below(3) == 0 ? static_cast<std::uint8_t>(below(256)) : original[40 + below(original.size() - 40)];
    }
    const auto image = link_module(bytes, "changed");
    if (!image) {
      ++tally["refused"];
      return;
    }
    smt::Terms terms;
    smt::Decider decider(terms, solver, 5'000);
    ExecutionLimits limits;
    limits.paths = 12;
    limits.steps = 3'000;
    limits.questions = 30;
    Executor executor(*image, terms, decider, limits);
    for (std::size_t i = 2; i < image->functions.size(); ++i) {
      Executor::Start start;
      start.function = FunctionId(i);
      for (const wasm::ValueType type : image->type_of(start.function).params) {
        const bool wide = type == wasm::ValueType::kI64 || type == wasm::ValueType::kF64;
        start.arguments.push_back(terms.symbol(wide ? 64 : 32, "p"));
      }
      const auto paths = executor.run(start, [](FunctionId function) {
        CallModel model;
        model.kind = function.value == 0   ? CallModel::Kind::kAllocates
                     : function.value == 1 ? CallModel::Kind::kSymbol
                                           : CallModel::Kind::kInline;
        model.changes = {MemoryId{0U}};
        model.keeps_allocations = true;
        model.size_argument = 3;
        return model;
      });
      RC_ASSERT(paths.size() <= limits.paths);
      for (const Path& path : paths) {
        RC_LOG(path.why);
        RC_ASSERT(path.why.rfind("internal", 0) != 0U);
        ++tally[path.end == Path::End::kReturn ? "returned"
                : path.end == Path::End::kTrap ? "trapped"
                                               : "stuck"];
        for (const MemoryState& memory : path.memories) {
          const Term read = executor.read(memory, terms.symbol(32, "a"), 4, path.conditions);
          RC_ASSERT(terms.width(read) == 32U);
        }
      }
    }
  });
  expect_met(tally, {{"returned", 500}, {"trapped", 300}, {"stuck", 300}});
}

}  // namespace
}  // namespace meld_verify::lift
