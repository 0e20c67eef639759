#include "engine/routing/spec_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "engine/routing/sample_topology.h"

namespace meld_verify::routing {
namespace {

/// Sets the variable for one test.
class SpecVariable {
 public:
  explicit SpecVariable(const char* value) : before_(std::getenv("MELD_VERIFY_SPEC")) {
    setenv("MELD_VERIFY_SPEC", value, 1);
  }
  ~SpecVariable() { setenv("MELD_VERIFY_SPEC", before_.c_str(), 1); }
  SpecVariable(const SpecVariable&) = delete;
  SpecVariable& operator=(const SpecVariable&) = delete;

 private:
  std::string before_;
};

TEST(SpecFiles, AreReadFromTheFolderThatTheVariableNames) {
  EXPECT_EQ(spec_directory().value(), MELD_VERIFY_SOURCE_DIR "/spec");
  const auto schema = plan_schema();
  ASSERT_TRUE(schema.has_value());
  EXPECT_EQ(schema->substr(0, 2), "{\n");
  EXPECT_EQ(schema->substr(schema->size() - 2), "}\n");
  EXPECT_EQ(read_spec_file("plan.schema.json").value(), *schema);
}

TEST(SpecFiles, RefuseAVariableThatNamesNoFolder) {
  const SpecVariable variable("/nonexistent/spec");
  const auto directory = spec_directory();
  ASSERT_FALSE(directory.has_value());
  EXPECT_EQ(directory.error().code, "spec-directory");
  EXPECT_EQ(directory.error().place.file, "/nonexistent/spec");
  EXPECT_EQ(read_spec_file("plan.schema.json").error().code, "spec-directory");
}

TEST(SpecFiles, NameTheFileThatIsNotThere) {
  const auto file = read_spec_file("no-such-file.smt2");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, "spec-file");
  EXPECT_EQ(file.error().place.file, MELD_VERIFY_SOURCE_DIR "/spec/no-such-file.smt2");
  EXPECT_EQ(file.error().kind, wasm::DiagnosticKind::kBadInput);
}

}  // namespace
}  // namespace meld_verify::routing
