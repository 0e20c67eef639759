// Symbolic execution against execution: whatever path the symbols take that stand for the arguments of a
// call, it ends as the call does. Here because engine/lift lies below engine/run.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/run/core_store.h"
#include "engine/smt/term_value.h"
#include "engine/wasm/wabt_text.h"
#include "spec/property.h"

namespace meld_verify::run {
namespace {

using lift::CallModel;
using lift::Executor;
using lift::FunctionId;
using lift::MemoryId;
using lift::MemoryVersion;
using lift::Path;
using smt::Term;
using spec::below;
using spec::expect_met;
using spec::hold;
using spec::Tally;

constexpr std::size_t kUsed = 1024;  ///< bytes of a memory that are looked at
constexpr std::uint32_t kFirstAllocation = 512;
using Bytes = std::array<std::uint8_t, kUsed>;

/// A random function (param i32 i32 i64) (result i32 i64) in text. Locals 0 and 1 are never set: they are
/// pointers. It calls `alloc`, which gives memory 0's bytes, and `other`, which changes memory 0.
class Writer {
 public:
  std::string function() {
    std::string body =
        below(2) == 0 ? ""
                      : "(local.set 4 (call $alloc (i32.const 8))) (local.set 6 (call $alloc (i32.const 8)))";
    body += statements(3, 4 + below(5));
    return "(func (export \"f\") (param i32 i32 i64) (result i32 i64) (local i32 i32 i64 i32)" + body +
           i32(3) + i64(3) + ")";
  }

 private:
  static std::string pick(std::initializer_list<const char*> words) {
    return *(words.begin() + below(words.size()));
  }
  static std::string constant32() {
    switch (below(4)) {
      case 0:
        return fmt::format("{}", below(10));
      case 1:
        return fmt::format("-{}", below(10));
      case 2:
        return fmt::format("{}", 1U << below(32));
      default:
        return fmt::format("{}", *rc::gen::arbitrary<std::uint32_t>());
    }
  }
  static std::string constant64() {
    return below(2) == 0 ? constant32() : fmt::format("{}", *rc::gen::arbitrary<std::uint64_t>());
  }
  static std::string arithmetic() {
    return pick({"add", "sub", "mul",   "and",   "or",    "xor",   "shl", "shr_s", "shr_u", "rotl", "rotr",
                 "add", "add", "div_u", "div_s", "rem_u", "rem_s", "and", "or",    "shl",   "shr_u"});
  }
  static std::string comparison() {
    return pick({"eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"});
  }
  std::string address(int levels) {
    const std::string offset = fmt::format(" (i32.const {})", below(12));
    switch (below(5)) {
      case 0:
        return "(i32.add (local.get 0)" + offset + ")";
      case 1:
        return "(i32.add (local.get 1)" + offset + ")";
      case 2:
        return fmt::format("(i32.const {})", below(80));
      case 3:
        return "(i32.add (local.get " + pick({"4", "6"}) + ")" + offset + ")";  // an allocation, or 0
      default:
        return "(i32.and " + i32(levels - 1) + " (i32.const 63))";
    }
  }
  static std::string memory() { return below(2) == 0 ? "0" : "1"; }

