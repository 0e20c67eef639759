#pragma once

// Walks a function's paths, for Executor.

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/lift/function_code.h"
#include "engine/lift/memory_state.h"

namespace meld_verify::lift {

/// What an executor keeps from one run to the next.
struct Executor::State {
  State(const Image& its_image, smt::Terms& its_terms, smt::Decider& its_decider, ExecutionLimits its_limits)
      : image(its_image),
        terms(its_terms),
        decider(its_decider),
        limits(its_limits),
        logs(its_terms, its_decider) {}

  const Image& image;
  smt::Terms& terms;
  smt::Decider& decider;
  ExecutionLimits limits;
  MemoryLogs logs;
  std::unordered_map<FunctionId, FunctionCode> code;
  std::unordered_map<GlobalId, Term> globals;  ///< as they begin

  const FunctionCode& code_of(FunctionId function);
  Term initial(GlobalId global);
};

/// The width of a number type in bits; nothing for vectors and references.
[[nodiscard]] std::optional<unsigned> width_of(wasm::ValueType type);

/// One run.
class PathMachine {
 public:
  PathMachine(Executor::State& state, const Executor::Start& start, const Executor::Model& model);
  [[nodiscard]] std::vector<Path> run();

 private:
  struct Label {
    std::uint32_t to = 0;     ///< the step to go on at
    std::uint32_t arity = 0;  ///< values that are taken along
    std::size_t height = 0;   ///< of the stack below them
    bool loop = false;        ///< the label stays when one branches to it
  };
  struct Frame {
    FunctionId function;
    const FunctionCode* code = nullptr;
    std::uint32_t next = 0;
    std::vector<Term> locals;
    std::vector<Label> labels;
    std::size_t stack_base = 0;
  };
  struct Running {
    std::vector<Frame> frames;
    std::vector<Term> stack;
    Path path;
    bool ended = false;
    bool impossible = false;  ///< no values lead here
    /// How often the path could have gone two ways at a step of a function.
    std::map<std::pair<FunctionId, std::uint32_t>, std::size_t> choices;
  };
  struct Sides {
    bool yes = false;
    bool no = false;
  };

  [[nodiscard]] std::optional<Running> begin();
  void walk(Running& running);
  void step(Running& running, const CodeStep& now);
  bool block(Running& running, const CodeStep& now);
  void memory_step(Running& running, const CodeStep& now);
  void load(Running& running, const CodeStep& now);
  void store(Running& running, const CodeStep& now);
  void move(Running& running, const CodeStep& now);
  void number(Running& running, const CodeStep& now);
  void local(Running& running, const CodeStep& now);
  void global(Running& running, const CodeStep& now);
  void table_call(Running& running, const CodeStep& now);

  void branch(Running& running, std::uint32_t depth);
  void branch_table(Running& running, const CodeStep& now);
  void leave(Running& running);
  bool enter(Running& running, FunctionId function, std::vector<Term> arguments);
  void call(Running& running, FunctionId function, wasm::ByteOffset at);
  bool results_of(Running& running, const CallModel& model, CallEvent& event, const wasm::FuncType& type);
  void after_call(Running& running, const CallModel& model, std::uint32_t first_new_term);

  [[nodiscard]] Sides decide(Running& running, Term condition);
  void add_condition(Running& running, Term condition);
  /// A copy that goes another way; nothing when there are too many: then `running` has ended.
  [[nodiscard]] std::optional<Running> fork(Running& running);
  /// Where the condition holds, the path traps.
  void trap_if(Running& running, Term condition);
  void end(Running& running, Path::End how, std::string why = {});
  void charge(std::size_t steps);

  void push(Running& running, Term term);
  /// The topmost value; ends the path when there is none of that width (0: of any).
  Term pop(Running& running, unsigned width);
  [[nodiscard]] Term known(Term term) const;
  [[nodiscard]] std::optional<MemoryId> memory(Running& running, std::uint32_t index);
  [[nodiscard]] const LinkedInstance& instance(const Running& running) const;

  Executor::State& state_;
  smt::Terms& terms_;
  const Image& image_;
  const Executor::Start& start_;
  const Executor::Model& model_;
  std::unordered_map<Term, std::uint64_t> known_;
  ReadBudget budget_;
  std::size_t most_terms_ = 0;
  std::vector<Running> open_;
  std::vector<Path> done_;
};

}  // namespace meld_verify::lift
