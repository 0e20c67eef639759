#include "engine/smt/theorem.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <z3++.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "engine/smt/rules.h"
#include "engine/smt/sexpr.h"

namespace meld_verify::smt {
namespace {

// --- whether a formula is in EPR with stratified sorts, hence decidable
// --------------------------------------
//
// A sort depends on those of the arguments of the functions that yield it, and on those of the universal
// variables that an existential one hangs on (negations moved inward, definitions unfolded). Without a circle
// there are finitely many ground terms.

using Sorts = std::set<std::string>;

/// What a variable is, where it is used: its sort, and the sorts of the universal variables that its value
/// hangs on.
struct Variable {
  std::string sort;
  Sorts hangs_on;
};
using Scope = std::map<std::string, Variable>;

struct Function {
  std::vector<std::string> arguments;
  std::string result;
};
struct Definition {
  const Sexpr* parameters;
  const Sexpr* body;
};

/// Builds the graph of sorts. The first thing that is not understood ends up in `problem`.
class Graph {
 public:
  std::map<std::string, Sorts> edges;  ///< from a sort to those that depend on it
  std::string problem;
  wasm::ByteOffset problem_at;

  void add(const Sexpr& form) {
    if (form.is("declare-fun") && form.items.size() == 4) {
      Function function;
      function.result = form.items[3].atom;
      for (const Sexpr& sort : form.items[2].items) {
        function.arguments.push_back(sort.atom);
        if (function.result != "Bool") {
          edges[sort.atom].insert(function.result);
        }
      }
      functions_[form.items[1].atom] = std::move(function);
    } else if (form.is("define-fun") && form.items.size() == 5 && form.items[3].atom == "Bool") {
      definitions_[form.items[1].atom] = Definition{&form.items[2], &form.items[4]};
    } else if (form.is("assert") && form.items.size() == 2) {
      formula(form.items[1], true, {});
    } else if (!form.is("declare-sort") && !form.is("set-logic") && !form.is("check-sat")) {
      stop(form, "declare-sort, declare-fun, define-fun of a Bool or assert belongs here");
    }
  }

 private:
  void stop(const Sexpr& at, std::string sentence) {
    if (problem.empty()) {
      problem = std::move(sentence);
      problem_at = at.at;
    }
  }

  /// Sort and dependencies of a term (a variable, a constant, a function's value).
  Variable term(const Sexpr& text, const Scope& scope) {
    const std::string& name = text.is_list && !text.items.empty() ? text.items[0].atom : text.atom;
    if (const auto variable = scope.find(name); variable != scope.end() && !text.is_list) {
      return variable->second;
    }
    const auto function = functions_.find(name);
    const std::size_t arguments = text.is_list ? text.items.size() - 1 : 0;
    if (function == functions_.end() || function->second.arguments.size() != arguments) {
      stop(text, "'" + name + "' is no function with " + std::to_string(arguments) + " arguments");
      return {};
    }
    Variable value{function->second.result, {}};
    for (std::size_t i = 1; i < text.items.size(); ++i) {
      value.hangs_on.merge(term(text.items[i], scope).hangs_on);
    }
    return value;
  }

  [[nodiscard]] bool is_term(const Sexpr& text, const Scope& scope) const {
    const std::string& name = text.is_list && !text.items.empty() ? text.items[0].atom : text.atom;
    if (scope.contains(name)) {
      return true;
    }
    const auto function = functions_.find(name);
    return function != functions_.end() && function->second.result != "Bool";
  }

  /// All that the free variables of a formula hang on.
  void free_dependencies(const Sexpr& text, const Scope& scope, Sorts& out) const {
    if (!text.is_list) {
      if (const auto variable = scope.find(text.atom); variable != scope.end()) {
        out.insert(variable->second.hangs_on.begin(), variable->second.hangs_on.end());
      }
      return;
    }
    for (const Sexpr& item : text.items) {
      free_dependencies(item, scope, out);
    }
  }

