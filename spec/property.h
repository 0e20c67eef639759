#pragma once

// A property with a fixed number of cases and a least number of each interesting class: for tests.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <sstream>
#include <string>

namespace meld_verify::spec {

/// How often each class of case was met over all cases of a property.
using Tally = std::map<std::string, int>;

/// Runs the property `cases` times, whatever RC_PARAMS says of their number, and shrinks a failure.
template <class Testable>
void hold(const std::string& name, int cases, Testable&& property) {
  rc::detail::TestMetadata metadata;
  metadata.id = name;
  metadata.description = name;
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = cases;
  const rc::detail::TestResult result =
      rc::detail::checkTestable(std::forward<Testable>(property), metadata, params);
  rc::detail::SuccessResult success;
  ASSERT_TRUE(result.match(success)) << name << ": " << result;
  ASSERT_EQ(success.numSuccess, cases) << name;
}

/// Fails where a class was met less often than `least`.
inline void expect_met(const Tally& tally, const std::map<std::string, int>& least) {
  for (const auto& [word, count] : least) {
    const auto met = tally.find(word);
    EXPECT_GE(met == tally.end() ? 0 : met->second, count) << word;
  }
}

/// Below the bound, all alike also in the first cases (which RapidCheck would keep small).
inline std::uint32_t below(std::size_t bound) {
  return *rc::gen::resize(rc::kNominalSize,
                          rc::gen::inRange(std::uint32_t{0}, static_cast<std::uint32_t>(bound)));
}

}  // namespace meld_verify::spec
