#pragma once

// Tables and types of a plan, from the functions that keep a fuser's handles.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/lift/boundary.h"
#include "engine/routing/unique_ids.h"

namespace meld_verify::lift {

/// Gives each table function its table and its type key in a plan, and tells which resource type of the
/// composed file a key stands for. Tables and keys are made as they are met: those that make entries are to
/// be met before all others.
class HandleTables {
 public:
  /// All must outlive it. `plan` has no tables and types yet.
  HandleTables(const Pair& pair, const topology::Topology& topology, TableFunctions& functions,
               routing::Plan& plan);

  struct Home {
    routing::TableId table;
    routing::TypeKeyId type;
    bool operator==(const Home&) const = default;
  };

  /// What a function works on. Where several tables or types of one would do (they lie in one memory and
  /// their entries look alike), `preferred` if it is one of them, else what is in its table.
  [[nodiscard]] Home home_of(FunctionId function, std::optional<Home> preferred = {});

  /// To be told before `settle_types`: that the definer of `resource` makes its handles with `function`, or
  /// that some instance knows handles that `function` works on as `resource`.
  void makes(FunctionId function, topology::ResourceId resource);
  void handles(FunctionId function, topology::ResourceId resource);

  /// The composed file's resource types whose destructors the drop of an own entry runs. That of an import of
  /// a core module is what its type's canonical built-in would run, known once types are settled.
  [[nodiscard]] std::vector<topology::ResourceId> destroyed_by(const TableFunction& drop,
                                                               const std::vector<DestructorCall>& calls);
  /// Whether each function that is called as a destructor is one.
  [[nodiscard]] bool destroys_only_resources(const std::vector<DestructorCall>& calls) const;
  /// What the drop of an entry that `make` made runs; nothing where it is not always the same or not known.
  [[nodiscard]] std::optional<std::vector<DestructorCall>> run_by(FunctionId make, FunctionId drop) const;
  /// Functions met that make entries of a table.
  [[nodiscard]] std::vector<FunctionId> makers_of(routing::TableId table) const;

  /// Decides what each key stands for, and fills in the tables' properties and the remaining keys.
  void settle_types();
  /// The key of a resource type for views that no function was met for.
  [[nodiscard]] routing::TypeKeyId key_of(topology::ResourceId resource) const;
  /// The same, of entries in the canonical table.
  [[nodiscard]] routing::TypeKeyId canonical_key_of(topology::ResourceId resource) const;
  /// The fused component's resource types with entries in the canonical table: which, and their keys.
  [[nodiscard]] const std::map<std::uint32_t, routing::TypeKeyId>& canonical_types() const {
    return canonical_keys_;
  }
  /// The guest's function that is a resource type's destructor, in the fused file.
  [[nodiscard]] std::optional<FunctionId> destructor_of(topology::ResourceId resource) const;

  /// Functions that were met, by table.
  [[nodiscard]] const std::vector<std::set<FunctionId>>& met() const { return met_; }
  /// Sentences about functions whose properties could not be told.
  struct Doubt {
    FunctionId function;
    routing::TableId table;
    std::string sentence;
  };
  [[nodiscard]] const std::vector<Doubt>& doubts() const { return doubts_; }

 private:
  [[nodiscard]] std::optional<topology::ResourceId> dropped_host_type(FunctionId function) const;
  /// Tables whose entries the function works on.
  const std::vector<Home>& candidates(FunctionId function);
  routing::TableId add_table(std::string id, const TableFunction& function);
  routing::TypeKeyId canonical_key(const TableFunction& function);
  routing::TypeKeyId add_key(std::string id);
  void meet(FunctionId function, routing::TableId table);
  void describe(routing::TableId table);
  void unite_types();
  /// Whether it is known what the drop runs for each maker of the table.
  [[nodiscard]] bool drops_are_known(FunctionId drop, routing::TableId table) const;

  const Pair& pair_;
  const topology::Topology& topology_;
  TableFunctions& functions_;
  routing::Plan& plan_;
  routing::UniqueIds ids_, key_ids_, symbols_;
  std::map<FunctionId, Home> homes_;                 ///< of functions that make entries, and canonical ones
  std::vector<std::pair<FunctionId, Home>> makers_;  ///< one for each emulated table
  std::map<std::uint32_t, routing::TypeKeyId> canonical_keys_;  ///< by the fused component's resource
  std::map<std::string, routing::TypeKeyId> import_keys_;       ///< by the name that imports share
  std::map<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>, Home> orphans_;
  std::map<FunctionId, std::vector<Home>> candidates_;
  std::vector<std::set<FunctionId>> met_;
  std::map<FunctionId, std::vector<topology::ResourceId>> destructor_of_;
  std::vector<std::vector<topology::ResourceId>> made_, destroyed_, handled_;  ///< by key
  std::vector<Doubt> doubts_;
  bool settled_ = false;
};

}  // namespace meld_verify::lift