  void quantifier(const Sexpr& text, bool universal, bool positive, Scope scope) {
    Sorts around;
    if (!universal) {
      Scope outer = scope;
      for (const Sexpr& variable : text.items[1].items) {
        outer.erase(variable.items[0].atom);
      }
      free_dependencies(text.items[2], outer, around);
    }
    for (const Sexpr& variable : text.items[1].items) {
      const std::string& sort = variable.items[1].atom;
      for (const std::string& from : around) {
        edges[from].insert(sort);
      }
      scope[variable.items[0].atom] = Variable{sort, universal ? Sorts{sort} : around};
    }
    formula(text.items[2], positive, scope);
  }

  void formula(const Sexpr& text, bool positive, const Scope& scope) {
    const std::string& name = text.is_list && !text.items.empty() ? text.items[0].atom : text.atom;
    const auto rest = [&](std::size_t from, bool as_is) {
      for (std::size_t i = from; i < text.items.size(); ++i) {
        formula(text.items[i], as_is ? positive : !positive, scope);
      }
    };
    if ((name == "forall" || name == "exists") && text.items.size() == 3) {
      quantifier(text, (name == "forall") == positive, positive, scope);
    } else if (name == "and" || name == "or") {
      rest(1, true);
    } else if (name == "not" && text.items.size() == 2) {
      rest(1, false);
    } else if (name == "=>" && text.items.size() == 3) {
      formula(text.items[1], !positive, scope);
      formula(text.items[2], positive, scope);
    } else if (name == "=" && text.items.size() == 3 && !is_term(text.items[1], scope)) {
      rest(1, true);
      rest(1, false);
    } else if (name == "=" || name == "distinct") {
      for (std::size_t i = 1; i < text.items.size(); ++i) {
        term(text.items[i], scope);
      }
    } else if (const auto found = definitions_.find(name); found != definitions_.end()) {
      const auto& [parameters, body] = found->second;
      if (parameters->items.size() + 1 != (text.is_list ? text.items.size() : 1)) {
        stop(text, "'" + name + "' has other parameters");
        return;
      }
      Scope inner;
      for (std::size_t i = 0; i < parameters->items.size(); ++i) {
        inner[parameters->items[i].items[0].atom] = term(text.items[i + 1], scope);
      }
      formula(*body, positive, inner);
    } else if (name != "true" && name != "false") {
      term(text, scope);
    }
  }

  std::map<std::string, Function> functions_;
  std::map<std::string, Definition> definitions_;
};

/// Depth-first search; `path` holds the sorts from the root to `at`.
bool find_circle(const std::map<std::string, Sorts>& edges, const std::string& at,
                 std::vector<std::string>& path, Sorts& done) {
  if (done.contains(at)) {
    return false;
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == at) {
      path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(i));
      path.push_back(at);
      return true;
    }
  }
  path.push_back(at);
  if (const auto next = edges.find(at); next != edges.end()) {
    for (const std::string& sort : next->second) {
      if (find_circle(edges, sort, path, done)) {
        return true;
      }
    }
  }
  path.pop_back();
  done.insert(at);
  return false;
}

/// A circle of sorts, the first repeated at the end; empty: stratified.
std::vector<std::string> sort_circle(std::string_view smt2) {
  const auto forms = read_sexprs(smt2, "query");
  if (!forms) {
    ADD_FAILURE() << to_string(forms.error());
    return {"?"};
  }
  Graph graph;
  for (const Sexpr& form : *forms) {
    graph.add(form);
  }
  if (!graph.problem.empty()) {
    ADD_FAILURE() << graph.problem << " at byte " << graph.problem_at.value;
    return {"?"};
  }
  std::vector<std::string> path;
  Sorts done;
  for (const auto& [sort, next] : graph.edges) {
    if (find_circle(graph.edges, sort, path, done)) {
      return path;
    }
  }
  return {};
}

