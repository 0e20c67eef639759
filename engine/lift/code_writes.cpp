#include "engine/lift/code_writes.h"

#include "engine/wasm/instruction.h"

namespace meld_verify::lift {
namespace {

using wasm::IndexSpace;
using wasm::Instruction;
namespace op = wasm::op;

constexpr wasm::Opcode kVector = 0xfd000;
constexpr wasm::Opcode kCallRef = 0x14;
constexpr wasm::Opcode kReturnCallRef = 0x15;
constexpr wasm::Opcode kAtomic = 0xfe000;

bool stores(wasm::Opcode opcode) {
  if (opcode >= op::kI32Store && opcode <= op::kI64Store32) {
    return true;
  }
  if (opcode >= kAtomic) {  // all but the loads: read-modify-write, stores, and what is not known
    return opcode < kAtomic + 0x10 || opcode > kAtomic + 0x16;
  }
  return opcode == kVector + 0x0b || (opcode >= kVector + 0x58 && opcode <= kVector + 0x5b);
}

class Reading {
 public:
  Reading(const Image& image, const std::vector<bool>& is_guest, CodeWrites& into)
      : image_(image), is_guest_(is_guest), into_(into) {}

  void read(FunctionId function) {
    const LinkedFunction& linked = image_.functions[function.value];
    const LinkedInstance& instance = image_.instances[linked.instance.value];
    const wasm::Function& definition = image_.definition_of(function);
    wasm::InstructionReader reader(image_.code_of(function), definition.code.begin, image_.file);
    Instruction one;
    while (reader.next(one)) {
      record(function, instance, one);
    }
    if (!reader.ok()) {
      into_.unreadable.push_back(function);
    }
  }

 private:
  void record(FunctionId function, const LinkedInstance& instance, const Instruction& one) {
    const auto note = [&](auto& map, const auto& space, std::uint32_t index) {
      if (index < space.size()) {
        map[space[index]].insert(function);
      }
    };
    const bool of_guest = guest(function);
    if (one.has_memarg && of_guest) {
      return;
    }
    if (one.has_memarg) {
      note(stores(one.opcode) ? into_.stores : into_.loads, instance.memories, one.memory);
      return;
    }
    switch (one.opcode) {
      case op::kGlobalSet:
        note(into_.sets, instance.globals, one.index(IndexSpace::kGlobal));
        break;
      case op::kMemoryGrow:
        note(into_.grows, instance.memories, memory_of(one, 0));
        break;
      case op::kMemoryFill:
      case op::kMemoryInit:
        note(into_.stores, instance.memories, memory_of(one, 0));
        break;
      case op::kMemoryCopy:
        note(into_.stores, instance.memories, memory_of(one, 0));
        note(into_.loads, instance.memories, memory_of(one, 1));
        break;
      case op::kCall:
      case op::kReturnCall:
      case op::kRefFunc:
        if (const std::uint32_t callee = one.index(IndexSpace::kFunc);
            callee < instance.functions.size() && !(of_guest && guest(instance.functions[callee]))) {
          into_.callees[function].insert(
              image_.bound_at(function, one.begin).value_or(instance.functions[callee]));
        }
        break;
      case op::kLoop:
        into_.loops.insert(function);
        break;
      case op::kCallIndirect:
      case op::kReturnCallIndirect:
        call_indirect(function, instance, one);
        break;
      case kCallRef:
      case kReturnCallRef:
        into_.indirect.insert(function);
        break;
      default:
        break;
    }
  }

  /// Through a table that never changes: to all of that type that is in it.
  void call_indirect(FunctionId function, const LinkedInstance& instance, const Instruction& one) {
    const std::uint32_t table = one.index(IndexSpace::kTable);
    const std::uint32_t type = one.index(IndexSpace::kType);
    const wasm::Module& module = image_.modules[instance.module.value];
    if (guest(function) || table >= instance.tables.size() || type >= module.types.size() ||
        !image_.tables[instance.tables[table].value].fixed) {
      into_.indirect.insert(function);
      return;
    }
    for (const auto& entry : image_.tables[instance.tables[table].value].entries) {
      if (entry && image_.type_of(*entry) == module.types[type]) {
        into_.callees[function].insert(*entry);
      }
    }
  }

