#pragma once

// What a composed component *is* once every nested component has been instantiated: the evaluated form that
// all other rooms work on. Everything is an event of the evaluation, in order: a component instantiated twice
// gives two instances, two sets of core instances, two resource types. Names are labels and never identities.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/wasm/diagnostic.h"
#include "engine/wasm/index.h"
#include "engine/wasm/module_index.h"

namespace meld_verify::component {

using InstanceId = wasm::Index<struct InstanceTag>;  ///< component instance; 0 is the host, 1 the root
using DefinitionId =
    wasm::Index<struct DefinitionTag>;               ///< a component definition in the file; 0 is the root's
using ResourceId = wasm::Index<struct ResourceTag>;  ///< resource type = (defining instance, definition)
using TypeId = wasm::Index<struct TypeTag>;          ///< index into TypeArena::nodes
using FuncTypeId = wasm::Index<struct FuncTypeTag>;  ///< index into TypeArena::functions
using CoreModuleId = wasm::Index<struct CoreModuleTag>;  ///< a core module in the file
using CoreInstanceId =
    wasm::Index<struct CoreInstanceTag>;       ///< an instantiated core module, or a bag of core exports
using CanonId = wasm::Index<struct CanonTag>;  ///< an evaluated canonical definition
using HostFuncId = wasm::Index<struct HostFuncTag>;  ///< a function that the world imports

inline constexpr InstanceId kHost{std::uint32_t{0}};
inline constexpr InstanceId kRoot{std::uint32_t{1}};

enum class TypeKind : std::uint8_t {
  kBool,
  kS8,
  kU8,
  kS16,
  kU16,
  kS32,
  kU32,
  kS64,
  kU64,
  kF32,
  kF64,
  kChar,
  kString,
  kErrorContext,
  kRecord,
  kVariant,
  kList,
  kFixedList,
  kTuple,
  kFlags,
  kEnum,
  kOption,
  kResult,
  kOwn,
  kBorrow,
  kStream,
  kFuture,
  kMap,
};

/// A field of a record, a case of a variant, an element of a tuple (label empty), a label of flags or an
/// enum.
struct Member {
  std::string label;
  std::optional<TypeId> type;  ///< absent: a case without payload, a flag, an enum label
};

/// One resolved value type. Resource types are substituted: `resource` is an identity, not an index of a
/// file.
struct TypeNode {
  TypeKind kind = TypeKind::kBool;
  /// record fields; variant cases; tuple elements; flags and enum labels; list/fixed
  /// list/option/stream/future: one member (none for an untyped stream or future); result: two, "ok" and
  /// "error"; map: two, "key" and "value".
  std::vector<Member> members;
  std::uint32_t length = 0;  ///< fixed-length list only
  ResourceId resource{};     ///< own and borrow only
  /// own and borrow only: how many names lie between the type index that the handle is written with and the
  /// resource definition or abstract import in its own component (aliases, eq bounds, exports). 0 = names it
  /// directly.
  std::uint32_t alias_depth = 0;
  std::string resource_label;  ///< own and borrow only: the name it is known by there ("thing"); may be empty
  bool has_handle = false;     ///< own, borrow, stream or future somewhere below or here
};

struct Parameter {
  std::string name;
  TypeId type;
};

struct FuncType {
  std::vector<Parameter> params;
  std::optional<TypeId> result;
  bool async = false;  ///< `async` function type (0x43)
};

/// All value and function types of a composition. Nodes are shared; children have smaller ids than their
/// parents.
struct TypeArena {
  std::vector<TypeNode> nodes;
  std::vector<FuncType> functions;

