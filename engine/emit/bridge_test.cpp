// The shape of bridges: what they call and touch, in which order.

#include "engine/emit/bridge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "engine/emit/package.h"
#include "engine/topology/small_composition.h"
#include "engine/wasm/validate.h"

namespace meld_verify::emit {
namespace {

using component::CoreSort;
using component::kHost;
using component::TypeId;
using component::TypeKind;
using Words = std::vector<std::string>;
namespace op = wasm::op;

Symbol guest(CoreSort sort, std::uint32_t instance, std::string name) {
  return GuestItem{{sort, std::pair{component::CoreInstanceId(instance), std::move(name)}}};
}

bool is_store(wasm::Opcode opcode) {
  return opcode >= op::kI32Store && opcode <= op::kI64Store32;
}

/// What a function does with things outside of it: "call table 1.lend", "set base.may_leave 3".
Words words_of(const Function& function) {
  Words words;
  for (const Step& step : function.code.steps()) {
    if (step.opcode == op::kLoop) {
      words.emplace_back("loop");
    }
    if (!step.symbol) {
      continue;
    }
    const SymbolName name = name_of(*step.symbol);
    const char* verb = step.opcode == op::kCall         ? "call"
                       : step.opcode == op::kGlobalGet  ? "get"
                       : step.opcode == op::kGlobalSet  ? "set"
                       : step.opcode == op::kMemoryCopy ? "copy to"
                       : step.opcode == op::kMemorySize ? "size of"
                       : is_store(step.opcode)          ? "store"
                                                        : "load";
    words.push_back(fmt::format("{} {}.{}", verb, name.module, name.field));
  }
  return words;
}

/// Only the words that have one of these in them.
Words only(const Words& words, std::initializer_list<const char*> parts) {
  Words kept;
  for (const std::string& word : words) {
    for (const char* const part : parts) {
      if (word.find(part) != std::string::npos) {
        kept.push_back(word);
        break;
      }
    }
  }
  return kept;
}

/// "main" (2) calls "leaf" (3), which defines "thing"; "other" is of a third instance, "stream" of the host.
class BridgeTest : public ::testing::Test {
 protected:
  BridgeTest() {
    for (const auto& [resource, name] : {std::pair(thing, "thing"), {other, "other"}, {token, "token"}}) {
      for (const topology::InstanceId one : {main, leaf, third}) {
        small.known_as(one, resource, "i", name);
        small.builtin(one, component::ResourceOp::kDrop, resource, "i", name);
      }
    }
  }

  enum class Way { kInside, kHostCalls, kCallsHost };

  /// A bridge of that type; its functions are valid.
  Bridge made(std::vector<std::pair<std::string, TypeId>> params, std::optional<TypeId> result = {},
              Way way = Way::kInside, bool checks = true) {
    auto bridge = attempt(std::move(params), result, way, checks);
    EXPECT_TRUE(bridge) << (bridge ? "" : bridge.error().sentence);
    if (!bridge) {
      return {};
    }
    Router router;
    router.functions = bridge->functions;
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < router.functions.size(); ++i) {
      all.push_back(i);
    }
    const Package package = package_functions(router, all);
    const wasm::Validation validation = wasm::validate_module(package.bytes, {});
    EXPECT_EQ(validation.validity, wasm::Validity::kValid) << validation.sentence << validation.feature;
    return *std::move(bridge);
  }

  wasm::Expected<Bridge> attempt(std::vector<std::pair<std::string, TypeId>> params,
                                 std::optional<TypeId> result, Way way, bool checks = true) {
    const auto type = small.func(std::move(params), result);
    BridgeJob job;
    if (way == Way::kCallsHost) {
      small.lower(main, small.host_func("i", "f", type), type, "i", "f");
    } else {
      const auto lift = small.lift(leaf, type);
      if (way == Way::kInside) {
        small.lower(main, lift, type, "i", "f");
      } else {
        small.world_export("i", "f", lift, type);
      }
    }
    topology = topology::topology_of(small.made);
    plan = routing::required_plan(topology);
    for (routing::BoundaryRoute& boundary : plan.boundaries) {
      boundary = {.checks_borrows_remain = checks, .checks_may_leave = checks};
    }
    const Side caller{main, encoding, guest(CoreSort::kMemory, 0, "memory"),
                      guest(CoreSort::kFunc, 0, "realloc")};
    const Side callee{leaf, encoding, guest(CoreSort::kMemory, 1, "memory"),
                      guest(CoreSort::kFunc, 1, "realloc")};
    job.composition = &small.made;
    job.topology = &topology;
    job.plan = &plan;
    job.boundary = topology::BoundaryId(topology.boundaries.size() - 1);
    job.type = type;
    job.name = "f";
    job.target = guest(CoreSort::kFunc, 1, "f");
    job.caller = caller;
    job.callee = callee;
    if (has_post_return) {
      job.post_return = guest(CoreSort::kFunc, 1, "post");
    }
    if (way != Way::kInside) {
      Side outside = way == Way::kHostCalls ? callee : caller;
      outside.instance = kHost;
      if (needs_staging(topology, job.boundary)) {
        outside.memory = BaseItem::kStaging;
        outside.realloc = BaseItem::kStagingRealloc;
      }
      (way == Way::kHostCalls ? job.caller : job.callee) = outside;
      job.made_is_lowered = way == Way::kCallsHost;
      if (way == Way::kCallsHost) {
        job.target_is_lowered = true;
        job.target = CanonicalCall{CanonicalCall::Kind::kLower, 0};
      }
    }
    return make_bridge(job, 0);
  }

