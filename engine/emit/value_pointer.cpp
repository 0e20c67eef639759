// What lies behind a pointer: strings and lists; the functions that bridges call; notes in staging memory.

#include <fmt/format.h>

#include <algorithm>

#include "engine/emit/text_code.h"
#include "engine/emit/value_codes.h"
#include "engine/emit/value_mover.h"

namespace meld_verify::emit {

using component::Member;
using component::StringEncoding;
using component::TypeId;
using component::TypeKind;
using component::TypeNode;
using topology::TypeLayout;
using wasm::ValueType;
using namespace arithmetic;
using namespace value_codes;
namespace op = wasm::op;

namespace {

constexpr ValueType kI32 = ValueType::kI32;
constexpr std::uint32_t kPageShift = 16;
constexpr std::uint32_t kMostBytes = std::uint32_t{topology::kMostBytes};

/// How the elements of a list or map lie.
struct Elements {
  std::uint32_t alignment = 1;
  bool is_plain = false, has_range = false;
};

Elements elements_of(const TypeNode& node, const TypeLayout& layout, const topology::Layouts& layouts,
                     const AllValueTraits& traits) {
  const TypeId first = *node.members.front().type;
  Elements elements{.alignment = layouts[first].alignment,
                    .is_plain = traits[first].is_plain,
                    .has_range = traits[first].has_range};
  if (node.kind == TypeKind::kMap) {
    const TypeId value = *node.members[1].type;
    elements.alignment = std::max(elements.alignment, layouts[value].alignment);
    // (What a map's contents must be is checked pair by pair.)
    elements.is_plain = elements.is_plain && traits[value].is_plain && !elements.has_range &&
                        !traits[value].has_range &&
                        layouts[first].size + layouts[value].size == layout.stride;
    elements.has_range = false;
  }
  return elements;
}

bool is_staging(const std::optional<Symbol>& symbol) {
  return symbol == std::optional<Symbol>(BaseItem::kStaging);
}

}  // namespace

// --- areas

void ValueMover::check_bounds(const Side& side, std::uint32_t address,
                              const std::function<void()>& push_bytes, TrapReason reason) {
  if (!side.memory) {
    return context_.fail("no-memory", "a value lies in memory, and no memory is given");
  }
  code_->get(address);
  code_->op(kI64ExtendI32U);
  push_bytes();
  code_->op(kI64ExtendI32U);
  code_->op(kI64Add);
  code_->memory_size(*side.memory);
  code_->op(kI64ExtendI32U);
  code_->i64(kPageShift);
  code_->op(kI64Shl);
  code_->op(kI64GtU);
  trap_if(reason);
}

void ValueMover::check_alignment(std::uint32_t address, std::uint32_t alignment, TrapReason reason) {
  if (alignment > 1) {
    code_->get(address);
    code_->i32(alignment - 1);
    code_->op(kI32And);
    trap_if(reason);
  }
}

void ValueMover::check_area(const Side& side, std::uint32_t address, std::uint64_t bytes,
                            std::uint32_t alignment) {
  check_alignment(address, alignment, TrapReason::kMisaligned);
  check_bounds(
      side, address, [&] { code_->i32(static_cast<std::uint32_t>(bytes)); }, TrapReason::kOutOfBounds);
}

std::uint32_t ValueMover::reallocate(const std::function<void()>& push_old, std::uint32_t alignment,
                                     std::uint32_t bytes) {
  const std::uint32_t address = new_local(kI32);
  if (!to_.realloc || !to_.memory) {
    context_.fail("no-realloc", "a value is to be put into memory, and no memory or realloc is given");
    return address;
  }
  const bool guest = to_.instance != component::kHost;
  if (guest) {
    code_->i32(0);
    code_->set(MayLeave{to_.instance});
  }
  push_old();
  code_->i32(alignment);
  code_->get(bytes);
  code_->call(*to_.realloc, {{kI32, kI32, kI32, kI32}, {kI32}});
  code_->set(address);
  if (guest) {
    code_->i32(1);
    code_->set(MayLeave{to_.instance});
  }
  if (!is_staging(to_.memory)) {  // (That one is our own.)
    check_alignment(address, alignment, TrapReason::kBadRealloc);
    check_bounds(
        to_, address, [&] { code_->get(bytes); }, TrapReason::kBadRealloc);
  }
  return address;
}

std::uint32_t ValueMover::allocate(std::uint32_t alignment, std::uint32_t bytes) {
  return reallocate(
      [&] {
        code_->i32(0);
        code_->i32(0);
      },
      alignment, bytes);
}

std::uint32_t ValueMover::allocate_area(std::uint64_t bytes, std::uint32_t alignment) {
  const std::uint32_t size = new_local(kI32);
  code_->i32(static_cast<std::uint32_t>(bytes));
  code_->set(size);
  return allocate(alignment, size);
}

void ValueMover::copy(Place from, Place to, const std::function<void()>& push_bytes) {
  if (!from_.memory || !to_.memory) {
    return context_.fail("no-memory", "a value lies in memory, and no memory is given");
  }
  for (const Place& place : {to, from}) {
    code_->get(place.base);
    if (place.offset != 0) {
      code_->i32(static_cast<std::uint32_t>(place.offset));
      code_->op(kI32Add);
    }
  }
  push_bytes();
  code_->memory_copy(*to_.memory, *from_.memory);
}

// --- strings and lists

/// Moves what a pointer points to; gives pointer and length on the other side (nothing in kLift).
ValueMover::PointerAndLength ValueMover::pointed(const TypeNode& node, const TypeLayout& layout,
                                                 PointerAndLength from) {
  if (!from_.memory) {
    context_.fail("no-memory", "a value lies in memory, and no memory is given");
    return from;
  }
  return node.kind == TypeKind::kString ? text(from) : list(node, layout, from);
}

ValueMover::PointerAndLength ValueMover::text(PointerAndLength from) {
  if (from_.encoding != to_.encoding) {
    context_.fail("transcoding", "a string goes from one encoding to another, which is out of scope");
    return from;
  }
  const bool tagged = from_.encoding == StringEncoding::kLatin1Utf16;
  const bool wide = from_.encoding == StringEncoding::kUtf16;
  std::uint32_t bytes = from.length;
  if (tagged || wide) {
    bytes = new_local(kI32);
  }
  if (tagged) {  // twice as many bytes where the top bit says that it is UTF-16; the shift takes that bit
                 // away
    code_->get(from.length);
    code_->i32(1);
    code_->op(kI32Shl);
    code_->get(from.length);
    code_->get(from.length);
    code_->i32(31);
    code_->op(kI32ShrU);
    code_->op(op::kSelect);
    code_->set(bytes);
  }
  code_->get(tagged ? bytes : from.length);
  code_->i32(wide ? kMostBytes / 2 : kMostBytes);
  code_->op(kI32GeU);
  trap_if(TrapReason::kStringTooLong);
  if (wide) {
    code_->get(from.length);
    code_->i32(1);
    code_->op(kI32Shl);
    code_->set(bytes);
  }
  const std::uint32_t alignment = tagged || wide ? 2 : 1;
  check_alignment(from.address, alignment, TrapReason::kMisaligned);
  check_bounds(
      from_, from.address, [&] { code_->get(bytes); }, TrapReason::kOutOfBounds);
  const auto begin_if_tagged = [&] {
    code_->get(from.length);
    code_->i32(0);
    code_->op(kI32LtS);
    code_->begin_if();
  };
  std::uint32_t units = from.length;
  if (tagged && guests_) {
    units = new_local(kI32);
    begin_if_tagged();
    code_->get(bytes);
    code_->i32(1);
    code_->op(kI32ShrU);
    code_->set(units);
    call_text(TextFunction::kCheckUtf16, from_, {from.address, units});
    code_->end();
  } else if (guests_) {
    call_text(wide ? TextFunction::kCheckUtf16 : TextFunction::kCheckUtf8, from_, from);
  }
  PointerAndLength to{.address = allocate(alignment, bytes), .length = from.length};
  copy({from.address, 0}, {to.address, 0}, [&] { code_->get(bytes); });
  if (tagged && guests_) {  // what was UTF-16 and need not be shrinks
    to.length = new_local(kI32);
    code_->get(from.length);
    code_->set(to.length);
    begin_if_tagged();
    call_text(TextFunction::kNarrow, to_, {to.address, units});
    code_->begin_if();
    const std::uint32_t shrunk = reallocate(
        [&] {
          code_->get(to.address);
          code_->get(bytes);
        },
        1, units);
    code_->get(shrunk);
    code_->set(to.address);
    code_->get(units);
    code_->set(to.length);
    code_->end();
    code_->end();
  }
  return to;
}

ValueMover::PointerAndLength ValueMover::list(const TypeNode& node, const TypeLayout& layout,
                                              PointerAndLength from) {
  if (phase_ == Phase::kReturn) {
    list_elements(node, layout, from, 0);
    return from;
  }
  const auto stride = static_cast<std::uint32_t>(layout.stride);
  const Elements elements = elements_of(node, layout, context_.layouts, context_.traits);
  code_->get(from.length);
  code_->i32((kMostBytes + stride - 1) / stride);
  code_->op(kI32GeU);
  trap_if(TrapReason::kListTooLong);
  check_alignment(from.address, elements.alignment, TrapReason::kMisaligned);
  std::uint32_t bytes = from.length;
  if (stride > 1) {
    bytes = new_local(kI32);
    code_->get(from.length);
    code_->i32(stride);
    code_->op(kI32Mul);
    code_->set(bytes);
  }
  check_bounds(
      from_, from.address, [&] { code_->get(bytes); }, TrapReason::kOutOfBounds);
  PointerAndLength to = from;
  if (elements.is_plain) {
    if (elements.has_range && guests_) {
      code_->get(from.address);
      code_->get(from.length);
      code_->call(check_function(*node.members.front().type), {{kI32, kI32}, {}});
    }
    to.address = allocate(elements.alignment, bytes);
    copy({from.address, 0}, {to.address, 0}, [&] { code_->get(bytes); });
    return to;
  }
  if (!only_handles()) {
    to.address = allocate(elements.alignment, bytes);
  }
  list_elements(node, layout, from, to.address);
  return to;
}

void ValueMover::list_elements(const TypeNode& node, const TypeLayout& layout, PointerAndLength from,
                               std::uint32_t to) {
  loop([&] { code_->get(from.length); },
       [&](std::uint32_t index) {
         const Place source{element(from.address, 0, index, layout.stride), 0};
         const Place target = only_handles() ? source : Place{element(to, 0, index, layout.stride), 0};
         memory_value(*node.members[0].type, source, target, false);
         if (node.kind == TypeKind::kMap) {
           memory_value(*node.members[1].type, {source.base, layout.payload}, {target.base, layout.payload},
                        false);
         }
       });
}

void ValueMover::loop(const std::function<void()>& push_count,
                      const std::function<void(std::uint32_t)>& body) {
  const std::uint32_t index = new_local(kI32);
  code_->i32(0);
  code_->set(index);
  code_->block();
  code_->loop();
  code_->get(index);
  push_count();
  code_->op(kI32GeU);
  code_->br_if(1);
  body(index);
  code_->get(index);
  code_->i32(1);
  code_->op(kI32Add);
  code_->set(index);
  code_->br(0);
  code_->end();
  code_->end();
}

/// A local with the address of element number `index`.
std::uint32_t ValueMover::element(std::uint32_t base, std::uint64_t offset, std::uint32_t index,
                                  std::uint64_t stride) {
  const std::uint32_t address = new_local(kI32);
  code_->get(base);
  if (offset != 0) {
    code_->i32(static_cast<std::uint32_t>(offset));
    code_->op(kI32Add);
  }
  code_->get(index);
  if (stride != 1) {
    code_->i32(static_cast<std::uint32_t>(stride));
    code_->op(kI32Mul);
  }
  code_->op(kI32Add);
  code_->set(address);
  return address;
}

// --- functions of their own

void ValueMover::call_text(TextFunction what, const Side& side, PointerAndLength text) {
  const auto [place, fresh] = context_.texts.try_emplace(std::pair(*side.memory, what), RouterFunction{});
  if (fresh) {
    place->second = context_.functions.reserve();
    const SymbolName memory = name_of(*side.memory);
    const auto name = [&](const char* verb) {
      return fmt::format("{} in {} {}", verb, memory.module, memory.field);
    };
    context_.functions.fill(place->second, what == TextFunction::kCheckUtf8
                                               ? check_utf8(name("check utf8"), *side.memory)
                                           : what == TextFunction::kCheckUtf16
                                               ? check_utf16(name("check utf16"), *side.memory)
                                               : narrow_to_latin1(name("narrow to latin1"), *side.memory));
  }
  code_->get(text.address);
  code_->get(text.length);
  code_->call(place->second,
              {{kI32, kI32}, what == TextFunction::kNarrow ? std::vector{kI32} : std::vector<ValueType>{}});
}

RouterFunction ValueMover::move_function(TypeId type) {
  const auto [place, fresh] = movers_.try_emplace(type.value, RouterFunction{});
  if (fresh) {
    place->second = context_.functions.reserve();
    wanted_.emplace_back(type, true);
  }
  return place->second;
}

RouterFunction ValueMover::check_function(TypeId element) {
  const auto [place, fresh] = checks_.try_emplace(element.value, RouterFunction{});
  if (fresh) {
    place->second = context_.functions.reserve();
    wanted_.emplace_back(element, false);
  }
  return place->second;
}

void ValueMover::write_functions() {
  for (std::size_t i = 0; i < wanted_.size() && !context_.failure; ++i) {  // (it may grow)
    const auto [type, moves] = wanted_[i];
    Code code({{kI32, kI32}, {}});
    start(code, Phase::kMove);
    if (moves) {
      memory_value(type, {0, 0}, {1, 0}, true);
      context_.functions.fill(movers_.at(type.value),
                              {fmt::format("{}: move value {}", context_.name, i), std::move(code)});
    } else {
      loop([&] { code.get(1u); },
           [&](std::uint32_t index) {
             check_contents(type, {element(0, 0, index, context_.layouts[type].size), 0});
           });
      context_.functions.fill(checks_.at(type.value),
                              {fmt::format("{}: check list {}", context_.name, i), std::move(code)});
    }
    context_.steps += code.steps().size();
  }
}

/// Traps unless chars and case numbers are in range, in a plain value.
void ValueMover::check_contents(TypeId id, Place place) {
  const TypeNode& node = context_.types[id];
  if (!context_.traits[id].has_range || !enter(node)) {
    return;
  }
  ++depth_;
  if (node.kind == TypeKind::kChar) {
    check_char(loaded(place, 4));
  } else if (node.kind == TypeKind::kEnum) {
    const std::uint32_t bytes = context_.layouts[id].discriminant;
    check_case(node, loaded(place, bytes), bytes);
  } else if (node.kind == TypeKind::kFixedList) {
    const TypeId type = *node.members.front().type;
    const std::uint64_t size = context_.layouts[type].size;
    if (node.length > kMostUnrolled) {
      loop([&] { code_->i32(node.length); },
           [&](std::uint32_t index) {
             check_contents(type, {element(place.base, place.offset, index, size), 0});
           });
    } else {
      for (std::uint32_t i = 0; i < node.length; ++i) {
        check_contents(type, {place.base, place.offset + i * size});
      }
    }
  } else {  // a record or tuple without padding
    std::uint64_t offset = place.offset;
    for (const Member& member : node.members) {
      check_contents(*member.type, {place.base, offset});
      offset += context_.layouts[*member.type].size;
    }
  }
  --depth_;
}

// --- notes

void ValueMover::note(const HandleWay& way, std::optional<std::uint32_t> kept,
                      std::optional<std::uint32_t> converted) {
  if (!form_.used) {
    return;
  }
  code_->get(notes_end_);
  code_->i32(form_.size);
  code_->call(BaseItem::kStagingReserve, {{kI32, kI32}, {}});
  const auto put = [&](std::uint32_t offset, const auto& push) {
    code_->get(notes_end_);
    push();
    code_->memory(op::kI32Store, BaseItem::kStaging, offset, 2);
  };
  if (kept) {
    put(0, [&] { code_->get(*kept); });
  }
  if (converted) {
    put(form_.converted, [&] { code_->get(*converted); });
  }
  if (form_.kinds.size() > 1) {
    const auto kind = std::find(form_.kinds.begin(), form_.kinds.end(), way.aftermath);
    put(form_.kind, [&] { code_->i32(static_cast<std::uint32_t>(kind - form_.kinds.begin())); });
  }
  code_->get(notes_end_);
  code_->i32(form_.size);
  code_->op(kI32Add);
  code_->set(notes_end_);
}

/// The notes are an array at the top of the staging memory, which nothing else takes from in the meantime.
void ValueMover::begin_notes() {
  if (!form_.used) {
    return;
  }
  notes_begin_ = new_local(kI32);
  code_->get(BaseItem::kStagingTop);
  code_->i32(3);
  code_->op(kI32Add);
  code_->i32(~std::uint32_t{3});
  code_->op(kI32And);
  code_->tee(notes_begin_);
  notes_end_ = new_local(kI32);
  code_->set(notes_end_);
}

void ValueMover::end_notes() {
  if (!form_.used) {
    return;
  }
  code_->get(notes_end_);
  code_->set(BaseItem::kStagingTop);
  if (passes_ != Passes::kOne) {
    cursor_ = new_local(kI32);
    code_->get(notes_begin_);
    code_->set(cursor_);
  }
}

void ValueMover::finish_handles() {
  for (const End& end : ends_) {
    for (const auto& [local, number] : end.guards) {
      code_->get(local);
      code_->i32(number);
      code_->op(kI32Eq);
      code_->begin_if();
    }
    finish(*code_, end.aftermath, end.kept, end.temporary);
    for (std::size_t i = 0; i < end.guards.size(); ++i) {
      code_->end();
    }
  }
  if (form_.used &&
      std::any_of(form_.kinds.begin(), form_.kinds.end(), [](const Aftermath& kind) { return kind.any(); })) {
    finish_notes();
  }
}

void ValueMover::finish_notes() {
  const std::uint32_t at = new_local(kI32);
  const std::uint32_t kept = new_local(kI32);
  const std::uint32_t converted = new_local(kI32);
  const auto field = [&](std::uint32_t offset, std::uint32_t into) {
    code_->get(at);
    code_->memory(op::kI32Load, BaseItem::kStaging, offset, 2);
    code_->set(into);
  };
  code_->get(notes_begin_);
  code_->set(at);
  code_->block();
  code_->loop();
  code_->get(at);
  code_->get(notes_end_);
  code_->op(kI32GeU);
  code_->br_if(1);
  field(0, kept);
  if (form_.converted != 0) {
    field(form_.converted, converted);
  }
  for (std::uint32_t i = 0; i < form_.kinds.size(); ++i) {
    if (!form_.kinds[i].any()) {
      continue;
    }
    if (form_.kinds.size() > 1) {
      code_->get(at);
      code_->memory(op::kI32Load, BaseItem::kStaging, form_.kind, 2);
      code_->i32(i);
      code_->op(kI32Eq);
      code_->begin_if();
    }
    finish(*code_, form_.kinds[i], kept, converted);
    if (form_.kinds.size() > 1) {
      code_->end();
    }
  }
  code_->get(at);
  code_->i32(form_.size);
  code_->op(kI32Add);
  code_->set(at);
  code_->br(0);
  code_->end();
  code_->end();
}

}  // namespace meld_verify::emit
