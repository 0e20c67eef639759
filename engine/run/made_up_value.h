#pragma once

// Values that a host makes up, and the core slots of plain ones.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "spec/machine.h"

namespace meld_verify::run {

/// Gives a handle for an own or borrow, or nothing when there is none.
using HandleSource = std::function<std::optional<spec::Handle>(const spec::Type& type)>;

/// Which of the values of a type to make up.
enum class Filling : std::uint8_t {
  kEmpty,  ///< zeros, empty strings and lists, the first case
  kFull,   ///< ones, one character, one element, the last case
};

/// A value of the type; the next case where one cannot be made up. Nothing when a handle is missing.
[[nodiscard]] std::optional<spec::Value> made_up_value(const spec::Type& type, Filling filling,
                                                       const HandleSource& handles);

/// The value with each of its handles exchanged, depth first, in order. Nothing when a handle has none.
[[nodiscard]] std::optional<spec::Value> with_handles(
    const spec::Value& value,
    const std::function<std::optional<spec::Handle>(const spec::Handle&)>& exchange);

/// Arguments for a call: for each handle the newest of `handles` of its type that `holds` is true of, an own
/// for one parameter only. Nothing when a handle is missing.
[[nodiscard]] std::optional<std::vector<spec::Value>> made_up_arguments(
    const spec::FunctionType& type, Filling filling, const std::vector<spec::Handle>& handles,
    const std::function<bool(const spec::Handle&)>& holds);

/// The arguments of another program's call: each handle is the one in `theirs` at the place where the same
/// object's is in `ours`. Nothing when there is none.
[[nodiscard]] std::optional<std::vector<spec::Value>> counterparts(const std::vector<spec::Value>& arguments,
                                                                   const std::vector<spec::Handle>& ours,
                                                                   const std::vector<spec::Handle>& theirs);

/// The core slots of a value without strings, lists, variants and handles; appended to `slots`. False: it has
/// one of these.
[[nodiscard]] bool flatten_plain(const spec::Value& value, const spec::Type& type,
                                 std::vector<spec::CoreValue>& slots);

}  // namespace meld_verify::run
