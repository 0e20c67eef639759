#include "engine/lift/placement.h"

#include <algorithm>

#include "engine/lift/forward.h"

namespace meld_verify::lift {
namespace {

constexpr std::size_t kLargeModule = 5;           ///< functions; fewer can look alike by accident
constexpr std::size_t kMostPairs = 50'000;        ///< of a core instance and a place for it
constexpr std::size_t kMostWanted = 100'000'000;  ///< functions of all those places
constexpr std::size_t kMostQuestions = 5'000'000;
constexpr std::size_t kMostBetween = 2000;  ///< functions between a guest and the next
constexpr std::size_t kMostExchanged = 24;  ///< equal places of one module that are exchanged in pairs

}  // namespace

Placement::Placement(const component::Composition& composition, const Image& composed, const Image& fused)
    : composition_(composition),
      composed_(composed),
      fused_(fused),
      matcher_(composed, fused),
      places_(composed.instances.size()),
      open_(composed.instances.size()),
      candidates_(composed.instances.size()),
      related_(composed.instances.size()),
      guest_(fused.functions.size()),
      small_guest_(fused.functions.size()) {
  find_candidates();
  find_relations();
  find_anchors();
  index_candidates();
  place_all();
}

void Placement::find_candidates() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const CoreInstanceId id{i};
    const LinkedInstance& instance = composed_.instances[i];
    const wasm::Module& module = composed_.module_of(id);
    bool needed = false;
    for (std::size_t k = module.imported_functions; k < instance.functions.size() && !needed; ++k) {
      needed = !leads_through_table(composed_, instance.functions[k]);
    }
    if (!needed) {
      places_[i].placed = Placed::kNotNeeded;
      continue;
    }
    open_[i] = true;
    candidates_[i] = matcher_.matches_of(instance.module);
    if (candidates_[i].empty() && module.functions.size() >= kLargeModule && !stranger_ &&
        !matcher_.exhausted()) {
      stranger_ = id;
    }
  }
  drop_accidents();
  for (const Matches& matches : candidates_) {
    for (const auto& match : matches) {
      auto& marks = match->functions.size() >= kLargeModule ? guest_ : small_guest_;
      for (const FunctionId function : match->taken) {
        marks[function.value] = true;
      }
    }
  }
}

/// A few functions that look like a small module's, in the midst of a large one, are no place for it when
/// there is another.
void Placement::drop_accidents() {
  std::vector<bool> in_large(fused_.functions.size());
  for (const Matches& matches : candidates_) {
    for (const auto& match : matches) {
      for (const FunctionId function : match->taken) {
        in_large[function.value] = in_large[function.value] || match->functions.size() >= kLargeModule;
      }
    }
  }
  for (Matches& matches : candidates_) {
    if (matches.empty() || matches.front()->functions.size() >= kLargeModule) {
      continue;
    }
    Matches kept;
    for (const auto& match : matches) {
      if (std::none_of(match->taken.begin(), match->taken.end(),
                       [&](FunctionId function) { return in_large[function.value]; })) {
        kept.push_back(match);
      }
    }
    if (!kept.empty()) {
      matches = std::move(kept);
    }
  }
}

void Placement::relate(Relation relation, FunctionId target) {
  // A shim in between leads on; what a guest's own function leads to is the guest's business.
  const auto instance_of = [&](FunctionId function) {
    return composed_.functions[function.value].instance.value;
  };
  const auto defined = [&](FunctionId function) {
    return composed_.functions[function.value].kind == LinkedFunction::Kind::kDefined;
  };
  if (defined(target) && !open_[instance_of(target)]) {
    target = composed_.behind(target);
  }
  if (!defined(target) || !open_[instance_of(target)]) {
    return;
  }
  const LinkedFunction& linked = composed_.functions[target.value];
  if (relation.caller == linked.instance) {
    return;
  }
  relation.callee = linked.instance;
  relation.function = linked.index - composed_.module_of(linked.instance).imported_functions;
  if (relation.caller) {
    related_[relation.caller->value].push_back(relations_.size());
  }
  related_[relation.callee.value].push_back(relations_.size());
  relations_.push_back(std::move(relation));
}

