#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "common/config/settings.hpp"
#include "common/lifecycle/pid_file.hpp"
#include "common/lifecycle/signals.hpp"
#include "common/log/logger.hpp"

namespace hookfleet::lifecycle {

/// Who a program is, and what it was called with.
struct Call {
  std::string program;  ///< "hookfleet-ingress"
  std::string about;    ///< a sentence or two, for --help
  int argc = 0;
  const char* const* argv = nullptr;  ///< main's
};

/// How every program of the fleet begins, reloads and is told to stop: command line and settings, signals, log, pid file.
/// Threads: the main thread; but request_stop() any.
class Process {
 public:
  static constexpr int kFailed = 1;       ///< exit code: could not start, or not stop in order
  static constexpr int kBadSettings = 2;  ///< exit code: somebody has to change the settings, trying again doesn't help

  /// Reads the command line into `settings` and with them into whatever they were declared for; then takes the signals, opens the log,
  /// writes the pid file and the first records. `metrics_listen` and `log` are looked at after that reading. To be called before any thread
  /// is started. An error is an exit code: there is nothing more to do (--help, --check-config, --healthcheck …, or a problem), and what
  /// there is to say has been said.
  static tl::expected<std::unique_ptr<Process>, int> begin(const Call& call, config::Settings& settings, const std::string& metrics_listen,
                                                           const log::Options& log);

  const log::Logger& log() const { return log_; }

  /// Returns when the process was told to stop; calls `on_reload` for each SIGHUP.
  void wait_for_stop(const std::function<void()>& on_reload) { signals_.wait_for_stop(on_reload); }
  /// As if SIGTERM had come.
  void request_stop() noexcept { signals_.request_stop(); }
  /// Reads the command line once more, into settings declared anew. False: something is wrong with them, the log says what, and what they
  /// were declared for is not to be used.
  bool reread(config::Settings& fresh);
  /// How often reread() answered true, and false. Any thread.
  std::uint64_t reloads() const noexcept { return reloads_; }
  std::uint64_t reloads_failed() const noexcept { return reloads_failed_; }
  /// Leaves without destructors, when something that can't be waited for still runs: flushes the log, removes the pid file.
  [[noreturn]] void abandon(int exit_code);

 private:
  Process(Call call, const log::Options& log, const std::string& pid_file);

  const Call call_;
  Signals signals_;  // before the log: its thread inherits the mask
  const log::Logger log_;
  std::optional<PidFile> pid_file_;
  std::atomic<std::uint64_t> reloads_ = 0, reloads_failed_ = 0;
};

}  // namespace hookfleet::lifecycle