  std::string i32(int levels) {
    if (levels <= 0) {
      return below(2) == 0 ? "(i32.const " + constant32() + ")"
                           : fmt::format("(local.get {})", pick({"0", "1", "3", "4"}));
    }
    switch (below(9)) {
      case 0:
        return "(i32." + comparison() + " " + i32(levels - 1) + i32(levels - 1) + ")";
      case 1:
        return "(i32." + pick({"eqz", "clz", "ctz", "popcnt", "extend8_s", "extend16_s"}) + i32(levels - 1) +
               ")";
      case 2:
        return "(i32.wrap_i64 " + i64(levels - 1) + ")";
      case 3:
        return below(2) == 0 ? "(i64.eqz " + i64(levels - 1) + ")"
                             : "(i64." + comparison() + " " + i64(levels - 1) + i64(levels - 1) + ")";
      case 4:
        return "(select " + i32(levels - 1) + i32(levels - 1) + i32(levels - 1) + ")";
      case 5:
      case 6:
        return "(i32." + pick({"load", "load", "load8_s", "load8_u", "load16_s", "load16_u"}) + " " +
               memory() + fmt::format(" offset={} ", below(6)) + address(levels - 1) + ")";
      default:
        return "(i32." + arithmetic() + " " + i32(levels - 1) + i32(levels - 1) + ")";
    }
  }
  std::string i64(int levels) {
    if (levels <= 0) {
      return below(2) == 0 ? "(i64.const " + constant64() + ")"
                           : fmt::format("(local.get {})", pick({"2", "5"}));
    }
    switch (below(7)) {
      case 0:
        return "(i64.extend_i32_" + pick({"s ", "u "}) + i32(levels - 1) + ")";
      case 1:
        return "(i64." + pick({"clz", "ctz", "popcnt", "extend8_s", "extend16_s", "extend32_s"}) +
               i64(levels - 1) + ")";
      case 2:
        return "(select " + i64(levels - 1) + i64(levels - 1) + i32(levels - 1) + ")";
      case 3:
      case 4:
        return "(i64." +
               pick({"load", "load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u"}) +
               " " + memory() + fmt::format(" offset={} ", below(6)) + address(levels - 1) + ")";
      default:
        return "(i64." + arithmetic() + " " + i64(levels - 1) + i64(levels - 1) + ")";
    }
  }

  std::string statements(int levels, std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
      all += statement(levels);
    }
    return all;
  }
  std::string statement(int levels) {
    const std::string offset = fmt::format(" offset={} ", below(6));
    switch (below(levels > 0 ? 13 : 8)) {
      case 0:
        return "(local.set 3 " + i32(3) + ")";
      case 1:
        return "(local.set 5 " + i64(3) + ")";
      case 2:
        return "(i32." + pick({"store", "store", "store8", "store16"}) + " " + memory() + offset +
               address(2) + i32(2) + ")";
      case 3:
        return "(i64." + pick({"store", "store", "store8", "store16", "store32"}) + " " + memory() + offset +
               address(2) + i64(2) + ")";
      case 4:
        return "(memory.copy " + memory() + " " + memory() + address(1) + address(1) + size() + ")";
      case 5:
        return "(memory.fill " + memory() + address(1) + i32(1) + size() + ")";
      case 6:
        return "(local.set " + pick({"4", "6"}) + " (call $alloc " + size() + "))";
      case 7:
        return below(2) == 0
                   ? "(local.set 3 (call $other " + i32(1) + "))"
                   : "(global.set 0 (i32.add (global.get 0) " + i32(1) + ")) (local.set 3 (global.get 0))";
      case 8:
        return "(if " + i32(2) + "(then " + statements(levels - 1, 1 + below(2)) + ")(else " +
               statements(levels - 1, below(2)) + "))";
      case 9:
        return "(block " + statement(levels - 1) + "(br_if 0 " + i32(2) + ")" + statement(levels - 1) + ")";
      case 10:  // runs one to three times
        return fmt::format(
            "(local.set 3 (i32.const {})) (block (loop (br_if 1 (i32.eqz (local.get 3))) {} "
            "(local.set 3 (i32.sub (local.get 3) (i32.const 1))) (br 0)))",
            1 + below(3), keeping_the_count(levels - 1));
      case 11:
        return "(block (block (block (br_table 0 1 2 " + i32(2) + "))" + statement(levels - 1) + ")" +
               statement(levels - 1) + ")";
      default:
        return "(block (result i32) " + i32(1) + "(br_if 0 " + i32(1) + ") drop" + i32(1) + ") local.set 3";
    }
  }
  std::string keeping_the_count(int) {
    return "(i32.store 0 (i32.add (local.get 0) (i32.mul (local.get 3) (i32.const 4)))"
           " (i32.add " +
           i32(1) + "(i32.load 0 (i32.add (local.get 1) (i32.mul (local.get 3) (i32.const 4))))))";
  }
  std::string size() {
    switch (below(3)) {
      case 0:
        return "(i32.and " + i32(1) + "(i32.const 15))";
      default:
        return fmt::format("(i32.const {})", below(17));
    }
  }
};

/// What imported functions do, and what the memories held after each call of them.
struct World {
  struct After {
    std::uint64_t result = 0;
    std::uint64_t global = 0;
    std::array<Bytes, 2> memories;
  };
  std::vector<After> calls;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> allocations;
  std::uint32_t next = kFirstAllocation;
  std::uint32_t seed = 0;

