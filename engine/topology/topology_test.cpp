#include "engine/topology/topology.h"

#include <gtest/gtest.h>

#include <tuple>

#include "engine/topology/small_composition.h"

namespace meld_verify::topology {
namespace {

using component::FuncTypeId;
using component::ResourceOp;
using component::TypeId;
using component::TypeKind;

/// Instance, resource type, interface, name, "new rep drop" as far as it has them, exported.
using ViewWords = std::tuple<std::uint32_t, std::uint32_t, std::string, std::string, std::string, bool>;

std::vector<ViewWords> views_of(const Topology& topology) {
  std::vector<ViewWords> words;
  for (const View& view : topology.views) {
    words.emplace_back(
        view.instance.value, view.resource.value, topology.text(view.interface_name),
        topology.text(view.name),
        std::string(view.has_new ? "n" : "") + (view.has_rep ? "r" : "") + (view.has_drop ? "d" : ""),
        view.exported);
  }
  return words;
}

/// Code and instance of each thing that is not supported.
std::vector<std::pair<std::string, std::uint32_t>> limits_of(const Topology& topology) {
  std::vector<std::pair<std::string, std::uint32_t>> limits;
  for (const Unsupported& item : topology.unsupported) {
    limits.emplace_back(item.code, item.instance.value);
  }
  return limits;
}

using Limits = std::vector<std::pair<std::string, std::uint32_t>>;

/// A definer "leaf" (2) of "thing" and a consumer "main" (3), siblings.
class TopologyTest : public ::testing::Test {
 protected:
  Topology topology() const { return topology_of(small.made); }

  SmallComposition small;
  const InstanceId leaf = small.instance("leaf");
  const InstanceId main = small.instance("main");
  const ResourceId thing = small.resource(leaf, "a:b/things", "thing", true);
  const TypeId own = small.own(thing, "thing");
  const TypeId borrow = small.borrow(thing, "thing");
};

TEST_F(TopologyTest, AnEmptyCompositionHasHostAndRoot) {
  const Topology topology = topology_of(SmallComposition().made);
  ASSERT_EQ(topology.instances.size(), 2u);
  EXPECT_EQ(topology.text(topology.instances[kHost.value].name), "host");
  EXPECT_EQ(topology.text(topology.instances[kRoot.value].name), "root");
  EXPECT_EQ(topology.names.front(), "");
  EXPECT_TRUE(topology.boundaries.empty() && topology.views.empty() && topology.unsupported.empty());
}

TEST_F(TopologyTest, InstancesAndResourcesAreTakenOver) {
  const InstanceId inner = small.instance("inner", main);
  small.core(main);
  const Topology topology = this->topology();
  ASSERT_EQ(topology.instances.size(), 5u);
  EXPECT_EQ(topology.instances[inner.value].parent, main);
  EXPECT_EQ(topology.instances[leaf.value].definition, small.made.instances[leaf.value].definition);
  EXPECT_TRUE(topology.instances[main.value].has_core);
  EXPECT_FALSE(topology.instances[leaf.value].has_core);
  ASSERT_EQ(topology.resources.size(), 1u);
  EXPECT_EQ(topology.resources[0].definer, leaf);
  EXPECT_EQ(topology.text(topology.resources[0].interface_name), "a:b/things");
  EXPECT_EQ(topology.text(topology.resources[0].name), "thing");
  EXPECT_TRUE(topology.resources[0].has_destructor);
}

TEST_F(TopologyTest, ALowerOfALiftIsABoundaryWithTheCallersNames) {
  const FuncTypeId lifted = small.func({{"n", small.primitive(TypeKind::kU32)}, {"self", borrow}}, own);
  const CanonId lift = small.lift(leaf, lifted);
  const TypeId imported_own = small.own(thing, "thing", 2);
  const TypeId imported_borrow = small.borrow(thing, "thing", 300);
  const FuncTypeId lowered =
      small.func({{"n", small.primitive(TypeKind::kU32)}, {"self", imported_borrow}}, imported_own);
  const CanonId lower = small.lower(main, lift, lowered, "a:b/things", "copy");
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), Limits{});
  ASSERT_EQ(topology.boundaries.size(), 1u);
  const Boundary& boundary = topology.boundaries[0];
  EXPECT_EQ(boundary.caller, main);
  EXPECT_EQ(boundary.callee, leaf);
  EXPECT_EQ(boundary.lift, lift);
  EXPECT_EQ(boundary.lower, lower);
  EXPECT_EQ(topology.text(boundary.interface_name), "a:b/things");
  EXPECT_EQ(topology.text(boundary.function), "copy");
  EXPECT_EQ(boundary.first_position, 0u);
  ASSERT_EQ(boundary.position_count, 2u);
  const Position& self = topology.positions[0];
  const Position& made = topology.positions[1];
  EXPECT_EQ(self.kind, HandleKind::kBorrow);
  EXPECT_FALSE(self.result);
  EXPECT_EQ(topology.views[self.sender.value].instance, main);
  EXPECT_EQ(topology.views[self.receiver.value].instance, leaf);
  EXPECT_EQ(self.alias_depth, 255);
  EXPECT_EQ(topology.layouts[self.layout.value].path, "params/self");
  EXPECT_EQ(topology.layouts[self.layout.value].callee.slot, 1u);
  EXPECT_EQ(made.kind, HandleKind::kOwn);
  EXPECT_TRUE(made.result);
  EXPECT_EQ(topology.views[made.sender.value].instance, leaf);
  EXPECT_EQ(topology.views[made.receiver.value].instance, main);
  EXPECT_EQ(made.alias_depth, 2);
}

