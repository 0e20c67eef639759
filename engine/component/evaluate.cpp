#include "engine/component/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/component/evaluator.h"
#include "engine/component/parse.h"
#include "engine/component/world_builder.h"

namespace meld_verify::component {

using syntax::Sort;

namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>  // Clang deduces aggregates from 17 on
Overloaded(Ts...)->Overloaded<Ts...>;

std::optional<CoreSort> core_sort_of(Sort sort) {
  switch (sort) {
    case Sort::kCoreFunc:
      return CoreSort::kFunc;
    case Sort::kCoreTable:
      return CoreSort::kTable;
    case Sort::kCoreMemory:
      return CoreSort::kMemory;
    case Sort::kCoreGlobal:
      return CoreSort::kGlobal;
    case Sort::kCoreTag:
      return CoreSort::kTag;
    default:
      return std::nullopt;
  }
}

std::string_view core_sort_name(CoreSort sort) {
  static constexpr std::string_view kNames[] = {"function", "table", "memory", "global", "tag"};
  return kNames[static_cast<std::size_t>(sort)];
}

}  // namespace

Evaluator::Evaluator(syntax::File file, std::string_view name, Budget& budget)
    : file_{.root = std::move(file.root), .modules = {}, .component_count = file.component_count},
      name_(name),
      budget_(budget),
      types_(out_.types, budget),
      module_exports_(file.modules.size()) {
  out_.modules = std::move(file.modules);
}

void Evaluator::fail(std::string code, std::string sentence, wasm::DiagnosticKind kind) {
  if (ok()) {
    failure_ =
        wasm::Diagnostic{.kind = kind,
                         .code = std::move(code),
                         .place = {.file = std::string(name_), .offset = at_, .within = {}, .pointer = {}},
                         .sentence = std::move(sentence)};
  }
}

void Evaluator::unsupported(InstanceId instance, std::string code, std::string sentence) {
  spend(cost::kEvaluated);
  out_.unsupported.push_back({instance, at_, std::move(code), std::move(sentence)});
}

bool Evaluator::in_range(std::uint32_t index, std::size_t size, std::string_view what) {
  if (index < size) {
    return true;
  }
  fail("index-out-of-range", fmt::format("{} index {} is out of range: {} defined so far", what, index,
                                         size == 0   ? "none is"
                                         : size == 1 ? "one is"
                                                     : fmt::format("{} are", size)));
  return false;
}

bool Evaluator::spend(std::uint64_t cost) {
  if (ok() && !budget_.spend(cost)) {
    fail("too-large",
         "its instances have more definitions in all than this tool takes from a file of its size",
         wasm::DiagnosticKind::kUnsupported);
  }
  return ok();
}

wasm::Expected<Composition> Evaluator::run(World* world) {
  out_.instances.push_back({.definition = DefinitionId{}, .parent = {}, .name = "host", .event = 0});
  const InstanceRef root = instantiate({file_.root, nullptr}, nullptr, std::nullopt, "root", 0);
  if (ok()) {
    list_world_exports(*root, "", 0);
    finish();
  }
  if (ok() && world != nullptr) {
    *world = WorldBuilder().build(root_imports_, import_attributes_, root->exports, export_attributes_,
                                  kMostNesting);
    world->narrowed = narrowed_;
  }
  if (!ok()) {
    return tl::unexpected(*failure_);
  }
  return std::move(out_);
}

InstanceRef Evaluator::instantiate(const ComponentValue& component, const Arguments* arguments,
                                   std::optional<InstanceId> parent, std::string name, unsigned depth) {
  auto exports = std::make_shared<InstanceValue>();
  if (!spend(cost::kInstance)) {
    return exports;
  }
  if (depth > kMostInstanceDepth) {
    fail("too-deep", fmt::format("instances are nested more than {} deep", kMostInstanceDepth),
         wasm::DiagnosticKind::kUnsupported);
    return exports;
  }
  const syntax::ComponentDef& def = *component.definition;
  const InstanceId id{out_.instances.size()};
  out_.instances.push_back({.definition = def.id,
                            .parent = parent,
                            .name = std::move(name),
                            .event = static_cast<std::uint32_t>(out_.events.size())});
  out_.events.push_back({EventKind::kInstance, id.value});
  Scope& scope = scopes_.emplace_back();
  scope.outer = component.scope;
  scope.component = true;
  scope.instance = id;
  for (const syntax::Definition& item : def.definitions) {
    at_ = item.offset;
    if (!spend(cost::kEvaluated)) {
      break;
    }
    definition(item, scope, def, arguments, *exports, depth);
    if (!ok()) {
      break;
    }
  }
  if (ok()) {
    name_exports(id, *exports);
  }
  return exports;
}

