#include "ingress/append/writer.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <initializer_list>
#include <string>
#include <utility>

#include "common/stream/entry.hpp"
#include "ingress/append/schedule.hpp"

namespace hookfleet::append {
namespace {

using namespace std::chrono_literals;

constexpr auto kPreflightEvery = 4s;   // a change of Redis' settings is noticed within 5 s, its replies included
constexpr auto kSampleEvery = 250ms;   // memory; and a share of the partitions' backlog
constexpr auto kBacklogEvery = 10s;    // all partitions
constexpr auto kSilenceMax = 8s;       // without a byte although something is asked
constexpr auto kFirstSilenceMax = 4s;  // the same before the first preflight has ended
constexpr auto kTurnMax = 50ms;        // a turn of the loop while entries are unanswered and put() doesn't wake it
constexpr auto kReconnectAfter = 1s;   // to a server that refused AUTH or isn't a master: not the moment to hurry
constexpr auto kWaitTimeout = "500";   // ms of one WAIT; nothing else is answered meanwhile
// With appendfsync always Redis syncs once per turn of its event loop and reads at most 16 to 20 KiB of a connection in one (measured:
// 16 entries of 1 kB a sync, however many were written at once). As one transaction a batch is executed, written and synced as a whole.
// Measured with bench_append: 256 senders, busy disk, 3 runs: 1,800-2,900 entries/s without, 10,500-22,000 with, at a third of Redis' CPU;
// 64 senders, quiet: 36,500 and 56,200 at 0.8 of it. What fits into one read goes without. (Redis Cluster will need one per slot.)
constexpr std::size_t kOneRead = 16UL * 1024;
// A second batch in flight hides the way there and back: of six pairs of runs with always it gave more entries/s in five, a lower p99 in
// all. But small ones cost a sync each where there would have been one (16 senders, one run: Redis' CPU 16.1 instead of 12.2 µs an entry;
// 64 senders, 5 runs: with 32 instead of 16 Redis and ingress together took a tenth less CPU an entry, p99 no worse).
constexpr unsigned kBatchesInFlight = 2;
constexpr std::size_t kSecondBatchMin = 32;  // entries, where each batch costs a sync
constexpr redis::Timeouts kConnectTimeouts{2s, 2s};
constexpr auto kNever = base::BootTime::max();

std::chrono::milliseconds whole_ms(base::BootClock::duration duration) {
  return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(duration));
}

bool wants_new_connection(redis::ReplyError error) {
  switch (error) {
    case redis::ReplyError::kReadonly:
    case redis::ReplyError::kMasterDown:
    case redis::ReplyError::kUnblocked:
    case redis::ReplyError::kNoAuth:
    case redis::ReplyError::kMoved:
    case redis::ReplyError::kAsk: return true;
    case redis::ReplyError::kNone:
    case redis::ReplyError::kOom:
    case redis::ReplyError::kMisconf:
    case redis::ReplyError::kNoReplicas:
    case redis::ReplyError::kLoading:
    case redis::ReplyError::kBusy:
    case redis::ReplyError::kNoScript:
    case redis::ReplyError::kNoPerm:
    case redis::ReplyError::kWrongPass:
    case redis::ReplyError::kWrongType:
    case redis::ReplyError::kTryAgain:
    case redis::ReplyError::kClusterDown:
    case redis::ReplyError::kOther: return false;
  }
  return false;
}

const metrics::Counter& refusal_counter(const Metrics& metrics, redis::ReplyError error) {
  switch (error) {
    case redis::ReplyError::kOom: return metrics.refusals.oom;
    case redis::ReplyError::kMisconf: return metrics.refusals.misconf;
    case redis::ReplyError::kReadonly: return metrics.refusals.readonly;
    case redis::ReplyError::kNoReplicas: return metrics.refusals.noreplicas;
    case redis::ReplyError::kLoading: return metrics.refusals.loading;
    case redis::ReplyError::kNone:
    case redis::ReplyError::kMasterDown:
    case redis::ReplyError::kBusy:
    case redis::ReplyError::kNoScript:
    case redis::ReplyError::kNoAuth:
    case redis::ReplyError::kNoPerm:
    case redis::ReplyError::kWrongPass:
    case redis::ReplyError::kWrongType:
    case redis::ReplyError::kUnblocked:
    case redis::ReplyError::kMoved:
    case redis::ReplyError::kAsk:
    case redis::ReplyError::kTryAgain:
    case redis::ReplyError::kClusterDown:
    case redis::ReplyError::kOther: return metrics.refusals.other;
  }
  return metrics.refusals.other;
}

redis::Error nonsense(std::string_view command) {
  return {redis::ErrorKind::kProtocol, "the reply to " + std::string(command) + " is not one"};
}

}  // namespace

