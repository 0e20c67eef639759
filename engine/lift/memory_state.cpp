#include "engine/lift/memory_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace meld_verify::lift {

using smt::Answer;
using smt::TermOp;

namespace {

/// Copies of copies of copies: as far as this they are followed.
constexpr int kMostLevels = 100;
/// Parts of an address that are looked at.
constexpr std::size_t kMostAddends = 32;
constexpr std::size_t kMostLeaves = 256;
constexpr std::uint64_t kSpace = std::uint64_t{1} << 32;

/// What is added up in a term, the constant left out; parts that are taken away are not looked at.
std::vector<Term> addends(const smt::Terms& terms, Term term) {
  std::vector<Term> open{term};
  std::vector<Term> result;
  while (!open.empty() && result.size() < kMostAddends) {
    const Term now = open.back();
    open.pop_back();
    const TermOp op = terms.op(now);
    if (op == TermOp::kConstant) {
      continue;
    }
    if (op == TermOp::kAdd || op == TermOp::kSub) {
      open.push_back(terms.arguments(now)[0]);
      if (op == TermOp::kAdd) {
        open.push_back(terms.arguments(now)[1]);
      }
      continue;
    }
    result.push_back(now);
  }
  return result;
}

}  // namespace

// Chains are long: one entry after another, not one inside another.
MemoryWrite::~MemoryWrite() {
  std::vector<std::shared_ptr<const MemoryWrite>> open;
  open.push_back(std::move(previous));
  open.push_back(std::move(source.last));
  while (!open.empty()) {
    const std::shared_ptr<const MemoryWrite> write = std::move(open.back());
    open.pop_back();
    if (write && write.use_count() == 1) {
      // Nobody else sees it any more, and it was made as one that can change.
      auto* last = const_cast<MemoryWrite*>(write.get());
      open.push_back(std::move(last->previous));
      open.push_back(std::move(last->source.last));
    }
  }
}

MemoryLogs::MemoryLogs(smt::Terms& terms, smt::Decider& decider) : terms_(terms), decider_(decider) {}

// --- writing

std::shared_ptr<MemoryWrite> MemoryLogs::entry(MemoryWrite::Kind kind, MemoryState& memory) {
  auto made = std::make_shared<MemoryWrite>();
  made->kind = kind;
  made->serial = ++serial_;
  made->previous = memory.last;
  return made;
}

void MemoryLogs::store(MemoryState& memory, Term address, Term value) {
  auto made = entry(MemoryWrite::Kind::kStore, memory);
  made->address = address;
  made->value = value;
  made->size = size_term(terms_.width(value) / 8);
  memory.last = std::move(made);
}

void MemoryLogs::fill(MemoryState& memory, Term address, Term byte, Term size) {
  auto made = entry(MemoryWrite::Kind::kFill, memory);
  made->address = address;
  made->value = byte;
  made->size = size;
  memory.last = std::move(made);
}

void MemoryLogs::copy(MemoryState& to, Term address, const MemoryState& from, Term source, Term size) {
  auto made = entry(MemoryWrite::Kind::kCopy, to);
  made->address = address;
  made->size = size;
  made->source = from;
  made->source_address = source;
  to.last = std::move(made);
}

MemoryVersion MemoryLogs::new_version() {
  versions_.push_back(static_cast<std::uint32_t>(terms_.size()));
  return MemoryVersion(versions_.size() - 1);
}

void MemoryLogs::forget(MemoryState& memory, MemoryVersion version,
                        std::optional<std::uint32_t> kept_before) {
  if (kept_before && memory.last) {
    auto made = entry(MemoryWrite::Kind::kCall, memory);
    made->version_before = memory.version;
    made->kept_before = *kept_before;
    memory.last = std::move(made);
  } else {
    memory.last = nullptr;
  }
  memory.version = version;
}

void MemoryLogs::allocate(Term base, std::optional<Term> size, std::optional<MemoryId> memory) {
  allocations_.insert_or_assign(base, Allocation{size, memory});
}

// --- words

std::optional<LoadedWord> MemoryLogs::loaded(Term term) const {
  if (terms_.op(term) != TermOp::kOpaque) {
    return std::nullopt;
  }
  const auto found = loads_.find(terms_.tag(term));
  if (found == loads_.end()) {
    return std::nullopt;
  }
  const Load& load = found->second;
  return LoadedWord{load.memory, load.version, terms_.arguments(term)[0], load.bytes};
}