void Evaluator::definition(const syntax::Definition& item, Scope& scope, const syntax::ComponentDef& def,
                           const Arguments* arguments, InstanceValue& exports, unsigned depth) {
  std::visit(
      Overloaded{
          [&](const syntax::CoreModuleDef& what) {
            const auto label = def.module_names.find(static_cast<std::uint32_t>(scope.modules.size()));
            if (label != def.module_names.end()) {
              out_.modules[what.module.value].name = std::string(label->second);
            }
            scope.modules.push_back({what.module});
          },
          [&](const syntax::CoreInstantiate& what) { core_instantiate(what, scope); },
          [&](const syntax::CoreBag& what) { core_bag(what, scope); }, [&](const syntax::CoreType&) {},
          [&](const std::shared_ptr<const syntax::ComponentDef>& what) {
            scope.components.push_back({what, &scope});
          },
          [&](const syntax::Instantiate& what) { instance(what, scope, def, depth); },
          [&](const syntax::Bag& what) {
            auto bag = std::make_shared<InstanceValue>();
            for (const syntax::NamedCore& named : what.exports) {
              if (auto value = entity(named.item, scope); value && spend(cost::kEvaluated)) {
                bag->add(named.name, std::move(*value));
              }
            }
            scope.instances.push_back(std::move(bag));
          },
          [&](const syntax::Alias& what) { alias(what, scope); },
          [&](const syntax::TypeDecl& what) { type(what, scope, &def); },
          [&](const syntax::LiftDef& what) { lift(what, scope); },
          [&](const syntax::LowerDef& what) { lower(what, scope); },
          [&](const syntax::ResourceDef& what) { resource_builtin(what, scope); },
          [&](const syntax::OtherDef& what) {
            for (const auto& index :
                 {what.options.realloc, what.options.post_return, what.options.callback}) {
              if (index) {
                in_range(*index, scope.core_funcs.size(), "core function");
              }
            }
            unsupported(
                scope.instance, "async-builtin",
                fmt::format("canon {} is out of scope: only synchronous calls are checked", what.name));
            const CanonId id = add_canon(scope.instance, OtherBuiltin{what.opcode, std::string(what.name)});
            scope.core_funcs.push_back({CoreSort::kFunc, id});
          },
          [&](const syntax::StartDef& what) {
            unsupported(scope.instance, "component-start", "component start functions are out of scope");
            scope.values += what.results;
          },
          [&](const syntax::Import& what) { import_item(what, scope, arguments); },
          [&](const syntax::Export& what) { export_item(what, scope, exports); },
          [&](const syntax::ValueDef&) {
            unsupported(scope.instance, "value", "component values are out of scope");
            ++scope.values;
          }},
      item.what);
}

// --- core definitions
// -------------------------------------------------------------------------------------------

std::vector<CoreItem>* Evaluator::core_space(Sort sort, Scope& scope) {
  switch (sort) {
    case Sort::kCoreFunc:
      return &scope.core_funcs;
    case Sort::kCoreTable:
      return &scope.core_tables;
    case Sort::kCoreMemory:
      return &scope.core_memories;
    case Sort::kCoreGlobal:
      return &scope.core_globals;
    case Sort::kCoreTag:
      return &scope.core_tags;
    default:
      return nullptr;
  }
}