Writer::Writer(redis::Endpoint redis, const stream::Layout& layout, const Options& options, const Metrics& metrics, log::Logger log,
               const base::Clock& clock, Events events, Inbox& inbox, base::Wakeup& wakeup)
    : endpoint_(std::move(redis)),
      keys_(layout),
      options_(options),
      metrics_(metrics),
      log_(std::move(log)),
      clock_(clock),
      events_(std::move(events)),
      inbox_(inbox),
      wakeup_(wakeup),
      now_(clock.now()),
      earliest_deadline_(kNever),
      earliest_delayed_(kNever),
      preflight_(layout, {options.required, options.assume, options.wait_replicas}),
      memory_(options.memory_max_percent),
      log_connect_(10s),
      log_refused_(10s),
      log_lost_(10s),
      connector_(endpoint_, kConnectTimeouts, wakeup) {}

void Writer::run() {
  for (;;) {
    now_ = clock_.now();
    if (events_.beat && now_ >= next_beat_) {
      events_.beat();
      next_beat_ = now_ + 500ms;
    }
    connect_when_due();
    release_delayed();
    expire();
    take();
    if (drain_until_ && (held_.entries == 0 || now_ >= *drain_until_)) break;
    if (session_) ask();
    wait();
    if (session_) read();
    publish();
  }
  for (Pending& pending : waiting_) give_up(pending);
  for (Pending& pending : delayed_) give_up(pending);
  for (Pending& pending : flight_) give_up(pending);
  for (Pending& pending : confirming_) give_up(pending);
  publish();
}

// ---- connection ----

void Writer::connect_when_due() {
  if (session_) return;
  if (!connecting_ && now_ >= connect_due_) {
    connecting_ = true;
    connector_.start();
  }
  auto result = connector_.take();
  if (!result) return;
  connecting_ = false;
  if (!*result) return connect_failed(result->error());
  metrics_.connections.add();
  session_.emplace(**std::move(result));
  session_->preflight_due = now_;
  session_->sample_due = now_ + kSampleEvery;
}

void Writer::connect_failed(const redis::Error& error) {
  ++connect_failures_;
  connect_due_ = now_ + (error.kind == redis::ErrorKind::kAuth ? kReconnectAfter : pause_after(connect_failures_));
  if (const auto suppressed = log_connect_.pass(now_)) {
    log_.warn("redis.unavailable", "no connection to Redis, trying again",
              {{"server", endpoint_.display()}, {"reason", error.message}, {"suppressed", *suppressed}});
  }
  report({false, false, error.message, false});
}

void Writer::lose_session(const redis::Error& error) {
  // A command that the socket did not take whole can't have been executed.
  const std::uint64_t taken = session_->queued_bytes - session_->pipeline.unsent_bytes();
  const bool was_new = !session_->preflighted;
  session_.reset();
  std::vector<Pending> unsent;
  while (!flight_.empty()) {
    Pending pending = flight_.pop_front();
    if (!pending.done) continue;
    if (pending.sent_end > taken) {
      --pending.appends;
      unsent.push_back(std::move(pending));
    } else {
      unanswered(std::move(pending), Retry::kLost);
    }
  }
  waiting_.prepend(unsent);
  for (Pending& pending : std::exchange(confirming_, {})) unanswered(std::move(pending), Retry::kLost);
  // A server that accepts and then says nothing, or nonsense, is as far away as one that doesn't accept.
  connect_failures_ = was_new ? connect_failures_ + 1 : 0;
  if (connect_due_ <= now_) connect_due_ = was_new ? now_ + pause_after(connect_failures_) : now_;
  if (const auto suppressed = log_lost_.pass(now_)) {
    log_.warn("redis.lost", "connection to Redis lost, trying again",
              {{"server", endpoint_.display()}, {"reason", error.message}, {"suppressed", *suppressed}});
  }
  report({false, false, error.message, false});
}

