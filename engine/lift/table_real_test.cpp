#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

#include "engine/lift/read_by_test.h"
#include "engine/lift/table_function.h"
#include "engine/wasm/validate.h"

namespace meld_verify::lift {
namespace {

namespace fs = std::filesystem;
using smt::Answer;

struct RealTables {
  RealTables(const fs::path& composed, const fs::path& fused)
      : RealTables(read_file(composed), read_file(fused)) {}
  RealTables(const FileBytes& composed, const FileBytes& fused) : files(composed, fused) {
    const component::Composition* composition = files.fused.composition ? &*files.fused.composition : nullptr;
    tables = std::make_unique<TableFunctions>(files.fused.image, composition, *files.alignment, executor,
                                              terms, decider, &files.composed.image);
  }
  /// The function exported by that name.
  FunctionId named(const std::string& name) const {
    const Image& image = files.fused.image;
    for (std::size_t i = 0; i < image.functions.size(); ++i) {
      if (image.functions[i].kind == LinkedFunction::Kind::kDefined && image.name_of(FunctionId(i)) == name) {
        return image.behind(FunctionId(i));
      }
    }
    throw std::invalid_argument(name);
  }

  AlignedFiles files;
  smt::Terms terms;
  smt::Decider decider{terms};
  Executor executor{files.fused.image, terms, decider};
  std::unique_ptr<TableFunctions> tables;
};

std::optional<fs::path> real_folder() {
  const char* shared = std::getenv("MELD_VERIFY_SHARED");
  if (shared == nullptr || !fs::exists(fs::path(shared) / "real")) {
    std::cout << "SKIPPED: MELD_VERIFY_SHARED does not name a folder with real files\n";
    return std::nullopt;
  }
  return fs::path(shared) / "real";
}

constexpr routing::TableChecks kNone{false, false, false, false, false, false};

/// A table as meld makes it.
void expect_bump_table(RealTables& real, const std::string& suffix, MemoryId memory,
                       std::optional<std::string> destructor) {
  SCOPED_TRACE(suffix);
  const FunctionId make = real.named("$ht_new_" + suffix);
  const FunctionId rep = real.named("$ht_rep_" + suffix);
  const FunctionId drop = real.named("$ht_drop_" + suffix);
  const TableFunction* made = real.tables->of(make);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->role, TableRole::kNew);
  EXPECT_TRUE(made->understood) << made->why;
  EXPECT_EQ(made->storage.memory, memory);
  EXPECT_EQ(made->storage.begin, 1114116u);
  EXPECT_EQ(made->reuse, routing::Reuse::kNever);
  EXPECT_EQ(made->capacity, 16383u);
  EXPECT_EQ(made->overflow, routing::Overflow::kUnchecked);
  const TableFunction* read = real.tables->of(rep);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->role, TableRole::kRep);
  EXPECT_EQ(read->checks, kNone);
  const TableFunction* dropped = real.tables->of(drop);
  ASSERT_NE(dropped, nullptr);
  EXPECT_EQ(dropped->role, TableRole::kDrop);
  EXPECT_TRUE(dropped->understood) << dropped->why;
  EXPECT_TRUE(dropped->ignores_zero);
  EXPECT_EQ(dropped->checks, kNone);
  std::vector<DestructorCall> runs;
  if (destructor) {
    runs.push_back({real.named(*destructor), true});
  }
  EXPECT_EQ(dropped->destructors, runs);
  EXPECT_EQ(real.tables->agree(make, rep), Answer::kYes);
  EXPECT_EQ(real.tables->agree(make, drop), Answer::kYes);
  EXPECT_TRUE(real.tables->flaws(make).empty());
}

TEST(TableRealTest, TheWorkedExampleIsReadAsItIs) {
  const auto folder = real_folder();
  if (!folder) {
    return;
  }
  for (const char* fused : {"fused.wasm", "fused.core.wasm"}) {
    SCOPED_TRACE(fused);
    RealTables real(*folder / "resource-with-lists/composed.wasm", *folder / "resource-with-lists" / fused);
    ASSERT_TRUE(real.files.alignment);
    const std::string name = "test_resource_with_lists_test_thing";
    const std::string interface_name = "test:resource-with-lists/test#[dtor]thing";
    const TableFunction* leaf = real.tables->of(real.named("$ht_new_0_" + name));
    const TableFunction* middle = real.tables->of(real.named("$ht_new_2_" + name));
    ASSERT_NE(leaf, nullptr);
    ASSERT_NE(middle, nullptr);
    ASSERT_TRUE(leaf->storage.memory && middle->storage.memory);
    EXPECT_NE(leaf->storage.memory, middle->storage.memory);
    expect_bump_table(real, "0_" + name, *leaf->storage.memory, interface_name);
    expect_bump_table(real, "2_" + name, *middle->storage.memory, std::nullopt);
    EXPECT_EQ(real.tables->agree(real.named("$ht_new_0_" + name), real.named("$ht_rep_2_" + name)),
              Answer::kNo);
    EXPECT_EQ(real.tables->agree(real.named("$ht_new_2_" + name), real.named("$ht_drop_0_" + name)),
              Answer::kNo);
  }
}

