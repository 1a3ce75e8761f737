#include "worker/core.hpp"

#include <algorithm>
#include <utility>

#include "common/lease/targets.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;
using dispatch::Desk;
using lease::Ownership;

constexpr auto kLayoutEvery = 5s;
constexpr auto kOldestEvery = 30s;
constexpr auto kHoldsEvery = 5s;
constexpr std::chrono::nanoseconds kBacklogEvery = 10s;  // of all partitions
constexpr auto kWriteAgain = 250ms;                      // after Redis refused
constexpr std::size_t kQuantumMin = 50;                  // steps of a partition before it is another's turn, at least
constexpr std::size_t kReadyLanes = 32;                  // that is plenty for one partition
constexpr auto kReadBriefly = 5ms;                       // when some partitions aren't read: they will want to be, soon
constexpr std::size_t kRecordBytes = 512;                // an entry without its body, with its share of lane and identity
constexpr std::size_t kOverflowedBytes = 40;             // a lane that overflows
// Handlers that take microseconds are started ahead of their turn, as many as take so long, so that threads need not wait for us.
constexpr double kAheadSeconds = 0.01;
constexpr std::size_t kAheadMax = 496;
constexpr std::size_t kAttemptsCallMax = 500;

/// The target of an action was there, and took what it was given or never will.
bool is_there(handlers::Handled::Kind kind) {
  using enum handlers::Handled::Kind;
  return kind == kDone || kind == kIgnored || kind == kReject;
}

}  // namespace

std::size_t ReadSize::count(std::size_t streams) const {
  if (largest_ == 0 || streams == 0) return 1;
  return std::clamp<std::size_t>(kBytes / (streams * largest_), 1, kCountMax);
}

void ReadSize::saw(std::size_t largest) { largest_ = std::max({largest, largest_ - largest_ / 16, std::size_t{1}}); }

Core::Core(const Options& options, const Desk::Options& desk_options, unsigned partitions, const std::string& self,
           std::shared_ptr<const routes::Routes> routes, Outside& outside, std::uint64_t seed)
    : options_(options),
      desk_options_(desk_options),
      self_(self),
      routes_(std::move(routes)),
      outside_(outside),
      random_(seed),
      holds_(desk_options.retry) {
  slots_.reserve(partitions);
  for (unsigned p = 0; p < partitions; ++p) slots_.emplace_back(p, options_.timers);
}

Core::~Core() = default;

Core::Slot* Core::find(const TenureId& tenure) {
  Slot& slot = slots_[tenure.partition];
  return slot.desk && slot.ownership.serial() == tenure.serial ? &slot : nullptr;
}

Core::Running Core::running() const {
  Running running{pooled_, 0};
  for (const Slot& slot : slots_) {
    const std::size_t begun = slot.desk ? slot.desk->begun() : 0;
    running.pool += begun;
    running.all += slot.orphans + (slot.desk ? slot.desk->running() : 0) + begun;
  }
  return running;
}

/// Its lease holds, so something of it may start.
bool Core::may_run(const Slot& slot, base::BootTime now) const {
  return slot.desk && slot.ownership.state() == Ownership::State::kRunning && slot.ownership.valid(now);
}

// --- Connection and time

void Core::connected(bool same_server, base::BootTime now, base::WallTime wall) {
  connected_ = true;
  heartbeat_answered_ = false;
  heartbeat_at_ = now;
  layout_at_ = now + kLayoutEvery;
  for (Slot& slot : slots_) {
    slot.write_again = slot.release_again = {};
    if (!same_server && slot.ownership.owned()) lose(slot, Outside::Loss::kAnotherServer);
    if (!same_server) slot.ownership.released();
    if (slot.ownership.releasing()) outside_.send(Release{slot.partition, *slot.ownership.releasing()});
  }
  if (stopping_) outside_.send(Leave{});
  tick(now, wall);
}

void Core::disconnected(base::BootTime now) {
  connected_ = false;
  holds_.disconnected();
  for (Slot& slot : slots_) {
    slot.ownership.disconnected();
    if (slot.desk) slot.desk->disconnected(now);
  }
}

