#pragma once

// What happens while a program runs, for people and for programs.

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "spec/machine.h"

namespace meld_verify::run {

/// Instances, resource types and objects of a machine by readable names: "runner", "thing of leaf", "thing of
/// leaf #3" (the third object that the observer saw).
class Names {
 public:
  /// Set before the first event.
  const spec::Machine* machine = nullptr;

  [[nodiscard]] std::string party(spec::Party party) const { return machine->describe(party); }
  [[nodiscard]] std::string type(spec::ResourceTypeId type) const {
    return machine->name(type) + " of " + machine->describe(machine->definer(type));
  }
};

/// Writes one JSON object a line, in order; the member "event" says what it is:
/// "enter", "leave" (caller, callee, function), "handle" (instance, transfer, index or rep, type, object),
/// "table" (instance, operation, index, kind, type, rep, lends, object), "destructor" and "destructor-end"
/// (dropper, definer, type, rep, object, code), "made" (by the host), "trap" (class, sentence), "live"
/// (holder, index, kind, type, rep, object).
class JsonEvents : public spec::Observer {
 public:
  /// Both must outlive this.
  JsonEvents(const Names& names, std::ostream& out) : names_(names), out_(out) {}

  void entered(const spec::Crossing& crossing) override;
  void left(const spec::Crossing& crossing) override;
  void handle_seen(const spec::HandleSeen& seen) override;
  void table_changed(const spec::TableChange& change) override;
  void destructor_entered(const spec::Destruction& destruction) override;
  void destructor_left(const spec::Destruction& destruction) override;
  void host_made(const spec::LiveObject& object) override;
  void trapped(const spec::Trap& trap) override;
  void still_live(const spec::LiveObject& object) override;

 private:
  const Names& names_;
  std::ostream& out_;
};

/// Writes a line for each crossing, table operation and destructor, indented by the depth of the call.
class TraceText : public spec::Observer {
 public:
  /// Both must outlive this.
  TraceText(const Names& names, std::ostream& out) : names_(names), out_(out) {}

  void entered(const spec::Crossing& crossing) override;
  void left(const spec::Crossing& crossing) override;
  void handle_seen(const spec::HandleSeen& seen) override;
  void table_changed(const spec::TableChange& change) override;
  void destructor_entered(const spec::Destruction& destruction) override;
  void destructor_left(const spec::Destruction& destruction) override;
  void host_made(const spec::LiveObject& object) override;
  void trapped(const spec::Trap& trap) override;
  void still_live(const spec::LiveObject& object) override;

 private:
  std::ostream& line();

  const Names& names_;
  std::ostream& out_;
  std::size_t depth_ = 0;
};

/// Hands each event to several observers, in order.
class Observers : public spec::Observer {
 public:
  /// `observer` must outlive this.
  void add(spec::Observer& observer) { all_.push_back(&observer); }

  void entered(const spec::Crossing& crossing) override;
  void left(const spec::Crossing& crossing) override;
  void handle_seen(const spec::HandleSeen& seen) override;
  void table_changed(const spec::TableChange& change) override;
  void destructor_entered(const spec::Destruction& destruction) override;
  void destructor_left(const spec::Destruction& destruction) override;
  void host_made(const spec::LiveObject& object) override;
  void trapped(const spec::Trap& trap) override;
  void still_live(const spec::LiveObject& object) override;

 private:
  std::vector<spec::Observer*> all_;
};

/// The stable names of the law's words: "own", "lift-borrow", "new", …
[[nodiscard]] std::string_view to_string(spec::EntryKind kind);
[[nodiscard]] std::string_view to_string(spec::Transfer transfer);
[[nodiscard]] std::string_view to_string(spec::TableOperation operation);

}  // namespace meld_verify::run
