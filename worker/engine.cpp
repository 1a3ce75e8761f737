#include "worker/engine.hpp"

#include <poll.h>

#include <algorithm>
#include <random>
#include <utility>

#include "common/base/thread.hpp"
#include "common/digest/digest.hpp"
#include "common/stream/layout.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/type_hold.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto kWaitMax = 1s;
constexpr auto kFiguresEvery = 5s;
constexpr unsigned kHangingSeconds = 2;

void append(std::string& list, unsigned partition) { list.append(list.empty() ? "" : ",").append(std::to_string(partition)); }

std::string_view to_text(Outside::Loss loss) {
  switch (loss) {
    case Outside::Loss::kFenced: return "fenced";
    case Outside::Loss::kTaken: return "taken";
    case Outside::Loss::kAnotherServer: return "another server";
    case Outside::Loss::kStreamReplaced: return "stream replaced";
  }
  return "";
}

std::vector<const redis::Script*> all(const stream::Scripts& stream, const lease::Scripts& lease) {
  std::vector<const redis::Script*> scripts;
  for (const auto* script : stream.all()) scripts.push_back(script);
  for (const auto* script : lease.all()) scripts.push_back(script);
  return scripts;
}

}  // namespace

Engine::Engine(Setup setup, std::shared_ptr<const routes::Routes> routes, const Metrics& metrics, const log::Logger& log,
               const base::Clock& clock, alert::Operator& operators, Callbacks callbacks)
    : setup_(std::move(setup)),
      metrics_(metrics),
      log_(log),
      clock_(clock),
      callbacks_(std::move(callbacks)),
      keys_(setup_.layout),
      desk_options_{setup_.layout.partition_by, setup_.dedup, setup_.retry, setup_.name},
      core_(setup_.options, desk_options_, setup_.layout.partitions, setup_.name, std::move(routes), *this, std::random_device{}()),
      journal_(log_, setup_.identical_max, metrics_, clock_),
      sightings_(setup_.name),
      instance_states_(metrics_.instances, setup_.layout.partitions),
      alerts_(operators, setup_.thresholds, setup_.layout.partitions),
      members_(keys_.members(), setup_.name, setup_.options.timers.member_ttl),
      ack_batch_(scripts_, keys_, setup_.dedup.keep),
      attempts_batch_(scripts_, keys_),
      checks_(setup_.checks) {
  pool_.emplace(setup_.options.concurrency, clock_, [this] { wakeup_.signal(); });
  runner_.emplace(clock_, [this] { wakeup_.signal(); });
  connector_.emplace(setup_.endpoint, setup_.timeouts, setup_.layout, all(scripts_, lease_scripts_),
                     stream::Connector::Callbacks{.connected =
                                                      [this](redis::Connection connection) {
                                                        base::MutexLock lock(mutex_);
                                                        inbox_.connection = std::move(connection);
                                                        wakeup_.signal();
                                                      },
                                                  .failed =
                                                      [this](const std::string& why) {
                                                        base::MutexLock lock(mutex_);
                                                        inbox_.connect_failures.push_back(why);
                                                        wakeup_.signal();
                                                      },
                                                  .other_fleet =
                                                      [this](const std::string& why) {
                                                        base::MutexLock lock(mutex_);
                                                        inbox_.other_fleet = why;
                                                        wakeup_.signal();
                                                      }});
  reader_.emplace(setup_.endpoint, setup_.timeouts, keys_,
                  consume::Reader::Callbacks{.done = [this](std::vector<consume::Delivered> batch) { delivered(std::move(batch)); },
                                             .failed =
                                                 [this](const std::string& why) {
                                                   base::MutexLock lock(mutex_);
                                                   inbox_.read = Read{std::nullopt, why};
                                                   wakeup_.signal();
                                                 },
                                             .skipped =
                                                 [this](const std::string& why) {
                                                   base::MutexLock lock(mutex_);
                                                   inbox_.unreadable = why;
                                                 }});
  thread_ = base::start_thread("engine", [this] { run(); });
}

Engine::~Engine() { stop(); }

void Engine::set_routes(std::shared_ptr<const routes::Routes> routes) {
  {
    base::MutexLock lock(mutex_);
    inbox_.routes = std::move(routes);
  }
  wakeup_.signal();
}

