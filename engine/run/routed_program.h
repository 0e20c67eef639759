#pragma once

// A composed component, executed through its router: what `route` makes of it, decoded and run like any other
// component.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/component/decode.h"
#include "engine/emit/router.h"
#include "engine/rewrite/route.h"
#include "engine/run/program.h"

namespace meld_verify::run {

/// An entry of one of the router's handle tables.
struct TableEntry {
  component::InstanceId instance;  ///< whose handle it is
  std::uint32_t index = 0;
  bool own = true;
  component::ResourceId resource;
  std::uint32_t rep = 0;  ///< of a host's type: the canonical handle
  std::uint32_t lends = 0;
  bool operator==(const TableEntry&) const = default;
};

/// The flat component's program. Traps of the router have the classes of the law.
class RoutedProgram {
 public:
  /// `bytes` is a composed component, `file` its name in diagnostics; they need not outlive what is made.
  /// `observer` hears what the host's side shows: calls of the world's exports and imports, and what crosses
  /// with them; it must outlive it. Errors: those of `rewrite::route`.
  [[nodiscard]] static wasm::Expected<std::unique_ptr<RoutedProgram>> make(
      std::span<const std::uint8_t> bytes, std::string_view file, spec::Observer* observer = nullptr,
      spec::Limits limits = {});

  [[nodiscard]] Program& program() { return *program_; }
  /// Of the flat component, and its bytes.
  [[nodiscard]] const component::Composition& composition() const { return *flat_; }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return bytes_; }
  /// What it was made of: the composed component, its routing and its router.
  [[nodiscard]] const component::Composition& composed() const { return *composed_; }
  [[nodiscard]] const routing::Plan& plan() const { return plan_; }
  [[nodiscard]] const emit::Router& router() const { return router_; }
  /// What the flat component's core instances are.
  [[nodiscard]] const std::vector<rewrite::FlatInstance>& core_instances() const { return core_instances_; }
  /// Why the router's code trapped; nothing: it did not.
  [[nodiscard]] std::optional<spec::Trap> trap_of_router() const;
  /// All entries of all tables as they are now, by instance and index.
  [[nodiscard]] std::vector<TableEntry> entries() const;

 private:
  RoutedProgram() = default;
  std::unique_ptr<component::Composition> composed_;
  routing::Plan plan_;
  emit::Router router_;
  std::vector<std::uint8_t> bytes_;
  std::vector<rewrite::FlatInstance> core_instances_;
  std::unique_ptr<component::Composition> flat_;
  std::unique_ptr<Program> program_;
};

}  // namespace meld_verify::run
