#include "engine/topology/positions.h"

#include <fmt/format.h>

namespace meld_verify::topology {
namespace {

using component::Member;
using component::TypeArena;
using component::TypeId;
using component::TypeKind;
using component::TypeNode;

/// Where a value begins: the next slots, or an offset in an area.
struct Start {
  Root root = Root::kFlat;
  bool flat = true;        ///< in slots; else in memory, also behind a list's pointer in a slot
  std::uint32_t slot = 0;  ///< flat: first slot of the value; else the slot of the outermost pointer
  std::vector<ListHop> lists;
  std::uint64_t offset = 0;  ///< in memory
};

class Visitor {
 public:
  Visitor(const TypeArena& arena, const Layouts& layouts, Signature& out)
      : arena_(arena), layouts_(layouts), out_(out) {}

  /// `slots` are the types of the flat slots of the whole parameter or result list, joined where they are
  /// shared.
  void signature_part(bool result, const std::vector<SlotType>& slots) {
    result_ = result;
    slots_ = &slots;
  }

  void value(TypeId id, const Start& start) {
    const TypeNode& node = arena_[id];
    if (!node.has_handle || out_.unsupported) {
      return;
    }
    switch (node.kind) {
      case TypeKind::kOwn:
      case TypeKind::kBorrow:
        handle(node, start);
        break;
      case TypeKind::kStream:
      case TypeKind::kFuture:
        out_.unsupported = {"stream", "a stream or future crosses here, which is out of scope"};
        break;
      case TypeKind::kRecord:
      case TypeKind::kTuple:
        record(node, start);
        break;
      case TypeKind::kVariant:
      case TypeKind::kOption:
      case TypeKind::kResult:
        variant(node, layouts_[id], start);
        break;
      case TypeKind::kFixedList:
        fixed_list(node, start);
        break;
      case TypeKind::kList:
        list(*node.members.front().type, start);
        break;
      case TypeKind::kMap:
        map(node, start);
        break;
      default:
        break;
    }
  }

  void push(std::string part) { path_.push_back(std::move(part)); }
  void pop() { path_.pop_back(); }

 private:
  Location location(const Start& start, bool handle) const {
    Location location;
    location.root = start.root;
    location.slot = start.root == Root::kFlat ? start.slot : 0;
    location.lists = start.lists;
    location.offset = start.flat ? 0 : static_cast<std::uint32_t>(start.offset);
    if (handle && start.flat && start.slot < slots_->size()) {
      location.slot_type = (*slots_)[start.slot];
    }
    return location;
  }

  void handle(const TypeNode& node, const Start& start) {
    if (out_.handles.size() >= kMostPositions) {
      out_.unsupported = {"too-many-handles",
                          fmt::format("more than {} handle positions in one function", kMostPositions)};
      return;
    }
    HandlePlace& place = out_.handles.emplace_back();
    place.kind = node.kind == TypeKind::kOwn ? HandleKind::kOwn : HandleKind::kBorrow;
    place.result = result_;
    place.resource = node.resource;
    place.alias_depth = node.alias_depth;
    place.label = node.resource_label;
    for (const std::string& part : path_) {
      place.layout.path += (place.layout.path.empty() ? "" : "/") + part;
    }
    place.layout.caller = place.layout.callee = location(start, true);
    place.layout.guards = guards_;
    place.layout.in_aggregate = aggregates_ > 0;
    place.layout.in_variant = !guards_.empty();
    place.layout.in_list = lists_ > 0;
  }

  void advance(Start& at, TypeId id) const {
    if (at.flat) {
      at.slot += static_cast<std::uint32_t>(layouts_[id].slots.size());
    } else {
      at.offset += layouts_[id].size;
    }
  }

  void align(Start& at, TypeId id) const {
    if (!at.flat) {
      at.offset = aligned(at.offset, layouts_[id].alignment);
    }
  }

  void record(const TypeNode& node, Start at) {
    ++aggregates_;
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      const Member& member = node.members[i];
      align(at, *member.type);
      push(node.kind == TypeKind::kTuple ? std::to_string(i) : member.label);
      value(*member.type, at);
      pop();
      advance(at, *member.type);
    }
    --aggregates_;
  }

