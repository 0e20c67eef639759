#include "engine/run/lone_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/wasm/printable.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::CoreInstanceId;
using component::CoreItem;
using component::ResourceBuiltin;
using component::ResourceId;
using component::ResourceOp;
using lift::FunctionId;

struct Intrinsic {
  ResourceOp op = ResourceOp::kNew;
  ResourceId resource;
};

bool takes_prefix(std::string_view& text, std::string_view prefix) {
  const bool has = text.substr(0, prefix.size()) == prefix;
  if (has) {
    text.remove_prefix(prefix.size());
  }
  return has;
}

/// An intrinsic import's name, taken apart.
struct IntrinsicName {
  ResourceOp op = ResourceOp::kNew;
  std::pair<std::string_view, std::string_view> resource;  ///< module and field
};

std::optional<IntrinsicName> read_name(const wasm::Import& import) {
  IntrinsicName name;
  std::string_view module = import.module, field = import.name;
  takes_prefix(module, "[export]");
  if (takes_prefix(field, "[resource-rep]")) {
    name.op = ResourceOp::kRep;
  } else if (takes_prefix(field, "[resource-drop]")) {
    name.op = ResourceOp::kDrop;
  } else if (!takes_prefix(field, "[resource-new]")) {
    return std::nullopt;
  }
  const std::size_t suffix = field.find_last_not_of("0123456789");
  if (suffix != std::string_view::npos && suffix + 1 < field.size() && field[suffix] == '$') {
    field = field.substr(0, suffix);
  }
  name.resource = {module, field};
  return name;
}

bool fits(const wasm::FuncType& type, ResourceOp op) {
  using wasm::ValueType;
  return type.params == std::vector{ValueType::kI32} &&
         type.results == (op == ResourceOp::kDrop ? std::vector<ValueType>{} : std::vector{ValueType::kI32});
}

void put_number(std::vector<std::uint8_t>& bytes, std::uint64_t value) {
  do {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    bytes.push_back(static_cast<std::uint8_t>(low | (value != 0 ? 0x80 : 0)));
  } while (value != 0);
}

/// A core module that defines a memory and exports it as "m".
std::vector<std::uint8_t> memory_module(const wasm::Limits& limits) {
  std::vector<std::uint8_t> memory{1, static_cast<std::uint8_t>(limits.max ? 1 : 0)};
  put_number(memory, limits.min);
  if (limits.max) {
    put_number(memory, *limits.max);
  }
  std::vector<std::uint8_t> bytes{0, 'a', 's', 'm', 1, 0, 0, 0, 5};
  put_number(bytes, memory.size());
  bytes.insert(bytes.end(), memory.begin(), memory.end());
  const std::uint8_t exports[] = {7, 5, 1, 1, 'm', 2, 0};
  bytes.insert(bytes.end(), std::begin(exports), std::end(exports));
  return bytes;
}

class Embedding {
 public:
  explicit Embedding(const lift::Pair& pair) : pair_(pair), module_(pair.fused_image.modules.front()) {
    const std::span<const std::uint8_t> bytes = pair.fused_image.bytes;
    made_.bytes.assign(bytes.begin(), bytes.end());
  }

