#include "engine/lift/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/lift/forward.h"
#include "engine/wasm/printable.h"

namespace meld_verify::lift {
namespace {

using component::CoreItem;
using component::CoreSort;
using wasm::ExternKind;

const wasm::FuncType kNoType{};

CoreSort sort_of(ExternKind kind) {
  return static_cast<CoreSort>(kind);
}

std::string_view word_for(ExternKind kind) {
  static constexpr std::string_view kWords[] = {"function", "table", "memory", "global", "tag"};
  return kWords[static_cast<std::size_t>(kind)];
}

template <class T>
std::optional<T> at(const std::vector<T>& space, std::uint32_t index) {
  return index < space.size() ? std::optional(space[index]) : std::nullopt;
}

wasm::Diagnostic diagnostic(wasm::DiagnosticKind kind, std::string code, std::string_view file,
                            std::optional<wasm::ByteOffset> offset, std::string sentence) {
  return {.kind = kind,
          .code = std::move(code),
          .place = {.file = std::string(file), .offset = offset, .within = {}, .pointer = {}},
          .sentence = std::move(sentence)};
}

/// What a canonical definition gives as a core function; a lift gives none.
bool is_core_function(const component::Canon& canon) {
  return !std::holds_alternative<component::Lift>(canon.what);
}

std::optional<wasm::CoreExport> export_of(const Image& image, const CoreItem& item, ExternKind kind) {
  const auto* source = std::get_if<std::pair<CoreInstanceId, std::string>>(&item.source);
  if (source == nullptr || item.sort != sort_of(kind) || source->first.value >= image.instances.size()) {
    return std::nullopt;
  }
  const CoreModuleId module = image.instances[source->first.value].module;
  const auto place = image.exports[module.value].find(source->second);
  if (place == image.exports[module.value].end()) {
    return std::nullopt;
  }
  const wasm::CoreExport& item_found = image.modules[module.value].exports[place->second];
  return item_found.kind == kind ? std::optional(item_found) : std::nullopt;
}

const LinkedInstance& source_of(const Image& image, const CoreItem& item) {
  return image.instances[std::get<std::pair<CoreInstanceId, std::string>>(item.source).first.value];
}

class Linker {
 public:
  explicit Linker(Image& image) : image_(image) {}

  [[nodiscard]] bool add(CoreModuleId module, InstanceId owner, const std::vector<CoreItem>* items);
  void fill_tables();
  [[nodiscard]] const wasm::Diagnostic& failure() const { return *failure_; }

 private:
  bool fail(const wasm::Import& import);
  bool import(const wasm::Import& import, std::size_t number, const CoreItem* item, LinkedInstance& made,
              CoreInstanceId id);
  bool import_function(const wasm::Import& import, std::size_t number, const CoreItem* item,
                       LinkedInstance& made, CoreInstanceId id);
  void define(LinkedInstance& made, CoreInstanceId id);
  void set_initial(LinkedGlobal& global, const wasm::ConstExpr& expression, const LinkedInstance& instance);
  void fill(CoreInstanceId id, const wasm::ElementSegment& segment);