bool Engine::stop() {
  {
    base::MutexLock lock(mutex_);
    inbox_.stop = true;
  }
  wakeup_.signal();
  if (thread_.joinable()) thread_.join();
  return drained_;
}

void Engine::set_checks(dispatch::Checks checks) {
  base::MutexLock lock(mutex_);
  checks_ = std::move(checks);
}

dispatch::Checks Engine::checks() {
  base::MutexLock lock(mutex_);
  return checks_;
}

// --- The loop

void Engine::run() {
  connector_->start();
  for (;;) {
    take_inbox();
    core_.completed(pool_->take(), clock_.now(), clock_.wall());
    core_.completed(runner_->take(), clock_.now(), clock_.wall());
    core_.tick(clock_.now(), clock_.wall());
    start_jobs();
    claim_news();
    once_a_second();
    tell_partitions();
    drained_ = core_.stopped();
    const bool only_hung = hung_ > 0 && hung_ == core_.figures().running && core_.left() == core_.left_for_running();
    if (stopping_ && (drained_ || only_hung || clock_.now() >= stop_until_)) break;
    wait(core_.next_tick() - clock_.now());
    if (pipeline_) receive();
  }
  // A last ZREM or release may still wait to be sent.
  if (pipeline_) static_cast<void>(pipeline_->io(0ms, nullptr));
}

void Engine::take_inbox() {
  Inbox inbox;
  {
    base::MutexLock lock(mutex_);
    std::swap(inbox, inbox_);
  }
  for (const std::string& why : inbox.connect_failures) {
    tell_redis(false, why);
    if (const auto suppressed = connect_limit_.pass(clock_.now())) {
      log_.warn("redis.unavailable", "no connection to Redis: trying again", {{"error", why}, {"suppressed", *suppressed}});
    }
  }
  if (!inbox.other_fleet.empty()) callbacks_.other_fleet(inbox.other_fleet);
  if (inbox.connection) {
    pipeline_.emplace(*std::move(inbox.connection));
    metrics_.connections.add();
    metrics_.redis_up.set(1);
    log_.info("redis.ready", "connected to Redis", {{"redis", setup_.endpoint.display()}});
    // One address is all that the settings name; a restart of its server keeps leases and streams.
    core_.connected(true, clock_.now(), clock_.wall());
    send(ReadLayout{});  // the operator's wishes; the layout was checked by the connector
    was_connected_ = true;
  }
  if (!inbox.unreadable.empty()) {
    metrics_.calls_failed.add();
    if (const auto suppressed = unreadable_limit_.pass(clock_.now())) {
      log_.error("system.stream_unreadable", "a partition can't be read: mend its key; the others are read without it",
                 {{"error", inbox.unreadable}, {"suppressed", *suppressed}});
    }
  }
  if (inbox.routes) core_.set_routes(std::move(inbox.routes), clock_.now(), clock_.wall());
  if (inbox.read) {
    if (inbox.read->batches) {
      core_.read_done(request_.cycle, *std::move(inbox.read->batches), clock_.now(), clock_.wall());
    } else {
      if (const auto suppressed = read_limit_.pass(clock_.now())) {
        log_.warn("system.read_failed", "reading failed: trying again", {{"error", inbox.read->why}, {"suppressed", *suppressed}});
      }
      core_.read_failed(request_.cycle, clock_.now(), clock_.wall());
    }
  }
  if (inbox.stop && !stopping_) {
    stopping_ = true;
    stop_until_ = clock_.now() + setup_.options.timers.drain;
    core_.stop(clock_.now(), clock_.wall());
  }
}

void Engine::wait(std::chrono::nanoseconds time) {
  time = std::clamp<std::chrono::nanoseconds>(time, 0ns, kWaitMax);
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time);
  if (pipeline_) {
    if (const auto done = pipeline_->io(ms, &wakeup_); !done) drop_connection(done.error().message);
    return;
  }
  pollfd woken{wakeup_.fd(), POLLIN, 0};
  if (::poll(&woken, 1, static_cast<int>(ms.count())) > 0) wakeup_.clear();
}

