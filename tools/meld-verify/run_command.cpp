#include "tools/meld-verify/run_command.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <span>

#include "engine/component/decode.h"
#include "engine/run/event_log.h"
#include "engine/run/post_mortem.h"
#include "engine/run/program.h"
#include "engine/run/routed_trace.h"
#include "engine/run/value_text.h"
#include "engine/wasm/printable.h"
#include "tools/meld-verify/command.h"
#include "tools/meld-verify/input.h"

namespace meld_verify::tool {
namespace {

using spec::TrapClass;

int usage(const std::string& sentence) {
  fmt::print(stderr, "meld-verify run: {}\n", wasm::printable(sentence));
  return kBadInput;
}

int exit_of(const spec::Trap& trap) {
  switch (trap.trap_class) {
    case TrapClass::kUnsupported:
      return kUnsupported;
    case TrapClass::kNotValid:
      return kBadInput;
    default:
      return kRefuted;
  }
}

/// Counts what a run does, for its last lines.
class Tally : public spec::Observer {
 public:
  void entered(const spec::Crossing&) override { ++calls; }
  void destructor_entered(const spec::Destruction&) override { ++destroyed; }
  void still_live(const spec::LiveObject& object) override { live += object.own ? 1 : 0; }

  std::uint64_t calls = 0, destroyed = 0, live = 0;
};

/// What is run: a program, and whose names its events have.
struct Runner {
  run::Program* program = nullptr;
  const spec::Machine* machine = nullptr;
  std::unique_ptr<run::Program> reference;
  std::unique_ptr<run::RoutedTrace> trace;
  std::unique_ptr<run::RoutedProgram> routed;

  /// Reports what is still live.
  void finish() {
    program->machine().finish();
    if (trace) {
      trace->finish();
    }
  }
};

wasm::Expected<Runner> runner(const component::Composition& composition, std::span<const std::uint8_t> bytes,
                              const std::string& file, spec::Observer& observer, bool reference) {
  Runner made;
  if (reference) {
    made.reference = std::make_unique<run::Program>(composition, bytes, &observer);
    made.program = made.reference.get();
    made.machine = &made.program->machine();
    return made;
  }
  made.trace = std::make_unique<run::RoutedTrace>(observer);
  auto routed = run::RoutedProgram::make(bytes, file, made.trace.get());
  if (!routed) {
    return tl::unexpected(routed.error());
  }
  made.routed = *std::move(routed);
  made.trace->listen_to(*made.routed);
  made.program = &made.routed->program();
  made.machine = &made.trace->machine();
  return made;
}

int trapped(const std::string& composed, const spec::Trap& trap, const run::PostMortem& post_mortem,
            const run::Names& names) {
  const std::string_view word = trap.trap_class == TrapClass::kUnsupported ? "UNSUPPORTED"
                                : trap.trap_class == TrapClass::kNotValid  ? "NOT VALID"
                                                                           : "TRAPPED";
  std::string text = fmt::format("{}  {}: {}\n  {}\n", word, composed, to_string(trap.trap_class),
                                 wasm::printable(trap.sentence));
  std::string_view label = "in";
  for (const std::string& call : post_mortem.calls(names)) {
    text += fmt::format("  {:<7} {}\n", label, call);
    label = "";
  }
  if (trap.handle) {
    text += fmt::format("  handle  index {} of {}\n", trap.handle->index.value,
                        names.party(trap.handle->instance));
    const std::vector<std::string> life = post_mortem.life(*trap.handle, names);
    for (const std::string& line : life) {
      text += "          " + line + "\n";
    }
    text += life.empty() ? "          nothing was ever there\n" : "";
  }
  return print(text, exit_of(trap));
}

const component::WorldExport* entry(const run::Program& program, const std::string& invoke) {
  if (!invoke.empty()) {
    return program.find(invoke);
  }
  const component::WorldExport* command = program.find("wasi:cli/run#run");
  return command != nullptr ? command : program.find("run");
}

std::string exports_of(const component::Composition& composition) {
  std::string words;
  for (const component::WorldExport& item : composition.exports) {
    words += fmt::format("{}{}{}{}", words.empty() ? "" : ", ", item.interface_name,
                         item.interface_name.empty() ? "" : "#", item.name);
  }
  return words.empty() ? "it exports no function" : "it exports " + words;
}

}  // namespace

int RunCommand::run() const {
  const auto bytes = read_file(composed);
  if (!bytes) {
    return fail(bytes.error());
  }
  const auto composition = component::decode(*bytes, composed);
  if (!composition) {
    return fail(composition.error());
  }

  run::Names names;
  run::Observers observers;
  Tally tally;
  observers.add(tally);
  run::PostMortem post_mortem;
  observers.add(post_mortem);
  run::TraceText trace_text(names, std::cout);
  if (trace) {
    observers.add(trace_text);
  }
  std::ofstream events;
  run::JsonEvents json_events(names, events);
  if (!events_file.empty()) {
    events.open(events_file, std::ios::binary);
    if (!events) {
      return usage(fmt::format("{} cannot be written", events_file));
    }
    observers.add(json_events);
  }

  auto chosen = runner(*composition, *bytes, composed, observers, reference);
  if (!chosen) {
    return fail(chosen.error());
  }
  run::Program& program = *chosen->program;
  names.machine = chosen->machine;
  const component::WorldExport* function = entry(program, invoke);
  if (function == nullptr) {
    return usage(fmt::format("{} has no single function called '{}'; {}", composed,
                             invoke.empty() ? "run" : invoke, exports_of(*composition)));
  }
  const spec::FunctionType type = program.type_of(*function);
  if (type.params.size() != arguments.size()) {
    return usage(fmt::format("'{}' takes {} arguments, {} are given", function->name, type.params.size(),
                             arguments.size()));
  }
  std::vector<spec::Value> values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto value = run::read_argument(arguments[i], *type.params[i]);
    if (!value) {
      return usage(fmt::format("argument {}: {}", i + 1, value.error()));
    }
    values.push_back(*std::move(value));
  }

  auto outcome = program.start().and_then([&] { return program.call(*function, std::move(values)); });
  chosen->finish();
  events.close();
  if (!events_file.empty() && !events) {
    return usage(fmt::format("{} cannot be written", events_file));
  }
  std::cout.flush();
  if (!outcome) {
    spec::Trap trap = outcome.error();
    if (const auto found = chosen->routed ? chosen->routed->trap_of_router() : std::nullopt) {
      trap.sentence = found->sentence;
      trap.handle = chosen->trace->handle();
    }
    return trapped(composed, trap, post_mortem, names);
  }
  const std::string result = *outcome ? " → " + run::value_text(**outcome, *type.result) : "";
  const bool failed = *outcome && type.result->kind == spec::Kind::kResult &&
                      std::get<spec::Choice>((*outcome)->content).chosen == 1 && invoke.empty();
  return print(fmt::format("{}  {}{}\n  {} boundary calls, {} objects destroyed, {} still live\n",
                           failed ? "FAILED" : "ENDED WELL", function->name, result, tally.calls,
                           tally.destroyed, tally.live),
               failed ? kRefuted : kProved);
}

}  // namespace meld_verify::tool