  Image& image_;
  std::optional<wasm::Diagnostic> failure_;
  std::size_t entries_ = 0, linked_ = 0;
};

bool Linker::fail(const wasm::Import& import) {
  failure_ = diagnostic(
      wasm::DiagnosticKind::kBadInput, "import-mismatch", image_.file, std::nullopt,
      fmt::format("a core module's import \"{}\" \"{}\" is satisfied by no {} of its type",
                  wasm::printable(import.module), wasm::printable(import.name), word_for(import.kind)));
  return false;
}

bool Linker::import_function(const wasm::Import& import, std::size_t number, const CoreItem* item,
                             LinkedInstance& made, CoreInstanceId id) {
  const auto place = static_cast<std::uint32_t>(made.functions.size());
  if (item == nullptr) {
    made.functions.push_back(FunctionId(image_.functions.size()));
    image_.functions.push_back({.kind = LinkedFunction::Kind::kImport,
                                .instance = id,
                                .index = static_cast<std::uint32_t>(number),
                                .canon = {},
                                .imported = false});
    return true;
  }
  const auto function = image_.function_of(*item);
  if (!function) {
    return fail(import);
  }
  LinkedFunction& linked = image_.functions[function->value];
  if (linked.kind == LinkedFunction::Kind::kCanon && !linked.imported) {
    linked.imported = true;
    linked.instance = id;
    linked.index = place;
    made.functions.push_back(*function);
    return true;
  }
  const wasm::Module& module = image_.modules[made.module.value];
  const wasm::FuncType& type =
      linked.instance == id ? module.type_of(linked.index) : image_.type_of(*function);
  if (type != module.types[import.type]) {  // of `kOther` in it equality is left to a validator
    return fail(import);
  }
  made.functions.push_back(*function);
  return true;
}

bool Linker::import(const wasm::Import& import, std::size_t number, const CoreItem* item,
                    LinkedInstance& made, CoreInstanceId id) {
  if (import.kind == ExternKind::kFunc) {
    return import_function(import, number, item, made, id);
  }
  std::optional<wasm::CoreExport> source;
  if (item != nullptr && !(source = export_of(image_, *item, import.kind))) {
    return fail(import);
  }
  const auto take = [&](auto& space, auto member, auto linked) {
    const auto place = static_cast<std::uint32_t>((made.*member).size());
    if (item == nullptr) {
      linked.instance = id;
      linked.index = place;
      (made.*member).emplace_back(space.size());
      space.push_back(std::move(linked));
      return true;
    }
    const auto found = at(source_of(image_, *item).*member, source->index);
    if (!found) {
      return fail(import);
    }
    (made.*member).push_back(*found);
    return true;
  };
  switch (import.kind) {
    case ExternKind::kTable:
      return take(image_.tables, &LinkedInstance::tables,
                  LinkedTable{.instance = {},
                              .index = 0,
                              .type = import.table,
                              .entries = {},
                              .known = false,
                              .fixed = false});
    case ExternKind::kMemory:
      return take(image_.memories, &LinkedInstance::memories,
                  LinkedMemory{.instance = {}, .index = 0, .limits = import.memory});
    case ExternKind::kGlobal:
      if (!take(image_.globals, &LinkedInstance::globals,
                LinkedGlobal{.instance = {},
                             .index = 0,
                             .type = import.global,
                             .initial = {},
                             .function = {},
                             .is_null = false})) {
        return false;
      }
      return image_.globals[made.globals.back().value].type == import.global || fail(import);
    case ExternKind::kFunc:
    case ExternKind::kTag:
      break;
  }
  return true;
}

void Linker::set_initial(LinkedGlobal& global, const wasm::ConstExpr& expression,
                         const LinkedInstance& instance) {
  using Kind = wasm::ConstExpr::Kind;
  switch (expression.kind) {
    case Kind::kConst:
      global.initial = expression.bits;
      return;
    case Kind::kGlobal:
      if (const auto other = at(instance.globals, expression.index)) {
        const LinkedGlobal& source = image_.globals[other->value];
        if (!source.type.is_mutable) {
          global.initial = source.initial;
          global.function = source.function;
          global.is_null = source.is_null;
        }
      }
      return;
    case Kind::kFunc:
      global.function = at(instance.functions, expression.index);
      return;
    case Kind::kNull:
      global.is_null = true;
      return;
    case Kind::kOther:
      return;
  }
}

void Linker::define(LinkedInstance& made, CoreInstanceId id) {
  const wasm::Module& module = image_.modules[made.module.value];
  for (std::size_t i = module.imported_functions; i < module.function_types.size(); ++i) {
    made.functions.push_back(FunctionId(image_.functions.size()));
    image_.functions.push_back({.kind = LinkedFunction::Kind::kDefined,
                                .instance = id,
                                .index = static_cast<std::uint32_t>(i),
                                .canon = {},
                                .imported = false});
  }
  for (std::size_t i = module.imported_memories; i < module.memories.size(); ++i) {
    made.memories.push_back(MemoryId(image_.memories.size()));
    image_.memories.push_back(
        {.instance = id, .index = static_cast<std::uint32_t>(i), .limits = module.memories[i]});
  }
  for (std::size_t i = module.imported_tables; i < module.tables.size(); ++i) {
    made.tables.push_back(TableId(image_.tables.size()));
    image_.tables.push_back({.instance = id,
                             .index = static_cast<std::uint32_t>(i),
                             .type = module.tables[i],
                             .entries = {},
                             .known = true,
                             .fixed = true});
  }
  for (std::size_t i = module.imported_globals; i < module.globals.size(); ++i) {
    const wasm::Global& global = module.globals[i];
    LinkedGlobal linked{.instance = id,
                        .index = static_cast<std::uint32_t>(i),
                        .type = global.type,
                        .initial = {},
                        .function = {},
                        .is_null = false};
    if (global.init) {
      set_initial(linked, *global.init, made);
    }
    made.globals.push_back(GlobalId(image_.globals.size()));
    image_.globals.push_back(linked);
  }
}

bool Linker::add(CoreModuleId module, InstanceId owner, const std::vector<CoreItem>* items) {
  const wasm::Module& definition = image_.modules[module.value];
  linked_ += definition.function_types.size() + definition.memories.size() + definition.tables.size() +
             definition.globals.size();
  if (linked_ > kMostLinked) {
    failure_ = diagnostic(wasm::DiagnosticKind::kUnsupported, "too-large", image_.file, std::nullopt,
                          fmt::format("its core instances have more than {} functions, memories, tables and "
                                      "globals in all, more than this tool takes",
                                      kMostLinked));
    return false;
  }
  LinkedInstance made{
      .module = module, .owner = owner, .functions = {}, .memories = {}, .tables = {}, .globals = {}};
  const CoreInstanceId id(image_.instances.size());
  for (std::size_t i = 0; i < definition.imports.size(); ++i) {
    if (items != nullptr && i >= items->size()) {
      return fail(definition.imports[i]);
    }
    if (!import(definition.imports[i], i, items == nullptr ? nullptr : &(*items)[i], made, id)) {
      return false;
    }
  }
  define(made, id);
  image_.instances.push_back(std::move(made));
  return true;
}

void Linker::fill(CoreInstanceId id, const wasm::ElementSegment& segment) {
  const LinkedInstance& instance = image_.instances[id.value];
  const auto place = at(instance.tables, segment.table);
  if (!place) {
    return;
  }
  LinkedTable& table = image_.tables[place->value];
  const auto offset = image_.value_of(segment.offset, id);
  const std::size_t size = segment.functions.size();
  if (segment.opaque || !offset || *offset > table.type.limits.min ||
      size > table.type.limits.min - *offset || *offset + size > kMostLinked) {
    table.fixed = table.known = false;  // unknown, or it traps
    return;
  }
  const auto end = static_cast<std::size_t>(*offset) + size;
  if (end > table.entries.size()) {
    if ((entries_ += end - table.entries.size()) > kMostLinked) {
      table.fixed = table.known = false;
      return;
    }
    table.entries.resize(end);
  }
  for (std::size_t i = 0; i < size; ++i) {
    const auto& function = segment.functions[i];
    table.entries[static_cast<std::size_t>(*offset) + i] =
        function ? at(instance.functions, *function) : std::nullopt;
  }
}

void Linker::fill_tables() {
  for (std::size_t i = 0; i < image_.instances.size(); ++i) {
    const CoreInstanceId id(i);
    for (const wasm::ElementSegment& segment : image_.module_of(id).elements) {
      if (segment.mode == wasm::ElementSegment::Mode::kActive) {
        fill(id, segment);
      }
    }
  }
}

void name_exports(Image& image) {
  image.exports.resize(image.modules.size());
  for (std::size_t i = 0; i < image.modules.size(); ++i) {
    const auto& exports = image.modules[i].exports;
    for (std::size_t k = 0; k < exports.size(); ++k) {
      image.exports[i].emplace(exports[k].name, static_cast<std::uint32_t>(k));
    }
  }
}

}  // namespace

bool same_type(const wasm::FuncType& left, const wasm::FuncType& right) {
  const auto other = [](const std::vector<wasm::ValueType>& types) {
    return std::find(types.begin(), types.end(), wasm::ValueType::kOther) != types.end();
  };
  return left == right && !other(left.params) && !other(left.results);
}

const wasm::FuncType& Image::type_of(FunctionId function) const {
  const LinkedFunction& linked = functions[function.value];
  if (linked.bound != 0) {
    return bound[linked.bound - 1].type;
  }
  switch (linked.kind) {
    case LinkedFunction::Kind::kDefined:
      return module_of(linked.instance).type_of(linked.index);
    case LinkedFunction::Kind::kCanon:
      return linked.imported ? module_of(linked.instance).type_of(linked.index) : kNoType;
    case LinkedFunction::Kind::kImport: {
      const wasm::Module& module = module_of(linked.instance);
      return module.types[module.imports[linked.index].type];
    }
  }
  return kNoType;
}

FunctionId Image::unbound(FunctionId function) const {
  const std::uint32_t number = functions[function.value].bound;
  return number == 0 ? function : bound[number - 1].function;
}

std::optional<FunctionId> Image::bound_at(FunctionId caller, wasm::ByteOffset offset) const {
  const auto found = bound_sites.find({unbound(caller), offset.value});
  return found == bound_sites.end() ? std::nullopt : std::optional(found->second);
}

const wasm::Function& Image::definition_of(FunctionId function) const {
  const LinkedFunction& linked = functions[function.value];
  return module_of(linked.instance).defined(linked.index);
}

std::span<const std::uint8_t> Image::code_of(FunctionId function) const {
  const wasm::Extent& code = definition_of(function).code;
  return bytes.subspan(static_cast<std::size_t>(code.begin.value),
                       static_cast<std::size_t>(code.end.value - code.begin.value));
}

std::string Image::name_of(FunctionId function) const {
  const LinkedFunction& linked = functions[function.value];
  if (linked.bound != 0) {
    std::string list;
    for (const auto& argument : bound[linked.bound - 1].arguments) {
      list += fmt::format("{}{}", list.empty() ? "" : ", ", argument ? std::to_string(*argument) : "_");
    }
    return fmt::format("{}({})", name_of(unbound(function)), list);
  }
  if (linked.kind == LinkedFunction::Kind::kImport) {
    const wasm::Import& import = module_of(linked.instance).imports[linked.index];
    return wasm::printable(import.module) + " " + wasm::printable(import.name);
  }
  if (linked.kind == LinkedFunction::Kind::kCanon) {
    const component::Canon& canon = composition->canons[linked.canon.value];
    if (const auto* builtin = std::get_if<component::ResourceBuiltin>(&canon.what)) {
      static constexpr std::string_view kOps[] = {"new", "drop", "rep"};
      return fmt::format("canon resource.{} {}", kOps[static_cast<std::size_t>(builtin->op)],
                         wasm::printable(builtin->name));
    }
    if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      return "canon lower " + wasm::printable(lower->name);
    }
    return fmt::format("canon {}", linked.canon.value);
  }
  for (const wasm::CoreExport& item : module_of(linked.instance).exports) {
    if (item.kind == ExternKind::kFunc && item.index == linked.index) {
      return wasm::printable(item.name);
    }
  }
  return fmt::format("func {}", linked.index);
}

