#pragma once

// A composed component, executed: the guests' core code in wabt's interpreter, every canonical definition
// done by the reference machine of spec/.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/component/composition.h"
#include "engine/run/guest_code.h"
#include "engine/run/value_types.h"

namespace meld_verify::run {

/// What a core instance runs in place of its module's bytes: the same code with probes in it.
struct ProbedModule {
  std::vector<std::uint8_t> bytes;
  /// For the imports that come after the module's own, in order.
  std::vector<CoreStore::HostFunction> probes;
};

/// Hears of what core code does while a program runs.
class Probes {
 public:
  virtual ~Probes() = default;
  /// Asked before a core instance is made; nothing: it is left as it is. The error ends the program.
  virtual spec::Result<std::optional<ProbedModule>> module(component::CoreInstanceId instance) = 0;
  /// Core code calls a canonical built-in or lowered function. The error is the call's.
  virtual spec::Result<void> canon_entered(component::CanonId canon,
                                           std::span<const spec::CoreValue> arguments) = 0;
  /// Not called when it trapped.
  virtual void canon_left(component::CanonId canon) = 0;
};

/// A host's function called with whatever arguments: its result.
using HostAnswer = std::function<spec::Result<std::optional<spec::Value>>(const component::HostFunc& function,
                                                                          const spec::FunctionType& type)>;

/// What is out of scope is refused with kUnsupported, the instance and the reason: by `start` where the
/// program cannot be without it, else when it is called. A trap is for ever (I12).
class Program {
 public:
  /// `bytes` is the file that `composition` was decoded from. All must outlive the program.
  Program(const component::Composition& composition, std::span<const std::uint8_t> bytes,
          spec::Observer* observer = nullptr, spec::Limits limits = {});

  /// To be told of what core code does. Before `start`; must outlive the program.
  void set_probes(Probes& probes) { probes_ = &probes; }
  /// Stands for all functions that the world imports. Without it a call of one ends the program as
  /// unsupported. Before `start`.
  void set_host(HostAnswer answer) { host_answer_ = std::move(answer); }
  /// Asked when core code traps by itself: what that means, if it is known. Before `start`.
  void set_trap_words(std::function<std::optional<spec::Trap>()> words) { trap_words_ = std::move(words); }
  /// Everything together may take about so many instructions of core code; then it traps kUnsupported.
  void limit_steps(std::uint64_t steps) { store_.limit_steps(steps); }
  [[nodiscard]] std::uint64_t steps_left() const { return store_.steps_left(); }
  /// Gives a resource type that has a destructor but does not say which a function of a core instance, by its
  /// index. Before `start`; the instance may be made later.
  void set_destructor(component::ResourceId resource, component::CoreInstanceId instance,
                      std::uint32_t function);

  /// Instantiates the component: core instances in the component's order, their start functions included.
  /// Once. kNotValid: a core module or an import that does not fit; kUnsupported: out of scope, or a module
  /// that wabt cannot read; others: a start function trapped.
  [[nodiscard]] spec::Result<void> start();

  /// An export of the world: "interface#function", or the function's name where only one export has it. A
  /// version
  /// ("@0.2.6") may be left out. Null: there is none, or several.
  [[nodiscard]] const component::WorldExport* find(std::string_view name) const;

  /// Types of an export's parameters and result.
  [[nodiscard]] spec::FunctionType type_of(const component::WorldExport& what);

  /// Calls an export; after `start` only.
  [[nodiscard]] spec::Result<std::optional<spec::Value>> call(const component::WorldExport& what,
                                                              std::vector<spec::Value> arguments);

  /// Calls a function of a core instance by its index, as no export could; after `start` only. kNotValid: it
  /// takes other arguments.
  [[nodiscard]] spec::CoreResult call_core(component::CoreInstanceId instance, std::uint32_t function,
                                           std::span<const spec::CoreValue> arguments);

