#include "engine/rewrite/world_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "engine/wasm/printable.h"

namespace meld_verify::rewrite {

using component::ResourceId;
using component::WorldFunc;
using component::WorldInstance;
using component::WorldItem;
using component::WorldType;
using Kind = WrittenType::Kind;

namespace {

/// "import-type-thing", as far as names allow it, and no other name of `taken`.
std::string import_name(std::string_view what, std::string_view name, std::set<std::string>& taken) {
  std::string made = fmt::format("import-{}-", what);
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      made += made.back() == '-' && std::isdigit(static_cast<unsigned char>(c)) != 0 ? fmt::format("n{}", c)
                                                                                     : std::string(1, c);
    } else if (made.back() != '-') {
      made += '-';
    }
  }
  while (made.back() == '-') {
    made.pop_back();
  }
  const std::string base = made;
  for (int number = 2; !taken.insert(made).second; ++number) {
    made = fmt::format("{}-n{}", base, number);
  }
  return made;
}

}  // namespace

WorldWriter::WorldWriter(const World& world, ComponentWriter& out)
    : world_(world),
      out_(out),
      root_(
          world, [this](const Bytes& definition) { return out_.type(definition); },
          [this](WrittenId id) { return outside(id); }) {}

void WorldWriter::fail(std::string code, const std::string& sentence) {
  if (!failure_) {
    wasm::Diagnostic& why = failure_.emplace();
    why.kind = wasm::DiagnosticKind::kUnsupported;
    why.code = std::move(code);
    why.sentence = "instance root: " + sentence;
  }
}

std::vector<WrittenId> WorldWriter::same_as(WrittenId id) const {
  std::vector<WrittenId> same{id};
  while (world_.types[id.value].kind == Kind::kImported) {
    id = *world_.types[id.value].target;
    same.push_back(id);
  }
  // A value type's definition may have several names; a resource type has one here.
  if (world_.types[same.back().value].kind == Kind::kValue) {
    same.pop_back();
  }
  return same;
}

std::optional<std::uint32_t> WorldWriter::outside(WrittenId id) {
  if (const auto place = of_instances_.find(id); place != of_instances_.end()) {
    const std::uint32_t index = out_.alias_export(Sort::kType, place->second.instance, place->second.name);
    for (const WrittenId same : same_as(id)) {
      root_.name(same, index);
    }
    return index;
  }
  const WrittenType& type = world_.types[id.value];
  if (type.kind == Kind::kResource) {
    if (const auto place = defined_.find(type.resource); place != defined_.end()) {
      return place->second;
    }
  }
  return std::nullopt;
}

bool WorldWriter::is_resource(WrittenId id) const {
  while (world_.types[id.value].kind == Kind::kImported || world_.types[id.value].kind == Kind::kExported) {
    id = *world_.types[id.value].target;
  }
  return world_.types[id.value].kind == Kind::kResource;
}

std::uint32_t WorldWriter::type(WrittenId id) {
  const auto index = root_.index_of(id);
  if (!index) {
    fail("outer-type", "a type of its world names a resource type that is not known outside");
    return 0;
  }
  return *index;
}

void WorldWriter::define_resource(ResourceId resource, std::uint32_t index) {
  defined_.emplace(resource, index);
}

std::optional<std::uint32_t> WorldWriter::resource_type(ResourceId resource) {
  if (const auto place = defined_.find(resource); place != defined_.end()) {
    return place->second;
  }
  const auto place = imported_resources_.find(resource);
  return place == imported_resources_.end() ? std::nullopt : root_.find(place->second);
}

// --- imports

void WorldWriter::imports() {
  for (const WorldItem& item : world_.imports) {
    import_instances_.push_back(0);
    if (const auto* func = std::get_if<WorldFunc>(&item.what)) {
      const std::uint32_t index =
          out_.import(item.name, {Description::Kind::kFunc, type(func->type)}, item.attributes);
      functions_.emplace(std::get<component::HostFuncId>(func->func),
                         HostFunction{.index = index, .instance = 0, .name = {}});
    } else if (const auto* named = std::get_if<WorldType>(&item.what)) {
      const auto known = is_resource(named->type) ? root_.find(named->type) : root_.index_of(named->type);
      const std::uint32_t index =
          known ? out_.import(item.name, {Description::Kind::kTypeEq, *known}, item.attributes)
                : out_.import(item.name, {Description::Kind::kTypeSub, 0}, item.attributes);
      const std::vector<WrittenId> same = same_as(named->type);
      root_.name(named->type, index);
      const WrittenType& last = world_.types[same.back().value];
      if (last.kind == Kind::kResource) {
        imported_resources_.emplace(last.resource, named->type);
      }
    } else {
      import_instance(item, std::get<WorldInstance>(item.what));
    }
  }
}

