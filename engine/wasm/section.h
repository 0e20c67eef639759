#pragma once

// What both readers of core modules need: one section after another, imports, exports and types.

#include <cstdint>
#include <functional>

#include "engine/wasm/module.h"
#include "engine/wasm/reader.h"

namespace meld_verify::wasm {

/// Numbers of the sections.
namespace section {
inline constexpr std::uint8_t kCustom = 0, kType = 1, kImport = 2, kFunction = 3, kTable = 4, kMemory = 5,
                              kGlobal = 6, kExport = 7, kStart = 8, kElement = 9, kCode = 10, kData = 11,
                              kDataCount = 12, kTag = 13;
}  // namespace section

/// Where a section stands among the others of a module; custom sections stand anywhere.
constexpr int section_rank(std::uint8_t id) {
  const int before = id == section::kTag         ? section::kMemory
                     : id == section::kDataCount ? section::kElement
                                                 : id;
  return 2 * before + (before == id ? 0 : 1);
}

/// Reads the preamble, and hands each section to `visit`, with a reader over its contents (after the name of
/// a custom one). What `visit` returns says whether it read the contents whole. Stops at the first failure,
/// which is then in `in`.
void read_sections(Reader& in, const std::function<bool(Section&, Reader&)>& visit);

Import read_import(Reader& in);
/// `index_at`: where its index stands.
CoreExport read_export(Reader& in, Extent& index_at);
ValueType read_value_type(Reader& in);
GlobalType read_global_type(Reader& in);
/// Of a memory or table.
Limits read_limits(Reader& in);
TableType read_table_type(Reader& in);

/// Reads the extents of the bodies one after another and hands each to `visit` with its place in the list.
void read_bodies(Reader& in, const std::function<void(std::uint32_t, Extent, Reader&)>& visit);

}  // namespace meld_verify::wasm
