// What one function does by itself: its role, where it reads and writes, what it calls.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/lift/table_reading.h"

namespace meld_verify::lift {

using smt::Answer;

namespace {

constexpr wasm::ValueType kI32 = wasm::ValueType::kI32;

/// Nothing is known but that it may be a table function: all that could be wrong is taken to be wrong.
void distrust(TableFunction& what, std::string why) {
  what.understood = false;
  what.why = std::move(why);
  what.reuse = routing::Reuse::kNever;
  what.capacity.reset();
  what.overflow = routing::Overflow::kUnchecked;
  what.checks = {false, false, false, false, false, false};
}

bool is_operation(const wasm::FuncType& type) {
  return type.params.size() == 1 && type.params[0] == kI32 &&
         (type.results.empty() || (type.results.size() == 1 && type.results[0] == kI32));
}

bool changes_anything(const Outcome& outcome, SupplyReader& supplies) {
  return !outcome.writes.empty() || !supplies.changed(outcome).empty();
}

}  // namespace

TableShape& TableFunctions::State::shape(FunctionId function) {
  auto& known = shapes[function];
  if (known) {
    return *known;
  }
  const auto read = [&] {
    switch (image.functions[function.value].kind) {
      case LinkedFunction::Kind::kCanon:
        return read_canon(function);
      case LinkedFunction::Kind::kImport:
        return read_import(function);
      case LinkedFunction::Kind::kDefined:
        break;
    }
    return operations.is_guest(function) ? TableShape{} : read_body(function);
  };
  being_read.insert(function);
  known = std::make_unique<TableShape>(read());
  being_read.erase(function);
  known->what.function = function;
  return *known;
}

TableShape TableFunctions::State::read_canon(FunctionId function) {
  TableShape shape;
  shape.judged = true;
  const CanonId canon = image.functions[function.value].canon;
  if (composition == nullptr || canon.value >= composition->canons.size()) {
    return shape;
  }
  const auto* builtin = std::get_if<component::ResourceBuiltin>(&composition->canons[canon.value].what);
  if (builtin == nullptr) {
    return shape;
  }
  shape.is_table_function = true;
  shape.what.storage.canonical = true;
  shape.what.storage.canonical_type = builtin->resource;
  shape.what.reuse = routing::Reuse::kLifo;
  switch (builtin->op) {
    case component::ResourceOp::kNew:
      shape.what.role = TableRole::kNew;
      break;
    case component::ResourceOp::kRep:
      shape.what.role = TableRole::kRep;
      break;
    case component::ResourceOp::kDrop: {
      shape.what.role = TableRole::kDrop;
      const component::Resource& resource = composition->resources[builtin->resource.value];
      if (const auto destructor =
              resource.destructor ? image.function_of(*resource.destructor) : std::nullopt) {
        shape.what.destructors.push_back({image.behind(*destructor), true});
      } else if (resource.has_destructor && resource.destructor) {
        shape.what.understood = false;
        shape.what.why = "its resource type's destructor is not a core function of this file";
      }
      break;
    }
  }
  return shape;
}

// The type tells new and rep from drop; only the name tells new from rep. What an embedder will really give
// the import, nothing here tells: see TableFunctions::of.
TableShape TableFunctions::State::read_import(FunctionId function) {
  TableShape shape;
  shape.judged = true;
  const wasm::FuncType& type = image.type_of(function);
  const LinkedFunction& linked = image.functions[function.value];
  const wasm::Module& module = image.module_of(linked.instance);
  if (!is_operation(type) || linked.index >= module.imports.size()) {
    return shape;
  }
  const std::string& name = module.imports[linked.index].name;
  shape.is_table_function = true;
  shape.what.storage.import = linked.index;
  shape.what.reuse = routing::Reuse::kLifo;
  const bool gives = !type.results.empty();
  if (!gives && name.find("[resource-drop]") != std::string::npos) {
    shape.what.role = TableRole::kDrop;
  } else if (gives && name.find("[resource-new]") != std::string::npos) {
    shape.what.role = TableRole::kNew;
  } else if (gives && name.find("[resource-rep]") != std::string::npos) {
    shape.what.role = TableRole::kRep;
  } else {
    shape.is_table_function = false;
  }
  return shape;
}

TableShape TableFunctions::State::read_body(FunctionId function) {
  TableShape shape;
  const wasm::FuncType& type = image.type_of(function);
  if (!is_operation(type)) {
    return shape;
  }
  shape.argument = terms.symbol(32, "p0");
  shape.outcomes = operations.run(function, shape.argument);
  shape.what.function = function;
  if (!type.results.empty() && std::any_of(shape.outcomes.begin(), shape.outcomes.end(),
                                           [](const Outcome& one) { return !one.calls.empty(); })) {
    return shape;  // an adapter
  }
  if (!calls_fit(shape)) {
    return shape;
  }
  shape.is_table_function = true;
  const auto stuck = std::find_if(shape.outcomes.begin(), shape.outcomes.end(),
                                  [](const Outcome& one) { return one.stuck(); });
  if (stuck != shape.outcomes.end()) {
    distrust(shape.what, stuck->traceable ? stuck->path->why : "it writes more than single words");
    return shape;
  }
  if (std::none_of(shape.outcomes.begin(), shape.outcomes.end(),
                   [](const Outcome& one) { return one.returns(); })) {
    distrust(shape.what, "it never returns");
    return shape;
  }
  if (type.results.empty()) {
    read_drop(shape);
    return shape;
  }
  bool stores = false;
  for (const Outcome& outcome : shape.outcomes) {
    for (const EntryWrite& write : outcome.writes) {
      stores = stores || (outcome.returns() && write.value == shape.argument);
    }
  }
  if (stores) {
    read_new(shape);
  } else {
    read_lookup(shape);
  }
  return shape;
}

// A destructor takes one word and gives nothing.
bool TableFunctions::State::calls_fit(const TableShape& shape) {
  for (const Outcome& outcome : shape.outcomes) {
    for (const CallEvent& call : outcome.calls) {
      if (call.arguments.size() != 1 || !call.results.empty() || terms.width(call.arguments[0]) != 32) {
        return false;
      }
      const LinkedFunction& callee = image.functions[call.callee.value];
      if (callee.kind != LinkedFunction::Kind::kCanon) {
        continue;
      }
      const auto* builtin =
          composition == nullptr
              ? nullptr
              : std::get_if<component::ResourceBuiltin>(&composition->canons[callee.canon.value].what);
      if (builtin == nullptr || builtin->op != component::ResourceOp::kDrop) {
        return false;
      }
    }
  }
  return true;
}

void TableFunctions::State::read_new(TableShape& shape) {
  TableFunction& what = shape.what;
  what.role = TableRole::kNew;
  shape.supply = supplies.read(shape.outcomes, shape.argument,
                               [this](MemoryId memory) { return writes().grows.contains(memory); });
  const Supply& supply = shape.supply;
  if (!supply.entries.empty()) {
    what.storage.memory = supply.memory;
  }
  if (supply.cursor) {
    what.storage.cursor = supply.cursor->global;
    what.storage.begin = supply.cursor->initial;
  }
  if (!supply.understood) {
    distrust(what, supply.why);
    return;
  }
  what.storage.slot_offset = supply.place.offset;
  what.storage.scale = supply.place.scale;
  shape.place = supply.place;
}

void TableFunctions::State::place_use(TableShape& shape, const Outcome& outcome, MemoryId memory,
                                      Term address) {
  if (shape.what.storage.memory) {
    return;
  }
  const auto place = supplies.fit(outcome, shape.argument, address, {1, 0});
  if (place) {
    shape.place = place;
    shape.what.storage.memory = memory;
    shape.what.storage.scale = place->scale;
    shape.what.storage.slot_offset = place->offset;
  }
}

// (index) -> rep: kRep, kTake.
void TableFunctions::State::read_lookup(TableShape& shape) {
  TableFunction& what = shape.what;
  bool removes = false;
  bool keeps = false;
  for (const Outcome& outcome : shape.outcomes) {
    if (!outcome.returns()) {
      continue;
    }
    const Term result = outcome.path->results[0];
    const auto word = executor.loaded(result);
    if (!word || word->bytes != 4) {
      distrust(what, result == shape.argument ? "it returns what it is given"
                                              : "it may return something else than a word of memory");
      return;
    }
    const auto before = what.storage;
    what.storage.memory.reset();
    const auto place = shape.place;
    place_use(shape, outcome, word->memory, word->address);
    if (!what.storage.memory) {
      distrust(what, "the word that it returns does not lie where its index says");
      return;
    }
    if (before.memory && (before.memory != what.storage.memory || place != shape.place)) {
      distrust(what, "it returns words from several places");
      return;
    }
    (changes_anything(outcome, supplies) ? removes : keeps) = true;
  }
  shape.removes = removes;
  if (const auto count = removes && !keeps ? counted(shape, 1, nullptr) : std::nullopt;
      count && keeps_entry(shape)) {
    what.role = TableRole::kLend;
    shape.count = count;
    shape.removes = false;
    return;
  }
  if (removes && keeps_entry(shape)) {
    distrust(what, "it changes the entry and leaves it readable");
    shape.removes = false;
    return;
  }
  what.role = removes ? TableRole::kTake : TableRole::kRep;
  if (removes && keeps) {
    distrust(what, "it removes the entry on some ways only");
    what.role = TableRole::kTake;
  }
}

std::optional<Affine> TableFunctions::State::counted(const TableShape& shape, std::uint64_t step,
                                                     MemoryId* memory) {
  std::optional<Affine> place;
  for (const Outcome& outcome : shape.outcomes) {
    if (!outcome.returns()) {
      continue;
    }
    if (outcome.writes.size() != 1 || !outcome.calls.empty()) {
      return std::nullopt;
    }
    const EntryWrite& write = outcome.writes[0];
    const Term before = write.bytes == 4 ? operations.word(write.memory, write.address, 4) : Term{};
    if (write.bytes != 4 || terms.is_constant(write.address) ||
        write.value != terms.apply(smt::TermOp::kAdd, before, operations.number(step))) {
      return std::nullopt;
    }
    // No global that others go by is moved.
    for (const Cell& cell : supplies.changed(outcome)) {
      if (!cell.global || !is_of_nobody(cell)) {
        return std::nullopt;
      }
    }
    const auto here = supplies.fit(outcome, shape.argument, write.address, {16, 0});
    if (!here || (place && *here != *place) || (shape.place && *here == *shape.place)) {
      return std::nullopt;
    }
    place = here;
    if (memory != nullptr) {
      *memory = write.memory;
    }
  }
  return place;
}

// Whether a second call gives the same word again: a count was changed, rather than the entry removed.
bool TableFunctions::State::keeps_entry(const TableShape& shape) {
  for (const Outcome& first : shape.outcomes) {
    if (!first.returns() || !supplies.changed(first).empty()) {
      continue;
    }
    for (const Outcome& second : operations.run(shape.what.function, shape.argument, &first)) {
      if (second.returns() &&
          operations.holds(second, operations.equal(first.path->results[0], second.path->results[0])) ==
              Answer::kYes) {
        return true;
      }
    }
  }
  return false;
}

// (index) -> (): kDrop.
void TableFunctions::State::read_drop(TableShape& shape) {
  TableFunction& what = shape.what;
  MemoryId counts_in;
  if (const auto count = counted(shape, 0xffff'ffff, &counts_in)) {
    what.role = TableRole::kUnlend;
    what.storage.memory = counts_in;
    what.storage.scale = count->scale;
    what.storage.slot_offset = count->offset;
    shape.place = shape.count = count;
    return;
  }
  bool acts = false;
  const Term zero = operations.equal(shape.argument, operations.number(0));
  bool first = true;
  for (const Outcome& outcome : shape.outcomes) {
    if (!outcome.returns()) {
      continue;
    }
    const bool idle = outcome.calls.empty() && !changes_anything(outcome, supplies);
    if (idle && operations.holds(outcome, zero) == Answer::kYes) {
      what.ignores_zero = true;
      continue;
    }
    acts = acts || !idle;
    shape.removes = shape.removes || changes_anything(outcome, supplies);
    std::vector<DestructorCall> ran;
    for (const CallEvent& call : outcome.calls) {
      const auto word = executor.loaded(call.arguments[0]);
      if (word) {
        place_use(shape, outcome, word->memory, word->address);
      }
      ran.push_back({call.callee, word.has_value()});
    }
    for (auto write = outcome.writes.rbegin(); write != outcome.writes.rend(); ++write) {
      if (!terms.is_constant(write->address)) {
        place_use(shape, outcome, write->memory, write->address);
      }
    }
    if (first || ran == what.destructors) {
      what.destructors = ran;
    } else {
      what.understood = false;  // `judge` finds out which entries get which
      what.why = "which destructor runs depends on more than the index";
      what.destructors = ran.size() > what.destructors.size() ? ran : what.destructors;
    }
    first = false;
  }
  if (!acts) {
    distrust(what, "it does nothing");
    return;
  }
  what.role = TableRole::kDrop;
  if (!what.storage.memory) {
    const bool understood = what.understood;
    distrust(what, "which entry it drops could not be told");
    what.role = understood || !what.destructors.empty() ? TableRole::kDrop : TableRole::kOther;
  }
}

}  // namespace meld_verify::lift
