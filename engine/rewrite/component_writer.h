#pragma once

// Writes component binaries (component-model design/mvp/Binary.md), definition by definition. Every
// definition gives its index in the space of its sort.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/component/syntax.h"

namespace meld_verify::rewrite {

using component::syntax::Sort;

/// An item of the component under construction.
struct Item {
  Sort sort = Sort::kFunc;
  std::uint32_t index = 0;
  auto operator<=>(const Item&) const = default;
};

/// What an import is, or an export is ascribed as.
struct Description {
  enum class Kind : std::uint8_t { kFunc, kTypeEq, kTypeSub, kInstance };
  Kind kind = Kind::kFunc;
  std::uint32_t type = 0;  ///< kTypeSub: unused
};

/// Options of a lift or lower, as core indices of the component under construction.
struct Options {
  component::StringEncoding encoding = component::StringEncoding::kUtf8;
  std::optional<std::uint32_t> memory, realloc, post_return;
};

using Bytes = std::vector<std::uint8_t>;

/// A value type where it is used: a primitive one, or a type index.
[[nodiscard]] Bytes value_type(component::TypeKind primitive);
[[nodiscard]] Bytes value_type(std::uint32_t index);

void put_u32(Bytes& out, std::uint32_t value);
void put_text(Bytes& out, std::string_view text);
/// The name of an import or export; `attributes` as they are written, empty for none.
void put_name(Bytes& out, std::string_view name, std::string_view attributes = {});
void put_description(Bytes& out, const Description& what);

/// The declarations of an instance type, in order. Types count from 0 in it.
class InstanceTypeWriter {
 public:
  std::uint32_t type(const Bytes& definition);
  /// A type of the scope around it.
  std::uint32_t alias_outer_type(std::uint32_t index);
  /// Gives the index of the type that the declaration defines, if it does.
  std::optional<std::uint32_t> export_item(std::string_view name, const Description& what);

  /// The type's definition.
  [[nodiscard]] Bytes definition() const;

 private:
  Bytes declarations_;
  std::uint32_t count_ = 0;
  std::uint32_t types_ = 0;
};

class ComponentWriter {
 public:
  ComponentWriter();

  std::uint32_t core_module(std::span<const std::uint8_t> bytes, std::string_view name = {});
  std::uint32_t component(const Bytes& bytes, std::string_view name = {});
  std::uint32_t core_instantiate(std::uint32_t module,
                                 const std::vector<std::pair<std::string, std::uint32_t>>& arguments,
                                 std::string_view name = {});
  std::uint32_t core_bag(const std::vector<std::pair<std::string, Item>>& exports);
  std::uint32_t instantiate(std::uint32_t component,
                            const std::vector<std::pair<std::string, Item>>& arguments);
  std::uint32_t bag(const std::vector<std::pair<std::string, Item>>& exports);
  std::uint32_t alias_core_export(Sort sort, std::uint32_t instance, std::string_view name);
  std::uint32_t alias_export(Sort sort, std::uint32_t instance, std::string_view name);
  std::uint32_t type(const Bytes& definition);
  std::uint32_t resource_type(std::optional<std::uint32_t> destructor);
  std::uint32_t lift(std::uint32_t core_function, const Options& options, std::uint32_t type);
  std::uint32_t lower(std::uint32_t function, const Options& options);
  std::uint32_t resource_new(std::uint32_t type);
  std::uint32_t resource_drop(std::uint32_t type);
  std::uint32_t resource_rep(std::uint32_t type);
  std::uint32_t import(std::string_view name, const Description& what, std::string_view attributes = {});
  /// The export has an index of its own.
  std::uint32_t export_item(std::string_view name, Item item, const std::optional<Description>& ascribed = {},
                            std::string_view attributes = {});

  /// How many definitions of a sort there are so far.
  [[nodiscard]] std::uint32_t count(Sort sort) const { return counts_[static_cast<std::size_t>(sort)]; }

  /// The component, with a name section for what was given names.
  [[nodiscard]] Bytes finish();

 private:
  Bytes& entry(std::uint8_t section);
  void flush();
  void section(std::uint8_t id, std::span<const std::uint8_t> content);
  std::uint32_t next(Sort sort) { return counts_[static_cast<std::size_t>(sort)]++; }
  void name(Sort sort, std::uint32_t index, std::string_view text);

  struct Name {
    Sort sort;
    std::uint32_t index;
    std::string text;
  };
  Bytes out_;
  std::uint8_t open_ = 0;  ///< the section that `content_` will be, or 0
  std::uint32_t entries_ = 0;
  Bytes content_;
  std::uint32_t counts_[static_cast<std::size_t>(Sort::kInstance) + 1] = {};
  std::vector<Name> names_;
};

}  // namespace meld_verify::rewrite
