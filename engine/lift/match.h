#pragma once

// Where the code of one module of the composed file could lie in the fused one, and what its indices stand
// for there. A match knows nothing of core instances of the composed file: `Placement` chooses among matches.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/lift/body.h"
#include "engine/lift/image.h"

namespace meld_verify::lift {

/// A data or element segment: of which core instance, and its index there.
using SegmentPlace = std::pair<CoreInstanceId, std::uint32_t>;

struct Match {
  CoreModuleId module;  ///< of the composed file
  /// By the functions that the module defines, from 0: where each lies. `equal`: it was compared and is the
  /// same; else it lies there by its place only, or nowhere.
  std::vector<std::optional<FunctionId>> functions;
  std::vector<bool> equal;
  std::vector<FunctionId> taken;  ///< all that `functions` has
  /// By the functions that the module imports: what its code calls or refers to there, in order of first use,
  /// each once (before forwarders are seen through).
  std::vector<std::vector<FunctionId>> imports;
  // By the module's index spaces; nothing where its code does not use one.
  std::vector<std::optional<MemoryId>> memories;
  std::vector<std::optional<TableId>> tables;
  std::vector<std::optional<GlobalId>> globals;
  std::vector<std::optional<SegmentPlace>> data, elements;
  std::size_t different = 0;  ///< functions without an equal counterpart
};

/// Matches of the modules of one file in another.
class Matcher {
 public:
  Matcher(const Image& composed, const Image& fused);

  /// Every run of functions in a core instance of the fused file of which at least three in four look like
  /// the module's, in the order of the file. Each is compared. The same matches for modules of equal bytes.
  const std::vector<std::shared_ptr<const Match>>& matches_of(CoreModuleId module);

  /// Grows a match from one pair (function `index` of the module, which it defines) along calls.
  [[nodiscard]] std::shared_ptr<const Match> grow(
      CoreModuleId module, const std::vector<std::pair<std::uint32_t, FunctionId>>& seeds);

  /// The work that may be done was done: some matches were not looked for.
  [[nodiscard]] bool exhausted() const { return exhausted_; }

 private:
  struct Start {
    CoreInstanceId instance;
    std::uint32_t function = 0;  ///< from 0, of those that its module defines
    bool operator<(const Start& other) const {
      return std::pair(instance, function) < std::pair(other.instance, other.function);
    }
  };
  struct Place {
    CoreModuleId module;
    std::uint32_t function = 0;
  };
  class Comparison;

  std::vector<Start> starts_of(const std::vector<std::uint64_t>& digests);
  [[nodiscard]] std::shared_ptr<const Match> compare(CoreModuleId module, const Start& start,
                                                     const std::vector<std::uint64_t>& digests);
  void gather(CoreModuleId module, const std::vector<std::uint64_t>& digests,
              std::vector<std::shared_ptr<const Match>>& matches);
  [[nodiscard]] CoreModuleId first_equal(CoreModuleId module);

  const Image& composed_;
  const Image& fused_;
  std::vector<std::vector<std::uint64_t>> fused_digests_;  ///< by the fused file's modules
  std::vector<std::pair<std::uint64_t, Place>> places_;    ///< by digest
  std::vector<std::vector<CoreInstanceId>> instances_of_;  ///< by the fused file's modules
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<CoreModuleId>> by_bytes_;
  std::map<CoreModuleId, std::vector<std::shared_ptr<const Match>>> matches_;
  std::uint64_t work_ = 0;       ///< bytes and places looked at
  std::uint64_t most_work_ = 0;  ///< linear in the sizes of the files
  bool exhausted_ = false;
};

}  // namespace meld_verify::lift
