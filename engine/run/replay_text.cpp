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

}  // namespace

std::string replay_text(const lift::Pair& pair, const Replay& replay) {
  const GuestWords words(pair.composed);
  std::string text;
  if (!replay.call.empty()) {
    text += fmt::format("replay of {}, the fused file by {}\n", replay.call,
                        replay.driver.empty() ? "nothing" : replay.driver);
  }
  for (const std::string& assumption : replay.assumptions) {
    text += "  assumed: " + assumption + "\n";
  }
  const RunDifference& difference = replay.difference;
  const auto cell = [&](const RunOutcome& run, std::size_t at) {
    return at < run.events.size()    ? fmt::format("{:>6}  {}", at + 1, words.event(run.events[at]))
           : at == run.events.size() ? fmt::format("{:>6}  {}", "", end_of(run))
                                     : std::string();
  };
  const auto add = [&](const char* mark, const std::string& left, const std::string& right) {
    std::string line = fmt::format("{}{}| {}", mark, column(left), right);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add("    ", "composed", "fused");
  std::size_t next = 0;
  const auto rows = [&](std::size_t from, std::size_t to) {
    if (from > next) {
      const std::string left_out = fmt::format("   ... {} events ...", from - next);
      add("    ", left_out, left_out);
    }
    for (std::size_t i = std::max(from, next); i < to; ++i) {
      const std::string left = cell(replay.composed, i), right = cell(replay.fused, i);
      const bool marked = difference.kind != RunDifference::Kind::kNone &&
                          (i == difference.composed_event || i == difference.fused_event);
      if (!left.empty() || !right.empty()) {
        add(marked ? " => " : "    ", left, right);
      }
      next = i + 1;
    }
  };
  rows(difference.composed_event - std::min(difference.composed_event, kBefore),
       difference.composed_event + kAfter);
  if (difference.fused_event >= next) {
    rows(std::max(next, difference.fused_event - std::min(difference.fused_event, kAfter)),
         difference.fused_event + kAfter);
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
