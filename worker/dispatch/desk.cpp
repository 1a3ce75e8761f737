#include "worker/dispatch/desk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/check.hpp"

namespace hookfleet::dispatch {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kProbationMax = 10'000;  // lanes kept for their probation alone
constexpr std::chrono::seconds kRefusedPause{5};
constexpr std::string_view kHeldReason = "its type waits: too many of them ended the process; `hookfleet resume` lets them go on";
constexpr double kUnspread = 0.5;  // of a pause: as long as it is

std::size_t bytes_of(const Content& content) { return sizeof(Content) + content.notification.body->capacity() + 128; }

}  // namespace

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone: return "done";
    case Outcome::kIgnored: return "ignored";
    case Outcome::kRepeat: return "repeat";
    case Outcome::kRetry: return "retry";
    case Outcome::kDead: return "dead";
  }
  return "";
}

Desk::Desk(const Tenure& tenure, const Options& options, std::shared_ptr<const routes::Routes> routes)
    : tenure_(tenure), options_(options), routes_(std::move(routes)), attempts_up_to_(tenure.up_to) {}

Desk::~Desk() = default;

Desk::Item* Desk::find(stream::StreamId stream_id) {
  const auto found = items_.find(stream_id);
  return found == items_.end() ? nullptr : &found->second;
}

void Desk::set_routes(std::shared_ptr<const routes::Routes> routes) {
  routes_ = std::move(routes);
  away_.forget_targets();
  for (const auto& [until, id] : blocked_) {
    Item* item = find(id);
    if (item != nullptr && item->away) item->away = nullptr;
  }
  // Who waits for a place at a handler may have another route now.
  for (Waiting& waiting : waiting_) {
    for (Lane* lane : std::exchange(waiting.lanes, {})) {
      lane->waits = false;
      --waiting_lanes_;
      blocked_entries_ -= lane->size;
      ready_.push_back(lane);
    }
  }
  std::erase_if(waiting_, [](const Waiting& waiting) { return waiting.called == 0; });
}

// --- Reading

void Desk::read_started(std::uint64_t cycle) { cycles_.push_back({cycle, cursor_}); }

void Desk::end_cycle(std::uint64_t cycle) {
  std::erase_if(cycles_, [&](const Cycle& under_way) { return under_way.number == cycle; });
  if (acknowledged_.empty()) return;
  if (cycles_.empty()) return acknowledged_.clear();
  std::erase_if(acknowledged_, [&](const auto& known) { return known.second < cycles_.front().number; });
}

std::optional<Desk::LookUp> Desk::arrived(std::uint64_t cycle, std::vector<Arrival> arrivals) {
  LookUp look_up;
  const bool under_way = std::any_of(cycles_.begin(), cycles_.end(), [&](const Cycle& c) { return c.number == cycle; });
  if (!under_way || draining_) return look_up;
  if (arrivals.empty()) overflow_.nothing_beyond(cursor_);
  for (Arrival& arrival : arrivals) {
    cursor_ = std::max(cursor_, arrival.stream_id);
    const notification::Notification& notification = arrival.content->notification;
    if (const auto known = acknowledged_.find(arrival.stream_id); known != acknowledged_.end() && known->second >= cycle) continue;
    if (const Item* known = find(arrival.stream_id)) {
      if (known->id != notification.id) return std::nullopt;
      continue;
    }
    if (overflows(notification)) {
      overflow_.leave_out(arrival.stream_id);
      continue;
    }
    Item& item = items_[arrival.stream_id];
    ++looking_up_;
    item.stream_id = arrival.stream_id;
    item.id = notification.id;
    item.identity = notification.identity;
    item.digest = notification.body_digest;
    item.received_ms = base::unix_ms(notification.received);
    item.source = arrival.source;
    keep_body(item, std::move(arrival.content));
    identities_.enter(item.identity);
    look_up.ids.push_back(item.stream_id);
    look_up.identities.push_back(item.identity);
    if (item.stream_id <= attempts_up_to_ || stream::is_redriven(item.source)) look_up.attempts_of.push_back(item.stream_id);
  }
  if (look_up.ids.empty()) end_cycle(cycle);
  return look_up;
}

void Desk::learn(std::uint64_t cycle, const LookUp& look_up, std::span<const std::optional<stream::Mark>> marks,
                 std::span<const std::optional<stream::Attempts>> attempts, base::BootTime now, base::WallTime wall) {
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (!marks[i]) continue;
    if (auto* record = identities_.find(look_up.identities[i])) record->learn(*marks[i]);
  }
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    Item* item = attempts[i] ? find(look_up.attempts_of[i]) : nullptr;
    if (item == nullptr || item->state != State::kLookedUp) continue;
    item->attempts = std::make_unique<stream::Attempts>(*attempts[i]);
    item->recorded = attempts[i]->first_ms != 0;
  }
  for (const stream::StreamId id : look_up.ids) {
    Item* item = find(id);
    if (item != nullptr && item->state == State::kLookedUp) join(*item, now, wall);
  }
  end_cycle(cycle);
}

