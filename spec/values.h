#pragma once

// Component-level values: what lies between lift and lower.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "spec/ids.h"
#include "spec/types.h"

namespace meld_verify::spec {

/// How a memory spells strings (a canonical option).
enum class Encoding : std::uint8_t { kUtf8, kUtf16, kLatin1OrUtf16 };

/// How one string was spelled where it was lifted; the last two belong to kLatin1OrUtf16.
enum class Spelling : std::uint8_t { kUtf8, kUtf16, kLatin1, kTaggedUtf16 };

/// A string. The spelling decides how it is lowered again; a host leaves it open. Equality is that of the
/// text.
struct Text {
  std::string utf8;
  std::optional<Spelling> spelling;
  bool operator==(const Text& other) const { return utf8 == other.utf8; }
};

/// A resource on its way: of an own, the object itself; of a borrow, the right to use it during one call.
struct Handle {
  ResourceTypeId type;
  bool own = true;
  Rep rep;
  ObjectId object;
  bool operator==(const Handle&) const = default;
};

struct Value;

/// Fields of a record or tuple, elements of a list or fixed-length list; of a map, tuples of key and value.
struct Sequence {
  std::vector<Value> items;
  bool operator==(const Sequence& other) const;
};

/// One case of a variant, option, result or enum.
struct Choice {
  std::uint32_t chosen = 0;
  std::vector<Value> payload;  ///< one value, or none
  bool operator==(const Choice& other) const;
};

/// Which labels of flags are set, the first label is the lowest bit.
struct FlagSet {
  std::uint32_t bits = 0;
  bool operator==(const FlagSet&) const = default;
};

/// A list<u8>, packed: program data goes through here by the megabyte.
struct Bytes {
  std::vector<std::uint8_t> items;
  bool operator==(const Bytes&) const = default;
};

/// s8 to s64 are std::int64_t, u8 to u64 std::uint64_t. Floats are equal when their bits are.
struct Value {
  using Content = std::variant<bool, std::int64_t, std::uint64_t, float, double, char32_t, Text, Sequence,
                               Choice, FlagSet, Bytes, Handle>;
  Content content;
  bool operator==(const Value& other) const;
};

/// Whether the value is one of the type: its shape, ranges, labels, text, and the kind and type of each
/// handle.
[[nodiscard]] bool conforms(const Value& value, const Type& type);

/// Calls `visit` for each handle in the value, depth first, in order.
void for_each_handle(const Value& value, const std::function<void(const Handle&)>& visit);

}  // namespace meld_verify::spec
