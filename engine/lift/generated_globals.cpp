#include "engine/lift/generated_globals.h"

#include <map>
#include <optional>
#include <set>

#include "engine/wasm/instruction.h"

namespace meld_verify::lift {
namespace {

namespace op = wasm::op;
using wasm::IndexSpace;

/// Reads which globals a function sets to something else than a constant or what it saved before.
class SetReader {
 public:
  SetReader(const Image& image, GeneratedGlobals& globals) : image_(image), globals_(globals) {}

  void read(FunctionId function) {
    const LinkedInstance& in = image_.instances[image_.functions[function.value].instance.value];
    saved_.clear();
    for (const bool first : {true, false}) {  // what locals hold, then what is set
      wasm::InstructionReader reader(image_.code_of(function), image_.definition_of(function).code.begin,
                                     image_.file);
      wasm::Instruction one;
      Before before;
      while (reader.next(one)) {
        first ? look(in, one, before) : set(in, one, before);
        before = after(in, one);
      }
    }
  }

 private:
  /// The instruction before.
  struct Before {
    bool constant = false;
    std::optional<GlobalId> global;      ///< it read this one
    std::optional<std::uint32_t> local;  ///< it read this one
  };

  static Before after(const LinkedInstance& in, const wasm::Instruction& one) {
    Before now;
    now.constant = one.opcode == op::kI32Const;
    if (one.opcode == op::kGlobalGet && one.index(IndexSpace::kGlobal) < in.globals.size()) {
      now.global = in.globals[one.index(IndexSpace::kGlobal)];
    } else if (one.opcode == op::kLocalGet) {
      now.local = one.index(IndexSpace::kLocal);
    }
    return now;
  }

  void look(const LinkedInstance&, const wasm::Instruction& one, const Before& before) {
    if (one.opcode != op::kLocalSet && one.opcode != op::kLocalTee) {
      return;
    }
    const auto [place, fresh] = saved_.try_emplace(one.index(IndexSpace::kLocal), before.global);
    if (!fresh && place->second != before.global) {
      place->second.reset();
    }
  }

  void set(const LinkedInstance& in, const wasm::Instruction& one, const Before& before) {
    if (one.opcode != op::kGlobalSet || one.index(IndexSpace::kGlobal) >= in.globals.size()) {
      return;
    }
    const GlobalId global = in.globals[one.index(IndexSpace::kGlobal)];
    const auto saved = before.local ? saved_.find(*before.local) : saved_.end();
    const bool restored = saved != saved_.end() && saved->second == global;
    if (!before.constant && !restored) {
      globals_.flag[global.value] = false;
    }
  }

  const Image& image_;
  GeneratedGlobals& globals_;
  std::map<std::uint32_t, std::optional<GlobalId>> saved_;  ///< locals that hold what a global held
};

}  // namespace

GeneratedGlobals generated_globals(const Image& image, const std::vector<bool>& is_guest,
                                   const CodeWrites& writes) {
  GeneratedGlobals globals;
  globals.own.resize(image.globals.size());
  std::set<FunctionId> setters;
  for (std::uint32_t g = 0; g < image.globals.size(); ++g) {
    const LinkedGlobal& global = image.globals[g];
    globals.own[g] = global.type.is_mutable && global.type.type == wasm::ValueType::kI32 && global.initial &&
                     writes.unreadable.empty();
    const auto found = writes.sets.find(GlobalId{g});
    if (found == writes.sets.end()) {
      continue;
    }
    for (const FunctionId setter : found->second) {
      globals.own[g] = globals.own[g] && !is_guest[setter.value];
    }
    if (globals.own[g]) {
      setters.insert(found->second.begin(), found->second.end());
    }
  }
  if (image.composition == nullptr) {
    for (const LinkedInstance& instance : image.instances) {
      for (const wasm::CoreExport& one : image.modules[instance.module.value].exports) {
        if (one.kind == wasm::ExternKind::kGlobal && one.index < instance.globals.size()) {
          globals.own[instance.globals[one.index].value] = false;  // an embedder may set it
        }
      }
    }
  }
  globals.flag = globals.own;
  SetReader reader(image, globals);
  for (const FunctionId setter : setters) {
    reader.read(setter);
  }
  return globals;
}

}  // namespace meld_verify::lift
