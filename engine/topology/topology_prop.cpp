#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "engine/topology/positions.h"
#include "engine/topology/random_shape.h"

namespace meld_verify::topology {

using component::TypeId;
using component::TypeKind;

// --- types

ShapeLayout layout_of(const Shape& shape) {
  const auto up = [](std::uint64_t offset, std::uint64_t alignment) {
    while (offset % alignment != 0) {
      ++offset;
    }
    return offset;
  };
  ShapeLayout out;
  switch (shape.kind) {
    case TypeKind::kBool:
    case TypeKind::kS8:
    case TypeKind::kU8:
      return {1, 1, "i"};
    case TypeKind::kS16:
    case TypeKind::kU16:
      return {2, 2, "i"};
    case TypeKind::kS64:
    case TypeKind::kU64:
      return {8, 8, "I"};
    case TypeKind::kF32:
      return {4, 4, "f"};
    case TypeKind::kF64:
      return {8, 8, "F"};
    case TypeKind::kString:
    case TypeKind::kList:
    case TypeKind::kMap:
      return {8, 4, "ii"};
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      for (const Shape& field : shape.below) {
        const ShapeLayout at = layout_of(field);
        out.size = up(out.size, at.alignment) + at.size;
        out.alignment = std::max(out.alignment, at.alignment);
        out.slots += at.slots;
      }
      out.size = up(out.size, out.alignment);
      return out;
    case TypeKind::kFixedList:
      for (std::uint32_t i = 0; i < shape.length; ++i) {
        const ShapeLayout at = layout_of(shape.below[0]);
        out.size += at.size;
        out.alignment = at.alignment;
        out.slots += at.slots;
      }
      return out;
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const std::uint64_t tag = shape.payloads.size() > 256 ? 2 : 1;
      std::uint64_t most = 0;
      std::uint64_t alignment = 1;
      for (const Shape& payload : shape.below) {
        const ShapeLayout at = layout_of(payload);
        most = std::max(most, at.size);
        alignment = std::max(alignment, at.alignment);
        for (std::size_t i = 0; i < at.slots.size(); ++i) {
          if (i == out.slots.size()) {
            out.slots += at.slots[i];
          } else if (out.slots[i] != at.slots[i]) {
            const std::string both{out.slots[i], at.slots[i]};
            out.slots[i] = both == "if" || both == "fi" ? 'i' : 'I';
          }
        }
      }
      out.slots = "i" + out.slots;
      out.alignment = std::max(tag, alignment);
      out.size = up(up(tag, alignment) + most, out.alignment);
      return out;
    }
    default:
      return {4, 4, "i"};
  }
}

TypeId add(const Shape& shape, SmallComposition& to, ResourceId resource) {
  std::vector<TypeId> below;
  for (const Shape& part : shape.below) {
    below.push_back(add(part, to, resource));
  }
  switch (shape.kind) {
    case TypeKind::kOwn:
      return to.own(resource);
    case TypeKind::kBorrow:
      return to.borrow(resource);
    case TypeKind::kRecord: {
      std::vector<SmallComposition::Labelled> fields;
      for (const TypeId id : below) {
        fields.emplace_back("f" + std::to_string(fields.size()), id);
      }
      return to.record(fields);
    }
    case TypeKind::kTuple:
      return to.tuple(below);
    case TypeKind::kList:
      return to.list(below[0]);
    case TypeKind::kFixedList:
      return to.fixed_list(below[0], shape.length);
    case TypeKind::kMap:
      return to.map(below[0], below[1]);
    case TypeKind::kOption:
      return to.option(below[0]);
    case TypeKind::kVariant:
    case TypeKind::kResult: {
      std::vector<SmallComposition::Labelled> cases;
      std::size_t used = 0;
      for (const bool payload : shape.payloads) {
        cases.emplace_back("c" + std::to_string(cases.size()),
                           payload ? std::optional(below[used++]) : std::nullopt);
      }
      return shape.kind == TypeKind::kVariant ? to.variant(cases)
                                              : to.result(cases[0].second, cases[1].second);
    }
    default:
      return to.primitive(shape.kind);
  }
}

// --- values

std::uint32_t draw(ShapeMemory& memory, std::uint32_t bound) {
  memory.rubbish = memory.rubbish * 1'664'525u + 1'013'904'223u;
  return (memory.rubbish >> 8) % bound;
}

std::uint32_t allocate(ShapeMemory& memory, std::uint64_t size, std::uint64_t alignment) {
  while (memory.bytes.size() % alignment != 0) {
    memory.bytes.push_back(0xee);
  }
  const auto address = static_cast<std::uint32_t>(memory.bytes.size());
  for (std::uint64_t i = 0; i < size; ++i) {
    memory.bytes.push_back(static_cast<std::uint8_t>(draw(memory, 256)));
  }
  return address;
}