void Placement::find_relations() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const LinkedInstance& instance = composed_.instances[i];
    if (!open_[i]) {
      continue;
    }
    for (std::uint32_t k = 0; k < composed_.module_of(CoreInstanceId{i}).imported_functions; ++k) {
      Relation relation{.caller = CoreInstanceId{i},
                        .import = k,
                        .targets = {},
                        .callee = {},
                        .function = 0,
                        .direct = true};
      const FunctionId end = composed_.behind(instance.functions[k]);
      if (composed_.functions[end.value].kind != LinkedFunction::Kind::kCanon) {
        relate(std::move(relation), instance.functions[k]);
      } else if (const auto target = target_of(composed_, composed_.functions[end.value].canon)) {
        relation.direct = false;
        relate(std::move(relation), *target);
      }
    }
  }
}

/// What the world calls by one name in both files.
void Placement::find_anchors() {
  const auto core_of = [](const component::Composition& composition, const Image& image,
                          const component::WorldExport& item) -> std::optional<FunctionId> {
    const auto* canon = std::get_if<CanonId>(&item.func);
    const auto* lift =
        canon == nullptr ? nullptr : std::get_if<component::Lift>(&composition.canons[canon->value].what);
    return lift == nullptr ? std::nullopt : image.function_of(lift->core);
  };
  std::map<std::pair<std::string, std::string>, FunctionId> of_fused;
  if (fused_.composition != nullptr) {
    for (const component::WorldExport& item : fused_.composition->exports) {
      if (const auto core = core_of(*fused_.composition, fused_, item)) {
        of_fused.emplace(std::pair(item.interface_name, item.name), *core);
      }
    }
  }
  for (const component::WorldExport& item : composition_.exports) {
    const auto core = core_of(composition_, composed_, item);
    std::optional<FunctionId> target;
    if (fused_.composition != nullptr) {
      const auto place = of_fused.find({item.interface_name, item.name});
      target = place == of_fused.end() ? std::nullopt : std::optional(place->second);
    } else {
      const auto place = fused_.exports[0].find(
          item.interface_name.empty() ? item.name : item.interface_name + "#" + item.name);
      if (place != fused_.exports[0].end()) {
        const wasm::CoreExport& found = fused_.modules[0].exports[place->second];
        if (found.kind == wasm::ExternKind::kFunc) {
          target = fused_.instances[0].functions[found.index];
        }
      }
    }
    if (core && target) {
      relate({.caller = {}, .import = 0, .targets = {*target}, .callee = {}, .function = 0, .direct = false},
             *core);
    }
  }
}

/// The guests' functions that a function leads to first, itself included, in ascending order; through those
/// of small modules, too, if asked for.
const Placement::FirstGuests& Placement::first_guests(FunctionId function, bool through_small) {
  const auto [place, is_new] = first_guests_.try_emplace({function, through_small});
  if (is_new) {
    Walk walk(fused_);
    walk.add(function);
    walk.run(
        [&](FunctionId reached) {
          return guest_[reached.value] || (!through_small && small_guest_[reached.value]);
        },
        kMostBetween);
    place->second.all = walk.complete();
    for (const FunctionId reached : walk.order()) {
      if (guest_[reached.value] || small_guest_[reached.value]) {
        place->second.functions.push_back(reached);
      }
    }
    std::sort(place->second.functions.begin(), place->second.functions.end());
  }
  return place->second;
}

/// Whether it can be told where it leads, even if that is nowhere.
bool Placement::is_clear(const Relation& relation, const Match* caller) {
  const auto& targets = relation.caller ? caller->imports[relation.import] : relation.targets;
  return std::all_of(targets.begin(), targets.end(),
                     [&](FunctionId target) { return first_guests(target, true).all; });
}

bool Placement::arrives(const Relation& relation, const Match* caller, FunctionId function) {
  const auto& targets = relation.caller ? caller->imports[relation.import] : relation.targets;
  for (const bool through_small : {false, true}) {
    for (const FunctionId target : targets) {
      if (++questions_ > kMostQuestions) {
        hurried_ = exhausted_ = true;
        return false;
      }
      const auto& guests = first_guests(target, through_small).functions;
      if (std::binary_search(guests.begin(), guests.end(), function)) {
        return true;
      }
    }
    // Small modules may only look like guests: what lies behind them counts where they are not meant.
    const auto& callee = candidates_[relation.callee.value];
    questions_ += callee.size() * targets.size();
    const bool some = std::any_of(callee.begin(), callee.end(), [&](const auto& match) {
      return std::any_of(targets.begin(), targets.end(), [&](FunctionId target) {
        const auto& guests = first_guests(target, false).functions;
        return match->functions[relation.function] &&
               std::binary_search(guests.begin(), guests.end(), *match->functions[relation.function]);
      });
    });
    if (some) {
      return false;
    }
  }
  return false;
}

