// What can run: mark_reachable.

#include <vector>

#include "engine/topology/topology.h"

namespace meld_verify::topology {
namespace {

class Search {
 public:
  explicit Search(Topology& topology)
      : topology_(topology), calls_(topology.instances.size()), drops_(topology.instances.size()) {
    for (std::uint32_t b = 0; b < topology.boundaries.size(); ++b) {
      calls_[topology.boundaries[b].caller.value].push_back(BoundaryId{b});
    }
    for (const View& view : topology.views) {
      if (view.has_drop) {
        drops_[view.instance.value].push_back(view.resource);
      }
    }
  }

  void reach(InstanceId instance) {
    if (instance != kHost && !topology_.instances[instance.value].reachable) {
      topology_.instances[instance.value].reachable = true;
      work_.push_back(instance);
    }
  }

  void calls_of(InstanceId caller) {
    for (const BoundaryId id : calls_[caller.value]) {
      Boundary& boundary = topology_.boundaries[id.value];
      boundary.reachable = true;
      reach(boundary.callee);
      handed_to_host(boundary);
    }
  }

  void run() {
    while (!work_.empty()) {
      const InstanceId instance = work_.back();
      work_.pop_back();
      calls_of(instance);
      for (const ResourceId resource : drops_[instance.value]) {
        dropped(resource);
      }
    }
    for (View& view : topology_.views) {
      view.reachable = topology_.instances[view.instance.value].reachable;
    }
  }

 private:
  void dropped(ResourceId id) {
    const Resource& resource = topology_.resources[id.value];
    if (resource.has_destructor) {
      reach(resource.definer);
    }
  }

  void handed_to_host(const Boundary& boundary) {
    if (boundary.caller != kHost && boundary.callee != kHost) {
      return;
    }
    for (std::uint32_t p = 0; p < boundary.position_count; ++p) {
      const Position& position = topology_.positions[boundary.first_position + p];
      const View& receiver = topology_.views[position.receiver.value];
      if (position.kind == HandleKind::kOwn && receiver.instance == kHost) {
        dropped(receiver.resource);
      }
    }
  }

  Topology& topology_;
  std::vector<std::vector<BoundaryId>> calls_;  ///< by caller
  std::vector<std::vector<ResourceId>> drops_;  ///< by instance
  std::vector<InstanceId> work_;
};

}  // namespace

void mark_reachable(Topology& topology, const std::vector<InstanceId>& started) {
  if (topology.instances.empty()) {
    return;
  }
  Search search(topology);
  for (const InstanceId instance : started) {
    search.reach(instance);
  }
  search.calls_of(kHost);
  search.run();
}

}  // namespace meld_verify::topology