TEST_F(TopologyTest, TheHostIsCalledAndCalls) {
  const ResourceId outer = small.resource(kHost, "h:i/outer", "token", true);
  const FuncTypeId take = small.func({{"token", small.own(outer, "token")}});
  const CanonId lift = small.lift(leaf, take);
  const component::HostFuncId host = small.host_func("h:i/outer", "take", take);
  small.lower(main, host, take, "h:i/outer", "take");
  small.world_export("x:y/out", "take", lift, take);
  small.world_export("", "again", lift, take);
  small.world_export("", "passed-on", host, take);
  const Topology topology = this->topology();
  ASSERT_EQ(topology.boundaries.size(), 3u);
  EXPECT_EQ(topology.boundaries[0].caller, main);
  EXPECT_EQ(topology.boundaries[0].callee, kHost);
  EXPECT_FALSE(topology.boundaries[0].lift);
  EXPECT_EQ(topology.boundaries[1].caller, kHost);
  EXPECT_EQ(topology.boundaries[1].callee, leaf);
  EXPECT_EQ(topology.boundaries[1].lift, lift);
  EXPECT_FALSE(topology.boundaries[1].lower);
  EXPECT_EQ(topology.text(topology.boundaries[1].interface_name), "x:y/out");
  EXPECT_EQ(topology.text(topology.boundaries[2].interface_name), "");
  EXPECT_EQ(topology.text(topology.boundaries[2].function), "again");
  // One view of the host's for the type, and positions follow each other.
  EXPECT_EQ(views_of(topology), (std::vector<ViewWords>{{0, 1, "h:i/outer", "token", "", true},
                                                        {2, 1, "h:i/outer", "token", "", false},
                                                        {3, 1, "h:i/outer", "token", "", false}}));
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(topology.boundaries[i].first_position, i);
    EXPECT_EQ(topology.boundaries[i].position_count, 1u);
    EXPECT_EQ(topology.positions[i].boundary, BoundaryId{i});
  }
  EXPECT_EQ(topology.views[topology.positions[0].receiver.value].instance, kHost);
  EXPECT_EQ(topology.views[topology.positions[1].sender.value].instance, kHost);
}

TEST_F(TopologyTest, TheHostHasOneViewWhateverItsNamesAre) {
  small.known_as(kHost, thing, "x", "one", true);
  small.known_as(kHost, thing, "x", "two", true);
  const FuncTypeId make = small.func({}, own);
  small.world_export("x", "make", small.lift(leaf, make), make);
  EXPECT_EQ(views_of(topology()), (std::vector<ViewWords>{{0, 0, "a:b/things", "thing", "", false},
                                                          {2, 0, "a:b/things", "thing", "", true}}));
}

