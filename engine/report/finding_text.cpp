#include "engine/report/finding_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/report/page.h"
#include "engine/wasm/printable.h"

namespace meld_verify::report {
namespace {

using check::Finding;
using check::Report;
using topology::Topology;

std::string rules_text(const std::vector<smt::RuleText::Rule>& rules) {
  std::string text;
  std::string_view label = "broken rule";
  for (const smt::RuleText::Rule& rule : rules) {
    text += field(label, fmt::format("{} ({})", rule.sentence, rule.name), 4);
    label = "";
  }
  return text;
}

std::string way_text(const Finding& finding, const FindingWords& words) {
  std::string text;
  for (std::size_t i = 0; i < finding.way.size(); ++i) {
    const check::WayStep& step = finding.way[i];
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
    line = painted(line, Paint::kWrong, words.colour && wrong);
    if (words.site != nullptr && i < words.site->way.size() && words.site->way[i]) {
      line += "   " + painted(code_place_words(*words.site->way[i], words.image), Paint::kDim, words.colour);
    }
    text += wrapped("      " + padded(step.verb, 9) + line, 17);
  }
  return text;
}

std::string site_text(const FindingWords& words) {
  std::string text;
  std::string_view label = "in the file";
  for (std::size_t i = 0; i < words.site->code.size(); ++i) {
    text += field(label,
                  words.site->roles[i] + " " +
                      painted(code_place_words(words.site->code[i], words.image), Paint::kDim, words.colour),
                  4);
    label = "";
  }
  return text;
}

/// "L36, L44"
std::string codes_of(const std::set<std::uint8_t>& codes) {
  std::string words;
  for (const std::uint8_t code : codes) {
    words += (words.empty() ? "" : ", ") + code_name(code);
  }
  return words;
}

}  // namespace

std::string code_name(std::uint8_t code) {
  return fmt::format("L{:02}", code);
}

std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string instance_list(const Topology& topology, std::span<const topology::InstanceId> instances) {
  std::string words;
  for (const topology::InstanceId instance : instances) {
    words += fmt::format("{}{} ({})", words.empty() ? "" : "   ",
                         topology.text(topology.instances[instance.value].name), instance.value);
  }
  return words;
}

std::string field(std::string_view label, const std::string& text, std::size_t indent) {
  const std::size_t column = indent + 13;
  return wrapped(std::string(indent, ' ') + padded(label, 13) + text, column);
}

bool is_code(const lift::CodePlace& place, const lift::Image* image) {
  return image == nullptr || place.function.value >= image->functions.size() ||
         image->functions[place.function.value].kind == lift::LinkedFunction::Kind::kDefined;
}

std::string code_place_words(const lift::CodePlace& place, const lift::Image* image) {
  if (!is_code(place, image)) {
    return place.name.empty() ? "a function from outside" : wasm::printable(place.name);
  }
  std::string words = fmt::format("func {}", place.index);
  if (!place.name.empty()) {
    words += fmt::format(" ({})", wasm::printable(place.name));
  }
  if (image != nullptr && place.module.value < image->modules.size()) {
    const auto largest = std::max_element(image->modules.begin(), image->modules.end(),
                                          [](const wasm::Module& left, const wasm::Module& right) {
                                            return left.function_types.size() < right.function_types.size();
                                          });
    if (place.module.value != static_cast<std::size_t>(largest - image->modules.begin())) {
      words += fmt::format(" of core module {}", place.module.value);
    }
  }
  return words + fmt::format(" at 0x{:x}", place.offset.value);
}

std::string finding_text(const Finding& finding, std::size_t number, const Topology& topology,
                         const FindingWords& words) {
  std::string also;
  for (const std::uint8_t code : finding.also) {
    also += (also.empty() ? "   also " : ", ") + code_name(code);
  }
  std::string text = wrapped(
      fmt::format(
          "{:>2}  {}  {}   {}{}{}", number,
          painted(code_name(finding.code), finding.refutes ? Paint::kWrong : Paint::kBold, words.colour),
          finding.headline, check::to_string(finding.harm), finding.reachable ? ", reachable" : ", latent",
          also),
      9);
  if (!finding.place.empty()) {
    text += field("at", finding.place, 4);
  }
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
  text += way_text(finding, words);
  if (!finding.gets.empty()) {
    text += field("gets", painted(finding.gets, Paint::kWrong, words.colour), 4);
  }
  if (!finding.belongs.empty()) {
    text += field("belongs", painted(finding.belongs, Paint::kRight, words.colour), 4);
  }
  text += field("because", wasm::printable(finding.because), 4);
  if (words.rules) {
    text += rules_text(finding.rules);
  }
  if (words.site != nullptr) {
    text += site_text(words);
  }
  if (!words.replay.empty()) {
    text += field("replay", words.replay, 4);
  }
  if (words.mend) {
    text += field("mend", finding.mend, 4);
  }
  if (!finding.repair.empty()) {
    text += field("", "as a JSON patch: `repair` in --format json; apply one finding's at a time", 4);
  }
  return text;
}

std::string findings_text(const Report& report, const Topology& topology, const Fullness& fullness,
                          const std::function<FindingWords(std::size_t)>& words) {
  std::string text;
  std::size_t number = 0, latent = 0, cut = 0, warnings = 0;
  std::set<std::uint8_t> latent_codes, warning_codes;
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& finding = report.findings[i];
    const bool warning = !finding.refutes && finding.reachable;
    if (!finding.refutes && !finding.reachable && !fullness.all) {
      ++latent;
      latent_codes.insert(finding.code);
      continue;
    }
    if (warning && fullness.sum_up_warnings && !fullness.all) {
      ++warnings;
      warning_codes.insert(finding.code);
      warning_codes.insert(finding.also.begin(), finding.also.end());
      continue;
    }
    if (!fullness.all && number >= kInFull) {
      ++cut;
      continue;
    }
    if (finding.refutes || finding.reachable) {
      text += "\n";
    }
    if (warning) {
      text += "    warning: harms only if a guest breaks the Canonical ABI (--profile strict refutes it)\n";
    }
    text += finding_text(finding, ++number, topology, words(i));
  }
  text += "\n";
  if (cut != 0) {
    text += fmt::format("  {} more; --all shows them\n", counted(cut, "finding"));
  }
  const auto summed_up = [&](std::string_view what, std::size_t count, const std::set<std::uint8_t>& codes,
                             std::string_view option, std::string_view does) {
    if (count != 0) {
      text += wrapped(fmt::format("  {}: {} ({}); --all shows {}, {} {}", what, counted(count, "finding"),
                                  codes_of(codes), count == 1 ? "it" : "them", option,
                                  fmt::format(fmt::runtime(does), count == 1 ? "it" : "them")),
                      4);
    }
  };
  summed_up("harm only if a guest breaks the Canonical ABI", warnings, warning_codes, "--profile strict",
            "refutes {}");
  summed_up("not reachable from the world's exports", latent, latent_codes, "--latent", "lets {} refute");
  return text;
}

