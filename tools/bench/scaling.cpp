// How time and memory grow with the number of component instances. Each measurement also looks at the answer:
// a plan that is not found right, or a judge that did not run, is an error and the exit code 1.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/check/check.h"
#include "engine/routing/plan.h"
#include "engine/smt/facts.h"
#include "engine/smt/rules.h"
#include "tools/bench/peak_memory.h"
#include "tools/bench/topologies.h"
#include "tools/bench/whole_process.h"

namespace meld_verify::bench {
namespace {

/// Facts as text are quadratic in Z3's parser.
constexpr std::uint32_t kMostForCommandLine = 1'000;
constexpr std::string_view kCommandLine = "z3_command_line";

struct Case {
  topology::Topology topology;
  routing::Plan plan;
};

/// What all measurements share.
class Context {
 public:
  explicit Context(smt::RuleText rules) : rules_(std::move(rules)) {}

  [[nodiscard]] const smt::RuleText& rules() const { return rules_; }

  /// The topology and its required plan; the last one is kept, as measurements come size by size.
  const Case& case_of(Family family, std::uint32_t components) {
    if (!case_ || family != family_ || components != components_) {
      case_.reset();
      case_ = std::make_unique<Case>();
      case_->topology = make_topology(family, components);
      case_->plan = routing::required_plan(case_->topology);
      family_ = family;
      components_ = components;
    }
    return *case_;
  }