void WorldWriter::import_instance(const WorldItem& item, const WorldInstance& what) {
  InstanceTypeWriter made;
  TypeScope scope(
      world_, [&](const Bytes& definition) { return made.type(definition); },
      [&](WrittenId id) -> std::optional<std::uint32_t> {
        // Values that the root defines for itself are no types of its world.
        std::optional<std::uint32_t> known = root_.named(id);
        if (!known) {
          known = outside(id);
        }
        if (!known) {
          return std::nullopt;
        }
        const std::uint32_t index = made.alias_outer_type(*known);
        scope.name(id, index);
        return index;
      });
  std::vector<std::pair<component::HostFuncId, std::string>> functions;
  for (const WorldItem& inner : what.items) {
    if (const auto* func = std::get_if<WorldFunc>(&inner.what)) {
      const auto type_index = scope.index_of(func->type);
      if (!type_index) {
        return fail("outer-type",
                    fmt::format("the type of the import {} names a resource type that is not known outside",
                                wasm::printable(inner.name)));
      }
      made.export_item(inner.name, {Description::Kind::kFunc, *type_index});
      functions.emplace_back(std::get<component::HostFuncId>(func->func), inner.name);
    } else if (const auto* named = std::get_if<WorldType>(&inner.what)) {
      const auto known = is_resource(named->type) ? scope.find(named->type) : scope.index_of(named->type);
      const auto index = made.export_item(inner.name, known ? Description{Description::Kind::kTypeEq, *known}
                                                            : Description{Description::Kind::kTypeSub, 0});
      scope.name(named->type, *index);
    } else {
      return fail("nested-instance",
                  fmt::format("the import {} has an instance inside", wasm::printable(item.name)));
    }
  }
  const std::uint32_t index =
      out_.import(item.name, {Description::Kind::kInstance, out_.type(made.definition())}, item.attributes);
  import_instances_.back() = index;
  for (auto& [id, name] : functions) {
    functions_.emplace(id, HostFunction{.index = {}, .instance = index, .name = std::move(name)});
  }
  register_types(what.items, index);
}

void WorldWriter::register_types(const std::vector<WorldItem>& items, std::uint32_t instance) {
  for (const WorldItem& item : items) {
    if (const auto* named = std::get_if<WorldType>(&item.what)) {
      for (const WrittenId same : same_as(named->type)) {
        if (root_.named(same) || of_instances_.contains(same)) {
          break;
        }
        const WrittenType& last = world_.types[same.value];
        if (last.kind == Kind::kResource && !defined_.contains(last.resource)) {
          imported_resources_.emplace(last.resource, named->type);
        }
        of_instances_.emplace(same, OfInstance{instance, item.name});
      }
    }
  }
}

std::optional<std::uint32_t> WorldWriter::function(component::HostFuncId id) {
  const auto place = functions_.find(id);
  if (place == functions_.end()) {
    return std::nullopt;
  }
  HostFunction& function = place->second;
  if (!function.index) {
    function.index = out_.alias_export(Sort::kFunc, function.instance, function.name);
  }
  return function.index;
}

// --- exports

std::uint32_t WorldWriter::lifted(const WorldFunc& func, const Lift& lift) {
  if (const auto* host = std::get_if<component::HostFuncId>(&func.func)) {
    const auto index = function(*host);
    if (!index) {
      fail("host-function", "an exported function is one of the host's that is not imported by name");
    }
    return index.value_or(0);
  }
  return lift(func, type(func.type));
}

void WorldWriter::exports(const Lift& lift) {
  if (world_.narrowed) {
    return fail("narrowed-export", fmt::format("its export {} is ascribed as another instance type",
                                               wasm::printable(*world_.narrowed)));
  }
  for (const WorldItem& item : world_.exports) {
    if (failure_) {
      return;
    }
    if (const auto* func = std::get_if<WorldFunc>(&item.what)) {
      const std::uint32_t index = lifted(*func, lift);
      out_.export_item(item.name, {Sort::kFunc, index},
                       Description{Description::Kind::kFunc, type(func->type)}, item.attributes);
    } else if (const auto* named = std::get_if<WorldType>(&item.what)) {
      const std::uint32_t index = out_.export_item(
          item.name, {Sort::kType, type(named->type)},
          world_.types[named->type.value].opaque ? std::optional(Description{Description::Kind::kTypeSub, 0})
                                                 : std::nullopt,
          item.attributes);
      for (const WrittenId same : same_as(named->type)) {
        if (world_.types[same.value].kind != Kind::kResource) {
          root_.name(same, index);
        }
      }
    } else {
      const auto& what = std::get<WorldInstance>(item.what);
      const std::uint32_t made = instance(item.name, what, lift);
      const std::uint32_t index = out_.export_item(item.name, {Sort::kInstance, made}, {}, item.attributes);
      register_types(what.items, index);
    }
  }
}

