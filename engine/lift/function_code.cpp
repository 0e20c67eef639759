#include "engine/lift/function_code.h"

#include <fmt/format.h>

#include "engine/wasm/instruction.h"

namespace meld_verify::lift {

namespace op = wasm::op;

namespace {

/// A function of more bytes than this is no adapter.
constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

FunctionCode code_for(const Image& image, FunctionId function) {
  FunctionCode code;
  const wasm::Module& module = image.module_of(image.functions[function.value].instance);
  const auto bytes = image.code_of(function);
  if (bytes.size() > kMostBytes) {
    code.problem = fmt::format("its code of {} bytes is too long to be executed", bytes.size());
    return code;
  }
  wasm::InstructionReader reader(bytes, image.definition_of(function).code.begin, image.file);
  wasm::Instruction instruction;
  std::vector<std::uint32_t> open;  // blocks by their first step; the body is not among them
  while (reader.next(instruction)) {
    const auto here = static_cast<std::uint32_t>(code.steps.size());
    CodeStep step;
    step.opcode = instruction.opcode;
    step.at = instruction.begin;
    step.constant = instruction.has_memarg ? instruction.offset : instruction.constant;
    if (instruction.has_memarg) {
      step.first = instruction.memory;
    } else if (instruction.opcode == op::kBrTable) {
      step.first = static_cast<std::uint32_t>(code.labels.size());
      step.second = static_cast<std::uint32_t>(instruction.indices.size());
      for (const wasm::IndexImmediate& label : instruction.indices) {
        code.labels.push_back(label.value);
      }
    } else {
      if (!instruction.indices.empty()) {
        step.first = instruction.indices[0].value;
      }
      if (instruction.indices.size() > 1) {
        step.second = instruction.indices[1].value;
      }
    }
    switch (instruction.opcode) {
      case op::kBlock:
      case op::kLoop:
      case op::kIf:
        if (instruction.block.type) {
          if (*instruction.block.type >= module.types.size()) {
            code.problem = "a block has a type that is not there";
            return code;
          }
          const wasm::FuncType& type = module.types[*instruction.block.type];
          step.params = static_cast<std::uint32_t>(type.params.size());
          step.results = static_cast<std::uint32_t>(type.results.size());
        } else if (instruction.block.value_type) {
          step.results = 1;
        }
        open.push_back(here);
        break;
      case op::kElse:
        if (open.empty() || code.steps[open.back()].opcode != op::kIf ||
            code.steps[open.back()].otherwise != 0) {
          code.problem = "an else belongs to no if";
          return code;
        }
        code.steps[open.back()].otherwise = here;
        break;
      case op::kEnd:
        if (!open.empty()) {
          CodeStep& block = code.steps[open.back()];
          block.end = here;
          if (block.opcode == op::kIf) {
            if (block.otherwise == 0) {
              block.otherwise = here;
            } else {
              code.steps[block.otherwise].end = here;
            }
          }
          open.pop_back();
        }
        break;
      case 0x06:  // try
      case 0x1f:  // try_table
        code.problem = "it handles exceptions, which are not executed here";
        return code;
      default:
        break;
    }
    code.steps.push_back(step);
  }
  if (!reader.ok()) {
    code.problem = fmt::format("its code cannot be read: {}", reader.failure().sentence);
  } else if (!open.empty() || code.steps.empty() || code.steps.back().opcode != op::kEnd) {
    code.problem = "its blocks do not close";
  }
  return code;
}

}  // namespace meld_verify::lift
