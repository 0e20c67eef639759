#include "engine/lift/assumptions.h"

#include <fmt/format.h>

#include <utility>

namespace meld_verify::lift {

std::vector<std::string> assumptions_of(const Pair& pair, const Lifted& lifted, const CallReadings& calls,
                                        bool has_counts) {
  std::vector<std::string> all;
  const auto say = [&all](std::string sentence) { all.push_back(std::move(sentence)); };
  if (calls.fewest_elements) {
    say(fmt::format("lists of up to {} elements", *calls.fewest_elements));
  }
  bool in_guests = false;
  for (const routing::Table& table : lifted.plan.tables) {
    in_guests |= table.storage == routing::Storage::kGuestMemory;
  }
  if (in_guests) {
    say("guests leave alone the memory where the fuser keeps their handles");
  }
  if (lifted.paths > 0) {
    say("a guest's allocator gives memory that is aligned, in bounds and its own");
    say("pointers that guests pass lie within their memories");
    say("a called component changes no memory but its own");
    if (calls.own_allocators) {
      say("an allocator of generated code gives memory that is aligned, in bounds and its own");
    }
    if (has_counts) {
      say("what generated code counts stays below 2^31, and its memories can grow");
    }
  }
  if (calls.checks > 0) {
    say(fmt::format("{} that only read{} a value and may trap let{} valid ones pass",
                    calls.checks == 1 ? "a function" : fmt::format("{} functions", calls.checks),
                    calls.checks == 1 ? "s" : "", calls.checks == 1 ? "s" : ""));
  }
  if (!pair.fused) {
    say("an embedder gives each import of a resource intrinsic the canonical built-in of the type that it "
        "names, "
        "on one table");
  }
  if (calls.embedder_lifts) {
    say("an embedder lifts the world's exports from the functions that the composed file lifts");
  }
  if (calls.lost_exports) {
    say("exports of the world that the fused file lost are called as the composed file lifts them");
  }
  return all;
}

}  // namespace meld_verify::lift