TEST_F(TopologyTest, BuiltinsOfOneNameShareAView) {
  small.builtin(leaf, ResourceOp::kNew, thing, "a:b/things", "thing", true);
  small.builtin(leaf, ResourceOp::kRep, thing, "a:b/things", "thing", true);
  small.builtin(leaf, ResourceOp::kDrop, thing, "a:b/things", "thing", true);
  small.builtin(main, ResourceOp::kDrop, thing, "a:b/things", "thing");
  small.builtin(main, ResourceOp::kDrop, thing, "a:b/things", "thing");
  EXPECT_EQ(views_of(topology()), (std::vector<ViewWords>{{2, 0, "a:b/things", "thing", "nrd", true},
                                                          {3, 0, "a:b/things", "thing", "d", false}}));
}

TEST_F(TopologyTest, AnImportedAndAnExportedNameAreTwoViews) {
  small.builtin(main, ResourceOp::kDrop, thing, "a:b/things", "thing", false);
  small.known_as(main, thing, "a:b/things", "thing", false);
  small.known_as(main, thing, "a:b/things", "thing", true);
  EXPECT_EQ(views_of(topology()), (std::vector<ViewWords>{{3, 0, "a:b/things", "thing", "d", false},
                                                          {3, 0, "a:b/things", "thing", "", true}}));
}

TEST_F(TopologyTest, NamesOfTypesThatAnInstanceDoesNotHandleAreNoViews) {
  small.known_as(main, thing, "a:b/things", "thing");
  EXPECT_TRUE(views_of(topology()).empty());
}

TEST_F(TopologyTest, ADoubleExportGivesTwoViewsAndEachSignatureItsOwn) {
  const TypeId first = small.own(thing, "r1");
  const TypeId second = small.own(thing, "r2");
  const FuncTypeId make = small.func({}, first);
  const FuncTypeId take = small.func({{"it", second}});
  for (const InstanceId who : {leaf, main}) {
    small.known_as(who, thing, "a:b/things", "r1", who == leaf);
    small.known_as(who, thing, "a:b/things", "r2", who == leaf);
  }
  small.lower(main, small.lift(leaf, make), make, "a:b/things", "make");
  small.lower(main, small.lift(leaf, take), take, "a:b/things", "take");
  const Topology topology = this->topology();
  ASSERT_EQ(topology.views.size(), 4u);
  const auto label = [&](ViewId id) { return topology.text(topology.views[id.value].name); };
  EXPECT_EQ(label(topology.positions[0].sender), "r1");
  EXPECT_EQ(label(topology.positions[0].receiver), "r1");
  EXPECT_EQ(label(topology.positions[1].sender), "r2");
  EXPECT_EQ(label(topology.positions[1].receiver), "r2");
}

TEST_F(TopologyTest, TheViewIsThatOfTheNameAndTheInterface) {
  small.known_as(main, thing, "x", "other");
  small.known_as(main, thing, "x", "thing");
  small.known_as(main, thing, "y", "thing");
  small.known_as(main, thing, "z", "third");
  const TypeId nameless = small.own(thing, "no such name");
  const auto receiver = [&](const std::string& interface_name, TypeId type) {
    const FuncTypeId make = small.func({}, type);
    small.lower(main, small.lift(leaf, make), make, interface_name, "make");
    const Topology topology = this->topology();
    const View& view = topology.views[topology.positions.back().receiver.value];
    return topology.text(view.interface_name) + "/" + topology.text(view.name);
  };
  EXPECT_EQ(receiver("y", own), "y/thing");
  EXPECT_EQ(receiver("w", own), "x/thing");
  EXPECT_EQ(receiver("z", own), "x/thing");
  EXPECT_EQ(receiver("z", nameless), "z/third");
  EXPECT_EQ(receiver("w", nameless), "x/other");
}

