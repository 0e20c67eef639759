#pragma once

// Component binaries for tests, written section by section. Names follow the text format.

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace meld_verify::component::build {

using Bytes = std::vector<std::uint8_t>;

inline Bytes cat(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

inline Bytes u32(std::uint32_t value) {
  Bytes out;
  for (; value > 0x7f; value >>= 7) {
    out.push_back(static_cast<std::uint8_t>((value & 0x7f) | 0x80));
  }
  out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

inline Bytes text(std::string_view name) {
  return cat({u32(static_cast<std::uint32_t>(name.size())), Bytes(name.begin(), name.end())});
}

inline Bytes vec(const std::vector<Bytes>& items) {
  Bytes all = u32(static_cast<std::uint32_t>(items.size()));
  for (const Bytes& item : items) {
    all.insert(all.end(), item.begin(), item.end());
  }
  return all;
}

/// A component-level name without attributes.
inline Bytes name(std::string_view plain) {
  return cat({{0x00}, text(plain)});
}

// --- value types

inline const Bytes kU8{0x7d}, kS32{0x7a}, kU64{0x77}, kString{0x73}, kErrorContext{0x64};

/// A type index where a value type may stand: a signed number.
inline Bytes index(std::uint32_t type) {
  Bytes out = u32(type);
  if ((out.back() & 0x40) != 0) {
    out.back() |= 0x80;
    out.push_back(0x00);
  }
  return out;
}
using Fields = std::vector<std::pair<std::string_view, Bytes>>;
inline Bytes labelled(const Fields& fields) {
  std::vector<Bytes> items;
  for (const auto& [label, type] : fields) {
    items.push_back(cat({text(label), type}));
  }
  return vec(items);
}
inline Bytes maybe(const Bytes& type) {
  return type.empty() ? Bytes{0x00} : cat({{0x01}, type});
}
inline Bytes record(const Fields& fields) {
  return cat({{0x72}, labelled(fields)});
}
/// Cases with an empty type have no payload.
inline Bytes variant(const Fields& cases) {
  std::vector<Bytes> items;
  for (const auto& [label, type] : cases) {
    items.push_back(cat({text(label), maybe(type), {0x00}}));
  }
  return cat({{0x71}, vec(items)});
}
inline Bytes list(const Bytes& element) {
  return cat({{0x70}, element});
}
inline Bytes fixed_list(const Bytes& element, std::uint32_t length) {
  return cat({{0x67}, element, u32(length)});
}
inline Bytes tuple(const std::vector<Bytes>& elements) {
  return cat({{0x6f}, vec(elements)});
}
inline Bytes labels(std::uint8_t opcode, const std::vector<std::string_view>& names) {
  std::vector<Bytes> items;
  for (const std::string_view label : names) {
    items.push_back(text(label));
  }
  return cat({{opcode}, vec(items)});
}
inline Bytes flags(const std::vector<std::string_view>& names) {
  return labels(0x6e, names);
}
inline Bytes enumeration(const std::vector<std::string_view>& names) {
  return labels(0x6d, names);
}
inline Bytes option(const Bytes& type) {
  return cat({{0x6b}, type});
}
inline Bytes result(const Bytes& ok, const Bytes& error) {
  return cat({{0x6a}, maybe(ok), maybe(error)});
}
inline Bytes own(std::uint32_t resource) {
  return cat({{0x69}, u32(resource)});
}
inline Bytes borrow(std::uint32_t resource) {
  return cat({{0x68}, u32(resource)});
}
inline Bytes stream(const Bytes& type) {
  return cat({{0x66}, maybe(type)});
}
inline Bytes future(const Bytes& type) {
  return cat({{0x65}, maybe(type)});
}
inline Bytes map(const Bytes& key, const Bytes& value) {
  return cat({{0x63}, key, value});
}

// --- other types

/// A function; an empty `returned` is no result.
inline Bytes func(const Fields& params, const Bytes& returned = {}, bool async = false) {
  return cat({{static_cast<std::uint8_t>(async ? 0x43 : 0x40)},
              labelled(params),
              returned.empty() ? Bytes{0x01, 0x00} : cat({{0x00}, returned})});
}
inline const Bytes kResource{0x3f, 0x7f, 0x00};
inline Bytes resource_with_destructor(std::uint32_t core_func) {
  return cat({{0x3f, 0x7f, 0x01}, u32(core_func)});
}
inline Bytes instance_type(const std::vector<Bytes>& decls) {
  return cat({{0x42}, vec(decls)});
}
inline Bytes component_type(const std::vector<Bytes>& decls) {
  return cat({{0x41}, vec(decls)});
}
inline Bytes type_decl(const Bytes& type) {
  return cat({{0x01}, type});
}
inline Bytes export_decl(std::string_view plain, const Bytes& what) {
  return cat({{0x04}, name(plain), what});
}
inline Bytes import_decl(std::string_view plain, const Bytes& what) {
  return cat({{0x03}, name(plain), what});
}

// --- what an import or export is

inline Bytes module_of(std::uint32_t type) {
  return cat({{0x00, 0x11}, u32(type)});
}
inline Bytes func_of(std::uint32_t type) {
  return cat({{0x01}, u32(type)});
}
inline Bytes value_of(const Bytes& type) {
  return cat({{0x02, 0x01}, type});
}
inline Bytes eq(std::uint32_t type) {
  return cat({{0x03, 0x00}, u32(type)});
}
inline const Bytes kSubResource{0x03, 0x01};
inline Bytes component_of(std::uint32_t type) {
  return cat({{0x04}, u32(type)});
}
inline Bytes instance_of(std::uint32_t type) {
  return cat({{0x05}, u32(type)});
}

// --- sorts

inline const Bytes kCoreFunc{0x00, 0x00}, kCoreMemory{0x00, 0x02}, kCoreModule{0x00, 0x11}, kFunc{0x01},
    kValue{0x02}, kType{0x03}, kComponent{0x04}, kInstance{0x05};

inline Bytes with(std::string_view label, const Bytes& sort, std::uint32_t at) {
  return cat({text(label), sort, u32(at)});
}

// --- definitions

inline Bytes instantiate(std::uint32_t component, const std::vector<Bytes>& arguments = {}) {
  return cat({{0x00}, u32(component), vec(arguments)});
}
inline Bytes bag_item(std::string_view label, const Bytes& sort, std::uint32_t at) {
  return cat({name(label), sort, u32(at)});
}
inline Bytes bag(const std::vector<Bytes>& items) {
  return cat({{0x01}, vec(items)});
}
inline Bytes core_instantiate(std::uint32_t module,
                              const std::vector<std::pair<std::string_view, std::uint32_t>>& arguments = {}) {
  std::vector<Bytes> items;
  for (const auto& [label, at] : arguments) {
    items.push_back(cat({text(label), {0x12}, u32(at)}));
  }
  return cat({{0x00}, u32(module), vec(items)});
}
/// `core_sort` is the one byte after 0x00 of a core sort.
inline Bytes core_bag(const std::vector<std::pair<std::string_view, std::uint32_t>>& items,
                      std::uint8_t core_sort = 0x00) {
  std::vector<Bytes> all;
  for (const auto& [label, at] : items) {
    all.push_back(cat({text(label), {core_sort}, u32(at)}));
  }
  return cat({{0x01}, vec(all)});
}
inline Bytes alias_export(const Bytes& sort, std::uint32_t instance, std::string_view label) {
  return cat({sort, {0x00}, u32(instance), text(label)});
}
inline Bytes alias_core(const Bytes& sort, std::uint32_t instance, std::string_view label) {
  return cat({sort, {0x01}, u32(instance), text(label)});
}
inline Bytes alias_outer(const Bytes& sort, std::uint32_t out, std::uint32_t at) {
  return cat({sort, {0x02}, u32(out), u32(at)});
}
inline Bytes lift(std::uint32_t core_func, std::uint32_t type, const std::vector<Bytes>& options = {}) {
  return cat({{0x00, 0x00}, u32(core_func), vec(options), u32(type)});
}
inline Bytes lower(std::uint32_t func_index, const std::vector<Bytes>& options = {}) {
  return cat({{0x01, 0x00}, u32(func_index), vec(options)});
}
inline Bytes memory_option(std::uint32_t at) {
  return cat({{0x03}, u32(at)});
}
inline Bytes realloc_option(std::uint32_t at) {
  return cat({{0x04}, u32(at)});
}
inline Bytes resource_op(std::uint8_t opcode, std::uint32_t type) {
  return cat({{opcode}, u32(type)});
}
inline Bytes import(std::string_view plain, const Bytes& what) {
  return cat({name(plain), what});
}
inline Bytes export_item(std::string_view plain, const Bytes& sort, std::uint32_t at,
                         const Bytes& ascribed = {}) {
  return cat({name(plain), sort, u32(at), maybe(ascribed)});
}

/// A component: sections in the order in which they are added.
class Component {
 public:
  Component& section(std::uint8_t number, const Bytes& content) {
    bytes_ = cat({bytes_, {number}, u32(static_cast<std::uint32_t>(content.size())), content});
    return *this;
  }
  Component& core_module(const Bytes& module) { return section(1, module); }
  Component& core_instances(const std::vector<Bytes>& items) { return section(2, vec(items)); }
  Component& core_types(const std::vector<Bytes>& items) { return section(3, vec(items)); }
  Component& component(const Component& nested) { return section(4, nested.bytes_); }
  Component& instances(const std::vector<Bytes>& items) { return section(5, vec(items)); }
  Component& aliases(const std::vector<Bytes>& items) { return section(6, vec(items)); }
  Component& types(const std::vector<Bytes>& items) { return section(7, vec(items)); }
  Component& canons(const std::vector<Bytes>& items) { return section(8, vec(items)); }
  Component& imports(const std::vector<Bytes>& items) { return section(10, vec(items)); }
  Component& exports(const std::vector<Bytes>& items) { return section(11, vec(items)); }
  Component& values(const std::vector<Bytes>& items) { return section(12, vec(items)); }
  /// The name section: the component's own name, and names of one sort.
  Component& names(std::string_view own, const Bytes& sort = {},
                   const std::vector<std::pair<std::uint32_t, std::string_view>>& items = {}) {
    Bytes content = text("component-name");
    const auto subsection = [&](std::uint8_t number, const Bytes& inner) {
      content = cat({content, {number}, u32(static_cast<std::uint32_t>(inner.size())), inner});
    };
    subsection(0, text(own));
    if (!sort.empty()) {
      std::vector<Bytes> named;
      for (const auto& [at, label] : items) {
        named.push_back(cat({u32(at), text(label)}));
      }
      subsection(1, cat({sort, vec(named)}));
    }
    return section(0, content);
  }

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_{0x00, 'a', 's', 'm', 0x0d, 0x00, 0x01, 0x00};
};

/// A core module with a function "f" ([] -> []), a memory "m" and a function "realloc" ([i32 i32 i32 i32] ->
/// [i32]).
inline Bytes core_module() {
  const auto part = [](std::uint8_t number, const Bytes& content) {
    return cat({{number}, u32(static_cast<std::uint32_t>(content.size())), content});
  };
  return cat(
      {{0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00},
       part(1, {2, 0x60, 0, 0, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f}),
       part(3, {2, 0, 1}),
       part(5, {1, 0, 1}),
       part(7, vec({cat({text("f"), {0, 0}}), cat({text("realloc"), {0, 1}}), cat({text("m"), {2, 0}})})),
       part(10, {2, 2, 0, 0x0b, 4, 0, 0x41, 0, 0x0b})});
}

/// A component whose core function 0 is "f", 1 is "realloc" and memory 0 is "m", all of core instance 0.
inline Component with_core() {
  Component made;
  made.core_module(core_module()).core_instances({core_instantiate(0)});
  made.aliases(
      {alias_core(kCoreFunc, 0, "f"), alias_core(kCoreFunc, 0, "realloc"), alias_core(kCoreMemory, 0, "m")});
  return made;
}

}  // namespace meld_verify::component::build
