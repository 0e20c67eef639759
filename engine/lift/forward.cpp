#include "engine/lift/forward.h"

#include <array>
#include <cstring>

namespace meld_verify::lift {
namespace {

using wasm::IndexSpace;
namespace op = wasm::op;

/// A function of a module that passes its arguments on: to a function, or to an entry of a table.
struct Forward {
  std::optional<std::uint32_t> function;
  std::uint32_t table = 0;
  std::uint64_t entry = 0;
};

std::optional<Forward> forward_of(const Image& image, const wasm::Module& module,
                                  const wasm::Function& function) {
  const wasm::FuncType& type = module.types[function.type];
  wasm::InstructionReader reader(
      image.bytes.subspan(static_cast<std::size_t>(function.code.begin.value),
                          static_cast<std::size_t>(function.code.end.value - function.code.begin.value)),
      function.code.begin, image.file);
  wasm::Instruction instruction;
  for (std::uint32_t i = 0; i < type.params.size(); ++i) {
    if (!reader.next(instruction) || instruction.opcode != op::kLocalGet ||
        instruction.index(IndexSpace::kLocal) != i) {
      return std::nullopt;
    }
  }
  if (!reader.next(instruction)) {
    return std::nullopt;
  }
  Forward found;
  if (instruction.opcode == op::kCall || instruction.opcode == op::kReturnCall) {
    found.function = instruction.index(IndexSpace::kFunc);
    if (*found.function >= module.function_types.size() ||
        !same_type(module.type_of(*found.function), type)) {
      return std::nullopt;
    }
  } else if (instruction.opcode == op::kI32Const) {
    found.entry = instruction.constant & 0xffffffffU;
    if (!reader.next(instruction) ||
        (instruction.opcode != op::kCallIndirect && instruction.opcode != op::kReturnCallIndirect)) {
      return std::nullopt;
    }
    const std::uint32_t called = instruction.index(IndexSpace::kType);
    found.table = instruction.index(IndexSpace::kTable);
    if (called >= module.types.size() || !same_type(module.types[called], type) ||
        found.table >= module.tables.size()) {
      return std::nullopt;
    }
  } else {
    return std::nullopt;
  }
  if (!reader.next(instruction) || instruction.opcode != op::kEnd || reader.next(instruction) ||
      !reader.ok()) {
    return std::nullopt;
  }
  return found;
}

/// Where one step of forwarding leads; nothing where it does not lead on.
std::optional<FunctionId> step(const Image& image, const LinkedInstance& instance, const Forward& forward,
                               const wasm::FuncType& type) {
  if (forward.function) {
    return instance.functions[*forward.function];
  }
  const LinkedTable& table = image.tables[instance.tables[forward.table].value];
  if (!table.fixed || forward.entry >= table.entries.size()) {
    return std::nullopt;
  }
  const auto entry = table.entries[static_cast<std::size_t>(forward.entry)];
  return entry && same_type(image.type_of(*entry), type) ? entry : std::nullopt;
}

using Forwards = std::vector<std::vector<std::optional<Forward>>>;  // by module, by defined function

/// Nothing but a quick look: whether the bytes can hold an instruction that changes a table.
bool may_change_tables(std::span<const std::uint8_t> code) {
  if (std::memchr(code.data(), 0x26, code.size()) != nullptr) {
    return true;
  }
  const std::uint8_t* at = code.data();
  const std::uint8_t* const end = at + code.size();
  while (at < end && (at = static_cast<const std::uint8_t*>(
                          std::memchr(at, 0xfc, static_cast<std::size_t>(end - at)))) != nullptr) {
    if (++at < end) {
      const auto number = static_cast<std::uint8_t>(*at & 0x7f);
      if (number == 0x0c || number == 0x0e || number == 0x0f || number == 0x11) {
        return true;
      }
    }
  }
  return false;
}

/// The tables of a module that its code changes; all, where it cannot be read.
std::vector<bool> changed_tables(const Image& image, const wasm::Module& module) {
  std::vector<bool> changed(module.tables.size());
  if (module.tables.empty()) {
    return changed;
  }
  wasm::Instruction instruction;
  for (const wasm::Function& function : module.functions) {
    const auto code =
        image.bytes.subspan(static_cast<std::size_t>(function.code.begin.value),
                            static_cast<std::size_t>(function.code.end.value - function.code.begin.value));
    if (!may_change_tables(code)) {
      continue;
    }
    wasm::InstructionReader reader(code, function.code.begin, image.file);
    while (reader.next(instruction)) {
      switch (instruction.opcode) {
        case op::kTableSet:
        case op::kTableInit:
        case op::kTableCopy:
        case op::kTableGrow:
        case op::kTableFill: {
          const std::uint32_t table = instruction.index(IndexSpace::kTable);  // of a copy: its destination
          if (table < changed.size()) {
            changed[table] = true;
          }
          break;
        }
        default:
          break;
      }
    }
    if (!reader.ok()) {
      changed.assign(changed.size(), true);
      break;
    }
  }
  return changed;
}

}  // namespace

void find_changed_tables(Image& image) {
  std::vector<std::optional<std::vector<bool>>> by_module(image.modules.size());
  for (const LinkedInstance& instance : image.instances) {
    auto& changed = by_module[instance.module.value];
    if (!changed) {
      changed = changed_tables(image, image.modules[instance.module.value]);
    }
    for (std::size_t i = 0; i < instance.tables.size(); ++i) {
      if ((*changed)[i]) {
        image.tables[instance.tables[i].value].fixed = false;
      }
    }
  }
}

void find_forwarders(Image& image) {
  Forwards forwards(image.modules.size());
  for (const LinkedInstance& instance : image.instances) {
    const wasm::Module& module = image.modules[instance.module.value];
    auto& of_module = forwards[instance.module.value];
    if (of_module.empty()) {
      of_module.reserve(module.functions.size());
      for (const wasm::Function& function : module.functions) {
        of_module.push_back(forward_of(image, module, function));
      }
    }
  }
  constexpr std::uint32_t kUnknown = 0xffffffff;
  image.leads_to.assign(image.functions.size(), FunctionId{kUnknown});
  std::vector<std::uint32_t> way;
  std::vector<bool> on_way(image.functions.size());
  for (std::uint32_t start = 0; start < image.functions.size(); ++start) {
    way.clear();
    FunctionId now{start};
    std::optional<FunctionId> end;
    while (!end) {
      if (image.leads_to[now.value].value != kUnknown) {
        end = image.leads_to[now.value];
        break;
      }
      if (on_way[now.value]) {
        break;  // in circles
      }
      on_way[now.value] = true;
      way.push_back(now.value);
      const LinkedFunction& linked = image.functions[now.value];
      std::optional<FunctionId> next;
      if (linked.kind == LinkedFunction::Kind::kDefined) {
        const LinkedInstance& instance = image.instances[linked.instance.value];
        const wasm::Module& module = image.modules[instance.module.value];
        const auto& forward = forwards[instance.module.value][linked.index - module.imported_functions];
        if (forward) {
          next = step(image, instance, *forward, module.type_of(linked.index));
        }
      }
      if (next) {
        now = *next;
      } else {
        end = now;
      }
    }
    for (const std::uint32_t function : way) {
      image.leads_to[function] = end ? *end : FunctionId{function};
      on_way[function] = false;
    }
  }
}

bool leads_through_table(const Image& image, FunctionId function) {
  const LinkedFunction& linked = image.functions[function.value];
  if (linked.kind != LinkedFunction::Kind::kDefined || image.behind(function) == function) {
    return false;
  }
  const auto forward = forward_of(image, image.module_of(linked.instance), image.definition_of(function));
  return forward && !forward->function;
}

}  // namespace meld_verify::lift