void Core::tick(base::BootTime now, base::WallTime wall) {
  if (connected_) {
    if (now >= heartbeat_at_ && !stopping_) {
      heartbeat_at_ = now + options_.timers.heartbeat;
      outside_.send(Heartbeat{now});
    }
    for (Slot& slot : slots_) {
      if (slot.ownership.renew_due(now)) {
        slot.ownership.renew_sent(now);
        outside_.send(Renew{tenure_of(slot), slot.ownership.epoch(), now});
      }
      if (slot.release_again != base::BootTime{} && now >= slot.release_again && slot.ownership.releasing()) {
        slot.release_again = {};
        outside_.send(Release{slot.partition, *slot.ownership.releasing()});
      }
    }
    acquire_wanted(now);
    if (now >= layout_at_) {
      layout_at_ = now + kLayoutEvery;
      outside_.send(ReadLayout{});
    }
    if (now >= holds_at_) {
      holds_at_ = now + kHoldsEvery;
      for (const Slot& slot : slots_) {
        if (slot.desk && holds_.knows(slot.partition)) outside_.send(ReadHolds{tenure_of(slot)});
      }
    }
    if (now >= oldest_at_) {
      oldest_at_ = now + kOldestEvery;
      for (const Slot& slot : slots_) {
        if (slot.ownership.state() == Ownership::State::kRunning) outside_.send(Oldest{tenure_of(slot)});
      }
    }
    if (now >= backlog_at_) {
      backlog_at_ = now + kBacklogEvery / slots_.size();
      outside_.send(Backlog{backlog_next_});
      backlog_next_ = (backlog_next_ + 1) % static_cast<unsigned>(slots_.size());
    }
  }
  for (Slot& slot : slots_) {
    if (slot.desk) slot.desk->wake(now);
  }
  step(now, wall);
}

base::BootTime Core::next_tick() const {
  base::BootTime next = base::BootTime::max();
  const auto at = [&](base::BootTime time) { next = std::min(next, time); };
  if (connected_) {
    if (!stopping_) at(heartbeat_at_);
    at(std::min({layout_at_, holds_at_, oldest_at_, backlog_at_}));
  }
  for (const Slot& slot : slots_) {
    if (connected_) {
      if (slot.ownership.owned()) at(slot.ownership.renew_at());
      const bool may_ask =
          slot.wanted && heartbeat_answered_ && !slot.ownership.owned() && !slot.ownership.asking() && !slot.ownership.releasing();
      if (may_ask && slot.orphans == 0)
        at(slot.ownership.owned_before() ? slot.ownership.next_try() : std::max(slot.ownership.next_try(), rejoin_until_));
      if (slot.release_again != base::BootTime{}) at(slot.release_again);
    }
    if (!slot.desk) continue;
    if (const auto wake = slot.desk->next_wake()) at(*wake);
    if (connected_ && slot.desk->ended() > 0) at(std::max(slot.desk->ended_since() + options_.ack_linger, slot.write_again));
    if (connected_ && (slot.desk->attempts_due() || holds_.due(slot.partition))) at(slot.write_again);
  }
  return next;
}

/// What may be done after anything has changed.
void Core::step(base::BootTime now, base::WallTime wall) {
  tell_holds(now);
  pump(now, wall);
  const Load load = this->load();
  set_pressure(load);
  for (Slot& slot : slots_) {
    if (!slot.desk) continue;
    flush(slot, now);
    release(slot);
  }
  read(now, load);
}

// --- Memory

Core::Load Core::load() const {
  Load load;
  for (const Slot& slot : slots_) {
    if (!slot.desk) continue;
    load.body_bytes += slot.desk->body_bytes();
    load.entries += slot.desk->entries();
    load.blocked += slot.desk->blocked_entries();
    load.overflowed += slot.desk->overflowed();
  }
  return load;
}

void Core::set_pressure(const Load& load) {
  const std::size_t blocked_bytes = load.blocked * kRecordBytes;
  pressure_.bodies = load.body_bytes > options_.memory_max / 4;
  if (blocked_bytes > options_.memory_max / 8 * 3) pressure_.records = true;
  if (blocked_bytes < options_.memory_max / 4) pressure_.records = false;
  for (Slot& slot : slots_) {
    if (slot.desk) slot.desk->set_pressure(pressure_);
  }
}

