#include "tests/simulation/process.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"

namespace hookfleet::simulation {
namespace {

using namespace std::chrono_literals;
using dispatch::Completion;
using dispatch::Job;
using handlers::Handled;
using stream::StreamId;

class NoHandler final : public handlers::Handler {
 public:
  Handled handle(const notification::Notification&, const std::stop_token&) override { return Handled::done(); }
};

constexpr std::size_t kForwardsMax = 2;

class NoForward final : public handlers::AsyncHandler {
 public:
  std::size_t concurrency() const override { return kForwardsMax; }
  void start(std::shared_ptr<const notification::Notification>, const std::stop_token&, Done done) override { done(Handled::done()); }
};

bool is_second(std::string_view action) { return action.ends_with("#2"); }

/// Messages are handled in the pool, calls asynchronously by one target, blocks by that and another one, which is always done: what the
/// first and the pool do is the simulation's.
const std::shared_ptr<const routes::Routes>& all_routes() {
  static const auto* const handlers = [] {
    auto* made = new handlers::Handlers;
    made->add("message", std::make_unique<NoHandler>());
    return made;
  }();
  static const auto routes = [] {
    routes::Options options;
    const routes::ActionOptions to_one{.forward = forward::Options{}};
    options.routes.push_back({.match = {.type_webhook = {"incomingCall"}}, .actions = {to_one}});
    options.routes.push_back({.match = {.type_webhook = {"incomingBlock"}}, .actions = {to_one, to_one}});
    const auto no_forward = [first = std::make_shared<NoForward>(), second = std::make_shared<NoForward>()](
                                const std::string& name, const forward::Options&) { return is_second(name) ? second : first; };
    return std::make_shared<const routes::Routes>(options, *handlers, no_forward);
  }();
  return routes;
}

const lease::Scripts& lease_scripts() {
  static const lease::Scripts scripts;
  return scripts;
}

}  // namespace

// --- World

World::World(const Schedule& of, Rules with, std::vector<std::string>* trace)
    : schedule(of),
      rules(with),
      random(of.seed * 32 + static_cast<std::uint64_t>(of.mode) + 7),
      redis(of.partitions, with),
      ledger(of, with, timeline, trace) {}

dispatch::Arrival World::arrival(StreamId id, const RedisModel::Entry& entry) const {
  static const auto body = std::make_shared<const std::string>("{}");
  auto content = std::make_shared<dispatch::Content>();
  auto& notification = content->notification;
  notification.id = entry.id;
  notification.id_instance = 1;
  notification.chat = std::to_string(ledger.notification(entry.number).chat);
  using notification::TypeWebhook;
  constexpr TypeWebhook kTypes[] = {TypeWebhook::kIncomingMessageReceived, TypeWebhook::kIncomingCall, TypeWebhook::kIncomingBlock};
  notification.type = kTypes[schedule.mode == Mode::kForwards ? entry.number % std::size(kTypes) : 0];
  notification.received = base::from_unix_ms(rules.has(Rule::kStaleByReceipt) ? entry.received_ms : kStartMs);
  notification.identity = identity_of(entry.number);
  if (!rules.has(Rule::kIdentitiesInMemory)) {
    for (unsigned i = 0; i < 6; ++i) notification.identity[8 + i] = static_cast<std::uint8_t>(id.ms >> (8 * i));
    notification.identity[14] = static_cast<std::uint8_t>(id.seq);
  }
  notification.body_digest = digest_of({entry.number, entry.version});
  notification.body = body;
  content->parsed = true;
  return {id, entry.source, std::move(content)};
}

// --- Process

Process::Process(World& world, unsigned slot, std::string name)
    : world_(world),
      slot_(slot),
      name_(std::move(name)),
      members_("members", name_, options_.timers.member_ttl),
      core_(options_, desk_options_, world.schedule.partitions, name_, all_routes(), *this, world.random.next()) {
  options_.concurrency = world.schedule.concurrency;
  options_.memory_max = world.schedule.memory_max;
  desk_options_.worker = name_;
  desk_options_.retry = {.attempts = 3, .first = 1s, .max = 8s, .give_up = 60s, .blocked = 20s, .hold_after = 1000};
}

base::BootTime Process::boot() const { return base::BootTime(1h + world_.timeline.now()); }

base::WallTime Process::wall() const {
  return base::from_unix_ms(kStartMs) + std::chrono::duration_cast<base::WallTime::duration>(world_.timeline.now() + wall_offset_);
}

Time Process::latency() {
  const double u = world_.random.unit();
  return from_seconds(u * u * u * world_.schedule.latency + 0.0005);
}

bool Process::empty() const {
  const auto figures = core_.figures();
  return figures.entries + figures.running + figures.blocked + figures.body_bytes + busy_ + forwards_ == 0;
}

/// Something happens in the process, unless it doesn't run.
void Process::deliver(std::function<void()> event, bool reply) {
  if (dead_) return;
  if (frozen_) {
    deferred_.push_back({std::move(event), reply});
    return;
  }
  world_.ledger.step();
  event();
  if (dead_) return;
  if (world_.ledger.steps() == world_.schedule.crash_at_step) return end(true, false);
  settle();
}

/// The rest of a turn of the engine's loop.
void Process::settle() {
  if (stopping_ && core_.stopped()) return end(false, false);
  const Time next = std::max(Time(core_.next_tick() - base::BootTime(1h)), world_.timeline.now() + 100us);
  if (next >= tick_at_) return;
  tick_at_ = next;
  world_.timeline.at(next - world_.timeline.now(), [this, next] {
    if (tick_at_ != next) return;
    deliver([this] {
      tick_at_ = Time::max();
      core_.tick(boot(), wall());
    });
  });
}

void Process::connect() {
  deliver([this] {
    if (open_) return;
    if (world_.redis_away) {
      world_.timeline.at(250ms, [this] { connect(); });
      return;
    }
    open_ = true;
    last_out_ = last_in_ = world_.timeline.now();
    world_.ledger.trace(name_, " connected");
    core_.connected(world_.rules.has(Rule::kUnconfirmedKept), boot(), wall());
  });
}

void Process::cut_commands(bool silent) {
  if (dead_ || !open_) return;
  open_ = false;
  ++generation_;
  refused_acks_ = 0;
  world_.ledger.trace(name_, " commands cut", silent ? ", silently" : "");
  world_.timeline.at(from_seconds(silent ? world_.random.unit() * 4 : 0.01), [this] {
    deliver([this] {
      world_.ledger.trace(name_, " disconnected");
      core_.disconnected(boot());
      world_.timeline.at(50ms, [this] { connect(); });
    });
  });
}

void Process::cut_reader(bool silent) {
  ++read_generation_;
  read_blocked_ = false;
  if (read_) fail_read(from_seconds(silent ? world_.random.unit() * 4 : 0.01));
}

void Process::fail_read(Time after) {
  const std::uint64_t cycle = read_->cycle;
  read_.reset();
  world_.timeline.at(after, [this, cycle] { deliver([this, cycle] { core_.read_failed(cycle, boot(), wall()); }); });
}

void Process::freeze(Time length) {
  if (dead_ || frozen_) return;
  frozen_ = true;
  world_.ledger.trace(name_, " frozen for ", std::chrono::duration<double>(length).count(), " s");
  world_.timeline.at(length, [this] {
    if (dead_) return;
    frozen_ = false;
    world_.ledger.trace(name_, " thawed");
    std::vector<Deferred> waited = std::exchange(deferred_, {});
    // Replies come in their order; what threads and timers do may come before or after them.
    const unsigned first = world_.random.below(3);
    if (first > 0) std::stable_partition(waited.begin(), waited.end(), [&](const Deferred& d) { return d.reply == (first == 1); });
    Time delay{};
    for (Deferred& deferred : waited) {
      delay += 100us;
      world_.timeline.at(delay, [this, event = std::move(deferred.event), reply = deferred.reply] { deliver(event, reply); });
    }
  });
}

void Process::term() {
  if (dead_ || stopping_) return;
  deliver([this] {
    if (stopping_) return;
    world_.ledger.trace(name_, " SIGTERM");
    stopping_ = true;
    core_.stop(boot(), wall());
    world_.timeline.at(options_.timers.drain, [this] { deliver([this] { end(!core_.stopped(), false); }); });
  });
}

void Process::end(bool crash, bool poison) {
  if (dead_) return;
  dead_ = true;
  crashed_ = crash;
  poisoned_ = poison;
  // What was written to the socket may still be executed; after an orderly end it is.
  if (crash) ++generation_;
  world_.ledger.trace(name_, crash ? poison ? " killed by a notification" : " crashed" : " stopped");
  if (crash && mate != nullptr && !mate->dead_) return mate->end(true, poison);
  if (mate == nullptr || mate->dead_) {
    world_.ended(slot_, crash);
  }
}

void Process::send(worker::Call call) {
  if (!open_) return;  // into a connection that is cut, which nobody knows yet
  const auto aimed = [&](bool hit) { return !world_.over() && hit && world_.random.chance(0.4); };
  const bool takeover = std::holds_alternative<worker::Acquire>(call) || std::holds_alternative<worker::Release>(call);
  if (aimed(world_.schedule.aim == Schedule::Aim::kTakeovers && takeover)) {
    world_.timeline.at(from_seconds(world_.random.unit() * 0.1), [this] { cut_commands(false); });
  }
  if (aimed(world_.schedule.aim == Schedule::Aim::kBegins && std::holds_alternative<worker::WriteAttempts>(call))) {
    world_.timeline.at(from_seconds(world_.random.unit() * 0.01), [this] { term(); });
  }
  if (!world_.over() && world_.random.chance(world_.schedule.cut)) {
    const bool silent = world_.random.chance(0.4);
    world_.timeline.at(from_seconds(world_.random.unit() * 0.3), [this, silent] { cut_commands(silent); });
  }
  if (std::holds_alternative<worker::ReadLayout>(call) || std::holds_alternative<worker::Backlog>(call)) return;

  auto request = std::make_shared<Request>();
  request->refused = !world_.over() && world_.random.chance(world_.schedule.refuse);
  // While a refusal is on its way, what follows is refused too. (An ack that is executed although the one before was refused lets an
  // older entry's effects run last: the worker sends several at a time and can't help it.)
  if (std::holds_alternative<worker::Ack>(call)) {
    request->refused = request->refused || refused_acks_ > 0;
    if (request->refused) ++refused_acks_;
  }
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
  } else if (auto* hold = std::get_if<worker::WriteHold>(&call)) {
    request->hold = *hold->hold;
    hold->hold = nullptr;
  }
  request->call = std::move(call);
  last_out_ = std::max(world_.timeline.now() + latency(), last_out_ + 1us);
  world_.timeline.at(last_out_ - world_.timeline.now(), [this, generation = generation_, request] { execute(generation, request, false); });
}

