#include "engine/check/artefact.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "engine/check/explain_unit.h"
#include "engine/check/standing.h"
#include "engine/check/way.h"
#include "engine/check/words.h"

namespace meld_verify::check {
namespace {

using lift::CodePlace;
using lift::Lifted;
using lift::Note;

/// So many sentences of notes a finding gives as its reason.
constexpr std::size_t kMostReasons = 3;

/// What a note or a finding is about.
struct Subject {
  std::optional<Unit> unit;
  Whole whole;  ///< where there is no unit
  auto operator<=>(const Subject&) const = default;
};

Subject subject_of(const Note& note) {
  const bool of_table = note.code && info_of(*note.code).family == Family::kTable;
  if (note.table && of_table) {
    return {Unit{UnitKind::kTable, note.table->value}, {}};
  }
  if (note.position) {
    return {Unit{UnitKind::kPosition, note.position->value}, {}};
  }
  if (note.boundary) {
    return {{}, {Whole::Kind::kBoundary, note.boundary->value}};
  }
  if (note.view) {
    return {Unit{UnitKind::kView, note.view->value}, {}};
  }
  if (note.table) {
    return {Unit{UnitKind::kTable, note.table->value}, {}};
  }
  if (note.instance) {
    return {{}, {Whole::Kind::kInstance, note.instance->value}};
  }
  return {};
}

Subject subject_of(const Finding& finding) {
  return finding.whole ? Subject{{}, *finding.whole} : Subject{finding.unit, {}};
}

bool is_reached(const Lifted& lifted, const Reach& reach, const Subject& subject) {
  if (subject.unit) {
    return reach(*subject.unit);
  }
  switch (subject.whole.kind) {
    case Whole::Kind::kBoundary:
      return lifted.topology.boundaries[subject.whole.id].reachable;
    case Whole::Kind::kInstance:
      return lifted.topology.instances[subject.whole.id].reachable;
    case Whole::Kind::kFile:
      break;
  }
  return true;
}

std::string place_words(const Lifted& lifted, const Subject& subject) {
  if (subject.unit) {
    return place_of(lifted.topology, lifted.plan, *subject.unit);
  }
  switch (subject.whole.kind) {
    case Whole::Kind::kBoundary:
      return boundary_words(lifted.topology, subject.whole.id);
    case Whole::Kind::kInstance:
      return lifted.topology.text(lifted.topology.instances[subject.whole.id].name);
    case Whole::Kind::kFile:
      break;
  }
  return {};
}

/// Codes that harm guests which do nothing wrong are not mixed with others in one finding.
bool harms_all(std::uint8_t code) {
  return refutes(info_of(code).harm, Profile::kDefault);
}

void add_reason(std::string& because, const std::string& sentence) {
  const auto reasons = std::count(because.begin(), because.end(), ';');
  if (because.find(sentence) == std::string::npos && static_cast<std::size_t>(reasons) + 1 < kMostReasons) {
    because += (because.empty() ? "" : "; ") + sentence;
  }
}

/// Findings, and where in the code each of them was noted.
class Findings {
 public:
  Findings(const Lifted& lifted, const Options& options, Report& report)
      : lifted_(lifted),
        options_(options),
        report_(report),
        reach_(lifted.topology, lifted.plan),
        noted_(report.findings.size()) {
    for (std::size_t i = 0; i < report.findings.size(); ++i) {
      const Finding& finding = report.findings[i];
      by_subject_[{subject_of(finding), harms_all(finding.code)}] = i;
      for (const Unit& unit : finding.others) {
        by_subject_.try_emplace({Subject{unit, {}}, harms_all(finding.code)}, i);
      }
    }
  }

  [[nodiscard]] bool reached(const Subject& subject) const { return is_reached(lifted_, reach_, subject); }

  void add(const Note& note) {
    const Subject subject = subject_of(note);
    const std::uint8_t code = *note.code;
    const auto [place, fresh] = by_subject_.try_emplace({subject, harms_all(code)}, report_.findings.size());
    const std::size_t index = place->second;
    if (fresh) {
      report_.findings.push_back(finding_of(subject, note));
      noted_.emplace_back();
    } else {
      merge(report_.findings[index], note, reached(subject) && !note.latent);
    }
    if (note.place) {
      noted_[index].push_back(*note.place);
    }
  }

  /// Sorts the findings, and gives for each where its notes are.
  std::vector<std::vector<CodePlace>> sort() {
    std::vector<std::size_t> order(report_.findings.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
      return told_before(report_.findings[left], report_.findings[right]);
    });
    std::vector<Finding> findings;
    std::vector<std::vector<CodePlace>> noted;
    for (const std::size_t i : order) {
      findings.push_back(std::move(report_.findings[i]));
      noted.push_back(std::move(noted_[i]));
    }
    report_.findings = std::move(findings);
    return noted;
  }

