#pragma once

// Generated functions that are told by a constant what they work on: "make an entry of type 3".

#include "engine/lift/alignment.h"

namespace meld_verify::lift {

/// Adds a bound function to `fused` for each generated function that works on memory which no guest knows,
/// and for each choice of constants with which generated code calls it, where they leave one number open at
/// most: `Image::bound`, `Image::bound_sites`. What calls it is from then on taken to call the bound one. The
/// alignment grows by as many functions of no guest's. Linear in the size of generated code.
void bind_functions(Image& fused, Alignment& alignment);

}  // namespace meld_verify::lift
