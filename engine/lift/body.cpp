#include "engine/lift/body.h"

#include <algorithm>

#include "engine/wasm/opcode_table.h"

namespace meld_verify::lift {
namespace {

using wasm::IndexSpace;
using wasm::Instruction;
using wasm::OpcodeShape;

class Digest {
 public:
  void add(std::uint64_t value) {
    state_ = (state_ ^ value) * 0x9fb21c651e98df25U;
    state_ ^= state_ >> 32U;
  }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x2545f4914f6cdd1dU;
};

std::uint64_t digest_of(const wasm::FuncType& type) {
  Digest digest;
  for (const wasm::ValueType param : type.params) {
    digest.add(static_cast<std::uint64_t>(param));
  }
  digest.add(0x1000);
  for (const wasm::ValueType result : type.results) {
    digest.add(static_cast<std::uint64_t>(result));
  }
  return digest.value();
}

/// An index that stays as it is when code moves to another module.
bool stays(IndexSpace space) {
  return space == IndexSpace::kLocal || space == IndexSpace::kLabel || space == IndexSpace::kField;
}

/// Whether all that matters of it is in `Instruction`'s members.
bool is_decoded(const Instruction& instruction, OpcodeShape shape) {
  switch (shape) {
    case OpcodeShape::kSelectTypes:
    case OpcodeShape::kHeapType:
    case OpcodeShape::kBrOnCast:
    case OpcodeShape::kTypeCount:
    case OpcodeShape::kTryTable:
    case OpcodeShape::kMemArgLane:
    case OpcodeShape::kLane:
    case OpcodeShape::kBytes16:
      return false;
    case OpcodeShape::kBlock: {
      constexpr std::uint8_t kRefNullType = 0x63, kRefType = 0x64;  // a heap type follows
      return instruction.block.value_type != kRefNullType && instruction.block.value_type != kRefType;
    }
    default:
      return true;
  }
}

std::span<const std::uint8_t> bytes_between(const Image& image, wasm::ByteOffset begin,
                                            wasm::ByteOffset end) {
  return image.bytes.subspan(static_cast<std::size_t>(begin.value),
                             static_cast<std::size_t>(end.value - begin.value));
}

/// The bytes of an instruction that are no index and no memory argument.
std::vector<std::uint8_t> rest_of(const Image& image, const Instruction& instruction, OpcodeShape shape) {
  std::vector<std::uint8_t> rest;
  if (shape == OpcodeShape::kMemArgLane) {
    rest.push_back(image.bytes[static_cast<std::size_t>(instruction.end.value) - 1]);
    return rest;
  }
  wasm::ByteOffset at = instruction.begin;
  const auto take_until = [&](wasm::ByteOffset end) {
    const auto bytes = bytes_between(image, at, end);
    rest.insert(rest.end(), bytes.begin(), bytes.end());
  };
  for (const wasm::IndexImmediate& index : instruction.indices) {
    take_until(index.begin);
    at = index.end;
  }
  take_until(instruction.end);
  return rest;
}

std::uint64_t digest_of(const Image& image, const wasm::Module& module, const wasm::Function& function,
                        const std::vector<std::uint64_t>& types, Instruction& instruction) {
  Digest digest;
  digest.add(types[function.type]);
  std::optional<wasm::ValueType> last;
  std::uint64_t count = 0;
  for (const auto& [number, type] : function.locals) {
    if (number == 0) {
      continue;
    }
    if (last && *last != type) {
      digest.add(count);
      digest.add(static_cast<std::uint64_t>(*last));
      count = 0;
    }
    last = type;
    count += number;
  }
  digest.add(count);
  digest.add(last ? static_cast<std::uint64_t>(*last) : 1);
  wasm::InstructionReader reader(bytes_between(image, function.code.begin, function.code.end),
                                 function.code.begin, image.file);
  while (reader.next(instruction)) {
    digest.add(instruction.opcode);
    for (const wasm::IndexImmediate& index : instruction.indices) {
      if (stays(index.space)) {
        digest.add(index.value);
      }
    }
    if (instruction.has_memarg) {
      digest.add(instruction.offset);
      digest.add(instruction.align);
    }
    if (instruction.constant != 0) {
      digest.add(instruction.constant);
    }
    if (instruction.block.value_type) {
      digest.add(*instruction.block.value_type);
    } else if (instruction.block.type && *instruction.block.type < module.types.size()) {
      digest.add(types[*instruction.block.type]);
    }
  }
  if (!reader.ok()) {
    digest.add(function.body.begin.value);
    digest.add(reinterpret_cast<std::uintptr_t>(&image));
  }
  return digest.value();
}

/// One value type per declared local.
bool same_locals(const wasm::Function& left, const wasm::Function& right) {
  using Locals = std::vector<std::pair<std::uint64_t, wasm::ValueType>>;
  const auto merged = [](const wasm::Function& function) {
    Locals locals;
    for (const auto& [number, type] : function.locals) {
      if (number == 0) {
        continue;
      }
      if (!locals.empty() && locals.back().second == type) {
        locals.back().first += number;
      } else {
        locals.emplace_back(number, type);
      }
    }
    return locals;
  };
  const Locals locals = merged(left);
  return locals == merged(right) && std::none_of(locals.begin(), locals.end(), [](const auto& one) {
           return one.second == wasm::ValueType::kOther;
         });
}

struct Side {
  const Image& image;
  const wasm::Module& module;
};

bool same_indexed_type(const Side& left, std::uint32_t left_type, const Side& right,
                       std::uint32_t right_type) {
  return left_type < left.module.types.size() && right_type < right.module.types.size() &&
         same_type(left.module.types[left_type], right.module.types[right_type]);
}

bool same_block(const Side& left, const Instruction& one, const Side& right, const Instruction& other) {
  if (one.block.value_type != other.block.value_type ||
      one.block.type.has_value() != other.block.type.has_value()) {
    return false;
  }
  return !one.block.type || same_indexed_type(left, *one.block.type, right, *other.block.type);
}

bool same_instruction(const Side& left, const Instruction& one, const Side& right, const Instruction& other,
                      const OnIndices& on_indices) {
  if (one.opcode != other.opcode || one.constant != other.constant || one.has_memarg != other.has_memarg ||
      one.offset != other.offset || one.align != other.align || !same_block(left, one, right, other)) {
    return false;
  }
  const OpcodeShape shape = wasm::opcode_entry(one.opcode).shape;
  if (!(is_decoded(one, shape) && is_decoded(other, shape)) &&
      rest_of(left.image, one, shape) != rest_of(right.image, other, shape)) {
    return false;
  }
  if (one.has_memarg) {  // a memory is an index there only where it is written out
    return on_indices(IndexSpace::kMemory, one.memory, other.memory);
  }
  if (one.indices.size() != other.indices.size()) {
    return false;
  }
  for (std::size_t i = 0; i < one.indices.size(); ++i) {
    const auto& [space, value, begin, end] = one.indices[i];
    const std::uint32_t against = other.indices[i].value;
    if (other.indices[i].space != space) {
      return false;
    }
    if (stays(space)) {
      if (value != against) {
        return false;
      }
    } else if (space == IndexSpace::kType) {
      // Types that are no function types are not known, so that only calls can be compared.
      const bool calls = one.opcode == wasm::op::kCallIndirect || one.opcode == wasm::op::kReturnCallIndirect;
      if (!calls || !same_indexed_type(left, value, right, against)) {
        return false;
      }
    } else if (!on_indices(space, value, against)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::vector<std::uint64_t> digests_of(const Image& image, CoreModuleId module) {
  const wasm::Module& definition = image.modules[module.value];
  std::vector<std::uint64_t> types;
  types.reserve(definition.types.size());
  for (const wasm::FuncType& type : definition.types) {
    types.push_back(digest_of(type));
  }
  std::vector<std::uint64_t> digests;
  digests.reserve(definition.functions.size());
  Instruction instruction;
  for (const wasm::Function& function : definition.functions) {
    digests.push_back(digest_of(image, definition, function, types, instruction));
  }
  return digests;
}

bool same_body(const Image& left, FunctionId left_function, const Image& right, FunctionId right_function,
               const OnIndices& on_indices) {
  const Side one{left, left.module_of(left.functions[left_function.value].instance)};
  const Side other{right, right.module_of(right.functions[right_function.value].instance)};
  const wasm::Function& left_body = left.definition_of(left_function);
  const wasm::Function& right_body = right.definition_of(right_function);
  if (!same_type(one.module.types[left_body.type], other.module.types[right_body.type]) ||
      !same_locals(left_body, right_body)) {
    return false;
  }
  wasm::InstructionReader left_reader(left.code_of(left_function), left_body.code.begin, left.file);
  wasm::InstructionReader right_reader(right.code_of(right_function), right_body.code.begin, right.file);
  Instruction left_instruction, right_instruction;
  while (left_reader.next(left_instruction)) {
    if (!right_reader.next(right_instruction) ||
        !same_instruction(one, left_instruction, other, right_instruction, on_indices)) {
      return false;
    }
  }
  return left_reader.ok() && !right_reader.next(right_instruction) && right_reader.ok();
}

}  // namespace meld_verify::lift