std::uint32_t load(const ShapeMemory& memory, std::uint64_t address, unsigned width) {
  std::uint32_t number = 0;
  for (unsigned i = width; i-- > 0;) {
    number = number << 8 | memory.bytes.at(address + i);
  }
  return number;
}

namespace {

void put(ShapeMemory& memory, std::uint64_t address, std::uint32_t number, unsigned width) {
  for (unsigned i = 0; i < width; ++i) {
    memory.bytes.at(address + i) = static_cast<std::uint8_t>(number >> (8 * i));
  }
}

std::uint32_t new_handle(ShapeMemory& memory) {
  memory.handles.push_back(0x7000'0000u + static_cast<std::uint32_t>(memory.handles.size()));
  return memory.handles.back();
}

/// The case that a value has, and its payload's shape if it has one.
std::pair<std::uint32_t, const Shape*> some_case(const Shape& shape, ShapeMemory& memory) {
  const std::uint32_t chosen = draw(memory, static_cast<std::uint32_t>(shape.payloads.size()));
  std::size_t before = 0;
  for (std::uint32_t i = 0; i < chosen; ++i) {
    before += shape.payloads[i] ? 1 : 0;
  }
  return {chosen, shape.payloads[chosen] ? &shape.below[before] : nullptr};
}

/// A list's or map's elements: their address and number.
std::pair<std::uint32_t, std::uint32_t> store_elements(const Shape& shape, ShapeMemory& memory) {
  Shape element;
  element.kind = TypeKind::kTuple;
  element.below = shape.below;
  const ShapeLayout at = layout_of(element);
  const std::uint32_t count = draw(memory, 4);
  const std::uint32_t address = allocate(memory, at.size * count, at.alignment);
  for (std::uint32_t i = 0; i < count; ++i) {
    store(element, address + i * static_cast<std::uint32_t>(at.size), memory);
  }
  return {address, count};
}

}  // namespace

void store(const Shape& shape, std::uint32_t address, ShapeMemory& memory) {
  switch (shape.kind) {
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
      put(memory, address, new_handle(memory), 4);
      break;
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      for (const Shape& field : shape.below) {
        const ShapeLayout at = layout_of(field);
        while (address % at.alignment != 0) {
          ++address;
        }
        store(field, address, memory);
        address += static_cast<std::uint32_t>(at.size);
      }
      break;
    case TypeKind::kFixedList:
      for (std::uint32_t i = 0; i < shape.length; ++i) {
        store(shape.below[0], address, memory);
        address += static_cast<std::uint32_t>(layout_of(shape.below[0]).size);
      }
      break;
    case TypeKind::kList:
    case TypeKind::kMap: {
      const auto [elements, count] = store_elements(shape, memory);
      put(memory, address, elements, 4);
      put(memory, address + 4, count, 4);
      break;
    }
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const auto [chosen, payload] = some_case(shape, memory);
      const unsigned tag = shape.payloads.size() > 256 ? 2 : 1;
      put(memory, address, chosen, tag);
      std::uint64_t alignment = 1;  // of the widest case, not only of this one
      for (const Shape& other : shape.below) {
        alignment = std::max(alignment, layout_of(other).alignment);
      }
      std::uint32_t at = address + tag;
      while (at % alignment != 0) {
        ++at;
      }
      if (payload != nullptr) {
        store(*payload, at, memory);
      }
      break;
    }
    default:
      break;  // what is there is as good as any number
  }
}

std::vector<std::uint64_t> lower(const Shape& shape, ShapeMemory& memory) {
  const auto high_rubbish = [&] { return std::uint64_t{draw(memory, 0xffff)} << 40; };
  std::vector<std::uint64_t> slots;
  switch (shape.kind) {
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
      return {new_handle(memory) | high_rubbish()};
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      for (const Shape& field : shape.below) {
        const std::vector<std::uint64_t> more = lower(field, memory);
        slots.insert(slots.end(), more.begin(), more.end());
      }
      return slots;
    case TypeKind::kFixedList:
      for (std::uint32_t i = 0; i < shape.length; ++i) {
        const std::vector<std::uint64_t> more = lower(shape.below[0], memory);
        slots.insert(slots.end(), more.begin(), more.end());
      }
      return slots;
    case TypeKind::kList:
    case TypeKind::kMap: {
      const auto [elements, count] = store_elements(shape, memory);
      return {elements | high_rubbish(), count};
    }
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult: {
      const auto [chosen, payload] = some_case(shape, memory);
      slots = {chosen | high_rubbish()};
      if (payload != nullptr) {
        const std::vector<std::uint64_t> more = lower(*payload, memory);
        slots.insert(slots.end(), more.begin(), more.end());
      }
      while (slots.size() < layout_of(shape).slots.size()) {
        slots.push_back(draw(memory, 0xffff));
      }
      return slots;
    }
    default:
      for (std::size_t i = 0; i < layout_of(shape).slots.size(); ++i) {
        slots.push_back(draw(memory, 0xffff));
      }
      return slots;
  }
}

