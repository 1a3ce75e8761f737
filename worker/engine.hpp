#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "common/base/wakeup.hpp"
#include "common/lease/lease.hpp"
#include "common/lease/members.hpp"
#include "common/lifecycle/name.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/connector.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/scripts.hpp"
#include "worker/alerts.hpp"
#include "worker/consume/reader.hpp"
#include "worker/core.hpp"
#include "worker/dispatch/async_runner.hpp"
#include "worker/dispatch/checks.hpp"
#include "worker/dispatch/handler_pool.hpp"
#include "worker/drift/sightings.hpp"
#include "worker/journal.hpp"
#include "worker/metrics.hpp"

namespace hookfleet::worker {

/// The worker at work: turns the core's wishes into commands, reads and handlers, and brings their answers back. Holds partitions from its
/// start to stop().
///
/// Threads: one of its own (the engine), on which the core lives; the reader's, the connector's and the handlers' beside it. The callbacks
/// run on the engine's thread and must not block.
/// Errors: none is thrown. Without Redis it waits and keeps what it knows.
class Engine : private Outside {
 public:
  struct Callbacks {
    std::function<void()> beat;                                         ///< the loop turns; at least every second
    std::function<void(bool reachable, const std::string& why)> redis;  ///< a heartbeat was accepted; or Redis is away
    std::function<void(const std::string& why)> other_fleet;            ///< Redis belongs to a fleet with another layout: stop
    std::function<void(redis::ReplyView control)> control = {};         ///< what HGETALL hf:control said; at each connection and every 5 s
    std::function<void()> hung;  ///< a handler has run for kHungTimeouts times its timeout: stop and start anew. Called once
  };
  static constexpr unsigned kHungTimeouts = 4;
  struct Setup {
    redis::Endpoint endpoint;
    redis::Timeouts timeouts;
    stream::Layout layout;
    Options options;
    dedup::Options dedup;
    retry::Options retry;
    dispatch::Checks checks;
    std::size_t identical_max = log::Options().identical_max;  ///< log.identical_max
    Thresholds thresholds;
    std::string name = lifecycle::unique_name();
  };
  /// The references outlive the engine.
  Engine(Setup setup, std::shared_ptr<const routes::Routes> routes, const Metrics& metrics, const log::Logger& log,
         const base::Clock& clock, alert::Operator& operators, Callbacks callbacks);
  /// stop(), if it wasn't called.
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Other routes hold for whatever starts from now on; what runs ends by those it began with. Any thread.
  void set_routes(std::shared_ptr<const routes::Routes> routes) HOOKFLEET_EXCLUDES(mutex_);

  /// Hands everything over: reads and starts nothing more, waits for handlers that run and for what is to be confirmed, gives the
  /// partitions back; at most timers.drain, and not for handlers that hang. False: not all was given back; what runs still runs, its
  /// partition's lease expires. Then the destructor waits for those handlers.
  bool stop() HOOKFLEET_EXCLUDES(mutex_);

  /// What is read from now on is held against these. Any thread.
  void set_checks(dispatch::Checks checks) HOOKFLEET_EXCLUDES(mutex_);

 private:
  struct Asked {
    std::optional<Call> call;                         // nothing: the engine's own
    std::function<void(redis::ReplyView)> then = {};  // … and what its reply is for; empty: it doesn't matter
    std::size_t replies = 1;
    base::BootTime sent{};
    std::vector<redis::Reply> got;
  };
  struct Read {
    std::optional<std::vector<Core::Batch>> batches;  // nothing: failed
    std::string why;
  };
  struct Inbox {
    std::optional<redis::Connection> connection;
    std::vector<std::string> connect_failures;
    std::string other_fleet;
    std::optional<Read> read;
    std::shared_ptr<const routes::Routes> routes;  // new ones
    std::string unreadable;                        // what was read without some streams says why
    bool stop = false;
  };

  // Outside
  void send(Call call) override;
  void read(ReadRequest request) override;
  void start(dispatch::Job job) override;
  void cancel(unsigned partition) override;
  void record(dispatch::Record record) override;
  void taken(unsigned partition, lease::How how) override;
  void given_back(unsigned partition) override;
  void lost(unsigned partition, Loss loss) override;
  void cursor_reset(unsigned partition) override;
  void refused(unsigned partition, const dispatch::Desk::Refusal& refusal) override;
  void type_held(notification::TypeWebhook type, bool held) override;
  void call_failed(const char* call, redis::ReplyError error, std::string_view text) override;

