#pragma once

// A component binary as written: definitions in order, indices not yet followed. Names are views of the
// bytes.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/component/composition.h"

namespace meld_verify::component::syntax {

/// Sorts of component-level and core definitions.
enum class Sort : std::uint8_t {
  kCoreFunc,
  kCoreTable,
  kCoreMemory,
  kCoreGlobal,
  kCoreTag,
  kCoreType,
  kCoreModule,
  kCoreInstance,
  kFunc,
  kValue,
  kType,
  kComponent,
  kInstance,
};

struct SortIndex {
  Sort sort = Sort::kFunc;
  std::uint32_t index = 0;
};

/// A primitive type, or a type index.
struct ValType {
  std::optional<std::uint32_t> index;
  TypeKind primitive = TypeKind::kBool;
};

struct LabelType {
  std::string_view label;
  std::optional<ValType> type;
};

/// A defined value type. Members as in `TypeNode`.
struct DefType {
  TypeKind kind = TypeKind::kBool;
  std::vector<LabelType> members;
  std::uint32_t length = 0;
  std::uint32_t resource = 0;  ///< type index; own and borrow
};

struct FuncDecl {
  std::vector<LabelType> params;
  std::optional<ValType> result;
  bool async = false;
};

struct ResourceDecl {
  std::optional<std::uint32_t> destructor;  ///< core function index
};

struct ScopeType;

struct TypeDecl {
  wasm::ByteOffset offset;
  std::variant<DefType, FuncDecl, ResourceDecl, std::shared_ptr<const ScopeType>> what;
};

/// What an import or an export declaration says of its item.
struct Extern {
  enum class Kind : std::uint8_t { kModule, kFunc, kValue, kTypeEq, kTypeSub, kComponent, kInstance };
  Kind kind = Kind::kFunc;
  std::uint32_t index = 0;  ///< type index (kTypeSub: none)
};

struct Alias {
  enum class Of : std::uint8_t { kExport, kCoreExport, kOuter };
  Sort sort = Sort::kFunc;
  Of of = Of::kExport;
  std::uint32_t target = 0;  ///< instance index, or how many scopes out
  std::uint32_t index = 0;   ///< kOuter
  std::string_view name;     ///< exports
};

struct Import {
  std::string_view name;
  std::string_view attributes;  ///< of the name, as written; empty for none
  Extern what;
};

struct ExportDecl {
  std::string_view name;
  Extern what;
};

struct CoreType {
  std::uint32_t count = 1;  ///< a recursive group defines several
};

/// A component or instance type: declarations in order.
struct ScopeType {
  bool component = false;
  struct Decl {
    wasm::ByteOffset offset;
    std::variant<CoreType, TypeDecl, Alias, Import, ExportDecl> what;
  };
  std::vector<Decl> decls;
};

struct CoreModuleDef {
  CoreModuleId module;
};
struct NamedCore {
  std::string_view name;
  SortIndex item;
};
struct CoreInstantiate {
  std::uint32_t module = 0;
  std::vector<NamedCore> arguments;
};
struct CoreBag {
  std::vector<NamedCore> exports;
};
struct Instantiate {
  std::uint32_t component = 0;
  std::vector<NamedCore> arguments;
};
struct Bag {
  std::vector<NamedCore> exports;
};
struct CanonOpts {
  StringEncoding encoding = StringEncoding::kUtf8;
  std::optional<std::uint32_t> memory, realloc, post_return, callback;
  bool async = false;
  bool gc = false;  ///< values as garbage-collected objects
};
struct LiftDef {
  std::uint32_t core = 0;
  CanonOpts options;
  std::uint32_t type = 0;
};
struct LowerDef {
  std::uint32_t func = 0;
  CanonOpts options;
};
struct ResourceDef {
  ResourceOp op = ResourceOp::kNew;
  std::uint32_t type = 0;
};
/// Any other canonical built-in, with the indices that it is written with.
struct OtherDef {
  std::uint8_t opcode = 0;
  std::string_view name;
  std::optional<std::uint32_t> type;
  CanonOpts options;
};
struct StartDef {
  std::uint32_t func = 0;
  std::uint32_t results = 0;
  std::vector<std::uint32_t> arguments;  ///< value indices
};
struct ValueDef {
  ValType type;
};
struct Export {
  std::string_view name;
  std::string_view attributes;  ///< of the name, as written; empty for none
  SortIndex item;
  std::optional<Extern> ascribed;
};

struct ComponentDef;

struct Definition {
  wasm::ByteOffset offset;
  std::variant<CoreModuleDef, CoreInstantiate, CoreBag, CoreType, std::shared_ptr<const ComponentDef>,
               Instantiate, Bag, Alias, TypeDecl, LiftDef, LowerDef, ResourceDef, OtherDef, StartDef, Import,
               Export, ValueDef>
      what;
};

struct ComponentDef {
  DefinitionId id;
  std::vector<Definition> definitions;
  std::string_view name;  ///< from the name section
  std::map<std::uint32_t, std::string_view> instance_names;
  std::map<std::uint32_t, std::string_view> type_names;
  std::map<std::uint32_t, std::string_view> module_names;
};

/// A whole file.
struct File {
  std::shared_ptr<const ComponentDef> root;
  std::vector<CoreModule> modules;
  std::uint32_t component_count = 0;
};

}  // namespace meld_verify::component::syntax
