#pragma once

// What happens while a program runs through its router, told as the reference machine tells it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/run/routed_program.h"

namespace meld_verify::run {

/// Hears the router's own functions and the flat component's host side, and hands on in the composed
/// component's numbers: calls, table operations, destructors, host-made resources, traps, and what is still
/// live. Not handed on: which handle each side saw (`handle_seen`, `passed`, `host_got`, `host_gave`).
/// Objects are told apart by type and rep: of several equal ones it takes the oldest.
///
/// Make it, make the routed program with it as its observer, `listen_to` that, then start it.
class RoutedTrace : public Probes, public spec::Observer {
 public:
  /// `target` must outlive this.
  explicit RoutedTrace(spec::Observer& target) : target_(target) {}

  /// Keeps a reference. Before `Program::start`.
  void listen_to(RoutedProgram& routed);
  /// Has the composed component's names, and nothing else.
  [[nodiscard]] const spec::Machine& machine() { return words_->machine(); }
  /// The index that a table's function was asked for and does not come back from.
  [[nodiscard]] std::optional<spec::HandlePlace> handle() const { return asked_; }

  spec::Result<std::optional<ProbedModule>> module(component::CoreInstanceId instance) override;
  spec::Result<void> canon_entered(component::CanonId, std::span<const spec::CoreValue>) override {
    return {};
  }
  void canon_left(component::CanonId) override {}

  void entered(const spec::Crossing& crossing) override;
  void left(const spec::Crossing& crossing) override;
  void destructor_entered(const spec::Destruction& destruction) override;
  void destructor_left(const spec::Destruction& destruction) override;
  void trapped(const spec::Trap& trap) override;
  void still_live(const spec::LiveObject& object) override;
  /// Hands on what is still live in the tables; after `Machine::finish`.
  void finish();

 private:
  using Words = std::vector<std::uint32_t>;
  using Place = std::pair<std::uint32_t, std::uint32_t>;  // table, index
  /// By type and rep; equal ones in the order in which they came.
  using Objects = std::multimap<std::pair<std::uint32_t, std::uint32_t>, spec::ObjectId>;

  void hear(const emit::Symbol& symbol, bool leaves, const Words& values);
  void table_entered(const emit::TablePart& part, const Words& arguments);
  void table_left(const emit::TablePart& part, const Words& results);
  void canon_function(component::CanonId canon, bool leaves);
  /// A call that was entered is handed on when it is seen to go on: then it may leave.
  void hand_on_call();
  [[nodiscard]] std::optional<spec::Crossing> crossing_of_canon(component::CanonId canon);
  [[nodiscard]] std::optional<spec::Crossing> crossing_of_export(const spec::Crossing& crossing);
  void changed(const emit::TablePart& part, std::uint32_t index, spec::TableOperation operation,
               const spec::Entry& entry);
  [[nodiscard]] bool in_builtin() const;
  [[nodiscard]] spec::InstanceId instance_of(routing::TableId table) const;
  [[nodiscard]] spec::ResourceTypeId type_of(std::uint32_t tag) const;
  [[nodiscard]] spec::Destruction destruction(spec::Party dropper, const spec::Entry& entry) const;
  spec::ObjectId made(const spec::Entry& entry);
  /// What was taken out of a table and is on its way, or with the host; else a new one.
  spec::ObjectId arriving(const spec::Entry& entry);
  [[nodiscard]] spec::ObjectId lent(const spec::Entry& entry) const;
  void destroyed(const spec::Entry& entry);

  spec::Observer& target_;
  RoutedProgram* routed_ = nullptr;
  std::unique_ptr<Program> words_;
  std::map<std::uint32_t, component::CanonId> canon_of_function_;  ///< by the router's function
  std::vector<std::string> canon_names_;
  std::vector<std::optional<spec::ResourceTypeId>> types_;  ///< by the flat component's resource type
  std::map<Place, spec::Entry> entries_;
  Objects objects_;  ///< all that there are
  Objects away_;     ///< those that were taken and have not arrived
  std::vector<component::CanonId> running_;
  std::optional<spec::Crossing> beginning_;
  struct Asked {
    Words arguments;
    std::optional<spec::Destruction> destruction;
  };
  std::vector<Asked> asked_for_;  ///< of the table's functions that are running
  std::optional<spec::HandlePlace> asked_;
  std::vector<bool> host_destructions_;  ///< of the flat machine's that are running: handed on
  std::uint64_t next_object_ = 1;
};

}  // namespace meld_verify::run
