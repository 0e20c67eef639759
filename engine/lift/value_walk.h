#pragma once

// A value at both sides of a call, compared along its type.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/lift/execute.h"
#include "engine/topology/layout.h"

namespace meld_verify::lift {

/// Where a value lies: in slots (core values), or at an address.
struct ValuePlace {
  std::optional<Term> address;
  std::vector<Term> slots;
};

/// One side of a call: its memory, as it is when the value is there.
struct ValueSide {
  std::optional<MemoryState> memory;
  component::StringEncoding encoding = component::StringEncoding::kUtf8;
  std::optional<FunctionId> allocator;  ///< the receiver's `realloc`
};

/// A handle at both sides.
struct HandleSeen {
  std::uint32_t position = 0;  ///< of the boundary's positions, in order
  Term sent;                   ///< 32 bits
  Term received;
  std::vector<Term> guards;   ///< the cases under which it is there
  std::vector<Term> lengths;  ///< how long the lists around it are, for it to be there
  bool in_list = false;
};

/// A stretch of memory that a valid value takes up: it ends before the memory does, and is aligned.
struct ValidArea {
  MemoryId memory;
  Term address;  ///< 32 bits
  Term size;     ///< bytes, 32 bits
  Term exists;   ///< the condition under which it is there
  std::uint32_t alignment = 1;
};

/// How lists are followed.
struct ListBound {
  std::uint32_t most_elements = 3;
  /// Also lists of plain values: else they are taken to be copied as a whole.
  bool all = false;
};

/// Something else that differs or could not be told.
struct ValueFlaw {
  bool certain = false;  ///< it differs for some valid values; else it could not be decided
  std::string sentence;  ///< "params/name: the text is not copied"
};

/// Walks over values of types that both sides know. What is compared: each handle (handed out), every other
/// word, the bytes of strings and lists, and that memory of the receiver was given by its allocator.
class ValueWalk {
 public:
  /// All must outlive it.
  ValueWalk(const component::TypeArena& arena, const topology::Layouts& layouts, Executor& executor,
            smt::Terms& terms, smt::Decider& decider, const Path& path, ListBound lists);

  /// Both places of a list of values, in order, as the parameters (or the result) of a function.
  /// `first_position` is the number of the first handle in them. `path` names them ("params", "result").
  void values(std::span<const component::Parameter> list, const ValuePlace& from, const ValuePlace& to,
              const ValueSide& sender, const ValueSide& receiver, std::uint32_t first_position,
              const std::string& label);

  std::vector<HandleSeen> handles;
  /// Where handles would be at the sender's side if the cases around them were the active ones; lists of
  /// unknown length left out.
  std::vector<HandleSeen> possible;
  std::vector<ValueFlaw> flaws;
  bool met_lists = false;  ///< lists whose elements matter

  /// Whether the memory from `address` on, `size` bytes, was given by `allocator` during the path.
  [[nodiscard]] smt::Answer allocated(Term address, Term size, FunctionId allocator);
  /// Whether it holds on the path.
  [[nodiscard]] smt::Answer follows(Term condition) { return decider_.follows(conditions_, condition); }

 private:
  struct Here;  // a value under way
  void value(component::TypeId type, const ValuePlace& from, const ValuePlace& to, const std::string& label);
  void scalar(component::TypeId type, unsigned bits, const ValuePlace& from, const ValuePlace& to,
              const std::string& label);
  void handle(const ValuePlace& from, const ValuePlace& to);
  void record(component::TypeId type, const ValuePlace& from, const ValuePlace& to, const std::string& label);
  void variant(component::TypeId type, const ValuePlace& from, const ValuePlace& to,
               const std::string& label);
  void list(component::TypeId type, const ValuePlace& from, const ValuePlace& to, const std::string& label);
  void fixed_list(component::TypeId type, const ValuePlace& from, const ValuePlace& to,
                  const std::string& label);
  /// The elements of a list of `count`, which is its length under the conditions.
  void counted(component::TypeId type, std::uint64_t count, Term from, Term to, const std::string& label);
  void elements(component::TypeId content, std::uint64_t stride, std::uint64_t offset, std::uint64_t count,
                Term from, Term to, const std::string& label);
  void bytes(Term from, Term to, Term size, const std::string& label);

  [[nodiscard]] Term read(const ValueSide& side, const ValuePlace& place, std::uint64_t offset, unsigned bits,
                          std::size_t slot);
  [[nodiscard]] Term low(Term term, unsigned bits);
  [[nodiscard]] Term plus(Term address, std::uint64_t offset);
  [[nodiscard]] bool has_pointer(component::TypeId type);
  [[nodiscard]] bool is_canonical_nan_of(Term sent, Term received) const;
  void flaw(smt::Answer differs, std::string sentence);
  void same(Term from, Term to, const std::string& label);

  const component::TypeArena& arena_;
  const topology::Layouts& layouts_;
  Executor& executor_;
  smt::Terms& terms_;
  smt::Decider& decider_;
  const Path& path_;
  const ListBound bound_;
  ValueSide sender_, receiver_;
  std::vector<Term> conditions_;  ///< of the path, the cases around and the lengths of lists
  std::vector<Term> guards_, lengths_;
  std::uint32_t position_ = 0;
  bool only_possible_ = false;
  unsigned lists_ = 0;
};

/// Handle positions in a type, as the topology counts them: a list has those of one element, a fixed-length
/// list those of each.
[[nodiscard]] std::uint32_t handles_below(const component::TypeArena& arena, component::TypeId type);

/// Whether the elements of a list of this type are to be looked at one by one: they hold handles or pointers.
[[nodiscard]] bool elements_matter(const component::TypeArena& arena, component::TypeId list);

/// In how many ways, about, values of these types can be looked at: cases, and lists whose elements matter of
/// each length up to `most_elements`. Code that looks at them all goes as many ways.
[[nodiscard]] double ways_through(const component::TypeArena& arena,
                                  std::span<const component::Parameter> list, std::uint32_t most_elements);

/// What holds of a value because it is a valid one.
struct Validity {
  std::vector<Term> conditions;
  bool has_lists = false;  ///< whose elements matter
  std::vector<ValidArea> areas;
};

/// Conditions on a value (of the parameters `list`, in order) at `place` in `memory` as it is: variants have
/// one of their cases, characters are in range, and lists whose elements matter no more than so many.
[[nodiscard]] Validity validity(const component::TypeArena& arena, const topology::Layouts& layouts,
                                Executor& executor, smt::Terms& terms,
                                std::span<const component::Parameter> list, const ValuePlace& place,
                                const std::optional<MemoryState>& memory, ListBound lists,
                                component::StringEncoding encoding);

}  // namespace meld_verify::lift
