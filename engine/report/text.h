#pragma once

// What people read. No line is wider than it has to be; colours only where asked for, and nothing is only a
// colour.

#include <optional>
#include <string>
#include <string_view>

#include "engine/check/check.h"

namespace meld_verify::report {

struct TextOptions {
  bool colour = false;
  bool all = false;                              ///< boundaries without handles, latent findings in full
  bool places = false;                           ///< of a plan: where each handle lies, too
  std::optional<double> seconds = std::nullopt;  ///< of a fused file: how long it took; none: not said
};

/// The topology with the conversion that each position has in `plan`.
[[nodiscard]] std::string plan_text(const topology::Topology& topology, const routing::Plan& plan,
                                    const TextOptions& options);

/// The verdict on a plan. `subject` names the plan ("PLAN.json").
[[nodiscard]] std::string report_text(const check::Report& report, const topology::Topology& topology,
                                      const routing::Plan& plan, std::string_view subject,
                                      const TextOptions& options);

/// The page of `meld-verify explain CODE`.
[[nodiscard]] std::string code_text(const check::CodeInfo& code);
/// One line per code.
[[nodiscard]] std::string codes_text();

/// The topology as a Graphviz digraph: instances, and boundaries that handles cross.
[[nodiscard]] std::string plan_dot(const topology::Topology& topology, const routing::Plan& plan);

}  // namespace meld_verify::report
