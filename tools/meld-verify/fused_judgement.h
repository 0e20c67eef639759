#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/check/artefact.h"
#include "tools/meld-verify/progress.h"

namespace meld_verify::tool {

/// What a fused file is found to be, and what that was found from.
struct FusedJudgement {
  std::unique_ptr<lift::Pair> pair;
  smt::RuleText rules;
  lift::Lifted lifted;
  check::ArtefactReport artefact;
};

/// Decodes and aligns both files, validates the fused one's core modules, reads what its code does and judges
/// it. The bytes must outlive the result. Errors: those of `lift::read_pair`, `validate_modules` and
/// `smt::load_rules`.
[[nodiscard]] wasm::Expected<FusedJudgement> judge_fused(const std::vector<std::uint8_t>& composed_bytes,
                                                         const std::string& composed,
                                                         const std::vector<std::uint8_t>& fused_bytes,
                                                         const std::string& fused,
                                                         const check::Options& options, Progress& progress);

}  // namespace meld_verify::tool
