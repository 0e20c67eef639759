#include "engine/report/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/finding_text.h"
#include "engine/report/page.h"

namespace meld_verify::report {
namespace {

using check::Finding;
using check::Report;
using check::Verdict;

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

}  // namespace

std::string report_text(const Report& report, const topology::Topology& topology, const routing::Plan& plan,
                        std::string_view subject, const TextOptions& options) {
  const std::string text = head(report, subject, options.colour);
  if (report.verdict == Verdict::kUnsupported) {
    return text + unsupported_text(report, topology);
  }
  FindingWords words;
  words.colour = options.colour;
  return text + findings_text(report, topology, {.all = options.all}, [&](std::size_t) { return words; }) +
         unproved_text(report, options.all) + counts_text(report, topology, plan) + assumptions_text(report);
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
    case check::ShownBy::kRun:
      text += field("shown by", "a run of the fused file only: " + std::string(code.mend), 2);
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

}  // namespace meld_verify::report
