#include "engine/topology/positions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::uint64_t weight_of(const Location& location) {
  return location.lists.size() * sizeof(ListHop);
}

class Visitor {
 public:
  Visitor(const TypeArena& arena, const Layouts& layouts, std::uint64_t most_weight, Signature& out)
      : arena_(arena), layouts_(layouts), most_weight_(std::min(most_weight, kMostWeight)), out_(out) {}

  /// `slots` are the types of the flat slots of the whole parameter or result list, joined where they are
  /// shared.
  void signature_part(bool result, const std::vector<SlotType>& slots) {
    result_ = result;
    slots_ = &slots;
  }

  void value(TypeId id, const Start& start) {
    const TypeNode& node = arena_[id];
    if (!node.has_handle || stopped_) {
      return;
    }
    if (depth_ >= kMostDepth) {
      return stop("too-deep", fmt::format("types in a signature are nested {} deep or more", kMostDepth));
    }
    if (!weigh(sizeof(Start) + node.members.size())) {
      return;
    }
    ++depth_;
    switch (node.kind) {
      case TypeKind::kOwn:
      case TypeKind::kBorrow:
        handle(node, start);
        break;
      case TypeKind::kStream:
      case TypeKind::kFuture:
        if (!out_.limit) {
          out_.limit = {"stream", "a stream or future crosses here, which is out of scope"};
        }
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
        list(*node.members.front().type, layouts_[id], start, {});
        break;
      case TypeKind::kMap:
        list(*node.members[1].type, layouts_[id], start, "value");
        break;
      default:
        break;
    }
    --depth_;
  }

  void push(std::string part) { path_.push_back(std::move(part)); }
  void pop() { path_.pop_back(); }

 private:
  /// The list that was made so far is dropped: half of the handles would be worse than none.
  void stop(std::string code, std::string sentence) {
    out_.limit = {std::move(code), std::move(sentence)};
    out_.handles.clear();
    stopped_ = true;
  }

  bool weigh(std::uint64_t bytes) {
    out_.weight += bytes;
    if (out_.weight > most_weight_) {
      stop("too-many-handles", "the handle positions here take more memory than is set aside for them");
    }
    return !stopped_;
  }

  Location location(const Start& start) const {
    Location location;
    location.root = start.root;
    location.slot = start.root == Root::kFlat ? start.slot : 0;
    location.lists = start.lists;
    location.offset = start.flat ? 0 : static_cast<std::uint32_t>(start.offset);
    if (start.root == Root::kFlat && start.slot < slots_->size()) {
      location.slot_type = (*slots_)[start.slot];
    }
    return location;
  }

  void handle(const TypeNode& node, const Start& start) {
    if (out_.handles.size() >= kMostPositions) {
      return stop("too-many-handles",
                  fmt::format("more than {} handle positions in one function", kMostPositions));
    }
    HandlePlace place;
    place.kind = node.kind == TypeKind::kOwn ? HandleKind::kOwn : HandleKind::kBorrow;
    place.result = result_;
    place.resource = node.resource;
    place.alias_depth = node.alias_depth;
    place.label = node.resource_label;
    place.layout.path = fmt::format("{}", fmt::join(path_, "/"));
    place.layout.caller = place.layout.callee = location(start);
    place.layout.guards = guards_;
    place.layout.in_aggregate = aggregates_ > 0;
    place.layout.in_variant = !guards_.empty();
    place.layout.in_list = lists_ > 0;
    std::uint64_t weight = sizeof place + place.layout.path.size() + 2 * weight_of(place.layout.caller);
    for (const Guard& guard : guards_) {
      weight += sizeof guard + 2 * weight_of(guard.caller);
    }
    if (weigh(weight)) {
      out_.handles.push_back(std::move(place));
    }
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
    for (std::size_t i = 0; i < node.members.size() && !stopped_; ++i) {
      const Member& member = node.members[i];
      align(at, *member.type);
      if (arena_[*member.type].has_handle) {
        push(node.kind == TypeKind::kTuple ? std::to_string(i) : member.label);
        value(*member.type, at);
        pop();
      }
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
    const bool option = node.kind == TypeKind::kOption;  // its case `none` has no member
    for (std::size_t i = 0; i < node.members.size() && !stopped_; ++i) {
      const Member& item = node.members[i];
      if (!item.type || !arena_[*item.type].has_handle) {
        continue;
      }
      Guard guard;
      guard.caller = guard.callee = location(start);
      guard.width = start.flat ? std::uint8_t{4} : static_cast<std::uint8_t>(layout.discriminant);
      guard.case_index = static_cast<std::uint32_t>(option ? 1 : i);
      guard.case_label = option ? "some" : item.label;
      push(guard.case_label);
      guards_.push_back(std::move(guard));
      value(*item.type, payload);
      guards_.pop_back();
      pop();
    }
  }

  void fixed_list(const TypeNode& node, Start at) {
    const TypeId element = *node.members.front().type;
    ++lists_;
    for (std::uint32_t i = 0; i < node.length && !stopped_; ++i) {
      push(fmt::format("[{}]", i));
      value(element, at);
      pop();
      advance(at, element);
    }
    --lists_;
  }

  /// `content` is what lies at the layout's payload offset of each element, and `part` its name there.
  void list(TypeId content, const TypeLayout& layout, const Start& start, const std::string& part) {
    Start element = start;
    element.flat = false;
    element.lists.push_back({.offset = start.flat ? 0 : static_cast<std::uint32_t>(start.offset),
                             .stride = static_cast<std::uint32_t>(layout.stride)});
    element.offset = layout.payload;
    ++lists_;
    push("[]");
    if (!part.empty()) {
      push(part);
    }
    value(content, element);
    if (!part.empty()) {
      pop();
    }
    pop();
    --lists_;
  }

  const TypeArena& arena_;
  const Layouts& layouts_;
  const std::uint64_t most_weight_;
  Signature& out_;
  bool stopped_ = false;
  bool result_ = false;
  const std::vector<SlotType>* slots_ = nullptr;
  std::vector<std::string> path_;
  std::vector<Guard> guards_;
  unsigned depth_ = 0;
  unsigned aggregates_ = 0;
  unsigned lists_ = 0;
};

}  // namespace

Signature handles_of(const component::FuncType& type, const TypeArena& arena, const Layouts& layouts,
                     std::uint64_t most_weight) {
  Signature out;
  std::vector<SlotType> slots;  // of all parameters; more than kMostFlatParams are only counted to be more
  std::uint64_t bytes = 0;
  bool too_large = type.result && layouts[*type.result].too_large;
  for (const component::Parameter& param : type.params) {
    const TypeLayout& layout = layouts[param.type];
    bytes = std::min(aligned(bytes, layout.alignment) + layout.size, kMostBytes);
    too_large |= layout.too_large;
    if (slots.size() <= kMostFlatParams) {
      slots.insert(slots.end(), layout.slots.begin(), layout.slots.end());
    }
  }
  if (too_large || bytes >= kMostBytes) {
    out.limit = {"too-large", "a value type in its signature takes 256 MiB or more"};
    return out;
  }
  Visitor visitor(arena, layouts, most_weight, out);
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
  return out;
}

}  // namespace meld_verify::topology
