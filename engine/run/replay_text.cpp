// A replay for people.

#include <fmt/format.h>

#include <algorithm>

#include "engine/run/fused_program.h"

namespace meld_verify::run {
namespace {

constexpr std::size_t kBefore = 12;  ///< events before the runs part
constexpr std::size_t kAfter = 6;
constexpr std::size_t kWidth = 62;  ///< of a column

/// Cut to the column, and filled up.
std::string column(std::string text) {
  if (text.size() > kWidth) {
    text = text.substr(0, kWidth - 3) + "...";
  }
  return text + std::string(kWidth - text.size(), ' ');
}

std::string end_of(const RunOutcome& run) {
  return run.trap ? fmt::format("trap {}: {}", to_string(run.trap->trap_class), run.trap->sentence)
                  : std::string("ends well");
}

void trim(std::string& line) {
  line.erase(line.find_last_not_of(' ') + 1);
}

}  // namespace

std::string replay_text(const lift::Pair& pair, const Replay& replay) {
  const GuestWords words(pair.composed);
  std::string text;
  if (!replay.call.empty()) {
    text += fmt::format("replay of {}, fused file driven by {}\n", replay.call,
                        replay.driver.empty() ? "nothing" : replay.driver);
  }
  for (const std::string& assumption : replay.assumptions) {
    text += "  assumed: " + assumption + "\n";
  }
  const RunDifference& difference = replay.difference;
  const std::size_t composed_from = difference.composed_event - std::min(difference.composed_event, kBefore);
  const std::size_t fused_from = difference.fused_event - std::min(difference.fused_event, kBefore);
  const std::size_t rows =
      std::max(difference.composed_event - composed_from, difference.fused_event - fused_from) + kAfter;
  const auto cell = [&](const RunOutcome& run, std::size_t at) {
    return at < run.events.size()    ? fmt::format("{:>6}  {}", at + 1, words.event(run.events[at]))
           : at == run.events.size() ? fmt::format("{:>6}  {}", "", end_of(run))
                                     : std::string();
  };
  std::string line = "    " + column("composed") + "| fused";
  text += line + "\n";
  if (composed_from > 0 || fused_from > 0) {
    line = "    " + column(composed_from > 0 ? fmt::format("   ... {} events ...", composed_from) : "") +
           "| " + (fused_from > 0 ? fmt::format("   ... {} events ...", fused_from) : "");
    trim(line);
    text += line + "\n";
  }
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string left = cell(replay.composed, composed_from + i);
    const std::string right = cell(replay.fused, fused_from + i);
    if (left.empty() && right.empty()) {
      break;
    }
    const bool parts =
        difference.kind != RunDifference::Kind::kNone && fused_from + i == difference.fused_event;
    line = fmt::format("{}{}| {}", parts ? " => " : "    ", column(left), right);
    trim(line);
    text += line + "\n";
  }
  text += fmt::format("  composed: {} ({} events)\n  fused:    {} ({} events)\n", end_of(replay.composed),
                      replay.composed.events.size(), end_of(replay.fused), replay.fused.events.size());
  text += "  " +
          (difference.kind == RunDifference::Kind::kNone && difference.sentence.empty()
               ? std::string("no difference")
               : difference.sentence) +
          "\n";
  return text;
}

}  // namespace meld_verify::run
