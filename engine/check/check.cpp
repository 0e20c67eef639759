#include "engine/check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <set>

#include "engine/check/explain_unit.h"
#include "engine/check/repair.h"
#include "engine/check/standing.h"
#include "engine/check/way.h"

namespace meld_verify::check {
namespace {

using routing::Plan;
using topology::Topology;

/// So many suspicious units are named; the rest is counted.
constexpr std::size_t kMostNamed = 512;

/// Units with one cause are one finding: names of one type in one instance, tables of one symbol, a definer
/// that was mistaken and where it shows.
std::string cause_of(const Topology& topology, const Plan& plan, const Unit& unit, std::uint8_t code) {
  if (unit.kind == UnitKind::kView && (code == 11 || code == 18)) {
    const topology::View& view = topology.views[unit.id];
    return fmt::format("{}:{}:{}", code, view.instance.value, view.resource.value);
  }
  if (unit.kind == UnitKind::kTable && code == 26) {
    return fmt::format("{}:{}", code, plan.tables[unit.id].symbol);
  }
  if (code == 9) {
    const std::uint32_t key = unit.kind == UnitKind::kPosition
                                  ? plan.views[topology.positions[unit.id].receiver.value].type.value
                                  : unit.id;
    return fmt::format("{}:{}", code, key);
  }
  return fmt::format("{}:{}:{}", code, static_cast<int>(unit.kind), unit.id);
}

std::vector<Finding> name_findings(const Topology& topology, const Plan& plan, const smt::RuleText& rules,
                                   const smt::Solver& solver, const PassResult& pass, const Options& options,
                                   Report& report) {
  // Units that break something where it is reachable come first: warnings must not crowd them out.
  const Reach is_reachable(topology, plan);
  std::set<Unit> broken_units;
  for (const smt::Broken& row : pass.broken) {
    broken_units.insert(row.unit);
  }
  report.latent = !std::all_of(broken_units.begin(), broken_units.end(), is_reachable);
  std::vector<Unit> units = pass.suspicious;
  std::stable_partition(units.begin(), units.end(), is_reachable);
  std::stable_partition(units.begin(), units.end(),
                        [&](const Unit& unit) { return broken_units.contains(unit); });
  for (std::size_t i = kMostNamed; i < units.size(); ++i) {
    // A warning that was not looked at says nothing about guests that keep to the Canonical ABI.
    const bool counts = broken_units.contains(units[i]) || options.profile == Profile::kStrict;
    report.undecided |= counts && (is_reachable(units[i]) || options.latent);
  }
  if (units.size() > kMostNamed) {
    report.unnamed = units.size() - kMostNamed;
    units.resize(kMostNamed);
  }
  if (units.empty()) {
    return {};
  }
  std::map<Unit, std::vector<std::uint8_t>> codes;
  for (const Unit& unit : units) {
    codes[unit] = {};
  }
  for (const smt::Named& row : smt::findings(rules, smt::facts_around(topology, plan, units), solver)) {
    if (const auto place = codes.find(row.unit); place != codes.end()) {
      place->second.push_back(row.code);
    }
  }

  const auto rules_of = [&](const Unit& unit) {
    const auto [begin, end] = std::equal_range(
        pass.broken.begin(), pass.broken.end(), smt::Broken{unit, 0},
        [](const smt::Broken& left, const smt::Broken& right) { return left.unit < right.unit; });
    std::vector<smt::RuleText::Rule> all;
    std::transform(begin, end, std::back_inserter(all),
                   [&](const smt::Broken& row) { return rules.rules[row.rule]; });
    return all;
  };
  std::map<std::string, std::size_t> causes;
  std::vector<Finding> findings;
  for (auto& [unit, names] : codes) {
    std::sort(names.begin(), names.end(), explains_first);
    const bool broken = broken_units.contains(unit);
    const bool harmful = std::any_of(names.begin(), names.end(), [](std::uint8_t code) {
      return refutes(info_of(code).harm, Profile::kDefault);
    });
    if (broken && !harmful && (is_reachable(unit) || options.latent)) {
      // A way round that ends where it should: no leak that has a name, and nothing that the theorem covers.
      Unproved& place = report.unproved.emplace_back();
      place.unit = unit;
      place.place = place_of(topology, plan, unit);
      place.pointer = pointer_to(topology, plan, unit);
      place.rules = rules_of(unit);
      if (report.error.empty()) {
        report.error = fmt::format(
            "{}: no leak has a name there, but {} does not do it in a form that is known to be right",
            place.place, options.source == Source::kPlan ? "the plan" : "the fused code");
      }
    } else if (!broken && harmful) {
      report.error =
          fmt::format("the rules disagree about {}: it breaks no premise or duty, and a code says so",
                      place_of(topology, plan, unit));
      report.verdict = Verdict::kError;
      return {};
    }
    // A guard that is missing as well is a finding of its own, not another name of the first.
    std::vector<std::uint8_t> first, second;
    for (const std::uint8_t code : names) {
      (refutes(info_of(code).harm, Profile::kDefault) ? first : second).push_back(code);
    }
    for (const auto* names_of : {&first, &second}) {
      const std::vector<std::uint8_t>& group = *names_of;
      if (group.empty()) {
        continue;
      }
      const std::string cause = cause_of(topology, plan, unit, group.front());
      if (const auto [place, fresh] = causes.try_emplace(cause, findings.size()); !fresh) {
        findings[place->second].others.push_back(unit);
        findings[place->second].reachable |= is_reachable(unit);
        continue;
      }
      Finding finding;
      finding.code = group.front();
      finding.also.assign(group.begin() + 1, group.end());
      finding.harm = info_of(finding.code).harm;
      finding.unit = unit;
      finding.reachable = is_reachable(unit);
      if (names_of == &first) {
        finding.rules = rules_of(unit);
      }
      findings.push_back(std::move(finding));
    }
  }
  for (Finding& finding : findings) {
    finding.refutes = refutes(finding.harm, options.profile) && (finding.reachable || options.latent);
  }
  std::stable_sort(findings.begin(), findings.end(), told_before);
  const Ways ways(topology, plan);
  const Repairs repairs(topology, plan);
  for (Finding& finding : findings) {
    explain_unit(topology, plan, options.source, finding);
    ways.describe(finding);
    finding.repair = repairs.of(finding);
  }
  return findings;
}

void decide(const Topology& topology, const Plan& plan, const smt::RuleText& rules, const Options& options,
            Report& report) {
  const smt::Solver solver;
  const PassResult pass = linear_pass(topology, plan, rules, solver);
  report.shapes = pass.shapes;
  report.findings = name_findings(topology, plan, rules, solver, pass, options, report);
  if (report.verdict == Verdict::kError) {
    return;
  }
  if (options.judge == JudgeUse::kAlways ||
      (options.judge == JudgeUse::kAuto && topology.instances.size() <= kJudgeByDefault)) {
    if (smt::broken(rules, smt::facts_of(topology, plan), solver) != pass.broken) {
      report.verdict = Verdict::kError;
      report.error = "the linear pass and Z3's judgement of the whole plan differ";
      return;
    }
    report.judged = true;
  }
  const bool refuted = std::any_of(report.findings.begin(), report.findings.end(),
                                   [](const Finding& finding) { return finding.refutes; });
  if (!refuted && report.undecided && report.error.empty()) {
    report.error = fmt::format("{} more places are suspicious than were looked at", report.unnamed);
  }
  if (refuted) {
    report.verdict = Verdict::kRefuted;
    report.error.clear();
  } else if (report.error.empty()) {
    report.verdict = Verdict::kProved;
  } else {
    report.verdict = Verdict::kUnknown;
  }
}

/// A table that is full traps, where the law knows no such limit but memory.
void assume_capacities(const Plan& plan, Report& report) {
  constexpr std::size_t kMostSaid = 8;
  std::size_t limited = 0;
  for (const routing::Table& table : plan.tables) {
    if (table.capacity && table.overflow == routing::Overflow::kTrap && ++limited <= kMostSaid) {
      report.assumptions.push_back(
          fmt::format("at most {} handles live at once in table {}", *table.capacity, table.id));
    }
  }
  if (limited > kMostSaid) {
    report.assumptions.push_back(fmt::format(
        "no other table with a capacity ({} in all) holds more live handles", limited - kMostSaid));
  }
}

}  // namespace

Report check(const Topology& topology, const Plan& plan, const smt::RuleText& rules, const Options& options) {
  Report report;
  const bool guests_keep_rules = options.profile == Profile::kDefault;
  if (options.source == Source::kPlan) {
    report.assumptions.push_back(
        guests_keep_rules ? "the fused code does what the plan says; guests keep to the Canonical ABI"
                          : "the fused code does what the plan says");
  } else if (guests_keep_rules) {
    report.assumptions.push_back("guests keep to the Canonical ABI");
  }
  assume_capacities(plan, report);
  if (!topology.unsupported.empty()) {
    report.verdict = Verdict::kUnsupported;
    report.unsupported = topology.unsupported;
    return report;
  }
  if (std::max({topology.positions.size(), topology.views.size(), plan.tables.size(), plan.types.size(),
                topology.instances.size(), topology.names.size()}) >= smt::kMostIds) {
    report.verdict = Verdict::kUnsupported;
    report.unsupported.push_back({topology::kRoot, "too-large", "more than 16,777,215 things of one kind"});
    return report;
  }
  try {
    decide(topology, plan, rules, options, report);
  } catch (const std::exception& mistake) {
    report.findings.clear();
    report.verdict = Verdict::kError;
    report.error = mistake.what();
  }
  return report;
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProved:
      return "proved";
    case Verdict::kRefuted:
      return "refuted";
    case Verdict::kUnknown:
      return "unknown";
    case Verdict::kUnsupported:
      return "unsupported";
    case Verdict::kError:
      return "error";
  }
  return {};
}

}  // namespace meld_verify::check
