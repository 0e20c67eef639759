#pragma once

// Is this plan right for this topology? Which value leaks, where, and on what way.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/check/taxonomy.h"
#include "engine/smt/rules.h"

namespace meld_verify::check {

using smt::Unit;
using smt::UnitKind;

enum class Verdict : std::uint8_t { kProved, kRefuted, kUnknown, kUnsupported, kError };
enum class Profile : std::uint8_t {
  kDefault,  ///< guests keep to the Canonical ABI: guard and isolation findings are warnings
  kStrict,   ///< all guests: they refute
};
enum class JudgeUse : std::uint8_t { kAuto, kAlways, kNever };

/// Who says what is done with a handle: a plan that a fuser wrote, or a fused file's code.
enum class Source : std::uint8_t { kPlan, kCode };

/// Up to so many component instances the judge runs by default.
inline constexpr std::size_t kJudgeByDefault = 10'000;

struct Options {
  Profile profile = Profile::kDefault;
  bool latent = false;  ///< findings that no export of the world can reach refute too
  JudgeUse judge = JudgeUse::kAuto;
  Source source = Source::kPlan;  ///< for words only
};

/// One line of a value's way.
struct WayStep {
  std::string verb;     ///< "born", "leaves", "crosses", "arrives", "kept", "harm"
  std::string where;    ///< "leaf", "leaf → runner"
  std::string what;     ///< "[constructor]thing  result"
  std::string space;    ///< what the value is there
  std::string belongs;  ///< what it should be, when that differs
  /// The position that is crossed, the view that keeps it.
  std::optional<Unit> unit = std::nullopt;
};

/// One operation of a JSON patch (RFC 6902).
struct PatchOp {
  std::string op;     ///< "add", "replace", "remove"
  std::string path;   ///< JSON pointer
  std::string value;  ///< JSON text; empty for "remove"
};

/// What is no unit of the rules, and only a fused file can have wrong: a whole call, a whole instance, the
/// whole file.
struct Whole {
  enum class Kind : std::uint8_t { kBoundary, kInstance, kFile };
  Kind kind = Kind::kFile;
  std::uint32_t id = 0;  ///< of a boundary or an instance
  auto operator<=>(const Whole&) const = default;
};

struct Finding {
  std::uint8_t code = 0;
  std::vector<std::uint8_t> also;
  Harm harm = Harm::kEscape;
  bool reachable = false;  ///< from an export of the world
  bool refutes = false;    ///< under the options given
  Unit unit;
  std::optional<Whole> whole;              ///< what is wrong instead of `unit`, which then means nothing
  std::vector<Unit> others;                ///< units with the same cause
  std::vector<smt::RuleText::Rule> rules;  ///< premises and duties that the unit breaks
  std::string place;                       ///< "runner → leaf  test:res/api  [constructor]thing  result"
  std::string headline;                    ///< one sentence
  std::string gets;
  std::string belongs;
  std::string because;
  std::string mend;
  std::vector<PatchOp> repair;  ///< the same as a change of the plan's file; empty without one
  std::string pointer;          ///< JSON pointer into the file that the plan was read from; empty without one
  std::vector<WayStep> way;
  std::vector<topology::InstanceId> involved;  ///< the topology cut down to what the finding needs, in order
};

/// A place that breaks a rule by no leak that has a name: not refuted, not proved.
struct Unproved {
  Unit unit;
  std::string place;                       ///< in the words of the source
  std::string pointer;                     ///< JSON pointer into the plan's file; empty without one
  std::vector<smt::RuleText::Rule> rules;  ///< premises and duties that it breaks
};

struct Report {
  Verdict verdict = Verdict::kUnknown;
  std::vector<Finding> findings;   ///< refuting ones first, then warnings, then latent ones
  std::uint64_t unnamed = 0;       ///< suspicious units beyond those that were looked at closely
  bool latent = false;             ///< a rule is broken where no export of the world leads
  bool undecided = false;          ///< one of them might refute
  std::vector<Unproved> unproved;  ///< in the order of their units
  std::vector<std::string> assumptions;
  std::vector<topology::Unsupported> unsupported;
  std::string error;       ///< kError and kUnknown: what went wrong; the first unproved place
  bool judged = false;     ///< Z3 judged the whole plan too, and agreed
  std::size_t shapes = 0;  ///< distinct shapes that Z3 decided
};

/// Checks a plan. Never throws; a mistake of our own (the engines disagree, Z3 refuses the rules) is
/// `kError`.
[[nodiscard]] Report check(const topology::Topology& topology, const routing::Plan& plan,
                           const smt::RuleText& rules, const Options& options = {});

/// Units that break a premise or a duty, or that some code applies to, by the linear pass alone.
struct PassResult {
  std::vector<smt::Broken> broken;  ///< sorted
  std::vector<Unit> suspicious;     ///< sorted: broken, or named by a code that need not refute
  std::size_t shapes = 0;
};
[[nodiscard]] PassResult linear_pass(const topology::Topology& topology, const routing::Plan& plan,
                                     const smt::RuleText& rules, const smt::Solver& solver = {});

[[nodiscard]] std::string_view to_string(Verdict verdict);

}  // namespace meld_verify::check
