#include "tools/meld-verify/route_command.h"

#include <string>

#include "engine/report/fused.h"
#include "engine/rewrite/route.h"
#include "tools/meld-verify/command.h"
#include "tools/meld-verify/fused_judgement.h"
#include "tools/meld-verify/heap.h"
#include "tools/meld-verify/input.h"
#include "tools/meld-verify/progress.h"

namespace meld_verify::tool {
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
  // Not trusted: read back and judged as any fused file.
  const auto judged =
      judge_fused(*bytes, composed, *made, routed, {.source = check::Source::kCode}, progress);
  progress.end();
  if (!judged) {
    return fail(judged.error());
  }
  const check::Verdict verdict = judged->artefact.report.verdict;
  if (verdict == check::Verdict::kProved) {
    const auto written = write_file(routed, std::string(made->begin(), made->end()));
    if (!written) {
      return fail(written.error());
    }
  }
  report::TextOptions options{.colour = colours(), .all = false};
  if (terminal()) {
    options.seconds = progress.seconds();
  }
  const report::FusedReport subject{.composed = composed,
                                    .fused = routed,
                                    .lifted = judged->lifted,
                                    .artefact = judged->artefact,
                                    .image = &judged->pair->fused_image};
  return print(report::fused_text(subject, options), exit_of(verdict));
}

}  // namespace meld_verify::tool