  std::uint32_t random() {
    seed = seed * 1664525U + 1013904223U;
    return seed >> 8;
  }
  /// Changes bytes of memory 0; those of allocations only where it may.
  void scribble(std::uint8_t* memory, bool everywhere) {
    for (std::uint32_t i = 0; i < kUsed; ++i) {
      const bool allocated = std::any_of(allocations.begin(), allocations.end(), [i](const auto& area) {
        return i >= area.first && i - area.first < area.second;
      });
      if (random() % 4 == 0 && (everywhere || !allocated)) {
        memory[i] = static_cast<std::uint8_t>(random());
      }
    }
  }
};

/// No value can be given: it depends on what the execution left open.
struct Open {};

class Comparison {
 public:
  explicit Comparison(Tally& tally, smt::Solver solver)
      : tally_(tally), decider_(terms_, std::move(solver), 20'000) {}

  void run() {
    const std::string text =
        "(module (import \"a\" \"alloc\" (func $alloc (param i32) (result i32)))"
        "(import \"a\" \"other\" (func $other (param i32) (result i32)))"
        "(memory (export \"m0\") 1) (memory (export \"m1\") 1) (global (export \"g\") (mut i32) (i32.const "
        "5))"
        "(func (export \"global\") (result i32) global.get 0)" +
        Writer().function() + ")";
    RC_LOG(text);
    bytes_ = wasm::assemble(text);
    arguments_ = {below(64), below(64), *rc::gen::arbitrary<std::uint64_t>() >> below(64)};
    const auto outcome = execute();
    if (!outcome) {
      return;
    }
    const lift::Image image = lift::link_module(bytes_, "random").value();
    const auto paths = paths_of(image);
    const Path* taken = nullptr;
    bool open = false;
    for (const Path& path : paths) {
      ++tally_["paths"];
      try {
        if (holds(path)) {
          RC_ASSERT(taken == nullptr);
          taken = &path;
        }
      } catch (const Open&) {
        open = true;
      }
    }
    if (open) {
      ++tally_["open"];
      return;
    }
    RC_ASSERT(taken != nullptr);
    if (taken->end == Path::End::kStuck) {
      ++tally_["stuck"];
      return;
    }
    compare(*taken, *outcome);
  }

 private:
  struct Outcome {
    bool trapped = false;
    CoreStore::Values results;
    std::array<Bytes, 2> memories;
  };

  std::optional<Outcome> execute() {
    CoreStore store;
    const auto module = std::get<CoreStore::ModuleId>(store.load(bytes_.data(), bytes_.size()));
    std::vector<CoreExtern> memories;
    std::optional<CoreExtern> global;
    world_.seed = below(1'000'000);
    const auto host = [&](bool allocates) {
      return
          [this, allocates, &memories, &store, &global](const CoreStore::Values& arguments, auto& results) {
            std::uint8_t* memory = store.bytes(memories[0]);
            World::After after;
            if (allocates) {
              after.result = world_.next;
              world_.scribble(memory, false);
              const auto size = static_cast<std::uint32_t>(arguments[0].bits);
              world_.allocations.emplace_back(world_.next, size);
              world_.next += size;
            } else {
              world_.scribble(memory, true);
              // Sometimes an address within what was allocated.
              after.result = world_.random() % 2 == 0 && !world_.allocations.empty()
                                 ? world_.allocations.back().first + world_.random() % 8
                                 : world_.random();
            }
            after.global = std::get<CoreStore::Values>(store.call(*global, {}))[0].bits;
            for (std::size_t i = 0; i < 2; ++i) {
              std::memcpy(after.memories[i].data(), store.bytes(memories[i]), kUsed);
            }
            results[0].bits = after.result;
            world_.calls.push_back(after);
            return std::unique_ptr<CoreTrap>();
          };
    };
    const CoreSignature signature{{CoreType::kI32}, {CoreType::kI32}};
    const auto instance = std::get<CoreStore::InstanceId>(store.instantiate(
        module, {store.host_function(signature, host(true)), store.host_function(signature, host(false))}));
    global = *store.find(instance, "global");
    for (std::size_t i = 0; i < 2; ++i) {
      memories.push_back(*store.find(instance, i == 0 ? "m0" : "m1"));
      for (std::uint8_t& byte : initial_[i]) {
        byte = static_cast<std::uint8_t>(world_.random());
      }
      std::memcpy(store.bytes(memories[i]), initial_[i].data(), kUsed);
    }
    const auto result = store.call(
        *store.find(instance, "f"),
        {{CoreType::kI32, arguments_[0]}, {CoreType::kI32, arguments_[1]}, {CoreType::kI64, arguments_[2]}});
    Outcome outcome;
    if (const auto* trap = std::get_if<CoreTrap>(&result)) {
      // Accesses beyond a memory are not among the paths.
      if (trap->message.find("out of bounds") != std::string::npos) {
        ++tally_["out of bounds"];
        return std::nullopt;
      }
      outcome.trapped = true;
    } else {
      outcome.results = std::get<CoreStore::Values>(result);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      std::memcpy(outcome.memories[i].data(), store.bytes(memories[i]), kUsed);
    }
    return outcome;
  }

  std::vector<Path> paths_of(const lift::Image& image) {
    lift::ExecutionLimits limits;
    limits.paths = 60;
    limits.questions = 60;
    executor_.emplace(image, terms_, decider_, limits);
    Executor::Start start;
    for (const wasm::CoreExport& item : image.modules[0].exports) {
      if (item.name == "f") {
        start.function = image.instances[0].functions[item.index];
      }
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const Term symbol = terms_.symbol(i == 2 ? 64 : 32, fmt::format("p{}", i));
      symbols_[symbol] = arguments_[i];
      start.arguments.push_back(symbol);
    }
    const bool known = below(3) == 0;
    if (known) {
      start.known.emplace_back(start.arguments[0], arguments_[0]);
      ++tally_["known"];
    }
    start.globals.emplace_back(lift::GlobalId{0U}, terms_.constant(32, 5));
    return executor_->run(start, [](FunctionId function) {
      CallModel model;
      model.changes = {MemoryId{0U}};
      if (function.value == 0) {
        model.kind = CallModel::Kind::kAllocates;
        model.size_argument = 0;
        model.allocates_in = MemoryId{0U};
        model.keeps_allocations = true;
      }
      model.changes_globals = false;
      return model;
    });
  }

  /// Sets up what symbols are worth on the path, if it is the one taken.
  bool holds(const Path& path) {
    call_results_.clear();
    versions_.clear();
    values_.clear();
    for (std::size_t i = 0; i < path.calls.size(); ++i) {
      const auto& after = i + 1 < path.calls.size() ? path.calls[i + 1].before : path.memories;
      versions_.emplace(after[0].version, i);
      call_results_.emplace(path.calls[i].results[0], i);
    }
    bool all = true;
    bool open = false;
    for (const Term condition : path.conditions) {
      try {
        all = all && value(condition) == 1;
      } catch (const Open&) {
        open = true;
      }
    }
    if (!all) {
      return false;
    }
    if (open) {
      throw Open{};
    }
    return true;
  }

  void compare(const Path& path, const Outcome& outcome) {
    holds(path);
    RC_ASSERT((path.end == Path::End::kTrap) == outcome.trapped);
    if (outcome.trapped) {
      ++tally_["trapped"];
      return;
    }
    RC_ASSERT(path.calls.size() == world_.calls.size());
    const auto agree = [&](Term term, std::uint64_t wanted) {
      RC_LOG(terms_.text(term));
      try {
        RC_ASSERT(value(term) == wanted);
        ++tally_["compared"];
      } catch (const Open&) {
        ++tally_["left open"];
      }
    };
    for (std::size_t i = 0; i < 2; ++i) {
      agree(path.results[i], outcome.results[i].bits);
    }
    for (std::size_t memory = 0; memory < 2; ++memory) {
      for (int i = 0; i < 6; ++i) {
        const std::uint32_t size = 1U << below(4);
        const std::size_t argument = below(3);
        const std::uint32_t offset = below(argument == 2 ? 100 : 20);
        const std::uint64_t at = argument == 2 ? offset : arguments_[argument] + offset;
        const Term address =
            argument == 2 ? terms_.constant(32, offset)
                          : terms_.apply(smt::TermOp::kAdd, symbol(argument), terms_.constant(32, offset));
        agree(executor_->read(path.memories[memory], address, size, path.conditions),
              bytes_at(outcome.memories[memory], at, size));
      }
      // What was allocated last, too.
      for (std::size_t i = path.calls.size(); i-- > 0;) {
        if (path.calls[i].callee.value == 0) {
          const Term address =
              terms_.apply(smt::TermOp::kAdd, path.calls[i].results[0], terms_.constant(32, below(9)));
          agree(executor_->read(path.memories[memory], address, 2, path.conditions),
                bytes_at(outcome.memories[memory], value(address), 2));
          origin_agrees(path, outcome, memory, address);
          ++tally_["allocated"];
          break;
        }
      }
    }
  }

  void origin_agrees(const Path& path, const Outcome& outcome, std::size_t memory, Term address) {
    const auto origin =
        executor_->origin(path.memories[memory], address, terms_.constant(32, 4), path.conditions);
    if (!origin) {
      return;
    }
    try {
      const std::uint64_t at = value(origin->address);
      RC_ASSERT(bytes_at(bytes_of(origin->memory, origin->version), at, 4) ==
                bytes_at(outcome.memories[memory], value(address), 4));
      ++tally_["origin"];
    } catch (const Open&) {
      ++tally_["left open"];
    }
  }

  Term symbol(std::size_t argument) const {
    return std::next(symbols_.begin(), static_cast<std::ptrdiff_t>(argument))->first;
  }

  static std::uint64_t bytes_at(const Bytes& bytes, std::uint64_t at, std::uint32_t size) {
    std::uint64_t value = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      if (at + i >= bytes.size()) {
        throw Open{};
      }
      value |= std::uint64_t{bytes[at + i]} << (8 * i);
    }
    return value;
  }
  const Bytes& bytes_of(MemoryId memory, MemoryVersion version) const {
    if (version == MemoryVersion{}) {
      return initial_[memory.value];
    }
    const auto call = versions_.find(version);
    if (call == versions_.end() || call->second >= world_.calls.size()) {
      throw Open{};
    }
    return world_.calls[call->second].memories[memory.value];
  }

