// meld-verify: flags and exit codes; everything else is in engine/.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "engine/check/check.h"
#include "engine/component/decode.h"
#include "engine/report/json.h"
#include "engine/report/text.h"
#include "tools/meld-verify/command.h"
#include "tools/meld-verify/fused_command.h"
#include "tools/meld-verify/heap.h"
#include "tools/meld-verify/input.h"
#include "tools/meld-verify/route_command.h"
#include "tools/meld-verify/run_command.h"
#include "tools/meld-verify/validate_modules.h"

namespace meld_verify::tool {
namespace {

wasm::Expected<topology::Topology> read_topology(const std::string& path, bool validate) {
  return read_file(path).and_then([&](const std::vector<std::uint8_t>& bytes) {
    return component::decode(bytes, path)
        .and_then([&](component::Composition composition) -> wasm::Expected<component::Composition> {
          if (validate) {
            const auto limits = validate_modules(composition, bytes, path);
            if (!limits) {
              return tl::unexpected(limits.error());
            }
            for (const std::string& limit : *limits) {
              fmt::print(stderr, "{}\n", limit);
            }
          }
          return composition;
        })
        .map([](const component::Composition& composition) { return topology::topology_of(composition); });
  });
}

struct PlanCommand {
  std::string composed;
  std::string format = "text";
  bool all = false;
  bool places = false;
  bool validate = false;

  int run() const {
    const auto topology = read_topology(composed, validate);
    if (!topology) {
      return fail(topology.error());
    }
    const routing::Plan plan = routing::required_plan(*topology);
    const int exit_code = topology->unsupported.empty() ? kProved : kUnsupported;
    if (format == "json") {
      return print(routing::write_plan(plan, *topology, {.locations = true}), exit_code);
    }
    if (format == "dot") {
      return print(report::plan_dot(*topology, plan), exit_code);
    }
    return print(report::plan_text(*topology, plan, {.colour = colours(), .all = all, .places = places}),
                 exit_code);
  }
};

struct CheckCommand {
  std::string composed;
  std::string plan_file;
  std::string format = "text";
  std::string profile = "default";
  std::string facts_file;
  bool latent = false;
  bool validate = false;
  bool judge = false;
  bool all = false;

  int run() const {
    ready_heap_for_solver();
    const auto topology = read_topology(composed, validate);
    if (!topology) {
      return fail(topology.error());
    }
    const auto plan = read_file(plan_file).and_then([&](const std::vector<std::uint8_t>& bytes) {
      return routing::read_plan({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, plan_file,
                                *topology);
    });
    if (!plan) {
      return fail(plan.error());
    }
    const auto rules = smt::load_rules();
    if (!rules) {
      return fail(rules.error());
    }
    if (!facts_file.empty()) {
      const auto written = write_file(facts_file, smt::dump(*rules, smt::facts_of(*topology, *plan)));
      if (!written) {
        return fail(written.error());
      }
    }
    const check::Options options{
        .profile = profile == "strict" ? check::Profile::kStrict : check::Profile::kDefault,
        .latent = latent,
        .judge = judge ? check::JudgeUse::kAlways : check::JudgeUse::kAuto};
    const check::Report report = check::check(*topology, *plan, *rules, options);
    return print(format == "json" ? report::report_json(report, *topology, *plan, plan_file)
                                  : report::report_text(report, *topology, *plan, plan_file,
                                                        {.colour = colours(), .all = all}),
                 exit_of(report.verdict));
  }
};

struct ExplainCommand {
  std::string code;