void Engine::receive() {
  while (pipeline_ && broken_.empty()) {
    auto reply = pipeline_->next();
    if (!reply) return drop_connection(reply.error().message);
    if (!*reply) break;
    Asked& front = asked_.front();
    front.got.push_back(**std::move(reply));
    if (front.got.size() < front.replies) continue;
    Asked asked = std::move(front);
    asked_.pop_front();
    answered(std::move(asked));
  }
  if (!broken_.empty()) return drop_connection(std::exchange(broken_, {}));
  if (asked_.empty()) return;
  const base::BootTime late = clock_.now() - setup_.timeouts.io;
  if (asked_.front().sent < late && pipeline_->last_received() < late) drop_connection("Redis does not answer");
}

void Engine::drop_connection(const std::string& why) {
  broken_.clear();
  pipeline_.reset();
  asked_.clear();
  metrics_.redis_up.set(0);
  show({}, metrics_.redis);
  figures_at_ = {};
  log_.warn("redis.lost", "connection to Redis lost: what is known is kept", {{"error", why}});
  tell_redis(false, why);
  sightings_.disconnected();
  core_.disconnected(clock_.now());
  connector_->start();
}

void Engine::tell_redis(bool reachable, const std::string& why) {
  callbacks_.redis(reachable, why);
  alerts_.redis(reachable, why, clock_.now());
}

void Engine::answered(Asked asked) {
  if (!asked.call && !asked.then) return;
  for (const redis::Reply& reply : asked.got) {
    if (redis::cured_by_reconnecting(reply.view().error())) {
      metrics_.calls_failed.add();
      broken_ = std::string(reply.view().text());
      return;
    }
  }
  if (!asked.call) return asked.then(asked.got[0].view());
  std::visit([&](const auto& call) { decode(call, asked); }, *asked.call);
}

/// A call of the engine's own, with one reply.
void Engine::ask(redis::Argv argv, std::function<void(redis::ReplyView)> then) {
  pipeline_->append(argv);
  asked_.push_back({.call = std::nullopt, .then = std::move(then), .replies = 1, .sent = clock_.now(), .got = {}});
}

// --- News

void Engine::claim_news() {
  if (!pipeline_) return;
  while (const drift::Claim* claim = sightings_.next()) {
    stream::claim_news(command_, scripts_, keys_, claim->kind, claim->news);
    ask(command_.argv(), [this, number = claim->number](redis::ReplyView reply) { claimed(number, reply); });
  }
}

void Engine::claimed(std::uint64_t number, redis::ReplyView reply) {
  const auto answer = stream::decode_claimed(reply);
  if (!answer) {
    sightings_.refused(number, clock_.now());
    return call_failed("news", reply.error(), reply.text());
  }
  metrics_.news_kinds.set(static_cast<double>(answer->kinds));
  if (answer->claimed == stream::NewsAnswer::Claimed::kFull) {
    if (news_full_limit_.pass(clock_.now())) {
      log_.warn("system.news_full", "so many kinds of notifications aren't documented that no more are told: see `hookfleet news`",
                {{"kinds", answer->kinds}});
    }
  }
  const auto claim = sightings_.answered(number, answer->claimed, clock_.now());
  if (!claim) return;
  journal_.unknown(*claim);
  alerts_.unknown(*claim);
}

void Engine::start_jobs() {
  for (dispatch::Job& job : async_jobs_) runner_->start(std::move(job));
  async_jobs_.clear();
  if (jobs_.empty()) return;
  pool_->start(std::move(jobs_));
  jobs_.clear();
}

void Engine::once_a_second() {
  if (clock_.now() < second_) return;
  second_ = clock_.now() + 1s;
  callbacks_.beat();
  alerts_.tick(clock_.now());
  const Core::Figures figures = core_.figures();
  const auto set = [](const metrics::Gauge& gauge, std::size_t value) { gauge.set(static_cast<double>(value)); };
  set(metrics_.running, figures.running);
  set(metrics_.entries, figures.entries);
  set(metrics_.body_bytes, figures.body_bytes);
  set(metrics_.lanes, figures.lanes);
  set(metrics_.blocked, figures.blocked);
  set(metrics_.waiting, figures.waiting);
  set(metrics_.overflowed, figures.overflowed);
  set(metrics_.owned, figures.owned);
  set(metrics_.wanted, figures.wanted);
  for (const auto& overdue : pool_->overdue(setup_.options.handler_timeout)) {
    journal_.overdue(overdue);
    alerts_.overdue(overdue);
  }
  journal_.tick();
  hung_ = pool_->running_longer_than(kHungTimeouts * setup_.options.handler_timeout);
  hanging_seconds_ = hung_ > 0 ? hanging_seconds_ + 1 : 0;
  if (hanging_seconds_ >= kHangingSeconds && !std::exchange(hung_told_, true)) callbacks_.hung();
  ask_figures();
}