  topology::SmallComposition small;
  const topology::InstanceId main = small.instance("main"), leaf = small.instance("leaf"),
                             third = small.instance("third");
  const topology::ResourceId thing = small.resource(leaf, "i", "thing"),
                             other = small.resource(third, "i", "other"),
                             token = small.resource(kHost, "i", "token");
  const TypeId u32 = small.primitive(TypeKind::kU32), string = small.primitive(TypeKind::kString),
               character = small.primitive(TypeKind::kChar);
  component::StringEncoding encoding = component::StringEncoding::kUtf8;
  bool has_post_return = false;
  topology::Topology topology;
  routing::Plan plan;
};

TEST_F(BridgeTest, ABorrowOfTheCalleesTypeIsLentAndGoesAsItsRep) {
  const Bridge bridge = made({{"self", small.borrow(thing, "thing")}}, u32);
  ASSERT_EQ(bridge.functions.size(), 1u);
  EXPECT_EQ(words_of(bridge.functions[0]),
            (Words{"get base.may_leave 2", "call base.trap.cannot_leave", "call table 1.lend",
                   "call core instance 1.f", "call table 1.unlend"}));
  EXPECT_LE(bridge.functions[0].code.steps().size(), 18u);
}

TEST_F(BridgeTest, NothingIsCheckedThatThePlanDoesNotCheck) {
  const Bridge bridge = made({{"self", small.borrow(other, "other")}}, {}, Way::kInside, false);
  EXPECT_EQ(words_of(bridge.functions[0]), (Words{"call table 1.lend", "call table 2.borrow",
                                                  "call core instance 1.f", "call table 1.unlend"}));
}

TEST_F(BridgeTest, AnOwnResultIsTakenBeforeBorrowsAreCountedAndMadeAfterwards) {
  const Bridge bridge = made({{"a", small.borrow(other, "other")}}, small.own(thing, "thing"));
  EXPECT_EQ(only(words_of(bridge.functions[0]), {"table", "f", "borrows"}),
            (Words{"get table 2.borrows", "call table 1.lend", "call table 2.borrow",
                   "call core instance 1.f", "call table 2.take", "get table 2.borrows",
                   "call base.trap.borrows_remain", "call table 1.new", "call table 1.unlend"}));
}

TEST_F(BridgeTest, PostReturnComesAfterResultsAndBeforeLendsAreReturned) {
  has_post_return = true;
  const Bridge bridge = made({{"a", small.borrow(thing, "thing")}}, small.own(thing, "thing"));
  EXPECT_EQ(words_of(bridge.functions[0]),
            (Words{"get base.may_leave 2", "call base.trap.cannot_leave", "call table 1.lend",
                   "call core instance 1.f", "call table 2.take", "call table 1.new", "set base.may_leave 3",
                   "call core instance 1.post", "set base.may_leave 3", "call table 1.unlend"}));
}

TEST_F(BridgeTest, AStringIsCheckedByAFunctionThatOnlyReadsAndCopiedAtOnce) {
  const Bridge bridge = made({{"s", string}});
  ASSERT_EQ(bridge.functions.size(), 2u);
  EXPECT_EQ(only(words_of(bridge.functions[0]), {"router", "set", "1.realloc", "copy", "1.f", "loop"}),
            (Words{"call router.1", "set base.may_leave 3", "call core instance 1.realloc",
                   "set base.may_leave 3", "copy to core instance 1.memory", "call core instance 1.f"}))
      << fmt::format("{}", words_of(bridge.functions[0]));
  for (const Step& step : bridge.functions[1].code.steps()) {
    EXPECT_FALSE(is_store(step.opcode) || step.opcode == op::kGlobalSet || step.opcode == op::kMemoryCopy);
    EXPECT_TRUE(step.opcode != op::kCall || std::holds_alternative<TrapCall>(*step.symbol));
  }
}

TEST_F(BridgeTest, NumbersInListsAreCopiedAtOnceAndRangesCheckedBefore) {
  const Bridge numbers = made({{"l", small.list(small.tuple({u32, u32}))}});
  ASSERT_EQ(numbers.functions.size(), 1u);
  EXPECT_EQ(only(words_of(numbers.functions[0]), {"copy", "loop"}), Words{"copy to core instance 1.memory"});
  const Bridge chars = made({{"l", small.list(character)}});
  ASSERT_EQ(chars.functions.size(), 2u);
  EXPECT_EQ(only(words_of(chars.functions[0]), {"copy", "loop", "router"}),
            (Words{"call router.1", "copy to core instance 1.memory"}));
  // Padding is never copied, and a bool is made 0 or 1.
  for (const TypeId element :
       {small.tuple({small.primitive(TypeKind::kU8), u32}), small.primitive(TypeKind::kBool)}) {
    EXPECT_EQ(only(words_of(made({{"l", small.list(element)}}).functions[0]), {"copy", "loop"}),
              Words{"loop"});
  }
}

TEST_F(BridgeTest, HandlesInAListAreConvertedInOneLoopAndReturnedInAnother) {
  const Bridge owns = made({{"l", small.list(small.own(thing, "thing"))}});
  EXPECT_EQ(only(words_of(owns.functions[0]), {"loop", "table", "staging", "core instance 1.f"}),
            (Words{"loop", "call table 1.take", "call table 2.new", "call core instance 1.f"}));
  const auto list = small.list(small.borrow(thing, "thing"));
  EXPECT_EQ(only(words_of(made({{"l", list}}).functions[0]),
                 {"loop", "table", ".realloc", "staging", "0.memory", "core instance 1.f"}),
            (Words{"size of core instance 0.memory", "call core instance 1.realloc", "loop",
                   "load core instance 0.memory", "call table 1.lend", "call core instance 1.f", "loop",
                   "load core instance 0.memory", "call table 1.unlend"}));
  // What the caller gets could be written over the list: then the handles are noted elsewhere.
  EXPECT_EQ(only(words_of(made({{"l", list}}, string).functions[0]),
                 {"loop", "table", "staging.realloc", "base.staging", "core instance 1.f"}),
            (Words{"get base.staging.top", "get base.staging.top", "loop", "call table 1.lend",
                   "call base.staging.reserve", "store base.staging", "set base.staging.top",
                   "call core instance 1.f", "loop", "load base.staging", "call table 1.unlend",
                   "set base.staging.top"}));
}

TEST_F(BridgeTest, ABorrowFromTheHostIsMintedForWhoIsNotItsDefiner) {
  const Bridge definer = made({{"a", small.borrow(thing, "thing")}}, {}, Way::kHostCalls);
  EXPECT_EQ(words_of(definer.functions[0]), Words{"call core instance 1.f"});
  const Bridge another = made({{"a", small.borrow(other, "other")}}, {}, Way::kHostCalls);
  EXPECT_EQ(words_of(another.functions[0]),
            (Words{"get table 2.borrows", "call table 2.borrow", "call core instance 1.f",
                   "get table 2.borrows", "call base.trap.borrows_remain"}));
}

TEST_F(BridgeTest, AHostsBorrowIsDroppedWhenTheCallIsOver) {
  const Bridge bridge = made({{"a", small.borrow(token, "token")}}, {}, Way::kHostCalls);
  const Words words = words_of(bridge.functions[0]);
  ASSERT_GE(words.size(), 2u);
  EXPECT_EQ(words.back(), "call canonical.drop 2") << fmt::format("{}", words);
  EXPECT_EQ(words[words.size() - 2], "call base.trap.borrows_remain");
}

TEST_F(BridgeTest, AnOwnOfAGuestsTypeIsDetachedFromTheHostWithoutItsDestructor) {
  const Bridge bridge = made({{"a", small.own(thing, "thing")}}, {}, Way::kHostCalls);
  EXPECT_EQ(words_of(bridge.functions[0]),
            (Words{"call canonical.rep 0", "set base.quiet", "call canonical.drop 0", "call table 2.new",
                   "call core instance 1.f"}))
      << fmt::format("{}", words_of(bridge.functions[0]));
}

TEST_F(BridgeTest, TheHostIsCalledWithTheGuestsOwnMemoryWhereNoHandleLiesInIt) {
  const Bridge through = made({{"a", small.own(token, "token")}, {"s", string}}, string, Way::kCallsHost);
  EXPECT_EQ(only(words_of(through.functions[0]), {"memory", "copy", "staging", "realloc"}), Words{});
  const Bridge staged = made({{"l", small.list(small.own(token, "token"))}}, {}, Way::kCallsHost);
  const Words words = only(words_of(staged.functions[0]), {"staging", "canonical"});
  ASSERT_GE(words.size(), 4u);
  EXPECT_EQ(words.front(), "get base.staging.top") << fmt::format("{}", words);
  EXPECT_EQ(words.back(), "set base.staging.top");
}

TEST_F(BridgeTest, ResultsForTheHostStayInTheStagingMemoryUntilItsPostReturn) {
  has_post_return = true;
  const Bridge bridge = made({}, small.list(small.own(thing, "thing")), Way::kHostCalls);
  ASSERT_TRUE(bridge.post_return);
  EXPECT_EQ(words_of(bridge.functions[*bridge.post_return]), Words{"set base.staging.top"});
  EXPECT_EQ(only(words_of(bridge.functions[0]), {"staging.top", "post", "canonical"}),
            (Words{"call canonical.new 0", "call core instance 1.post"}));
  const Bridge through = made({{"a", small.own(thing, "thing")}}, string, Way::kHostCalls);
  ASSERT_TRUE(through.post_return);
  EXPECT_EQ(words_of(through.functions[*through.post_return]),
            (Words{"set base.may_leave 3", "call core instance 1.post", "set base.may_leave 3"}));
}

TEST_F(BridgeTest, HostileTypesAreMovedInLittleCodeOrRefused) {
  TypeId wide = small.primitive(TypeKind::kBool);
  for (int i = 0; i < 20; ++i) {  // a million bools
    wide = small.tuple({wide, wide});
  }
  const Bridge bools = made({{"l", small.list(wide)}});
  std::size_t steps = 0;
  for (const Function& function : bools.functions) {
    steps += function.code.steps().size();
  }
  EXPECT_LT(steps, 5'000u);

  TypeId deep = small.primitive(TypeKind::kBool);
  for (int i = 0; i < 900; ++i) {
    deep = i % 3 == 0 ? small.list(deep) : i % 3 == 1 ? small.option(deep) : small.tuple({deep, u32});
  }
  EXPECT_GT(made({{"l", small.list(deep)}}).functions.size(), 10u);

  TypeId lists = small.own(thing, "thing");
  for (int i = 0; i < 300; ++i) {
    lists = small.list(lists);
  }
  EXPECT_EQ(only(words_of(made({{"l", lists}}).functions[0]), {"loop"}).size(), 300u);

  TypeId branching = small.primitive(TypeKind::kBool);
  for (int i = 0; i < 14; ++i) {  // in slots each case is written out
    branching = small.variant({{"a", branching}, {"b", branching}, {"c", branching}, {"d", branching}});
  }
  const auto refused = attempt({{"v", branching}}, {}, Way::kInside);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "too-large");
  EXPECT_EQ(refused.error().kind, wasm::DiagnosticKind::kUnsupported);
}

TEST_F(BridgeTest, AStringBetweenTwoEncodingsIsRefused) {
  const auto type = small.func({{"s", string}});
  small.lower(main, small.lift(leaf, type), type, "i", "f");
  topology = topology::topology_of(small.made);
  plan = routing::required_plan(topology);
  BridgeJob job;
  job.composition = &small.made;
  job.topology = &topology;
  job.plan = &plan;
  job.boundary = topology::BoundaryId(0u);
  job.type = type;
  job.target = guest(CoreSort::kFunc, 1, "f");
  job.caller = {main, component::StringEncoding::kUtf8, guest(CoreSort::kMemory, 0, "memory"), {}};
  job.callee = {leaf, component::StringEncoding::kUtf16, guest(CoreSort::kMemory, 1, "memory"), {}};
  const auto bridge = make_bridge(job, 0);
  ASSERT_FALSE(bridge);
  EXPECT_EQ(bridge.error().code, "transcoding");
}

TEST_F(BridgeTest, ChecksOfTextAreSharedByBridgesOfOneRouter) {
  BridgeShared shared(small.made.types);
  (void)made({{"s", string}});
  BridgeShared both(small.made.types);
  std::vector<std::size_t> functions;
  for (int i = 0; i < 2; ++i) {
    BridgeJob job;
    job.composition = &small.made;
    job.topology = &topology;
    job.plan = &plan;
    job.boundary = topology::BoundaryId(0u);
    job.type = component::FuncTypeId(0u);
    job.target = guest(CoreSort::kFunc, 1, "f");
    job.caller = {main, encoding, guest(CoreSort::kMemory, 0, "memory"), {}};
    job.callee = {leaf, encoding, guest(CoreSort::kMemory, 1, "memory"),
                  guest(CoreSort::kFunc, 1, "realloc")};
    job.shared = &both;
    functions.push_back(make_bridge(job, i == 0 ? 0 : 2)->functions.size());
  }
  EXPECT_EQ(functions, (std::vector<std::size_t>{2, 1}));
}

}  // namespace
}  // namespace meld_verify::emit
