#include "tests/simulation/fleet.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <variant>

#include "common/lease/members.hpp"
#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"
#include "tests/simulation/redis_model.hpp"
#include "worker/core.hpp"

namespace hookfleet::simulation {
namespace {

using namespace std::chrono_literals;
using dispatch::Completion;
using dispatch::Job;
using handlers::Handled;
using stream::StreamId;

thread_local const Schedule* now_running = nullptr;  // for whoever reads why the process aborted

constexpr std::int64_t kStartMs = 1'750'000'000'000;
// GREEN-API repeats after 60 s; here sooner, so that schedules are shorter, but still longer than versions may differ before one is stale.
constexpr double kRepeatSeconds = 36;
constexpr double kIngressSkewSeconds = 2;
constexpr auto kHangs = 25s;          // until somebody ends the process
constexpr Time kAfterEnd = 900s;      // within which all must be drained
constexpr unsigned kVersionsMax = 4;  // a mark remembers as many
constexpr std::uint64_t kStepsMax = 400'000;

/// A version of a notification.
struct Key {
  unsigned number = 0;
  unsigned version = 0;
  auto operator<=>(const Key&) const = default;
};

notification::Identity identity_of(unsigned number) {
  notification::Identity identity{};
  for (unsigned i = 0; i < 4; ++i) identity[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return identity;
}
notification::BodyDigest digest_of(const Key& key) {
  notification::BodyDigest digest{};
  digest[0] = static_cast<std::uint8_t>(key.version);
  for (unsigned i = 0; i < 4; ++i) digest[i + 1] = static_cast<std::uint8_t>(key.number >> (8 * i));
  return digest;
}
Key key_of(const notification::BodyDigest& digest) {
  Key key{0, digest[0]};
  for (unsigned i = 0; i < 4; ++i) key.number |= static_cast<unsigned>(digest[i + 1]) << (8 * i);
  return key;
}

class NoHandler final : public handlers::Handler {
 public:
  Handled handle(const notification::Notification&) override { return Handled::done(); }
};

/// All notifications are messages; what their handler does is the simulation's.
const routes::Routes& all_routes() {
  static const auto* const handlers = [] {
    auto* made = new handlers::Handlers;
    made->add("message", std::make_unique<NoHandler>());
    return made;
  }();
  static const routes::Routes routes(*handlers);
  return routes;
}

const lease::Scripts& lease_scripts() {
  static const lease::Scripts scripts;
  return scripts;
}

class Fleet;

/// A call on its way to Redis and back.
struct Request {
  worker::Call call;
  // Owned copies of what a call borrows
  std::vector<RedisModel::Ended> ended;
  std::vector<stream::Attempts> attempts;
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
  std::optional<StreamId> oldest;
};

/// A worker's process: its core with the connections, the pool and the loop that the engine gives it.
class Worker final : public worker::Outside {
 public:
  Worker(Fleet& fleet, unsigned slot, std::string name);

  const std::string& name() const { return name_; }
  unsigned slot() const { return slot_; }
  bool dead() const { return dead_; }
  bool crashed() const { return crashed_; }
  bool poisoned() const { return poisoned_; }
  bool frozen() const { return frozen_; }
  /// Nothing is left to do in it.
  bool idle() const;

  void connect();
  void cut_commands(bool silent);
  void cut_reader(bool silent);
  void freeze(Time length);
  void term();
  /// It ends, now. `poison`: by what it handles.
  void end(bool crash, bool poison);
  void added(unsigned partition);
  void step_clock(Time by) { wall_offset_ += by; }

  Worker* mate = nullptr;  // another core of the same process

  // worker::Outside
  void send(worker::Call call) override;
  void read(worker::ReadRequest request) override;
  void start(Job job) override;
  void record(dispatch::Record record) override;
  void taken(unsigned partition, lease::How how) override;
  void given_back(unsigned partition) override;
  void lost(unsigned partition, Loss loss) override;
  void cursor_reset(unsigned) override {}
  void refused(unsigned, const dispatch::Desk::Refusal&) override {}
  void call_failed(const char*, redis::ReplyError, std::string_view) override {}

 private:
  friend class Fleet;
  struct Late {
    bool executed = false;
    Time at{};
  };

  base::BootTime boot() const;
  base::WallTime wall() const;
  void deliver(std::function<void()> event, bool reply = false);
  void settle();
  void execute(unsigned generation, const std::shared_ptr<Request>& request, bool late);
  void answer(Request& request);
  void execute_read(unsigned generation);
  void fail_read(Time after);
  void kick();
  void begin(Job job);
  void complete(Job job, bool started, Handled handled, Time duration);
  Time latency();

  Fleet& fleet_;
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

  // The reader
  unsigned read_generation_ = 0;
  std::optional<worker::ReadRequest> read_;
  Time read_until_{};
  bool read_blocked_ = false;

  // The pool
  std::deque<Job> jobs_;
  std::size_t busy_ = 0;
};

class Fleet {
 public:
  Fleet(const Schedule& schedule, Rules rules, std::vector<std::string>* trace)
      : schedule_(schedule),
        rules_(rules),
        trace_(trace),
        random_(schedule.seed * 32 + static_cast<std::uint64_t>(schedule.mode) + 7),
        redis_(schedule.partitions, rules) {}

  Result run();

 private:
  friend class Worker;
  using Entry = RedisModel::Entry;
  struct Handling {
    const Worker* worker = nullptr;
    unsigned partition = 0;
    std::string epoch;        // empty: the lease was another's already
    bool after_done = false;  // it was acknowledged as done before this one started
    unsigned version = 0;
  };
  struct Known {  // of a notification
    const Schedule::Notification* notification = nullptr;
    std::vector<Handling> successes;
    bool started = false, redriven = false;
    unsigned failed = 0;
    unsigned outside_begins = 0;  // begins that outlived a tenure for another reason than a notification that ends processes
    std::optional<unsigned> last_effect;
  };
  struct Version {
    bool answered = false, done = false, stale = false;
    std::optional<stream::DeadClass> dead;
  };

  // Events
  struct Event {
    Time at;
    std::uint64_t order;
    std::size_t slot;
    bool operator<(const Event& other) const { return std::tie(other.at, other.order) < std::tie(at, order); }
  };
  void at(Time delay, std::function<void()> action);
  template <class... Parts>
  void trace(const Parts&... parts) {
    if (trace_ == nullptr) return;
    std::ostringstream line;
    line.precision(3);
    line << std::fixed << std::chrono::duration<double>(now_).count() << "  ";
    (line << ... << parts);
    trace_->push_back(std::move(line).str());
  }
  template <class... Parts>
  void broke(Broken broken, const Parts&... parts) {
    if (result_.has(broken)) return;
    std::ostringstream detail;
    (detail << ... << parts);
    result_.violations.push_back({broken, now_, std::move(detail).str()});
    trace("*** ", to_text(broken), ": ", result_.violations.back().detail);
  }
  bool over() const { return now_ >= schedule_.end; }

  // Redis
  void set_redis_time() { redis_.now_ms = kStartMs + std::chrono::duration_cast<std::chrono::milliseconds>(now_ + redis_clock_).count(); }
  void append(unsigned partition, Entry entry, const char* how);
  void execute(Worker& worker, Request& request);
  void acknowledge(Worker& worker, const worker::Ack& call, Request& request);
  dispatch::Arrival arrival(unsigned partition, StreamId id, const Entry& entry) const;
  void taken_over(unsigned partition, const std::string& owner, const std::string& epoch);

  // Workers
  void spawn(unsigned slot);
  Worker* live(unsigned slot) const;
  void respawn(unsigned slot, Time after);
  void run_handler(Worker& worker, Job job);
  void handled(Worker& worker, const Handling& handling, Key key);
  bool abandoned(const Handling& handling) const;

  // Senders and the operator
  void send(std::size_t instance, std::size_t index, unsigned version);
  void deliver(std::size_t instance, std::size_t index, unsigned version, unsigned tries);
  void append_late(unsigned partition, Entry entry);
  void append_and_answer(std::size_t instance, std::size_t index, const Entry& entry, Time until);
  void answer(std::size_t instance, std::size_t index, const Entry& entry, bool stored);
  void redrive();
  void fault(const Schedule::Fault& fault);
  double trouble() const { return over() ? 0.0 : schedule_.ingress_trouble; }

  bool quiet() const;
  void check();

  const Schedule& schedule_;
  const Rules rules_;
  std::vector<std::string>* const trace_;
  Random random_;
  Time now_{};
  std::uint64_t order_ = 0;
  std::vector<Event> events_;
  std::vector<std::function<void()>> actions_;
  std::vector<std::size_t> free_;

  RedisModel redis_;
  Time redis_clock_{};
  bool redis_away_ = false;
  std::set<std::pair<unsigned, std::string>> stolen_;  // partition, epoch: taken by another although not given back

  std::vector<std::unique_ptr<Worker>> workers_;  // all that ever were
  std::vector<std::vector<Worker*>> by_slot_;
  std::vector<std::vector<std::pair<unsigned, Handling>>> running_;  // by chat: number
  unsigned starts_ = 0;

  std::vector<Known> known_;
  std::map<Key, Version> versions_;
  std::vector<std::optional<unsigned>> last_started_;  // by chat: sequence
  std::size_t senders_ = 0;
  std::size_t late_ = 0;
  unsigned ids_ = 0;
  Result result_;
};

// --- Worker

Worker::Worker(Fleet& fleet, unsigned slot, std::string name)
    : fleet_(fleet),
      slot_(slot),
      name_(std::move(name)),
      members_("members", name_, options_.timers.member_ttl),
      core_(options_, desk_options_, fleet.schedule_.partitions, name_, all_routes(), *this, fleet.random_.next()) {
  options_.concurrency = fleet.schedule_.concurrency;
  desk_options_.worker = name_;
  desk_options_.retry = {.attempts = 3, .first = 1s, .max = 8s, .give_up = 60s, .blocked = 20s};
}

base::BootTime Worker::boot() const { return base::BootTime(1h + fleet_.now_); }

base::WallTime Worker::wall() const {
  return base::from_unix_ms(kStartMs) + std::chrono::duration_cast<base::WallTime::duration>(fleet_.now_ + wall_offset_);
}

Time Worker::latency() {
  const double u = fleet_.random_.unit();
  return from_seconds(u * u * u * fleet_.schedule_.latency + 0.0005);
}

bool Worker::idle() const {
  const auto figures = core_.figures();
  return !frozen_ && open_ && figures.entries == 0 && figures.running == 0;
}

/// Something happens in the process, unless it doesn't run.
void Worker::deliver(std::function<void()> event, bool reply) {
  if (dead_) return;
  if (frozen_) {
    deferred_.push_back({std::move(event), reply});
    return;
  }
  ++fleet_.result_.steps;
  event();
  if (dead_) return;
  if (fleet_.result_.steps == fleet_.schedule_.crash_at_step) return end(true, false);
  settle();
}

/// The rest of a turn of the engine's loop.
void Worker::settle() {
  if (stopping_ && core_.stopped()) return end(false, false);
  const Time next = std::max(Time(core_.next_tick() - base::BootTime(1h)), fleet_.now_ + 100us);
  if (next >= tick_at_) return;
  tick_at_ = next;
  fleet_.at(next - fleet_.now_, [this, next] {
    if (tick_at_ != next) return;
    deliver([this] {
      tick_at_ = Time::max();
      core_.tick(boot(), wall());
    });
  });
}

void Worker::connect() {
  deliver([this] {
    if (open_) return;
    if (fleet_.redis_away_) {
      fleet_.at(250ms, [this] { connect(); });
      return;
    }
    open_ = true;
    last_out_ = last_in_ = fleet_.now_;
    fleet_.trace(name_, " connected");
    core_.connected(fleet_.rules_.has(Rule::kUnconfirmedKept), boot(), wall());
  });
}

void Worker::cut_commands(bool silent) {
  if (dead_ || !open_) return;
  open_ = false;
  ++generation_;
  fleet_.trace(name_, " commands cut", silent ? ", silently" : "");
  fleet_.at(from_seconds(silent ? fleet_.random_.unit() * 4 : 0.01), [this] {
    deliver([this] {
      fleet_.trace(name_, " disconnected");
      core_.disconnected(boot());
      fleet_.at(50ms, [this] { connect(); });
    });
  });
}

void Worker::cut_reader(bool silent) {
  ++read_generation_;
  read_blocked_ = false;
  if (read_) fail_read(from_seconds(silent ? fleet_.random_.unit() * 4 : 0.01));
}

void Worker::fail_read(Time after) {
  const std::uint64_t cycle = read_->cycle;
  read_.reset();
  fleet_.at(after, [this, cycle] { deliver([this, cycle] { core_.read_failed(cycle, boot(), wall()); }); });
}

void Worker::freeze(Time length) {
  if (dead_ || frozen_) return;
  frozen_ = true;
  fleet_.trace(name_, " frozen for ", std::chrono::duration<double>(length).count(), " s");
  fleet_.at(length, [this] {
    if (dead_) return;
    frozen_ = false;
    fleet_.trace(name_, " thawed");
    std::vector<Deferred> waited = std::exchange(deferred_, {});
    // Replies come in their order; what threads and timers do may come before or after them.
    const unsigned first = fleet_.random_.below(3);
    if (first > 0) std::stable_partition(waited.begin(), waited.end(), [&](const Deferred& d) { return d.reply == (first == 1); });
    Time delay{};
    for (Deferred& deferred : waited) {
      delay += 100us;
      fleet_.at(delay, [this, event = std::move(deferred.event), reply = deferred.reply] { deliver(event, reply); });
    }
  });
}

void Worker::term() {
  if (dead_ || stopping_) return;
  deliver([this] {
    if (stopping_) return;
    fleet_.trace(name_, " SIGTERM");
    stopping_ = true;
    core_.stop(boot(), wall());
    fleet_.at(options_.timers.drain, [this] { deliver([this] { end(!core_.stopped(), false); }); });
  });
}

void Worker::end(bool crash, bool poison) {
  if (dead_) return;
  dead_ = true;
  crashed_ = crash;
  poisoned_ = poison;
  // What was written to the socket may still be executed; after an orderly end it is.
  if (crash) ++generation_;
  fleet_.trace(name_, crash ? poison ? " killed by a notification" : " crashed" : " stopped");
  if (crash && mate != nullptr && !mate->dead_) return mate->end(true, poison);
  if (mate == nullptr || mate->dead_) {
    fleet_.respawn(slot_, crash ? from_seconds(1 + 2 * fleet_.random_.unit()) : from_seconds(0.5 + fleet_.random_.unit()));
  }
}

void Worker::send(worker::Call call) {
  if (!open_) return;  // into a connection that is cut, which nobody knows yet
  const auto aimed = [&](bool hit) { return !fleet_.over() && hit && fleet_.random_.chance(0.4); };
  const bool takeover = std::holds_alternative<worker::Acquire>(call) || std::holds_alternative<worker::Release>(call);
  if (aimed(fleet_.schedule_.aim == Schedule::Aim::kTakeovers && takeover)) {
    fleet_.at(from_seconds(fleet_.random_.unit() * 0.1), [this] { cut_commands(false); });
  }
  if (aimed(fleet_.schedule_.aim == Schedule::Aim::kBegins && std::holds_alternative<worker::WriteAttempts>(call))) {
    fleet_.at(from_seconds(fleet_.random_.unit() * 0.01), [this] { term(); });
  }
  if (!fleet_.over() && fleet_.random_.chance(fleet_.schedule_.cut)) {
    const bool silent = fleet_.random_.chance(0.4);
    fleet_.at(from_seconds(fleet_.random_.unit() * 0.3), [this, silent] { cut_commands(silent); });
  }
  if (std::holds_alternative<worker::ReadLayout>(call) || std::holds_alternative<worker::Backlog>(call)) return;

  auto request = std::make_shared<Request>();
  request->refused = !fleet_.over() && fleet_.random_.chance(fleet_.schedule_.refuse);
  if (std::holds_alternative<worker::Heartbeat>(call)) {
    redis::Command command;
    members_.heartbeat(command, lease_scripts());
    const redis::Argv argv = command.argv();  // EVALSHA, sha, 1, key, member, ttl, then member and score of each that is gone
    for (std::size_t i = 6; i + 1 < argv.size(); i += 2) request->gone_members.emplace_back(argv[i], argv[i + 1]);
  } else if (auto* ack = std::get_if<worker::Ack>(&call)) {
    request->ended.reserve(ack->ended.size());
    for (const auto& ended : ack->ended) {
      RedisModel::Ended& copy = request->ended.emplace_back();
      copy.stream_id = ended.stream_id;
      if (ended.seen) {
        copy.identity = identity_of(key_of(ended.seen->digest).number);
        copy.mark = {ended.seen->received_ms, std::string(ended.seen->id), {ended.seen->digest}};
      }
      copy.effects.assign(ended.effects.begin(), ended.effects.end());
      if (ended.death != nullptr) copy.death = *ended.death;
    }
    ack->ended.clear();
  } else if (auto* write = std::get_if<worker::WriteAttempts>(&call)) {
    for (const auto* value : write->values) request->attempts.push_back(*value);
    write->values.clear();
  }
  request->call = std::move(call);
  last_out_ = std::max(fleet_.now_ + latency(), last_out_ + 1us);
  fleet_.at(last_out_ - fleet_.now_, [this, generation = generation_, request] { execute(generation, request, false); });
}

void Worker::execute(unsigned generation, const std::shared_ptr<Request>& request, bool late) {
  if (generation != generation_ && !late) {
    // The connection was cut: a prefix of what was sent may be executed, some time later.
    const auto [place, first] = late_.try_emplace(generation);
    Late& state = place->second;
    if (first) {
      state.executed = fleet_.random_.chance(0.7);
      state.at = fleet_.now_ + from_seconds(fleet_.random_.unit() * fleet_.random_.pick({0.5, 6.0}));
    }
    state.executed = state.executed && fleet_.random_.chance(0.8);
    if (!state.executed) return;
    state.at = std::max(state.at, fleet_.now_) + 1us;
    fleet_.at(state.at - fleet_.now_, [this, generation, request] { execute(generation, request, true); });
    return;
  }
  if (fleet_.redis_away_) return;
  if (late) fleet_.trace(name_, " late:");
  if (!request->refused) fleet_.execute(*this, *request);
  if (generation != generation_) return;
  last_in_ = std::max(fleet_.now_ + latency(), last_in_ + 1us);
  fleet_.at(last_in_ - fleet_.now_, [this, generation, request] {
    if (generation != generation_) return;
    deliver(
        [this, generation, request] {
          if (generation == generation_) answer(*request);
        },
        true);
  });
}

void Worker::answer(Request& request) {
  constexpr auto kRefused = redis::ReplyError::kBusy;
  const auto batch_answer = [&](const auto& then, std::size_t entries) {
    const std::string resp = request.refused ? "-BUSY a script runs\r\n" : !request.letters ? ":-1\r\n" : "+" + *request.letters + "\r\n";
    const auto reply = redis::Reply::parse(resp);
    then(stream::BatchAnswer(reply->view(), entries));
  };
  const auto held = [&]() -> tl::expected<bool, redis::ReplyError> {
    if (request.refused) return tl::unexpected(kRefused);
    return request.held;
  };
  std::visit(
      [&](auto& call) {
        using Call = std::decay_t<decltype(call)>;
        if constexpr (std::is_same_v<Call, worker::Heartbeat>) {
          if (request.refused) return;
          std::string resp = "*" + std::to_string(2 * request.members.size()) + "\r\n";
          for (const auto& member : request.members) resp += "+" + member.name + "\r\n+" + std::to_string(member.score) + "\r\n";
          const auto reply = redis::Reply::parse(resp);
          if (members_.observe(reply->view(), boot())) core_.members(call, members_.live(), boot(), wall());
        } else if constexpr (std::is_same_v<Call, worker::Acquire>) {
          if (request.refused) {
            core_.acquired(call, tl::unexpected(kRefused), boot(), wall());
          } else {
            core_.acquired(call, *request.lease, boot(), wall());
          }
        } else if constexpr (std::is_same_v<Call, worker::Renew>) {
          core_.renewed(call, held(), boot(), wall());
        } else if constexpr (std::is_same_v<Call, worker::Release>) {
          core_.released(call, held(), boot());
        } else if constexpr (std::is_same_v<Call, worker::LookUp>) {
          if (request.refused) return cut_commands(false);  // as the engine: without marks nothing can be decided
          core_.looked_up(call, request.marks, request.remembered, boot(), wall());
        } else if constexpr (std::is_same_v<Call, worker::Fetch>) {
          if (request.refused) return cut_commands(false);
          core_.fetched(call, std::move(request.arrival), boot(), wall());
        } else if constexpr (std::is_same_v<Call, worker::Ack>) {
          batch_answer([&](const stream::BatchAnswer& answer) { core_.acknowledged(call, answer, boot(), wall()); }, call.ids.size());
        } else if constexpr (std::is_same_v<Call, worker::WriteAttempts>) {
          batch_answer([&](const stream::BatchAnswer& answer) { core_.attempts_written(call, answer, boot(), wall()); }, call.ids.size());
        } else if constexpr (std::is_same_v<Call, worker::Oldest>) {
          if (!request.refused) core_.oldest(call, request.oldest, boot(), wall());
        }
      },
      request.call);
}

void Worker::read(worker::ReadRequest request) {
  read_ = std::move(request);
  const unsigned generation = ++read_generation_;
  const Time delay = latency();
  read_until_ = fleet_.now_ + delay + 1s;  // XREAD BLOCK 1000
  if (!fleet_.over() && fleet_.random_.chance(fleet_.schedule_.cut)) {
    fleet_.at(from_seconds(fleet_.random_.unit() * 0.3), [this] { cut_reader(false); });
  }
  fleet_.at(delay, [this, generation] { execute_read(generation); });
}

void Worker::added(unsigned partition) {
  if (!read_blocked_ || dead_) return;
  const auto waits = [&](const worker::ReadRequest::From& from) { return from.tenure.partition == partition; };
  if (std::any_of(read_->from.begin(), read_->from.end(), waits)) execute_read(read_generation_);
}

void Worker::execute_read(unsigned generation) {
  if (dead_ || generation != read_generation_ || !read_) return;
  if (fleet_.redis_away_) return fail_read(300ms);
  std::vector<worker::Core::Batch> batches;
  for (const auto& from : read_->from) {
    const auto& entries = fleet_.redis_.partition(from.tenure.partition).stream;
    auto entry = entries.upper_bound(from.cursor);
    if (entry == entries.end()) continue;
    auto& batch = batches.emplace_back(worker::Core::Batch{from.tenure, {}});
    for (std::size_t i = 0; i < read_->count && entry != entries.end(); ++i, ++entry) {
      batch.arrivals.push_back(fleet_.arrival(from.tenure.partition, entry->first, entry->second));
    }
  }
  if (batches.empty() && fleet_.now_ < read_until_) {
    if (!read_blocked_) fleet_.at(read_until_ - fleet_.now_, [this, generation] { execute_read(generation); });
    read_blocked_ = true;
    return;
  }
  read_blocked_ = false;
  fleet_.at(latency(), [this, generation, came = std::move(batches)]() mutable {
    deliver([this, generation, came = std::move(came)]() mutable {
      if (generation != read_generation_ || !read_) return;
      const std::uint64_t cycle = read_->cycle;
      read_.reset();
      core_.read_done(cycle, std::move(came), boot(), wall());
    });
  });
}

void Worker::start(Job job) {
  jobs_.push_back(std::move(job));
  kick();
}

void Worker::kick() {
  while (busy_ < options_.concurrency && !jobs_.empty()) {
    ++busy_;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    const Time delay = from_seconds(fleet_.random_.chance(0.1) ? fleet_.random_.unit() * 0.1 : 0.0002);
    fleet_.at(delay, [this, taken = std::move(job)]() mutable {
      deliver([this, taken = std::move(taken)]() mutable { begin(std::move(taken)); });
    });
  }
}

void Worker::begin(Job job) {
  if (boot() >= job.valid_until) return complete(std::move(job), false, {}, {});
  fleet_.run_handler(*this, std::move(job));
}

void Worker::complete(Job job, bool started, Handled handled, Time duration) {
  --busy_;
  kick();
  std::vector<Completion> completions;
  completions.push_back({std::move(job), started, std::move(handled), duration});
  core_.completed(std::move(completions), boot(), wall());
}

void Worker::record(dispatch::Record record) {
  const Key key = key_of(record.content->notification.body_digest);
  fleet_.trace(name_, " ", dispatch::to_text(record.outcome), " n", key.number, " v", key.version, " ", record.reason);
  if (record.outcome == dispatch::Outcome::kRepeat && record.reason.starts_with("stale")) fleet_.versions_[key].stale = true;
}

void Worker::taken(unsigned partition, lease::How how) { fleet_.trace(name_, " holds p", partition, " ", lease::to_text(how)); }
void Worker::given_back(unsigned partition) { fleet_.trace(name_, " gives p", partition, " back"); }
void Worker::lost(unsigned partition, Loss) { fleet_.trace(name_, " lost p", partition); }

// --- Redis

void Fleet::at(Time delay, std::function<void()> action) {
  std::size_t slot = actions_.size();
  if (free_.empty()) {
    actions_.push_back(std::move(action));
  } else {
    slot = free_.back();
    free_.pop_back();
    actions_[slot] = std::move(action);
  }
  events_.push_back({now_ + std::max(delay, Time(0)), ++order_, slot});
  std::push_heap(events_.begin(), events_.end());
}

void Fleet::append(unsigned partition, Entry entry, const char* how) {
  set_redis_time();
  const Key key{entry.number, entry.version};
  const StreamId id = redis_.add(partition, std::move(entry));
  trace("XADD p", partition, " ", id.text(), " n", key.number, " v", key.version, " ", how);
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->added(partition);
}

dispatch::Arrival Fleet::arrival(unsigned, StreamId id, const Entry& entry) const {
  static const auto body = std::make_shared<const std::string>("{}");
  auto content = std::make_shared<dispatch::Content>();
  auto& notification = content->notification;
  notification.id = entry.id;
  notification.id_instance = 1;
  notification.chat = std::to_string(known_[entry.number].notification->chat);
  notification.type = notification::TypeWebhook::kIncomingMessageReceived;
  notification.received = base::from_unix_ms(rules_.has(Rule::kStaleByReceipt) ? entry.received_ms : kStartMs);
  notification.identity = identity_of(entry.number);
  if (!rules_.has(Rule::kIdentitiesInMemory)) {
    for (unsigned i = 0; i < 6; ++i) notification.identity[8 + i] = static_cast<std::uint8_t>(id.ms >> (8 * i));
    notification.identity[14] = static_cast<std::uint8_t>(id.seq);
  }
  notification.body_digest = digest_of({entry.number, entry.version});
  notification.body = body;
  content->parsed = true;
  return {id, entry.source, std::move(content)};
}

/// Another has the partition although its owner did not give it back.
void Fleet::taken_over(unsigned partition, const std::string& owner, const std::string& epoch) {
  stolen_.emplace(partition, epoch);
  const auto previous = std::find_if(workers_.rbegin(), workers_.rend(), [&](const auto& worker) { return worker->name() == owner; });
  if (previous != workers_.rend() && (*previous)->poisoned()) return;
  const auto& at = redis_.partition(partition);
  for (const auto& [id, attempts] : at.attempts) {
    if (attempts.begun > 0) ++known_[at.stream.at(id).number].outside_begins;
  }
}

void Fleet::execute(Worker& worker, Request& request) {
  set_redis_time();
  const auto& timers = worker.options_.timers;
  std::visit(
      [&](const auto& call) {
        using Call = std::decay_t<decltype(call)>;
        if constexpr (std::is_same_v<Call, worker::Heartbeat>) {
          request.members = redis_.heartbeat(worker.name(), timers.member_ttl, request.gone_members);
        } else if constexpr (std::is_same_v<Call, worker::Leave>) {
          redis_.leave(worker.name());
        } else if constexpr (std::is_same_v<Call, worker::Acquire>) {
          const RedisModel::Control before = redis_.partition(call.partition).control;
          request.lease = redis_.acquire(call.partition, worker.name(), timers.lease_ttl, call.known_epoch, call.unchanged);
          const auto& after = redis_.partition(call.partition).control;
          if (after.owner == before.owner && after.epoch == before.epoch) return;
          trace(worker.name(), " acquired p", call.partition, " epoch ", after.epoch, " from '", before.owner, "'");
          if (!before.owner.empty() && before.owner != after.owner) taken_over(call.partition, before.owner, before.epoch);
        } else if constexpr (std::is_same_v<Call, worker::Renew>) {
          request.held = redis_.renew(call.tenure.partition, worker.name(), call.epoch, timers.lease_ttl);
        } else if constexpr (std::is_same_v<Call, worker::Release>) {
          request.held = redis_.release(call.partition, worker.name(), call.epoch);
          trace(worker.name(), " release p", call.partition, request.held ? "" : " fenced");
        } else if constexpr (std::is_same_v<Call, worker::LookUp>) {
          const auto& at = redis_.partition(call.tenure.partition);
          for (auto identity : call.wanted.identities) {
            std::fill(identity.begin() + 8, identity.end(), std::uint8_t{0});
            const auto mark = at.marks.find(identity);
            const bool known = mark != at.marks.end() && rules_.has(Rule::kMarks);
            request.marks.push_back(known ? std::optional(mark->second) : std::nullopt);
          }
          for (const StreamId id : call.wanted.attempts_of) {
            const auto attempts = at.attempts.find(id);
            request.remembered.push_back(attempts != at.attempts.end() ? std::optional(attempts->second) : std::nullopt);
          }
        } else if constexpr (std::is_same_v<Call, worker::Fetch>) {
          const auto& at = redis_.partition(call.tenure.partition);
          if (const auto entry = at.stream.find(call.stream_id); entry != at.stream.end()) {
            request.arrival = arrival(call.tenure.partition, entry->first, entry->second);
          }
        } else if constexpr (std::is_same_v<Call, worker::Ack>) {
          acknowledge(worker, call, request);
        } else if constexpr (std::is_same_v<Call, worker::WriteAttempts>) {
          request.letters = redis_.write_attempts(call.tenure.partition, worker.name(), call.epoch, call.ids, request.attempts);
          if (trace_ == nullptr) return;
          for (std::size_t i = 0; i < call.ids.size(); ++i) {
            trace(worker.name(), " attempts p", call.tenure.partition, " ", call.ids[i].text(), " failed ", request.attempts[i].failed,
                  " begun ", request.attempts[i].begun, request.letters ? "" : " fenced");
          }
        } else if constexpr (std::is_same_v<Call, worker::Oldest>) {
          const auto& at = redis_.partition(call.tenure.partition);
          if (!at.stream.empty()) request.oldest = at.stream.begin()->first;
        }
      },
      request.call);
  if (redis_.zombie_changes() > 0) broke(Broken::kZombie, "by ", worker.name());
}

void Fleet::acknowledge(Worker& worker, const worker::Ack& call, Request& request) {
  const unsigned partition = call.tenure.partition;
  request.letters = redis_.ack(partition, worker.name(), call.epoch, request.ended);
  if (!request.letters) trace(worker.name(), " ack p", partition, " fenced");
  for (std::size_t i = 0; request.letters && i < request.ended.size(); ++i) {
    const RedisModel::Ended& ended = request.ended[i];
    const bool written = (*request.letters)[i] == 'w';
    trace(worker.name(), " ack p", partition, " ", ended.stream_id.text(), " ", (*request.letters)[i]);
    if (!ended.identity || (!written && rules_.has(Rule::kOnlyPresentAcked))) continue;
    const Key key = key_of(ended.mark.digests.front());
    Known& known = known_[key.number];
    Version& version = versions_[key];
    if (ended.death) {
      if (!written) continue;
      version.dead = ended.death->dead_class;
      const auto& dead = redis_.partition(partition).dead_letters;
      const auto same = [&](const auto& letter) {
        return letter.second.entry.number == key.number && letter.second.entry.version == key.version;
      };
      if (std::count_if(dead.begin(), dead.end(), same) > 1) broke(Broken::kDoubleDead, "n", key.number, " v", key.version);
      const bool poison = known.notification->kind >= Schedule::Kind::kKills;
      if (version.dead == stream::DeadClass::kCrash && !poison && known.outside_begins < 2) {
        broke(Broken::kInnocentDead, "n", key.number, ", begun beside somebody else's crashes ", known.outside_begins, " times");
      }
      continue;
    }
    if (version.done) broke(Broken::kEffectTwice, "n", key.number, " v", key.version);
    version.done = true;
    if (known.last_effect && *known.last_effect > key.version) {
      broke(Broken::kStaleEffect, "n", key.number, " v", key.version, " after v", *known.last_effect);
    }
    known.last_effect = key.version;
  }
}

// --- Workers

void Fleet::spawn(unsigned slot) {
  const auto make = [&](const std::string& suffix) {
    std::string name = "w" + std::to_string(slot) + suffix;
    if (rules_.has(Rule::kUniqueNames)) name += "." + std::to_string(++starts_);
    workers_.push_back(std::make_unique<Worker>(*this, slot, std::move(name)));
    Worker* made = workers_.back().get();
    trace(made->name(), " starts");
    by_slot_[slot].push_back(made);
    at(from_seconds(0.05 + random_.unit() * 0.4), [made] { made->connect(); });
    return made;
  };
  by_slot_[slot].clear();
  Worker* const first = make("");
  if (rules_.has(Rule::kAloneInProcess)) return;
  Worker* const second = make("b");
  first->mate = second;
  second->mate = first;
}

void Fleet::respawn(unsigned slot, Time after) {
  at(after, [this, slot] { spawn(slot); });
}

bool Fleet::abandoned(const Handling& handling) const {
  return handling.worker->crashed() || handling.epoch.empty() || stolen_.contains({handling.partition, handling.epoch});
}

void Fleet::run_handler(Worker& worker, Job job) {
  const Key key = key_of(job.content->notification.body_digest);
  Known& known = known_[key.number];
  const Schedule::Notification& notification = *known.notification;
  const auto& control = redis_.partition(job.partition).control;
  const Handling handling{&worker, job.partition, control.owner == worker.name() ? control.epoch : "", versions_[key].done, key.version};
  trace(worker.name(), " START n", key.number, " v", key.version, " p", job.partition, " chat ", notification.chat);

  if (!std::exchange(known.started, true)) {
    auto& last = last_started_[notification.chat];
    if (last && notification.sequence < *last) broke(Broken::kOrder, "n", key.number, " in chat ", notification.chat);
    last = std::max(last.value_or(0), notification.sequence);
  }
  auto& running = running_[notification.chat];
  for (const auto& [number, other] : running) {
    if (!abandoned(other) && !abandoned(handling)) broke(Broken::kOverlap, "n", number, " and n", key.number);
  }
  running.emplace_back(key.number, handling);

  using Kind = Schedule::Kind;
  Kind kind = notification.kind;
  if (known.redriven && (kind == Kind::kKills || kind == Kind::kHangs || kind == Kind::kDead)) kind = Kind::kOk;
  Time duration(static_cast<std::int64_t>(static_cast<double>(notification.duration.count()) * (0.5 + random_.unit())));
  Handled result;
  switch (kind) {
    case Kind::kOk: break;
    case Kind::kFails:
      if (known.failed < notification.failures) {
        ++known.failed;
        result = Handled::retry("fails");
      }
      break;
    case Kind::kAway:
      if (now_ >= notification.away_from && now_ < notification.away_until) result = Handled::unavailable("away");
      break;
    case Kind::kDead: result = Handled::retry("always fails"); break;
    case Kind::kRejects: result = Handled::reject("rejects"); break;
    case Kind::kKillsOnce:
      if (known.failed > 0) break;
      [[fallthrough]];
    case Kind::kKills:
      ++known.failed;
      at(from_seconds(random_.unit() * random_.pick({0.001, 0.5})), [&worker] { worker.deliver([&worker] { worker.end(true, true); }); });
      return;
    case Kind::kHangs: at(kHangs, [&worker] { worker.deliver([&worker] { worker.end(true, true); }); }); return;
  }
  if (result.kind == Handled::Kind::kDone) {
    using Effect = stream::Effect;
    result.effects.push_back(
        {Effect::Op::kIncrement, Effect::On::kCounts, "", std::to_string(key.number) + "." + std::to_string(key.version), "1", 0ms});
  }
  const Time began = now_;
  at(duration, [this, &worker, handling, key, began, chat = notification.chat, job = std::move(job), result = std::move(result)]() mutable {
    worker.deliver([this, &worker, handling, key, began, chat, job = std::move(job), result = std::move(result)]() mutable {
      std::erase_if(running_[chat], [&](const auto& one) { return one.first == key.number && one.second.worker == &worker; });
      if (result.kind == Handled::Kind::kDone) handled(worker, handling, key);
      worker.complete(std::move(job), true, std::move(result), now_ - began);
    });
  });
}

void Fleet::handled(Worker& worker, const Handling& handling, Key key) {
  ++result_.handled;
  trace(worker.name(), " HANDLED n", key.number, " v", key.version);
  auto& successes = known_[key.number].successes;
  const bool mine = !abandoned(handling);
  bool again = false;
  if (mine && handling.after_done) broke(Broken::kHandledTwice, "n", key.number, " v", key.version, " after it was acknowledged");
  for (const Handling& other : successes) {
    const bool theirs = !abandoned(other);
    if (other.version == key.version) again = true;
    if (mine && theirs && other.version == key.version) broke(Broken::kHandledTwice, "n", key.number, " v", key.version);
    if (mine && theirs && other.version > key.version) broke(Broken::kStaleHandled, "n", key.number, " v", key.version);
  }
  if (again) ++result_.again;
  successes.push_back(handling);
}

// --- Senders and the operator

void Fleet::send(std::size_t instance, std::size_t index, unsigned version) {
  if (index == schedule_.instances[instance].size()) {
    --senders_;
    return;
  }
  deliver(instance, index, version, 0);
}

void Fleet::deliver(std::size_t instance, std::size_t index, unsigned version, unsigned tries) {
  const Schedule::Notification& notification = schedule_.instances[instance][index];
  const Time skew = from_seconds((random_.unit() - 0.5) * 2 * kIngressSkewSeconds);
  const Entry entry{"e" + std::to_string(++ids_), notification.number, version,
                    kStartMs + std::chrono::duration_cast<std::chrono::milliseconds>(now_ + skew).count(), stream::Source::kWebhook};
  if (tries >= 3) return answer(instance, index, entry, false);
  const double u = random_.unit();
  const double f = trouble();
  const double v = random_.unit();
  const Time latency = from_seconds(v * v * 0.3);
  const auto again = [=, this] { deliver(instance, index, version, tries + 1); };
  const auto appended = [this, partition = notification.partition, entry] {
    if (!redis_away_) append(partition, entry, "by an ingress that is killed");
  };
  if (u < f * 0.25) {  // a frozen ingress: nginx tries another
    ++late_;
    at(from_seconds(random_.unit() * random_.pick({5.0, 45.0, 90.0})),
       [this, entry, p = notification.partition] { append_late(p, entry); });
    at(5s, again);
  } else if (u < f * 0.4) {  // killed before XADD
    at(latency, again);
  } else if (u < f * 0.55) {  // killed after XADD
    at(latency, appended);
    at(latency + 50ms, again);
  } else if (u < f * 0.7) {  // XADD without a reply: appended again
    at(latency, appended);
    at(latency + from_seconds(random_.unit()), [=, this] { append_and_answer(instance, index, entry, now_ + 20s); });
  } else if (u < f * 0.8) {  // not stored
    at(1s, [=, this] { answer(instance, index, entry, false); });
  } else {
    at(latency, [=, this] { append_and_answer(instance, index, entry, now_ + 20s); });
  }
}

void Fleet::append_late(unsigned partition, Entry entry) {
  if (redis_away_) {
    at(1s, [this, partition, entry = std::move(entry)] { append_late(partition, entry); });
    return;
  }
  --late_;
  append(partition, std::move(entry), "late");
}

void Fleet::append_and_answer(std::size_t instance, std::size_t index, const Entry& entry, Time until) {
  if (redis_away_) {
    if (now_ > until) return answer(instance, index, entry, false);
    at(300ms, [=, this] { append_and_answer(instance, index, entry, until); });
    return;
  }
  append(schedule_.instances[instance][index].partition, entry, "");
  answer(instance, index, entry, true);
}

void Fleet::answer(std::size_t instance, std::size_t index, const Entry& entry, bool stored) {
  const Schedule::Notification& notification = schedule_.instances[instance][index];
  if (stored) versions_[{entry.number, entry.version}].answered = true;
  if (!stored || random_.chance(trouble() * 0.2)) {  // no 200, or it does not arrive
    const bool changes = entry.version + 1 < kVersionsMax && random_.chance(schedule_.change);
    at(from_seconds(kRepeatSeconds), [=, this] { send(instance, index, entry.version + (changes ? 1U : 0U)); });
    return;
  }
  if (random_.chance(trouble() * 0.3)) {  // sent twice on purpose
    ++late_;
    Entry copy = entry;
    copy.id = "e" + std::to_string(++ids_);
    at(from_seconds(random_.unit() * random_.pick({1.0, 30.0, 80.0})), [this, copy, p = notification.partition] { append_late(p, copy); });
  }
  const double u = random_.unit();
  at(Time(static_cast<std::int64_t>(static_cast<double>(notification.gap.count()) * u * u)), [=, this] { send(instance, index + 1, 0); });
}

void Fleet::redrive() {
  if (redis_away_) {
    at(1s, [this] { redrive(); });
    return;
  }
  set_redis_time();
  for (unsigned p = 0; p < redis_.partitions(); ++p) {
    std::vector<StreamId> ids;
    for (const auto& [id, letter] : redis_.partition(p).dead_letters) {
      ids.push_back(id);
      known_[letter.entry.number].redriven = true;
      trace("redriven p", p, " n", letter.entry.number, " v", letter.entry.version);
    }
    static_cast<void>(redis_.redrive(p, ids));
    if (random_.chance(0.2)) static_cast<void>(redis_.redrive(p, ids));  // the reply was lost
    if (ids.empty()) continue;
    for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->added(p);
  }
}

Worker* Fleet::live(unsigned slot) const {
  const auto& cores = by_slot_[slot % by_slot_.size()];
  if (cores.empty()) return nullptr;
  Worker* const first = cores.front();
  return first->dead() ? first->mate : first;
}

void Fleet::fault(const Schedule::Fault& fault) {
  using Kind = Schedule::Fault::Kind;
  if (fault.kind == Kind::kRedrive) return redrive();
  if (fault.kind == Kind::kRedisClock) {
    trace("Redis' clock steps by ", std::chrono::duration<double>(fault.length).count(), " s");
    redis_clock_ += fault.length;
    return;
  }
  if (fault.kind == Kind::kRedisAway) {
    if (redis_away_) return;
    trace("Redis away for ", std::chrono::duration<double>(fault.length).count(), " s");
    redis_away_ = true;
    for (const auto& worker : workers_) {
      worker->cut_commands(false);
      worker->cut_reader(false);
    }
    at(fault.length, [this] {
      trace("Redis back");
      redis_away_ = false;
    });
    return;
  }
  Worker* const worker = live(fault.worker);
  if (worker == nullptr || worker->dead()) return;
  switch (fault.kind) {
    case Kind::kCutCommands: worker->cut_commands(fault.silent); break;
    case Kind::kCutReader: worker->cut_reader(fault.silent); break;
    case Kind::kTerm:
      worker->term();
      if (worker->mate != nullptr) worker->mate->term();
      break;
    case Kind::kCrash: worker->end(true, false); break;
    case Kind::kFreeze:
      worker->freeze(fault.length);
      if (worker->mate != nullptr) worker->mate->freeze(fault.length);
      break;
    case Kind::kWorkerClock:
      trace(worker->name(), "'s wall clock steps by ", std::chrono::duration<double>(fault.length).count(), " s");
      worker->step_clock(fault.length);
      break;
    case Kind::kRedisAway:
    case Kind::kRedrive:
    case Kind::kRedisClock: break;
  }
}

// --- The run

bool Fleet::quiet() const {
  if (senders_ > 0 || late_ > 0 || redis_away_) return false;
  for (unsigned p = 0; p < redis_.partitions(); ++p) {
    if (!redis_.partition(p).stream.empty()) return false;
  }
  return std::all_of(by_slot_.begin(), by_slot_.end(), [](const auto& cores) {
    return !cores.empty() &&
           std::all_of(cores.begin(), cores.end(), [](const Worker* worker) { return !worker->dead() && worker->idle(); });
  });
}

Result Fleet::run() {
  for (const auto& instance : schedule_.instances) {
    for (const auto& notification : instance) {
      if (notification.number >= known_.size()) known_.resize(notification.number + 1);
      known_[notification.number].notification = &notification;
    }
  }
  last_started_.resize(schedule_.chats);
  running_.resize(schedule_.chats);
  by_slot_.resize(schedule_.spawns.size());
  for (unsigned slot = 0; slot < schedule_.spawns.size(); ++slot) respawn(slot, schedule_.spawns[slot]);
  senders_ = schedule_.instances.size();
  for (std::size_t i = 0; i < schedule_.instances.size(); ++i) {
    at(from_seconds(random_.unit()), [this, i] { send(i, 0, 0); });
  }
  for (const auto& one : schedule_.faults) at(one.at, [this, &one] { fault(one); });

  Time look = schedule_.end;
  while (!events_.empty()) {
    const Event event = events_.front();
    if (event.at > look) {
      look += 1s;
      if (quiet() || look > schedule_.end + kAfterEnd) break;
      continue;
    }
    std::pop_heap(events_.begin(), events_.end());
    events_.pop_back();
    now_ = event.at;
    const std::function<void()> action = std::move(actions_[event.slot]);
    actions_[event.slot] = nullptr;
    free_.push_back(event.slot);
    action();
    if (result_.steps > kStepsMax) {
      broke(Broken::kBusy, result_.steps, " steps");
      break;
    }
  }
  check();
  result_.length = now_;
  return std::move(result_);
}

void Fleet::check() {
  for (unsigned p = 0; p < redis_.partitions(); ++p) {
    const auto& at = redis_.partition(p);
    if (!at.stream.empty()) {
      const auto& [id, entry] = *at.stream.begin();
      broke(Broken::kNotDrained, at.stream.size(), " entries in p", p, ", first ", id.text(), " n", entry.number, " v", entry.version);
    } else if (!at.attempts.empty()) {
      broke(Broken::kLeak, "attempts in p", p);
    }
    const auto counts = at.hashes.find("cnt");
    if (counts == at.hashes.end()) continue;
    for (const auto& [field, value] : counts->second) {
      if (value != "1") broke(Broken::kEffectTwice, field, " counted ", value, " times");
    }
  }
  if (result_.has(Broken::kNotDrained) || result_.has(Broken::kBusy)) return;
  for (const auto& cores : by_slot_) {
    for (const Worker* worker : cores) {
      if (worker->dead()) continue;
      const auto figures = worker->core_.figures();
      if (figures.entries + figures.running + figures.blocked + figures.body_bytes + worker->busy_ > 0) {
        broke(Broken::kLeak, "in memory of ", worker->name());
      }
    }
  }
  for (const auto& [key, version] : versions_) {
    if (!version.answered || version.done || version.dead) continue;
    const auto& known = known_[key.number];
    const bool later = std::any_of(versions_.begin(), versions_.end(), [&](const auto& other) {
      return other.first.number == key.number && other.first.version > key.version && (other.second.done || other.second.dead);
    });
    if (!version.stale || !later) {
      broke(Broken::kLost, "n", key.number, " v", key.version, known.started ? "" : ", never started", version.stale ? ", as stale" : "");
    }
  }
}

}  // namespace

std::string_view to_text(Broken broken) {
  switch (broken) {
    case Broken::kLost: return "lost";
    case Broken::kOrder: return "order";
    case Broken::kOverlap: return "overlap";
    case Broken::kHandledTwice: return "handled twice";
    case Broken::kEffectTwice: return "effect twice";
    case Broken::kStaleEffect: return "stale effect";
    case Broken::kStaleHandled: return "stale handled";
    case Broken::kDoubleDead: return "double dead letter";
    case Broken::kInnocentDead: return "innocent dead letter";
    case Broken::kZombie: return "change by a zombie";
    case Broken::kNotDrained: return "not drained";
    case Broken::kLeak: return "leak";
    case Broken::kBusy: return "busy";
  }
  return "";
}

bool Result::has(Broken broken) const {
  return std::any_of(violations.begin(), violations.end(), [&](const Violation& violation) { return violation.broken == broken; });
}

Result run(const Schedule& schedule, Rules rules, std::vector<std::string>* trace) {
  now_running = &schedule;
  Result result = Fleet(schedule, rules, trace).run();
  now_running = nullptr;
  return result;
}

void name_schedule_on_abort() {
  std::signal(SIGABRT, [](int) {
    if (now_running == nullptr) return;
    char text[128];
    const int size = std::snprintf(text, sizeof text, "aborted in: simulation --mode %u --seeds %llu (crash at step %llu)\n",
                                   static_cast<unsigned>(now_running->mode), static_cast<unsigned long long>(now_running->seed),
                                   static_cast<unsigned long long>(now_running->crash_at_step));
    if (size > 0) static_cast<void>(!::write(STDERR_FILENO, text, static_cast<std::size_t>(size)));
  });
}

Schedule shrink(Schedule schedule, Rules rules, Broken broken) {
  const auto try_without = [&](Schedule smaller) {
    if (!run(smaller, rules).has(broken)) return false;
    schedule = std::move(smaller);
    return true;
  };
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (std::size_t i = schedule.faults.size(); i-- > 0;) {
      Schedule next = schedule;
      next.faults.erase(next.faults.begin() + static_cast<std::ptrdiff_t>(i));
      smaller = try_without(std::move(next)) || smaller;
    }
    for (std::size_t k = schedule.instances.size(); k-- > 0;) {
      for (std::size_t j = schedule.instances[k].size(); j-- > 0;) {
        Schedule next = schedule;
        next.instances[k].erase(next.instances[k].begin() + static_cast<std::ptrdiff_t>(j));
        if (try_without(std::move(next))) {
          smaller = true;
          continue;
        }
        if (schedule.instances[k][j].kind == Schedule::Kind::kOk) continue;
        next = schedule;
        next.instances[k][j].kind = Schedule::Kind::kOk;
        smaller = try_without(std::move(next)) || smaller;
      }
    }
    const auto zero = [&](double Schedule::*what) {
      if (schedule.*what == 0) return;
      Schedule next = schedule;
      next.*what = 0;
      smaller = try_without(std::move(next)) || smaller;
    };
    zero(&Schedule::ingress_trouble);
    zero(&Schedule::change);
    zero(&Schedule::cut);
    zero(&Schedule::refuse);
  }
  return schedule;
}

}  // namespace hookfleet::simulation
