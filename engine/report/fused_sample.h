#pragma once

// Tests only: a fused file that was read, without its bytes.

#include <cstdlib>
#include <string>

#include "engine/report/fused.h"
#include "engine/routing/sample_topology.h"

namespace meld_verify::report {

/// The sample topology, fused rightly. Tests put a defect in.
struct FusedSample {
  lift::Lifted lifted;
  check::Options options;
  const lift::Image* image = nullptr;
  check::ArtefactReport artefact;

  FusedSample() {
    setenv("MELD_VERIFY_SPEC", MELD_VERIFY_SOURCE_DIR "/spec", 1);
    lifted.topology = routing::sample_topology();
    lifted.plan = routing::required_plan(lifted.topology);
    lifted.assumptions = {"lists of up to 3 elements"};
    lifted.boundary_code.resize(lifted.topology.boundaries.size());
    lifted.boundary_code[0] = place(456, 0xa8e0);
    lifted.position_code.resize(lifted.topology.positions.size());
    lifted.position_code[0] = place(456, 0xa8f1);
    lifted.view_code.resize(lifted.topology.views.size());
    lifted.table_code.resize(lifted.plan.tables.size());
    lifted.aligned_functions = 7;
    lifted.all_functions = 8;
    lifted.paths = 1;
    lifted.questions = 2;
  }

  static lift::CodePlace place(std::uint32_t function, std::uint64_t offset) {
    lift::CodePlace place;
    place.function = lift::FunctionId{function};
    place.index = function;
    place.offset = wasm::ByteOffset{offset};
    return place;
  }

  FusedReport report() {
    artefact = check::check_artefact(lifted, smt::load_rules().value(), options);
    return {.composed = "composed.wasm",
            .fused = "fused.wasm",
            .lifted = lifted,
            .artefact = artefact,
            .image = image};
  }
  std::string text(const TextOptions& text_options = {}) { return fused_text(report(), text_options); }
};

}  // namespace meld_verify::report
