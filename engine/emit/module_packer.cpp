#include "engine/emit/module_packer.h"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/emit/encode.h"

namespace meld_verify::emit {

using wasm::ExternKind;
using wasm::ValueType;

void ModulePacker::add(const Function& function, const Symbol& symbol) {
  added_.push_back({&function, symbol});
}

void ModulePacker::add(const Function& function) {
  added_.push_back({&function, {}});
}

void ModulePacker::define(const Symbol& symbol, std::uint32_t number) {
  definitions_.push_back({symbol, number, {}});
}

void ModulePacker::define(const Symbol& symbol, std::uint32_t number, const Symbol& exported) {
  definitions_.push_back({symbol, number, exported});
}

void ModulePacker::alias(const Symbol& of_code, const Symbol& imported) {
  aliases_.insert_or_assign(of_code, imported);
}

void ModulePacker::fill(const Symbol& table, std::uint32_t slot, std::size_t function) {
  filled_.push_back({table, slot, function});
}

const Symbol& ModulePacker::meant(const Symbol& symbol) const {
  const auto alias = aliases_.find(symbol);
  return alias == aliases_.end() ? symbol : alias->second;
}

void ModulePacker::import(const Symbol& symbol, const wasm::FuncType* signature) {
  if (indices_.contains(symbol)) {
    return;
  }
  const auto [module, field] = name_of(symbol);
  std::uint32_t index = 0;
  switch (kind_of(symbol)) {
    case ExternKind::kFunc:
      if (signature == nullptr) {
        throw std::logic_error("a function used as something else: " + module + " " + field);
      }
      index = writer_.import_function(module, field, *signature);
      break;
    case ExternKind::kTable:
      index = writer_.import_table(module, field, {.element = ValueType::kFuncRef, .limits = {}});
      break;
    case ExternKind::kMemory:
      index = writer_.import_memory(module, field, {});
      break;
    case ExternKind::kGlobal:
      index = writer_.import_global(module, field, {.type = ValueType::kI32, .is_mutable = true});
      break;
    case ExternKind::kTag:
      throw std::logic_error("emitted code has no tags");
  }
  indices_.emplace(symbol, index);
  package_.imports.push_back(symbol);
}

void ModulePacker::import_what_is_used() {
  std::set<Symbol> own;
  for (const Added& one : added_) {
    if (one.symbol) {
      own.insert(*one.symbol);
    }
  }
  for (const Definition& one : definitions_) {
    own.insert(one.symbol);
  }
  for (const Added& one : added_) {
    for (const Step& step : one.function->code.steps()) {
      for (const auto& symbol : {step.symbol, step.source}) {
        if (symbol && !own.contains(meant(*symbol))) {
          import(meant(*symbol), step.opcode == wasm::op::kCall ? &step.signature : nullptr);
        }
      }
    }
  }
}

void ModulePacker::export_as(const Symbol& symbol, std::string name, ExternKind kind, std::uint32_t index) {
  while (!export_names_.insert(name).second) {
    name += fmt::format(" #{}", index);
  }
  writer_.export_item(name, kind, index);
  package_.exports.emplace_back(symbol, std::move(name));
}

Package ModulePacker::finish() {
  import_what_is_used();
  for (const Definition& one : definitions_) {
    const ExternKind kind = kind_of(one.symbol);
    std::uint32_t index = 0;
    switch (kind) {
      case ExternKind::kMemory:
        index = writer_.memory({.min = one.number, .max = {}});
        break;
      case ExternKind::kTable:
        index =
            writer_.table({.element = ValueType::kFuncRef, .limits = {.min = one.number, .max = one.number}});
        break;
      case ExternKind::kGlobal:
        index = writer_.global({.type = ValueType::kI32, .is_mutable = true}, one.number,
                               name_of(one.symbol).field);
        break;
      case ExternKind::kFunc:
      case ExternKind::kTag:
        throw std::logic_error("a definition that is no memory, table or global");
    }
    indices_.emplace(one.symbol, index);
    if (one.exported) {
      export_as(*one.exported, name_of(*one.exported).field, kind, index);
    }
  }
  std::vector<std::uint32_t> indices;
  for (const Added& one : added_) {
    indices.push_back(writer_.function(one.function->name, one.function->code.type()));
    if (one.symbol) {
      indices_.emplace(*one.symbol, indices.back());
      export_as(*one.symbol, one.function->name, ExternKind::kFunc, indices.back());
    }
  }
  const Indices places{.symbol = [&](const Symbol& symbol) { return indices_.at(meant(symbol)); },
                       .type = [&](const wasm::FuncType& type) { return writer_.type(type); }};
  for (std::size_t i = 0; i < added_.size(); ++i) {
    const Code& code = added_[i].function->code;
    writer_.set_body(indices[i], code.locals(), encode(code, places));
  }
  for (const Filled& one : filled_) {
    const std::uint32_t function[] = {indices.at(one.function)};
    writer_.element(indices_.at(one.table), one.slot, function);
  }
  package_.bytes = writer_.write();
  return std::move(package_);
}

}  // namespace meld_verify::emit