  [[nodiscard]] const TypeNode& operator[](TypeId id) const { return nodes[id.value]; }
  [[nodiscard]] const FuncType& operator[](FuncTypeId id) const { return functions[id.value]; }
};

/// A resource type under one of its names in the view of one instance.
struct ResourceName {
  InstanceId instance;  ///< who knows it by this name
  ResourceId resource;
  bool exported = false;       ///< a name of an export, else of an import
  std::string interface_name;  ///< "test:res/api@1.0.0"; empty when named at the top level of the world
  std::string name;            ///< "thing"
};

enum class CoreSort : std::uint8_t { kFunc, kTable, kMemory, kGlobal, kTag };

/// A core value: the result of a canonical definition, or an export of a core instance (bags are seen
/// through).
struct CoreItem {
  CoreSort sort = CoreSort::kFunc;
  std::variant<CanonId, std::pair<CoreInstanceId, std::string>> source;
};

/// A resource type: exactly one per evaluation of a definition.
struct Resource {
  InstanceId definer;       ///< kHost when the world imports it
  DefinitionId definition;  ///< component whose text defines it (for the host: the root's)
  std::uint32_t definition_index =
      0;                       ///< type index in that component; with `definition` the same for two instances
  std::string name;            ///< best label: exported name, else name section, else "resource N"
  std::string interface_name;  ///< interface of that label, may be empty
  bool has_destructor = false;         ///< true for the host's: dropping one has an effect that we cannot see
  std::optional<CoreItem> destructor;  ///< the core function, of a guest's
  std::uint32_t event = 0;             ///< place in Composition::events
};

/// An instantiated core module (a bag of core exports is never an instance here: it is seen through).
struct CoreInstance {
  InstanceId owner;
  CoreModuleId module;
  /// In the order of the module's imports; one item per core import.
  std::vector<CoreItem> imports;
  std::uint32_t event = 0;
};

/// A core module in the file. One definition may be instantiated any number of times.
struct CoreModule {
  wasm::ByteOffset begin;  ///< of the module's preamble
  wasm::ByteOffset end;
  wasm::ModuleIndex index;
  std::string name;  ///< from the component's name section; may be empty
};

enum class StringEncoding : std::uint8_t { kUtf8, kUtf16, kLatin1Utf16 };

struct CanonOptions {
  StringEncoding encoding = StringEncoding::kUtf8;
  std::optional<CoreItem> memory;
  std::optional<CoreItem> realloc;
  std::optional<CoreItem> post_return;
  std::optional<CoreItem> callback;
  bool async = false;
};

/// A component-level function value: a lift, or a function of the host.
using FuncRef = std::variant<CanonId, HostFuncId>;

struct Lift {
  CoreItem core;
  FuncTypeId type;
  CanonOptions options;
};
struct Lower {
  FuncRef callee;
  FuncTypeId type;  ///< as the lowering component sees it (labels and alias depths are its own)
  CanonOptions options;
  std::string
      interface_name;  ///< import that it was taken from; empty for a function imported directly or local
  std::string name;    ///< name of the function there
};
enum class ResourceOp : std::uint8_t { kNew, kDrop, kRep };
struct ResourceBuiltin {
  ResourceOp op;
  ResourceId resource;
  bool exported = false;       ///< the name is that of an own definition or export, else of an import
  std::string interface_name;  ///< name under which the instance knows the resource where it is used here
  std::string name;
  std::uint32_t alias_depth = 0;
  bool async = false;
};
/// Any other canonical built-in (streams, futures, tasks, threads, error contexts); out of scope, but named.
struct OtherBuiltin {
  std::uint8_t opcode;
  std::string name;  ///< "stream.new"
};

struct Canon {
  InstanceId owner;
  wasm::ByteOffset offset;
  std::variant<Lift, Lower, ResourceBuiltin, OtherBuiltin> what;
  std::uint32_t event = 0;
};

struct ComponentInstance {
  DefinitionId definition;
  std::optional<InstanceId> parent;  ///< none for the host and the root
  std::string name;  ///< unique, readable: from the name section or the export; "host", "root"
  std::uint32_t event = 0;
};

/// A function that the world imports.
struct HostFunc {
  std::string interface_name;
  std::string name;
  FuncTypeId type;
};

/// A function that the world exports.
struct WorldExport {
  std::string interface_name;
  std::string name;
  FuncRef func;
  FuncTypeId type;
};

/// A construct that was understood and is out of scope for checks (design, "Out of scope"): where and what.
struct Unsupported {
  InstanceId instance;
  wasm::ByteOffset offset;
  std::string
      code;  ///< "async-lift", "donut", "component-start", "value-import", "module-import", "memory64", …
  std::string sentence;
};

enum class EventKind : std::uint8_t { kInstance, kCoreInstance, kResource, kCanon };
struct Event {
  EventKind kind;
  std::uint32_t id;  ///< index into the vector of that kind
};

/// The evaluated component. Order of `events` is the order of evaluation.
struct Composition {
  std::vector<ComponentInstance> instances;  ///< [0] host, [1] root, then in order of instantiation
  std::vector<Resource> resources;
  std::vector<ResourceName> resource_names;
  TypeArena types;
  std::vector<CoreModule> modules;
  std::vector<CoreInstance> core_instances;
  std::vector<Canon> canons;
  std::vector<HostFunc> host_funcs;
  std::vector<WorldExport> exports;
  std::vector<Unsupported> unsupported;
  std::vector<Event> events;
};

}  // namespace meld_verify::component
