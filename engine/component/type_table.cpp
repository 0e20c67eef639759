#include "engine/component/type_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace meld_verify::component {
namespace {

constexpr std::size_t kPrimitives = static_cast<std::size_t>(TypeKind::kErrorContext) + 1;

auto wrong(std::string sentence) {
  return tl::unexpected(std::move(sentence));
}

/// Bytes of a primitive in a memory with 64-bit addresses.
std::uint32_t primitive_size(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kS8:
    case TypeKind::kU8:
      return 1;
    case TypeKind::kS16:
    case TypeKind::kU16:
      return 2;
    case TypeKind::kS64:
    case TypeKind::kU64:
    case TypeKind::kF64:
      return 8;
    case TypeKind::kString:
      return 16;
    default:
      return 4;
  }
}

std::uint32_t tag_size(std::size_t cases) {
  return cases <= 0x100 ? 1 : cases <= 0x1'0000 ? 2 : 4;
}

std::uint64_t align(std::uint64_t offset, std::uint32_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

}  // namespace

TypeTable::TypeTable(TypeArena& arena, Budget& budget)
    : arena_(arena), budget_(budget), representatives_(16, Hash{this}, Same{this}) {
  for (std::size_t kind = 0; kind < kPrimitives; ++kind) {
    arena_.nodes.emplace_back().kind = static_cast<TypeKind>(kind);
    TypeTraits traits;
    traits.size = primitive_size(static_cast<TypeKind>(kind));
    traits.alignment = std::min<std::uint32_t>(static_cast<std::uint32_t>(traits.size), 8);
    traits.has_pointer = static_cast<TypeKind>(kind) == TypeKind::kString;
    traits.flat = traits.has_pointer ? 2 : 1;
    traits_.push_back(traits);
    same_as_.push_back(static_cast<std::uint32_t>(kind));
  }
}

std::size_t TypeTable::Hash::operator()(std::uint32_t id) const {
  const TypeNode& node = table->arena_.nodes[id];
  std::size_t hash = static_cast<std::size_t>(node.kind) + node.length * 31u + node.resource.value * 131u;
  const auto mix = [&](std::size_t value) { hash = std::rotl(hash, 7) * 0x9e3779b97f4a7c15u + value; };
  for (const Member& member : node.members) {
    mix(std::hash<std::string>{}(member.label));
    mix(member.type ? table->same_as_[member.type->value] + 1u : 0u);
  }
  return hash;
}

bool TypeTable::Same::operator()(std::uint32_t left, std::uint32_t right) const {
  const TypeNode& a = table->arena_.nodes[left];
  const TypeNode& b = table->arena_.nodes[right];
  if (a.kind != b.kind || a.length != b.length || a.resource != b.resource ||
      a.members.size() != b.members.size()) {
    return false;
  }
  return std::equal(a.members.begin(), a.members.end(), b.members.begin(),
                    [&](const Member& one, const Member& other) {
                      return one.label == other.label && one.type.has_value() == other.type.has_value() &&
                             (!one.type || table->equal(*one.type, *other.type));
                    });
}

tl::expected<TypeId, std::string> TypeTable::resolve(const syntax::ValType& type, const Scope& scope) const {
  if (!type.index) {
    return TypeId{static_cast<std::uint32_t>(type.primitive)};
  }
  if (*type.index >= scope.types.size()) {
    return wrong(fmt::format("type index {} is out of range: there are {} types here", *type.index,
                             scope.types.size()));
  }
  const TypeValue& value = scope.types[*type.index];
  if (value.kind != TypeValue::Kind::kValue) {
    return wrong(fmt::format("type {} is not a value type", *type.index));
  }
  return value.value;
}

