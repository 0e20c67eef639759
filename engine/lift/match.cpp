#include "engine/lift/match.h"

#include <algorithm>
#include <deque>

namespace meld_verify::lift {
namespace {

using wasm::IndexSpace;

/// Bytes of a function's body and a little, so that empty ones count too.
std::uint64_t cost_of(const wasm::Function& function) {
  return function.code.end.value - function.code.begin.value + 16;
}

/// Of four functions that stand in a row, three must look alike for the place to be a candidate.
bool enough(std::size_t alike, std::size_t all) {
  return alike * 4 >= all * 3 && alike > 0;
}

}  // namespace

/// One match in the making.
class Matcher::Comparison {
 public:
  Comparison(const Matcher& matcher, CoreModuleId module, bool grows)
      : composed_(matcher.composed_),
        fused_(matcher.fused_),
        module_(composed_.modules[module.value]),
        grows_(grows) {
    match_.module = module;
    match_.functions.resize(module_.functions.size());
    match_.equal.resize(module_.functions.size());
    match_.imports.resize(module_.imported_functions);
    forget_indices();
    for (std::uint32_t i = 0; i < composed_.instances.size() && !any_; ++i) {
      if (composed_.instances[i].module == module) {
        any_ = &composed_.instances[i];
      }
    }
  }

  void propose(std::uint32_t defined, FunctionId function) {
    if (!match_.functions[defined]) {
      match_.functions[defined] = function;
      queue_.push_back(defined);
    }
  }

  /// Compares all that was proposed, and what that leads to.
  Match run() {
    drain();
    if (conflict_) {
      majority();
      match_.imports.assign(match_.imports.size(), {});
      for (std::uint32_t i = 0; i < match_.functions.size(); ++i) {
        match_.equal[i] = false;
        if (match_.functions[i]) {
          queue_.push_back(i);
        }
      }
      fixed_ = true;
      drain();
    }
    match_.different = static_cast<std::size_t>(std::count(match_.equal.begin(), match_.equal.end(), false));
    for (const auto& function : match_.functions) {
      if (function) {
        match_.taken.push_back(*function);
      }
    }
    return std::move(match_);
  }

 private:
  template <class Id>
  struct Votes {
    std::vector<std::map<Id, std::uint32_t>> by_index;
  };

  void forget_indices() {
    match_.memories.assign(module_.memories.size(), {});
    match_.tables.assign(module_.tables.size(), {});
    match_.globals.assign(module_.globals.size(), {});
    match_.data.assign(module_.data.size(), {});
    match_.elements.assign(module_.elements.size(), {});
  }

  void drain() {
    while (!queue_.empty()) {
      const std::uint32_t defined = queue_.front();
      queue_.pop_front();
      match_.equal[defined] = compare(defined);
    }
  }

  FunctionId original(std::uint32_t defined) const {
    return any_->functions[module_.imported_functions + defined];
  }

  bool compare(std::uint32_t defined) {
    const FunctionId function = *match_.functions[defined];
    if (fused_.functions[function.value].kind != LinkedFunction::Kind::kDefined) {
      return false;
    }
    const CoreInstanceId place = fused_.functions[function.value].instance;
    bool agrees = true;
    const bool same = same_body(composed_, original(defined), fused_, function,
                                [&](IndexSpace space, std::uint32_t left, std::uint32_t right) {
                                  const auto fits = index(place, space, left, right);
                                  agrees = agrees && fits.value_or(true);
                                  return fits.has_value();
                                });
    conflict_ = conflict_ || (same && !agrees);
    return same && agrees;
  }

