#include "engine/run/post_mortem.h"

#include <fmt/format.h>

namespace meld_verify::run {
namespace {

/// So many operations of one life are kept: where it came from, and what was done with it last.
constexpr std::size_t kFirst = 2, kMost = 8;

}  // namespace

void PostMortem::table_changed(const spec::TableChange& change) {
  Life& life = lives_[{change.instance.value, change.index.value}];
  if (change.operation == spec::TableOperation::kNew || change.operation == spec::TableOperation::kAdd) {
    life = {};
  }
  if (life.changes.size() == kMost) {
    life.changes.erase(life.changes.begin() + kFirst);
    ++life.left_out;
  }
  life.changes.push_back(change);
}

std::vector<std::string> PostMortem::calls(const Names& names) const {
  std::vector<std::string> lines;
  for (const spec::Crossing& crossing : running_) {
    lines.push_back(fmt::format("{} → {}  {}", names.party(crossing.caller), names.party(crossing.callee),
                                crossing.name));
  }
  return lines;
}

std::vector<std::string> PostMortem::life(const spec::HandlePlace& slot, const Names& names) const {
  const auto found = lives_.find({slot.instance.value, slot.index.value});
  if (found == lives_.end()) {
    return {};
  }
  std::vector<std::string> lines;
  const Life& life = found->second;
  for (std::size_t i = 0; i < life.changes.size(); ++i) {
    if (i == kFirst && life.left_out != 0) {
      lines.push_back(fmt::format("… {} more …", life.left_out));
    }
    const spec::Entry& entry = life.changes[i].entry;
    lines.push_back(fmt::format("{:<7} {} of {} #{}, rep 0x{:x}{}", to_string(life.changes[i].operation),
                                to_string(entry.kind), names.type(entry.tag), entry.object.value,
                                entry.rep.value,
                                entry.lends == 0 ? "" : fmt::format(", lent {} times", entry.lends)));
  }
  return lines;
}

}  // namespace meld_verify::run
