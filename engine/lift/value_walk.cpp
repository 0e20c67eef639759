#include "engine/lift/value_walk.h"

#include <fmt/format.h>

#include <algorithm>

namespace meld_verify::lift {
namespace {

using component::TypeId;
using component::TypeKind;
using component::TypeNode;
using smt::Answer;
using smt::TermOp;

/// Elements of a fixed-length list, or of a list of known length, that are walked at most.
constexpr std::uint64_t kMostElements = 4096;

ValuePlace part_of(const ValuePlace& place, std::size_t slot, std::size_t slots,
                   std::optional<Term> address) {
  ValuePlace part;
  if (place.address) {
    part.address = address;
  } else {
    for (std::size_t i = slot; i < slot + slots && i < place.slots.size(); ++i) {
      part.slots.push_back(place.slots[i]);
    }
  }
  return part;
}

}  // namespace

ValueWalk::ValueWalk(const component::TypeArena& arena, const topology::Layouts& layouts, Executor& executor,
                     smt::Terms& terms, smt::Decider& decider, const Path& path,
                     std::span<const std::pair<Term, std::uint64_t>> known)
    : arena_(arena),
      layouts_(layouts),
      executor_(executor),
      terms_(terms),
      decider_(decider),
      path_(path),
      known_(known),
      conditions_(path.conditions),
      path_conditions_(path.conditions.size()) {}

Term ValueWalk::with_known(Term term) {
  for (const auto& [what, value] : known_) {
    if (what == term) {
      return terms_.constant(terms_.width(term), value);
    }
  }
  return term;
}

Term ValueWalk::low(Term term, unsigned bits) {
  return terms_.width(term) <= bits ? term : terms_.resize(TermOp::kLow, term, bits);
}

Term ValueWalk::plus(Term address, std::uint64_t offset) {
  return terms_.apply(TermOp::kAdd, address, terms_.constant(32, offset));
}

/// The low `bits` of slot `slot`, or of the word at `offset`.
Term ValueWalk::read(const ValueSide& side, const ValuePlace& place, std::uint64_t offset, unsigned bits,
                     std::size_t slot) {
  if (!place.address) {
    return slot < place.slots.size() ? with_known(low(with_known(place.slots[slot]), bits))
                                     : terms_.symbol(bits, "missing slot");
  }
  if (!side.memory) {
    return terms_.symbol(bits, "missing memory");
  }
  return with_known(executor_.read(*side.memory, plus(*place.address, offset), bits / 8, conditions_));
}

void ValueWalk::flaw(Answer differs, std::string sentence) {
  if (differs != Answer::kNo && !only_possible_) {
    flaws.push_back({.certain = differs == Answer::kYes, .sentence = std::move(sentence)});
  }
}

void ValueWalk::same(Term from, Term to, const std::string& label) {
  if (from == to || only_possible_) {
    return;
  }
  const Answer follows = decider_.follows(conditions_, terms_.apply(TermOp::kEq, from, to));
  flaw(follows == Answer::kYes  ? Answer::kNo
       : follows == Answer::kNo ? Answer::kYes
                                : Answer::kUnknown,
       fmt::format("{}: another value arrives", label));
}

std::uint32_t ValueWalk::handles_below(TypeId id) {
  const TypeNode& node = arena_[id];
  if (!node.has_handle) {
    return 0;
  }
  if (node.kind == TypeKind::kOwn || node.kind == TypeKind::kBorrow) {
    return 1;
  }
  std::uint32_t sum = 0;
  for (const component::Member& member : node.members) {
    sum += member.type ? handles_below(*member.type) : 0;
  }
  return node.kind == TypeKind::kFixedList ? sum * node.length : sum;
}

bool ValueWalk::has_pointer(TypeId id) {
  const TypeNode& node = arena_[id];
  if (node.kind == TypeKind::kString || node.kind == TypeKind::kList || node.kind == TypeKind::kMap) {
    return true;
  }
  return std::any_of(node.members.begin(), node.members.end(), [this](const component::Member& member) {
    return member.type && has_pointer(*member.type);
  });
}

void ValueWalk::values(std::span<const component::Parameter> list, const ValuePlace& from,
                       const ValuePlace& to, const ValueSide& sender, const ValueSide& receiver,
                       std::uint32_t first_position, const std::string& label) {
  sender_ = sender;
  receiver_ = receiver;
  for (const bool only_possible : {false, true}) {
    only_possible_ = only_possible;
    position_ = first_position;
    std::size_t slot = 0;
    std::uint64_t offset = 0;
    for (const component::Parameter& item : list) {
      const topology::TypeLayout& layout = layouts_[item.type];
      offset = topology::aligned(offset, layout.alignment);
      const auto at = [&](const ValuePlace& place) {
        return part_of(place, slot, layout.slots.size(),
                       place.address ? std::optional(plus(*place.address, offset)) : std::nullopt);
      };
      value(item.type, at(from), at(to), item.name.empty() ? label : label + "/" + item.name);
      slot += layout.slots.size();
      offset += layout.size;
    }
  }
  only_possible_ = false;
}

void ValueWalk::value(TypeId id, const ValuePlace& from, const ValuePlace& to, const std::string& label) {
  if (only_possible_ && !arena_[id].has_handle) {
    return;
  }
  switch (arena_[id].kind) {
    case TypeKind::kBool:
    case TypeKind::kS8:
    case TypeKind::kU8:
      return scalar(id, 8, from, to, label);
    case TypeKind::kS16:
    case TypeKind::kU16:
      return scalar(id, 16, from, to, label);
    case TypeKind::kS32:
    case TypeKind::kU32:
    case TypeKind::kF32:
    case TypeKind::kChar:
      return scalar(id, 32, from, to, label);
    case TypeKind::kS64:
    case TypeKind::kU64:
    case TypeKind::kF64:
      return scalar(id, 64, from, to, label);
    case TypeKind::kEnum:
    case TypeKind::kFlags:
      return scalar(id, static_cast<unsigned>(8 * std::min<std::uint64_t>(layouts_[id].size, 4)), from, to,
                    label);
    case TypeKind::kOwn:
    case TypeKind::kBorrow:
      return handle(from, to);
    case TypeKind::kRecord:
    case TypeKind::kTuple:
      return record(id, from, to, label);
    case TypeKind::kVariant:
    case TypeKind::kOption:
    case TypeKind::kResult:
      return variant(id, from, to, label);
    case TypeKind::kString:
    case TypeKind::kList:
    case TypeKind::kMap:
      return list(id, from, to, label);
    case TypeKind::kFixedList:
      return fixed_list(id, from, to, label);
    case TypeKind::kStream:
    case TypeKind::kFuture:
    case TypeKind::kErrorContext:
      return flaw(Answer::kUnknown, fmt::format("{}: a value of this type is not compared", label));
  }
}

void ValueWalk::scalar(TypeId id, unsigned bits, const ValuePlace& from, const ValuePlace& to,
                       const std::string& label) {
  if (bits == 0) {
    return;  // no flags at all
  }
  const Term sent = read(sender_, from, 0, bits, 0);
  const Term received = read(receiver_, to, 0, bits, 0);
  if (arena_[id].kind == TypeKind::kBool && sent != received) {
    const Term zero = terms_.constant(bits, 0);
    return same(terms_.apply(TermOp::kEq, sent, zero), terms_.apply(TermOp::kEq, received, zero), label);
  }
  same(sent, received, label);
}

void ValueWalk::handle(const ValuePlace& from, const ValuePlace& to) {
  HandleSeen seen;
  seen.position = position_++;
  seen.sent = read(sender_, from, 0, 32, 0);
  seen.in_list = lists_ > 0;
  seen.guards.assign(conditions_.begin() + static_cast<std::ptrdiff_t>(path_conditions_), conditions_.end());
  if (only_possible_) {
    possible.push_back(std::move(seen));
    return;
  }
  seen.received = read(receiver_, to, 0, 32, 0);
  handles.push_back(std::move(seen));
}

void ValueWalk::record(TypeId id, const ValuePlace& from, const ValuePlace& to, const std::string& label) {
  std::size_t slot = 0;
  std::uint64_t offset = 0;
  const TypeNode& node = arena_[id];
  for (std::size_t i = 0; i < node.members.size(); ++i) {
    const component::Member& member = node.members[i];
    const topology::TypeLayout& layout = layouts_[*member.type];
    offset = topology::aligned(offset, layout.alignment);
    const auto at = [&](const ValuePlace& place) {
      return part_of(place, slot, layout.slots.size(),
                     place.address ? std::optional(plus(*place.address, offset)) : std::nullopt);
    };
    value(*member.type, at(from), at(to),
          fmt::format("{}/{}", label, member.label.empty() ? std::to_string(i) : member.label));
    slot += layout.slots.size();
    offset += layout.size;
  }
}

void ValueWalk::variant(TypeId id, const ValuePlace& from, const ValuePlace& to, const std::string& label) {
  const TypeNode& node = arena_[id];
  const topology::TypeLayout& layout = layouts_[id];
  const bool in_memory = from.address.has_value();
  const unsigned bits = in_memory ? layout.discriminant * 8 : 32;
  const Term sent = read(sender_, from, 0, bits, 0);
  if (!only_possible_) {
    same(sent, read(receiver_, to, 0, bits, 0), label);
  }
  const bool option = node.kind == TypeKind::kOption;
  for (std::size_t i = 0; i < node.members.size(); ++i) {
    const component::Member& item = node.members[i];
    if (!item.type) {
      continue;
    }
    const std::uint32_t after = position_ + handles_below(*item.type);
    const Term active = terms_.apply(TermOp::kEq, sent, terms_.constant(bits, option ? std::uint64_t{1} : i));
    conditions_.push_back(active);
    if (only_possible_ || decider_.satisfiable(conditions_) != Answer::kNo) {
      const auto at = [&](const ValuePlace& place) {
        return part_of(place, 1, place.slots.empty() ? 0 : place.slots.size() - 1,
                       place.address ? std::optional(plus(*place.address, layout.payload)) : std::nullopt);
      };
      value(*item.type, at(from), at(to), fmt::format("{}/{}", label, option ? "some" : item.label));
    }
    conditions_.pop_back();
    position_ = after;
  }
}

void ValueWalk::fixed_list(TypeId id, const ValuePlace& from, const ValuePlace& to,
                           const std::string& label) {
  const TypeNode& node = arena_[id];
  const TypeId element = *node.members.front().type;
  const topology::TypeLayout& layout = layouts_[element];
  if (node.length > kMostElements) {
    position_ += handles_below(id);
    return flaw(Answer::kUnknown,
                fmt::format("{}: a list of {} elements is not compared", label, node.length));
  }
  for (std::uint32_t i = 0; i < node.length; ++i) {
    const auto at = [&](const ValuePlace& place) {
      return part_of(place, i * layout.slots.size(), layout.slots.size(),
                     place.address ? std::optional(plus(*place.address, i * layout.size)) : std::nullopt);
    };
    value(element, at(from), at(to), fmt::format("{}/[{}]", label, i));
  }
}

void ValueWalk::list(TypeId id, const ValuePlace& from, const ValuePlace& to, const std::string& label) {
  const TypeNode& node = arena_[id];
  const Term from_begin = read(sender_, from, 0, 32, 0);
  const Term to_begin = read(receiver_, to, 0, 32, 0);
  const Term length = read(sender_, from, 4, 32, 1);
  if (!only_possible_) {
    same(length, read(receiver_, to, 4, 32, 1), label + " (its length)");
  }
  const bool text = node.kind == TypeKind::kString;
  const bool map = node.kind == TypeKind::kMap;
  if (text && sender_.encoding == component::StringEncoding::kLatin1Utf16) {
    return flaw(Answer::kUnknown, fmt::format("{}: text of this encoding is not compared", label));
  }
  const std::uint64_t stride = !text                                                   ? layouts_[id].stride
                               : sender_.encoding == component::StringEncoding::kUtf16 ? 2
                                                                                       : 1;
  const Term size = terms_.apply(TermOp::kMul, length, terms_.constant(32, stride));
  const std::uint32_t after = position_ + handles_below(id);
  if (text || (!node.has_handle && !has_pointer(*node.members.front().type) &&
               !(map && has_pointer(*node.members[1].type)))) {
    bytes(from_begin, to_begin, size, label);
  } else if (!terms_.is_constant(length)) {
    if (!unknown_length && !only_possible_) {
      unknown_length = length;
    }
  } else {
    const std::uint64_t count = terms_.bits(length);
    if (count > kMostElements) {
      flaw(Answer::kUnknown, fmt::format("{}: a list of {} elements is not compared", label, count));
    } else if (count > 0) {
      if (!only_possible_ && receiver_.allocator && sender_.memory && receiver_.memory &&
          !(sender_.memory->memory == receiver_.memory->memory && from_begin == to_begin)) {
        const Answer given = allocated(to_begin, size, *receiver_.allocator);
        flaw(given == Answer::kYes  ? Answer::kNo
             : given == Answer::kNo ? Answer::kYes
                                    : Answer::kUnknown,
             fmt::format("{}: it is put where the receiver's allocator gave no memory", label));
      }
      ++lists_;
      const std::uint32_t first = position_;
      if (map) {
        position_ = first;
        elements(*node.members[0].type, stride, 0, count, from_begin, to_begin, label + "/[]/key");
        position_ = first;
        elements(*node.members[1].type, stride, layouts_[id].payload, count, from_begin, to_begin,
                 label + "/[]/value");
      } else {
        elements(*node.members.front().type, stride, 0, count, from_begin, to_begin, label + "/[]");
      }
      --lists_;
    }
  }
  position_ = after;
}

void ValueWalk::elements(TypeId content, std::uint64_t stride, std::uint64_t offset, std::uint64_t count,
                         Term from, Term to, const std::string& label) {
  const std::uint32_t first = position_;
  for (std::uint64_t i = 0; i < count; ++i) {
    position_ = first;
    value(content, {.address = plus(from, i * stride + offset), .slots = {}},
          {.address = plus(to, i * stride + offset), .slots = {}}, label);
  }
}

void ValueWalk::bytes(Term from, Term to, Term size, const std::string& label) {
  if (only_possible_ || (terms_.is_constant(size) && terms_.bits(size) == 0)) {
    return;
  }
  if (!sender_.memory || !receiver_.memory) {
    return flaw(Answer::kUnknown, fmt::format("{}: it is not known in which memory it lies", label));
  }
  const bool in_place = sender_.memory->memory == receiver_.memory->memory && from == to;
  if (!in_place && receiver_.allocator) {
    const Answer given = allocated(to, size, *receiver_.allocator);
    flaw(given == Answer::kYes  ? Answer::kNo
         : given == Answer::kNo ? Answer::kYes
                                : Answer::kUnknown,
         fmt::format("{}: it is put where the receiver's allocator gave no memory", label));
  }
  const std::optional<CopiedFrom> origin = executor_.origin(*receiver_.memory, to, size, conditions_);
  const std::optional<CopiedFrom> wanted = executor_.origin(*sender_.memory, from, size, conditions_);
  if (!origin || !wanted) {
    return flaw(Answer::kUnknown, fmt::format("{}: it could not be told what is copied there", label));
  }
  if (origin->memory != wanted->memory || origin->version != wanted->version) {
    return flaw(Answer::kYes, fmt::format("{}: its bytes are not copied", label));
  }
  // Of no bytes it does not matter where they come from.
  std::vector<Term> some = conditions_;
  some.push_back(terms_.negation(terms_.apply(TermOp::kEq, size, terms_.constant(32, 0))));
  const Answer follows = decider_.follows(some, terms_.apply(TermOp::kEq, origin->address, wanted->address));
  flaw(follows == Answer::kYes  ? Answer::kNo
       : follows == Answer::kNo ? Answer::kYes
                                : Answer::kUnknown,
       fmt::format("{}: its bytes are copied from elsewhere", label));
}

Answer ValueWalk::allocated(Term address, Term size, FunctionId allocator) {
  const smt::Terms::Split split = terms_.split(address);
  const auto call = split.base ? executor_.result_of(path_, *split.base) : std::nullopt;
  if (!call || path_.calls[call->first].callee != allocator ||
      path_.calls[call->first].arguments.size() != 4) {
    // Nothing is needed for nothing.
    const Answer empty =
        decider_.follows(conditions_, terms_.apply(TermOp::kEq, size, terms_.constant(32, 0)));
    return empty == Answer::kYes ? Answer::kYes : empty == Answer::kNo ? Answer::kNo : Answer::kUnknown;
  }
  const Term given = path_.calls[call->first].arguments[3];
  if (split.offset == 0 && given == size) {
    return Answer::kYes;
  }
  // Without wrapping around: in 64 bits.
  const Term end =
      terms_.apply(TermOp::kAdd, terms_.resize(TermOp::kExtend, size, 64), terms_.constant(64, split.offset));
  const Term beyond = terms_.apply(TermOp::kLessU, terms_.resize(TermOp::kExtend, given, 64), end);
  return decider_.follows(conditions_, terms_.negation(beyond));
}

}  // namespace meld_verify::lift
