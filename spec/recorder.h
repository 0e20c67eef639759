#pragma once

// What a machine reported, one readable line for each event: for tests.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "spec/machine.h"

namespace meld_verify::spec {

class Recorder : public Observer {
 public:
  /// Set before the first event.
  const Machine* machine = nullptr;
  std::vector<std::string> lines;

  /// The lines that begin so.
  [[nodiscard]] std::vector<std::string> of(std::string_view word) const {
    std::vector<std::string> found;
    std::ranges::copy_if(lines, std::back_inserter(found),
                         [&](const std::string& line) { return line.starts_with(word); });
    return found;
  }

  void entered(const Crossing& crossing) override { crossed("enter", crossing); }
  void left(const Crossing& crossing) override { crossed("leave", crossing); }

  void handle_seen(const HandleSeen& seen) override {
    static constexpr const char* kTransfers[] = {"lift-own", "lift-borrow", "lower-own", "lower-borrow"};
    lines.push_back(std::string(kTransfers[static_cast<int>(seen.transfer)]) + " " +
                    machine->describe(seen.instance) + (seen.as_rep ? " rep " : " ") +
                    std::to_string(seen.seen) + " " + resource(seen.type, seen.rep));
  }

  void table_changed(const TableChange& change) override {
    static constexpr const char* kOperations[] = {"new", "rep", "drop", "add", "remove", "lend", "return"};
    lines.push_back(std::string(kOperations[static_cast<int>(change.operation)]) + " " +
                    machine->describe(change.instance) + " " + std::to_string(change.index.value) +
                    (change.entry.kind == EntryKind::kOwn ? " own " : " borrow ") +
                    resource(change.entry.tag, change.entry.rep) + " lends " +
                    std::to_string(change.entry.lends));
  }

  void destructor_entered(const Destruction& destruction) override { destroyed("destroy", destruction); }
  void destructor_left(const Destruction& destruction) override { destroyed("destroyed", destruction); }
  void host_made(const LiveObject& object) override { lines.push_back("made " + live(object)); }
  void host_got(const LiveObject& object) override { lines.push_back("got " + live(object)); }
  void host_gave(const LiveObject& object) override { lines.push_back("gave " + live(object)); }
  void trapped(const Trap& trap) override {
    lines.push_back("trap " + std::string(to_string(trap.trap_class)));
  }
  void still_live(const LiveObject& object) override { lines.push_back("live " + live(object)); }

 private:
  std::string resource(ResourceTypeId type, Rep rep) const {
    return machine->name(type) + ":" + std::to_string(rep.value);
  }
  void crossed(const char* word, const Crossing& crossing) {
    lines.push_back(std::string(word) + " " + machine->describe(crossing.caller) + "->" +
                    machine->describe(crossing.callee) + " " + std::string(crossing.name));
  }
  void destroyed(const char* word, const Destruction& destruction) {
    lines.push_back(std::string(word) + " " + resource(destruction.type, destruction.rep) + " in " +
                    machine->describe(destruction.definer) + " by " + machine->describe(destruction.dropper) +
                    (destruction.has_code ? "" : " without code"));
  }
  std::string live(const LiveObject& object) const {
    return machine->describe(object.holder) + " " + std::to_string(object.index.value) +
           (object.own ? " own " : " borrow ") + resource(object.type, object.rep);
  }
};

}  // namespace meld_verify::spec
