#pragma once

// For properties of bridges: random function types, and what their two guests do.

#include "engine/run/bridge_by_test.h"
#include "spec/property.h"

namespace meld_verify::run {

using Stocked = std::array<spec::HandleTable, 2>;  ///< of caller and callee, before the call

// --- random calls

class RandomTypes {
 public:
  RandomTypes(BridgeWorld& world, bool handles) : world_(world), small_(world.small), handles_(handles) {}

  component::TypeId any(int depth, bool borrows) {
    const std::uint32_t choice = spec::below(depth == 0 ? 12 : 26);
    if (choice < 12) {
      return leaf(choice, borrows);
    }
    const auto inner = [&] { return any(depth - 1, borrows); };
    switch (choice % 8) {
      case 0:
      case 1: {
        std::vector<component::TypeId> fields;
        for (std::uint32_t i = 0, count = 1 + spec::below(5); i < count; ++i) {
          fields.push_back(inner());
        }
        return small_.tuple(fields);
      }
      case 2: {
        std::vector<topology::SmallComposition::Labelled> cases;
        for (std::uint32_t i = 0, count = 1 + spec::below(4); i < count; ++i) {
          cases.emplace_back("c" + std::to_string(i),
                             spec::below(4) == 0 ? std::nullopt : std::optional<component::TypeId>(inner()));
        }
        return small_.variant(std::move(cases));
      }
      case 3:
        return small_.option(inner());
      case 4:
        return small_.result(spec::below(4) == 0 ? std::nullopt : std::optional<component::TypeId>(inner()),
                             spec::below(4) == 0 ? std::nullopt : std::optional<component::TypeId>(inner()));
      case 5:
      case 7:
        return spec::below(4) == 0 ? small_.map(plain(), inner()) : small_.list(inner());
      default:
        return small_.fixed_list(inner(), 1 + spec::below(6));
    }
  }

 private:
  component::TypeId plain() { return small_.primitive(static_cast<component::TypeKind>(spec::below(13))); }

  component::TypeId leaf(std::uint32_t choice, bool borrows) {
    if (choice >= 8 && handles_) {
      return borrows && choice >= 10 ? world_.borrow(spec::below(kBridgeResources))
                                     : world_.own(spec::below(kBridgeResources));
    }
    static constexpr std::uint32_t kCases[] = {1, 2, 3, 255, 256, 257, 1000};
    static constexpr std::uint32_t kFlags[] = {1, 7, 8, 9, 16, 17, 31, 32};
    switch (choice) {
      case 0:
        return small_.cases(component::TypeKind::kEnum, kCases[spec::below(std::size(kCases))]);
      case 1:
        return small_.cases(component::TypeKind::kFlags, kFlags[spec::below(std::size(kFlags))]);
      case 2:
        return small_.primitive(component::TypeKind::kChar);
      default:
        return plain();
    }
  }

  BridgeWorld& world_;
  topology::SmallComposition& small_;
  const bool handles_;
};

/// A function of random types: up to `most_params` parameters, up to `depth` types in one another.
struct RandomFunction {
  RandomFunction(BridgeWorld& world, RandomTypes& types, std::uint32_t most_params, std::uint32_t depth) {
    const auto any = [&](bool borrows) {
      return types.any(static_cast<int>(spec::below(depth + 1)), borrows);
    };
    std::vector<std::pair<std::string, component::TypeId>> listed;
    for (std::uint32_t i = 0, count = spec::below(most_params + 1); i < count; ++i) {
      listed.emplace_back("p" + std::to_string(i), any(true));
    }
    std::optional<component::TypeId> given;
    if (spec::below(3) != 0) {
      given = any(false);
    }
    type = world.small.func(listed, given);
    ValueTypes value_types(world.small.made.types);
    const spec::FunctionType function = value_types.of(type);
    params = spec::types::tuple(function.params);
    results =
        spec::types::tuple(function.result ? std::vector{function.result} : std::vector<spec::TypeRef>{});
  }