 private:
  Finding finding_of(const Subject& subject, const Note& note) {
    Finding finding;
    finding.code = *note.code;
    finding.harm = info_of(finding.code).harm;
    finding.reachable = reached(subject) && !note.latent;
    finding.headline = std::string(info_of(finding.code).name);
    finding.mend = std::string(info_of(finding.code).mend);
    if (subject.unit) {
      finding.unit = *subject.unit;
      if (!ways_) {
        ways_.emplace(lifted_.topology, lifted_.plan);
      }
      ways_->describe(finding);
    } else {
      finding.whole = subject.whole;
      finding.involved = instances_of(subject.whole);
    }
    finding.place = place_words(lifted_, subject);
    finding.because = note.sentence;
    stand(finding);
    return finding;
  }

  void merge(Finding& finding, const Note& note, bool reached) {
    const std::uint8_t code = *note.code;
    const bool known = code == finding.code ||
                       std::find(finding.also.begin(), finding.also.end(), code) != finding.also.end();
    if (!known) {
      finding.also.push_back(code);
      if (explains_first(code, finding.code)) {
        std::swap(finding.code, finding.also.back());
        finding.harm = info_of(finding.code).harm;
        finding.headline = std::string(info_of(finding.code).name);
      }
      std::sort(finding.also.begin(), finding.also.end(), explains_first);
    }
    add_reason(finding.because, note.sentence);
    finding.reachable |= reached;
    stand(finding);
  }

  void stand(Finding& finding) {
    const bool counts = refutes(finding.harm, options_.profile);
    finding.refutes |= counts && (finding.reachable || options_.latent);
    report_.latent |= counts && !finding.reachable;
  }

  [[nodiscard]] std::vector<topology::InstanceId> instances_of(const Whole& whole) const {
    std::vector<topology::InstanceId> involved;
    if (whole.kind == Whole::Kind::kBoundary) {
      const topology::Boundary& boundary = lifted_.topology.boundaries[whole.id];
      involved = {boundary.caller, boundary.callee};
      std::sort(involved.begin(), involved.end());
      involved.erase(std::unique(involved.begin(), involved.end()), involved.end());
    } else if (whole.kind == Whole::Kind::kInstance) {
      involved.emplace_back(whole.id);
    }
    return involved;
  }

  const Lifted& lifted_;
  const Options& options_;
  Report& report_;
  Reach reach_;
  std::optional<Ways> ways_;
  std::map<std::pair<Subject, bool>, std::size_t> by_subject_;
  std::vector<std::vector<CodePlace>> noted_;  ///< parallel to the findings
};

/// Collects code places, of each function in each role the first.
class SiteWriter {
 public:
  explicit SiteWriter(const Lifted& lifted) : lifted_(lifted) {}

  void add(const std::optional<CodePlace>& place, const std::string& role) {
    for (std::size_t i = 0; place && i < site_.code.size(); ++i) {
      const bool noted = site_.roles[i] == "code";
      if (site_.code[i].function == place->function && (noted || site_.roles[i] == role)) {
        site_.roles[i] = role;
        return;
      }
    }
    if (place) {
      site_.code.push_back(*place);
      site_.roles.push_back(role);
    }
  }

  void boundary(std::uint32_t id) { add(at(lifted_.boundary_code, id), "adapter"); }

  void unit(const Unit& unit, std::uint8_t code) {
    switch (unit.kind) {
      case UnitKind::kPosition: {
        const topology::Position& position = lifted_.topology.positions[unit.id];
        add(at(lifted_.position_code, unit.id), "adapter");
        boundary(position.boundary.value);
        if (code == 36) {  // the entry stays where the value was only read
          const routing::PositionRoute& route = lifted_.plan.positions[unit.id];
          for (std::uint8_t i = 0; i < route.count; ++i) {
            if (route.steps[i].op == routing::StepOp::kRep) {
              table(route.steps[i].table.value, {1});
            }
          }
        }
        break;
      }
      case UnitKind::kView:
        view(unit.id, code);
        break;
      case UnitKind::kTable:
        switch (code) {
          case 37:
          case 38:
          case 41:
          case 47:
          case 52:
          case 53:
          case 54:
            table(unit.id, {2, 1, 0});
            break;
          default:
            table(unit.id, {0, 1, 2});
        }
        break;
      case UnitKind::kKey:
        for (std::uint32_t v = 0; v < lifted_.plan.views.size() && !full(); ++v) {
          if (lifted_.plan.views[v].type.value == unit.id) {
            view(v, code);
          }
        }
        break;
    }
  }

