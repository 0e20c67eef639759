// What an import is bound to: an argument of the instantiation, or something of the host's.

#include <fmt/format.h>

#include "engine/component/evaluator.h"
#include "engine/component/parse.h"

namespace meld_verify::component {

using syntax::Extern;

namespace {

std::string_view kind_name(const Entity& entity) {
  static constexpr std::string_view kNames[] = {"a function",  "a type",        "an instance",
                                                "a component", "a core module", "a value"};
  return kNames[entity.index()];
}

}  // namespace

const Written* Evaluator::name_of(std::string_view name, const Written* target, WrittenType::Kind kind) {
  return &written_.emplace_back(Written{.kind = kind, .name = name, .target = target});
}

ResourceId Evaluator::host_resource(std::string_view interface_name, std::string_view name) {
  spend(cost::kEvaluated);
  spend_name(interface_name);
  spend_name(name);
  const ResourceId id{out_.resources.size()};
  resource_labels_.emplace_back();
  out_.resources.push_back({.definer = kHost,
                            .definition = file_.root->id,
                            .definition_index = 0x8000'0000u | id.value,
                            .name = std::string(name),
                            .interface_name = std::string(interface_name),
                            .has_destructor = true,
                            .destructor = {},
                            .event = static_cast<std::uint32_t>(out_.events.size())});
  out_.events.push_back({EventKind::kResource, id.value});
  return id;
}

bool Evaluator::same_type(const TypeValue& declared, const TypeValue& actual) {
  if (declared.kind != actual.kind) {
    return false;
  }
  switch (declared.kind) {
    case TypeValue::Kind::kValue:
      return types_.equal(declared.value, actual.value);
    case TypeValue::Kind::kFunc:
      return types_.equal(declared.func, actual.func);
    case TypeValue::Kind::kResource:
      return declared.resource == actual.resource;
    case TypeValue::Kind::kScope:
      return true;  // used for instances and components, whose members are compared where they are used
  }
  return false;
}

std::optional<Entity> Evaluator::described(const Extern& what, Scope& scope, const Entity* actual, bool host,
                                           std::string_view interface_name, std::string_view name,
                                           unsigned depth) {
  const auto mismatch = [&](std::string_view expected) -> std::optional<Entity> {
    fail("mismatch", fmt::format("\"{}\" is {}, where {} is expected", name,
                                 actual == nullptr ? "missing" : kind_name(*actual), expected));
    return std::nullopt;
  };
  const bool typed = what.kind != Extern::Kind::kTypeSub && what.kind != Extern::Kind::kValue &&
                     what.kind != Extern::Kind::kModule;
  if (typed && !in_range(what.index, scope.types.size(), "type")) {
    return std::nullopt;
  }
  switch (what.kind) {
    case Extern::Kind::kFunc: {
      const TypeValue& type = scope.types[what.index];
      if (type.kind != TypeValue::Kind::kFunc) {
        fail("type", fmt::format("type {} is not a function type", what.index));
        return std::nullopt;
      }
      if (host) {
        spend_name(interface_name);
        spend_name(name);
        const HostFuncId id{out_.host_funcs.size()};
        out_.host_funcs.push_back({std::string(interface_name), std::string(name), type.func});
        return FuncValue{id, type.func, interface_name, name, type.written};
      }
      const FuncValue* func = actual == nullptr ? nullptr : std::get_if<FuncValue>(actual);
      if (func == nullptr) {
        return mismatch("a function");
      }
      if (!types_.equal(type.func, func->type)) {
        fail("mismatch", fmt::format("the function \"{}\" has another type than the import of it", name));
        return std::nullopt;
      }
      return FuncValue{func->ref, type.func, interface_name, name, type.written};
    }
    case Extern::Kind::kTypeEq: {
      TypeValue type = scope.types[what.index];
      if (!host) {
        const TypeValue* given = actual == nullptr ? nullptr : std::get_if<TypeValue>(actual);
        if (given == nullptr) {
          return mismatch("a type");
        }
        if (!same_type(type, *given)) {
          fail("mismatch", fmt::format("the type \"{}\" is another than the import of it", name));
          return std::nullopt;
        }
        type.written = given->written;
      }
      if (type.written != nullptr) {
        type.written = name_of(name, type.written, WrittenType::Kind::kImported);
      }
      ++type.depth;
      type.exported = false;
      type.interface_name = interface_name;
      type.label = name;
      return type;
    }
    case Extern::Kind::kTypeSub: {
      TypeValue type;
      type.kind = TypeValue::Kind::kResource;
      type.interface_name = interface_name;
      type.label = name;
      if (host) {
        type.resource = host_resource(interface_name, name);
        const Written* abstract =
            &written_.emplace_back(Written{.kind = WrittenType::Kind::kResource, .resource = type.resource});
        type.written = name_of(name, abstract, WrittenType::Kind::kImported);
        return type;
      }
      const TypeValue* given = actual == nullptr ? nullptr : std::get_if<TypeValue>(actual);
      if (given == nullptr || given->kind != TypeValue::Kind::kResource) {
        return mismatch("a resource type");
      }
      type.resource = given->resource;
      type.written = name_of(name, given->written, WrittenType::Kind::kImported);
      return type;
    }
    case Extern::Kind::kInstance: {
      const TypeValue type = scope.types[what.index];
      if (type.kind != TypeValue::Kind::kScope || type.scope_type->component) {
        fail("type", fmt::format("type {} is not an instance type", what.index));
        return std::nullopt;
      }
      const InstanceRef* given = actual == nullptr ? nullptr : std::get_if<InstanceRef>(actual);
      if (!host && given == nullptr) {
        return mismatch("an instance");
      }
      InstanceRef opened = open(type, host ? nullptr : given->get(), name, scope.instance, depth + 1);
      return std::optional<Entity>(std::in_place, std::move(opened));
    }
    case Extern::Kind::kComponent: {
      if (host) {
        unsupported(scope.instance, "component-import",
                    fmt::format("the component \"{}\" is imported", name));
        return ComponentValue{};
      }
      const ComponentValue* given = actual == nullptr ? nullptr : std::get_if<ComponentValue>(actual);
      if (given == nullptr) {
        return mismatch("a component");
      }
      return *given;
    }
    case Extern::Kind::kModule: {
      if (host) {
        unsupported(scope.instance, "module-import", fmt::format("the core module \"{}\" is imported", name));
        return ModuleValue{};
      }
      const ModuleValue* given = actual == nullptr ? nullptr : std::get_if<ModuleValue>(actual);
      if (given == nullptr) {
        return mismatch("a core module");
      }
      return *given;
    }
    case Extern::Kind::kValue:
      unsupported(scope.instance, "value-import", fmt::format("the value \"{}\" is imported", name));
      return PlainValue{};
  }
  return std::nullopt;
}

InstanceRef Evaluator::open(const TypeValue& type, const InstanceValue* actual, std::string_view label,
                            InstanceId instance, unsigned depth) {
  auto opened = std::make_shared<InstanceValue>();
  opened->label = label;
  if (depth > kMostNesting) {
    fail("too-deep", fmt::format("instance types are nested more than {} deep", kMostNesting));
    return opened;
  }
  Scope& scope = scopes_.emplace_back();
  scope.outer = type.scope;
  scope.instance = instance;
  for (const syntax::ScopeType::Decl& decl : type.scope_type->decls) {
    if (!spend(cost::kEvaluated)) {
      return opened;
    }
    if (const auto* defined = std::get_if<syntax::TypeDecl>(&decl.what)) {
      this->type(*defined, scope, nullptr);
    } else if (const auto* alias_of = std::get_if<syntax::Alias>(&decl.what)) {
      alias(*alias_of, scope);
    } else if (const auto* item = std::get_if<syntax::ExportDecl>(&decl.what)) {
      const Entity* given = actual == nullptr ? nullptr : actual->find(item->name);
      auto value = described(item->what, scope, given, actual == nullptr, label, item->name, depth);
      if (!value) {
        return opened;
      }
      opened->add(item->name, *value);
      push(std::move(*value), scope);
    }
    if (!ok()) {
      return opened;
    }
  }
  return opened;
}

void Evaluator::import_item(const syntax::Import& what, Scope& scope, const Arguments* arguments) {
  const bool host = arguments == nullptr;
  const Entity* actual = nullptr;
  if (!host) {
    const auto place = arguments->find(what.name);
    if (place == arguments->end()) {
      return fail("missing-argument", fmt::format("the import \"{}\" is given no argument", what.name));
    }
    actual = &place->second;
  }
  auto value = described(what.what, scope, actual, host, {}, what.name, 0);
  if (!value) {
    return;
  }
  name_imports(scope.instance, *value, what.name);
  if (host) {
    root_imports_.emplace_back(what.name, *value);
    import_attributes_.push_back(what.attributes);
  }
  push(std::move(*value), scope);
}

}  // namespace meld_verify::component
