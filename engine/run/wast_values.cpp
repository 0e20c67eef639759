#include "engine/run/wast_values.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/run/value_text.h"

namespace meld_verify::run {
namespace {

using Json = nlohmann::json;
using spec::Kind;
using spec::Type;
using spec::Value;
using Read = tl::expected<Value, std::string>;

auto wrong(const Json& json) {
  return tl::unexpected(fmt::format("{} is not a value of the function's type", json.dump()));
}

template <class Float, class Bits>
Read read_float(const Json& json, const std::string& text) {
  if (text == "nan:canonical" || text == "nan:arithmetic") {
    return Value{std::numeric_limits<Float>::quiet_NaN()};
  }
  Bits bits{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (failure != std::errc{} || end != text.data() + text.size()) {
    return wrong(json);
  }
  return Value{std::bit_cast<Float>(bits)};
}

std::optional<std::uint32_t> case_of(const Type& type, const std::string& label) {
  for (std::uint32_t i = 0; i < type.parts.size(); ++i) {
    if (type.parts[i].label == label) {
      return i;
    }
  }
  return std::nullopt;
}

Read read_choice(const Json& json, const Type& type, std::uint32_t chosen, const Json& payload) {
  spec::Choice choice{chosen, {}};
  const spec::TypeRef& part = type.parts[chosen].type;
  if ((part != nullptr) != !payload.is_null()) {
    return wrong(json);
  }
  if (part) {
    Read value = read_wast_value(payload, *part);
    if (!value) {
      return value;
    }
    choice.payload.push_back(*std::move(value));
  }
  return Value{std::move(choice)};
}

Read read_sequence(const Json& json, const Type& type, const Json& items) {
  const bool fields = type.kind == Kind::kRecord || type.kind == Kind::kTuple;
  if (!items.is_array() || (fields && items.size() != type.parts.size())) {
    return wrong(json);
  }
  spec::Sequence sequence;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const spec::Part& part = type.parts[fields ? i : 0];
    const Json* item = &items[i];
    if (type.kind == Kind::kRecord) {
      if (!item->is_array() || item->size() != 2 || (*item)[0] != part.label) {
        return wrong(json);
      }
      item = &(*item)[1];
    }
    Read value = read_wast_value(*item, *part.type);
    if (!value) {
      return value;
    }
    sequence.items.push_back(*std::move(value));
  }
  if (type.kind == Kind::kList && type.parts[0].type->kind == Kind::kU8) {
    spec::Bytes bytes;
    for (const Value& item : sequence.items) {
      bytes.items.push_back(static_cast<std::uint8_t>(std::get<std::uint64_t>(item.content)));
    }
    return Value{std::move(bytes)};
  }
  return Value{std::move(sequence)};
}

Read read_flags(const Json& json, const Type& type, const Json& labels) {
  spec::FlagSet flags;
  for (const Json& label : labels) {
    const auto bit = label.is_string() ? case_of(type, label.get<std::string>()) : std::nullopt;
    if (!bit) {
      return wrong(json);
    }
    flags.bits |= 1u << *bit;
  }
  return Value{flags};
}

Read read_case(const Json& json, const Type& type, const Json& value) {
  switch (type.kind) {
    case Kind::kOption:
      return read_choice(json, type, value.is_null() ? 0 : 1, value);
    case Kind::kResult:
      if (value.contains("Ok")) {
        return read_choice(json, type, 0, value["Ok"]);
      }
      if (value.contains("Err")) {
        return read_choice(json, type, 1, value["Err"]);
      }
      return wrong(json);
    default: {
      const Json& label =
          type.kind == Kind::kEnum || !value.is_object() ? value : value.value("case", Json{});
      const auto chosen = label.is_string() ? case_of(type, label.get<std::string>()) : std::nullopt;
      if (!chosen) {
        return wrong(json);
      }
      return read_choice(json, type, *chosen, value.is_object() ? value.value("payload", Json{}) : Json{});
    }
  }
}

bool is_any_nan(const Json& json) {
  const Json value = json.value("value", Json{});
  return value == "nan:canonical" || value == "nan:arithmetic";
}

}  // namespace

Read read_wast_value(const Json& json, const Type& type) {
  if (!json.is_object() || !json.contains("value")) {
    return wrong(json);
  }
  const Json& value = json["value"];
  switch (type.kind) {
    case Kind::kBool:
      return value.is_boolean() ? Read(Value{value.get<bool>()}) : wrong(json);
    case Kind::kF32:
      return value.is_string() ? read_float<float, std::uint32_t>(json, value.get<std::string>())
                               : wrong(json);
    case Kind::kF64:
      return value.is_string() ? read_float<double, std::uint64_t>(json, value.get<std::string>())
                               : wrong(json);
    case Kind::kRecord:
    case Kind::kTuple:
    case Kind::kList:
    case Kind::kFixedList:
    case Kind::kMap:
      return read_sequence(json, type, value);
    case Kind::kFlags:
      return value.is_array() ? read_flags(json, type, value) : wrong(json);
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
      return read_case(json, type, value);
    default:
      return value.is_string() ? read_argument(value.get<std::string>(), type) : wrong(json);
  }
}

tl::expected<bool, std::string> is_wast_value(const Value& value, const Json& json, const Type& type) {
  if (is_any_nan(json) && type.kind == Kind::kF32) {
    return std::isnan(std::get<float>(value.content));
  }
  if (is_any_nan(json) && type.kind == Kind::kF64) {
    return std::isnan(std::get<double>(value.content));
  }
  return read_wast_value(json, type).map([&](const Value& expected) { return value == expected; });
}

}  // namespace meld_verify::run
