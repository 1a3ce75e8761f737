#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hookfleet::support {

/// A child process of the test: output to a file, ended by its own pid, killed by the kernel when the test's thread dies.
class Process {
 public:
  struct Options {
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;  ///< added to the test's own
    std::string output;                              ///< file that takes stdout and stderr, appended; empty: /dev/null
  };
  /// Starts it; aborts the test program when exec fails.
  explicit Process(Options options);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  /// SIGTERM, then SIGKILL after 10 s.
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  /// SIGKILL and reap.
  void kill();
  /// The exit code (128 + signal when it was killed), or nothing when it still runs after `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);

 private:
  void end();
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

/// A TCP port of 127.0.0.1 that is free, and that no process which asks here is given again until this one ends. Threads: any.
int free_port();

/// The whole file, empty when there is none.
std::string read_file(const std::string& path);

/// As editors do: written beside, as a hidden file, and renamed; nobody sees half of it.
void replace_file(const std::string& path, const std::string& content);

}  // namespace hookfleet::support