bool Placement::holds(const Relation& relation, const Match* caller, const Match& callee) {
  const auto& function = callee.functions[relation.function];
  return (!relation.caller || caller != nullptr) && function && arrives(relation, caller, *function);
}

void Placement::vote(const Relation& relation) {
  const Match* caller = relation.caller ? match_of(*relation.caller) : nullptr;
  if (open_[relation.callee.value] && (caller != nullptr || !relation.caller)) {
    for (const auto& match : candidates_[relation.callee.value]) {
      votes_[{relation.callee, match.get()}] += holds(relation, caller, *match) ? 1 : 0;
    }
  }
  const Match* callee = match_of(relation.callee);
  if (relation.caller && open_[relation.caller->value] && callee != nullptr) {
    for (const auto& match : candidates_[relation.caller->value]) {
      votes_[{*relation.caller, match.get()}] += holds(relation, match.get(), *callee) ? 1 : 0;
    }
  }
}

void Placement::index_candidates() {
  std::size_t pairs = 0;
  std::size_t functions = 0;
  for (const Matches& matches : candidates_) {
    pairs += matches.size();
    functions += matches.empty() ? 0 : matches.size() * matches.front()->functions.size();
  }
  hurried_ = pairs > kMostPairs || functions > kMostWanted;
  matches_at_.resize(fused_.functions.size());
  wanted_.resize(fused_.functions.size());
  for (std::uint32_t i = 0; i < candidates_.size(); ++i) {
    for (const auto& match : candidates_[i]) {
      auto& wanting = wanting_[match.get()];
      for (const FunctionId function : match->taken) {
        if (wanting.empty()) {
          matches_at_[function.value].push_back(match.get());
        }
        if (!hurried_) {
          ++wanted_[function.value];
        }
      }
      wanting.emplace_back(i);
    }
  }
}

/// An open instance and a free match are no pair any more.
void Placement::release(const Match& match) {
  for (const FunctionId function : match.taken) {
    --wanted_[function.value];
  }
}

void Placement::block(const Match* match) {
  if (!blocked_.insert(match).second || hurried_) {
    return;
  }
  for (const CoreInstanceId instance : wanting_[match]) {
    if (open_[instance.value]) {
      release(*match);
    }
  }
}

Placement::Matches Placement::free_candidates(CoreInstanceId instance) const {
  Matches matches;
  for (const auto& match : candidates_[instance.value]) {
    if (blocked_.count(match.get()) == 0) {
      matches.push_back(match);
    }
  }
  return matches;
}

void Placement::place(CoreInstanceId instance, const std::shared_ptr<const Match>& match) {
  places_[instance.value] = {Placed::kAt, match};
  open_[instance.value] = false;
  for (const auto& other : candidates_[instance.value]) {
    if (blocked_.count(other.get()) == 0 && !hurried_) {
      release(*other);
    }
  }
  for (const FunctionId function : match->taken) {
    for (const Match* other : matches_at_[function.value]) {
      block(other);
    }
  }
  for (const std::size_t relation : related_[instance.value]) {
    vote(relations_[relation]);
  }
}

/// Those that have one place, which no other wants.
bool Placement::place_forced() {
  bool any = false;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (!open_[i]) {
      continue;
    }
    const Matches matches = free_candidates(CoreInstanceId{i});
    if (matches.size() == 1 &&
        std::all_of(matches.front()->taken.begin(), matches.front()->taken.end(),
                    [&](FunctionId function) { return wanted_[function.value] == 1; })) {
      place(CoreInstanceId{i}, matches.front());
      any = true;
    }
  }
  return any;
}