// --- solvers -----------------------------------------------------------------------------------------------

constexpr unsigned kMostSteps = 100'000'000;  // of Z3's `rlimit`

std::string z3(const std::string& text) {
  z3::context context;
  z3::solver solver(context);
  solver.set("random_seed", 0u);
  solver.set("rlimit", kMostSteps);
  solver.from_string(text.c_str());
  switch (solver.check()) {
    case z3::sat:
      return "sat";
    case z3::unsat:
      return "unsat";
    case z3::unknown:
      return "unknown";
  }
  return "?";
}

/// The first line of what the command line says, and the exit code if that is not 0. Without cvc5 that is the
/// shell's complaint, so what asks for it fails.
std::string cvc5(const std::string& text, const std::string& options) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string path = testing::TempDir() + "meld-verify-" + test->name() + ".smt2";
  std::ofstream(path) << text;
  const std::string command = "cvc5 --tlimit=30000 --rlimit=2000000 " + options + " '" + path + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    out += static_cast<char>(c);
  }
  const int status = pclose(pipe);
  std::remove(path.c_str());
  out = out.substr(0, out.find('\n'));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return out;
  }
  return out + " (status " + std::to_string(status) + ")";
}

// --- the texts ---------------------------------------------------------------------------------------------

std::string spec(const std::string& name) {
  std::ifstream in(MELD_VERIFY_SOURCE_DIR "/spec/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The query over the files of spec/; in premises.smt2 `from`, which must be there, is read as `to`.
std::string ask(const TheoremQuery& query, const std::string& from = "", const std::string& to = "") {
  std::string premises = spec("premises.smt2");
  if (!from.empty()) {
    const std::size_t at = premises.find(from);
    if (at == std::string::npos) {
      ADD_FAILURE() << "premises.smt2 has no longer: " << from;
      return "(assert false)";
    }
    premises.replace(at, from.size(), to);
  }
  const auto text = theorem(spec("topology.smt2"), premises, spec("theorem.smt2"), query);
  if (!text) {
    ADD_FAILURE() << to_string(text.error());
    return "";
  }
  return *text;
}

TheoremNames names() {
  return theorem_names(spec("topology.smt2"), spec("premises.smt2"), spec("theorem.smt2")).value();
}

/// All that has to be unsatisfiable, with names.
std::map<std::string, std::string> conditions() {
  std::map<std::string, std::string> all;
  TheoremQuery query;
  query.goal = TheoremGoal::kStart;
  all["start"] = ask(query);
  query.goal = TheoremGoal::kStep;
  for (const std::string& transition : names().transitions) {
    query.transition = transition;
    all[transition] = ask(query);
  }
  return all;
}

using Path = std::vector<std::string>;

TheoremQuery path_query(TheoremGoal goal, Path path, std::vector<std::string> dropped = {},
                        std::vector<std::string> kept = {}) {
  TheoremQuery query;
  query.goal = goal;
  query.path = std::move(path);
  query.dropped = std::move(dropped);
  query.kept = std::move(kept);
  return query;
}

/// The query without what the tool refuses anyway: calls of an instance to itself.
std::string real(const TheoremQuery& query) {
  std::string text = ask(query);
  text.insert(
      text.rfind("(check-sat)"),
      "(assert (forall ((p Position)) (not (= (instance-of (from-of p)) (instance-of (to-of p))))))\n");
  return text;
}

/// Also of small size.
TheoremQuery small(TheoremQuery query) {
  query.sizes = {{"Instance", 4}, {"View", 4}, {"Position", 2}, {"Resource", 2},
                 {"Table", 3},    {"Key", 3},  {"Tok", 3},      {"Obj", 2}};
  return query;
}
std::string small_and_real(const TheoremQuery& query) {
  return real(small(query));
}

/// What happens once a premise is left out: the shortest run to a leak, and the leak.
struct Harm {
  Path path;
  std::string leak;
};
const std::map<std::string, Harm>& harms() {
  static const std::map<std::string, Harm> kHarms = {
      {"violates-type", {{"new"}, "entry-of-another-type"}},
      {"violates-holds", {{"new"}, "own-not-in-its-table"}},
      {"violates-alias", {{"new", "alias-own"}, "own-not-in-its-table"}},
      {"violates-intrinsic", {{"new"}, "own-not-in-its-table"}},
      {"violates-own-source", {{"new", "own-crosses"}, "two-owners"}},
      {"violates-own-target", {{"new", "own-crosses"}, "own-not-in-its-table"}},
      {"violates-own-unconverted", {{"new", "own-crosses"}, "own-not-in-its-table"}},
      {"violates-borrow-source", {{"new", "borrow-crosses-elsewhere"}, "borrow-not-in-its-table"}},
      {"violates-borrow-definer", {{"new", "own-crosses", "borrow-crosses-to-definer"}, "not-its-rep"}},
      {"violates-borrow-target", {{"new", "borrow-crosses-elsewhere"}, "borrow-not-in-its-table"}},
      {"violates-destroys", {{"new", "drop-own"}, "not-destroyed"}},
      {"violates-destroys-other", {{"new", "drop-own"}, "destroyed-wrongly"}},
      {"violates-destroys-once", {{"new", "drop-own"}, "destroyed-wrongly"}},
      {"violates-destroys-lent", {{"new", "borrow-crosses-elsewhere", "drop-borrow"}, "destroyed-early"}},
  };
  return kHarms;
}

/// How each transition comes about.
const std::map<std::string, Path>& ways() {
  static const std::map<std::string, Path> kWays = {
      {"new", {}},
      {"rep", {"new"}},
      {"drop-own", {"new"}},
      {"drop-borrow", {"new", "borrow-crosses-elsewhere"}},
      {"own-crosses", {"new"}},
      {"borrow-crosses-to-definer", {"new", "own-crosses"}},
      {"borrow-crosses-elsewhere", {"new"}},
      {"end-of-borrow", {"new"}},
      {"alias-own", {"new"}},
      {"alias-borrow", {"new", "borrow-crosses-elsewhere"}},
  };
  return kWays;
}

// --- the theorem -------------------------------------------------------------------------------------------

TEST(Theorem, IsProvedByZ3) {
  for (const auto& [name, text] : conditions()) {
    EXPECT_EQ(z3(text), "unsat") << name;
  }
}

TEST(Theorem, IsProvedByCvc5) {
  for (const auto& [name, text] : conditions()) {
    EXPECT_EQ(cvc5(text, ""), "unsat") << name;
  }
}

TEST(Theorem, StaysInTheDecidableFragment) {
  for (const auto& [name, text] : conditions()) {
    EXPECT_EQ(sort_circle(text), Path{}) << name;
  }
  for (const auto& [premise, harm] : harms()) {
    EXPECT_EQ(sort_circle(small_and_real(path_query(TheoremGoal::kLeak, harm.path, {premise}))), Path{});
  }
}

TEST(Theorem, HasPremisesThatSomePlanMeets) {
  const std::string text = ask({});
  for (const std::string& cover : names().covers) {
    EXPECT_NE(text.find("(assert " + cover + ".0)"), std::string::npos) << cover;
  }
  EXPECT_EQ(z3(text), "sat");
  EXPECT_EQ(cvc5(text, "--finite-model-find"), "sat");
}

TEST(Theorem, SpeaksOfStepsThatHappenInRightPlans) {
  for (const std::string& transition : names().transitions) {
    ASSERT_TRUE(ways().contains(transition)) << transition;
    Path path = ways().at(transition);
    path.push_back(transition);
    EXPECT_EQ(z3(small_and_real(path_query(TheoremGoal::kPath, path))), "sat") << transition;
  }
}

/// Of runs of `length` steps (one or two), of any size; true when there is none. That only `new` can come
/// first is checked along with it.
bool has_no_leak_of(std::size_t length, const std::vector<std::string>& dropped) {
  if (length == 1) {
    return z3(real(path_query(TheoremGoal::kLeak, {""}, dropped))) == "unsat";
  }
  for (const std::string& transition : names().transitions) {
    if (transition != "new" && z3(real(path_query(TheoremGoal::kPath, {transition}, dropped))) != "unsat") {
      return false;
    }
    if (z3(real(path_query(TheoremGoal::kLeak, {"new", transition}, dropped))) != "unsat") {
      return false;
    }
  }
  return true;
}

TEST(Theorem, HasNoLeakInShortRunsEither) {
  EXPECT_TRUE(has_no_leak_of(1, {}));
  EXPECT_TRUE(has_no_leak_of(2, {}));
}

TEST(Theorem, BreaksWithoutAnyOneOfItsPremises) {
  EXPECT_EQ(harms().size(), names().premises.size());
  for (const std::string& premise : names().premises) {
    ASSERT_TRUE(harms().contains(premise)) << premise;
    TheoremQuery query;
    query.goal = TheoremGoal::kStep;
    query.transition = harms().at(premise).path.back();
    query.dropped = {premise};
    EXPECT_EQ(z3(ask(small(query))), "sat") << premise;
  }
}

TEST(Theorem, LeaksForRealWithoutAnyOneOfItsPremises) {
  for (const auto& [premise, harm] : harms()) {
    const auto leak = path_query(TheoremGoal::kLeak, harm.path, {premise}, {harm.leak});
    EXPECT_EQ(z3(small_and_real(leak)), "sat") << premise;
    // The premise was in the way, and no run is shorter.
    EXPECT_EQ(z3(real(path_query(TheoremGoal::kLeak, harm.path))), "unsat") << premise;
    for (std::size_t length = 1; length < harm.path.size(); ++length) {
      EXPECT_TRUE(has_no_leak_of(length, {premise})) << premise;
    }
  }
}

TEST(Theorem, LeaksForRealAccordingToCvc5) {
  for (const auto& [premise, harm] : harms()) {
    const auto leak = path_query(TheoremGoal::kLeak, harm.path, {premise}, {harm.leak});
    EXPECT_EQ(cvc5(small_and_real(leak), "--finite-model-find"), "sat") << premise;
  }
}

TEST(Theorem, IsAboutTheTextOfThePremises) {
  const auto with = [](const std::string& transition, const std::string& from, const std::string& to) {
    TheoremQuery query;
    query.goal = TheoremGoal::kStep;
    query.transition = transition;
    return z3(ask(query, from, to));
  };
  EXPECT_EQ(with("own-crosses", "(step p c0 op-take t x)", "(step p c0 op-rep t x)"), "sat");
  EXPECT_EQ(with("own-crosses", "(target p t k) (step p c1 op-new t k) (steps p c2)",
                 "(step p c1 op-new t k) (steps p c2)"),
            "sat");
  EXPECT_EQ(with("borrow-crosses-to-definer", "(source p t k) (step p c0 op-rep t x)",
                 "(target p t k) (step p c0 op-rep t x)"),
            "sat");
  EXPECT_EQ(with("borrow-crosses-elsewhere", "(step p c1 op-borrow t k)", "(step p c1 op-new t k)"), "sat");
  EXPECT_EQ(with("drop-own", "(and (view v i r) (own-runs v n r)) (runs-its-own v)",
                 "(own-runs v n r) (runs-its-own v)"),
            "sat");
  // Asking more than is needed is no harm.
  EXPECT_EQ(with("drop-own", "(own-runs v n r2) (destructor r2) (not (= r r2))",
                 "(own-runs v n r2) (not (= r r2))"),
            "unsat");
}

// --- one text, two uses ------------------------------------------------------------------------------------

TEST(Theorem, HasThePremisesThatTheJudgeAsksFor) {
  setenv("MELD_VERIFY_SPEC", MELD_VERIFY_SOURCE_DIR "/spec", 1);
  const RuleText rules = load_rules().value();
  EXPECT_NE(rules.broken.find(spec("topology.smt2")), std::string::npos);
  EXPECT_NE(rules.broken.find(spec("premises.smt2")), std::string::npos);
  // Every premise is asked for, and whatever is asked for is a premise or a duty.
  std::set<std::string> asked, sentences;
  for (const RuleText::Rule& rule : rules.rules) {
    asked.insert(rule.name);
    sentences.insert(rule.sentence);
    EXPECT_GT(rule.sentence.size(), 15u) << rule.name;
  }
  EXPECT_EQ(asked.size(), rules.rules.size());
  EXPECT_EQ(sentences.size(), rules.rules.size());
  const std::vector<std::string> premises = names().premises;
  EXPECT_EQ(premises.size(), 14u);
  for (const std::string& premise : premises) {
    EXPECT_EQ(asked.erase(premise), 1u) << premise;
  }
  const std::string duties = spec("duties.smt2");
  for (const std::string& duty : asked) {
    EXPECT_NE(duties.find("(declare-rel " + duty + " ("), std::string::npos) << duty;
  }
  std::size_t declared = 0;
  for (std::size_t at = duties.find("(declare-rel neglects-"); at != std::string::npos;
       at = duties.find("(declare-rel neglects-", at + 1)) {
    ++declared;
  }
  EXPECT_EQ(asked.size(), declared);
}

// --- the generator ---

constexpr std::string_view kFewRules = R"(
(declare-var a A)
(declare-var b B)
(declare-var c B)
(declare-rel likes (A B))
(declare-rel liked (B))
(declare-rel violates-liking (A))
(rule (=> (likes a b) (liked b)) liked)
(rule (=> (likes a best) (liked b)) best)
(rule (=> (and (likes a b) (not (liked b))) (violates-liking a)) violates-liking)
)";
constexpr std::string_view kSmallMachine = R"(
(rules)
(declare-state on (A))
(define-state turned ((a A)) (= (on+ a) (not (on a))))
(initial (forall ((a A)) (not (on a))))
(transition turn ((a A)) (turned a))
(leak lit (exists ((a A)) (on a)))
(invariant dark (forall ((a A)) (not (on a))))
(cover some (exists ((a A)) true))
)";

