#pragma once

// Which core instance of the composed file lies where in the fused one.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/lift/calls.h"
#include "engine/lift/match.h"

namespace meld_verify::lift {

enum class Placed : std::uint8_t {
  kAt,         ///< at `match`
  kNotNeeded,  ///< it holds nothing but forwarders, which are seen through, or no code at all
  kLost,       ///< another core instance has taken its only places
  kNowhere,    ///< nothing looks like it
  kAmbiguous,  ///< several places are as good, and it matters which
};

struct InstancePlace {
  Placed placed = Placed::kNowhere;
  std::shared_ptr<const Match> match;  ///< kAt only
};

/// Where each core instance lies. The choice among equal places is the one under which most of what guests
/// call (through whatever was generated between them), and what the world's exports lead to, arrives where
/// the composed file says; places that nothing tells apart are taken in order.
class Placement {
 public:
  Placement(const component::Composition& composition, const Image& composed, const Image& fused);

  /// By the composed file's core instances.
  [[nodiscard]] const std::vector<InstancePlace>& places() const { return places_; }
  /// The first core instance of five functions or more of which there is no trace.
  [[nodiscard]] std::optional<CoreInstanceId> stranger() const { return stranger_; }
  /// There were too many equal places to look at all of them.
  [[nodiscard]] bool exhausted() const { return exhausted_ || matcher_.exhausted(); }

 private:
  using Matches = std::vector<std::shared_ptr<const Match>>;

  /// A function of one core instance calls (through canonical definitions or not) a function of another.
  struct Relation {
    std::optional<CoreInstanceId> caller;  ///< nothing: the world, whose calls arrive at `targets`
    std::uint32_t import = 0;
    std::vector<FunctionId> targets;
    CoreInstanceId callee;
    std::uint32_t function = 0;  ///< of the callee's module, of those that it defines
    bool direct = false;         ///< nothing lies between
  };
  /// How well relations are kept: how many there are, are kept, or cannot be told.
  struct Score {
    std::size_t all = 0, kept = 0, unclear = 0;
  };

  void find_candidates();
  void drop_accidents();
  void find_relations();
  void find_anchors();
  void relate(Relation relation, FunctionId target);
  /// What a function leads to first.
  struct FirstGuests {
    std::vector<FunctionId> functions;  ///< ascending
    bool all = true;                    ///< all of the code between could be read
  };
  const FirstGuests& first_guests(FunctionId function, bool through_small);
  [[nodiscard]] const Match* match_of(CoreInstanceId instance) const {
    return places_[instance.value].match.get();
  }
  [[nodiscard]] bool arrives(const Relation& relation, const Match* caller, FunctionId function);
  [[nodiscard]] bool holds(const Relation& relation, const Match* caller, const Match& callee);
  [[nodiscard]] Score score(CoreInstanceId instance, CoreInstanceId other);

  void place_all();
  void index_candidates();
  void block(const Match* match);
  void release(const Match& match);
  bool place_forced();
  bool place_voted();
  bool place_first();
  void place(CoreInstanceId instance, const std::shared_ptr<const Match>& match);
  void vote(const Relation& relation);
  [[nodiscard]] Matches free_candidates(CoreInstanceId instance) const;
  void place_rest();
  [[nodiscard]] bool agrees(CoreInstanceId instance, CoreInstanceId other, const Match& match) const;
  bool grow_from_callers();
  [[nodiscard]] bool is_clear(const Relation& relation, const Match* caller);
  void compare_exchanges();
  void exchange(const std::vector<CoreInstanceId>& group, std::vector<CoreInstanceId>& ambiguous);
  void move_to_free(const std::vector<CoreInstanceId>& group, std::vector<CoreInstanceId>& ambiguous);

  const component::Composition& composition_;
  const Image& composed_;
  const Image& fused_;
  Matcher matcher_;
  std::vector<InstancePlace> places_;
  std::vector<bool> open_;  ///< by core instance: to be placed still
  std::vector<Matches> candidates_;
  std::vector<Relation> relations_;
  std::vector<std::vector<std::size_t>> related_;  ///< by core instance: its relations
  std::vector<bool> guest_, small_guest_;          ///< by the fused file's functions
  std::map<std::pair<FunctionId, bool>, FirstGuests> first_guests_;
  std::map<std::pair<CoreInstanceId, const Match*>, std::size_t> votes_;
  std::map<const Match*, std::vector<CoreInstanceId>> wanting_;
  std::vector<std::vector<const Match*>> matches_at_;  ///< by the fused file's functions
  std::vector<std::uint32_t> wanted_;  ///< by the same: by how many pairs of open instance and free match
  std::set<const Match*> blocked_;     ///< no longer free
  std::array<std::uint32_t, 2> first_open_{};  ///< of large modules, of small ones: none before has a place
  std::optional<CoreInstanceId> stranger_;
  std::size_t questions_ = 0;
  bool hurried_ = false;    ///< too many equal places: they are taken in order
  bool exhausted_ = false;  ///< and that is not good enough
};

}  // namespace meld_verify::lift
