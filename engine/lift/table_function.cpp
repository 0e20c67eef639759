#include "engine/lift/table_function.h"

#include "engine/lift/table_reading.h"

namespace meld_verify::lift {

TableFunctions::State::State(const Image& image_, const component::Composition* composition_,
                             const Alignment& alignment_, Executor& executor_, smt::Terms& terms_,
                             smt::Decider& decider_, const Image* composed_)
    : image(image_),
      composition(composition_),
      alignment(alignment_),
      composed(composed_),
      executor(executor_),
      terms(terms_),
      decider(decider_),
      operations(image_, alignment_, executor_, terms_, decider_),
      query(terms_, executor_),
      supplies(image_, executor_, terms_, decider_, operations, query),
      globals(generated_globals(image_, alignment_.is_guest, writes())) {
  std::vector<Term> held;
  for (std::uint32_t g = 0; g < globals.flag.size(); ++g) {
    if (globals.flag[g]) {
      held.push_back(
          operations.equal(executor.initial(GlobalId{g}), operations.number(*image.globals[g].initial)));
    }
  }
  operations.hold(std::move(held));
}

const TableFunction* TableFunctions::State::of(FunctionId function) {
  TableShape& known = shape(image.behind(function));
  if (!known.is_table_function) {
    return nullptr;
  }
  judge(known);
  return &known.what;
}

std::vector<TableFunctions::Flaw> TableFunctions::State::flaws(FunctionId function) {
  const FunctionId make = image.behind(function);
  const TableShape& known = shape(make);
  std::vector<Flaw> found;
  if (known.is_table_function && known.what.role == TableRole::kNew && known.what.storage.memory) {
    overlap_flaws(make, found);
    room_flaws(make, found);
  }
  return found;
}

TableFunctions::TableFunctions(const Image& fused, const component::Composition* composition,
                               const Alignment& alignment, Executor& executor, smt::Terms& terms,
                               smt::Decider& decider, const Image* composed)
    : state_(std::make_unique<State>(fused, composition, alignment, executor, terms, decider, composed)) {}
TableFunctions::~TableFunctions() = default;

const TableFunction* TableFunctions::of(FunctionId function) {
  return state_->of(function);
}

smt::Answer TableFunctions::agree(FunctionId make, FunctionId use) {
  return state_->agree(make, use);
}

std::optional<std::vector<DestructorCall>> TableFunctions::destructors(FunctionId make, FunctionId drop) {
  return state_->destructors(state_->image.behind(make), state_->image.behind(drop));
}

bool TableFunctions::refuses(FunctionId make, FunctionId use) {
  return state_->refuses(state_->image.behind(make), state_->image.behind(use));
}

bool TableFunctions::State::is_count_or_flag(GlobalId global) {
  const auto [place, fresh] = counts.try_emplace(global, false);
  if (fresh) {
    place->second = globals.own[global.value] &&
                    is_of_nobody({.global = global, .memory = {}, .address = 0, .start = {}, .initial = {}});
  }
  return place->second;
}

const GeneratedGlobals& TableFunctions::globals() const {
  return state_->globals;
}

bool TableFunctions::has_counts() {
  for (std::uint32_t g = 0; g < state_->globals.own.size(); ++g) {
    if (state_->globals.own[g] && !state_->globals.flag[g] && state_->is_count_or_flag(GlobalId{g})) {
      return true;
    }
  }
  return false;
}

bool TableFunctions::is_count_or_flag(GlobalId global) {
  return state_->is_count_or_flag(global);
}

bool TableFunctions::counts_entries(FunctionId function) {
  return state_->counts_entries(state_->image.behind(function));
}

bool TableFunctions::undoes(FunctionId unlend, FunctionId lend) {
  return state_->undoes(state_->image.behind(unlend), state_->image.behind(lend));
}

std::optional<std::uint32_t> TableFunctions::moves(FunctionId function, GlobalId global) {
  return state_->moves(state_->image.behind(function), global);
}

std::vector<TableFunctions::Flaw> TableFunctions::flaws(FunctionId make) {
  return state_->flaws(make);
}

}  // namespace meld_verify::lift