std::string code_of(const wasm::Expected<std::string>& result) {
  return result ? "none" : result.error().code;
}

TEST(TheoremText, CompletesRelationsAndAssertsPremises) {
  TheoremQuery query;
  query.goal = TheoremGoal::kStep;
  query.transition = "turn";
  query.sizes = {{"A", 1}};
  EXPECT_EQ(theorem(kFewRules, "", kSmallMachine, query).value(), R"((set-logic UF)
(declare-sort A 0)
(declare-sort B 0)
(declare-fun best () B)
(declare-fun likes (A B) Bool)
(define-fun liked ((b B)) Bool (or
  (exists ((a A)) (likes a b))
  (exists ((a A)) (likes a best))))
; nothing violates-liking
(assert (forall ((a A) (b B)) (not (and (likes a b) (not (liked b))))))
(declare-fun A!0 () A)
(assert (forall ((x A)) (or (= x A!0))))
; --- state 0
(declare-fun on.0 (A) Bool)
(define-fun initial.0 () Bool
  (forall ((a A)) (not (on.0 a))))
(define-fun lit.0 () Bool
  (exists ((a A)) (on.0 a)))
(define-fun dark.0 () Bool
  (forall ((a A)) (not (on.0 a))))
(define-fun some.0 () Bool
  (exists ((a A)) true))
(assert (not lit.0))
(assert dark.0)
; --- state 1
(declare-fun on.1 (A) Bool)
(define-fun initial.1 () Bool
  (forall ((a A)) (not (on.1 a))))
(define-fun lit.1 () Bool
  (exists ((a A)) (on.1 a)))
(define-fun dark.1 () Bool
  (forall ((a A)) (not (on.1 a))))
(define-fun some.1 () Bool
  (exists ((a A)) true))
; --- the step from state 0
(define-fun turned.0 ((a A)) Bool
  (= (on.1 a) (not (on.0 a))))
(define-fun turn.0 () Bool
  (exists ((a A)) (turned.0 a)))
(assert turn.0)
(assert (or false lit.1 (not dark.1)))
(check-sat)
)");
}