/// Enough is there that can run: what ends makes room. Blocked entries leave at least an eighth to the others. A read isn't made smaller
/// for want of room: with few at a time those behind many that wait would be reached too late.
bool Core::enough(const Load& load) const {
  const std::size_t half = options_.memory_max / 2;
  const std::size_t left = half - std::min(half, load.blocked * kRecordBytes);
  return load.body_bytes > half || (load.entries - load.blocked) * kRecordBytes > std::max(left, options_.memory_max / 8);
}

/// The partition has work at hand, in many lanes, and handlers are quick: to have more of it in memory would cost cache misses and speed
/// nothing up. Otherwise one reads on: what is beyond may be of chats that wait for nobody.
bool Core::supplied(const dispatch::Desk& desk, std::size_t partitions) const {
  if (average_seconds_ > kAheadSeconds) return false;
  const std::size_t share = options_.read_ahead / partitions;
  return desk.entries() - desk.blocked_entries() >= share && desk.ready() >= std::clamp<std::size_t>(share / 8, 1, kReadyLanes);
}

// --- Leases

void Core::members(const Heartbeat& call, std::span<const std::string> live, base::BootTime now, base::WallTime wall) {
  // The others took us for dead: they may be about to take what we held, or have it.
  if (last_heartbeat_ && call.sent - *last_heartbeat_ > options_.timers.member_ttl) rejoin_until_ = now + options_.timers.member_ttl;
  last_heartbeat_ = call.sent;
  heartbeat_answered_ = true;
  if (stopping_) return;
  const std::vector<bool> mine = lease::targets(live, self_, static_cast<unsigned>(slots_.size()));
  for (Slot& slot : slots_) {
    slot.wanted = mine[slot.partition];
    const bool held = slot.ownership.owned() && slot.ownership.state() != Ownership::State::kDraining;
    if (held && !slot.wanted) drain(slot);
  }
  acquire_wanted(now);
  step(now, wall);
}

void Core::acquire_wanted(base::BootTime now) {
  if (!connected_ || stopping_ || !heartbeat_answered_) return;
  for (Slot& slot : slots_) {
    if (!slot.wanted || !slot.ownership.acquire_due(now)) continue;
    if (!slot.ownership.owned() && slot.orphans > 0) continue;
    if (!slot.ownership.owned_before() && now < rejoin_until_) continue;
    slot.ownership.acquire_sent();
    outside_.send(Acquire{slot.partition, std::string(slot.ownership.known_epoch()), std::string(slot.ownership.unchanged(now)), now});
  }
}

void Core::acquired(const Acquire& call, const tl::expected<std::variant<lease::Held, lease::Refused>, redis::ReplyError>& reply,
                    base::BootTime now, base::WallTime wall) {
  Slot& slot = slots_[call.partition];
  if (!reply) {
    slot.ownership.acquire_failed(now);
    outside_.call_failed("acquire", reply.error(), {});
    return;
  }
  const bool held = slot.ownership.owned();
  switch (slot.ownership.acquired(*reply, call.sent, now)) {
    case Ownership::Acquired::kRefused:
      // Ours ran out and another has it by now.
      if (held) lose(slot, Outside::Loss::kTaken);
      break;
    case Ownership::Acquired::kResumed: break;
    case Ownership::Acquired::kTaken: {
      if (slot.desk) {
        abandon(slot);
        outside_.lost(slot.partition, Outside::Loss::kTaken);
      }
      const auto& taken = std::get<lease::Held>(*reply);
      const auto up_to = stream::StreamId::parse(taken.last_id).value_or(stream::StreamId{});
      slot.desk = std::make_unique<Desk>(dispatch::Tenure{slot.partition, taken.how == lease::How::kCrash, up_to}, desk_options_, routes_);
      outside_.send(ReadHolds{tenure_of(slot)});
      outside_.taken(slot.partition, taken.how);
      recovered(slot);
      if (stopping_ || !slot.wanted) drain(slot);
      break;
    }
  }
  step(now, wall);
}

void Core::recovered(Slot& slot) {
  if (slot.orphans == 0) slot.ownership.recovered();
}

void Core::renewed(const Renew& call, const tl::expected<bool, redis::ReplyError>& reply, base::BootTime now, base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (!reply) outside_.call_failed("renew", reply.error(), {});
  if (slot == nullptr || !reply) return;
  if (*reply) {
    slot->ownership.renewed(call.sent);
  } else {
    lose(*slot, Outside::Loss::kFenced);
  }
  step(now, wall);
}

