#pragma once

// The theorem that a plan which meets the premises never leaks, in any topology and any run, as plain
// SMT-LIB.
//
// The rules of spec/topology.smt2 and spec/premises.smt2 are those that Z3's Datalog engine evaluates on one
// plan; here their sorts are uninterpreted, relations that rules derive are defined as exactly what the rules
// derive, and each `violates-*` becomes the axiom that nothing violates it. spec/theorem.smt2 says what a
// step of a run is and what a leak is.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/wasm/diagnostic.h"

namespace meld_verify::smt {

/// What is asked. The first two are proved by `unsat`, the others are shown by `sat`.
enum class TheoremGoal {
  kStart,     ///< an initial state that leaks or lacks an invariant
  kStep,      ///< a transition from a state without leak, in which the invariants hold, to one where not
  kPremises,  ///< a plan that meets the premises and has all covers
  kPath,      ///< a run that takes the steps of `path`
  kLeak,      ///< a run that takes the steps of `path`, leaks after the last and not before
};

struct TheoremQuery {
  TheoremGoal goal = TheoremGoal::kPremises;
  std::string transition;            ///< of kStep
  std::vector<std::string> path;     ///< transitions from an initial state on; "" stands for any
  std::vector<std::string> dropped;  ///< relations `violates-*` that may be violated
  std::vector<std::string> kept;     ///< leaks and, but for kLeak, invariants asked about; empty: all
  std::vector<std::pair<std::string, std::uint32_t>> sizes;  ///< the most elements of a sort, at least 1
};

/// A query in SMT-LIB, ends with (check-sat). Errors: those of `read_sexprs`; "rule" (not one of the shapes
/// that the rules of spec/ have; the sentence says what is wrong), "machine" (alike of `machine_text`),
/// "unknown-name" (the query names what is not there).
[[nodiscard]] wasm::Expected<std::string> theorem(std::string_view topology_text,
                                                  std::string_view premises_text,
                                                  std::string_view machine_text, const TheoremQuery& query);

/// The names that queries can use, in the order of the texts.
struct TheoremNames {
  std::vector<std::string> premises;  ///< relations `violates-*`
  std::vector<std::string> transitions;
  std::vector<std::string> leaks;
  std::vector<std::string> invariants;
  std::vector<std::string> covers;
};
[[nodiscard]] wasm::Expected<TheoremNames> theorem_names(std::string_view topology_text,
                                                         std::string_view premises_text,
                                                         std::string_view machine_text);

}  // namespace meld_verify::smt