  // Memory indices that are not written out are those of memory 0.
  static std::uint32_t memory_of(const Instruction& one, std::size_t number) {
    for (const wasm::IndexImmediate& immediate : one.indices) {
      if (immediate.space == IndexSpace::kMemory && number-- == 0) {
        return immediate.value;
      }
    }
    return one.memory;
  }

  [[nodiscard]] bool guest(FunctionId function) const {
    return function.value < is_guest_.size() && is_guest_[function.value];
  }

  const Image& image_;
  const std::vector<bool>& is_guest_;
  CodeWrites& into_;
};

/// Nobody but core instances of the component sees an export of theirs, unless a canonical definition does.
void open_to_canons(const Image& image, CodeWrites& writes) {
  const auto open = [&](const std::optional<component::CoreItem>& item) {
    const auto function = item ? image.function_of(*item) : std::nullopt;
    if (function) {
      writes.open.insert(*function);
    }
  };
  for (const component::Canon& canon : image.composition->canons) {
    const component::CanonOptions* options = nullptr;
    if (const auto* lift = std::get_if<component::Lift>(&canon.what)) {
      open(lift->core);
      options = &lift->options;
    } else if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      options = &lower->options;
    }
    if (options != nullptr) {
      open(options->realloc);
      open(options->post_return);
      open(options->callback);
    }
  }
  for (const component::Resource& resource : image.composition->resources) {
    open(resource.destructor);
  }
}

/// Generated code that nothing calls writes nothing: so the functions that bound ones stand for.
void drop_unused(const Image& image, const std::vector<bool>& is_guest, CodeWrites& writes) {
  std::set<FunctionId> used;
  std::vector<FunctionId> work;
  const auto use = [&](FunctionId function) {
    if (used.insert(function).second) {
      work.push_back(function);
    }
  };
  for (const FunctionId one : writes.open) {
    use(one);
  }
  for (std::uint32_t f = 0; f < is_guest.size(); ++f) {
    if (is_guest[f]) {
      use(FunctionId{f});
    }
  }
  for (const LinkedInstance& instance : image.instances) {
    if (const auto start = image.modules[instance.module.value].start) {
      use(instance.functions[*start]);
    }
  }
  while (!work.empty()) {
    const FunctionId one = work.back();
    work.pop_back();
    use(image.behind(one));
    if (const auto callees = writes.callees.find(one); callees != writes.callees.end()) {
      for (const FunctionId callee : callees->second) {
        use(callee);
      }
    }
  }
  const auto unused = [&](FunctionId one) { return !used.contains(one); };
  for (auto* map : {&writes.stores, &writes.loads, &writes.grows}) {
    for (auto& [memory, functions] : *map) {
      std::erase_if(functions, unused);
    }
  }
  for (auto& [global, functions] : writes.sets) {
    std::erase_if(functions, unused);
  }
  std::erase_if(writes.callees, [&](const auto& entry) { return unused(entry.first); });
  std::erase_if(writes.indirect, unused);
  std::erase_if(writes.loops, unused);
  std::erase_if(writes.unreadable, unused);
}

}  // namespace

CodeWrites code_writes(const Image& image, const std::vector<bool>& is_guest) {
  CodeWrites writes;
  Reading reading(image, is_guest, writes);
  for (std::size_t i = 0; i < image.functions.size(); ++i) {
    if (image.functions[i].kind == LinkedFunction::Kind::kDefined) {
      reading.read(FunctionId(i));
    }
  }
  for (const LinkedTable& table : image.tables) {
    for (const auto& entry : table.entries) {
      if (entry) {
        writes.open.insert(*entry);
      }
    }
  }
  if (image.composition != nullptr) {
    open_to_canons(image, writes);
    drop_unused(image, is_guest, writes);
    return writes;
  }
  for (const LinkedInstance& instance : image.instances) {
    for (const wasm::CoreExport& one : image.modules[instance.module.value].exports) {
      if (one.kind == wasm::ExternKind::kFunc && one.index < instance.functions.size()) {
        writes.open.insert(instance.functions[one.index]);
      }
    }
  }
  drop_unused(image, is_guest, writes);
  return writes;
}

}  // namespace meld_verify::lift
