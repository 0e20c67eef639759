#include "engine/emit/value_mover.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/emit/value_codes.h"
#include "engine/topology/positions.h"

namespace meld_verify::emit {

using component::Member;
using component::TypeId;
using component::TypeKind;
using component::TypeNode;
using topology::TypeLayout;
using wasm::ValueType;
using namespace arithmetic;
using namespace value_codes;
namespace op = wasm::op;

namespace {

constexpr ValueType kI32 = ValueType::kI32, kI64 = ValueType::kI64, kF32 = ValueType::kF32,
                    kF64 = ValueType::kF64;
/// A type whose values take more code than this has a function of its own.
constexpr std::uint32_t kMostInline = 48;
/// Plain values of more bytes than this are copied as a whole.
constexpr std::uint64_t kMostPiecewise = 32;

ValueType slot_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::kS64:
    case TypeKind::kU64:
      return kI64;
    case TypeKind::kF32:
      return kF32;
    case TypeKind::kF64:
      return kF64;
    default:
      return kI32;
  }
}

struct Access {
  wasm::Opcode load, store;
  std::uint32_t align;
};

Access access_of(ValueType type, std::uint64_t size) {
  switch (type) {
    case ValueType::kI64:
      return {op::kI64Load, op::kI64Store, 3};
    case ValueType::kF32:
      return {op::kF32Load, op::kF32Store, 2};
    case ValueType::kF64:
      return {op::kF64Load, op::kF64Store, 3};
    default:
      return size == 1   ? Access{op::kI32Load8U, op::kI32Store8, 0}
             : size == 2 ? Access{op::kI32Load16U, op::kI32Store16, 1}
                         : Access{op::kI32Load, op::kI32Store, 2};
  }
}

/// Case `i` of the members: an option's only one is its second case.
std::uint32_t case_of(const TypeNode& node, std::size_t i) {
  return static_cast<std::uint32_t>(node.kind == TypeKind::kOption ? 1 : i);
}

std::size_t cases_of(const TypeNode& node) {
  return node.kind == TypeKind::kOption ? 2 : node.members.size();
}

NoteForm note_form(std::span<const HandleWay> ways, bool two_passes) {
  NoteForm form;
  bool converted = two_passes;
  for (const HandleWay& way : ways) {
    if (!way.in_list || (!two_passes && !way.aftermath.any())) {
      continue;
    }
    form.used = true;
    converted |= way.aftermath.temporary.has_value();
    if (std::find(form.kinds.begin(), form.kinds.end(), way.aftermath) == form.kinds.end()) {
      form.kinds.push_back(way.aftermath);
    }
  }
  if (converted) {
    form.converted = form.size;
    form.size += 4;
  }
  if (form.kinds.size() > 1) {
    form.kind = form.size;
    form.size += 4;
  }
  return form;
}

}  // namespace

void MoverContext::fail(std::string code, std::string reason) {
  if (failure) {
    return;
  }
  wasm::Diagnostic& why = failure.emplace();
  why.kind = wasm::DiagnosticKind::kUnsupported;
  why.code = std::move(code);
  why.sentence = fmt::format("{}: {}", name, reason);
}

ValueMover::ValueMover(MoverContext& context, const Side& from, const Side& to,
                       std::span<const HandleWay> ways, Passes passes)
    : context_(context),
      from_(from),
      to_(to),
      guests_(from.instance != component::kHost && to.instance != component::kHost),
      ways_(ways),
      passes_(passes),
      form_(note_form(ways, passes != Passes::kOne)) {}

bool ValueMover::can_reread() const {
  return form_.used && passes_ == Passes::kOne &&
         std::all_of(ways_.begin(), ways_.end(), [](const HandleWay& way) {
           const Aftermath& aftermath = way.aftermath;
           return !way.in_list || (!aftermath.temporary &&
                                   (!aftermath.unlend || (!aftermath.token && way.steps.front().lends())));
         });
}

void ValueMover::start(Code& code, Phase phase) {
  code_ = &code;
  phase_ = phase;
  next_ = 0;
}

