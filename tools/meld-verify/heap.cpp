#include "tools/meld-verify/heap.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace meld_verify::tool {

void ready_heap_for_solver() {
#ifdef __GLIBC__
  constexpr int kRoom = 64 << 20;
  constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;
  const auto heap_end = [] { return reinterpret_cast<std::uintptr_t>(sbrk(0)); };
  mallopt(M_MMAP_THRESHOLD, kRoom / 2);  // large blocks lie in the heap too
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, kRoom);
  const std::uintptr_t begin = (heap_end() + kHugePage - 1) / kHugePage * kHugePage;
  void* volatile block = std::malloc(kRoom / 4);  // lets the heap grow; no page of it is touched
  std::free(block);
  // Where the kernel has none to give, it says so and nothing is lost.
  if (const std::uintptr_t end = heap_end(); end > begin) {
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  }
#endif
}

}  // namespace meld_verify::tool
