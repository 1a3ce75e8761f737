#include "ingress/poll/poller.hpp"

#include <poll.h>

#include <algorithm>
#include <iterator>

#include "common/base/thread.hpp"
#include "common/base/uuid.hpp"
#include "common/greenapi/account.hpp"
#include "common/greenapi/request.hpp"
#include "common/lease/targets.hpp"
#include "common/notification/envelope.hpp"
#include "common/stream/poll_trouble.hpp"

namespace hookfleet::poll {
namespace {

using namespace std::chrono_literals;
using greenapi::FailureKind;

constexpr auto kWaitMax = 1s;
constexpr std::size_t kIdleConnectionsMax = 16'384;  // one an instance, between two requests
constexpr std::size_t kLookupsMax = 32;              // of names; all instances may want the same at once
constexpr auto kPublishEvery = 1min;
constexpr std::size_t kPublishAtOnce = 500;  // instances a call
constexpr auto kFailingForLong = 5min;       // the operator is told of what trying again hasn't cured for so long

std::string text_of(std::chrono::seconds lasted) {
  const auto count = lasted.count();
  if (count < 120) return std::to_string(count) + " s";
  if (count < 7200) return std::to_string(count / 60) + " min";
  return std::to_string(count / 3600) + " h " + std::to_string(count / 60 % 60) + " min";
}

}  // namespace

Poller::Line::Line(Instance settings, const Pauses& pauses, const lease::Timers& timers, std::string lease_key)
    : instance(std::move(settings)), account(account_of(instance)), key(std::move(lease_key)), lease(timers), feed(pauses) {}

Poller::Poller(Setup setup, append::Appender& appender, const Metrics& metrics, const log::Logger& log, const base::Clock& clock,
               alert::Operator& operators, Callbacks callbacks)
    : setup_(std::move(setup)),
      appender_(appender),
      metrics_(metrics),
      log_(log),
      clock_(clock),
      operators_(operators),
      callbacks_(std::move(callbacks)),
      keys_(setup_.layout),
      members_(keys_.pollers(), setup_.name, setup_.options.timers.member_ttl),
      sampler_(log_, setup_.identical_max) {
  client_.emplace(web::Client::Options{
      .idle_connections_max = kIdleConnectionsMax, .lookups_max = kLookupsMax, .held_bytes_max = setup_.options.in_hand_bytes_max});
  const auto scripts = scripts_.all();
  connector_.emplace(
      setup_.endpoint, setup_.timeouts, setup_.layout, std::vector<const redis::Script*>(scripts.begin(), scripts.end()),
      stream::Connector::Callbacks{
          .connected = [this](redis::Connection connection) { post([&](Inbox& inbox) { inbox.connection = std::move(connection); }); },
          .failed = [this](const std::string& why) { post([&](Inbox& inbox) { inbox.connect_failures.push_back(why); }); },
          .other_fleet = [this](const std::string& why) { post([&](Inbox& inbox) { inbox.other_fleet = why; }); }});
  set_instances(setup_.options.instances);
  thread_ = base::start_thread("poller", [this] { run(); });
}

Poller::~Poller() { stop(); }

template <class Put>
void Poller::post(Put put) {
  {
    base::MutexLock lock(mutex_);
    put(inbox_);
    if (woken_) return;
    woken_ = true;
  }
  wakeup_.signal();
}

void Poller::set_instances(std::vector<Instance> instances) {
  std::erase_if(instances, [](const Instance& instance) { return !instance.receive; });
  post([&](Inbox& inbox) { inbox.instances = std::move(instances); });
}

Poller::Left Poller::stop() {
  post([](Inbox& inbox) { inbox.stop = true; });
  if (thread_.joinable()) thread_.join();
  return left_;
}

// --- The loop

void Poller::run() {
  connector_->start();
  for (;;) {
    take_inbox();
    heartbeat();
    publish();
    while (!due_.empty() && due_.begin()->first <= clock_.now()) look_at(*due_.begin()->second);
    once_a_second();
    if (stopping_ && (finished() || clock_.now() >= stop_until_)) break;
    wait();
    receive_replies();
  }
  // A last ZREM or release may still wait to be sent.
  if (pipeline_) static_cast<void>(pipeline_->io(0ms, nullptr));
  left_ = left();
}

void Poller::take_inbox() {
  Inbox inbox;
  {
    base::MutexLock lock(mutex_);
    std::swap(inbox, inbox_);
    woken_ = false;
  }
  for (const std::string& why : inbox.connect_failures) {
    if (const auto suppressed = connect_limit_.pass(clock_.now())) {
      log_.warn("redis.unavailable", "no connection to Redis: trying again", {{"error", why}, {"suppressed", *suppressed}});
    }
  }
  if (!inbox.other_fleet.empty()) callbacks_.other_fleet(inbox.other_fleet);
  if (inbox.connection) {
    pipeline_.emplace(*std::move(inbox.connection));
    metrics_.redis_up.set(1);
    log_.info("redis.ready", "connected to Redis", {{"redis", setup_.endpoint.display()}});
    heartbeat_at_ = publish_at_ = {};
    heartbeat_under_way_ = false;
    look_at_all();
  }
  for (auto& [line, result] : inbox.answers) answered(*line, std::exchange(result, web::Result()));
  for (const auto& [line, outcome] : inbox.appended) appended(*line, outcome);
  if (inbox.instances) take_over(*std::move(inbox.instances));
  if (inbox.stop && !stopping_) {
    stopping_ = true;
    stop_until_ = clock_.now() + setup_.options.timers.drain;
    if (pipeline_) {  // first of all: the others begin to share what is ours
      members_.leave(command_);
      ask(nullptr, [](redis::ReplyView) {});
    }
    look_at_all();
  }
}

bool Poller::finished() const {
  return std::all_of(lines_.begin(), lines_.end(), [&](const auto& entry) {
    const Line& line = *entry.second;
    return line.feed.idle() && (!pipeline_ || (!line.lease.owned() && !line.lease.asking() && !line.lease.releasing()));
  });
}

Poller::Left Poller::left() const {
  Left left;
  const base::BootTime now = clock_.now();
  base::BootTime end = now;
  for (const auto& [id, line] : lines_) {
    if (!line->feed.idle()) left.in_hand.push_back(id);
    if (!line->lease_end || *line->lease_end <= now) continue;
    left.leases.push_back(id);
    end = std::max(end, *line->lease_end);
  }
  left.leases_end = std::chrono::ceil<std::chrono::milliseconds>(end - now);
  return left;
}

void Poller::once_a_second() {
  const base::BootTime now = clock_.now();
  if (now < second_) return;
  second_ = now + 1s;
  callbacks_.beat();
  sampler_.tick(now);
  std::size_t owned = 0;
  std::size_t wanted = 0;
  std::array<std::size_t, kFailureKinds> in_trouble{};
  for (const auto& [id, line] : lines_) {
    wanted += line->wanted ? 1U : 0U;
    if (!line->lease.owned()) continue;
    ++owned;
    if (const auto& trouble = line->feed.trouble()) ++in_trouble[static_cast<std::size_t>(trouble->kind)];
  }
  const auto set = [](const metrics::Gauge& gauge, std::size_t value) { gauge.set(static_cast<double>(value)); };
  set(metrics_.instances, lines_.size());
  set(metrics_.owned, owned);
  set(metrics_.wanted, wanted);
  set(metrics_.in_hand_bytes, client_->held_bytes());
  set(metrics_.answers_waiting, client_->answers_waiting());
  for (std::size_t i = 0; i < kFailureKinds; ++i) set(metrics_.in_trouble[i], in_trouble[i]);
}

void Poller::wait() {
  base::BootTime until = std::min(second_, stopping_ ? stop_until_ : second_);
  if (!due_.empty()) until = std::min(until, due_.begin()->first);
  const auto left = std::clamp<std::chrono::nanoseconds>(until - clock_.now(), 0ns, kWaitMax);
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left);
  if (pipeline_) {
    if (const auto done = pipeline_->io(ms, &wakeup_); !done) drop_connection(done.error().message);
    return;
  }
  pollfd woken{wakeup_.fd(), POLLIN, 0};
  if (::poll(&woken, 1, static_cast<int>(ms.count())) > 0) wakeup_.clear();
}

