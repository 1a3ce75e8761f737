#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/web/client.hpp"
#include "ingress/watch/metrics.hpp"
#include "ingress/watch/watch.hpp"

namespace hookfleet::watch {

/// Watches all instances that fall to this process: of the pollers that live each takes its share, without a lease. While their views
/// differ, for some seconds, an instance may be watched by two or by none: repeats are held back by the alerts' window.
///
/// Threads: one of its own, `watcher`, for any number of instances; the web client's beside it.
/// Limits:  kInFlightMax requests at a time, one an instance.
/// Errors:  none is thrown. What the service doesn't tell is unknown: gauges are NaN, and the log says so.
class Watcher {
 public:
  static constexpr std::size_t kInFlightMax = 64;

  /// All references outlive the watcher. `beat`: the loop turns, at least every second; on the watcher's thread.
  Watcher(const Options& options, const Metrics& metrics, const log::Logger& log, const base::Clock& clock, alert::Operator& operators,
          std::function<void()> beat);
  ~Watcher();  ///< what is under way is cancelled
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// From now on these are watched, by whoever. Ids are distinct. Any thread.
  void set_instances(std::vector<Instance> instances) HOOKFLEET_EXCLUDES(mutex_);
  /// The pollers that live, sorted, `self` among them. Before the first call nothing is watched. Any thread.
  void set_members(std::vector<std::string> live, std::string self) HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Line {
    Line(Watch new_watch, Metrics::OfInstance new_gauges, std::uint64_t new_serial)
        : watch(std::move(new_watch)), gauges(new_gauges), serial(new_serial) {}
    Watch watch;
    Metrics::OfInstance gauges;
    const std::uint64_t serial;  // tells an answer of the line before from one of this
    web::Client::Ticket ticket = 0;
    bool failing = false;  // the log knows
  };
  struct Answer {
    std::uint64_t id_instance;
    std::uint64_t serial;
    Call call;
    web::Result result;
  };
  struct Members {
    std::vector<std::string> live;
    std::string self;
  };
  struct Inbox {
    std::optional<std::vector<Instance>> instances;
    std::optional<Members> members;
    std::vector<Answer> answers;
  };

  template <class Put>
  void post(Put put) HOOKFLEET_EXCLUDES(mutex_);
  void run(const std::stop_token& stop) HOOKFLEET_EXCLUDES(mutex_);
  void take_inbox() HOOKFLEET_EXCLUDES(mutex_);
  void share();
  void ask(std::uint64_t id_instance, Line& line, Call call);
  void answered(const Answer& answer);
  /// Hands the decoded answer to the line's watch.
  template <class T>
  std::optional<alert::Alert> decoded(Line& line, Call call, const greenapi::Decoded<T>& answer,
                                      std::optional<alert::Alert> (Watch::*take)(const greenapi::Decoded<T>&, base::BootTime));
  void wait(base::BootTime until);
  double dice() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  // Set at construction
  const Options options_;
  const Metrics& metrics_;
  const log::Logger& log_;
  const base::Clock& clock_;
  alert::Operator& operators_;
  const std::function<void()> beat_;
  base::Wakeup wakeup_;

  // The watcher's thread's
  std::vector<Instance> instances_;
  Members members_;
  std::map<std::uint64_t, Line> lines_;  // what falls to us, by idInstance
  std::size_t in_flight_ = 0;
  std::uint64_t turn_ = 0;  // whose turn it is: slow ones must not keep those behind them waiting
  std::uint64_t serial_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  log::RateLimit failed_limit_{std::chrono::seconds(10)};

  base::Mutex mutex_;
  Inbox inbox_ HOOKFLEET_GUARDED_BY(mutex_);

  // Last on purpose: they must end before anything above is destroyed.
  std::optional<web::Client> client_;
  std::jthread thread_;
};

}  // namespace hookfleet::watch
