#include "engine/lift/image.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/lift/read_by_test.h"

namespace meld_verify::lift {
namespace {

using wasm::ExternKind;

/// The function that a core instance exports.
FunctionId exported(const Image& image, std::uint32_t instance, const std::string& name) {
  const auto function =
      image.function_of({component::CoreSort::kFunc, std::pair(CoreInstanceId{instance}, name)});
  EXPECT_TRUE(function) << name;
  return function.value_or(FunctionId{});
}

const component::ResourceBuiltin* builtin_of(const LinkedFile& file, FunctionId function) {
  const LinkedFunction& linked = file.image.functions[function.value];
  return linked.kind == LinkedFunction::Kind::kCanon
             ? std::get_if<component::ResourceBuiltin>(&file.composition->canons[linked.canon.value].what)
             : nullptr;
}

// Core instances of shim-and-table: the leaf's shim, main, fixup; the app's main.
constexpr std::uint32_t kShim = 0, kLeaf = 1, kFixup = 2, kApp = 3;

TEST(ImageTest, EveryFixtureIsLinked) {
  std::size_t files = 0;
  for (const auto& path : fixture_files()) {
    SCOPED_TRACE(path.filename().string());
    const FileBytes bytes = read_file(path);
    const auto composition = component::decode(bytes, "t.wasm");
    if (!composition) {
      continue;
    }
    const auto image = link(*composition, bytes, "t.wasm");
    ASSERT_TRUE(image) << wasm::to_string(image.error());
    ++files;
    for (std::uint32_t i = 0; i < image->functions.size(); ++i) {
      const FunctionId end = image->behind(FunctionId{i});
      EXPECT_EQ(image->behind(end), end);
      EXPECT_NE(image->name_of(FunctionId{i}), "");
      if (image->functions[i].kind == LinkedFunction::Kind::kDefined) {
        EXPECT_FALSE(image->code_of(FunctionId{i}).empty());
      }
    }
  }
  EXPECT_GT(files, 40u);
}

TEST(ImageTest, ShimsAreSeenThrough) {
  const LinkedFile file = fixture("shim-and-table");
  const Image& image = file.image;
  const FunctionId destructor = exported(image, kShim, "0");
  EXPECT_EQ(image.behind(destructor), exported(image, kLeaf, "dtor"));
  EXPECT_EQ(image.name_of(image.behind(destructor)), "dtor");
  const FunctionId imported_rep = image.instances[kLeaf].functions[1];
  EXPECT_EQ(imported_rep, exported(image, kShim, "1"));
  const auto* rep = builtin_of(file, image.behind(imported_rep));
  ASSERT_NE(rep, nullptr);
  EXPECT_EQ(rep->op, component::ResourceOp::kRep);
  EXPECT_EQ(image.type_of(image.behind(imported_rep)), image.type_of(imported_rep));
}

TEST(ImageTest, AFunctionThatDoesMoreIsItself) {
  const LinkedFile file = fixture("shim-and-table");
  for (const char* name : {"make", "end", "same", "look", "dtor", "live"}) {
    const FunctionId function = exported(file.image, kLeaf, name);
    if (std::string(name) != "look") {  // which passes its parameter on
      EXPECT_EQ(file.image.behind(function), function) << name;
    }
  }
  EXPECT_NE(file.image.behind(exported(file.image, kLeaf, "look")), exported(file.image, kLeaf, "look"));
}

TEST(ImageTest, TablesHoldWhatAllInstancesPutInThem) {
  const LinkedFile file = fixture("shim-and-table");
  const Image& image = file.image;
  const LinkedTable& shims = image.tables[image.instances[kShim].tables[0].value];
  EXPECT_EQ(image.instances[kShim].tables[0], image.instances[kFixup].tables[0]);
  EXPECT_TRUE(shims.fixed);
  ASSERT_EQ(shims.entries.size(), 2u);
  EXPECT_EQ(shims.entries[0], exported(image, kLeaf, "dtor"));
  const LinkedTable& own = image.tables[image.instances[kLeaf].tables[0].value];
  EXPECT_TRUE(own.fixed);
  ASSERT_EQ(own.entries.size(), 4u);
  EXPECT_FALSE(own.entries[0]);
  EXPECT_EQ(own.entries[3], exported(image, kShim, "1"));
}

TEST(ImageTest, GlobalsStartAsTheirConstants) {
  const LinkedFile file = fixture("shim-and-table");
  const auto& globals = file.image.instances[kLeaf].globals;
  ASSERT_EQ(globals.size(), 2u);
  EXPECT_EQ(file.image.globals[globals[0].value].initial, 1024u);
  EXPECT_TRUE(file.image.globals[globals[0].value].type.is_mutable);
}

TEST(ImageTest, InstancesOfOneModuleShareNothing) {
  const LinkedFile file = fixture("two-instances");
  std::size_t pairs = 0;
  const auto& instances = file.image.instances;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    for (std::size_t k = i + 1; k < instances.size(); ++k) {
      if (instances[i].module == instances[k].module) {
        ++pairs;
        EXPECT_NE(instances[i].owner, instances[k].owner);
        EXPECT_NE(instances[i].functions.back(), instances[k].functions.back());
        if (!instances[i].globals.empty()) {
          EXPECT_NE(instances[i].globals[0], instances[k].globals[0]);
        }
      }
    }
  }
  EXPECT_GE(pairs, 2u);
}

TEST(ImageTest, AModuleAloneHasImportsThatNobodyDefines) {
  const LinkedFile whole = fixture("shim-and-table");
  const component::CoreModule& module =
      whole.composition->modules[whole.composition->core_instances[kApp].module.value];
  const LinkedFile file(FileBytes(whole.bytes.begin() + static_cast<std::ptrdiff_t>(module.begin.value),
                                  whole.bytes.begin() + static_cast<std::ptrdiff_t>(module.end.value)),
                        "app.wasm");
  ASSERT_EQ(file.image.instances.size(), 1u);
  EXPECT_EQ(file.image.functions[0].kind, LinkedFunction::Kind::kImport);
  EXPECT_EQ(file.image.name_of(FunctionId()), "fix:shim/things make");
  EXPECT_EQ(file.image.type_of(FunctionId()).params.size(), 1u);
  EXPECT_EQ(file.image.name_of(file.image.instances[0].functions.back()), "run");
}

TEST(ImageTest, ATableThatTheHostSeesIsNotFixed) {
  const LinkedFile whole = fixture("shim-and-table");
  const component::CoreModule& module =
      whole.composition->modules[whole.composition->core_instances[kShim].module.value];
  const LinkedFile file(FileBytes(whole.bytes.begin() + static_cast<std::ptrdiff_t>(module.begin.value),
                                  whole.bytes.begin() + static_cast<std::ptrdiff_t>(module.end.value)),
                        "shim.wasm");
  EXPECT_FALSE(file.image.tables[0].fixed);
  const FunctionId shim = file.image.instances[0].functions[0];
  EXPECT_EQ(file.image.behind(shim), shim);
}

}  // namespace
}  // namespace meld_verify::lift
