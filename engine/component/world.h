#pragma once

// The world of a component as it is written: what its imports and exports are called, and which of its types
// go by which names. The evaluated types of a `Composition` leave this out.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/component/composition.h"

namespace meld_verify::component {

using WrittenId = wasm::Index<struct WrittenTag>;  ///< index into World::types

/// A primitive type, or a written one.
struct WrittenRef {
  std::optional<WrittenId> type;
  TypeKind primitive = TypeKind::kBool;  ///< counts where `type` is none
};

/// A field, case, element, label or parameter; members as in `TypeNode`.
struct WrittenMember {
  std::string label;
  std::optional<WrittenRef> type;
};

/// A type definition, or a name that an import or export gives to a type. Two ids are two definitions or
/// names, however alike. Targets and members have smaller ids.
struct WrittenType {
  enum class Kind : std::uint8_t {
    kValue,
    kFunc,
    kResource,
    kImported,  ///< a name of an import, or of what an instance type says that an instance exports
    kExported,  ///< a name of an export
  };
  Kind kind = Kind::kValue;
  TypeKind value = TypeKind::kBool;    ///< kValue; a primitive one is an alias: its only member
  std::vector<WrittenMember> members;  ///< kValue, kFunc (parameters)
  std::uint32_t length = 0;            ///< kValue: of a fixed-length list
  std::optional<WrittenRef> result;    ///< kFunc
  bool async = false;                  ///< kFunc
  ResourceId resource{};               ///< kResource
  std::string name;                    ///< of a name
  std::optional<WrittenId> target;     ///< of a name: the type named; of own and borrow: the resource type
  bool opaque = false;                 ///< kExported: ascribed as a resource type of its own
};

struct WorldItem;
struct WorldFunc {
  FuncRef func;
  WrittenId type;
  /// Index into Composition::exports; of an import nothing.
  std::optional<std::uint32_t> exported;
};
struct WorldType {
  WrittenId type;
};
struct WorldInstance {
  std::vector<WorldItem> items;
  /// Of an export: the root's import that it is, as index into World::imports.
  std::optional<std::uint32_t> import;
};
/// An import or export, or an item of an instance.
struct WorldItem {
  std::string name;
  std::string attributes;  ///< of a name of the root's, as written; empty for none
  std::variant<WorldFunc, WorldType, WorldInstance> what;
};

struct World {
  std::vector<WrittenType> types;
  std::vector<WorldItem> imports;  ///< of the root, in order
  std::vector<WorldItem> exports;
  /// An instance that the root exports as another instance type than its own; it is listed with all it has.
  std::optional<std::string> narrowed;
};

}  // namespace meld_verify::component
