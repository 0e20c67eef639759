#include "engine/run/wast_script.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/component/decode.h"
#include "engine/run/program.h"
#include "engine/run/routed_program.h"
#include "engine/run/value_text.h"
#include "engine/run/wast_values.h"

namespace meld_verify::run {
namespace {

using Json = nlohmann::json;
using Outcome = ScriptStep::Outcome;
using spec::TrapClass;

/// A component that a script defined.
struct Definition {
  std::vector<std::uint8_t> bytes;
  component::Composition composition;
};

struct Instance {
  std::shared_ptr<const Definition> definition;
  std::unique_ptr<Program> program;       ///< with the reference machine
  std::unique_ptr<RoutedProgram> routed;  ///< or this
  Program& running() { return routed ? routed->program() : *program; }
};

struct Verdict {
  Outcome outcome = Outcome::kPassed;
  std::string sentence;
  bool classified = true;
};

Verdict failed(std::string sentence) {
  return {Outcome::kFailed, std::move(sentence), true};
}
Verdict unsupported(std::string sentence) {
  return {Outcome::kUnsupported, std::move(sentence), true};
}

std::string words_of(const spec::Trap& trap) {
  return fmt::format("{}: {}", to_string(trap.trap_class), trap.sentence);
}

/// Texts of Wasmtime's traps, and the class of the law that each stands for. The first that occurs counts.
/// Limits of length have texts of our own: Wasmtime calls what is too long out of bounds.
constexpr auto kTexts = std::to_array<std::pair<std::string_view, TrapClass>>({
    {"unknown handle index", TrapClass::kUnknownHandle},
    {"used with the wrong type", TrapClass::kWrongType},
    {"cannot remove owned resource while borrowed", TrapClass::kLent},
    {"cannot lift own resource from a borrow", TrapClass::kNotOwn},
    {"cannot leave component instance", TrapClass::kCannotLeave},
    {"cannot enter component instance", TrapClass::kCannotEnter},
    {"borrow handles still remain", TrapClass::kBorrowsRemain},
    {"cannot allocate another handle", TrapClass::kTableFull},
    {"realloc return", TrapClass::kBadRealloc},
    {"unaligned pointer", TrapClass::kMisaligned},
    {"pointer not aligned", TrapClass::kMisaligned},
    {"pointer is not aligned", TrapClass::kMisaligned},
    {"invalid variant discriminant", TrapClass::kBadDiscriminant},
    {"unexpected discriminant", TrapClass::kBadDiscriminant},
    {"out of range [0..", TrapClass::kBadDiscriminant},
    {"invalid `char` bit pattern", TrapClass::kBadChar},
    {"out of range for `char`", TrapClass::kBadChar},
    {"string length", TrapClass::kStringTooLong},
    {"list length", TrapClass::kListTooLong},
    {"out of bounds of memory", TrapClass::kOutOfBounds},
    {"content out-of-bounds", TrapClass::kOutOfBounds},
    {"invalid utf-8", TrapClass::kBadUtf8},
    {"invalid utf8", TrapClass::kBadUtf8},
    {"incomplete utf-8", TrapClass::kBadUtf8},
    {"invalid utf16", TrapClass::kBadUtf16},
    {"unpaired surrogate", TrapClass::kBadUtf16},
    {"unreachable", TrapClass::kGuestTrap},
    {"out of bounds memory access", TrapClass::kGuestTrap},
    {"integer divide by zero", TrapClass::kGuestTrap},
});

std::optional<TrapClass> class_of(std::string_view text) {
  for (const auto& [part, trap_class] : kTexts) {
    if (text.find(part) != std::string_view::npos) {
      return trap_class;
    }
  }
  return std::nullopt;
}

Verdict judge_trap(const spec::Trap& trap, const std::string& text) {
  if (trap.trap_class == TrapClass::kUnsupported) {
    return unsupported(trap.sentence);
  }
  const std::optional<TrapClass> expected = class_of(text);
  // The texts for pointers also speak of what realloc gave, and that for entering of an instance that has
  // trapped.
  const bool dead = expected == TrapClass::kCannotEnter && trap.trap_class == TrapClass::kDead;
  const bool pointer = expected == TrapClass::kMisaligned || expected == TrapClass::kOutOfBounds;
  if (expected && *expected != trap.trap_class && !dead &&
      !(pointer && trap.trap_class == TrapClass::kBadRealloc)) {
    return failed(fmt::format("a trap '{}' belongs here, got {}", text, words_of(trap)));
  }
  return {.outcome = Outcome::kPassed, .sentence = {}, .classified = expected.has_value()};
}

class Runner {
 public:
  Runner(const std::string& file, const ReadFile& read, ScriptMachine machine)
      : file_(file), read_(read), machine_(machine) {}

