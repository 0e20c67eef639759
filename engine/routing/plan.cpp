#include "engine/routing/plan.h"

#include <algorithm>

#include "engine/routing/plan_words.h"

namespace meld_verify::routing {
namespace {

bool same_step(const Step& left, const Step& right) {
  return left.op == right.op && left.table == right.table &&
         (!makes_entry(left.op) || left.type == right.type);
}

const topology::Layout* layout_of(const Plan& plan, const PositionRoute& route) {
  return route.layout_override == 0 ? nullptr : &plan.layouts[route.layout_override - 1];
}

}  // namespace

bool operator==(const Plan& left, const Plan& right) {
  const auto same_position = [&](const PositionRoute& a, const PositionRoute& b) {
    const topology::Layout* a_layout = layout_of(left, a);
    const topology::Layout* b_layout = layout_of(right, b);
    return a.count == b.count &&
           std::equal(a.steps.begin(), a.steps.begin() + a.count, b.steps.begin(), same_step) &&
           (a_layout == nullptr) == (b_layout == nullptr) && (a_layout == nullptr || *a_layout == *b_layout);
  };
  return left.generator == right.generator && left.tables == right.tables && left.types == right.types &&
         left.views == right.views && left.boundaries == right.boundaries &&
         std::equal(left.positions.begin(), left.positions.end(), right.positions.begin(),
                    right.positions.end(), same_position);
}

}  // namespace meld_verify::routing
