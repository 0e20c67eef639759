#include "tools/meld-verify/fused_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "engine/report/fused.h"
#include "engine/run/finding_replay.h"
#include "tools/meld-verify/command.h"
#include "tools/meld-verify/fused_judgement.h"
#include "tools/meld-verify/heap.h"
#include "tools/meld-verify/input.h"
#include "tools/meld-verify/progress.h"

namespace meld_verify::tool {
namespace {

/// A word as a shell takes it.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_@%+=:,./-").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) {
    return word;
  }
  std::string result = "'";
  for (const char c : word) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

/// A run for one finding, or (0) any that shows a difference, in words.
report::ReplayWords replay_words(const lift::Pair& pair, const run::Replay& replay,
                                 const std::vector<component::CanonId>& through, std::uint32_t number) {
  const bool gets_there =
      through.empty() || std::any_of(through.begin(), through.end(), [&](component::CanonId canon) {
        return std::find(replay.composed.called.begin(), replay.composed.called.end(), canon) !=
               replay.composed.called.end();
      });
  const std::string_view elsewhere =
      gets_there ? "" : "no run that was tried shows this finding; this one does not get to it\n";
  return {.finding = number == 0 ? std::nullopt : std::optional<std::size_t>(number - 1),
          .call = replay.call,
          .driver = replay.driver,
          .difference = replay.difference.sentence,
          .differs = run::differs(replay),
          .compared = run::is_comparable(replay),
          .text = std::string(elsewhere) + run::replay_text(pair, replay)};
}

/// Neither right nor wrong as far as the code could be read.
bool is_open(check::Verdict verdict) {
  return verdict == check::Verdict::kUnknown || verdict == check::Verdict::kUnsupported;
}

}  // namespace

int FusedCommand::run() const {
  ready_heap_for_solver();
  Progress progress;
  const auto composed_bytes = read_file(composed);
  if (!composed_bytes) {
    return fail(composed_bytes.error());
  }
  const auto fused_bytes = read_file(fused);
  if (!fused_bytes) {
    return fail(fused_bytes.error());
  }
  const check::Options check_options{
      .profile = profile == "strict" ? check::Profile::kStrict : check::Profile::kDefault,
      .latent = latent,
      .judge = judge ? check::JudgeUse::kAlways : check::JudgeUse::kAuto,
      .source = check::Source::kCode};
  auto judged = judge_fused(*composed_bytes, composed, *fused_bytes, fused, check_options, progress);
  if (!judged) {
    progress.end();
    return fail(judged.error());
  }
  const lift::Pair& pair = *judged->pair;
  lift::Lifted& lifted = judged->lifted;
  check::ArtefactReport& artefact = judged->artefact;
  if (!plan_file.empty()) {
    const auto written =
        write_file(plan_file, routing::write_plan(lifted.plan, lifted.topology, {.locations = true}));
    if (!written) {
      progress.end();
      return fail(written.error());
    }
  }
  check::Report& verdict = artefact.report;
  std::optional<report::ReplayWords> shown;
  if (replay && replay_finding > verdict.findings.size()) {
    progress.end();
    fmt::print(stderr, "meld-verify: --replay {}: there are {} findings\n", replay_finding,
               verdict.findings.size());
    return kBadInput;
  }
  if (replay) {
    progress.now("running both files");
    std::vector<component::CanonId> through;
    if (replay_finding != 0) {
      through = run::canons_of(pair, lifted, verdict.findings[replay_finding - 1]);
    }
    const run::Replay found = run::find_difference(pair, {}, through);
    shown = replay_words(pair, found, through, replay_finding);
    if (shown->differs && verdict.verdict == check::Verdict::kProved) {
      verdict.verdict = check::Verdict::kUnknown;  // a proof that a run contradicts is none
      verdict.error = "nothing wrong was found in its code, but a run differs: " + shown->difference;
    } else if (replay_finding == 0 && is_open(verdict.verdict)) {
      if (auto note = run::note_of(found)) {  // what it rests on counts for more than what could not be read
        lifted.notes.push_back(*std::move(note));
        lifted.assumptions.insert(lifted.assumptions.end(), found.assumptions.begin(),
                                  found.assumptions.end());
        artefact = check::check_artefact(lifted, judged->rules, check_options);
      }
    }
  }
  progress.end();
  const int exit_code = exit_of(artefact.report.verdict);
  const report::FusedReport subject{
      .composed = composed,
      .fused = fused,
      .lifted = lifted,
      .artefact = artefact,
      .image = &pair.fused_image,
      .command = fmt::format("meld-verify {} {}{}{}", quoted(composed), quoted(fused),
                             profile == "strict" ? " --profile strict" : "", latent ? " --latent" : ""),
      .replay = std::move(shown)};
  if (format == "json") {
    return print(report::fused_json(subject), exit_code);
  }
  if (format == "sarif") {
    return print(
        report::fused_sarif(subject,
                            {.version = MELD_VERIFY_VERSION, .arguments = arguments, .exit_code = exit_code}),
        exit_code);
  }
  report::TextOptions options{.colour = colours(), .all = all};
  if (terminal()) {
    options.seconds = progress.seconds();
  }
  return print(report::fused_text(subject, options), exit_code);
}

}  // namespace meld_verify::tool
