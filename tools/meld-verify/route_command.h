#pragma once

#include <string>

namespace meld_verify::tool {

/// `meld-verify route`: makes a composed component flat, and writes it if it is proved.
struct RouteCommand {
  std::string composed;
  std::string routed;

  /// The exit code: that of the verdict on what was made; 4 where the component is out of scope. Only with 0
  /// is a file written.
  [[nodiscard]] int run() const;
};

}  // namespace meld_verify::tool
