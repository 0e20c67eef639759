#include "engine/smt/theorem.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "engine/smt/sexpr.h"

namespace meld_verify::smt {
namespace {

constexpr std::string_view kPremise = "violates-";

tl::unexpected<wasm::Diagnostic> refuse(std::string code, std::string_view file,
                                        std::optional<wasm::ByteOffset> at, std::string sentence) {
  wasm::Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.place.file = file;
  diagnostic.place.offset = at;
  diagnostic.sentence = std::move(sentence);
  return tl::unexpected(std::move(diagnostic));
}

using Problem = std::optional<wasm::Diagnostic>;

template <class... Args>
wasm::Diagnostic problem(std::string code, std::string_view file, wasm::ByteOffset at,
                         fmt::format_string<Args...> format, Args&&... args) {
  return refuse(std::move(code), file, at, fmt::format(format, std::forward<Args>(args)...)).value();
}

// --- the rules ---------------------------------------------------------------------------------------------

struct Rule {
  const Sexpr* head;
  const Sexpr* body;
  std::vector<std::string> variables;  // in the order of their first use, those of the head first
};

/// The rules of several texts, checked.
class Rules {
 public:
  /// Adds the forms of one text.
  [[nodiscard]] Problem add(const std::vector<Sexpr>& forms, std::string_view file) {
    for (const Sexpr& form : forms) {
      Problem bad;
      if (form.is("declare-rel") && form.items.size() == 3 && form.items[2].is_list) {
        bad = declare_relation(form, file);
      } else if (form.is("declare-var") && form.items.size() == 3) {
        add_sort(form.items[2].atom);
        variables_[form.items[1].atom] = form.items[2].atom;
      } else if (form.is("rule") && form.items.size() >= 2) {
        bad = add_rule(form.items[1], file);
      } else {
        bad = problem("rule", file, form.at, "a declare-rel, declare-var or rule belongs here");
      }
      if (bad) {
        return bad;
      }
    }
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& sorts() const { return sorts_; }
  [[nodiscard]] const std::vector<std::string>& premises() const { return premises_; }

  /// Declarations, definitions and axioms, without what is in `defined` already. Nothing is said of the
  /// premises in `dropped`.
  [[nodiscard]] wasm::Expected<std::string> axioms(const std::set<std::string>& defined,
                                                   const std::vector<std::string>& dropped) const {
    std::string out;
    for (const auto& [sort, constants] : constants_) {
      for (const std::string& constant : constants) {
        out += defined.contains(constant) ? "" : fmt::format("(declare-fun {} () {})\n", constant, sort);
      }
      if (constants.size() > 1) {
        out += fmt::format("(assert (distinct {}))\n", fmt::join(constants, " "));
      }
    }
    for (const std::string& relation : order_) {
      if (!rules_.contains(relation) && !defined.contains(relation)) {
        out += fmt::format("(declare-fun {} ({}) Bool)\n", relation, fmt::join(signature_.at(relation), " "));
      }
    }
    std::set<std::string> written = defined;
    std::set<std::string> under_way;
    for (const std::string& relation : order_) {
      if (rules_.contains(relation) && !relation.starts_with(kPremise)) {
        if (Problem bad = define(relation, written, under_way, out)) {
          return tl::unexpected(std::move(*bad));
        }
      }
    }
    for (const std::string& premise : premises_) {
      if (std::find(dropped.begin(), dropped.end(), premise) != dropped.end()) {
        out += fmt::format("; {} may be violated\n", premise);
        continue;
      }
      out += fmt::format("; nothing {}\n", premise);
      for (const Rule& rule : rules_.at(premise)) {
        out +=
            fmt::format("(assert (forall ({}) (not {})))\n", typed(rule.variables, 0), to_string(*rule.body));
      }
    }
    return out;
  }

 private:
  void add_sort(const std::string& sort) {
    if (std::find(sorts_.begin(), sorts_.end(), sort) == sorts_.end()) {
      sorts_.push_back(sort);
    }
  }

  Problem declare_relation(const Sexpr& form, std::string_view file) {
    const std::string& name = form.items[1].atom;
    std::vector<std::string> sorts;
    for (const Sexpr& sort : form.items[2].items) {
      add_sort(sort.atom);
      sorts.push_back(sort.atom);
    }
    if (!signature_.emplace(name, std::move(sorts)).second) {
      return problem("rule", file, form.at, "the relation {} is declared twice", name);
    }
    order_.push_back(name);
    return {};
  }

  Problem add_rule(const Sexpr& text, std::string_view file) {
    if (!text.is("=>") || text.items.size() != 3) {
      return problem("rule", file, text.at, "a rule is written (rule (=> body head) name)");
    }
    Rule rule{&text.items[2], &text.items[1], {}};
    if (Problem bad = visit(*rule.head, rule, file)) {
      return bad;
    }
    const std::string& relation = rule.head->items[0].atom;
    if (rule.variables.size() != signature_.at(relation).size()) {
      return problem("rule", file, text.at, "the head of a rule of {} has to be of distinct variables",
                     relation);
    }
    auto& others = rules_[relation];
    if (!others.empty() && to_string(*others[0].head) != to_string(*rule.head)) {
      return problem("rule", file, text.at, "all rules of {} have to have the same head", relation);
    }
    if (Problem bad = visit(*rule.body, rule, file)) {
      return bad;
    }
    if (others.empty() && relation.starts_with(kPremise)) {
      premises_.push_back(relation);
    }
    others.push_back(std::move(rule));
    return {};
  }

  /// Finds the variables and constants of a rule's head or body.
  Problem visit(const Sexpr& formula, Rule& rule, std::string_view file) {
    if (formula.is("and") || formula.is("not")) {
      for (std::size_t i = 1; i < formula.items.size(); ++i) {
        if (Problem bad = visit(formula.items[i], rule, file)) {
          return bad;
        }
      }
      return {};
    }
    if (!formula.is_list || formula.items.empty()) {
      return problem("rule", file, formula.at, "and, not, = or a relation belongs here");
    }
    std::vector<std::string> sorts;
    if (formula.is("=") && formula.items.size() == 3) {
      for (const Sexpr& side : {formula.items[1], formula.items[2]}) {
        if (const auto variable = variables_.find(side.atom); variable != variables_.end()) {
          sorts.assign(2, variable->second);
        }
      }
    } else if (const auto found = signature_.find(formula.items[0].atom); found != signature_.end()) {
      sorts = found->second;
    }
    if (sorts.size() + 1 != formula.items.size()) {
      return problem("rule", file, formula.at, "{} is no relation with {} arguments", formula.items[0].atom,
                     formula.items.size() - 1);
    }
    for (std::size_t i = 0; i < sorts.size(); ++i) {
      const Sexpr& argument = formula.items[i + 1];
      const auto variable = variables_.find(argument.atom);
      if (argument.is_list || (variable != variables_.end() && variable->second != sorts[i])) {
        return problem("rule", file, argument.at, "a variable or constant of sort {} belongs here", sorts[i]);
      }
      auto& seen = variable != variables_.end() ? rule.variables : constants_[sorts[i]];
      if (std::find(seen.begin(), seen.end(), argument.atom) == seen.end()) {
        seen.push_back(argument.atom);
      }
    }
    return {};
  }

  /// "(p Position) (t Table)", from the variable `first` on.
  [[nodiscard]] std::string typed(const std::vector<std::string>& variables, std::size_t first) const {
    std::string out;
    for (std::size_t i = first; i < variables.size(); ++i) {
      out += fmt::format("{}({} {})", i == first ? "" : " ", variables[i], variables_.at(variables[i]));
    }
    return out;
  }

  /// Writes the definition of a derived relation after those that it needs.
  Problem define(const std::string& relation, std::set<std::string>& written,
                 std::set<std::string>& under_way, std::string& out) const {
    if (written.contains(relation)) {
      return {};
    }
    const auto& rules = rules_.at(relation);
    if (!under_way.insert(relation).second) {
      return problem("rule", "", rules[0].head->at, "the relation {} is defined by itself", relation);
    }
    std::string bodies;
    for (const Rule& rule : rules) {
      std::vector<std::string> needed;
      const std::function<void(const Sexpr&)> gather = [&](const Sexpr& formula) {
        if (formula.is_list && !formula.items.empty()) {
          needed.push_back(formula.items[0].atom);
          std::for_each(formula.items.begin(), formula.items.end(), gather);
        }
      };
      gather(*rule.body);
      for (const std::string& other : needed) {
        if (rules_.contains(other)) {
          if (Problem bad = define(other, written, under_way, out)) {
            return bad;
          }
        }
      }
      const std::size_t arity = signature_.at(relation).size();
      const std::string inner = typed(rule.variables, arity);
      bodies += inner.empty() ? fmt::format("\n  {}", to_string(*rule.body))
                              : fmt::format("\n  (exists ({}) {})", inner, to_string(*rule.body));
    }
    std::vector<std::string> head;
    for (std::size_t i = 1; i < rules[0].head->items.size(); ++i) {
      head.push_back(rules[0].head->items[i].atom);
    }
    out += fmt::format("(define-fun {} ({}) Bool {}{}{})\n", relation, typed(head, 0),
                       rules.size() > 1 ? "(or" : "", bodies, rules.size() > 1 ? ")" : "");
    written.insert(relation);
    return {};
  }

  std::vector<std::string> sorts_;
  std::vector<std::string> order_;  // relations as declared
  std::vector<std::string> premises_;
  std::map<std::string, std::vector<std::string>> signature_;
  std::map<std::string, std::string> variables_;               // with their sorts
  std::map<std::string, std::vector<std::string>> constants_;  // by sort
  std::map<std::string, std::vector<Rule>> rules_;
};

// --- the machine
// ---------------------------------------------------------------------------------------------

/// A form with a body that speaks of states.
struct Part {
  enum class Kind { kState, kPredicate, kInitial, kTransition, kLeak, kInvariant, kCover };
  Kind kind;
  std::string name;
  const Sexpr* parameters = nullptr;  // sorts for kState
  const Sexpr* body = nullptr;
  bool of_a_step = false;  // speaks of the state after, too
};

class Machine {
 public:
  [[nodiscard]] Problem add(const std::vector<Sexpr>& forms, std::string_view file) {
    static const std::map<std::string_view, std::pair<Part::Kind, std::size_t>> kForms = {
        {"declare-state", {Part::Kind::kState, 3}}, {"define-state", {Part::Kind::kPredicate, 4}},
        {"initial", {Part::Kind::kInitial, 2}},     {"transition", {Part::Kind::kTransition, 4}},
        {"leak", {Part::Kind::kLeak, 3}},           {"invariant", {Part::Kind::kInvariant, 3}},
        {"cover", {Part::Kind::kCover, 3}}};
    std::size_t places = 0;
    for (const Sexpr& form : forms) {
      if (!form.is_list || form.items.empty()) {
        return problem("machine", file, form.at, "a form in parentheses belongs here");
      }
      const auto found = kForms.find(form.items[0].atom);
      if (found == kForms.end()) {
        const bool rules = form.is("rules") && form.items.size() == 1;
        places += rules ? 1 : 0;
        (places == 0 ? before_ : after_).push_back(rules ? nullptr : &form);
        if (places == 0 && (form.is("define-fun") || form.is("declare-fun")) && form.items.size() > 1) {
          defined_.insert(form.items[1].atom);
        }
        continue;
      }
      const auto& [kind, size] = found->second;
      if (form.items.size() != size) {
        return problem("machine", file, form.at, "a form {} has {} parts", found->first, size);
      }
      Part part{kind, kind == Part::Kind::kInitial ? "initial" : form.items[1].atom, nullptr, nullptr, false};
      if (kind == Part::Kind::kState || size == 4) {
        part.parameters = &form.items[2];
      }
      if (kind != Part::Kind::kState) {
        part.body = &form.items.back();
        part.of_a_step = speaks_of_after(*part.body);
        if (part.of_a_step && kind != Part::Kind::kPredicate && kind != Part::Kind::kTransition) {
          return problem("machine", file, form.at, "{} is of one state and speaks of that after", part.name);
        }
      }
      if (!kinds_.emplace(part.name, kind).second) {
        return problem("machine", file, form.at, "{} is defined twice", part.name);
      }
      if (part.of_a_step) {
        of_a_step_.insert(part.name);
      }
      parts_.push_back(std::move(part));
    }
    if (places != 1) {
      return problem("machine", file, {}, "the form (rules) has to be there once");
    }
    return {};
  }