void Process::execute(unsigned generation, const std::shared_ptr<Request>& request, bool late) {
  if (generation != generation_ && !late) {
    // The connection was cut: a prefix of what was sent may be executed, some time later.
    const auto [place, first] = late_.try_emplace(generation);
    Late& state = place->second;
    if (first) {
      state.executed = world_.random.chance(0.7);
      state.at = world_.timeline.now() + from_seconds(world_.random.up_to({0.5, 6.0}));
    }
    state.executed = state.executed && !request->refused && world_.random.chance(0.8);
    if (!state.executed) return;
    state.at = std::max(state.at, world_.timeline.now()) + 1us;
    world_.timeline.at(state.at - world_.timeline.now(), [this, generation, request] { execute(generation, request, true); });
    return;
  }
  if (world_.redis_away) return;
  if (late) world_.ledger.trace(name_, " late:");
  if (!request->refused) world_.execute(*this, *request);
  if (generation != generation_) return;
  last_in_ = std::max(world_.timeline.now() + latency(), last_in_ + 1us);
  world_.timeline.at(last_in_ - world_.timeline.now(), [this, generation, request] {
    if (generation != generation_) return;
    deliver(
        [this, generation, request] {
          if (generation == generation_) answer(*request);
        },
        true);
  });
}

void Process::answer(Request& request) {
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
          if (request.refused) --refused_acks_;
          batch_answer([&](const stream::BatchAnswer& answer) { core_.acknowledged(call, answer, boot(), wall()); }, call.ids.size());
        } else if constexpr (std::is_same_v<Call, worker::WriteAttempts>) {
          batch_answer([&](const stream::BatchAnswer& answer) { core_.attempts_written(call, answer, boot(), wall()); }, call.ids.size());
        } else if constexpr (std::is_same_v<Call, worker::ReadHolds>) {
          if (!request.refused) core_.holds_read(call, request.holds, boot(), wall());
        } else if constexpr (std::is_same_v<Call, worker::WriteHold>) {
          core_.hold_written(call, held(), boot(), wall());
        } else if constexpr (std::is_same_v<Call, worker::Oldest>) {
          if (!request.refused) core_.oldest(call, request.oldest, boot(), wall());
        }
      },
      request.call);
}

