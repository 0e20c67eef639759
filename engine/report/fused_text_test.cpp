// What people read of a fused file, on verdicts put together by hand.

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "engine/report/fused.h"
#include "engine/report/fused_sample.h"
#include "engine/report/page.h"

namespace meld_verify::report {
namespace {

void expect_within_page(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(width_of(line), 100u) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << "'" << line << "'";
  }
}

TEST(FusedText, ARefutedFileShowsTheWayAndTheCode) {
  FusedSample sample;
  sample.lifted.plan.positions[0].count = 0;  // mid gets what leaf has
  const std::string text = sample.text();
  expect_within_page(text);
  EXPECT_EQ(text.find("REFUTED  fused.wasm mixes up resource handles: 1 finding\n\n"), 0u) << text;
  EXPECT_NE(text.find("  instances    app (1)   leaf (2)   mid (3)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  types        thing of leaf, pollable of host\n"), std::string::npos) << text;
  EXPECT_NE(text.find("    at           mid → leaf  a:b/c  [constructor]thing  result\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("    in the file  adapter func 456 at 0xa8f1\n\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("crosses  mid → leaf  a:b/c  [constructor]thing  result   nothing   func 456 at 0xa8f1\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("the fused code leaves the value as it is"), std::string::npos) << text;
  EXPECT_EQ(text.find("mend"), std::string::npos);
  EXPECT_EQ(text.find("the plan"), std::string::npos) << text;
  EXPECT_EQ(text.find(" refuted in "), std::string::npos);
}

TEST(FusedText, AProofSaysWhatItRestsOnAndHowLongItTook) {
  FusedSample sample;
  TextOptions options;
  options.seconds = 0.1849;
  const std::string text = sample.text(options);
  expect_within_page(text);
  EXPECT_EQ(text.find("PROVED   every handle in fused.wasm arrives where it belongs\n\n"), 0u) << text;
  EXPECT_NE(text.find("  assumed      lists of up to 3 elements\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  proved in 0.18 s; 7 of 8 functions found again, 1 path executed, 2 questions put "
                      "to z3\n"),
            std::string::npos)
      << text;
}

TEST(FusedText, WhatNothingReachesIsSummedUp) {
  FusedSample sample;
  sample.lifted.plan.positions[0].count = 0;
  sample.lifted.topology.boundaries[0].reachable = false;
  const std::string text = sample.text();
  expect_within_page(text);
  EXPECT_EQ(text.find("PROVED   every handle in fused.wasm that run can reach arrives where it belongs\n"),
            0u)
      << text;
  EXPECT_NE(text.find("  not reachable from the world's exports: 1 finding (L"), std::string::npos) << text;
  TextOptions all;
  all.all = true;
  EXPECT_NE(sample.text(all).find(", latent"), std::string::npos);
  sample.options.latent = true;
  EXPECT_EQ(
      sample.text().find("REFUTED  fused.wasm mixes up resource handles: 1 finding, 0 of them reachable "
                         "from run\n"),
      0u)
      << sample.text();
}

TEST(FusedText, AFindingNamesTheCommandThatShowsIt) {
  FusedSample sample;
  sample.lifted.plan.positions[0].count = 0;
  FusedReport subject = sample.report();
  subject.command = "meld-verify composed.wasm fused.wasm --latent";
  const std::string text = fused_text(subject, {});
  EXPECT_NE(text.find("    replay       meld-verify composed.wasm fused.wasm --latent --replay 1\n"),
            std::string::npos)
      << text;
  subject.replay = ReplayWords{
      .finding = 0, .call = {}, .driver = {}, .difference = {}, .differs = true, .text = "the run\n"};
  const std::string shown = fused_text(subject, {});
  EXPECT_EQ(shown.find("--replay"), std::string::npos);
  EXPECT_EQ(shown.substr(shown.size() - 9), "\nthe run\n");
}

TEST(FusedText, WarningsAreSummedUp) {
  FusedSample sample;
  sample.lifted.plan.tables[1].checks = {.zero = false, .live = false};
  const std::string text = sample.text();
  expect_within_page(text);
  EXPECT_EQ(text.find("PROVED"), 0u);
  EXPECT_EQ(text.find("  instances "), std::string::npos) << text;
  EXPECT_NE(text.find("  harm only if a guest breaks the Canonical ABI: 1 finding (L37, L38, L52); --all "
                      "shows it,\n    --profile strict refutes it\n"),
            std::string::npos)
      << text;
  TextOptions all;
  all.all = true;
  EXPECT_NE(sample.text(all).find("warning: harms only if"), std::string::npos);
}

TEST(FusedText, WhatCouldNotBeReadIsNamed) {
  FusedSample sample;
  lift::Note open;
  open.boundary = topology::BoundaryId{1u};
  open.sentence = "the loop's bound\x1b[31m is no length of a list";
  open.place = sample.place(7, 0x99);
  sample.lifted.notes = {open};
  std::string text = sample.text();
  expect_within_page(text);
  EXPECT_EQ(text.find("UNKNOWN  fused.wasm: mid → leaf  a:b/c  use: the loop's bound\\x1b[31m is no"), 0u)
      << text;
  EXPECT_NE(text.find("  1 thing could not be told\n    at           mid → leaf  a:b/c  use\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("    in the file  func 7 at 0x99\n"), std::string::npos) << text;
  sample.lifted.topology.boundaries[1].reachable = false;
  text = sample.text();
  EXPECT_NE(text.find("  1 thing could not be told where the world's exports do not lead; --all shows it\n"),
            std::string::npos)
      << text;
  sample.lifted.topology.boundaries[1].reachable = true;
  sample.lifted.notes[0].unsupported = true;
  EXPECT_EQ(sample.text().find("UNSUPPORTED  fused.wasm is out of scope: mid → leaf"), 0u) << sample.text();
}

TEST(FusedText, AFunctionOfASmallModuleIsNamedWithIt) {
  FusedSample sample;
  lift::Image image;
  image.modules.resize(2);
  image.modules[1].function_types.resize(5);
  sample.lifted.plan.positions[0].count = 0;
  sample.image = &image;
  EXPECT_NE(sample.text().find("adapter func 456 of core module 0 at 0xa8f1"), std::string::npos)
      << sample.text();
  image.modules[0].function_types.resize(6);
  EXPECT_NE(sample.text().find("adapter func 456 at 0xa8f1"), std::string::npos) << sample.text();
}

TEST(FusedText, ABuiltInHasANameAndNoPlace) {
  FusedSample sample;
  lift::Image image;
  image.modules.resize(1);
  image.functions.resize(457);
  image.functions[456].kind = lift::LinkedFunction::Kind::kCanon;
  sample.lifted.plan.positions[0].count = 0;
  sample.lifted.position_code[0]->name = "canon resource.new resource 0";
  sample.image = &image;
  EXPECT_NE(sample.text().find("    in the file  adapter canon resource.new resource 0\n"), std::string::npos)
      << sample.text();
}

TEST(FusedText, APageOfManyThingsStaysReadable) {
  FusedSample sample;
  for (int i = 0; i < 30; ++i) {
    lift::Note note;
    note.sentence = "thing number " + std::to_string(i);
    sample.lifted.notes.push_back(note);
  }
  const std::string text = sample.text();
  expect_within_page(text);
  EXPECT_NE(text.find("    and 20 more things; --all shows them\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace meld_verify::report
