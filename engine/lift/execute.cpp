#include "engine/lift/execute.h"

#include <fmt/format.h>

#include <exception>

#include "engine/lift/path_machine.h"

namespace meld_verify::lift {

namespace {

/// Of one question about a memory.
constexpr std::size_t kMostVisits = 100'000;
constexpr std::size_t kMostQuestions = 200;

ReadBudget one_read(const smt::Decider& decider) {
  return {kMostVisits, decider.questions() + kMostQuestions};
}

}  // namespace

std::optional<unsigned> width_of(wasm::ValueType type) {
  switch (type) {
    case wasm::ValueType::kI32:
    case wasm::ValueType::kF32:
      return 32;
    case wasm::ValueType::kI64:
    case wasm::ValueType::kF64:
      return 64;
    case wasm::ValueType::kV128:
    case wasm::ValueType::kFuncRef:
    case wasm::ValueType::kExternRef:
    case wasm::ValueType::kOther:
      break;
  }
  return std::nullopt;
}

const FunctionCode& Executor::State::code_of(FunctionId function) {
  const auto found = code.find(function);
  return found != code.end() ? found->second
                             : code.emplace(function, code_for(image, function)).first->second;
}

Term Executor::State::initial(GlobalId global) {
  const auto found = globals.find(global);
  if (found != globals.end()) {
    return found->second;
  }
  const LinkedGlobal& linked = image.globals[global.value];
  const unsigned width = width_of(linked.type.type).value_or(64);
  const Term term = linked.initial && !linked.type.is_mutable
                        ? terms.constant(width, *linked.initial)
                        : terms.symbol(width, fmt::format("g{}", global.value));
  globals.emplace(global, term);
  return term;
}

Executor::Executor(const Image& image, smt::Terms& terms, smt::Decider& decider, ExecutionLimits limits)
    : state_(std::make_unique<State>(image, terms, decider, limits)) {}
Executor::~Executor() = default;

std::vector<Path> Executor::run(const Start& start, const Model& model) {
  try {
    return PathMachine(*state_, start, model).run();
  } catch (const std::exception& problem) {  // our mistake, or no memory: nothing is known
    Path path;
    path.end = Path::End::kStuck;
    path.why = std::string("internal error: ") + problem.what();
    return {path};
  }
}

Term Executor::read(const MemoryState& memory, Term address, std::uint32_t bytes,
                    std::span<const Term> conditions) {
  ReadBudget budget = one_read(state_->decider);
  return state_->logs.read(memory, address, bytes, conditions, budget);
}

std::optional<CopiedFrom> Executor::origin(const MemoryState& memory, Term address, Term size,
                                           std::span<const Term> conditions) {
  ReadBudget budget = one_read(state_->decider);
  return state_->logs.origin(memory, address, size, conditions, budget);
}

MemoryState Executor::initial(MemoryId memory) const {
  return {memory, MemoryVersion{}, nullptr, nullptr};
}

Term Executor::initial(GlobalId global) {
  return state_->initial(global);
}

std::optional<LoadedWord> Executor::loaded(Term term) const {
  return state_->logs.loaded(term);
}

Term Executor::load(const LoadedWord& word) {
  return state_->logs.load(word);
}

std::optional<std::pair<std::size_t, std::size_t>> Executor::result_of(const Path& path, Term term) const {
  for (std::size_t i = 0; i < path.calls.size(); ++i) {
    const std::vector<Term>& results = path.calls[i].results;
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (results[k] == term) {
        return std::pair(i, k);
      }
    }
  }
  return std::nullopt;
}

}  // namespace meld_verify::lift
