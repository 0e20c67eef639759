#pragma once

// Function bodies with every index immediate blanked: a digest to find them by, and their comparison, one
// instruction at a time.

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/lift/image.h"

namespace meld_verify::lift {

/// By the functions that a module defines: equal for bodies that are equal but for indices. Different bodies
/// may have one digest. An unreadable body has a digest of its own.
[[nodiscard]] std::vector<std::uint64_t> digests_of(const Image& image, CoreModuleId module);

/// What a walk over two bodies says: `left` and `right` are indices into that space of their modules. False
/// ends the walk.
using OnIndices = std::function<bool(wasm::IndexSpace space, std::uint32_t left, std::uint32_t right)>;

/// Two bodies, instruction by instruction. Function type, locals, constants, offsets, labels and local
/// indices must be equal, types structurally; functions, tables, memories, globals, tags, elements and data
/// segments are handed to `on_indices`. False when they differ, when one cannot be read, or when `on_indices`
/// says so.
[[nodiscard]] bool same_body(const Image& left, FunctionId left_function, const Image& right,
                             FunctionId right_function, const OnIndices& on_indices);

}  // namespace meld_verify::lift
