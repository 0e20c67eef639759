#include "engine/wasm/module_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/wasm/reader.h"

namespace meld_verify::wasm {
namespace {

constexpr std::uint8_t kCustom = 0, kImport = 2, kFunction = 3, kMemory = 5, kExport = 7, kStart = 8,
                       kCode = 10;

/// Passes over the limits of a table or memory; true when its addresses have 64 bits.
bool skip_limits(Reader& in) {
  const std::uint8_t flags = in.byte("limits");
  const auto bound = [&] {  // 64-bit bounds may be longer than u32 allows
    for (int i = 0; i < 10 && (in.byte("a limit") & 0x80) != 0; ++i) {
    }
  };
  bound();
  if ((flags & 0x01) != 0) {
    bound();
  }
  if ((flags & 0x08) != 0) {
    in.u32("a page size");
  }
  return (flags & 0x04) != 0;
}

void skip_value_type(Reader& in) {
  const std::uint8_t code = in.byte("a value type");
  if (code == 0x63 || code == 0x64) {              // (ref null? heap type)
    if (in.peek() == 0x62 || in.peek() == 0x65) {  // exact, shared
      in.byte("a heap type");
    }
    in.s33("a heap type");
  }
}

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
    CoreImport import;
    import.module = in.name("a module name");
    import.name = in.name("an import's name");
    const ByteOffset at = in.offset();
    std::uint8_t kind = in.byte("an import's kind");
    if (kind == 0x20) {  // a function of exactly this type
      kind = 0;
    }
    switch (kind) {
      case 0:
        in.u32("a function's type");
        ++index.imported_functions;
        break;
      case 1:
        skip_value_type(in);
        skip_limits(in);
        break;
      case 2:
        index.memory64 |= skip_limits(in);
        break;
      case 3:
        skip_value_type(in);
        in.byte("a global's mutability");
        break;
      case 4:
        in.byte("a tag's attribute");
        in.u32("a tag's type");
        break;
      default:
        in.fail(at, "extern-kind", fmt::format("an import has kind {}; 0 to 4 are defined", kind));
    }
    import.kind = static_cast<ExternKind>(kind);
    index.imports.push_back(std::move(import));
  }
}

void read_exports(Reader& in, ModuleIndex& index, std::size_t most) {
  const std::uint32_t count = in.count("the list of exports");
  for (std::uint32_t i = 0; i < count && count_entry(in, index, most); ++i) {
    CoreExport item;
    item.name = in.name("an export's name");
    const ByteOffset at = in.offset();
    const std::uint8_t kind = in.byte("an export's kind");
    if (kind > 4) {
      in.fail(at, "extern-kind", fmt::format("an export has kind {}; 0 to 4 are defined", kind));
    }
    item.kind = static_cast<ExternKind>(kind);
    item.index = in.u32("an export's index");
    index.exports.push_back(std::move(item));
  }
}

void read_memories(Reader& in, ModuleIndex& index) {
  const std::uint32_t count = in.count("the list of memories");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    index.memory64 |= skip_limits(in);
  }
}

void read_bodies(Reader& in, ModuleIndex& index) {
  const std::uint32_t count = in.count("the list of function bodies");
  index.bodies.reserve(std::min<std::size_t>(count, in.left() / 3));  // size, no locals, end
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::uint32_t size = in.u32("a function body's size");
    const ByteOffset begin = in.offset();
    if (size < 2) {
      in.fail("truncated", fmt::format("a function body of {} bytes, where 2 are the least", size));
    }
    in.take(size, "a function body");
    index.bodies.push_back({begin, in.offset()});
  }
}

}  // namespace

Expected<ModuleIndex> index_module(std::span<const std::uint8_t> bytes, ByteOffset base,
                                   std::string_view file, std::size_t most_entries) {
  Reader in(bytes, base, file, "core module");
  static constexpr std::uint8_t kPreamble[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const std::uint8_t expected : kPreamble) {
    const ByteOffset at = in.offset();
    if (in.byte("the preamble of a core module") != expected) {
      in.fail(at, "not-a-core-module", "not a core module: it must start with 00 61 73 6d 01 00 00 00");
    }
  }
  ModuleIndex index;
  std::uint32_t functions = 0;
  while (in.ok() && !in.at_end() && count_entry(in, index, most_entries)) {
    const ByteOffset at = in.offset();
    Section section{.id = in.byte("a section"), .name = {}, .extent = {}};
    const std::uint32_t size = in.u32("a section's size");
    Reader inner = in.slice(size, "a section", fmt::format("section {} of a core module", section.id));
    section.extent = {inner.offset(), {inner.offset().value + inner.left()}};
    switch (section.id) {
      case kCustom:
        section.name = inner.name("a custom section's name");
        break;
      case kFunction:
        functions = inner.count("the list of functions");
        break;
      case kImport:
        read_imports(inner, index, most_entries);
        break;
      case kMemory:
        read_memories(inner, index);
        break;
      case kExport:
        read_exports(inner, index, most_entries);
        break;
      case kStart:
        index.start = FuncIndex{inner.u32("the start function")};
        break;
      case kCode:
        read_bodies(inner, index);
        if (inner.ok() && index.bodies.size() != functions) {
          inner.fail(section.extent.begin, "count",
                     fmt::format("{} function bodies for {} functions", index.bodies.size(), functions));
        }
        break;
      default:
        break;
    }
    const bool read_whole = section.id == kImport || section.id == kMemory || section.id == kExport ||
                            section.id == kStart || section.id == kCode;
    if (inner.ok() && read_whole && !inner.at_end()) {
      inner.fail("section-size", fmt::format("{} more bytes than the section's contents need", inner.left()));
    }
    if (in.ok() && section.id > 14) {
      in.fail(at, "unknown-section",
              fmt::format("a core module's section has the unknown number {}", section.id));
    }
    if (!inner.ok()) {
      in.fail(inner.failure());
    }
    index.sections.push_back(std::move(section));
  }
  if (!in.ok()) {
    return tl::unexpected(in.failure());
  }
  return index;
}

}  // namespace meld_verify::wasm