std::optional<CoreItem> Evaluator::core_export(const CoreInstanceValue& instance, std::string_view name,
                                               CoreSort sort) {
  if (!instance.instance) {
    const auto place = instance.bag.find(name);
    if (place != instance.bag.end() && place->second.sort == sort) {
      return place->second;
    }
  } else {
    const CoreModuleId module = out_.core_instances[instance.instance->value].module;
    auto& exports = module_exports_[module.value];
    if (exports.empty()) {
      for (const wasm::CoreExport& item : out_.modules[module.value].index.exports) {
        if (!exports.emplace(item.name, static_cast<CoreSort>(item.kind)).second) {
          fail("duplicate-name", fmt::format("a core module exports \"{}\" twice", item.name));
          return std::nullopt;
        }
      }
    }
    const auto place = exports.find(name);
    if (place != exports.end() && place->second == sort) {
      return CoreItem{sort, std::pair(*instance.instance, std::string(name))};
    }
  }
  fail("missing-core-export",
       fmt::format("the core instance exports no {} called \"{}\"", core_sort_name(sort), name));
  return std::nullopt;
}

void Evaluator::core_instantiate(const syntax::CoreInstantiate& what, Scope& scope) {
  if (!in_range(what.module, scope.modules.size(), "core module")) {
    return;
  }
  const ModuleValue& module = scope.modules[what.module];
  if (!module.module) {
    fail("module-import", "an imported core module is instantiated: what it does is not known",
         wasm::DiagnosticKind::kUnsupported);
    return;
  }
  std::unordered_map<std::string_view, const CoreInstanceValue*> arguments;
  for (const syntax::NamedCore& argument : what.arguments) {
    if (!in_range(argument.item.index, scope.core_instances.size(), "core instance")) {
      return;
    }
    arguments.emplace(argument.name, scope.core_instances[argument.item.index].get());
  }
  const wasm::ModuleIndex& index = out_.modules[module.module->value].index;
  CoreInstance made{.owner = scope.instance,
                    .module = *module.module,
                    .imports = {},
                    .event = static_cast<std::uint32_t>(out_.events.size())};
  if (!spend(cost::kEvaluated + index.imports.size() * cost::kPort)) {
    return;
  }
  made.imports.reserve(index.imports.size());
  for (const wasm::CoreImport& import : index.imports) {
    const auto place = arguments.find(import.module);
    if (place == arguments.end()) {
      fail("missing-core-argument",
           fmt::format("no argument for the core module's imports from \"{}\"", import.module));
      return;
    }
    const auto item = core_export(*place->second, import.name, static_cast<CoreSort>(import.kind));
    if (!item || !spend_name(import.name)) {
      return;
    }
    made.imports.push_back(*item);
  }
  if (index.memory64) {
    unsupported(scope.instance, "memory64",
                "a core module has a memory with 64-bit addresses, which is out of scope");
  }
  const CoreInstanceId id{out_.core_instances.size()};
  out_.core_instances.push_back(std::move(made));
  out_.events.push_back({EventKind::kCoreInstance, id.value});
  auto value = std::make_shared<CoreInstanceValue>();
  value->instance = id;
  scope.core_instances.push_back(std::move(value));
}

void Evaluator::core_bag(const syntax::CoreBag& what, Scope& scope) {
  auto value = std::make_shared<CoreInstanceValue>();
  for (const syntax::NamedCore& item : what.exports) {
    const std::vector<CoreItem>* space = core_space(item.item.sort, scope);
    if (space == nullptr) {
      fail("core-sort",
           "a core instance exports something that is no core function, table, memory, global or tag");
      return;
    }
    if (!in_range(item.item.index, space->size(), core_sort_name(*core_sort_of(item.item.sort))) ||
        !spend(cost::kPort)) {
      return;
    }
    value->bag.emplace(item.name, (*space)[item.item.index]);
  }
  scope.core_instances.push_back(std::move(value));
}

// --- component definitions
// --------------------------------------------------------------------------------------

