#pragma once

#include <cstdint>

namespace meld_verify::bench {

/// How much resident memory a piece of work needs on top of what was there before, Z3's included. Linux only,
/// in whole pages.
class PeakMemory {
 public:
  /// Gives free memory back and starts anew.
  PeakMemory();
  /// Bytes; 0 where the kernel does not tell.
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  std::uint64_t before_ = 0;
};

}  // namespace meld_verify::bench