bool ValueMover::enter(const TypeNode& node) {
  context_.steps += 1 + node.members.size() / 8;
  if (context_.steps + code_->steps().size() > kMostBridgeSteps || code_->locals().size() > kMostLocals) {
    context_.fail("too-large", "moving its values takes too much code");
  }
  if (depth_ > topology::kMostDepth) {
    context_.fail("too-deep", "its types are nested too deep");
  }
  return !context_.failure;
}

const HandleWay& ValueMover::next_way() {
  static const HandleWay kNone;
  if (next_ >= ways_.size()) {
    context_.fail("positions", "its type has more handles than the topology says");
    return kNone;
  }
  return ways_[next_++];
}

void ValueMover::expect_all_handles() {
  if (next_ != ways_.size()) {
    context_.fail("positions", "its type has fewer handles than the topology says");
  }
}

std::size_t ValueMover::split(const HandleWay& way) const {
  return passes_ == Passes::kTwoUnevenly ? way.steps.size() : way.lifting;
}

// --- places

std::uint32_t ValueMover::new_local(ValueType type) {
  return code_->local(type);
}

void ValueMover::load(const Side& side, Place place, wasm::Opcode opcode, std::uint32_t align) {
  if (!side.memory) {
    return context_.fail("no-memory", "a value lies in memory, and no memory is given");
  }
  code_->get(place.base);
  code_->memory(opcode, *side.memory, static_cast<std::uint32_t>(place.offset), align);
}

/// The address must be on the stack, below the value.
void ValueMover::store(Place place, wasm::Opcode opcode, std::uint32_t align) {
  if (!to_.memory) {
    return context_.fail("no-memory", "a value lies in memory, and no memory is given");
  }
  code_->memory(opcode, *to_.memory, static_cast<std::uint32_t>(place.offset), align);
}

std::uint32_t ValueMover::loaded(Place place, std::uint32_t bytes) {
  const std::uint32_t local = new_local(kI32);
  const Access access = access_of(kI32, bytes);
  load(from_, place, access.load, access.align);
  code_->set(local);
  return local;
}

/// What one case reads of a joined slot: the low half if it is narrower, the same bits if it is a float.
void ValueMover::read(std::uint32_t local, ValueType want) {
  const ValueType have = code_->type_of(local);
  code_->get(local);
  if (have == want) {
    return;
  }
  if (have == kI64 && want != kF64) {
    code_->op(kI32WrapI64);
  }
  if (want == kF32) {
    code_->op(kF32ReinterpretI32);
  } else if (want == kF64) {
    code_->op(kF64ReinterpretI64);
  }
}

/// Widens what is on the stack to the slot's joined type.
void ValueMover::write(ValueType have, const Slots& to, std::size_t slot) {
  const ValueType type = to.types[slot];
  if (have != type) {
    if (have == kF32) {
      code_->op(kI32ReinterpretF32);
    } else if (have == kF64) {
      code_->op(kI64ReinterpretF64);
    }
    if (type == kI64 && have != kF64) {
      code_->op(kI64ExtendI32U);
    }
  }
  if (to.locals[slot] == kNoLocal) {
    to.locals[slot] = new_local(type);
  }
  code_->set(to.locals[slot]);
}

void ValueMover::pass(std::uint32_t local, ValueType want, const Slots& to, std::size_t slot) {
  if (to.locals[slot] == kNoLocal && want == to.types[slot] && want == code_->type_of(local)) {
    to.locals[slot] = local;
    return;
  }
  read(local, want);
  write(want, to, slot);
}

std::uint32_t ValueMover::as_local(std::uint32_t local, ValueType want) {
  if (code_->type_of(local) == want) {
    return local;
  }
  const std::uint32_t narrow = new_local(want);
  read(local, want);
  code_->set(narrow);
  return narrow;
}

void ValueMover::trap_if(TrapReason reason) {
  code_->begin_if();
  code_->trap(reason);
  code_->end();
}

// --- scalars