std::uint32_t WorldWriter::instance(std::string_view label, const WorldInstance& what, const Lift& lift) {
  if (what.import) {
    return import_instances_[*what.import];
  }
  const bool has_types = std::any_of(what.items.begin(), what.items.end(), [](const WorldItem& item) {
    return std::holds_alternative<WorldType>(item.what);
  });
  if (has_types) {
    return shim(label, what, lift);
  }
  std::vector<std::pair<std::string, Item>> items;
  for (const WorldItem& item : what.items) {
    if (const auto* func = std::get_if<WorldFunc>(&item.what)) {
      items.emplace_back(item.name, Item{Sort::kFunc, lifted(*func, lift)});
    } else {
      items.emplace_back(
          item.name, Item{Sort::kInstance, instance(item.name, std::get<WorldInstance>(item.what), lift)});
    }
  }
  return out_.bag(items);
}

/// A component of types only, as it is the way to give types of an exported interface their names: it imports
/// types and functions, and exports them, the functions with the exported types.
std::uint32_t WorldWriter::shim(std::string_view label, const WorldInstance& what, const Lift& lift) {
  ComponentWriter made;
  std::vector<std::pair<std::string, Item>> arguments;
  std::set<std::string> taken;
  std::map<WrittenId, std::optional<std::uint32_t>> foreign;  // types known outside, imported on demand
  const auto define = [&](const Bytes& definition) { return made.type(definition); };
  TypeScope inside(world_, define, [&](WrittenId id) -> std::optional<std::uint32_t> {
    std::optional<std::uint32_t> known = root_.named(id);
    if (!known) {
      known = outside(id);
    }
    if (!known || !foreign.emplace(id, std::nullopt).second) {
      return std::nullopt;
    }
    const WrittenType& type_there = world_.types[id.value];
    const std::string name =
        import_name("type", type_there.name.empty() ? "resource" : type_there.name, taken);
    std::uint32_t index = 0;
    if (is_resource(id)) {
      index = made.import(name, {Description::Kind::kTypeSub, 0});
    } else {
      index = made.import(name, {Description::Kind::kTypeEq, inside.index_of(id).value_or(0)});
    }
    inside.name(id, index);
    foreign[id] = index;
    arguments.emplace_back(name, Item{Sort::kType, *known});
    return index;
  });
  // Imports: types first, as they are known outside, or like those there.
  std::vector<std::pair<const WorldItem*, std::uint32_t>> items;
  for (const WorldItem& item : what.items) {
    if (const auto* named = std::get_if<WorldType>(&item.what)) {
      std::uint32_t index = 0;
      const auto known = inside.find(named->type);
      if (known) {
        index = *known;
      } else if (is_resource(named->type)) {
        fail("outer-type", fmt::format("its export {} has a resource type that is not known outside",
                                       wasm::printable(label)));
        return 0;
      } else {
        const std::uint32_t argument = type(named->type);
        const std::string name = import_name("type", item.name, taken);
        index = made.import(name, {Description::Kind::kTypeEq, inside.index_of(named->type).value_or(0)});
        arguments.emplace_back(name, Item{Sort::kType, argument});
      }
      inside.name(named->type, index);
      items.emplace_back(&item, index);
    } else if (const auto* func = std::get_if<WorldFunc>(&item.what)) {
      const auto inner = inside.index_of(func->type);
      if (!inner) {
        fail("outer-type", fmt::format("its export {} names a resource type that is not known outside",
                                       wasm::printable(item.name)));
        return 0;
      }
      const std::string name = import_name("func", item.name, taken);
      items.emplace_back(&item, made.import(name, {Description::Kind::kFunc, *inner}));
      arguments.emplace_back(name, Item{Sort::kFunc, lifted(*func, lift)});
    } else {
      fail("nested-instance",
           fmt::format("its export {} has types and an instance inside", wasm::printable(label)));
      return 0;
    }
  }
  // Every type that this interface exports goes by its exported name in the types after it.
  TypeScope exported(world_, define, [&](WrittenId id) {
    const auto place = foreign.find(id);
    return place == foreign.end() ? std::nullopt : place->second;
  });
  for (const auto& [item, index] : items) {
    if (const auto* named = std::get_if<WorldType>(&item->what)) {
      const bool opaque = world_.types[named->type.value].opaque;
      const std::uint32_t from = exported.index_of(named->type).value_or(index);
      exported.name(named->type,
                    made.export_item(
                        item->name, {Sort::kType, from},
                        opaque ? std::optional(Description{Description::Kind::kTypeSub, 0}) : std::nullopt));
    } else {
      const auto outer = exported.index_of(std::get<WorldFunc>(item->what).type);
      if (!outer) {
        fail("outer-type", fmt::format("its export {} names a resource type that is not known outside",
                                       wasm::printable(item->name)));
        return 0;
      }
      made.export_item(item->name, {Sort::kFunc, index}, Description{Description::Kind::kFunc, *outer});
    }
  }
  return out_.instantiate(out_.component(made.finish(), fmt::format("types of {}", label)), arguments);
}

}  // namespace meld_verify::rewrite
