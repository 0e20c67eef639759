#pragma once

// A fusion plan: what a fuser decided, right or wrong. JSON form: spec/plan.schema.json.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/topology/topology.h"

namespace meld_verify::routing {

using topology::InstanceId;
using topology::PositionId;
using topology::ResourceId;
using topology::ViewId;

using TableId = wasm::Index<struct TableTag>;
using TypeKeyId = wasm::Index<struct TypeKeyTag>;

/// The run time's own table of the fused component: always table 0, id "canonical". Handles of the host live
/// here.
inline constexpr TableId kCanonicalTable{std::uint32_t{0}};
inline constexpr std::string_view kCanonicalTableName = "canonical";

/// What happens to the value, in order. In the law's words: lift_own = take, lift_borrow = lend, lower_own =
/// new, lower_borrow to a non-definer = borrow. `rep` reads an entry without removing it or counting a lend.
enum class StepOp : std::uint8_t { kTake, kLend, kRep, kNew, kBorrow };

struct Step {
  StepOp op = StepOp::kTake;
  TableId table;
  TypeKeyId type;  ///< kNew and kBorrow: the type that the new entry is given; unused otherwise
  constexpr auto operator<=>(const Step&) const = default;
};

inline constexpr std::size_t kMaxSteps = 4;

/// What is done at one position of the topology. No steps: the value passes unchanged.
struct PositionRoute {
  std::array<Step, kMaxSteps> steps{};
  std::uint8_t count = 0;
  /// Index + 1 into Plan::layouts when the plan reads or writes the handle elsewhere than the topology says;
  /// else 0.
  std::uint32_t layout_override = 0;
};

enum class Storage : std::uint8_t {
  kPrivate,      ///< memory that no guest can address
  kGuestMemory,  ///< inside the linear memory of an instance
  kCanonical,    ///< the run time's
};
enum class Reuse : std::uint8_t { kLifo, kAny, kNever };
enum class Overflow : std::uint8_t { kTrap, kUnchecked };

/// Which misuse the table's functions trap on.
struct TableChecks {
  bool zero = true;    ///< index 0
  bool bounds = true;  ///< an index that was never allocated
  bool live = true;    ///< an index that was freed
  bool type = true;    ///< an entry of another resource type
  bool kind = true;    ///< a borrow where an own is needed
  bool lent = true;    ///< taking or dropping an own that is lent
  constexpr auto operator<=>(const TableChecks&) const = default;
};

struct Table {
  std::string id;                     ///< as the plan calls it; unique
  std::string symbol;                 ///< name of its functions in the fused file; may be empty
  std::vector<InstanceId> instances;  ///< whose handles it holds
  std::vector<TypeKeyId> types;       ///< types of its entries
  Storage storage = Storage::kPrivate;
  std::optional<InstanceId> memory_of;  ///< kGuestMemory only
  Reuse reuse = Reuse::kLifo;
  std::optional<std::uint64_t> capacity;  ///< live entries, below 2^53; none: what memory growth gives
  Overflow overflow = Overflow::kTrap;
  TableChecks checks;
  bool operator==(const Table&) const = default;
};

/// A resource type as the fuser tells types apart. A right plan has one key per resource type.
struct TypeKey {
  std::string id;       ///< unique
  ResourceId resource;  ///< the resource type that it stands for
  InstanceId definer;   ///< who the fuser takes for its definer
  bool operator==(const TypeKey&) const = default;
};

/// Where one view's handles live and where its intrinsics go.
struct ViewRoute {
  TypeKeyId type;
  TableId table;
  std::optional<TableId> new_table, rep_table, drop_table;  ///< set exactly where the view has that intrinsic
  std::vector<ResourceId> own_destructors;     ///< whose destructors `drop` of an own entry calls, in order
  std::vector<ResourceId> borrow_destructors;  ///< the same for a borrow entry; none is right
  bool operator==(const ViewRoute&) const = default;
};

/// Call-wide duties of the generated code at one boundary.
struct BoundaryRoute {
  bool checks_borrows_remain = true;
  bool checks_may_leave = true;
  bool operator==(const BoundaryRoute&) const = default;
};

/// Where the JSON form that a plan was read from speaks of what: the number of the entry in its array,
/// parallel to the plan's vectors (positions: in their boundary's array). Empty for a plan that was made.
struct PlanEntries {
  static constexpr std::uint32_t kNone = 0xffff'ffff;  ///< the file says nothing of it
  std::vector<std::uint32_t> tables, views, boundaries, positions;
};

/// Vectors `views`, `boundaries` and `positions` are parallel to the topology's. Views of the host are routed
/// too: they always live in the canonical table, under the type's right key.
struct Plan {
  std::string generator;
  std::vector<Table> tables;  ///< [0] is the canonical table
  std::vector<TypeKey> types;
  std::vector<ViewRoute> views;
  std::vector<BoundaryRoute> boundaries;
  std::vector<PositionRoute> positions;
  std::vector<topology::Layout> layouts;  ///< layouts that differ from the topology's
  PlanEntries entries;                    ///< not compared
};

/// Same tables, types, views, boundaries and steps, and the handles at the same places. The numbering of
/// `layouts` is not compared, nor is the `type` of a step that makes no entry.
[[nodiscard]] bool operator==(const Plan& left, const Plan& right);

/// The routing that the law asks for: one private table per instance that holds handles, one type key per
/// resource type, each position converted as `semantics.md` 1.3 has it.
[[nodiscard]] Plan required_plan(const topology::Topology& topology);

/// Reads a plan for `topology`; `file` is its name in diagnostics. What the plan may leave out:
/// - a boundary or position: its values pass unchanged;
/// - a view of the host: it is in the canonical table, under the key that the plan has for its resource type
///   (one is added if it has none);
/// - the canonical table: it holds the handles of all views that the plan puts there;
/// - a member with a default that spec/plan.schema.json names.
/// Time and memory are linear in the size of `json`. Errors, all `kBadInput`, the first one found:
/// - "not-json": at a byte offset, the last byte of what does not belong there;
/// - "schema": breaks spec/plan.schema.json, has a member twice in one object, or is more than 64 arrays and
///   objects deep; at a JSON pointer, like all the others;
/// - "plan-reference": names an instance, resource, view, boundary, position, table, type or intrinsic that
///   does not exist, or one twice, or says of one what the topology does not (a boundary's caller, a
///   position's kind, …), or has no entry for a guest's view, or gives a slot without lists an offset;
/// - "too-large": more than 1 GiB of text or 2^25 JSON values;
/// - "spec-directory", "spec-file": the schema cannot be read (see spec_files.h).
[[nodiscard]] wasm::Expected<Plan> read_plan(std::string_view json, std::string_view file,
                                             const topology::Topology& topology);

/// How much `write_plan` writes.
struct PlanText {
  bool locations = false;  ///< where each handle lies, also where that is as in the topology
};

/// Writes the JSON form, one item a line; `read_plan` of it gives an equal plan. Requires of `plan` what its
/// members say (vectors parallel to the topology's, references in range, host views in the canonical table).
[[nodiscard]] std::string write_plan(const Plan& plan, const topology::Topology& topology,
                                     const PlanText& text = {});

}  // namespace meld_verify::routing
