// Canonical definitions and their options, start functions, values, imports, exports and names.

#include <fstream>
#include <iterator>

#include "engine/component/decode_by_test.h"

namespace meld_verify::component {
namespace {

using namespace build;

const Canon& canon(const Composition& composition, std::size_t at) {
  EXPECT_LT(at, composition.canons.size());
  return composition.canons.at(at);
}

TEST(Canons, ALiftHasACoreFunctionATypeAndOptions) {
  Component made = with_core();
  made.types({func({{"a", kString}}, kString)});
  made.canons({lift(0, 0, {{0x01}, memory_option(0), realloc_option(1), cat({{0x05}, u32(0)})})});
  made.exports({export_item("run", kFunc, 0)});
  const Composition composition = decoded(made);
  const Lift& lifted = std::get<Lift>(canon(composition, 0).what);
  using Source = std::pair<CoreInstanceId, std::string>;
  EXPECT_EQ(std::get<Source>(lifted.core.source), Source(CoreInstanceId{std::uint32_t{0}}, "f"));
  EXPECT_EQ(lifted.options.encoding, StringEncoding::kUtf16);
  EXPECT_EQ(std::get<Source>(lifted.options.memory->source).second, "m");
  EXPECT_EQ(std::get<Source>(lifted.options.realloc->source).second, "realloc");
  EXPECT_EQ(std::get<Source>(lifted.options.post_return->source).second, "f");
  EXPECT_FALSE(lifted.options.async || lifted.options.callback);
  ASSERT_EQ(composition.exports.size(), 1u);
  EXPECT_EQ(composition.exports[0].name, "run");
  EXPECT_EQ(std::get<CanonId>(composition.exports[0].func), CanonId{std::uint32_t{0}});
  EXPECT_TRUE(composition.unsupported.empty());
}

TEST(Canons, ALowerKnowsTheInterfaceThatItsFunctionCameFrom) {
  Component made;
  made.types({instance_type({type_decl(func({})), export_decl("go", func_of(0))})});
  made.imports({import("a:b/c@1.0.0", instance_of(0))}).aliases({alias_export(kFunc, 0, "go")});
  made.canons({lower(0)});
  const Composition composition = decoded(made);
  const Lower& lowered = std::get<Lower>(canon(composition, 0).what);
  EXPECT_EQ(lowered.interface_name, "a:b/c@1.0.0");
  EXPECT_EQ(lowered.name, "go");
  const HostFunc& callee = composition.host_funcs[std::get<HostFuncId>(lowered.callee).value];
  EXPECT_EQ(callee.interface_name, "a:b/c@1.0.0");
}

TEST(Canons, NewDropAndRepBelongToTheirResourceType) {
  Component made;
  made.types({kResource});
  made.canons({resource_op(0x02, 0), resource_op(0x03, 0), resource_op(0x04, 0)});
  const Composition composition = decoded(made);
  const ResourceOp ops[] = {ResourceOp::kNew, ResourceOp::kDrop, ResourceOp::kRep};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& builtin = std::get<ResourceBuiltin>(canon(composition, i).what);
    EXPECT_EQ(builtin.op, ops[i]);
    EXPECT_EQ(builtin.resource, ResourceId{std::uint32_t{0}});
    EXPECT_EQ(canon(composition, i).owner, kRoot);
  }
}

TEST(Canons, OnlyTheDefinerMakesAResourceAndSeesItsRep) {
  for (const std::uint8_t opcode : {std::uint8_t{0x02}, std::uint8_t{0x04}}) {
    Component made;
    made.imports({import("r", kSubResource)}).canons({resource_op(opcode, 0)});
    EXPECT_EQ(refusal(made),
              "foreign-resource: resource.new and resource.rep are for the instance that defined the type");
  }
  Component drop;
  drop.imports({import("r", kSubResource)}).canons({resource_op(0x03, 0)});
  EXPECT_EQ(refusal(drop), "");
}

TEST(Canons, AllOtherBuiltinsAreNamedAndOutOfScope) {
  const std::vector<std::pair<Bytes, std::string>> all{
      {{0x05}, "task.cancel"},
      {{0x06, 0x01}, "subtask.cancel"},
      {{0x08}, "backpressure.set"},
      {cat({{0x09, 0x00}, kU8, {0x00}}), "task.return"},
      {{0x09, 0x01, 0x00, 0x00}, "task.return"},
      {{0x0a, 0x7f, 0x00}, "context.get"},
      {{0x0b, 0x7f, 0x01}, "context.set"},
      {{0x0c, 0x00}, "thread.yield"},
      {{0x0d}, "subtask.drop"},
      {{0x0e, 0x00}, "stream.new"},
      {{0x0f, 0x00, 0x01, 0x03, 0x00}, "stream.read"},
      {{0x10, 0x00, 0x01, 0x03, 0x00}, "stream.write"},
      {{0x11, 0x00, 0x00}, "stream.cancel-read"},
      {{0x12, 0x00, 0x01}, "stream.cancel-write"},
      {{0x13, 0x00}, "stream.drop-readable"},
      {{0x14, 0x00}, "stream.drop-writable"},
      {{0x15, 0x01}, "future.new"},
      {{0x16, 0x01, 0x02, 0x03, 0x00, 0x06}, "future.read"},
      {{0x17, 0x01, 0x00}, "future.write"},
      {{0x18, 0x01, 0x00}, "future.cancel-read"},
      {{0x19, 0x01, 0x00}, "future.cancel-write"},
      {{0x1a, 0x01}, "future.drop-readable"},
      {{0x1b, 0x01}, "future.drop-writable"},
      {{0x1c, 0x02, 0x00, 0x03, 0x00}, "error-context.new"},
      {{0x1d, 0x02, 0x03, 0x00, 0x04, 0x01}, "error-context.debug-message"},
      {{0x1e}, "error-context.drop"},
      {{0x1f}, "waitable-set.new"},
      {{0x20, 0x00, 0x00}, "waitable-set.wait"},
      {{0x21, 0x01, 0x00}, "waitable-set.poll"},
      {{0x22}, "waitable-set.drop"},
      {{0x23}, "waitable.join"},
      {{0x24}, "backpressure.inc"},
      {{0x25}, "backpressure.dec"},
      {{0x26}, "thread.index"},
      {{0x27, 0x00, 0x00}, "thread.new-indirect"},
      {{0x28}, "thread.resume-later"},
      {{0x29, 0x00}, "thread.suspend"},
      {{0x2a, 0x01}, "thread.suspend-then-resume"},
      {{0x2b, 0x00}, "thread.yield-then-resume"},
      {{0x2c, 0x00}, "thread.suspend-then-promote"},
      {{0x2d, 0x00}, "thread.yield-then-promote"},
      {{0x40, 0x00, 0x00}, "thread.spawn-ref"},
      {{0x41, 0x01, 0x00, 0x00}, "thread.spawn-indirect"},
      {{0x42, 0x00}, "thread.available-parallelism"}};
  for (const auto& [bytes, name] : all) {
    Component made = with_core();
    made.types({stream(kU8), future(kU8)}).canons({bytes});
    const Composition composition = decoded(made);
    const auto& builtin = std::get<OtherBuiltin>(canon(composition, 0).what);
    EXPECT_EQ(builtin.name, name);
    EXPECT_EQ(builtin.opcode, bytes[0]);
    EXPECT_EQ(unsupported(composition), std::vector<std::string>{"async-builtin"}) << name;
  }
}

TEST(Canons, UnknownCodesFlagsAndOptionsAreRefused) {
  const auto said = [](const Bytes& bytes) {
    Component made = with_core();
    made.types({func({})}).canons({bytes});
    return refusal(made);
  };
  EXPECT_EQ(said({0x3f}), "unknown-code: a canonical definition has the unknown code 0x3f");
  EXPECT_EQ(said({0x00, 0x01, 0, 0, 0}), "unknown-code: canon lift has the unknown sort 0x01");
  EXPECT_EQ(said({0x06, 0x02}), "unknown-code: a flag is 0x02, where 0 or 1 belongs");
  EXPECT_EQ(said(lift(0, 0, {{0x0a}})), "unknown-code: a canonical option has the unknown code 0x0a");
  EXPECT_EQ(said(lift(0, 0, {memory_option(0), memory_option(0)})),
            "duplicate-option: a canonical definition has the option 0x03 after another of its kind");
  EXPECT_EQ(said(lift(0, 0, {{0x00}, {0x02}})),
            "duplicate-option: a canonical definition has the option 0x02 after another of its kind");
  EXPECT_EQ(said(lift(2, 0)),
            "index-out-of-range: core function index 2 is out of range: 2 are defined so far");
  EXPECT_EQ(said(lift(0, 1)), "index-out-of-range: type index 1 is out of range: one is defined so far");
  EXPECT_EQ(said(lift(0, 0, {memory_option(1)})),
            "index-out-of-range: core memory index 1 is out of range: one is defined so far");
  EXPECT_EQ(said(lower(0)), "index-out-of-range: function index 0 is out of range: none is defined so far");
  EXPECT_EQ(said(resource_op(0x03, 0)), "type: type 0 is not a resource type");
  EXPECT_EQ(said(lift(0, 0, {{0x08, 0x00}})), "");
}

TEST(Canons, ValuesInMemoryNeedAMemoryAndSomeoneToAllocateThem) {
  const auto said = [](const Bytes& type, const std::vector<Bytes>& options, bool lowered = false) {
    Component made = with_core();
    made.types({type}).imports({import("f", func_of(0))});
    made.canons({lowered ? lower(0, options) : lift(0, 0, options)});
    return refusal(made);
  };
  const std::string memory = "missing-option: a function whose values need a memory has no option `memory`";
  const std::string realloc =
      "missing-option: a function that is handed values in memory has no option `realloc`";
  const Bytes takes = func({{"a", kString}}), gives = func({}, kString), pair = func({}, kU8);
  EXPECT_EQ(said(takes, {}), memory);
  EXPECT_EQ(said(takes, {memory_option(0)}), realloc);
  EXPECT_EQ(said(takes, {memory_option(0)}, true), "");
  EXPECT_EQ(said(gives, {memory_option(0)}), "");
  EXPECT_EQ(said(gives, {memory_option(0)}, true), realloc);
  EXPECT_EQ(said(pair, {}), "");
  EXPECT_EQ(said(pair, {realloc_option(1)}), memory);
  EXPECT_EQ(said(pair, {memory_option(0), cat({{0x05}, u32(0)})}, true),
            "wrong-option: a lowered function has the option `post-return`, which is for lifted ones");
  Fields many(16, {"a", kU8});
  EXPECT_EQ(said(func(many), {}), "");
  many.push_back({"a", kU8});
  EXPECT_EQ(said(func(many), {}), memory);
  EXPECT_EQ(said(func(many), {memory_option(0)}, true), "");
}

TEST(Canons, AsyncAndGarbageCollectedFunctionsAreOutOfScope) {
  Component async = with_core();
  async.types({func({}, {}, true)}).canons({lift(0, 0, {{0x06}, cat({{0x07}, u32(0)})}), lower(0, {{0x06}})});
  const auto codes = unsupported(decoded(async));
  ASSERT_GE(codes.size(), 2u);
  EXPECT_EQ(codes[0], "async-lift");
  EXPECT_EQ(codes[1], "async-lower");
  Component gc = with_core();
  gc.types({func({})}).canons({lift(0, 0, {{0x09}})});
  EXPECT_EQ(unsupported(decoded(gc)), std::vector<std::string>{"gc"});
}

TEST(Values, StartFunctionsAndValuesAreOutOfScopeAndChecked) {
  Component made;
  made.types({func({{"a", kU8}}, kU8)}).imports({import("f", func_of(0)), import("v", value_of(kU8))});
  Component wrong = made;
  made.values({cat({kU8, {1, 7}})}).section(9, {0, 1, 1, 1}).exports({export_item("w", kValue, 2)});
  EXPECT_EQ(unsupported(decoded(made)),
            (std::vector<std::string>{"value-import", "value", "component-start"}));
  wrong.section(9, {0, 1, 1, 1});
  EXPECT_EQ(refusal(wrong), "index-out-of-range: value index 1 is out of range: one is defined so far");
  EXPECT_EQ(refusal(Component().values({cat({kU8, {9, 7}})})),
            "truncated: a value is 9 bytes long, but only 1 bytes are left");
}

TEST(Names, AttributesArePassedOverAndUnknownOnesRefused) {
  const auto attributes = [](const std::vector<Bytes>& items) {
    return Component().imports({cat({{0x02}, text("r"), vec(items), kSubResource})});
  };
  const Bytes implements = cat({{0x00}, text("a:b/c")}), suffix = cat({{0x01}, text(".1")}),
              external = cat({{0x02}, text("id")});
  const Composition composition = decoded(attributes({implements, suffix, external}));
  ASSERT_EQ(composition.resources.size(), 1u);
  EXPECT_EQ(composition.resources[0].name, "r");
  EXPECT_EQ(refusal(attributes({cat({{0x03}, text("x")})})),
            "unknown-code: an attribute of a name has the unknown code 0x03");
  EXPECT_EQ(decoded(Component().imports({cat({{0x01}, text("r"), kSubResource})})).resources[0].name, "r");
  EXPECT_EQ(refusal(Component().imports({cat({{0x03}, text("r"), kSubResource})})),
            "unknown-code: the form of a name has the unknown code 0x03");
}

TEST(Names, NoScopeNamesTwoThingsAlike) {
  EXPECT_EQ(refusal(Component().imports({import("r", kSubResource), import("r", kSubResource)})),
            "duplicate-name: \"r\" is imported twice");
  EXPECT_EQ(
      refusal(
          Component().types({kResource}).exports({export_item("r", kType, 0), export_item("r", kType, 0)})),
      "duplicate-name: \"r\" is exported twice");
  EXPECT_EQ(refusal(Component()
                        .types({kResource})
                        .instances({bag({bag_item("r", kType, 0), bag_item("r", kType, 0)})})),
            "duplicate-name: \"r\" is given twice");
}

TEST(Names, ANameOfMoreThanFourThousandBytesIsBeyondUs) {
  EXPECT_EQ(refusal(Component().imports({import(std::string(4000, 'n'), kSubResource)})), "");
  EXPECT_EQ(refusal(Component().imports({import(std::string(4001, 'n'), kSubResource)}),
                    wasm::DiagnosticKind::kUnsupported),
            "too-large: a name of 4001 bytes; 4000 are taken");
}

TEST(Names, TheNameSectionLabelsInstancesTypesAndModules) {
  Component child;
  child.names("the child");
  Component made;
  made.component(child).instances({instantiate(0), instantiate(0)}).core_module(core_module());
  made.types({kResource});
  made.names("me", kInstance, {{1, "second"}}).names("me", kType, {{0, "thing"}});
  made.names("me", kCoreModule, {{0, "code"}});
  const Composition composition = decoded(made);
  EXPECT_EQ(composition.instances[2].name, "the child");
  EXPECT_EQ(composition.instances[3].name, "second");
  EXPECT_EQ(composition.resources[0].name, "thing");
  EXPECT_EQ(composition.modules[0].name, "code");
}

TEST(Names, AMalformedNameSectionIsPassedOver) {
  Component made;
  made.section(0, cat({text("component-name"), {0x00, 0x7f, 0x01}}));
  made.section(0, cat({text("component-name"), {0x01, 0x02, 0x99, 0x99}}));
  EXPECT_EQ(refusal(made), "");
  EXPECT_EQ(refusal(Component().section(0, {9, 'a'})),
            "truncated: a custom section's name is 9 bytes long, but only 1 bytes are left");
}

TEST(Exports, OnlyComponentLevelDefinitionsAndModulesAreExported) {
  Component made = with_core();
  Component wrong = made;
  made.exports({export_item("m", kCoreModule, 0)});
  EXPECT_EQ(unsupported(decoded(made)), std::vector<std::string>{"code-export"});
  wrong.exports({export_item("m", kCoreFunc, 0)});
  EXPECT_EQ(refusal(wrong), "core-sort: a core function where a component-level definition belongs");
}

}  // namespace
}  // namespace meld_verify::component