void Core::released(const Release& call, const tl::expected<bool, redis::ReplyError>& reply, base::BootTime now) {
  Slot& slot = slots_[call.partition];
  if (!reply) {
    outside_.call_failed("release", reply.error(), {});
    slot.release_again = now + 1s;
    return;
  }
  if (slot.ownership.releasing() != call.epoch) return;
  slot.ownership.released();
  slot.release_again = {};
}

/// What is in memory is void; handlers that run return to nothing.
void Core::abandon(Slot& slot) {
  slot.orphans += slot.desk->running();
  if (slot.desk->running() > 0) outside_.cancel(slot.partition);
  if (alone_ && alone_->tenure.partition == slot.partition && !slot.desk->runs(alone_->stream_id)) alone_.reset();
  slot.desk.reset();
  holds_.forget(slot.partition);
}

void Core::lose(Slot& slot, Outside::Loss loss) {
  abandon(slot);
  slot.ownership.lost();
  outside_.lost(slot.partition, loss);
}

void Core::drain(Slot& slot) {
  slot.ownership.drain();
  slot.desk->drain();
  if (alone_ && alone_->tenure.partition == slot.partition && !slot.desk->runs(alone_->stream_id)) alone_.reset();
}

void Core::release(Slot& slot) {
  if (slot.ownership.state() != Ownership::State::kDraining || !slot.desk->empty() || slot.orphans > 0) return;
  if (slot.ownership.asking()) return;  // its answer would say that what was given back is held
  slot.desk.reset();
  holds_.forget(slot.partition);
  slot.ownership.release_sent();
  outside_.given_back(slot.partition);
  if (connected_) outside_.send(Release{slot.partition, *slot.ownership.releasing()});
}

// --- Reading

void Core::read(base::BootTime now, const Load& load) {
  if (!connected_ || reading_ || stopping_ || enough(load)) return;
  for (const Slot& slot : slots_) {
    if (slot.ownership.asking()) return;  // all that are being taken come first, so that one read covers them
  }
  const bool overfull = load.overflowed * kOverflowedBytes > options_.memory_max / 8;
  const auto running = static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.ownership.state() == Ownership::State::kRunning; }));
  ReadRequest request;
  for (Slot& slot : slots_) {
    if (slot.ownership.state() != Ownership::State::kRunning) continue;
    if (supplied(*slot.desk, running)) {
      request.block = kReadBriefly;
      continue;
    }
    slot.desk->rescan_if_due(now, overfull);
    if (overfull && slot.desk->overflowed() > 0) continue;  // no more lanes can be remembered as left out
    request.from.push_back({tenure_of(slot), slot.desk->cursor()});
  }
  if (request.from.empty()) return;
  request.cycle = ++cycle_;
  request.count = read_size_.count(request.from.size());
  for (const auto& from : request.from) slots_[from.tenure.partition].desk->read_started(cycle_);
  reading_ = true;
  outside_.read(std::move(request));
}

void Core::read_done(std::uint64_t cycle, std::vector<Batch> batches, base::BootTime now, base::WallTime wall) {
  reading_ = false;
  std::size_t largest = 0;
  std::vector<bool> came(slots_.size());
  for (Batch& batch : batches) {
    Slot* slot = find(batch.tenure);
    if (slot == nullptr) continue;
    came[slot->partition] = true;
    for (const auto& arrival : batch.arrivals) largest = std::max(largest, arrival.content->notification.body->size());
    auto wanted = slot->desk->arrived(cycle, std::move(batch.arrivals));
    if (!wanted) {
      lose(*slot, Outside::Loss::kStreamReplaced);
    } else if (!wanted->ids.empty()) {
      outside_.send(LookUp{tenure_of(*slot), cycle, *std::move(wanted)});
    }
  }
  for (Slot& slot : slots_) {
    if (slot.desk && !came[slot.partition]) static_cast<void>(slot.desk->arrived(cycle, {}));
  }
  if (largest > 0) read_size_.saw(largest);
  step(now, wall);
}

void Core::read_failed(std::uint64_t cycle, base::BootTime now, base::WallTime wall) {
  for (Slot& slot : slots_) {
    if (slot.desk) slot.desk->rewind();
  }
  read_done(cycle, {}, now, wall);
}

