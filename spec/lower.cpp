#include "spec/lower.h"

#include <bit>
#include <string>

#include "spec/area.h"
#include "spec/text.h"

namespace meld_verify::spec {

namespace {

constexpr std::uint32_t kUtf16Tag = std::uint32_t{1} << 31;

/// How this memory spells a text: as it was lifted, if the encodings agree (machines refuse others where two
/// guests are connected); a host's text as the host would choose.
Spelling spelling_of(const Text& text, Encoding encoding, const std::u32string& points) {
  if (encoding == Encoding::kUtf16) {
    return Spelling::kUtf16;
  }
  if (text.spelling == Spelling::kLatin1 || text.spelling == Spelling::kTaggedUtf16) {
    return *text.spelling;
  }
  return fits_latin1(points) ? Spelling::kLatin1 : Spelling::kTaggedUtf16;
}

}  // namespace

Result<std::vector<CoreValue>> Lower::values(const Sequence& values, const Type& tuple, std::size_t max_flat,
                                             std::optional<std::uint32_t> out_pointer) {
  std::vector<CoreValue> slots;
  if (tuple.flat.size() <= max_flat) {
    slots.reserve(tuple.flat.size());
    for (std::size_t i = 0; i < values.items.size(); ++i) {
      SPEC_CHECK(flat(values.items[i], *tuple.parts[i].type, slots));
    }
    return slots;
  }
  if (out_pointer) {
    SPEC_CHECK(check_area(*memory_, *out_pointer, tuple.size, tuple.alignment, "the area for the results"));
    SPEC_CHECK(store_product(values, *out_pointer, tuple));
    return slots;
  }
  SPEC_TRY(const std::uint32_t address, allocate(tuple.alignment, tuple.size));
  SPEC_CHECK(store_product(values, address, tuple));
  slots.push_back(i32(address));
  return slots;
}

Result<void> Lower::store(const Value& value, std::uint32_t address, const Type& type) {
  switch (type.kind) {
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap: {
      SPEC_TRY(const PointerAndLength area, in_memory(value, type));
      write_integer(*memory_, address, area.address, 4);
      write_integer(*memory_, address + 4, area.length, 4);
      return {};
    }
    case Kind::kRecord:
    case Kind::kTuple:
      return store_product(std::get<Sequence>(value.content), address, type);
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
      return store_sum(std::get<Choice>(value.content), address, type);
    case Kind::kFixedList:
      return store_elements(std::get<Sequence>(value.content), address, *type.parts[0].type);
    default: {
      SPEC_TRY(const std::uint64_t bits, bits_of(value, type));
      write_integer(*memory_, address, bits, static_cast<std::uint32_t>(type.size));
      return {};
    }
  }
}

Result<void> Lower::flat(const Value& value, const Type& type, std::vector<CoreValue>& slots) {
  switch (type.kind) {
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap: {
      SPEC_TRY(const PointerAndLength area, in_memory(value, type));
      slots.push_back(i32(area.address));
      slots.push_back(i32(area.length));
      return {};
    }
    case Kind::kRecord:
    case Kind::kTuple: {
      const auto& fields = std::get<Sequence>(value.content);
      for (std::size_t i = 0; i < fields.items.size(); ++i) {
        SPEC_CHECK(flat(fields.items[i], *type.parts[i].type, slots));
      }
      return {};
    }
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
      return flat_sum(std::get<Choice>(value.content), type, slots);
    case Kind::kFixedList:
      for (const Value& item : std::get<Sequence>(value.content).items) {
        SPEC_CHECK(flat(item, *type.parts[0].type, slots));
      }
      return {};
    default: {
      SPEC_TRY(const std::uint64_t bits, bits_of(value, type));
      const CoreType slot = type.flat[0];
      const bool half = slot == CoreType::kI32 || slot == CoreType::kF32;
      slots.push_back({slot, half ? bits & 0xffffffff : bits});
      return {};
    }
  }
}

/// The bits of what is one slot. Negative numbers are sign-extended to 64 bits; whoever needs fewer takes the
/// low ones.
Result<std::uint64_t> Lower::bits_of(const Value& value, const Type& type) {
  switch (type.kind) {
    case Kind::kBool:
      return std::get<bool>(value.content) ? 1 : 0;
    case Kind::kS8:
    case Kind::kS16:
    case Kind::kS32:
    case Kind::kS64:
      return static_cast<std::uint64_t>(std::get<std::int64_t>(value.content));
    case Kind::kU8:
    case Kind::kU16:
    case Kind::kU32:
    case Kind::kU64:
      return std::get<std::uint64_t>(value.content);
    case Kind::kF32:
      return std::bit_cast<std::uint32_t>(canonical_nan(std::get<float>(value.content)));
    case Kind::kF64:
      return std::bit_cast<std::uint64_t>(canonical_nan(std::get<double>(value.content)));
    case Kind::kChar:
      return std::get<char32_t>(value.content);
    case Kind::kFlags:
      return std::get<FlagSet>(value.content).bits;
    case Kind::kOwn: {
      SPEC_TRY(const std::uint32_t index, side_.lower_own(std::get<Handle>(value.content)));
      return index;
    }
    case Kind::kBorrow: {
      SPEC_TRY(const std::uint32_t index_or_rep, side_.lower_borrow(std::get<Handle>(value.content)));
      return index_or_rep;
    }
    default:
      return trap(TrapClass::kUnsupported, "streams, futures and error contexts are not supported");
  }
}

Result<std::uint32_t> Lower::allocate(std::uint32_t alignment, std::uint64_t bytes) {
  return reallocate({}, alignment, bytes);
}

Result<std::uint32_t> Lower::reallocate(PointerAndLength old, std::uint32_t alignment, std::uint64_t bytes) {
  SPEC_TRY(const std::uint32_t address,
           side_.reallocate(old.address, old.length, alignment, static_cast<std::uint32_t>(bytes)));
  if (auto area = check_area(*memory_, address, bytes, alignment, "the area from realloc"); !area) {
    return trap(TrapClass::kBadRealloc, std::move(area.error().sentence));
  }
  return address;
}

Result<Lower::PointerAndLength> Lower::in_memory(const Value& value, const Type& type) {
  return type.kind == Kind::kString ? text(std::get<Text>(value.content)) : list(value, type);
}

Result<Lower::PointerAndLength> Lower::text(const Text& text) {
  if (encoding_ == Encoding::kUtf8) {
    return copied(std::as_bytes(std::span(text.utf8)), 1);
  }
  const std::u32string points = code_points(text.utf8);
  switch (spelling_of(text, encoding_, points)) {
    case Spelling::kUtf8:
    case Spelling::kUtf16: {
      SPEC_TRY(PointerAndLength area, copied(utf16_of(points), 2));
      area.length /= 2;
      return area;
    }
    case Spelling::kLatin1:
      return copied(latin1_of(points), 2);
    case Spelling::kTaggedUtf16:
      return probably_utf16(points);
  }
  return trap(TrapClass::kNotValid, "a string of no known spelling");
}

/// The length is in bytes. It fits: what conforms to a type has less than kByteLimit bytes as UTF-8.
Result<Lower::PointerAndLength> Lower::copied(std::span<const std::byte> bytes, std::uint32_t alignment) {
  SPEC_TRY(const std::uint32_t address, allocate(alignment, bytes.size()));
  memory_->write(address, bytes);
  return PointerAndLength{address, static_cast<std::uint32_t>(bytes.size())};
}

/// A text lifted as tagged UTF-16 goes over as UTF-16, and shrinks to Latin-1 in place if it fits after all.
Result<Lower::PointerAndLength> Lower::probably_utf16(const std::u32string& points) {
  SPEC_TRY(PointerAndLength wide, copied(utf16_of(points), 2));
  if (!fits_latin1(points)) {
    return PointerAndLength{wide.address, wide.length / 2 | kUtf16Tag};
  }
  memory_->write(wide.address, latin1_of(points));
  SPEC_TRY(const std::uint32_t address, reallocate(wide, 1, points.size()));
  return PointerAndLength{address, static_cast<std::uint32_t>(points.size())};
}

Result<Lower::PointerAndLength> Lower::list(const Value& value, const Type& list_type) {
  const Type& element = *list_type.parts[0].type;
  if (const auto* packed = std::get_if<Bytes>(&value.content)) {
    return copied(std::as_bytes(std::span(packed->items)), 1);
  }
  const auto& elements = std::get<Sequence>(value.content);
  SPEC_TRY(const std::uint32_t address, allocate(element.alignment, elements.items.size() * element.size));
  SPEC_CHECK(store_elements(elements, address, element));
  return PointerAndLength{address, static_cast<std::uint32_t>(elements.items.size())};
}

Result<void> Lower::store_elements(const Sequence& elements, std::uint32_t address, const Type& element) {
  for (const Value& item : elements.items) {
    SPEC_CHECK(store(item, address, element));
    address += static_cast<std::uint32_t>(element.size);
  }
  return {};
}

Result<void> Lower::store_product(const Sequence& fields, std::uint32_t address, const Type& type) {
  for (std::size_t i = 0; i < fields.items.size(); ++i) {
    const Part& field = type.parts[i];
    SPEC_CHECK(store(fields.items[i], address + static_cast<std::uint32_t>(field.offset), *field.type));
  }
  return {};
}

Result<void> Lower::store_sum(const Choice& choice, std::uint32_t address, const Type& type) {
  write_integer(*memory_, address, choice.chosen, type.discriminant_size);
  const TypeRef& payload = type.parts[choice.chosen].type;
  return payload ? store(choice.payload[0], address + type.payload_offset, *payload) : Result<void>{};
}

/// The payload's slots are widened to the joined types, the rest is 0 (section 3, P2).
Result<void> Lower::flat_sum(const Choice& choice, const Type& type, std::vector<CoreValue>& slots) {
  const std::size_t first = slots.size();
  slots.push_back(i32(choice.chosen));
  if (const TypeRef& payload = type.parts[choice.chosen].type) {
    SPEC_CHECK(flat(choice.payload[0], *payload, slots));
  }
  slots.resize(first + type.flat.size());
  for (std::size_t i = 0; i < type.flat.size(); ++i) {
    slots[first + i].type = type.flat[i];
  }
  return {};
}

}  // namespace meld_verify::spec
