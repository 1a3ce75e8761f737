#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/alert/metrics.hpp"
#include "common/alert/notice.hpp"
#include "common/alert/repeats.hpp"
#include "common/alert/sink.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/redis/connection.hpp"
#include "common/stream/keys.hpp"
#include "common/web/client.hpp"

namespace hookfleet::alert {

/// Takes what one process has to tell and puts it into the fleet's queue in Redis (hf:alerts), from where Delivery tells the sinks. What
/// the fleet has told within `alerts.window` (the same kind, type, instance and Alert::which) is held back and counted; the number goes
/// with the next one, or, where they add up, with the last of them when the window ends. Each alert that this process lets through is a
/// record of its log, `alert`, too.
///
/// Alerts about Redis itself don't take that way: they are sent to the sinks from here, once a window, with a few tries.
///
/// Threads: tell() and stop() any; one of its own, `alerts`, with a connection of its own. The web client's thread calls back.
/// Limits:  kQueueMax alerts and kBodyBytesMax bytes of their notifications wait in memory while Redis is away; kBurst different ones at
///          once and kPerMinute a minute go on. What is beyond is dropped and counted. The queue in Redis keeps kStreamMax alerts, the
///          oldest are dropped; beyond kAttachedMax waiting they come without their attachment.
/// Errors:  none is thrown. What waits in memory is lost with the process.
/// Not promised: exactly once. An alert whose XADD went unanswered is added again, with the same Notice::number.
class Outbox final : public Operator {
 public:
  static constexpr std::size_t kQueueMax = 1000;
  static constexpr std::size_t kBodyBytesMax = 8UL << 20;
  static constexpr unsigned kBurst = 100;
  static constexpr unsigned kPerMinute = 300;
  static constexpr std::size_t kStreamMax = 10'000;
  static constexpr std::size_t kAttachedMax = 1000;
  static constexpr unsigned kDirectTries = 4;

  struct Setup {
    redis::Endpoint endpoint;
    redis::Timeouts timeouts = {};
    stream::Layout layout;
    Options options;
    std::string process;  ///< who tells: Notice::process
  };
  /// All references outlive the outbox.
  Outbox(Setup setup, std::span<const Sink> sinks, web::Client& client, const Metrics& metrics, log::Logger log, const base::Clock& clock);
  /// stop()
  ~Outbox() override;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void tell(Alert alert) noexcept override HOOKFLEET_EXCLUDES(mutex_);

  /// Brings what waits to Redis and the sinks, for at most 2 s, or as long as one call to Redis may take. What is told later is dropped.
  void stop() HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Told {
    Alert alert;
    std::string digest;
    base::WallTime at;
    Repeats::HeldBack held_back{};
    std::size_t body_bytes = 0;
  };
  /// On its way to Redis.
  struct Current {
    Notice notice;
    std::string digest;
  };
  /// On its way to one sink directly.
  struct Direct {
    std::shared_ptr<const Notice> notice;  // shared by the sinks
    std::size_t sink = 0;
    unsigned tries = 0;
    base::BootTime due{};
  };
  /// What the thread has to do next.
  struct Work {
    std::vector<Direct> due;
    std::optional<Told> told;
  };
  enum class Put { kDone, kRepeat, kRefused, kLater };

  void take(Alert alert) HOOKFLEET_EXCLUDES(mutex_);
  void pass_on(Repeats::Kept told, std::string digest, const Repeats::HeldBack& held_back, base::BootTime now) HOOKFLEET_REQUIRES(mutex_);
  void tell_what_was_held_back(base::BootTime now) HOOKFLEET_REQUIRES(mutex_);
  void record(const Alert& alert, std::uint64_t held_back) const;
  void drop(Dropped reason, std::size_t count = 1) const { metrics_.dropped[static_cast<std::size_t>(reason)].add(double(count)); }

  void run() HOOKFLEET_EXCLUDES(mutex_);
  bool wait_for_work(Work& work) HOOKFLEET_EXCLUDES(mutex_);
  void start(Direct direct) HOOKFLEET_EXCLUDES(mutex_);
  void answered(Direct direct, const web::Result& result) noexcept HOOKFLEET_EXCLUDES(mutex_);
  void put_current() HOOKFLEET_EXCLUDES(mutex_);
  Put put(Current& current);
  Put told_by_another(const Current& current) HOOKFLEET_EXCLUDES(mutex_);
  bool connect();
  Put failed(const redis::Error& error);
  Put refused(redis::ReplyView reply);

  // Set at construction
  const Setup setup_;
  const std::span<const Sink> sinks_;
  web::Client& client_;
  const Metrics& metrics_;
  const log::Logger log_;
  const base::Clock& clock_;
  const stream::Keys keys_;

  // The own thread's
  std::optional<redis::Connection> connection_;
  std::optional<Current> current_;
  base::BootTime again_at_{};  ///< when current_ is tried again
  unsigned failures_ = 0;      ///< of Redis, in a row
  log::RateLimit failure_limit_{std::chrono::seconds(60)};

  // Guarded by mutex_
  base::Mutex mutex_;
  base::CondVar changed_;
  Repeats repeats_ HOOKFLEET_GUARDED_BY(mutex_);
  base::BootTime look_for_held_back_ HOOKFLEET_GUARDED_BY(mutex_){};
  RateCap rate_ HOOKFLEET_GUARDED_BY(mutex_){kPerMinute, kBurst};
  std::deque<Told> queue_ HOOKFLEET_GUARDED_BY(mutex_);
  std::size_t body_bytes_ HOOKFLEET_GUARDED_BY(mutex_) = 0;
  std::deque<Direct> direct_ HOOKFLEET_GUARDED_BY(mutex_);  // their first or next try is due some time
  std::size_t in_flight_ HOOKFLEET_GUARDED_BY(mutex_) = 0;  // requests whose callback has not come
  std::vector<web::Client::Ticket> tickets_ HOOKFLEET_GUARDED_BY(mutex_);
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;
  base::BootTime stop_until_ HOOKFLEET_GUARDED_BY(mutex_){};

  std::jthread thread_;  ///< last: ends before anything above is destroyed
};

}  // namespace hookfleet::alert