void Core::looked_up(const LookUp& call, std::span<const std::optional<stream::Mark>> marks,
                     std::span<const std::optional<stream::Attempts>> attempts, base::BootTime now, base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr) return;
  slot->desk->learn(call.cycle, call.wanted, marks, attempts, now, wall);
  step(now, wall);
}

void Core::fetched(const Fetch& call, std::optional<dispatch::Arrival> arrival, base::BootTime now, base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr) return;
  slot->desk->fetched(call.stream_id, std::move(arrival), now, wall);
  step(now, wall);
}

void Core::oldest(const Oldest& call, std::optional<stream::StreamId> stream_id, base::BootTime now, base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr || !stream_id || slot->desk->accounts_for(*stream_id)) return;
  slot->desk->rewind();
  outside_.cursor_reset(slot->partition);
  step(now, wall);
}

// --- Handling

Core::Async& Core::async_of(const std::shared_ptr<handlers::AsyncHandler>& handler) {
  const auto found = std::find_if(async_.begin(), async_.end(), [&](const Async& async) { return async.handler == handler; });
  return found != async_.end() ? *found : async_.emplace_back(Async{handler});
}

std::size_t Core::places_taken(const Async& async) const {
  std::size_t taken = async.running;
  for (const Slot& slot : slots_) taken += slot.desk ? slot.desk->called(*async.handler) : 0;
  return taken;
}

/// Who waits for a place comes before who comes now: partition by partition, in each the lane that has waited for longest.
void Core::call_waiting(base::BootTime now) {
  for (Async& async : async_) {
    if (!async.waited_for) continue;
    std::size_t taken = places_taken(async);
    for (std::size_t i = 0; i < slots_.size() && taken < async.handler->concurrency(); ++i) {
      Slot& slot = slots_[async.next];
      async.next = (async.next + 1) % slots_.size();
      if (!may_run(slot, now) || !slot.desk->call(*async.handler)) continue;
      ++taken;
      i = std::size_t(-1);
    }
    async.waited_for =
        std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.desk && slot.desk->waits_for(*async.handler); });
  }
  std::erase_if(async_, [&](const Async& async) { return !async.waited_for && places_taken(async) == 0; });
  note_full();
}

void Core::note_full() {
  full_.clear();
  for (const Async& async : async_) {
    if (places_taken(async) >= async.handler->concurrency()) full_.push_back(async.handler.get());
  }
}

void Core::pump(base::BootTime now, base::WallTime wall) {
  Running running = this->running();
  settled_ =
      std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.desk || slot.broken || slot.desk->settling() == 0; });
  if (alone_) {
    Slot& slot = slots_[alone_->tenure.partition];
    if (!alone_->begun || !slot.desk || slot.desk->runs(alone_->stream_id)) return;
    if (slot.ownership.valid(now)) {
      pump(slot, running, running.pool + 1, now, wall);
      return;
    }
    slot.desk->take_back_begin(alone_->stream_id, now);  // the lease isn't renewed: the others go on
    alone_.reset();
  }
  call_waiting(now);
  const auto ahead = static_cast<std::size_t>(std::min(kAheadSeconds / average_seconds_, static_cast<double>(kAheadMax)));
  if (wait_place_) {
    const Slot& waits = slots_[*wait_place_];
    if (may_run(waits, now) && waits.desk->has_ready()) {
      first_ = *wait_place_;
    } else {
      wait_place_.reset();
    }
  }
  const std::size_t limit = options_.concurrency + (wait_place_ ? 0 : ahead);
  wait_idle_ = wait_idle_ && running.all > 0;
  bool full = false;
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const std::size_t index = (first_ + i) % slots_.size();
      if (!full && (wait_idle_ || running.pool >= limit)) {
        full = true;
        first_ = index;
        i = 0;
      }
      more = pump(slots_[index], running, limit, now, wall) || more;
      if (alone_) {
        first_ = index;
        return;
      }
    }
  }
}