  std::uint64_t value(Term term) {
    return value_of(
        terms_, term, [this](Term leaf) { return leaf_value(leaf); }, values_);
  }
  std::uint64_t leaf_value(Term leaf) {
    if (const auto known = symbols_.find(leaf); known != symbols_.end()) {
      return known->second;
    }
    if (const auto call = call_results_.find(leaf); call != call_results_.end()) {
      if (call->second >= world_.calls.size()) {
        throw Open{};  // on another path
      }
      return world_.calls[call->second].result;
    }
    if (const auto word = executor_->loaded(leaf)) {
      return bytes_at(bytes_of(word->memory, word->version), value(word->address), word->bytes);
    }
    if (terms_.op(leaf) == smt::TermOp::kOpaque) {
      const std::uint64_t of = value(terms_.arguments(leaf)[0]);
      const auto width = static_cast<int>(terms_.width(leaf));
      const std::string text = terms_.text(leaf);
      if (text.find(".clz") == 4) {
        return static_cast<std::uint64_t>(std::countl_zero(of) - (64 - width));
      }
      if (text.find(".ctz") == 4) {
        return static_cast<std::uint64_t>(of == 0 ? width : std::countr_zero(of));
      }
      if (text.find(".popcnt") == 4) {
        return static_cast<std::uint64_t>(std::popcount(of));
      }
    }
    throw Open{};
  }

  Tally& tally_;
  smt::Terms terms_;
  smt::Decider decider_;
  std::optional<Executor> executor_;
  std::vector<std::uint8_t> bytes_;
  std::array<std::uint64_t, 3> arguments_{};
  std::array<Bytes, 2> initial_{};
  World world_;
  std::map<Term, std::uint64_t> symbols_;
  std::map<Term, std::size_t> call_results_;
  std::map<MemoryVersion, std::size_t> versions_;
  std::unordered_map<Term, std::uint64_t> values_;
};

TEST(ExecuteProps, OnePathEndsAsTheExecutionDoes) {
  Tally tally;
  smt::Solver solver;
  hold("one path ends as the execution does", 200, [&tally, &solver] { Comparison(tally, solver).run(); });
  expect_met(tally, {{"compared", 600}, {"trapped", 10}, {"allocated", 50}, {"origin", 20}, {"known", 30}});
}

}  // namespace
}  // namespace meld_verify::run