TEST_F(TopologyTest, TwoInstancesOfOneDefinitionHaveTwoTypes) {
  const InstanceId twin = small.instance("twin");
  small.made.instances[twin.value].definition = small.made.instances[leaf.value].definition;
  const ResourceId other = small.resource(twin, "a:b/things", "thing", true);
  const FuncTypeId make = small.func({}, own);
  const FuncTypeId make_other = small.func({}, small.own(other, "thing"));
  small.lower(main, small.lift(leaf, make), make, "a:b/things", "make");
  small.lower(main, small.lift(twin, make_other), make_other, "a:b/things", "make");
  const Topology topology = this->topology();
  EXPECT_EQ(topology.resources[0].definition, topology.resources[1].definition);
  EXPECT_EQ(topology.resources[0].definition_index, topology.resources[1].definition_index);
  EXPECT_EQ(topology.views[topology.positions[0].receiver.value].resource, thing);
  EXPECT_EQ(topology.views[topology.positions[1].receiver.value].resource, other);
  EXPECT_EQ(topology.layouts.size(), 1u);
  EXPECT_EQ(topology.positions[0].layout, topology.positions[1].layout);
}

TEST_F(TopologyTest, SignaturesThatDifferHaveNoPositions) {
  const CanonId lift = small.lift(leaf, small.func({{"it", own}, {"n", small.primitive(TypeKind::kU8)}}));
  const auto lower = [&](FuncTypeId type) { small.lower(main, lift, type, "a:b/things", "take"); };
  lower(small.func({{"n", small.primitive(TypeKind::kU8)}, {"it", own}}));     // elsewhere
  lower(small.func({{"it", borrow}, {"n", small.primitive(TypeKind::kU8)}}));  // another kind
  lower(small.func({{"it", own}, {"n", own}}));                                // one more
  lower(small.func({{"it", small.own(small.resource(main, "", "other"))},
                    {"n", small.primitive(TypeKind::kU8)}}));                // another type
  lower(small.func({{"it", own}, {"n", small.primitive(TypeKind::kU64)}}));  // not seen in the handles
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), (Limits{{"signature-mismatch", 2},
                                         {"signature-mismatch", 2},
                                         {"signature-mismatch", 2},
                                         {"signature-mismatch", 2}}));
  EXPECT_EQ(topology.unsupported[0].sentence.substr(0, 6), "take: ");
  ASSERT_EQ(topology.boundaries.size(), 5u);
  EXPECT_EQ(topology.boundaries[3].position_count, 0u);
  EXPECT_EQ(topology.boundaries[4].position_count, 1u);
  EXPECT_EQ(topology.boundaries[4].first_position, 0u);
}

TEST_F(TopologyTest, GuardsAreComparedAsWell) {
  const auto either = [&](std::size_t before) {
    return small.func({{"v", small.cases(TypeKind::kVariant, before, own)}});
  };
  small.lower(main, small.lift(leaf, either(3)), either(2), "", "f");
  small.lower(main, small.lift(leaf, either(3)), either(3), "", "g");
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), (Limits{{"signature-mismatch", 2}}));
  EXPECT_EQ(topology.boundaries[0].position_count, 0u);
  EXPECT_EQ(topology.boundaries[1].position_count, 1u);
}

TEST_F(TopologyTest, CallsWithinAFamilyAreListedOnceEach) {
  const InstanceId inner = small.instance("inner", main);
  const InstanceId innermost = small.instance("innermost", inner);
  const FuncTypeId plain = small.func({});
  const CanonId outer_lift = small.lift(main, plain);
  const CanonId inner_lift = small.lift(innermost, plain);
  small.lower(innermost, outer_lift, plain, "", "up");
  const CanonId down = small.lower(main, inner_lift, plain, "", "down");
  small.lower(main, outer_lift, plain, "", "self");
  small.lower(leaf, inner_lift, plain, "", "beside");
  // The decoder has seen one of them.
  small.made.unsupported.push_back({.instance = main,
                                    .offset = small.made.canons[down.value].offset,
                                    .code = "donut",
                                    .sentence = "as the decoder says it"});
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), (Limits{{"donut", 3}, {"donut", 5}, {"donut", 3}}));
  EXPECT_EQ(topology.unsupported[0].sentence, "as the decoder says it");
  EXPECT_EQ(topology.boundaries.size(), 4u);
}