/// The one whose best place has the most votes above its second best.
bool Placement::place_voted() {
  std::size_t best_margin = 0;
  std::size_t best_votes = 0;
  CoreInstanceId best;
  std::shared_ptr<const Match> place_for;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (!open_[i]) {
      continue;
    }
    std::size_t first = 0;
    std::size_t second = 0;
    std::shared_ptr<const Match> match;
    for (const auto& candidate : free_candidates(CoreInstanceId{i})) {
      const auto votes = votes_.find({CoreInstanceId{i}, candidate.get()});
      const std::size_t count = votes == votes_.end() ? 0 : votes->second;
      if (count > first) {
        second = std::exchange(first, count);
        match = candidate;
      } else {
        second = std::max(second, count);
      }
    }
    if (match && std::pair(first - second, first) > std::pair(best_margin, best_votes)) {
      best_margin = first - second;
      best_votes = first;
      best = CoreInstanceId{i};
      place_for = match;
    }
  }
  if (place_for && best_margin > 0) {
    place(best, place_for);
    return true;
  }
  return false;
}

/// Nothing tells: large modules first, in order, where the fewest functions differ.
bool Placement::place_first() {
  for (const bool large : {true, false}) {
    for (std::uint32_t& i = first_open_[large ? 0 : 1]; i < places_.size(); ++i) {
      if (!open_[i] || large != (composed_.module_of(CoreInstanceId{i}).functions.size() >= kLargeModule)) {
        continue;
      }
      const Matches matches = free_candidates(CoreInstanceId{i});
      const auto match = std::min_element(
          matches.begin(), matches.end(),
          [](const auto& left, const auto& right) { return left->different < right->different; });
      if (match != matches.end()) {
        place(CoreInstanceId{i}, *match);
        return true;
      }
    }
  }
  return false;
}

void Placement::place_all() {
  for (const Relation& relation : relations_) {
    if (!relation.caller) {
      vote(relation);
    }
  }
  while (!hurried_ && place_forced()) {
  }
  while ((!hurried_ && place_voted()) || place_first()) {
    while (!hurried_ && place_forced()) {
    }
  }
  place_rest();
  for (std::size_t rounds = 0; rounds < 100 && grow_from_callers(); ++rounds) {
  }
  compare_exchanges();
}

/// Whether two core instances could be one: of one module, with the same imports and no state of their own.
bool Placement::agrees(CoreInstanceId instance, CoreInstanceId other, const Match& match) const {
  const LinkedInstance& one = composed_.instances[instance.value];
  const LinkedInstance& two = composed_.instances[other.value];
  for (std::size_t i = 0; i < match.memories.size(); ++i) {
    if (match.memories[i] && one.memories[i] != two.memories[i]) {
      return false;
    }
  }
  for (std::size_t i = 0; i < match.tables.size(); ++i) {
    if (match.tables[i] && one.tables[i] != two.tables[i]) {
      return false;
    }
  }
  for (std::size_t i = 0; i < match.globals.size(); ++i) {
    if (match.globals[i] && one.globals[i] != two.globals[i]) {
      return false;
    }
  }
  for (std::size_t i = 0; i < match.imports.size(); ++i) {
    if (!match.imports[i].empty() &&
        composed_.behind(one.functions[i]) != composed_.behind(two.functions[i])) {
      return false;
    }
  }
  return true;
}

/// Those that have no place of their own: what has no state may share one.
void Placement::place_rest() {
  std::map<const Match*, CoreInstanceId> holders;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (places_[i].match) {
      holders.emplace(places_[i].match.get(), CoreInstanceId{i});
    }
  }
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (!open_[i]) {
      continue;
    }
    for (const auto& match : candidates_[i]) {
      const auto holder = holders.find(match.get());
      if (holder == holders.end()) {
        continue;
      }
      places_[i].placed = Placed::kLost;
      if (agrees(CoreInstanceId{i}, holder->second, *match)) {
        places_[i] = {Placed::kAt, match};
        open_[i] = false;
        break;
      }
    }
  }
}