  void variant(const TypeNode& node, const TypeLayout& layout, const Start& start) {
    Start payload = start;
    if (start.flat) {
      ++payload.slot;
    } else {
      payload.offset += layout.payload;
    }
    const std::size_t first = node.kind == TypeKind::kOption ? 1 : 0;  // the case `none` has no member
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      const Member& item = node.members[i];
      if (!item.type || !arena_[*item.type].has_handle) {
        continue;
      }
      Guard guard;
      guard.caller = guard.callee = location(start, false);
      guard.width = start.flat ? std::uint8_t{4} : static_cast<std::uint8_t>(layout.discriminant);
      guard.case_index = static_cast<std::uint32_t>(i + first);
      guard.case_label = item.label;
      guards_.push_back(std::move(guard));
      push(item.label);
      value(*item.type, payload);
      pop();
      guards_.pop_back();
    }
  }

  void fixed_list(const TypeNode& node, Start at) {
    const TypeId element = *node.members.front().type;
    ++lists_;
    for (std::uint32_t i = 0; i < node.length && !out_.unsupported; ++i) {
      push(fmt::format("[{}]", i));
      value(element, at);
      pop();
      advance(at, element);
    }
    --lists_;
  }

  /// The start of an element behind the pointer at `start`.
  Start element_of(const Start& start, std::uint64_t stride) const {
    Start element = start;
    element.flat = false;
    element.lists.push_back(
        {start.flat ? 0 : static_cast<std::uint32_t>(start.offset), static_cast<std::uint32_t>(stride)});
    element.offset = 0;
    return element;
  }

  void list(TypeId element, const Start& start) {
    ++lists_;
    push("[]");
    value(element, element_of(start, layouts_[element].size));
    pop();
    --lists_;
  }

  void map(const TypeNode& node, const Start& start) {
    const TypeLayout& key = layouts_[*node.members[0].type];
    const TypeLayout& content = layouts_[*node.members[1].type];
    const std::uint64_t offset = aligned(key.size, content.alignment);
    const std::uint32_t alignment = std::max(key.alignment, content.alignment);
    Start element = element_of(start, aligned(offset + content.size, alignment));
    element.offset = offset;
    ++lists_;
    push("[]");
    push("value");
    value(*node.members[1].type, element);
    pop();
    pop();
    --lists_;
  }

  const TypeArena& arena_;
  const Layouts& layouts_;
  Signature& out_;
  bool result_ = false;
  const std::vector<SlotType>* slots_ = nullptr;
  std::vector<std::string> path_;
  std::vector<Guard> guards_;
  unsigned aggregates_ = 0;
  unsigned lists_ = 0;
};

}  // namespace

Signature handles_of(const component::FuncType& type, const TypeArena& arena, const Layouts& layouts) {
  Signature out;
  std::vector<SlotType> slots;
  std::uint64_t bytes = 0;
  for (const component::Parameter& param : type.params) {
    const TypeLayout& layout = layouts[param.type];
    bytes = aligned(bytes, layout.alignment) + layout.size;
    slots.insert(slots.end(), layout.slots.begin(), layout.slots.end());
    if (bytes >= kMostBytes) {
      break;
    }
  }
  if (bytes >= kMostBytes || (type.result && layouts[*type.result].size >= kMostBytes)) {
    out.unsupported = {"too-large", "a value of 256 MiB or more in a signature"};
    return out;
  }
  Visitor visitor(arena, layouts, out);
  const bool spilled = slots.size() > kMostFlatParams;
  Start at{.root = spilled ? Root::kParamArea : Root::kFlat,
           .flat = !spilled,
           .slot = 0,
           .lists = {},
           .offset = 0};
  visitor.signature_part(false, slots);
  visitor.push("params");
  for (const component::Parameter& param : type.params) {
    const TypeLayout& layout = layouts[param.type];
    if (spilled) {
      at.offset = aligned(at.offset, layout.alignment);
    }
    visitor.push(param.name);
    visitor.value(param.type, at);
    visitor.pop();
    if (spilled) {
      at.offset += layout.size;
    } else {
      at.slot += static_cast<std::uint32_t>(layout.slots.size());
    }
  }
  visitor.pop();
  if (type.result) {
    const std::vector<SlotType>& result_slots = layouts[*type.result].slots;
    const bool area = result_slots.size() > kMostFlatResults;
    visitor.signature_part(true, result_slots);
    visitor.push("result");
    visitor.value(
        *type.result,
        {.root = area ? Root::kResultArea : Root::kFlat, .flat = !area, .slot = 0, .lists = {}, .offset = 0});
  }
  if (out.unsupported && out.unsupported->first == "too-many-handles") {
    out.handles.clear();
  }
  return out;
}

}  // namespace meld_verify::topology