namespace {

/// All numbers below the bound alike, also in the first cases (which RapidCheck would keep small).
std::uint32_t below(std::uint32_t bound) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(std::uint32_t{0}, bound));
}

Shape random_shape(unsigned depth, bool borrows) {
  static constexpr TypeKind kLeaves[] = {
      TypeKind::kBool, TypeKind::kU8,   TypeKind::kS16, TypeKind::kU32, TypeKind::kU64,    TypeKind::kF32,
      TypeKind::kF64,  TypeKind::kChar, TypeKind::kOwn, TypeKind::kOwn, TypeKind::kBorrow, TypeKind::kString};
  static constexpr TypeKind kNodes[] = {TypeKind::kRecord, TypeKind::kTuple,     TypeKind::kVariant,
                                        TypeKind::kOption, TypeKind::kResult,    TypeKind::kList,
                                        TypeKind::kMap,    TypeKind::kFixedList, TypeKind::kVariant};
  Shape shape;
  if (depth == 0 || below(5) == 0) {
    shape.kind = kLeaves[below(std::size(kLeaves))];
    if (shape.kind == TypeKind::kBorrow && !borrows) {
      shape.kind = TypeKind::kOwn;
    }
    return shape;
  }
  const auto parts = [&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      shape.below.push_back(random_shape(depth - 1, borrows));
    }
  };
  shape.kind = kNodes[below(std::size(kNodes))];
  switch (shape.kind) {
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      parts(1 + below(4));
      break;
    case TypeKind::kMap: {
      Shape key;
      key.kind = std::array{TypeKind::kU8, TypeKind::kU32, TypeKind::kS64, TypeKind::kString}[below(4)];
      shape.below.push_back(key);
      parts(1);
      break;
    }
    case TypeKind::kFixedList:
      shape.length = 1 + below(3);
      parts(1);
      break;
    case TypeKind::kOption:
      shape.payloads = {false, true};
      parts(1);
      break;
    case TypeKind::kResult:
    case TypeKind::kVariant: {
      // Sometimes with so many cases that the discriminant takes two bytes.
      const std::uint32_t empty = shape.kind == TypeKind::kVariant && below(8) == 0 ? 256 : 0;
      shape.payloads.assign(empty, false);
      const std::uint32_t cases = shape.kind == TypeKind::kResult ? 2 : 1 + below(3);
      for (std::uint32_t i = 0; i < cases; ++i) {
        shape.payloads.push_back(below(3) != 0);
      }
      parts(static_cast<std::uint32_t>(std::count(shape.payloads.begin(), shape.payloads.end(), true)));
      break;
    }
    default:
      parts(1);
      break;
  }
  return shape;
}

/// A value in slots and memory, or in an area, as a callee gets it.
struct Given {
  ShapeMemory memory;
  std::vector<std::uint64_t> slots;
  std::uint32_t area = 0;
};

/// Reads what a layout says is there: follows the lists to every element, and past the guards that hold.
class Reader {
 public:
  Reader(const Layout& layout, const Given& given) : layout_(layout), given_(given) {}

  std::vector<std::uint32_t> read() {
    const Location& at = layout_.callee;
    if (at.root == Root::kFlat) {
      walk(0, 0, 0);
    } else {
      walk(0, 0, given_.area);
    }
    return found_;
  }

 private:
  /// Past guards from number `guard`, after `hops` lists, in the area that begins at `area`.
  void walk(std::size_t guard, std::size_t hops, std::uint32_t area) {
    const bool in_slots = layout_.callee.root == Root::kFlat && hops == 0;
    while (guard < layout_.guards.size() && layout_.guards[guard].callee.lists.size() == hops) {
      const Guard& test = layout_.guards[guard++];
      const std::uint32_t discriminant =
          in_slots ? slot(test.callee.slot) : load(given_.memory, area + test.callee.offset, test.width);
      if (discriminant != test.case_index) {
        return;
      }
    }
    const Location& at = layout_.callee;
    if (hops == at.lists.size()) {
      found_.push_back(in_slots ? slot(at.slot) : load(given_.memory, area + at.offset, 4));
      return;
    }
    const ListHop& hop = at.lists[hops];
    const std::uint32_t elements = in_slots ? slot(at.slot) : load(given_.memory, area + hop.offset, 4);
    const std::uint32_t count = in_slots ? slot(at.slot + 1) : load(given_.memory, area + hop.offset + 4, 4);
    for (std::uint32_t i = 0; i < count; ++i) {
      walk(guard, hops + 1, elements + i * hop.stride);
    }
  }

  std::uint32_t slot(std::uint32_t number) const {
    return static_cast<std::uint32_t>(given_.slots.at(number));
  }

