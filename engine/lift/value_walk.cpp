#include "engine/lift/value_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

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

bool has_pointer(const component::TypeArena& arena, TypeId id) {
  const TypeNode& node = arena[id];
  if (node.kind == TypeKind::kString || node.kind == TypeKind::kList || node.kind == TypeKind::kMap) {
    return true;
  }
  return std::any_of(node.members.begin(), node.members.end(), [&](const component::Member& member) {
    return member.type && has_pointer(arena, *member.type);
  });
}

/// Finds what holds of every valid value, with lists that are short.
class ValidValue {
 public:
  ValidValue(const component::TypeArena& arena, const topology::Layouts& layouts, Executor& executor,
             smt::Terms& terms, const std::optional<MemoryState>& memory, ListBound lists,
             component::StringEncoding encoding)
      : arena_(arena),
        layouts_(layouts),
        executor_(executor),
        terms_(terms),
        memory_(memory),
        bound_(lists),
        encoding_(encoding) {}

  std::vector<Term> bounds;
  std::vector<ValidArea> areas;
  bool met_lists = false;

  void values(std::span<const component::Parameter> list, const ValuePlace& place) {
    std::vector<TypeId> types;
    for (const component::Parameter& item : list) {
      types.push_back(item.type);
    }
    sequence(types, place);
  }

 private:
  void sequence(std::span<const TypeId> types, const ValuePlace& place) {
    std::size_t slot = 0;
    std::uint64_t offset = 0;
    for (const TypeId type : types) {
      offset = topology::aligned(offset, layouts_[type].alignment);
      value(type, part_of(place, slot, layouts_[type].slots.size(), moved(place, offset)));
      slot += layouts_[type].slots.size();
      offset += layouts_[type].size;
    }
  }

  [[nodiscard]] std::optional<Term> moved(const ValuePlace& place, std::uint64_t offset) {
    return place.address
               ? std::optional(terms_.apply(TermOp::kAdd, *place.address, terms_.constant(32, offset)))
               : std::nullopt;
  }

  [[nodiscard]] std::optional<Term> word(const ValuePlace& place, std::uint64_t offset, std::size_t slot,
                                         unsigned bits) {
    if (place.address) {
      return memory_ ? std::optional(executor_.read(*memory_, *moved(place, offset), bits / 8, {}))
                     : std::nullopt;
    }
    if (slot >= place.slots.size()) {
      return {};
    }
    const Term term = place.slots[slot];
    return terms_.width(term) > bits ? terms_.resize(TermOp::kLow, term, bits) : term;
  }