std::string Desk::lane_key(const notification::Notification& notification) const {
  std::string key = std::to_string(notification.id_instance);
  if (options_.partition_by == stream::PartitionBy::kChat && !notification.chat.empty()) key.append(1, '\0').append(notification.chat);
  return key;
}

void Desk::rewind() {
  cursor_ = {};
  cycles_.clear();
  acknowledged_.clear();
  overflow_.rewound();
}

// --- Memory

/// Whether an entry that came must be left out, so that its lane keeps its order and memory its bound.
bool Desk::overflows(const notification::Notification& notification) {
  if (overflow_.lanes() == 0 && !pressure_.records) return false;
  const std::string key = lane_key(notification);
  if (overflow_.contains(key)) return true;
  if (!pressure_.records) return false;
  const auto lane = lanes_.find(key);
  if (lane == lanes_.end() || lane->second.head == nullptr) return false;
  if (lane->second.head->state != State::kBlocked && !lane->second.waits) return false;
  overflow_.add(key);
  return true;
}

/// Forgets all of a lane whose head has just been blocked, or is to wait for a place: it stays in the stream, its attempts in att.
void Desk::put_back(Lane& lane) {
  overflow_.add(*lane.key);
  attempts_up_to_ = std::max(attempts_up_to_, lane.head->stream_id);
  for (Item* item = std::exchange(lane.head, nullptr); item != nullptr;) {
    Item* next = std::exchange(item->next, nullptr);
    overflow_.leave_out(item->stream_id);
    item->lane = nullptr;
    give_up_place(*item);
    item->state = State::kLeaving;
    ++leaving_;
    drop_body(*item);
    if (!item->attempts_due && item->attempts_calls == 0) forget(*item);
    item = next;
  }
  lane.tail = nullptr;
  lane.size = 0;
  drop_if_empty(lane);
}

void Desk::rescan_if_due(base::BootTime now, bool halted) {
  // What is looked up would join its lane before what was left out ahead of it, and what is leaving would be taken for known.
  const bool busy = looking_up_ > 0 || leaving_ > 0;
  if (const auto from = overflow_.rescan({cursor_, pressure_.records, halted, busy}, now)) cursor_ = *from;
}

void Desk::enter_blocked(Item& item, base::BootTime until, std::optional<Away::Target> away) {
  item.state = State::kBlocked;
  item.until = until;
  item.away = away;
  if (away) away_.add(*away, {until, item.stream_id});
  blocked_.emplace(until, item.stream_id);
  blocked_entries_ += item.lane->size;
}

void Desk::leave_blocked(Item& item) {
  if (item.away) away_.remove(*item.away, {item.until, item.stream_id});
  item.away.reset();
  item.state = State::kQueued;
  item.held = false;
  blocked_entries_ -= item.lane->size;
  make_ready(*item.lane);
}

void Desk::drop_if_empty(Lane& lane) {
  if (lane.head != nullptr || (lane.probation && on_probation_ <= kProbationMax)) return;
  if (lane.probation) --on_probation_;
  lanes_.erase(lanes_.find(*lane.key));
}

// --- Lanes

void Desk::join(Item& item, base::BootTime now, base::WallTime wall) {
  if (overflow_.lanes() > 0 && overflows(item.content->notification)) {
    overflow_.leave_out(item.stream_id);
    return forget(item);
  }
  --looking_up_;
  const auto place = lanes_.try_emplace(lane_key(item.content->notification)).first;
  Lane& lane = place->second;
  lane.key = &place->first;
  item.state = State::kQueued;
  item.lane = &lane;
  ++lane.size;
  if (lane.head == nullptr) {
    lane.head = lane.tail = &item;
    return look_at_head(lane, now, wall);
  }
  lane.tail->next = &item;
  lane.tail = &item;
  const bool blocked = lane.head->state == State::kBlocked;
  if (blocked || lane.waits) ++blocked_entries_;
  // Kept is what may start next; the rest is read again when its turn comes.
  if (blocked || (pressure_.bodies && (lane.waits || lane.size > options_.lane_bodies))) drop_body(item);
}

void Desk::make_ready(Lane& lane) {
  if (lane.ready) return;
  lane.ready = true;
  ready_.push_back(&lane);
}

void Desk::make_ready_first(Lane& lane) {
  lane.ready = true;
  if (lane.head->begun) {
    begun_ready_.push_back(&lane);
  } else {
    ready_.push_front(&lane);
  }
}

