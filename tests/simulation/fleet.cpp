#include "tests/simulation/fleet.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "tests/simulation/ledger.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/redis_model.hpp"

namespace hookfleet::simulation {
namespace {

using namespace std::chrono_literals;
using dispatch::Job;
using handlers::Handled;
using stream::StreamId;

thread_local const Schedule* now_running = nullptr;  // for whoever reads why the process aborted

// GREEN-API repeats after 60 s; here sooner, so that schedules are shorter, but still longer than versions may differ before one is stale.
constexpr double kRepeatSeconds = 36;
constexpr double kIngressSkewSeconds = 2;
constexpr auto kHangs = 25s;          // until somebody ends the process
constexpr Time kAfterEnd = 900s;      // within which all must be drained
constexpr unsigned kVersionsMax = 4;  // a mark remembers as many
constexpr std::uint64_t kStepsMax = 400'000;

/// A run: processes, senders and an operator in one World.
class Fleet final : public World {
 public:
  using World::World;

  Result run();

  void execute(Process& process, Request& request) override;
  void run_handler(Process& process, Job job) override;
  void ended(unsigned slot, bool crash) override;

 private:
  using Entry = RedisModel::Entry;

  void at(Time delay, std::function<void()> action) { timeline.at(delay, std::move(action)); }
  Time now() const { return timeline.now(); }

  // Redis
  void set_redis_time() { redis.now_ms = kStartMs + std::chrono::duration_cast<std::chrono::milliseconds>(now() + redis_clock_).count(); }
  void append(unsigned partition, Entry entry, const char* how);
  void acquire(Process& process, const worker::Acquire& call, Request& request);
  void acknowledge(Process& process, const worker::Ack& call, Request& request);

  // Processes
  void spawn(unsigned slot);
  Process* live(unsigned slot) const;

  // Senders and the operator
  void send(std::size_t instance, std::size_t index, unsigned version);
  void deliver(std::size_t instance, std::size_t index, unsigned version, unsigned tries);
  void append_late(unsigned partition, Entry entry);
  void append_and_answer(std::size_t instance, std::size_t index, const Entry& entry, Time until);
  void answer(std::size_t instance, std::size_t index, const Entry& entry, bool stored);
  void redrive();
  void fault(const Schedule::Fault& fault);
  double trouble() const { return over() ? 0.0 : schedule.ingress_trouble; }

  bool quiet() const;