  [[nodiscard]] const std::set<std::string>& defined() const { return defined_; }
  [[nodiscard]] bool is(const std::string& name, Part::Kind kind) const {
    const auto found = kinds_.find(name);
    return found != kinds_.end() && found->second == kind;
  }
  [[nodiscard]] std::vector<std::string> names(Part::Kind kind) const {
    std::vector<std::string> names;
    for (const Part& part : parts_) {
      if (part.kind == kind) {
        names.push_back(part.name);
      }
    }
    return names;
  }

  [[nodiscard]] std::string before_rules() const { return plain(before_); }
  [[nodiscard]] std::string after_rules() const { return plain(after_); }

  /// The relations of state `i`, and what can be said of it.
  [[nodiscard]] std::string state(std::size_t i) const {
    std::string out = fmt::format("; --- state {}\n", i);
    for (const Part& part : parts_) {
      if (part.kind == Part::Kind::kState) {
        out += fmt::format("(declare-fun {}.{} {} Bool)\n", part.name, i, to_string(*part.parameters));
      }
    }
    for (const Part& part : parts_) {
      if (part.kind != Part::Kind::kState && part.kind != Part::Kind::kTransition && !part.of_a_step) {
        out += define(part, i);
      }
    }
    return out;
  }

  /// What can be said of the step from state `i` to the next; of transitions only `wanted`, or all if that is
  /// "".
  [[nodiscard]] std::string step(std::size_t i, const std::string& wanted) const {
    std::string out = fmt::format("; --- the step from state {}\n", i);
    for (const Part& part : parts_) {
      if ((part.kind == Part::Kind::kPredicate && part.of_a_step) ||
          (part.kind == Part::Kind::kTransition && (wanted.empty() || part.name == wanted))) {
        out += define(part, i);
      }
    }
    if (!wanted.empty()) {
      return out + fmt::format("(assert {}.{})\n", wanted, i);
    }
    out += "(assert (or";
    for (const std::string& name : names(Part::Kind::kTransition)) {
      out += fmt::format(" {}.{}", name, i);
    }
    return out + "))\n";
  }

