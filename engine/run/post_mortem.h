#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/run/event_log.h"

namespace meld_verify::run {

/// Remembers what there is to say should the program trap: the calls that are running, and the life of what
/// each table slot holds. Takes memory by the largest table, not by the length of the run.
class PostMortem : public spec::Observer {
 public:
  void entered(const spec::Crossing& crossing) override { running_.push_back(crossing); }
  void left(const spec::Crossing&) override { running_.pop_back(); }
  void table_changed(const spec::TableChange& change) override;

  /// One line for each running call, outermost first.
  [[nodiscard]] std::vector<std::string> calls(const Names& names) const;
  /// One line for each operation on the slot since what it holds now, or held last, was put there; of many
  /// the first and the last ones.
  [[nodiscard]] std::vector<std::string> life(const spec::HandlePlace& slot, const Names& names) const;

 private:
  struct Life {
    std::vector<spec::TableChange> changes;
    std::size_t left_out = 0;
  };
  std::vector<spec::Crossing> running_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Life> lives_;  ///< by instance and index
};

}  // namespace meld_verify::run
