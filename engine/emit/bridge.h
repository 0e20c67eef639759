#pragma once

// One bridge: the function that stands for a call from one component instance to another, or across the outer
// boundary of the fused component. It lifts what the caller hands over and lowers it into the callee
// (semantics.md 2.5), and back.

#include <optional>
#include <string>
#include <vector>

#include "engine/emit/code.h"
#include "engine/emit/function_pool.h"
#include "engine/emit/value_traits.h"
#include "engine/topology/layout.h"
#include "engine/topology/topology.h"

namespace meld_verify::emit {

/// The staging memory is used from this address on (`package_base`).
inline constexpr std::uint32_t kStagingStart = 16;

/// One side of a bridge.
struct Side {
  /// Who it is; the host for the outside of the fused component.
  component::InstanceId instance;
  component::StringEncoding encoding = component::StringEncoding::kUtf8;
  std::optional<Symbol> memory, realloc;
};

/// What bridges of one router share. Whoever makes many bridges hands the same one to all.
struct BridgeShared {
  explicit BridgeShared(const component::TypeArena& types) : layouts(types), traits(types, layouts) {}
  topology::Layouts layouts;
  AllValueTraits traits;
  TextFunctions texts;  ///< each is among the functions of the bridge that needed it first
};

/// What a bridge is to do. Conversions of handles are the plan's: steps on `kCanonicalTable` are those of the
/// fused component's own table: kTake of a guest's resource type: its rep, without its destructor
/// (CanonicalCall kRep, BaseItem::kQuiet, kDrop); of a host's: the handle itself is the token that the entry
/// keeps as its rep; kNew: canonical resource.new of the rep, or the token; kLend: of a borrow that arrives
/// from the host: of a guest's type the rep as it is (FS1), of a host's the token, which is dropped when the
/// call is over (FS3); of one that is handed to the host: nothing, the token or a canonical handle is what is
/// lent.
struct BridgeJob {
  const component::Composition* composition = nullptr;
  const topology::Topology* topology = nullptr;
  const routing::Plan* plan = nullptr;
  topology::BoundaryId boundary;
  component::FuncTypeId type;  ///< the callee's (labels do not matter)
  std::string name;            ///< of the function made
  Side caller, callee;
  Symbol target;                      ///< the callee's core function, or CanonicalCall kLower
  std::optional<Symbol> post_return;  ///< of the callee
  /// The function made has the core type of a lowering (results beyond one go through an out-pointer), or
  /// that of a lift (they are a pointer to the result area). So has `target`.
  bool made_is_lowered = true, target_is_lowered = false;
  BridgeShared* shared = nullptr;  ///< none: the bridge has all its functions itself
};

/// Whether a boundary with the host needs the staging memory: a handle in it lies in memory, so that it
/// cannot be converted where it is (router-notes.md 2.2). Then the memory and realloc of the host's side are
/// `kStaging` and `kStagingRealloc`. Else they are to be the guest's own on both sides (or none on both): the
/// run time then reads and writes the guest's memory itself, the bridge hands slots on as they are but for
/// the handles, and where the result lies in memory, `Bridge::post_return` stands for the guest's
/// post-return. The realloc that the fused component's lift or lowering is given must keep the guest in
/// (`kept_in`) where the host calls; where the host is called the bridge does that.
[[nodiscard]] bool needs_staging(const topology::Topology& topology, topology::BoundaryId boundary);

/// Order of what can trap, where it is not that of semantics.md 2.5 (a call that traps traps either way):
/// what is passed is lifted and lowered value by value; results in memory are lifted after borrows were
/// counted and the out-pointer was checked; where one table is read and gets entries in the same direction
/// (wrong plans only), handles are lifted before other values are looked at. A position that the plan gives
/// another layout is refused ("layout-override"), so is what takes too much code ("too-large") and a string
/// between two encodings
/// ("transcoding"); all errors are `kUnsupported`.

/// The bridge's functions: the first is the bridge, the others (loops over lists, checks of values, a
/// post-return for a made lift) are called by it; they refer to each other as RouterFunction, counted from
/// `first`. `post_return`: index among them of the function that is to be the lift's post-return.
struct Bridge {
  std::vector<Function> functions;
  std::optional<std::uint32_t> post_return;
};
[[nodiscard]] wasm::Expected<Bridge> make_bridge(const BridgeJob& job, std::uint32_t first);

}  // namespace meld_verify::emit
