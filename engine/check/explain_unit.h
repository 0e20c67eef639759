#pragma once

#include <string>

#include "engine/check/check.h"

namespace meld_verify::check {

/// Where a unit is, in the words of the source.
[[nodiscard]] std::string place_of(const topology::Topology& topology, const routing::Plan& plan,
                                   const Unit& unit);

/// The JSON pointer to what the plan's file says of a unit; the nearest entry around it where it says
/// nothing; empty for a plan that was not read from a file.
[[nodiscard]] std::string pointer_to(const topology::Topology& topology, const routing::Plan& plan,
                                     const Unit& unit);

/// What happens at run time where the finding's value arrives.
[[nodiscard]] std::string symptom_of(const topology::Topology& topology, const routing::Plan& plan,
                                     const Finding& finding);

/// Fills in place, headline, gets, belongs, because, mend and pointer.
void explain_unit(const topology::Topology& topology, const routing::Plan& plan, Source source,
                  Finding& finding);

}  // namespace meld_verify::check
