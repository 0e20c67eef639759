#include "tools/bench/whole_process.h"

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace meld_verify::bench {

Outcome run(const std::vector<std::string>& command) {
  Outcome outcome;
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) {
    return outcome;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  outcome.started = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (outcome.started) {
    char block[4096];
    for (ssize_t got = 0; (got = read(ends[0], block, sizeof block)) > 0;) {
      outcome.output.append(block, static_cast<std::size_t>(got));
    }
    int status = 0;
    rusage usage{};
    if (wait4(child, &status, 0, &usage) == child && WIFEXITED(status)) {
      outcome.exit_code = WEXITSTATUS(status);
    }
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      outcome.seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    }
    outcome.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  }
  close(ends[0]);
  return outcome;
}

}  // namespace meld_verify::bench
