#include "engine/lift/calls.h"

namespace meld_verify::lift {
namespace {

using wasm::IndexSpace;
namespace op = wasm::op;

/// Equal for equal types.
std::string key_of(const wasm::FuncType& type) {
  std::string key;
  for (const wasm::ValueType param : type.params) {
    key.push_back(static_cast<char>(param));
  }
  key.push_back('>');
  for (const wasm::ValueType result : type.results) {
    key.push_back(static_cast<char>(result));
  }
  return key;
}

void add_segment(const LinkedInstance& instance, const wasm::Module& module, std::uint32_t segment,
                 CallSites& sites) {
  if (segment >= module.elements.size()) {
    return;
  }
  if (module.elements[segment].opaque) {  // any function, for all that is known
    sites.functions.insert(sites.functions.end(), instance.functions.begin(), instance.functions.end());
  }
  for (const auto& function : module.elements[segment].functions) {
    if (function) {
      sites.functions.push_back(instance.functions[*function]);
    }
  }
}

void add_option(const Image& image, const std::optional<component::CoreItem>& item, CallSites& sites) {
  if (item) {
    if (const auto function = image.function_of(*item)) {
      sites.functions.push_back(*function);
    }
  }
}

void add_canon(const Image& image, CanonId id, CallSites& sites) {
  const component::Canon& canon = image.composition->canons[id.value];
  if (const auto target = target_of(image, id)) {
    sites.functions.push_back(*target);
  }
  if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
    add_option(image, lower->options.realloc, sites);
    if (const auto* callee = std::get_if<CanonId>(&lower->callee)) {
      if (const auto* lift = std::get_if<component::Lift>(&image.composition->canons[callee->value].what)) {
        add_option(image, lift->options.realloc, sites);
        add_option(image, lift->options.post_return, sites);
        add_option(image, lift->options.callback, sites);
      }
    }
  }
}

void add_code(const Image& image, FunctionId function, CallSites& sites) {
  const LinkedInstance& instance = image.instances[image.functions[function.value].instance.value];
  const wasm::Module& module = image.modules[instance.module.value];
  wasm::InstructionReader reader(image.code_of(function), image.definition_of(function).code.begin,
                                 image.file);
  wasm::Instruction instruction;
  while (reader.next(instruction)) {
    if (instruction.indices.empty()) {
      continue;
    }
    switch (instruction.opcode) {
      case op::kCallIndirect:
      case op::kReturnCallIndirect: {
        const std::uint32_t table = instruction.index(IndexSpace::kTable);
        const std::uint32_t type = instruction.index(IndexSpace::kType);
        if (table < instance.tables.size() && type < module.types.size()) {
          sites.table_calls.push_back({instance.tables[table], instance.module, type});
        }
        break;
      }
      default:
        for (const wasm::IndexImmediate& index : instruction.indices) {
          if (index.space == IndexSpace::kFunc && index.value < instance.functions.size()) {
            sites.functions.push_back(instance.functions[index.value]);
          } else if (index.space == IndexSpace::kElement) {
            add_segment(instance, module, index.value, sites);
          } else if (index.space == IndexSpace::kGlobal && index.value < instance.globals.size()) {
            const auto& held = image.globals[instance.globals[index.value].value].function;
            if (held) {
              sites.functions.push_back(*held);
            }
          }
        }
        break;
    }
  }
  sites.readable = reader.ok();
}

}  // namespace

std::optional<FunctionId> target_of(const Image& image, CanonId id) {
  const component::Canon& canon = image.composition->canons[id.value];
  if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
    const auto* callee = std::get_if<CanonId>(&lower->callee);
    const auto* lift = callee == nullptr
                           ? nullptr
                           : std::get_if<component::Lift>(&image.composition->canons[callee->value].what);
    return lift == nullptr ? std::nullopt : image.function_of(lift->core);
  }
  if (const auto* builtin = std::get_if<component::ResourceBuiltin>(&canon.what)) {
    const auto& destructor = image.composition->resources[builtin->resource.value].destructor;
    if (builtin->op == component::ResourceOp::kDrop && destructor) {
      return image.function_of(*destructor);
    }
  }
  return std::nullopt;
}

CallSites calls_of(const Image& image, FunctionId function) {
  CallSites sites;
  const LinkedFunction& linked = image.functions[function.value];
  switch (linked.kind) {
    case LinkedFunction::Kind::kDefined:
      add_code(image, function, sites);
      break;
    case LinkedFunction::Kind::kCanon:
      add_canon(image, linked.canon, sites);
      break;
    case LinkedFunction::Kind::kImport:
      break;
  }
  return sites;
}

void Walk::add(FunctionId function) {
  if (!reached_[function.value]) {
    reached_[function.value] = true;
    order_.push_back(function);
  }
}

void Walk::add(const TableCall& call) {
  const auto [place, is_new] = entries_.try_emplace(call.table);
  if (is_new) {
    for (const auto& entry : image_.tables[call.table.value].entries) {
      if (entry) {
        place->second[key_of(image_.type_of(*entry))].push_back(*entry);
      }
    }
  }
  const auto entries = place->second.find(key_of(image_.modules[call.module.value].types[call.type]));
  if (entries != place->second.end()) {
    for (const FunctionId entry : entries->second) {
      add(entry);
    }
    place->second.erase(entries);
  }
}

void Walk::run(const std::function<bool(FunctionId)>& stops, std::size_t most) {
  for (; next_ < order_.size() && most > 0; ++next_) {
    const FunctionId function = order_[next_];
    if (stops(function)) {
      continue;
    }
    --most;
    const CallSites sites = calls_of(image_, function);
    for (const FunctionId called : sites.functions) {
      add(called);
    }
    readable_ = readable_ && sites.readable;
    for (const TableCall& call : sites.table_calls) {
      readable_ = readable_ && image_.tables[call.table.value].fixed;
      add(call);
    }
  }
}

}  // namespace meld_verify::lift