  void value(TypeId id, const ValuePlace& place) {
    const TypeNode& node = arena_[id];
    switch (node.kind) {
      case TypeKind::kRecord:
      case TypeKind::kTuple: {
        std::vector<TypeId> types;
        for (const component::Member& member : node.members) {
          types.push_back(*member.type);
        }
        return sequence(types, place);
      }
      case TypeKind::kVariant:
      case TypeKind::kOption:
      case TypeKind::kResult:
        return variant(id, place);
      case TypeKind::kFixedList:
        return sequence(std::vector<TypeId>(std::min<std::size_t>(node.length, kMostElements),
                                            *node.members.front().type),
                        place);
      case TypeKind::kList:
      case TypeKind::kMap:
        return list(id, place);
      case TypeKind::kString:
        return text(place);
      case TypeKind::kChar:
        if (const auto found = word(place, 0, 0, 32)) {
          add(terms_.apply(TermOp::kLessU, *found, terms_.constant(32, 0x11'0000)));
          const Term above = terms_.apply(TermOp::kSub, *found, terms_.constant(32, 0xd800));
          add(terms_.negation(terms_.apply(TermOp::kLessU, above, terms_.constant(32, 0x800))));
        }
        return;
      case TypeKind::kEnum: {
        const unsigned bits = place.address ? static_cast<unsigned>(8 * layouts_[id].size) : 32;
        if (const auto found = word(place, 0, 0, bits)) {
          add(terms_.apply(TermOp::kLessU, *found, terms_.constant(bits, node.members.size())));
        }
        return;
      }
      default:
        return;
    }
  }

  void area(Term address, Term size, std::uint32_t alignment) {
    if (memory_) {
      Term exists = terms_.constant(1, 1);
      for (const Term guard : guards_) {
        exists = terms_.apply(TermOp::kAnd, exists, guard);
      }
      areas.push_back({memory_->memory, address, size, exists, alignment});
    }
  }

  void text(const ValuePlace& place) {
    const std::optional<Term> begin = word(place, 0, 0, 32);
    const std::optional<Term> length = word(place, 4, 1, 32);
    if (!begin || !length) {
      return;
    }
    switch (encoding_) {
      case component::StringEncoding::kUtf8:
        return area(*begin, *length, 1);
      case component::StringEncoding::kUtf16:
        return area(*begin, terms_.apply(TermOp::kMul, *length, terms_.constant(32, 2)), 2);
      case component::StringEncoding::kLatin1Utf16:
        return area(*begin, terms_.constant(32, 0), 2);
    }
  }

  void variant(TypeId id, const ValuePlace& place) {
    const TypeNode& node = arena_[id];
    const unsigned bits = place.address ? layouts_[id].discriminant * 8 : 32;
    const std::optional<Term> found = word(place, 0, 0, bits);
    if (found) {  // a valid value has one of its cases
      const std::uint64_t cases = node.kind == TypeKind::kOption ? 2 : node.members.size();
      add(terms_.apply(TermOp::kLessU, *found, terms_.constant(bits, cases)));
    }
    for (std::size_t i = 0; i < node.members.size() && found; ++i) {
      if (!node.members[i].type) {
        continue;
      }
      const std::uint64_t active = node.kind == TypeKind::kOption ? 1 : i;
      guards_.push_back(terms_.apply(TermOp::kEq, *found, terms_.constant(bits, active)));
      value(*node.members[i].type, part_of(place, 1, place.slots.empty() ? 0 : place.slots.size() - 1,
                                           moved(place, layouts_[id].payload)));
      guards_.pop_back();
    }
  }

  /// Where another case is active, or the list is shorter, other data lie here.
  void add(Term bound) {
    for (const Term guard : guards_) {
      bound = terms_.ite(guard, bound, terms_.constant(1, 1));
    }
    if (!terms_.is_constant(bound)) {
      bounds.push_back(bound);
    }
  }

  void list(TypeId id, const ValuePlace& place) {
    const std::optional<Term> begin = word(place, 0, 0, 32);
    const std::optional<Term> length = word(place, 4, 1, 32);
    if (!begin || !length) {
      return;
    }
    area(*begin, terms_.apply(TermOp::kMul, *length, terms_.constant(32, layouts_[id].stride)),
         element_alignment(id));
    if (!elements_matter(arena_, id) && !bound_.all) {
      return;
    }
    const std::uint32_t most_elements = bound_.most_elements;
    add(terms_.negation(terms_.apply(TermOp::kLessU, terms_.constant(32, most_elements), *length)));
    met_lists = true;
    const TypeNode& node = arena_[id];
    for (std::uint32_t i = 0; i < most_elements; ++i) {
      guards_.push_back(terms_.apply(TermOp::kLessU, terms_.constant(32, i), *length));
      const ValuePlace element{.address = begin, .slots = {}};
      for (std::size_t m = 0; m < node.members.size(); ++m) {
        value(*node.members[m].type,
              {.address = moved(element, i * layouts_[id].stride + (m == 1 ? layouts_[id].payload : 0)),
               .slots = {}});
      }
      guards_.pop_back();
    }
  }

  [[nodiscard]] std::uint32_t element_alignment(TypeId list) const {
    std::uint32_t most = 1;
    for (const component::Member& member : arena_[list].members) {
      most = std::max(most, layouts_[*member.type].alignment);
    }
    return most;
  }

  const component::TypeArena& arena_;
  const topology::Layouts& layouts_;
  Executor& executor_;
  smt::Terms& terms_;
  const std::optional<MemoryState>& memory_;
  const ListBound bound_;
  const component::StringEncoding encoding_;
  std::vector<Term> guards_;
};

}  // namespace

std::uint32_t handles_below(const component::TypeArena& arena, TypeId id) {
  const TypeNode& node = arena[id];
  if (!node.has_handle) {
    return 0;
  }
  if (node.kind == TypeKind::kOwn || node.kind == TypeKind::kBorrow) {
    return 1;
  }
  std::uint32_t sum = 0;
  for (const component::Member& member : node.members) {
    sum += member.type ? handles_below(arena, *member.type) : 0;
  }
  return node.kind == TypeKind::kFixedList ? sum * node.length : sum;
}

namespace {

class Ways {
 public:
  Ways(const component::TypeArena& arena, std::uint32_t most_elements)
      : arena_(arena), most_elements_(most_elements) {}

  double of(TypeId id) {
    if (const auto found = known_.find(id.value); found != known_.end()) {
      return found->second;  // types may hold one another many times
    }
    const double ways = count(id);
    known_.emplace(id.value, ways);
    return ways;
  }

 private:
  double count(TypeId id) {
    const TypeNode& node = arena_[id];
    double all = 1;
    double sum = 0;
    for (const component::Member& member : node.members) {
      const double here = member.type ? of(*member.type) : 1;
      all *= here;
      sum += here;
    }
    switch (node.kind) {
      case TypeKind::kRecord:
      case TypeKind::kTuple:
        return all;
      case TypeKind::kVariant:
      case TypeKind::kResult:
        return sum;
      case TypeKind::kOption:
        return 1 + sum;
      case TypeKind::kFixedList:
        return std::pow(all, node.length);
      case TypeKind::kList:
      case TypeKind::kMap: {
        double ways = 1;
        for (std::uint32_t n = 1; n <= most_elements_ && elements_matter(arena_, id); ++n) {
          ways += std::pow(all, n);
        }
        return ways;
      }
      default:
        return 1;
    }
  }

  const component::TypeArena& arena_;
  const std::uint32_t most_elements_;
  std::unordered_map<std::uint32_t, double> known_;
};

}  // namespace

double ways_through(const component::TypeArena& arena, std::span<const component::Parameter> list,
                    std::uint32_t most_elements) {
  Ways ways(arena, most_elements);
  double all = 1;
  for (const component::Parameter& one : list) {
    all *= ways.of(one.type);
  }
  return all;
}

bool elements_matter(const component::TypeArena& arena, TypeId list) {
  const TypeNode& node = arena[list];
  return node.has_handle ||
         std::any_of(node.members.begin(), node.members.end(), [&](const component::Member& member) {
           return member.type && has_pointer(arena, *member.type);
         });
}

Validity validity(const component::TypeArena& arena, const topology::Layouts& layouts, Executor& executor,
                  smt::Terms& terms, std::span<const component::Parameter> list, const ValuePlace& place,
                  const std::optional<MemoryState>& memory, ListBound lists,
                  component::StringEncoding encoding) {
  ValidValue finder(arena, layouts, executor, terms, memory, lists, encoding);
  finder.values(list, place);
  return {std::move(finder.bounds), finder.met_lists, std::move(finder.areas)};
}

ValueWalk::ValueWalk(const component::TypeArena& arena, const topology::Layouts& layouts, Executor& executor,
                     smt::Terms& terms, smt::Decider& decider, const Path& path, ListBound lists)
    : arena_(arena),
      layouts_(layouts),
      executor_(executor),
      terms_(terms),
      decider_(decider),
      path_(path),
      bound_(lists),
      conditions_(path.conditions) {}

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
    return slot < place.slots.size() ? low(place.slots[slot], bits) : terms_.symbol(bits, "missing slot");
  }
  if (!side.memory) {
    return terms_.symbol(bits, "missing memory");
  }
  return executor_.read(*side.memory, plus(*place.address, offset), bits / 8, conditions_);
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
  if (arena_[id].kind == TypeKind::kBool) {  // a slot holds one in all of its 32 bits
    const auto is_false = [&](const ValueSide& side, const ValuePlace& place) {
      const unsigned wide = place.address ? bits : 32;
      return terms_.apply(TermOp::kEq, read(side, place, 0, wide, 0), terms_.constant(wide, 0));
    };
    return same(is_false(sender_, from), is_false(receiver_, to), label);
  }
  const Term sent = read(sender_, from, 0, bits, 0);
  const Term received = read(receiver_, to, 0, bits, 0);
  if (arena_[id].kind == TypeKind::kFlags && sent != received && arena_[id].members.size() < bits) {
    const Term known = terms_.constant(bits, (std::uint64_t{1} << arena_[id].members.size()) - 1);
    return same(terms_.apply(TermOp::kAnd, sent, known), terms_.apply(TermOp::kAnd, received, known), label);
  }
  if (is_canonical_nan_of(sent, received)) {
    return;
  }
  same(sent, received, label);
}