/// True when the slot's turn ended before its work.
bool Core::pump(Slot& slot, Running& running, std::size_t limit, base::BootTime now, base::WallTime wall) {
  if (!may_run(slot, now) || !slot.desk->has_ready()) return false;
  // Whole acknowledgements: what is left over would go in a small one.
  const std::size_t quantum = (kQuantumMin + options_.ack_batch - 1) / options_.ack_batch * options_.ack_batch;
  for (std::size_t i = 0; i < quantum; ++i) {
    if (wait_idle_ && !slot.desk->has_begun_ready()) return false;  // only what has begun goes on: it is among those waited for
    Desk::Situation situation{.connected = connected_,
                              .may_begin = running.pool < options_.concurrency,
                              .idle = running.all == 0,
                              .settled = settled_,
                              .pool = running.pool < limit,
                              .full = full_,
                              .held = holds_.held()};
    auto step = slot.desk->next(situation, now, wall);
    if (wait_place_ == slot.partition) wait_place_.reset();
    switch (step.kind) {
      case Desk::Step::Kind::kNothing: return false;
      case Desk::Step::Kind::kPlace: wait_place_ = slot.partition; return false;
      case Desk::Step::Kind::kWaits:
        if (step.wanted) async_of(step.wanted).waited_for = true;
        if (step.gave_up) note_full();  // or two lanes that each have what the other wants would swap for ever
        break;
      case Desk::Step::Kind::kEnded:
        if (step.record->dead_class == stream::DeadClass::kCrash) {
          crashed(slot, step.stream_id, step.record->content->notification.type, wall);
        }
        outside_.record(*std::move(step.record));
        if (!step.begun) break;
        --running.pool;
        --running.all;
        if (alone_ && alone_->stream_id == step.stream_id && alone_->tenure.partition == slot.partition) {
          alone_.reset();
          return true;
        }
        break;
      case Desk::Step::Kind::kFetch: outside_.send(Fetch{tenure_of(slot), step.stream_id}); break;
      case Desk::Step::Kind::kBegin:
        ++running.pool;
        ++running.all;
        if (step.alone) {
          alone_ = Alone{tenure_of(slot), step.stream_id, false};
          return false;
        }
        break;
      case Desk::Step::Kind::kAlone: wait_idle_ = true; return false;
      case Desk::Step::Kind::kStart:
        start(slot, step, running);
        if (alone_) {
          alone_->running = step.todo.count();
          return false;
        }
        break;
    }
  }
  return true;
}

void Core::start(Slot& slot, const Desk::Step& step, Running& running) {
  if (step.begun) {  // its place in the pool is its actions' now
    --running.pool;
    --running.all;
  }
  running.all += step.todo.count();
  bool async = false;
  for (std::size_t i = 0; i < step.actions.size(); ++i) {
    if (!step.todo.test(i)) continue;
    const routes::Action& action = step.actions[i];
    if (action.async) {
      ++async_of(action.async).running;
      async = true;
    } else {
      ++running.pool;
      ++pooled_;
    }
    outside_.start(
        {slot.partition, slot.ownership.serial(), step.stream_id, step.content, step.routes, &action, slot.ownership.valid_until()});
  }
  if (async) note_full();
}

/// A target is there. Two of those that wait for it go on for each answer, so that they come as fast as it bears them.
void Core::hurry(const handlers::AsyncHandler& target) {
  constexpr unsigned kFollow = 2;
  unsigned following = 0;
  for (std::size_t i = 0; i < slots_.size() && following < kFollow; ++i) {
    Slot& slot = slots_[hurried_];
    hurried_ = (hurried_ + 1) % slots_.size();
    if (!slot.desk || !slot.desk->hurry(target)) continue;
    ++following;
    i = std::size_t(-1);
  }
}