void Poller::receive_replies() {
  while (pipeline_ && broken_.empty()) {
    auto reply = pipeline_->next();
    if (!reply) return drop_connection(reply.error().message);
    if (!*reply) break;
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    if (asked.line != nullptr) --asked.line->asked;
    const redis::ReplyView view = (*reply)->view();
    if (redis::cured_by_reconnecting(view.error())) {
      broken_ = std::string(view.text());
    } else {
      if (view.is_error()) {
        if (const auto suppressed = call_limit_.pass(clock_.now())) {
          log_.error("redis.call_failed", "Redis refused a call: it is tried again", {{"error", view.text()}, {"suppressed", *suppressed}});
        }
      }
      asked.then(view);
    }
  }
  if (!broken_.empty()) return drop_connection(broken_);
  if (!pipeline_ || asked_.empty()) return;
  const base::BootTime late = clock_.now() - setup_.timeouts.io;
  if (asked_.front().sent < late && pipeline_->last_received() < late) drop_connection("Redis does not answer");
}

void Poller::drop_connection(const std::string& why) {
  log_.warn("redis.lost", "connection to Redis lost: what is known is kept", {{"error", why}});
  broken_.clear();
  pipeline_.reset();
  asked_.clear();
  metrics_.redis_up.set(0);
  for (const auto& [id, line] : lines_) {
    line->lease.disconnected();
    line->lease.released();  // whether it was shows when it is asked for again
    line->asked = 0;
    line->shown.reset();  // whether it was written isn't known
  }
  look_at_all();
  connector_->start();
}

