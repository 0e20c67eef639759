#pragma once

// The machine with five instances of guests that do what an Operation says: for properties.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "spec/ledger.h"
#include "spec/machine.h"
#include "spec/table_model.h"

namespace meld_verify::spec {

/// Runs operations on a machine. A trap kills a machine, so the next operation then gets a new one that has
/// seen the same operations but the trapping ones.
class World {
 public:
  World();
  /// What it showed. Checks the invariants in every callee and afterwards.
  Seen run(const Operation& operation);
  /// Invariants found broken so far.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  /// How the machine's tables and the host's resources differ from the model's; empty if they do not.
  [[nodiscard]] std::string difference(const TableModel& model) const;
  [[nodiscard]] const Ledger& ledger() const { return *ledger_; }

 private:
  void build();
  Seen perform(const Operation& operation);
  Result<void> act(const Operation& operation);
  Result<void> act_as_host(const Operation& operation);
  Result<void> call_shape(int caller, int callee, int type, const std::string& shape,
                          std::vector<std::uint32_t> args);
  FunctionId lifted(int callee, int type, const std::string& shape);
  LoweringId lowered(int caller, int callee, int type, const std::string& shape);
  CoreResult callee(int instance, int type, const std::string& shape, std::span<const CoreValue> args);
  Result<void> conduct(int instance, int type, std::uint32_t index);
  Result<void> drop(int instance, int type, std::uint32_t index);
  CoreResult reenter(int instance, int depth);
  void check();
  void check_dead();

  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Machine> machine_;
  std::map<std::string, FunctionId> functions_;
  std::map<std::string, LoweringId> lowerings_;
  std::vector<Handle> held_;
  std::vector<Operation> log_;
  std::vector<std::string> problems_;
  const Operation* now_ = nullptr;
  Seen seen_;
  int depth_ = 0;
  bool replays_ = false;
};

}  // namespace meld_verify::spec
