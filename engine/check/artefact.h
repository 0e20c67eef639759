#pragma once

// The verdict on a fused file: the plan that its bytes carry out, checked like any other, and what the bytes
// show beyond it.

#include <string>
#include <vector>

#include "engine/check/check.h"
#include "engine/lift/lift.h"

namespace meld_verify::check {

/// Where a finding stands in the fused file.
struct FindingSite {
  std::vector<lift::CodePlace> code;  ///< the first one is where to look
  std::vector<std::string> roles;     ///< parallel: "adapter", "resource.drop", "drop of table leaf"
  /// Parallel to the finding's way: the code that does the step.
  std::vector<std::optional<lift::CodePlace>> way;
};

/// Something of the fused file that could not be read.
struct OpenNote {
  lift::Note note;
  std::string place;  ///< in the words of the source; empty where it is about the whole file
};

struct ArtefactReport {
  Report report;
  std::vector<FindingSite> sites;  ///< parallel to `report.findings`
  std::vector<OpenNote> open;      ///< why the verdict is kUnknown or kUnsupported, unless it is refuted
  std::vector<OpenNote> aside;     ///< the same where no export of the world leads: it counts for nothing
};

/// Checks what `lift` read. Findings that the lift noted by itself are among the report's, in their place: a
/// note about something that has a finding already is one more code of that finding. What could not be read
/// makes a verdict kUnknown (kUnsupported where that is why) and never hides a finding. `options.source` is
/// taken to be kCode.
[[nodiscard]] ArtefactReport check_artefact(const lift::Lifted& lifted, const smt::RuleText& rules,
                                            const Options& options = {});

}  // namespace meld_verify::check