// Sends what stands in command_.
void Poller::ask(Line* line, std::function<void(redis::ReplyView)> then) {
  pipeline_->append(command_.argv());
  asked_.push_back({clock_.now(), line, std::move(then)});
  if (line != nullptr) ++line->asked;
}

// --- Who fetches for what

void Poller::take_over(std::vector<Instance> instances) {
  for (const auto& [id, line] : lines_) line->removed = true;
  for (Instance& instance : instances) {
    std::unique_ptr<Line>& line = lines_[instance.id];
    if (!line) {
      const std::uint64_t id = instance.id;
      line = std::make_unique<Line>(std::move(instance), setup_.options.pauses, setup_.options.timers, keys_.poll(id));
      continue;
    }
    line->removed = false;
    if (line->instance == instance) continue;
    line->instance = std::move(instance);
    const std::string from = std::exchange(line->account, account_of(line->instance)).api_url;
    if (line->account.api_url != from) {  // at another address a receipt may stand for something that we never saw
      line->feed.forget();
      line->serial = 0;  // nor does what is under way count
    }
    line->feed.hurry(clock_.now());
    line->tell_again = true;
    if (line->feed.receiving() && !std::exchange(line->cancelled, true)) client_->cancel(line->ticket);
  }
  if (pipeline_) {
    command_.clear().borrow("ZREM").borrow(keys_.polled());
    for (const auto& [id, line] : lines_) {
      if (line->removed) command_.copy(std::to_string(id));
    }
    if (command_.size() > 2) ask(nullptr, [](redis::ReplyView) {});
  }
  publish_at_ = {};
  log_.info("poll.instances", "instances are fetched for", {{"instances", instances.size()}});
  share();
}

void Poller::heartbeat() {
  if (!pipeline_ || stopping_ || heartbeat_under_way_ || clock_.now() < heartbeat_at_) return;
  heartbeat_under_way_ = true;
  heartbeat_at_ = clock_.now() + setup_.options.timers.heartbeat;
  members_.heartbeat(command_, scripts_);
  ask(nullptr, [this](redis::ReplyView reply) {
    heartbeat_under_way_ = false;
    const auto changed = members_.observe(reply, clock_.now());
    if (!changed) return;
    metrics_.members.set(static_cast<double>(members_.live().size()));
    if (!*changed && std::exchange(members_known_, true)) return;
    members_known_ = true;
    if (callbacks_.members) callbacks_.members(members_.live(), members_.self());
    share();
  });
}