void Evaluator::instance(const syntax::Instantiate& what, Scope& scope, const syntax::ComponentDef& def,
                         unsigned depth) {
  if (!in_range(what.component, scope.components.size(), "component")) {
    return;
  }
  const ComponentValue component = scope.components[what.component];
  if (!component.definition) {
    fail("component-import", "an imported component is instantiated: what it does is not known",
         wasm::DiagnosticKind::kUnsupported);
    return;
  }
  Arguments arguments;
  for (const syntax::NamedCore& argument : what.arguments) {
    auto value = entity(argument.item, scope);
    if (!value || !spend(cost::kPort)) {
      return;
    }
    arguments.emplace(argument.name, std::move(*value));
  }
  std::string name;
  if (const auto given = def.instance_names.find(static_cast<std::uint32_t>(scope.instances.size()));
      given != def.instance_names.end()) {
    name = std::string(given->second);
  } else {
    name = std::string(component.definition->name);
  }
  spend_name(name);
  const wasm::ByteOffset here = at_;
  InstanceRef made = instantiate(component, &arguments, scope.instance, std::move(name), depth + 1);
  at_ = here;
  scope.instances.push_back(std::move(made));
}

std::optional<Entity> Evaluator::entity(const syntax::SortIndex& item, const Scope& scope) {
  switch (item.sort) {
    case Sort::kFunc:
      if (in_range(item.index, scope.funcs.size(), "function")) {
        return scope.funcs[item.index];
      }
      break;
    case Sort::kType:
      if (in_range(item.index, scope.types.size(), "type")) {
        return scope.types[item.index];
      }
      break;
    case Sort::kInstance:
      if (in_range(item.index, scope.instances.size(), "instance")) {
        return scope.instances[item.index];
      }
      break;
    case Sort::kComponent:
      if (in_range(item.index, scope.components.size(), "component")) {
        return scope.components[item.index];
      }
      break;
    case Sort::kCoreModule:
      if (in_range(item.index, scope.modules.size(), "core module")) {
        return scope.modules[item.index];
      }
      break;
    case Sort::kValue:
      if (in_range(item.index, scope.values, "value")) {
        return PlainValue{};
      }
      break;
    default:
      fail("core-sort", "a core definition where a component-level one belongs");
  }
  return std::nullopt;
}

void Evaluator::push(Entity value, Scope& scope) {
  std::visit(Overloaded{[&](FuncValue& func) { scope.funcs.push_back(func); },
                        [&](TypeValue& type) { scope.types.push_back(std::move(type)); },
                        [&](InstanceRef& instance) { scope.instances.push_back(std::move(instance)); },
                        [&](ComponentValue& component) { scope.components.push_back(std::move(component)); },
                        [&](ModuleValue& module) { scope.modules.push_back(module); },
                        [&](PlainValue&) { ++scope.values; }},
             value);
}

void Evaluator::alias(const syntax::Alias& what, Scope& scope) {
  switch (what.of) {
    case syntax::Alias::Of::kExport:
      alias_export(what, scope);
      break;
    case syntax::Alias::Of::kCoreExport:
      alias_core_export(what, scope);
      break;
    case syntax::Alias::Of::kOuter:
      alias_outer(what, scope);
      break;
  }
}

void Evaluator::alias_export(const syntax::Alias& what, Scope& scope) {
  if (!in_range(what.target, scope.instances.size(), "instance")) {
    return;
  }
  const InstanceRef from = scope.instances[what.target];
  const Entity* found = from->find(what.name);
  if (found == nullptr) {
    fail("missing-export", fmt::format("the instance exports nothing called \"{}\"", what.name));
    return;
  }
  static constexpr Sort kSorts[] = {Sort::kFunc,      Sort::kType,       Sort::kInstance,
                                    Sort::kComponent, Sort::kCoreModule, Sort::kValue};
  if (kSorts[found->index()] != what.sort) {
    fail("wrong-sort", fmt::format("the export \"{}\" is of another sort than the alias says", what.name));
    return;
  }
  Entity value = *found;
  if (auto* func = std::get_if<FuncValue>(&value)) {
    func->interface_name = from->label;
    func->name = what.name;
  } else if (auto* type = std::get_if<TypeValue>(&value)) {
    ++type->depth;
    type->exported = false;
    type->interface_name = from->label;
    type->label = what.name;
  } else if (auto* instance = std::get_if<InstanceRef>(&value)) {
    if (!spend((*instance)->exports.size() * cost::kEvaluated)) {
      return;
    }
    auto labelled = std::make_shared<InstanceValue>(**instance);
    labelled->label = what.name;
    *instance = std::move(labelled);
  }
  push(std::move(value), scope);
}

