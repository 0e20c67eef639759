#include "engine/report/text.h"

#include <gtest/gtest.h>

#include <sstream>

#include "engine/report/page.h"

namespace meld_verify::report {
namespace {

struct Page {
  topology::Topology topology;
  routing::Plan plan;
  check::Report report;

  Page() {
    topology.names = {""};
    topology.instances.resize(2);
    plan.tables.emplace_back();
  }
  [[nodiscard]] std::string text() const {
    return report_text(report, topology, plan, "some/folder/with/a/long/name/of.plan.json", {});
  }
};

TEST(ReportText, AProofSaysWhatItDoesNotCover) {
  Page page;
  page.report.verdict = check::Verdict::kProved;
  EXPECT_EQ(page.text().find("PROVED   every handle in some/folder/with/a/long/name/of.plan.json arrives"),
            0u);
  page.report.latent = true;
  EXPECT_NE(page.text().find("of.plan.json that the world's exports reach arrives where"), std::string::npos);
}

TEST(ReportText, AnUnknownVerdictNamesItsPlacesWithinTheWidthOfAPage) {
  Page page;
  page.report.verdict = check::Verdict::kUnknown;
  page.report.error =
      "middle → leaf  fix:founding/things: no leak has a name there, but the plan does it its own way";
  page.report.unproved.resize(12);
  for (check::Unproved& item : page.report.unproved) {
    item = {{}, "middle → leaf", "/boundaries/0", {{"violates-own-target", "an own is made anew"}}};
  }
  const std::string text = page.text();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(width_of(line), 100u) << line;
  }
  EXPECT_NE(text.find("in the plan  /boundaries/0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("an own is made anew (violates-own-target)"), std::string::npos);
  EXPECT_NE(text.find("and 2 more places; --all shows them"), std::string::npos);
}

}  // namespace
}  // namespace meld_verify::report