  wasm::Expected<std::vector<ScriptStep>> run(const Json& script) {
    std::vector<ScriptStep> steps;
    for (const Json& command : script.at("commands")) {
      ScriptStep step;
      step.command = command.at("type").get<std::string>();
      step.line = command.at("line").get<std::uint64_t>();
      step.asserts = step.command.starts_with("assert") || step.command == "action";
      Verdict verdict = this->step(step.command, command);
      if (failure_) {
        return tl::unexpected(*failure_);
      }
      step.outcome = verdict.outcome;
      step.classified = verdict.classified;
      step.sentence = std::move(verdict.sentence);
      steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  Verdict step(const std::string& type, const Json& command) {
    if (type == "module" || type == "module_definition") {
      return module(command, type == "module");
    }
    if (type == "module_instance") {
      return instance(command);
    }
    if (type == "action" || type == "assert_return" || type == "assert_trap" || type == "assert_exhaustion") {
      return action(type, command);
    }
    if (type == "assert_uninstantiable" || type == "assert_unlinkable" || type == "assert_invalid" ||
        type == "assert_malformed") {
      return refused(type, command);
    }
    return unsupported(fmt::format("the command '{}' is not known", type));
  }

  // --- definitions and instances

  /// The decoded file, or why there is none; null where the file cannot be read (`failure_` says why).
  tl::expected<std::shared_ptr<const Definition>, wasm::Diagnostic> decode(const Json& command) {
    const auto name = command.at("filename").get<std::string>();
    auto bytes = read_(name);
    if (!bytes) {
      failure_ = bytes.error();
      return tl::unexpected(bytes.error());
    }
    auto made = std::make_shared<Definition>();
    made->bytes = *std::move(bytes);
    auto composition = component::decode(made->bytes, name);
    if (!composition) {
      return tl::unexpected(composition.error());
    }
    made->composition = *std::move(composition);
    return made;
  }

  Verdict module(const Json& command, bool instantiate) {
    const auto name = command.value("name", std::string());
    last_definition_ = nullptr;
    last_instance_ = nullptr;
    if (command.value("module_type", std::string("binary")) != "binary") {
      return unsupported("a component in text");
    }
    const auto definition = decode(command);
    if (!definition) {
      Verdict verdict{definition.error().kind == wasm::DiagnosticKind::kUnsupported ? Outcome::kUnsupported
                                                                                    : Outcome::kFailed,
                      wasm::to_string(definition.error()), true};
      missing_[name] = verdict.sentence;
      return verdict;
    }
    definitions_[name] = last_definition_ = *definition;
    return instantiate ? start(*definition, name) : Verdict{};
  }

  Verdict instance(const Json& command) {
    const auto name = command.value("module", std::string());
    const auto known = definitions_.find(name);
    const std::shared_ptr<const Definition> definition = name.empty()                  ? last_definition_
                                                         : known == definitions_.end() ? nullptr
                                                                                       : known->second;
    last_instance_ = nullptr;
    if (!definition) {
      return unsupported(fmt::format("the component '{}' was not taken", name));
    }
    return start(definition, command.value("instance", std::string()));
  }

  Verdict start(const std::shared_ptr<const Definition>& definition, const std::string& name) {
    instances_.erase(name);
    auto loaded = load(definition);
    if (!loaded) {
      return unsupported(wasm::to_string(loaded.error()));
    }
    const std::shared_ptr<Instance> made = *std::move(loaded);
    const spec::Result<void> started = made->running().start();
    if (!started) {
      return started.error().trap_class == TrapClass::kUnsupported ? unsupported(started.error().sentence)
                                                                   : failed(words_of(started.error()));
    }
    instances_[name] = last_instance_ = made;
    return {};
  }

  wasm::Expected<std::shared_ptr<Instance>> load(const std::shared_ptr<const Definition>& definition) {
    auto made = std::make_shared<Instance>();
    made->definition = definition;
    if (machine_ == ScriptMachine::kReference) {
      made->program = std::make_unique<Program>(definition->composition, definition->bytes);
      return made;
    }
    auto routed = RoutedProgram::make(definition->bytes, file_);
    if (!routed) {
      return tl::unexpected(routed.error());
    }
    made->routed = *std::move(routed);
    return made;
  }

  // --- actions

  Verdict action(const std::string& type, const Json& command) {
    const Json& action = command.at("action");
    if (action.value("type", std::string()) != "invoke") {
      return unsupported("only functions can be invoked");
    }
    const auto name = action.value("module", std::string());
    const auto named = instances_.find(name);
    Instance* const instance = (name.empty()                ? last_instance_
                                : named == instances_.end() ? nullptr
                                                            : named->second)
                                   .get();
    if (instance == nullptr) {
      return unsupported("the instance was not taken");
    }
    Program& program = instance->running();
    const auto field = action.at("field").get<std::string>();
    const component::WorldExport* function = program.find(field);
    if (function == nullptr) {
      return failed(fmt::format("there is no function '{}'", field));
    }
    const spec::FunctionType signature = program.type_of(*function);
    const Json arguments = action.value("args", Json::array());
    if (arguments.size() != signature.params.size()) {
      return failed(fmt::format("'{}' takes {} arguments", field, signature.params.size()));
    }
    std::vector<spec::Value> values;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      auto value = read_wast_value(arguments[i], *signature.params[i]);
      if (!value) {
        return failed(value.error());
      }
      values.push_back(*std::move(value));
    }
    return outcome(type, command, signature, program.call(*function, std::move(values)));
  }

  Verdict outcome(const std::string& type, const Json& command, const spec::FunctionType& signature,
                  const spec::Result<std::optional<spec::Value>>& result) {
    if (type == "assert_trap" || type == "assert_exhaustion") {
      return result ? failed("a trap belongs here, and it ended well")
                    : judge_trap(result.error(), command.value("text", std::string()));
    }
    if (!result) {
      return result.error().trap_class == TrapClass::kUnsupported ? unsupported(result.error().sentence)
                                                                  : failed(words_of(result.error()));
    }
    if (type == "action") {
      return {};
    }
    const Json expected = command.value("expected", Json::array());
    if (expected.size() != (signature.result ? 1u : 0u)) {
      return failed(fmt::format("{} results are expected of a function with {}", expected.size(),
                                signature.result ? "one" : "none"));
    }
    if (expected.empty()) {
      return {};
    }
    const auto equal = is_wast_value(**result, expected[0], *signature.result);
    if (!equal) {
      return failed(equal.error());
    }
    return *equal ? Verdict{}
                  : failed(fmt::format("{} belongs here, got {}", expected[0].dump(),
                                       value_text(**result, *signature.result)));
  }

  // --- components that must not be taken

  Verdict refused(const std::string& type, const Json& command) {
    if (command.value("module_type", std::string("binary")) != "binary") {
      return unsupported("a component in text");
    }
    const auto definition = decode(command);
    if (type == "assert_invalid" || type == "assert_malformed") {
      if (!definition) {
        return {};
      }
      return unsupported("it is taken: this is no validator of all that a component must be");
    }
    if (!definition) {
      return definition.error().kind == wasm::DiagnosticKind::kUnsupported
                 ? unsupported(wasm::to_string(definition.error()))
                 : failed(wasm::to_string(definition.error()));
    }
    if (type == "assert_unlinkable") {
      return unlinkable((*definition)->composition);
    }
    const auto loaded = load(*definition);
    if (!loaded) {
      return unsupported(wasm::to_string(loaded.error()));
    }
    const spec::Result<void> started = (*loaded)->running().start();
    return started ? failed("a trap belongs here, and it was instantiated")
                   : judge_trap(started.error(), command.value("text", std::string()));
  }

  /// Nothing is there to link with: every import is missing. What the spec's test host provides is not known
  /// here.
  static Verdict unlinkable(const component::Composition& composition) {
    for (const component::HostFunc& function : composition.host_funcs) {
      const std::string& name = function.interface_name.empty() ? function.name : function.interface_name;
      return name == "host" || name.starts_with("host-")
                 ? unsupported(fmt::format("it imports '{}' of the spec's test host", name))
                 : Verdict{};
    }
    for (const component::Resource& resource : composition.resources) {
      if (resource.definer == component::kHost) {
        return unsupported("it imports a resource type of the spec's test host");
      }
    }
    return failed("it imports nothing, so there is nothing that could be missing");
  }

  const std::string& file_;
  const ReadFile& read_;
  ScriptMachine machine_;
  std::map<std::string, std::shared_ptr<const Definition>> definitions_;
  std::map<std::string, std::shared_ptr<Instance>> instances_;
  std::map<std::string, std::string> missing_;  ///< why a definition was not taken
  std::shared_ptr<const Definition> last_definition_;
  std::shared_ptr<Instance> last_instance_;
  std::optional<wasm::Diagnostic> failure_;
};

wasm::Diagnostic bad_script(const std::string& file, std::string code, std::string sentence) {
  return {.kind = wasm::DiagnosticKind::kBadInput,
          .code = std::move(code),
          .place = {.file = file, .offset = {}, .within = {}, .pointer = {}},
          .sentence = std::move(sentence)};
}

}  // namespace

wasm::Expected<std::vector<ScriptStep>> run_wast_script(std::string_view json, const std::string& file,
                                                        const ReadFile& read, ScriptMachine machine) {
  const Json script = Json::parse(json, nullptr, false);
  if (script.is_discarded()) {
    return tl::unexpected(bad_script(file, "not-json", "this is not JSON"));
  }
  try {
    return Runner(file, read, machine).run(script);
  } catch (const Json::exception& mistake) {
    return tl::unexpected(
        bad_script(file, "script",
                   fmt::format("this is not what wasm-tools json-from-wast writes: {}", mistake.what())));
  }
}

}  // namespace meld_verify::run
