#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/rules.hpp"
#include "tests/simulation/schedule.hpp"

namespace hookfleet::simulation {

/// What must never happen, whatever fails.
enum class Broken {
  kLost,          ///< the sender got 200; neither handled, nor a dead letter, nor older than what was handled
  kOrder,         ///< a notification first started after a later one of its chat
  kOverlap,       ///< two handlers of one chat at a time, neither of them an ex-owner's
  kHandledTwice,  ///< with success, although the first handling was acknowledged or its owner still had the partition
  kEffectTwice,   ///< effects of one version ran twice
  kStaleEffect,   ///< effects of a version after those of a later one
  kStaleHandled,  ///< an older version handled after a later one by owners that still had the partition
  kDoubleDead,    ///< two dead letters of one version at a time
  kInnocentDead,  ///< a dead letter of class crash that never ended a process
  kZombie,        ///< Redis changed by somebody who did not hold the lease
  kNotDrained,    ///< a stream is not empty long after the last fault
  kLeak,          ///< something is left: attempts in Redis, entries in a worker's memory
  kBusy,          ///< more steps than any schedule needs
};
std::string_view to_text(Broken broken);

struct Violation {
  Broken broken;
  Time at{};
  std::string detail;
};

struct Result {
  std::vector<Violation> violations;  ///< the first of each kind
  std::uint64_t steps = 0;            ///< events that a worker took
  std::uint64_t handled = 0;          ///< handlers that ended well
  std::uint64_t again = 0;            ///< of these lawfully again: after a crash, or a lease lost meanwhile
  Time length{};

  bool has(Broken broken) const;
};

/// Runs a whole fleet through a schedule: several worker::Core on one RedisModel, connections, handlers and senders as events of one
/// clock. Same schedule and rules, same run. `trace`: a line for each thing that happens; null: none.
/// Threads: any, a run each.
Result run(const Schedule& schedule, Rules rules = {}, std::vector<std::string>* trace = nullptr);

/// From now on, what aborts the process (a check of the worker's own that does not hold) says by which schedule.
void name_schedule_on_abort();

/// The schedule without what isn't needed to break `broken`: faults, notifications and odd handlers are left out one after the other.
Schedule shrink(Schedule schedule, Rules rules, Broken broken);

}  // namespace hookfleet::simulation
