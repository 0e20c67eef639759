// Which calls of the world's exports show a difference.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/run/fused_program.h"

namespace meld_verify::run {
namespace {

using component::WorldExport;

/// By type: whether a stream, a future or an error context is in it.
std::vector<bool> strange_types(const component::TypeArena& types) {
  std::vector<bool> strange;
  for (const component::TypeNode& node : types.nodes) {  // members come first
    strange.push_back(node.kind == component::TypeKind::kStream ||
                      node.kind == component::TypeKind::kFuture ||
                      node.kind == component::TypeKind::kErrorContext ||
                      std::any_of(node.members.begin(), node.members.end(), [&](const auto& member) {
                        return member.type && strange[member.type->value];
                      }));
  }
  return strange;
}

class Search {
 public:
  Search(const lift::Pair& pair, const ReplayLimits& limits, const std::vector<component::CanonId>& about)
      : pair_(pair), limits_(limits), about_(about), exports_(callable(pair)) {}

  Replay run() {
    if (exports_.empty() && shows({})) {  // start functions run all the same
      return std::move(best_);
    }
    for (const Filling filling : {Filling::kEmpty, Filling::kFull}) {
      for (const WorldExport* item : exports_) {
        if (!(filling == Filling::kFull && is_plain(*item)) && shows({{item, std::nullopt, filling}})) {
          return std::move(best_);
        }
      }
    }
    if (exports_.size() > 1) {
      for (const Filling filling : {Filling::kEmpty, Filling::kFull}) {
        std::vector<WorldCall> all;
        bool plain = true;
        for (const WorldExport* item : exports_) {
          all.push_back({item, std::nullopt, filling});
          plain = plain && is_plain(*item);
        }
        if (!(filling == Filling::kFull && plain) && shows(all)) {
          return std::move(best_);
        }
      }
    }
    for (const Filling filling : {Filling::kFull, Filling::kEmpty}) {
      for (const WorldExport* first : exports_) {
        for (const WorldExport* second : exports_) {
          const std::vector<WorldCall> both{{first, std::nullopt, filling}, {second, std::nullopt, filling}};
          const bool again = filling == Filling::kEmpty && is_plain(*first) && is_plain(*second);
          if (!again && shows(both)) {
            return std::move(best_);
          }
        }
      }
    }
    return nothing();
  }

 private:
  /// Without parameters: there is one way to call it.
  bool is_plain(const WorldExport& item) const { return pair_.composed.types[item.type].params.empty(); }

  /// Whether the calls show a difference, which is kept then.
  bool shows(const std::vector<WorldCall>& calls) {
    const std::uint64_t size = pair_.composed_image.bytes.size() + pair_.fused_image.bytes.size();
    if (runs_ >= limits_.runs || steps_ >= limits_.all_steps || runs_ * size >= limits_.all_bytes) {
      return false;
    }
    ++runs_;
    Replay replay = run::replay(pair_, calls, limits_);
    steps_ += replay.composed.steps + replay.fused.steps;
    const auto kind = replay.difference.kind;
    const bool found = kind != RunDifference::Kind::kNone && kind != RunDifference::Kind::kIncomparable;
    if (kind == RunDifference::Kind::kNone) {
      ++compared_;
    } else if (why_not_.empty()) {
      why_not_ = replay.difference.sentence;
    }
    replay.to_the_point = is_to_the_point(replay);
    const bool enough = found && replay.to_the_point;
    if (enough || (found && !found_) || (!found_ && kind == RunDifference::Kind::kNone && compared_ == 1) ||
        runs_ == 1) {
      best_ = std::move(replay);
      best_.runs = runs_;
    }
    found_ = found_ || found;
    return enough;
  }

  bool is_to_the_point(const Replay& replay) const {
    return about_.empty() || std::any_of(about_.begin(), about_.end(), [&](component::CanonId canon) {
             return reaches(pair_, replay.composed, canon) || reaches(pair_, replay.fused, canon);
           });
  }

  Replay nothing() {
    if (found_) {
      return std::move(best_);
    }
    best_.runs = runs_;
    RunDifference& difference = best_.difference;
    if (compared_ > 0 && exports_.empty()) {
      difference.kind = RunDifference::Kind::kNone;
      difference.sentence =
          "the world exports no function that can be called, and its start shows no difference";
    } else if (compared_ == 0) {
      difference.kind = RunDifference::Kind::kIncomparable;
      difference.sentence = "the files cannot be compared by running them: " + why_not_;
    } else {
      difference.kind = RunDifference::Kind::kNone;
      difference.sentence = fmt::format("no call of the world's exports shows a difference ({} {})",
                                        compared_, compared_ == 1 ? "run" : "runs");
    }
    return std::move(best_);
  }

  const lift::Pair& pair_;
  const ReplayLimits& limits_;
  const std::vector<component::CanonId>& about_;
  std::vector<const WorldExport*> exports_;
  std::size_t runs_ = 0, compared_ = 0;
  std::uint64_t steps_ = 0;
  bool found_ = false;  ///< `best_` has a difference
  std::string why_not_;
  Replay best_;
};

}  // namespace

std::vector<const WorldExport*> callable(const lift::Pair& pair) {
  std::vector<const WorldExport*> found;
  const component::TypeArena& types = pair.composed.types;
  const std::vector<bool> strange = strange_types(types);
  for (const WorldExport& item : pair.composed.exports) {
    const component::FuncType& type = types[item.type];
    const bool out_of_scope = type.async || (type.result && strange[type.result->value]) ||
                              std::any_of(type.params.begin(), type.params.end(),
                                          [&](const auto& param) { return strange[param.type.value]; });
    if (!out_of_scope && std::holds_alternative<component::CanonId>(item.func)) {
      found.push_back(&item);
    }
  }
  return found;
}

Replay find_difference(const lift::Pair& pair, const ReplayLimits& limits,
                       const std::vector<component::CanonId>& about) {
  return Search(pair, limits, about).run();
}

}  // namespace meld_verify::run
