#include "tools/meld-verify/fused_judgement.h"

#include <algorithm>
#include <utility>

#include "engine/run/passed_cases.h"
#include "engine/wasm/validate.h"
#include "tools/meld-verify/validate_modules.h"

namespace meld_verify::tool {
namespace {

/// The core modules of the fused file, validated; what wabt cannot read is what the verdict rests on.
wasm::Expected<std::vector<std::string>> validate(const lift::Pair& pair,
                                                  const std::vector<std::uint8_t>& bytes,
                                                  const std::string& file) {
  return pair.fused ? validate_modules(*pair.fused, bytes, file) : validate_module(bytes, file);
}

/// Whether a finding refutes that only matters if certain cases or list elements are passed.
bool hangs_on_cases(const check::ArtefactReport& artefact, const lift::Lifted& lifted) {
  return std::any_of(
      artefact.report.findings.begin(), artefact.report.findings.end(), [&](const check::Finding& finding) {
        if (!finding.refutes || finding.whole || finding.unit.kind != check::UnitKind::kPosition) {
          return false;
        }
        const topology::LayoutId layout = lifted.topology.positions[finding.unit.id].layout;
        return lifted.topology.layouts[layout.value].in_variant ||
               lifted.topology.layouts[layout.value].in_list;
      });
}

}  // namespace

wasm::Expected<FusedJudgement> judge_fused(const std::vector<std::uint8_t>& composed_bytes,
                                           const std::string& composed,
                                           const std::vector<std::uint8_t>& fused_bytes,
                                           const std::string& fused, const check::Options& options,
                                           Progress& progress) {
  FusedJudgement made;
  progress.now("looking for the components' code in the fused file");
  auto pair = lift::read_pair(composed_bytes, composed, fused_bytes, fused);
  if (!pair) {
    return tl::unexpected(pair.error());
  }
  made.pair = std::move(*pair);
  progress.now("validating the fused file");
  const auto limits = validate(*made.pair, fused_bytes, fused);
  if (!limits) {
    return tl::unexpected(limits.error());
  }
  auto rules = smt::load_rules();
  if (!rules) {
    return tl::unexpected(rules.error());
  }
  made.rules = std::move(*rules);
  progress.now("reading what the fused code does");
  made.lifted = lift::lift(*made.pair);
  made.lifted.assumptions.insert(made.lifted.assumptions.end(), limits->begin(), limits->end());
  progress.now("judging");
  made.artefact = check::check_artefact(made.lifted, made.rules, options);
  if (hangs_on_cases(made.artefact, made.lifted)) {
    progress.now("running the composed file");
    run::leave_out_cases(*made.pair, made.lifted);
    made.artefact = check::check_artefact(made.lifted, made.rules, options);
  }
  return made;
}

}  // namespace meld_verify::tool