TEST(TheoremText, LeavesOutOnlyTheDroppedPremise) {
  TheoremQuery query;
  query.dropped = {"violates-liking"};
  const std::string text = theorem(kFewRules, "", kSmallMachine, query).value();
  EXPECT_NE(text.find("; violates-liking may be violated\n"), std::string::npos);
  EXPECT_EQ(text.find("(assert (forall"), std::string::npos);
}

TEST(TheoremText, RefusesWhatItDoesNotUnderstand) {
  const auto with_rule = [](const std::string& rule) {
    return code_of(theorem(kFewRules, rule, kSmallMachine, {}));
  };
  EXPECT_EQ(with_rule(""), "none");
  EXPECT_EQ(with_rule("(rule (=> (likes a b) (liked b))"), "parenthesis");
  EXPECT_EQ(with_rule("(rule (likes a b))"), "rule");
  EXPECT_EQ(with_rule("(rule (=> (hates a b) (liked b)))"), "rule");              // no such relation
  EXPECT_EQ(with_rule("(rule (=> (likes a) (liked b)))"), "rule");                // too few arguments
  EXPECT_EQ(with_rule("(rule (=> (likes b a) (liked b)))"), "rule");              // sorts
  EXPECT_EQ(with_rule("(rule (=> (likes a c) (liked c)))"), "rule");              // another head
  EXPECT_EQ(with_rule("(rule (=> (liked b) (likes a best)))"), "rule");           // a constant in the head
  EXPECT_EQ(with_rule("(rule (=> (or (liked b)) (liked b)))"), "rule");           // or
  EXPECT_EQ(with_rule("(rule (=> (liked c) (liked b)))"), "rule");                // recursion
  EXPECT_EQ(with_rule("(declare-rel likes (A))"), "rule");                        // twice
  EXPECT_EQ(code_of(theorem(kFewRules, "", "(initial true)", {})), "machine");    // no place for rules
  EXPECT_EQ(code_of(theorem(kFewRules, "", "(rules) (leak x)", {})), "machine");  // no body
  EXPECT_EQ(code_of(theorem(kFewRules, "", "(rules) (leak x true) (cover x true)", {})), "machine");
  EXPECT_EQ(code_of(theorem(kFewRules, "", "(rules) (declare-state s ()) (leak x s+)", {})), "machine");
}

