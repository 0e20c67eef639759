#pragma once

// Random value types and values of them: for properties.

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "spec/area.h"
#include "spec/property.h"
#include "spec/values.h"

namespace meld_verify::spec {

inline TypeRef random_plain_type() {
  static constexpr Kind kPlain[] = {Kind::kBool, Kind::kS8,   Kind::kU8,    Kind::kS16, Kind::kU16,
                                    Kind::kS32,  Kind::kU32,  Kind::kS64,   Kind::kU64, Kind::kF32,
                                    Kind::kF64,  Kind::kChar, Kind::kString};
  return types::plain(kPlain[below(std::size(kPlain))]);
}

TypeRef random_type(int depth);

inline std::vector<std::pair<std::string, TypeRef>> random_parts(int depth, std::size_t most,
                                                                 bool may_be_null) {
  std::vector<std::pair<std::string, TypeRef>> parts;
  for (std::uint32_t i = 0, count = 1 + below(most); i < count; ++i) {
    parts.emplace_back("p" + std::to_string(i), may_be_null && below(4) == 0 ? nullptr : random_type(depth));
  }
  return parts;
}

inline TypeRef random_enumeration() {
  static constexpr std::uint32_t kCases[] = {1, 2, 3, 255, 256, 257, 1000};
  std::vector<std::string> labels;
  for (std::uint32_t i = 0, count = kCases[below(std::size(kCases))]; i < count; ++i) {
    labels.push_back("c" + std::to_string(i));
  }
  return types::enumeration(labels);
}

/// Of at most `depth` constructors within one another; every kind that the machine supports.
inline TypeRef random_type(int depth) {
  const std::uint32_t choice = below(depth == 0 ? 12 : 24);
  const ResourceTypeId resource(below(3));
  if (choice < 8) {
    return random_plain_type();
  }
  if (choice < 12) {
    switch (choice) {
      case 8:
        return types::own(resource);
      case 9:
        return types::borrow(resource);
      case 10:
        return types::flags(std::vector<std::string>(1 + below(32), "f"));
      default:
        return random_enumeration();
    }
  }
  const auto inner = [&] { return random_type(depth - 1); };
  switch (choice % 8) {
    case 0:
      return types::record(random_parts(depth - 1, 4, false));
    case 1: {
      std::vector<TypeRef> elements;
      for (auto& [label, type] : random_parts(depth - 1, 4, false)) {
        elements.push_back(type);
      }
      return types::tuple(elements);
    }
    case 2:
      return types::variant(random_parts(depth - 1, 4, true));
    case 3:
      return types::option(inner());
    case 4:
      return types::result(below(4) == 0 ? nullptr : inner(), below(4) == 0 ? nullptr : inner());
    case 5:
      return types::list(inner());
    case 6:
      return types::fixed_list(inner(), 1 + below(4));
    default:
      return types::map(random_plain_type(), inner());
  }
}

inline std::uint64_t random_bits() {
  const std::uint64_t high = below(std::numeric_limits<std::int32_t>::max());
  return (high << 33) ^ (std::uint64_t{below(65536)} << 16) ^ below(65536);
}

inline char32_t random_point(std::uint32_t bound) {
  const std::uint32_t point = below(bound);
  return static_cast<char32_t>(point >= 0xd800 && point < 0xe000 ? 'x' : point);
}

/// As it would be lifted from that encoding.
inline Text random_text(Encoding encoding) {
  static constexpr std::uint32_t kBounds[] = {0x80, 0x100, 0x800, 0x10000, 0x110000};
  const bool latin1 = encoding == Encoding::kLatin1OrUtf16 && below(2) == 0;
  const std::uint32_t bound = latin1 ? 0x100 : kBounds[below(std::size(kBounds))];
  Text text;
  for (std::uint32_t i = below(12); i > 0; --i) {
    const std::uint32_t point = random_point(bound);
    if (point < 0x80) {
      text.utf8 += static_cast<char>(point);
      continue;
    }
    const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x800) {
      text.utf8 += {static_cast<char>(0xc0 | point >> 6), tail(0)};
    } else if (point < 0x10000) {
      text.utf8 += {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
    } else {
      text.utf8 += {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
    }
  }
  text.spelling = encoding == Encoding::kUtf8    ? Spelling::kUtf8
                  : encoding == Encoding::kUtf16 ? Spelling::kUtf16
                  : latin1                       ? Spelling::kLatin1
                                                 : Spelling::kTaggedUtf16;
  return text;
}

inline Value random_value(const Type& type, Encoding encoding);

inline Value random_elements(const Type& element, std::uint32_t count, Encoding encoding) {
  Sequence sequence;
  for (std::uint32_t i = 0; i < count; ++i) {
    sequence.items.push_back(random_value(element, encoding));
  }
  return Value{std::move(sequence)};
}

inline Value random_number(Kind kind) {
  const std::uint64_t bits = random_bits();
  switch (kind) {
    case Kind::kBool:
      return Value{bits % 2 == 0};
    case Kind::kS8:
      return Value{std::int64_t{static_cast<std::int8_t>(bits)}};
    case Kind::kS16:
      return Value{std::int64_t{static_cast<std::int16_t>(bits)}};
    case Kind::kS32:
      return Value{std::int64_t{static_cast<std::int32_t>(bits)}};
    case Kind::kS64:
      return Value{static_cast<std::int64_t>(bits)};
    case Kind::kU8:
      return Value{bits & 0xff};
    case Kind::kU16:
      return Value{bits & 0xffff};
    case Kind::kU32:
      return Value{bits & 0xffffffff};
    case Kind::kU64:
      return Value{bits};
    case Kind::kF32:
      return Value{canonical_nan(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))};
    case Kind::kF64:
      return Value{canonical_nan(std::bit_cast<double>(bits))};
    default:
      return Value{random_point(0x110000)};
  }
}

/// A value that conforms, NaNs already canonical.
inline Value random_value(const Type& type, Encoding encoding) {
  switch (type.kind) {
    case Kind::kString:
      return Value{random_text(encoding)};
    case Kind::kRecord:
    case Kind::kTuple: {
      Sequence fields;
      for (const Part& field : type.parts) {
        fields.items.push_back(random_value(*field.type, encoding));
      }
      return Value{std::move(fields)};
    }
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum: {
      Choice choice{below(type.parts.size()), {}};
      if (const TypeRef& payload = type.parts[choice.chosen].type) {
        choice.payload.push_back(random_value(*payload, encoding));
      }
      return Value{std::move(choice)};
    }
    case Kind::kFlags:
      return Value{
          FlagSet{static_cast<std::uint32_t>(random_bits()) & (0xffffffff >> (32 - type.parts.size()))}};
    case Kind::kList:
      if (type.parts[0].type->kind == Kind::kU8) {
        return Value{Bytes{std::vector<std::uint8_t>(below(6), static_cast<std::uint8_t>(below(256)))}};
      }
      return random_elements(*type.parts[0].type, below(4), encoding);
    case Kind::kMap:
      return random_elements(*type.parts[0].type, below(4), encoding);
    case Kind::kFixedList:
      return random_elements(*type.parts[0].type, type.length, encoding);
    case Kind::kOwn:
    case Kind::kBorrow: {
      const std::uint32_t index = below(1000);
      return Value{Handle{type.resource, type.kind == Kind::kOwn, Rep(index), ObjectId{index}}};
    }
    default:
      return random_number(type.kind);
  }
}

}  // namespace meld_verify::spec
