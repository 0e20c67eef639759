#pragma once

// A fused file, executed with a faithful host, and what its guests' handles do while it runs, in the words of
// the composed file.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/lift/lift.h"
#include "engine/run/program.h"

namespace meld_verify::run {

/// One thing that a guest's code did or had done to it, in a fused or a composed run.
struct GuestEvent {
  enum class Kind : std::uint8_t {
    kMade,       ///< resource.new by the definer's code: `rep`
    kDropped,    ///< resource.drop by a guest's code: `handle`
    kDestroyed,  ///< a destructor entered: `rep`
    kCalled,     ///< a lifted function entered across a boundary
    kReturned,
  };
  Kind kind = Kind::kMade;
  component::InstanceId instance;                 ///< of the composed file: whose code
  std::optional<component::ResourceId> resource;  ///< of the composed file
  std::optional<component::CanonId> function;     ///< kCalled, kReturned: the composed file's lift
  std::uint32_t value = 0;
};

/// How a run ended, and what it did.
struct RunOutcome {
  std::optional<spec::Trap> trap;  ///< none: it ended well
  std::vector<GuestEvent> events;
};

/// A difference between two runs, as people should read it.
struct RunDifference {
  enum class Kind : std::uint8_t {
    kNone,
    kTrap,        ///< one traps, the other does not, or elsewhere
    kForeignRep,  ///< a destructor got a rep that its type never made, or one that is dead
    kMissingDestructor,
    kExtraDestructor,
    kOrder,         ///< the same events in another order, or other calls
    kIncomparable,  ///< a run could not be made (`sentence` says why)
  };
  Kind kind = Kind::kNone;
  std::string sentence;  ///< "leaf's destructor of thing gets 0x110008, which leaf never made"
  std::size_t composed_event = 0, fused_event = 0;  ///< where they part
};

/// Runs the composed file's export on the reference machine, and the same on the fused bytes: an export of
/// the fused component if it kept it, else the fused counterpart of the lifted core function (`driver` says
/// which). Canonical built-ins are the reference machine's; a core module's intrinsic imports get canonical
/// built-ins by what the alignment says they stand for.
struct Replay {
  std::string call;    ///< the export, and its arguments in WAVE
  std::string driver;  ///< "run", or "core function 305 (the export is lost)"
  RunOutcome composed;
  RunOutcome fused;
  RunDifference difference;
};

struct ReplayLimits {
  std::size_t events = 1'000'000;
};

/// Runs one export of the composed world in both. Exports with parameters get `arguments`.
[[nodiscard]] Replay replay(const lift::Pair& pair, const component::WorldExport& what,
                            std::vector<spec::Value> arguments = {}, const ReplayLimits& limits = {});

}  // namespace meld_verify::run
