#include "engine/lift/bound_functions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/lift/number_steps.h"

namespace meld_verify::lift {
namespace {

namespace op = wasm::op;
using wasm::IndexSpace;
using Constant = std::optional<std::uint64_t>;

constexpr std::size_t kMostBound = 100'000;

/// A call of a generated function, and what is known of its arguments.
struct Site {
  FunctionId caller;
  wasm::ByteOffset at;
  FunctionId callee;
  std::vector<Constant> arguments;
};

/// What is known of the numbers on the stack of straight code.
class ConstantStack {
 public:
  void push(Constant value) { values_.push_back(value); }
  Constant pop() {
    if (values_.empty()) {
      return std::nullopt;
    }
    const Constant value = values_.back();
    values_.pop_back();
    return value;
  }
  void drop(std::size_t count) { values_.resize(values_.size() - std::min(values_.size(), count)); }
  void push_unknown(std::size_t count) { values_.insert(values_.end(), count, std::nullopt); }
  void clear() { values_.clear(); }

 private:
  std::vector<Constant> values_;
};

class Binder {
 public:
  Binder(Image& image, Alignment& alignment)
      : image_(image), alignment_(alignment), guests_memory_(guests_memories(image, alignment)) {}

  void run() {
    const std::size_t count = image_.functions.size();
    touches_.resize(count);
    callers_.resize(count);
    for (std::uint32_t f = 0; f < count; ++f) {
      if (is_generated(image_, alignment_, FunctionId{f})) {
        read(FunctionId{f});
      }
    }
    spread();
    for (const Site& site : sites_) {
      bind(site);
    }
  }

 private:
  void read(FunctionId function) {
    const LinkedInstance& in = image_.instances[image_.functions[function.value].instance.value];
    const wasm::Module& module = image_.modules[in.module.value];
    wasm::InstructionReader reader(image_.code_of(function), image_.definition_of(function).code.begin,
                                   image_.file);
    wasm::Instruction one;
    ConstantStack stack;
    while (reader.next(one)) {
      step(function, in, module, one, stack);
    }
  }

  void touch(FunctionId function, const LinkedInstance& in, std::uint32_t memory) {
    if (memory < in.memories.size() && !guests_memory_[in.memories[memory].value]) {
      touches_[function.value] = true;
    }
  }

  void step(FunctionId function, const LinkedInstance& in, const wasm::Module& module,
            const wasm::Instruction& one, ConstantStack& stack) {
    if (const auto shape = number_shape(one.opcode)) {
      stack.drop(shape->operands);
      stack.push({});
      return;
    }
    if (one.has_memarg) {
      touch(function, in, one.memory);
      const bool stores = one.opcode >= op::kI32Store && one.opcode <= op::kI64Store32;
      if (one.opcode > op::kI64Store32) {
        stack.clear();
      } else {
        stack.drop(stores ? 2 : 1);
        stack.push_unknown(stores ? 0 : 1);
      }
      return;
    }
    switch (one.opcode) {
      case op::kI32Const:
        stack.push(one.constant & 0xffff'ffff);
        return;
      case op::kI64Const:
      case op::kF32Const:
      case op::kF64Const:
      case op::kLocalGet:
      case op::kGlobalGet:
      case op::kMemorySize:
        stack.push({});
        return;
      case op::kLocalSet:
      case op::kGlobalSet:
      case op::kDrop:
        stack.drop(1);
        return;
      case op::kLocalTee:
      case op::kMemoryGrow:
        stack.drop(1);
        stack.push({});
        return;
      case op::kSelect:
        stack.drop(3);
        stack.push({});
        return;
      case op::kCall:
        call(function, in, one, stack);
        return;
      case op::kCallIndirect:
        if (const std::uint32_t type = one.index(IndexSpace::kType); type < module.types.size()) {
          stack.drop(module.types[type].params.size() + 1);
          stack.push_unknown(module.types[type].results.size());
        }
        return;
      default:
        stack.clear();  // blocks, branches, and what is not read
        return;
    }
  }

  void call(FunctionId function, const LinkedInstance& in, const wasm::Instruction& one,
            ConstantStack& stack) {
    const std::uint32_t index = one.index(IndexSpace::kFunc);
    if (index >= in.functions.size()) {
      return stack.clear();
    }
    const FunctionId callee = image_.behind(in.functions[index]);
    const wasm::FuncType& type = image_.type_of(callee);
    std::vector<Constant> arguments(type.params.size());
    for (std::size_t i = arguments.size(); i-- > 0;) {
      arguments[i] = stack.pop();
    }
    stack.push_unknown(type.results.size());
    if (is_generated(image_, alignment_, callee)) {
      callers_[callee.value].push_back(function);
      sites_.push_back({function, one.begin, callee, std::move(arguments)});
    }
  }

  /// Who calls what works on such memory works on it.
  void spread() {
    std::vector<FunctionId> work;
    for (std::uint32_t f = 0; f < touches_.size(); ++f) {
      if (touches_[f]) {
        work.push_back(FunctionId{f});
      }
    }
    while (!work.empty()) {
      const FunctionId one = work.back();
      work.pop_back();
      for (const FunctionId caller : callers_[one.value]) {
        if (!touches_[caller.value]) {
          touches_[caller.value] = true;
          work.push_back(caller);
        }
      }
    }
  }

  void bind(const Site& site) {
    const wasm::FuncType type = image_.type_of(site.callee);
    const auto open = std::count(site.arguments.begin(), site.arguments.end(), std::nullopt);
    const bool numbers = std::all_of(type.params.begin(), type.params.end(),
                                     [](wasm::ValueType one) { return one == wasm::ValueType::kI32; });
    if (!touches_[site.callee.value] || type.params.size() < 2 || open > 1 || !numbers ||
        image_.bound.size() >= kMostBound) {
      return;
    }
    const auto [place, fresh] =
        image_.bound_of.try_emplace({site.callee, site.arguments}, FunctionId(image_.functions.size()));
    if (fresh) {
      LinkedFunction linked = image_.functions[site.callee.value];
      image_.bound.push_back({.function = site.callee,
                              .arguments = site.arguments,
                              .type = {.params = std::vector<wasm::ValueType>(static_cast<std::size_t>(open),
                                                                              wasm::ValueType::kI32),
                                       .results = type.results}});
      linked.bound = static_cast<std::uint32_t>(image_.bound.size());
      image_.functions.push_back(linked);
      image_.leads_to.push_back(place->second);
      alignment_.is_guest.push_back(false);
      alignment_.original_of.emplace_back();
    }
    image_.bound_sites.emplace(std::pair(site.caller, site.at.value), place->second);
  }

  Image& image_;
  Alignment& alignment_;
  const std::vector<bool> guests_memory_;
  std::vector<bool> touches_;
  std::vector<std::vector<FunctionId>> callers_;
  std::vector<Site> sites_;
};

}  // namespace

void bind_functions(Image& fused, Alignment& alignment) {
  Binder(fused, alignment).run();
}

}  // namespace meld_verify::lift
