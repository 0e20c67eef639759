#pragma once

// What is known of each function that may keep handles, and of those that share a memory with it.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/lift/code_writes.h"
#include "engine/lift/table_function.h"
#include "engine/lift/table_operation.h"
#include "engine/lift/table_supply.h"
#include "engine/lift/term_query.h"

namespace meld_verify::lift {

/// One function by itself.
struct TableShape {
  bool is_table_function = false;
  TableFunction what;  ///< checks are filled in by TableFunctions::State::judge
  Term argument;
  std::vector<Outcome> outcomes;  ///< in any state
  Supply supply;                  ///< kNew
  std::optional<Affine> place;    ///< of the word that it reads or writes, by index
  bool removes = false;           ///< it changes something
  std::optional<Affine> count;    ///< kLend, kUnlend: of the word that it counts in, by index
  bool judged = false;
};

/// An entry that was made.
struct MadeEntry {
  Term rep;
  Term index;
  Term address;  ///< of the rep
};

/// The operations on one memory; those that only serve others, as a part of them, are left out.
struct TableGroup {
  std::vector<FunctionId> news;
  std::vector<FunctionId> uses;  ///< kRep, kDrop, kTake
  bool is_private = false;       ///< no guest owns the memory
  std::string disturbed;         ///< private: who else writes it; else empty
};

struct TableFunctions::State {
  State(const Image& image, const component::Composition* composition, const Alignment& alignment,
        Executor& executor, smt::Terms& terms, smt::Decider& decider, const Image* composed);

  const TableFunction* of(FunctionId function);
  smt::Answer agree(FunctionId make, FunctionId use);
  std::optional<std::vector<DestructorCall>> destructors(FunctionId make, FunctionId drop);
  bool refuses(FunctionId make, FunctionId use);
  bool undoes(FunctionId unlend, FunctionId lend);
  /// Whether an entry that is lent can still be read, and `use` (a removal) traps on it.
  bool reads_lent(FunctionId make, FunctionId lend, FunctionId use);
  bool traps_on_lent(const TableShape& use, std::span<const FunctionId> makers);
  bool leaves_entry(FunctionId make, FunctionId drop);
  std::vector<Flaw> flaws(FunctionId make);
  std::optional<std::uint32_t> moves(FunctionId function, GlobalId global);
  bool is_count_or_flag(GlobalId global);
  /// Whether what is counted is as it was before: of an entry that was made and removed again.
  bool keeps_counts(const Outcome& outcome);
  /// Whether a table function leaves flags and counts of generated code as others take it to.
  bool leaves_globals(const TableShape& shaped);
  /// Whether guests may call it.
  bool is_open_to_guests(FunctionId function);
  /// Whether it moves a count.
  bool counts_entries(FunctionId function);

  // Single functions (table_shape.cpp).
  TableShape& shape(FunctionId function);
  TableShape read_canon(FunctionId function);
  TableShape read_import(FunctionId function);
  TableShape read_body(FunctionId function);
  void read_new(TableShape& shape);
  void read_lookup(TableShape& shape);
  bool keeps_entry(const TableShape& shape);
  /// Where it counts up or down by `step`, if that is all that it changes.
  std::optional<Affine> counted(const TableShape& shape, std::uint64_t step, MemoryId* memory);
  void read_drop(TableShape& shape);
  void place_use(TableShape& shape, const Outcome& outcome, MemoryId memory, Term address);
  bool calls_fit(const TableShape& shape);

  // Functions that belong together (table_group.cpp).
  const CodeWrites& writes();
  const TableGroup& group(MemoryId memory);
  bool is_candidate(FunctionId function);
  bool may_be_operation(FunctionId function);
  /// Whether all that a function does to a memory are calls of `operations_there`; `reaching` are the
  /// functions that work on the memory or call those.
  bool is_made_of(FunctionId function, const std::set<FunctionId>& operations_there,
                  const std::set<FunctionId>& reaching);
  bool serves_only(FunctionId function, const std::set<FunctionId>& operations);
  /// Why what `make` builds on (the invariants of its supply) cannot be relied on; empty: it can.
  const std::string& unsound(FunctionId make);
  std::string find_unsound(FunctionId make);
  std::string keeps_list(FunctionId make, FunctionId use);
  std::string keeps_to_slots(FunctionId make);
  std::string keeps_cursor(FunctionId make);

  // What sequences of operations show (table_checks.cpp).
  std::optional<std::uint64_t> first_wall(const TableShape& shaped);
  bool is_of_nobody(const Cell& cell);
  /// Generated functions that set a global, or call one that does; guests' that set it.
  const std::set<FunctionId>& sets_through_others(GlobalId global);
  /// Whether it traps because a memory did not grow.
  bool ran_out_of_pages(const Outcome& outcome);
  bool reads_entry_only(const TableShape& use);
  smt::Answer find_agreement(FunctionId make, FunctionId use);
  /// What two entries in a row, and then a use of each, show; from `opening` on.
  smt::Answer try_two(FunctionId make, FunctionId use, const Opening& opening);
  smt::Answer try_use(FunctionId make, FunctionId use, const Outcome& after, const MadeEntry& used,
                      const MadeEntry& other);
  /// The invariants of all functions that make entries in the memory and can be relied on.
  std::vector<Term> premises(MemoryId memory);
  void judge(TableShape& shape);
  void judge_new(TableShape& shape);
  void judge_use(TableShape& shape);
  void judge_destructors(TableShape& shape, const std::vector<FunctionId>& makers);
  routing::Reuse reuse(FunctionId make, FunctionId drop);
  bool traps_on_zero(const TableShape& use, const std::vector<FunctionId>& makers);
  bool traps_out_of_bounds(const TableShape& use, const std::vector<FunctionId>& makers);
  bool traps_on_dead(const TableShape& use, FunctionId make);
  bool returns_under(const TableShape& use, Term condition, bool fresh);

  // Where tables lie (table_room.cpp).
  std::optional<std::uint64_t> end_of_room(FunctionId make, bool& open_end);
  void judge_room(TableShape& shape);
  void find_capacity(TableShape& shape);
  bool grows_before_it_stores(FunctionId make, MemoryId memory);
  bool grows_in_time(const TableShape& shape);
  std::optional<Opening> at_start(std::span<const FunctionId> makers);
  bool loses_entry(std::span<const FunctionId> makers);
  void overlap_flaws(FunctionId make, std::vector<Flaw>& flaws);
  void room_flaws(FunctionId make, std::vector<Flaw>& flaws);

  const Image& image;
  const component::Composition* composition;
  const Alignment& alignment;
  const Image* composed;
  Executor& executor;
  smt::Terms& terms;
  smt::Decider& decider;
  Operations operations;
  TermQuery query;
  SupplyReader supplies;
  std::map<FunctionId, std::unique_ptr<TableShape>> shapes;
  std::map<MemoryId, TableGroup> groups;
  std::map<FunctionId, std::string> unsound_reasons;
  std::map<std::pair<FunctionId, FunctionId>, smt::Answer> agreements;
  std::optional<CodeWrites> code;
  GeneratedGlobals globals;
  std::set<FunctionId> being_read;                   ///< whose shapes are being read: none makes entries
  std::map<GlobalId, std::set<FunctionId>> setters;  ///< known of `sets_through_others`
  std::optional<std::set<FunctionId>> guests_call;   ///< generated functions that guests may call
  std::map<GlobalId, bool> counts;                   ///< known of `is_count_or_flag`
};

}  // namespace meld_verify::lift