void Core::completed(std::vector<dispatch::Completion> completions, base::BootTime now, base::WallTime wall) {
  std::uniform_real_distribution<double> unit(0, 1);
  for (auto& completion : completions) {
    const dispatch::Job& job = completion.job;
    if (alone_ && alone_->stream_id == job.stream_id && alone_->tenure.partition == job.partition && --alone_->running == 0) alone_.reset();
    if (job.action->async) {
      --async_of(job.action->async).running;
      if (completion.started && is_there(completion.handled.kind)) hurry(*job.action->async);
    } else {
      --pooled_;
      if (completion.started) average_seconds_ += 0.02 * (std::chrono::duration<double>(completion.duration).count() - average_seconds_);
    }
    Slot& slot = slots_[job.partition];
    if (find({job.partition, job.tenure}) != nullptr) {
      auto record = slot.desk->completed(
          job.stream_id, {job.action, completion.started, std::move(completion.handled), completion.duration}, now, wall, unit(random_));
      if (record) outside_.record(*std::move(record));
      continue;
    }
    --slot.orphans;
    if (slot.ownership.state() == Ownership::State::kRecovering) recovered(slot);
    if (!completion.started) continue;
    dispatch::Record record;
    record.content = job.content;
    record.partition = job.partition;
    record.attempt = job.content->notification.attempt;
    record.duration = completion.duration;
    record.outcome = completion.handled.kind == handlers::Handled::Kind::kDone      ? dispatch::Outcome::kDone
                     : completion.handled.kind == handlers::Handled::Kind::kIgnored ? dispatch::Outcome::kIgnored
                                                                                    : dispatch::Outcome::kRetry;
    record.reason = "the partition was lost meanwhile: its next owner handles it again";
    outside_.record(std::move(record));
  }
  step(now, wall);
}

// --- Acknowledging

void Core::flush(Slot& slot, base::BootTime now) {
  if (!connected_ || now < slot.write_again) return;
  Desk& desk = *slot.desk;
  // Before the acknowledgement of the dead letter that is counted there: it can't be acknowledged without having been counted.
  for (const auto& due : holds_.take_due(slot.partition)) {
    outside_.send(WriteHold{tenure_of(slot), slot.ownership.epoch(), due.type, due.hold});
  }
  while (desk.attempts_due()) {
    WriteAttempts call{tenure_of(slot), slot.ownership.epoch(), {}, {}};
    for (const auto& [id, attempts] : desk.take_attempts(kAttemptsCallMax)) {
      call.ids.push_back(id);
      call.values.push_back(attempts);
    }
    outside_.send(std::move(call));
  }
  const bool linger =
      slot.ownership.state() != Ownership::State::kDraining && desk.settling() == 0 && now < desk.ended_since() + options_.ack_linger;
  while (desk.ended() >= options_.ack_batch || (desk.ended() > 0 && !linger)) {
    Ack call{tenure_of(slot), slot.ownership.epoch(), {}, desk.take_ended(options_.ack_batch, now)};
    call.ids.reserve(call.ended.size());
    for (const auto& ended : call.ended) call.ids.push_back(ended.stream_id);
    outside_.send(std::move(call));
  }
}

void Core::failed(Slot& slot, const char* call, const stream::BatchAnswer& answer, base::BootTime now) {
  slot.write_again = now + kWriteAgain;
  slot.broken = answer.error() == redis::ReplyError::kWrongType;
  outside_.call_failed(call, answer.error(), answer.error_text());
}

void Core::acknowledged(const Ack& call, const stream::BatchAnswer& answer, base::BootTime now, base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr) return;
  switch (answer.kind()) {
    case stream::BatchAnswer::Kind::kAnswered:
      slot->broken = false;
      for (const auto& refusal : slot->desk->acknowledged(call.ids, answer, now)) outside_.refused(slot->partition, refusal);
      break;
    case stream::BatchAnswer::Kind::kFenced: lose(*slot, Outside::Loss::kFenced); break;
    case stream::BatchAnswer::Kind::kError:
      slot->desk->unacknowledged(call.ids, now);
      failed(*slot, "ack", answer, now);
      break;
  }
  step(now, wall);
}

void Core::attempts_written(const WriteAttempts& call, const stream::BatchAnswer& answer, base::BootTime now, base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr) return;
  switch (answer.kind()) {
    case stream::BatchAnswer::Kind::kAnswered:
      slot->broken = false;
      slot->desk->attempts_written(call.ids);
      for (std::size_t i = 0; i < call.ids.size(); ++i) {
        // att holds another type: nothing stops, but what would survive a takeover doesn't.
        if (answer.written(i) == stream::Written::kRefused)
          outside_.call_failed("attempts", redis::ReplyError::kWrongType, answer.reason(i));
      }
      if (alone_ && alone_->tenure.serial == call.tenure.serial && alone_->tenure.partition == slot->partition &&
          std::find(call.ids.begin(), call.ids.end(), alone_->stream_id) != call.ids.end()) {
        alone_->begun = true;
      }
      break;
    case stream::BatchAnswer::Kind::kFenced: lose(*slot, Outside::Loss::kFenced); break;
    case stream::BatchAnswer::Kind::kError:
      slot->desk->attempts_unwritten(call.ids);
      failed(*slot, "attempts", answer, now);
      if (!slot->broken) break;
      for (const stream::StreamId id : call.ids) slot->desk->take_back_begin(id, now);
      if (alone_ && alone_->tenure.partition == slot->partition && !alone_->begun) alone_.reset();
      break;
  }
  step(now, wall);
}

