#pragma once

// The rules of spec/, evaluated by Z3's Datalog engine. The only copy of the rules is the text in spec/.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/smt/facts.h"

namespace z3 {
class context;
}

namespace meld_verify::smt {

/// The text of the rules, read once.
struct RuleText {
  std::string broken;  ///< vocabulary, premises, duties and judge
  std::string naming;  ///< canonical and leak, on top of `broken`
  /// A premise or duty: its name, and what must hold, in words.
  struct Rule {
    std::string name;
    std::string sentence;
  };
  std::vector<Rule> rules;  ///< of the numbers in `Broken::rule`
};

/// Reads the files of spec/. Errors: those of `routing::read_spec_file`.
[[nodiscard]] wasm::Expected<RuleText> load_rules();

/// Z3, started. Copies are the same one; not for two threads at once. Starting it costs more than a question
/// about a small plan (Z3 clears 16 MiB), so who asks more than once hands one on; evaluations share nothing
/// else.
class Solver {
 public:
  Solver();

 private:
  friend class Evaluation;
  friend class Decider;
  struct Started;
  [[nodiscard]] z3::context& context() const;
  std::shared_ptr<Started> started_;
};

/// A premise or duty that a unit does not meet.
struct Broken {
  Unit unit;
  std::uint8_t rule = 0;  ///< index into RuleText::rules
  auto operator<=>(const Broken&) const = default;
};

/// A leak's name: code 7 is L07.
struct Named {
  Unit unit;
  std::uint8_t code = 0;
  auto operator<=>(const Named&) const = default;
};

/// All broken premises and duties, sorted. Throws std::runtime_error when Z3 refuses the rules or the facts
/// (our mistake, never an input's).
[[nodiscard]] std::vector<Broken> broken(const RuleText& rules, const FactBase& facts, Solver solver = {});

/// All findings, sorted. As above.
[[nodiscard]] std::vector<Named> findings(const RuleText& rules, const FactBase& facts, Solver solver = {});

/// Rules and facts as text for the `z3` command line, which answers whether anything is broken, and what.
[[nodiscard]] std::string dump(const RuleText& rules, const FactBase& facts);

/// "4.8.12"
[[nodiscard]] std::string solver_version();

}  // namespace meld_verify::smt
