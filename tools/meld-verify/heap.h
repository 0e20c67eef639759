#pragma once

namespace meld_verify::tool {

/// Readies the heap for Z3, which clears two blocks of 8 MiB when it starts: asks for huge pages there, as
/// the faults for 4,000 small ones are a quarter of the time of a small check, and keeps freed memory until
/// the end. To be called before anything large is allocated; does nothing where the C library is not glibc.
void ready_heap_for_solver();

}  // namespace meld_verify::tool