  Time redis_clock_{};
  std::vector<std::unique_ptr<Process>> processes_;  // all that ever were
  std::vector<std::vector<Process*>> by_slot_;
  unsigned starts_ = 0;
  std::map<unsigned, unsigned> failed_;  // by number: attempts
  std::size_t senders_ = 0;
  std::size_t late_ = 0;  // copies that are still to come
  unsigned ids_ = 0;
};

// --- Redis

void Fleet::append(unsigned partition, Entry entry, const char* how) {
  set_redis_time();
  const Key key{entry.number, entry.version};
  const StreamId id = redis.add(partition, std::move(entry));
  ledger.trace("XADD p", partition, " ", id.text(), " n", key.number, " v", key.version, " ", how);
  for (std::size_t i = 0; i < processes_.size(); ++i) processes_[i]->added(partition);
}

void Fleet::acquire(Process& process, const worker::Acquire& call, Request& request) {
  const RedisModel::Control before = redis.partition(call.partition).control;
  request.lease = redis.acquire(call.partition, process.name(), process.timers().lease_ttl, call.known_epoch, call.unchanged);
  const auto& after = redis.partition(call.partition).control;
  if (after.owner == before.owner && after.epoch == before.epoch) return;
  ledger.trace(process.name(), " acquired p", call.partition, " epoch ", after.epoch, " from '", before.owner, "'");
  if (before.owner.empty() || before.owner == after.owner) return;
  const auto owner = std::find_if(processes_.rbegin(), processes_.rend(), [&](const auto& known) { return known->name() == before.owner; });
  ledger.taken_over(call.partition, before.epoch, owner != processes_.rend() && (*owner)->poisoned(), redis.partition(call.partition));
}

void Fleet::execute(Process& process, Request& request) {
  set_redis_time();
  const auto& timers = process.timers();
  std::visit(
      [&](const auto& call) {
        using Call = std::decay_t<decltype(call)>;
        if constexpr (std::is_same_v<Call, worker::Heartbeat>) {
          request.members = redis.heartbeat(process.name(), timers.member_ttl, request.gone_members);
        } else if constexpr (std::is_same_v<Call, worker::Leave>) {
          redis.leave(process.name());
        } else if constexpr (std::is_same_v<Call, worker::Acquire>) {
          acquire(process, call, request);
        } else if constexpr (std::is_same_v<Call, worker::Renew>) {
          request.held = redis.renew(call.tenure.partition, process.name(), call.epoch, timers.lease_ttl);
        } else if constexpr (std::is_same_v<Call, worker::Release>) {
          request.held = redis.release(call.partition, process.name(), call.epoch);
          ledger.trace(process.name(), " release p", call.partition, request.held ? "" : " fenced");
        } else if constexpr (std::is_same_v<Call, worker::LookUp>) {
          const auto& at = redis.partition(call.tenure.partition);
          for (auto identity : call.wanted.identities) {
            std::fill(identity.begin() + 8, identity.end(), std::uint8_t{0});
            const auto mark = at.marks.find(identity);
            const bool known = mark != at.marks.end() && rules.has(Rule::kMarks);
            request.marks.push_back(known ? std::optional(mark->second) : std::nullopt);
          }
          for (const StreamId id : call.wanted.attempts_of) {
            const auto attempts = at.attempts.find(id);
            request.remembered.push_back(attempts != at.attempts.end() ? std::optional(attempts->second) : std::nullopt);
          }
        } else if constexpr (std::is_same_v<Call, worker::Fetch>) {
          const auto& at = redis.partition(call.tenure.partition);
          if (const auto entry = at.stream.find(call.stream_id); entry != at.stream.end()) {
            request.arrival = arrival(entry->first, entry->second);
          }
        } else if constexpr (std::is_same_v<Call, worker::Ack>) {
          acknowledge(process, call, request);
        } else if constexpr (std::is_same_v<Call, worker::WriteAttempts>) {
          request.letters = redis.write_attempts(call.tenure.partition, process.name(), call.epoch, call.ids, request.attempts);
          if (!ledger.tracing()) return;
          for (std::size_t i = 0; i < call.ids.size(); ++i) {
            ledger.trace(process.name(), " attempts p", call.tenure.partition, " ", call.ids[i].text(), " failed ",
                         request.attempts[i].failed, " begun ", request.attempts[i].begun, request.letters ? "" : " fenced");
          }
        } else if constexpr (std::is_same_v<Call, worker::ReadHolds>) {
          const auto& holds = redis.partition(call.tenure.partition).control.holds;
          request.holds.assign(holds.begin(), holds.end());
        } else if constexpr (std::is_same_v<Call, worker::WriteHold>) {
          const auto type = notification::to_text(call.type);
          request.held = redis.write_hold(call.tenure.partition, process.name(), call.epoch, type, request.hold);
        } else if constexpr (std::is_same_v<Call, worker::Oldest>) {
          const auto& at = redis.partition(call.tenure.partition);
          if (!at.stream.empty()) request.oldest = at.stream.begin()->first;
        }
      },
      request.call);
  if (redis.zombie_changes() > 0) ledger.broke(Broken::kZombie, "by ", process.name());
}

void Fleet::acknowledge(Process& process, const worker::Ack& call, Request& request) {
  const unsigned partition = call.tenure.partition;
  request.letters = redis.ack(partition, process.name(), call.epoch, request.ended);
  if (!request.letters) return ledger.trace(process.name(), " ack p", partition, " fenced");
  for (std::size_t i = 0; i < request.ended.size(); ++i) {
    const RedisModel::Ended& ended = request.ended[i];
    ledger.trace(process.name(), " ack p", partition, " ", ended.stream_id.text(), " ", (*request.letters)[i]);
    ledger.acknowledged(ended, (*request.letters)[i] == 'w', redis.partition(partition));
  }
}

// --- Processes

void Fleet::spawn(unsigned slot) {
  const auto make = [&](const std::string& suffix) {
    std::string name = "w" + std::to_string(slot) + suffix;
    if (rules.has(Rule::kUniqueNames)) name += "." + std::to_string(++starts_);
    processes_.push_back(std::make_unique<Process>(*this, slot, std::move(name)));
    Process* made = processes_.back().get();
    ledger.trace(made->name(), " starts");
    by_slot_[slot].push_back(made);
    at(from_seconds(0.05 + random.unit() * 0.4), [made] { made->connect(); });
    return made;
  };
  by_slot_[slot].clear();
  Process* const first = make("");
  if (rules.has(Rule::kAloneInProcess)) return;
  Process* const second = make("b");
  first->mate = second;
  second->mate = first;
}

void Fleet::ended(unsigned slot, bool crash) {
  at(from_seconds(crash ? 1 + 2 * random.unit() : 0.5 + random.unit()), [this, slot] { spawn(slot); });
}

void Fleet::run_handler(Process& process, Job job) {
  const Key key = key_of(job.content->notification.body_digest);
  const Schedule::Notification& notification = ledger.notification(key.number);
  const auto& control = redis.partition(job.partition).control;
  const auto handling = ledger.started(process, job.partition, control.owner == process.name() ? control.epoch : "", key);
  unsigned& failed = failed_[key.number];

  using Kind = Schedule::Kind;
  Kind kind = notification.kind;
  if (ledger.was_redriven(key.number) && (kind == Kind::kKills || kind == Kind::kHangs || kind == Kind::kDead)) kind = Kind::kOk;
  Time duration(static_cast<std::int64_t>(static_cast<double>(notification.duration.count()) * (0.5 + random.unit())));
  Handled result;
  switch (kind) {
    case Kind::kOk: break;
    case Kind::kFails:
      if (failed < notification.failures) {
        ++failed;
        result = Handled::retry("fails");
      }
      break;
    case Kind::kAway:
      if (now() >= notification.away_from && now() < notification.away_until) result = Handled::unavailable("away");
      break;
    case Kind::kDead: result = Handled::retry("always fails"); break;
    case Kind::kRejects: result = Handled::reject("rejects"); break;
    case Kind::kKillsOnce:
      if (failed > 0) break;
      [[fallthrough]];
    case Kind::kKills:
      ++failed;
      at(from_seconds(random.up_to({0.001, 0.5})), [&process] { process.deliver([&process] { process.end(true, true); }); });
      return;
    case Kind::kHangs: at(kHangs, [&process] { process.deliver([&process] { process.end(true, true); }); }); return;
  }
  if (result.kind == Handled::Kind::kDone) {
    using Effect = stream::Effect;
    result.effects.push_back(
        {Effect::Op::kIncrement, Effect::On::kCounts, "", std::to_string(key.number) + "." + std::to_string(key.version), "1", 0ms});
  }
  const Time began = now();
  at(duration, [this, &process, handling, began, job = std::move(job), result = std::move(result)]() mutable {
    process.deliver([this, &process, handling, began, job = std::move(job), result = std::move(result)]() mutable {
      ledger.ended(handling, result.kind == Handled::Kind::kDone);
      process.returned(std::move(job), true, std::move(result), now() - began);
    });
  });
}

// --- Senders and the operator

void Fleet::send(std::size_t instance, std::size_t index, unsigned version) {
  if (index == schedule.instances[instance].size()) {
    --senders_;
    return;
  }
  deliver(instance, index, version, 0);
}

void Fleet::deliver(std::size_t instance, std::size_t index, unsigned version, unsigned tries) {
  const Schedule::Notification& notification = schedule.instances[instance][index];
  const Time skew = from_seconds((random.unit() - 0.5) * 2 * kIngressSkewSeconds);
  const Entry entry{"e" + std::to_string(++ids_), notification.number, version,
                    kStartMs + std::chrono::duration_cast<std::chrono::milliseconds>(now() + skew).count(), stream::Source::kWebhook};
  if (tries >= 3) return answer(instance, index, entry, false);
  const double u = random.unit();
  const double f = trouble();
  const double v = random.unit();
  const Time latency = from_seconds(v * v * 0.3);
  const auto again = [=, this] { deliver(instance, index, version, tries + 1); };
  const auto appended = [this, partition = notification.partition, entry] {
    if (!redis_away) append(partition, entry, "by an ingress that is killed");
  };
  if (u < f * 0.25) {  // a frozen ingress: nginx tries another
    ++late_;
    at(from_seconds(random.up_to({5.0, 45.0, 90.0})), [this, entry, p = notification.partition] { append_late(p, entry); });
    at(5s, again);
  } else if (u < f * 0.4) {  // killed before XADD
    at(latency, again);
  } else if (u < f * 0.55) {  // killed after XADD
    at(latency, appended);
    at(latency + 50ms, again);
  } else if (u < f * 0.7) {  // XADD without a reply: appended again
    at(latency, appended);
    at(latency + from_seconds(random.unit()), [=, this] { append_and_answer(instance, index, entry, now() + 20s); });
  } else if (u < f * 0.8) {  // not stored
    at(1s, [=, this] { answer(instance, index, entry, false); });
  } else {
    at(latency, [=, this] { append_and_answer(instance, index, entry, now() + 20s); });
  }
}

void Fleet::append_late(unsigned partition, Entry entry) {
  if (redis_away) {
    at(1s, [this, partition, entry = std::move(entry)] { append_late(partition, entry); });
    return;
  }
  --late_;
  append(partition, std::move(entry), "late");
}

void Fleet::append_and_answer(std::size_t instance, std::size_t index, const Entry& entry, Time until) {
  if (redis_away) {
    if (now() > until) return answer(instance, index, entry, false);
    at(300ms, [=, this] { append_and_answer(instance, index, entry, until); });
    return;
  }
  append(schedule.instances[instance][index].partition, entry, "");
  answer(instance, index, entry, true);
}

void Fleet::answer(std::size_t instance, std::size_t index, const Entry& entry, bool stored) {
  const Schedule::Notification& notification = schedule.instances[instance][index];
  if (stored) ledger.answered({entry.number, entry.version});
  if (!stored || random.chance(trouble() * 0.2)) {  // no 200, or it does not arrive
    const bool changes = entry.version + 1 < kVersionsMax && random.chance(schedule.change);
    at(from_seconds(kRepeatSeconds), [=, this] { send(instance, index, entry.version + (changes ? 1U : 0U)); });
    return;
  }
  if (random.chance(trouble() * 0.3)) {  // sent twice on purpose
    ++late_;
    Entry copy = entry;
    copy.id = "e" + std::to_string(++ids_);
    at(from_seconds(random.up_to({1.0, 30.0, 80.0})), [this, copy, p = notification.partition] { append_late(p, copy); });
  }
  const double u = random.unit();
  at(Time(static_cast<std::int64_t>(static_cast<double>(notification.gap.count()) * u * u)), [=, this] { send(instance, index + 1, 0); });
}

void Fleet::redrive() {
  if (redis_away) {
    at(1s, [this] { redrive(); });
    return;
  }
  set_redis_time();
  for (unsigned p = 0; p < redis.partitions(); ++p) {
    std::vector<StreamId> ids;
    for (const auto& [id, letter] : redis.partition(p).dead_letters) {
      ids.push_back(id);
      ledger.redriven({letter.entry.number, letter.entry.version});
      ledger.trace("redriven p", p, " n", letter.entry.number, " v", letter.entry.version);
    }
    static_cast<void>(redis.redrive(p, ids));
    if (random.chance(0.2)) static_cast<void>(redis.redrive(p, ids));  // the reply was lost
    if (ids.empty()) continue;
    for (std::size_t i = 0; i < processes_.size(); ++i) processes_[i]->added(p);
  }
}

Process* Fleet::live(unsigned slot) const {
  const auto& cores = by_slot_[slot % by_slot_.size()];
  if (cores.empty()) return nullptr;
  Process* const first = cores.front();
  return first->dead() ? first->mate : first;
}

void Fleet::fault(const Schedule::Fault& fault) {
  using Kind = Schedule::Fault::Kind;
  if (fault.kind == Kind::kRedrive) return redrive();
  if (fault.kind == Kind::kRedisClock) {
    ledger.trace("Redis' clock steps by ", std::chrono::duration<double>(fault.length).count(), " s");
    redis_clock_ += fault.length;
    return;
  }
  if (fault.kind == Kind::kRedisAway) {
    if (redis_away) return;
    ledger.trace("Redis away for ", std::chrono::duration<double>(fault.length).count(), " s");
    redis_away = true;
    for (const auto& worker : processes_) {
      worker->cut_commands(false);
      worker->cut_reader(false);
    }
    at(fault.length, [this] {
      ledger.trace("Redis back");
      redis_away = false;
    });
    return;
  }
  Process* const worker = live(fault.worker);
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
      ledger.trace(worker->name(), "'s wall clock steps by ", std::chrono::duration<double>(fault.length).count(), " s");
      worker->step_clock(fault.length);
      break;
    case Kind::kRedisAway:
    case Kind::kRedrive:
    case Kind::kRedisClock: break;
  }
}

// --- The run

bool Fleet::quiet() const {
  if (senders_ > 0 || late_ > 0 || redis_away) return false;
  for (unsigned p = 0; p < redis.partitions(); ++p) {
    if (!redis.partition(p).stream.empty()) return false;
  }
  return std::all_of(by_slot_.begin(), by_slot_.end(), [](const auto& cores) {
    return !cores.empty() &&
           std::all_of(cores.begin(), cores.end(), [](const Process* worker) { return !worker->dead() && worker->idle(); });
  });
}

Result Fleet::run() {
  by_slot_.resize(schedule.spawns.size());
  for (unsigned slot = 0; slot < schedule.spawns.size(); ++slot) at(schedule.spawns[slot], [this, slot] { spawn(slot); });
  senders_ = schedule.instances.size();
  for (std::size_t i = 0; i < schedule.instances.size(); ++i) {
    at(from_seconds(random.unit()), [this, i] { send(i, 0, 0); });
  }
  for (const auto& one : schedule.faults) at(one.at, [this, &one] { fault(one); });

  for (Time look = schedule.end; timeline.next();) {
    if (*timeline.next() > look) {
      look += 1s;
      if (quiet() || look > schedule.end + kAfterEnd) break;
      continue;
    }
    timeline.step();
    if (ledger.steps() > kStepsMax) {
      ledger.broke(Broken::kBusy, ledger.steps(), " steps");
      break;
    }
  }
  ledger.check(redis);
  for (const auto& process : processes_) {
    if (!process->dead() && !process->empty()) ledger.left_behind(process->name());
  }
  return ledger.result();
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
