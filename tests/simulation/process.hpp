#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/lease/members.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/redis_model.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/simulation/timeline.hpp"
#include "worker/core.hpp"

namespace hookfleet::simulation {

/// Unix ms at a schedule's start.
inline constexpr std::int64_t kStartMs = 1'750'000'000'000;

class Process;

/// A call on its way to Redis and back.
struct Request {
  worker::Call call;
  // Owned copies of what a call borrows
  std::vector<RedisModel::Ended> ended;
  std::vector<stream::Attempts> attempts;
  stream::TypeHold hold;
  std::vector<std::pair<std::string, std::string>> gone_members;
  bool refused = false;  // Redis answers with an error

  // The reply
  std::vector<RedisModel::Member> members;
  std::optional<std::variant<lease::Held, lease::Refused>> lease;
  bool held = false;
  std::optional<std::string> letters;
  std::vector<std::optional<stream::Mark>> marks;
  std::vector<std::optional<stream::Attempts>> remembered;
  std::optional<dispatch::Arrival> arrival;
  std::vector<std::pair<std::string, stream::TypeHold>> holds;
  std::optional<stream::StreamId> oldest;
};

/// What all processes of a run share, and what they ask of it.
class World {
 public:
  World(const Schedule& of, Rules with, std::vector<std::string>* trace);
  virtual ~World() = default;

  const Schedule& schedule;
  const Rules rules;
  Timeline timeline;
  Random random;
  RedisModel redis;
  bool redis_away = false;
  Ledger ledger;

  /// Nothing fails any more.
  bool over() const { return timeline.now() >= schedule.end; }
  dispatch::Arrival arrival(stream::StreamId id, const RedisModel::Entry& entry) const;

  /// Redis does what is asked, and the reply is in `request`.
  virtual void execute(Process& process, Request& request) = 0;
  /// Process::returned() follows, or the process ends.
  virtual void run_handler(Process& process, dispatch::Job job) = 0;
  /// All of a process has ended.
  virtual void ended(unsigned slot, bool crash) = 0;
};

/// A worker's process: its core with the connections, the pool and the loop that the engine gives it.
class Process final : public worker::Outside {
 public:
  Process(World& world, unsigned slot, std::string name);

  const std::string& name() const { return name_; }
  bool dead() const { return dead_; }
  bool crashed() const { return crashed_; }    ///< ended without giving back what it held
  bool poisoned() const { return poisoned_; }  ///< … by a notification
  /// Nothing is left in its memory.
  bool empty() const;
  /// It lives, and has nothing to do.
  bool idle() const { return !dead_ && !frozen_ && open_ && empty(); }
  const lease::Timers& timers() const { return options_.timers; }

  void connect();
  /// `silent`: it notices later.
  void cut_commands(bool silent);
  void cut_reader(bool silent);
  void freeze(Time length);
  void term();  ///< SIGTERM
  /// It ends, now. `poison`: by what it handles.
  void end(bool crash, bool poison);
  /// An entry was added: a read that waits may be answered.
  void added(unsigned partition);
  void step_clock(Time by) { wall_offset_ += by; }

  /// Something happens in it: now, after a thaw, or never. `reply`: of Redis.
  void deliver(std::function<void()> event, bool reply = false);
  /// A handler returned; called from within deliver().
  void returned(dispatch::Job job, bool started, handlers::Handled handled, Time duration);

  Process* mate = nullptr;  // another core of the same process

  // worker::Outside
  void send(worker::Call call) override;
  void read(worker::ReadRequest request) override;
  void start(dispatch::Job job) override;
  void cancel(unsigned) override {}  // its handlers don't look
  void record(dispatch::Record record) override;
  void taken(unsigned partition, lease::How how) override;
  void given_back(unsigned partition) override;
  void lost(unsigned partition, Loss loss) override;
  void cursor_reset(unsigned) override {}
  void refused(unsigned, const dispatch::Desk::Refusal&) override {}
  void type_held(notification::TypeWebhook, bool) override {}
  void call_failed(const char*, redis::ReplyError, std::string_view) override {}

 private:
  struct Late {
    bool executed = false;
    Time at{};
  };

  base::BootTime boot() const;
  base::WallTime wall() const;
  void settle();
  void execute(unsigned generation, const std::shared_ptr<Request>& request, bool late);
  void answer(Request& request);
  void execute_read(unsigned generation);
  void fail_read(Time after);
  void kick();
  void begin(dispatch::Job job);
  Time latency();

  World& world_;
  const unsigned slot_;
  const std::string name_;
  worker::Options options_;
  dispatch::Desk::Options desk_options_;
  lease::Members members_;
  worker::Core core_;

  bool dead_ = false, crashed_ = false, poisoned_ = false, frozen_ = false, stopping_ = false;
  struct Deferred {
    std::function<void()> event;
    bool reply;
  };
  std::vector<Deferred> deferred_;
  Time tick_at_ = Time::max();
  Time wall_offset_{};

  // The connection of commands
  bool open_ = false;
  unsigned generation_ = 0;
  Time last_out_{}, last_in_{};
  std::map<unsigned, Late> late_;
  unsigned refused_acks_ = 0;  // under way

  // The reader
  unsigned read_generation_ = 0;
  std::optional<worker::ReadRequest> read_;
  Time read_until_{};
  bool read_blocked_ = false;

  // The pool
  std::deque<dispatch::Job> jobs_;
  std::size_t busy_ = 0;
  std::size_t forwards_ = 0;  // asynchronous handlers that run
};

}  // namespace hookfleet::simulation
