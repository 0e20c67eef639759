#pragma once

// For tests: the functions of one module in text as table functions; guests' are the ones that a test names.

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/lift/table_function.h"
#include "engine/lift/table_text.h"
#include "engine/wasm/wabt_text.h"

namespace meld_verify::lift {

struct TableBench {
  /// `guests`: exports that are guests' functions; `memories`: memories that a guest owns; `pages`: how many
  /// the guest's memory had before fusion.
  TableBench(std::string_view text, std::initializer_list<std::string_view> guests,
             std::initializer_list<std::uint32_t> memories, std::uint64_t pages = 0)
      : bytes(wasm::assemble(text)) {
    auto linked = link_module(bytes, "bench.wasm");
    if (!linked) {
      throw std::invalid_argument(linked.error().sentence);
    }
    image = std::move(*linked);
    alignment.is_guest.resize(image.functions.size());
    for (const std::string_view guest : guests) {
      alignment.is_guest[find(guest).value] = true;
    }
    alignment.instances.resize(1);
    for (const std::uint32_t memory : memories) {
      alignment.instances[0].memories.emplace_back(MemoryId(memory));
    }
    if (pages != 0) {
      composed = image;
      for (LinkedMemory& memory : composed.memories) {
        memory.limits.min = pages;
      }
    }
    executor = std::make_unique<Executor>(image, terms, decider);
    tables = std::make_unique<TableFunctions>(image, nullptr, alignment, *executor, terms, decider,
                                              pages != 0 ? &composed : nullptr);
  }

  FunctionId find(std::string_view name) const {
    for (const wasm::CoreExport& one : image.modules[0].exports) {
      if (one.name == name) {
        return image.instances[0].functions[one.index];
      }
    }
    throw std::invalid_argument(std::string(name));
  }
  const TableFunction* of(std::string_view name) { return tables->of(find(name)); }
  smt::Answer agree(std::string_view make, std::string_view use) {
    return tables->agree(find(make), find(use));
  }
  std::vector<TableFunctions::Flaw> flaws(std::string_view make) { return tables->flaws(find(make)); }

  std::vector<std::uint8_t> bytes;
  Image image;
  Image composed;
  Alignment alignment;
  smt::Terms terms;
  smt::Decider decider{terms};
  std::unique_ptr<Executor> executor;
  std::unique_ptr<TableFunctions> tables;
};

}  // namespace meld_verify::lift
