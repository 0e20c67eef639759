#pragma once

#include <string>

#include "engine/check/check.h"

namespace meld_verify::check {

/// Where a unit is, in the words of the source.
[[nodiscard]] std::string place_of(const topology::Topology& topology, const routing::Plan& plan,
                                   const Unit& unit);

/// Fills in place, headline, gets, belongs, because, mend and pointer.
void explain_unit(const topology::Topology& topology, const routing::Plan& plan, Finding& finding);

}  // namespace meld_verify::check
