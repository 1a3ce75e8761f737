#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"
#include "common/greenapi/account.hpp"
#include "common/lease/lease.hpp"
#include "common/lease/members.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/log/sampler.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/connector.hpp"
#include "common/stream/keys.hpp"
#include "common/web/client.hpp"
#include "ingress/append/appender.hpp"
#include "ingress/poll/feed.hpp"
#include "ingress/poll/metrics.hpp"
#include "ingress/poll/options.hpp"

namespace hookfleet::poll {

/// Fetches the notifications of all instances that fall to this process: receive → append → remove. For each instance one poller of the
/// fleet holds the lease hf:poll:<id> and asks; the live ones (hf:pollers) share the instances evenly.
///
/// A notification is removed at the service only after its append was stored. One that was stored and not removed (a crash, a lost lease)
/// is given again, and dropped by the worker as a repeat. The service's queue is never cleared.
///
/// Threads: one of its own, `poller`, for any number of instances; the web client's and the connector's beside it. The callbacks run on the
///          poller's thread and must not block.
/// Limits:  one request in flight an instance; options.in_hand_bytes_max of notifications at a time. Nothing is asked and nothing removed
///          while the lease isn't surely ours by our own clock.
/// Errors:  none is thrown. Without Redis it waits: a receive under way is cancelled when the lease ends.
class Poller {
 public:
  struct Callbacks {
    std::function<void()> beat;  ///< the loop turns; at least every second
    /// Which pollers live, sorted, `self` among them; when it becomes known and when it changes. May be null.
    std::function<void(const std::vector<std::string>& live, const std::string& self)> members;
    std::function<void(const std::string& why)> other_fleet;  ///< Redis belongs to a fleet with another layout: stop
  };
  struct Setup {
    redis::Endpoint endpoint;
    redis::Timeouts timeouts;
    stream::Layout layout;
    Options options;
    std::chrono::milliseconds append_deadline;
    std::size_t identical_max;  ///< log.identical_max
    std::string name;           ///< unique per process start
  };
  /// All references outlive the poller, but the appender is to be stopped before the poller is destroyed.
  Poller(Setup setup, append::Appender& appender, const Metrics& metrics, const log::Logger& log, const base::Clock& clock,
         alert::Operator& operators, Callbacks callbacks);
  /// stop(), if it wasn't called.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// From now on those of these that say `receive` are fetched for: what is new begins, what is gone is handed back, what has changed is
  /// tried at once. Any thread.
  void set_instances(std::vector<Instance> instances) HOOKFLEET_EXCLUDES(mutex_);

  /// What stop() had to leave.
  struct Left {
    std::vector<std::uint64_t> in_hand;      ///< instances with a notification that is not stored, or not deleted
    std::vector<std::uint64_t> leases;       ///< instances whose leases Redis has not confirmed to be given back
    std::chrono::milliseconds leases_end{};  ///< after so long the last of these leases has run out
    bool nothing() const { return in_hand.empty() && leases.empty(); }
  };
  /// Receives nothing more; what is in hand is stored and removed, then the leases are given back; at most timers.drain, and without Redis
  /// only until nothing is in hand. The appender must still run.
  Left stop() HOOKFLEET_EXCLUDES(mutex_);

