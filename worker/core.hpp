#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "common/base/clock.hpp"
#include "common/lease/lease.hpp"
#include "common/lease/ownership.hpp"
#include "common/redis/error.hpp"
#include "common/stream/keys.hpp"
#include "worker/call.hpp"
#include "worker/dispatch/desk.hpp"
#include "worker/dispatch/job.hpp"
#include "worker/dispatch/record.hpp"
#include "worker/retry/type_holds.hpp"

namespace hookfleet::worker {

struct Options {
  lease::Timers timers;
  std::size_t concurrency = 16;                       ///< handlers at a time, of those that take a thread
  std::chrono::milliseconds handler_timeout{15'000};  ///< a handler that runs for longer is reported
  std::size_t memory_max = 256UL << 20;               ///< waiting entries and their bodies
  std::size_t read_ahead = 8192;                      ///< entries that can run, over all partitions: what is beyond them isn't read yet
  std::chrono::milliseconds ack_linger{5};
  std::size_t ack_batch = stream::AckBatch::kEntriesMax;
};

/// How many entries a stream one XREAD may bring: COUNT × streams × largest recent body stays within a budget. Starts at 1, since COUNT is
/// per stream and nothing is known of the bodies.
class ReadSize {
 public:
  static constexpr std::size_t kBytes = 8UL << 20;
  static constexpr std::size_t kCountMax = 128;  ///< so that a batch is prepared within milliseconds

  std::size_t count(std::size_t streams) const;
  /// Largest body of a batch that held something.
  void saw(std::size_t largest);

 private:
  std::size_t largest_ = 0;  // 0: nothing seen yet; shrinks slowly
};

/// What the core needs of the outside. Called from within the core's members; must not call back.
class Outside {
 public:
  virtual ~Outside() = default;
  /// Sends a call on the one ordered pipeline of commands. Only while connected.
  virtual void send(Call call) = 0;
  /// Has the reader read; read_done() or read_failed() follows. One at a time.
  virtual void read(ReadRequest request) = 0;
  /// Has an action run; completed() follows.
  virtual void start(dispatch::Job job) = 0;
  /// What runs of this partition should end: it is lost. completed() follows all the same.
  virtual void cancel(unsigned partition) = 0;
  /// An attempt ended.
  virtual void record(dispatch::Record record) = 0;

  // What happened, for logs and metrics.
  virtual void taken(unsigned partition, lease::How how) = 0;
  virtual void given_back(unsigned partition) = 0;
  enum class Loss {
    kFenced,          ///< a script said so
    kTaken,           ///< it had run out and another took it
    kAnotherServer,   ///< Redis is another one now
    kStreamReplaced,  ///< a stream id holds another entry than before
  };
  virtual void lost(unsigned partition, Loss loss) = 0;
  virtual void cursor_reset(unsigned partition) = 0;
  virtual void refused(unsigned partition, const dispatch::Desk::Refusal& refusal) = 0;
  /// A type begins to wait for an operator in our partitions, or goes on.
  virtual void type_held(notification::TypeWebhook type, bool held) = 0;
  virtual void call_failed(const char* call, redis::ReplyError error, std::string_view text) = 0;
};

/// All decisions of a worker, as a state machine: time, replies, batches and results come in; calls, reads and starts go out. Joins the
/// leases (lease::Ownership) with what is in memory (dispatch::Desk). Knows no socket, thread or clock.
/// Each member ends with everything sent and started that may be.
/// Threads: one.
class Core {
 public:
  /// `seed`: of the pauses' spread. All references outlive the core.
  Core(const Options& options, const dispatch::Desk::Options& desk_options, unsigned partitions, const std::string& self,
       std::shared_ptr<const routes::Routes> routes, Outside& outside, std::uint64_t seed);
  ~Core();

  /// A connection for commands is there; scripts are loaded. `same_server`: the one that was there before, otherwise all leases count as
  /// lost.
  void connected(bool same_server, base::BootTime now, base::WallTime wall);
  void disconnected(base::BootTime now);
  /// Time has passed.
  void tick(base::BootTime now, base::WallTime wall);
  /// When tick() is due at the latest.
  base::BootTime next_tick() const;

  // Replies to calls.
  void members(const Heartbeat& call, std::span<const std::string> live, base::BootTime now, base::WallTime wall);
  void acquired(const Acquire& call, const tl::expected<std::variant<lease::Held, lease::Refused>, redis::ReplyError>& reply,
                base::BootTime now, base::WallTime wall);
  void renewed(const Renew& call, const tl::expected<bool, redis::ReplyError>& reply, base::BootTime now, base::WallTime wall);
  void released(const Release& call, const tl::expected<bool, redis::ReplyError>& reply, base::BootTime now);
  void looked_up(const LookUp& call, std::span<const std::optional<stream::Mark>> marks,
                 std::span<const std::optional<stream::Attempts>> attempts, base::BootTime now, base::WallTime wall);
  void fetched(const Fetch& call, std::optional<dispatch::Arrival> arrival, base::BootTime now, base::WallTime wall);
  void acknowledged(const Ack& call, const stream::BatchAnswer& answer, base::BootTime now, base::WallTime wall);
  void attempts_written(const WriteAttempts& call, const stream::BatchAnswer& answer, base::BootTime now, base::WallTime wall);
  void holds_read(const ReadHolds& call, std::span<const std::pair<std::string, stream::TypeHold>> holds, base::BootTime now,
                  base::WallTime wall);
  void hold_written(const WriteHold& call, const tl::expected<bool, redis::ReplyError>& reply, base::BootTime now, base::WallTime wall);
  void oldest(const Oldest& call, std::optional<stream::StreamId> stream_id, base::BootTime now, base::WallTime wall);

