#pragma once

#include <vector>

#include "engine/component/composition.h"
#include "spec/machine.h"

namespace meld_verify::run {

[[nodiscard]] spec::Encoding encoding_of(component::StringEncoding encoding);

/// The types of a composition as the reference machine knows them. Resource types keep their numbers.
class ValueTypes {
 public:
  /// `arena` must outlive this.
  explicit ValueTypes(const component::TypeArena& arena) : arena_(arena), made_(arena.nodes.size()) {}

  /// Made once, then shared.
  [[nodiscard]] spec::TypeRef of(component::TypeId id);
  [[nodiscard]] spec::FunctionType of(component::FuncTypeId id);

 private:
  [[nodiscard]] spec::TypeRef make(const component::TypeNode& node);

  const component::TypeArena& arena_;
  std::vector<spec::TypeRef> made_;
};

}  // namespace meld_verify::run
