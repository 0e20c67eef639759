#pragma once

// Makes a `World` of what an evaluation knows at its end.

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/component/scope.h"
#include "engine/component/world.h"

namespace meld_verify::component {

class WorldBuilder {
 public:
  using Items = std::vector<std::pair<std::string_view, Entity>>;

  /// Components, core modules and values are left out: the evaluation lists them as unsupported. What is
  /// nested more than `most_depth` deep is left out too. Attributes are those of the names, in order.
  [[nodiscard]] World build(const Items& imports, const std::vector<std::string_view>& import_attributes,
                            const Items& exports, const std::vector<std::string_view>& export_attributes,
                            unsigned most_depth);

 private:
  std::vector<WorldItem> items(const Items& from, const std::vector<std::string_view>& attributes,
                               bool exported, unsigned depth);
  WrittenId written(const Written* type);
  WrittenId definition(const Written& type);
  std::optional<WrittenRef> reference(const std::optional<syntax::ValType>& type, const Scope& scope);
  std::vector<WrittenMember> members(const std::vector<syntax::LabelType>& from, const Scope& scope);

  World world_;
  std::unordered_map<const Written*, WrittenId> known_;
  std::unordered_map<const InstanceValue*, std::uint32_t> imported_;
  std::uint32_t functions_ = 0;
  unsigned most_depth_ = 0;
};

}  // namespace meld_verify::component