  /// The code of one step of a way.
  [[nodiscard]] std::optional<CodePlace> step(const WayStep& step, const Finding& finding) const {
    if (!step.unit) {
      return std::nullopt;
    }
    if (step.unit->kind == UnitKind::kPosition) {
      const auto place = at(lifted_.position_code, step.unit->id);
      return place ? place
                   : at(lifted_.boundary_code, lifted_.topology.positions[step.unit->id].boundary.value);
    }
    const bool own = *step.unit == finding.unit && !site_.code.empty();
    return own ? std::optional(site_.code.front()) : std::nullopt;
  }

  FindingSite take(const Finding& finding) {
    for (const WayStep& line : finding.way) {
      site_.way.push_back(step(line, finding));
    }
    return std::move(site_);
  }

  [[nodiscard]] bool full() const { return site_.code.size() >= kMostPlaces; }

 private:
  static constexpr std::size_t kMostPlaces = 8;
  using Three = std::array<std::optional<CodePlace>, 3>;

  template <class Item>
  static Item at(const std::vector<Item>& items, std::uint32_t id) {
    return id < items.size() ? items[id] : Item{};
  }

  void view(std::uint32_t id, std::uint8_t code) {
    static constexpr std::array<const char*, 3> kNames{"resource.new", "resource.rep", "resource.drop"};
    const Three places = at(lifted_.view_code, id);
    const routing::ViewRoute& route = lifted_.plan.views[id];
    const std::array tables{route.new_table, route.rep_table, route.drop_table};
    const bool destroys = code >= 43 && code <= 46;
    // The one that is wrong comes first: the drop of a wrong destructor, what works on another table.
    for (const bool first : {true, false}) {
      for (std::size_t i = 0; i < places.size(); ++i) {
        const bool wrong = destroys ? i == 2 : tables[i] && *tables[i] != route.table;
        if (wrong == first) {
          add(places[i], kNames[i]);
        }
      }
    }
  }

  void table(std::uint32_t id, std::initializer_list<std::size_t> order) {
    static constexpr std::array<const char*, 3> kNames{"new", "rep", "drop"};
    const Three places = at(lifted_.table_code, id);
    for (const std::size_t i : order) {
      add(places[i], fmt::format("{} of table {}", kNames[i], lifted_.plan.tables[id].id));
    }
  }

  const Lifted& lifted_;
  FindingSite site_;
};

FindingSite site_of(const Lifted& lifted, const Finding& finding, const std::vector<CodePlace>& noted) {
  SiteWriter site(lifted);
  for (const CodePlace& place : noted) {
    site.add(place, "code");
  }
  if (finding.whole) {
    if (finding.whole->kind == Whole::Kind::kBoundary) {
      site.boundary(finding.whole->id);
    }
    return site.take(finding);
  }
  site.unit(finding.unit, finding.code);
  for (std::size_t i = 0; i < finding.others.size() && !site.full(); ++i) {
    site.unit(finding.others[i], finding.code);
  }
  return site.take(finding);
}

void decide(const ArtefactReport& artefact, Report& report) {
  if (std::any_of(report.findings.begin(), report.findings.end(),
                  [](const Finding& finding) { return finding.refutes; })) {
    report.verdict = Verdict::kRefuted;
    report.error.clear();
    return;
  }
  if (artefact.open.empty()) {
    return;
  }
  const auto out_of_scope = std::find_if(artefact.open.begin(), artefact.open.end(),
                                         [](const OpenNote& open) { return open.note.unsupported; });
  const OpenNote& first = out_of_scope != artefact.open.end() ? *out_of_scope : artefact.open.front();
  report.verdict = out_of_scope != artefact.open.end() ? Verdict::kUnsupported : Verdict::kUnknown;
  report.error = first.place.empty() ? first.note.sentence : first.place + ": " + first.note.sentence;
}

}  // namespace

ArtefactReport check_artefact(const Lifted& lifted, const smt::RuleText& rules, const Options& options) {
  Options of_code = options;
  of_code.source = Source::kCode;
  ArtefactReport artefact;
  Report& report = artefact.report;
  report = check(lifted.topology, lifted.plan, rules, of_code);
  report.assumptions.insert(report.assumptions.end(), lifted.assumptions.begin(), lifted.assumptions.end());
  if (report.verdict == Verdict::kError || report.verdict == Verdict::kUnsupported) {
    artefact.sites.resize(report.findings.size());
    return artefact;
  }
  Findings findings(lifted, options, report);
  for (const Note& note : lifted.notes) {
    if (note.code) {
      findings.add(note);
      continue;
    }
    const Subject subject = subject_of(note);
    const bool counts = findings.reached(subject) || options.latent;
    report.latent |= !counts;
    (counts ? artefact.open : artefact.aside).push_back({note, place_words(lifted, subject)});
  }
  const std::vector<std::vector<CodePlace>> noted = findings.sort();
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    artefact.sites.push_back(site_of(lifted, report.findings[i], noted[i]));
  }
  decide(artefact, report);
  return artefact;
}

}  // namespace meld_verify::check