tl::expected<void, std::string> TypeTable::measure(const TypeNode& node, TypeTraits& traits) const {
  for (const Member& member : node.members) {
    if (member.type) {
      const TypeTraits& inner = traits_[member.type->value];
      traits.depth = std::max(traits.depth, inner.depth);
      traits.handles = std::min(traits.handles + inner.handles, kMostHandles);
      traits.has_pointer |= inner.has_pointer;
      traits.has_borrow |= inner.has_borrow;
      traits.has_resource |= inner.has_resource;
    }
  }
  ++traits.depth;
  if (traits.depth > kMostTypeDepth) {
    return wrong(fmt::format("types are nested more than {} deep", kMostTypeDepth));
  }
  switch (node.kind) {
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      traits.size = 0;
      traits.flat = 0;
      for (const Member& member : node.members) {
        const TypeTraits& inner = traits_[member.type->value];
        traits.alignment = std::max(traits.alignment, inner.alignment);
        traits.size = align(traits.size, inner.alignment) + inner.size;
        traits.flat = std::min(traits.flat + inner.flat, kMostFlat);
      }
      traits.size = align(traits.size, traits.alignment);
      break;
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult:
    case TypeKind::kEnum: {
      std::uint64_t payload = 0;
      std::uint32_t flat = 0;
      for (const Member& member : node.members) {
        if (member.type) {
          const TypeTraits& inner = traits_[member.type->value];
          traits.alignment = std::max(traits.alignment, inner.alignment);
          payload = std::max(payload, inner.size);
          flat = std::max(flat, inner.flat);
        }
      }
      traits.flat = std::min(1 + flat, kMostFlat);
      const std::uint32_t tag = tag_size(node.kind == TypeKind::kOption ? 2 : node.members.size());
      const std::uint64_t start = align(tag, traits.alignment);
      traits.alignment = std::max(traits.alignment, tag);
      traits.size = align(start + payload, traits.alignment);
      break;
    }
    case TypeKind::kFlags:
      traits.size = node.members.size() <= 8 ? 1 : node.members.size() <= 16 ? 2 : 4;
      traits.alignment = static_cast<std::uint32_t>(traits.size);
      break;
    case TypeKind::kFixedList: {
      const TypeTraits& inner = traits_[node.members[0].type->value];
      traits.alignment = inner.alignment;
      traits.handles = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(std::uint64_t{inner.handles} * node.length, kMostHandles));
      traits.size = inner.size * node.length;  // below 2^28 * 2^32
      traits.flat = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(std::uint64_t{inner.flat} * node.length, kMostFlat));
      break;
    }
    case TypeKind::kList:
    case TypeKind::kMap:
      traits.has_pointer = true;
      traits.size = 16;
      traits.flat = 2;
      traits.alignment = 8;
      break;
    default:  // a handle, a stream or a future
      traits.size = 4;
      traits.alignment = 4;
      traits.has_pointer = false;
      traits.handles = 1;
      traits.has_borrow |= node.kind == TypeKind::kBorrow;
      traits.has_resource |= node.kind == TypeKind::kOwn || node.kind == TypeKind::kBorrow;
      break;
  }
  if (traits.size >= kMostValueSize) {
    return wrong(fmt::format("a value of this type takes {} bytes; less than {} is allowed", traits.size,
                             kMostValueSize));
  }
  return {};
}

