#include "engine/lift/initial_memory.h"

#include <algorithm>
#include <limits>

namespace meld_verify::lift {
namespace {

using Areas = std::map<std::uint64_t, InitialBytes>;

void write(Areas& areas, std::uint64_t at, const InitialBytes& written) {
  const std::uint64_t end = at + written.bytes.size();
  if (at == end) {
    return;
  }
  auto place = areas.lower_bound(at);
  if (place != areas.begin()) {  // the one before may reach into it
    const auto before = std::prev(place);
    const std::uint64_t before_end = before->first + before->second.bytes.size();
    if (before_end > at) {
      InitialBytes rest = before->second;
      before->second.bytes = before->second.bytes.first(static_cast<std::size_t>(at - before->first));
      if (before_end > end) {
        rest.bytes = rest.bytes.last(static_cast<std::size_t>(before_end - end));
        areas.emplace(end, rest);
      }
    }
  }
  while (place != areas.end() && place->first < end) {
    const std::uint64_t place_end = place->first + place->second.bytes.size();
    if (place_end > end) {
      InitialBytes rest = place->second;
      rest.bytes = rest.bytes.last(static_cast<std::size_t>(place_end - end));
      areas.emplace(end, rest);
    }
    place = areas.erase(place);
  }
  areas.insert_or_assign(at, written);
}

/// Walks through a memory's areas by ascending address.
class Cursor {
 public:
  explicit Cursor(const Areas& areas) : at_(areas.begin()), end_(areas.end()) {}

  /// Goes to the area that holds `address`, or to the first after it.
  void go(std::uint64_t address) {
    while (at_ != end_ && at_->first + at_->second.bytes.size() <= address) {
      ++at_;
    }
  }
  [[nodiscard]] std::optional<InitialBytes> area(std::uint64_t address) const {
    return at_ != end_ && at_->first <= address ? std::optional(at_->second) : std::nullopt;
  }
  /// Its bytes from `address` on; none where there is a gap.
  [[nodiscard]] std::span<const std::uint8_t> from(std::uint64_t address) const {
    return at_ != end_ && at_->first <= address
               ? at_->second.bytes.subspan(static_cast<std::size_t>(address - at_->first))
               : std::span<const std::uint8_t>{};
  }
  /// Where what is here ends: an area, or the gap before the next.
  [[nodiscard]] std::uint64_t until(std::uint64_t address) const {
    if (at_ == end_) {
      return std::numeric_limits<std::uint64_t>::max();
    }
    return at_->first <= address ? at_->first + at_->second.bytes.size() : at_->first;
  }

 private:
  Areas::const_iterator at_, end_;
};

}  // namespace

std::vector<InitialMemory> initial_memories(const Image& image) {
  constexpr std::uint64_t kPage = 65536;
  std::vector<InitialMemory> memories(image.memories.size());
  for (std::uint32_t i = 0; i < image.instances.size(); ++i) {
    const CoreInstanceId id{i};
    const auto& data = image.module_of(id).data;
    for (std::uint32_t k = 0; k < data.size(); ++k) {
      if (!data[k].active || data[k].memory >= image.instances[i].memories.size()) {
        continue;
      }
      const MemoryId memory = image.instances[i].memories[data[k].memory];
      const auto begin = static_cast<std::size_t>(data[k].bytes.begin.value);
      const InitialBytes written{
          image.bytes.subspan(begin, static_cast<std::size_t>(data[k].bytes.end.value) - begin), id, k};
      const auto address = image.value_of(data[k].offset, id);
      const std::uint64_t pages = image.memories[memory.value].limits.min;
      // Beyond the pages it starts with it traps; what is there is then of no interest.
      if (!address || pages > (std::uint64_t{1} << 40U) || written.bytes.size() > pages * kPage ||
          *address > pages * kPage - written.bytes.size()) {
        memories[memory.value].unknown = written;
        continue;
      }
      write(memories[memory.value].areas, *address, written);
    }
  }
  return memories;
}

std::optional<MemoryDifference> difference(const InitialMemory& left, const InitialMemory& right,
                                           std::uint64_t end) {
  Cursor one(left.areas), other(right.areas);
  for (std::uint64_t at = 0; at < end;) {
    one.go(at);
    other.go(at);
    const std::uint64_t until = std::min({one.until(at), other.until(at), end});
    const auto size = static_cast<std::size_t>(until - at);
    const auto mine = one.from(at);
    const auto theirs = other.from(at);
    if (!mine.empty() || !theirs.empty()) {
      for (std::size_t i = 0; i < size; ++i) {
        if ((mine.empty() ? 0 : mine[i]) != (theirs.empty() ? 0 : theirs[i])) {
          return MemoryDifference{at + i, one.area(at), other.area(at)};
        }
      }
    }
    at = until;
  }
  return std::nullopt;
}

}  // namespace meld_verify::lift
