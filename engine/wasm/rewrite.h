#pragma once

// A core module with functions put in, and every index that moved written anew. All other bytes stay.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/module.h"

namespace meld_verify::wasm {

/// Functions that stand around others: a probe is told the arguments when a function is entered and the
/// results when it is left. All callers of the function, in the module or elsewhere, go through it.
struct Probe {
  std::uint32_t function = 0;  ///< index in the module, of an imported or defined function
  std::string enter;           ///< name of the import that gets the arguments: (params) -> ()
  std::string leave;           ///< name of the import that gets the results: (results) -> ()
};

/// The module with `probes`; their imports (module name `import_module`) come last among the imports, two for
/// each probe, in order. A defined function keeps its index relative to the others: it becomes
/// enter; call of the original, which is appended; leave. For an imported function, a forwarding function of
/// the same kind is appended and all calls, references, elements and exports are led to it. Locals, data,
/// memories, tables, globals and custom sections stay; the name section, if any, is dropped. A function that
/// does not come back (a trap, an exception) is not told to be left. With several probes on a function, the
/// first stands outermost.
/// Errors: as `decode_module`, and instructions that cannot be read; a probe of a function that there is not
/// ("index-out-of-range", `kBadInput`) or that takes or gives a typed or collected reference ("probe-type",
/// `kUnsupported`).
[[nodiscard]] Expected<std::vector<std::uint8_t>> with_probes(std::span<const std::uint8_t> bytes,
                                                              ByteOffset base, std::string_view file,
                                                              std::span<const Probe> probes,
                                                              std::string_view import_module);

}  // namespace meld_verify::wasm