void Process::read(worker::ReadRequest request) {
  read_ = std::move(request);
  const unsigned generation = ++read_generation_;
  const Time delay = latency();
  read_until_ = world_.timeline.now() + delay + read_->block;
  if (!world_.over() && world_.random.chance(world_.schedule.cut)) {
    world_.timeline.at(from_seconds(world_.random.unit() * 0.3), [this] { cut_reader(false); });
  }
  world_.timeline.at(delay, [this, generation] { execute_read(generation); });
}

void Process::added(unsigned partition) {
  if (!read_blocked_ || dead_) return;
  const auto waits = [&](const worker::ReadRequest::From& from) { return from.tenure.partition == partition; };
  if (std::any_of(read_->from.begin(), read_->from.end(), waits)) execute_read(read_generation_);
}

void Process::execute_read(unsigned generation) {
  if (dead_ || generation != read_generation_ || !read_) return;
  if (world_.redis_away) return fail_read(300ms);
  std::vector<worker::Core::Batch> batches;
  for (const auto& from : read_->from) {
    const auto& entries = world_.redis.partition(from.tenure.partition).stream;
    auto entry = entries.upper_bound(from.cursor);
    if (entry == entries.end()) continue;
    auto& batch = batches.emplace_back(worker::Core::Batch{from.tenure, {}});
    for (std::size_t i = 0; i < read_->count && entry != entries.end(); ++i, ++entry) {
      batch.arrivals.push_back(world_.arrival(entry->first, entry->second));
    }
  }
  if (batches.empty() && world_.timeline.now() < read_until_) {
    if (!read_blocked_) world_.timeline.at(read_until_ - world_.timeline.now(), [this, generation] { execute_read(generation); });
    read_blocked_ = true;
    return;
  }
  read_blocked_ = false;
  world_.timeline.at(latency(), [this, generation, came = std::move(batches)]() mutable {
    deliver([this, generation, came = std::move(came)]() mutable {
      if (generation != read_generation_ || !read_) return;
      const std::uint64_t cycle = read_->cycle;
      read_.reset();
      core_.read_done(cycle, std::move(came), boot(), wall());
    });
  });
}

