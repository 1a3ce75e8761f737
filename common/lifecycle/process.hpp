#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "common/config/settings.hpp"
#include "common/lifecycle/origin_watch.hpp"
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
  static constexpr int kHung = 70;        ///< exit code, EX_SOFTWARE: something hangs, which only a new process cures
  static constexpr int kBadSettings = 2;  ///< exit code: somebody has to change the settings, trying again doesn't help

  /// Reads the command line into `settings` and with them into whatever they were declared for; then takes the signals, opens the log,
  /// writes the pid file and the first records. `metrics_listen` and `log` are looked at after that reading. To be called before any thread
  /// is started. `settings` outlives the process. An error is an exit code: there is nothing more to do (--help, --check-config,
  /// --healthcheck …, or a problem), and what there is to say has been said.
  static tl::expected<std::unique_ptr<Process>, int> begin(const Call& call, config::Settings& settings, const std::string& metrics_listen,
                                                           const log::Options& log);

  const log::Logger& log() const { return log_; }

  /// What the main thread does while the process runs.
  struct Duties {
    /// Settings are to be read again, by reread(), and taken over as a whole. The answer: what is wrong with them, all of it; then all
    /// stays as it was. Called on SIGHUP, and when what they were read from holds something else and nobody writes it just now.
    std::function<std::optional<std::string>()> reload;
    /// Such an answer, for the operator; the log has it already.
    std::function<void(const std::string& problems)> refused;
    /// At each look.
    std::function<void()> look;
  };
  static constexpr std::chrono::milliseconds kLookEvery{1000};
  /// Returns when the process was told to stop.
  void wait_for_stop(const Duties& duties, std::chrono::milliseconds look_every = kLookEvery);
  /// As if SIGTERM had come.
  void request_stop() noexcept { signals_.request_stop(); }
  /// Within Duties::reload: reads the command line once more, into settings declared anew. The answer: what is wrong with them; what they
  /// were declared for is not to be used then. Settings that have changed but take a restart are named in the log.
  std::optional<std::string> reread(config::Settings& fresh);
  /// How often Duties::reload took settings over, and refused them. Any thread.
  std::uint64_t reloads() const noexcept { return reloads_; }
  std::uint64_t reloads_failed() const noexcept { return reloads_failed_; }
  /// False after a reload that was refused, until one is taken over: a restart would fail. Any thread.
  bool settings_right() const noexcept { return settings_right_; }
  /// Ends the process, one of whose `loops` has stood for `limit`: says so in the log, has `tell` tell the operator, and leaves with kHung.
  [[noreturn]] void end_hung(const std::string& loops, std::chrono::milliseconds limit, const std::function<void()>& tell);
  /// Leaves without destructors, when something that can't be waited for still runs: flushes the log, removes the pid file.
  [[noreturn]] void abandon(int exit_code);

 private:
  Process(Call call, const config::Settings& settings, const log::Options& log, const std::string& pid_file);
  void reload(const Duties& duties);

  const Call call_;
  const config::Settings& settings_;  // of the start
  Signals signals_;                   // before the log: its thread inherits the mask
  const log::Logger log_;
  std::optional<PidFile> pid_file_;
  OriginWatch origins_;
  std::atomic<std::uint64_t> reloads_ = 0, reloads_failed_ = 0;
  std::atomic<bool> settings_right_ = true;
};

}  // namespace hookfleet::lifecycle
