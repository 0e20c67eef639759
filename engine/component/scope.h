#pragma once

// What the evaluation of a component knows at some point: index spaces, and the values in them.

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/component/syntax.h"
#include "engine/component/world.h"

namespace meld_verify::component {

struct Scope;

/// How a type is written: a definition points into the syntax, whose indices count in `scope`; a name points
/// to what it stands for.
struct Written {
  WrittenType::Kind kind = WrittenType::Kind::kValue;
  const syntax::DefType* value = nullptr;
  const syntax::FuncDecl* func = nullptr;
  const Scope* scope = nullptr;
  ResourceId resource{};
  std::string_view name{};
  const Written* target = nullptr;
  bool opaque = false;
};

/// A type, evaluated. Value and function types are in the arena; a resource type is an identity with the name
/// that it goes by here; component and instance types stay as written, with the scope that their aliases
/// count from.
struct TypeValue {
  enum class Kind : std::uint8_t { kValue, kFunc, kResource, kScope };
  Kind kind = Kind::kValue;
  TypeId value{};
  FuncTypeId func{};
  ResourceId resource{};
  std::uint32_t depth = 0;  ///< names between this index and the definition or abstract import
  bool exported = false;    ///< a name of an own definition or export
  std::string_view interface_name;
  std::string_view label;
  std::shared_ptr<const syntax::ScopeType> scope_type;
  const Scope* scope = nullptr;
  const Written* written = nullptr;  ///< none for component and instance types
};

struct FuncValue {
  FuncRef ref;
  FuncTypeId type{};
  std::string_view interface_name;
  std::string_view name;
  const Written* written = nullptr;  ///< of its type
};

/// A component definition with the scope around it; none for an imported component.
struct ComponentValue {
  std::shared_ptr<const syntax::ComponentDef> definition;
  const Scope* scope = nullptr;
};

/// A core module; none for an imported one.
struct ModuleValue {
  std::optional<CoreModuleId> module;
};

struct PlainValue {};

struct InstanceValue;
using InstanceRef = std::shared_ptr<const InstanceValue>;
using Entity = std::variant<FuncValue, TypeValue, InstanceRef, ComponentValue, ModuleValue, PlainValue>;

/// A component-level instance: a bag of exports, whoever made it.
struct InstanceValue {
  std::string_view label;  ///< the name that it was imported or aliased by
  std::vector<std::pair<std::string_view, Entity>> exports;
  std::unordered_map<std::string_view, std::size_t> by_name;

  [[nodiscard]] const Entity* find(std::string_view name) const {
    const auto place = by_name.find(name);
    return place == by_name.end() ? nullptr : &exports[place->second].second;
  }
  void add(std::string_view name, Entity entity) {
    by_name.emplace(name, exports.size());
    exports.emplace_back(name, std::move(entity));
  }
};

/// A core instance: an instantiated module, or a bag.
struct CoreInstanceValue {
  std::optional<CoreInstanceId> instance;
  std::unordered_map<std::string_view, CoreItem> bag;
};

struct Scope {
  const Scope* outer = nullptr;
  bool component = false;  ///< of a component, not of a type
  InstanceId instance{};   ///< of a component's scope; of a type's scope the one around it
  std::vector<CoreItem> core_funcs, core_tables, core_memories, core_globals, core_tags;
  std::vector<ModuleValue> modules;
  std::vector<std::shared_ptr<const CoreInstanceValue>> core_instances;
  std::vector<FuncValue> funcs;
  std::vector<TypeValue> types;
  std::vector<ComponentValue> components;
  std::vector<InstanceRef> instances;
  std::size_t values = 0;
};

}  // namespace meld_verify::component