 private:
  [[nodiscard]] bool is_state_symbol(std::string_view atom) const {
    const auto found = kinds_.find(std::string(atom));
    return found != kinds_.end() &&
           (found->second == Part::Kind::kState || found->second == Part::Kind::kPredicate);
  }
  [[nodiscard]] bool is_after(const std::string& atom) const {
    return atom.size() > 1 && atom.back() == '+' &&
           is_state_symbol(std::string_view(atom).substr(0, atom.size() - 1));
  }
  [[nodiscard]] bool speaks_of_after(const Sexpr& formula) const {
    if (!formula.is_list) {
      return is_after(formula.atom) || of_a_step_.contains(formula.atom);
    }
    return std::any_of(formula.items.begin(), formula.items.end(),
                       [&](const Sexpr& item) { return speaks_of_after(item); });
  }

  /// The body with the names of state `i` and the next.
  [[nodiscard]] Sexpr at_state(const Sexpr& formula, std::size_t i) const {
    Sexpr out = formula;
    if (!formula.is_list) {
      if (is_after(formula.atom)) {
        out.atom = fmt::format("{}.{}", formula.atom.substr(0, formula.atom.size() - 1), i + 1);
      } else if (is_state_symbol(formula.atom)) {
        out.atom = fmt::format("{}.{}", formula.atom, i);
      }
      return out;
    }
    for (Sexpr& item : out.items) {
      item = at_state(item, i);
    }
    return out;
  }

