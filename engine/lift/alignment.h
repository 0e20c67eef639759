#pragma once

// Which code of a fused file is which code of the composed one. Names play no part.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/image.h"

namespace meld_verify::lift {

/// Where an original core instance went.
struct AlignedInstance {
  /// False: the fused file has no copy of it (a lost instance, L20), or it could not be told which. True also
  /// where it needs none, as it is seen through.
  bool found = false;
  /// By the original module's index spaces: what stands there in the fused file. Functions: of a defined one
  /// its counterpart; of an import what the guest's code reaches there (direct call, reference, element; seen
  /// through forwarders). Nothing where the original code never uses it, or it was left out. Memories, tables
  /// and globals: also those that only other core instances' code uses, and memories that only canonical
  /// definitions use (found by what they hold).
  std::vector<std::optional<FunctionId>> functions;
  std::vector<std::optional<MemoryId>> memories;
  std::vector<std::optional<TableId>> tables;
  std::vector<std::optional<GlobalId>> globals;
};

/// What did not align. `lost`: another instance of the same module took its place.
struct AlignmentGap {
  CoreInstanceId original;
  bool lost = false;
  std::optional<std::uint32_t> function;  ///< of the original module, where one is to blame
  std::string sentence;                   ///< "core module 3 of intermediate: function 17 has no counterpart"
};

struct Alignment {
  std::vector<AlignedInstance> instances;  ///< by the composed file's core instances
  std::vector<AlignmentGap> gaps;
  std::size_t aligned_functions = 0, all_functions = 0;  ///< defined ones of the composed core instances
  std::vector<bool> is_guest;  ///< by the fused file's functions: has the code of an original one
  /// By the fused file's functions: the original one (of the first core instance, where several share it).
  std::vector<std::optional<FunctionId>> original_of;
  /// By the composed file's canons: what guests' code reaches in the fused file where the original's reaches
  /// this canon; in order of first use, without repetition. More than one: it was wired in several ways.
  std::vector<std::vector<FunctionId>> wired_to;
  /// By the composed file's functions: the counterpart in the fused file; of a forwarder without one, what
  /// stands for that to which it leads (no guest's function, perhaps).
  std::vector<std::optional<FunctionId>> counterpart;
};

/// Whether a core module of the fused file defines a function that has no original one's code.
[[nodiscard]] bool is_generated(const Image& fused, const Alignment& alignment, FunctionId function);

/// By the fused file's memories: some guest knows it.
[[nodiscard]] std::vector<bool> guests_memories(const Image& fused, const Alignment& alignment);

/// Aligns. Bodies count as equal when they differ in index immediates only; then every index must map to one
/// index of the fused file, memories, globals (with equal initial values) and tables (with equal entries) one
/// to one, data segments equal, start functions run in order; memories may be larger. Code that cannot be
/// read (or has exception tags or garbage-collected types) has no counterpart. Core instances that hold only
/// forwarders through a table that never changes (shims), or no code (fixups), need none: they are `found`,
/// and what they lead to stands for them. Equal modules are told apart by what they reach and who reaches
/// them; where several assignments keep as many of these relations, they are taken in order (each of them is
/// right, or each is wrong), but for those of which the code between cannot be read: they are a gap. Only
/// functions that some lift, destructor or start function can lead to are missed. Errors: the fused file does
/// not belong to the composed one ("does-not-belong", `kBadInput`): of a module of five functions or more
/// that are no forwarders, fewer than three in four are there together.
[[nodiscard]] wasm::Expected<Alignment> align(const component::Composition& composition,
                                              const Image& composed, const Image& fused);

/// What the exports of the composed file's world, and instantiation, can reach, by the fused file's code:
/// calls, references, `call_indirect` by table and type, canonical definitions, destructors; those too of
/// handles that the host is handed. What the fused file's own world exports lead to is reached as well.
struct Reach {
  std::vector<bool> functions;  ///< of the fused file
  /// Of the composed file: a reached guest function calls it (or may, through a table); of lifts: the world
  /// exports it, or one that lowers it is reached.
  std::vector<bool> canons;
};
[[nodiscard]] Reach reach(const component::Composition& composition, const Image& composed,
                          const Image& fused, const Alignment& alignment);

}  // namespace meld_verify::lift
