#include "engine/run/value_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace meld_verify::run {
namespace {

using spec::Kind;
using spec::Type;
using spec::Value;

/// Width in bits, and whether it is signed; none for what is no integer.
struct Integer {
  unsigned bits;
  bool is_signed;
};

std::optional<Integer> integer_of(Kind kind) {
  switch (kind) {
    case Kind::kS8:
      return Integer{8, true};
    case Kind::kU8:
      return Integer{8, false};
    case Kind::kS16:
      return Integer{16, true};
    case Kind::kU16:
      return Integer{16, false};
    case Kind::kS32:
      return Integer{32, true};
    case Kind::kU32:
      return Integer{32, false};
    case Kind::kS64:
      return Integer{64, true};
    case Kind::kU64:
      return Integer{64, false};
    default:
      return std::nullopt;
  }
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

tl::expected<Value, std::string> read_integer(std::string_view text, Integer type) {
  const auto wrong = [&] {
    return tl::unexpected(fmt::format("'{}' is not a whole number of {} bits{}", text, type.bits,
                                      type.is_signed ? "" : " from 0 on"));
  };
  if (type.is_signed) {
    const auto value = number<std::int64_t>(text);
    const std::int64_t most = std::numeric_limits<std::int64_t>::max() >> (64 - type.bits);
    if (!value || *value > most || *value < -most - 1) {
      return wrong();
    }
    return Value{*value};
  }
  const auto value = number<std::uint64_t>(text);
  if (!value || *value > std::numeric_limits<std::uint64_t>::max() >> (64 - type.bits)) {
    return wrong();
  }
  return Value{*value};
}

/// The one character that the text is, if it is one in UTF-8.
std::optional<char32_t> one_character(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size != text.size()) {
    return std::nullopt;
  }
  char32_t value = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return value;
}

std::string utf8(char32_t value) {
  std::string text;
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xc0 | (value >> 6));
    put(0x80 | (value & 0x3f));
  } else if (value < 0x10000) {
    put(0xe0 | (value >> 12));
    put(0x80 | ((value >> 6) & 0x3f));
    put(0x80 | (value & 0x3f));
  } else {
    put(0xf0 | (value >> 18));
    put(0x80 | ((value >> 12) & 0x3f));
    put(0x80 | ((value >> 6) & 0x3f));
    put(0x80 | (value & 0x3f));
  }
  return text;
}

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + quote;
}

std::string joined(const Value& value, const Type& type, const char* open, const char* close) {
  std::string text = open;
  const auto& items = std::get<spec::Sequence>(value.content).items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool one_type = type.parts.size() == 1 && type.kind != Kind::kTuple && type.kind != Kind::kRecord;
    const spec::Part& part = type.parts[one_type ? 0 : i];
    text += i == 0 ? "" : ", ";
    if (type.kind == Kind::kRecord) {
      text += part.label + ": ";
    }
    text += value_text(items[i], *part.type);
  }
  return text + close;
}

std::string float_text(double value) {
  return std::isnan(value)   ? "nan"
         : std::isinf(value) ? (value < 0 ? "-inf" : "inf")
                             : fmt::format("{}", value);
}

}  // namespace

tl::expected<Value, std::string> read_argument(std::string_view text, const Type& type) {
  if (const auto integer = integer_of(type.kind)) {
    return read_integer(text, *integer);
  }
  switch (type.kind) {
    case Kind::kBool:
      if (text != "true" && text != "false") {
        return tl::unexpected(fmt::format("'{}' is neither true nor false", text));
      }
      return Value{text == "true"};
    case Kind::kF32:
      if (const auto value = number<float>(text)) {
        return Value{*value};
      }
      return tl::unexpected(fmt::format("'{}' is not a number", text));
    case Kind::kF64:
      if (const auto value = number<double>(text)) {
        return Value{*value};
      }
      return tl::unexpected(fmt::format("'{}' is not a number", text));
    case Kind::kChar:
      if (const auto value = one_character(text)) {
        return Value{*value};
      }
      return tl::unexpected(fmt::format("'{}' is not one character", text));
    case Kind::kString:
      return Value{spec::Text{std::string(text), {}}};
    default:
      return tl::unexpected(std::string("only scalars and strings can be given here"));
  }
}

std::string value_text(const Value& value, const Type& type) {
  switch (type.kind) {
    case Kind::kBool:
      return std::get<bool>(value.content) ? "true" : "false";
    case Kind::kF32:
      return float_text(static_cast<double>(std::get<float>(value.content)));
    case Kind::kF64:
      return float_text(std::get<double>(value.content));
    case Kind::kChar:
      return quoted(utf8(std::get<char32_t>(value.content)), '\'');
    case Kind::kString:
      return quoted(std::get<spec::Text>(value.content).utf8, '"');
    case Kind::kRecord:
      return joined(value, type, "{", "}");
    case Kind::kTuple:
      return joined(value, type, "(", ")");
    case Kind::kList:
    case Kind::kFixedList:
    case Kind::kMap:
      if (const auto* bytes = std::get_if<spec::Bytes>(&value.content)) {
        return fmt::format("[{}]", fmt::join(bytes->items, ", "));
      }
      return joined(value, type, "[", "]");
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum: {
      const auto& choice = std::get<spec::Choice>(value.content);
      const spec::Part& part = type.parts[choice.chosen];
      return choice.payload.empty()
                 ? part.label
                 : fmt::format("{}({})", part.label, value_text(choice.payload.front(), *part.type));
    }
    case Kind::kFlags: {
      std::string text;
      for (std::size_t i = 0; i < type.parts.size(); ++i) {
        if ((std::get<spec::FlagSet>(value.content).bits >> i & 1) != 0) {
          text += (text.empty() ? "" : ", ") + type.parts[i].label;
        }
      }
      return "{" + text + "}";
    }
    case Kind::kOwn:
    case Kind::kBorrow: {
      const auto& handle = std::get<spec::Handle>(value.content);
      return fmt::format("{} #{}", handle.own ? "own" : "borrow", handle.object.value);
    }
    default:
      break;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value.content)) {
    return std::to_string(*number);
  }
  if (const auto* number = std::get_if<std::uint64_t>(&value.content)) {
    return std::to_string(*number);
  }
  return "?";
}

}  // namespace meld_verify::run