// Where INFO is refused (managed Redis) the figures are missing, and nothing else.
void Engine::ask_figures() {
  if (!pipeline_ || clock_.now() < figures_at_) return;
  figures_at_ = clock_.now() + kFiguresEvery;
  const auto ask_for = [&](std::initializer_list<std::string_view> words, auto then) {
    ask(redis::Argv(words.begin(), words.size()), then);
  };
  // One section at a time before Redis 7, and the percentiles aren't among the default ones.
  ask_for({"INFO", "all"}, [this](redis::ReplyView info) { show_figures(info); });
  ask_for({"HLEN", keys_.news()}, [this](redis::ReplyView kinds) {
    if (kinds.is_integer()) metrics_.news_kinds.set(static_cast<double>(kinds.integer()));
  });
}

void Engine::show_figures(redis::ReplyView info) {
  const RedisFigures figures = RedisFigures::read(info.is_text() ? info.text() : std::string_view());
  show(figures, metrics_.redis);
  alerts_.memory(figures, clock_.now());
  metrics_.redis.aof_delayed_fsyncs.add(static_cast<double>(figures.new_delayed_fsyncs(delayed_fsyncs_)));
  if (figures.aof_delayed_fsyncs) delayed_fsyncs_ = figures.aof_delayed_fsyncs;
}

void Engine::tell_partitions() {
  const auto tell = [&](std::string& partitions, const char* event, const char* message, std::string_view how) {
    if (partitions.empty()) return;
    log_.info(event, message, {{"partitions", partitions}, {"how", how}});
    partitions.clear();
  };
  tell(taken_clean_, "system.partitions_taken", "partitions taken", "clean");
  tell(taken_crash_, "system.partitions_taken", "partitions taken: their owner did not give them back", "crash");
  tell(given_back_, "system.partitions_given_back", "partitions given back", "");
}

// --- What the core asks

void Engine::read(ReadRequest request) {
  std::vector<consume::Position> positions;
  positions.reserve(request.from.size());
  {
    base::MutexLock lock(mutex_);
    reading_.clear();
    for (const auto& from : request.from) {
      positions.push_back({from.tenure.partition, from.cursor});
      reading_.emplace_back(from.tenure.partition, from.tenure.serial);
    }
  }
  reader_->read(std::move(positions), request.count, request.block);
  request_ = std::move(request);
}

void Engine::delivered(std::vector<consume::Delivered> delivered) {
  std::vector<std::pair<unsigned, unsigned long>> reading;
  {
    base::MutexLock lock(mutex_);
    reading = reading_;
  }
  const dispatch::Checks checks = this->checks();
  std::vector<Core::Batch> batches;
  batches.reserve(delivered.size());
  for (auto& stream : delivered) {
    const auto asked = std::find_if(reading.begin(), reading.end(), [&](const auto& from) { return from.first == stream.partition; });
    Core::Batch& batch = batches.emplace_back(Core::Batch{{asked->first, asked->second}, {}});
    batch.arrivals.reserve(stream.entries.size());
    for (auto& [id, entry] : stream.entries) batch.arrivals.push_back(dispatch::prepare(id, std::move(entry), checks));
  }
  base::MutexLock lock(mutex_);
  inbox_.read = Read{std::move(batches), {}};
  wakeup_.signal();
}

void Engine::start(dispatch::Job job) { (job.action->async ? async_jobs_ : jobs_).push_back(std::move(job)); }

void Engine::cancel(unsigned partition) {
  pool_->cancel(partition);
  runner_->cancel(partition);
}

void Engine::record(dispatch::Record record) {
  journal_.attempt(record);
  alerts_.attempt(record);
  if (record.first && record.outcome != dispatch::Outcome::kRepeat) sightings_.see(record.content, clock_.now());
}

void Engine::taken(unsigned partition, lease::How how) {
  const bool crash = how == lease::How::kCrash;
  (crash ? metrics_.taken_crash : metrics_.taken_clean).add();
  append(crash ? taken_crash_ : taken_clean_, partition);
}

