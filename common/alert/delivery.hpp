#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/alert/metrics.hpp"
#include "common/alert/notice.hpp"
#include "common/alert/repeats.hpp"
#include "common/alert/sink.hpp"
#include "common/alert/sink_state.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/lease/lease.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/redis/connection.hpp"
#include "common/redis/script.hpp"
#include "common/stream/keys.hpp"
#include "common/web/client.hpp"

namespace hookfleet::alert {

/// Tells the sinks what lies in the fleet's queue, hf:alerts. Every worker has one; the one that holds the lease hf:alerts:lease delivers.
///
/// Each sink gets the alerts one after the other in their order, at its own pace: one that hangs or fails holds nobody else up. A failed
/// one is tried again after 1 s, 2 s … 5 min, until it is kKept old: then it is passed over at the next failure. How far each sink is lies
/// beside the lease, written fenced after each alert: a takeover goes on there. What all sinks have is removed from the queue.
///
/// A sink that is not known yet goes on where one that has gone from the settings and had its name stopped: a new URL or token doesn't
/// make it another. Where there is none it gets what came up within the last `alerts.window`. One that has gone is forgotten after
/// Timers::gone; until then what it has not got stays in the queue.
///
/// Threads: one of its own, `alert-delivery`, with a connection of its own; the web client's calls back. stop() any.
/// Limits:  a sink gets `alerts.rate` a minute, one at a time; kAhead alerts a sink in memory.
/// Errors:  none is thrown.
/// Not promised: exactly once. An alert in flight when its worker dies is told again by the next, with the same Notice::number.
class Delivery {
 public:
  static constexpr std::size_t kAhead = 16;
  static constexpr std::chrono::hours kKept{24};

  struct Timers {
    std::chrono::milliseconds lease_ttl{10'000};
    std::chrono::milliseconds renew{2'500};     ///< also how often another's lease is looked at
    std::chrono::milliseconds validity{8'000};  ///< from before a renewal was sent: after it nothing is sent to a sink
    std::chrono::milliseconds poll{500};        ///< how often the queue is looked at
    std::chrono::milliseconds stop{3'000};      ///< how long stop() waits for what is in flight
    std::chrono::milliseconds gone{3'600'000};  ///< how long a sink that is not in our settings is remembered
  };
  struct Setup {
    redis::Endpoint endpoint;
    redis::Timeouts timeouts = {};
    stream::Layout layout;
    Options options;
    std::string owner;  ///< unique per process start
    Timers timers = {};
  };
  /// All references outlive the object. Without sinks it does nothing.
  Delivery(Setup setup, std::span<const Sink> sinks, web::Client& client, const Metrics& metrics, log::Logger log,
           const base::Clock& clock);
  /// stop()
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// Waits for what is in flight, notes it, gives the lease up.
  void stop() HOOKFLEET_EXCLUDES(mutex_);

 private:
  /// What is known of one sink while we deliver.
  struct Lane {
    SinkState state;
    std::deque<std::pair<stream::StreamId, tl::expected<Notice, std::string>>> ahead;  // behind the cursor, in order
    bool in_flight = false;
    web::Client::Ticket ticket = 0;
    base::BootTime again_at{};
    RateCap rate;
    bool changed = false;  // state is to be written
  };
  /// A sink that is known in Redis and not in our settings.
  struct Gone {
    std::string key;
    SinkState state;
    base::BootTime until;
  };
  struct Answered {
    std::uint64_t tenure;
    std::size_t lane;
    Judgement judgement;
  };

  void run() HOOKFLEET_EXCLUDES(mutex_);
  void turn(bool stopping);
  bool connect();
  void acquire();
  void begin(const lease::Held& held, base::BootTime sent);
  SinkState take_up(const Sink& sink, redis::ReplyView stored, std::uint64_t since_ms);
  void forget(const Gone& gone);
  void renew();
  void lose(const char* why);
  void fill(Lane& lane);
  void start(std::size_t index);
  void take(const Answered& answered);
  bool too_old(const Lane& lane) const;
  void tell_expired(std::size_t index);
  void write();
  void tidy();
  void disconnect(const std::string& why);
  std::optional<redis::Reply> call(redis::Argv argv);
  std::optional<redis::Reply> call(std::initializer_list<std::string_view> argv) { return call(redis::Argv(argv.begin(), argv.size())); }
  bool valid() const { return tenure_ && clock_.now() < valid_until_; }
  bool anything_in_flight() const;

  // Set at construction
  const Setup setup_;
  const std::span<const Sink> sinks_;
  web::Client& client_;
  const Metrics& metrics_;
  const log::Logger log_;
  const base::Clock& clock_;
  const stream::Keys keys_;
  const lease::Scripts lease_scripts_;
  const redis::Script advance_;

  // The own thread's
  std::optional<redis::Connection> connection_;
  base::BootTime connect_at_{}, ask_at_{}, renew_at_{}, valid_until_{}, poll_at_{}, tidy_at_{};
  std::optional<lease::Tenure> tenure_;  ///< we deliver
  std::uint64_t serial_ = 0;             ///< of the tenure
  lease::Sighting sighting_;
  std::vector<Lane> lanes_;
  std::vector<Gone> gone_;
  std::vector<std::pair<std::string, std::string>> notes_;  ///< other fields beside the lease that are to be written; "": removed
  log::RateLimit redis_limit_{std::chrono::seconds(60)}, sink_limit_{std::chrono::seconds(10)}, expired_limit_{std::chrono::seconds(10)};

  // Guarded by mutex_
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<Answered> inbox_ HOOKFLEET_GUARDED_BY(mutex_);
  std::size_t outside_ HOOKFLEET_GUARDED_BY(mutex_) = 0;  ///< requests whose callback has not come
  bool stopping_ HOOKFLEET_GUARDED_BY(mutex_) = false;

  std::jthread thread_;  ///< last: ends before anything above is destroyed
};

}  // namespace hookfleet::alert
