#pragma once

// Pieces of a page about a verdict: findings, places, counts. Each ends with a line break.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/check/artefact.h"

namespace meld_verify::report {

/// Findings and places that are printed in full; the others are counted.
inline constexpr std::size_t kInFull = 10;

/// "L07"
[[nodiscard]] std::string code_name(std::uint8_t code);
/// "1 finding", "2 findings"
[[nodiscard]] std::string counted(std::size_t count, std::string_view thing);
/// "leaf (2)   runner (6)"
[[nodiscard]] std::string instance_list(const topology::Topology& topology,
                                        std::span<const topology::InstanceId> instances);
/// A label of twelve cells and a wrapped text.
[[nodiscard]] std::string field(std::string_view label, const std::string& text, std::size_t indent);

/// What a page says of a finding beside its way and what it gets.
struct FindingWords {
  bool colour = false;
  bool rules = true;                         ///< the broken rules
  bool mend = true;                          ///< how to mend the plan
  const check::FindingSite* site = nullptr;  ///< where it is in a fused file
  const lift::Image* image = nullptr;        ///< the fused file
  std::string replay;                        ///< the command that shows it; empty: none
};
[[nodiscard]] std::string finding_text(const check::Finding& finding, std::size_t number,
                                       const topology::Topology& topology, const FindingWords& words);

/// Whether it is code of the file: not a canonical built-in and no import.
[[nodiscard]] bool is_code(const lift::CodePlace& place, const lift::Image* image);

/// "func 456 ($ht_drop_0) at 0xa8f1", or the name alone of what is no code of the file; with the number of
/// its core module where that is not the largest.
[[nodiscard]] std::string code_place_words(const lift::CodePlace& place, const lift::Image* image);

/// How many findings a page prints in full.
struct Fullness {
  bool all = false;              ///< every one; else `kInFull` of those that are reached
  bool sum_up_warnings = false;  ///< unless all are printed: those that do not refute are counted
};
/// Findings, then how many were left out, and why.
[[nodiscard]] std::string findings_text(const check::Report& report, const topology::Topology& topology,
                                        const Fullness& fullness,
                                        const std::function<FindingWords(std::size_t)>& words);
/// What was suspicious and not looked at; what is neither right nor wrong.
[[nodiscard]] std::string unproved_text(const check::Report& report, bool all);
/// Sizes, and who decided.
[[nodiscard]] std::string counts_text(const check::Report& report, const topology::Topology& topology,
                                      const routing::Plan& plan);
[[nodiscard]] std::string assumptions_text(const check::Report& report);
/// What is out of scope, item by item.
[[nodiscard]] std::string unsupported_text(const check::Report& report, const topology::Topology& topology);

}  // namespace meld_verify::report
