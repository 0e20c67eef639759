#include "engine/emit/handle_way.h"

#include <fmt/format.h>

namespace meld_verify::emit {

using component::kHost;
using component::ResourceId;
using routing::kCanonicalTable;
using routing::StepOp;
using topology::HandleKind;
using topology::Topology;
using wasm::FuncType;
using wasm::ValueType;

namespace {

constexpr ValueType kI32 = ValueType::kI32;

TableFunction function_of(StepOp op) {
  switch (op) {
    case StepOp::kTake:
      return TableFunction::kTake;
    case StepOp::kLend:
      return TableFunction::kLend;
    case StepOp::kRep:
      return TableFunction::kRep;
    case StepOp::kNew:
      return TableFunction::kNew;
    case StepOp::kBorrow:
      return TableFunction::kBorrow;
  }
  return TableFunction::kRep;
}

bool makes_entry(StepOp op) {
  return op == StepOp::kNew || op == StepOp::kBorrow;
}

/// A step on the run time's own table. A host's handle stands for its rep; a guest's borrow comes from the
/// host as a rep already.
Conversion canonical(StepOp op, ResourceId resource, bool of_host, bool from_host) {
  using Kind = Conversion::Kind;
  Conversion made;
  if (of_host) {
    return made;
  }
  switch (op) {
    case StepOp::kTake:
      made.kind = Kind::kDetach;
      break;
    case StepOp::kLend:
      made.kind = from_host ? Kind::kNothing : Kind::kCanonical;
      made.canonical.kind = CanonicalCall::Kind::kRep;
      break;
    case StepOp::kRep:
      made.kind = Kind::kCanonical;
      made.canonical.kind = CanonicalCall::Kind::kRep;
      break;
    case StepOp::kNew:
      made.kind = Kind::kCanonical;
      made.canonical.kind = CanonicalCall::Kind::kNew;
      break;
    case StepOp::kBorrow:
      made.kind = Kind::kTemporary;
      break;
  }
  made.canonical.id = resource.value;
  return made;
}

HandleWay way_of(const Topology& topology, const routing::Plan& plan, const topology::Position& position,
                 const routing::PositionRoute& route) {
  const topology::View& sender = topology.views[position.sender.value];
  HandleWay way;
  way.in_list = !topology.layouts[position.layout.value].caller.lists.empty();
  routing::TypeKeyId key = plan.views[position.sender.value].type;
  bool lifting = true;
  for (std::size_t i = 0; i < route.count; ++i) {
    const routing::Step& step = route.steps[i];
    if (makes_entry(step.op)) {
      key = step.type;
      lifting = false;
    }
    const ResourceId resource = plan.types[key.value].resource;
    Conversion conversion;
    if (step.table == kCanonicalTable) {
      conversion = canonical(step.op, resource, topology.resources[resource.value].definer == kHost,
                             sender.instance == kHost);
      if (conversion.kind == Conversion::Kind::kTemporary) {
        way.aftermath.temporary = resource;
      }
    } else {
      conversion.kind = Conversion::Kind::kTable;
      conversion.table = {step.table, function_of(step.op)};
      conversion.tag = key.value;
      if (conversion.lends() && !way.aftermath.unlend) {
        way.aftermath.unlend = step.table;
      }
      (makes_entry(step.op) ? way.makes : way.reads).push_back(step.table);
      if (step.op == StepOp::kBorrow) {
        way.borrows.push_back(step.table);
      }
    }
    way.lifting += lifting ? 1 : 0;
    way.steps.push_back(conversion);
  }
  if (sender.instance == kHost && position.kind == HandleKind::kBorrow && !position.result &&
      topology.resources[sender.resource.value].definer == kHost) {
    way.aftermath.token = sender.resource;
  }
  return way;
}

}  // namespace

wasm::Expected<std::vector<HandleWay>> handle_ways(const Topology& topology, const routing::Plan& plan,
                                                   topology::BoundaryId boundary) {
  const topology::Boundary& of = topology.boundaries[boundary.value];
  std::vector<HandleWay> ways;
  ways.reserve(of.position_count);
  for (std::uint32_t i = 0; i < of.position_count; ++i) {
    const std::uint32_t position = of.first_position + i;
    const routing::PositionRoute& route = plan.positions[position];
    if (route.layout_override != 0) {
      return tl::unexpected(wasm::Diagnostic{
          .kind = wasm::DiagnosticKind::kUnsupported,
          .code = "layout-override",
          .place = {},
          .sentence = fmt::format("the plan of {} reads or writes a handle elsewhere than it lies",
                                  topology.text(of.function))});
    }
    ways.push_back(way_of(topology, plan, topology.positions[position], route));
  }
  return ways;
}

void detail::push_tags(Code& code, const HandleWay& way, std::size_t first, std::size_t last) {
  for (std::size_t i = last; i > first; --i) {
    if (way.steps[i - 1].kind == Conversion::Kind::kTable) {
      code.i32(way.steps[i - 1].tag);
    }
  }
}

void detail::apply_steps(Code& code, const HandleWay& way, std::size_t first, std::size_t last,
                         std::optional<std::uint32_t> lent, std::optional<std::uint32_t> temporary) {
  static const FuncType kOne{{kI32}, {kI32}};
  for (std::size_t i = first; i < last; ++i) {
    const Conversion& step = way.steps[i];
    switch (step.kind) {
      case Conversion::Kind::kTable:
        if (step.lends() && lent) {
          code.tee(*lent);
          lent.reset();
        }
        code.call(step.table, {{kI32, kI32}, {kI32}});
        break;
      case Conversion::Kind::kDetach: {
        const std::uint32_t handle = code.local(kI32);
        code.tee(handle);
        code.call(CanonicalCall{CanonicalCall::Kind::kRep, step.canonical.id}, kOne);
        code.i32(1);
        code.set(BaseItem::kQuiet);
        code.get(handle);
        code.call(CanonicalCall{CanonicalCall::Kind::kDrop, step.canonical.id}, {{kI32}, {}});
        break;
      }
      case Conversion::Kind::kCanonical:
        code.call(step.canonical, kOne);
        break;
      case Conversion::Kind::kTemporary:
        code.call(CanonicalCall{CanonicalCall::Kind::kNew, step.canonical.id}, kOne);
        if (temporary) {
          code.tee(*temporary);
        }
        break;
      case Conversion::Kind::kNothing:
        break;
    }
  }
}

void finish(Code& code, const Aftermath& aftermath, std::uint32_t kept,
            std::optional<std::uint32_t> temporary) {
  if (aftermath.unlend) {
    code.get(kept);
    code.call(TablePart{*aftermath.unlend, TableFunction::kUnlend}, {{kI32}, {}});
  }
  if (aftermath.token) {
    code.get(kept);
    code.call(CanonicalCall{CanonicalCall::Kind::kDrop, aftermath.token->value}, {{kI32}, {}});
  }
  if (aftermath.temporary && temporary) {
    code.i32(1);
    code.set(BaseItem::kQuiet);
    code.get(*temporary);
    code.call(CanonicalCall{CanonicalCall::Kind::kDrop, aftermath.temporary->value}, {{kI32}, {}});
  }
}

}  // namespace meld_verify::emit
