// wast: runs component tests in the form of `wasm-tools json-from-wast` with the reference machine.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "engine/run/wast_script.h"
#include "tools/meld-verify/input.h"

namespace meld_verify::tool {
namespace {

using run::ScriptStep;

struct Counts {
  std::size_t passed = 0, failed = 0, unsupported = 0;
};

struct Choices {
  bool quiet = false;    ///< does not print what is unsupported
  bool routed = false;   ///< through the router
  bool classes = false;  ///< a trap's text must stand for a class
};

/// Prints what did not pass. False: the script cannot be run.
bool run_script(const std::string& path, const Choices& choices, Counts& counts) {
  const auto text = read_file(path);
  if (!text) {
    fmt::print(stderr, "{}\n", wasm::to_string(text.error()));
    return false;
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const auto steps = run::run_wast_script(
      {reinterpret_cast<const char*>(text->data()), text->size()}, path,
      [&](const std::string& name) { return read_file((folder / name).string()); },
      choices.routed ? run::ScriptMachine::kRouter : run::ScriptMachine::kReference);
  if (!steps) {
    fmt::print(stderr, "{}\n", wasm::to_string(steps.error()));
    return false;
  }
  for (const ScriptStep& step : *steps) {
    switch (step.outcome) {
      case ScriptStep::Outcome::kPassed:
        if (choices.classes && !step.classified) {
          ++counts.failed;
          fmt::print("{}:{}: FAILED {}: its text stands for no class of traps\n", path, step.line,
                     step.command);
          break;
        }
        counts.passed += step.asserts ? 1 : 0;
        break;
      case ScriptStep::Outcome::kFailed:
        ++counts.failed;
        fmt::print("{}:{}: FAILED {}: {}\n", path, step.line, step.command, step.sentence);
        break;
      case ScriptStep::Outcome::kUnsupported:
        ++counts.unsupported;
        if (!choices.quiet) {
          fmt::print("{}:{}: unsupported {}: {}\n", path, step.line, step.command, step.sentence);
        }
        break;
    }
  }
  return true;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Runs component tests, as `wasm-tools json-from-wast` writes them, with the reference machine.");
  app.footer(
      "exit codes: 0 all assertions passed, 1 some failed, 2 bad input or usage, 4 none failed, some "
      "unsupported");
  std::vector<std::string> scripts;
  Choices choices;
  app.add_option("SCRIPT", scripts, "JSON files; their components lie beside them")->required();
  app.add_flag("--quiet", choices.quiet, "do not print what is unsupported, only count it");
  app.add_flag("--routed", choices.routed, "through the router, instead of with the reference machine");
  app.add_flag("--classes", choices.classes,
               "a trap whose text stands for no class fails, instead of passing as any trap");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Counts counts;
  bool readable = true;
  for (const std::string& script : scripts) {
    readable &= run_script(script, choices, counts);
  }
  fmt::print("{} passed, {} failed, {} unsupported\n", counts.passed, counts.failed, counts.unsupported);
  return counts.failed != 0                                     ? 1
         : !readable || counts.passed + counts.unsupported == 0 ? 2
         : counts.unsupported != 0                              ? 4
                                                                : 0;
}

}  // namespace
}  // namespace meld_verify::tool

int main(int argc, char** argv) {
  try {
    return meld_verify::tool::run(argc, argv);
  } catch (const std::exception& mistake) {
    fmt::print(stderr, "wast: internal error: {}\n", mistake.what());
    return 5;
  }
}