  /// Nothing: there is no such index, or it is out of scope. False: it stands for something else.
  std::optional<bool> index(CoreInstanceId place, IndexSpace space, std::uint32_t left, std::uint32_t right) {
    const LinkedInstance& instance = fused_.instances[place.value];
    const wasm::Module& module = fused_.modules[instance.module.value];
    switch (space) {
      case IndexSpace::kFunc:
        if (left >= module_.function_types.size() || right >= instance.functions.size()) {
          return std::nullopt;
        }
        return function(left, instance.functions[right]);
      case IndexSpace::kMemory:
        return take(match_.memories, memory_votes_, left, instance.memories, right);
      case IndexSpace::kTable:
        return take(match_.tables, table_votes_, left, instance.tables, right);
      case IndexSpace::kGlobal:
        return take(match_.globals, global_votes_, left, instance.globals, right);
      case IndexSpace::kData:
        return segment(match_.data, data_votes_, left, place, right, module.data.size());
      case IndexSpace::kElement:
        return segment(match_.elements, element_votes_, left, place, right, module.elements.size());
      case IndexSpace::kType:
      case IndexSpace::kTag:  // exceptions are out of scope
      case IndexSpace::kLocal:
      case IndexSpace::kLabel:
      case IndexSpace::kField:
        break;
    }
    return std::nullopt;
  }

  bool function(std::uint32_t left, FunctionId right) {
    if (left < module_.imported_functions) {
      auto& targets = match_.imports[left];
      if (std::find(targets.begin(), targets.end(), right) == targets.end()) {
        targets.push_back(right);
      }
      return true;
    }
    const std::uint32_t defined = left - module_.imported_functions;
    auto& expected = match_.functions[defined];
    if (!expected && grows_) {
      propose(defined, right);
    }
    return expected && (*expected == right || fused_.behind(*expected) == fused_.behind(right));
  }

  template <class Id>
  bool vote(std::vector<std::optional<Id>>& taken, Votes<Id>& votes, std::uint32_t left, const Id& right) {
    if (!fixed_) {
      if (votes.by_index.empty()) {
        votes.by_index.resize(taken.size());
      }
      ++votes.by_index[left][right];
    }
    auto& known = taken[left];
    if (!known) {
      known = right;
    }
    return *known == right;
  }
  template <class Id>
  std::optional<bool> take(std::vector<std::optional<Id>>& taken, Votes<Id>& votes, std::uint32_t left,
                           const std::vector<Id>& space, std::uint32_t right) {
    if (left >= taken.size() || right >= space.size()) {
      return std::nullopt;
    }
    return vote(taken, votes, left, space[right]);
  }
  std::optional<bool> segment(std::vector<std::optional<SegmentPlace>>& taken, Votes<SegmentPlace>& votes,
                              std::uint32_t left, CoreInstanceId place, std::uint32_t right,
                              std::size_t size) {
    if (left >= taken.size() || right >= size) {
      return std::nullopt;
    }
    return vote(taken, votes, left, SegmentPlace{place, right});
  }

  template <class Id>
  static void settle(std::vector<std::optional<Id>>& taken, const Votes<Id>& votes) {
    for (std::size_t i = 0; i < votes.by_index.size(); ++i) {
      std::uint32_t most = 0;
      for (const auto& [id, count] : votes.by_index[i]) {
        if (count > most) {
          most = count;
          taken[i] = id;
        }
      }
    }
  }
  /// What most of the code says is what an index stands for; the rest is at fault.
  void majority() {
    settle(match_.memories, memory_votes_);
    settle(match_.tables, table_votes_);
    settle(match_.globals, global_votes_);
    settle(match_.data, data_votes_);
    settle(match_.elements, element_votes_);
  }

