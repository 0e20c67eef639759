#include "engine/smt/rules.h"

#include <fmt/format.h>
#include <z3++.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/routing/spec_files.h"

namespace meld_verify::smt {

struct Solver::Started {
  z3::context context;
};

Solver::Solver() : started_(std::make_shared<Started>()) {}

z3::context& Solver::context() const {
  return started_->context;
}

/// One Datalog evaluation: rules, then facts, then queries.
class Evaluation {
 public:
  Evaluation(const RuleText& rules, const FactBase& facts, bool naming, Solver solver)
      : solver_(std::move(solver)), context_(solver_.context()), fixedpoint_(context_) {
    z3::params params(context_);
    params.set("engine", context_.str_symbol("datalog"));
    // Inlining small relations back into wide joins costs a factor of thirty and more.
    params.set("xform.inline_eager", false);
    fixedpoint_.set(params);
    const std::string text = naming ? rules.broken + rules.naming : rules.broken;
    Z3_fixedpoint_from_string(context_, fixedpoint_, text.c_str());
    context_.check_error();
    for (std::size_t i = 0; i < kRelationCount; ++i) {
      const auto relation = static_cast<Relation>(i);
      if (naming || info_of(relation).premises) {
        add(relation, facts.of(relation));
      }
    }
  }

  /// The rows of a relation of three columns.
  std::vector<std::array<std::uint32_t, 3>> rows(const char* name, unsigned last_bits) {
    z3::sort_vector sorts(context_);
    sorts.push_back(context_.bv_sort(2));
    sorts.push_back(context_.bv_sort(24));
    sorts.push_back(context_.bv_sort(last_bits));
    z3::func_decl relation = context_.function(name, sorts, context_.bool_sort());
    z3::func_decl_vector queries(context_);
    queries.push_back(relation);
    std::vector<std::array<std::uint32_t, 3>> found;
    switch (fixedpoint_.query(queries)) {
      case z3::unsat:
        return found;
      case z3::sat:
        break;
      case z3::unknown:
        throw std::runtime_error(
            fmt::format("Z3 gives no answer for {}: {}", name, fixedpoint_.reason_unknown()));
    }
    z3::expr answer = fixedpoint_.get_answer();
    if (is(answer, Z3_OP_OR)) {
      for (unsigned i = 0; i < answer.num_args(); ++i) {
        found.push_back(row(answer.arg(i)));
      }
    } else {
      found.push_back(row(answer));
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

 private:
  static bool is(const z3::expr& term, Z3_decl_kind kind) {
    return term.is_app() && term.decl().decl_kind() == kind;
  }

  void add(Relation relation, std::span<const std::uint32_t> numbers) {
    const RelationInfo& info = info_of(relation);
    z3::sort_vector sorts(context_);
    for (std::size_t i = 0; i < info.arity; ++i) {
      sorts.push_back(context_.bv_sort(bits_of(info.sorts[i])));
    }
    z3::func_decl declaration =
        context_.function(std::string(info.name).c_str(), sorts, context_.bool_sort());
    std::array<unsigned, 5> row{};
    for (std::size_t at = 0; at < numbers.size(); at += info.arity) {
      for (std::size_t i = 0; i < info.arity; ++i) {
        row[i] = numbers[at + i];
        if ((row[i] >> bits_of(info.sorts[i])) != 0) {  // Z3 would cut it off in silence
          throw std::runtime_error(fmt::format("{} is too large for a fact of {}", row[i], info.name));
        }
      }
      fixedpoint_.add_fact(declaration, row.data());
    }
  }

  /// A row is a conjunction of "column = number"; a column that is not there would mean "any".
  static std::array<std::uint32_t, 3> row(const z3::expr& term) {
    std::array<std::uint32_t, 3> numbers{};
    unsigned seen = 0;
    const auto equation = [&](const z3::expr& part) {
      if (!is(part, Z3_OP_EQ) || !part.arg(0).is_var() || !part.arg(1).is_numeral()) {
        throw std::runtime_error("Z3 answers in a form that is not a set of rows: " + part.to_string());
      }
      const unsigned column = Z3_get_index_value(part.ctx(), part.arg(0));
      numbers.at(column) = part.arg(1).get_numeral_uint();
      ++seen;
    };
    if (is(term, Z3_OP_AND)) {
      for (unsigned i = 0; i < term.num_args(); ++i) {
        equation(term.arg(i));
      }
    } else {
      equation(term);
    }
    if (seen != numbers.size()) {
      throw std::runtime_error("Z3 leaves a column of a row open: " + term.to_string());
    }
    return numbers;
  }

  Solver solver_;
  z3::context& context_;
  z3::fixedpoint fixedpoint_;
};

namespace {

std::vector<Broken> broken_rows(Evaluation& evaluation) {
  std::vector<Broken> result;
  for (const auto& [kind, id, rule] : evaluation.rows("broken", 5)) {
    result.push_back({{static_cast<UnitKind>(kind), id}, static_cast<std::uint8_t>(rule)});
  }
  return result;
}

std::vector<Named> named_rows(Evaluation& evaluation) {
  std::vector<Named> result;
  for (const auto& [kind, id, code] : evaluation.rows("finding", 6)) {
    result.push_back({{static_cast<UnitKind>(kind), id}, static_cast<std::uint8_t>(code)});
  }
  return result;
}

/// judge.smt2 numbers the premises and duties, and says before each what must hold:
/// ; sentence
/// (rule (=> … (broken UNIT id #bNNNNN)) name)
void read_numbered_rules(RuleText& rules) {
  const std::string& text = rules.broken;
  static constexpr std::string_view kHead = "(broken unit-";
  for (std::size_t at = text.find(kHead); at != std::string::npos; at = text.find(kHead, at + 1)) {
    const std::size_t number = text.find("#b", at);
    const std::size_t name = text.find(")) ", number);
    const std::size_t end = text.find(')', name + 3);
    const std::size_t line = text.rfind('\n', at);
    const std::size_t sentence = text.rfind("\n; ", line);
    if (number == std::string::npos || name == std::string::npos || end == std::string::npos ||
        sentence == std::string::npos) {
      break;
    }
    const auto index = std::stoul(text.substr(number + 2, 5), nullptr, 2);
    if (rules.rules.size() <= index) {
      rules.rules.resize(index + 1);
    }
    rules.rules[index] = {text.substr(name + 3, end - name - 3),
                          text.substr(sentence + 3, line - sentence - 3)};
  }
}

}  // namespace

wasm::Expected<RuleText> load_rules() {
  RuleText rules;
  for (const char* file : {"datalog.smt2", "topology.smt2", "premises.smt2", "duties.smt2", "judge.smt2"}) {
    auto text = routing::read_spec_file(file);
    if (!text) {
      return tl::unexpected(text.error());
    }
    rules.broken += *text;
  }
  for (const char* file : {"canonical.smt2", "leak.smt2"}) {
    auto text = routing::read_spec_file(file);
    if (!text) {
      return tl::unexpected(text.error());
    }
    rules.naming += *text;
  }
  read_numbered_rules(rules);
  return rules;
}

std::vector<Broken> broken(const RuleText& rules, const FactBase& facts, Solver solver) {
  Evaluation evaluation(rules, facts, false, std::move(solver));
  return broken_rows(evaluation);
}

std::vector<Named> findings(const RuleText& rules, const FactBase& facts, Solver solver) {
  Evaluation evaluation(rules, facts, true, std::move(solver));
  return named_rows(evaluation);
}

std::string dump(const RuleText& rules, const FactBase& facts) {
  std::string text =
      "; z3 FILE answers `unsat` if every premise and duty is met, else `sat` and what is broken\n"
      "(set-option :fp.engine datalog)\n(set-option :fp.xform.inline_eager false)\n" +
      rules.broken;
  for (std::size_t i = 0; i < kRelationCount; ++i) {
    const RelationInfo& info = info_of(static_cast<Relation>(i));
    if (!info.premises) {
      continue;
    }
    const auto numbers = facts.of(static_cast<Relation>(i));
    for (std::size_t at = 0; at < numbers.size(); at += info.arity) {
      text += "(rule (" + std::string(info.name);
      for (std::size_t k = 0; k < info.arity; ++k) {
        text += fmt::format(" (_ bv{} {})", numbers[at + k], bits_of(info.sorts[k]));
      }
      text += "))\n";
    }
  }
  return text + "(query broken :print-answer true)\n";
}

std::string solver_version() {
  unsigned major = 0, minor = 0, build = 0, revision = 0;
  Z3_get_version(&major, &minor, &build, &revision);
  return fmt::format("{}.{}.{}", major, minor, build);
}

}  // namespace meld_verify::smt
