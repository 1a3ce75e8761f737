#include "common/alert/delivery.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/alert/sources.hpp"
#include "common/base/thread.hpp"

namespace hookfleet::alert {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectAgain = 1s;
constexpr auto kTidyEvery = 1s;
constexpr const char* kTidyCount = "64";  // with their attachments about a MiB

}  // namespace

Delivery::Delivery(Setup setup, std::span<const Sink> sinks, web::Client& client, const Metrics& metrics, log::Logger log,
                   const base::Clock& clock)
    : setup_(std::move(setup)),
      sinks_(sinks),
      client_(client),
      metrics_(metrics),
      log_(std::move(log)),
      clock_(clock),
      keys_(setup_.layout),
      advance_("advance", kAdvanceSource) {
  if (!sinks_.empty()) thread_ = base::start_thread("alert-delivery", [this] { run(); });
}

Delivery::~Delivery() { stop(); }

void Delivery::stop() {
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// --- The loop

void Delivery::run() {
  std::optional<base::BootTime> stop_until;
  for (;;) {
    std::vector<Answered> answers;
    bool stopping = false;
    {
      const base::MutexLock lock(mutex_);
      answers.swap(inbox_);
      stopping = stopping_;
    }
    if (stopping && !stop_until) stop_until = clock_.now() + setup_.timers.stop;
    for (const Answered& answered : answers) take(answered);
    turn(stopping);
    if (stopping && (!anything_in_flight() || clock_.now() >= *stop_until)) break;

    base::BootTime next = !connection_ ? connect_at_ : tenure_ ? renew_at_ : ask_at_;
    if (connection_ && valid()) {
      next = std::min(next, poll_at_);
      for (const Lane& lane : lanes_) {
        if (!lane.in_flight && !lane.ahead.empty()) next = std::min(next, std::max(lane.again_at, lane.rate.next(clock_.now())));
      }
    }
    if (stop_until) next = std::min(next, *stop_until);
    const base::MutexLock lock(mutex_);
    if (inbox_.empty() && stopping_ == stopping) {
      changed_.wait_for(mutex_, std::clamp<std::chrono::nanoseconds>(next - clock_.now(), 1ms, 1s));
    }
  }
  if (tenure_ && connection_) {
    redis::Command command;
    lease::release(command, lease_scripts_, keys_.alerts_lease(), *tenure_);
    static_cast<void>(call(command.argv()));
  }
  for (const Lane& lane : lanes_) {
    if (lane.in_flight) client_.cancel(lane.ticket);
  }
  // Callbacks refer to this: none may come later.
  base::MutexLock lock(mutex_);
  while (outside_ > 0) changed_.wait(mutex_);
}

void Delivery::turn(bool stopping) {
  if (!connect()) return;
  const base::BootTime now = clock_.now();
  if (!tenure_) {
    if (!stopping && now >= ask_at_) acquire();
  } else if (now >= renew_at_) {
    renew();
  }
  write();
  if (!valid() || stopping) return;
  const bool poll = now >= poll_at_;
  if (poll) poll_at_ = now + setup_.timers.poll;
  for (std::size_t index = 0; index < lanes_.size() && valid(); ++index) {
    Lane& lane = lanes_[index];
    // What is left in memory is told before the queue is looked at again, and so is what came meanwhile.
    if (lane.ahead.empty() && poll) fill(lane);
    if (connection_) start(index);
  }
  write();
  if (connection_ && tenure_ && now >= tidy_at_) tidy();
}

bool Delivery::anything_in_flight() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.in_flight; });
}

// --- Redis

bool Delivery::connect() {
  if (connection_) return true;
  if (clock_.now() < connect_at_) return false;
  auto opened = redis::Connection::open(setup_.endpoint, setup_.timeouts);
  if (!opened) {
    disconnect(opened.error().message);
    return false;
  }
  connection_.emplace(*std::move(opened));
  std::vector<const redis::Script*> scripts{&advance_};
  for (const redis::Script* script : lease_scripts_.all()) scripts.push_back(script);
  if (const auto loaded = redis::load(*connection_, scripts); !loaded) {
    disconnect(loaded.error());
    return false;
  }
  return true;
}

void Delivery::disconnect(const std::string& why) {
  connection_.reset();
  connect_at_ = clock_.now() + kConnectAgain;
  if (const auto suppressed = redis_limit_.pass(clock_.now())) {
    log_.warn("alert.queue_unavailable", "the queue of alerts can't be read: trying again", {{"error", why}, {"suppressed", *suppressed}});
  }
}