/// Whether `received` is `sent`, or the canonical NaN where that is one: `sent == sent ? sent : nan`.
bool ValueWalk::is_canonical_nan_of(Term sent, Term received) const {
  if (terms_.op(received) != TermOp::kIte) {
    return false;
  }
  const auto parts = terms_.arguments(received);
  const unsigned bits = terms_.width(sent);
  const Term nan = terms_.constant(bits, bits == 32 ? 0x7fc0'0000U : 0x7ff8'0000'0000'0000U);
  const std::array both{sent, sent};
  const auto compares = [&](const char* name) {
    return parts[0] == terms_.opaque(1, terms_.tag_named(name), both);
  };
  const auto differs = [&](const char* name) {
    return parts[0] == terms_.negation(terms_.opaque(1, terms_.tag_named(name), both));
  };
  const char* equal = bits == 32 ? "f32.eq" : "f64.eq";
  const char* other = bits == 32 ? "f32.ne" : "f64.ne";
  if (parts[1] == sent && parts[2] == nan) {
    return compares(equal) || differs(other);
  }
  return parts[1] == nan && parts[2] == sent && (compares(other) || differs(equal));
}

void ValueWalk::handle(const ValuePlace& from, const ValuePlace& to) {
  HandleSeen seen;
  seen.position = position_++;
  seen.sent = read(sender_, from, 0, 32, 0);
  seen.in_list = lists_ > 0;
  seen.guards = guards_;
  seen.lengths = lengths_;
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
    const std::uint32_t after = position_ + handles_below(arena_, *item.type);
    const Term active = terms_.apply(TermOp::kEq, sent, terms_.constant(bits, option ? std::uint64_t{1} : i));
    conditions_.push_back(active);
    guards_.push_back(active);
    if (only_possible_ || decider_.satisfiable(conditions_) != Answer::kNo) {
      const auto at = [&](const ValuePlace& place) {
        return part_of(place, 1, place.slots.empty() ? 0 : place.slots.size() - 1,
                       place.address ? std::optional(plus(*place.address, layout.payload)) : std::nullopt);
      };
      value(*item.type, at(from), at(to), fmt::format("{}/{}", label, option ? "some" : item.label));
    }
    guards_.pop_back();
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
    position_ += handles_below(arena_, id);
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
  if (text && sender_.encoding == component::StringEncoding::kLatin1Utf16) {
    return flaw(Answer::kUnknown, fmt::format("{}: text of this encoding is not compared", label));
  }
  const std::uint64_t stride = !text                                                   ? layouts_[id].stride
                               : sender_.encoding == component::StringEncoding::kUtf16 ? 2
                                                                                       : 1;
  const std::uint32_t after = position_ + handles_below(arena_, id);
  if (text || (!elements_matter(arena_, id) && !bound_.all)) {
    bytes(from_begin, to_begin, terms_.apply(TermOp::kMul, length, terms_.constant(32, stride)), label);
  } else {
    met_lists = true;
    const std::uint32_t first = position_;
    for (std::uint64_t n = 1; n <= bound_.most_elements; ++n) {
      const Term so_long = terms_.apply(TermOp::kEq, length, terms_.constant(32, n));
      if (terms_.is_constant(so_long) && terms_.bits(so_long) == 0) {
        continue;
      }
      conditions_.push_back(so_long);
      lengths_.push_back(so_long);
      if (only_possible_ ? n == bound_.most_elements || terms_.is_constant(length)
                         : decider_.satisfiable(conditions_) != Answer::kNo) {
        position_ = first;
        counted(id, n, from_begin, to_begin, label);
      }
      lengths_.pop_back();
      conditions_.pop_back();
    }
  }
  position_ = after;
}

