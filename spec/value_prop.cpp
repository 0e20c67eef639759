// Lift and lower against one another, over random types and values, in every encoding.

#include "spec/lift.h"
#include "spec/lower.h"
#include "spec/plain_side.h"
#include "spec/random_value.h"

namespace meld_verify::spec {
namespace {

constexpr std::uint32_t kFree = 64;  ///< where ByteMemory allocates first

Encoding random_encoding() {
  return static_cast<Encoding>(below(3));
}

std::vector<std::uint32_t> reps_of(const Value& value) {
  std::vector<std::uint32_t> reps;
  for_each_handle(value, [&](const Handle& handle) { reps.push_back(handle.rep.value); });
  return reps;
}

/// A type's size and alignment once more, counted byte by byte (semantics.md section 3).
struct Room {
  std::uint64_t size = 0;
  std::uint64_t alignment = 1;
};

std::uint64_t up(std::uint64_t offset, std::uint64_t alignment) {
  while (offset % alignment != 0) {
    ++offset;
  }
  return offset;
}

Room room_of(const Type& type) {
  static constexpr std::uint64_t kPlain[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4};
  const std::size_t count = type.parts.size();
  Room room;
  switch (type.kind) {
    case Kind::kRecord:
    case Kind::kTuple:
      for (const Part& field : type.parts) {
        const Room inner = room_of(*field.type);
        room = {up(room.size, inner.alignment) + inner.size, std::max(room.alignment, inner.alignment)};
      }
      return {up(room.size, room.alignment), room.alignment};
    case Kind::kVariant:
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kEnum: {
      const std::uint64_t discriminant = count > 65536 ? 4 : count > 256 ? 2 : 1;
      for (const Part& one : type.parts) {
        const Room inner = one.type ? room_of(*one.type) : Room{};
        room = {std::max(room.size, inner.size), std::max(room.alignment, inner.alignment)};
      }
      const std::uint64_t alignment = std::max(discriminant, room.alignment);
      return {up(up(discriminant, room.alignment) + room.size, alignment), alignment};
    }
    case Kind::kFixedList:
      room = room_of(*type.parts[0].type);
      return {room.size * type.length, room.alignment};
    case Kind::kFlags:
      room.size = count <= 8 ? 1 : count <= 16 ? 2 : 4;
      return {room.size, room.size};
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap:
      return {8, 4};
    case Kind::kOwn:
    case Kind::kBorrow:
      return {4, 4};
    default:
      room.size = kPlain[static_cast<std::size_t>(type.kind)];
      return {room.size, room.size};
  }
}

bool has_surrogate(const Value& value) {
  if (const auto* point = std::get_if<char32_t>(&value.content)) {
    return *point >= 0xd800 && *point <= 0xdfff;
  }
  if (const auto* sequence = std::get_if<Sequence>(&value.content)) {
    return std::ranges::any_of(sequence->items, has_surrogate);
  }
  const auto* choice = std::get_if<Choice>(&value.content);
  return choice != nullptr && std::ranges::any_of(choice->payload, has_surrogate);
}

struct Sides {
  ByteMemory memory;
  PlainSide side{memory};
  Encoding encoding = random_encoding();
  Lift lift{&memory, encoding, side};
  Lower lower{&memory, encoding, side};
};

TEST(Values, ComeBackFromMemoryAsTheyWereStored) {
  Tally tally;
  hold("store then load", 5000, [&] {
    Sides sides;
    const TypeRef type = random_type(3);
    const Value value = random_value(*type, sides.encoding);
    RC_ASSERT(conforms(value, *type));
    RC_ASSERT(type->size == room_of(*type).size);
    RC_ASSERT(type->alignment == room_of(*type).alignment);
    const std::uint32_t address =
        sides.memory.allocate(0, 0, type->alignment, static_cast<std::uint32_t>(type->size));
    RC_ASSERT(sides.lower.store(value, address, *type).has_value());
    const Result<Value> loaded = sides.lift.load(address, *type);
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(*loaded == value);
    RC_ASSERT(sides.side.lowered == reps_of(value));
    RC_ASSERT(sides.side.lifted == reps_of(value));
    ++tally[type->has_handles ? "handles" : "no handles"];
    ++tally[type->has_text ? "text" : "no text"];
    ++tally["kind " + std::to_string(static_cast<int>(type->kind))];
  });
  std::map<std::string, int> least = {{"handles", 100}, {"no handles", 100}, {"text", 100}};
  for (int kind = 0; kind <= static_cast<int>(Kind::kBorrow); ++kind) {
    least["kind " + std::to_string(kind)] = 40;
  }
  expect_met(tally, least);
}

TEST(Values, ComeBackFromSlotsAsTheyWereLowered) {
  Tally tally;
  hold("lower then lift in slots", 5000, [&] {
    Sides sides;
    const TypeRef type = random_type(3);
    const Value value = random_value(*type, sides.encoding);
    if (type->flat.size() > kMaxFlatParams) {
      ++tally["too many slots"];
      return;
    }
    std::vector<CoreValue> slots;
    RC_ASSERT(sides.lower.flat(value, *type, slots).has_value());
    RC_ASSERT(slots.size() == type->flat.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      RC_ASSERT(slots[i].type == type->flat[i]);
      RC_ASSERT(slots[i].type == CoreType::kI64 || slots[i].type == CoreType::kF64 ||
                slots[i].bits >> 32 == 0);
    }
    const Result<Value> lifted = sides.lift.flat(slots, *type);
    RC_ASSERT(lifted.has_value());
    RC_ASSERT(*lifted == value);
    ++tally[type->parts.empty() ? "plain" : "constructed"];
  });
  expect_met(tally, {{"plain", 200}, {"constructed", 300}});
}

/// P2: what lies above a narrow payload in a slot that a wider case shares is ignored.
TEST(Values, IgnoreTheUpperHalfOfAJoinedSlot) {
  Tally tally;
  hold("lift with garbage in the upper halves", 2000, [&] {
    Sides sides;
    const TypeRef narrow = random_type(1);
    if (narrow->flat.size() >= kMaxFlatParams) {
      return;
    }
    const TypeRef wide = types::tuple(std::vector<TypeRef>(narrow->flat.size(), types::plain(Kind::kU64)));
    const TypeRef type = types::variant({{"narrow", narrow}, {"wide", wide}});
    const Value value{Choice{0, {random_value(*narrow, sides.encoding)}}};
    std::vector<CoreValue> slots;
    RC_ASSERT(sides.lower.flat(value, *type, slots).has_value());
    for (std::size_t i = 0; i < narrow->flat.size(); ++i) {
      RC_ASSERT(slots[i + 1].type == CoreType::kI64);
      if (narrow->flat[i] == CoreType::kI32 || narrow->flat[i] == CoreType::kF32) {
        RC_ASSERT(slots[i + 1].bits >> 32 == 0u);
        slots[i + 1].bits |= random_bits() << 32;
        ++tally["narrow slots"];
      }
    }
    const Result<Value> lifted = sides.lift.flat(slots, *type);
    RC_ASSERT(lifted.has_value());
    RC_ASSERT(*lifted == value);
  });
  expect_met(tally, {{"narrow slots", 1000}});
}

TEST(Values, ComeBackAsParamsAndResultsOfFunctions) {
  Tally tally;
  hold("lower then lift of all parameters", 3000, [&] {
    Sides sides;
    std::vector<TypeRef> params;
    for (std::uint32_t i = below(6); i > 0; --i) {
      params.push_back(random_type(2));
    }
    const TypeRef tuple = types::tuple(params);
    const Value value = random_value(*tuple, sides.encoding);
    const std::size_t max_flat = below(2) == 0 ? kMaxFlatParams : kMaxFlatResults;
    const auto slots = sides.lower.values(std::get<Sequence>(value.content), *tuple, max_flat, std::nullopt);
    RC_ASSERT(slots.has_value());
    const auto lifted = sides.lift.values(*slots, *tuple, max_flat);
    RC_ASSERT(lifted.has_value());
    RC_ASSERT(Value{Sequence{*lifted}} == value);
    const bool spilled = tuple->flat.size() > max_flat;
    RC_ASSERT(slots->size() == (spilled ? 1 : tuple->flat.size()));
    ++tally[spilled ? "spilled" : "in slots"];
  });
  expect_met(tally, {{"spilled", 100}, {"in slots", 100}});
}

/// Nothing but the value's own area and what realloc gave is written.
TEST(Values, AreStoredWithinTheirArea) {
  hold("store within the area", 2000, [&] {
    Sides sides;
    const TypeRef type = random_type(3);
    const Value value = random_value(*type, sides.encoding);
    const auto size = static_cast<std::uint32_t>(type->size);
    const std::uint32_t address = sides.memory.allocate(0, 0, type->alignment, size + 16);
    RC_ASSERT(sides.lower.store(value, address, *type).has_value());
    for (std::uint32_t i = 0; i < kFree; ++i) {
      RC_ASSERT(sides.memory.integer(i, 1) == 0xaau);
    }
    for (std::uint32_t i = 0; i < 16; ++i) {
      RC_ASSERT(sides.memory.integer(address + size + i, 1) == 0xaau);
    }
  });
}

/// ByteMemory aborts on a read out of bounds; whatever is lifted conforms, and survives lowering.
TEST(Garbage, IsLiftedToAConformingValueOrTraps) {
  Tally tally;
  hold("lift of random slots and bytes", 10000, [&] {
    Sides sides;
    for (std::uint32_t i = 0; i < 512; i += 4) {  // small numbers now and then, so that pointers hit
      sides.memory.set(i, below(3) == 0 ? below(600) : static_cast<std::uint32_t>(random_bits()), 4);
    }
    const TypeRef type = random_type(2);
    Result<Value> lifted;
    if (type->flat.size() <= kMaxFlatParams && below(2) == 0) {
      std::vector<CoreValue> slots;
      for (const CoreType slot : type->flat) {
        const std::uint32_t choice = below(8);
        const std::uint64_t bits = choice < 4    ? below(64) * 8
                                   : choice == 4 ? 0xd000 + below(0x1000)
                                                 : random_bits();
        const bool wide = slot == CoreType::kI64 || slot == CoreType::kF64;
        slots.push_back({slot, wide ? bits : bits & 0xffffffff});
      }
      lifted = sides.lift.flat(slots, *type);
    } else {
      lifted = sides.lift.load(64, *type);
    }
    if (!lifted) {
      ++tally[std::string(to_string(lifted.error().trap_class))];
      return;
    }
    ++tally["lifted"];
    RC_ASSERT(conforms(*lifted, *type));
    RC_ASSERT(!has_surrogate(*lifted));
    const std::uint32_t address =
        sides.memory.allocate(0, 0, type->alignment, static_cast<std::uint32_t>(type->size));
    RC_ASSERT(sides.lower.store(*lifted, address, *type).has_value());
    const Result<Value> again = sides.lift.load(address, *type);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == *lifted);
  });
  expect_met(tally, {{"lifted", 500},
                     {"out_of_bounds", 100},
                     {"misaligned", 20},
                     {"bad_discriminant", 100},
                     {"bad_utf8", 5},
                     {"bad_char", 20},
                     {"list_too_long", 20},
                     {"string_too_long", 20}});
}

}  // namespace
}  // namespace meld_verify::spec
