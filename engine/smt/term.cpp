#include "engine/smt/term.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/smt/term_store.h"

namespace meld_verify::smt {

namespace {

/// How far one call looks into a term.
constexpr int kLevels = 6;
constexpr std::size_t kMostText = 400;

std::uint64_t mix(std::uint64_t hash, std::uint64_t with) {
  hash ^= with + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdULL;
}

std::uint64_t hash_of(const TermNode& node) {
  std::uint64_t hash = mix(static_cast<std::uint64_t>(node.op) << 8 | node.width, node.bits);
  hash = mix(hash, static_cast<std::uint64_t>(node.tag) << 1 | (node.atom ? 1U : 0U));
  for (std::size_t i = 0; i < node.count; ++i) {
    hash = mix(hash, node.arguments[i].value);
  }
  for (const Term term : node.more) {
    hash = mix(hash, term.value);
  }
  return hash;
}

bool same(const TermNode& left, const TermNode& right) {
  return left.op == right.op && left.width == right.width && left.tag == right.tag &&
         left.bits == right.bits && left.count == right.count && left.atom == right.atom &&
         std::equal(left.arguments.begin(), left.arguments.begin() + left.count, right.arguments.begin()) &&
         left.more == right.more;
}

std::string_view word(TermOp op) {
  switch (op) {
    case TermOp::kConstant:
      return "const";
    case TermOp::kSymbol:
      return "symbol";
    case TermOp::kAdd:
      return "add";
    case TermOp::kSub:
      return "sub";
    case TermOp::kMul:
      return "mul";
    case TermOp::kDivU:
      return "div_u";
    case TermOp::kDivS:
      return "div_s";
    case TermOp::kRemU:
      return "rem_u";
    case TermOp::kRemS:
      return "rem_s";
    case TermOp::kAnd:
      return "and";
    case TermOp::kOr:
      return "or";
    case TermOp::kXor:
      return "xor";
    case TermOp::kShl:
      return "shl";
    case TermOp::kShrU:
      return "shr_u";
    case TermOp::kShrS:
      return "shr_s";
    case TermOp::kRotl:
      return "rotl";
    case TermOp::kRotr:
      return "rotr";
    case TermOp::kEq:
      return "eq";
    case TermOp::kLessU:
      return "lt_u";
    case TermOp::kLessS:
      return "lt_s";
    case TermOp::kIte:
      return "ite";
    case TermOp::kExtend:
      return "extend";
    case TermOp::kExtendS:
      return "extend_s";
    case TermOp::kLow:
      return "low";
    case TermOp::kOpaque:
      return "opaque";
  }
  return "?";
}

void require(bool fits, const char* what) {
  if (!fits) {
    throw std::logic_error(what);
  }
}

}  // namespace

Term Terms::State::make(TermNode node) {
  for (std::size_t i = 0; i < node.count; ++i) {
    node.depth = std::max(node.depth, at(node.arguments[i]).depth + 1);
  }
  for (const Term term : node.more) {
    node.depth = std::max(node.depth, at(term).depth + 1);
  }
  const std::uint64_t hash = hash_of(node);
  const auto [begin, end] = by_hash.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (same(at(it->second), node)) {
      return it->second;
    }
  }
  const Term term{nodes.size()};
  nodes.push_back(std::move(node));
  by_hash.emplace(hash, term);
  return term;
}

Term Terms::State::make(TermOp op, unsigned width, Term left, Term right, bool atom) {
  TermNode node;
  node.op = op;
  node.width = static_cast<std::uint8_t>(width);
  node.count = 2;
  node.atom = atom;
  node.arguments = {left, right, Term{}};
  return make(std::move(node));
}

Term Terms::State::constant(unsigned width, std::uint64_t bits) {
  TermNode node;
  node.width = static_cast<std::uint8_t>(width);
  node.bits = bits & mask_of(width);
  return make(std::move(node));
}

Terms::Terms() : state_(std::make_unique<State>()) {}
Terms::~Terms() = default;

Term Terms::constant(unsigned width, std::uint64_t bits) {
  require(width >= 1 && width <= 64, "a term has 1 to 64 bits");
  return state_->constant(width, bits);
}

Term Terms::symbol(unsigned width, std::string name) {
  require(width >= 1 && width <= 64, "a term has 1 to 64 bits");
  TermNode node;
  node.op = TermOp::kSymbol;
  node.width = static_cast<std::uint8_t>(width);
  node.tag = static_cast<std::uint32_t>(state_->names.size());
  state_->names.push_back(std::move(name));
  return state_->make(std::move(node));
}