// Says which instances are to be fetched for, so that whoever looks (`hookfleet status`) sees those that nobody has. What no poller says
// any more goes. Nothing depends on it.
void Poller::publish() {
  const base::BootTime now = clock_.now();
  if (!pipeline_ || stopping_ || now < publish_at_) return;
  publish_at_ = now + kPublishEvery;
  const std::int64_t now_ms = base::unix_ms(clock_.wall());
  const auto send = [this] { ask(nullptr, [](redis::ReplyView) {}); };
  const auto begin = [this] { command_.clear().borrow("ZADD").borrow(keys_.polled()); };
  begin();
  for (const auto& [id, line] : lines_) {
    if (line->removed) continue;
    command_.number(now_ms).copy(std::to_string(id));
    if (command_.size() < 2 + 2 * kPublishAtOnce) continue;
    send();
    begin();
  }
  if (command_.size() > 2) send();
  const auto old_ms = now_ms - std::chrono::milliseconds(3 * kPublishEvery).count();
  command_.clear().borrow("ZREMRANGEBYSCORE").borrow(keys_.polled()).borrow("-inf").number(old_ms);
  send();
}

// Which instances fall to us. Who doesn't know all the pollers takes nothing: it would take what others have to give back.
void Poller::share() {
  std::vector<std::string> names;
  std::vector<Line*> lines;
  for (const auto& [id, line] : lines_) {
    line->wanted = false;
    if (line->removed) continue;
    names.push_back(std::to_string(id));
    lines.push_back(line.get());
  }
  if (members_known_) {
    const std::vector<std::size_t> owner = lease::target_map(members_.live(), names);
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i]->wanted = members_.live()[owner[i]] == members_.self();
  }
  look_at_all();
}

void Poller::look_at_all() {
  for (auto line = lines_.begin(); line != lines_.end();) look_at(*(line++)->second);
}

void Poller::look_at(Line& line) {
  const bool keep = line.wanted && !line.removed && !stopping_;
  if (!keep && line.lease.owned()) {
    line.lease.drain();
    line.feed.drain(clock_.now());
  }
  const bool may = line.lease.valid(clock_.now());
  const bool draining = line.lease.state() == lease::Ownership::State::kDraining;
  if (line.feed.receiving() && (!may || draining) && !std::exchange(line.cancelled, true)) client_->cancel(line.ticket);
  if (pipeline_) keep_lease(line, keep);
  work(line);
  schedule(line, keep);
}

void Poller::keep_lease(Line& line, bool keep) {
  const base::BootTime now = clock_.now();
  if (line.lease.renew_due(now)) renew(line);
  if ((keep || line.lease.owned()) && line.lease.acquire_due(now)) acquire(line);
  if (line.lease.state() == lease::Ownership::State::kDraining && line.feed.idle()) release(line);
}

void Poller::acquire(Line& line) {
  const base::BootTime sent = clock_.now();
  lease::acquire(command_, scripts_,
                 {.key = line.key,
                  .stream_key = {},
                  .owner = setup_.name,
                  .ttl = setup_.options.timers.lease_ttl,
                  .known_epoch = line.lease.known_epoch(),
                  .unchanged = line.lease.unchanged(sent)});
  line.lease.acquire_sent();
  line.lease_end = sent + setup_.options.timers.lease_ttl;
  ask(&line, [this, &line, sent](redis::ReplyView reply) {
    const auto answer = lease::decode_acquired(reply);
    if (!answer) {
      line.lease.acquire_failed(clock_.now());
      if (!line.lease.owned()) line.lease_end.reset();
      return look_at(line);
    }
    const bool owned = line.lease.owned();
    switch (line.lease.acquired(*answer, sent, clock_.now())) {
      case lease::Ownership::Acquired::kRefused:
        line.lease_end.reset();
        if (owned) lose(line);
        break;
      case lease::Ownership::Acquired::kResumed: break;
      case lease::Ownership::Acquired::kTaken:
        forget(line);
        line.feed.begin();
        line.lease.recovered();
        line.shown = "";  // what an earlier tenure wrote is void
        log_.debug("poll.taken", "this poller fetches for the instance now", {{"idInstance", line.instance.id}});
        break;
    }
    look_at(line);
  });
}

