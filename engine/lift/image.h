#pragma once

// The core code of a file, linked: core instances with their imports resolved, so that a call, a memory or a
// table is one identity whichever core instance speaks of it. Made of a composed component, of a fused
// component and of a fused core module alike.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/component/composition.h"
#include "engine/wasm/instruction.h"
#include "engine/wasm/module.h"

namespace meld_verify::lift {

using component::CanonId;
using component::CoreInstanceId;
using component::CoreModuleId;
using component::InstanceId;

using FunctionId = wasm::Index<struct LinkedFunctionTag>;
using MemoryId = wasm::Index<struct LinkedMemoryTag>;
using TableId = wasm::Index<struct LinkedTableTag>;
using GlobalId = wasm::Index<struct LinkedGlobalTag>;

struct LinkedFunction {
  enum class Kind : std::uint8_t {
    kDefined,  ///< by `instance`, index `index` of its module
    kCanon,    ///< the result of a canonical definition
    kImport,   ///< import number `index` (of `Module::imports`) of a core module that stands alone
  };
  Kind kind = Kind::kDefined;
  CoreInstanceId instance;
  std::uint32_t index = 0;
  CanonId canon;
  /// kCanon only: a core module imports it, the first one as function `index` of `instance`, from which its
  /// type is known.
  bool imported = false;
  std::uint32_t bound = 0;  ///< kDefined only: 0, or index + 1 into `Image::bound`
};

/// A defined function with some of its arguments given, which takes the others.
struct BoundFunction {
  FunctionId function;
  std::vector<std::optional<std::uint64_t>> arguments;  ///< nothing: one that is still taken
  wasm::FuncType type;
};

struct LinkedMemory {
  CoreInstanceId instance;  ///< who defines it (kImport-like: who imports it, when nobody does)
  std::uint32_t index = 0;
  wasm::Limits limits;
};

struct LinkedTable {
  CoreInstanceId instance;
  std::uint32_t index = 0;
  wasm::TableType type;
  /// What is in it after instantiation, entry by entry; nothing where it is null or beyond what segments
  /// fill.
  std::vector<std::optional<FunctionId>> entries;
  /// All that fills it at instantiation is in `entries`.
  bool known = true;
  /// No code changes it, it is not exported to a host, and all that fills it is known: `entries` is what it
  /// always holds.
  bool fixed = false;
};

struct LinkedGlobal {
  CoreInstanceId instance;
  std::uint32_t index = 0;
  wasm::GlobalType type;
  std::optional<std::uint64_t> initial;  ///< bits, where known
  std::optional<FunctionId> function;    ///< what a reference starts as
  bool is_null = false;                  ///< a reference that starts as null
};

struct LinkedInstance {
  CoreModuleId module;
  InstanceId owner;
  // By the module's index spaces.
  std::vector<FunctionId> functions;
  std::vector<MemoryId> memories;
  std::vector<TableId> tables;
  std::vector<GlobalId> globals;
};

struct Image {
  std::string file;
  std::span<const std::uint8_t> bytes;
  const component::Composition* composition = nullptr;  ///< null: a core module that stands alone
  std::vector<wasm::Module> modules;                    ///< by CoreModuleId
  std::vector<LinkedInstance> instances;                ///< by CoreInstanceId, in the order of instantiation
  std::vector<LinkedFunction> functions;
  std::vector<LinkedMemory> memories;
  std::vector<LinkedTable> tables;
  std::vector<LinkedGlobal> globals;
  std::vector<std::optional<FunctionId>> canon_functions;  ///< by CanonId; nothing for a lift
  std::vector<FunctionId> leads_to;                        ///< by FunctionId: `behind`
  /// By CoreModuleId: name of an export -> its place in `Module::exports`.
  std::vector<std::unordered_map<std::string, std::uint32_t>> exports;

  /// Functions that generated code calls with constants (engine/lift/bound_functions.h).
  std::vector<BoundFunction> bound;
  std::map<std::pair<FunctionId, std::vector<std::optional<std::uint64_t>>>, FunctionId> bound_of;
  /// Of a call instruction in a function: the bound function that it calls.
  std::map<std::pair<FunctionId, std::uint64_t>, FunctionId> bound_sites;

  [[nodiscard]] const wasm::Module& module_of(CoreInstanceId instance) const {
    return modules[instances[instance.value].module.value];
  }
  [[nodiscard]] const wasm::FuncType& type_of(FunctionId function) const;
  /// The function whose code it is: of a bound one the function that takes all arguments.
  [[nodiscard]] FunctionId unbound(FunctionId function) const;
  /// The bound function that a call instruction of `caller` calls, if it does.
  [[nodiscard]] std::optional<FunctionId> bound_at(FunctionId caller, wasm::ByteOffset at) const;
  /// The definition of a kDefined function.
  [[nodiscard]] const wasm::Function& definition_of(FunctionId function) const;
  [[nodiscard]] std::span<const std::uint8_t> code_of(FunctionId function) const;
  /// Its own export's or import's name, for people; else "func 12".
  [[nodiscard]] std::string name_of(FunctionId function) const;
  /// Where a function leads when it does nothing but pass its arguments on: through direct calls and through
  /// `call_indirect` with a constant index into a fixed table. The function itself otherwise.
  [[nodiscard]] FunctionId behind(FunctionId function) const { return leads_to[function.value]; }
  /// The value of a constant expression of that instance, where it is a number that is known.
  [[nodiscard]] std::optional<std::uint64_t> value_of(const wasm::ConstExpr& expression,
                                                      CoreInstanceId instance) const;
  /// The core function that an item of the composition stands for; nothing where it is no function.
  [[nodiscard]] std::optional<FunctionId> function_of(const component::CoreItem& item) const;
  /// The same, seen through forwarders.
  [[nodiscard]] std::optional<FunctionId> function_behind(
      const std::optional<component::CoreItem>& item) const;
  [[nodiscard]] std::optional<MemoryId> memory_of(const component::CoreItem& item) const;
};

/// So many functions, memories, tables and globals may the core instances of a file have in all, and so many
/// entries its tables: what lies beyond is not read (such a table is not `fixed`).
inline constexpr std::size_t kMostLinked = 8'000'000;

/// Equal, and nothing in them is `ValueType::kOther`, of which equality cannot be told.
[[nodiscard]] bool same_type(const wasm::FuncType& left, const wasm::FuncType& right);

/// Links the core code of a decoded component. `bytes` and `composition` must outlive the image. Errors:
/// those of `wasm::decode_module`; an import without an export of its kind and type ("import-mismatch"); more
/// than `kMostLinked` functions, or other things, in all its core instances ("too-large", `kUnsupported`).
[[nodiscard]] wasm::Expected<Image> link(const component::Composition& composition,
                                         std::span<const std::uint8_t> bytes, std::string_view file);

/// A core module that stands alone, as one core instance (0); its imports are `kImport` functions.
[[nodiscard]] wasm::Expected<Image> link_module(std::span<const std::uint8_t> bytes, std::string_view file);

}  // namespace meld_verify::lift
