#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace hookfleet::simulation {

/// Time since a schedule's start.
using Time = std::chrono::nanoseconds;
constexpr Time from_seconds(double seconds) { return Time(static_cast<std::int64_t>(seconds * 1e9)); }

/// Same numbers from the same seed everywhere (splitmix64); cheap to make.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL) {}
  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31U);
  }
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }  ///< 0 ≤ … < 1
  unsigned below(unsigned end) { return static_cast<unsigned>(next() % end); }
  bool chance(double probability) { return probability > 0 && unit() < probability; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<unsigned>(values.size()))];
  }
  /// 0 ≤ … < one of `ends`. (A product of two draws would leave their order to the compiler.)
  double up_to(std::initializer_list<double> ends) {
    const double part = unit();
    return part * pick(ends);
  }

 private:
  std::uint64_t state_;
};

/// What goes wrong in a schedule. Every mode has connections that break, Redis restarts, SIGTERMs and redrives at times; beside these:
enum class Mode : unsigned {
  kConnections = 0,  ///< nothing else
  kOutages = 1,      ///< Redis away for up to 25 s, which is longer than a lease
  kCrashes = 2,      ///< crashes, freezes and notifications that end the process
  kUnknown = 3,      ///< any call may cut its connection, before or after it is executed; many SIGTERMs and redrives
  kUnknownCrashes = 4,
  kTakeovers = 5,    ///< as 3, aimed at acquire and release
  kLongOutages = 6,  ///< Redis away for 9 to 24 s again and again, with handlers that take as long
  kClocks = 7,       ///< as 2, and clocks that step: Redis' and the workers' wall clocks
  kHandOvers = 8,    ///< as 2, with SIGTERMs aimed at the moment when a begin is being written
  kPoison = 9,       ///< one process that holds all partitions, long handlers, and much that ends it
  kMemory = 10,      ///< as 2, with much whose target is away, and memory for a handful of entries
  kForwards = 11,    ///< as 2, with many chats, most of them handled asynchronously with few places; sometimes as little memory
};
inline constexpr unsigned kModes = 12;

/// Everything that is decided before a run. The rest (latencies, how long a handler takes) is drawn during the run from the same seed.
struct Schedule {
  enum class Kind {
    kOk,
    kFails,  ///< the first `failures` attempts
    kAway,   ///< its target, from `away_from` to `away_until`
    kDead,   ///< always fails
    kRejects,
    kKills,  ///< ends the process each time
    kKillsOnce,
    kHangs,  ///< until somebody ends the process
  };
  struct Notification {
    unsigned number = 0;  ///< names it
    unsigned chat = 0;
    unsigned partition = 0;
    unsigned sequence = 0;  ///< in its instance's queue
    Kind kind = Kind::kOk;
    unsigned failures = 0;
    Time away_from{}, away_until{};
    Time duration{};  ///< of its handler, about
    Time gap{};       ///< before the next is sent, at most
  };
  struct Fault {
    enum class Kind { kCutCommands, kCutReader, kRedisAway, kTerm, kCrash, kFreeze, kRedrive, kRedisClock, kWorkerClock };
    Time at{};
    Kind kind = Kind::kTerm;
    unsigned worker = 0;
    Time length{};        ///< of an outage or a freeze; how far a clock steps
    bool silent = false;  ///< the worker notices the cut later
  };
  enum class Aim { kNone, kTakeovers, kBegins };

  std::uint64_t seed = 0;
  Mode mode = Mode::kConnections;
  unsigned partitions = 1;
  unsigned chats = 0;
  unsigned concurrency = 1;
  std::size_t memory_max = 256UL << 20;
  std::vector<Time> spawns;  ///< of each worker, when it first starts
  Time end{};                ///< no fault and no trouble at the ingress later
  std::vector<std::vector<Notification>> instances;
  std::vector<Fault> faults;
  double ingress_trouble = 0;  ///< how often a delivery isn't simply appended and answered
  double change = 0;           ///< how often a repeat has other bytes
  double cut = 0;              ///< how often a call cuts its connection
  double refuse = 0;           ///< how often Redis answers a call with an error
  double latency = 0.4;        ///< seconds, at most; mostly much less
  Aim aim = Aim::kNone;
  std::uint64_t crash_at_step = 0;  ///< the worker that takes the so-many-th step of all crashes after it; 0: none
};

Schedule draw(std::uint64_t seed, Mode mode);

}  // namespace hookfleet::simulation
