#include <algorithm>
#include <bit>
#include <unordered_map>

#include "engine/check/check.h"
#include "engine/smt/shapes.h"

namespace meld_verify::check {
namespace {

using smt::Shape;

/// Numbers the distinct shapes; most units have the shape of the one before.
class ShapeNumbers {
 public:
  std::uint32_t of(Shape shape) {
    if (!shapes_.empty() && shape == shapes_[last_]) {
      return last_;
    }
    const auto [place, fresh] = numbers_.try_emplace(shape, static_cast<std::uint32_t>(shapes_.size()));
    if (fresh) {
      shapes_.push_back(shape);
    }
    return last_ = place->second;
  }
  [[nodiscard]] const std::vector<Shape>& shapes() const { return shapes_; }

 private:
  std::unordered_map<Shape, std::uint32_t> numbers_;
  std::vector<Shape> shapes_;
  std::uint32_t last_ = 0;
};

}  // namespace

PassResult linear_pass(const topology::Topology& topology, const routing::Plan& plan,
                       const smt::RuleText& rules, const smt::Solver& solver) {
  const smt::ShapeReader reader(topology, plan);
  ShapeNumbers numbers;
  struct Row {
    UnitKind kind;
    std::vector<std::uint32_t> shape;
  };
  std::array<Row, 4> rows;
  const auto read = [&](UnitKind kind, std::size_t count, auto&& shape_of) {
    Row& row = rows[static_cast<std::size_t>(kind)];
    row.kind = kind;
    row.shape.resize(count);
    for (std::uint32_t id = 0; id < count; ++id) {
      row.shape[id] = numbers.of(shape_of(id));
    }
  };
  // Half of the time would go by in waiting for memory that is far away.
  constexpr std::uint32_t kAhead = 16;
  read(UnitKind::kPosition, topology.positions.size(), [&](std::uint32_t id) {
    reader.fetch_for_position(id + kAhead);
    return reader.position(id);
  });
  read(UnitKind::kView, topology.views.size(), [&](std::uint32_t id) {
    reader.fetch_for_view(id + kAhead);
    return reader.view(id);
  });
  read(UnitKind::kTable, plan.tables.size(), [&](std::uint32_t id) { return reader.table(id); });
  read(UnitKind::kKey, plan.types.size(), [&](std::uint32_t id) { return reader.key(id); });

  const std::vector<smt::ShapeVerdict> verdicts = smt::judge_shapes(rules, numbers.shapes(), solver);
  PassResult result;
  result.shapes = verdicts.size();
  for (const Row& row : rows) {
    for (std::uint32_t id = 0; id < row.shape.size(); ++id) {
      const smt::ShapeVerdict& verdict = verdicts[row.shape[id]];
      if (verdict.broken == 0 && !verdict.named) {
        continue;
      }
      const Unit unit{row.kind, id};
      result.suspicious.push_back(unit);
      for (std::uint32_t bits = verdict.broken; bits != 0; bits &= bits - 1) {
        result.broken.push_back({unit, static_cast<std::uint8_t>(std::countr_zero(bits))});
      }
    }
  }
  std::sort(result.broken.begin(), result.broken.end());
  return result;
}

}  // namespace meld_verify::check
