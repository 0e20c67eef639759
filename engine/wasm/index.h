#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace meld_verify::wasm {

/// A position in one index space. Two index spaces have two tags, so that their numbers never mix.
template <class Tag>
struct Index {
  std::uint32_t value = 0;

  constexpr Index() = default;
  constexpr explicit Index(std::uint32_t v) : value(v) {}
  constexpr explicit Index(std::size_t v) : value(static_cast<std::uint32_t>(v)) {}
  constexpr auto operator<=>(const Index&) const = default;
};

/// Distance in bytes from the start of the *file*, also for bytes of a nested component or module.
struct ByteOffset {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const ByteOffset&) const = default;
};

}  // namespace meld_verify::wasm

template <class Tag>
struct std::hash<meld_verify::wasm::Index<Tag>> {
  std::size_t operator()(const meld_verify::wasm::Index<Tag>& index) const noexcept { return index.value; }
};
