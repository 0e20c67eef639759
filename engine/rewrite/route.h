#pragma once

// A composed component made flat: guests as they are, and between them the code of a router.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/component/decode.h"
#include "engine/emit/router.h"

namespace meld_verify::rewrite {

/// What a core instance of a flat component is: a guest's, or one of the router's with what it exports (none:
/// it puts a destructor into its slot).
struct FlatInstance {
  std::optional<component::CoreInstanceId> guest;  ///< in the composition's numbers
  std::vector<std::pair<emit::Symbol, std::string>> exports;
};

/// The flat component: the guests' core modules from `bytes` (which `decoded` was read from), each once and
/// byte for byte, instantiated in the order of the evaluation; tables, intrinsics and bridges from `router`
/// (which was made of `decoded`'s composition); and the imports and exports of the composed component's root.
/// No component is nested in it but such as only give exported types their names. Errors (`kUnsupported`): a
/// world that cannot be written so, a table in a guest's memory. `core_instances`, if given: what the core
/// instances are, in their order.
[[nodiscard]] wasm::Expected<std::vector<std::uint8_t>> flatten(
    const component::Decoded& decoded, const emit::Router& router, std::span<const std::uint8_t> bytes,
    std::vector<FlatInstance>* core_instances = nullptr);

/// Makes a composed component flat with the routing that the law asks for. `file` is its name in diagnostics.
/// Errors: those of `component::decode`, `emit::make_router` and `flatten`; "world" (`kUnsupported`) where
/// the flat component's imports and exports would not read like the composed one's. What it gives is not
/// checked otherwise.
[[nodiscard]] wasm::Expected<std::vector<std::uint8_t>> route(std::span<const std::uint8_t> bytes,
                                                              std::string_view file);

}  // namespace meld_verify::rewrite