void Writer::report(State state) {
  if (reported_ && state.writable == state_.writable && state.foreign_layout == state_.foreign_layout && state.reason == state_.reason &&
      state.reachable == state_.reachable)
    return;
  if (!reported_ || state.writable != state_.writable) metrics_.durable.set(state.writable ? 1 : 0);
  if (state.writable) {
    log_.info("redis.ready", "Redis takes appends", {{"server", endpoint_.display()}});
  }
  state_ = std::move(state);
  reported_ = true;
  if (events_.state) events_.state(state_);
}

// ---- entries in, and their deadlines ----

void Writer::take() {
  const bool was_empty = waiting_.empty();
  const auto taken = inbox_.take(waiting_, std::exchange(answered_, {}));
  for (Pending* pending = waiting_.end() - taken.entries; pending != waiting_.end(); ++pending) {
    earliest_deadline_ = std::min(earliest_deadline_, pending->deadline);
  }
  if (was_empty && taken.entries > 0) waiting_since_ = now_;
  held_ = taken.held;
  if (taken.closed && !drain_until_) drain_until_ = now_ + options_.drain_timeout;
}

void Writer::expire() {
  if (now_ < earliest_deadline_) return;
  earliest_deadline_ = kNever;
  const auto expired = [this](Pending& pending) {
    if (!pending.done) return false;
    if (pending.deadline > now_) {
      earliest_deadline_ = std::min(earliest_deadline_, pending.deadline);
      return false;
    }
    give_up(pending);
    return true;
  };
  waiting_.drop_if(expired);
  std::erase_if(delayed_, expired);
  std::erase_if(confirming_, expired);
  for (Pending& pending : flight_) expired(pending);  // their replies still come, in order
}

void Writer::release_delayed() {
  if (now_ < earliest_delayed_) return;
  earliest_delayed_ = kNever;
  std::vector<Pending> due, later;
  for (Pending& pending : delayed_) {
    if (pending.not_before <= now_) {
      due.push_back(std::move(pending));
    } else {
      earliest_delayed_ = std::min(earliest_delayed_, pending.not_before);
      later.push_back(std::move(pending));
    }
  }
  delayed_.swap(later);
  waiting_.prepend(due);  // they are older than what waits
}

void Writer::finish(Pending& pending, Outcome outcome) {
  ++outcomes_[static_cast<std::size_t>(outcome)];
  ++answered_.entries;
  answered_.bytes += pending.bytes;
  --held_.entries;
  const auto done = std::exchange(pending.done, nullptr);
  done(outcome);
}

void Writer::give_up(Pending& pending) {
  if (!pending.done) return;
  finish(pending, pending.appends > 0 ? Outcome::kUnknown : Outcome::kUnavailable);
  pending.entry = {};
}

/// The append may have happened.
void Writer::unanswered(Pending pending, Retry reason) {
  if (!pending.done) return;
  const auto next = next_append(pending.appends, now_, pending.deadline);
  if (!next) return finish(pending, Outcome::kUnknown);
  ++retried_[static_cast<std::size_t>(reason)];
  pending.not_before = *next;
  earliest_delayed_ = std::min(earliest_delayed_, pending.not_before);
  delayed_.push_back(std::move(pending));
}

/// Redis answered with an error: the append did not happen.
void Writer::refused(Pending pending, redis::ReplyError error, std::string_view text) {
  refusal_counter(metrics_, error).add();
  if (const auto suppressed = log_refused_.pass(now_)) {
    log_.warn("redis.refused", "Redis refuses to append, trying again",
              {{"server", endpoint_.display()}, {"reason", text}, {"suppressed", *suppressed}});
  }
  if (wants_new_connection(error)) session_->closing = true;
  if (redis::is_refusal(error)) {
    // The server's state, not the entry's: all wait, then one asks alone.
    if (hold_until_ <= now_) hold_until_ = now_ + pause_after(++refusals_);
    pending.not_before = hold_until_;
  } else {
    pending.not_before = now_ + pause_after(4);
  }
  if (!pending.done) return;
  --pending.appends;
  ++retried_[static_cast<std::size_t>(Retry::kRefused)];
  earliest_delayed_ = std::min(earliest_delayed_, pending.not_before);
  delayed_.push_back(std::move(pending));
}