void Engine::given_back(unsigned partition) {
  metrics_.given_back.add();
  append(given_back_, partition);
}

void Engine::lost(unsigned partition, Loss loss) {
  metrics_.lost[static_cast<std::size_t>(loss)].add();
  log_.warn("system.partition_lost", "a partition was lost: its next owner handles what isn't acknowledged",
            {{"partition", partition}, {"reason", to_text(loss)}});
}

void Engine::cursor_reset(unsigned partition) {
  metrics_.cursor_resets.add();
  log_.warn("system.cursor_reset", "the oldest entry of a stream was unknown: reading it from the start", {{"partition", partition}});
}

void Engine::refused(unsigned partition, const dispatch::Desk::Refusal& refusal) {
  journal_.refused(partition, refusal);
  alerts_.refused(refusal);
}

void Engine::type_held(notification::TypeWebhook type, bool held) {
  metrics_.held[static_cast<std::size_t>(type)].set(held ? 1 : 0);
  const std::string_view name = notification::to_text(type);
  if (held) {
    alerts_.type_held(type);
    log_.error("system.type_held", "too many notifications of this type ended the process: they wait until `hookfleet resume`",
               {{"typeWebhook", name}});
  } else {
    log_.info("system.type_resumed", "notifications of this type go on", {{"typeWebhook", name}});
  }
}

void Engine::call_failed(const char* call, redis::ReplyError, std::string_view text) {
  metrics_.calls_failed.add();
  if (const auto suppressed = call_limit_.pass(clock_.now())) {
    log_.error("system.call_failed", "Redis answered a call with an error: trying again",
               {{"call", call}, {"error", text}, {"suppressed", *suppressed}});
  }
}

void Engine::send(Call call) {
  if (!pipeline_) return;
  command_.clear();
  Asked asked;
  asked.sent = clock_.now();
  asked.replies = std::visit([&](const auto& which) { return encode(which); }, call);
  asked.call = std::move(call);
  asked_.push_back(std::move(asked));
}

// --- Commands

std::size_t Engine::encode(const Heartbeat&) {
  members_.heartbeat(command_, lease_scripts_);
  pipeline_->append(command_.argv());
  return 1;
}

std::size_t Engine::encode(const Leave&) {
  members_.leave(command_);
  pipeline_->append(command_.argv());
  return 1;
}

std::size_t Engine::encode(const ReadLayout&) {
  pipeline_->append({"HGET", keys_.meta(), "layout"});
  pipeline_->append({"HGETALL", keys_.control()});
  return 2;
}

std::size_t Engine::encode(const Acquire& call) {
  lease::acquire(command_, lease_scripts_,
                 {.key = keys_.ctl(call.partition),
                  .stream_key = keys_.stream(call.partition),
                  .owner = setup_.name,
                  .ttl = setup_.options.timers.lease_ttl,
                  .known_epoch = call.known_epoch,
                  .unchanged = call.unchanged});
  pipeline_->append(command_.argv());
  return 1;
}

std::size_t Engine::encode(const Renew& call) {
  const lease::Tenure ours = tenure(call.epoch);
  lease::renew(command_, lease_scripts_, keys_.ctl(call.tenure.partition), ours, setup_.options.timers.lease_ttl);
  pipeline_->append(command_.argv());
  return 1;
}

std::size_t Engine::encode(const Release& call) {
  const lease::Tenure ours = tenure(call.epoch);
  lease::release(command_, lease_scripts_, keys_.ctl(call.partition), ours);
  pipeline_->append(command_.argv());
  return 1;
}

std::size_t Engine::encode(const LookUp& call) {
  const unsigned partition = call.tenure.partition;
  if (!call.wanted.attempts_of.empty()) {
    command_.borrow("HMGET").borrow(keys_.att(partition));
    for (const stream::StreamId id : call.wanted.attempts_of) command_.copy(id.text());
    pipeline_->append(command_.argv());
    command_.clear();
  }
  command_.borrow("MGET");
  for (const auto& identity : call.wanted.identities) command_.copy(keys_.mark(partition, digest::as_bytes(identity)));
  pipeline_->append(command_.argv());
  return call.wanted.attempts_of.empty() ? 1 : 2;
}