Term MemoryLogs::load(const LoadedWord& word) {
  const auto key = std::tuple(word.memory, word.version, word.bytes);
  auto tag = load_tags_.find(key);
  if (tag == load_tags_.end()) {
    const std::uint32_t made =
        terms_.tag_named(fmt::format("load{} m{}.v{}", word.bytes, word.memory.value, word.version.value));
    tag = load_tags_.emplace(key, made).first;
    loads_.emplace(made, Load{word.memory, word.version, word.bytes});
  }
  const Term arguments[] = {word.address};
  return terms_.opaque(8 * word.bytes, tag->second, arguments);
}

Term MemoryLogs::part(Term term, std::uint32_t offset, std::uint32_t bytes) {
  if (offset == 0 && terms_.width(term) == 8 * bytes) {
    return term;
  }
  if (auto word = loaded(term)) {
    word->address = terms_.apply(TermOp::kAdd, word->address, size_term(offset));
    word->bytes = bytes;
    return load(*word);
  }
  // Bytes of a loaded word that was shifted, to get at them.
  if (terms_.op(term) == TermOp::kShrU && terms_.is_constant(terms_.arguments(term)[1])) {
    const Term of = terms_.arguments(term)[0];
    const std::uint64_t by = terms_.bits(terms_.arguments(term)[1]);
    if (by % 8 == 0 && by / 8 + offset + bytes <= terms_.width(term) / 8 && loaded(of)) {
      return part(of, static_cast<std::uint32_t>(by / 8) + offset, bytes);
    }
  }
  const Term by = terms_.constant(terms_.width(term), std::uint64_t{8} * offset);
  return terms_.resize(TermOp::kLow, terms_.apply(TermOp::kShrU, term, by), 8 * bytes);
}

Term MemoryLogs::join(Term lower, Term upper) {
  const unsigned half = terms_.width(lower);
  const auto first = loaded(lower);
  const auto second = loaded(upper);
  if (first && second && first->memory == second->memory && first->version == second->version &&
      terms_.apply(TermOp::kAdd, first->address, size_term(first->bytes)) == second->address) {
    return load({first->memory, first->version, first->address, 2 * first->bytes});
  }
  const Term low = terms_.resize(TermOp::kExtend, lower, 2 * half);
  const Term high = terms_.resize(TermOp::kExtend, upper, 2 * half);
  return terms_.apply(TermOp::kOr, low, terms_.apply(TermOp::kShl, high, terms_.constant(2 * half, half)));
}

Term MemoryLogs::unknown(const MemoryWrite& write, Term address, std::uint32_t bytes) {
  const auto key = std::tuple(write.serial, address, bytes);
  const auto found = unknowns_.find(key);
  if (found != unknowns_.end()) {
    return found->second;
  }
  return unknowns_.emplace(key, terms_.symbol(8 * bytes, "unknown")).first->second;
}

// --- telling addresses apart

bool MemoryLogs::follows(Term condition, const Question& question) {
  if (terms_.is_constant(condition)) {
    return terms_.bits(condition) != 0;
  }
  if (decider_.questions() >= question.budget.last_question) {
    return std::find(question.conditions.begin(), question.conditions.end(), condition) !=
           question.conditions.end();
  }
  return decider_.follows(question.conditions, condition) == Answer::kYes;
}

/// Whether `size` bytes at `distance` lie within `of` bytes. All is modulo 2^32: a stretch that does not wrap
/// around lies in another one that does not exactly when it does so on the circle.
bool MemoryLogs::inside(Term distance, Term size, Term of, const Question& question) {
  if (size == of && terms_.is_constant(distance) && terms_.bits(distance) == 0) {
    return true;
  }
  if (terms_.is_constant(distance) && terms_.is_constant(size) && terms_.is_constant(of)) {
    return terms_.bits(distance) + terms_.bits(size) <= terms_.bits(of);
  }
  const Term fits = terms_.negation(terms_.apply(TermOp::kLessU, of, size));
  const Term room = terms_.apply(TermOp::kSub, of, size);
  const Term early = terms_.negation(terms_.apply(TermOp::kLessU, room, distance));
  return follows(fits, question) && follows(early, question);
}

