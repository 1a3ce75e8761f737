#include "tests/simulation/schedule.hpp"

#include <algorithm>

namespace hookfleet::simulation {
namespace {

using Kind = Schedule::Kind;
using Fault = Schedule::Fault;

Kind kind_of(Random& random, bool poison, Mode mode) {
  const double u = random.unit();
  if (poison && mode == Mode::kPoison && random.chance(0.2)) return Kind::kKills;
  if (mode == Mode::kMemory && random.chance(0.4)) return random.pick({Kind::kAway, Kind::kAway, Kind::kFails});
  if (u < 0.62) return Kind::kOk;
  if (u < 0.74) return Kind::kFails;
  if (u < 0.86) return Kind::kAway;
  if (u < 0.90) return Kind::kDead;
  if (u < 0.93) return Kind::kRejects;
  return poison ? random.pick({Kind::kKills, Kind::kKillsOnce, Kind::kHangs, Kind::kKillsOnce}) : Kind::kOk;
}

}  // namespace

Schedule draw(std::uint64_t seed, Mode mode) {
  Random random(seed * 16 + static_cast<std::uint64_t>(mode));
  Schedule schedule;
  schedule.seed = seed;
  schedule.mode = mode;
  schedule.partitions = 1 + random.below(3);
  const unsigned workers = mode == Mode::kPoison ? 1 : 2 + random.below(2);
  if (mode == Mode::kPoison) schedule.partitions = 2 + random.below(2);
  const double end = random.pick({20.0, 40.0, 80.0});
  const bool unknown = mode >= Mode::kUnknown && mode <= Mode::kLongOutages;
  const bool crashes = mode == Mode::kCrashes || mode == Mode::kClocks || mode == Mode::kHandOvers || mode == Mode::kPoison ||
                       mode == Mode::kMemory || mode == Mode::kForwards;
  schedule.end = from_seconds(end);

  const bool many = mode == Mode::kMemory || mode == Mode::kForwards;
  unsigned poison = 0;
  unsigned number = 0;
  const unsigned instances = 1 + random.below(3);
  for (unsigned i = 0; i < instances; ++i) {
    auto& instance = schedule.instances.emplace_back();
    std::vector<unsigned> chats;
    std::vector<unsigned> partition_of_chat;
    for (unsigned c = many ? 3 + random.below(5) : 1 + random.below(3); c > 0; --c) {
      chats.push_back(schedule.chats++);
      partition_of_chat.push_back(random.below(schedule.partitions));
    }
    const unsigned count = many ? 20 + random.below(20) : 2 + random.below(12);
    for (unsigned j = 0; j < count; ++j) {
      Schedule::Notification notification;
      const unsigned chat = random.below(static_cast<unsigned>(chats.size()));
      notification.number = number++;
      notification.chat = chats[chat];
      notification.partition = partition_of_chat[chat];
      notification.sequence = j;
      notification.kind = kind_of(random, crashes && poison < 2, mode);
      if (notification.kind >= Kind::kKills) ++poison;
      notification.failures = 1 + random.below(3);
      notification.away_from = from_seconds(random.unit() * end);
      notification.away_until = notification.away_from + from_seconds(random.pick({5.0, 20.0, 60.0, 100.0}));
      notification.duration = from_seconds(random.pick(mode == Mode::kLongOutages   ? std::initializer_list<double>{3.0, 8.0, 8.0}
                                                       : mode == Mode::kConnections ? std::initializer_list<double>{0.01, 0.05, 0.5, 3.0}
                                                       : mode == Mode::kPoison      ? std::initializer_list<double>{0.01, 0.5, 8.0}
                                                                               : std::initializer_list<double>{0.01, 0.05, 0.5, 3.0, 8.0}));
      notification.gap = from_seconds(many ? 0.1 : random.pick({0.1, 2.0, 8.0}));
      instance.push_back(notification);
    }
  }

  const auto worker = [&] { return random.below(workers); };
  const auto time = [&](double until) { return from_seconds(random.unit() * until); };
  auto& faults = schedule.faults;
  for (unsigned i = random.below(8); i > 0; --i) {
    const double u = random.unit();
    const bool silent = random.chance(0.5);
    if (u < 0.3) {
      faults.push_back({time(end), Fault::Kind::kCutCommands, worker(), {}, silent});
    } else if (u < 0.45) {
      faults.push_back({time(end), Fault::Kind::kCutReader, worker(), {}, silent});
    } else if (u < 0.6) {
      faults.push_back({time(end), Fault::Kind::kRedisAway, 0, time(mode == Mode::kConnections ? 4 : 25), false});
    } else if (u < 0.75) {
      faults.push_back({time(end), Fault::Kind::kTerm, worker(), {}, false});
    } else if (crashes) {
      Fault fault{time(end), random.pick({Fault::Kind::kCrash, Fault::Kind::kFreeze}), worker(), {}, false};
      const double length = random.pick({1.0, 6.0, 9.0, 12.0, 15.0, 30.0});
      fault.length = from_seconds(length * (0.7 + 0.6 * random.unit()));
      faults.push_back(fault);
    }
  }
  if (random.chance(0.6)) {
    for (unsigned i = 1 + random.below(3); i > 0; --i) faults.push_back({time(end * 1.5), Fault::Kind::kRedrive, 0, {}, false});
  }
  schedule.cut = random.pick({0.0, 0.0, 0.004, 0.03});
  schedule.refuse = random.pick({0.0, 0.0, 0.01});
  if (mode == Mode::kConnections) schedule.cut = 0;
  if (unknown) {
    for (unsigned i = 2 + random.below(8); i > 0; --i) faults.push_back({time(end), Fault::Kind::kTerm, worker(), {}, false});
    for (unsigned i = 3 + random.below(9); i > 0; --i) faults.push_back({time(end * 1.2), Fault::Kind::kRedrive, 0, {}, false});
    schedule.cut = random.pick({0.02, 0.05, 0.1});
    schedule.latency = random.pick({0.4, 1.5, 3.0});
  }
  if (mode == Mode::kTakeovers) {
    schedule.cut = 0;
    schedule.aim = Schedule::Aim::kTakeovers;
  }
  if (mode == Mode::kLongOutages) {
    std::erase_if(faults, [](const Fault& fault) { return fault.kind != Fault::Kind::kRedrive; });
    schedule.cut = 0;
    schedule.latency = 0.4;
    for (double at = 5; at < end;) {
      const double length = 9 + random.unit() * 15;
      faults.push_back({from_seconds(at), Fault::Kind::kRedisAway, 0, from_seconds(length), false});
      at += length + 5 + random.unit() * 20;
    }
  }
  if (mode == Mode::kUnknownCrashes) {
    for (unsigned i = 1 + random.below(4); i > 0; --i) {
      faults.push_back({time(end), random.pick({Fault::Kind::kCrash, Fault::Kind::kFreeze, Fault::Kind::kFreeze}), worker(),
                        from_seconds(random.pick({6.0, 9.0, 11.0, 13.0, 20.0})), false});
    }
  }
  if (mode == Mode::kClocks) {
    for (unsigned i = 2 + random.below(5); i > 0; --i) {
      const double size = random.pick({1.0, 9.0, 30.0, 3600.0});
      const double step = random.chance(0.5) ? size : -size;
      faults.push_back(
          {time(end), random.pick({Fault::Kind::kRedisClock, Fault::Kind::kWorkerClock}), worker(), from_seconds(step), false});
    }
  }
  if (mode == Mode::kPoison) {
    std::erase_if(faults, [](const Fault& fault) { return fault.kind != Fault::Kind::kRedrive; });
    schedule.cut = 0;
  }
  if (mode == Mode::kHandOvers) {
    schedule.aim = Schedule::Aim::kBegins;
    faults.push_back({time(end / 2), Fault::Kind::kCrash, worker(), {}, false});
  }
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });

  schedule.ingress_trouble = random.pick({0.0, 0.2, 0.5, 0.8});
  schedule.change = random.pick({0.0, 0.1, 0.5});
  schedule.concurrency = random.pick({1U, 2U, 4U});
  if (mode == Mode::kMemory) schedule.memory_max = random.pick({2048UL, 4096UL, 8192UL});
  if (mode == Mode::kForwards) schedule.memory_max = random.pick({4096UL, 16384UL, 256UL << 20});
  schedule.spawns.push_back(Time(0));
  for (unsigned i = 1; i < workers; ++i) schedule.spawns.push_back(from_seconds(random.pick({0.0, 0.1, 15.0})));
  return schedule;
}

}  // namespace hookfleet::simulation