void Desk::look_at_head(Lane& lane, base::BootTime now, base::WallTime wall) {
  Item& item = *lane.head;
  if (item.attempts && !item.decided) {
    // The owner before decided when it is tried next.
    const milliseconds left = retry::remaining(options_.retry, *item.attempts, base::unix_ms(wall));
    if (left > milliseconds(0)) {
      if (pressure_.records) return put_back(lane);
      // att doesn't tell a type that waited from a target that is away: a resume tries both, and an attempt too early costs none.
      item.held = item.attempts->trouble == stream::Trouble::kUnavailable;
      enter_blocked(item, now + left, item.held ? std::optional<Away::Target>(nullptr) : std::nullopt);
      drop_body(item);
      return;
    }
  }
  make_ready(lane);
}

void Desk::leave_lane(Item& item, base::BootTime now, base::WallTime wall) {
  Lane& lane = *item.lane;
  HOOKFLEET_CHECK(lane.head == &item && !lane.ready);
  lane.head = item.next;
  --lane.size;
  item.lane = nullptr;
  item.next = nullptr;
  if (lane.head != nullptr) return look_at_head(lane, now, wall);
  lane.tail = nullptr;
  drop_if_empty(lane);
}

void Desk::keep_body(Item& item, std::shared_ptr<Content> content) {
  item.content = std::move(content);
  body_bytes_ += bytes_of(*item.content);
}

void Desk::drop_body(Item& item) {
  if (!item.content) return;
  body_bytes_ -= bytes_of(*item.content);
  item.content.reset();
}

void Desk::forget(Item& item) {
  if (item.state == State::kLookedUp) --looking_up_;
  if (item.state == State::kLeaving && !draining_) {
    --leaving_;
    overflow_.leave_out(item.stream_id);  // a rescan may have taken it for known
  }
  drop_body(item);
  give_up_place(item);
  identities_.leave(item.identity);
  if (item.attempts_due) std::erase(attempts_due_, &item);
  settle(item);
  items_.erase(item.stream_id);
}

// --- Handling

Desk::Step Desk::next(const Situation& situation, base::BootTime now, base::WallTime wall) {
  Step step;
  std::deque<Lane*>& queue = !begun_ready_.empty()                    ? begun_ready_
                             : !called_ready_.empty()                 ? called_ready_
                             : situation.pool && !pool_ready_.empty() ? pool_ready_
                                                                      : ready_;
  if (queue.empty()) return step;
  Lane& lane = *queue.front();
  Item& item = *lane.head;
  step.stream_id = item.stream_id;
  const auto fetch = [&] {
    queue.pop_front();
    lane.ready = false;
  };
  const auto take = [&] {
    fetch();
    give_up_place(item);
  };

  if (!item.content) {
    if (!situation.connected) return step;
    fetch();  // the place it was called to is kept
    item.state = State::kFetching;
    step.kind = Step::Kind::kFetch;
    return step;
  }
  if (!item.decided) {
    take();
    step.record = decide(item, now, wall);
    if (step.record) {
      step.kind = Step::Kind::kEnded;
      return step;
    }
    item.decided = true;
    lane.ready = true;
    queue.push_front(&lane);
  }

  const auto actions = routes_->find(item.content->notification);
  const ActionSet todo = this->todo(item, actions);
  if (todo.none()) {  // the route has changed since
    take();
    step.begun = item.begun;
    if (item.begun) {
      --begun_;
      ++settling_;
      item.settling = true;
    }
    const bool done = item.attempts && !item.attempts->finished.empty();
    step.record = end(item, done ? Outcome::kDone : Outcome::kIgnored, now, wall);
    step.kind = Step::Kind::kEnded;
    return step;
  }

  const auto type = item.content->notification.type;
  if (type && situation.held.test(static_cast<std::size_t>(*type)) && !item.begun) {
    take();
    item.held = true;
    step.record =
        put_off(item, {.unavailable = true, .reason = std::string(kHeldReason), .at_least = {}, .away = {}}, now, wall, kUnspread);
    step.record->blocked = {};  // nothing is away
    step.kind = Step::Kind::kEnded;
    return step;
  }

  if (!situation.settled && !item.begun) return step;

  if (!item.begun) {
    if (auto handler = full(item, actions, todo, situation)) {
      step.gave_up = item.called_for != nullptr;
      take();
      step.kind = Step::Kind::kWaits;
      step.wanted = handler;
      wait_for(lane, handler);
      return step;
    }
  }

  // What may have ended the owner before is noted as begun before it starts: the first of each lane that was there at the takeover.
  const bool suspect =
      (tenure_.after_crash && item.stream_id <= tenure_.up_to && !lane.past_first) || (item.attempts && item.attempts->begun > 0);
  if (suspect && !item.begun) {
    if (item.attempts && item.attempts->begun >= options_.retry.crashes) {
      take();
      step.record = die(item, stream::DeadClass::kCrash,
                        "its handling ended the process " + std::to_string(item.attempts->begun) + " times", now, wall);
      step.kind = Step::Kind::kEnded;
      return step;
    }
    if (!situation.connected) return step;
    if (!situation.may_begin) {
      step.kind = Step::Kind::kPlace;
      return step;
    }
    step.alone = item.attempts && item.attempts->begun > 0;
    if (step.alone && !situation.idle) {
      step.kind = Step::Kind::kAlone;
      return step;
    }
    take();
    ++attempts_of(item).begun;
    ++begun_;
    item.state = State::kBeginning;
    attempts_changed(item);
    step.kind = Step::Kind::kBegin;
    return step;
  }

  const bool pooled = std::any_of(actions.begin(), actions.end(), [&](const routes::Action& action) {
    return action.async == nullptr && todo.test(static_cast<std::size_t>(&action - actions.data()));
  });
  if (pooled && !situation.pool && !item.begun) {  // those behind it may not need the pool
    queue.pop_front();
    pool_ready_.push_back(&lane);
    step.kind = Step::Kind::kWaits;
    return step;
  }

  take();
  step.begun = item.begun;
  if (item.begun) --begun_;
  lane.past_first = true;
  item.state = State::kRunning;
  item.running = static_cast<std::uint8_t>(todo.count());
  running_ += todo.count();
  ++running_items_;
  item.content->notification.attempt = 1 + (item.attempts ? item.attempts->failed : 0);
  step.kind = Step::Kind::kStart;
  step.content = item.content;
  step.routes = item.routes = routes_;
  step.actions = actions;
  step.todo = todo;
  return step;
}

