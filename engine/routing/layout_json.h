#pragma once

// Where a handle lies, in the JSON form of a position.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/topology/topology.h"

namespace meld_verify::routing {

/// Reads "caller", "callee" and "guards" of a position (which keeps to the schema); what is left out is as in
/// `own`, the topology's. Gives none where the plan has the handle at the topology's place, else `own` with
/// the places changed.
[[nodiscard]] std::optional<topology::Layout> read_layout(const nlohmann::json& position,
                                                          const topology::Layout& own);

/// Whether two locations are the same word. Members that say nothing for their root are not compared.
[[nodiscard]] bool same_place(const topology::Location& left, const topology::Location& right);

/// Appends the members "caller", "callee" and "guards", without braces.
void write_layout(const topology::Layout& layout, std::string& out);

}  // namespace meld_verify::routing
