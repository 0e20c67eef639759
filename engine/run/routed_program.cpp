#include "engine/run/routed_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace meld_verify::run {
namespace {

using emit::TrapReason;
using spec::TrapClass;

std::optional<TrapClass> class_of(TrapReason reason) {
  switch (reason) {
    case TrapReason::kNone:
      return std::nullopt;
    case TrapReason::kUnknownHandle:
      return TrapClass::kUnknownHandle;
    case TrapReason::kWrongType:
      return TrapClass::kWrongType;
    case TrapReason::kLent:
      return TrapClass::kLent;
    case TrapReason::kNotOwn:
      return TrapClass::kNotOwn;
    case TrapReason::kBorrowsRemain:
      return TrapClass::kBorrowsRemain;
    case TrapReason::kCannotLeave:
      return TrapClass::kCannotLeave;
    case TrapReason::kTableFull:
      return TrapClass::kTableFull;
    case TrapReason::kOutOfBounds:
      return TrapClass::kOutOfBounds;
    case TrapReason::kMisaligned:
      return TrapClass::kMisaligned;
    case TrapReason::kBadDiscriminant:
      return TrapClass::kBadDiscriminant;
    case TrapReason::kBadUtf8:
      return TrapClass::kBadUtf8;
    case TrapReason::kBadUtf16:
      return TrapClass::kBadUtf16;
    case TrapReason::kBadChar:
      return TrapClass::kBadChar;
    case TrapReason::kListTooLong:
      return TrapClass::kListTooLong;
    case TrapReason::kStringTooLong:
      return TrapClass::kStringTooLong;
    case TrapReason::kBadRealloc:
      return TrapClass::kBadRealloc;
  }
  return std::nullopt;
}

/// What the router found, for people.
std::string_view sentence_of(TrapReason reason) {
  switch (reason) {
    case TrapReason::kNone:
      return "";
    case TrapReason::kUnknownHandle:
      return "the table has no entry at the index";
    case TrapReason::kWrongType:
      return "the entry is of another resource type";
    case TrapReason::kLent:
      return "the entry is lent to a call that has not ended";
    case TrapReason::kNotOwn:
      return "the entry is a borrow where an own is asked for";
    case TrapReason::kBorrowsRemain:
      return "the callee returns with borrows that it did not drop";
    case TrapReason::kCannotLeave:
      return "a call out of realloc or post-return";
    case TrapReason::kTableFull:
      return "the handle table cannot grow";
    case TrapReason::kOutOfBounds:
      return "an area ends past the memory";
    case TrapReason::kMisaligned:
      return "a pointer is not a multiple of its type's alignment";
    case TrapReason::kBadDiscriminant:
      return "a case number that the variant does not have";
    case TrapReason::kBadUtf8:
      return "a string that is no UTF-8";
    case TrapReason::kBadUtf16:
      return "a string with a lone surrogate";
    case TrapReason::kBadChar:
      return "a char that is a surrogate or above 0x10ffff";
    case TrapReason::kListTooLong:
      return "a list of 2^28 bytes or more";
    case TrapReason::kStringTooLong:
      return "a string of 2^28 bytes or more";
    case TrapReason::kBadRealloc:
      return "realloc gives an area that is misaligned or out of bounds";
  }
  return "";
}

/// As engine/emit/handle_table.cpp lays an entry out.
struct Words {
  std::uint32_t head, rep, lends, next;
};

}  // namespace

wasm::Expected<std::unique_ptr<RoutedProgram>> RoutedProgram::make(std::span<const std::uint8_t> bytes,
                                                                   std::string_view file,
                                                                   spec::Observer* observer,
                                                                   spec::Limits limits) {
  const auto named = [&](wasm::Diagnostic why) {
    why.place.file = std::string(file);
    return tl::unexpected(std::move(why));
  };
  auto decoded = component::decode_with_world(bytes, file);
  if (!decoded) {
    return tl::unexpected(decoded.error());
  }
  std::unique_ptr<RoutedProgram> made(new RoutedProgram());
  const topology::Topology topology = topology::topology_of(decoded->composition);
  made->plan_ = routing::required_plan(topology);
  auto router = emit::make_router(decoded->composition, topology, made->plan_);
  if (!router) {
    return named(router.error());
  }
  auto flat = rewrite::flatten(*decoded, *router, bytes, &made->core_instances_);
  if (!flat) {
    return named(flat.error());
  }
  made->router_ = *std::move(router);
  made->composed_ = std::make_unique<component::Composition>(std::move(decoded->composition));
  made->bytes_ = *std::move(flat);
  auto composition = component::decode(made->bytes_, fmt::format("{} (routed)", file));
  if (!composition) {
    return tl::unexpected(composition.error());
  }
  made->flat_ = std::make_unique<component::Composition>(*std::move(composition));
  made->program_ = std::make_unique<Program>(*made->flat_, made->bytes_, observer, limits);
  made->program_->set_trap_words([self = made.get()] { return self->trap_of_router(); });
  return made;
}

std::optional<spec::Trap> RoutedProgram::trap_of_router() const {
  for (std::size_t i = 0; i < core_instances_.size(); ++i) {
    for (const auto& [symbol, name] : core_instances_[i].exports) {
      if (symbol != emit::Symbol(emit::BaseItem::kTrap)) {
        continue;
      }
      const auto reason = static_cast<TrapReason>(
          program_->global(component::CoreInstanceId(i), name).value_or(std::uint64_t{0}));
      if (const auto known = class_of(reason)) {
        return spec::Trap{.trap_class = *known, .sentence = std::string(sentence_of(reason))};
      }
    }
  }
  return std::nullopt;
}

std::vector<TableEntry> RoutedProgram::entries() const {
  std::vector<TableEntry> all;
  for (std::size_t i = 0; i < core_instances_.size(); ++i) {
    for (const auto& [symbol, name] : core_instances_[i].exports) {
      const auto* const borrows = std::get_if<emit::Borrows>(&symbol);
      if (borrows == nullptr) {
        continue;
      }
      const std::span<const std::uint8_t> memory = program_->memory(component::CoreInstanceId(i), 0);
      for (std::size_t at = 0; at + sizeof(Words) <= memory.size(); at += sizeof(Words)) {
        Words words;
        std::memcpy(&words, memory.data() + at, sizeof(words));
        if (words.head != 0) {
          all.push_back({.instance = plan_.tables[borrows->table.value].instances.at(0),
                         .index = static_cast<std::uint32_t>(at / sizeof(Words)),
                         .own = (words.head & 2) == 0,
                         .resource = plan_.types.at(words.head >> 2).resource,
                         .rep = words.rep,
                         .lends = words.lends});
        }
      }
    }
  }
  std::sort(all.begin(), all.end(), [](const TableEntry& left, const TableEntry& right) {
    return std::tie(left.instance, left.index) < std::tie(right.instance, right.index);
  });
  return all;
}

}  // namespace meld_verify::run
