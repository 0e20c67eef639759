#pragma once

// The ways to route a handle wrongly, as stable codes.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace meld_verify::check {

/// Whom a defect harms. Escape, owner and exhaustion harm a program whose guests do nothing wrong and refute
/// by default; guard and isolation need a guest that misbehaves and refute under the strict profile only.
enum class Harm : std::uint8_t { kEscape, kOwner, kExhaustion, kGuard, kIsolation };

/// What kind of mistake it is; also the order in which codes explain a defect that could bear several.
enum class Family : std::uint8_t { kIdentity, kPosition, kSpace, kLifetime, kTable };

/// What shows that a file has the defect.
enum class ShownBy : std::uint8_t {
  kPlan,     ///< a plan says it
  kBytes,    ///< only the fused file's bytes do
  kRun,      ///< only running the fused file does
  kNothing,  ///< not a defect of routing by itself, or out of scope
};

struct CodeInfo {
  std::uint8_t code;  ///< 7 is L07
  Family family;
  Harm harm;
  ShownBy shown_by;
  std::string_view name;
  std::string_view expects;  ///< what the port expects, and what it gets
  std::string_view symptom;  ///< at run time
  std::string_view example;  ///< the smallest topology
  std::string_view mend;     ///< how to mend a plan; where a plan cannot show it: what can, and why
};

/// All codes in ascending order.
[[nodiscard]] std::span<const CodeInfo> all_codes();

/// "L07" (case does not matter) or nothing.
[[nodiscard]] const CodeInfo* find_code(std::string_view text);
[[nodiscard]] const CodeInfo& info_of(std::uint8_t code);

/// Whether `left` explains a defect before `right` does.
[[nodiscard]] bool explains_first(std::uint8_t left, std::uint8_t right);

[[nodiscard]] std::string_view to_string(Harm harm);
[[nodiscard]] std::string_view to_string(Family family);

}  // namespace meld_verify::check