void Evaluator::alias_core_export(const syntax::Alias& what, Scope& scope) {
  const auto sort = core_sort_of(what.sort);
  std::vector<CoreItem>* space = core_space(what.sort, scope);
  if (!sort || space == nullptr) {
    fail("core-sort", "an alias of a core export that is no function, table, memory, global or tag");
    return;
  }
  if (in_range(what.target, scope.core_instances.size(), "core instance")) {
    if (const auto item = core_export(*scope.core_instances[what.target], what.name, *sort);
        item && spend_name(what.name)) {
      space->push_back(*item);
    }
  }
}

void Evaluator::alias_outer(const syntax::Alias& what, Scope& scope) {
  const Scope* target = &scope;
  bool crosses = false;
  for (std::uint32_t i = 0; i < what.target && target != nullptr; ++i) {
    crosses |= target->component;
    target = target->outer;
  }
  if (target == nullptr) {
    fail("index-out-of-range",
         fmt::format("an alias {} scopes out, where there are not so many", what.target));
    return;
  }
  if (what.sort == Sort::kCoreType) {
    return;
  }
  if (what.sort != Sort::kType && what.sort != Sort::kComponent && what.sort != Sort::kCoreModule) {
    fail("wrong-sort", "an outer alias of something that is no type, component or core module");
    return;
  }
  if (auto value = entity({what.sort, what.index}, *target)) {
    if (auto* type = std::get_if<TypeValue>(&*value)) {
      if (crosses && has_resource(*type)) {
        return fail(
            "outer-resource",
            "an outer alias takes a resource type into a nested component; it must be imported there");
      }
      ++type->depth;
    }
    push(std::move(*value), scope);
  }
}

bool Evaluator::has_resource(const TypeValue& type) const {
  switch (type.kind) {
    case TypeValue::Kind::kValue:
      return types_.traits(type.value).has_resource;
    case TypeValue::Kind::kFunc:
      return types_.has_resource(type.func);
    case TypeValue::Kind::kResource:
      return true;
    case TypeValue::Kind::kScope:
      return false;  // its own outer aliases are looked at when it is opened
  }
  return false;
}

void Evaluator::type(const syntax::TypeDecl& what, Scope& scope, const syntax::ComponentDef* def) {
  TypeValue value;
  std::visit(Overloaded{[&](const syntax::DefType& type) {
                          const auto id = types_.define(type, scope);
                          if (!id) {
                            return fail("type", id.error());
                          }
                          value.value = *id;
                          value.written = &written_.emplace_back(
                              Written{.kind = WrittenType::Kind::kValue, .value = &type, .scope = &scope});
                        },
                        [&](const syntax::FuncDecl& func) {
                          const auto id = types_.define(func, scope);
                          if (!id) {
                            return fail("type", id.error());
                          }
                          value.kind = TypeValue::Kind::kFunc;
                          value.func = *id;
                          value.written = &written_.emplace_back(
                              Written{.kind = WrittenType::Kind::kFunc, .func = &func, .scope = &scope});
                        },
                        [&](const syntax::ResourceDecl& resource) {
                          if (def == nullptr) {
                            return fail("type",
                                        "a resource type is defined inside a component or instance type");
                          }
                          if (resource.destructor &&
                              !in_range(*resource.destructor, scope.core_funcs.size(), "core function")) {
                            return;
                          }
                          value.kind = TypeValue::Kind::kResource;
                          value.exported = true;
                          value.resource = ResourceId{out_.resources.size()};
                          value.written = &written_.emplace_back(
                              Written{.kind = WrittenType::Kind::kResource, .resource = value.resource});
                          const auto index = static_cast<std::uint32_t>(scope.types.size());
                          const auto label = def->type_names.find(index);
                          resource_labels_.emplace_back(label == def->type_names.end() ? "" : label->second);
                          out_.resources.push_back(
                              {.definer = scope.instance,
                               .definition = def->id,
                               .definition_index = index,
                               .name = {},
                               .interface_name = {},
                               .has_destructor = resource.destructor.has_value(),
                               .destructor = resource.destructor
                                                 ? std::optional(scope.core_funcs[*resource.destructor])
                                                 : std::nullopt,
                               .event = static_cast<std::uint32_t>(out_.events.size())});
                          out_.events.push_back({EventKind::kResource, value.resource.value});
                        },
                        [&](const std::shared_ptr<const syntax::ScopeType>& type) {
                          value.kind = TypeValue::Kind::kScope;
                          value.scope_type = type;
                          value.scope = &scope;
                        }},
             what.what);
  if (types_.exhausted()) {
    spend(budget_.left() + 1);
  }
  if (ok()) {
    scope.types.push_back(std::move(value));
  }
}

