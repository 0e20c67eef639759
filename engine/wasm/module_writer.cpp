#include "engine/wasm/module_writer.h"

#include <stdexcept>

#include "engine/wasm/instruction.h"
#include "engine/wasm/section.h"

namespace meld_verify::wasm {
namespace {

void write_types(Writer& to, const std::vector<ValueType>& types) {
  to.count(types.size());
  for (const ValueType type : types) {
    to.byte(static_cast<std::uint8_t>(type));
  }
}

void write_limits(Writer& to, const Limits& limits) {
  constexpr std::uint8_t kHasMax = 1, kShared = 2, kIs64 = 4;
  to.byte(static_cast<std::uint8_t>((limits.max ? kHasMax : 0) | (limits.shared ? kShared : 0) |
                                    (limits.is_64 ? kIs64 : 0)));
  to.u64(limits.min);
  if (limits.max) {
    to.u64(*limits.max);
  }
}

void write_table_type(Writer& to, const TableType& type) {
  to.byte(static_cast<std::uint8_t>(type.element));
  write_limits(to, type.limits);
}

void write_global_type(Writer& to, const GlobalType& type) {
  to.byte(static_cast<std::uint8_t>(type.type));
  to.byte(type.is_mutable ? 1 : 0);
}

void write_names(Writer& to, const std::map<std::uint32_t, std::string>& names) {
  to.count(names.size());
  for (const auto& [index, name] : names) {
    to.u32(index);
    to.name(name);
  }
}

}  // namespace

std::uint32_t ModuleWriter::type(const FuncType& type) {
  constexpr std::uint8_t kFunction = 0x60;
  Writer bytes;
  bytes.byte(kFunction);
  write_types(bytes, type.params);
  write_types(bytes, type.results);
  const auto [place, added] = type_by_bytes_.emplace(std::string(bytes.bytes().begin(), bytes.bytes().end()),
                                                     static_cast<std::uint32_t>(type_by_bytes_.size()));
  if (added) {
    ++types_.count;
    types_.bytes.append(bytes.bytes());
  }
  return place->second;
}

Writer& ModuleWriter::import(std::string_view module, std::string_view field, ExternKind kind) {
  ++imports_.count;
  imports_.bytes.name(module);
  imports_.bytes.name(field);
  imports_.bytes.byte(static_cast<std::uint8_t>(kind));
  return imports_.bytes;
}

std::uint32_t ModuleWriter::import_function(std::string_view module, std::string_view field,
                                            const FuncType& type) {
  if (functions_.count != 0) {
    throw std::logic_error("an import of a function behind definitions");
  }
  const std::uint32_t number = this->type(type);
  import(module, field, ExternKind::kFunc).u32(number);
  return imported_functions_++;
}

std::uint32_t ModuleWriter::import_table(std::string_view module, std::string_view field,
                                         const TableType& type) {
  if (tables_.count != 0) {
    throw std::logic_error("an import of a table behind definitions");
  }
  write_table_type(import(module, field, ExternKind::kTable), type);
  return imported_tables_++;
}

std::uint32_t ModuleWriter::import_memory(std::string_view module, std::string_view field,
                                          const Limits& limits) {
  if (memories_.count != 0) {
    throw std::logic_error("an import of a memory behind definitions");
  }
  write_limits(import(module, field, ExternKind::kMemory), limits);
  return imported_memories_++;
}

std::uint32_t ModuleWriter::import_global(std::string_view module, std::string_view field,
                                          const GlobalType& type) {
  if (globals_.count != 0) {
    throw std::logic_error("an import of a global behind definitions");
  }
  write_global_type(import(module, field, ExternKind::kGlobal), type);
  return imported_globals_++;
}

std::uint32_t ModuleWriter::function(std::string name, const FuncType& type) {
  functions_.bytes.u32(this->type(type));
  bodies_.emplace_back();
  const std::uint32_t index = imported_functions_ + functions_.count++;
  name_function(index, std::move(name));
  return index;
}

void ModuleWriter::set_body(std::uint32_t function, std::span<const ValueType> locals,
                            std::span<const std::uint8_t> instructions) {
  std::vector<std::pair<std::uint32_t, ValueType>> groups;
  for (const ValueType type : locals) {
    if (groups.empty() || groups.back().second != type) {
      groups.emplace_back(0, type);
    }
    ++groups.back().first;
  }
  Writer body;
  body.count(groups.size());
  for (const auto& [count, type] : groups) {
    body.u32(count);
    body.byte(static_cast<std::uint8_t>(type));
  }
  body.append(instructions);
  bodies_.at(function - imported_functions_) = body.take();
}

void ModuleWriter::name_function(std::uint32_t function, std::string name) {
  if (!name.empty()) {
    function_names_[function] = std::move(name);
  }
}

std::uint32_t ModuleWriter::table(const TableType& type) {
  write_table_type(tables_.bytes, type);
  return imported_tables_ + tables_.count++;
}

std::uint32_t ModuleWriter::memory(const Limits& limits) {
  write_limits(memories_.bytes, limits);
  return imported_memories_ + memories_.count++;
}

std::uint32_t ModuleWriter::global(const GlobalType& type, std::uint64_t bits, std::string name) {
  Writer& to = globals_.bytes;
  write_global_type(to, type);
  switch (type.type) {
    case ValueType::kI32:
      to.byte(op::kI32Const);
      to.s32(static_cast<std::int32_t>(bits));
      break;
    case ValueType::kI64:
      to.byte(op::kI64Const);
      to.s64(static_cast<std::int64_t>(bits));
      break;
    case ValueType::kF32:
      to.byte(op::kF32Const);
      to.little_endian(bits, 4);
      break;
    case ValueType::kF64:
      to.byte(op::kF64Const);
      to.little_endian(bits, 8);
      break;
    case ValueType::kV128:
    case ValueType::kFuncRef:
    case ValueType::kExternRef:
    case ValueType::kOther:
      throw std::logic_error("a global that is no number");
  }
  to.byte(op::kEnd);
  const std::uint32_t index = imported_globals_ + globals_.count++;
  if (!name.empty()) {
    global_names_[index] = std::move(name);
  }
  return index;
}

void ModuleWriter::export_item(std::string_view name, ExternKind kind, std::uint32_t index) {
  ++exports_.count;
  exports_.bytes.name(name);
  exports_.bytes.byte(static_cast<std::uint8_t>(kind));
  exports_.bytes.u32(index);
}

void ModuleWriter::element(std::uint32_t table, std::uint32_t offset,
                           std::span<const std::uint32_t> functions) {
  Writer& to = elements_.bytes;
  ++elements_.count;
  constexpr std::uint8_t kActive = 0, kActiveWithTable = 2, kFunctions = 0;
  to.byte(table == 0 ? kActive : kActiveWithTable);
  if (table != 0) {
    to.u32(table);
  }
  to.byte(op::kI32Const);
  to.s32(static_cast<std::int32_t>(offset));
  to.byte(op::kEnd);
  if (table != 0) {
    to.byte(kFunctions);
  }
  to.count(functions.size());
  for (const std::uint32_t function : functions) {
    to.u32(function);
  }
}

void ModuleWriter::write_items(Writer& to, std::uint8_t id, const Items& items) {
  if (items.count == 0) {
    return;
  }
  Writer contents;
  contents.u32(items.count);
  contents.append(items.bytes.bytes());
  to.section(id, contents.bytes());
}

std::vector<std::uint8_t> ModuleWriter::names() const {
  constexpr std::uint8_t kModule = 0, kFunctions = 1, kGlobals = 7;
  Writer contents;
  contents.name("name");
  const auto subsection = [&](std::uint8_t id, const auto& write) {
    Writer inner;
    write(inner);
    contents.section(id, inner.bytes());
  };
  if (!name_.empty()) {
    subsection(kModule, [&](Writer& to) { to.name(name_); });
  }
  if (!function_names_.empty()) {
    subsection(kFunctions, [&](Writer& to) { write_names(to, function_names_); });
  }
  if (!global_names_.empty()) {
    subsection(kGlobals, [&](Writer& to) { write_names(to, global_names_); });
  }
  return contents.take();
}

std::vector<std::uint8_t> ModuleWriter::write() const {
  Writer to;
  constexpr std::uint8_t kPreamble[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  to.append(kPreamble);
  write_items(to, section::kType, types_);
  write_items(to, section::kImport, imports_);
  write_items(to, section::kFunction, functions_);
  write_items(to, section::kTable, tables_);
  write_items(to, section::kMemory, memories_);
  write_items(to, section::kGlobal, globals_);
  write_items(to, section::kExport, exports_);
  write_items(to, section::kElement, elements_);
  if (!bodies_.empty()) {
    Items code;
    for (const auto& body : bodies_) {
      if (body.empty()) {
        throw std::logic_error("a function without a body");
      }
      ++code.count;
      code.bytes.sized(body);
    }
    write_items(to, section::kCode, code);
  }
  if (!name_.empty() || !function_names_.empty() || !global_names_.empty()) {
    to.section(section::kCustom, names());
  }
  return to.take();
}

}  // namespace meld_verify::wasm
