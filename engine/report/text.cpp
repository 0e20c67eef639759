#include "engine/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/check/words.h"
#include "engine/report/page.h"
#include "engine/report/places.h"

namespace meld_verify::report {
namespace {

using check::Finding;
using check::Report;
using check::Verdict;
using routing::Plan;
using topology::Topology;

/// Findings that are printed in full; the others are counted by code.
constexpr std::size_t kInFull = 10;

std::string code_name(std::uint8_t code) {
  return fmt::format("L{:02}", code);
}

std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string instance_list(const Topology& topology, const std::vector<topology::InstanceId>& instances) {
  std::string words;
  for (const topology::InstanceId instance : instances) {
    words += fmt::format("{}{} ({})", words.empty() ? "" : "   ",
                         topology.text(topology.instances[instance.value].name), instance.value);
  }
  return words;
}

/// A label of twelve cells and a wrapped text.
std::string field(std::string_view label, const std::string& text, std::size_t indent) {
  const std::size_t column = indent + 13;
  return wrapped(std::string(indent, ' ') + padded(label, 13) + text, column);
}

std::string rules_text(const std::vector<smt::RuleText::Rule>& rules) {
  std::string text;
  std::string_view label = "broken rule";
  for (const smt::RuleText::Rule& rule : rules) {
    text += field(label, fmt::format("{} ({})", rule.sentence, rule.name), 4);
    label = "";
  }
  return text;
}

std::string finding_text(const Finding& finding, std::size_t number, const Topology& topology, bool colour) {
  const std::string also = [&] {
    std::string words;
    for (const std::uint8_t code : finding.also) {
      words += (words.empty() ? "   also " : ", ") + code_name(code);
    }
    return words;
  }();
  std::string text = wrapped(
      fmt::format("{:>2}  {}  {}   {}{}{}", number,
                  painted(code_name(finding.code), finding.refutes ? Paint::kWrong : Paint::kBold, colour),
                  finding.headline, check::to_string(finding.harm),
                  finding.reachable ? ", reachable" : ", latent", also),
      9);
  text += field("at", finding.place, 4);
  if (!finding.pointer.empty()) {
    text += field("in the plan",
                  finding.pointer +
                      (finding.others.empty() ? "" : fmt::format("   and {} more", finding.others.size())),
                  4);
  } else if (!finding.others.empty()) {
    text += field("and at", counted(finding.others.size(), "more place"), 4);
  }
  if (!finding.involved.empty()) {
    text += field("instances", instance_list(topology, finding.involved), 4);
  }
  for (const check::WayStep& step : finding.way) {
    std::string line = step.where;
    for (const std::string& part : {step.what, step.space}) {
      if (!part.empty()) {
        line += (line.empty() ? "" : "   ") + part;
      }
    }
    const bool wrong = !step.belongs.empty() && step.belongs != step.space;
    if (wrong) {
      line += "   ← belongs: " + step.belongs;
    }
    text += wrapped("      " + padded(step.verb, 9) + painted(line, Paint::kWrong, colour && wrong), 17);
  }
  if (!finding.gets.empty()) {
    text += field("gets", painted(finding.gets, Paint::kWrong, colour), 4);
  }
  if (!finding.belongs.empty()) {
    text += field("belongs", painted(finding.belongs, Paint::kRight, colour), 4);
  }
  text += field("because", finding.because, 4);
  text += rules_text(finding.rules);
  text += field("mend", finding.mend, 4);
  if (!finding.repair.empty()) {
    text += field("", "as a JSON patch: `repair` in --format json; apply one finding's at a time", 4);
  }
  return text;
}

std::string head(const Report& report, std::string_view subject, bool colour) {
  const auto refuting = static_cast<std::size_t>(std::count_if(report.findings.begin(), report.findings.end(),
                                                               [](const Finding& f) { return f.refutes; }));
  switch (report.verdict) {
    case Verdict::kProved:
      return fmt::format("{}  every handle in {} {}arrives where it belongs\n",
                         painted("PROVED ", Paint::kRight, colour), subject,
                         report.latent ? "that the world's exports reach " : "");
    case Verdict::kRefuted:
      return fmt::format("{}  {} mixes up resource handles: {}\n", painted("REFUTED", Paint::kWrong, colour),
                         subject, counted(refuting, "finding"));
    case Verdict::kUnknown:
      return wrapped(fmt::format("UNKNOWN  {}: {}", subject, report.error), 9);
    case Verdict::kUnsupported:
      return fmt::format("UNSUPPORTED  {} is about a component that is out of scope\n", subject);
    case Verdict::kError:
      return fmt::format("ERROR  a mistake of meld-verify itself: {}\n", report.error);
  }
  return {};
}

std::string counts(const Report& report, const Topology& topology, const Plan& plan) {
  std::size_t instances = 0;
  for (std::size_t i = 1; i < topology.instances.size(); ++i) {
    instances += topology.instances[i].has_core ? 1 : 0;
  }
  return wrapped(
      fmt::format("  {}, {}, {}, {}, {}; {} decided by z3 {}{}", counted(instances, "instance"),
                  counted(topology.resources.size(), "resource type"),
                  topology.boundaries.size() == 1 ? std::string("1 boundary")
                                                  : fmt::format("{} boundaries", topology.boundaries.size()),
                  counted(topology.positions.size(), "handle position"),
                  counted(plan.tables.size() - 1, "table"), counted(report.shapes, "shape"),
                  smt::solver_version(), report.judged ? ", which judged the whole plan too" : ""),
      2);
}

}  // namespace

std::string report_text(const Report& report, const Topology& topology, const Plan& plan,
                        std::string_view subject, const TextOptions& options) {
  std::string text = head(report, subject, options.colour);
  if (report.verdict == Verdict::kUnsupported) {
    for (const topology::Unsupported& item : report.unsupported) {
      text += wrapped(fmt::format("  {}  {}: {}", item.code,
                                  topology.text(topology.instances[item.instance.value].name), item.sentence),
                      4);
    }
    return text;
  }
  std::size_t number = 0, latent = 0, cut = 0;
  for (const Finding& finding : report.findings) {
    if (!finding.refutes && !finding.reachable && !options.all) {
      ++latent;
      continue;
    }
    if (!options.all && number >= kInFull) {
      ++cut;
      continue;
    }
    if (finding.refutes || finding.reachable) {
      text += "\n";
    }
    if (!finding.refutes && finding.reachable) {
      text += "    warning: harms only if a guest breaks the Canonical ABI (--profile strict refutes it)\n";
    }
    text += finding_text(finding, ++number, topology, options.colour);
  }
  text += "\n";
  if (cut != 0) {
    text += fmt::format("  {} more; --all shows them\n", counted(cut, "finding"));
  }
  if (latent != 0) {
    text += fmt::format(
        "  not reachable from the world's exports: {}; --all shows them, --latent lets them refute\n",
        counted(latent, "finding"));
  }
  if (report.unnamed != 0) {
    text += fmt::format("  {} looked suspicious too\n", counted(report.unnamed, "further place"));
  }
  if (!report.unproved.empty()) {
    text += fmt::format("  {} neither known to be right nor shown to be wrong\n",
                        counted(report.unproved.size(), "place"));
    const std::size_t shown =
        options.all ? report.unproved.size() : std::min(kInFull, report.unproved.size());
    for (std::size_t i = 0; i < shown; ++i) {
      const check::Unproved& item = report.unproved[i];
      text += field("at", item.place, 4);
      if (!item.pointer.empty()) {
        text += field("in the plan", item.pointer, 4);
      }
      text += rules_text(item.rules);
    }
    if (shown != report.unproved.size()) {
      text += fmt::format("    and {}; --all shows them\n",
                          counted(report.unproved.size() - shown, "more place"));
    }
  }
  text += counts(report, topology, plan);
  for (const std::string& assumption : report.assumptions) {
    text += field("assumed", assumption, 2);
  }
  return text;
}

std::string plan_text(const Topology& topology, const Plan& plan, const TextOptions& options) {
  std::string text;
  std::string instances;
  std::size_t shims = 0;
  for (std::uint32_t i = 1; i < topology.instances.size(); ++i) {
    if (!topology.instances[i].has_core && !options.all && i != topology::kRoot.value) {
      ++shims;
      continue;
    }
    instances += fmt::format("{} {}   ", i, topology.text(topology.instances[i].name));
  }
  text += wrapped(padded("instances", 16) + instances + "host" +
                      (shims == 0 ? "" : fmt::format("   and {} without code", shims)),
                  16);
  for (std::uint32_t r = 0; r < topology.resources.size(); ++r) {
    const topology::Resource& resource = topology.resources[r];
    const std::string& interface_name = topology.text(resource.interface_name);
    text += wrapped(
        padded(r == 0 ? "resource types" : "", 16) +
            fmt::format(
                "{} {}{}{}", r, check::resource_words(topology, topology::ResourceId{r}),
                interface_name.empty() ? "" : "   " + interface_name + "." + topology.text(resource.name),
                resource.has_destructor ? "" : "   no destructor"),
        18);
  }
  text += "boundaries\n";
  std::size_t without = 0;
  for (const topology::Boundary& boundary : topology.boundaries) {
    if (boundary.position_count == 0 && !options.all) {
      ++without;
      continue;
    }
    text += wrapped(
        fmt::format("  {}   {}{}{}", check::arrow(topology, boundary), topology.text(boundary.interface_name),
                    topology.text(boundary.interface_name).empty() ? "" : "  ",
                    topology.text(boundary.function)) +
            (boundary.reachable ? "" : "   (no export of the world reaches it)"),
        6);
    for (std::uint32_t p = boundary.first_position; p < boundary.first_position + boundary.position_count;
         ++p) {
      const topology::Position& position = topology.positions[p];
      std::string path = topology.layouts[position.layout.value].path;
      if (path.starts_with("params/")) {
        path.erase(0, 7);
      }
      text += wrapped(fmt::format("      {} {} {}   {}", padded(path, 24),
                                  position.kind == topology::HandleKind::kOwn ? "own   " : "borrow",
                                  topology.views[position.sender.value].resource.value,
                                  check::steps_words(plan, plan.positions[p])),
                      41);
      if (options.places) {
        text += wrapped(std::string(8, ' ') + place_words(topology.layouts[position.layout.value]), 10);
      }
    }
  }
  if (without != 0) {
    text += fmt::format("  {} without handles; --all shows them\n",
                        without == 1 ? std::string("1 boundary") : fmt::format("{} boundaries", without));
  }
  std::set<std::string> said;
  for (const topology::Unsupported& item : topology.unsupported) {
    std::string line =
        fmt::format("  {}  {}: {}", item.code, topology.text(topology.instances[item.instance.value].name),
                    item.sentence);
    if (said.insert(line).second) {
      text += (said.size() == 1 ? "out of scope (a check of this component ends `unsupported`)\n" : "") +
              wrapped(line, 4);
    }
  }
  return text;
}

std::string code_text(const check::CodeInfo& code) {
  std::string text = fmt::format("{}  {}\n\n", code_name(code.code), code.name);
  text += field("family", std::string(check::to_string(code.family)), 2);
  const bool misbehaving = code.harm == check::Harm::kGuard || code.harm == check::Harm::kIsolation;
  text += field(
      "harm",
      fmt::format("{}: {}", check::to_string(code.harm),
                  misbehaving ? "needs a guest that misbehaves; a warning, refuting under --profile strict"
                              : "harms guests that do nothing wrong; refutes"),
      2);
  text += field("expected", std::string(code.expects), 2);
  text += field("symptom", std::string(code.symptom), 2);
  text += field("example", std::string(code.example), 2);
  switch (code.shown_by) {
    case check::ShownBy::kPlan:
      text += field("shown by", "a plan: meld-verify check COMPOSED --plan PLAN", 2);
      text += field("mend", std::string(code.mend), 2);
      break;
    case check::ShownBy::kBytes:
      text += field("shown by", "the bytes of the fused file only: " + std::string(code.mend), 2);
      break;
    case check::ShownBy::kNothing:
      text += field("shown by", "nothing here: " + std::string(code.mend), 2);
      break;
  }
  return text;
}

std::string codes_text() {
  std::string text;
  for (const check::CodeInfo& code : check::all_codes()) {
    text += fmt::format("{}  {} {} {}\n", code_name(code.code), padded(check::to_string(code.harm), 11),
                        padded(check::to_string(code.family), 12), code.name);
  }
  return text;
}

std::string plan_dot(const Topology& topology, const Plan& plan) {
  const auto quoted = [](const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
      if (c == '\n') {
        result += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') {
        result += '\\';
      }
      result += c;
    }
    return result + "\"";
  };
  std::string text =
      "digraph plan {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  std::set<std::uint32_t> shown;
  std::string edges;
  for (const topology::Boundary& boundary : topology.boundaries) {
    if (boundary.position_count == 0) {
      continue;
    }
    shown.insert(boundary.caller.value);
    shown.insert(boundary.callee.value);
    std::string label = topology.text(boundary.function);
    for (std::uint32_t p = boundary.first_position; p < boundary.first_position + boundary.position_count;
         ++p) {
      label += "\n" + topology.layouts[topology.positions[p].layout.value].path + ": " +
               check::steps_words(plan, plan.positions[p]);
    }
    edges += fmt::format("  i{} -> i{} [label={}];\n", boundary.caller.value, boundary.callee.value,
                         quoted(label));
  }
  for (const std::uint32_t instance : shown) {
    text += fmt::format("  i{} [label={}];\n", instance,
                        quoted(topology.text(topology.instances[instance].name)));
  }
  return text + edges + "}\n";
}

}  // namespace meld_verify::report
