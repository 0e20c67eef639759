#pragma once

// What the functions that keep a fuser's handles do, from their bytes.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/alignment.h"
#include "engine/lift/execute.h"
#include "engine/lift/generated_globals.h"
#include "engine/routing/plan.h"

namespace meld_verify::lift {

/// What a function does with a handle table.
enum class TableRole : std::uint8_t {
  kNew,     ///< (rep) -> index: a new entry
  kRep,     ///< (index) -> rep: the entry stays
  kDrop,    ///< (index) -> (): the entry is removed, its destructor may run
  kTake,    ///< (index) -> rep: the entry is removed, no destructor runs
  kLend,    ///< (index) -> rep: the entry stays, and counts one lend more
  kUnlend,  ///< (index) -> (): it counts one lend less
  kOther,   ///< a table function that this cannot put into words; `why` says what is odd
};

/// Where a table lies. Two functions work on one table when their storages are equal; `cursor` tells apart
/// tables that lie in one memory where both have one.
struct TableStorage {
  bool canonical = false;  ///< the run time's: the function is a canonical built-in
  std::optional<component::ResourceId> canonical_type;  ///< its resource type in the *fused* component
  std::optional<std::uint32_t> import;                  ///< a core module's import: which
  std::optional<MemoryId> memory;
  std::uint64_t slot_offset = 0;  ///< an entry's word lies at index * scale + slot_offset
  std::uint64_t scale = 1;
  std::optional<GlobalId> cursor;      ///< kNew: the global that says where the next entry goes
  std::optional<std::uint64_t> begin;  ///< its initial value
};

/// A destructor that runs when an own entry is dropped.
struct DestructorCall {
  FunctionId function;
  bool gets_rep = true;  ///< the entry's rep (else: something else, as the index)
  constexpr auto operator<=>(const DestructorCall&) const = default;
};

struct TableFunction {
  FunctionId function;
  TableRole role = TableRole::kOther;
  TableStorage storage;
  routing::Reuse reuse = routing::Reuse::kAny;            ///< kNew
  std::optional<std::uint64_t> capacity;                  ///< kNew: live entries at most
  routing::Overflow overflow = routing::Overflow::kTrap;  ///< kNew
  routing::TableChecks checks;                            ///< which misuse it traps on
  bool ignores_zero = false;                              ///< kDrop: index 0 is passed over
  /// kDrop: what runs when an own entry is dropped, in order; one that runs twice is there twice. Guests'
  /// functions, or a canonical or imported drop (of a host's handle that the entry holds).
  /// Not `understood` when entries of different makers run different ones: see TableFunctions::destructors.
  std::vector<DestructorCall> destructors;
  std::string why;         ///< kOther; or what could not be told
  bool understood = true;  ///< false: `checks`, `reuse` and `capacity` are guesses on the bad side
};

/// Reads table functions, each once.
class TableFunctions {
 public:
  /// All must outlive it. `composition`: the fused component's; none for a core module. `composed`: the
  /// original's code, from which `flaws` knows how far guests' memories reached; without it that is not
  /// looked at.
  TableFunctions(const Image& fused, const component::Composition* composition, const Alignment& alignment,
                 Executor& executor, smt::Terms& terms, smt::Decider& decider,
                 const Image* composed = nullptr);
  ~TableFunctions();

  /// What the function (seen through forwarders) does, or nothing when it is no table function at all: a
  /// guest's, an adapter's (it calls a guest with more than one word, or has results from a guest), or one of
  /// another type than (i32) -> i32 and (i32) -> ().
  ///
  /// An import of a core module that stands alone: its type and, where that leaves a choice, its name say the
  /// role. Nothing but the name tells what an embedder will give it, and which imports will work on one
  /// table; its checks are taken to be the run time's.
  ///
  /// A check counts only where it is shown: `zero`, `bounds` and `live` for all states that guests who keep
  /// to the rules can bring about; `type` and `kind` by entries that other functions make in the same table
  /// and on which this one always traps (whether it accepts others that are of another type, `agree` and
  /// `refuses` tell); `lent` never. Words of tables in a guest's memory are taken to be left alone by the
  /// guest.
  [[nodiscard]] const TableFunction* of(FunctionId function);

  /// Whether entries made by `make` are those that `use` reads: storages agree, and after `make(rep)` gave an
  /// index, `use` of it reads that very rep, also when another entry was made in between, and leaves the
  /// other entry alone. kNo: shown by a sequence that begins right after instantiation. kUnknown: could not
  /// be decided, or one of the two is an import of a core module that stands alone. kYes also where `use`
  /// hands something else than the rep to a destructor (DestructorCall::gets_rep says so).
  [[nodiscard]] smt::Answer agree(FunctionId make, FunctionId use);

  /// What runs when `drop` gets an entry of `make` (TableFunction::destructors, where the functions that make
  /// entries differ: own and borrow entries, types): the same in all states. Nothing: they do not agree, or
  /// it could not be told, or it depends on more than the maker.
  [[nodiscard]] std::optional<std::vector<DestructorCall>> destructors(FunctionId make, FunctionId drop);

  /// Whether `use` provably traps on each entry of `make`: what a check of type or kind comes to between two
  /// functions.
  [[nodiscard]] bool refuses(FunctionId make, FunctionId use);

  /// Globals that generated code keeps for itself. Table functions are read as if its flags had the values
  /// that they begin with.
  [[nodiscard]] const GeneratedGlobals& globals() const;
  /// Whether generated code has globals that are no flags, which no function that makes entries goes by.
  [[nodiscard]] bool has_counts();
  /// Whether no function that makes entries goes by that global of generated code: a flag, or a count.
  [[nodiscard]] bool is_count_or_flag(GlobalId global);
  /// By how much a table function moves such a global, in every state; nothing: it depends, or cannot be
  /// told.
  [[nodiscard]] std::optional<std::uint32_t> moves(FunctionId function, GlobalId global);

  /// Whether it moves some count of generated code: then what it makes must be given back during the call.
  [[nodiscard]] bool counts_entries(FunctionId function);

  /// Whether `unlend` takes back what `lend` counts.
  bool undoes(FunctionId unlend, FunctionId lend);

  /// A sentence about what a sequence of operations may do wrong even when guests keep to the rules (two live
  /// entries share a word, the table lies where the guest's data lie, …); empty when there is nothing.
  struct Flaw {
    std::uint8_t code = 0;  ///< L51, …
    FunctionId function;
    std::string sentence;
  };
  [[nodiscard]] std::vector<Flaw> flaws(FunctionId make);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace meld_verify::lift