std::optional<std::uint64_t> Image::value_of(const wasm::ConstExpr& expression,
                                             CoreInstanceId instance) const {
  if (expression.kind == wasm::ConstExpr::Kind::kConst) {
    return expression.bits;
  }
  if (expression.kind == wasm::ConstExpr::Kind::kGlobal) {
    const auto global = at(instances[instance.value].globals, expression.index);
    if (global && !globals[global->value].type.is_mutable) {
      return globals[global->value].initial;
    }
  }
  return std::nullopt;
}

std::optional<FunctionId> Image::function_of(const CoreItem& item) const {
  if (item.sort != CoreSort::kFunc) {
    return std::nullopt;
  }
  if (const auto* canon = std::get_if<CanonId>(&item.source)) {
    return canon->value < canon_functions.size() ? canon_functions[canon->value] : std::nullopt;
  }
  const auto found = export_of(*this, item, ExternKind::kFunc);
  return found ? at(source_of(*this, item).functions, found->index) : std::nullopt;
}

std::optional<FunctionId> Image::function_behind(const std::optional<CoreItem>& item) const {
  std::optional<FunctionId> found;
  if (item) {
    found = function_of(*item);
  }
  if (found) {
    found = behind(*found);
  }
  return found;
}

std::optional<MemoryId> Image::memory_of(const CoreItem& item) const {
  const auto found = export_of(*this, item, ExternKind::kMemory);
  return found ? at(source_of(*this, item).memories, found->index) : std::nullopt;
}