void Poller::renew(Line& line) {
  const base::BootTime sent = clock_.now();
  const lease::Tenure tenure{setup_.name, line.lease.epoch()};
  lease::renew(command_, scripts_, line.key, tenure, setup_.options.timers.lease_ttl);
  line.lease.renew_sent(sent);
  line.lease_end = sent + setup_.options.timers.lease_ttl;
  ask(&line, [this, &line, sent, serial = line.lease.serial()](redis::ReplyView reply) {
    const auto held = lease::decode_held(reply);
    if (!held || line.lease.serial() != serial || !line.lease.owned()) return;
    if (*held) {
      line.lease.renewed(sent);
    } else {
      lose(line);
    }
    look_at(line);
  });
}

void Poller::release(Line& line) {
  const lease::Tenure tenure{setup_.name, line.lease.epoch()};
  lease::release(command_, scripts_, line.key, tenure);
  line.lease.release_sent();
  log_.debug("poll.released", "the instance is given back", {{"idInstance", line.instance.id}});
  ask(&line, [this, &line](redis::ReplyView reply) {
    line.lease.released();
    if (lease::decode_held(reply)) line.lease_end.reset();
    look_at(line);
  });
}

// Another has it, or had.
void Poller::lose(Line& line) {
  line.lease.lost();
  line.lease_end.reset();
  forget(line);
  metrics_.leases_lost.add();
  log_.warn("poll.lost", "another poller fetches for the instance now: this one was too slow to renew", {{"idInstance", line.instance.id}});
}

// The tenure is over, or begins: what was known in the one before is not for now.
void Poller::forget(Line& line) {
  line.feed.forget();
  line.failing_since.reset();
  line.told.reset();
  line.alerted = false;
}

void Poller::schedule(Line& line, bool keep) {
  const base::BootTime now = clock_.now();
  if (line.at) due_.erase({*line.at, &line});
  line.at.reset();
  base::BootTime next = base::BootTime::max();
  const bool owned = line.lease.owned();
  if (owned && now < line.lease.valid_until()) {
    next = line.lease.valid_until();
    next = std::min(next, line.feed.due());
  }
  if (pipeline_) {
    if (owned) next = std::min(next, line.lease.renew_at());
    const bool asks = keep && !line.lease.asking() && !line.lease.releasing();
    if (asks && line.lease.state() != lease::Ownership::State::kDraining && (!owned || now >= line.lease.valid_until()))
      next = std::min(next, line.lease.next_try());
  }
  if (next == base::BootTime::max()) {
    if (line.removed && !owned && line.feed.idle() && line.asked == 0) lines_.erase(line.instance.id);
    return;
  }
  line.at = std::max(next, now);
  due_.emplace(*line.at, &line);
}

// --- What is done for an instance

void Poller::work(Line& line) {
  const base::BootTime now = clock_.now();
  if (!line.lease.valid(now)) return;
  const Feed::Wish wish = line.feed.wish(now);
  if (wish == Feed::Wish::kNothing) return;
  const auto timeout = std::chrono::duration_cast<std::chrono::seconds>(line.instance.receive_timeout);
  web::Request request =
      wish == Feed::Wish::kReceive ? greenapi::receive(line.account, timeout) : greenapi::remove(line.account, line.feed.receipt());
  if (wish == Feed::Wish::kReceive) {
    line.feed.receive_sent(now);
  } else {
    line.feed.remove_sent();
  }
  line.serial = line.lease.serial();
  line.cancelled = false;
  line.ticket = client_->send(std::move(request), [this, &line](web::Result result) {
    post([&](Inbox& inbox) { inbox.answers.emplace_back(&line, std::move(result)); });
  });
}

