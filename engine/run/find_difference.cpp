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
  Search(const lift::Pair& pair, const ReplayLimits& limits, const std::vector<component::CanonId>& through)
      : pair_(pair), limits_(limits), through_(through), exports_(callable(pair)) {}

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
    const bool gets_there =
        through_.empty() || std::any_of(through_.begin(), through_.end(), [&](auto canon) {
          const auto& called = replay.composed.called;
          return std::find(called.begin(), called.end(), canon) != called.end();
        });
    const auto kind = replay.difference.kind;
    if (!gets_there && kind != RunDifference::Kind::kIncomparable) {
      ++elsewhere_;
      if (runs_ == 1) {
        best_ = std::move(replay);
      }
      return false;
    }
    const bool found = kind != RunDifference::Kind::kNone && kind != RunDifference::Kind::kIncomparable;
    if (kind == RunDifference::Kind::kNone) {
      ++compared_;
    } else if (why_not_.empty()) {
      why_not_ = replay.difference.sentence;
    }
    if (found || (kind == RunDifference::Kind::kNone && compared_ == 1) || runs_ == 1) {
      best_ = std::move(replay);
      best_.runs = runs_;
    }
    return found;
  }

  Replay nothing() {
    best_.runs = runs_;
    RunDifference& difference = best_.difference;
    if (compared_ == 0 && elsewhere_ > 0) {
      difference = {};
      difference.sentence = fmt::format("no call of the world's exports gets there ({} {})", elsewhere_,
                                        elsewhere_ == 1 ? "run" : "runs");
    } else if (compared_ > 0 && exports_.empty()) {
      difference.kind = RunDifference::Kind::kNone;
      difference.sentence =
          "the world exports no function that can be called, and its start shows no difference";
    } else if (compared_ == 0) {
      difference.kind = RunDifference::Kind::kIncomparable;
      difference.sentence = "the files cannot be compared by running them: " + why_not_;
    } else {
      difference.kind = RunDifference::Kind::kNone;
      difference.sentence =
          fmt::format("no call of the world's exports{} shows a difference ({} {})",
                      through_.empty() ? "" : " that gets there", compared_, compared_ == 1 ? "run" : "runs");
    }
    return std::move(best_);
  }

  const lift::Pair& pair_;
  const ReplayLimits& limits_;
  const std::vector<component::CanonId>& through_;
  std::vector<const WorldExport*> exports_;
  std::size_t runs_ = 0, compared_ = 0, elsewhere_ = 0;
  std::uint64_t steps_ = 0;
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
                       const std::vector<component::CanonId>& through) {
  return Search(pair, limits, through).run();
}

}  // namespace meld_verify::run
