// The world of a component as it is written.

#include "engine/component/decode_by_test.h"
#include "engine/component/world_text.h"

namespace meld_verify::component {
namespace {

using namespace build;

std::string world_of(const Component& made) {
  const auto decoded = decode_with_world(made.bytes(), "t.wasm");
  if (!decoded) {
    ADD_FAILURE() << wasm::to_string(decoded.error());
    return {};
  }
  return world_text(decoded->world).value_or("too large");
}

TEST(World, NamesOfTypesAreKeptWhereTheirMeaningIsTheSame) {
  Component made;
  made.types({instance_type({type_decl(kU8), export_decl("a", eq(0)), export_decl("b", eq(1)),
                             type_decl(func({{"x", index(1)}, {"y", index(2)}, {"z", index(0)}, {"w", kU8}})),
                             export_decl("f", func_of(3))})});
  made.imports({import("i:n/face", instance_of(0))});
  EXPECT_EQ(world_of(made),
            "import  i:n/face:\n"
            "import i:n/face/ a: type #0\n"
            "import i:n/face/ b: type a\n"
            "import i:n/face/ f: func(x: a, y: b, z: a, w: u8, )\n"
            "#0 u8()\n");
}

TEST(World, ATypeOfAnotherInterfaceIsThatInterfaces) {
  Component made;
  made.types({instance_type({export_decl("r", kSubResource)})});
  made.imports({import("i:n/one", instance_of(0))});
  made.aliases({alias_export(kType, 0, "r")});
  made.types(
      {instance_type({cat({{0x02}, alias_outer(kType, 1, 1)}), export_decl("q", eq(0)), type_decl(own(1)),
                      type_decl(func({{"x", index(2)}})), export_decl("f", func_of(3))})});
  made.imports({import("i:n/two", instance_of(2))});
  EXPECT_EQ(world_of(made),
            "import  i:n/one:\n"
            "import i:n/one/ r: type #0\n"
            "import  i:n/two:\n"
            "import i:n/two/ q: type import r of i:n/one/\n"
            "import i:n/two/ f: func(x: #1, )\n"
            "#0 resource 0\n"
            "#1 own q\n");
}

TEST(World, ExportsNameTheirFunctionsTypes) {
  Component made = with_core();
  made.types({kResource});
  made.exports({export_item("thing", kType, 0)});
  made.types({own(1), func({{"x", index(2)}})});
  made.canons({lift(0, 3)});
  made.exports({export_item("f", kFunc, 0), export_item("again", kType, 1)});
  EXPECT_EQ(world_of(made),
            "export  thing: type #0\n"
            "export  f: func(x: #1, )\n"
            "export  again: type thing\n"
            "#0 resource 0\n"
            "#1 own thing\n");
}

TEST(World, ExportsOfImportsAreKnownAsThose) {
  Component made;
  made.types({func({}), instance_type({})});
  made.imports({import("f", func_of(0)), import("i", instance_of(1))});
  made.exports({export_item("g", kFunc, 0), export_item("j", kInstance, 0)});
  const auto decoded = decode_with_world(made.bytes(), "t.wasm");
  ASSERT_TRUE(decoded) << wasm::to_string(decoded.error());
  ASSERT_EQ(decoded->world.exports.size(), 2u);
  const auto& g = std::get<WorldFunc>(decoded->world.exports[0].what);
  EXPECT_EQ(std::get<HostFuncId>(g.func), HostFuncId{std::uint32_t{0}});
  EXPECT_EQ(g.exported, 0u);
  EXPECT_EQ(std::get<WorldInstance>(decoded->world.exports[1].what).import, 1u);
}

}  // namespace
}  // namespace meld_verify::component
