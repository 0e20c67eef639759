#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/wasm/diagnostic.h"
#include "engine/wasm/index.h"

namespace meld_verify::wasm {

using FuncIndex = Index<struct FuncTag>;

/// Kinds of core imports and exports, in the binary format's numbering.
enum class ExternKind : std::uint8_t { kFunc = 0, kTable = 1, kMemory = 2, kGlobal = 3, kTag = 4 };

struct CoreImport {
  std::string module;
  std::string name;
  ExternKind kind;
};
struct CoreExport {
  std::string name;
  ExternKind kind;
  std::uint32_t index;
};
/// Extent of a section's contents (after its size) or of a function body (after its size), in the file.
struct Extent {
  ByteOffset begin;
  ByteOffset end;
};
struct Section {
  std::uint8_t id;
  std::string name;  ///< custom sections only
  Extent extent;
};

/// What is known of a core module without reading its function bodies.
struct ModuleIndex {
  std::vector<Section> sections;
  std::vector<CoreImport> imports;
  std::vector<CoreExport> exports;
  std::vector<Extent> bodies;  ///< one per defined function, in order
  std::uint32_t imported_functions = 0;
  std::optional<FuncIndex> start;
  bool memory64 = false;  ///< a memory, imported or defined, with 64-bit addresses
};

/// A module has at most so many sections, imports and exports in all, unless its reader asks for fewer.
inline constexpr std::size_t kMostEntries = 1'000'000;

/// Indexes the core module in `bytes`, which starts at offset `base` of `file`. Function bodies are not read:
/// only their extents are checked against the code section. Errors: malformed bytes (`kBadInput`); more than
/// `most_entries` sections, imports and exports ("too-large", `kUnsupported`).
[[nodiscard]] Expected<ModuleIndex> index_module(std::span<const std::uint8_t> bytes, ByteOffset base,
                                                 std::string_view file,
                                                 std::size_t most_entries = kMostEntries);

}  // namespace meld_verify::wasm
