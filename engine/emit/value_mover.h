#pragma once

// Code that moves values from one side of a boundary to the other: lift and lower (spec/lift.cpp,
// spec/lower.cpp) in one go, value by value; or, where a table that handles are taken from also gets new
// ones, first whatever is lifted of all handles, then everything else.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/emit/bridge.h"
#include "engine/emit/function_pool.h"
#include "engine/emit/handle_way.h"
#include "engine/emit/value_traits.h"

namespace meld_verify::emit {

/// Code for one bridge is at most so long, in instructions and visits of types.
inline constexpr std::uint64_t kMostBridgeSteps = 250'000;
/// Locals of one function, at most; engines take 50,000.
inline constexpr std::size_t kMostLocals = 40'000;

/// What all that moves values in one bridge has in common.
struct MoverContext {
  const component::TypeArena& types;
  const topology::Layouts& layouts;
  const AllValueTraits& traits;
  FunctionPool& functions;
  TextFunctions& texts;
  std::string name;  ///< of the bridge
  std::uint64_t steps = 0;
  std::optional<wasm::Diagnostic> failure = {};

  void fail(std::string code, std::string reason);
};

/// Where a value lies in memory.
struct Place {
  std::uint32_t base = 0;  ///< local
  std::uint64_t offset = 0;
};

/// Where slots go: locals, or kNoLocal where none is chosen yet.
inline constexpr std::uint32_t kNoLocal = 0xffff'ffff;
struct Slots {
  std::span<std::uint32_t> locals;
  std::span<const wasm::ValueType> types;
  [[nodiscard]] Slots from(std::size_t first) const { return {locals.subspan(first), types.subspan(first)}; }
};

/// Notes in the staging memory, one after another: of handles in lists that are needed again. Of others that
/// is in locals.
struct NoteForm {
  bool used = false;
  std::vector<Aftermath> kinds;  ///< which there are, to tell apart if there is more than one
  std::uint32_t converted = 0;   ///< offset of what the first pass made of the handle, or of a temporary
  std::uint32_t kind = 0;        ///< offset of the number in `kinds`
  std::uint32_t size = 4;        ///< bytes; at offset 0 lies what was lent
};

class ValueMover {
 public:
  enum class Phase : std::uint8_t {
    kMove,    ///< everything
    kLift,    ///< handles only: what is done on the sender's side
    kLower,   ///< everything but that
    kReturn,  ///< handles in lists only: what is done when the call is over
  };
  enum class Passes : std::uint8_t {
    kOne,          ///< kMove
    kTwo,          ///< kLift does the steps up to the first that makes an entry
    kTwoUnevenly,  ///< kLift does all steps: the notes must lie together, and kLower uses the staging memory
  };

  /// `ways`: of the handles in what is moved, in their order.
  ValueMover(MoverContext& context, const Side& from, const Side& to, std::span<const HandleWay> ways,
             Passes passes);

  /// Whether handles in lists can be read again where they were read first, in a pass kReturn, in place of
  /// notes: what is noted of each is the handle itself. Nobody may have written there meanwhile.
  [[nodiscard]] bool can_reread() const;
  void reread() {
    form_ = {};
    rereads_ = true;
  }
  [[nodiscard]] bool rereads() const { return rereads_; }

  /// All that follows is written to `code`; handles come from the first on.
  void start(Code& code, Phase phase);
  /// Slots are handed on as they are but for handles, which are converted: the run time checks the rest.
  void pass_through() { passes_through_ = true; }

  /// Fails where not all handles that there should be were met.
  void expect_all_handles();

  void flat(component::TypeId type, std::span<const std::uint32_t> from, const Slots& to);
  void memory(component::TypeId type, Place from, Place to);

  /// Traps unless so many bytes at the address in the local are an aligned area of a side's memory.
  void check_area(const Side& side, std::uint32_t address, std::uint64_t bytes, std::uint32_t alignment);
  /// A local with the address of so many new bytes (a local) on the receiving side, which are checked.
  std::uint32_t allocate(std::uint32_t alignment, std::uint32_t bytes);
  std::uint32_t allocate_area(std::uint64_t bytes, std::uint32_t alignment);

  /// Between passes that write notes: remembers where the notes begin (before the first) and end.
  void begin_notes();
  void end_notes();
  /// What is to be done when the call is over, for all handles that were moved.
  void finish_handles();

  /// Writes the functions that were found to be needed.
  void write_functions();
  [[nodiscard]] Passes passes() const { return passes_; }
  [[nodiscard]] bool uses_notes() const { return form_.used; }

 private:
  struct End {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> guards;  ///< local, case
    Aftermath aftermath;
    std::uint32_t kept = 0;
    std::optional<std::uint32_t> temporary;
  };
  struct PointerAndLength {
    std::uint32_t address, length;  ///< locals
  };