  struct Batch {
    TenureId tenure;
    std::vector<dispatch::Arrival> arrivals;
  };
  void read_done(std::uint64_t cycle, std::vector<Batch> batches, base::BootTime now, base::WallTime wall);
  /// The reader's connection was lost.
  void read_failed(std::uint64_t cycle, base::BootTime now, base::WallTime wall);
  void completed(std::vector<dispatch::Completion> completions, base::BootTime now, base::WallTime wall);

  /// A reload: other routes hold for whatever starts from now on.
  void set_routes(std::shared_ptr<const routes::Routes> routes, base::BootTime now, base::WallTime wall);

  /// SIGTERM: hand everything over. stopped() tells when nothing is held any more.
  void stop(base::BootTime now, base::WallTime wall);
  bool stopped() const { return stopping_ && left() == 0; }
  /// After stop(): how many partitions are not given back, and how many of them wait for nothing but actions that run.
  std::size_t left() const;
  std::size_t left_for_running() const;

  struct Figures {
    std::size_t owned = 0, wanted = 0, entries = 0, lanes = 0, blocked = 0, waiting = 0, overflowed = 0, running = 0, body_bytes = 0;
  };
  Figures figures() const;

 private:
  struct Slot {
    Slot(unsigned number, const lease::Timers& timers) : partition(number), ownership(timers) {}
    unsigned partition;
    lease::Ownership ownership;
    bool wanted = false;
    std::size_t orphans = 0;  // handlers of earlier tenures that run
    std::unique_ptr<dispatch::Desk> desk;
    base::BootTime write_again{};    // after Redis refused a call of this partition
    bool broken = false;             // … since a key of it has another type: nobody else waits for that
    base::BootTime release_again{};  // after Redis refused a release
  };

  Slot* find(const TenureId& tenure);
  TenureId tenure_of(const Slot& slot) const { return {slot.partition, slot.ownership.serial()}; }
  /// What is in memory of all partitions: weighed once a step.
  struct Load {
    std::size_t body_bytes = 0, entries = 0, blocked = 0, overflowed = 0;
  };
  Load load() const;
  void set_pressure(const Load& load);
  bool enough(const Load& load) const;
  bool supplied(const dispatch::Desk& desk, std::size_t partitions) const;
  void abandon(Slot& slot);
  void lose(Slot& slot, Outside::Loss loss);
  void drain(Slot& slot);
  void recovered(Slot& slot);
  void failed(Slot& slot, const char* call, const stream::BatchAnswer& answer, base::BootTime now);
  void acquire_wanted(base::BootTime now);
  void release(Slot& slot);
  void step(base::BootTime now, base::WallTime wall);
  void flush(Slot& slot, base::BootTime now);
  void crashed(Slot& slot, stream::StreamId stream_id, std::optional<notification::TypeWebhook> type, base::WallTime wall);
  void tell_holds(base::BootTime now);
  /// What runs or has begun: in the pool, and in all.
  struct Running {
    std::size_t pool = 0, all = 0;
  };
  Running running() const;
  void pump(base::BootTime now, base::WallTime wall);
  bool pump(Slot& slot, Running& running, std::size_t limit, base::BootTime now, base::WallTime wall);
  void start(Slot& slot, const dispatch::Desk::Step& step, Running& running);
  bool may_run(const Slot& slot, base::BootTime now) const;
  struct Async;
  Async& async_of(const std::shared_ptr<handlers::AsyncHandler>& handler);
  std::size_t places_taken(const Async& async) const;
  void call_waiting(base::BootTime now);
  void note_full();
  void hurry(const handlers::AsyncHandler& target);
  void read(base::BootTime now, const Load& load);

  const Options& options_;
  const dispatch::Desk::Options& desk_options_;
  const std::string self_;
  std::shared_ptr<const routes::Routes> routes_;
  Outside& outside_;
  std::mt19937_64 random_;

  std::vector<Slot> slots_;
  bool connected_ = false;
  bool stopping_ = false;

  // Membership
  bool heartbeat_answered_ = false;               // since the connection was made: before it nothing is acquired
  std::optional<base::BootTime> last_heartbeat_;  // sending of the last one that was answered
  base::BootTime heartbeat_at_{}, rejoin_until_{}, layout_at_{}, oldest_at_{}, backlog_at_{};
  unsigned backlog_next_ = 0;

  // Types that wait for an operator
  retry::TypeHolds holds_;
  retry::TypeSet told_held_;
  base::BootTime holds_at_{};

  // Reading
  std::uint64_t cycle_ = 0;
  bool reading_ = false;
  ReadSize read_size_;
  dispatch::Desk::Pressure pressure_;

  // Asynchronous handlers that run, or for which somebody waits: in the order they were met, so that a run can be repeated
  struct Async {
    std::shared_ptr<handlers::AsyncHandler> handler;
    std::size_t running = 0;
    bool waited_for = false;
    std::size_t next = 0;  // slot whose turn it is
  };
  std::vector<Async> async_;
  std::vector<const handlers::AsyncHandler*> full_;  // those without a place

  // Starting
  std::size_t pooled_ = 0;                 // jobs of the pool that have not returned
  std::size_t first_ = 0;                  // slot that comes first next time
  std::size_t hurried_ = 0;                // slot that is looked at first for who waits for a target that is there
  double average_seconds_ = 1;             // of handlers
  std::optional<std::size_t> wait_place_;  // slot where something that begins waits for a place: it comes before what is started ahead
  bool wait_idle_ = false;                 // something waits to run alone
  bool settled_ = true;                    // Redis knows of all that had begun and returned
  struct Alone {
    TenureId tenure;
    stream::StreamId stream_id;
    bool begun;
    std::size_t running = 0;  // actions of it
  };
  std::optional<Alone> alone_;
};

}  // namespace hookfleet::worker