  /// What a global that a core instance exports holds now, and the bytes of one of its memories by its index
  /// in the module (they move when it grows). Nothing: the instance is not made, or there is no such export.
  [[nodiscard]] std::optional<std::uint64_t> global(component::CoreInstanceId instance,
                                                    const std::string& name) const;
  [[nodiscard]] std::span<const std::uint8_t> memory(component::CoreInstanceId instance,
                                                     std::uint32_t index) const;

  /// The name that a function goes by in what is shown, and an export's, as far as it has one.
  [[nodiscard]] std::string name_of(const component::FuncRef& function) const;
  [[nodiscard]] static std::string name_of(const component::WorldExport& what);

  /// In the composition's numbers: whose function the machine calls, and who takes part in a crossing.
  [[nodiscard]] std::optional<component::CanonId> lift_of(spec::FunctionId function) const;
  [[nodiscard]] component::InstanceId instance_of(spec::Party party) const;

  [[nodiscard]] spec::Machine& machine() { return machine_; }
  [[nodiscard]] const component::Composition& composition() const { return composition_; }

 private:
  void name_functions();
  void define_instances();
  void define_resource_types();
  void define_host_functions();
  spec::Result<void> define(component::CanonId id);
  spec::Result<void> define_lift(const component::Canon& canon, component::CanonId id,
                                 const component::Lift& lift);
  spec::Result<void> define_lower(const component::Canon& canon, component::CanonId id,
                                  const component::Lower& lower);
  spec::Result<void> define_builtin(const component::Canon& canon, component::CanonId id,
                                    const component::ResourceBuiltin& builtin);
  spec::Result<void> instantiate(const component::CoreInstance& what, component::CoreInstanceId id);
  /// The core function that a canonical definition makes, heard by the probes.
  CoreExtern canon_function(const CoreSignature& signature, component::CanonId id,
                            spec::CoreFunction function);
  spec::CoreResult run_by_index(component::CoreInstanceId instance, std::uint32_t function,
                                std::span<const spec::CoreValue> arguments);
  spec::Result<CoreStore::ModuleId> module(component::CoreModuleId id);
  /// kNotValid: there is none, or it is of another kind.
  spec::Result<CoreExtern> item(const component::CoreItem& item) const;
  /// Stands for a canonical definition that is out of scope.
  CoreExtern refusing(const CoreSignature& signature, component::CanonId id);
  /// kNotValid: it is no function of that signature. `what` names it: "the destructor".
  spec::Result<spec::CoreFunction> function(const component::CoreItem& item, const CoreSignature& signature,
                                            std::string_view what);
  /// Of a lift or lower of a function of type `type`.
  spec::Result<spec::Options> options(const component::CanonOptions& options, const spec::FunctionType& type);
  spec::Memory* memory(const CoreExtern& memory);
  /// A function of core code, for the machine to call.
  spec::CoreFunction guest(const CoreExtern& function);
  spec::Trap meant(const spec::Trap& trap) const;

  const component::Composition& composition_;
  std::span<const std::uint8_t> bytes_;
  ValueTypes types_;
  CoreStore store_;
  std::deque<GuestMemory> memories_;
  std::vector<std::pair<CoreExtern, spec::Memory*>> known_memories_;
  spec::Machine machine_;
  Probes* probes_ = nullptr;
  HostAnswer host_answer_;
  std::function<std::optional<spec::Trap>()> trap_words_;

  std::vector<std::optional<CoreStore::ModuleId>> modules_;      ///< by core module
  std::vector<std::optional<CoreStore::InstanceId>> instances_;  ///< by core instance
  std::vector<std::optional<CoreExtern>> canon_functions_;       ///< by canon: what core code imports
  std::vector<std::optional<spec::FunctionId>> lifted_;          ///< by canon
  std::vector<std::string> function_names_;                      ///< by canon: of lifts
  std::vector<std::string> refusals_;             ///< by canon: why it is out of scope; or empty
  std::vector<spec::FunctionId> host_functions_;  ///< by host function
  std::vector<spec::CoreFunction> destructors_;   ///< by resource type
};

}  // namespace meld_verify::run
