#pragma once

// What is known of memories along a path: a log of writes, shared between paths, and reading it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/smt/term.h"

namespace meld_verify::lift {

/// An entry of a memory's log.
struct MemoryWrite {
  enum class Kind : std::uint8_t {
    kStore,  ///< `value`
    kFill,   ///< each byte is `value`
    kCopy,   ///< of `source`, from `source_address` on
    kCall,   ///< of a function that changed all but what was allocated before
  };
  Kind kind = Kind::kStore;
  std::uint64_t serial = 0;  ///< its own number
  Term address;              ///< not kCall, nor the next one
  Term size;                 ///< in bytes, of the address's width
  Term value;                ///< kStore: 8 * size wide; kFill: 8 wide
  MemoryState source;        ///< kCopy: as it was then
  Term source_address;
  MemoryVersion version_before;   ///< kCall: the version that earlier writes were on
  std::uint32_t kept_before = 0;  ///< kCall: areas whose base is a term before this one are as they were
  std::shared_ptr<const MemoryWrite> previous;

  MemoryWrite() = default;
  MemoryWrite(const MemoryWrite&) = delete;
  MemoryWrite& operator=(const MemoryWrite&) = delete;
  ~MemoryWrite();
};

/// How much may still be done: visits to entries of logs and questions to the decider.
struct ReadBudget {
  std::size_t visits = 0;
  std::size_t last_question = 0;  ///< of `Decider::questions`
};

/// Writes to and reads memories. Addresses are 32 bits wide.
class MemoryLogs {
 public:
  MemoryLogs(smt::Terms& terms, smt::Decider& decider);

  void store(MemoryState& memory, Term address, Term value);
  void fill(MemoryState& memory, Term address, Term byte, Term size);
  void copy(MemoryState& to, Term address, const MemoryState& from, Term source, Term size);
  /// A version that begins now.
  MemoryVersion new_version();
  /// Nothing is known any more; but for areas whose base is a term before `kept_before`, if that is given.
  void forget(MemoryState& memory, MemoryVersion version, std::optional<std::uint32_t> kept_before);
  /// `base`, a term that was made for this, points to an area that overlaps nothing that there was before.
  void allocate(Term base, std::optional<Term> size, std::optional<MemoryId> memory);

  [[nodiscard]] Term read(const MemoryState& memory, Term address, std::uint32_t bytes,
                          std::span<const Term> conditions, ReadBudget& budget);
  [[nodiscard]] std::optional<CopiedFrom> origin(const MemoryState& memory, Term address, Term size,
                                                 std::span<const Term> conditions, ReadBudget& budget);
  [[nodiscard]] std::optional<LoadedWord> loaded(Term term) const;
  [[nodiscard]] Term load(const LoadedWord& word);
  /// Bytes of a term that is a whole number of bytes wide, as memory would hold it.
  [[nodiscard]] Term part(Term term, std::uint32_t offset, std::uint32_t bytes);

 private:
  struct Allocation {
    std::optional<Term> size;
    std::optional<MemoryId> memory;
  };
  /// An area of its own that an access lies in.
  struct Area {
    Term base;
    bool allocated = false;
  };
  struct Stretch {
    Term address;
    Term size;
  };
  struct Question {
    const MemoryState& memory;
    std::span<const Term> conditions;
    ReadBudget& budget;
  };
  enum class Relation : std::uint8_t {
    kApart,
    kInside,    ///< the first in the second
    kCrossing,  ///< at a known distance
    kUnknown,
  };
  [[nodiscard]] Relation relation(const Stretch& read, const Stretch& write, const Question& question);
  [[nodiscard]] bool inside(Term distance, Term size, Term of, const Question& question);
  [[nodiscard]] bool follows(Term condition, const Question& question);
  [[nodiscard]] std::optional<Area> area_of(const Stretch& stretch, const Question& question);
  [[nodiscard]] bool was_there_before(Term term, Term base) const;
  [[nodiscard]] Term read_from(const MemoryWrite* write, MemoryVersion version, Stretch at,
                               std::uint32_t bytes, const Question& question, int levels);
  [[nodiscard]] Term join(Term lower, Term upper);
  [[nodiscard]] Term unknown(const MemoryWrite& write, Term address, std::uint32_t bytes);
  [[nodiscard]] Term size_term(std::uint64_t bytes) { return terms_.constant(32, bytes); }
  std::shared_ptr<MemoryWrite> entry(MemoryWrite::Kind kind, MemoryState& memory);

  smt::Terms& terms_;
  smt::Decider& decider_;
  std::uint64_t serial_ = 0;
  std::vector<std::uint32_t> versions_{0};  ///< the first term that there was not before each began
  std::unordered_map<Term, Allocation> allocations_;
  struct Load {
    MemoryId memory;
    MemoryVersion version;
    std::uint32_t bytes;
  };
  std::map<std::tuple<MemoryId, MemoryVersion, std::uint32_t>, std::uint32_t> load_tags_;
  std::unordered_map<std::uint32_t, Load> loads_;  ///< by tag
  std::map<std::tuple<std::uint64_t, Term, std::uint32_t>, Term> unknowns_;
};

}  // namespace meld_verify::lift
