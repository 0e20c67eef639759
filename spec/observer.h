#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "spec/handle_table.h"
#include "spec/ids.h"
#include "spec/trap.h"

namespace meld_verify::spec {

/// A component instance, or nullopt for the host.
using Party = std::optional<InstanceId>;

/// One call over a boundary, from a lowered import or the host to a lifted export or the host.
struct Crossing {
  Party caller;
  Party callee;
  FunctionId function;
  std::string_view name;  ///< the function's; lives as long as the machine
};

enum class Transfer : std::uint8_t { kLiftOwn, kLiftBorrow, kLowerOwn, kLowerBorrow };

/// A handle as one side saw it while it crossed.
struct HandleSeen {
  InstanceId instance;
  Transfer transfer = Transfer::kLiftOwn;
  std::uint32_t seen = 0;  ///< the core value: an index, or the rep if `as_rep`
  bool as_rep = false;     ///< a borrow that reached its definer (semantics.md 1.3)
  ResourceTypeId type;
  Rep rep;
  ObjectId object;
};

enum class TableOperation : std::uint8_t {
  kNew,     ///< resource.new added an own
  kRep,     ///< resource.rep looked
  kDrop,    ///< resource.drop removed
  kAdd,     ///< lower added
  kRemove,  ///< lift removed
  kLend,    ///< lift lent
  kReturn,  ///< the call resolved, the lend is over
};

/// One operation on the table of an instance; the entry is as it is afterwards, of a removed one as it was.
struct TableChange {
  InstanceId instance;
  HandleIndex index;
  TableOperation operation = TableOperation::kNew;
  Entry entry;
};

/// A resource that is destroyed (semantics.md 2.6).
struct Destruction {
  Party dropper;
  Party definer;  ///< where the destructor runs
  ResourceTypeId type;
  Rep rep;
  ObjectId object;
  bool has_code = false;  ///< whether the type has a destructor
};

/// A resource, or a borrow of one, that is still there.
struct LiveObject {
  Party holder;
  HandleIndex index;  ///< 0 where the host holds it
  bool own = true;
  ResourceTypeId type;
  Rep rep;
  ObjectId object;
};

struct Sequence;

/// Watches a machine. Every method may be left as it is; none may call the machine.
class Observer {
 public:
  virtual ~Observer() = default;
  /// After the checks of semantics.md 2.5 steps 1 and 2.
  virtual void entered(const Crossing&) {}
  /// After step 12; not called when the call trapped.
  virtual void left(const Crossing&) {}
  virtual void handle_seen(const HandleSeen&) {}
  /// The values that pass: the parameters after step 4 of semantics.md 2.5, the results after step 7.
  virtual void passed(const Crossing&, bool /*results*/, const Sequence&) {}
  virtual void table_changed(const TableChange&) {}
  /// Before the destructor runs; also for types without one.
  virtual void destructor_entered(const Destruction&) {}
  virtual void destructor_left(const Destruction&) {}
  /// The host made a resource of its own type.
  virtual void host_made(const LiveObject&) {}
  /// A guest's handle arrived at the host.
  virtual void host_got(const LiveObject&) {}
  /// The host passed a handle to a guest, or drops what it owns.
  virtual void host_gave(const LiveObject&) {}
  /// Once: the machine is dead afterwards (I12).
  virtual void trapped(const Trap&) {}
  /// For each at `Machine::finish`.
  virtual void still_live(const LiveObject&) {}
};

}  // namespace meld_verify::spec