// --- canonical definitions
// --------------------------------------------------------------------------------------

CanonOptions Evaluator::options(const syntax::CanonOpts& what, const Scope& scope) {
  CanonOptions options;
  options.encoding = what.encoding;
  options.async = what.async;
  if (what.gc) {
    unsupported(scope.instance, "gc", "a function takes garbage-collected values, which is out of scope");
  }
  const auto func = [&](const std::optional<std::uint32_t>& index) -> std::optional<CoreItem> {
    if (!index || !in_range(*index, scope.core_funcs.size(), "core function")) {
      return std::nullopt;
    }
    return scope.core_funcs[*index];
  };
  if (what.memory && in_range(*what.memory, scope.core_memories.size(), "core memory")) {
    options.memory = scope.core_memories[*what.memory];
  }
  options.realloc = func(what.realloc);
  options.post_return = func(what.post_return);
  options.callback = func(what.callback);
  return options;
}

void Evaluator::need_options(const CanonOptions& options, FuncTypeId type, bool lifted) {
  spend(types_.handles(type) * cost::kHandle);
  if (options.async || out_.types[type].async) {
    return;
  }
  const FuncType& func = out_.types[type];
  std::uint32_t flat = 0;
  bool in = false;  // whether there is something in memory on the way in
  for (const Parameter& param : func.params) {
    in |= types_.traits(param.type).has_pointer;
    flat = std::min(flat + types_.traits(param.type).flat, kMostFlat);
  }
  const bool spilled = flat > 16;
  const bool out = func.result && types_.traits(*func.result).has_pointer;
  const bool returned = func.result && types_.traits(*func.result).flat > 1;
  if ((in || spilled || out || returned || options.realloc) && !options.memory) {
    fail("missing-option", "a function whose values need a memory has no option `memory`");
  }
  if ((lifted ? in || spilled : out) && !options.realloc) {
    fail("missing-option", "a function that is handed values in memory has no option `realloc`");
  }
  if (!lifted && options.post_return) {
    fail("wrong-option", "a lowered function has the option `post-return`, which is for lifted ones");
  }
}

CanonId Evaluator::add_canon(InstanceId owner, decltype(Canon::what) what) {
  spend(cost::kCanon);
  const CanonId id{out_.canons.size()};
  out_.canons.push_back({owner, at_, std::move(what), static_cast<std::uint32_t>(out_.events.size())});
  out_.events.push_back({EventKind::kCanon, id.value});
  return id;
}

void Evaluator::lift(const syntax::LiftDef& what, Scope& scope) {
  if (!in_range(what.core, scope.core_funcs.size(), "core function") ||
      !in_range(what.type, scope.types.size(), "type")) {
    return;
  }
  const TypeValue& type = scope.types[what.type];
  if (type.kind != TypeValue::Kind::kFunc) {
    return fail("type", fmt::format("type {} is not a function type", what.type));
  }
  Lift lift{scope.core_funcs[what.core], type.func, options(what.options, scope)};
  need_options(lift.options, type.func, true);
  if (!ok()) {
    return;
  }
  if (lift.options.async || out_.types[type.func].async) {
    unsupported(scope.instance, "async-lift", "an asynchronous function is lifted, which is out of scope");
  }
  scope.funcs.push_back({add_canon(scope.instance, std::move(lift)), type.func, {}, {}, type.written});
}

