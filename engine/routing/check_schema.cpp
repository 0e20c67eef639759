#if defined(__GNUC__) && !defined(__clang__)
// With sanitizers, g++ 12 takes members of std::regex (inside valijson) for uninitialised when they are not.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "engine/routing/plan_document.h"

namespace meld_verify::routing {

using nlohmann::json;

wasm::Expected<void> check_schema(const json& document, std::string_view schema, std::string_view file) {
  const auto unusable = [](std::string sentence) {
    return tl::unexpected(bad_json("spec-file", "plan.schema.json", "", std::move(sentence)));
  };
  const json rules = json::parse(schema.begin(), schema.end(), nullptr, false);
  if (rules.is_discarded()) {
    return unusable("this file of the program's own is not JSON");
  }
  try {  // valijson reports what it cannot make a schema of by exceptions
    valijson::Schema compiled;
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(rules), compiled);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    if (validator.validate(compiled, valijson::adapters::NlohmannJsonAdapter(document), nullptr)) {
      return {};
    }
    std::optional<SchemaBreak> found = first_break(document, rules);
    if (!found) {
      found = SchemaBreak{.pointer = "", .sentence = "expected a plan as spec/plan.schema.json describes it"};
    }
    return tl::unexpected(bad_json("schema", file, std::move(found->pointer), std::move(found->sentence)));
  } catch (const std::exception& failure) {
    return unusable(fmt::format("this file of the program's own is not a JSON Schema: {}", failure.what()));
  }
}

}  // namespace meld_verify::routing