  bool enter(const component::TypeNode& node);
  /// Nothing is written to the other side.
  [[nodiscard]] bool only_handles() const { return phase_ == Phase::kLift || phase_ == Phase::kReturn; }
  const HandleWay& next_way();
  [[nodiscard]] std::size_t split(const HandleWay& way) const;

  // Places
  void load(const Side& side, Place place, wasm::Opcode opcode, std::uint32_t align);
  void store(Place place, wasm::Opcode opcode, std::uint32_t align);
  void read(std::uint32_t local, wasm::ValueType want);
  void write(wasm::ValueType have, const Slots& to, std::size_t slot);
  void pass(std::uint32_t local, wasm::ValueType want, const Slots& to, std::size_t slot);
  std::uint32_t as_local(std::uint32_t local, wasm::ValueType want);
  std::uint32_t new_local(wasm::ValueType type);
  std::uint32_t loaded(Place place, std::uint32_t bytes);

  // Kinds of values
  void memory_value(component::TypeId type, Place from, Place to, bool whole);
  void memory_scalar(const component::TypeNode& node, std::uint64_t size, Place from, Place to);
  void memory_product(const component::TypeNode& node, Place from, Place to);
  void memory_sum(const component::TypeNode& node, const topology::TypeLayout& layout, Place from, Place to);
  void memory_elements(const component::TypeNode& node, Place from, Place to);
  void memory_handle(Place from, Place to);
  void listed_handle(const HandleWay& way, Place from, Place to);
  void flat_scalar(const component::TypeNode& node, std::span<const std::uint32_t> from, const Slots& to);
  void flat_product(const component::TypeNode& node, std::span<const std::uint32_t> from, const Slots& to);
  void flat_sum(const component::TypeNode& node, std::span<const std::uint32_t> from, const Slots& to);
  void flat_handle(std::span<const std::uint32_t> from, const Slots& to);
  /// Where a handle that is not in a list comes from: as a local, or on the stack; and goes to, with what is
  /// below it on the stack.
  struct Ends {
    std::function<std::uint32_t()> local;
    std::function<void()> push, below, put;
  };
  void lone_handle(const HandleWay& way, std::size_t number, const Ends& ends);
  void normalize(const component::TypeNode& node, bool in_slot);
  void canonical_nan(wasm::ValueType type);
  void check_char(std::uint32_t local);
  void check_case(const component::TypeNode& node, std::uint32_t local, std::uint32_t bytes);

  // What lies behind a pointer
  PointerAndLength pointed(const component::TypeNode& node, const topology::TypeLayout& layout,
                           PointerAndLength from);
  PointerAndLength text(PointerAndLength from);
  PointerAndLength list(const component::TypeNode& node, const topology::TypeLayout& layout,
                        PointerAndLength from);
  void list_elements(const component::TypeNode& node, const topology::TypeLayout& layout,
                     PointerAndLength from, std::uint32_t to);
  void loop(const std::function<void()>& push_count, const std::function<void(std::uint32_t)>& body);
  std::uint32_t element(std::uint32_t base, std::uint64_t offset, std::uint32_t index, std::uint64_t stride);
  void check_bounds(const Side& side, std::uint32_t address, const std::function<void()>& push_bytes,
                    TrapReason reason);
  void check_alignment(std::uint32_t address, std::uint32_t alignment, TrapReason reason);
  std::uint32_t reallocate(const std::function<void()>& push_old, std::uint32_t alignment,
                           std::uint32_t bytes);
  void copy(Place from, Place to, const std::function<void()>& push_bytes);
  void trap_if(TrapReason reason);

  // Functions of their own
  void call_text(TextFunction what, const Side& side, PointerAndLength text);
  RouterFunction move_function(component::TypeId type);
  RouterFunction check_function(component::TypeId element);
  void check_contents(component::TypeId type, Place place);

  // Notes
  void note(const HandleWay& way, std::optional<std::uint32_t> kept, std::optional<std::uint32_t> converted);
  void finish_notes();

  MoverContext& context_;
  const Side& from_;
  const Side& to_;
  const bool guests_;  ///< both sides are; else the run time checks contents
  std::span<const HandleWay> ways_;
  const Passes passes_;
  NoteForm form_;
  Code* code_ = nullptr;
  Phase phase_ = Phase::kMove;
  bool passes_through_ = false;
  bool rereads_ = false;
  std::size_t next_ = 0;
  unsigned depth_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> guards_;
  std::map<std::size_t, std::uint32_t> lifted_;  ///< by handle: local with what kLift made of it
  std::vector<End> ends_;
  std::uint32_t notes_begin_ = 0, notes_end_ = 0, cursor_ = 0;  ///< locals
  std::map<std::uint32_t, RouterFunction> movers_, checks_;     ///< by type
  std::vector<std::pair<component::TypeId, bool>> wanted_;      ///< not written yet; true: of `movers_`
};

}  // namespace meld_verify::emit