// ---- asking ----

bool Writer::may_append() const {
  return session_ && session_->permitted && !session_->closing && !session_->short_of_replicas && now_ >= hold_until_;
}

/// How many must wait so that a batch goes out now; 0: none does.
std::size_t Writer::entries_to_send() const {
  if (!may_append() || session_->batches >= kBatchesInFlight || (refusals_ > 0 && session_->batches > 0)) return 0;
  if (session_->batches > 0) return session_->sync_always ? std::min(kSecondBatchMin, options_.batch_max) : 1;
  const bool lingers = options_.linger > 0ms && now_ < waiting_since_ + options_.linger && !drain_until_;
  return lingers && !waiting_.empty() ? options_.batch_max : 1;
}

/// How many new ones must wake us; 0: the next turn comes by itself, see until_next_event().
std::size_t Writer::entries_to_wake_at() const {
  if (held_.entries == 0) return 1;
  const std::size_t wanted = entries_to_send();
  return wanted > waiting_.size() ? wanted - waiting_.size() : 0;
}

void Writer::ask_for(Asked::Kind kind, std::uint32_t count, redis::Argv argv) {
  const std::size_t before = session_->pipeline.unsent_bytes();
  session_->pipeline.append(argv);
  session_->queued_bytes += session_->pipeline.unsent_bytes() - before;
  session_->asked.push_back({kind, count, now_});
}

void Writer::ask() {
  if (now_ >= session_->preflight_due) start_preflight();
  if (now_ >= session_->sample_due && !session_->sampling) start_sample();
  send_batches();
}

void Writer::start_preflight() {
  session_->preflight_due = kNever;  // set when it is concluded
  if (events_.control) {
    const std::array<std::string_view, 2> argv{"HGETALL", keys_.control()};
    ask_for(Asked::Kind::kControl, 0, argv);
  }
  preflight_.ask([this](redis::Argv argv) { ask_for(Asked::Kind::kPreflight, 0, argv); });
}

void Writer::start_sample() {
  session_->sampling = true;
  session_->sample_due = now_ + kSampleEvery;
  const std::string_view info[] = {"INFO", "memory"};
  ask_for(Asked::Kind::kMemory, 0, info);
  constexpr unsigned kTicks = kBacklogEvery / kSampleEvery;
  for (unsigned share = (keys_.partitions() + kTicks - 1) / kTicks; share > 0; --share) {
    const std::string& key = keys_.stream(next_partition_);
    const std::string_view length[] = {"XLEN", key};
    ask_for(Asked::Kind::kBacklog, next_partition_, length);
    const std::string_view oldest[] = {"XRANGE", key, "-", "+", "COUNT", "1"};
    ask_for(Asked::Kind::kOldest, next_partition_, oldest);
    next_partition_ = (next_partition_ + 1) % keys_.partitions();
  }
}

void Writer::send_batches() {
  for (;;) {
    const std::size_t wanted = entries_to_send();
    if (wanted == 0 || waiting_.size() < wanted) return;
    send_batch();
  }
}