TEST(TheoremText, RefusesNamesThatAreNotThere) {
  const auto with = [](const TheoremQuery& query) {
    return code_of(theorem(kFewRules, "", kSmallMachine, query));
  };
  EXPECT_EQ(with({TheoremGoal::kStep, "turn", {}, {}, {}, {}}), "none");
  EXPECT_EQ(with({TheoremGoal::kStep, "lit", {}, {}, {}, {}}), "unknown-name");
  EXPECT_EQ(with({TheoremGoal::kPath, "", {"", "turns"}, {}, {}, {}}), "unknown-name");
  EXPECT_EQ(with({TheoremGoal::kPremises, "", {}, {"violates-hating"}, {}, {}}), "unknown-name");
  EXPECT_EQ(with({TheoremGoal::kStart, "", {}, {}, {"turn"}, {}}), "unknown-name");
  EXPECT_EQ(with({TheoremGoal::kStart, "", {}, {}, {}, {{"C", 1}}}), "unknown-name");
  EXPECT_EQ(with({TheoremGoal::kStart, "", {}, {}, {}, {{"A", 0}}}), "unknown-name");
}

TEST(TheoremText, NamesItsPartsInTheirOrder) {
  const auto parts = theorem_names(kFewRules, "", kSmallMachine).value();
  EXPECT_EQ(parts.premises, Path{"violates-liking"});
  EXPECT_EQ(parts.transitions, Path{"turn"});
  EXPECT_EQ(parts.leaks, Path{"lit"});
  EXPECT_EQ(parts.invariants, Path{"dark"});
  EXPECT_EQ(parts.covers, Path{"some"});
}

