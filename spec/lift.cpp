#include "spec/lift.h"

#include <array>
#include <string>

#include "spec/area.h"
#include "spec/text.h"

namespace meld_verify::spec {

namespace {

/// Wraps to the type's width, then extends the sign.
std::int64_t signed_of(std::uint64_t bits, int width) {
  return static_cast<std::int64_t>(bits << (64 - width)) >> (64 - width);
}

std::uint64_t unsigned_of(std::uint64_t bits, int width) {
  return bits << (64 - width) >> (64 - width);
}

Result<Value> char_of(std::uint64_t bits) {
  const auto point = static_cast<std::uint32_t>(bits);
  if (!is_scalar_value(point)) {
    return trap(TrapClass::kBadChar, std::to_string(point) + " is no Unicode scalar value");
  }
  return Value{static_cast<char32_t>(point)};
}

/// Bits above the last label are ignored.
FlagSet flags_of(std::uint64_t bits, std::size_t labels) {
  return {static_cast<std::uint32_t>(bits & ((std::uint64_t{1} << labels) - 1))};
}

Result<std::uint32_t> checked_case(std::uint64_t chosen, const Type& type) {
  if (chosen >= type.parts.size()) {
    return trap(TrapClass::kBadDiscriminant, "case " + std::to_string(chosen) + " of a type with " +
                                                 std::to_string(type.parts.size()) + " cases");
  }
  return static_cast<std::uint32_t>(chosen);
}

/// What one case reads of a joined slot: the low half if it is narrower; the same bits if it is a float.
CoreValue narrowed(CoreValue slot, CoreType want) {
  const bool half = want == CoreType::kI32 || want == CoreType::kF32;
  return {want, half ? slot.bits & 0xffffffff : slot.bits};
}

}  // namespace

Result<std::vector<Value>> Lift::values(std::span<const CoreValue> slots, const Type& tuple,
                                        std::size_t max_flat) {
  Value lifted;
  if (tuple.flat.size() > max_flat) {
    const auto address = static_cast<std::uint32_t>(slots[0].bits);
    SPEC_CHECK(check_area(*memory_, address, tuple.size, tuple.alignment, "the values passed in memory"));
    SPEC_TRY(lifted, load_product(address, tuple));
  } else {
    SPEC_TRY(lifted, flat_product(slots, tuple));
  }
  return std::get<Sequence>(std::move(lifted.content)).items;
}

Result<Value> Lift::load(std::uint32_t address, const Type& type) {
  switch (type.kind) {
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap: {
      const auto begin = static_cast<std::uint32_t>(read_integer(*memory_, address, 4));
      const auto length = static_cast<std::uint32_t>(read_integer(*memory_, address + 4, 4));
      return type.kind == Kind::kString ? text(begin, length) : list(begin, length, type);
    }
    case Kind::kRecord:
    case Kind::kTuple:
      return load_product(address, type);
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
      return load_sum(address, type);
    case Kind::kFixedList:
      return load_elements(address, type.length, *type.parts[0].type);
    default:
      return from_bits(read_integer(*memory_, address, static_cast<std::uint32_t>(type.size)), type);
  }
}

Result<Value> Lift::flat(std::span<const CoreValue> slots, const Type& type) {
  switch (type.kind) {
    case Kind::kString:
      return text(static_cast<std::uint32_t>(slots[0].bits), static_cast<std::uint32_t>(slots[1].bits));
    case Kind::kList:
    case Kind::kMap:
      return list(static_cast<std::uint32_t>(slots[0].bits), static_cast<std::uint32_t>(slots[1].bits), type);
    case Kind::kRecord:
    case Kind::kTuple:
      return flat_product(slots, type);
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
      return flat_sum(slots, type);
    case Kind::kFixedList:
      return flat_elements(slots, type);
    default:
      return from_bits(slots[0].bits, type);
  }
}

/// One slot, or that many bytes: the scalars and the handles.
Result<Value> Lift::from_bits(std::uint64_t bits, const Type& type) {
  const HandleIndex index(static_cast<std::uint32_t>(bits));
  switch (type.kind) {
    case Kind::kBool:
      return Value{bits != 0};
    case Kind::kS8:
      return Value{signed_of(bits, 8)};
    case Kind::kU8:
      return Value{unsigned_of(bits, 8)};
    case Kind::kS16:
      return Value{signed_of(bits, 16)};
    case Kind::kU16:
      return Value{unsigned_of(bits, 16)};
    case Kind::kS32:
      return Value{signed_of(bits, 32)};
    case Kind::kU32:
      return Value{unsigned_of(bits, 32)};
    case Kind::kS64:
      return Value{signed_of(bits, 64)};
    case Kind::kU64:
      return Value{unsigned_of(bits, 64)};
    case Kind::kF32:
      return Value{float_of(bits)};
    case Kind::kF64:
      return Value{double_of(bits)};
    case Kind::kChar:
      return char_of(bits);
    case Kind::kFlags:
      return Value{flags_of(bits, type.parts.size())};
    case Kind::kOwn: {
      SPEC_TRY(const Handle handle, side_.lift_own(type.resource, index));
      return Value{handle};
    }
    case Kind::kBorrow: {
      SPEC_TRY(const Handle handle, side_.lift_borrow(type.resource, index));
      return Value{handle};
    }
    default:
      return trap(TrapClass::kUnsupported, "streams, futures and error contexts are not supported");
  }
}

Result<Value> Lift::text(std::uint32_t address, std::uint32_t tagged_units) {
  std::uint64_t bytes = tagged_units;
  Spelling spelling = Spelling::kUtf8;
  if (encoding_ == Encoding::kUtf16) {
    spelling = Spelling::kUtf16;
    bytes = std::uint64_t{2} * tagged_units;
  } else if (encoding_ == Encoding::kLatin1OrUtf16) {
    const bool tagged = tagged_units >> 31 != 0;
    spelling = tagged ? Spelling::kTaggedUtf16 : Spelling::kLatin1;
    bytes = tagged ? std::uint64_t{2} * (tagged_units & 0x7fffffff) : tagged_units;
  }
  if (bytes >= kByteLimit) {
    return trap(TrapClass::kStringTooLong, "a string of " + std::to_string(bytes) + " bytes");
  }
  SPEC_CHECK(check_area(*memory_, address, bytes, spelling == Spelling::kUtf8 ? 1 : 2, "the string"));
  SPEC_TRY(Text lifted, decoded(address, static_cast<std::uint32_t>(bytes), spelling));
  return Value{std::move(lifted)};
}

Result<Text> Lift::decoded(std::uint32_t address, std::uint32_t bytes, Spelling spelling) {
  const std::string where = "the string at address " + std::to_string(address);
  if (spelling == Spelling::kUtf8) {
    std::string utf8(bytes, '\0');
    memory_->read(address, std::as_writable_bytes(std::span(utf8)));
    if (!is_utf8(utf8)) {
      return trap(TrapClass::kBadUtf8, where + " is not UTF-8");
    }
    return Text{std::move(utf8), spelling};
  }
  const std::vector<std::byte> raw = read_bytes(*memory_, address, bytes);
  if (spelling == Spelling::kLatin1) {
    return Text{utf8_of_latin1(raw), spelling};
  }
  std::optional<std::string> utf8 = utf8_of_utf16(raw);
  if (!utf8) {
    return trap(TrapClass::kBadUtf16, where + " has a lone surrogate");
  }
  return Text{*std::move(utf8), spelling};
}

Result<Value> Lift::list(std::uint32_t address, std::uint32_t length, const Type& list_type) {
  const Type& element = *list_type.parts[0].type;
  const std::uint64_t bytes = length * element.size;
  if (bytes >= kByteLimit) {
    return trap(TrapClass::kListTooLong,
                "a list of " + std::to_string(length) + " elements has " + std::to_string(bytes) + " bytes");
  }
  SPEC_CHECK(check_area(*memory_, address, bytes, element.alignment, "the list"));
  if (element.kind == Kind::kU8) {
    Bytes packed{std::vector<std::uint8_t>(length)};
    memory_->read(address, std::as_writable_bytes(std::span(packed.items)));
    return Value{std::move(packed)};
  }
  return load_elements(address, length, element);
}

Result<Value> Lift::load_elements(std::uint32_t address, std::uint32_t length, const Type& element) {
  Sequence elements;
  elements.items.reserve(length);
  for (std::uint32_t i = 0; i < length; ++i) {
    SPEC_TRY(Value item, load(address + i * static_cast<std::uint32_t>(element.size), element));
    elements.items.push_back(std::move(item));
  }
  return Value{std::move(elements)};
}

Result<Value> Lift::load_product(std::uint32_t address, const Type& type) {
  Sequence fields;
  fields.items.reserve(type.parts.size());
  for (const Part& field : type.parts) {
    SPEC_TRY(Value item, load(address + static_cast<std::uint32_t>(field.offset), *field.type));
    fields.items.push_back(std::move(item));
  }
  return Value{std::move(fields)};
}

Result<Value> Lift::load_sum(std::uint32_t address, const Type& type) {
  SPEC_TRY(const std::uint32_t chosen,
           checked_case(read_integer(*memory_, address, type.discriminant_size), type));
  Choice choice{chosen, {}};
  if (const TypeRef& payload = type.parts[chosen].type) {
    SPEC_TRY(Value item, load(address + type.payload_offset, *payload));
    choice.payload.push_back(std::move(item));
  }
  return Value{std::move(choice)};
}

Result<Value> Lift::flat_product(std::span<const CoreValue> slots, const Type& type) {
  Sequence fields;
  fields.items.reserve(type.parts.size());
  for (const Part& field : type.parts) {
    SPEC_TRY(Value item, flat(slots, *field.type));
    fields.items.push_back(std::move(item));
    slots = slots.subspan(field.type->flat.size());
  }
  return Value{std::move(fields)};
}

Result<Value> Lift::flat_elements(std::span<const CoreValue> slots, const Type& type) {
  const Type& element = *type.parts[0].type;
  Sequence elements;
  for (std::uint32_t i = 0; i < type.length; ++i) {
    SPEC_TRY(Value item, flat(slots, element));
    elements.items.push_back(std::move(item));
    slots = slots.subspan(element.flat.size());
  }
  return Value{std::move(elements)};
}

/// Slots of the other cases are not looked at (section 3, P2).
Result<Value> Lift::flat_sum(std::span<const CoreValue> slots, const Type& type) {
  SPEC_TRY(const std::uint32_t chosen, checked_case(slots[0].bits, type));
  Choice choice{chosen, {}};
  if (const TypeRef& payload = type.parts[chosen].type) {
    std::array<CoreValue, kMaxFlatParams> own_slots;
    for (std::size_t i = 0; i < payload->flat.size(); ++i) {
      own_slots[i] = narrowed(slots[i + 1], payload->flat[i]);
    }
    SPEC_TRY(Value item, flat(std::span(own_slots).first(payload->flat.size()), *payload));
    choice.payload.push_back(std::move(item));
  }
  return Value{std::move(choice)};
}

}  // namespace meld_verify::spec
