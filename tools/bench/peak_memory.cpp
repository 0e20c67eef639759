#include "tools/bench/peak_memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace meld_verify::bench {
namespace {

/// A line of /proc/self/status, in bytes.
std::uint64_t status(const std::string& field) {
  std::ifstream in("/proc/self/status");
  std::string word;
  while (in >> word) {
    if (word == field) {
      std::uint64_t kibibytes = 0;
      in >> kibibytes;
      return kibibytes * 1024;
    }
  }
  return 0;
}

}  // namespace

PeakMemory::PeakMemory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // sets the highest resident size to the present one
  before_ = status("VmRSS:");
}

std::uint64_t PeakMemory::bytes() const {
  const std::uint64_t highest = status("VmHWM:");
  return highest > before_ ? highest - before_ : 0;
}

}  // namespace meld_verify::bench