ActionSet Desk::todo(const Item& item, std::span<const routes::Action> actions) const {
  ActionSet todo;
  for (std::size_t i = 0; i < actions.size(); ++i) todo.set(i);
  if (!item.attempts) return todo;
  for (const auto& finished : item.attempts->finished) {
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (actions[i].name == finished.name) todo.reset(i);
    }
  }
  return todo;
}

// --- Places at asynchronous handlers

/// The first of those that are to run that has no place.
std::shared_ptr<handlers::AsyncHandler> Desk::full(const Item& item, std::span<const routes::Action> actions, const ActionSet& todo,
                                                   const Situation& situation) const {
  if (situation.full.empty()) return nullptr;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const auto& handler = actions[i].async;
    if (!handler || !todo.test(i) || item.called_for == handler.get()) continue;
    if (std::find(situation.full.begin(), situation.full.end(), handler.get()) != situation.full.end()) return handler;
  }
  return nullptr;
}

void Desk::wait_for(Lane& lane, const std::shared_ptr<handlers::AsyncHandler>& handler) {
  if (pressure_.records) return put_back(lane);
  auto place = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.handler == handler; });
  if (place == waiting_.end()) place = waiting_.insert(place, Waiting{handler, {}, 0});
  place->lanes.push_back(&lane);
  lane.ready = lane.waits = true;
  ++waiting_lanes_;
  blocked_entries_ += lane.size;
  if (!pressure_.bodies) return;
  for (Item* kept = lane.head; kept != nullptr && kept->content; kept = kept->next) drop_body(*kept);
}

bool Desk::call(const handlers::AsyncHandler& handler) {
  const auto place = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.handler.get() == &handler; });
  if (place == waiting_.end() || place->lanes.empty()) return false;
  Lane& lane = *place->lanes.front();
  place->lanes.pop_front();
  lane.waits = false;
  --waiting_lanes_;
  blocked_entries_ -= lane.size;
  lane.head->called_for = &handler;
  ++place->called;
  called_ready_.push_back(&lane);
  return true;
}

void Desk::give_up_place(Item& item) {
  if (item.called_for == nullptr) return;
  const auto* handler = std::exchange(item.called_for, nullptr);
  const auto place = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.handler.get() == handler; });
  if (--place->called == 0 && place->lanes.empty()) waiting_.erase(place);
}

std::size_t Desk::called(const handlers::AsyncHandler& handler) const {
  const auto place = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.handler.get() == &handler; });
  return place == waiting_.end() ? 0 : place->called;
}

bool Desk::waits_for(const handlers::AsyncHandler& handler) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.handler.get() == &handler && !w.lanes.empty(); });
}

std::optional<Record> Desk::decide(Item& item, base::BootTime now, base::WallTime wall) {
  const Content& content = *item.content;
  if (!item.id.empty()) {  // an entry of ours
    const dedup::Record& known = *identities_.find(item.identity);
    const bool redriven = stream::is_redriven(item.source);
    const auto drop = [&](std::string reason) {
      std::string first_id = known.first_id();
      Record record = end(item, Outcome::kRepeat, now, wall);
      record.first_id = std::move(first_id);
      record.reason = std::move(reason);
      return record;
    };
    switch (known.judge(item.digest, item.received_ms, redriven)) {
      case dedup::Record::Judgement::kFirst: break;
      case dedup::Record::Judgement::kRepeat: return drop({});
      case dedup::Record::Judgement::kStale:
        if (item.source == stream::Source::kForced) break;  // the operator wants it all the same
        return drop("stale: a version received later has been handled");
      case dedup::Record::Judgement::kChanged:
        item.changed = true;
        if (!redriven && options_.dedup.changed_of(content.notification.type) == dedup::Changed::kDrop) {
          return drop("changed, and changes of this type are dropped");
        }
        break;
    }
  }
  if (content.unfit) return die(item, *content.unfit, content.why, now, wall);
  if (routes_->find(content.notification).empty()) return end(item, Outcome::kIgnored, now, wall);
  return std::nullopt;
}