/// Nothing: it failed, and the connection is gone, since another one may cure it.
std::optional<redis::Reply> Delivery::call(redis::Argv argv) {
  auto reply = connection_->call(argv);
  if (!reply) {
    disconnect(reply.error().message);
    return std::nullopt;
  }
  if (reply->view().is_error()) {
    disconnect(std::string(reply->view().text()));
    return std::nullopt;
  }
  return *std::move(reply);
}

// --- The lease

void Delivery::acquire() {
  ask_at_ = clock_.now() + setup_.timers.renew;
  const base::BootTime sent = clock_.now();
  redis::Command command;
  const std::string unchanged(sighting_.unchanged(setup_.timers.lease_ttl, sent));
  lease::acquire(command, lease_scripts_,
                 {.key = keys_.alerts_lease(),
                  .stream_key = {},
                  .owner = setup_.owner,
                  .ttl = setup_.timers.lease_ttl,
                  .known_epoch = {},
                  .unchanged = unchanged});
  const auto reply = call(command.argv());
  if (!reply) return;
  const auto answer = lease::decode_acquired(reply->view());
  if (!answer) return disconnect("acquire: an answer of another shape");
  if (const auto* refused = std::get_if<lease::Refused>(&*answer)) return sighting_.saw(*refused, clock_.now());
  sighting_.forget();
  begin(std::get<lease::Held>(*answer), sent);
}

void Delivery::begin(const lease::Held& held, base::BootTime sent) {
  const auto stored = call({"HGETALL", keys_.alerts_lease()});
  const auto time = stored ? call({"TIME"}) : std::nullopt;
  if (!time) return;
  const std::int64_t now_ms = time->view()[0].integer() * 1000 + time->view()[1].integer() / 1000;
  const auto since_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms - setup_.options.window.count(), 0));

  lanes_.clear();
  gone_.clear();
  notes_.clear();
  for (std::size_t i = 0; i + 1 < stored->view().size(); i += 2) {
    const auto key = sink_of_field(stored->view()[i].text());
    if (!key || std::any_of(sinks_.begin(), sinks_.end(), [&](const Sink& sink) { return sink.key() == *key; })) continue;
    auto state = SinkState::parse(stored->view()[i + 1].text());
    if (!state) continue;  // a later version's
    const redis::ReplyView since = stored->view().field(gone_field(*key));
    if (since.is_nil()) notes_.emplace_back(gone_field(*key), std::to_string(now_ms));
    const std::chrono::milliseconds passed(since.is_nil() ? 0 : std::max<std::int64_t>(now_ms - since.integer(), 0));
    gone_.push_back({std::string(*key), *std::move(state), clock_.now() + std::max(setup_.timers.gone - passed, 0ms)});
  }
  // Of several that had one name, the one that is furthest behind is followed: rather something twice than not at all.
  std::sort(gone_.begin(), gone_.end(), [](const Gone& a, const Gone& b) { return a.state.cursor < b.state.cursor; });
  for (const Sink& sink : sinks_) {
    Lane lane{.state = take_up(sink, stored->view(), since_ms),
              .ahead = {},
              .in_flight = false,
              .ticket = 0,
              .again_at = {},
              .rate = RateCap(setup_.options.rate, std::min(setup_.options.rate, 10U)),
              .changed = false};
    lane.changed = lane.state.name != sink.name();
    lane.state.name = sink.name();
    lanes_.push_back(std::move(lane));
  }
  tenure_ = lease::Tenure{setup_.owner, held.epoch};
  ++serial_;
  valid_until_ = sent + setup_.timers.validity;
  renew_at_ = sent + setup_.timers.renew;
  poll_at_ = tidy_at_ = clock_.now();
  log_.info("alert.delivering", "this worker tells the operator", {{"sinks", sinks_.size()}});
}

/// Where it goes on: where it was, or where the one stopped whose place it takes.
SinkState Delivery::take_up(const Sink& sink, redis::ReplyView stored, std::uint64_t since_ms) {
  notes_.emplace_back(gone_field(sink.key()), "");
  if (auto known = SinkState::parse(stored.field(sink_field(sink.key())).text())) return *std::move(known);
  const auto before = std::find_if(gone_.begin(), gone_.end(), [&](const Gone& gone) { return gone.state.name == sink.name(); });
  if (before == gone_.end()) return {.cursor = {since_ms, 0}, .tries = 0, .name = {}, .problem = {}};
  const stream::StreamId cursor = before->state.cursor;
  forget(*before);
  gone_.erase(before);
  return {.cursor = cursor, .tries = 0, .name = {}, .problem = {}};
}