// --- the check of the fragment
// -------------------------------------------------------------------------------

TEST(SortCircle, IsFoundThroughFunctionsAndQuantifiers) {
  const std::string sorts =
      "(declare-sort A 0) (declare-sort B 0) (declare-fun f (A) B) (declare-fun p (A B) Bool)"
      "(define-fun some ((b B)) Bool (exists ((a A)) (p a b)))";
  EXPECT_EQ(sort_circle(sorts), Path{});
  EXPECT_EQ(sort_circle(sorts + "(declare-fun g (B) A)"), (Path{"A", "B", "A"}));
  EXPECT_EQ(sort_circle(sorts + "(assert (forall ((a A)) (exists ((b B)) (p a b))))"), Path{});
  EXPECT_EQ(sort_circle(sorts + "(assert (forall ((b B)) (exists ((a A)) (p a b))))"), (Path{"A", "B", "A"}));
  EXPECT_EQ(sort_circle(sorts + "(assert (not (exists ((b B)) (forall ((a A)) (p a b)))))"),
            (Path{"A", "B", "A"}));
  EXPECT_EQ(sort_circle(sorts + "(assert (forall ((b B)) (some b)))"), (Path{"A", "B", "A"}));
  EXPECT_EQ(sort_circle(sorts + "(assert (forall ((b B)) (not (some b))))"), Path{});
  EXPECT_EQ(sort_circle(sorts + "(assert (forall ((b B)) (= (some b) true)))"), (Path{"A", "B", "A"}));
  EXPECT_EQ(sort_circle(sorts + "(assert (forall ((a A)) (some (f a))))"), (Path{"A", "A"}));
  // hangs on nothing around it
  EXPECT_EQ(sort_circle(sorts + "(declare-fun c () B)(assert (forall ((b B)) (exists ((a A)) (p a c))))"),
            Path{});
}