  const Image& composed_;
  const Image& fused_;
  const wasm::Module& module_;
  const LinkedInstance* any_ = nullptr;  ///< some core instance of the module
  bool grows_ = false;
  bool fixed_ = false, conflict_ = false;
  Match match_;
  std::deque<std::uint32_t> queue_;
  Votes<MemoryId> memory_votes_;
  Votes<TableId> table_votes_;
  Votes<GlobalId> global_votes_;
  Votes<SegmentPlace> data_votes_, element_votes_;
};

Matcher::Matcher(const Image& composed, const Image& fused) : composed_(composed), fused_(fused) {
  fused_digests_.resize(fused.modules.size());
  instances_of_.resize(fused.modules.size());
  for (std::uint32_t i = 0; i < fused.instances.size(); ++i) {
    instances_of_[fused.instances[i].module.value].emplace_back(i);
  }
  for (std::uint32_t i = 0; i < fused.modules.size(); ++i) {
    if (instances_of_[i].empty()) {
      continue;
    }
    fused_digests_[i] = digests_of(fused, CoreModuleId{i});
    for (std::uint32_t k = 0; k < fused_digests_[i].size(); ++k) {
      places_.emplace_back(fused_digests_[i][k], Place{CoreModuleId{i}, k});
    }
  }
  std::stable_sort(places_.begin(), places_.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  most_work_ = 8 * (composed.bytes.size() + fused.bytes.size()) + 10'000'000;
}

CoreModuleId Matcher::first_equal(CoreModuleId module) {
  const wasm::Module& definition = composed_.modules[module.value];
  const auto bytes_of = [&](const wasm::Module& of) {
    const auto begin = of.sections.empty() ? 0 : of.sections.front().extent.begin.value;
    const auto end = of.sections.empty() ? 0 : of.sections.back().extent.end.value;
    return composed_.bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  };
  const auto bytes = bytes_of(definition);
  std::uint64_t digest = 0xcbf29ce484222325U;
  for (const std::uint8_t byte : bytes) {
    digest = (digest ^ byte) * 0x100000001b3U;
  }
  auto& equal = by_bytes_[{bytes.size(), digest}];
  for (const CoreModuleId other : equal) {
    const auto against = bytes_of(composed_.modules[other.value]);
    if (std::equal(bytes.begin(), bytes.end(), against.begin(), against.end())) {
      return other;
    }
  }
  equal.push_back(module);
  return module;
}

std::vector<Matcher::Start> Matcher::starts_of(const std::vector<std::uint64_t>& digests) {
  const auto range_of = [&](std::uint64_t digest) {
    const auto less = [](const auto& left, const auto& right) {
      if constexpr (std::is_integral_v<std::decay_t<decltype(left)>>) {
        return left < right.first;
      } else {
        return left.first < right;
      }
    };
    return std::pair(std::lower_bound(places_.begin(), places_.end(), digest, less),
                     std::upper_bound(places_.begin(), places_.end(), digest, less));
  };
  // The functions that occur least often, up to a number of them, vote for where the module begins.
  constexpr std::size_t kMostAnchors = 64;
  std::vector<std::pair<std::size_t, std::uint32_t>> anchors;
  for (std::uint32_t i = 0; i < digests.size(); ++i) {
    const auto [begin, end] = range_of(digests[i]);
    if (begin != end) {
      anchors.emplace_back(end - begin, i);
    }
  }
  const std::size_t count = std::min(kMostAnchors, anchors.size());
  std::partial_sort(anchors.begin(), anchors.begin() + static_cast<std::ptrdiff_t>(count), anchors.end());
  anchors.resize(count);
  std::map<std::pair<std::uint32_t, std::int64_t>, std::size_t> votes;
  for (const auto& [occurrences, function] : anchors) {
    if ((work_ += occurrences * 64) > most_work_) {
      exhausted_ = true;
      break;
    }
    const auto [begin, end] = range_of(digests[function]);
    for (auto at = begin; at != end; ++at) {
      ++votes[{at->second.module.value, std::int64_t{at->second.function} - function}];
    }
  }
  std::vector<Start> starts;
  for (const auto& [where, number] : votes) {
    const auto& [module, begin] = where;
    const auto& there = fused_digests_[module];
    if (begin < 0 || static_cast<std::uint64_t>(begin) + digests.size() > there.size() ||
        number * 2 < count) {
      continue;
    }
    if ((work_ += digests.size()) > most_work_) {
      exhausted_ = true;
      break;
    }
    std::size_t alike = 0;
    for (std::size_t i = 0; i < digests.size(); ++i) {
      alike += digests[i] == there[static_cast<std::size_t>(begin) + i] ? 1 : 0;
    }
    if (enough(alike, digests.size())) {
      for (const CoreInstanceId instance : instances_of_[module]) {
        starts.push_back({instance, static_cast<std::uint32_t>(begin)});
      }
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

std::shared_ptr<const Match> Matcher::compare(CoreModuleId module, const Start& start,
                                              const std::vector<std::uint64_t>& digests) {
  Comparison comparison(*this, module, false);
  const LinkedInstance& instance = fused_.instances[start.instance.value];
  const std::uint32_t imported = fused_.modules[instance.module.value].imported_functions;
  for (std::uint32_t i = 0; i < digests.size(); ++i) {
    comparison.propose(i, instance.functions[imported + start.function + i]);
  }
  return std::make_shared<const Match>(comparison.run());
}

const std::vector<std::shared_ptr<const Match>>& Matcher::matches_of(CoreModuleId module) {
  const CoreModuleId first = first_equal(module);
  const auto known = matches_.find(first);
  if (known != matches_.end()) {
    return known->second;
  }
  auto& matches = matches_[first];
  const wasm::Module& definition = composed_.modules[first.value];
  if (definition.functions.empty()) {
    return matches;
  }
  std::uint64_t cost = 0;
  for (const wasm::Function& function : definition.functions) {
    cost += cost_of(function);
  }
  const auto digests = digests_of(composed_, first);
  for (const Start& start : starts_of(digests)) {
    if ((work_ += cost) > most_work_) {
      exhausted_ = true;
      break;
    }
    auto match = compare(first, start, digests);
    if (enough(digests.size() - match->different, digests.size())) {
      matches.push_back(std::move(match));
    }
  }
  if (matches.empty() && (work_ += 2 * cost) <= most_work_) {
    gather(first, digests, matches);
  }
  return matches;
}

void Matcher::gather(CoreModuleId module, const std::vector<std::uint64_t>& digests,
                     std::vector<std::shared_ptr<const Match>>& matches) {
  constexpr std::size_t kLeast = 5;  // fewer look alike by accident
  std::vector<std::uint64_t> sorted = digests;
  std::sort(sorted.begin(), sorted.end());
  Comparison comparison(*this, module, true);
  std::size_t seeds = 0;
  for (std::uint32_t i = 0; i < digests.size(); ++i) {
    const auto place =
        std::lower_bound(places_.begin(), places_.end(), digests[i],
                         [](const auto& left, std::uint64_t digest) { return left.first < digest; });
    const auto mine = std::equal_range(sorted.begin(), sorted.end(), digests[i]);
    if (mine.second - mine.first != 1 || place == places_.end() || place->first != digests[i] ||
        (std::next(place) != places_.end() && std::next(place)->first == digests[i]) ||
        instances_of_[place->second.module.value].size() != 1) {
      continue;
    }
    const LinkedInstance& instance =
        fused_.instances[instances_of_[place->second.module.value].front().value];
    const std::uint32_t imported = fused_.modules[instance.module.value].imported_functions;
    comparison.propose(i, instance.functions[imported + place->second.function]);
    ++seeds;
  }
  if (seeds < kLeast || digests.size() < kLeast) {
    return;
  }
  auto match = std::make_shared<const Match>(comparison.run());
  if (enough(digests.size() - match->different, digests.size())) {
    matches.push_back(std::move(match));
  }
}

std::shared_ptr<const Match> Matcher::grow(CoreModuleId module,
                                           const std::vector<std::pair<std::uint32_t, FunctionId>>& seeds) {
  Comparison comparison(*this, module, true);
  const std::uint32_t imported = composed_.modules[module.value].imported_functions;
  for (const auto& [index, function] : seeds) {
    if (index >= imported) {
      comparison.propose(index - imported, function);
    }
  }
  return std::make_shared<const Match>(comparison.run());
}

}  // namespace meld_verify::lift