  void fail(benchmark::State& state, const std::string& why) {
    failed_ = true;
    state.SkipWithError(why.c_str());
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  smt::RuleText rules_;
  std::unique_ptr<Case> case_;
  Family family_ = Family::kChain;
  std::uint32_t components_ = 0;
  bool failed_ = false;
};

/// Repeats `work` (which says whether its answer was right) and counts its memory.
template <class Work>
void measure(Context& context, benchmark::State& state, Work&& work) {
  const PeakMemory peak;
  for ([[maybe_unused]] auto _ : state) {
    if (const std::string wrong = work(); !wrong.empty()) {
      context.fail(state, wrong);
      break;
    }
  }
  const auto components = static_cast<double>(state.range(0));
  state.SetComplexityN(state.range(0));
  state.counters["peak_bytes"] = static_cast<double>(peak.bytes());
  state.counters["bytes_each"] = static_cast<double>(peak.bytes()) / components;
}

std::string checked(const check::Report& report, bool judged) {
  if (report.verdict != check::Verdict::kProved) {
    return fmt::format("the verdict is {}: {}", check::to_string(report.verdict), report.error);
  }
  return report.judged == judged ? "" : "the judge did not do what it was told";
}

std::string topology_case(Family family, std::uint32_t components) {
  const topology::Topology topology = make_topology(family, components);
  return topology.positions.size() == std::size_t{components} * kCallsEach ? "" : "calls are missing";
}

std::string check_case(const Context& context, const Case& what, check::JudgeUse judge) {
  return checked(check::check(what.topology, what.plan, context.rules(), {.judge = judge}),
                 judge == check::JudgeUse::kAlways);
}

std::string linear_pass_case(const Context& context, const Case& what) {
  return check::linear_pass(what.topology, what.plan, context.rules()).suspicious.empty()
             ? ""
             : "the linear pass suspects a right plan";
}

void command_line_case(Context& context, benchmark::State& state, const Case& what) {
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("meld-verify-bench-{}.smt2", static_cast<std::uint64_t>(getpid()));
  std::ofstream(path) << smt::dump(context.rules(), smt::facts_of(what.topology, what.plan));
  // What the kernel tells of a child is never below the highest size of its parent, so that is set back
  // first.
  const PeakMemory own;
  std::uint64_t peak = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Outcome outcome = run({"z3", path.string()});
    if (!outcome.started || outcome.exit_code != 0 || !outcome.output.starts_with("unsat")) {
      context.fail(state, "z3 does not answer unsat: " + outcome.output);
      break;
    }
    state.SetIterationTime(outcome.seconds);
    peak = std::max(peak, outcome.peak_bytes);
  }
  std::filesystem::remove(path);
  state.SetComplexityN(state.range(0));
  state.counters["peak_bytes"] = static_cast<double>(peak);
  state.counters["bytes_each"] = static_cast<double>(peak) / static_cast<double>(state.range(0));
}

void register_all(Context& context, Family family, std::uint32_t largest, bool command_line) {
  using benchmark::State;
  const auto add = [&](std::string_view what, std::uint32_t most,
                       std::function<void(State&, std::uint32_t)> body) {
    auto* made = benchmark::RegisterBenchmark(
        fmt::format("{}/{}", what, to_string(family)).c_str(),
        [body = std::move(body)](State& state) { body(state, static_cast<std::uint32_t>(state.range(0))); });
    made->Unit(benchmark::kMillisecond);
    if (what == kCommandLine) {
      made->UseManualTime();  // the processor time of the child
    }
    for (std::uint32_t size = 10; size <= most; size *= 10) {
      made->Arg(size);
    }
    if (most > 10) {
      made->Complexity(benchmark::oN);
    }
  };
  const auto add_case = [&](std::string_view what, std::uint32_t most,
                            std::function<std::string(const Case&)> work) {
    add(what, most, [&context, family, work = std::move(work)](State& state, std::uint32_t size) {
      const Case& input = context.case_of(family, size);
      measure(context, state, [&] { return work(input); });
    });
  };
  add("topology", largest, [&context, family](State& state, std::uint32_t size) {
    measure(context, state, [&] { return topology_case(family, size); });
  });
  add_case("required_plan", largest, [](const Case& input) {
    const routing::Plan plan = routing::required_plan(input.topology);
    return plan.positions.size() == input.topology.positions.size() ? "" : "positions are missing";
  });
  add_case("linear_pass", largest, [&](const Case& input) { return linear_pass_case(context, input); });
  add_case("check_unjudged", largest,
           [&](const Case& input) { return check_case(context, input, check::JudgeUse::kNever); });
  add_case("check_judged", largest,
           [&](const Case& input) { return check_case(context, input, check::JudgeUse::kAlways); });
  add("write_plan", largest, [&context, family](State& state, std::uint32_t size) {
    const Case& input = context.case_of(family, size);
    std::size_t text_bytes = 0;
    measure(context, state, [&] {
      text_bytes = routing::write_plan(input.plan, input.topology).size();
      return text_bytes == 0 ? "nothing is written" : "";
    });
    state.counters["text_bytes"] = static_cast<double>(text_bytes);
  });
  add("read_plan", largest, [&context, family](State& state, std::uint32_t size) {
    const Case& input = context.case_of(family, size);
    const std::string text = routing::write_plan(input.plan, input.topology);
    measure(context, state, [&]() -> std::string {
      const auto plan = routing::read_plan(text, "plan.json", input.topology);
      return !plan ? wasm::to_string(plan.error()) : *plan == input.plan ? "" : "another plan is read";
    });
  });
  if (command_line) {
    add(kCommandLine, std::min(largest, kMostForCommandLine),
        [&context, family](State& state, std::uint32_t size) {
          command_line_case(context, state, context.case_of(family, size));
        });
  }
}

/// `--largest=N`: the most component instances. Taken out of the arguments.
std::optional<std::uint32_t> largest_size(int& argc, char** argv) {
  constexpr std::string_view kFlag = "--largest=";
  std::uint32_t largest = 100'000;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kFlag)) {
      argv[kept++] = argv[i];
      continue;
    }
    const std::string_view number = argument.substr(kFlag.size());
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), largest);
    if (error != std::errc() || end != number.data() + number.size() || largest < 10 || largest > 1'000'000) {
      return std::nullopt;
    }
  }
  argc = kept;
  return largest;
}

int main_of(int argc, char** argv) {
  const auto largest = largest_size(argc, argv);
  if (!largest) {
    fmt::print(stderr, "meld-verify-bench: --largest=N needs a number from 10 to 1000000\n");
    return 2;
  }
  auto rules = smt::load_rules();
  if (!rules) {
    fmt::print(stderr, "{}\n", wasm::to_string(rules.error()));
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  const bool command_line = run({"z3", "-version"}).exit_code == 0;
  if (!command_line) {
    fmt::print(stderr, "SKIPPED: z3_command_line, as there is no z3 in PATH\n");
  }
  Context context(std::move(*rules));
  for (const Family family : kFamilies) {
    register_all(context, family, *largest, command_line);
  }
  benchmark::AddCustomContext("z3", smt::solver_version());
  benchmark::RunSpecifiedBenchmarks();
  return context.failed() ? 1 : 0;
}

}  // namespace
}  // namespace meld_verify::bench

int main(int argc, char** argv) {
  return meld_verify::bench::main_of(argc, argv);
}
