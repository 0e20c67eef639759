#pragma once

// For properties of this room: random types as trees, with their layout and their values worked out from the
// tree alone, one step at a time, so that the engine is compared with another reading of the Canonical ABI.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/topology/small_composition.h"

namespace meld_verify::topology {

/// A type as a tree. Options and results are variants with one or two cases more or less; only `kind` says
/// how they are written.
struct Shape {
  component::TypeKind kind = component::TypeKind::kU8;
  std::vector<Shape> below;    ///< elements, fields; payloads of the cases that have one
  std::vector<bool> payloads;  ///< variants: which cases have one, in order
  std::uint32_t length = 0;    ///< fixed-length list
};

/// How the values of a type lie in memory and in slots ('i' i32, 'I' i64, 'f' f32, 'F' f64).
struct ShapeLayout {
  std::uint64_t size = 0;
  std::uint64_t alignment = 1;
  std::string slots;
};
[[nodiscard]] ShapeLayout layout_of(const Shape& shape);

/// Adds the type to an arena; all handles are of `resource`, owns and borrows alike.
[[nodiscard]] component::TypeId add(const Shape& shape, SmallComposition& to, ResourceId resource);

/// A linear memory whose bytes are rubbish until something is stored, with its words for handles.
struct ShapeMemory {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint32_t> handles;  ///< stored so far, in the order of storing; no two alike
  std::uint32_t rubbish = 1;           ///< state of a small generator
};

/// A number below `bound`, of the memory's own small generator.
[[nodiscard]] std::uint32_t draw(ShapeMemory& memory, std::uint32_t bound);

/// Room for `size` bytes; its address.
[[nodiscard]] std::uint32_t allocate(ShapeMemory& memory, std::uint64_t size, std::uint64_t alignment);

/// Puts a random value of the type to `address`.
void store(const Shape& shape, std::uint32_t address, ShapeMemory& memory);

/// A random value of the type as slots, those of inactive cases full of rubbish.
[[nodiscard]] std::vector<std::uint64_t> lower(const Shape& shape, ShapeMemory& memory);

/// The little-endian number of `width` bytes at `address`.
[[nodiscard]] std::uint32_t load(const ShapeMemory& memory, std::uint64_t address, unsigned width);

}  // namespace meld_verify::topology
