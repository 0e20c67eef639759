#pragma once

// Types of a written world, put into one scope of the component under construction.

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "engine/component/world.h"
#include "engine/rewrite/component_writer.h"

namespace meld_verify::rewrite {

using component::World;
using component::WrittenId;
using component::WrittenType;

/// A component, or an instance type. A written type goes by the name that it was given here, or the type that
/// it names does, and so on; else by what the scope around knows it as; else it is defined anew.
class TypeScope {
 public:
  /// `define` adds a type definition to the scope. `outside` gives the index that a type has in this scope
  /// because the scope around knows it; it may add an alias or an import to this scope.
  TypeScope(const World& world, std::function<std::uint32_t(const Bytes&)> define,
            std::function<std::optional<std::uint32_t>(WrittenId)> outside);

  /// The type's index in this scope. Of a resource type that is not known here: nothing.
  [[nodiscard]] std::optional<std::uint32_t> index_of(WrittenId id);
  /// As `index_of`, without defining anything.
  [[nodiscard]] std::optional<std::uint32_t> find(WrittenId id);
  /// The index that this very type was given by `name`.
  [[nodiscard]] std::optional<std::uint32_t> named(WrittenId id) const;
  /// From here on the type goes by `index`, and so do those that it names, up to one that has a name of its
  /// own here.
  void name(WrittenId id, std::uint32_t index);

 private:
  [[nodiscard]] std::optional<Bytes> definition(const WrittenType& type);
  [[nodiscard]] std::optional<Bytes> reference(const component::WrittenRef& type);
  bool put_members(Bytes& out, const WrittenType& type, bool labels, bool optional);

  const World& world_;
  std::function<std::uint32_t(const Bytes&)> define_;
  std::function<std::optional<std::uint32_t>(WrittenId)> outside_;
  std::unordered_map<std::uint32_t, std::uint32_t> defined_;
  std::unordered_map<std::uint32_t, std::uint32_t> named_;
};

}  // namespace meld_verify::rewrite