TEST_F(TopologyTest, StringsThatChangeTheirEncodingAreListed) {
  const auto string = small.primitive(component::TypeKind::kString);
  const FuncTypeId says = small.func({{"l", small.list(small.option(string))}});
  const FuncTypeId returns = small.func({}, string);
  const FuncTypeId counts = small.func({{"n", small.list(small.primitive(component::TypeKind::kU8))}});
  std::vector<CanonId> other;
  for (const FuncTypeId type : {says, returns, counts}) {
    const CanonId lift = small.lift(leaf, type);
    small.lower(main, lift, type, "a:b/things", "same");
    other.push_back(small.lower(main, lift, type, "a:b/things", "other"));
  }
  for (const CanonId lower : other) {
    std::get<component::Lower>(small.made.canons[lower.value].what).options.encoding =
        component::StringEncoding::kUtf16;
  }
  EXPECT_EQ(limits_of(topology()), (Limits{{"transcoding", 3}, {"transcoding", 3}}));
}

TEST_F(TopologyTest, AsynchronousCallsAreListedAndKeepTheirPositions) {
  const FuncTypeId take = small.func({{"it", own}});
  const CanonId lift = small.lift(leaf, take, true);
  small.lower(main, lift, take, "a:b/things", "take", true);
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), (Limits{{"async-lift", 2}, {"async-lower", 3}}));
  EXPECT_EQ(topology.boundaries[0].position_count, 1u);
}

TEST_F(TopologyTest, StreamsAreListedAndTheOtherPositionsKept) {
  const FuncTypeId take = small.func({{"s", small.stream(own)}, {"it", own}});
  small.lower(main, small.host_func("h", "take", take), take, "h", "take");
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), (Limits{{"stream", 3}}));
  ASSERT_EQ(topology.boundaries[0].position_count, 1u);
  EXPECT_EQ(topology.layouts[topology.positions[0].layout.value].caller.slot, 1u);
}

TEST_F(TopologyTest, TooManyPositionsAreListedOncePerBoundary) {
  const TypeId many = small.fixed_list(small.fixed_list(own, 257), 256);
  const FuncTypeId take = small.func({{"l", many}});
  const CanonId lift = small.lift(leaf, take);
  small.lower(main, lift, take, "", "f");
  small.lower(main, lift, take, "", "g");
  const FuncTypeId large = small.func({{"l", small.fixed_list(own, 1u << 26)}});
  small.lower(main, small.lift(leaf, large), large, "", "h");
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology),
            (Limits{{"too-many-handles", 2}, {"too-many-handles", 2}, {"too-large", 2}}));
  EXPECT_TRUE(topology.positions.empty() && topology.views.empty());
}

TEST_F(TopologyTest, PositionsOfAllFunctionsTogetherAreBounded) {
  const FuncTypeId take = small.func({{"l", small.fixed_list(small.fixed_list(own, 256), 256)}});
  const CanonId lift = small.lift(leaf, take);
  for (int i = 0; i < 200; ++i) {
    small.lower(main, lift, take, "", "f");
  }
  const Topology topology = this->topology();
  EXPECT_EQ(topology.boundaries[0].position_count, 65'536u);
  EXPECT_EQ(topology.boundaries.back().position_count, 0u);
  ASSERT_FALSE(topology.unsupported.empty());
  EXPECT_EQ(topology.unsupported[0].code, "too-many-handles");
  EXPECT_LT(topology.positions.size() * sizeof(Position), std::size_t{64} << 20);
}

TEST_F(TopologyTest, WhatTheDecoderListsIsTakenOver) {
  small.made.unsupported.push_back(
      {.instance = main, .offset = {}, .code = "memory64", .sentence = "it has wide memories"});
  const Topology topology = this->topology();
  EXPECT_EQ(limits_of(topology), (Limits{{"memory64", 3}}));
  EXPECT_EQ(topology.unsupported[0].sentence, "it has wide memories");
}

}  // namespace
}  // namespace meld_verify::topology
