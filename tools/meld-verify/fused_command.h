#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meld_verify::tool {

/// `meld-verify COMPOSED FUSED`: the verdict on a fused file.
struct FusedCommand {
  std::string composed;
  std::string fused;
  std::string format = "text";
  std::string profile = "default";
  std::string plan_file;  ///< where to write the plan that was read; empty: nowhere
  bool replay = false;
  std::uint32_t replay_finding = 0;  ///< as numbered on the page; 0: any
  bool latent = false;
  bool judge = false;
  bool all = false;
  std::vector<std::string> arguments;  ///< as given, for the log

  /// The exit code.
  [[nodiscard]] int run() const;
};

}  // namespace meld_verify::tool
