#pragma once

// Symbolic execution of generated functions: every path, with the calls it makes, what it writes and what it
// returns, as terms.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/lift/image.h"
#include "engine/smt/term.h"

namespace meld_verify::lift {

using smt::Term;

/// Which unknown contents a memory had: 0 at the start of the execution, a new one after each call that may
/// have changed it.
using MemoryVersion = wasm::Index<struct MemoryVersionTag>;

/// A memory at one moment: what was there when the execution (or the last unknown change) began, and what was
/// written since. Cheap to copy.
struct MemoryState {
  MemoryId memory;
  MemoryVersion version;
  /// Newest first; null: none since. See engine/lift/memory_state.h.
  std::shared_ptr<const struct MemoryWrite> last;
  std::shared_ptr<const std::vector<Term>> areas;  ///< as declared (`Executor::Start::areas`); null: none
};

/// Bytes that were there when a version of a memory began, as a term: `Terms::text` gives
/// "(load4 m0.v1 (add p0 8))". Equal memory, version, address and size: equal term.
struct LoadedWord {
  MemoryId memory;
  MemoryVersion version;
  Term address;
  std::uint32_t bytes = 0;  ///< 1, 2, 4 or 8; the term is 8 * bytes wide
};

/// A stretch of memory as a copy of another one.
struct CopiedFrom {
  MemoryId memory;
  MemoryVersion version;
  Term address;
};

/// What a called function is taken for.
struct CallModel {
  enum class Kind : std::uint8_t {
    kInline,      ///< its body is executed
    kSymbol,      ///< its results are fresh unknowns
    kFunction,    ///< its result is an unknown that depends on its arguments alone (equal arguments, equal
                  ///< result)
    kAllocates,   ///< like kSymbol; the result is not null, and what it points to overlaps nothing that was
                  ///< there before
    kUnreadable,  ///< the path ends in kStuck
  };
  Kind kind = Kind::kSymbol;
  /// Memories of which nothing is known after the call (not for kInline).
  std::vector<MemoryId> changes;
  /// Asked once the call is on the path: it changes no memory after all.
  std::function<bool(const struct Path&)> changes_nothing;
  /// Of them, areas that were allocated during the path before the call keep what is in them.
  bool keeps_allocations = false;
  /// Mutable globals are unknown after the call (not for kInline).
  bool changes_globals = true;
  /// kAllocates: which argument is the number of bytes that the result points to (3 for a `realloc`). With
  /// it, an access is told apart from others only where it is sure to lie within; without, it is trusted to.
  std::optional<std::uint32_t> size_argument;
  /// kAllocates: the memory that the result points into. Without it, the number is new in each memory.
  std::optional<MemoryId> allocates_in;
  /// What a global holds after the call, where that is known: of the path with the call, its global, and what
  /// it held before. Without it, or where it gives nothing, `changes_globals` says it.
  std::function<std::optional<Term>(const struct Path&, GlobalId, Term)> global_after;
  /// Conditions that are held to be true after the call: of its event, and the memories then, by MemoryId.
  std::function<std::vector<Term>(const struct CallEvent&, std::span<const MemoryState>)> then;
};

struct CallEvent {
  FunctionId callee;
  wasm::ByteOffset at;  ///< of the call instruction
  std::vector<Term> arguments;
  std::vector<Term> results;
  std::size_t conditions = 0;       ///< how many of the path's conditions held before it
  std::vector<Term> globals;        ///< before it, by GlobalId
  std::vector<MemoryState> before;  ///< by MemoryId
};

struct Path {
  enum class End : std::uint8_t {
    kReturn,
    kTrap,   ///< `unreachable`, or what always traps
    kStuck,  ///< what cannot be executed here, or a limit: nothing is known beyond
  };
  End end = End::kReturn;
  wasm::ByteOffset at;  ///< where it ended
  std::string why;      ///< kStuck
  std::vector<Term> conditions;
  std::vector<CallEvent> calls;
  std::vector<Term> results;
  std::vector<MemoryState> memories;  ///< at the end, by MemoryId
  std::vector<Term> globals;          ///< at the end, by GlobalId
};

/// How the names of symbols begin that stand for what `memory.grow` gives.
inline constexpr std::string_view kGrowth = "growth of m";

struct ExecutionLimits {
  std::size_t paths = 4096;
  std::size_t steps = 2'000'000;  ///< instructions in all
  std::size_t inline_depth = 16;
  std::size_t questions = 20'000;  ///< to the decider
  std::size_t conditions = 512;    ///< of a path
  std::size_t terms = 4'000'000;   ///< that an execution makes
};

/// Executes. Two addresses in one memory are told apart when they have the same base and different offsets,
/// when one of their bases was allocated (CallModel::kAllocates) during the path and the other one is made of
/// what there was before, when both bases were declared as areas, or when Z3 says so; where none decides, the
/// value read is an unknown of its own: a symbol named "unknown".
///
/// Accesses are taken to lie within their memory: that the code may trap there is not among the paths. Floats
/// are computed by opaque functions of the operands' bits. Each `memory.size` is an unknown of its own.
class Executor {
 public:
  using Model = std::function<CallModel(FunctionId)>;
  Executor(const Image& image, smt::Terms& terms, smt::Decider& decider, ExecutionLimits limits = {});
  ~Executor();

  struct Start {
    FunctionId function;
    std::vector<Term> arguments;
    /// Held to be true, and the terms in `known` held to be the constants beside them wherever they come up
    /// (loaded words too): this is how a list is given its length.
    std::vector<Term> conditions;
    std::vector<std::pair<Term, std::uint64_t>> known;
    /// Terms that point to areas of their own (parameters that are pointers): they overlap nothing else.
    std::vector<Term> areas;
    /// Instead of the initial values, which stand for themselves only where a global is immutable; others are
    /// symbols.
    std::vector<std::pair<GlobalId, Term>> globals;
    /// A path of an earlier run whose memories and globals this one begins with; its conditions hold too.
    const Path* after = nullptr;
  };
  /// All paths. None: the start's conditions exclude one another, which must never pass for a proof. Where
  /// two paths could not be told to exclude each other, both are there. Never throws.
  [[nodiscard]] std::vector<Path> run(const Start& start, const Model& model);

  /// What a read of `bytes` (1, 2, 4 or 8) bytes at `address` would give. What a run held to be known is not
  /// put in.
  [[nodiscard]] Term read(const MemoryState& memory, Term address, std::uint32_t bytes,
                          std::span<const Term> conditions);
  /// Where `size` bytes at `address` were copied from as they are, in the end: from a version's beginning;
  /// the memory itself, when nothing was written there. Nothing: they were not, or it could not be told.
  [[nodiscard]] std::optional<CopiedFrom> origin(const MemoryState& memory, Term address, Term size,
                                                 std::span<const Term> conditions);
  /// The state of a memory before anything happened.
  [[nodiscard]] MemoryState initial(MemoryId memory) const;
  /// What a global holds when an execution begins: a symbol, or the constant that an immutable one always is.
  [[nodiscard]] Term initial(GlobalId global);
  /// What a term stands for when it is a word that was in memory.
  [[nodiscard]] std::optional<LoadedWord> loaded(Term term) const;
  /// The term for it, made if there is none yet.
  [[nodiscard]] Term load(const LoadedWord& word);
  /// Which call of the path gave this result, if `term` is one.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> result_of(const Path& path,
                                                                             Term term) const;

 private:
  friend class PathMachine;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace meld_verify::lift
