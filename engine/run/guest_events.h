#pragma once

// What a run's guests did, event by event, and where two runs part.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/run/guest_trace.h"

namespace meld_verify::run {

/// A borrow that a function of its definer got, as a rep.
struct LentObject {
  component::ResourceId resource;
  std::uint32_t rep = 0;
  std::optional<std::size_t> object;  ///< none: no live object has that rep
  bool operator==(const LentObject& other) const {
    return resource == other.resource && object == other.object;
  }
};

/// One thing that a guest's code did or had done to it, in a fused or a composed run; all numbers are the
/// composed file's.
struct GuestEvent {
  using Kind = GuestStep::Kind;
  Kind kind = Kind::kMade;
  component::InstanceId instance;                 ///< whose code: the caller's, the definer's, the callee's
  std::optional<component::ResourceId> resource;  ///< kMade, kDropped, kDestroyed
  /// kCalled, kReturned: the lift, the first one where several cannot be told apart. kMade, kDropped: the
  /// built-in.
  std::optional<component::CanonId> function;
  std::uint32_t value = 0;  ///< the rep, or the handle
  /// kMade, kDestroyed: which one of its type it is, in the order in which they were made. Of live ones with
  /// equal reps the oldest.
  std::optional<std::size_t> object;
  /// kDestroyed: its type's definer never made that rep, or it is destroyed already, or (`instead_of`) it is
  /// the rep of another type's object, though the numbers may be equal. kCalled: one of `lent` is none.
  bool foreign = false;
  std::vector<LentObject> lent;  ///< kCalled: by the function's flat parameters
  /// kDestroyed: a guest dropped a handle of this type, whose destructor should have run.
  std::optional<component::ResourceId> instead_of;
};

/// How a run ended, and what it did.
struct RunOutcome {
  std::optional<spec::Trap> trap;  ///< none: it ended well
  /// Of each call that ended: the value in WAVE, or "" for none; nothing where it cannot be compared.
  std::vector<std::optional<std::string>> results;
  std::vector<GuestEvent> events;
  /// The composed file's built-ins and lowered functions that guests called, each once.
  std::vector<component::CanonId> called;
  std::uint64_t steps = 0;  ///< instructions of core code, about
};

/// A difference between two runs, as people should read it.
struct RunDifference {
  enum class Kind : std::uint8_t {
    kNone,
    kTrap,        ///< one traps, the other does not, or elsewhere
    kForeignRep,  ///< a destructor or a function got a rep that its type never made, or one that is dead
    kMissingDestructor,
    kExtraDestructor,
    kOrder,         ///< the same events in another order, or other calls
    kResult,        ///< the same events, but another result
    kIncomparable,  ///< a run could not be made, or shows too little (`sentence` says why)
  };
  Kind kind = Kind::kNone;
  std::string sentence;  ///< "leaf's destructor of thing gets 0x110008, which leaf never made"
  std::size_t composed_event = 0, fused_event = 0;  ///< where they part
};

/// The steps as events. What a step leaves open (a function that stands for several built-ins) is decided by
/// what the composed run did at its place. `composed`: that run's events; null for the composed run itself.
[[nodiscard]] std::vector<GuestEvent> events_of(const lift::Pair& pair, const std::vector<GuestStep>& steps,
                                                const std::vector<GuestEvent>* composed);

/// Compares by the law, independent of addresses and handle numbers: who did what in which order to which
/// object. Where the fused run cannot show something that happened in the composed one (a function that ran
/// has no counterpart), everything but a trap is incomparable.
[[nodiscard]] RunDifference compare(const lift::Pair& pair, const RunOutcome& composed,
                                    const RunOutcome& fused);

/// Whether a run came to a canonical definition of the composed file: a guest called that built-in or lowered
/// function, or the lifted function was entered.
[[nodiscard]] bool reaches(const lift::Pair& pair, const RunOutcome& run, component::CanonId canon);

/// Events in words.
class GuestWords {
 public:
  /// `composed` must outlive this.
  explicit GuestWords(const component::Composition& composed);

  [[nodiscard]] std::string instance(component::InstanceId id) const;
  /// With its interface where its definer has several of that name.
  [[nodiscard]] const std::string& resource(component::ResourceId id) const;
  /// The function of a lift, by the name that its first caller has for it.
  [[nodiscard]] std::string function(component::CanonId lift) const;
  /// A built-in or lowered function: "resource.drop of thing", "its import …".
  [[nodiscard]] std::string canon(component::CanonId id) const;
  /// "leaf's destructor of thing gets 0x110008 (#3)"
  [[nodiscard]] std::string event(const GuestEvent& event) const;

 private:
  const component::Composition& composed_;
  std::vector<std::string> functions_, resources_;
};

}  // namespace meld_verify::run
