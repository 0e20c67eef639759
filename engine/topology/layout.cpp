#include "engine/topology/layout.h"

#include <algorithm>
#include <utility>

namespace meld_verify::topology {
namespace {

using component::Member;
using component::TypeKind;
using component::TypeNode;

std::uint32_t discriminant_bytes(std::size_t cases) {
  return cases <= 256 ? 1 : cases <= 65'536 ? 2 : 4;
}

void append(std::vector<SlotType>& slots, const std::vector<SlotType>& more) {
  for (const SlotType slot : more) {
    if (slots.size() > kMostSlots) {
      return;
    }
    slots.push_back(slot);
  }
}

class Computation {
 public:
  explicit Computation(const std::vector<TypeLayout>& known) : known_(known) {}

  TypeLayout of(const TypeNode& node) const {
    switch (node.kind) {
      case TypeKind::kBool:
      case TypeKind::kS8:
      case TypeKind::kU8:
        return scalar(1, SlotType::kI32);
      case TypeKind::kS16:
      case TypeKind::kU16:
        return scalar(2, SlotType::kI32);
      case TypeKind::kS32:
      case TypeKind::kU32:
      case TypeKind::kChar:
      case TypeKind::kErrorContext:
      case TypeKind::kOwn:
      case TypeKind::kBorrow:
      case TypeKind::kStream:
      case TypeKind::kFuture:
        return scalar(4, SlotType::kI32);
      case TypeKind::kS64:
      case TypeKind::kU64:
        return scalar(8, SlotType::kI64);
      case TypeKind::kF32:
        return scalar(4, SlotType::kF32);
      case TypeKind::kF64:
        return scalar(8, SlotType::kF64);
      case TypeKind::kString:
        return range(0, 1);
      case TypeKind::kList: {
        const TypeLayout& element = known_[node.members.front().type->value];
        return range(0, element.size);
      }
      case TypeKind::kMap: {
        const TypeLayout& key = known_[node.members[0].type->value];
        const TypeLayout& value = known_[node.members[1].type->value];
        const std::uint64_t offset = aligned(key.size, value.alignment);
        return range(offset, aligned(offset + value.size, std::max(key.alignment, value.alignment)));
      }
      case TypeKind::kRecord:
      case TypeKind::kTuple:
        return record(node.members);
      case TypeKind::kFlags:
        return scalar(node.members.size() <= 8 ? 1 : node.members.size() <= 16 ? 2 : 4, SlotType::kI32);
      case TypeKind::kVariant:
      case TypeKind::kResult:
      case TypeKind::kEnum:
        return variant(node.members);
      case TypeKind::kOption:
        return variant({Member{"none", {}}, node.members.front()});
      case TypeKind::kFixedList:
        return repeated(known_[node.members.front().type->value], node.length);
    }
    return {};
  }

 private:
  static TypeLayout scalar(std::uint32_t bytes, SlotType slot) {
    TypeLayout layout;
    layout.size = bytes;
    layout.alignment = bytes;
    layout.slots = {slot};
    return layout;
  }

  /// A pointer and a number of elements, `stride` bytes apart.
  static TypeLayout range(std::uint64_t payload, std::uint64_t stride) {
    TypeLayout layout;
    layout.size = 8;
    layout.alignment = 4;
    layout.slots = {SlotType::kI32, SlotType::kI32};
    layout.payload = payload;
    layout.stride = stride;
    layout.too_large = stride >= kMostBytes;
    return layout;
  }

  TypeLayout record(const std::vector<Member>& members) const {
    TypeLayout layout;
    for (const Member& member : members) {
      const TypeLayout& field = known_[member.type->value];
      layout.size = std::min(aligned(layout.size, field.alignment) + field.size, kMostBytes);
      layout.alignment = std::max(layout.alignment, field.alignment);
      append(layout.slots, field.slots);
    }
    layout.size = std::min(aligned(layout.size, layout.alignment), kMostBytes);
    return layout;
  }

  TypeLayout variant(const std::vector<Member>& cases) const {
    TypeLayout layout;
    layout.discriminant = discriminant_bytes(cases.size());
    layout.alignment = layout.discriminant;
    layout.slots = {SlotType::kI32};
    std::uint64_t payload = 0;
    std::uint32_t payload_alignment = 1;
    for (const Member& item : cases) {
      if (!item.type) {
        continue;
      }
      const TypeLayout& content = known_[item.type->value];
      payload = std::max(payload, content.size);
      payload_alignment = std::max(payload_alignment, content.alignment);
      for (std::size_t i = 0; i < content.slots.size() && i + 1 <= kMostSlots; ++i) {
        if (i + 1 < layout.slots.size()) {
          layout.slots[i + 1] = joined(layout.slots[i + 1], content.slots[i]);
        } else {
          layout.slots.push_back(content.slots[i]);
        }
      }
    }
    layout.alignment = std::max(layout.alignment, payload_alignment);
    layout.payload = aligned(layout.discriminant, payload_alignment);
    layout.size = std::min(aligned(layout.payload + payload, layout.alignment), kMostBytes);
    return layout;
  }

  static TypeLayout repeated(const TypeLayout& element, std::uint32_t count) {
    TypeLayout layout;
    layout.alignment = element.alignment;
    layout.size = std::min(element.size * count, kMostBytes);
    for (std::uint32_t i = 0; i < count && layout.slots.size() <= kMostSlots && !element.slots.empty(); ++i) {
      append(layout.slots, element.slots);
    }
    return layout;
  }

  const std::vector<TypeLayout>& known_;
};

}  // namespace

std::uint64_t aligned(std::uint64_t offset, std::uint32_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

SlotType joined(SlotType left, SlotType right) {
  if (left == right) {
    return left;
  }
  const auto narrow = [](SlotType type) { return type == SlotType::kI32 || type == SlotType::kF32; };
  return narrow(left) && narrow(right) ? SlotType::kI32 : SlotType::kI64;
}

Layouts::Layouts(const component::TypeArena& arena) {
  layouts_.reserve(arena.nodes.size());
  const Computation computation(layouts_);
  for (const TypeNode& node : arena.nodes) {  // members have smaller numbers than what they are members of
    TypeLayout layout = computation.of(node);
    layout.too_large |= layout.size >= kMostBytes;
    for (const Member& member : node.members) {
      layout.too_large |= member.type && layouts_[member.type->value].too_large;
    }
    layouts_.push_back(std::move(layout));
  }
}

}  // namespace meld_verify::topology
