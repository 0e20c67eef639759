#pragma once

// The verdict on a fused file, for people, for programs and for tools that show findings of any checker.

#include <optional>
#include <string>
#include <vector>

#include "engine/check/artefact.h"
#include "engine/report/text.h"

namespace meld_verify::report {

/// Both files, run.
struct ReplayWords {
  std::optional<std::size_t> finding;  ///< that it was made for: its index in the report; none: for any
  std::string call;                    ///< exports and arguments
  std::string driver;                  ///< how the fused file was called
  std::string difference;              ///< what the fused file does otherwise, or that nothing shows
  bool differs = false;
  bool compared = true;  ///< the runs tell something
  std::string text;      ///< all of it, for people
};

/// A verdict on a fused file, and what it is about. All that it refers to must outlive it.
struct FusedReport {
  std::string composed;  ///< the files, as they were named
  std::string fused;
  const lift::Lifted& lifted;
  const check::ArtefactReport& artefact;
  const lift::Image* image = nullptr;  ///< the fused file; none: how long its code is is not said
  std::string command = {};            ///< that gave this verdict; replays are named with it
  std::optional<ReplayWords> replay = std::nullopt;
};

/// Where a replay was made for one finding, of the findings only that one.
[[nodiscard]] std::string fused_text(const FusedReport& report, const TextOptions& options);

/// JSON (spec/report.schema.json): what `report_json` says of a plan, and what only a fused file has.
[[nodiscard]] std::string fused_json(const FusedReport& report);

/// How the program was run, for SARIF.
struct Invocation {
  std::string version;                 ///< of meld-verify
  std::vector<std::string> arguments;  ///< after the program's name
  int exit_code = 0;
};

/// A SARIF 2.1.0 log with one run.
[[nodiscard]] std::string fused_sarif(const FusedReport& report, const Invocation& invocation);

}  // namespace meld_verify::report
