#pragma once

// The router of a plan as one value: handle tables, intrinsics, bridges and the outer boundary, as code that
// is not packaged yet.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/emit/code.h"
#include "engine/topology/topology.h"

namespace meld_verify::emit {

/// A handle table of the plan's; its functions are those of `table_functions(options)`.
struct HandleTable {
  routing::TableId table;
  std::string name;  ///< "app#2"
  routing::Storage storage = routing::Storage::kPrivate;
  routing::TableChecks checks;
  routing::Reuse reuse = routing::Reuse::kLifo;
  routing::Overflow overflow = routing::Overflow::kTrap;
  std::optional<std::uint64_t> capacity;
  std::optional<GuestItem> memory;  ///< kGuestMemory only
};

/// Slot `i + 1` of the destructor table is `Router::destructors[i]`.
struct Destructor {
  /// Whose destructor it is (of a right plan): wired where this resource type is defined.
  component::ResourceId resource;
  /// The function that fills the slot; (i32) -> (). Nothing: the type has none, the slot does nothing.
  std::optional<Symbol> function;
};

/// How an export of the world is lifted in the fused component.
struct OuterExport {
  Symbol function;  ///< a guest's own core function, or a RouterFunction
  std::optional<Symbol> memory, realloc, post_return;
};

/// How the canonical lowering of a host's function is made.
struct OuterLower {
  std::optional<Symbol> memory, realloc;
};

/// A resource type of a guest's that the fused component's world shows: its representation is the guest's
/// own, its destructor is `destructor`.
struct OuterResource {
  component::ResourceId resource;
  RouterFunction destructor;
};

struct Router {
  std::vector<HandleTable> tables;  ///< without the canonical one
  std::vector<Destructor> destructors;
  std::vector<Function> functions;
  /// By the composition's canons: the function that stands for a lowering or built-in. Nothing for a lift.
  std::vector<std::optional<RouterFunction>> by_canon;
  /// By the composition's exports of functions.
  std::vector<OuterExport> exports;
  /// By the composition's canons: of lowerings of host functions.
  std::vector<std::optional<OuterLower>> lowers;
  std::vector<OuterResource> resources;
  bool uses_staging = false;
};

/// The router that does what `plan` says, right or wrong, for the topology of `composition`. Errors, all
/// `kUnsupported`, with the instance and the reason: what the topology or the composition lists as
/// unsupported; a self call; memory64; a string between two encodings.
[[nodiscard]] wasm::Expected<Router> make_router(const component::Composition& composition,
                                                 const topology::Topology& topology,
                                                 const routing::Plan& plan);

/// The functions of a table with these options, one for each TableFunction in its order; they speak of their
/// own memory and globals as TableStore, of the destructor table, and of TrapCall.
[[nodiscard]] std::vector<Function> table_functions(const HandleTable& table);

/// Functions of the base module: one TrapCall for each reason in its order (without kNone), then the
/// realloc of the staging memory.
[[nodiscard]] std::vector<Function> trap_functions();
[[nodiscard]] Function staging_reserve();
[[nodiscard]] Function staging_realloc();

}  // namespace meld_verify::emit