// A byte of a table function is another one: whatever comes of it, it is read.
TEST(TableRealTest, ABrokenTableIsReadToo) {
  const auto folder = real_folder();
  if (!folder) {
    return;
  }
  const char* const more = std::getenv("MELD_VERIFY_TABLE_MUTANTS");
  const std::size_t wanted = more != nullptr ? std::stoul(more) : 20;
  const FileBytes composed = read_file(*folder / "resource-with-lists/composed.wasm");
  const FileBytes fused = read_file(*folder / "resource-with-lists/fused.core.wasm");
  const LinkedFile original(fused, "fused.wasm");
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < original.image.functions.size(); ++i) {
    if (original.image.name_of(FunctionId(i)).rfind("$ht_", 0) == 0) {
      const wasm::Extent code = original.image.definition_of(FunctionId(i)).code;
      for (std::size_t at = code.begin.value; at < code.end.value; ++at) {
        places.push_back(at);
      }
    }
  }
  ASSERT_FALSE(places.empty());
  std::mt19937 random(1);
  std::size_t valid = 0;
  std::size_t fine = 0;
  const std::string name = "test_resource_with_lists_test_thing";
  for (std::size_t tries = 0; tries < 100 * wanted && valid < wanted; ++tries) {
    FileBytes bytes = fused;
    std::uint8_t& byte = bytes[places[random() % places.size()]];
    const auto other = static_cast<std::uint8_t>(random() % 0x80);
    if (byte == other) {
      continue;
    }
    byte = other;
    if (wasm::validate_module(bytes, {}).validity != wasm::Validity::kValid) {
      continue;
    }
    ++valid;
    RealTables real(composed, bytes);
    ASSERT_TRUE(real.files.alignment);
    bool all_fine = true;
    for (const char* number : {"0_", "2_"}) {
      const FunctionId make = real.named("$ht_new_" + (number + name));
      const FunctionId rep = real.named("$ht_rep_" + (number + name));
      const FunctionId drop = real.named("$ht_drop_" + (number + name));
      std::vector<DestructorCall> runs;
      if (std::string_view(number) == "0_") {
        runs.push_back({real.named("test:resource-with-lists/test#[dtor]thing"), true});
      }
      const auto good = [&](FunctionId function) {
        const TableFunction* what = real.tables->of(function);
        return what != nullptr && what->understood;
      };
      all_fine = all_fine && good(make) && good(rep) && good(drop) && real.tables->flaws(make).empty() &&
                 real.tables->agree(make, rep) == Answer::kYes &&
                 real.tables->agree(make, drop) == Answer::kYes && real.tables->of(drop)->destructors == runs;
      for (const FunctionId use : {rep, drop}) {
        (void)real.tables->refuses(make, use);
        (void)real.tables->destructors(make, use);
      }
    }
    fine += all_fine ? 1 : 0;  // other steps, alignments, and what is put where an entry was
  }
  std::cout << valid << " broken tables, " << fine << " of them work\n";
  EXPECT_EQ(valid, wanted);
}

TEST(TableRealTest, AllFunctionsThatIntrinsicsAreWiredToAreUnderstood) {
  const auto folder = real_folder();
  if (!folder) {
    return;
  }
  std::size_t seen = 0;
  const auto look = [&](const fs::path& composed, const fs::path& fused) {
    SCOPED_TRACE(fused.string());
    const auto begin = std::chrono::steady_clock::now();
    RealTables real(composed, fused);
    ASSERT_TRUE(real.files.alignment);
    const auto aligned = std::chrono::steady_clock::now();
    std::set<FunctionId> wired;
    const auto& canons = real.files.composed.composition->canons;
    for (std::size_t i = 0; i < canons.size(); ++i) {
      if (std::holds_alternative<component::ResourceBuiltin>(canons[i].what)) {
        const auto& to = real.files.alignment->wired_to[i];
        wired.insert(to.begin(), to.end());
      }
    }
    std::string odd;
    for (const FunctionId function : wired) {
      const TableFunction* what = real.tables->of(function);
      ASSERT_NE(what, nullptr) << real.files.fused.image.name_of(function);
      odd += what->understood ? "" : real.files.fused.image.name_of(function) + ": " + what->why + "\n";
      for (const TableFunctions::Flaw& flaw : real.tables->flaws(function)) {
        odd += flaw.sentence + "\n";
      }
      ++seen;
    }
    EXPECT_EQ(odd, "");
    const auto took = [](auto from, auto to) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
    };
    std::cout << fused.parent_path().filename().string() << "/" << fused.filename().string() << ": "
              << wired.size() << " functions, " << real.decider.questions() << " questions, "
              << took(aligned, std::chrono::steady_clock::now()) << " ms after " << took(begin, aligned)
              << "\n";
  };
  for (const auto& program : fs::directory_iterator(*folder)) {
    for (const char* fused : {"fused.wasm", "fused.core.wasm"}) {
      if (fs::exists(program.path() / fused)) {
        look(program.path() / "composed.wasm", program.path() / fused);
      }
    }
  }
  for (const auto& file : fs::directory_iterator(*folder / "history")) {
    for (const auto& composed : fs::directory_iterator(*folder / "history/composed")) {
      const std::string name = file.path().filename().string();
      if (file.path().extension() == ".wasm" &&
          name.find("." + composed.path().stem().string() + ".") != std::string::npos) {
        look(composed.path(), file.path());
      }
    }
  }
  EXPECT_GT(seen, 0u);
}

}  // namespace
}  // namespace meld_verify::lift