void Process::start(Job job) {
  if (job.action->async) {
    ++forwards_;
    HOOKFLEET_CHECK(forwards_ <= 2 * (kForwardsMax + options_.concurrency));  // those that had to begin first come beyond
    world_.timeline.at(from_seconds(0.0002), [this, taken = std::move(job)]() mutable {
      deliver([this, taken = std::move(taken)]() mutable { begin(std::move(taken)); });
    });
    return;
  }
  jobs_.push_back(std::move(job));
  kick();
}

void Process::kick() {
  while (busy_ < options_.concurrency && !jobs_.empty()) {
    ++busy_;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    const Time delay = from_seconds(world_.random.chance(0.1) ? world_.random.unit() * 0.1 : 0.0002);
    world_.timeline.at(delay, [this, taken = std::move(job)]() mutable {
      deliver([this, taken = std::move(taken)]() mutable { begin(std::move(taken)); });
    });
  }
}

void Process::begin(Job job) {
  if (boot() >= job.valid_until) return returned(std::move(job), false, {}, {});
  if (is_second(job.action->name)) {
    const Time delay = from_seconds(world_.random.unit() * 0.05);
    world_.timeline.at(delay, [this, delay, taken = std::move(job)]() mutable {
      deliver([this, delay, taken = std::move(taken)]() mutable { returned(std::move(taken), true, Handled::done(), delay); });
    });
    return;
  }
  world_.run_handler(*this, std::move(job));
}

void Process::returned(Job job, bool started, Handled handled, Time duration) {
  if (job.action->async) {
    --forwards_;
  } else {
    --busy_;
    kick();
  }
  std::vector<Completion> completions;
  completions.push_back({std::move(job), started, std::move(handled), duration});
  core_.completed(std::move(completions), boot(), wall());
}

void Process::record(dispatch::Record record) {
  const Key key = key_of(record.content->notification.body_digest);
  world_.ledger.trace(name_, " ", dispatch::to_text(record.outcome), " n", key.number, " v", key.version, " ", record.reason);
  if (record.outcome == dispatch::Outcome::kRepeat && record.reason.starts_with("stale")) world_.ledger.dropped_as_stale(key);
}

void Process::taken(unsigned partition, lease::How how) { world_.ledger.trace(name_, " holds p", partition, " ", lease::to_text(how)); }
void Process::given_back(unsigned partition) { world_.ledger.trace(name_, " gives p", partition, " back"); }
void Process::lost(unsigned partition, Loss) { world_.ledger.trace(name_, " lost p", partition); }

}  // namespace hookfleet::simulation