  LoneModule make() {
    component::Composition& composition = made_.composition;
    composition.instances.resize(2);
    composition.instances[0].name = "host";
    composition.instances[1].name = "the fused module";
    for (const component::Resource& resource : pair_.composed.resources) {
      component::Resource copy = resource;
      copy.destructor.reset();
      if (copy.definer != component::kHost) {
        copy.definer = component::kRoot;
      }
      composition.events.push_back(
          {component::EventKind::kResource, static_cast<std::uint32_t>(composition.resources.size())});
      composition.resources.push_back(std::move(copy));
    }
    composition.modules.resize(1);
    composition.modules[0].end = wasm::ByteOffset{made_.bytes.size()};
    composition.core_instances.resize(1);  // number 0 is the module's, whatever it imports is made before
    composition.core_instances[0].owner = component::kRoot;
    learn_from_guests();
    std::vector<CoreItem> imports;
    for (const wasm::Import& import : module_.imports) {
      imports.push_back(satisfy(import));
    }
    composition.core_instances[0].imports = std::move(imports);
    composition.events.push_back({component::EventKind::kCoreInstance, 0});
    made_.assumptions.emplace_back(
        "the embedder gives the module canonical built-ins of one instance, one resource type for each of "
        "the "
        "composed file");
    if (!by_name_.empty()) {
      const std::size_t shown = std::min<std::size_t>(by_name_.size(), 2);
      made_.assumptions.push_back(fmt::format(
          "the embedder goes by the names of imports that only the fuser's code calls: {}{}",
          fmt::join(by_name_.begin(), by_name_.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
          by_name_.size() > shown ? fmt::format(" and {} more", by_name_.size() - shown) : ""));
    }
    return std::move(made_);
  }

 private:
  FunctionId imported(std::size_t number) const {
    return pair_.fused_image.instances.front().functions[number];
  }

  /// What guests' code reaches in place of their built-ins.
  void learn_from_guests() {
    const auto& wired_to = pair_.alignment.wired_to;
    for (std::size_t i = 0; i < wired_to.size(); ++i) {
      if (const auto* builtin = std::get_if<ResourceBuiltin>(&pair_.composed.canons[i].what)) {
        for (const FunctionId function : wired_to[i]) {
          known_.try_emplace(function, Intrinsic{builtin->op, builtin->resource});
        }
      }
    }
    std::size_t number = 0;
    for (const wasm::Import& import : module_.imports) {
      if (import.kind != wasm::ExternKind::kFunc) {
        continue;
      }
      const auto place = known_.find(imported(number++));
      const std::optional<IntrinsicName> name = read_name(import);
      if (place != known_.end() && name) {
        named_.try_emplace(name->resource, place->second.resource);
      }
    }
  }

  CoreItem satisfy(const wasm::Import& import) {
    switch (import.kind) {
      case wasm::ExternKind::kFunc:
        return function(import);
      case wasm::ExternKind::kMemory:
        if (!import.memory.is_64 && !import.memory.shared) {
          return memory(import.memory);
        }
        break;
      default:
        break;
    }
    made_.problem =
        fmt::format("the core module imports \"{}\" \"{}\", which is neither a function nor a plain memory",
                    wasm::printable(import.module), wasm::printable(import.name));
    return {};
  }

  CoreItem function(const wasm::Import& import) {
    component::Composition& composition = made_.composition;
    const CanonId id(composition.canons.size());
    component::Canon canon;
    canon.owner = component::kRoot;
    canon.what =
        component::OtherBuiltin{0, fmt::format("of the import \"{}\" \"{}\"", wasm::printable(import.module),
                                               wasm::printable(import.name))};
    if (const auto intrinsic = intrinsic_of(import, imported(id.value));
        intrinsic && fits(module_.types[import.type], intrinsic->op)) {
      ResourceBuiltin builtin{};
      builtin.op = intrinsic->op;
      builtin.resource = intrinsic->resource;
      canon.what = builtin;
    }
    composition.canons.push_back(canon);
    composition.events.push_back({component::EventKind::kCanon, id.value});
    return {component::CoreSort::kFunc, id};
  }

  std::optional<Intrinsic> intrinsic_of(const wasm::Import& import, FunctionId function) {
    if (const auto place = known_.find(function); place != known_.end()) {
      return place->second;
    }
    const std::optional<IntrinsicName> name = read_name(import);
    const std::optional<ResourceId> resource = name ? resource_named(*name) : std::nullopt;
    if (!resource) {
      return std::nullopt;
    }
    by_name_.push_back(wasm::printable(import.module + " " + import.name));
    return Intrinsic{name->op, *resource};
  }

  /// That of an import of the same name which guests use; else the one that guests know by that name, if
  /// there is only one.
  std::optional<ResourceId> resource_named(const IntrinsicName& name) const {
    if (const auto place = named_.find(name.resource); place != named_.end()) {
      return place->second;
    }
    std::optional<ResourceId> found;
    for (const component::ResourceName& known : pair_.composed.resource_names) {
      if (known.interface_name == name.resource.first && known.name == name.resource.second) {
        if (found && *found != known.resource) {
          return std::nullopt;
        }
        found = known.resource;
      }
    }
    return found;
  }

  CoreItem memory(const wasm::Limits& limits) {
    component::Composition& composition = made_.composition;
    const std::vector<std::uint8_t> bytes = memory_module(limits);
    component::CoreModule module;
    module.begin = wasm::ByteOffset{made_.bytes.size()};
    made_.bytes.insert(made_.bytes.end(), bytes.begin(), bytes.end());
    module.end = wasm::ByteOffset{made_.bytes.size()};
    component::CoreInstance instance;
    instance.owner = component::kRoot;
    instance.module = component::CoreModuleId(composition.modules.size());
    composition.modules.push_back(std::move(module));
    const CoreInstanceId id(composition.core_instances.size());
    composition.core_instances.push_back(std::move(instance));
    composition.events.push_back({component::EventKind::kCoreInstance, id.value});
    return {component::CoreSort::kMemory, std::pair(id, std::string("m"))};
  }

  const lift::Pair& pair_;
  const wasm::Module& module_;
  LoneModule made_;
  std::map<FunctionId, Intrinsic> known_;
  std::map<std::pair<std::string_view, std::string_view>, ResourceId> named_;
  std::vector<std::string> by_name_;  ///< imports whose type is known by their name only
};

}  // namespace

LoneModule embed(const lift::Pair& pair) {
  return Embedding(pair).make();
}

}  // namespace meld_verify::run
