#include "engine/wasm/module_index.h"

#include <fmt/format.h>

#include "engine/wasm/reader.h"
#include "engine/wasm/section.h"

namespace meld_verify::wasm {
namespace {

/// Whether one more entry may be kept.
bool count_entry(Reader& in, ModuleIndex& index, std::size_t most) {
  if (index.sections.size() + index.imports.size() + index.exports.size() >= most) {
    in.unsupported(in.offset(), "too-large",
                   "the sections, imports and exports of the core modules are more than this tool takes");
  }
  return in.ok();
}

void read_imports(Reader& in, ModuleIndex& index, std::size_t most) {
  const std::uint32_t count = in.count("the list of imports");
  for (std::uint32_t i = 0; i < count && count_entry(in, index, most); ++i) {
    Import import = read_import(in);
    index.imported_functions += import.kind == ExternKind::kFunc ? 1 : 0;
    index.memory64 |= import.kind == ExternKind::kMemory && import.memory.is_64;
    index.imports.push_back({std::move(import.module), std::move(import.name), import.kind});
  }
}

void read_exports(Reader& in, ModuleIndex& index, std::size_t most) {
  const std::uint32_t count = in.count("the list of exports");
  for (std::uint32_t i = 0; i < count && count_entry(in, index, most); ++i) {
    Extent index_at;
    index.exports.push_back(read_export(in, index_at));
  }
}

void read_memories(Reader& in, ModuleIndex& index) {
  const std::uint32_t count = in.count("the list of memories");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    index.memory64 |= read_limits(in).is_64;
  }
}

}  // namespace

Expected<ModuleIndex> index_module(std::span<const std::uint8_t> bytes, ByteOffset base,
                                   std::string_view file, std::size_t most_entries) {
  Reader in(bytes, base, file, "core module");
  ModuleIndex index;
  std::uint32_t functions = 0;
  const auto read = [&](const Section& section, Reader& inner) {
    switch (section.id) {
      case section::kFunction:
        functions = inner.count("the list of functions");
        return false;
      case section::kImport:
        read_imports(inner, index, most_entries);
        return true;
      case section::kMemory:
        read_memories(inner, index);
        return true;
      case section::kExport:
        read_exports(inner, index, most_entries);
        return true;
      case section::kStart:
        index.start = FuncIndex{inner.u32("the start function")};
        return true;
      case section::kCode:
        read_bodies(inner,
                    [&](std::uint32_t, Extent extent, const Reader&) { index.bodies.push_back(extent); });
        if (inner.ok() && index.bodies.size() != functions) {
          inner.fail(section.extent.begin, "count",
                     fmt::format("{} function bodies for {} functions", index.bodies.size(), functions));
        }
        return true;
      default:
        return false;
    }
  };
  read_sections(in, [&](Section& section, Reader& inner) {
    const bool whole = count_entry(inner, index, most_entries) && read(section, inner);
    index.sections.push_back(std::move(section));
    return whole;
  });
  if (!in.ok()) {
    return tl::unexpected(in.failure());
  }
  return index;
}

}  // namespace meld_verify::wasm
