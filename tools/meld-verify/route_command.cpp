#include "tools/meld-verify/route_command.h"

#include <cstdint>
#include <span>
#include <vector>

#include "engine/check/artefact.h"
#include "engine/report/fused.h"
#include "engine/rewrite/route.h"
#include "tools/meld-verify/command.h"
#include "tools/meld-verify/heap.h"
#include "tools/meld-verify/input.h"
#include "tools/meld-verify/progress.h"
#include "tools/meld-verify/validate_modules.h"

namespace meld_verify::tool {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// What the bytes of a routed file are found to be.
struct Checked {
  check::Verdict verdict = check::Verdict::kUnknown;
  std::string text;  ///< for people
};

/// Decodes what was made, validates its core modules, and judges it as any fused file.
wasm::Expected<Checked> checked(const Bytes& composed_bytes, const std::string& composed,
                                const Bytes& routed_bytes, const std::string& routed, Progress& progress) {
  progress.now("looking for the components' code in the routed file");
  const auto pair = lift::read_pair(composed_bytes, composed, routed_bytes, routed);
  if (!pair) {
    return tl::unexpected(pair.error());
  }
  progress.now("validating the routed file");
  const auto limits = validate_modules(*(*pair)->fused, routed_bytes, routed);
  if (!limits) {
    return tl::unexpected(limits.error());
  }
  const auto rules = smt::load_rules();
  if (!rules) {
    return tl::unexpected(rules.error());
  }
  progress.now("reading what the routed code does");
  lift::Lifted lifted = lift::lift(**pair);
  lifted.assumptions.insert(lifted.assumptions.end(), limits->begin(), limits->end());
  progress.now("judging");
  const check::ArtefactReport artefact =
      check::check_artefact(lifted, *rules, {.source = check::Source::kCode});
  const report::FusedReport subject{.composed = composed,
                                    .fused = routed,
                                    .lifted = lifted,
                                    .artefact = artefact,
                                    .image = &(*pair)->fused_image};
  report::TextOptions options{.colour = colours(), .all = false};
  if (terminal()) {
    options.seconds = progress.seconds();
  }
  return Checked{artefact.report.verdict, report::fused_text(subject, options)};
}

}  // namespace

int RouteCommand::run() const {
  ready_heap_for_solver();
  Progress progress;
  const auto bytes = read_file(composed);
  if (!bytes) {
    return fail(bytes.error());
  }
  progress.now("making the component flat");
  const auto made = rewrite::route(*bytes, composed);
  if (!made) {
    progress.end();
    return fail(made.error());
  }
  const auto outcome = checked(*bytes, composed, *made, routed, progress);
  progress.end();
  if (!outcome) {
    return fail(outcome.error());
  }
  if (outcome->verdict == check::Verdict::kProved) {
    const auto written = write_file(routed, std::string(made->begin(), made->end()));
    if (!written) {
      return fail(written.error());
    }
  }
  return print(outcome->text, exit_of(outcome->verdict));
}

}  // namespace meld_verify::tool