 private:
  /// One instance.
  struct Line {
    Line(Instance settings, const Pauses& pauses, const lease::Timers& timers, std::string key);
    Instance instance;
    greenapi::Account account;
    const std::string key;  // of the lease
    lease::Ownership lease;
    Feed feed;
    bool wanted = false;   // falls to us
    bool removed = false;  // from the settings
    // Of the step under way
    web::Client::Ticket ticket = 0;
    unsigned long serial = 0;  // of the tenure that began it
    bool cancelled = false;
    std::size_t held = 0;                         // bytes of the notification in hand
    base::BootTime arrived{};                     // when the notification in hand was
    std::string type;                             // its typeWebhook
    std::optional<base::BootTime> failing_since;  // in this tenure
    std::int64_t failing_since_ms = 0;            // the same, Unix ms
    std::optional<std::string> shown;             // PollTrouble as it stands in Redis for this tenure; nothing: not known
    bool alerted = false;                         // the operator knows
    std::optional<greenapi::FailureKind> told;    // the trouble that the log knows of
    bool tell_again = false;                      // new settings: the same trouble is news
    std::optional<base::BootTime> at;             // when it is looked at next: its place in due_
    unsigned asked = 0;                           // calls to Redis without a reply
    // When the lease runs out in Redis at the latest; nothing: it isn't ours there. By when it was last asked for.
    std::optional<base::BootTime> lease_end;
  };
  struct Asked {
    base::BootTime sent;
    Line* line;  // null: it isn't about one
    std::function<void(redis::ReplyView)> then;
  };
  struct Inbox {
    std::optional<redis::Connection> connection;
    std::vector<std::string> connect_failures;
    std::string other_fleet;
    std::optional<std::vector<Instance>> instances;
    std::vector<std::pair<Line*, web::Result>> answers;
    std::vector<std::pair<Line*, append::Outcome>> appended;
    bool stop = false;
  };

  void run() HOOKFLEET_EXCLUDES(mutex_);
  /// Puts something into the inbox and wakes the loop, if it hasn't been already.
  template <class Put>
  void post(Put put) HOOKFLEET_EXCLUDES(mutex_);
  void take_inbox() HOOKFLEET_EXCLUDES(mutex_);
  void once_a_second();
  bool finished() const;
  Left left() const;
  void wait();
  void receive_replies();
  void drop_connection(const std::string& why);
  void ask(Line* line, std::function<void(redis::ReplyView)> then);

  void take_over(std::vector<Instance> instances);
  void heartbeat();
  void publish();
  void share();
  /// Does for the line what is to be done now, and sets when to look at it again. What is removed and ended goes: `line` is gone then.
  void look_at(Line& line);
  void look_at_all();
  void keep_lease(Line& line, bool keep);
  void acquire(Line& line);
  void renew(Line& line);
  void release(Line& line);
  void lose(Line& line);
  void work(Line& line);
  void schedule(Line& line, bool keep);

  void answered(Line& line, const web::Result& result);
  void received(Line& line, const web::Result& result, bool usable);
  void removed(Line& line, const web::Result& result, bool usable);
  void append(Line& line, greenapi::Received received);
  void appended(Line& line, append::Outcome outcome);
  void judge(Line& line);
  void recovered(Line& line);
  void give_back(Line& line);
  void forget(Line& line);
  void show_trouble(Line& line);
  double dice() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  // Set at construction
  const Setup setup_;
  append::Appender& appender_;
  const Metrics& metrics_;
  const log::Logger& log_;
  const base::Clock& clock_;
  alert::Operator& operators_;
  const Callbacks callbacks_;
  const stream::Keys keys_;
  const lease::Scripts scripts_;
  base::Wakeup wakeup_;

  // The poller's thread's
  std::map<std::uint64_t, std::unique_ptr<Line>> lines_;  // by idInstance
  std::set<std::pair<base::BootTime, Line*>> due_;
  lease::Members members_;
  bool members_known_ = false;
  bool heartbeat_under_way_ = false;
  base::BootTime heartbeat_at_{}, publish_at_{};
  std::optional<redis::Pipeline> pipeline_;
  std::deque<Asked> asked_;
  std::string broken_;  // why the connection is to be dropped; empty: it isn't
  redis::Command command_;
  std::minstd_rand random_{std::random_device{}()};
  base::BootTime second_{};
  bool stopping_ = false;
  base::BootTime stop_until_{};
  Left left_;
  log::RateLimit connect_limit_{std::chrono::seconds(10)}, call_limit_{std::chrono::seconds(10)};
  log::Sampler sampler_;

  // Guarded by mutex_
  base::Mutex mutex_;
  Inbox inbox_ HOOKFLEET_GUARDED_BY(mutex_);
  bool woken_ HOOKFLEET_GUARDED_BY(mutex_) = false;

  // Last on purpose: they must end before anything above is destroyed.
  std::optional<web::Client> client_;
  std::optional<stream::Connector> connector_;
  std::jthread thread_;
};

}  // namespace hookfleet::poll
