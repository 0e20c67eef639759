#include <gtest/gtest.h>

#include "engine/topology/small_composition.h"

namespace meld_verify::topology {
namespace {

using component::FuncTypeId;
using component::ResourceOp;

class ReachableTest : public ::testing::Test {
 protected:
  /// Which of the instances after the root can run, and which boundaries.
  void expect(const Topology& topology, std::vector<bool> instances, std::vector<bool> boundaries) {
    std::vector<bool> found;
    for (std::size_t i = 2; i < topology.instances.size(); ++i) {
      found.push_back(topology.instances[i].reachable);
    }
    EXPECT_EQ(found, instances);
    found.clear();
    for (const Boundary& boundary : topology.boundaries) {
      found.push_back(boundary.reachable);
    }
    EXPECT_EQ(found, boundaries);
    EXPECT_FALSE(topology.instances[kHost.value].reachable);
    for (const View& view : topology.views) {
      EXPECT_EQ(view.reachable, topology.instances[view.instance.value].reachable);
    }
  }

  SmallComposition small;
  const InstanceId a = small.instance("a");
  const InstanceId b = small.instance("b");
  const InstanceId c = small.instance("c");
  const FuncTypeId plain = small.func({});
};

TEST_F(ReachableTest, NothingRunsWithoutExportsAndStartFunctions) {
  small.core(a);
  small.lower(a, small.lift(b, plain), plain, "", "f");
  expect(topology_of(small.made), {false, false, false}, {false});
}

TEST_F(ReachableTest, AnExportReachesAllThatItsInstanceCanCall) {
  small.lower(a, small.lift(b, plain), plain, "", "f");
  small.lower(b, small.lift(a, plain), plain, "", "back");
  small.lower(c, small.lift(b, plain), plain, "", "from c");
  small.world_export("", "run", small.lift(a, plain), plain);
  expect(topology_of(small.made), {true, true, false}, {true, true, false, true});
}

TEST_F(ReachableTest, AStartFunctionReachesAsAnExportDoes) {
  small.core(a, true);
  small.core(c);
  small.lower(a, small.lift(b, plain), plain, "", "f");
  small.lower(c, small.lift(b, plain), plain, "", "g");
  expect(topology_of(small.made), {true, true, false}, {true, false});
}

TEST_F(ReachableTest, CallsToTheHostReachNobody) {
  small.core(a, true);
  small.lower(a, small.host_func("h", "f", plain), plain, "h", "f");
  expect(topology_of(small.made), {true, false, false}, {true});
}

TEST_F(ReachableTest, ADropReachesTheDefinerThatHasADestructor) {
  const ResourceId with = small.resource(b, "", "with", true);
  const ResourceId without = small.resource(c, "", "without", false);
  small.core(a, true);
  small.builtin(a, ResourceOp::kDrop, with, "", "with");
  small.builtin(a, ResourceOp::kDrop, without, "", "without");
  small.lower(b, small.host_func("h", "f", plain), plain, "h", "f");
  expect(topology_of(small.made), {true, true, false}, {true});
}

TEST_F(ReachableTest, ADropOfAnInstanceThatNeverRunsReachesNobody) {
  const ResourceId with = small.resource(b, "", "with", true);
  small.builtin(a, ResourceOp::kDrop, with, "", "with");
  small.builtin(b, ResourceOp::kNew, with, "", "with", true);
  small.core(c, true);
  expect(topology_of(small.made), {false, false, true}, {});
}

TEST_F(ReachableTest, TheHostDropsWhatItIsGiven) {
  const ResourceId from_result = small.resource(b, "", "r", true);
  const ResourceId from_param = small.resource(c, "", "p", true);
  const FuncTypeId make = small.func({}, small.own(from_result));
  const FuncTypeId take = small.func({{"it", small.own(from_param)}});
  small.world_export("", "make", small.lift(a, make), make);
  expect(topology_of(small.made), {true, true, false}, {true});
  small.lower(b, small.host_func("h", "take", take), take, "h", "take");
  expect(topology_of(small.made), {true, true, true}, {true, true});
}

TEST_F(ReachableTest, TheHostDropsNeitherBorrowsNorWhatItGives) {
  const ResourceId thing = small.resource(b, "", "thing", true);
  const ResourceId lent = small.resource(c, "", "lent", true);
  const FuncTypeId take = small.func({{"it", small.own(thing)}});
  const FuncTypeId look = small.func({{"it", small.borrow(lent)}});
  small.world_export("", "take", small.lift(a, take), take);
  small.lower(a, small.host_func("h", "look", look), look, "h", "look");
  expect(topology_of(small.made), {true, false, false}, {true, true});
}

TEST_F(ReachableTest, MarksAreAddedToThoseThatAreThere) {
  small.lower(a, small.lift(b, plain), plain, "", "f");
  Topology topology = topology_of(small.made);
  mark_reachable(topology, {b});
  expect(topology, {false, true, false}, {false});
  mark_reachable(topology, {a});
  expect(topology, {true, true, false}, {true});
}

TEST_F(ReachableTest, ALongChainTakesNoStack) {
  InstanceId last = a;
  for (int i = 0; i < 200'000; ++i) {
    const InstanceId next = small.instance("i" + std::to_string(i));
    small.lower(last, small.lift(next, plain), plain, "", "f");
    last = next;
  }
  small.core(a, true);
  EXPECT_TRUE(topology_of(small.made).instances[last.value].reachable);
}

TEST_F(ReachableTest, AnEmptyTopologyIsLeftAlone) {
  Topology topology;
  mark_reachable(topology, {});
  EXPECT_TRUE(topology.instances.empty());
}

}  // namespace
}  // namespace meld_verify::topology
