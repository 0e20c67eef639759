#pragma once

// What the code of a running file means in the composed file's words: its guests' functions, destructors and
// built-ins, found by alignment. The same for a composed and for a fused file, so that two runs compare.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/lift/lift.h"
#include "engine/run/program.h"

namespace meld_verify::run {

/// A core parameter in which a lifted function gets the rep of what its own component instance defines: a
/// borrow that reaches its definer.
struct LentSlot {
  std::size_t slot = 0;
  component::ResourceId resource;
  /// Slots that hold these case numbers; else the slot is something else.
  std::vector<std::pair<std::size_t, std::uint32_t>> cases;
};

/// What one function of a file stands for. All in the composed file's numbers.
struct GuestRole {
  /// The component instances whose code it is; none: it is the fuser's, or a built-in.
  std::vector<component::InstanceId> code_of;
  std::vector<component::CanonId> lifts;        ///< that lift it
  std::vector<component::ResourceId> destroys;  ///< whose destructor it is
  /// What guests' code reaches here in place of: built-ins and lowered functions.
  std::vector<component::CanonId> stands_for;
  std::vector<LentSlot> lent;  ///< of the one lift; none where there are several
};

using GuestRoles = std::map<lift::FunctionId, GuestRole>;

/// The roles of the composed file's own functions.
[[nodiscard]] GuestRoles roles_of_composed(const lift::Pair& pair);
/// The roles of the fused file's functions, by the alignment.
[[nodiscard]] GuestRoles roles_of_fused(const lift::Pair& pair);

/// The function that a lift lifts, behind forwarders; nothing where it is no function of core code.
[[nodiscard]] std::optional<lift::FunctionId> lifted_function(const lift::Pair& pair,
                                                              component::CanonId lift);
/// The destructor's code of a resource type of the composed file; nothing where it has none.
[[nodiscard]] std::optional<lift::FunctionId> destructor_function(const lift::Pair& pair,
                                                                  component::ResourceId resource);

/// Something that a guest's code did or had done to it. Which of a role's meanings it is may be open.
struct GuestStep {
  enum class Kind : std::uint8_t { kMade, kDropped, kDestroyed, kCalled, kReturned };
  Kind kind = Kind::kMade;
  std::uint32_t value = 0;            ///< the rep, or the handle
  const GuestRole* role = nullptr;    ///< of the function that was entered
  const GuestRole* caller = nullptr;  ///< of the guest's code that called; null where it was no guest
  /// kCalled: by the role's `lent`; nothing where the slot holds another case.
  std::vector<std::optional<std::uint32_t>> lent;
  /// kDestroyed: the kDropped step that brought it about, without a guest's code in between.
  std::optional<std::size_t> drop;
};

/// Hears a program and keeps the steps of its guests.
///
/// Who calls is told by a stack of the functions that were entered: a built-in entered right under a guest's
/// function is the guest's own call; under an adapter it is the fuser's. A destructor that a guest's code
/// calls itself is no destruction, unless it stands for the guest's built-in.
class GuestTrace : public Probes {
 public:
  /// `running` is the composition that the image was linked from; of a core module that stands alone, its
  /// imported functions are the canonical definitions of the same numbers. `composed` is whose numbers the
  /// roles have. All must outlive it. More than `most_steps` end the program as unsupported.
  GuestTrace(const component::Composition& running, const lift::Image& image,
             const component::Composition& composed, const GuestRoles& roles, std::size_t most_steps);

  spec::Result<std::optional<ProbedModule>> module(component::CoreInstanceId instance) override;
  spec::Result<void> canon_entered(component::CanonId canon,
                                   std::span<const spec::CoreValue> arguments) override;
  void canon_left(component::CanonId canon) override;

  [[nodiscard]] const std::vector<GuestStep>& steps() const { return steps_; }
  /// The composed file's canonical definitions that guests called, each once, by number.
  [[nodiscard]] std::vector<component::CanonId> called() const;
  /// Where a function lies once probes are in its module.
  [[nodiscard]] std::uint32_t probed_index(lift::FunctionId function) const;

 private:
  struct Frame {
    const GuestRole* role = nullptr;
    bool called = false;              ///< kCalled was noted
    std::optional<std::size_t> drop;  ///< the kDropped step that was noted
  };

  /// False: there are too many steps.
  [[nodiscard]] bool enter(const GuestRole& role, const std::vector<std::uint32_t>& arguments);
  void leave();
  /// Notes what a guest calls where its code has a canonical definition; false: it is something of its own.
  bool note_guests_call(const GuestRole& role, const GuestRole& caller, std::uint32_t value, Frame& frame);
  /// The drop that is running right now, and no guest's code in it.
  [[nodiscard]] std::optional<std::size_t> running_drop() const;

  const component::Composition& running_;
  const lift::Image& image_;
  const component::Composition& composed_;
  std::map<std::uint32_t, const GuestRole*> canons_;  ///< by the running composition's canon
  /// By core instance: functions of its module that get probes.
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, const GuestRole*>>> functions_;
  std::size_t most_steps_;
  std::vector<Frame> frames_;
  std::vector<GuestStep> steps_;
  std::vector<bool> called_;  ///< by the composed file's canon
};

}  // namespace meld_verify::run
