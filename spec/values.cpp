#include "spec/values.h"

#include <algorithm>
#include <bit>

#include "spec/text.h"

namespace meld_verify::spec {

bool Sequence::operator==(const Sequence& other) const {
  return items == other.items;
}

bool Choice::operator==(const Choice& other) const {
  return chosen == other.chosen && payload == other.payload;
}

bool Value::operator==(const Value& other) const {
  if (content.index() != other.content.index()) {
    return false;
  }
  if (const auto* number = std::get_if<float>(&content)) {
    return std::bit_cast<std::uint32_t>(*number) ==
           std::bit_cast<std::uint32_t>(std::get<float>(other.content));
  }
  if (const auto* number = std::get_if<double>(&content)) {
    return std::bit_cast<std::uint64_t>(*number) ==
           std::bit_cast<std::uint64_t>(std::get<double>(other.content));
  }
  return content == other.content;
}

namespace {

bool is_signed(const Value& value, int bits) {
  const auto* number = std::get_if<std::int64_t>(&value.content);
  return number != nullptr && (*number >> (bits - 1) == 0 || *number >> (bits - 1) == -1);
}

bool is_unsigned(const Value& value, int bits) {
  const auto* number = std::get_if<std::uint64_t>(&value.content);
  return number != nullptr && (bits == 64 || *number >> bits == 0);
}

bool is_char(const Value& value) {
  const auto* point = std::get_if<char32_t>(&value.content);
  return point != nullptr && is_scalar_value(*point);
}

bool is_text(const Value& value) {
  const auto* text = std::get_if<Text>(&value.content);
  return text != nullptr && text->utf8.size() < kByteLimit && is_utf8(text->utf8);
}

bool is_product(const Value& value, const Type& type) {
  const auto* fields = std::get_if<Sequence>(&value.content);
  return fields != nullptr &&
         std::ranges::equal(fields->items, type.parts,
                            [](const Value& item, const Part& part) { return conforms(item, *part.type); });
}

bool is_sum(const Value& value, const Type& type) {
  const auto* choice = std::get_if<Choice>(&value.content);
  if (choice == nullptr || choice->chosen >= type.parts.size()) {
    return false;
  }
  const TypeRef& payload = type.parts[choice->chosen].type;
  return payload ? choice->payload.size() == 1 && conforms(choice->payload[0], *payload)
                 : choice->payload.empty();
}

bool is_flag_set(const Value& value, const Type& type) {
  const auto* flags = std::get_if<FlagSet>(&value.content);
  return flags != nullptr && (type.parts.size() >= 32 || flags->bits >> type.parts.size() == 0);
}

bool is_elements(const Value& value, const Type& type) {
  const Type& element = *type.parts[0].type;
  if (type.kind == Kind::kList && element.kind == Kind::kU8) {
    const auto* bytes = std::get_if<Bytes>(&value.content);
    return bytes != nullptr && bytes->items.size() < kByteLimit;
  }
  const auto* sequence = std::get_if<Sequence>(&value.content);
  if (sequence == nullptr || sequence->items.size() * element.size >= kByteLimit) {
    return false;
  }
  if (type.kind == Kind::kFixedList && sequence->items.size() != type.length) {
    return false;
  }
  return std::ranges::all_of(sequence->items, [&](const Value& item) { return conforms(item, element); });
}

bool is_handle(const Value& value, const Type& type) {
  const auto* handle = std::get_if<Handle>(&value.content);
  return handle != nullptr && handle->type == type.resource && handle->own == (type.kind == Kind::kOwn);
}

}  // namespace

bool conforms(const Value& value, const Type& type) {
  switch (type.kind) {
    case Kind::kBool:
      return std::holds_alternative<bool>(value.content);
    case Kind::kS8:
      return is_signed(value, 8);
    case Kind::kU8:
      return is_unsigned(value, 8);
    case Kind::kS16:
      return is_signed(value, 16);
    case Kind::kU16:
      return is_unsigned(value, 16);
    case Kind::kS32:
      return is_signed(value, 32);
    case Kind::kU32:
      return is_unsigned(value, 32);
    case Kind::kS64:
      return is_signed(value, 64);
    case Kind::kU64:
      return is_unsigned(value, 64);
    case Kind::kF32:
      return std::holds_alternative<float>(value.content);
    case Kind::kF64:
      return std::holds_alternative<double>(value.content);
    case Kind::kChar:
      return is_char(value);
    case Kind::kString:
      return is_text(value);
    case Kind::kRecord:
    case Kind::kTuple:
      return is_product(value, type);
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
      return is_sum(value, type);
    case Kind::kFlags:
      return is_flag_set(value, type);
    case Kind::kList:
    case Kind::kFixedList:
    case Kind::kMap:
      return is_elements(value, type);
    case Kind::kOwn:
    case Kind::kBorrow:
      return is_handle(value, type);
    case Kind::kStream:
    case Kind::kFuture:
    case Kind::kErrorContext:
      break;
  }
  return false;
}

void for_each_handle(const Value& value, const std::function<void(const Handle&)>& visit) {
  if (const auto* handle = std::get_if<Handle>(&value.content)) {
    visit(*handle);
  } else if (const auto* sequence = std::get_if<Sequence>(&value.content)) {
    for (const Value& item : sequence->items) {
      for_each_handle(item, visit);
    }
  } else if (const auto* choice = std::get_if<Choice>(&value.content)) {
    for (const Value& item : choice->payload) {
      for_each_handle(item, visit);
    }
  }
}

}  // namespace meld_verify::spec
