#pragma once

// What a function can call: the edges along which code is reached.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/lift/image.h"

namespace meld_verify::lift {

/// A call through a table: of any of its entries with that type.
struct TableCall {
  TableId table;
  CoreModuleId module;
  std::uint32_t type = 0;  ///< in that module
};

/// What a function's code names.
struct CallSites {
  std::vector<FunctionId> functions;  ///< called, or referred to (so that they can be called later)
  std::vector<TableCall> table_calls;
  bool readable = true;  ///< all of the code was read
};

/// Of a canonical definition: what it calls in turn (a lowered function's lift with its memory functions, a
/// destructor).
[[nodiscard]] CallSites calls_of(const Image& image, FunctionId function);

/// The core function that a destination of canonical definitions means: of a lower the lifted core function,
/// of a resource.drop the destructor. Nothing when there is none, or when it is the host's.
[[nodiscard]] std::optional<FunctionId> target_of(const Image& image, CanonId canon);

/// Functions reached, breadth first, each once.
class Walk {
 public:
  explicit Walk(const Image& image) : image_(image), reached_(image.functions.size()) {}

  void add(FunctionId function);
  /// Goes on from all that was added, but not from what `stops` is true of (which is reached). At most `most`
  /// functions are read.
  void run(const std::function<bool(FunctionId)>& stops, std::size_t most);
  /// Nothing was left out: all that was added was read, and tables hold what they seem to.
  [[nodiscard]] bool complete() const { return readable_ && next_ == order_.size(); }
  [[nodiscard]] const std::vector<bool>& reached() const { return reached_; }
  [[nodiscard]] const std::vector<FunctionId>& order() const { return order_; }

 private:
  void add(const TableCall& call);

  const Image& image_;
  std::vector<bool> reached_;
  std::vector<FunctionId> order_;
  std::size_t next_ = 0;
  bool readable_ = true;
  /// By table and type, what has not been reached through it yet.
  std::map<TableId, std::map<std::string, std::vector<FunctionId>>> entries_;
};

}  // namespace meld_verify::lift
