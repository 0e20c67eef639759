#include "engine/rewrite/type_scope.h"

#include <utility>

namespace meld_verify::rewrite {

using component::TypeKind;
using component::WrittenRef;
using Kind = WrittenType::Kind;

TypeScope::TypeScope(const World& world, std::function<std::uint32_t(const Bytes&)> define,
                     std::function<std::optional<std::uint32_t>(WrittenId)> outside)
    : world_(world), define_(std::move(define)), outside_(std::move(outside)) {}

std::optional<std::uint32_t> TypeScope::named(WrittenId id) const {
  const auto place = named_.find(id.value);
  return place == named_.end() ? std::nullopt : std::optional(place->second);
}

std::optional<std::uint32_t> TypeScope::find(WrittenId id) {
  while (true) {
    if (const auto index = named(id)) {
      return index;
    }
    if (const auto index = outside_(id)) {
      return index;
    }
    const WrittenType& type = world_.types[id.value];
    if (type.kind != Kind::kImported && type.kind != Kind::kExported) {
      break;
    }
    id = *type.target;
  }
  const auto place = defined_.find(id.value);
  return place == defined_.end() ? std::nullopt : std::optional(place->second);
}

std::optional<std::uint32_t> TypeScope::index_of(WrittenId id) {
  if (const auto known = find(id)) {
    return known;
  }
  while (world_.types[id.value].kind == Kind::kImported || world_.types[id.value].kind == Kind::kExported) {
    id = *world_.types[id.value].target;
  }
  const auto made = definition(world_.types[id.value]);
  if (!made) {
    return std::nullopt;
  }
  const std::uint32_t index = define_(*made);
  defined_[id.value] = index;
  return index;
}

void TypeScope::name(WrittenId id, std::uint32_t index) {
  while (named_.emplace(id.value, index).second) {
    const WrittenType& type = world_.types[id.value];
    if (type.kind != Kind::kImported && type.kind != Kind::kExported) {
      break;
    }
    id = *type.target;
  }
}

std::optional<Bytes> TypeScope::reference(const WrittenRef& type) {
  if (!type.type) {
    return value_type(type.primitive);
  }
  const auto index = index_of(*type.type);
  return index ? std::optional(value_type(*index)) : std::nullopt;
}

bool TypeScope::put_members(Bytes& out, const WrittenType& type, bool labels, bool optional) {
  for (const component::WrittenMember& member : type.members) {
    if (labels) {
      put_text(out, member.label);
    }
    if (optional) {
      out.push_back(member.type ? 0x01 : 0x00);
    }
    if (member.type) {
      const auto reference_to = reference(*member.type);
      if (!reference_to) {
        return false;
      }
      out.insert(out.end(), reference_to->begin(), reference_to->end());
    }
    if (type.value == TypeKind::kVariant && type.kind == Kind::kValue) {
      out.push_back(0x00);
    }
  }
  return true;
}

std::optional<Bytes> TypeScope::definition(const WrittenType& type) {
  Bytes out;
  const auto count = static_cast<std::uint32_t>(type.members.size());
  if (type.kind == Kind::kFunc) {
    out.push_back(type.async ? 0x43 : 0x40);
    put_u32(out, count);
    if (!put_members(out, type, true, false)) {
      return std::nullopt;
    }
    if (!type.result) {
      out.insert(out.end(), {0x01, 0x00});
      return out;
    }
    const auto result = reference(*type.result);
    if (!result) {
      return std::nullopt;
    }
    out.push_back(0x00);
    out.insert(out.end(), result->begin(), result->end());
    return out;
  }
  if (type.kind != Kind::kValue) {
    return std::nullopt;
  }
  bool good = true;
  switch (type.value) {
    case TypeKind::kRecord:
      out.push_back(0x72);
      put_u32(out, count);
      good = put_members(out, type, true, false);
      break;
    case TypeKind::kVariant:
      out.push_back(0x71);
      put_u32(out, count);
      good = put_members(out, type, true, true);
      break;
    case TypeKind::kList:
      out.push_back(0x70);
      good = put_members(out, type, false, false);
      break;
    case TypeKind::kFixedList:
      out.push_back(0x67);
      good = put_members(out, type, false, false);
      put_u32(out, type.length);
      break;
    case TypeKind::kTuple:
      out.push_back(0x6f);
      put_u32(out, count);
      good = put_members(out, type, false, false);
      break;
    case TypeKind::kFlags:
    case TypeKind::kEnum:
      out.push_back(type.value == TypeKind::kFlags ? 0x6e : 0x6d);
      put_u32(out, count);
      good = put_members(out, type, true, false);
      break;
    case TypeKind::kOption:
      out.push_back(0x6b);
      good = put_members(out, type, false, false);
      break;
    case TypeKind::kResult:
      out.push_back(0x6a);
      good = put_members(out, type, false, true);
      break;
    case TypeKind::kOwn:
    case TypeKind::kBorrow: {
      const auto resource = index_of(*type.target);
      if (!resource) {
        return std::nullopt;
      }
      out.push_back(type.value == TypeKind::kOwn ? 0x69 : 0x68);
      put_u32(out, *resource);
      break;
    }
    case TypeKind::kStream:
    case TypeKind::kFuture:
      out.push_back(type.value == TypeKind::kStream ? 0x66 : 0x65);
      if (type.members.empty()) {
        out.push_back(0x00);
      }
      good = put_members(out, type, false, true);
      break;
    case TypeKind::kMap:
      out.push_back(0x63);
      good = put_members(out, type, false, false);
      break;
    default:
      return value_type(type.value);
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace meld_verify::rewrite
