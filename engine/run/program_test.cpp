// Programs from fixtures/components, executed; what each shows is said in its text.

#include "engine/run/program.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "engine/component/decode.h"
#include "engine/run/event_log.h"
#include "engine/run/post_mortem.h"
#include "engine/run/value_text.h"

namespace meld_verify::run {
namespace {

using spec::TrapClass;

/// A fixture, decoded, with its program.
struct Fixture {
  explicit Fixture(const std::string& name, spec::Observer* observer = nullptr) {
    std::ifstream in(std::string(MELD_VERIFY_SOURCE_DIR "/fixtures/components/") + name + ".wasm",
                     std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
    composition = component::decode(bytes, name).value();
    program = std::make_unique<Program>(composition, bytes, observer);
  }

  /// "60000", or "unsupported: …"
  std::string run(const std::string& function = "run") {
    const component::WorldExport* found = program->find(function);
    if (found == nullptr) {
      return "no function";
    }
    const auto outcome = program->start().and_then([&] { return program->call(*found, {}); });
    if (!outcome) {
      return std::string(to_string(outcome.error().trap_class)) + ": " + outcome.error().sentence;
    }
    return *outcome ? value_text(**outcome, *program->type_of(*found).result) : "";
  }

  std::vector<std::uint8_t> bytes;
  component::Composition composition;
  std::unique_ptr<Program> program;
};

TEST(Program, EveryFixtureRunsAsItsTextExpects) {
  std::size_t ran = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(MELD_VERIFY_SOURCE_DIR "/fixtures/components")) {
    if (entry.path().extension() != ".wat") {
      continue;
    }
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string_view mark = ";; expect: run() = ";
    const std::size_t at = text.find(mark);
    if (at != std::string::npos) {
      const std::size_t begin = at + mark.size();
      EXPECT_EQ(Fixture(entry.path().stem()).run(), text.substr(begin, text.find('\n', begin) - begin))
          << entry.path();
      ++ran;
    }
  }
  EXPECT_GT(ran, 30u);
}

TEST(Program, WhatIsOutOfScopeIsRefusedWithInstanceAndReason) {
  EXPECT_EQ(Fixture("unsupported-component-start").run(),
            "unsupported: root: the value \"seed\" is imported");
  EXPECT_NE(Fixture("unsupported-self-call").run().find("unsupported: "), std::string::npos);
  EXPECT_NE(Fixture("unsupported-donut").run().find("unsupported: "), std::string::npos);
  EXPECT_NE(Fixture("unsupported-transcoding").run().find("between two different encodings"),
            std::string::npos);
}

TEST(Program, AHostFunctionThatIsCalledIsNamed) {
  EXPECT_EQ(Fixture("host-passed-on").run().rfind("unsupported: ", 0), 0u);
  EXPECT_NE(Fixture("host-passed-on").run().find("fix:host/files#make"), std::string::npos);
}

TEST(Program, ExportsAreFoundByEachOfTheirNames) {
  const Fixture fixture("host-calls-in");
  const component::WorldExport* look = fixture.program->find("look");
  ASSERT_NE(look, nullptr);
  EXPECT_EQ(fixture.program->find("fix:host/users#look"), look);
  EXPECT_EQ(fixture.program->find("nothing"), nullptr);
}

TEST(Program, TheEventLogHasALineForEachThingThatHappens) {
  Names names;
  std::ostringstream json, text;
  JsonEvents events(names, json);
  TraceText trace(names, text);
  PostMortem post_mortem;
  Observers all;
  all.add(events);
  all.add(trace);
  all.add(post_mortem);
  Fixture fixture("reexport-wrapped", &all);
  names.machine = &fixture.program->machine();
  EXPECT_EQ(fixture.run().find("unsupported"), std::string::npos);
  fixture.program->machine().finish();
  for (const char* event :
       {"\"event\":\"enter\"", "\"event\":\"leave\"", "\"event\":\"handle\"", "\"event\":\"table\"",
        "\"event\":\"destructor\"", "\"event\":\"destructor-end\""}) {
    EXPECT_NE(json.str().find(event), std::string::npos) << event;
  }
  EXPECT_NE(text.str().find(" → "), std::string::npos);
  EXPECT_TRUE(post_mortem.calls(names).empty()) << "every call that was entered was left";
}

TEST(PostMortem, KeepsTheFirstAndTheLastOperationsOfALife) {
  spec::Machine machine;
  Names names;
  names.machine = &machine;
  const spec::InstanceId leaf = machine.add_instance("leaf");
  const spec::ResourceTypeId thing = machine.add_resource_type("thing", leaf);
  PostMortem post_mortem;
  const auto happens = [&](spec::TableOperation operation) {
    spec::Entry entry;
    entry.kind = spec::EntryKind::kOwn;
    entry.tag = thing;
    entry.rep = spec::Rep(7u);
    post_mortem.table_changed({leaf, spec::HandleIndex(1u), operation, entry});
  };
  EXPECT_TRUE(post_mortem.life({leaf, spec::HandleIndex(1u)}, names).empty());
  happens(spec::TableOperation::kNew);
  for (int i = 0; i < 20; ++i) {
    happens(spec::TableOperation::kRep);
  }
  happens(spec::TableOperation::kDrop);
  const std::vector<std::string> life = post_mortem.life({leaf, spec::HandleIndex(1u)}, names);
  ASSERT_EQ(life.size(), 9u);
  EXPECT_EQ(life[0], "new     own of thing of leaf #0, rep 0x7");
  EXPECT_EQ(life[2], "… 14 more …");
  EXPECT_EQ(life[8], "drop    own of thing of leaf #0, rep 0x7");
  happens(spec::TableOperation::kAdd);
  EXPECT_EQ(post_mortem.life({leaf, spec::HandleIndex(1u)}, names).size(), 1u) << "another life";
}

}  // namespace
}  // namespace meld_verify::run