bool Desk::runs(stream::StreamId stream_id) const {
  const auto found = items_.find(stream_id);
  return found != items_.end() && found->second.state == State::kRunning;
}

void Desk::fetched(stream::StreamId stream_id, std::optional<Arrival> arrival, base::BootTime now, base::WallTime wall) {
  Item* item = find(stream_id);
  if (item == nullptr || item->state != State::kFetching) return;
  if (arrival && arrival->content->notification.id == item->id) {
    keep_body(*item, std::move(arrival->content));
    item->state = State::kQueued;
    make_ready_first(*item->lane);
    return;
  }
  // Somebody deleted it, or it is another entry now: then it is new to us.
  if (arrival) rewind();
  leave_lane(*item, now, wall);
  forget(*item);
}

stream::Attempts& Desk::attempts_of(Item& item) {
  if (!item.attempts) item.attempts = std::make_unique<stream::Attempts>();
  return *item.attempts;
}

void Desk::settle(Item& item) {
  if (std::exchange(item.settling, false)) --settling_;
}

void Desk::attempts_changed(Item& item) {
  if (item.attempts_due) return;
  item.attempts_due = true;
  attempts_due_.push_back(&item);
}

Record Desk::record_of(Item& item, Outcome outcome) const {
  Record record;
  record.first = !std::exchange(item.recorded, true);
  record.content = item.content;
  record.partition = tenure_.partition;
  record.outcome = outcome;
  record.attempt = 1 + (item.attempts ? item.attempts->failed : 0);
  record.changed = item.changed;
  return record;
}

Record Desk::end(Item& item, Outcome outcome, base::BootTime now, base::WallTime wall) {
  Record record = record_of(item, outcome);
  item.leaves_mark = outcome != Outcome::kRepeat && !item.id.empty();
  if (item.leaves_mark) identities_.find(item.identity)->ended(item.digest, item.received_ms, item.id, outcome == Outcome::kDead);
  if (item.attempts && outcome != Outcome::kRepeat) {  // what a repeat had done before, its first did too
    for (auto& action : item.attempts->finished) std::move(action.effects.begin(), action.effects.end(), std::back_inserter(item.effects));
  }
  leave_lane(item, now, wall);
  drop_body(item);
  if (item.attempts_due) std::erase(attempts_due_, &item);  // the ack forgets them
  item.attempts_due = false;
  queue_ended(item, now);
  return record;
}

Record Desk::die(Item& item, stream::DeadClass dead_class, std::string reason, base::BootTime now, base::WallTime wall) {
  item.death = std::make_unique<stream::Death>();
  stream::Death& death = *item.death;
  death.dead_class = dead_class;
  death.error = reason;
  death.attempts = item.attempts ? item.attempts->failed : 0;
  death.last_ms = base::unix_ms(wall);
  death.first_ms = item.attempts && item.attempts->first_ms != 0 ? item.attempts->first_ms : death.last_ms;
  death.worker = options_.worker;
  if (item.attempts) {
    for (const auto& action : item.attempts->finished) death.actions.push_back(action.name);
  }
  Record record = end(item, Outcome::kDead, now, wall);
  if (death.attempts > 0) record.attempt = death.attempts;
  record.dead_class = dead_class;
  record.reason = std::move(reason);
  return record;
}

std::optional<Record> Desk::completed(stream::StreamId stream_id, Returned returned, base::BootTime now, base::WallTime wall,
                                      double random) {
  Item* found = find(stream_id);
  HOOKFLEET_CHECK(found != nullptr && found->state == State::kRunning);
  Item& item = *found;
  --running_;
  --item.running;
  if (item.running == 0 && !item.returned) return attempt_ended(item, {&returned, 1}, now, wall, random);
  if (!item.returned) item.returned = std::make_unique<std::vector<Returned>>();
  item.returned->push_back(std::move(returned));
  if (item.running > 0) return std::nullopt;
  const auto all = std::move(item.returned);
  return attempt_ended(item, *all, now, wall, random);
}

