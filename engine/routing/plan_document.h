#pragma once

// The text of a plan to a JSON value that keeps to spec/plan.schema.json.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/wasm/diagnostic.h"

namespace meld_verify::routing {

/// Bounds on the text of a plan, so that no text can exhaust the stack or, by being small and full of empty
/// arrays, the memory.
inline constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 30;
inline constexpr std::size_t kMaxPlanValues = std::size_t{1} << 25;
inline constexpr std::size_t kMaxPlanDepth = 64;

/// A diagnostic of an input at a JSON pointer.
[[nodiscard]] wasm::Diagnostic bad_json(std::string code, std::string_view file, std::string pointer,
                                        std::string sentence);

/// Parses `text`. Errors: "too-large" (more than kMaxPlanBytes or kMaxPlanValues), "not-json" with the byte
/// offset where it ceases to be JSON in UTF-8, "schema" (a name twice in one object; deeper than
/// kMaxPlanDepth).
[[nodiscard]] wasm::Expected<nlohmann::json> parse_json(std::string_view text, std::string_view file);

/// Whether `document` keeps to `schema` (JSON Schema draft 7, as text). Errors: "schema", at the first place
/// that breaks it; "spec-file" when `schema` itself is unusable.
[[nodiscard]] wasm::Expected<void> check_schema(const nlohmann::json& document, std::string_view schema,
                                                std::string_view file);

/// What is wrong at one place of a document.
struct SchemaBreak {
  std::string pointer;
  std::string sentence;
};

/// The first place of `document`, in reading order but for the members of an object, that breaks `schema`. Of
/// the words of JSON Schema it knows those that spec/plan.schema.json uses. `check_schema` asks it where and
/// what, and never whether.
[[nodiscard]] std::optional<SchemaBreak> first_break(const nlohmann::json& document,
                                                     const nlohmann::json& schema);

}  // namespace meld_verify::routing
