#pragma once

// Which handle crosses which boundary: the composition reduced to what the routing relation speaks of. Hot
// arrays are flat and names are interned, as a topology may have 100,000 instances.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/component/composition.h"

namespace meld_verify::topology {

using component::CanonId;
using component::DefinitionId;
using component::InstanceId;
using component::kHost;
using component::kRoot;
using component::ResourceId;

using ViewId = wasm::Index<struct ViewTag>;
using BoundaryId = wasm::Index<struct BoundaryTag>;
using PositionId = wasm::Index<struct PositionTag>;
using LayoutId = wasm::Index<struct LayoutTag>;
using NameId = wasm::Index<struct NameTag>;

enum class HandleKind : std::uint8_t { kOwn, kBorrow };

struct Instance {
  NameId name;
  DefinitionId definition;
  std::optional<InstanceId> parent;
  bool has_core = false;  ///< has core instances of its own (a type-only shim has none)
  bool reachable =
      false;  ///< its code can run because of a call to an export of the world, or at instantiation
};

struct Resource {
  NameId name;
  NameId interface_name;  ///< may be the empty name
  InstanceId definer;     ///< kHost for a resource type that the world imports
  DefinitionId definition;
  std::uint32_t definition_index =
      0;  ///< equal (definition, definition_index) = two instances of one definition
  bool has_destructor = false;
};

/// One name under which one instance knows one resource type; intrinsics are wired per view. The host has one
/// view of each resource type that crosses to it.
struct View {
  InstanceId instance;
  ResourceId resource;
  NameId interface_name;
  NameId name;
  bool exported = false;  ///< a name of its own definition or export, else of an import
  bool has_new = false, has_rep = false,
       has_drop = false;   ///< which `canon resource.*` the instance has for it
  bool reachable = false;  ///< its instance is; finer where it is known which code uses it
};

/// Core type of a flat slot that carries the handle, or the pointer of the list that it is in; i64 where the
/// slot is joined with a wider case, and then its low half counts.
enum class SlotType : std::uint8_t { kI32, kI64, kF32, kF64 };

/// Through one list: its pointer lies at `offset` of the area reached so far (its length 4 bytes after),
/// elements are `stride` bytes apart. For the first hop from a flat root, `offset` is not used: the slot
/// holds the pointer, the next slot the length.
struct ListHop {
  std::uint32_t offset = 0;
  std::uint32_t stride = 0;
  constexpr auto operator<=>(const ListHop&) const = default;
};

enum class Root : std::uint8_t {
  kFlat,        ///< core parameter `slot` (or the single core result, slot 0)
  kParamArea,   ///< memory that the single pointer parameter points to (more than 16 flat parameters)
  kResultArea,  ///< memory of the results: the callee's returned pointer, the caller's out-pointer
};

/// Where a word lies on one side of a boundary (memory32).
struct Location {
  Root root = Root::kFlat;
  std::uint32_t slot = 0;               ///< kFlat only
  SlotType slot_type = SlotType::kI32;  ///< kFlat only
  std::vector<ListHop> lists;           ///< outermost first
  std::uint32_t offset = 0;  ///< byte offset in the innermost area; 0 for a flat slot without lists
  auto operator<=>(const Location&) const = default;
};

/// The handle is there only when the discriminant at this place (same on both sides but for its location) has
/// the value `case_index`.
struct Guard {
  Location caller;
  Location callee;
  /// Bytes in memory: 1, 2 or 4. A flat discriminant is one slot (4), and like a handle the low half of it
  /// where a case around it makes the slot an i64.
  std::uint8_t width = 4;
  std::uint32_t case_index = 0;
  std::string case_label;  ///< "some", "ok", …
  auto operator<=>(const Guard&) const = default;
};

/// Where a handle sits inside the signature. Shared by all positions that are laid out alike.
struct Layout {
  /// "params/self", "params/l/[]/some", "result", "result/ok/0": parameter by name, record fields by name,
  /// tuple elements by number, list elements "[]", fixed-length list elements "[0]", "[1]", …, cases by
  /// label, map values
  /// "[]/value".
  std::string path;
  Location caller;
  Location callee;
  std::vector<Guard> guards;  ///< outermost first
  bool in_aggregate = false;  ///< below a record or tuple
  bool in_variant = false;    ///< below a variant, option or result
  bool in_list = false;       ///< below a list, fixed-length list or map
  auto operator<=>(const Layout&) const = default;
};

/// One handle position of one boundary function. `sender` is the view that the value leaves (the caller's for
/// a parameter, the callee's for a result), `receiver` the view that it enters.
struct Position {
  BoundaryId boundary;
  LayoutId layout;
  ViewId sender;
  ViewId receiver;
  HandleKind kind = HandleKind::kOwn;
  bool result = false;
  std::uint8_t alias_depth = 0;  ///< larger of both sides; saturates at 255
  bool reachable = true;         ///< false: it is known that no call passes a handle here
};

/// One `canon lower` and the function that it reaches, or an export of the world that the host calls.
struct Boundary {
  InstanceId caller;
  InstanceId callee;
  NameId interface_name;
  NameId function;
  std::uint32_t first_position = 0;  ///< positions of a boundary are consecutive, in traversal order
  std::uint32_t position_count = 0;
  std::optional<CanonId> lower;  ///< none when the host calls
  std::optional<CanonId> lift;   ///< none when the host is called
  bool reachable = false;        ///< from an export of the world, or at instantiation
};

struct Unsupported {
  InstanceId instance;
  std::string code;
  std::string sentence;
};

struct Topology {
  std::vector<std::string> names;   ///< [0] is empty
  std::vector<Instance> instances;  ///< [0] host, [1] root
  std::vector<Resource> resources;
  std::vector<View> views;
  std::vector<Boundary> boundaries;
  std::vector<Position> positions;
  std::vector<Layout> layouts;
  std::vector<Unsupported> unsupported;  ///< what a check of this topology cannot speak of

  [[nodiscard]] const std::string& text(NameId id) const { return names[id.value]; }
};

/// Reduces a composition. Never fails on a decoded composition; what it cannot lay out or speak of is listed
/// in `unsupported`, after what the decoder listed there. Its codes: "too-large" (a value type of 256 MiB or
/// more), "too-many-handles" (more than 65,536 positions in one function, or more in all than memory should
/// be spent on), "too-deep", "signature-mismatch" (no positions for these boundaries); "stream" (a stream or
/// future crosses), "donut" (caller is callee, or one is inside the other), "transcoding" (strings between
/// two encodings), "async-lower", "async-lift" (the positions are those of the synchronous call).
[[nodiscard]] Topology topology_of(const component::Composition& composition);

/// Adds each instance's `reachable`, each view's and each boundary's, from the boundaries that the host calls
/// and from `started` (instances whose core code runs at instantiation). A call to an instance reaches all
/// its own lowers, and the definers of the resource types that it can drop; the host can drop every own that
/// a reachable call hands to it. Linear.
void mark_reachable(Topology& topology, const std::vector<InstanceId>& started);

}  // namespace meld_verify::topology