  component::FuncTypeId type;
  spec::TypeRef params, results;  ///< as tuples
};

/// Entries for all resource types in both tables, some of them borrows, and some holes. The callee gets no
/// entry by a borrow of its own type.
inline Stocked stocked() {
  Stocked tables;
  for (std::uint32_t t = 0; t < 2; ++t) {
    for (std::uint32_t i = 0; i < 90; ++i) {
      const std::uint32_t type = i % kBridgeResources;
      const bool borrow = i % 7 == 6 && type != t;
      (void)tables[t].add({borrow ? spec::EntryKind::kBorrow : spec::EntryKind::kOwn,
                           spec::ResourceTypeId(type),
                           spec::Rep(1000 * (t + 1) + i),
                           0,
                           nullptr,
                           {}});
    }
    for (std::uint32_t i = 80; i < 86; ++i) {
      (void)tables[t].take(spec::HandleIndex(i));
    }
  }
  return tables;
}

/// Handles for a value: mostly those that it may have.
inline std::vector<std::uint32_t> handles_for(const spec::Sequence& values, const spec::HandleTable& table,
                                              bool flawed) {
  std::vector<std::uint32_t> chosen;
  std::vector<bool> gone(table.slots().size(), false);
  for (const spec::Value& value : values.items) {
    spec::for_each_handle(value, [&](const spec::Handle& handle) {
      std::uint32_t index = 0;
      for (std::uint32_t tries = 0; tries < 200; ++tries) {
        const std::uint32_t candidate = spec::below(table.slots().size());
        const spec::Entry& entry = table.slots()[candidate];
        const bool right = entry.tag == handle.type && entry.kind != spec::EntryKind::kEmpty &&
                           (!handle.own || entry.kind == spec::EntryKind::kOwn) && !gone[candidate];
        if (right || (flawed && spec::below(24) == 0)) {
          index = candidate;
          break;
        }
      }
      if (flawed && !chosen.empty() && spec::below(6) == 0) {
        index = chosen.back();
      }
      if (!flawed) {  // (Nor is what was lent given away later.)
        gone[index] = true;
      }
      chosen.push_back(index);
    });
  }
  return chosen;
}

inline Written random_written(const spec::Type& tuple, spec::Encoding encoding,
                              const spec::HandleTable& table) {
  Written written;
  for (const spec::Part& part : tuple.parts) {
    written.values.items.push_back(spec::random_value(*part.type, encoding));
  }
  const bool flawed = spec::below(3) == 0;
  written.handles = handles_for(written.values, table, flawed);
  // Numbers at the edges of what is allowed, or bits that flip.
  static constexpr std::uint32_t kEdges[] = {0,        1,          2,           3,          4,      254,
                                             255,      256,        257,         999,        1000,   0xd7ff,
                                             0xd800,   0xdbff,     0xdfff,      0xe000,     0xffff, 0x10ffff,
                                             0x110000, 0x10000000, 0x8000'0000, 0xffff'ffff};
  if (spec::below(2) == 0) {
    for (std::uint32_t i = 0, count = 1 + spec::below(3); i < count; ++i) {
      const std::uint32_t kind = spec::below(3);
      const std::uint64_t bits = kind == 0   ? std::uint64_t{1} << spec::below(64)
                                 : kind == 1 ? spec::random_bits()
                                             : kEdges[spec::below(std::size(kEdges))];
      written.damages.push_back(
          {.in_slot = spec::below(2) == 0, .where = spec::below(1000), .bits = bits, .replaces = kind == 2});
    }
  }
  return written;
}

inline bool has_floats(const spec::Type& type) {
  return type.kind == spec::Kind::kF32 || type.kind == spec::Kind::kF64 ||
         std::any_of(type.parts.begin(), type.parts.end(),
                     [](const spec::Part& part) { return part.type && has_floats(*part.type); });
}

/// First address at which they differ, or nothing.
inline std::optional<std::size_t> difference(const std::vector<std::byte>& left,
                                             const std::vector<std::byte>& right) {
  const auto [at, other] = std::mismatch(left.begin(), left.end(), right.begin());
  return at == left.end() ? std::nullopt : std::optional<std::size_t>(at - left.begin());
}

}  // namespace meld_verify::run