void ValueWalk::counted(TypeId id, std::uint64_t count, Term from, Term to, const std::string& label) {
  const TypeNode& node = arena_[id];
  const std::uint64_t stride = layouts_[id].stride;
  if (!only_possible_ && receiver_.allocator && sender_.memory && receiver_.memory &&
      !(sender_.memory->memory == receiver_.memory->memory && from == to)) {
    const Answer given = allocated(to, terms_.constant(32, count * stride), *receiver_.allocator);
    flaw(given == Answer::kYes  ? Answer::kNo
         : given == Answer::kNo ? Answer::kYes
                                : Answer::kUnknown,
         fmt::format("{}: it is put where the receiver's allocator gave no memory", label));
  }
  ++lists_;
  const std::uint32_t first = position_;
  if (node.kind == TypeKind::kMap) {
    elements(*node.members[0].type, stride, 0, count, from, to, label + "/[]/key");
    position_ = first;
    elements(*node.members[1].type, stride, layouts_[id].payload, count, from, to, label + "/[]/value");
  } else {
    elements(*node.members.front().type, stride, 0, count, from, to, label + "/[]");
  }
  --lists_;
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
  const std::vector<Term>& arguments = path_.calls[call->first].arguments;
  const Term given = arguments[3];
  // `realloc` for memory that is new: no old one, and an alignment.
  const auto constant = [&](Term term, auto holds) {
    return terms_.is_constant(term) && holds(terms_.bits(term));
  };
  const auto is_zero = [](std::uint64_t bits) { return bits == 0; };
  const auto is_alignment = [](std::uint64_t bits) {
    return bits > 0 && bits <= 8 && (bits & (bits - 1)) == 0;
  };
  if (!constant(arguments[0], is_zero) || !constant(arguments[1], is_zero) ||
      !constant(arguments[2], is_alignment)) {
    return Answer::kNo;
  }
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