std::optional<Record> Desk::attempt_ended(Item& item, std::span<Returned> returned, base::BootTime now, base::WallTime wall,
                                          double random) {
  using Kind = handlers::Handled::Kind;
  --running_items_;
  const auto routes = std::move(item.routes);
  const bool fan_out = routes->find(item.content->notification).size() > 1;
  const auto badness = [](const Returned& one) {
    if (!one.started) return 1;
    switch (one.handled.kind) {
      case Kind::kDone:
      case Kind::kIgnored: return 0;
      case Kind::kUnavailable: return 2;
      case Kind::kRetry: return 3;
      case Kind::kReject: return 4;
    }
    return 0;
  };
  Returned& worst =
      *std::max_element(returned.begin(), returned.end(), [&](const auto& a, const auto& b) { return badness(a) < badness(b); });
  const bool finished_before = item.attempts && !item.attempts->finished.empty();
  bool started = false, done = finished_before;
  std::chrono::nanoseconds duration{};
  for (Returned& one : returned) {
    started |= one.started;
    duration = std::max(duration, one.duration);
    if (badness(one) > 0) continue;
    done |= one.handled.kind == Kind::kDone;
    if (badness(worst) == 0 && !fan_out && !finished_before) {
      item.effects = std::move(one.handled.effects);
    } else {
      attempts_of(item).finished.push_back({one.action->name, std::move(one.handled.effects)});
    }
  }
  if (item.attempts && started) item.attempts->begun = 0;
  if (item.begun) {
    item.settling = true;
    ++settling_;
  }

  std::optional<Record> record;
  if (badness(worst) == 0) {
    put_on_probation(*item.lane, false);
    record = end(item, done ? Outcome::kDone : Outcome::kIgnored, now, wall);
  } else if (!worst.started) {
    if (item.attempts && !item.attempts->finished.empty()) attempts_changed(item);
    not_started(item, now, wall);
    return std::nullopt;
  } else {
    std::string reason = std::move(worst.handled.reason);
    if (fan_out) reason.insert(0, worst.action->name + ": ");
    stream::Attempts& attempts = attempts_of(item);
    if (worst.handled.kind == Kind::kReject) {
      ++attempts.failed;
      record = die(item, stream::DeadClass::kRejected, std::move(reason), now, wall);
    } else {
      Trouble trouble{worst.handled.kind == Kind::kUnavailable, std::move(reason), worst.handled.pause, {}};
      if (trouble.unavailable && worst.action->async) trouble.away = worst.action->async.get();
      record = put_off(item, std::move(trouble), now, wall, random);
      if (record->unavailable) record->action = worst.action->name;
    }
  }
  record->duration = duration;
  return record;
}

Record Desk::put_off(Item& item, Trouble trouble, base::BootTime now, base::WallTime wall, double random) {
  const std::int64_t now_ms = base::unix_ms(wall);
  stream::Attempts& attempts = attempts_of(item);
  Record record = record_of(item, Outcome::kRetry);
  if (attempts.first_ms == 0) attempts.first_ms = now_ms;
  if (attempts.blocked_since_ms == 0) attempts.blocked_since_ms = now_ms;
  attempts.trouble = trouble.unavailable ? stream::Trouble::kUnavailable : stream::Trouble::kFailed;
  retry::Decision decision;
  if (trouble.unavailable) {
    const std::int64_t born_ms = stream::is_redriven(item.source) ? static_cast<std::int64_t>(item.stream_id.ms) : item.received_ms;
    decision = retry::after_unavailable(options_.retry, attempts, born_ms, now_ms, trouble.at_least, random);
  } else {
    ++attempts.failed;
    decision = retry::after_failure(options_.retry, attempts, item.lane->probation ? 1 : options_.retry.attempts, random);
  }
  if (decision.dead == stream::DeadClass::kFailed) put_on_probation(*item.lane, true);
  if (decision.dead) return die(item, *decision.dead, std::move(trouble.reason), now, wall);
  record.reason = std::move(trouble.reason);
  record.unavailable = trouble.unavailable;
  if (trouble.unavailable) record.blocked = milliseconds(std::max<std::int64_t>(now_ms - attempts.blocked_since_ms, 0));
  if (trouble.at_least > milliseconds(0)) trouble.away.reset();  // it has said when it wants to be asked again
  if (trouble.away) decision.pause = away_.pause(*trouble.away, decision.pause, now);
  block(item, decision.pause, trouble.away, now, wall);
  return record;
}

void Desk::block(Item& item, milliseconds pause, std::optional<Away::Target> away, base::BootTime now, base::WallTime wall) {
  item.attempts->due_ms = base::unix_ms(wall + pause);
  item.begun = false;
  attempts_changed(item);
  if (draining_) {
    leave_lane(item, now, wall);
    drop_body(item);
    item.state = State::kLeaving;
    return;
  }
  if (pressure_.records) return put_back(*item.lane);
  enter_blocked(item, now + pause, away);
  for (Item* kept = &item; kept != nullptr && kept->content; kept = kept->next) drop_body(*kept);
}

void Desk::put_on_probation(Lane& lane, bool probation) {
  if (lane.probation != probation) on_probation_ += probation ? 1U : std::size_t(-1);
  lane.probation = probation;
}