// --- the reader
// ----------------------------------------------------------------------------------------------

TEST(ReadSexprs, KeepsAtomsListsAndPlaces) {
  const auto read = read_sexprs("; no (\n(rule (=> a |x y|) \"b ;(\")\nc", "rules").value();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(to_string(read[0]), "(rule (=> a |x y|) \"b ;(\")");
  EXPECT_TRUE(read[0].is("rule"));
  EXPECT_FALSE(read[0].is("=>"));
  EXPECT_EQ(read[0].items[1].at.value, 13u);
  EXPECT_FALSE(read[1].is_list);
  EXPECT_EQ(read[1].atom, "c");
}

TEST(ReadSexprs, SayWhereATextIsBroken) {
  const auto broken = [](std::string_view text) {
    const auto read = read_sexprs(text, "rules");
    return read ? "none" : read.error().code + " " + std::to_string(read.error().place.offset->value);
  };
  EXPECT_EQ(broken("(a (b)"), "parenthesis 0");
  EXPECT_EQ(broken("(a (b"), "parenthesis 3");
  EXPECT_EQ(broken("(a))"), "parenthesis 3");
  EXPECT_EQ(broken("(a \"b)"), "string 3");
  EXPECT_EQ(broken(std::string(1000, '(') + std::string(1000, ')')), "none");
  EXPECT_EQ(broken(std::string(1001, '(')), "depth 1000");
}

}  // namespace
}  // namespace meld_verify::smt