void Poller::answered(Line& line, const web::Result& result) {
  if (result) line.held = result->held;
  const bool ours = line.lease.owned() && line.serial == line.lease.serial();
  if (line.feed.receiving()) {
    received(line, result, ours && line.lease.valid(clock_.now()));
  } else {
    removed(line, result, ours);
  }
  if (!line.feed.busy()) give_back(line);
  look_at(line);
}

void Poller::received(Line& line, const web::Result& result, bool usable) {
  const auto count = [&](Receive outcome) { metrics_.receives.fine[static_cast<std::size_t>(outcome)].add(); };
  // What found no room in time is asked for again; that is no fault of the service's.
  if (!usable || (!result && (line.cancelled || result.error().kind == web::ErrorKind::kNoRoom))) {
    count(Receive::kAbandoned);
    return line.feed.abandoned();
  }
  auto answer = greenapi::decode_received(result);
  if (answer) {
    count(*answer ? Receive::kNotification : Receive::kEmpty);
  } else {
    metrics_.receives.failed[static_cast<std::size_t>(answer.error().kind)].add();
  }
  auto notification = line.feed.received(std::move(answer), clock_.now(), dice());
  judge(line);
  if (notification) append(line, *std::move(notification));
}

void Poller::removed(Line& line, const web::Result& result, bool usable) {
  const auto count = [&](Removal outcome) { metrics_.removals.fine[static_cast<std::size_t>(outcome)].add(); };
  if (!usable) {
    count(Removal::kAbandoned);
    return line.feed.abandoned();
  }
  const auto answer = greenapi::decode_removed(result);
  if (answer) {
    count(answer->removed ? Removal::kRemoved : Removal::kGone);
    metrics_.cycle.observe(std::chrono::duration<double>(clock_.now() - line.arrived).count());
  } else {
    metrics_.removals.failed[static_cast<std::size_t>(answer.error().kind)].add();
  }
  line.feed.removed(answer, clock_.now(), dice());
  judge(line);
}

// What came for an instance is its own whatever the body says: it came with that instance's token, from the service itself. Were it not
// stored it would have to be lost, or block the queue; so it is stored for the instance it was fetched for, and told.
void Poller::append(Line& line, greenapi::Received received) {
  line.arrived = clock_.now();
  const base::WallTime wall = clock_.wall();
  notification::Envelope envelope = notification::read_envelope(received.body);
  if (envelope.malformed != notification::Malformed::kNo) metrics_.malformed.add();
  if (envelope.id_instance && *envelope.id_instance != line.instance.id) {
    metrics_.mismatches.add();
    const std::string named = std::to_string(*envelope.id_instance);
    if (sampler_.pass(log::Level::kError, "poll.mismatch", named, line.arrived)) {
      log_.error("poll.mismatch", "a notification names another instance than the one it was fetched for: stored for the latter",
                 {{"idInstance", line.instance.id}, {"named", named}, {"receipt", received.receipt_id}});
    }
    operators_.tell({.kind = alert::Kind::kInstanceMismatch,
                     .id_instance = line.instance.id,
                     .text = "a notification fetched for this instance names instance " + named +
                             ": compare id, API address and token in poller.instances; it is stored for the instance it was fetched for"});
  }
  stream::Entry entry;
  entry.id = base::make_uuid_v7(wall);
  entry.id_instance = line.instance.id;
  entry.chat = std::move(envelope.chat);
  entry.type_webhook = std::move(envelope.type_webhook);
  entry.received_ms = base::unix_ms(wall);
  entry.source = stream::Source::kPoll;
  entry.trace = entry.id;
  entry.body = std::move(received.body);
  line.type = entry.type_webhook;
  log_.debug("poll.fetched", "a notification was fetched",
             {{"idInstance", line.instance.id}, {"receipt", received.receipt_id}, {"id", entry.id}, {"typeWebhook", entry.type_webhook}});
  appender_.submit(std::move(entry), line.arrived + setup_.append_deadline,
                   [this, at = &line](append::Outcome outcome) { post([&](Inbox& inbox) { inbox.appended.emplace_back(at, outcome); }); });
}