wasm::Expected<Image> link(const component::Composition& composition, std::span<const std::uint8_t> bytes,
                           std::string_view file) {
  Image image;
  image.file = file;
  image.bytes = bytes;
  image.composition = &composition;
  image.modules.resize(composition.modules.size());
  std::vector<bool> used(composition.modules.size());
  for (const component::CoreInstance& instance : composition.core_instances) {
    used[instance.module.value] = true;
  }
  for (std::size_t i = 0; i < composition.modules.size(); ++i) {
    const component::CoreModule& module = composition.modules[i];
    if (!used[i]) {
      continue;
    }
    auto decoded =
        wasm::decode_module(bytes.subspan(static_cast<std::size_t>(module.begin.value),
                                          static_cast<std::size_t>(module.end.value - module.begin.value)),
                            module.begin, file);
    if (!decoded) {
      return tl::unexpected(decoded.error());
    }
    image.modules[i] = std::move(*decoded);
  }
  name_exports(image);
  image.canon_functions.resize(composition.canons.size());
  for (std::size_t i = 0; i < composition.canons.size(); ++i) {
    if (is_core_function(composition.canons[i])) {
      image.canon_functions[i] = FunctionId(image.functions.size());
      image.functions.push_back({.kind = LinkedFunction::Kind::kCanon,
                                 .instance = {},
                                 .index = 0,
                                 .canon = CanonId(i),
                                 .imported = false});
    }
  }
  Linker linker(image);
  image.instances.reserve(composition.core_instances.size());
  for (const component::CoreInstance& instance : composition.core_instances) {
    if (!linker.add(instance.module, instance.owner, &instance.imports)) {
      return tl::unexpected(linker.failure());
    }
  }
  linker.fill_tables();
  find_changed_tables(image);
  find_forwarders(image);
  return image;
}

wasm::Expected<Image> link_module(std::span<const std::uint8_t> bytes, std::string_view file) {
  auto decoded = wasm::decode_module(bytes, wasm::ByteOffset{0}, file);
  if (!decoded) {
    return tl::unexpected(decoded.error());
  }
  Image image;
  image.file = file;
  image.bytes = bytes;
  image.modules.push_back(std::move(*decoded));
  name_exports(image);
  Linker linker(image);
  if (!linker.add(CoreModuleId{}, component::kRoot, nullptr)) {
    return tl::unexpected(linker.failure());
  }
  linker.fill_tables();
  for (const wasm::CoreExport& item : image.modules[0].exports) {
    if (item.kind == ExternKind::kTable && item.index < image.instances[0].tables.size()) {
      image.tables[image.instances[0].tables[item.index].value].fixed = false;
    }
  }
  find_changed_tables(image);
  find_forwarders(image);
  return image;
}

}  // namespace meld_verify::lift
