#include "tools/meld-verify/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace meld_verify::tool {

Progress::Progress() {
  if (isatty(STDERR_FILENO) != 0) {
    teller_ = std::thread([this] { tell(); });
  }
}

Progress::~Progress() {
  end();
}

void Progress::end() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  if (teller_.joinable()) {
    teller_.join();
  }
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void Progress::tell() {
  constexpr auto kPatience = std::chrono::seconds(2);
  constexpr auto kBeat = std::chrono::milliseconds(500);
  std::unique_lock lock(mutex_);
  if (ended_.wait_for(lock, kPatience, [this] { return end_; })) {
    return;
  }
  do {
    fmt::print(stderr, "\r\x1b[Kmeld-verify: {} ({:.0f} s)", doing_.load(), seconds());
    std::fflush(stderr);
  } while (!ended_.wait_for(lock, kBeat, [this] { return end_; }));
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace meld_verify::tool
