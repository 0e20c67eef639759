#include "engine/emit/passed_values.h"

#include <algorithm>
#include <utility>

namespace meld_verify::emit {

using component::TypeId;
using wasm::ValueType;

namespace {

ValueType value_type(topology::SlotType slot) {
  switch (slot) {
    case topology::SlotType::kI32:
      return ValueType::kI32;
    case topology::SlotType::kI64:
      return ValueType::kI64;
    case topology::SlotType::kF32:
      return ValueType::kF32;
    case topology::SlotType::kF64:
      return ValueType::kF64;
  }
  return ValueType::kI32;
}

PassedValues passed(std::vector<TypeId> types, const topology::Layouts& layouts, std::size_t most_flat) {
  PassedValues made;
  made.types = std::move(types);
  for (const TypeId type : made.types) {
    const topology::TypeLayout& layout = layouts[type];
    made.size = std::min(topology::aligned(made.size, layout.alignment) + layout.size, topology::kMostBytes);
    made.alignment = std::max(made.alignment, layout.alignment);
    for (const topology::SlotType slot : layout.slots) {
      if (made.slots.size() <= most_flat) {
        made.slots.push_back(value_type(slot));
      }
    }
  }
  made.size = topology::aligned(made.size, made.alignment);
  made.in_memory = made.slots.size() > most_flat;
  return made;
}

}  // namespace

PassedValues passed_params(const component::FuncType& type, const topology::Layouts& layouts) {
  std::vector<TypeId> types;
  for (const component::Parameter& param : type.params) {
    types.push_back(param.type);
  }
  return passed(std::move(types), layouts, topology::kMostFlatParams);
}

PassedValues passed_results(const component::FuncType& type, const topology::Layouts& layouts) {
  return passed(type.result ? std::vector{*type.result} : std::vector<TypeId>{}, layouts,
                topology::kMostFlatResults);
}

wasm::FuncType core_type(const PassedValues& params, const PassedValues& results, bool lowered) {
  wasm::FuncType type;
  type.params = params.in_memory ? std::vector{ValueType::kI32} : params.slots;
  if (!results.in_memory) {
    type.results = results.slots;
  } else if (lowered) {
    type.params.push_back(ValueType::kI32);
  } else {
    type.results = {ValueType::kI32};
  }
  return type;
}

}  // namespace meld_verify::emit