void Evaluator::lower(const syntax::LowerDef& what, Scope& scope) {
  if (!in_range(what.func, scope.funcs.size(), "function")) {
    return;
  }
  const FuncValue& func = scope.funcs[what.func];
  Lower lower{func.ref, func.type, options(what.options, scope), std::string(func.interface_name),
              std::string(func.name)};
  need_options(lower.options, func.type, false);
  spend_name(func.interface_name);
  spend_name(func.name);
  if (!ok()) {
    return;
  }
  if (lower.options.async || out_.types[func.type].async) {
    unsupported(scope.instance, "async-lower", "a function is lowered asynchronously, which is out of scope");
  }
  if (const CanonId* callee = std::get_if<CanonId>(&func.ref)) {
    const InstanceId other = out_.canons[callee->value].owner;
    const auto encloses = [&](InstanceId outer, InstanceId inner) {
      std::optional<InstanceId> at = inner;
      while (at && *at != outer) {
        at = out_.instances[at->value].parent;
      }
      return at.has_value();
    };
    if (encloses(other, scope.instance) || encloses(scope.instance, other)) {
      unsupported(scope.instance, "donut",
                  other == scope.instance
                      ? "it calls a function that it lifted itself, which is out of scope"
                      : "it calls a function of an instance around it or inside it, which is out of scope");
    }
  }
  scope.core_funcs.push_back({CoreSort::kFunc, add_canon(scope.instance, std::move(lower))});
}

void Evaluator::resource_builtin(const syntax::ResourceDef& what, Scope& scope) {
  if (!in_range(what.type, scope.types.size(), "type")) {
    return;
  }
  const TypeValue& type = scope.types[what.type];
  if (type.kind != TypeValue::Kind::kResource) {
    return fail("type", fmt::format("type {} is not a resource type", what.type));
  }
  if (what.op != ResourceOp::kDrop && out_.resources[type.resource.value].definer != scope.instance) {
    return fail("foreign-resource",
                "resource.new and resource.rep are for the instance that defined the type");
  }
  spend_name(type.interface_name);
  spend_name(type.label);
  const CanonId id =
      add_canon(scope.instance, ResourceBuiltin{.op = what.op,
                                                .resource = type.resource,
                                                .exported = type.exported,
                                                .interface_name = std::string(type.interface_name),
                                                .name = std::string(type.label),
                                                .alias_depth = type.depth,
                                                .async = false});
  scope.core_funcs.push_back({CoreSort::kFunc, id});
}

void Evaluator::export_item(const syntax::Export& what, Scope& scope, InstanceValue& exports) {
  auto value = entity(what.item, scope);
  if (!value) {
    return;
  }
  if (what.ascribed) {
    using Kind = syntax::Extern::Kind;
    const Kind kind = what.ascribed->kind;
    if (kind != Kind::kTypeSub && kind != Kind::kValue && kind != Kind::kModule &&
        !in_range(what.ascribed->index, scope.types.size(), "type")) {
      return;
    }
    if (auto* func = std::get_if<FuncValue>(&*value);
        func != nullptr && kind == Kind::kFunc && scope.types[what.ascribed->index].written != nullptr) {
      func->written = scope.types[what.ascribed->index].written;
    }
  }
  if (auto* type = std::get_if<TypeValue>(&*value); type != nullptr && type->written != nullptr) {
    type->written = name_of(what.name, type->written, WrittenType::Kind::kExported);
    written_.back().opaque = what.ascribed && what.ascribed->kind == syntax::Extern::Kind::kTypeSub;
  }
  if (exports.find(what.name) != nullptr) {
    return fail("duplicate-export", fmt::format("\"{}\" is exported twice", what.name));
  }
  exports.add(what.name, *value);
  if (scope.instance == kRoot) {
    export_attributes_.push_back(what.attributes);
    if (what.ascribed && std::holds_alternative<InstanceRef>(*value)) {
      narrowed_ = std::string(what.name);
    }
  }
  if (auto* type = std::get_if<TypeValue>(&*value)) {
    ++type->depth;
    type->exported = true;
    type->interface_name = {};
    type->label = what.name;
  }
  push(std::move(*value), scope);
}

wasm::Expected<Composition> evaluate(syntax::File file, std::string_view name, Budget& budget, World* world) {
  return Evaluator(std::move(file), name, budget).run(world);
}

}  // namespace meld_verify::component
