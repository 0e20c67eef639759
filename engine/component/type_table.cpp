#include "engine/component/type_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace meld_verify::component {
namespace {

constexpr std::size_t kPrimitives = static_cast<std::size_t>(TypeKind::kErrorContext) + 1;

auto wrong(std::string sentence) {
  return tl::unexpected(std::move(sentence));
}

}  // namespace

TypeTable::TypeTable(TypeArena& arena) : arena_(arena), depth_(kPrimitives, 0) {
  for (std::size_t kind = 0; kind < kPrimitives; ++kind) {
    arena_.nodes.emplace_back().kind = static_cast<TypeKind>(kind);
  }
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

tl::expected<TypeId, std::string> TypeTable::define(const syntax::DefType& type, const Scope& scope) {
  if (static_cast<std::size_t>(type.kind) < kPrimitives) {
    return TypeId{static_cast<std::uint32_t>(type.kind)};
  }
  TypeNode node;
  node.kind = type.kind;
  node.length = type.length;
  std::uint16_t depth = 0;
  for (const syntax::LabelType& member : type.members) {
    Member evaluated{.label = std::string(member.label), .type = {}};
    if (member.type) {
      const auto id = resolve(*member.type, scope);
      if (!id) {
        return id;
      }
      evaluated.type = *id;
      depth = std::max(depth, depth_[id->value]);
      node.has_handle |= arena_[*id].has_handle;
    }
    node.members.push_back(std::move(evaluated));
  }
  if (depth >= kMostTypeDepth) {
    return wrong(fmt::format("types are nested more than {} deep", kMostTypeDepth));
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
  node.has_handle |= type.kind == TypeKind::kStream || type.kind == TypeKind::kFuture;
  arena_.nodes.push_back(std::move(node));
  depth_.push_back(static_cast<std::uint16_t>(depth + 1));
  return TypeId{arena_.nodes.size() - 1};
}

tl::expected<FuncTypeId, std::string> TypeTable::define(const syntax::FuncDecl& func, const Scope& scope) {
  FuncType type;
  type.async = func.async;
  for (const syntax::LabelType& param : func.params) {
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
    type.result = *id;
  }
  arena_.functions.push_back(std::move(type));
  return FuncTypeId{arena_.functions.size() - 1};
}

bool TypeTable::equal(TypeId left, TypeId right) {
  if (left == right) {
    return true;
  }
  const std::uint64_t pair = (std::uint64_t{left.value} << 32) | right.value;
  if (known_equal_.contains(pair)) {
    return true;
  }
  const TypeNode& a = arena_[left];
  const TypeNode& b = arena_[right];
  if (a.kind != b.kind || a.length != b.length || a.members.size() != b.members.size()) {
    return false;
  }
  if ((a.kind == TypeKind::kOwn || a.kind == TypeKind::kBorrow) && a.resource != b.resource) {
    return false;
  }
  for (std::size_t i = 0; i < a.members.size(); ++i) {
    const auto& one = a.members[i].type;
    const auto& other = b.members[i].type;
    if (one.has_value() != other.has_value() || (one && !equal(*one, *other))) {
      return false;
    }
  }
  known_equal_.insert(pair);
  return true;
}

bool TypeTable::equal(FuncTypeId left, FuncTypeId right) {
  if (left == right) {
    return true;
  }
  const FuncType& a = arena_[left];
  const FuncType& b = arena_[right];
  if (a.async != b.async || a.params.size() != b.params.size() ||
      a.result.has_value() != b.result.has_value()) {
    return false;
  }
  for (std::size_t i = 0; i < a.params.size(); ++i) {
    if (!equal(a.params[i].type, b.params[i].type)) {
      return false;
    }
  }
  return !a.result || equal(*a.result, *b.result);
}

}  // namespace meld_verify::component