/// The spelling that the law gives a value on the stack, which comes from a slot or (unsigned) from memory.
void ValueMover::normalize(const TypeNode& node, bool in_slot) {
  switch (node.kind) {
    case TypeKind::kBool:
      code_->i32(0);
      code_->op(kI32Ne);
      break;
    case TypeKind::kS8:
    case TypeKind::kS16:
      if (in_slot) {
        code_->op(node.kind == TypeKind::kS8 ? kI32Extend8S : kI32Extend16S);
      }
      break;
    case TypeKind::kU8:
    case TypeKind::kU16:
      if (in_slot) {
        code_->i32(node.kind == TypeKind::kU8 ? 0xff : 0xffff);
        code_->op(kI32And);
      }
      break;
    case TypeKind::kF32:
    case TypeKind::kF64:
      canonical_nan(slot_of(node.kind));
      break;
    case TypeKind::kFlags:
      if (const std::size_t labels = node.members.size();
          labels < 32 && (in_slot || (labels != 8 && labels != 16))) {
        code_->i32((1u << labels) - 1);
        code_->op(kI32And);
      }
      break;
    default:
      break;
  }
}

void ValueMover::canonical_nan(ValueType type) {
  const std::uint32_t number = new_local(type);
  code_->tee(number);
  if (type == kF32) {
    code_->f32(0x7fc0'0000);
  } else {
    code_->f64(0x7ff8'0000'0000'0000);
  }
  code_->get(number);
  code_->get(number);
  code_->op(type == kF32 ? kF32Eq : kF64Eq);
  code_->op(op::kSelect);
}

/// One comparison: flips surrogates to the bottom, which then wrap to the top.
void ValueMover::check_char(std::uint32_t local) {
  code_->get(local);
  code_->i32(0xd800);
  code_->op(kI32Xor);
  code_->i32(0x800);
  code_->op(kI32Sub);
  code_->i32(0x11'0000 - 0x800);
  code_->op(kI32GeU);
  trap_if(TrapReason::kBadChar);
}

void ValueMover::check_case(const TypeNode& node, std::uint32_t local, std::uint32_t bytes) {
  const std::size_t cases = cases_of(node);
  if (phase_ == Phase::kReturn || (bytes < 4 && cases == std::size_t{1} << (8 * bytes))) {
    return;
  }
  code_->get(local);
  code_->i32(static_cast<std::uint32_t>(cases));
  code_->op(kI32GeU);
  trap_if(TrapReason::kBadDiscriminant);
}

// --- values in slots

void ValueMover::flat(TypeId id, std::span<const std::uint32_t> from, const Slots& to) {
  const TypeNode& node = context_.types[id];
  if (!enter(node) || ((only_handles() || passes_through_) && !node.has_handle)) {
    return;
  }
  ++depth_;
  switch (node.kind) {
    case TypeKind::kString:
    case TypeKind::kList:
    case TypeKind::kMap: {
      const PointerAndLength moved =
          pointed(node, context_.layouts[id],
                  {.address = as_local(from[0], kI32), .length = as_local(from[1], kI32)});
      if (!only_handles() && !context_.failure) {
        pass(moved.address, kI32, to, 0);
        pass(moved.length, kI32, to, 1);
      }
      break;
    }
    case TypeKind::kRecord:
    case TypeKind::kTuple:
    case TypeKind::kFixedList:
      flat_product(node, from, to);
      break;
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult:
    case TypeKind::kEnum:
      flat_sum(node, from, to);
      break;
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
      flat_handle(from, to);
      break;
    case TypeKind::kStream:
    case TypeKind::kFuture:
    case TypeKind::kErrorContext:
      context_.fail("stream", "a stream, future or error context crosses here, which is out of scope");
      break;
    default:
      flat_scalar(node, from, to);
      break;
  }
  --depth_;
}

void ValueMover::flat_scalar(const TypeNode& node, std::span<const std::uint32_t> from, const Slots& to) {
  const ValueType type = slot_of(node.kind);
  switch (node.kind) {
    case TypeKind::kS32:
    case TypeKind::kU32:
    case TypeKind::kS64:
    case TypeKind::kU64:
      return pass(from[0], type, to, 0);
    case TypeKind::kChar: {
      const std::uint32_t local = as_local(from[0], kI32);
      check_char(local);
      return pass(local, kI32, to, 0);
    }
    case TypeKind::kFlags:
      if (node.members.size() == 32) {
        return pass(from[0], type, to, 0);
      }
      break;
    default:
      break;
  }
  read(from[0], type);
  normalize(node, true);
  write(type, to, 0);
}

void ValueMover::flat_product(const TypeNode& node, std::span<const std::uint32_t> from, const Slots& to) {
  const std::size_t count = node.kind == TypeKind::kFixedList ? node.length : node.members.size();
  std::size_t slot = 0;
  for (std::size_t i = 0; i < count && !context_.failure; ++i) {
    const TypeId part = *node.members[node.kind == TypeKind::kFixedList ? 0 : i].type;
    flat(part, from.subspan(slot), only_handles() ? to : to.from(slot));
    slot += context_.layouts[part].slots.size();
  }
}

void ValueMover::flat_sum(const TypeNode& node, std::span<const std::uint32_t> from, const Slots& to) {
  const std::uint32_t chosen = as_local(from[0], kI32);
  if (!passes_through_) {
    check_case(node, chosen, 4);
    if (!only_handles()) {
      pass(chosen, kI32, to, 0);
    }
  }
  bool has_payload = false;
  for (const Member& item : node.members) {
    has_payload |= item.type.has_value();
  }
  if (!has_payload) {
    return;
  }
  if (!only_handles() && !passes_through_) {  // slots that the case does not use stay 0
    std::size_t most = 0;
    for (const Member& item : node.members) {
      most = std::max(most, item.type ? context_.layouts[*item.type].slots.size() : 0);
    }
    for (std::size_t i = 1; i <= most; ++i) {
      if (to.locals[i] == kNoLocal) {
        to.locals[i] = new_local(to.types[i]);
      }
    }
  }
  for (std::size_t i = 0; i < node.members.size() && !context_.failure; ++i) {
    const std::optional<TypeId>& type = node.members[i].type;
    if (!type || ((only_handles() || passes_through_) && !context_.types[*type].has_handle)) {
      continue;
    }
    guards_.emplace_back(chosen, case_of(node, i));
    code_->get(chosen);
    code_->i32(case_of(node, i));
    code_->op(kI32Eq);
    code_->begin_if();
    flat(*type, from.subspan(1), only_handles() ? to : to.from(1));
    code_->end();
    guards_.pop_back();
  }
}

void ValueMover::flat_handle(std::span<const std::uint32_t> from, const Slots& to) {
  const std::size_t number = next_;
  const HandleWay& way = next_way();
  if (phase_ == Phase::kReturn) {
    return;
  }
  if (phase_ == Phase::kMove && way.steps.empty() && !way.aftermath.any()) {
    return pass(from[0], kI32, to, 0);
  }
  lone_handle(way, number,
              {.local = [&] { return as_local(from[0], kI32); },
               .push = [&] { read(from[0], kI32); },
               .below = [] {},
               .put = [&] { write(kI32, to, 0); }});
}

void ValueMover::lone_handle(const HandleWay& way, std::size_t number, const Ends& ends) {
  const std::size_t first = phase_ == Phase::kLower ? split(way) : 0;
  const std::size_t last = phase_ == Phase::kLift ? split(way) : way.steps.size();
  End end;
  end.guards = guards_;
  end.aftermath = way.aftermath;
  std::optional<std::uint32_t> lent, value;
  const bool sender = phase_ != Phase::kLower;
  if (!sender) {
    value = lifted_.at(number);
  } else if (way.aftermath.any()) {
    value = end.kept = ends.local();
    if (way.aftermath.unlend && !way.aftermath.token && !way.steps.front().lends()) {
      lent = end.kept = new_local(kI32);
    }
  }
  if (way.aftermath.temporary) {
    end.temporary = new_local(kI32);
  }
  if (phase_ != Phase::kLift) {
    ends.below();
  }
  convert(*code_, way, first, last, lent, end.temporary, [&] {
    if (value) {
      code_->get(*value);
    } else {
      ends.push();
    }
  });
  if (phase_ == Phase::kLift) {
    lifted_[number] = new_local(kI32);
    code_->set(lifted_[number]);
  } else {
    ends.put();
  }
  // What was lent is known on the sender's side; a temporary is made on the receiver's.
  const bool makes_temporary =
      std::any_of(way.steps.begin() + static_cast<std::ptrdiff_t>(first),
                  way.steps.begin() + static_cast<std::ptrdiff_t>(last),
                  [](const Conversion& step) { return step.kind == Conversion::Kind::kTemporary; });
  if (!makes_temporary) {
    end.temporary.reset();
    end.aftermath.temporary.reset();
  }
  if (!sender) {
    end.aftermath.unlend.reset();
    end.aftermath.token.reset();
  }
  if (end.aftermath.any()) {
    ends_.push_back(std::move(end));
  }
}

// --- values in memory

void ValueMover::memory(TypeId id, Place from, Place to) {
  memory_value(id, from, to, false);
}

/// `whole`: the code is that of the type's own function.
void ValueMover::memory_value(TypeId id, Place from, Place to, bool whole) {
  const TypeNode& node = context_.types[id];
  if (!enter(node) || (only_handles() && !node.has_handle)) {
    return;
  }
  const TypeLayout& layout = context_.layouts[id];
  const ValueTraits& traits = context_.traits[id];
  if (traits.is_plain && !traits.has_range && layout.size > kMostPiecewise) {
    return copy(from, to, [&] { code_->i32(static_cast<std::uint32_t>(layout.size)); });
  }
  if (!node.has_handle && !whole && traits.weight > kMostInline) {
    for (const Place& place : {from, to}) {
      code_->get(place.base);
      code_->i32(static_cast<std::uint32_t>(place.offset));
      code_->op(kI32Add);
    }
    code_->call(move_function(id), {{kI32, kI32}, {}});
    return;
  }
  ++depth_;
  switch (node.kind) {
    case TypeKind::kString:
    case TypeKind::kList:
    case TypeKind::kMap: {
      const PointerAndLength pointer{.address = loaded(from, 4),
                                     .length = loaded({from.base, from.offset + 4}, 4)};
      const PointerAndLength moved = pointed(node, layout, pointer);
      if (!only_handles() && !context_.failure) {
        code_->get(to.base);
        code_->get(moved.address);
        store(to, op::kI32Store, 2);
        code_->get(to.base);
        code_->get(moved.length);
        store({to.base, to.offset + 4}, op::kI32Store, 2);
      }
      break;
    }
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      memory_product(node, from, to);
      break;
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult:
    case TypeKind::kEnum:
      memory_sum(node, layout, from, to);
      break;
    case TypeKind::kFixedList:
      memory_elements(node, from, to);
      break;
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
      memory_handle(from, to);
      break;
    case TypeKind::kStream:
    case TypeKind::kFuture:
    case TypeKind::kErrorContext:
      context_.fail("stream", "a stream, future or error context crosses here, which is out of scope");
      break;
    default:
      memory_scalar(node, layout.size, from, to);
      break;
  }
  --depth_;
}

void ValueMover::memory_scalar(const TypeNode& node, std::uint64_t size, Place from, Place to) {
  const Access access = access_of(slot_of(node.kind), size);
  if (node.kind == TypeKind::kChar) {
    const std::uint32_t point = loaded(from, 4);
    check_char(point);
    code_->get(to.base);
    code_->get(point);
    return store(to, access.store, access.align);
  }
  code_->get(to.base);
  load(from_, from, access.load, access.align);
  normalize(node, false);
  store(to, access.store, access.align);
}

void ValueMover::memory_product(const TypeNode& node, Place from, Place to) {
  std::uint64_t offset = 0;
  for (const Member& member : node.members) {
    const TypeLayout& layout = context_.layouts[*member.type];
    offset = topology::aligned(offset, layout.alignment);
    memory_value(*member.type, {from.base, from.offset + offset}, {to.base, to.offset + offset}, false);
    offset += layout.size;
    if (context_.failure) {
      return;
    }
  }
}

void ValueMover::memory_sum(const TypeNode& node, const TypeLayout& layout, Place from, Place to) {
  const std::uint32_t chosen = loaded(from, layout.discriminant);
  check_case(node, chosen, layout.discriminant);
  if (!only_handles()) {
    const Access access = access_of(kI32, layout.discriminant);
    code_->get(to.base);
    code_->get(chosen);
    store(to, access.store, access.align);
  }
  for (std::size_t i = 0; i < node.members.size() && !context_.failure; ++i) {
    const std::optional<TypeId>& type = node.members[i].type;
    if (!type || (only_handles() && !context_.types[*type].has_handle)) {
      continue;
    }
    guards_.emplace_back(chosen, case_of(node, i));
    code_->get(chosen);
    code_->i32(case_of(node, i));
    code_->op(kI32Eq);
    code_->begin_if();
    memory_value(*type, {from.base, from.offset + layout.payload}, {to.base, to.offset + layout.payload},
                 false);
    code_->end();
    guards_.pop_back();
  }
}

void ValueMover::memory_elements(const TypeNode& node, Place from, Place to) {
  const TypeId type = *node.members.front().type;
  const std::uint64_t size = context_.layouts[type].size;
  if (!node.has_handle && node.length > kMostUnrolled) {
    return loop([&] { code_->i32(node.length); },
                [&](std::uint32_t index) {
                  memory_value(type, {element(from.base, from.offset, index, size), 0},
                               {element(to.base, to.offset, index, size), 0}, false);
                });
  }
  for (std::uint32_t i = 0; i < node.length && !context_.failure; ++i) {
    memory_value(type, {from.base, from.offset + i * size}, {to.base, to.offset + i * size}, false);
  }
}

void ValueMover::memory_handle(Place from, Place to) {
  const std::size_t number = next_;
  const HandleWay& way = next_way();
  if (way.in_list) {
    return listed_handle(way, from, to);
  }
  if (phase_ == Phase::kReturn) {
    return;
  }
  lone_handle(way, number,
              {.local = [&] { return loaded(from, 4); },
               .push = [&] { load(from_, from, op::kI32Load, 2); },
               .below = [&] { code_->get(to.base); },
               .put = [&] { store(to, op::kI32Store, 2); }});
}

void ValueMover::listed_handle(const HandleWay& way, Place from, Place to) {
  if (phase_ == Phase::kReturn) {
    if (way.aftermath.any()) {
      finish(*code_, way.aftermath, loaded(from, 4), {});
    }
    return;
  }
  const bool noted = form_.used && (passes_ != Passes::kOne || way.aftermath.any());
  const std::size_t first = phase_ == Phase::kLower ? split(way) : 0;
  const std::size_t last = phase_ == Phase::kLift ? split(way) : way.steps.size();
  if (phase_ == Phase::kLower && passes_ == Passes::kTwo && way.aftermath.temporary) {
    return context_.fail("temporary-handles",
                         "its plan makes handles for the length of a call while others are converted");
  }
  std::optional<std::uint32_t> kept, temporary;
  if (noted && phase_ != Phase::kLower && way.aftermath.any()) {
    kept = new_local(kI32);
    if (way.aftermath.temporary && phase_ == Phase::kMove) {
      temporary = new_local(kI32);
    }
  }
  const bool keeps_origin =
      kept && (way.aftermath.token || !way.aftermath.unlend || way.steps.front().lends());
  if (phase_ != Phase::kLift) {
    code_->get(to.base);
  }
  convert(*code_, way, first, last, keeps_origin ? std::nullopt : kept, temporary, [&] {
    if (phase_ == Phase::kLower) {
      code_->get(cursor_);
      code_->memory(op::kI32Load, BaseItem::kStaging, form_.converted, 2);
    } else {
      load(from_, from, op::kI32Load, 2);
      if (keeps_origin) {
        code_->tee(*kept);
      }
    }
  });
  if (phase_ == Phase::kLift) {
    const std::uint32_t converted = new_local(kI32);
    code_->set(converted);
    return note(way, kept, converted);
  }
  store(to, op::kI32Store, 2);
  if (phase_ == Phase::kLower) {
    code_->get(cursor_);
    code_->i32(form_.size);
    code_->op(kI32Add);
    code_->set(cursor_);
  } else if (noted) {
    note(way, kept, temporary);
  }
}

}  // namespace meld_verify::emit
