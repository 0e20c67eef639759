// What is instantiated, how often, and where each import is satisfied from.

#include "engine/component/decode_by_test.h"

namespace meld_verify::component {
namespace {

using namespace build;

TEST(Sections, EmptyAndRepeatedSectionsAreTaken) {
  EXPECT_EQ(refusal(Component()), "");
  EXPECT_EQ(refusal(Component().types({}).types({}).aliases({}).core_types({}).imports({})), "");
}

TEST(Sections, WhatIsNoComponentIsRefused) {
  EXPECT_EQ(refusal(Bytes{}),
            "not-wasm: not a WebAssembly component: it must start with 00 61 73 6d 0d 00 01 00");
  EXPECT_EQ(refusal(core_module()),
            "core-module: a core module, where a component belongs (layer 0 instead of 1)");
  EXPECT_EQ(refusal(Bytes{0, 'a', 's', 'm', 0x0e, 0, 1, 0}),
            "version: component format version 14.1, where 13.1 is understood");
  EXPECT_EQ(refusal(Component().section(13, {})), "unknown-section: a section has the unknown number 13");
  EXPECT_EQ(refusal(Component().section(7, {1, 0x7f, 0x7f})),
            "section-size: 1 more bytes than the section's contents need");
  EXPECT_EQ(refusal(Component().section(7, {2, 0x7f})),
            "count: the list of types claims 2 items, but only 1 bytes are left");
  EXPECT_EQ(refusal(Component().core_module({0, 'a', 's', 'm', 2, 0, 0, 0})),
            "not-a-core-module: not a core module: it must start with 00 61 73 6d 01 00 00 00");
}

TEST(Sections, CoreModulesAreIndexedAndCheckedAgainstThemselves) {
  const Composition composition = decoded(with_core());
  ASSERT_EQ(composition.modules.size(), 1u);
  const CoreModule& module = composition.modules[0];
  EXPECT_EQ(module.end.value - module.begin.value, core_module().size());
  EXPECT_EQ(module.index.exports.size(), 3u);
  ASSERT_EQ(module.index.bodies.size(), 2u);
  EXPECT_EQ(module.index.bodies[0].end.value - module.index.bodies[0].begin.value, 2u);
  Bytes one_body_less = core_module();
  const Bytes preamble(one_body_less.begin(), one_body_less.begin() + 8);
  EXPECT_EQ(refusal(Component().core_module(cat({preamble, {3, 2, 1, 0}, {10, 1, 0}}))),
            "count: 0 function bodies for 1 functions");
  EXPECT_EQ(refusal(Component().core_module(cat({preamble, {15, 0}}))),
            "unknown-section: a core module's section has the unknown number 15");
}

/// `inner` in `depth` components around it, each instantiated.
Component nested(unsigned depth, Component inner = {}) {
  for (unsigned i = 0; i < depth; ++i) {
    Component outer;
    outer.component(inner).instances({instantiate(0)});
    inner = outer;
  }
  return inner;
}

TEST(Nesting, AHundredLevelsAreTakenAndOneMoreIsNot) {
  EXPECT_EQ(decoded(nested(100)).instances.size(), 102u);  // and the host and the root
  EXPECT_EQ(refusal(nested(101)), "too-deep: components are nested more than 100 deep");
}

TEST(Nesting, TypesNestAHundredLevelsToo) {
  const auto type = [](unsigned depth) {
    Bytes inner = instance_type({});
    for (unsigned i = 1; i < depth; ++i) {
      inner = i % 2 == 0 ? instance_type({type_decl(inner)}) : component_type({type_decl(inner)});
    }
    return Component().types({inner});
  };
  EXPECT_EQ(refusal(type(100)), "");
  EXPECT_EQ(refusal(type(101)), "too-deep: types are nested more than 100 deep");
}

TEST(Instances, OneComponentInstantiatedTwiceIsTwoInstancesWithTwoTypes) {
  Component leaf = with_core();
  leaf.types({kResource}).canons({resource_op(0x02, 0)}).exports({export_item("r", kType, 0)});
  Component made;
  made.component(leaf).instances({instantiate(0), instantiate(0)});
  const Composition composition = decoded(made);
  ASSERT_EQ(composition.instances.size(), 4u);
  EXPECT_EQ(composition.instances[2].definition, composition.instances[3].definition);
  EXPECT_EQ(composition.instances[2].parent, kRoot);
  ASSERT_EQ(composition.resources.size(), 2u);
  EXPECT_NE(composition.resources[0].definer, composition.resources[1].definer);
  EXPECT_EQ(composition.resources[0].definition_index, composition.resources[1].definition_index);
  EXPECT_EQ(composition.core_instances.size(), 2u);
  EXPECT_EQ(composition.modules.size(), 1u);
}

TEST(Instances, WhatNothingInstantiatesIsCheckedAllTheSame) {
  EXPECT_EQ(decoded(Component().component(with_core())).instances.size(), 2u);
  Component wrong;
  wrong.canons({resource_op(0x03, 4)});
  EXPECT_EQ(refusal(Component().component(wrong)),
            "index-out-of-range: type index 4 is out of range: none is defined so far");
}

/// Exports a resource type "r" and a function "f" that takes one.
Component leaf() {
  Component made = with_core();
  made.types({kResource, own(0), func({{"r", index(1)}})}).canons({lift(0, 2)});
  made.exports({export_item("r", kType, 0), export_item("f", kFunc, 0)});
  return made;
}

/// Imports "r" and "f" and lowers "f".
Component user() {
  Component made;
  made.imports({import("r", kSubResource)}).types({own(0), func({{"r", index(1)}})});
  made.imports({import("f", func_of(2))}).canons({lower(0), resource_op(0x03, 0)});
  return made;
}

const Lower& the_lower(const Composition& composition) {
  for (const Canon& canon : composition.canons) {
    if (const auto* lowered = std::get_if<Lower>(&canon.what)) {
      return *lowered;
    }
  }
  throw std::logic_error("nothing is lowered");
}

TEST(Instances, ImportsAreSatisfiedThroughAliasesBagsAndReExports) {
  Component passes_on;  // gets a bag, gives it on in a bag
  passes_on.types({instance_type({export_decl("r", kSubResource), type_decl(own(0)),
                                  type_decl(func({{"r", index(1)}})), export_decl("f", func_of(2))})});
  passes_on.imports({import("in", instance_of(0))})
      .aliases({alias_export(kType, 0, "r"), alias_export(kFunc, 0, "f")});
  passes_on.instances({bag({bag_item("r", kType, 1), bag_item("f", kFunc, 0)})});
  passes_on.exports({export_item("out", kInstance, 1)});
  Component made;
  made.component(leaf()).component(passes_on).component(user());
  made.instances({instantiate(0), instantiate(1, {with("in", kInstance, 0)})});
  made.aliases({alias_export(kInstance, 1, "out")});
  made.aliases({alias_export(kType, 2, "r"), alias_export(kFunc, 2, "f")});
  made.instances({instantiate(2, {with("r", kType, 0), with("f", kFunc, 0)})});
  const Composition composition = decoded(made);
  ASSERT_EQ(composition.resources.size(), 1u);
  EXPECT_EQ(composition.resources[0].definer, InstanceId{std::uint32_t{2}});
  const auto* callee = std::get_if<CanonId>(&the_lower(composition).callee);
  ASSERT_NE(callee, nullptr);
  EXPECT_EQ(composition.canons[callee->value].owner, InstanceId{std::uint32_t{2}});
  const auto& drop = std::get<ResourceBuiltin>(composition.canons.back().what);
  EXPECT_EQ(drop.resource, ResourceId{std::uint32_t{0}});
  EXPECT_EQ(composition.canons.back().owner, InstanceId{std::uint32_t{4}});
  EXPECT_TRUE(composition.host_funcs.empty());
}

TEST(Instances, ArgumentsMustBeThereAndFit) {
  const auto said = [](const std::vector<Bytes>& arguments) {
    Component made;
    made.component(leaf()).component(user()).instances({instantiate(0)});
    made.aliases({alias_export(kType, 0, "r"), alias_export(kFunc, 0, "f")});
    made.types({kResource}).imports({import("other", kSubResource)});
    made.instances({instantiate(1, arguments)});
    return refusal(made);
  };
  const Bytes r = with("r", kType, 0), f = with("f", kFunc, 0);
  EXPECT_EQ(said({r, f}), "");
  EXPECT_EQ(said({f, r}), "");
  EXPECT_EQ(said({r, f, with("more", kType, 0)}), "");
  EXPECT_EQ(said({r}), "missing-argument: the import \"f\" is given no argument");
  EXPECT_EQ(said({r, with("f", kType, 0)}), "mismatch: \"f\" is a type, where a function is expected");
  EXPECT_EQ(said({with("r", kFunc, 0), f}),
            "mismatch: \"r\" is a function, where a resource type is expected");
  // Another resource type of the same shape is another type.
  EXPECT_EQ(said({with("r", kType, 1), f}),
            "mismatch: the function \"f\" has another type than the import of it");
  EXPECT_EQ(said({with("r", kType, 2), f}),
            "mismatch: the function \"f\" has another type than the import of it");
  EXPECT_EQ(said({r, r, f}), "duplicate-name: \"r\" is given twice");
}

TEST(Instances, LabelsAreAPartOfATypeAndShapesAreNotEnough) {
  const auto said = [](const Bytes& given, const Bytes& wanted) {
    Component inner;
    inner.types({wanted, func({{"a", index(0)}})}).imports({import("f", func_of(1))});
    Component made;
    made.types({given, func({{"a", index(0)}})}).imports({import("f", func_of(1))}).component(inner);
    made.instances({instantiate(0, {with("f", kFunc, 0)})});
    return refusal(made);
  };
  const std::string other = "mismatch: the function \"f\" has another type than the import of it";
  const Bytes pair = record({{"x", kU8}, {"y", kU8}});
  EXPECT_EQ(said(pair, pair), "");
  EXPECT_EQ(said(pair, record({{"y", kU8}, {"x", kU8}})), other);
  EXPECT_EQ(said(pair, tuple({kU8, kU8})), other);
  EXPECT_EQ(said(fixed_list(kU8, 3), fixed_list(kU8, 4)), other);
  EXPECT_EQ(said(option(kU8), option(kS32)), other);
  EXPECT_EQ(said(stream({}), stream(kU8)), other);
}

TEST(Instances, EqBoundsAreTheSameTypeAndSubBoundsAFreshOne) {
  Component made;
  made.imports({import("a", kSubResource), import("b", kSubResource), import("c", eq(0))});
  made.canons({resource_op(0x03, 0), resource_op(0x03, 1), resource_op(0x03, 2)});
  const Composition composition = decoded(made);
  ASSERT_EQ(composition.resources.size(), 2u);
  const auto resource = [&](std::size_t at) {
    return std::get<ResourceBuiltin>(composition.canons[at].what).resource.value;
  };
  EXPECT_EQ(resource(0), 0u);
  EXPECT_EQ(resource(1), 1u);
  EXPECT_EQ(resource(2), 0u);
  EXPECT_EQ(std::get<ResourceBuiltin>(composition.canons[2].what).alias_depth, 1u);
  EXPECT_EQ(composition.resources[0].definer, kHost);
}

TEST(Instances, AnEqBoundRefusesAnotherType) {
  Component inner;
  inner.imports({import("a", kSubResource), import("b", eq(0))});
  Component made;
  made.types({kResource, kResource}).component(inner);
  Component wrong = made;
  made.instances({instantiate(0, {with("a", kType, 0), with("b", kType, 0)})});
  EXPECT_EQ(refusal(made), "");
  wrong.instances({instantiate(0, {with("a", kType, 0), with("b", kType, 1)})});
  EXPECT_EQ(refusal(wrong), "mismatch: the type \"b\" is another than the import of it");
}

TEST(Aliases, OuterAliasesCountScopesAndReachTypesComponentsAndModules) {
  Component inner;
  inner.aliases({alias_outer(kComponent, 2, 0), alias_outer(kCoreModule, 2, 0), alias_outer(kType, 2, 0)});
  inner.instances({instantiate(0)}).core_instances({core_instantiate(0)});
  inner.types({func({{"a", index(0)}})}).imports({import("f", func_of(1))});
  Component middle;
  middle.types({record({{"x", kU8}})});
  middle.types({func({{"a", index(0)}})}).imports({import("f", func_of(1))});
  middle.component(inner).instances({instantiate(0, {with("f", kFunc, 0)})});
  Component made;
  made.component(with_core()).core_module(core_module()).types({record({{"x", kU8}})});
  made.types({func({{"a", index(0)}})}).imports({import("f", func_of(1))});
  made.component(middle).instances({instantiate(1, {with("f", kFunc, 0)})});
  const Composition composition = decoded(made);
  EXPECT_EQ(composition.instances.size(), 5u);
  EXPECT_EQ(composition.core_instances.size(), 2u);
}

TEST(Aliases, OuterAliasesStayInRangeAndTakeNoResourceTypesInside) {
  Component too_far;
  too_far.aliases({alias_outer(kType, 2, 0)});
  EXPECT_EQ(refusal(Component().types({kS32}).component(too_far)),
            "index-out-of-range: an alias 2 scopes out, where there are not so many");
  Component too_high;
  too_high.aliases({alias_outer(kType, 1, 1)});
  EXPECT_EQ(refusal(Component().types({kS32}).component(too_high).types({kS32})),
            "index-out-of-range: type index 1 is out of range: one is defined so far");
  EXPECT_EQ(refusal(Component().imports({import("f", kSubResource)}).aliases({alias_outer(kFunc, 0, 0)})),
            "wrong-sort: an outer alias of a function; only types, components and core modules have them");
  for (const std::uint32_t type : {0u, 1u, 2u}) {
    Component inner;
    inner.aliases({alias_outer(kType, 1, type)});
    Component made;
    made.types({kResource, own(0), func({{"a", index(1)}})}).component(inner).instances({instantiate(0)});
    EXPECT_EQ(
        refusal(made),
        "outer-resource: an outer alias takes a resource type into a nested component; it must be imported "
        "there");
  }
  // Into an instance type is no nested component.
  Component made;
  made.types({kResource, instance_type({cat({{0x02}, alias_outer(kType, 1, 0)}), export_decl("r", eq(0))})});
  made.imports({import("i", instance_of(1))});
  EXPECT_EQ(decoded(made).resources.size(), 1u);
}

TEST(Aliases, ExportsMustBeThereAndOfTheSort) {
  const auto said = [](const Bytes& alias) {
    Component made = with_core();
    made.component(leaf()).instances({instantiate(0)}).aliases({alias});
    return refusal(made);
  };
  EXPECT_EQ(said(alias_export(kFunc, 0, "f")), "");
  EXPECT_EQ(said(alias_export(kFunc, 0, "g")), "missing-export: the instance exports nothing called \"g\"");
  EXPECT_EQ(said(alias_export(kType, 0, "f")),
            "wrong-sort: the export \"f\" is of another sort than the alias says");
  EXPECT_EQ(said(alias_export(kFunc, 1, "f")),
            "index-out-of-range: instance index 1 is out of range: one is defined so far");
  EXPECT_EQ(said(alias_core(kCoreFunc, 0, "g")),
            "missing-core-export: the core instance exports no function called \"g\"");
  EXPECT_EQ(said(alias_core(kCoreMemory, 0, "f")),
            "missing-core-export: the core instance exports no memory called \"f\"");
  EXPECT_EQ(said({0x01, 0x03}), "unknown-code: an alias has the unknown code 0x03");
}

TEST(CoreInstances, ImportsComeFromInstancesAndFromBags) {
  const auto part = [](std::uint8_t number, const Bytes& content) {
    return cat({{number}, u32(static_cast<std::uint32_t>(content.size())), content});
  };
  const Bytes importer =
      cat({{0, 'a', 's', 'm', 1, 0, 0, 0},
           part(1, {1, 0x60, 0, 0}),
           part(2, vec({cat({text("i"), text("f"), {0, 0}}), cat({text("b"), text("g"), {0, 0}})}))});
  Component made = with_core();
  made.core_module(importer).types({kResource}).canons({resource_op(0x03, 0)});
  Component wrong = made;
  made.core_instances({core_bag({{"g", 2}}), core_instantiate(1, {{"i", 0}, {"b", 1}})});
  const Composition composition = decoded(made);
  ASSERT_EQ(composition.core_instances.size(), 2u);
  const CoreInstance& instance = composition.core_instances[1];
  ASSERT_EQ(instance.imports.size(), 2u);
  using Source = std::pair<CoreInstanceId, std::string>;
  EXPECT_EQ(std::get<Source>(instance.imports[0].source).second, "f");
  EXPECT_EQ(std::get<CanonId>(instance.imports[1].source), CanonId{std::uint32_t{0}});
  EXPECT_LT(composition.canons[0].event, instance.event);
  wrong.core_instances({core_instantiate(1, {{"i", 0}})});
  EXPECT_EQ(refusal(wrong), "missing-core-argument: no argument for the core module's imports from \"b\"");
}

TEST(Host, ImportedInstancesComponentsAndModules) {
  Component made;
  made.types({component_type({import_decl("r", kSubResource), export_decl("s", kSubResource)})});
  made.imports({import("c", component_of(0))});
  EXPECT_EQ(unsupported(decoded(made)), std::vector<std::string>{"component-import"});
  made.instances({instantiate(0)});
  EXPECT_EQ(refusal(made, wasm::DiagnosticKind::kUnsupported),
            "component-import: an imported component is instantiated: what it does is not known");
  EXPECT_EQ(refusal(Component().types({kS32}).imports({import("f", func_of(0))})),
            "type: type 0 is not a function type");
  EXPECT_EQ(refusal(Component().types({kS32}).imports({import("i", instance_of(0))})),
            "type: type 0 is not an instance type");
  EXPECT_EQ(refusal(Component().types({instance_type({type_decl(kResource)})})),
            "type: a resource type is defined inside a component or instance type");
  EXPECT_EQ(refusal(Component().types({instance_type({import_decl("r", kSubResource)})})),
            "unknown-code: a declaration of an instance type has the unknown code 0x03");
}

}  // namespace
}  // namespace meld_verify::component
