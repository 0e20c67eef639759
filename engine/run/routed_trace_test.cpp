// What is told of a run through the router, against what the reference machine tells.

#include "engine/run/routed_trace.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "engine/run/event_log.h"

namespace meld_verify::run {
namespace {

namespace fs = std::filesystem;

/// What each instance's table went through, in order, and beside that the calls and destructors: between two
/// tables the order within one call is free.
class Told : public spec::Observer {
 public:
  void entered(const spec::Crossing& crossing) override { note("enter", crossing); }
  void left(const spec::Crossing& crossing) override { note("leave", crossing); }
  void table_changed(const spec::TableChange& change) override {
    tables[change.instance.value].push_back(
        fmt::format("{} {}: {} {} {} lent {}, #{}", to_string(change.operation), change.index.value,
                    to_string(change.entry.kind), change.entry.tag.value, change.entry.rep.value,
                    change.entry.lends, change.entry.object.value));
  }
  void destructor_entered(const spec::Destruction& destruction) override {
    calls.push_back(fmt::format("{} drops {} {}", party(destruction.dropper), destruction.type.value,
                                destruction.rep.value));
  }
  void destructor_left(const spec::Destruction&) override { calls.emplace_back("dropped"); }
  void still_live(const spec::LiveObject& object) override {
    live.push_back(fmt::format("{} {}: {} {} {}", party(object.holder), object.index.value, object.own,
                               object.type.value, object.rep.value));
  }

  std::map<std::uint32_t, std::vector<std::string>> tables;
  std::vector<std::string> calls, live;

 private:
  static std::string party(const spec::Party& party) { return party ? std::to_string(party->value) : "host"; }
  void note(std::string_view word, const spec::Crossing& crossing) {
    calls.push_back(
        fmt::format("{} {} {} {}", word, party(crossing.caller), party(crossing.callee), crossing.name));
  }
};

TEST(RoutedTrace, TellsWhatTheReferenceMachineTells) {
  int compared = 0;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(MELD_VERIFY_SOURCE_DIR) / "fixtures/components")) {
    if (entry.path().extension() != ".wasm") {
      continue;
    }
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<std::uint8_t> bytes(std::istreambuf_iterator<char>(in), {});
    Told routed_told;
    RoutedTrace trace(routed_told);
    const auto routed = RoutedProgram::make(bytes, entry.path().string(), &trace);
    if (!routed) {
      continue;
    }
    trace.listen_to(**routed);
    const component::Composition& composition = (*routed)->composed();
    Told told;
    Program reference(composition, bytes, &told);
    const component::WorldExport* const ours = reference.find("run");
    const component::WorldExport* const theirs = (*routed)->program().find("run");
    if (ours == nullptr || theirs == nullptr || !composition.host_funcs.empty()) {
      continue;
    }
    ASSERT_TRUE(reference.start());
    ASSERT_TRUE((*routed)->program().start());
    ASSERT_TRUE(reference.call(*ours, {})) << entry.path();
    ASSERT_TRUE((*routed)->program().call(*theirs, {})) << entry.path();
    reference.machine().finish();
    (*routed)->program().machine().finish();
    trace.finish();
    EXPECT_EQ(routed_told.calls, told.calls) << entry.path();
    EXPECT_EQ(routed_told.tables, told.tables) << entry.path();
    EXPECT_EQ(routed_told.live, told.live) << entry.path();
    ++compared;
  }
  EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace meld_verify::run
