#pragma once

#include <optional>
#include <string_view>

#include "engine/component/syntax.h"

namespace meld_verify::component {

/// Checks each index of a file against the size that its index space has at that place, and that no scope
/// exports or imports a name twice: also in components that nothing instantiates, which the evaluation never
/// sees. Linear in the file. Says what is wrong first; none when all is right.
[[nodiscard]] std::optional<wasm::Diagnostic> check_indices(const syntax::File& file, std::string_view name);

}  // namespace meld_verify::component
