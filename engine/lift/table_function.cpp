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
      supplies(image_, executor_, terms_, decider_, operations, query) {}

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

std::vector<TableFunctions::Flaw> TableFunctions::flaws(FunctionId make) {
  return state_->flaws(make);
}

}  // namespace meld_verify::lift
