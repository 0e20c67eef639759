#pragma once

// What a bridge does to the handle at one position: the plan's steps as calls.

#include <optional>
#include <vector>

#include "engine/emit/code.h"
#include "engine/topology/topology.h"

namespace meld_verify::emit {

/// One step of the plan's.
struct Conversion {
  enum class Kind : std::uint8_t {
    kTable,      ///< `function` of `table`, with `tag`
    kDetach,     ///< a canonical handle of a guest's type becomes its rep; the destructor does not run
    kCanonical,  ///< canonical built-in `canonical`
    kTemporary,  ///< a rep becomes a canonical handle that lives as long as the call
    kNothing,    ///< the value stays as it is
  };
  Kind kind = Kind::kNothing;
  TablePart table{};
  std::uint32_t tag = 0;
  CanonicalCall canonical{};
  [[nodiscard]] bool lends() const { return kind == Kind::kTable && table.function == TableFunction::kLend; }
};

/// What is to be done for a handle when the call is over.
struct Aftermath {
  std::optional<routing::TableId> unlend;          ///< of the value that was lent
  std::optional<component::ResourceId> token;      ///< a host's handle that is dropped
  std::optional<component::ResourceId> temporary;  ///< a canonical handle that was made for the call
  [[nodiscard]] bool any() const { return unlend || token || temporary; }
  bool operator==(const Aftermath&) const = default;
};

struct HandleWay {
  std::vector<Conversion> steps;
  std::size_t lifting = 0;  ///< so many steps come before the first that makes an entry
  bool in_list = false;     ///< there may be any number of it in one call
  Aftermath aftermath;
  /// Tables that a step reads or takes from, and those that one makes an entry in.
  std::vector<routing::TableId> reads, makes;
  std::vector<routing::TableId> borrows;  ///< of `makes`, those that get a borrow entry
};

/// The ways of all positions of a boundary, in their order. Errors, `kUnsupported`: a plan that reads a
/// handle elsewhere than it lies ("layout-override").
[[nodiscard]] wasm::Expected<std::vector<HandleWay>> handle_ways(const topology::Topology& topology,
                                                                 const routing::Plan& plan,
                                                                 topology::BoundaryId boundary);

/// Code for steps `first` to `last` (without) of a way: `value` pushes the handle, the outcome is on the
/// stack. `lent`, `temporary`: locals that keep the handle that is lent, and the one that is made for the
/// call.
template <class Push>
void convert(Code& code, const HandleWay& way, std::size_t first, std::size_t last,
             std::optional<std::uint32_t> lent, std::optional<std::uint32_t> temporary, Push push);

/// Code for what is to be done at the end; `kept` and `temporary` are locals.
void finish(Code& code, const Aftermath& aftermath, std::uint32_t kept,
            std::optional<std::uint32_t> temporary);

namespace detail {
void push_tags(Code& code, const HandleWay& way, std::size_t first, std::size_t last);
void apply_steps(Code& code, const HandleWay& way, std::size_t first, std::size_t last,
                 std::optional<std::uint32_t> lent, std::optional<std::uint32_t> temporary);
}  // namespace detail

template <class Push>
void convert(Code& code, const HandleWay& way, std::size_t first, std::size_t last,
             std::optional<std::uint32_t> lent, std::optional<std::uint32_t> temporary, Push push) {
  detail::push_tags(code, way, first, last);
  push();
  detail::apply_steps(code, way, first, last, lent, temporary);
}

}  // namespace meld_verify::emit
