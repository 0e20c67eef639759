// The example of README.md: what is shown there is compiled and run here, line by line.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "spec/machine.h"

namespace meld_verify::spec {
namespace {

TEST(Readme, ExampleRuns) {
  // README begins
  Machine machine;
  const InstanceId lib = machine.add_instance("lib");
  const InstanceId app = machine.add_instance("app");
  std::vector<std::uint64_t> destroyed;
  const ResourceTypeId thing =
      machine.add_resource_type("thing", lib, [&](std::span<const CoreValue> args) -> CoreResult {
        destroyed.push_back(args[0].bits);
        return std::nullopt;
      });
  // lib exports make: func() -> own<thing>, and app imports it.
  const CoreFunction resource_new = machine.core_resource_new(lib, thing);
  const CoreFunction make_core = [&](std::span<const CoreValue>) -> CoreResult {
    return resource_new(std::vector{i32(0x1000)});
  };
  const FunctionId make = machine.lift("make", lib, {{}, types::own(thing)}, make_core).value();
  const LoweringId imported = machine.lower(app, make).value();
  // app calls it, drops what it got, and drops it once more.
  const CoreValue handle = **machine.call(imported, {});
  const CoreFunction drop = machine.core_resource_drop(app, thing);
  drop(std::vector{handle}).value();
  const Trap trap = drop(std::vector{handle}).error();
  // README ends
  EXPECT_EQ(handle, i32(1));
  EXPECT_EQ(destroyed, (std::vector<std::uint64_t>{0x1000}));
  EXPECT_EQ(trap.trap_class, TrapClass::kUnknownHandle);
}

/// The lines between two marks, without their indentation.
std::vector<std::string> lines_between(const std::string& file, const std::string& begin,
                                       const std::string& end) {
  std::ifstream in(MELD_VERIFY_SOURCE_DIR "/spec/" + file);
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
    if (line == end) {
      inside = false;
    }
    if (inside) {
      lines.push_back(line);
    }
    inside = inside || line == begin;
  }
  return lines;
}

TEST(Readme, ShowsTheExampleThatRuns) {
  const auto shown = lines_between("README.md", "```cpp", "```");
  EXPECT_FALSE(shown.empty());
  EXPECT_EQ(shown, lines_between("readme_test.cpp", "// README begins", "// README ends"));
}

}  // namespace
}  // namespace meld_verify::spec
