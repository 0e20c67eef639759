#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/check/words.h"
#include "engine/report/finding_text.h"
#include "engine/report/fused.h"
#include "engine/report/page.h"
#include "engine/wasm/printable.h"

namespace meld_verify::report {
namespace {

using check::Finding;
using check::Report;
using check::Verdict;
using topology::Topology;

/// Instances and resource types that the head of the page names.
constexpr std::size_t kMostNamed = 12;

/// What calls begin at: the only export of the world by its name.
std::string entry_words(const Topology& topology) {
  std::set<std::string> names;
  for (const topology::Boundary& boundary : topology.boundaries) {
    if (boundary.caller == topology::kHost) {
      names.insert(topology.text(boundary.function));
    }
  }
  return names.size() == 1 ? *names.begin() : "the world's exports";
}

std::string head(const FusedReport& subject, bool colour) {
  const Report& report = subject.artefact.report;
  switch (report.verdict) {
    case Verdict::kProved:
      return wrapped(
          fmt::format("{}  every handle in {} {}arrives where it belongs",
                      painted("PROVED ", Paint::kRight, colour), subject.fused,
                      report.latent ? "that " + entry_words(subject.lifted.topology) + " can reach " : ""),
          9);
    case Verdict::kRefuted: {
      const auto refuting = std::count_if(report.findings.begin(), report.findings.end(),
                                          [](const Finding& finding) { return finding.refutes; });
      const auto reached =
          std::count_if(report.findings.begin(), report.findings.end(),
                        [](const Finding& finding) { return finding.refutes && finding.reachable; });
      return wrapped(
          fmt::format("{}  {} mixes up resource handles: {}{}", painted("REFUTED", Paint::kWrong, colour),
                      subject.fused, counted(static_cast<std::size_t>(refuting), "finding"),
                      reached == refuting ? std::string()
                                          : fmt::format(", {} of them reachable from {}", reached,
                                                        entry_words(subject.lifted.topology))),
          9);
    }
    case Verdict::kUnknown:
      return wrapped(fmt::format("UNKNOWN  {}: {}", subject.fused, wasm::printable(report.error)), 9);
    case Verdict::kUnsupported:
      return wrapped(fmt::format("UNSUPPORTED  {} {}", subject.fused,
                                 report.error.empty() ? "was made from a component that is out of scope"
                                                      : "is out of scope: " + wasm::printable(report.error)),
                     13);
    case Verdict::kError:
      return fmt::format("ERROR  a mistake of meld-verify itself: {}\n", report.error);
  }
  return {};
}

/// Who is in the file: instances, and resource types, those of one name together.
std::string cast_text(const Topology& topology, bool all) {
  std::vector<topology::InstanceId> instances;
  for (std::uint32_t i = 1; i < topology.instances.size(); ++i) {
    if (topology.instances[i].has_core) {
      instances.emplace_back(i);
    }
  }
  const std::size_t shown = all ? instances.size() : std::min(instances.size(), kMostNamed);
  std::string line = instance_list(topology, std::span(instances).first(shown));
  if (shown != instances.size()) {
    line += fmt::format("   and {} more", instances.size() - shown);
  }
  std::string text = field("instances", line, 2);
  std::set<std::string> names;
  std::string types;
  std::size_t count = 0;
  for (std::uint32_t r = 0; r < topology.resources.size(); ++r) {
    const topology::Resource& resource = topology.resources[r];
    const std::string& interface_name = topology.text(resource.interface_name);
    names.insert(interface_name.empty() ? "" : interface_name + "." + topology.text(resource.name));
    if (all || count < kMostNamed) {
      types += (count == 0 ? "" : ", ") + check::resource_words(topology, topology::ResourceId{r});
      ++count;
    }
  }
  if (types.empty()) {
    return text;
  }
  if (count != topology.resources.size()) {
    types += fmt::format(" and {} more", topology.resources.size() - count);
  }
  if (names.size() == 1 && !names.begin()->empty() && count > 1) {
    types += fmt::format("   ({} named {})", count == 2 ? "both" : "all", *names.begin());
  } else if (names.size() == 1 && !names.begin()->empty()) {
    types += fmt::format("   ({})", *names.begin());
  }
  return text + field("types", types, 2);
}

std::string open_text(const std::vector<check::OpenNote>& notes, const lift::Image* image, bool all,
                      std::string_view what) {
  if (notes.empty()) {
    return {};
  }
  std::string text = fmt::format("  {} {}\n", counted(notes.size(), "thing"), what);
  const std::size_t shown = all ? notes.size() : std::min(kInFull, notes.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const check::OpenNote& open = notes[i];
    if (!open.place.empty()) {
      text += field("at", open.place, 4);
    }
    text += field("because", wasm::printable(open.note.sentence), 4);
    if (open.note.place) {
      text += field("in the file", code_place_words(*open.note.place, image), 4);
    }
  }
  if (shown != notes.size()) {
    text += fmt::format("    and {}; --all shows them\n", counted(notes.size() - shown, "more thing"));
  }
  return text;
}

/// Whether a finding harms a guest that does nothing wrong on a way that a call can reach: then a run may
/// show it.
bool may_show(const Finding& finding) {
  return finding.refutes && finding.reachable &&
         (finding.harm == check::Harm::kEscape || finding.harm == check::Harm::kOwner);
}

std::string work_text(const FusedReport& subject, const std::optional<double>& seconds) {
  const lift::Lifted& lifted = subject.lifted;
  std::string words = fmt::format("{} of {} found again, {} executed, {} put to z3", lifted.aligned_functions,
                                  counted(lifted.all_functions, "function"), counted(lifted.paths, "path"),
                                  counted(lifted.questions, "question"));
  if (seconds) {
    words =
        fmt::format("{} in {:.2f} s; {}", check::to_string(subject.artefact.report.verdict), *seconds, words);
  }
  return wrapped("  " + words, 2);
}

}  // namespace

std::string fused_text(const FusedReport& subject, const TextOptions& options) {
  const check::ArtefactReport& artefact = subject.artefact;
  const Report& report = artefact.report;
  const Topology& topology = subject.lifted.topology;
  std::string text = head(subject, options.colour);
  if (report.verdict == Verdict::kUnsupported) {
    text += unsupported_text(report, topology);
  }
  if (!report.findings.empty() && (options.all || report.verdict == Verdict::kRefuted)) {
    text += "\n" + cast_text(topology, options.all);
  }
  const auto words_of = [&](std::size_t i) {
    FindingWords words;
    words.colour = options.colour;
    words.rules = options.all;
    words.mend = false;
    words.site = i < artefact.sites.size() ? &artefact.sites[i] : nullptr;
    words.image = subject.image;
    if (!subject.replay && !subject.command.empty() && may_show(report.findings[i])) {
      words.replay = fmt::format("{} --replay {}", subject.command, i + 1);
    }
    return words;
  };
  if (subject.replay && subject.replay->finding) {
    const std::size_t i = *subject.replay->finding;
    return text + "\n" + finding_text(report.findings[i], i + 1, topology, words_of(i)) + "\n" +
           subject.replay->text;
  }
  text += findings_text(report, topology, {.all = options.all, .sum_up_warnings = true}, words_of);
  text += unproved_text(report, options.all);
  text += open_text(artefact.open, subject.image, options.all, "could not be told");
  if (options.all) {
    text += open_text(artefact.aside, subject.image, true,
                      "could not be told where the world's exports do not lead");
  } else if (!artefact.aside.empty()) {
    text += fmt::format("  {} could not be told where the world's exports do not lead; --all shows {}\n",
                        counted(artefact.aside.size(), "thing"), artefact.aside.size() == 1 ? "it" : "them");
  }
  text += assumptions_text(report);
  text += counts_text(report, topology, subject.lifted.plan);
  if (subject.replay) {
    text += work_text(subject, options.seconds);
    return text + "\n" + subject.replay->text;
  }
  return text + work_text(subject, options.seconds);
}

}  // namespace meld_verify::report
