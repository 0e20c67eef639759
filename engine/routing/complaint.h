#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/routing/json_path.h"
#include "engine/routing/plan_document.h"

namespace meld_verify::routing {

/// Keeps the first thing found wrong with a plan. Readers give false once something is wrong, and stop.
class Complaint {
 public:
  explicit Complaint(std::string_view file) : file_(file) {}

  /// Gives false, for `return complaint.raise(…)`.
  bool raise(const JsonPath& at, std::string sentence) {
    if (!first_) {
      first_ = bad_json("plan-reference", file_, at.pointer(), std::move(sentence));
    }
    return false;
  }

  /// Requires that something was raised.
  [[nodiscard]] wasm::Diagnostic take() && { return std::move(first_).value(); }

 private:
  std::string_view file_;
  std::optional<wasm::Diagnostic> first_;
};

}  // namespace meld_verify::routing
