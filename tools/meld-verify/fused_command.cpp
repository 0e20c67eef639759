#include "tools/meld-verify/fused_command.h"

#include "engine/check/artefact.h"
#include "engine/report/fused.h"
#include "engine/run/passed_cases.h"
#include "engine/wasm/validate.h"
#include "tools/meld-verify/command.h"
#include "tools/meld-verify/heap.h"
#include "tools/meld-verify/input.h"
#include "tools/meld-verify/progress.h"
#include "tools/meld-verify/validate_modules.h"

namespace meld_verify::tool {
namespace {

/// The core modules of the fused file, validated; what wabt cannot read is what the verdict rests on.
wasm::Expected<std::vector<std::string>> validate(const lift::Pair& pair,
                                                  const std::vector<std::uint8_t>& bytes,
                                                  const std::string& file) {
  return pair.fused ? validate_modules(*pair.fused, bytes, file) : validate_module(bytes, file);
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
  progress.now("looking for the components' code in the fused file");
  const auto pair = lift::read_pair(*composed_bytes, composed, *fused_bytes, fused);
  if (!pair) {
    progress.end();
    return fail(pair.error());
  }
  progress.now("validating the fused file");
  const auto limits = validate(**pair, *fused_bytes, fused);
  if (!limits) {
    progress.end();
    return fail(limits.error());
  }
  const auto rules = smt::load_rules();
  if (!rules) {
    progress.end();
    return fail(rules.error());
  }
  progress.now("reading what the fused code does");
  lift::Lifted lifted = lift::lift(**pair);
  progress.now("running the composed file");
  run::leave_out_cases(**pair, lifted);
  lifted.assumptions.insert(lifted.assumptions.end(), limits->begin(), limits->end());
  if (!plan_file.empty()) {
    const auto written =
        write_file(plan_file, routing::write_plan(lifted.plan, lifted.topology, {.locations = true}));
    if (!written) {
      progress.end();
      return fail(written.error());
    }
  }
  progress.now("judging");
  const check::ArtefactReport artefact = check::check_artefact(
      lifted, *rules,
      {.profile = profile == "strict" ? check::Profile::kStrict : check::Profile::kDefault,
       .latent = latent,
       .judge = judge ? check::JudgeUse::kAlways : check::JudgeUse::kAuto,
       .source = check::Source::kCode});
  progress.end();
  const int exit_code = exit_of(artefact.report.verdict);
  const report::FusedReport subject{.composed = composed,
                                    .fused = fused,
                                    .lifted = lifted,
                                    .artefact = artefact,
                                    .image = &(*pair)->fused_image};
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