void Poller::appended(Line& line, append::Outcome outcome) {
  give_back(line);
  if (outcome == append::Outcome::kStored) metrics_.stored.of(line.type).add();
  if (line.lease.owned() && line.serial == line.lease.serial()) {
    line.feed.appended(outcome, clock_.now(), dice());
  } else {
    line.feed.abandoned();
  }
  if (outcome != append::Outcome::kStored && sampler_.pass(log::Level::kWarn, "poll.not_stored", append::to_text(outcome), clock_.now())) {
    log_.warn("poll.not_stored", "a notification could not be stored: it stays at the service and is fetched again",
              {{"idInstance", line.instance.id}, {"outcome", append::to_text(outcome)}});
  }
  look_at(line);
}

void Poller::give_back(Line& line) { client_->give_back(std::exchange(line.held, 0)); }

// For whoever looks; the operator is told by judge().
void Poller::show_trouble(Line& line) {
  if (!pipeline_ || !line.lease.owned()) return;
  std::string text;
  if (const auto& trouble = line.feed.trouble()) {
    text = stream::PollTrouble{line.lease.epoch(), line.failing_since_ms, std::string(greenapi::to_text(trouble->kind)), trouble->message}
               .text();
  }
  if (text == line.shown) return;
  line.shown = text;
  command_.clear().borrow("HSET").borrow(line.key).borrow(stream::PollTrouble::kField).copy(text);
  ask(&line, [&line](redis::ReplyView reply) {
    if (reply.is_error()) line.shown.reset();  // again with the next answer
  });
}

// Tells what has changed about an instance's trouble.
void Poller::judge(Line& line) {
  const auto& trouble = line.feed.trouble();
  const base::BootTime now = clock_.now();
  if (trouble && !line.failing_since) {
    line.failing_since = now;
    line.failing_since_ms = base::unix_ms(clock_.wall());
  }
  show_trouble(line);
  if (!trouble) {
    if (line.failing_since) recovered(line);
    return;
  }
  const bool passes = greenapi::passes_by_itself(trouble->kind);
  if (line.told != trouble->kind || std::exchange(line.tell_again, false)) {
    line.told = trouble->kind;
    const log::Level level = passes ? log::Level::kWarn : log::Level::kError;
    if (sampler_.pass(level, "poll.failed", trouble->message, now)) {
      const log::Field fields[] = {{"idInstance", line.instance.id},
                                   {"kind", greenapi::to_text(trouble->kind)},
                                   {"error", trouble->message},
                                   {"advice", greenapi::advice(trouble->kind)}};
      log_.write(level, "poll.failed", "an instance's notifications can't be fetched now", fields);
    }
  }
  if (passes && now - *line.failing_since < kFailingForLong) return;
  line.alerted = true;
  const bool pushed = trouble->kind == FailureKind::kWebhookSet;
  operators_.tell({.kind = pushed ? alert::Kind::kWebhookSet : alert::Kind::kPollFailed,
                   .id_instance = line.instance.id,
                   .which = pushed ? std::string() : std::string(greenapi::to_text(trouble->kind)),
                   .text = "the notifications of this instance can't be fetched: " + trouble->message + "; " +
                           std::string(greenapi::advice(trouble->kind))});
}

void Poller::recovered(Line& line) {
  const auto failed_for = std::chrono::ceil<std::chrono::seconds>(clock_.now() - *std::exchange(line.failing_since, std::nullopt));
  const auto told = std::exchange(line.told, std::nullopt);
  const bool alerted = std::exchange(line.alerted, false);
  if (alerted || (told && !greenapi::passes_by_itself(*told))) {
    log_.info("poll.recovered", "the instance's notifications are fetched again",
              {{"idInstance", line.instance.id}, {"failed_seconds", failed_for.count()}});
  }
  if (!alerted) return;
  operators_.tell({.kind = alert::Kind::kPollRecovered,
                   .id_instance = line.instance.id,
                   .text = "the notifications of this instance are fetched again; they weren't for " + text_of(failed_for)});
}

}  // namespace hookfleet::poll
