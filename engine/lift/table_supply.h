#pragma once

// Where a table's next index comes from: a cursor that moves on, a list of freed entries.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/table_operation.h"
#include "engine/lift/term_query.h"

namespace meld_verify::lift {

/// A global, or a memory's word at an address that never changes.
struct Cell {
  std::optional<GlobalId> global;
  MemoryId memory;
  std::uint64_t address = 0;
  Term start;                            ///< before anything ran
  std::optional<std::uint64_t> initial;  ///< after instantiation
  [[nodiscard]] bool same(const Cell& other) const {
    return global == other.global && (global || (memory == other.memory && address == other.address));
  }
};

/// One way in which a new entry comes about.
struct FreshEntry {
  std::size_t outcome = 0;
  Term index;
  Term address;         ///< of the word that gets the rep
  bool listed = false;  ///< it was on the list of freed entries; else the cursor gave it
};

struct Supply {
  bool understood = false;
  std::string why;  ///< what is not
  std::vector<FreshEntry> entries;
  std::vector<Cell> cells;  ///< all that the function changes
  MemoryId memory;
  Affine place;  ///< of the rep, by index
  std::optional<Cell> cursor;
  std::uint64_t step = 0;               ///< of the cursor
  std::uint64_t first = 0, stride = 1;  ///< indices that the cursor gives: first, first + stride, ...
  Term next;                            ///< the index that it gives next, by the cursor before anything ran
  std::optional<Cell> head;             ///< of the list of freed entries; its links are indices
  std::uint64_t end_of_list = 0;
  Affine link;  ///< of an entry's link to the next freed one, by index
  /// What always holds before an operation, if all that write the cells keep to it: the cursor is one of its
  /// values; the list holds different indices that the cursor has given.
  std::vector<Term> invariants;
  /// The memory's size bounds the cursor. False: the invariants hold until it wraps round.
  bool bounded = false;
  std::vector<Term> cursor_values;  ///< those of them that say of the cursor where it begins and how it steps

  /// Whether `index` is one that the cursor has given before anything ran.
  [[nodiscard]] Term given(Operations& operations, smt::Terms& terms, Term index) const;
};

class SupplyReader {
 public:
  SupplyReader(const Image& image, Executor& executor, smt::Terms& terms, smt::Decider& decider,
               Operations& operations, const TermQuery& query)
      : image_(image),
        executor_(executor),
        terms_(terms),
        decider_(decider),
        operations_(operations),
        query_(query) {}

  /// Reads it off the ways in which a function goes that stores its `argument` and returns an index.
  /// `grows`: of a memory, whether any code makes it larger.
  [[nodiscard]] Supply read(const std::vector<Outcome>& outcomes, Term argument,
                            const std::function<bool(MemoryId)>& grows);
  /// Cells that an operation changes.
  [[nodiscard]] std::vector<Cell> changed(const Outcome& outcome);
  [[nodiscard]] Term end(const Outcome& outcome, const Cell& cell);
  /// address = index * scale + offset, where that holds for all values; `hint` is tried first.
  [[nodiscard]] std::optional<Affine> fit(const Outcome& outcome, Term index, Term address, Affine hint);

 private:
  bool find_entries(const std::vector<Outcome>& outcomes, Term argument, Supply& supply);
  bool find_cursor(const std::vector<Outcome>& outcomes, Supply& supply);
  bool find_places(const std::vector<Outcome>& outcomes, Supply& supply, bool grows);
  bool find_list(const std::vector<Outcome>& outcomes, Supply& supply);
  void bound_cursor(const Outcome& outcome, const FreshEntry& entry, Supply& supply, bool grows);

  const Image& image_;
  Executor& executor_;
  smt::Terms& terms_;
  smt::Decider& decider_;
  Operations& operations_;
  const TermQuery& query_;
};

/// The word at an address of a memory after instantiation; nothing where it cannot be told.
[[nodiscard]] std::optional<std::uint64_t> initial_word(const Image& image, MemoryId memory,
                                                        std::uint64_t address);

/// Whether data segments fill anything of a memory.
[[nodiscard]] bool has_data(const Image& image, MemoryId memory);

}  // namespace meld_verify::lift