void Delivery::forget(const Gone& gone) {
  notes_.emplace_back(sink_field(gone.key), "");
  notes_.emplace_back(gone_field(gone.key), "");
}

void Delivery::renew() {
  const base::BootTime sent = clock_.now();
  redis::Command command;
  lease::renew(command, lease_scripts_, keys_.alerts_lease(), *tenure_, setup_.timers.lease_ttl);
  renew_at_ = sent + setup_.timers.renew;
  const auto reply = call(command.argv());
  if (!reply) return;
  const auto held = lease::decode_held(reply->view());
  if (!held) return disconnect("renew: an answer of another shape");
  if (!*held) return lose("another worker has taken over");
  valid_until_ = sent + setup_.timers.validity;
}

/// What is in flight ends as it may; the next one tells it again.
void Delivery::lose(const char* why) {
  tenure_.reset();
  ++serial_;
  for (const Lane& lane : lanes_) {
    if (lane.in_flight) client_.cancel(lane.ticket);
  }
  lanes_.clear();
  gone_.clear();
  notes_.clear();
  for (const Metrics::OfSink& sink : metrics_.sinks) sink.queue.set(0);
  ask_at_ = clock_.now() + setup_.timers.renew;
  log_.warn("alert.delivery_lost", "this worker no longer tells the operator", {{"reason", why}});
}

// --- The sinks

void Delivery::fill(Lane& lane) {
  if (!connection_) return;
  const std::string from = "(" + lane.state.cursor.text();
  const auto entries = call({"XRANGE", keys_.alerts(), from, "+", "COUNT", std::to_string(kAhead)});
  if (!entries) return;
  for (std::size_t i = 0; i < entries->view().size(); ++i) {
    const redis::ReplyView entry = entries->view()[i];
    if (const auto id = stream::StreamId::parse(entry[0].text())) lane.ahead.emplace_back(*id, decode(entry[1]));
  }
}

void Delivery::start(std::size_t index) {
  Lane& lane = lanes_[index];
  const base::BootTime now = clock_.now();
  while (!lane.ahead.empty() && !lane.ahead.front().second) {
    log_.error("alert.unreadable", "an entry of the queue of alerts can't be read: it is passed over",
               {{"entry", lane.ahead.front().first.text()}, {"sink", sinks_[index].name()}, {"reason", lane.ahead.front().second.error()}});
    metrics_.sinks[index].rejected.add();
    lane.state.cursor = lane.ahead.front().first;
    lane.changed = true;
    lane.ahead.pop_front();
  }
  if (lane.in_flight || lane.ahead.empty() || now < lane.again_at || !lane.rate.take(now)) return;
  {
    const base::MutexLock lock(mutex_);
    ++outside_;
  }
  lane.in_flight = true;
  const Sink& sink = sinks_[index];
  lane.ticket = client_.send(sink.request(*lane.ahead.front().second, clock_.wall()),
                             [this, &sink, index, tenure = serial_](const web::Result& result) {
                               const base::MutexLock lock(mutex_);
                               inbox_.push_back({tenure, index, sink.judge(result)});
                               --outside_;
                               changed_.notify_all();
                             });
}