Term Terms::apply(TermOp op, Term left, Term right) {
  require(width(left) == width(right), "the sides of an operation have different widths");
  return state_->apply(op, left, right, kLevels);
}

Term Terms::ite(Term condition, Term yes, Term no) {
  require(width(condition) == 1 && width(yes) == width(no), "the parts of a choice do not fit");
  return state_->ite(condition, yes, no);
}

Term Terms::resize(TermOp op, Term of, unsigned to) {
  require(op == TermOp::kLow ? to >= 1 && to <= width(of) : to >= width(of) && to <= 64,
          "a term cannot be resized like that");
  return state_->resize(op, of, to, kLevels);
}

Term Terms::opaque(unsigned width, std::uint32_t tag, std::span<const Term> arguments) {
  require(width >= 1 && width <= 64 && tag < state_->tag_names.size(), "not an opaque term");
  TermNode node;
  node.op = TermOp::kOpaque;
  node.width = static_cast<std::uint8_t>(width);
  node.tag = tag;
  node.more.assign(arguments.begin(), arguments.end());
  return state_->make(std::move(node));
}

std::uint32_t Terms::tag_named(std::string_view name) {
  if (const auto found = state_->tags.find(name); found != state_->tags.end()) {
    return found->second;
  }
  const auto tag = static_cast<std::uint32_t>(state_->tag_names.size());
  state_->tag_names.emplace_back(name);
  state_->tags.emplace(name, tag);
  return tag;
}

Term Terms::negation(Term condition) {
  require(width(condition) == 1, "only a condition has a negation");
  return state_->negation(condition);
}

TermOp Terms::op(Term term) const {
  return state_->at(term).op;
}
unsigned Terms::width(Term term) const {
  return state_->at(term).width;
}
std::uint64_t Terms::bits(Term constant) const {
  return state_->at(constant).bits;
}
std::uint32_t Terms::tag(Term opaque) const {
  return state_->at(opaque).tag;
}
std::size_t Terms::size() const {
  return state_->nodes.size();
}
std::uint32_t Terms::depth(Term term) const {
  return state_->at(term).depth;
}

std::span<const Term> Terms::arguments(Term term) const {
  const TermNode& node = state_->at(term);
  if (node.op == TermOp::kOpaque) {
    return node.more;
  }
  return {node.arguments.data(), node.count};
}

const std::string& Terms::name(Term symbol) const {
  return state_->names[state_->at(symbol).tag];
}

Terms::Split Terms::split(Term term) const {
  const TermNode& node = state_->at(term);
  if (node.op == TermOp::kConstant) {
    return {std::nullopt, node.bits};
  }
  if (node.op == TermOp::kAdd && state_->is_constant(node.arguments[1])) {
    return {node.arguments[0], state_->bits(node.arguments[1])};
  }
  return {term, 0};
}

std::string Terms::text(Term term) const {
  // Terms share parts, so that the text of one can be far longer than all terms together.
  struct Piece {
    std::optional<Term> term;
    std::string_view text;
  };
  std::string out;
  std::vector<Piece> pieces{{term, {}}};
  while (!pieces.empty()) {
    const Piece piece = pieces.back();
    pieces.pop_back();
    if (!piece.term) {
      out += piece.text;
      continue;
    }
    const TermNode& node = state_->at(*piece.term);
    switch (node.op) {
      case TermOp::kConstant:
        out += node.bits > 0xffff ? fmt::format("{:#x}", node.bits) : fmt::format("{}", node.bits);
        continue;
      case TermOp::kSymbol:
        out += state_->names[node.tag];
        continue;
      default:
        break;
    }
    if (out.size() > kMostText) {
      out += "…";
      continue;
    }
    out += '(';
    out += node.op == TermOp::kOpaque ? std::string_view(state_->tag_names[node.tag]) : word(node.op);
    if (node.op == TermOp::kExtend || node.op == TermOp::kExtendS || node.op == TermOp::kLow) {
      out += fmt::format("{}", node.width);
    }
    pieces.push_back({std::nullopt, ")"});
    const auto arguments = this->arguments(*piece.term);
    for (std::size_t i = arguments.size(); i-- > 0;) {
      pieces.push_back({arguments[i], {}});
      pieces.push_back({std::nullopt, " "});
    }
  }
  return out;
}

}  // namespace meld_verify::smt