void Desk::not_started(Item& item, base::BootTime now, base::WallTime wall) {
  if (item.begun) {  // taken back, or an innocent would be counted as poison
    item.begun = false;
    if (item.attempts->begun > 0) --item.attempts->begun;
    attempts_changed(item);
  }
  if (draining_) {
    leave_lane(item, now, wall);
    drop_body(item);
    item.state = State::kLeaving;
    if (!item.attempts_due && item.attempts_calls == 0) forget(item);
    return;
  }
  item.state = State::kQueued;
  make_ready_first(*item.lane);
}

void Desk::wake(base::BootTime now) {
  while (!blocked_.empty() && blocked_.begin()->first <= now) {
    Item* item = find(blocked_.begin()->second);
    blocked_.erase(blocked_.begin());
    if (item == nullptr) continue;
    if (item->state == State::kEnded) {
      queue_ended(*item, now);
    } else if (item->state == State::kBlocked) {
      leave_blocked(*item);
    }
  }
}

bool Desk::hurry(const handlers::AsyncHandler& target) {
  const auto waiting = away_.take(&target);
  if (!waiting) return false;
  blocked_.erase({waiting->until, waiting->stream_id});
  Item* item = find(waiting->stream_id);
  HOOKFLEET_CHECK(item != nullptr && item->state == State::kBlocked);
  item->away.reset();
  leave_blocked(*item);
  return true;
}

void Desk::resume(base::BootTime now) {
  std::vector<stream::StreamId> held;
  for (const auto& [due, id] : blocked_) {
    const Item* item = find(id);
    if (item != nullptr && item->state == State::kBlocked && item->held) held.push_back(id);
  }
  std::sort(held.begin(), held.end());
  std::erase_if(blocked_, [&](const auto& waiting) { return std::binary_search(held.begin(), held.end(), waiting.second); });
  for (const stream::StreamId id : held) blocked_.emplace(now, id);
  wake(now);
}

std::optional<base::BootTime> Desk::next_wake() const {
  if (blocked_.empty()) return std::nullopt;
  return blocked_.begin()->first;
}

// --- Acknowledging and attempts

void Desk::queue_ended(Item& item, base::BootTime now) {
  item.state = State::kEnded;
  if (ended_.empty()) ended_since_ = now;
  ended_.push_back(&item);
}

std::vector<Ended> Desk::take_ended(std::size_t max, base::BootTime now) {
  std::vector<Ended> taken;
  const std::size_t count = std::min(max, ended_.size());
  taken.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Item& item = *ended_.front();
    ended_.pop_front();
    item.acknowledging = true;
    Ended& ended = taken.emplace_back(Ended{item.stream_id, std::nullopt, item.effects, item.death.get()});
    if (item.leaves_mark) ended.seen = stream::Seen{item.identity, item.digest, item.received_ms, item.id};
  }
  ended_since_ = now;
  return taken;
}

std::vector<Desk::Refusal> Desk::acknowledged(std::span<const stream::StreamId> ids, const stream::BatchAnswer& answer,
                                              base::BootTime now) {
  std::vector<Refusal> refused;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Item* item = find(ids[i]);
    if (item == nullptr || !item->acknowledging) continue;
    item->acknowledging = false;
    if (answer.written(i) != stream::Written::kRefused) {
      if (std::any_of(cycles_.begin(), cycles_.end(), [&](const Cycle& cycle) { return cycle.from < ids[i]; })) {
        acknowledged_[ids[i]] = cycles_.back().number;
      }
      forget(*item);
      continue;
    }
    // First without its effects, as a dead letter; then without its mark; then it waits for somebody to mend the keys.
    settle(*item);  // nobody waits for keys to be mended
    const Refusal& refusal = refused.emplace_back(Refusal{item->id, std::string(answer.reason(i)), item->refusals == 0});
    if (item->refusals < 3) ++item->refusals;
    if (item->refusals > 1) item->leaves_mark = false;
    if (!item->death) {
      item->death = std::make_unique<stream::Death>();
      item->death->error = refusal.reason;
      item->death->attempts = 1 + (item->attempts ? item->attempts->failed : 0);
      item->death->worker = options_.worker;
      item->death->first_ms = item->death->last_ms = item->received_ms;
    }
    item->effects.clear();
    if (item->refusals > 2) {
      blocked_.emplace(now + kRefusedPause, item->stream_id);
    } else {
      queue_ended(*item, now);
    }
  }
  return refused;
}

void Desk::unacknowledged(std::span<const stream::StreamId> ids, base::BootTime now) {
  for (const stream::StreamId id : ids) {
    Item* item = find(id);
    if (item == nullptr || !item->acknowledging) continue;
    item->acknowledging = false;
    ended_.push_back(item);
  }
  // In stream order, as after a reconnection: several calls may come back one after the other.
  std::sort(ended_.begin(), ended_.end(), [](const Item* a, const Item* b) { return a->stream_id < b->stream_id; });
  ended_since_ = now;
}