  int run() const {
    if (code.empty()) {
      return print(report::codes_text(), kProved);
    }
    const check::CodeInfo* info = check::find_code(code);
    if (info == nullptr) {
      fmt::print(stderr, "meld-verify explain: there is no code '{}'; codes are L01 to L{:02}\n", code,
                 check::all_codes().size());
      return kBadInput;
    }
    return print(report::code_text(*info), kProved);
  }
};

int run(int argc, char** argv) {
  CLI::App app("Checks resource handles in fused WebAssembly components.");
  app.set_version_flag("--version", "meld-verify " MELD_VERIFY_VERSION);
  app.require_subcommand(0, 1);
  app.footer(
      "exit codes: 0 proved (or printed), 1 refuted, 2 bad input or usage, 3 unknown, 4 unsupported, 5 "
      "internal");

  FusedCommand fused;
  fused.arguments.assign(argv + 1, argv + argc);
  app.add_option("COMPOSED", fused.composed, "the composed component");
  app.add_option("FUSED", fused.fused, "what a fuser made of it: a core module or a component");
  app.add_option("--format", fused.format, "text, json (spec/report.schema.json) or sarif (2.1.0)")
      ->check(CLI::IsMember({"text", "json", "sarif"}));
  app.add_option("--profile", fused.profile,
                 "default (guests keep to the Canonical ABI) or strict (any guest)")
      ->check(CLI::IsMember({"default", "strict"}));
  CLI::Option* replay_option =
      app.add_option("--replay", fused.replay_finding,
                     "run both files and show what differs: for the finding of that number, or any")
          ->expected(0, 1);
  app.add_flag("--latent", fused.latent, "findings that no export of the world reaches refute too");
  app.add_flag("--all", fused.all, "print every finding, broken rules too");
  app.add_flag("--judge", fused.judge, "have Z3 judge the whole plan also above 10,000 instances");
  app.add_option("--emit-plan", fused.plan_file,
                 "write the plan that the fused code carries out to this file (`check` reads it)");

  PlanCommand plan;
  CLI::App* plan_app =
      app.add_subcommand("plan", "Print which handle crosses which boundary, and what it needs there");
  plan_app->add_option("COMPOSED", plan.composed, "the composed component")->required();
  plan_app->add_option("--format", plan.format, "text, json (a plan that `check` reads) or dot")
      ->check(CLI::IsMember({"text", "json", "dot"}));
  plan_app->add_flag("--all", plan.all, "also boundaries without handles, and instances without code");

  plan_app->add_flag("--places", plan.places, "where in the signature's slots and memory each handle lies");

  plan_app->add_flag("--validate", plan.validate,
                     "also validate the core modules, function bodies included (wabt)");

  CheckCommand check;
  CLI::App* check_app = app.add_subcommand("check", "Say whether a fusion plan is right");
  check_app->add_option("COMPOSED", check.composed, "the composed component")->required();
  check_app->add_option("--plan", check.plan_file, "the plan (spec/plan.schema.json)")->required();
  check_app->add_option("--format", check.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  check_app
      ->add_option("--profile", check.profile,
                   "default (guests keep to the Canonical ABI) or strict (any guest)")
      ->check(CLI::IsMember({"default", "strict"}));
  check_app->add_flag("--latent", check.latent, "findings that no export of the world reaches refute too");
  check_app->add_flag("--judge", check.judge, "have Z3 judge the whole plan also above 10,000 instances");
  check_app->add_flag("--validate", check.validate,
                      "also validate the core modules, function bodies included (wabt)");
  check_app->add_flag("--all", check.all, "print every finding");
  check_app->add_option("--dump-facts", check.facts_file,
                        "write rules and facts for the z3 command line to this file");

  RunCommand run;
  CLI::App* run_app = app.add_subcommand("run", "Execute a composed component by the law");
  run_app->add_option("COMPOSED", run.composed, "the composed component")->required();
  run_app->add_option("ARGUMENT", run.arguments, "arguments of the function: scalars and strings");
  run_app->add_option("--invoke", run.invoke,
                      "the function: NAME or INTERFACE#NAME (default: wasi:cli/run, else run)");
  run_app->add_flag("--reference", run.reference,
                    "with the reference machine, instead of through the router");
  run_app->add_flag("--trace", run.trace, "print each boundary crossing and table operation");
  run_app->add_option("--events", run.events_file, "write the event log, as JSON lines, to this file");

  RouteCommand route;
  CLI::App* route_app = app.add_subcommand(
      "route", "Make a composed component flat, with handle tables and bridges that are proved right");
  route_app->add_option("COMPOSED", route.composed, "the composed component")->required();
  route_app->add_option("-o,--output", route.routed, "the file to write; it is written only if it is proved")
      ->required();

  ExplainCommand explain;
  CLI::App* explain_app = app.add_subcommand("explain", "Say what a code means; without one, list all");
  explain_app->add_option("CODE", explain.code, "L01 to L56");

  try {
    app.parse(argc, argv);
    fused.replay = replay_option->count() != 0;
    if (app.get_subcommands().empty()) {
      if (fused.fused.empty()) {
        throw CLI::RequiredError(fused.composed.empty() ? "COMPOSED and FUSED are required, or a subcommand"
                                                        : "FUSED is required, or a subcommand",
                                 CLI::ExitCodes::RequiredError);
      }
    } else if (const auto given =
                   app.get_options([](const CLI::Option* option) { return option->count() != 0; });
               !given.empty()) {
      throw CLI::ExcludesError(given.front()->get_name(), app.get_subcommands().front()->get_name());
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kProved : kBadInput;
  }
  return plan_app->parsed()      ? plan.run()
         : check_app->parsed()   ? check.run()
         : run_app->parsed()     ? run.run()
         : route_app->parsed()   ? route.run()
         : explain_app->parsed() ? explain.run()
                                 : fused.run();
}

}  // namespace
}  // namespace meld_verify::tool

int main(int argc, char** argv) {
  try {
    return meld_verify::tool::run(argc, argv);
  } catch (const std::exception& mistake) {
    fmt::print(stderr, "meld-verify: internal error: {}\n", mistake.what());
    return meld_verify::tool::kInternal;
  }
}