bool MemoryLogs::was_there_before(Term term, Term base) const {
  std::unordered_set<Term> seen{term};
  std::vector<Term> open{term};
  while (!open.empty()) {
    const Term now = open.back();
    open.pop_back();
    if (const auto word = loaded(now)) {
      if (versions_[word->version.value] > base.value) {
        return false;
      }
      continue;  // where it was loaded from does not matter: it was there
    }
    if (terms_.op(now) == TermOp::kSymbol || terms_.op(now) == TermOp::kOpaque) {
      // From an older allocation, beyond its own area, one may get anywhere.
      if (now.value >= base.value || allocations_.contains(now)) {
        return false;
      }
      continue;
    }
    for (const Term argument : terms_.arguments(now)) {
      if (seen.insert(argument).second) {
        open.push_back(argument);
      }
    }
    if (seen.size() > kMostLeaves) {
      return false;
    }
  }
  return true;
}

std::optional<MemoryLogs::Area> MemoryLogs::area_of(const Stretch& stretch, const Question& question) {
  const std::vector<Term> parts = addends(terms_, stretch.address);
  if (parts.size() == kMostAddends) {
    return std::nullopt;
  }
  std::optional<Area> found;
  std::optional<Term> size;
  const auto add = [&](Area area, std::optional<Term> its_size) {
    if (found) {
      return false;  // of two areas, it is not clear which one it is that the other one is an offset into
    }
    found = area;
    size = its_size;
    return true;
  };
  for (const Term part : parts) {
    const auto allocation = allocations_.find(part);
    if (allocation != allocations_.end() &&
        allocation->second.memory.value_or(question.memory.memory) == question.memory.memory &&
        !add({part, true}, allocation->second.size)) {
      return std::nullopt;
    }
  }
  if (question.memory.areas) {
    for (const Term base : *question.memory.areas) {
      const std::vector<Term> of = addends(terms_, base);
      const bool based = !of.empty() && std::all_of(of.begin(), of.end(), [&parts](Term part) {
        return std::find(parts.begin(), parts.end(), part) != parts.end();
      });
      if (based && !add({base, false}, std::nullopt)) {
        return std::nullopt;
      }
    }
  }
  if (found && size) {
    const Term distance = terms_.apply(TermOp::kSub, stretch.address, found->base);
    if (!inside(distance, stretch.size, *size, question)) {
      return std::nullopt;
    }
  }
  return found;
}

MemoryLogs::Relation MemoryLogs::relation(const Stretch& read, const Stretch& write,
                                          const Question& question) {
  const auto empty = [this](Term size) { return terms_.is_constant(size) && terms_.bits(size) == 0; };
  if (empty(read.size) || empty(write.size)) {
    return Relation::kApart;
  }
  const Term distance = terms_.apply(TermOp::kSub, read.address, write.address);
  const bool fixed = terms_.is_constant(distance);
  if (fixed && terms_.is_constant(read.size) && terms_.is_constant(write.size)) {
    const std::uint64_t before = terms_.bits(distance);
    const std::uint64_t size = terms_.bits(read.size);
    const std::uint64_t written = terms_.bits(write.size);
    if (before + size <= written) {
      return Relation::kInside;
    }
    return before >= written && kSpace - before >= size ? Relation::kApart : Relation::kCrossing;
  }
  if (fixed && terms_.bits(distance) == 0 && read.size == write.size) {
    return Relation::kInside;
  }
  const auto area = area_of(read, question);
  const auto other = area_of(write, question);
  if (area && other && area->base != other->base) {
    return Relation::kApart;
  }
  if (area && !other && area->allocated && was_there_before(write.address, area->base)) {
    return Relation::kApart;
  }
  if (!area && other && other->allocated && was_there_before(read.address, other->base)) {
    return Relation::kApart;
  }
  if (inside(distance, read.size, write.size, question)) {
    return Relation::kInside;
  }
  // Neither wraps around, so that they meet only where one of them begins within the other.
  const auto begins_within = [this](const Stretch& one, const Stretch& other) {
    const Term behind = terms_.negation(terms_.apply(TermOp::kLessU, one.address, other.address));
    const Term offset = terms_.apply(TermOp::kSub, one.address, other.address);
    return terms_.apply(TermOp::kAnd, behind, terms_.apply(TermOp::kLessU, offset, other.size));
  };
  return follows(terms_.negation(begins_within(read, write)), question) &&
                 follows(terms_.negation(begins_within(write, read)), question)
             ? Relation::kApart
             : Relation::kUnknown;
}