void Writer::send_batch() {
  const std::size_t entries_max = refusals_ > 0 ? 1 : options_.batch_max;
  std::uint32_t entries = 0;
  std::size_t bytes = 0;
  for (const Pending& pending : waiting_) {
    if (entries == entries_max || (entries > 0 && bytes + pending.bytes > options_.batch_bytes_max)) break;
    bytes += pending.bytes;
    ++entries;
  }
  const bool transaction = session_->transactions && session_->sync_always && entries > 1 && bytes > kOneRead;
  const std::string_view multi[] = {"MULTI"};
  const std::string_view exec[] = {"EXEC"};
  if (transaction) ask_for(Asked::Kind::kMulti, 0, multi);
  redis::Pipeline& pipeline = session_->pipeline;
  std::uint64_t end = session_->queued_bytes;
  for (std::uint32_t entry = 0; entry < entries; ++entry) {
    Pending pending = waiting_.pop_front();
    const std::size_t before = pipeline.unsent_bytes();
    {
      const stream::XaddCommand command(keys_.stream(pending.partition), pending.entry);
      pipeline.append(command.argv());
    }
    end += pipeline.unsent_bytes() - before;
    pending.sent_end = end;
    ++pending.appends;
    flight_.push_back(std::move(pending));
  }
  session_->queued_bytes = end;
  session_->asked.push_back({transaction ? Asked::Kind::kQueued : Asked::Kind::kAppends, entries, now_});
  if (transaction) {
    ask_for(Asked::Kind::kExec, entries, exec);
    // Without its EXEC a transaction does not happen.
    for (Pending* pending = flight_.end() - entries; pending != flight_.end(); ++pending) pending->sent_end = session_->queued_bytes;
  }
  if (options_.wait_replicas > 0) ask_for_replicas();
  ++session_->batches;
  metrics_.batch_entries.observe(entries);
}

void Writer::ask_for_replicas() {
  const std::string replicas = std::to_string(options_.wait_replicas);
  const std::string_view argv[] = {"WAIT", replicas, kWaitTimeout};
  ask_for(Asked::Kind::kWait, 0, argv);
}

std::chrono::milliseconds Writer::until_next_event() const {
  base::BootTime next = now_ + kSampleEvery;
  if (held_.entries > 0 && entries_to_wake_at() != 1) next = now_ + kTurnMax;  // put() may not wake us
  next = std::min({next, earliest_deadline_, earliest_delayed_});
  if (session_) {
    next = std::min(next, session_->preflight_due);
    if (!session_->sampling) next = std::min(next, session_->sample_due);
    if (session_->closing && session_->batches == 0) next = now_;
    if (!waiting_.empty() && session_->permitted) {
      if (hold_until_ > now_) next = std::min(next, hold_until_);
      if (session_->batches == 0 && may_append()) next = std::min(next, waiting_since_ + options_.linger);
    }
  } else if (!connecting_) {
    next = std::min(next, connect_due_);
  }
  if (drain_until_) next = std::min(next, *drain_until_);
  return whole_ms(next - now_);
}

void Writer::wait() {
  const auto timeout = inbox_.arm(entries_to_wake_at()) ? until_next_event() : 0ms;
  if (!session_) {
    pollfd readable{wakeup_.fd(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(timeout.count())) > 0) wakeup_.clear();
    return;
  }
  if (const auto turned = session_->pipeline.io(timeout, &wakeup_); !turned) {
    now_ = clock_.now();
    lose_session(turned.error());
  }
}

// ---- replies ----

void Writer::read() {
  now_ = clock_.now();
  for (;;) {
    auto reply = session_->pipeline.next();
    if (!reply) return lose_session(reply.error());
    if (!*reply) break;
    Fifo<Asked>& asked = session_->asked;
    if (asked.empty()) return lose_session(nonsense("nothing"));
    const Asked front = asked.front();  // a copy: a reply may lead to new questions
    if (const Done done = on_reply(front, (*reply)->view()); !done) return lose_session(done.error());
    const bool several = front.kind == Asked::Kind::kAppends || front.kind == Asked::Kind::kQueued;
    if (several && --asked.front().count > 0) continue;
    asked.pop_front();
    settle_batch(front);
  }
  const auto silence_max = session_->preflighted ? kSilenceMax : kFirstSilenceMax;
  if (!session_->asked.empty()) {
    const base::BootTime since = std::max(session_->asked.front().at, session_->pipeline.last_received());
    if (now_ - since > silence_max) {
      return lose_session({redis::ErrorKind::kTimeout, "no byte from Redis for " + std::to_string(silence_max.count()) + " s"});
    }
  }
  if (session_->closing && session_->batches == 0) {
    connect_due_ = now_ + kReconnectAfter;
    lose_session({redis::ErrorKind::kClosed, state_.reason.empty() ? "not the master any more" : state_.reason});
  }
}

