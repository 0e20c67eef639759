#pragma once

// Emitted code as core modules.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/emit/router.h"

namespace meld_verify::emit {

/// A core module and what its imports stand for.
struct Package {
  std::vector<std::uint8_t> bytes;
  /// In the order of its imports.
  std::vector<Symbol> imports;
  /// What it exports: symbol and name.
  std::vector<std::pair<Symbol, std::string>> exports;
};

/// The generic table module of all tables with options like `table`'s: it imports the destructor table and
/// trap functions, and exports the functions (named after TableFunction: "new", "borrow", ...) and the global
/// "borrows".
[[nodiscard]] Package package_table(const HandleTable& table);

/// The base module: destructor table, trap global and functions, `MayLeave` of `instances`, staging memory if
/// used.
[[nodiscard]] Package package_base(const Router& router, std::uint32_t instances);

/// Functions of the router (indices into `Router::functions`) as one module, which exports each under its
/// name. Guests' memories are imported with a minimum of 0 pages and no maximum.
[[nodiscard]] Package package_functions(const Router& router, std::span<const std::uint32_t> functions);

}  // namespace meld_verify::emit