  [[nodiscard]] std::string define(const Part& part, std::size_t i) const {
    const std::string body = to_string(at_state(*part.body, i));
    if (part.kind == Part::Kind::kPredicate) {
      return fmt::format("(define-fun {}.{} {} Bool\n  {})\n", part.name, i, to_string(*part.parameters),
                         body);
    }
    if (part.parameters != nullptr && !part.parameters->items.empty()) {
      return fmt::format("(define-fun {}.{} () Bool\n  (exists {} {}))\n", part.name, i,
                         to_string(*part.parameters), body);
    }
    return fmt::format("(define-fun {}.{} () Bool\n  {})\n", part.name, i, body);
  }

  [[nodiscard]] static std::string plain(const std::vector<const Sexpr*>& forms) {
    std::string out;
    for (const Sexpr* form : forms) {
      if (form != nullptr) {
        out += to_string(*form) + '\n';
      }
    }
    return out;
  }

  std::vector<const Sexpr*> before_;  // plain SMT-LIB before (rules), and after
  std::vector<const Sexpr*> after_;
  std::vector<Part> parts_;
  std::map<std::string, Part::Kind> kinds_;
  std::set<std::string> of_a_step_;
  std::set<std::string> defined_;
};

// --- queries
// -------------------------------------------------------------------------------------------------

struct Texts {
  std::vector<Sexpr> topology;
  std::vector<Sexpr> premises;
  std::vector<Sexpr> machine_forms;
  Rules rules;  // of the first two; both point into the texts
  Machine machine;
};

/// A sort's name in what is written: Table is a word of cvc5's own.
std::string sort_name(const std::string& sort) {
  return sort == "Table" ? "Table_" : sort;
}

void rename_sorts(std::vector<Sexpr>& items) {
  for (Sexpr& item : items) {
    item.atom = sort_name(item.atom);
    rename_sorts(item.items);
  }
}

Problem read(std::string_view topology, std::string_view premises, std::string_view machine, Texts& texts) {
  const auto forms = [](std::string_view text, std::string_view name, std::vector<Sexpr>& out) -> Problem {
    auto read = read_sexprs(text, name);
    if (!read) {
      return std::move(read.error());
    }
    out = std::move(*read);
    rename_sorts(out);
    return {};
  };
  if (Problem bad = forms(topology, "topology.smt2", texts.topology)) {
    return bad;
  }
  if (Problem bad = forms(premises, "premises.smt2", texts.premises)) {
    return bad;
  }
  if (Problem bad = forms(machine, "theorem.smt2", texts.machine_forms)) {
    return bad;
  }
  if (Problem bad = texts.rules.add(texts.topology, "topology.smt2")) {
    return bad;
  }
  if (Problem bad = texts.rules.add(texts.premises, "premises.smt2")) {
    return bad;
  }
  return texts.machine.add(texts.machine_forms, "theorem.smt2");
}

/// The first name in the query that is not there.
std::optional<std::string> unknown_name(const TheoremQuery& query, const Texts& texts) {
  const auto& premises = texts.rules.premises();
  const auto& machine = texts.machine;
  for (const std::string& name : query.dropped) {
    if (std::find(premises.begin(), premises.end(), name) == premises.end()) {
      return name;
    }
  }
  for (const std::string& name : query.path) {
    if (!name.empty() && !machine.is(name, Part::Kind::kTransition)) {
      return name;
    }
  }
  for (const std::string& name : query.kept) {
    if (!machine.is(name, Part::Kind::kLeak) && !machine.is(name, Part::Kind::kInvariant)) {
      return name;
    }
  }
  if (query.goal == TheoremGoal::kStep && !machine.is(query.transition, Part::Kind::kTransition)) {
    return query.transition;
  }
  for (const auto& size : query.sizes) {
    const std::string name = sort_name(size.first);
    const auto& sorts = texts.rules.sorts();
    const bool declared =
        std::any_of(texts.machine_forms.begin(), texts.machine_forms.end(), [&](const Sexpr& form) {
          return form.is("declare-sort") && form.items.size() > 1 && form.items[1].atom == name;
        });
    if (size.second == 0 || (!declared && std::find(sorts.begin(), sorts.end(), name) == sorts.end())) {
      return size.first;
    }
  }
  return {};
}

std::string at_most(const std::string& sort, std::uint32_t most) {
  std::string elements;
  std::string any;
  for (std::uint32_t i = 0; i < most; ++i) {
    elements += fmt::format("(declare-fun {}!{} () {})\n", sort, i, sort);
    any += fmt::format(" (= x {}!{})", sort, i);
  }
  return fmt::format("{}(assert (forall ((x {})) (or{})))\n", elements, sort, any);
}

/// "(assert (not leak.0)) … (assert invariant.0) …"
std::string safe(const Machine& machine, std::size_t state, bool invariants) {
  std::string out;
  for (const std::string& name : machine.names(Part::Kind::kLeak)) {
    out += fmt::format("(assert (not {}.{}))\n", name, state);
  }
  if (invariants) {
    for (const std::string& name : machine.names(Part::Kind::kInvariant)) {
      out += fmt::format("(assert {}.{})\n", name, state);
    }
  }
  return out;
}

/// "(assert (or leak.1 … (not invariant.1) …))"
std::string unsafe(const Machine& machine, std::size_t state, bool invariants,
                   const std::vector<std::string>& kept) {
  const auto wanted = [&](const std::string& name) {
    return kept.empty() || std::find(kept.begin(), kept.end(), name) != kept.end();
  };
  std::string out = "(assert (or false";
  for (const std::string& name : machine.names(Part::Kind::kLeak)) {
    out += wanted(name) ? fmt::format(" {}.{}", name, state) : "";
  }
  if (invariants) {
    for (const std::string& name : machine.names(Part::Kind::kInvariant)) {
      out += wanted(name) ? fmt::format(" (not {}.{})", name, state) : "";
    }
  }
  return out + "))\n";
}

std::string ask(const Machine& machine, const TheoremQuery& query) {
  std::string out = machine.state(0);
  switch (query.goal) {
    case TheoremGoal::kStart:
      return out + "(assert initial.0)\n" + unsafe(machine, 0, true, query.kept);
    case TheoremGoal::kStep:
      return out + safe(machine, 0, true) + machine.state(1) + machine.step(0, query.transition) +
             unsafe(machine, 1, true, query.kept);
    case TheoremGoal::kPremises:
      out += "(assert initial.0)\n";
      for (const std::string& name : machine.names(Part::Kind::kCover)) {
        out += fmt::format("(assert {}.0)\n", name);
      }
      return out;
    case TheoremGoal::kPath:
    case TheoremGoal::kLeak:
      out += "(assert initial.0)\n";
      for (std::size_t i = 0; i < query.path.size(); ++i) {
        out += query.goal == TheoremGoal::kLeak ? safe(machine, i, false) : "";
        out += machine.state(i + 1) + machine.step(i, query.path[i]);
      }
      return out +
             (query.goal == TheoremGoal::kLeak ? unsafe(machine, query.path.size(), false, query.kept) : "");
  }
  return out;
}

}  // namespace

wasm::Expected<std::string> theorem(std::string_view topology_text, std::string_view premises_text,
                                    std::string_view machine_text, const TheoremQuery& query) {
  Texts texts;
  if (Problem bad = read(topology_text, premises_text, machine_text, texts)) {
    return tl::unexpected(std::move(*bad));
  }
  if (const auto name = unknown_name(query, texts)) {
    return refuse("unknown-name", "", {}, fmt::format("the texts have no '{}' of the kind asked for", *name));
  }
  std::string out = "(set-logic UF)\n";
  for (const std::string& sort : texts.rules.sorts()) {
    out += fmt::format("(declare-sort {} 0)\n", sort);
  }
  out += texts.machine.before_rules();
  const auto axioms = texts.rules.axioms(texts.machine.defined(), query.dropped);
  if (!axioms) {
    return tl::unexpected(axioms.error());
  }
  out += *axioms + texts.machine.after_rules();
  for (const auto& [sort, most] : query.sizes) {
    out += at_most(sort_name(sort), most);
  }
  return out + ask(texts.machine, query) + "(check-sat)\n";
}

wasm::Expected<TheoremNames> theorem_names(std::string_view topology_text, std::string_view premises_text,
                                           std::string_view machine_text) {
  Texts texts;
  if (Problem bad = read(topology_text, premises_text, machine_text, texts)) {
    return tl::unexpected(std::move(*bad));
  }
  return TheoremNames{texts.rules.premises(), texts.machine.names(Part::Kind::kTransition),
                      texts.machine.names(Part::Kind::kLeak), texts.machine.names(Part::Kind::kInvariant),
                      texts.machine.names(Part::Kind::kCover)};
}

}  // namespace meld_verify::smt