/// What is asked has been answered: perhaps it was a batch's end.
void Writer::settle_batch(const Asked& last) {
  const bool appended = last.kind == Asked::Kind::kAppends || last.kind == Asked::Kind::kExec;
  if (appended) metrics_.redis_latency.observe(std::chrono::duration<double>(now_ - last.at).count());
  if (last.kind == Asked::Kind::kWait || (appended && options_.wait_replicas == 0)) --session_->batches;
}

Writer::Done Writer::on_exec(std::size_t entries, redis::ReplyView reply) {
  const redis::ReplyError queue_error = std::exchange(session_->queue_error, redis::ReplyError::kNone);
  if (reply.is_error()) {  // EXECABORT: nothing of it happened
    const redis::ReplyError error = queue_error != redis::ReplyError::kNone ? queue_error : reply.error();
    while (entries-- > 0) refused(flight_.pop_front(), error, reply.text());
    return {};
  }
  if (reply.size() != entries) return tl::unexpected(nonsense("EXEC"));
  for (std::size_t entry = 0; entry < entries; ++entry) {
    if (auto done = on_append(reply[entry]); !done) return done;
  }
  return {};
}

Writer::Done Writer::on_append(redis::ReplyView reply) {
  Pending pending = flight_.pop_front();
  if (reply.is_error()) {
    refused(std::move(pending), reply.error(), reply.text());
    return {};
  }
  if (!reply.is_text() || !stream::StreamId::parse(reply.text())) {
    unanswered(std::move(pending), Retry::kLost);
    return tl::unexpected(nonsense("XADD"));
  }
  refusals_ = 0;
  if (!pending.done) return {};
  if (!session_->permitted) {
    unanswered(std::move(pending), Retry::kNotDurable);  // stored, but not as durably as a 200 promises
  } else if (options_.wait_replicas > 0) {
    confirming_.push_back(std::move(pending));
  } else {
    finish(pending, Outcome::kStored);
  }
  return {};
}

Writer::Done Writer::on_wait(redis::ReplyView reply) {
  if (!reply.is_integer()) return tl::unexpected(redis::Error{redis::ErrorKind::kProtocol, "WAIT: " + std::string(reply.text())});
  if (reply.integer() < static_cast<std::int64_t>(options_.wait_replicas)) {
    // WAIT looks at all that this connection wrote: repeating it is enough, for what is confirming and for what comes.
    session_->short_of_replicas = true;
    if (session_->closing) return {};
    ask_for_replicas();
    ++session_->batches;
    report({false, false,
            "replicas: " + std::to_string(reply.integer()) + " confirmed, redis.wait_replicas asks for " +
                std::to_string(options_.wait_replicas),
            true});
    return {};
  }
  if (std::exchange(session_->short_of_replicas, false) && session_->permitted) report({true, false, {}, true});
  for (Pending& pending : std::exchange(confirming_, {})) {
    if (session_->permitted) {
      finish(pending, Outcome::kStored);
    } else {
      unanswered(std::move(pending), Retry::kNotDurable);
    }
  }
  return {};
}

Writer::Done Writer::on_reply(const Asked& asked, redis::ReplyView reply) {
  switch (asked.kind) {
    case Asked::Kind::kAppends: return on_append(reply);
    case Asked::Kind::kMulti: break;  // what went wrong shows in the answers that follow
    case Asked::Kind::kQueued:
      if (!reply.is_error() && reply.text() != "QUEUED") return tl::unexpected(nonsense("XADD in MULTI"));
      if (session_->queue_error == redis::ReplyError::kNone) session_->queue_error = reply.error();
      break;
    case Asked::Kind::kExec: return on_exec(asked.count, reply);
    case Asked::Kind::kWait: return on_wait(reply);
    case Asked::Kind::kControl: events_.control(reply); break;
    case Asked::Kind::kPreflight:
      if (preflight_.answered(reply)) conclude_preflight();
      break;
    case Asked::Kind::kMemory: {
      session_->sampling = false;
      durability::ServerFacts facts;
      facts.read_info(reply.text());
      if (facts.used_memory && facts.maxmemory) on_memory(*facts.used_memory, *facts.maxmemory);
      break;
    }
    case Asked::Kind::kBacklog:
      if (reply.is_integer()) metrics_.backlog[asked.count].set(static_cast<double>(reply.integer()));
      break;
    case Asked::Kind::kOldest:
      if (reply.is_array()) {
        const std::int64_t received_ms = reply[0][1].field("r").integer();
        const std::int64_t age_ms = received_ms > 0 ? base::unix_ms(clock_.wall()) - received_ms : 0;
        metrics_.oldest_age[asked.count].set(static_cast<double>(std::max<std::int64_t>(age_ms, 0)) / 1000);
      }
      break;
  }
  return {};
}

