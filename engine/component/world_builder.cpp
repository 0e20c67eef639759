#include "engine/component/world_builder.h"

namespace meld_verify::component {

World WorldBuilder::build(const Items& imports, const std::vector<std::string_view>& import_attributes,
                          const Items& exports, const std::vector<std::string_view>& export_attributes,
                          unsigned most_depth) {
  most_depth_ = most_depth;
  world_.imports = items(imports, import_attributes, false, 0);
  std::uint32_t at = 0;
  for (const auto& [name, entity] : imports) {
    if (const auto* bag = std::get_if<InstanceRef>(&entity)) {
      imported_.emplace(bag->get(), at);
    }
    at += std::holds_alternative<FuncValue>(entity) || std::holds_alternative<TypeValue>(entity) ||
          std::holds_alternative<InstanceRef>(entity);
  }
  world_.exports = items(exports, export_attributes, true, 0);
  return std::move(world_);
}

std::vector<WorldItem> WorldBuilder::items(const Items& from, const std::vector<std::string_view>& attributes,
                                           bool exported, unsigned depth) {
  std::vector<WorldItem> made;
  if (depth > most_depth_) {
    return made;
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto& [name, entity] = from[i];
    std::string written_attributes(i < attributes.size() ? attributes[i] : std::string_view{});
    if (const auto* func = std::get_if<FuncValue>(&entity)) {
      WorldFunc item{.func = func->ref, .type = written(func->written), .exported = {}};
      if (exported) {
        item.exported = functions_++;
      }
      made.push_back({std::string(name), std::move(written_attributes), item});
    } else if (const auto* type = std::get_if<TypeValue>(&entity)) {
      if (type->written != nullptr) {
        made.push_back({std::string(name), std::move(written_attributes), WorldType{written(type->written)}});
      }
    } else if (const auto* bag = std::get_if<InstanceRef>(&entity)) {
      WorldInstance instance{.items = items((*bag)->exports, {}, exported, depth + 1), .import = {}};
      if (const auto place = imported_.find(bag->get()); exported && place != imported_.end()) {
        instance.import = place->second;
      }
      made.push_back({std::string(name), std::move(written_attributes), std::move(instance)});
    }
  }
  return made;
}

WrittenId WorldBuilder::written(const Written* type) {
  // Chains of names may be long; definitions nest no deeper than value types may.
  std::vector<const Written*> names;
  while (!known_.contains(type) && type->target != nullptr) {
    names.push_back(type);
    type = type->target;
  }
  const auto place = known_.find(type);
  WrittenId id = place != known_.end() ? place->second : definition(*type);
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const WrittenId target = id;
    id = WrittenId{world_.types.size()};
    WrittenType& made = world_.types.emplace_back();
    made.kind = (*name)->kind;
    made.name = std::string((*name)->name);
    made.target = target;
    made.opaque = (*name)->opaque;
    known_.emplace(*name, id);
  }
  return id;
}

WrittenId WorldBuilder::definition(const Written& type) {
  WrittenType made;
  made.kind = type.kind;
  switch (type.kind) {
    case WrittenType::Kind::kValue:
      made.value = type.value->kind;
      made.members = members(type.value->members, *type.scope);
      made.length = type.value->length;
      if (made.value == TypeKind::kOwn || made.value == TypeKind::kBorrow) {
        made.target = written(type.scope->types[type.value->resource].written);
      }
      break;
    case WrittenType::Kind::kFunc:
      made.members = members(type.func->params, *type.scope);
      made.result = reference(type.func->result, *type.scope);
      made.async = type.func->async;
      break;
    case WrittenType::Kind::kResource:
      made.resource = type.resource;
      break;
    case WrittenType::Kind::kImported:
    case WrittenType::Kind::kExported:
      break;
  }
  const WrittenId id{world_.types.size()};
  world_.types.push_back(std::move(made));
  known_.emplace(&type, id);
  return id;
}

std::optional<WrittenRef> WorldBuilder::reference(const std::optional<syntax::ValType>& type,
                                                  const Scope& scope) {
  if (!type) {
    return std::nullopt;
  }
  WrittenRef made;
  if (type->index) {
    made.type = written(scope.types[*type->index].written);
  } else {
    made.primitive = type->primitive;
  }
  return made;
}

std::vector<WrittenMember> WorldBuilder::members(const std::vector<syntax::LabelType>& from,
                                                 const Scope& scope) {
  std::vector<WrittenMember> made;
  made.reserve(from.size());
  for (const syntax::LabelType& member : from) {
    made.push_back({std::string(member.label), reference(member.type, scope)});
  }
  return made;
}

}  // namespace meld_verify::component
