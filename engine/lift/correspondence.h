#pragma once

// What stands for what, between core instances that have been placed, and whether all that is not code is
// equal too: memories, tables, globals, segments, start functions.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/alignment.h"
#include "engine/lift/placement.h"

namespace meld_verify::lift {

/// The identities of the composed file that code uses, and theirs in the fused file.
class Correspondence {
 public:
  Correspondence(const component::Composition& composition, const Image& composed, const Image& fused,
                 const std::vector<InstancePlace>& places, Alignment& alignment);

  /// Sets the counterparts of functions, memories, tables and globals, one to one.
  void relate_all();
  /// What the imports, tables and globals of placed code lead to; fills `Alignment::wired_to`.
  void compare_imports();
  void compare_tables();
  void compare_globals();
  void compare_segments();
  void compare_memories();
  /// Memories that only canonical definitions use, and data: by what they hold.
  void relate_quiet_memories();
  /// What stands for an identity, to all core instances that know it.
  void spread();
  void compare_starts();
  /// No segment of the fused file lies beyond its memory or table, where instantiation traps.
  void check_segments();
  /// Generated code grows no memory of guests.
  void check_growth();

  void gap(CoreInstanceId original, const std::string& sentence, std::optional<std::uint32_t> function = {},
           bool lost = false);

 private:
  template <class Id, class Share>
  void relate(std::vector<std::optional<Id>>& by_original, std::map<Id, Id>& back,
              const std::vector<Id>& originals, const std::vector<std::optional<Id>>& theirs,
              std::vector<std::optional<Id>>& of_instance, CoreInstanceId instance, const char* word,
              const Share& may_share);
  bool leads_alike(FunctionId original, FunctionId there);
  void compare_element_segment(CoreInstanceId instance, std::uint32_t segment, const SegmentPlace& there);
  void compare_data_segment(CoreInstanceId instance, std::uint32_t segment, const SegmentPlace& there);
  [[nodiscard]] bool idle(FunctionId function) const;
  std::optional<std::vector<FunctionId>> started(FunctionId function, std::size_t depth);
  const component::Composition& composition_;
  const Image& composed_;
  const Image& fused_;
  const std::vector<InstancePlace>& places_;
  Alignment& alignment_;
  std::vector<std::optional<MemoryId>> memories_;  ///< by the composed file's
  std::vector<std::optional<TableId>> tables_;
  std::vector<std::optional<GlobalId>> globals_;
  std::map<MemoryId, MemoryId> memory_originals_;
  std::map<TableId, TableId> table_originals_;
  std::map<GlobalId, GlobalId> global_originals_;
};

}  // namespace meld_verify::lift
