#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace meld_verify::spec {

/// A number of one index space. Two spaces have two tags, so that their numbers never mix (semantics.md 1.1).
template <class Tag>
struct Number {
  std::uint32_t value = 0;

  constexpr Number() = default;
  constexpr explicit Number(std::uint32_t v) : value(v) {}
  constexpr auto operator<=>(const Number&) const = default;
};

/// A component instance of the machine.
using InstanceId = Number<struct InstanceTag>;
/// A resource type. Its identity is the defining instance and the definition, never a name
/// (semantics.md 1.4).
using ResourceTypeId = Number<struct ResourceTypeTag>;
/// A component-level function: lifted by an instance, or of the host.
using FunctionId = Number<struct FunctionTag>;
/// A `canon lower`: one function as one instance calls it.
using LoweringId = Number<struct LoweringTag>;
/// The spaces O(X) and B(X): an index into the handle table of one instance.
using HandleIndex = Number<struct HandleIndexTag>;
/// The space R(T): what the defining instance chose to stand for a resource. Not an identity.
using Rep = Number<struct RepTag>;

/// Ghost identity of one resource, never reused: two resources of equal rep are told apart by it. No guest
/// sees it.
struct ObjectId {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const ObjectId&) const = default;
};

}  // namespace meld_verify::spec

template <class Tag>
struct std::hash<meld_verify::spec::Number<Tag>> {
  std::size_t operator()(const meld_verify::spec::Number<Tag>& number) const noexcept { return number.value; }
};

template <>
struct std::hash<meld_verify::spec::ObjectId> {
  std::size_t operator()(const meld_verify::spec::ObjectId& object) const noexcept { return object.value; }
};