/// Small modules that are nowhere in one piece: from the functions that placed ones call.
bool Placement::grow_from_callers() {
  std::map<CoreInstanceId, std::vector<std::pair<std::uint32_t, FunctionId>>> seeds;
  for (const Relation& relation : relations_) {
    if (!relation.direct || !open_[relation.callee.value] || !match_of(*relation.caller) ||
        places_[relation.callee.value].placed != Placed::kNowhere) {
      continue;
    }
    const std::uint32_t imported = composed_.module_of(relation.callee).imported_functions;
    for (const FunctionId target : match_of(*relation.caller)->imports[relation.import]) {
      seeds[relation.callee].emplace_back(imported + relation.function, fused_.behind(target));
    }
  }
  bool any = false;
  for (const auto& [instance, pairs] : seeds) {
    auto match = matcher_.grow(composed_.instances[instance.value].module, pairs);
    if (match->different < match->functions.size()) {
      places_[instance.value] = {Placed::kAt, match};
      open_[instance.value] = false;
      any = true;
    }
  }
  return any;
}

/// How well the relations of two instances are kept as they are placed now.
Placement::Score Placement::score(CoreInstanceId instance, CoreInstanceId other) {
  Score score;
  std::vector<std::size_t> relations = related_[instance.value];
  relations.insert(relations.end(), related_[other.value].begin(), related_[other.value].end());
  std::sort(relations.begin(), relations.end());
  relations.erase(std::unique(relations.begin(), relations.end()), relations.end());
  for (const std::size_t number : relations) {
    const Relation& relation = relations_[number];
    const Match* caller = relation.caller ? match_of(*relation.caller) : nullptr;
    const Match* callee = match_of(relation.callee);
    if (callee == nullptr || (relation.caller && caller == nullptr) ||
        (caller != nullptr && caller->imports[relation.import].empty())) {
      continue;
    }
    ++score.all;
    if (holds(relation, caller, *callee)) {
      ++score.kept;
    } else if (!is_clear(relation, caller)) {
      ++score.unclear;
    }
  }
  return score;
}

/// Equal places may be exchanged: for the better, or so that it cannot be told which is right. Where no
/// exchange keeps more relations and all code between could be read, each assignment is as good, and as bad,
/// as the other.
void Placement::compare_exchanges() {
  std::map<const Match*, std::vector<CoreInstanceId>> groups;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (places_[i].match && candidates_[i].size() > 1) {
      groups[candidates_[i].front().get()].emplace_back(i);
    }
  }
  std::vector<CoreInstanceId> ambiguous;
  for (const auto& [first, group] : groups) {
    const bool all_kept = std::all_of(group.begin(), group.end(), [&](CoreInstanceId instance) {
      const Score now = score(instance, instance);
      return now.kept == now.all;
    });
    if (all_kept) {
      continue;
    }
    if (candidates_[group.front().value].size() > kMostExchanged) {
      exhausted_ = true;
      continue;
    }
    exchange(group, ambiguous);
    move_to_free(group, ambiguous);
  }
  for (const CoreInstanceId instance : ambiguous) {
    places_[instance.value] = {Placed::kAmbiguous, nullptr};
  }
}

void Placement::exchange(const std::vector<CoreInstanceId>& group, std::vector<CoreInstanceId>& ambiguous) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (std::size_t k = i + 1; k < group.size(); ++k) {
      auto& one = places_[group[i].value].match;
      auto& two = places_[group[k].value].match;
      if (one == two || one->different != two->different) {
        continue;
      }
      const Score now = score(group[i], group[k]);
      std::swap(one, two);
      const Score exchanged = score(group[i], group[k]);
      if (exchanged.kept <= now.kept) {
        std::swap(one, two);
      }
      if (exchanged.kept == now.kept && now.unclear > 0) {
        ambiguous.push_back(group[i]);
        ambiguous.push_back(group[k]);
      }
    }
  }
}

/// Of more places than core instances some stay free: perhaps the better ones.
void Placement::move_to_free(const std::vector<CoreInstanceId>& group,
                             std::vector<CoreInstanceId>& ambiguous) {
  for (const CoreInstanceId instance : group) {
    for (const auto& candidate : free_candidates(instance)) {
      auto& match = places_[instance.value].match;
      if (candidate->different != match->different) {
        continue;
      }
      const Score now = score(instance, instance);
      const auto before = std::exchange(match, candidate);
      const Score moved = score(instance, instance);
      if (moved.kept == now.kept && now.unclear > 0) {
        ambiguous.push_back(instance);
      }
      if (moved.kept <= now.kept) {
        match = before;
        continue;
      }
      blocked_.erase(before.get());
      blocked_.insert(match.get());
    }
  }
}

}  // namespace meld_verify::lift
