#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/mutex.hpp"
#include "common/log/logger.hpp"
#include "common/redis/reply.hpp"

namespace hookfleet::lifecycle {

/// The log level of a process: the setting's, unless an operator wished for another one at run time (`hookfleet log-level`, kept in the
/// hash hf:control as `log_level.<program>` or, for all programs, `log_level`).
/// Threads: any.
class LogLevel {
 public:
  /// `program`: as in the hash, "ingress" or "worker". `own`: the setting's, which the logger has already.
  LogLevel(const log::Logger& log, std::string program, log::Level own);

  /// The setting was read again.
  void set_own(log::Level own) HOOKFLEET_EXCLUDES(mutex_);
  /// A reply to HGETALL hf:control. What isn't one, or names no level, is logged once and changes nothing.
  void observe(redis::ReplyView control) HOOKFLEET_EXCLUDES(mutex_);

 private:
  void apply() HOOKFLEET_REQUIRES(mutex_);

  const log::Logger& log_;
  const std::string program_;
  base::Mutex mutex_;
  log::Level own_ HOOKFLEET_GUARDED_BY(mutex_);
  std::optional<log::Level> wish_ HOOKFLEET_GUARDED_BY(mutex_);
  std::string complaint_ HOOKFLEET_GUARDED_BY(mutex_);
};

}  // namespace hookfleet::lifecycle