std::size_t Engine::encode(const Fetch& call) {
  const std::string id = call.stream_id.text();
  pipeline_->append({"XRANGE", keys_.stream(call.tenure.partition), id, id});
  return 1;
}

std::size_t Engine::encode(const Ack& call) {
  ack_batch_.start({setup_.name, call.epoch, call.tenure.partition});
  for (const auto& ended : call.ended) ack_batch_.add(ended.stream_id, ended.seen, ended.effects, ended.death);
  pipeline_->append(ack_batch_.argv());
  metrics_.ack_batch.observe(static_cast<double>(call.ids.size()));
  return 1;
}

std::size_t Engine::encode(const WriteAttempts& call) {
  attempts_batch_.start({setup_.name, call.epoch, call.tenure.partition});
  for (std::size_t i = 0; i < call.ids.size(); ++i) attempts_batch_.write(call.ids[i], *call.values[i]);
  pipeline_->append(attempts_batch_.argv());
  return 1;
}

std::size_t Engine::encode(const ReadHolds& call) {
  pipeline_->append({"HGETALL", keys_.ctl(call.tenure.partition)});
  return 1;
}

std::size_t Engine::encode(const WriteHold& call) {
  stream::write_hold(command_, scripts_, keys_, {setup_.name, call.epoch, call.tenure.partition}, notification::to_text(call.type),
                     *call.hold);
  pipeline_->append(command_.argv());
  return 1;
}

std::size_t Engine::encode(const Oldest& call) {
  pipeline_->append({"XRANGE", keys_.stream(call.tenure.partition), "-", "+", "COUNT", "1"});
  return 1;
}

std::size_t Engine::encode(const Backlog& call) {
  for (const std::string* stream : {&keys_.stream(call.partition), &keys_.dlq(call.partition)}) {
    pipeline_->append({"XLEN", *stream});
    pipeline_->append({"XRANGE", *stream, "-", "+", "COUNT", "1"});
  }
  pipeline_->append({"HGETALL", keys_.inst(call.partition)});
  return 5;
}

// --- Replies

void Engine::decode(const Heartbeat& call, const Asked& asked) {
  const auto changed = members_.observe(asked.got[0].view(), clock_.now());
  if (!changed) {
    const std::string_view text = asked.got[0].view().text();
    tell_redis(false, std::string(text));
    return call_failed("heartbeat", changed.error(), text);
  }
  tell_redis(true, {});
  metrics_.members.set(static_cast<double>(members_.live().size()));
  core_.members(call, members_.live(), clock_.now(), clock_.wall());
}

void Engine::decode(const Leave&, const Asked&) {}

void Engine::decode(const ReadLayout&, const Asked& asked) {
  if (callbacks_.control) callbacks_.control(asked.got[1].view());
  const redis::ReplyView stored = asked.got[0].view();
  if (stored.is_error()) return call_failed("read layout", stored.error(), stored.text());
  if (stored.is_nil()) {  // FLUSHALL, or somebody deleted it
    alerts_.emptied();
    const std::string text = stream::to_text(setup_.layout);
    pipeline_->append({"HSETNX", keys_.meta(), "layout", text});
    asked_.push_back({.call = std::nullopt, .replies = 1, .sent = clock_.now(), .got = {}});
    return;
  }
  if (const auto differs = stream::difference(setup_.layout, stored.text())) callbacks_.other_fleet(*differs);
}

void Engine::decode(const Acquire& call, const Asked& asked) {
  core_.acquired(call, lease::decode_acquired(asked.got[0].view()), clock_.now(), clock_.wall());
}

void Engine::decode(const Renew& call, const Asked& asked) {
  core_.renewed(call, lease::decode_held(asked.got[0].view()), clock_.now(), clock_.wall());
}

void Engine::decode(const Release& call, const Asked& asked) {
  core_.released(call, lease::decode_held(asked.got[0].view()), clock_.now());
}