std::vector<std::pair<stream::StreamId, const stream::Attempts*>> Desk::take_attempts(std::size_t max) {
  std::vector<std::pair<stream::StreamId, const stream::Attempts*>> taken;
  const auto end = attempts_due_.begin() + static_cast<std::ptrdiff_t>(std::min(max, attempts_due_.size()));
  for (auto item = attempts_due_.begin(); item != end; ++item) {
    (*item)->attempts_due = false;
    ++(*item)->attempts_calls;
    taken.emplace_back((*item)->stream_id, (*item)->attempts.get());
  }
  attempts_due_.erase(attempts_due_.begin(), end);
  return taken;
}

void Desk::attempts_written(std::span<const stream::StreamId> ids) {
  for (const stream::StreamId id : ids) {
    Item* item = find(id);
    if (item == nullptr || item->attempts_calls == 0 || --item->attempts_calls > 0 || item->attempts_due) continue;
    if (item->state != State::kEnded) settle(*item);
    if (item->state == State::kLeaving) {
      forget(*item);
    } else if (item->state == State::kBeginning) {
      item->begun = true;
      item->state = State::kQueued;
      make_ready_first(*item->lane);
    }
  }
}

void Desk::attempts_unwritten(std::span<const stream::StreamId> ids) {
  for (const stream::StreamId id : ids) {
    Item* item = find(id);
    if (item == nullptr || item->attempts_calls == 0) continue;
    --item->attempts_calls;
    if (item->state != State::kEnded) attempts_changed(*item);
  }
}

void Desk::take_back_begin(stream::StreamId id, base::BootTime now) {
  Item* item = find(id);
  if (item == nullptr || !(item->state == State::kBeginning || (item->state == State::kQueued && item->begun))) return;
  Lane& lane = *item->lane;
  if (std::exchange(lane.ready, false)) std::erase(begun_ready_, &lane);
  --begun_;
  item->begun = false;
  --item->attempts->begun;
  attempts_changed(*item);
  enter_blocked(*item, now + kRefusedPause);
}

// --- The tenure's ups and downs

void Desk::disconnected(base::BootTime now) {
  rewind();
  std::vector<Item*> again, unread;
  for (auto& [id, item] : items_) {
    if (item.state == State::kLookedUp) unread.push_back(&item);
    if (item.acknowledging) again.push_back(&item);
    item.acknowledging = false;
    if (item.attempts_calls > 0 && item.state != State::kEnded) attempts_changed(item);
    item.attempts_calls = 0;
    if (item.state == State::kFetching) {
      item.state = State::kQueued;
      make_ready_first(*item.lane);
    }
  }
  for (Item* item : unread) forget(*item);
  // In stream order: what a lane's entries set must not be set by an earlier one last.
  std::sort(again.begin(), again.end(), [](const Item* a, const Item* b) { return a->stream_id > b->stream_id; });
  for (Item* item : again) ended_.push_front(item);
  ended_since_ = now;
}

void Desk::drain() {
  draining_ = true;
  ready_.clear();
  begun_ready_.clear();
  called_ready_.clear();
  pool_ready_.clear();
  waiting_.clear();
  waiting_lanes_ = 0;
  std::erase_if(blocked_, [&](const auto& waiting) {
    const Item* item = find(waiting.second);
    return item == nullptr || item->state == State::kBlocked;
  });
  away_.clear();
  cycles_.clear();
  acknowledged_.clear();
  std::vector<Item*> waiting;
  for (auto& [id, item] : items_) {
    item.called_for = nullptr;
    switch (item.state) {
      case State::kEnded:
      case State::kLeaving: break;
      case State::kRunning:
        item.next = nullptr;
        item.lane->tail = &item;
        item.lane->size = 1;
        break;
      case State::kLookedUp:
      case State::kQueued:
      case State::kFetching:
      case State::kBeginning:
      case State::kBlocked: waiting.push_back(&item); break;
    }
  }
  for (auto& [key, lane] : lanes_) lane.ready = lane.waits = false;
  std::erase_if(lanes_, [](const auto& named) { return named.second.head == nullptr || named.second.head->state != State::kRunning; });
  begun_ = 0;
  blocked_entries_ = looking_up_ = 0;
  for (Item* item : waiting) {
    if (item->state == State::kBeginning || item->begun) {  // taken back: its handler did not start
      item->begun = false;
      --item->attempts->begun;
      attempts_changed(*item);
    }
    item->lane = nullptr;
    item->next = nullptr;
    item->state = State::kLeaving;
    drop_body(*item);
    if (!item->attempts_due && item->attempts_calls == 0) forget(*item);
  }
}

}  // namespace hookfleet::dispatch
