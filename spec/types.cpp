#include "spec/types.h"

#include <algorithm>
#include <memory>

namespace meld_verify::spec {

CoreType join(CoreType left, CoreType right) {
  if (left == right) {
    return left;
  }
  const auto is_32_bit = [](CoreType type) { return type == CoreType::kI32 || type == CoreType::kF32; };
  return is_32_bit(left) && is_32_bit(right) ? CoreType::kI32 : CoreType::kI64;
}

namespace {

constexpr std::size_t kFlatCut = kMaxFlatParams + 1;

void append_flat(std::vector<CoreType>& flat, const std::vector<CoreType>& more) {
  const std::size_t room = kFlatCut - flat.size();
  flat.insert(flat.end(), more.begin(),
              more.begin() + static_cast<std::ptrdiff_t>(std::min(room, more.size())));
}

/// What a type takes over from a type inside it.
void inherit(Type& type, const Type& part) {
  type.needs_memory |= part.needs_memory;
  type.has_text |= part.has_text;
  type.has_handles |= part.has_handles;
  type.has_borrow |= part.has_borrow;
  type.unsupported |= part.unsupported;
  type.too_large |= part.too_large;
}

TypeRef finished(Type type) {
  if (type.size >= kByteLimit) {
    type.size = kByteLimit;
    type.too_large = true;
  }
  return std::make_shared<const Type>(std::move(type));
}

TypeRef scalar(Kind kind, std::uint32_t size, CoreType slot) {
  Type type;
  type.kind = kind;
  type.size = size;
  type.alignment = size;
  type.flat = {slot};
  return finished(std::move(type));
}

/// Pointer and length (strings, lists, maps).
Type pointer_and_length(Kind kind) {
  Type type;
  type.kind = kind;
  type.size = 8;
  type.alignment = 4;
  type.flat = {CoreType::kI32, CoreType::kI32};
  type.needs_memory = true;
  return type;
}

TypeRef string_type() {
  Type type = pointer_and_length(Kind::kString);
  type.has_text = true;
  return finished(std::move(type));
}

TypeRef unsupported(Kind kind) {
  Type type;
  type.kind = kind;
  type.size = 4;
  type.alignment = 4;
  type.flat = {CoreType::kI32};
  type.unsupported = true;
  return finished(std::move(type));
}

/// Fields in order, each aligned, the tail padded.
TypeRef product(Kind kind, std::vector<Part> fields) {
  Type type;
  type.kind = kind;
  for (Part& field : fields) {
    field.offset = align_to(type.size, field.type->alignment);
    type.size = field.offset + field.type->size;
    type.alignment = std::max(type.alignment, field.type->alignment);
    append_flat(type.flat, field.type->flat);
    inherit(type, *field.type);
  }
  type.size = align_to(type.size, type.alignment);
  type.parts = std::move(fields);
  return finished(std::move(type));
}

std::uint32_t discriminant_size(std::size_t cases) {
  return cases <= 256 ? 1 : cases <= 65536 ? 2 : 4;
}

/// Slot by slot the join of the cases, after the discriminant's slot.
std::vector<CoreType> joined_flat(const std::vector<Part>& cases) {
  std::vector<CoreType> flat = {CoreType::kI32};
  for (const Part& one : cases) {
    if (!one.type) {
      continue;
    }
    for (std::size_t i = 0; i < one.type->flat.size() && i + 1 < kFlatCut; ++i) {
      if (i + 1 < flat.size()) {
        flat[i + 1] = join(flat[i + 1], one.type->flat[i]);
      } else {
        flat.push_back(one.type->flat[i]);
      }
    }
  }
  return flat;
}

/// Discriminant, then the payload at the alignment of the most aligned case.
TypeRef sum(Kind kind, std::vector<Part> cases) {
  Type type;
  type.kind = kind;
  type.discriminant_size = discriminant_size(cases.size());
  std::uint32_t payload_alignment = 1;
  std::uint64_t payload_size = 0;
  for (const Part& one : cases) {
    if (one.type) {
      payload_alignment = std::max(payload_alignment, one.type->alignment);
      payload_size = std::max(payload_size, one.type->size);
      inherit(type, *one.type);
    }
  }
  type.alignment = std::max(type.discriminant_size, payload_alignment);
  type.payload_offset = static_cast<std::uint32_t>(align_to(type.discriminant_size, payload_alignment));
  type.size = align_to(type.payload_offset + payload_size, type.alignment);
  type.flat = joined_flat(cases);
  type.parts = std::move(cases);
  return finished(std::move(type));
}

std::vector<Part> parts_of(std::vector<std::pair<std::string, TypeRef>> named) {
  std::vector<Part> parts;
  parts.reserve(named.size());
  for (auto& [label, type] : named) {
    parts.push_back({std::move(label), std::move(type), 0});
  }
  return parts;
}

std::vector<Part> parts_of(std::vector<std::string> labels) {
  std::vector<Part> parts;
  parts.reserve(labels.size());
  for (std::string& label : labels) {
    parts.push_back({std::move(label), nullptr, 0});
  }
  return parts;
}

TypeRef elements(Kind kind, TypeRef element) {
  Type type = pointer_and_length(kind);
  inherit(type, *element);
  type.parts = {{"", std::move(element), 0}};
  return finished(std::move(type));
}

TypeRef handle(Kind kind, ResourceTypeId resource) {
  Type type;
  type.kind = kind;
  type.resource = resource;
  type.size = 4;
  type.alignment = 4;
  type.flat = {CoreType::kI32};
  type.has_handles = true;
  type.has_borrow = kind == Kind::kBorrow;
  return finished(std::move(type));
}

}  // namespace

namespace types {

TypeRef plain(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kS8:
    case Kind::kU8:
      return scalar(kind, 1, CoreType::kI32);
    case Kind::kS16:
    case Kind::kU16:
      return scalar(kind, 2, CoreType::kI32);
    case Kind::kS32:
    case Kind::kU32:
    case Kind::kChar:
      return scalar(kind, 4, CoreType::kI32);
    case Kind::kS64:
    case Kind::kU64:
      return scalar(kind, 8, CoreType::kI64);
    case Kind::kF32:
      return scalar(kind, 4, CoreType::kF32);
    case Kind::kF64:
      return scalar(kind, 8, CoreType::kF64);
    case Kind::kString:
      return string_type();
    case Kind::kStream:
    case Kind::kFuture:
    case Kind::kErrorContext:
      return unsupported(kind);
    case Kind::kRecord:
    case Kind::kTuple:
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum:
    case Kind::kFlags:
    case Kind::kList:
    case Kind::kFixedList:
    case Kind::kMap:
    case Kind::kOwn:
    case Kind::kBorrow:
      break;
  }
  return nullptr;
}

TypeRef record(std::vector<std::pair<std::string, TypeRef>> fields) {
  return product(Kind::kRecord, parts_of(std::move(fields)));
}

TypeRef tuple(std::vector<TypeRef> elements) {
  std::vector<Part> fields;
  fields.reserve(elements.size());
  for (TypeRef& element : elements) {
    fields.push_back({std::to_string(fields.size()), std::move(element), 0});
  }
  return product(Kind::kTuple, std::move(fields));
}

TypeRef variant(std::vector<std::pair<std::string, TypeRef>> cases) {
  return sum(Kind::kVariant, parts_of(std::move(cases)));
}

TypeRef option(TypeRef some) {
  return sum(Kind::kOption, {{"none", nullptr, 0}, {"some", std::move(some), 0}});
}

TypeRef result(TypeRef ok, TypeRef error) {
  return sum(Kind::kResult, {{"ok", std::move(ok), 0}, {"error", std::move(error), 0}});
}

TypeRef enumeration(std::vector<std::string> labels) {
  return sum(Kind::kEnum, parts_of(std::move(labels)));
}

TypeRef flags(std::vector<std::string> labels) {
  Type type;
  type.kind = Kind::kFlags;
  type.size = labels.size() <= 8 ? 1 : labels.size() <= 16 ? 2 : 4;
  type.alignment = static_cast<std::uint32_t>(type.size);
  type.flat = {CoreType::kI32};
  type.parts = parts_of(std::move(labels));
  return finished(std::move(type));
}

TypeRef list(TypeRef element) {
  return elements(Kind::kList, std::move(element));
}

TypeRef fixed_list(TypeRef element, std::uint32_t length) {
  Type type;
  type.kind = Kind::kFixedList;
  type.length = length;
  type.size = element->size * length;
  type.alignment = element->alignment;
  for (std::uint32_t i = 0; i < length && type.flat.size() < kFlatCut; ++i) {
    append_flat(type.flat, element->flat);
  }
  inherit(type, *element);
  type.parts = {{"", std::move(element), 0}};
  return finished(std::move(type));
}

TypeRef map(TypeRef key, TypeRef value) {
  return elements(Kind::kMap, tuple({std::move(key), std::move(value)}));
}

TypeRef own(ResourceTypeId resource) {
  return handle(Kind::kOwn, resource);
}

TypeRef borrow(ResourceTypeId resource) {
  return handle(Kind::kBorrow, resource);
}

}  // namespace types

}  // namespace meld_verify::spec
