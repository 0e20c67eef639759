#pragma once

// The evaluation of a file, split over evaluate.cpp (instances, canons, exports), open_type.cpp (what is
// imported) and finish.cpp (names).

#include <deque>
#include <string>
#include <unordered_map>

#include "engine/component/evaluate.h"
#include "engine/component/type_table.h"

namespace meld_verify::component {

class Evaluator {
 public:
  Evaluator(syntax::File file, std::string_view name, Budget& budget);
  /// Sets `world`, if given, to the root's world.
  [[nodiscard]] wasm::Expected<Composition> run(World* world);

 private:
  using Arguments = std::unordered_map<std::string_view, Entity>;

  // --- failures stick; the place is that of the definition being evaluated
  [[nodiscard]] bool ok() const { return !failure_.has_value(); }
  void fail(std::string code, std::string sentence,
            wasm::DiagnosticKind kind = wasm::DiagnosticKind::kBadInput);
  void unsupported(InstanceId instance, std::string code, std::string sentence);
  bool in_range(std::uint32_t index, std::size_t size, std::string_view what);
  bool spend(std::uint64_t cost);
  /// A name that the result keeps a copy of, and so do the topology and the plan.
  bool spend_name(std::string_view name) { return spend(4 * name.size()); }

  // --- evaluate.cpp
  InstanceRef instantiate(const ComponentValue& component, const Arguments* arguments,
                          std::optional<InstanceId> parent, std::string name, unsigned depth);
  void definition(const syntax::Definition& definition, Scope& scope, const syntax::ComponentDef& def,
                  const Arguments* arguments, InstanceValue& exports, unsigned depth);
  void core_instantiate(const syntax::CoreInstantiate& what, Scope& scope);
  void core_bag(const syntax::CoreBag& what, Scope& scope);
  void instance(const syntax::Instantiate& what, Scope& scope, const syntax::ComponentDef& def,
                unsigned depth);
  void alias(const syntax::Alias& what, Scope& scope);
  void alias_export(const syntax::Alias& what, Scope& scope);
  void alias_core_export(const syntax::Alias& what, Scope& scope);
  void alias_outer(const syntax::Alias& what, Scope& scope);
  [[nodiscard]] bool has_resource(const TypeValue& type) const;
  void type(const syntax::TypeDecl& what, Scope& scope, const syntax::ComponentDef* def);
  void lift(const syntax::LiftDef& what, Scope& scope);
  void lower(const syntax::LowerDef& what, Scope& scope);
  void resource_builtin(const syntax::ResourceDef& what, Scope& scope);
  void export_item(const syntax::Export& what, Scope& scope, InstanceValue& exports);
  CanonOptions options(const syntax::CanonOpts& what, const Scope& scope);
  void need_options(const CanonOptions& options, FuncTypeId type, bool lifted);
  CanonId add_canon(InstanceId owner, decltype(Canon::what) what);
  std::optional<Entity> entity(const syntax::SortIndex& item, const Scope& scope);
  void push(Entity entity, Scope& scope);
  std::vector<CoreItem>* core_space(syntax::Sort sort, Scope& scope);
  std::optional<CoreItem> core_export(const CoreInstanceValue& instance, std::string_view name,
                                      CoreSort sort);

  // --- open_type.cpp
  void import_item(const syntax::Import& what, Scope& scope, const Arguments* arguments);
  /// The instance of type `type` whose exports are `actual`'s, or the host's where that is null, with the
  /// names that the type gives them.
  InstanceRef open(const TypeValue& type, const InstanceValue* actual, std::string_view label,
                   InstanceId instance, unsigned depth);
  std::optional<Entity> described(const syntax::Extern& what, Scope& scope, const Entity* actual, bool host,
                                  std::string_view interface_name, std::string_view name, unsigned depth);
  const Written* name_of(std::string_view name, const Written* target, WrittenType::Kind kind);
  ResourceId host_resource(std::string_view interface_name, std::string_view name);
  bool same_type(const TypeValue& declared, const TypeValue& actual);

  // --- finish.cpp
  void name_imports(InstanceId instance, const Entity& entity, std::string_view name);
  void name_exports(InstanceId instance, const InstanceValue& exports);
  void list_world_exports(const InstanceValue& exports, const std::string& interface_name, unsigned depth);
  void finish();

  const syntax::File file_;  ///< without its modules, which are in `out_`
  std::string_view name_;
  Budget& budget_;
  Composition out_;
  TypeTable types_;
  std::deque<Scope> scopes_;  ///< all that were made: closures point into it
  std::deque<Written> written_;
  std::vector<std::pair<std::string_view, Entity>> root_imports_;
  std::optional<std::string> narrowed_;                                  ///< World::narrowed
  std::vector<std::string_view> import_attributes_, export_attributes_;  ///< of the root, in order
  std::vector<std::unordered_map<std::string_view, CoreSort>>
      module_exports_;                        ///< by module, made on first use
  std::vector<std::string> resource_labels_;  ///< from name sections, parallel to the resources
  wasm::ByteOffset at_;
  std::optional<wasm::Diagnostic> failure_;
};

}  // namespace meld_verify::component
