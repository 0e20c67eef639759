#pragma once

#include <cstdint>

namespace meld_verify::component {

/// What one decode may spend. A file of two kilobytes may describe a million instances, so that memory is
/// bounded by what is counted here and not by the file: the cost of each thing is about the bytes that it
/// takes, with the room that vectors leave as they grow.
///
/// The whole program keeps to 64 MiB plus 16 times the file's size; what is decoded here is laid out, planned
/// and printed later, which takes about as much again.
class Budget {
 public:
  explicit Budget(std::uint64_t file_size) : left_((std::uint64_t{36} << 20) + 5 * file_size) {}

  /// False when there is not as much left.
  [[nodiscard]] bool spend(std::uint64_t cost) {
    if (cost > left_) {
      left_ = 0;
      return false;
    }
    left_ -= cost;
    return true;
  }
  [[nodiscard]] std::uint64_t left() const { return left_; }

 private:
  std::uint64_t left_;
};

/// Costs, in bytes.
namespace cost {
inline constexpr std::uint64_t kDefinition = 240;  ///< as written: twice its size, and its lists
inline constexpr std::uint64_t kMember = 96;       ///< a field, case, argument, export of a bag as written
inline constexpr std::uint64_t kEntry = 160;       ///< a section, import or export of a core module
inline constexpr std::uint64_t kBody = 16;         ///< the extent of a function body
inline constexpr std::uint64_t kEvaluated = 320;   ///< an entry of an index space, of a bag
inline constexpr std::uint64_t kCanon = 1200;      ///< a canonical definition, evaluated
inline constexpr std::uint64_t kHandle = 200;      ///< a place for a handle in a function lifted or lowered
inline constexpr std::uint64_t kInstance = 1000;   ///< a component instance with its index spaces
inline constexpr std::uint64_t kPort = 120;        ///< a core import of a core instance
inline constexpr std::uint64_t kTypeMember = 120;  ///< a member of an evaluated type
}  // namespace cost

}  // namespace meld_verify::component
