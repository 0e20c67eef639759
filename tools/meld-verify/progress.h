#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace meld_verify::tool {

/// Says on stderr what is being done, once that takes longer than two seconds, if stderr is a terminal; the
/// line is gone when it ends.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What is done from now on; a string literal.
  void now(const char* doing) { doing_ = doing; }
  /// Ends it; what is printed later is not disturbed.
  void end();
  [[nodiscard]] double seconds() const;

 private:
  void tell();

  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::atomic<const char*> doing_{"reading"};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread teller_;
};

}  // namespace meld_verify::tool