void Delivery::take(const Answered& answered) {
  const Metrics::OfSink& counters = metrics_.sinks[answered.lane];
  const Judgement& judgement = answered.judgement;
  switch (judgement.delivered) {
    case Delivered::kYes: counters.delivered.add(); break;
    case Delivered::kLater: counters.failed.add(); break;
    case Delivered::kNever: counters.rejected.add(); break;
  }
  if (!tenure_ || answered.tenure != serial_) return;
  Lane& lane = lanes_[answered.lane];
  lane.in_flight = false;
  lane.changed = true;
  lane.state.problem = judgement.why;
  const bool later = judgement.delivered == Delivered::kLater;
  const bool passed_over = later && too_old(lane);
  lane.state.tries = later ? lane.state.tries + 1 : 0;
  lane.again_at = {};
  if (passed_over) tell_expired(answered.lane);
  if (later && !passed_over) {
    lane.again_at = clock_.now() + pause_after(lane.state.tries);
  } else {
    lane.state.cursor = lane.ahead.front().first;
    lane.ahead.pop_front();
    if (lane.ahead.empty()) poll_at_ = clock_.now();  // perhaps more wait
  }
  if (judgement.delivered == Delivered::kYes || passed_over) return;
  const Sink& sink = sinks_[answered.lane];
  if (const auto suppressed = sink_limit_.pass(clock_.now())) {
    log_.warn("alert.sink_failed",
              judgement.delivered == Delivered::kNever ? "a sink refuses an alert for good: it is passed over"
                                                       : "a sink took no alert: it waits, other sinks don't",
              {{"sink", sink.name()},
               {"server", sink.origin()},
               {"tries", lane.state.tries},
               {"reason", judgement.why},
               {"suppressed", *suppressed}});
  }
}

/// The first one waits for so long that those behind it go first. What a sink has not been offered is never too old.
bool Delivery::too_old(const Lane& lane) const {
  const auto queued = static_cast<std::int64_t>(lane.ahead.front().first.ms);
  return base::unix_ms(clock_.wall()) - queued >= std::chrono::milliseconds(kKept).count();
}

/// The first one of a lane is passed over.
void Delivery::tell_expired(std::size_t index) {
  metrics_.dropped[static_cast<std::size_t>(Dropped::kExpired)].add();
  const Lane& lane = lanes_[index];
  const auto suppressed = expired_limit_.pass(clock_.now());
  if (!suppressed) return;
  const Notice& notice = *lane.ahead.front().second;
  log_.error("alert.expired", "a sink has not taken an alert for a day: it is passed over",
             {{"sink", sinks_[index].name()},
              {"server", sinks_[index].origin()},
              {"kind", to_text(notice.kind)},
              {"id", notice.id},
              {"tries", lane.state.tries},
              {"reason", lane.state.problem},
              {"suppressed", *suppressed}});
}

/// What has changed, fenced.
void Delivery::write() {
  if (!tenure_ || !connection_) return;
  redis::Command command;
  command.evalsha(advance_, 1).borrow(keys_.alerts_lease()).borrow(tenure_->owner).borrow(tenure_->epoch);
  const std::size_t none = command.size();
  for (std::size_t index = 0; index < lanes_.size(); ++index) {
    if (lanes_[index].changed) command.copy(sink_field(sinks_[index].key())).copy(lanes_[index].state.text());
  }
  for (const auto& [field, value] : notes_) command.borrow(field).borrow(value);
  if (command.size() == none) return;
  const auto reply = call(command.argv());
  if (!reply) return;
  if (reply->view().integer() != 1) return lose("another worker has taken over");
  for (Lane& lane : lanes_) lane.changed = false;
  notes_.clear();
}

/// Takes out of the queue what all sinks have, and shows what is left.
void Delivery::tidy() {
  tidy_at_ = clock_.now() + kTidyEvery;
  std::erase_if(gone_, [this](const Gone& gone) {
    if (clock_.now() < gone.until) return false;
    log_.info("alert.sink_forgotten", "a sink that is no longer in the settings is forgotten, and what waited for it",
              {{"sink", gone.state.name}});
    forget(gone);
    return true;
  });
  stream::StreamId behind = lanes_.front().state.cursor;
  for (const Lane& lane : lanes_) behind = std::min(behind, lane.state.cursor);
  for (const Gone& gone : gone_) behind = std::min(behind, gone.state.cursor);
  const auto told = call({"XRANGE", keys_.alerts(), "-", behind.text(), "COUNT", kTidyCount});
  if (!told) return;
  if (told->view().size() > 0) {
    redis::Command command;
    command.borrow("XDEL").borrow(keys_.alerts());
    for (std::size_t i = 0; i < told->view().size(); ++i) command.borrow(told->view()[i][0].text());
    if (!call(command.argv())) return;
    tidy_at_ = clock_.now();  // perhaps more
  }
  const auto length = call({"XLEN", keys_.alerts()});
  if (!length) return;
  for (std::size_t index = 0; index < lanes_.size(); ++index) {
    const Lane& lane = lanes_[index];
    metrics_.sinks[index].queue.set(lane.ahead.empty() ? 0 : static_cast<double>(length->view().integer()));
  }
}

}  // namespace hookfleet::alert
