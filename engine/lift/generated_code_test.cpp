// All functions that a fuser generated for real programs, executed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/lift/read_by_test.h"

namespace meld_verify::lift {
namespace {

namespace fs = std::filesystem;
using smt::TermOp;

/// The guests' functions are unknown; what looks like an allocator is one.
CallModel model_of(const Image& image, const std::vector<bool>& is_guest, FunctionId function) {
  CallModel model;
  const wasm::FuncType& type = image.type_of(function);
  if (is_guest[function.value] && type.params.size() == 4 && type.results.size() == 1) {
    model.kind = CallModel::Kind::kAllocates;
    model.size_argument = 3;
    return model;
  }
  if (is_guest[function.value]) {
    for (std::size_t i = 0; i < image.memories.size(); ++i) {
      model.changes.emplace_back(i);
    }
    model.keeps_allocations = true;
  }
  return model;
}

/// Symbols and words that a condition speaks of.
void leaves_of(const smt::Terms& terms, Term term, std::set<Term>& into) {
  if (terms.op(term) == TermOp::kSymbol || terms.op(term) == TermOp::kOpaque) {
    into.insert(term);
    return;
  }
  for (const Term argument : terms.arguments(term)) {
    leaves_of(terms, argument, into);
  }
}

struct Counts {
  std::size_t functions = 0, paths = 0, calls = 0, rounds = 0;
};

/// Executes a function; where a loop does not end because of a length that nobody knows, it is held to be 2.
void execute(Executor& executor, const Image& image, const std::vector<bool>& is_guest, FunctionId function,
             smt::Terms& terms, Counts& counts) {
  Executor::Start start;
  start.function = function;
  for (const wasm::ValueType type : image.type_of(function).params) {
    const bool wide = type == wasm::ValueType::kI64 || type == wasm::ValueType::kF64;
    start.arguments.push_back(terms.symbol(wide ? 64 : 32, "p" + std::to_string(start.arguments.size())));
  }
  for (int round = 0; round < 8; ++round) {
    ++counts.rounds;
    const auto paths =
        executor.run(start, [&](FunctionId callee) { return model_of(image, is_guest, callee); });
    std::set<Term> lengths;
    for (const Path& path : paths) {
      if (path.end == Path::End::kStuck) {
        ASSERT_EQ(path.why.rfind("there are more than", 0), 0U)
            << image.file << " " << image.name_of(function) << ": " << path.why;
        leaves_of(terms, path.conditions.back(), lengths);
      }
    }
    if (lengths.empty()) {
      EXPECT_FALSE(paths.empty());
      counts.paths += paths.size();
      for (const Path& path : paths) {
        counts.calls += path.calls.size();
      }
      return;
    }
    for (const Term length : lengths) {
      start.known.emplace_back(length, 2);
    }
  }
  ADD_FAILURE() << image.file << " " << image.name_of(function) << " does not end";
}

TEST(GeneratedCode, IsExecutedToItsEnd) {
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr) {
    GTEST_SKIP() << "MELD_VERIFY_SHARED names no folder";
  }
  Counts counts;
  const smt::Solver solver;
  for (const auto& folder : fs::directory_iterator(fs::path(shared) / "real")) {
    if (!fs::exists(folder.path() / "fused.wasm") || !fs::exists(folder.path() / "composed.wasm")) {
      continue;
    }
    const AlignedFiles files(read_file(folder.path() / "composed.wasm"),
                             read_file(folder.path() / "fused.wasm"));
    ASSERT_TRUE(files.alignment) << folder.path();
    const Image& image = files.fused.image;
    smt::Terms terms;
    smt::Decider decider(terms, solver);
    ExecutionLimits limits;
    limits.paths = 12;
    Executor executor(image, terms, decider, limits);
    for (std::size_t i = 0; i < image.functions.size(); ++i) {
      if (image.functions[i].kind == LinkedFunction::Kind::kDefined && !files.alignment->is_guest[i]) {
        ++counts.functions;
        execute(executor, image, files.alignment->is_guest, FunctionId(i), terms, counts);
      }
    }
    std::cout << folder.path().filename() << ": " << decider.questions() << " questions\n";
  }
  std::cout << counts.functions << " functions, " << counts.paths << " paths, " << counts.calls << " calls, "
            << counts.rounds << " runs\n";
  EXPECT_GT(counts.functions, 100U);
}

}  // namespace
}  // namespace meld_verify::lift
