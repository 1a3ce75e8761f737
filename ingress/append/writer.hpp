#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/base/clock.hpp"
#include "common/base/wakeup.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/redis/pipeline.hpp"
#include "common/stream/keys.hpp"
#include "ingress/append/appender.hpp"
#include "ingress/append/connector.hpp"
#include "ingress/append/inbox.hpp"
#include "ingress/append/memory_gate.hpp"
#include "ingress/append/preflight.hpp"

namespace hookfleet::append {

/// The appender's loop: everything that happens to an entry between the inbox and its outcome. One thread; it never blocks but in poll.
class Writer {
 public:
  Writer(redis::Endpoint redis, const stream::Layout& layout, const Options& options, const Metrics& metrics, log::Logger log,
         const base::Clock& clock, Events events, Inbox& inbox, base::Wakeup& wakeup);

  /// Returns when the inbox is closed and every entry has its outcome.
  void run();

 private:
  /// What was sent and is not answered yet, in order.
  struct Asked {
    enum class Kind {
      kAppends,    ///< `count` XADDs: the front of flight_
      kMulti,      ///< begins a batch in one transaction
      kQueued,     ///< its `count` XADDs
      kExec,       ///< ends it: the answers to the front of flight_
      kWait,       ///< WAIT after a batch
      kPreflight,  ///< a question of preflight_
      kControl,    ///< beside the preflight: the operator's wishes
      kMemory,     ///< INFO memory
      kBacklog,    ///< XLEN of partition `count`
      kOldest,     ///< XRANGE - + COUNT 1 of partition `count`
    };
    Kind kind;
    std::uint32_t count;
    base::BootTime at;
  };
  /// A connection and what we know by it.
  struct Session {
    explicit Session(redis::Connection connection) : pipeline(std::move(connection)) {}
    redis::Pipeline pipeline;
    Fifo<Asked> asked;
    std::uint64_t queued_bytes = 0;  ///< all bytes given to the pipeline
    unsigned batches = 0;            ///< not settled yet
    bool permitted = false;          ///< the last preflight passed
    bool preflighted = false;        ///< there was one
    bool short_of_replicas = false;  ///< the last WAIT was short: repeated until it isn't, nothing is appended meanwhile
    bool closing = false;            ///< nothing is appended any more; dropped when nothing is in flight
    bool sampling = false;
    bool sync_always = true;                                   ///< each turn of Redis' event loop that wrote ends with an fsync
    bool transactions = false;                                 ///< MULTI is allowed
    redis::ReplyError queue_error = redis::ReplyError::kNone;  ///< the first one of the transaction under way
    base::BootTime preflight_due, sample_due;
  };
  using Done = tl::expected<void, redis::Error>;  ///< an error ends the session

  void connect_when_due();
  void take();
  void expire();
  void release_delayed();
  void ask();
  void send_batches();
  void send_batch();
  void wait();
  void read();
  void ask_for_replicas();
  void start_preflight();
  void start_sample();

  Done on_reply(const Asked& asked, redis::ReplyView reply);
  Done on_append(redis::ReplyView reply);
  Done on_exec(std::size_t entries, redis::ReplyView reply);
  void settle_batch(const Asked& last);
  Done on_wait(redis::ReplyView reply);
  void on_memory(std::uint64_t used, std::uint64_t maxmemory);
  void conclude_preflight();

  void refused(Pending pending, redis::ReplyError error, std::string_view text);
  void unanswered(Pending pending, Retry reason);
  void finish(Pending& pending, Outcome outcome);
  void give_up(Pending& pending);
  void lose_session(const redis::Error& error);
  void connect_failed(const redis::Error& error);
  void report(State state);
  void publish();

  bool may_append() const;
  std::size_t entries_to_send() const;
  std::size_t entries_to_wake_at() const;
  std::chrono::milliseconds until_next_event() const;
  void ask_for(Asked::Kind kind, std::uint32_t count, redis::Argv argv);

  // Set at construction
  const redis::Endpoint endpoint_;
  const stream::Keys keys_;
  const Options options_;
  const Metrics& metrics_;
  const log::Logger log_;
  const base::Clock& clock_;
  const Events events_;
  Inbox& inbox_;
  base::Wakeup& wakeup_;

  base::BootTime now_;
  std::optional<base::BootTime> drain_until_;  ///< stopping
  base::BootTime next_beat_{};

  // Entries, each in exactly one of these
  Fifo<Pending> waiting_;             ///< may be sent now
  std::vector<Pending> delayed_;      ///< may be sent at their not_before
  Fifo<Pending> flight_;              ///< sent; answered ones keep their place until the reply comes
  std::vector<Pending> confirming_;   ///< stored by the master, waiting for replicas
  base::BootTime earliest_deadline_;  ///< never later than any entry's
  base::BootTime earliest_delayed_;
  base::BootTime waiting_since_{};
  Inbox::Load answered_;  ///< not told to the inbox yet
  Inbox::Load held_;

  // The connection
  std::optional<Session> session_;
  bool connecting_ = false;
  base::BootTime connect_due_{};
  unsigned connect_failures_ = 0;
  unsigned refusals_ = 0;  ///< in a row
  base::BootTime hold_until_{};
  Preflight preflight_;
  durability::AofHistory aof_;
  MemoryGate memory_;
  unsigned next_partition_ = 0;  ///< of the backlog sample
  State state_;
  bool reported_ = false;

  // Told to the metrics once per turn
  std::array<unsigned, 4> outcomes_{};
  std::array<unsigned, 3> retried_{};

  log::RateLimit log_connect_, log_refused_, log_lost_;

  Connector connector_;  ///< last: its thread ends first
};

}  // namespace hookfleet::append