// --- reading

Term MemoryLogs::read(const MemoryState& memory, Term address, std::uint32_t bytes,
                      std::span<const Term> conditions, ReadBudget& budget) {
  const Question question{memory, conditions, budget};
  return read_from(memory.last.get(), memory.version, {address, size_term(bytes)}, bytes, question,
                   kMostLevels);
}

Term MemoryLogs::read_from(const MemoryWrite* write, MemoryVersion version, Stretch at, std::uint32_t bytes,
                           const Question& question, int levels) {
  for (; write != nullptr; write = write->previous.get()) {
    if (question.budget.visits == 0 || levels == 0) {
      return unknown(*write, at.address, bytes);
    }
    --question.budget.visits;
    if (write->kind == MemoryWrite::Kind::kCall) {
      const auto area = area_of(at, question);
      if (!area || !area->allocated || area->base.value >= write->kept_before) {
        break;
      }
      version = write->version_before;
      continue;
    }
    switch (relation(at, {write->address, write->size}, question)) {
      case Relation::kApart:
        continue;
      case Relation::kUnknown:
        return unknown(*write, at.address, bytes);
      case Relation::kCrossing: {
        // At a known distance, so that a single byte never crosses.
        const std::uint32_t half = bytes / 2;
        const Term middle = terms_.apply(TermOp::kAdd, at.address, size_term(half));
        const Term size = size_term(half);
        const Term lower = read_from(write, version, {at.address, size}, half, question, levels - 1);
        return join(lower, read_from(write, version, {middle, size}, half, question, levels - 1));
      }
      case Relation::kInside:
        break;
    }
    const Term distance = terms_.apply(TermOp::kSub, at.address, write->address);
    switch (write->kind) {
      case MemoryWrite::Kind::kStore:
        return terms_.is_constant(distance)
                   ? part(write->value, static_cast<std::uint32_t>(terms_.bits(distance)), bytes)
                   : unknown(*write, at.address, bytes);
      case MemoryWrite::Kind::kFill: {
        Term value = write->value;
        while (terms_.width(value) < 8 * bytes) {
          value = join(value, value);
        }
        return value;
      }
      case MemoryWrite::Kind::kCopy: {
        const Question inner{write->source, question.conditions, question.budget};
        const Stretch there{terms_.apply(TermOp::kAdd, write->source_address, distance), at.size};
        return read_from(write->source.last.get(), write->source.version, there, bytes, inner, levels - 1);
      }
      case MemoryWrite::Kind::kCall:
        break;
    }
  }
  return load({question.memory.memory, version, at.address, bytes});
}

std::optional<CopiedFrom> MemoryLogs::origin(const MemoryState& memory, Term address, Term size,
                                             std::span<const Term> conditions, ReadBudget& budget) {
  const MemoryState* in = &memory;
  const MemoryWrite* write = memory.last.get();
  MemoryVersion version = memory.version;
  Stretch at{address, size};
  while (write != nullptr) {
    if (budget.visits == 0) {
      return std::nullopt;
    }
    --budget.visits;
    const Question question{*in, conditions, budget};
    if (write->kind == MemoryWrite::Kind::kCall) {
      const auto area = area_of(at, question);
      if (!area || !area->allocated || area->base.value >= write->kept_before) {
        break;
      }
      version = write->version_before;
      write = write->previous.get();
      continue;
    }
    switch (relation(at, {write->address, write->size}, question)) {
      case Relation::kApart:
        write = write->previous.get();
        continue;
      case Relation::kUnknown:
      case Relation::kCrossing:
        return std::nullopt;
      case Relation::kInside:
        break;
    }
    if (write->kind != MemoryWrite::Kind::kCopy) {
      return std::nullopt;
    }
    const Term distance = terms_.apply(TermOp::kSub, at.address, write->address);
    at.address = terms_.apply(TermOp::kAdd, write->source_address, distance);
    in = &write->source;
    version = in->version;
    write = in->last.get();
  }
  return CopiedFrom{in->memory, version, at.address};
}

}  // namespace meld_verify::lift
