#pragma once

// Functions run as operations on a table, one after another, from any state that the file may be in.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/lift/alignment.h"
#include "engine/lift/execute.h"
#include "engine/smt/term.h"

namespace meld_verify::lift {

/// A word that an operation wrote.
struct EntryWrite {
  MemoryId memory;
  Term address;
  std::uint32_t bytes = 0;
  Term value;
};

/// What is known before the first operation.
struct Opening {
  Opening() = default;
  Opening(std::vector<Term> conditions) : given(std::move(conditions)) {}  // NOLINT: any conditions are one
  std::vector<Term> given;                                                 ///< conditions
  std::vector<std::pair<GlobalId, Term>> globals;                          ///< that have known values
  std::vector<std::pair<Term, std::uint64_t>> known;                       ///< words that have known values
};

/// One way that an operation may go, after those before it.
struct Outcome {
  std::shared_ptr<const Path> path;
  std::vector<Term> conditions;    ///< of this operation and all before it
  std::vector<EntryWrite> writes;  ///< of this operation, newest first
  std::vector<CallEvent> calls;    ///< to what is not executed; callees are seen through forwarders
  std::vector<std::pair<Term, std::uint64_t>> known;  ///< as the first operation's opening has it
  bool traceable = true;                              ///< false: it wrote something that is no word

  [[nodiscard]] bool returns() const { return path->end == Path::End::kReturn; }
  [[nodiscard]] bool stuck() const { return path->end == Path::End::kStuck || !traceable; }
};

class Operations {
 public:
  /// All must outlive it.
  Operations(const Image& image, const Alignment& alignment, Executor& executor, smt::Terms& terms,
             smt::Decider& decider);

  /// Conditions that are held to be true before the first of several operations.
  void hold(std::vector<Term> conditions) { held_ = std::move(conditions); }

  /// All ways that are not impossible. Generated functions are executed; guests' functions, canonical
  /// built-ins and imports are calls that change nothing: a guest that keeps to the rules leaves the words of
  /// tables alone. `opening` counts where there is nothing before.
  [[nodiscard]] std::vector<Outcome> run(FunctionId function, Term argument, const Outcome* after = nullptr,
                                         const Opening& opening = {});
  /// The same, stopped before the first such call: what has happened by then.
  [[nodiscard]] std::vector<Outcome> run_until_call(FunctionId function, Term argument,
                                                    const Opening& opening);

  /// The value of a global before anything ran.
  [[nodiscard]] Term start(GlobalId global);
  [[nodiscard]] Term read(const Outcome& after, MemoryId memory, Term address, std::uint32_t bytes);
  /// A word of the memory before anything ran.
  [[nodiscard]] Term word(MemoryId memory, Term address, std::uint32_t bytes);

  /// Whether a term is made of nothing but what was there before anything ran and what was handed in. A word
  /// that the executor could not tell is not.
  [[nodiscard]] bool is_known(Term term) const;
  /// Whether there is a state in which the two differ; kUnknown where one of them is not known.
  [[nodiscard]] smt::Answer differs(const Outcome& in, Term left, Term right);
  /// Whether `condition` holds after all conditions; with `kNo` it is known that it may fail.
  [[nodiscard]] smt::Answer holds(const Outcome& in, Term condition);
  [[nodiscard]] smt::Answer possible(const Outcome& in, Term condition);

  [[nodiscard]] bool is_guest(FunctionId function) const;

  // Terms.
  [[nodiscard]] Term number(std::uint64_t value);
  [[nodiscard]] Term equal(Term left, Term right);
  [[nodiscard]] Term at_most(Term left, Term right);  ///< unsigned
  [[nodiscard]] Term less(Term left, Term right);     ///< unsigned
  [[nodiscard]] Term either(Term left, Term right);
  [[nodiscard]] Term both(Term left, Term right);

 private:
  [[nodiscard]] std::vector<Outcome> execute(FunctionId function, Term argument, const Outcome* after,
                                             const Opening& opening, CallModel::Kind calls);
  void trace(Outcome& outcome, const Outcome* after);

  std::vector<Term> held_;
  const Image& image_;
  const Alignment& alignment_;
  Executor& executor_;
  smt::Terms& terms_;
  smt::Decider& decider_;
};

}  // namespace meld_verify::lift
