#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/routing/json_path.h"
#include "engine/routing/plan_document.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;

/// `text` in quotes, cut to what fits in a sentence.
std::string quoted(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) {
    return json(text).dump();
  }
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return json(text.substr(0, end) + "…").dump();
}

/// "a, b or c".
std::string alternatives(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    text += i == 0 ? "" : i + 1 == items.size() ? " or " : ", ";
    text += items[i];
  }
  return text;
}

std::string found(const json& value) {
  if (value.is_object()) {
    return "an object";
  }
  if (value.is_array()) {
    return "an array";
  }
  return value.is_string() ? quoted(value.get_ref<const std::string&>()) : value.dump();
}

class BreakFinder {
 public:
  explicit BreakFinder(const json& root) : root_(root) {}

  std::optional<SchemaBreak> find(const json& unresolved, const json& value, const JsonPath& at) const {
    const json& schema = resolved(unresolved);
    if (const auto choice = schema.find("oneOf"); choice != schema.end()) {
      const json* alternative = chosen(*choice, value);
      return alternative == nullptr ? mismatch(schema, value, at) : find(*alternative, value, at);
    }
    if (!matches_as_a_whole(schema, value)) {
      return mismatch(schema, value, at);
    }
    if (value.is_object()) {
      return in_object(schema, value, at);
    }
    if (const auto items = schema.find("items"); value.is_array() && items != schema.end()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (auto inner = find(*items, value[i], at / i)) {
          return inner;
        }
      }
    }
    return std::nullopt;
  }

 private:
  static SchemaBreak broken(const JsonPath& at, std::string sentence) {
    return {.pointer = at.pointer(), .sentence = std::move(sentence)};
  }

  SchemaBreak mismatch(const json& schema, const json& value, const JsonPath& at) const {
    if (const auto most = schema.find("maxItems");
        value.is_array() && most != schema.end() && value.size() > *most) {
      return broken(
          at, fmt::format("expected at most {} items, found {}", most->get<std::size_t>(), value.size()));
    }
    return broken(at, fmt::format("expected {}, found {}", expected(schema), found(value)));
  }

  const json& resolved(const json& schema) const {
    const json* place = &schema;
    while (place->contains("$ref")) {
      const std::string reference = place->at("$ref").get<std::string>();
      place = &root_.at(json::json_pointer(reference.substr(1)));
    }
    return *place;
  }

  /// The alternative whose first required member is there (for what is not an object: that it matches).
  const json* chosen(const json& choice, const json& value) const {
    for (const json& unresolved : choice) {
      const json& alternative = resolved(unresolved);
      const auto required = alternative.find("required");
      if (required == alternative.end()
              ? matches_as_a_whole(alternative, value)
              : value.is_object() && value.contains(required->at(0).get_ref<const std::string&>())) {
        return &alternative;
      }
    }
    return nullptr;
  }

  std::optional<SchemaBreak> in_object(const json& schema, const json& value, const JsonPath& at) const {
    const auto listed = schema.find("properties");
    const json& properties = listed == schema.end() ? no_members_ : *listed;
    if (const auto required = schema.find("required"); required != schema.end()) {
      for (const json& name : *required) {
        if (!value.contains(name.get_ref<const std::string&>())) {
          return broken(at, fmt::format("the member {} is missing; expected {}", name.dump(),
                                        expected(properties.at(name.get_ref<const std::string&>()))));
        }
      }
    }
    for (const auto& [name, member] : value.items()) {
      const auto property = properties.find(name);
      if (property != properties.end()) {
        if (auto inner = find(*property, member, at / std::string_view(name))) {
          return inner;
        }
      } else if (schema.contains("additionalProperties")) {
        std::vector<std::string> known;
        for (const auto& [known_name, unused] : properties.items()) {
          known.push_back(quoted(known_name));
        }
        return broken(at / std::string_view(name), fmt::format("there is no member {} here; expected {}",
                                                               quoted(name), alternatives(known)));
      }
    }
    return std::nullopt;
  }

  /// The words of a schema that do not look inside arrays and objects.
  static bool matches_as_a_whole(const json& schema, const json& value) {
    for (const auto& [word, rule] : schema.items()) {
      if ((word == "type" && !is_of_type(value, rule.get_ref<const std::string&>())) ||
          (word == "const" && value != rule) ||
          (word == "enum" && std::find(rule.begin(), rule.end(), value) == rule.end()) ||
          (word == "minimum" && value.is_number() && value < rule) ||
          (word == "maximum" && value.is_number() && value > rule) ||
          (word == "minLength" && value.is_string() &&
           value.get_ref<const std::string&>().size() < rule.get<std::size_t>()) ||
          (word == "maxItems" && value.is_array() && value.size() > rule.get<std::size_t>())) {
        return false;
      }
    }
    return true;
  }

  static bool is_of_type(const json& value, const std::string& type) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "integer" && value.is_number_integer()) ||
           (type == "boolean" && value.is_boolean());
  }

  /// What belongs where this schema stands, as part of a sentence.
  std::string expected(const json& unresolved) const {
    const json& schema = resolved(unresolved);
    if (const auto title = schema.find("title"); title != schema.end()) {
      return title->get<std::string>();
    }
    if (const auto only = schema.find("const"); only != schema.end()) {
      return only->dump();
    }
    if (const auto words = schema.find("enum"); words != schema.end()) {
      std::vector<std::string> items;
      for (const json& word : *words) {
        items.push_back(word.dump());
      }
      return alternatives(items);
    }
    const std::string type = schema.value("type", "");
    if (type == "integer") {
      return fmt::format("a whole number from {} to {}", schema.at("minimum").dump(),
                         schema.at("maximum").dump());
    }
    if (type == "string") {
      return schema.contains("minLength") ? "a string that is not empty" : "a string";
    }
    return type == "boolean" ? "true or false" : type == "array" ? "an array" : "an object";
  }

  const json& root_;
  const json no_members_ = json::object();
};

}  // namespace

std::optional<SchemaBreak> first_break(const json& document, const json& schema) {
  return BreakFinder(schema).find(schema, document, JsonPath());
}

}  // namespace meld_verify::routing