tl::expected<TypeId, std::string> TypeTable::define(const syntax::DefType& type, const Scope& scope) {
  if (static_cast<std::size_t>(type.kind) < kPrimitives) {
    return TypeId{static_cast<std::uint32_t>(type.kind)};
  }
  std::uint64_t price = cost::kEvaluated;
  for (const syntax::LabelType& member : type.members) {
    price += cost::kTypeMember + member.label.size();
  }
  if (!budget_.spend(price)) {
    exhausted_ = true;
    return TypeId{std::uint32_t{0}};
  }
  TypeNode node;
  node.kind = type.kind;
  node.length = type.length;
  node.members.reserve(type.members.size());
  for (const syntax::LabelType& member : type.members) {
    Member evaluated{.label = std::string(member.label), .type = {}};
    if (member.type) {
      const auto id = resolve(*member.type, scope);
      if (!id) {
        return id;
      }
      evaluated.type = *id;
      node.has_handle |= arena_[*id].has_handle;
    }
    node.members.push_back(std::move(evaluated));
  }
  if (type.kind == TypeKind::kOwn || type.kind == TypeKind::kBorrow) {
    if (type.resource >= scope.types.size()) {
      return wrong(fmt::format("type index {} is out of range: there are {} types here", type.resource,
                               scope.types.size()));
    }
    const TypeValue& resource = scope.types[type.resource];
    if (resource.kind != TypeValue::Kind::kResource) {
      return wrong(fmt::format("type {} is not a resource type", type.resource));
    }
    node.resource = resource.resource;
    node.alias_depth = resource.depth;
    node.resource_label = std::string(resource.label);
    node.has_handle = true;
  }
  TypeTraits traits;
  if (auto measured = measure(node, traits); !measured) {
    return wrong(std::move(measured.error()));
  }
  if (type.kind == TypeKind::kStream || type.kind == TypeKind::kFuture) {
    node.has_handle = true;
    if (traits.has_borrow) {
      return wrong("a stream or future of borrows");
    }
  }
  arena_.nodes.push_back(std::move(node));
  traits_.push_back(traits);
  const auto made = static_cast<std::uint32_t>(arena_.nodes.size() - 1);
  same_as_.push_back(made);
  same_as_[made] = *representatives_.insert(made).first;
  return TypeId{made};
}

tl::expected<FuncTypeId, std::string> TypeTable::define(const syntax::FuncDecl& func, const Scope& scope) {
  std::uint64_t price = cost::kEvaluated;
  for (const syntax::LabelType& param : func.params) {
    price += cost::kTypeMember + param.label.size();
  }
  if (!budget_.spend(price)) {
    exhausted_ = true;
  }
  FuncType type;
  type.async = func.async;
  for (const syntax::LabelType& param : func.params) {
    if (exhausted_) {
      break;
    }
    const auto id = resolve(*param.type, scope);
    if (!id) {
      return wrong(id.error());
    }
    type.params.push_back({std::string(param.label), *id});
  }
  if (func.result) {
    const auto id = resolve(*func.result, scope);
    if (!id) {
      return wrong(id.error());
    }
    if (traits(*id).has_borrow) {
      return wrong("a function's result has a borrow in it");
    }
    type.result = *id;
  }
  arena_.functions.push_back(std::move(type));
  return FuncTypeId{arena_.functions.size() - 1};
}

bool TypeTable::equal(TypeId left, TypeId right) const {
  return same_as_[left.value] == same_as_[right.value];
}

bool TypeTable::equal(FuncTypeId left, FuncTypeId right) const {
  if (left == right) {
    return true;
  }
  const FuncType& a = arena_[left];
  const FuncType& b = arena_[right];
  if (a.async != b.async || a.result.has_value() != b.result.has_value()) {
    return false;
  }
  return std::equal(a.params.begin(), a.params.end(), b.params.begin(), b.params.end(),
                    [&](const Parameter& one, const Parameter& other) {
                      return one.name == other.name && equal(one.type, other.type);
                    }) &&
         (!a.result || equal(*a.result, *b.result));
}

std::uint64_t TypeTable::handles(FuncTypeId id) const {
  const FuncType& func = arena_[id];
  std::uint64_t handles = func.result ? traits(*func.result).handles : 0;
  for (const Parameter& param : func.params) {
    handles += traits(param.type).handles;
  }
  return handles;
}

bool TypeTable::has_resource(FuncTypeId id) const {
  const FuncType& func = arena_[id];
  return (func.result && traits(*func.result).has_resource) ||
         std::any_of(func.params.begin(), func.params.end(),
                     [&](const Parameter& param) { return traits(param.type).has_resource; });
}

}  // namespace meld_verify::component
