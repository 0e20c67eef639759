#pragma once

// Three instances of C++ guests around a machine: for tests.

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "spec/byte_memory.h"
#include "spec/machine.h"
#include "spec/recorder.h"

namespace meld_verify::spec {

using Slots = std::vector<CoreValue>;
/// A guest's core function over i32s, which gives one or nothing.
using Guest = std::function<Result<std::optional<std::uint32_t>>(std::vector<std::uint32_t>)>;

inline CoreFunction core(Guest guest) {
  return [guest = std::move(guest)](std::span<const CoreValue> args) -> CoreResult {
    std::vector<std::uint32_t> words;
    for (const CoreValue& arg : args) {
      words.push_back(static_cast<std::uint32_t>(arg.bits));
    }
    SPEC_TRY(const std::optional<std::uint32_t> word, guest(std::move(words)));
    return word ? std::optional<CoreValue>(i32(*word)) : std::nullopt;
  };
}

inline void PrintTo(TrapClass trap_class, std::ostream* out) {
  *out << to_string(trap_class);
}

inline CoreResult gives(std::uint32_t word) {
  return i32(word);
}

/// `app` and `lib` and `other` are siblings; `lib` defines `thing`, whose destructor notes its rep.
class MachineTest : public testing::Test {
 protected:
  explicit MachineTest(Limits limits = {}) : machine(limits, &recorder) {
    recorder.machine = &machine;
    app = machine.add_instance("app");
    lib = machine.add_instance("lib");
    other = machine.add_instance("other");
    thing = machine.add_resource_type("thing", lib, core([this](auto args) { return note("dtor", args); }));
  }

  Result<std::optional<std::uint32_t>> note(const std::string& word, const std::vector<std::uint32_t>& args) {
    std::string line = word;
    for (const std::uint32_t arg : args) {
      line += " " + std::to_string(arg);
    }
    recorder.lines.push_back(line);
    return std::nullopt;
  }

  Options with_memory(ByteMemory& memory) {
    Options options;
    options.memory = &memory;
    options.realloc = memory.realloc();
    return options;
  }

  FunctionId lifted(InstanceId callee, std::vector<TypeRef> params, TypeRef result, Guest guest,
                    Options options = {}) {
    return machine.lift("f", callee, {std::move(params), std::move(result)}, core(std::move(guest)), options)
        .value();
  }

  /// Lifts in `callee`, lowers into `caller`.
  LoweringId connected(InstanceId caller, InstanceId callee, std::vector<TypeRef> params, TypeRef result,
                       Guest guest, Options callee_options = {}, Options caller_options = {}) {
    return machine
        .lower(caller, lifted(callee, std::move(params), std::move(result), std::move(guest), callee_options),
               caller_options)
        .value();
  }

  CoreResult call(LoweringId lowering, std::initializer_list<std::uint32_t> args) {
    Slots slots;
    for (const std::uint32_t arg : args) {
      slots.push_back(i32(arg));
    }
    return machine.call(lowering, slots);
  }

  /// A new thing of `rep` in lib's table, moved to `to` unless that is lib; gives its index.
  std::uint32_t thing_in(InstanceId to, std::uint32_t rep) {
    const std::uint32_t index = machine.resource_new(lib, thing, Rep(rep)).value().value;
    if (to == lib) {
      return index;
    }
    const LoweringId make =
        connected(to, lib, {}, types::own(thing),
                  [index](auto) -> Result<std::optional<std::uint32_t>> { return index; });
    return static_cast<std::uint32_t>(call(make, {}).value()->bits);
  }

  Result<void> drop(InstanceId instance, std::uint32_t index) {
    return machine.resource_drop(instance, thing, HandleIndex(index));
  }

  template <class T>
  static TrapClass trap_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? TrapClass::kDead : result.error().trap_class;
  }

  const Entry& entry(InstanceId instance, std::uint32_t index) const {
    return machine.instance(instance).table.slots()[index];
  }

  static TypeRef own(ResourceTypeId type) { return types::own(type); }
  static TypeRef borrow(ResourceTypeId type) { return types::borrow(type); }

  Recorder recorder;
  Machine machine;
  InstanceId app, lib, other;
  ResourceTypeId thing;
};

/// The same where an instance may call itself and its relatives.
class DonutTest : public MachineTest {
 protected:
  DonutTest() : MachineTest(Limits{HandleTable::kMaxIndex, true, 500}) {}
};

}  // namespace meld_verify::spec
