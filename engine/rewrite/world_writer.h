#pragma once

// The outside of the flat component: the root's imports and exports, with the types and names that they have
// in the composed one.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rewrite/component_writer.h"
#include "engine/rewrite/type_scope.h"
#include "engine/wasm/diagnostic.h"

namespace meld_verify::rewrite {

class WorldWriter {
 public:
  /// Keeps references to both.
  WorldWriter(const World& world, ComponentWriter& out);

  /// Writes the imports.
  void imports();
  /// The component function that the world imports; none if there is no such.
  [[nodiscard]] std::optional<std::uint32_t> function(component::HostFuncId id);
  /// A guest's resource type has been defined as type `index`.
  void define_resource(component::ResourceId resource, std::uint32_t index);
  /// The type that this resource type is outside; none for a guest's that is not defined there.
  [[nodiscard]] std::optional<std::uint32_t> resource_type(component::ResourceId resource);
  /// Writes the exports. `lift` gives the component function for an export, and is told its type.
  void exports(const std::function<std::uint32_t(const component::WorldFunc&, std::uint32_t type)>& lift);

  /// Why the world could not be written.
  [[nodiscard]] const std::optional<wasm::Diagnostic>& failure() const { return failure_; }

 private:
  using Lift = std::function<std::uint32_t(const component::WorldFunc&, std::uint32_t)>;
  /// A type that an instance of the root exports.
  struct OfInstance {
    std::uint32_t instance;
    std::string name;
  };

  void fail(std::string code, const std::string& sentence);
  void import_instance(const component::WorldItem& item, const component::WorldInstance& what);
  void register_types(const std::vector<component::WorldItem>& items, std::uint32_t instance);
  /// The names that a type has without being another type: of imports, up to one of an export.
  [[nodiscard]] std::vector<WrittenId> same_as(WrittenId id) const;
  [[nodiscard]] std::optional<std::uint32_t> outside(WrittenId id);
  [[nodiscard]] bool is_resource(WrittenId id) const;
  std::uint32_t type(WrittenId id);
  std::uint32_t lifted(const component::WorldFunc& func, const Lift& lift);
  /// An instance with these exports.
  std::uint32_t instance(std::string_view label, const component::WorldInstance& what, const Lift& lift);
  std::uint32_t shim(std::string_view label, const component::WorldInstance& what, const Lift& lift);

  const World& world_;
  ComponentWriter& out_;
  TypeScope root_;
  std::map<WrittenId, OfInstance> of_instances_;
  std::map<component::ResourceId, std::uint32_t> defined_;
  std::map<component::ResourceId, WrittenId> imported_resources_;
  std::vector<std::uint32_t> import_instances_;  ///< by import: its instance, if it is one
  struct HostFunction {
    std::optional<std::uint32_t> index;
    std::uint32_t instance = 0;
    std::string name;
  };
  std::map<component::HostFuncId, HostFunction> functions_;
  std::optional<wasm::Diagnostic> failure_;
};

}  // namespace meld_verify::rewrite