  void run() HOOKFLEET_EXCLUDES(mutex_);
  void take_inbox() HOOKFLEET_EXCLUDES(mutex_);
  void delivered(std::vector<consume::Delivered> delivered) HOOKFLEET_EXCLUDES(mutex_);  // the reader's thread
  void wait(std::chrono::nanoseconds time);
  void receive();
  void drop_connection(const std::string& why);
  void answered(Asked asked);
  void start_jobs();
  void once_a_second();
  void tell_partitions();
  dispatch::Checks checks() HOOKFLEET_EXCLUDES(mutex_);
  void ask(redis::Argv argv, std::function<void(redis::ReplyView)> then);
  void claim_news();
  void claimed(std::uint64_t number, redis::ReplyView reply);
  void ask_figures();
  void show_figures(redis::ReplyView info);
  void tell_redis(bool reachable, const std::string& why);

  // What a call becomes. Each answers how many replies it gets.
  std::size_t encode(const Heartbeat& call);
  std::size_t encode(const Leave& call);
  std::size_t encode(const ReadLayout& call);
  std::size_t encode(const Acquire& call);
  std::size_t encode(const Renew& call);
  std::size_t encode(const Release& call);
  std::size_t encode(const LookUp& call);
  std::size_t encode(const Fetch& call);
  std::size_t encode(const Ack& call);
  std::size_t encode(const WriteAttempts& call);
  std::size_t encode(const ReadHolds& call);
  std::size_t encode(const WriteHold& call);
  std::size_t encode(const Oldest& call);
  std::size_t encode(const Backlog& call);
  void decode(const Heartbeat& call, const Asked& asked);
  void decode(const Leave& call, const Asked& asked);
  void decode(const ReadLayout& call, const Asked& asked);
  void decode(const Acquire& call, const Asked& asked);
  void decode(const Renew& call, const Asked& asked);
  void decode(const Release& call, const Asked& asked);
  void decode(const LookUp& call, const Asked& asked);
  void decode(const Fetch& call, const Asked& asked);
  void decode(const Ack& call, const Asked& asked);
  void decode(const WriteAttempts& call, const Asked& asked);
  void decode(const ReadHolds& call, const Asked& asked);
  void decode(const WriteHold& call, const Asked& asked);
  void decode(const Oldest& call, const Asked& asked);
  void decode(const Backlog& call, const Asked& asked);
  lease::Tenure tenure(const std::string& epoch) const { return {setup_.name, epoch}; }

  // Set at construction
  const Setup setup_;
  const Metrics& metrics_;
  const log::Logger& log_;
  const base::Clock& clock_;
  const Callbacks callbacks_;
  const stream::Keys keys_;
  const stream::Scripts scripts_;
  const lease::Scripts lease_scripts_;
  const dispatch::Desk::Options desk_options_;
  base::Wakeup wakeup_;

  // The engine thread's
  Core core_;
  Journal journal_;
  drift::Sightings sightings_;
  InstanceStates instance_states_;
  Alerts alerts_;
  lease::Members members_;
  std::optional<redis::Pipeline> pipeline_;
  std::deque<Asked> asked_;
  std::string broken_;  // why the connection is to be dropped; empty: it isn't
  redis::Command command_;
  stream::AckBatch ack_batch_;
  stream::AttemptsBatch attempts_batch_;
  std::vector<dispatch::Job> jobs_;  // of the pool, to be handed over together
  std::vector<dispatch::Job> async_jobs_;
  ReadRequest request_;
  log::RateLimit connect_limit_{std::chrono::seconds(10)}, call_limit_{std::chrono::seconds(10)}, read_limit_{std::chrono::seconds(10)},
      news_full_limit_{drift::Sightings::kPauseWhenFull}, unreadable_limit_{std::chrono::seconds(10)};
  std::string taken_clean_, taken_crash_, given_back_;
  base::BootTime second_{};
  base::BootTime figures_at_{};
  std::optional<std::uint64_t> delayed_fsyncs_;  // as Redis said last
  bool was_connected_ = false;
  std::size_t hung_ = 0;  // handlers that hang, as of the last second
  bool hung_told_ = false;
  unsigned hanging_seconds_ = 0;  // for how many seconds there have been any: one alone may be a process that was frozen
  bool stopping_ = false;
  base::BootTime stop_until_{};
  bool drained_ = false;

  // Guarded by mutex_
  base::Mutex mutex_;
  Inbox inbox_ HOOKFLEET_GUARDED_BY(mutex_);
  dispatch::Checks checks_ HOOKFLEET_GUARDED_BY(mutex_);
  std::vector<std::pair<unsigned, unsigned long>> reading_ HOOKFLEET_GUARDED_BY(mutex_);  // partition, tenure of the read under way

  // Last on purpose: they must end before anything above is destroyed, the engine's own first.
  std::optional<dispatch::HandlerPool> pool_;
  std::optional<dispatch::AsyncRunner> runner_;
  std::optional<stream::Connector> connector_;
  std::optional<consume::Reader> reader_;
  std::jthread thread_;
};

}  // namespace hookfleet::worker
