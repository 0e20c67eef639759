#pragma once

// The verdict on a fused file: the plan that its bytes carry out, checked like any other, and what the bytes
// show beyond it.

#include "engine/check/check.h"
#include "engine/lift/lift.h"

namespace meld_verify::check {

/// Where a finding stands in the fused file.
struct FindingSite {
  std::vector<lift::CodePlace> code;  ///< the first one is where to look
};

struct ArtefactReport {
  Report report;
  std::vector<FindingSite> sites;  ///< parallel to `report.findings`
  std::vector<lift::Note> open;    ///< what could not be read: why the verdict is kUnknown or kUnsupported
};

/// Checks what `lift` read. Findings that the lift noted by itself are among the report's, in their place.
[[nodiscard]] ArtefactReport check_artefact(const lift::Lifted& lifted, const smt::RuleText& rules,
                                            const Options& options = {});

}  // namespace meld_verify::check