void Writer::on_memory(std::uint64_t used, std::uint64_t maxmemory) {
  metrics_.redis_memory_ratio.set(maxmemory > 0 ? static_cast<double>(used) / static_cast<double>(maxmemory) : 0);
  const bool was_closed = memory_.closed();
  if (memory_.update(used, maxmemory) == was_closed) return;
  inbox_.set_memory_closed(memory_.closed());
  if (events_.memory) events_.memory(memory_.closed(), used, maxmemory);
  const std::string server = endpoint_.display();
  const std::initializer_list<log::Field> facts = {{"server", server}, {"used_bytes", used}, {"maxmemory_bytes", maxmemory}};
  if (memory_.closed()) {
    log_.error("redis.memory_high", "Redis' memory is above stream.memory_max, new notifications get 503", facts);
  } else {
    log_.info("redis.memory_low", "Redis' memory is low enough again, notifications are taken", facts);
  }
}

void Writer::conclude_preflight() {
  Session& session = *session_;
  session.preflight_due = now_ + kPreflightEvery;
  const Preflight::Conclusion conclusion = preflight_.conclude(aof_);
  const durability::Judgement& judgement = conclusion.judgement;

  std::array<bool, durability::kChecks.size()> failed{};
  for (const durability::Failing& one : judgement.failing) failed[static_cast<std::size_t>(one.check)] = true;
  for (std::size_t check = 0; check < failed.size(); ++check) metrics_.check_failed[check].set(failed[check] ? 1 : 0);
  metrics_.durability_assumed.set(judgement.assumed ? 1 : 0);
  if (judgement.assumed && !session.preflighted) {
    log_.warn("redis.durability_assumed", "CONFIG GET is refused: durability is what durability.assume says",
              {{"server", endpoint_.display()}});
  }

  session.preflighted = true;
  session.transactions = conclusion.transactions;
  session.sync_always = conclusion.sync_always;
  session.permitted = judgement.ok();
  connect_failures_ = 0;
  if (conclusion.used_memory && conclusion.maxmemory) on_memory(*conclusion.used_memory, *conclusion.maxmemory);
  if (session.permitted) {
    if (!session.short_of_replicas) report({true, false, {}, true});
    return;
  }
  // Asked again soon: entries wait for it. Another server may stand behind the name when this one isn't the master.
  session.preflight_due = now_ + kReconnectAfter;
  if (failed[static_cast<std::size_t>(durability::Check::kRole)]) session.closing = true;
  const std::string text = judgement.text();
  const bool news = state_.writable || text != state_.reason;
  if (news && judgement.loading()) {
    log_.warn("redis.loading", "Redis reads its data after a start: nothing is appended until it has", {{"server", endpoint_.display()}});
  } else if (news) {
    log_.error("redis.not_durable", "Redis doesn't keep what it acknowledges as required: nothing is appended until it does",
               {{"server", endpoint_.display()}, {"failing", text}});
  }
  report({false, conclusion.foreign_layout, text, true});
}

void Writer::publish() {
  for (std::size_t outcome = 0; outcome < outcomes_.size(); ++outcome) {
    if (const unsigned count = std::exchange(outcomes_[outcome], 0); count > 0) metrics_.entries[outcome].add(count);
  }
  for (std::size_t reason = 0; reason < retried_.size(); ++reason) {
    if (const unsigned count = std::exchange(retried_[reason], 0); count > 0) metrics_.retries[reason].add(count);
  }
  metrics_.queue_entries.set(static_cast<double>(held_.entries));
  metrics_.queue_bytes.set(static_cast<double>(held_.bytes));
}

}  // namespace hookfleet::append
