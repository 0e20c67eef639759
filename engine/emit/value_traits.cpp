#include "engine/emit/value_traits.h"

#include <algorithm>

namespace meld_verify::emit {
namespace {

using component::Member;
using component::TypeArena;
using component::TypeKind;
using component::TypeNode;
using topology::Layouts;
using topology::TypeLayout;

constexpr std::uint64_t kMostWeight = 0xffff'ffff;

/// Adds what is true of a type as soon as it is of a part.
void inherit(ValueTraits& traits, const ValueTraits& part, std::uint64_t times = 1) {
  traits.has_range |= part.has_range;
  traits.weight =
      static_cast<std::uint32_t>(std::min(kMostWeight, traits.weight + std::uint64_t{part.weight} * times));
}

bool is_full(std::size_t cases, std::uint32_t bytes) {
  return bytes < 4 && cases == std::size_t{1} << (8 * bytes);
}

}  // namespace

AllValueTraits::AllValueTraits(const TypeArena& arena, const Layouts& layouts) {
  traits_.reserve(arena.nodes.size());
  for (std::uint32_t i = 0; i < arena.nodes.size(); ++i) {  // members have smaller numbers
    const TypeNode& node = arena.nodes[i];
    const TypeLayout& layout = layouts[component::TypeId{i}];
    ValueTraits traits;
    traits.weight = 1;
    switch (node.kind) {
      case TypeKind::kS8:
      case TypeKind::kU8:
      case TypeKind::kS16:
      case TypeKind::kU16:
      case TypeKind::kS32:
      case TypeKind::kU32:
      case TypeKind::kS64:
      case TypeKind::kU64:
      case TypeKind::kF32:
      case TypeKind::kF64:
        traits.is_plain = true;
        break;
      case TypeKind::kChar:
        traits.is_plain = traits.has_range = true;
        break;
      case TypeKind::kEnum:
        traits.is_plain = true;
        traits.has_range = !is_full(node.members.size(), layout.discriminant);
        break;
      case TypeKind::kFlags:
        traits.is_plain = node.members.size() == 8 * layout.size;
        break;
      case TypeKind::kBool:
      case TypeKind::kOwn:
      case TypeKind::kBorrow:
      case TypeKind::kErrorContext:
      case TypeKind::kStream:
      case TypeKind::kFuture:
        break;
      case TypeKind::kString:
        traits.weight = 8;
        break;
      case TypeKind::kRecord:
      case TypeKind::kTuple: {
        std::uint64_t bytes = 0;
        traits.is_plain = true;
        for (const Member& member : node.members) {
          inherit(traits, traits_[member.type->value]);
          traits.is_plain &= traits_[member.type->value].is_plain;
          bytes += layouts[*member.type].size;
        }
        traits.is_plain &= bytes == layout.size;
        break;
      }
      case TypeKind::kFixedList:
        inherit(traits, traits_[node.members.front().type->value], std::min<std::uint32_t>(node.length, 4));
        traits.is_plain = traits_[node.members.front().type->value].is_plain;
        break;
      case TypeKind::kList:
      case TypeKind::kMap:
        for (const Member& member : node.members) {
          inherit(traits, traits_[member.type->value]);
        }
        traits.has_range = false;
        traits.weight = static_cast<std::uint32_t>(std::min(kMostWeight, traits.weight + std::uint64_t{8}));
        break;
      case TypeKind::kVariant:
      case TypeKind::kOption:
      case TypeKind::kResult:
        for (const Member& item : node.members) {
          if (item.type) {
            inherit(traits, traits_[item.type->value]);
          }
        }
        traits.weight = static_cast<std::uint32_t>(std::min(kMostWeight, traits.weight + std::uint64_t{1}));
        break;
    }
    traits_.push_back(traits);
  }
}

}  // namespace meld_verify::emit