// --- Types that wait for an operator

void Core::crashed(Slot& slot, stream::StreamId stream_id, std::optional<notification::TypeWebhook> type, base::WallTime wall) {
  if (!type) return;
  std::vector<unsigned> ours;
  for (const Slot& owned : slots_) {
    if (owned.desk) ours.push_back(owned.partition);
  }
  holds_.crashed(slot.partition, stream_id, *type, ours, base::unix_ms(wall));
}

void Core::tell_holds(base::BootTime now) {
  if (holds_.held() == told_held_) return;
  const retry::TypeSet changed = holds_.held() ^ told_held_;
  const bool resumed = (told_held_ & ~holds_.held()).any();
  told_held_ = holds_.held();
  for (std::size_t type = 0; type < changed.size(); ++type) {
    if (changed.test(type)) outside_.type_held(static_cast<notification::TypeWebhook>(type), told_held_.test(type));
  }
  if (!resumed) return;
  for (Slot& slot : slots_) {
    if (slot.desk) slot.desk->resume(now);
  }
}

void Core::holds_read(const ReadHolds& call, std::span<const std::pair<std::string, stream::TypeHold>> holds, base::BootTime now,
                      base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr) return;
  holds_.learn(slot->partition, holds);
  step(now, wall);
}

void Core::hold_written(const WriteHold& call, const tl::expected<bool, redis::ReplyError>& reply, base::BootTime now,
                        base::WallTime wall) {
  Slot* slot = find(call.tenure);
  if (slot == nullptr) return;
  if (!reply) {
    holds_.unwritten(slot->partition, call.type);
    slot->write_again = now + kWriteAgain;
    outside_.call_failed("hold", reply.error(), {});
  } else if (*reply) {
    holds_.written(slot->partition, call.type);
  } else {
    lose(*slot, Outside::Loss::kFenced);
  }
  step(now, wall);
}

// --- Reload

void Core::set_routes(std::shared_ptr<const routes::Routes> routes, base::BootTime now, base::WallTime wall) {
  routes_ = std::move(routes);
  for (Slot& slot : slots_) {
    if (slot.desk) slot.desk->set_routes(routes_);
  }
  step(now, wall);
}

// --- Stop

void Core::stop(base::BootTime now, base::WallTime wall) {
  if (std::exchange(stopping_, true)) return;
  for (Slot& slot : slots_) {
    slot.wanted = false;
    if (slot.ownership.owned()) drain(slot);
  }
  if (connected_) outside_.send(Leave{});
  step(now, wall);
}

std::size_t Core::left() const {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.ownership.owned() || slot.ownership.releasing() || slot.ownership.asking() || slot.orphans > 0;
  }));
}

std::size_t Core::left_for_running() const {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
    const bool only_runs = !slot.desk || slot.desk->only_runs();
    return only_runs && !slot.ownership.releasing() && !slot.ownership.asking() &&
           slot.orphans + (slot.desk ? slot.desk->running() : 0) > 0;
  }));
}

Core::Figures Core::figures() const {
  Figures figures;
  for (const Slot& slot : slots_) {
    figures.owned += slot.ownership.owned() ? 1U : 0U;
    figures.wanted += slot.wanted ? 1U : 0U;
    figures.running += slot.orphans;
    if (!slot.desk) continue;
    figures.entries += slot.desk->entries();
    figures.lanes += slot.desk->lanes();
    figures.blocked += slot.desk->blocked();
    figures.waiting += slot.desk->waiting();
    figures.overflowed += slot.desk->overflowed();
    figures.running += slot.desk->running();
    figures.body_bytes += slot.desk->body_bytes();
  }
  return figures;
}

}  // namespace hookfleet::worker
