// What the writer of components writes, as our decoder reads it.

#include "engine/rewrite/component_writer.h"

#include <gtest/gtest.h>

#include "engine/component/binary_builder.h"
#include "engine/component/decode.h"

namespace meld_verify::rewrite {
namespace {

using component::TypeKind;

component::Composition read(ComponentWriter& made) {
  const Bytes bytes = made.finish();
  auto composition = component::decode(bytes, "t.wasm");
  EXPECT_TRUE(composition) << wasm::to_string(composition.error());
  return composition ? std::move(*composition) : component::Composition{};
}

Bytes func_type(const std::vector<std::pair<std::string, Bytes>>& params, const Bytes& result) {
  Bytes out{0x40};
  put_u32(out, static_cast<std::uint32_t>(params.size()));
  for (const auto& [name, type] : params) {
    put_text(out, name);
    out.insert(out.end(), type.begin(), type.end());
  }
  out.push_back(0x00);
  out.insert(out.end(), result.begin(), result.end());
  return out;
}

TEST(ComponentWriter, EmptyIsAComponent) {
  ComponentWriter made;
  EXPECT_EQ(made.finish(), (Bytes{0x00, 'a', 's', 'm', 0x0d, 0x00, 0x01, 0x00}));
}

TEST(ComponentWriter, NumbersThatNeedMoreThanOneByteAreRead) {
  for (const std::uint32_t index : {0u, 63u, 64u, 127u, 128u, 16'383u, 16'384u}) {
    ComponentWriter made;
    for (std::uint32_t i = 0; i < index; ++i) {
      made.type(value_type(TypeKind::kU8));
    }
    made.type(value_type(TypeKind::kString));
    Bytes list{0x70};
    const Bytes element = value_type(index);
    list.insert(list.end(), element.begin(), element.end());
    made.type(list);
    const std::uint32_t type = made.type(func_type({{"a", value_type(index + 1)}}, value_type(index)));
    made.import("f", {Description::Kind::kFunc, type});
    const component::Composition composition = read(made);
    ASSERT_EQ(composition.host_funcs.size(), 1u);
    const component::FuncType& func = composition.types[composition.host_funcs[0].type];
    EXPECT_EQ(composition.types[func.params[0].type].kind, TypeKind::kList);
    EXPECT_EQ(composition.types[*func.result].kind, TypeKind::kString);
  }
}

TEST(ComponentWriter, DefinitionsOfOneSortShareASection) {
  ComponentWriter made;
  made.type(value_type(TypeKind::kU8));
  made.type(value_type(TypeKind::kU16));
  made.import("t", {Description::Kind::kTypeEq, 1});
  made.type(value_type(TypeKind::kU32));
  EXPECT_EQ(made.count(Sort::kType), 4u);
  const Bytes bytes = made.finish();
  EXPECT_EQ(bytes, (Bytes{0x00, 'a', 's', 'm',  0x0d, 0x00, 0x01, 0x00,     // preamble
                          7,    3,   2,   0x7d, 0x7b,                       // two types
                          10,   7,   1,   0x00, 1,    't',  0x03, 0x00, 1,  // the import
                          7,    2,   1,   0x79}));
}

TEST(ComponentWriter, CanonsModulesAndInstancesAreRead) {
  ComponentWriter made;
  const std::uint32_t module = made.core_module(component::build::core_module(), "guest");
  const std::uint32_t bag = made.core_bag({});
  const std::uint32_t instance = made.core_instantiate(module, {{"unused", bag}}, "guest");
  const std::uint32_t f = made.alias_core_export(Sort::kCoreFunc, instance, "f");
  const std::uint32_t realloc = made.alias_core_export(Sort::kCoreFunc, instance, "realloc");
  const std::uint32_t memory = made.alias_core_export(Sort::kCoreMemory, instance, "m");
  const std::uint32_t resource = made.resource_type(std::nullopt);
  EXPECT_EQ(made.resource_new(resource), 2u);
  EXPECT_EQ(made.resource_rep(resource), 3u);
  EXPECT_EQ(made.resource_drop(resource), 4u);
  const std::uint32_t type = made.type({0x40, 0x00, 0x01, 0x00});
  const std::uint32_t lifted = made.lift(
      f,
      {.encoding = component::StringEncoding::kUtf16, .memory = memory, .realloc = realloc, .post_return = f},
      type);
  made.lower(lifted, {});
  made.export_item("run", {Sort::kFunc, lifted}, Description{Description::Kind::kFunc, type});
  const component::Composition composition = read(made);
  ASSERT_EQ(composition.canons.size(), 5u);
  const auto& lift = std::get<component::Lift>(composition.canons[3].what);
  EXPECT_EQ(lift.options.encoding, component::StringEncoding::kUtf16);
  EXPECT_TRUE(lift.options.memory && lift.options.realloc && lift.options.post_return);
  ASSERT_EQ(composition.exports.size(), 1u);
  EXPECT_EQ(composition.exports[0].name, "run");
  EXPECT_EQ(composition.modules[0].name, "guest");
}

TEST(ComponentWriter, AttributesOfNamesAreKeptAsTheyAre) {
  ComponentWriter made;
  const std::string attributes{
      "\x01\x00\x05"
      "a:b/c",
      8};
  const std::uint32_t type = made.type(InstanceTypeWriter().definition());
  made.import("other", {Description::Kind::kInstance, type}, attributes);
  const Bytes bytes = made.finish();
  const auto decoded = component::decode_with_world(bytes, "t.wasm");
  ASSERT_TRUE(decoded) << wasm::to_string(decoded.error());
  ASSERT_EQ(decoded->world.imports.size(), 1u);
  EXPECT_EQ(decoded->world.imports[0].name, "other");
  EXPECT_EQ(decoded->world.imports[0].attributes, attributes);
}

TEST(InstanceTypeWriter, CountsItsOwnTypes) {
  InstanceTypeWriter made;
  EXPECT_EQ(made.alias_outer_type(0), 0u);
  EXPECT_EQ(made.export_item("r", {Description::Kind::kTypeSub, 0}), 1u);
  EXPECT_EQ(made.type({0x40, 0x00, 0x01, 0x00}), 2u);
  EXPECT_EQ(made.export_item("f", {Description::Kind::kFunc, 2}), std::nullopt);
  EXPECT_EQ(made.export_item("t", {Description::Kind::kTypeEq, 0}), 3u);
  ComponentWriter outer;
  outer.type(value_type(TypeKind::kU8));
  outer.import("i", {Description::Kind::kInstance, outer.type(made.definition())});
  const component::Composition composition = read(outer);
  EXPECT_EQ(composition.resources.size(), 1u);
  ASSERT_EQ(composition.host_funcs.size(), 1u);
  EXPECT_EQ(composition.host_funcs[0].interface_name, "i");
}

}  // namespace
}  // namespace meld_verify::rewrite
