#pragma once

// What functions of an image do nothing but pass their arguments on, and which tables never change.

#include "engine/lift/image.h"

namespace meld_verify::lift {

/// Clears `fixed` of every table that some code can change (or may: code that cannot be read).
void find_changed_tables(Image& image);

/// Sets `leads_to`. Requires that tables are filled and `fixed` is final.
void find_forwarders(Image& image);

/// Whether a function leads on through a table (a shim's), rather than by a direct call.
[[nodiscard]] bool leads_through_table(const Image& image, FunctionId function);

}  // namespace meld_verify::lift
