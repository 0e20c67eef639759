#pragma once

// What people call the tables and types of a plan that was read off a fused file.

#include "engine/routing/plan.h"

namespace meld_verify::lift {

/// Names each table after the instance whose handles it holds (that which makes them first, else the first
/// one that uses it), and each type after the resource type that it stands for, as a required plan does. The
/// canonical table keeps its name, and so does a table that no view uses. Names of the fused file stay in
/// `symbol`.
void name_for_people(routing::Plan& plan, const topology::Topology& topology);

}  // namespace meld_verify::lift