std::string unproved_text(const Report& report, bool all) {
  std::string text;
  if (report.unnamed != 0) {
    text += fmt::format("  {} looked suspicious too\n", counted(report.unnamed, "further place"));
  }
  if (report.unproved.empty()) {
    return text;
  }
  text += fmt::format("  {} neither known to be right nor shown to be wrong\n",
                      counted(report.unproved.size(), "place"));
  const std::size_t shown = all ? report.unproved.size() : std::min(kInFull, report.unproved.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const check::Unproved& item = report.unproved[i];
    text += field("at", item.place, 4);
    if (!item.pointer.empty()) {
      text += field("in the plan", item.pointer, 4);
    }
    text += rules_text(item.rules);
  }
  if (shown != report.unproved.size()) {
    text +=
        fmt::format("    and {}; --all shows them\n", counted(report.unproved.size() - shown, "more place"));
  }
  return text;
}

std::string counts_text(const Report& report, const Topology& topology, const routing::Plan& plan) {
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

std::string assumptions_text(const Report& report) {
  std::string text;
  for (const std::string& assumption : report.assumptions) {
    text += field("assumed", wasm::printable(assumption), 2);
  }
  return text;
}

std::string unsupported_text(const Report& report, const Topology& topology) {
  std::string text;
  for (const topology::Unsupported& item : report.unsupported) {
    text += wrapped(fmt::format("  {}  {}: {}", item.code,
                                topology.text(topology.instances[item.instance.value].name), item.sentence),
                    4);
  }
  return text;
}

}  // namespace meld_verify::report
