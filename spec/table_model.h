#pragma once

// What a reader of the law expects of each operation on the machine, by a model that knows tables, resources
// and nothing else: no tasks, no flags, no values. For the properties of the machine.

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "spec/trap.h"

namespace meld_verify::spec {

/// Instances: two definers and a consumer side by side, a parent that defines, and its child that defines
/// too.
inline constexpr int kInstances = 5;
enum Place : int { kA, kB, kConsumer, kParent, kChild };
/// Types 0 to 3 are defined by A, B, the parent, the child; type 4 by the host; type 5 by A, with no
/// destructor.
inline constexpr int kTypes = 6;
inline constexpr std::array<int, kTypes> kDefiners = {kA, kB, kParent, kChild, -1, kA};
inline constexpr int kHostType = 4;
inline constexpr int kTypeWithoutCode = 5;
/// Highest index of each table.
inline constexpr std::uint32_t kModelMaxIndex = 9;

[[nodiscard]] constexpr bool related(int left, int right) {
  return left == right || (left >= kParent && right >= kParent);
}

enum class Op : std::uint8_t {
  kNew,          ///< resource.new of `type` in `x`, rep `i`
  kRep,          ///< resource.rep of `i`
  kDrop,         ///< resource.drop of `i`
  kGive,         ///< x -> y f(own i)
  kGiveTwo,      ///< x -> y f(own i, own j)
  kFetch,        ///< x -> y f() -> own, where y returns its index i
  kLend,         ///< x -> y f(borrow i), y does as `conduct` says
  kLendTwo,      ///< x -> y f(borrow i, borrow j), y drops both
  kLendAndGive,  ///< x -> y f(borrow i, own j), y drops the borrow
  kGiveAndLend,  ///< x -> y f(own i, borrow j), y drops the borrow
  kHostNew,      ///< the host makes one of its type, rep i
  kHostFetch,    ///< the host calls x's f() -> own, where x returns its index i
  kHostGive,     ///< the host calls x's f(own) with the i-th that it holds
  kHostLend,     ///< the host calls x's f(borrow) with the i-th that it holds, x does as `conduct` says
  kHostDrop,     ///< the host drops the i-th that it holds
  kEscape,       ///< x -> y f(), y drops its index i in post-return
  kReenter,      ///< the host enters x, which calls y, which calls x
};

/// What a callee does with a borrow that came as an index. With a rep it can only be kLetGo.
enum class Conduct : std::uint8_t {
  kLetGo,      ///< drops it
  kKeep,       ///< returns without a drop
  kPassOn,     ///< lends it on to z, which drops its own, then drops it
  kPassTwice,  ///< the same with two borrows of it
  kGiveAway,   ///< passes it on to z as an own
  kMistake,    ///< drops it as another type
  kDropTwice,
};

struct Operation {
  Op op = Op::kNew;
  int x = 0, y = 0, z = 0;
  int type = 0;
  std::uint32_t i = 0, j = 0;
  Conduct conduct = Conduct::kLetGo;
};

/// What can be seen of an operation.
struct Seen {
  std::optional<TrapClass> trap;
  /// Handles as guests saw them arrive, in order, innermost calls first; the result last.
  std::vector<std::uint32_t> values;
  /// Type and rep of each destructor that ran.
  std::vector<std::pair<int, std::uint32_t>> destroyed;
  bool operator==(const Seen&) const = default;
};

struct TableModel {
  struct Row {
    bool used = false;
    bool own = true;
    int type = 0;
    std::uint32_t rep = 0;
  };
  struct Table {
    std::vector<Row> rows{1};
    std::vector<std::uint32_t> free;
  };
  struct Held {
    int type = 0;
    std::uint32_t rep = 0;
  };

  std::array<Table, kInstances> tables;
  std::vector<Held> host;

  /// What the operation shows; the model is as it is afterwards, and unchanged if it traps.
  Seen expect(const Operation& operation);
};

std::ostream& operator<<(std::ostream& out, const Operation& operation);
std::ostream& operator<<(std::ostream& out, const Seen& seen);

}  // namespace meld_verify::spec
