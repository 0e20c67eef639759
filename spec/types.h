#pragma once

// Component-level value types and their canonical layout (semantics.md section 3, memory32).

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spec/core.h"
#include "spec/ids.h"

namespace meld_verify::spec {

/// Parameters with more slots than this, and results with more than one, lie in memory.
inline constexpr std::size_t kMaxFlatParams = 16;
inline constexpr std::size_t kMaxFlatResults = 1;
/// Lists and strings of this many bytes or more trap; types of this size or more are not valid.
inline constexpr std::uint64_t kByteLimit = std::uint64_t{1} << 28;

enum class Kind : std::uint8_t {
  kBool,
  kS8,
  kU8,
  kS16,
  kU16,
  kS32,
  kU32,
  kS64,
  kU64,
  kF32,
  kF64,
  kChar,
  kString,
  kRecord,
  kTuple,
  kVariant,
  kOption,
  kResult,
  kEnum,
  kFlags,
  kList,
  kFixedList,
  kMap,
  kOwn,
  kBorrow,
  kStream,        ///< unsupported
  kFuture,        ///< unsupported
  kErrorContext,  ///< unsupported
};

struct Type;
/// Types are immutable and shared.
using TypeRef = std::shared_ptr<const Type>;

/// A field, a case, or the element of a list.
struct Part {
  std::string label;
  TypeRef type;              ///< null: a case without payload
  std::uint64_t offset = 0;  ///< of a field, in bytes from the start of its record or tuple
};

/// A value type with its layout. Made by the functions of `types` only.
struct Type {
  Kind kind = Kind::kBool;
  /// Fields of a record or tuple; cases of a variant, option (none, some), result (ok, error) or enum; labels
  /// of flags; the one element of a list or fixed-length list. A map's element is the tuple of key and value.
  std::vector<Part> parts;
  std::uint32_t length = 0;  ///< elements of a fixed-length list
  ResourceTypeId resource;   ///< of an own or borrow

  std::uint64_t size = 0;  ///< bytes in memory, tail padding included; saturates above kByteLimit
  std::uint32_t alignment = 1;
  /// Core slots, cut after kMaxFlatParams + 1: a type with more never travels in slots.
  std::vector<CoreType> flat;
  std::uint32_t discriminant_size = 0;  ///< bytes, of anything with cases
  std::uint32_t payload_offset = 0;     ///< bytes, of anything with cases

  bool needs_memory = false;  ///< has a string, list or map in it
  bool has_text = false;      ///< has a string in it
  bool has_handles = false;   ///< has an own or borrow in it
  bool has_borrow = false;
  bool unsupported = false;  ///< has a stream, future or error context in it
  bool too_large = false;    ///< it, or a part, has kByteLimit bytes or more
};

/// Makes types.
namespace types {

/// A type without parts: bool, the integers and floats, char, string, and the unsupported ones.
[[nodiscard]] TypeRef plain(Kind kind);
[[nodiscard]] TypeRef record(std::vector<std::pair<std::string, TypeRef>> fields);
[[nodiscard]] TypeRef tuple(std::vector<TypeRef> elements);
/// Cases in order; a null type is a case without payload.
[[nodiscard]] TypeRef variant(std::vector<std::pair<std::string, TypeRef>> cases);
[[nodiscard]] TypeRef option(TypeRef some);
/// Either may be null.
[[nodiscard]] TypeRef result(TypeRef ok, TypeRef error);
[[nodiscard]] TypeRef enumeration(std::vector<std::string> labels);
/// 1 to 32 labels.
[[nodiscard]] TypeRef flags(std::vector<std::string> labels);
[[nodiscard]] TypeRef list(TypeRef element);
/// At least one element.
[[nodiscard]] TypeRef fixed_list(TypeRef element, std::uint32_t length);
[[nodiscard]] TypeRef map(TypeRef key, TypeRef value);
[[nodiscard]] TypeRef own(ResourceTypeId resource);
[[nodiscard]] TypeRef borrow(ResourceTypeId resource);

}  // namespace types

/// The least multiple of `alignment` that is not below `offset`.
[[nodiscard]] constexpr std::uint64_t align_to(std::uint64_t offset, std::uint32_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

/// The slot type that can carry either (semantics.md section 3, P2).
[[nodiscard]] CoreType join(CoreType left, CoreType right);

}  // namespace meld_verify::spec
