#pragma once

// Core WebAssembly, executed: wabt's interpreter behind an interface of our own. This header keeps to C++17,
// as wabt 1.0.32's own headers do not compile as C++20.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace meld_verify::run {

enum class CoreType : std::uint8_t { kI32, kI64, kF32, kF64, kOther };

/// A core value by its bits; an i32 or f32 has the upper half zero.
struct CoreValue {
  CoreType type = CoreType::kI32;
  std::uint64_t bits = 0;
};

struct CoreSignature {
  std::vector<CoreType> params;
  std::vector<CoreType> results;
  [[nodiscard]] bool operator==(const CoreSignature& other) const {
    return params == other.params && results == other.results;
  }
};

/// Why an execution stopped, or did not begin.
struct CoreTrap {
  enum class Kind : std::uint8_t {
    kTrap,       ///< the code trapped, or threw what nobody catches
    kHost,       ///< a host function asked for it
    kExhausted,  ///< a limit of the interpreter: its call stack (some 1,300 frames), or `limit_steps`
    kLink,       ///< an import does not fit, or a module cannot be read (a limit, or bad bytes)
  };
  Kind kind = Kind::kTrap;
  std::string message;
  std::uint8_t code = 0;  ///< kHost: a number of the host function's own
};

template <class T>
using CoreResult = std::variant<T, CoreTrap>;

class CoreStore;

/// Something that core code exports and imports. Valid as long as its store; cheap to copy.
class CoreExtern {
 public:
  enum class Kind : std::uint8_t { kFunc, kTable, kMemory, kGlobal, kTag };
  CoreExtern() = default;
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool operator==(const CoreExtern& other) const {
    return kind_ == other.kind_ && id_ == other.id_;
  }

 private:
  friend class CoreStore;
  CoreExtern(Kind kind, std::size_t id) : kind_(kind), id_(id) {}
  Kind kind_ = Kind::kFunc;
  std::size_t id_ = 0;
};

/// Everything that core code is made of, and its execution. Not thread safe. Calls may nest: a host function
/// may call back into the store.
class CoreStore {
 public:
  using ModuleId = std::size_t;
  using InstanceId = std::size_t;
  using Values = std::vector<CoreValue>;
  /// Gets the arguments; fills in the results (which come with the signature's types and zero bits), or
  /// returns why to trap. Must not throw.
  using HostFunction = std::function<std::unique_ptr<CoreTrap>(const Values& arguments, Values& results)>;

  CoreStore();
  ~CoreStore();
  CoreStore(const CoreStore&) = delete;
  CoreStore& operator=(const CoreStore&) = delete;

  /// Reads and validates a core module. kLink: what is wrong with it, in wabt's words.
  [[nodiscard]] CoreResult<ModuleId> load(const std::uint8_t* bytes, std::size_t size);

  /// What function type the module declares for one of its imports, by its place in the list of all imports.
  [[nodiscard]] CoreSignature import_signature(ModuleId module, std::size_t import) const;

  /// Instantiates a module and runs its start function. `imports` in the order of the module's.
  [[nodiscard]] CoreResult<InstanceId> instantiate(ModuleId module, const std::vector<CoreExtern>& imports);

  /// The export of that name, or null.
  [[nodiscard]] const CoreExtern* find(InstanceId instance, const std::string& name) const;

  [[nodiscard]] CoreExtern host_function(const CoreSignature& signature, HostFunction function);
  [[nodiscard]] CoreSignature signature(const CoreExtern& function) const;

  /// Calls a function. kLink: it does not take so many arguments; their types must be its parameters'.
  [[nodiscard]] CoreResult<Values> call(const CoreExtern& function, const Values& arguments);

  /// A function of an instance by its place in the module's index space, imports first; exported or not.
  /// `index` must be one of the module's functions.
  [[nodiscard]] CoreExtern function(InstanceId instance, std::size_t index) const;
  [[nodiscard]] std::size_t function_count(InstanceId instance) const;

  /// Lets all calls from here on, start functions included, take about so many instructions together; then
  /// they stop with kExhausted. Without it they may run for ever.
  void limit_steps(std::uint64_t steps);
  /// Of the steps that were given; 0 without a limit.
  [[nodiscard]] std::uint64_t steps_left() const;

  /// A memory of an instance by its place in the module's index space; it must be one.
  [[nodiscard]] CoreExtern memory(InstanceId instance, std::size_t index) const;
  /// What a global holds now.
  [[nodiscard]] CoreValue value(const CoreExtern& global) const;
  /// The bytes of a memory as they are now; they move when the memory grows.
  [[nodiscard]] std::uint8_t* bytes(const CoreExtern& memory) const;
  [[nodiscard]] std::uint64_t size(const CoreExtern& memory) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace meld_verify::run