void Engine::decode(const LookUp& call, const Asked& asked) {
  std::vector<std::optional<stream::Attempts>> attempts;
  if (asked.got.size() > 1) {
    const redis::ReplyView values = asked.got[0].view();
    if (values.is_error()) call_failed("HMGET of attempts", values.error(), values.text());
    for (std::size_t i = 0; i < values.size(); ++i) {
      attempts.push_back(values[i].is_nil() ? std::nullopt : stream::Attempts::parse(values[i].text()));
    }
  }
  const redis::ReplyView values = asked.got.back().view();
  if (!values.is_array()) {
    // Without marks nothing can be decided: the connection's end makes all of it be read again.
    call_failed("MGET of marks", values.error(), values.text());
    broken_ = "MGET: " + std::string(values.text());
    return;
  }
  std::vector<std::optional<stream::Mark>> marks;
  marks.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    marks.push_back(values[i].is_nil() ? std::nullopt : stream::Mark::parse(values[i].text()));
  }
  core_.looked_up(call, marks, attempts, clock_.now(), clock_.wall());
}

void Engine::decode(const Fetch& call, const Asked& asked) {
  const redis::ReplyView entries = asked.got[0].view();
  if (!entries.is_array()) {
    call_failed("XRANGE", entries.error(), entries.text());
    broken_ = "XRANGE: " + std::string(entries.text());
    return;
  }
  std::optional<dispatch::Arrival> arrival;
  if (entries.size() > 0) arrival = dispatch::prepare(call.stream_id, stream::decode(entries[0][1]), checks());
  core_.fetched(call, std::move(arrival), clock_.now(), clock_.wall());
}

void Engine::decode(const Ack& call, const Asked& asked) {
  metrics_.acks.add();
  core_.acknowledged(call, stream::BatchAnswer(asked.got[0].view(), call.ids.size()), clock_.now(), clock_.wall());
}

void Engine::decode(const WriteAttempts& call, const Asked& asked) {
  core_.attempts_written(call, stream::BatchAnswer(asked.got[0].view(), call.ids.size()), clock_.now(), clock_.wall());
}

void Engine::decode(const ReadHolds& call, const Asked& asked) {
  const redis::ReplyView ctl = asked.got[0].view();
  if (!ctl.is_array()) return call_failed("HGETALL", ctl.error(), ctl.text());
  core_.holds_read(call, stream::decode_holds(ctl), clock_.now(), clock_.wall());
}

void Engine::decode(const WriteHold& call, const Asked& asked) {
  core_.hold_written(call, lease::decode_held(asked.got[0].view()), clock_.now(), clock_.wall());
}

void Engine::decode(const Oldest& call, const Asked& asked) {
  const redis::ReplyView entries = asked.got[0].view();
  if (entries.is_error()) return call_failed("XRANGE", entries.error(), entries.text());
  core_.oldest(call, entries.size() > 0 ? stream::StreamId::parse(entries[0][0].text()) : std::nullopt, clock_.now(), clock_.wall());
}

void Engine::decode(const Backlog& call, const Asked& asked) {
  const double now_ms = static_cast<double>(base::unix_ms(clock_.wall()));
  const auto show = [&](redis::ReplyView length, redis::ReplyView entries, const metrics::Gauge& count, const metrics::Gauge& age,
                        const auto& born_ms) {
    if (!length.is_integer() || !entries.is_array()) return call_failed("XLEN", length.error(), length.text());
    count.set(static_cast<double>(length.integer()));
    age.set(entries.size() > 0 ? std::max(now_ms - static_cast<double>(born_ms(entries[0])), 0.0) / 1000 : 0);
  };
  const auto added_ms = [](redis::ReplyView entry) -> std::int64_t {
    const auto id = stream::StreamId::parse(entry[0].text());
    return id ? static_cast<std::int64_t>(id->ms) : 0;
  };
  const auto received_ms = [&](redis::ReplyView entry) {
    const auto decoded = stream::decode(entry[1]);
    return decoded ? decoded->received_ms : added_ms(entry);
  };
  show(asked.got[0].view(), asked.got[1].view(), metrics_.backlog[call.partition], metrics_.oldest_age[call.partition], received_ms);
  if (asked.got[0].view().is_integer() && asked.got[2].view().is_integer()) {
    const auto length = [&](std::size_t reply) { return static_cast<std::uint64_t>(asked.got[reply].view().integer()); };
    alerts_.partition(call.partition, length(0), length(2));
  }
  show(asked.got[2].view(), asked.got[3].view(), metrics_.dead[call.partition], metrics_.oldest_dead_age[call.partition], added_ms);
  instance_states_.observe(call.partition, asked.got[4].view());
}

}  // namespace hookfleet::worker
