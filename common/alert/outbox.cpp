#include "common/alert/outbox.hpp"

#include <algorithm>
#include <utility>

#include "common/base/thread.hpp"
#include "common/notification/redact.hpp"

namespace hookfleet::alert {
namespace {

using namespace std::chrono_literals;

constexpr auto kStopWithin = 2s;
constexpr auto kLookForHeldBack = 500ms;
constexpr auto kRedisPauseMax = 5s;

log::Level level_of(Severity severity) {
  switch (severity) {
    case Severity::kInfo: return log::Level::kInfo;
    case Severity::kWarning: return log::Level::kWarn;
    case Severity::kError:
    case Severity::kCritical: return log::Level::kError;
  }
  return log::Level::kError;
}

}  // namespace

Outbox::Outbox(Setup setup, std::span<const Sink> sinks, web::Client& client, const Metrics& metrics, log::Logger log,
               const base::Clock& clock)
    : setup_(std::move(setup)),
      sinks_(sinks),
      client_(client),
      metrics_(metrics),
      log_(std::move(log)),
      clock_(clock),
      keys_(setup_.layout),
      repeats_(setup_.options.window) {
  thread_ = base::start_thread("alerts", [this] { run(); });
}

Outbox::~Outbox() { stop(); }

void Outbox::stop() {
  {
    const base::MutexLock lock(mutex_);
    if (!std::exchange(stopping_, true)) stop_until_ = clock_.now() + kStopWithin;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// --- What is told

void Outbox::tell(Alert alert) noexcept {
  try {
    take(std::move(alert));
  } catch (...) {  // no memory
    drop(Dropped::kFull);
  }
}

void Outbox::take(Alert alert) {
  if (std::any_of(sinks_.begin(), sinks_.end(), [&](const Sink& sink) { return sink.causes(alert); })) {
    return drop(Dropped::kFeedback);
  }
  metrics_.told[static_cast<std::size_t>(alert.kind)].add();
  std::string digest = repeat_digest(alert);
  const base::BootTime now = clock_.now();
  const base::WallTime at = clock_.wall();

  const base::MutexLock lock(mutex_);
  const auto held_back = repeats_.pass(digest, at, now);
  if (adds_up(alert.kind)) repeats_.keep(digest, alert, at);  // also what passes: another process may have told it
  if (!held_back) return metrics_.held_back.add();
  pass_on({std::move(alert), at}, std::move(digest), *held_back, now);
}

/// The last of each that was held back, when nothing came after it to bring the number.
void Outbox::tell_what_was_held_back(base::BootTime now) {
  if (stopping_ || now < look_for_held_back_) return;
  look_for_held_back_ = now + kLookForHeldBack;
  for (Repeats::Kept& kept : repeats_.over(now)) {
    std::string digest = repeat_digest(kept.alert);
    auto held_back = repeats_.pass(digest, kept.at, now);
    if (!held_back) continue;
    --held_back->count;  // it is one of them
    pass_on(std::move(kept), std::move(digest), *held_back, now);
  }
}

void Outbox::pass_on(Repeats::Kept told, std::string digest, const Repeats::HeldBack& held_back, base::BootTime now) {
  Alert& alert = told.alert;
  const base::WallTime at = told.at;
  const auto lose = [&](Dropped reason) HOOKFLEET_REQUIRES(mutex_) {
    repeats_.lost(digest, held_back, at);
    drop(reason);
  };
  if (stopping_) return lose(Dropped::kFull);
  if (about_redis(alert.kind)) {
    record(alert, held_back.count);
    Notice notice = make_notice(alert, setup_.options.attach, at, setup_.process);
    notice.suppressed = held_back.count;
    notice.suppressed_since = held_back.first;
    const auto shared = std::make_shared<const Notice>(std::move(notice));
    for (std::size_t sink = 0; sink < sinks_.size(); ++sink) direct_.push_back({shared, sink, 0, now});
    return changed_.notify_all();
  }
  if (queue_.size() >= kQueueMax) return lose(Dropped::kFull);
  if (!rate_.take(now)) return lose(Dropped::kRate);
  record(alert, held_back.count);
  if (setup_.options.attach == Attach::kNone) alert.body.reset();
  const std::size_t bytes = alert.body ? alert.body->size() : 0;
  if (body_bytes_ + bytes > kBodyBytesMax) alert.body.reset();  // its id says where it can be found
  const std::size_t kept = alert.body ? bytes : 0;
  body_bytes_ += kept;
  queue_.push_back({std::move(alert), std::move(digest), at, held_back, kept});
  metrics_.waiting.set(static_cast<double>(queue_.size()));
  changed_.notify_all();
}

void Outbox::record(const Alert& alert, std::uint64_t held_back) const {
  const log::Level level = level_of(severity(alert.kind));
  if (!log_.enabled(level)) return;
  const bool full = log_.payload() == log::Payload::kFull;
  std::string text = words(alert, full);
  if (quotes(alert)) text = notification::redact_numbers(text);
  const std::string type_webhook = type_shown(alert, full);
  std::vector<log::Field> fields{{"kind", to_text(alert.kind)}, {"text", text}, {"typeWebhook", type_webhook}};
  if (alert.id_instance != 0) fields.emplace_back("idInstance", alert.id_instance);
  fields.emplace_back("id", alert.id);
  fields.emplace_back("suppressed", held_back);
  log_.write(level, "alert", "the operator is told", fields);
}

// --- The thread

void Outbox::run() {
  for (Work work; wait_for_work(work); work = {}) {
    for (Direct& direct : work.due) start(std::move(direct));
    if (work.told) {  // without the lock: to redact its body takes a while, and tell() never waits
      current_ = Current{make_notice(work.told->alert, setup_.options.attach, work.told->at, setup_.process), std::move(work.told->digest)};
      current_->notice.suppressed = work.told->held_back.count;
      current_->notice.suppressed_since = work.told->held_back.first;
    }
    if (current_ && clock_.now() >= again_at_) put_current();
  }
  // Callbacks refer to this: none may come later.
  base::MutexLock lock(mutex_);
  for (const web::Client::Ticket ticket : tickets_) client_.cancel(ticket);
  while (in_flight_ > 0) changed_.wait(mutex_);
  drop(Dropped::kFull, queue_.size() + (current_ ? 1 : 0));
}

/// False: it is over.
bool Outbox::wait_for_work(Work& work) {
  base::MutexLock lock(mutex_);
  for (;;) {
    const base::BootTime now = clock_.now();
    base::BootTime next = now + kLookForHeldBack;
    tell_what_was_held_back(now);
    for (auto it = direct_.begin(); it != direct_.end();) {
      if (it->due <= now) {
        work.due.push_back(std::move(*it));
        it = direct_.erase(it);
      } else {
        next = std::min(next, it->due);
        ++it;
      }
    }
    const bool next_told = !current_ && !queue_.empty();
    const bool current_due = current_ && now >= again_at_;
    if (stopping_) {
      const bool left = !work.due.empty() || next_told || (current_ && failures_ == 0) || in_flight_ > 0 ||
                        std::any_of(direct_.begin(), direct_.end(),
                                    [&](const Direct& direct) HOOKFLEET_REQUIRES(mutex_) { return direct.due < stop_until_; });
      if (!left || now >= stop_until_) return false;
      next = std::min(next, stop_until_);
    }
    if (next_told) {
      work.told = std::move(queue_.front());
      queue_.pop_front();
      body_bytes_ -= work.told->body_bytes;
      metrics_.waiting.set(static_cast<double>(queue_.size()));
    }
    if (!work.due.empty() || work.told || current_due) return true;
    if (current_) next = std::min(next, again_at_);
    changed_.wait_for(mutex_, std::max<std::chrono::nanoseconds>(next - now, 1ms));
  }
}

// --- To the sinks

void Outbox::start(Direct direct) {
  web::Request request = sinks_[direct.sink].request(*direct.notice, clock_.wall());
  ++direct.tries;
  {
    const base::MutexLock lock(mutex_);
    ++in_flight_;
  }
  const auto ticket = client_.send(std::move(request), [this, direct](const web::Result& result) { answered(direct, result); });
  const base::MutexLock lock(mutex_);
  if (in_flight_ > 0) tickets_.push_back(ticket);
}

void Outbox::answered(Direct direct, const web::Result& result) noexcept {
  const Sink& sink = sinks_[direct.sink];
  const Metrics::OfSink& counters = metrics_.sinks[direct.sink];
  const Judgement judgement = sink.judge(result);
  switch (judgement.delivered) {
    case Delivered::kYes: counters.delivered.add(); break;
    case Delivered::kLater: counters.failed.add(); break;
    case Delivered::kNever: counters.rejected.add(); break;
  }
  const bool again = judgement.delivered == Delivered::kLater && direct.tries < kDirectTries;
  if (judgement.delivered != Delivered::kYes && !again) {
    log_.error("alert.undelivered", "a sink could not be told about Redis",
               {{"sink", sink.name()}, {"server", sink.origin()}, {"kind", to_text(direct.notice->kind)}, {"reason", judgement.why}});
  }
  const base::MutexLock lock(mutex_);
  if (--in_flight_ == 0) tickets_.clear();
  if (again && !stopping_) {
    direct.due = clock_.now() + pause_after(2 * direct.tries - 1);
    direct_.push_back(std::move(direct));
  }
  changed_.notify_all();
}

// --- To Redis

void Outbox::put_current() {
  const Put result = put(*current_);
  if (result == Put::kLater) {
    ++failures_;
    again_at_ = clock_.now() + std::min<std::chrono::milliseconds>(100ms * (1U << std::min(failures_, 6U)), kRedisPauseMax);
    return;
  }
  failures_ = 0;
  again_at_ = {};
  if (result == Put::kDone) metrics_.queued.add();
  if (result == Put::kRefused) drop(Dropped::kRefused);
  if (result == Put::kRepeat) metrics_.held_back.add();
  current_.reset();
}

bool Outbox::connect() {
  if (connection_) return true;
  auto opened = redis::Connection::open(setup_.endpoint, setup_.timeouts);
  if (!opened) {
    failed(opened.error());
    return false;
  }
  connection_.emplace(*std::move(opened));
  return true;
}

Outbox::Put Outbox::failed(const redis::Error& error) {
  connection_.reset();
  if (const auto suppressed = failure_limit_.pass(clock_.now())) {
    log_.warn("alert.queue_unavailable", "alerts wait in memory: no connection to Redis",
              {{"error", error.message}, {"suppressed", *suppressed}});
  }
  return Put::kLater;
}

Outbox::Put Outbox::refused(redis::ReplyView reply) {
  const bool later = redis::is_refusal(reply.error());
  if (const auto suppressed = failure_limit_.pass(clock_.now())) {
    log_.warn("alert.queue_refused", later ? "alerts wait in memory: Redis takes no writes" : "Redis refused an alert: it is dropped",
              {{"error", reply.text()}, {"suppressed", *suppressed}});
  }
  // A server that lost its password or became a replica may be another one at the next connection.
  if (later) connection_.reset();
  return later ? Put::kLater : Put::kRefused;
}

Outbox::Put Outbox::told_by_another(const Current& current) {
  const auto left = connection_->call({"PTTL", keys_.alert(current.digest)});
  if (!left) return failed(left.error());
  if (left->view().is_error()) return refused(left->view());
  const base::MutexLock lock(mutex_);
  const Notice& notice = current.notice;
  repeats_.told_by_another(current.digest, {notice.suppressed, notice.suppressed_since}, notice.at,
                           std::chrono::milliseconds(left->view().integer()), clock_.now());
  return Put::kRepeat;
}

Outbox::Put Outbox::put(Current& current) {
  if (!connect()) return Put::kLater;
  Notice& notice = current.notice;
  const std::string key = keys_.alert(current.digest);
  // With GET the answer is what stood there: nothing, or what we have written ourselves if the reply to an earlier try was lost.
  const auto told = connection_->call({"SET", key, notice.number, "NX", "GET", "PX", std::to_string(setup_.options.window.count())});
  if (!told) return failed(told.error());
  if (told->view().is_error()) return refused(told->view());
  if (!told->view().is_nil() && told->view().text() != notice.number) return told_by_another(current);

  const auto length = [&]() -> tl::expected<std::int64_t, redis::Error> {
    const auto reply = connection_->call({"XLEN", keys_.alerts()});
    if (!reply) return tl::unexpected(reply.error());
    return reply->view().integer();
  };
  const auto before = length();
  if (!before) return failed(before.error());
  if (*before > static_cast<std::int64_t>(kAttachedMax)) notice.attachment.clear();
  redis::Command command;
  command.borrow("XADD").borrow(keys_.alerts()).borrow("MAXLEN").borrow("~").number(kStreamMax).borrow("*");
  encode(command, notice);
  const auto added = connection_->call(command.argv());
  if (!added) return failed(added.error());
  if (added->view().is_error()) return refused(added->view());
  if (*before >= static_cast<std::int64_t>(kStreamMax)) {
    const auto after = length();
    if (after && *after <= *before) drop(Dropped::kTrimmed, static_cast<std::size_t>(*before + 1 - *after));
  }
  return Put::kDone;
}

}  // namespace hookfleet::alert
