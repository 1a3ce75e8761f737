#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/log/logger.hpp"

namespace hookfleet::log {

/// Keeps errors that are alike from flooding the log: of each kind the first few of a window are written, then one record tells how many
/// more there were. Nothing is lost silently: the numbers told and the records written add up to what was asked for.
///   if (sampler_.pass(log::Level::kError, "notification", reason, clock_.now())) log_.error("notification", …);
/// Threads: any. Limits: at most kKindsMax kinds are told apart; those beyond count as one of their event.
class Sampler {
 public:
  static constexpr std::size_t kKindsMax = 256;
  static constexpr std::chrono::seconds kWindow{10};

  /// `first`: records of a kind that are written within kWindow; at least 1. `log` outlives the sampler.
  Sampler(const Logger& log, std::size_t first);
  /// finish()
  ~Sampler();

  /// May this record be written? Alike are those of the same event whose `text` differs in nothing but digits, as far as its first 200
  /// bytes tell. A record of a level that is not enabled may not, and isn't counted.
  bool pass(Level level, std::string_view event, std::string_view text, base::BootTime now) HOOKFLEET_EXCLUDES(mutex_);

  /// Writes `log.suppressed` with `of` (the event), `alike` (the text), `suppressed` (how many) and `window_s`, at the level of the
  /// records, for each kind whose window has ended. To be called about once a second.
  void tick(base::BootTime now) HOOKFLEET_EXCLUDES(mutex_);
  /// The same for all windows, ended or not.
  void finish() HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Kind {
    std::string event, text;
    Level level = Level::kError;
    base::BootTime since{};
    std::size_t written = 0;
    std::uint64_t suppressed = 0;
  };
  void tell(const Kind& kind) const;

  const Logger& log_;
  const std::size_t first_;
  base::Mutex mutex_;
  std::map<std::string, Kind, std::less<>> kinds_ HOOKFLEET_GUARDED_BY(mutex_);
};

}  // namespace hookfleet::log