  const Layout& layout_;
  const Given& given_;
  std::vector<std::uint32_t> found_;
};

char letter(SlotType type) {
  return "iIfF"[static_cast<std::size_t>(type)];
}

/// What the positions of one half of a signature read from a value, sorted.
std::vector<std::uint32_t> read_all(const Signature& signature, bool result, const Given& given) {
  std::vector<std::uint32_t> found;
  for (const HandlePlace& place : signature.handles) {
    if (place.result == result) {
      const std::vector<std::uint32_t> more = Reader(place.layout, given).read();
      found.insert(found.end(), more.begin(), more.end());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

RC_GTEST_PROP(TopologyProperty, LayoutsAreThoseOfAnotherReading, ()) {
  const Shape shape = random_shape(4, true);
  SmallComposition small;
  const TypeId id = add(shape, small, small.resource(kRoot, "", "thing"));
  const Layouts layouts(small.made.types);
  const ShapeLayout other = layout_of(shape);
  RC_CLASSIFY(other.slots.size() > kMostSlots, "more slots than are counted");
  RC_ASSERT(layouts[id].size == other.size);
  RC_ASSERT(layouts[id].alignment == other.alignment);
  std::string slots;
  for (const SlotType slot : layouts[id].slots) {
    slots += letter(slot);
  }
  RC_ASSERT(slots == other.slots.substr(0, kMostSlots + 1));
}

RC_GTEST_PROP(TopologyProperty, PositionsReadAllHandlesOfTheParameters, ()) {
  Shape params;
  params.kind = TypeKind::kTuple;
  const std::uint32_t count = 1 + below(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    params.below.push_back(random_shape(3, true));
  }
  SmallComposition small;
  const ResourceId thing = small.resource(kRoot, "", "thing");
  std::vector<std::pair<std::string, TypeId>> types;
  for (const Shape& param : params.below) {
    types.emplace_back("p" + std::to_string(types.size()), add(param, small, thing));
  }
  const component::FuncTypeId type = small.func(types);
  const Signature signature = handles_of(small.made.types[type], small.made.types, Layouts(small.made.types));
  RC_ASSERT(!signature.limit);

  const ShapeLayout whole = layout_of(params);
  const bool spilled = whole.slots.size() > 16;
  Given given;
  given.memory.rubbish = *rc::gen::arbitrary<std::uint32_t>();
  given.memory.bytes.resize(64, 0xee);
  if (spilled) {
    given.area = allocate(given.memory, whole.size, whole.alignment);
    store(params, given.area, given.memory);
  } else {
    given.slots = lower(params, given.memory);
  }
  RC_CLASSIFY(spilled, "spilled");
  RC_CLASSIFY(!given.memory.handles.empty(), "with handles");
  for (const HandlePlace& place : signature.handles) {
    const Location& at = place.layout.callee;
    RC_ASSERT(at.root == (spilled ? Root::kParamArea : Root::kFlat));
    RC_ASSERT(at == place.layout.caller);
    if (!spilled) {
      RC_ASSERT(letter(at.slot_type) == whole.slots.at(at.slot));
    }
    for (const Guard& guard : place.layout.guards) {
      if (guard.callee.root == Root::kFlat) {
        RC_ASSERT(letter(guard.callee.slot_type) == whole.slots.at(guard.callee.slot));
      }
    }
  }
  RC_ASSERT(read_all(signature, false, given) == given.memory.handles);
}

RC_GTEST_PROP(TopologyProperty, PositionsReadAllHandlesOfTheResult, ()) {
  const Shape shape = random_shape(4, false);
  SmallComposition small;
  const component::FuncTypeId type = small.func({}, add(shape, small, small.resource(kRoot, "", "thing")));
  const Signature signature = handles_of(small.made.types[type], small.made.types, Layouts(small.made.types));
  RC_ASSERT(!signature.limit);
  const ShapeLayout whole = layout_of(shape);
  const bool area = whole.slots.size() > 1;
  Given given;
  given.memory.rubbish = *rc::gen::arbitrary<std::uint32_t>();
  given.memory.bytes.resize(64, 0xee);
  if (area) {
    given.area = allocate(given.memory, whole.size, whole.alignment);
    store(shape, given.area, given.memory);
  } else {
    given.slots = lower(shape, given.memory);
  }
  RC_CLASSIFY(!given.memory.handles.empty(), "with handles");
  for (const HandlePlace& place : signature.handles) {
    RC_ASSERT(place.result);
    RC_ASSERT(place.kind == HandleKind::kOwn);
    RC_ASSERT(place.layout.caller.root == (area ? Root::kResultArea : Root::kFlat));
  }
  RC_ASSERT(read_all(signature, true, given) == given.memory.handles);
}

}  // namespace
}  // namespace meld_verify::topology
