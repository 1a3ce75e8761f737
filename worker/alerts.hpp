#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/alert/redis_watch.hpp"
#include "common/alert/repeats.hpp"
#include "common/base/clock.hpp"
#include "worker/dispatch/desk.hpp"
#include "worker/dispatch/handler_pool.hpp"
#include "worker/dispatch/record.hpp"
#include "worker/drift/sightings.hpp"
#include "worker/redis_figures.hpp"

namespace hookfleet::worker {

/// When what waits or lies there is told to the operator.
struct Thresholds {
  std::uint64_t backlog = 100'000;     ///< entries in all streams; 0: never
  std::uint64_t dead_letters = 100;    ///< in all partitions; 0: never. Each is told by itself, too
  unsigned memory_max_percent = 80;    ///< of Redis' maxmemory, where the intake stops; told at three quarters of it
  std::chrono::milliseconds window{};  ///< alerts.window
};

/// What of all that a worker sees an operator should know. Decides by the facts it is given; time comes in.
/// Threads: one.
class Alerts {
 public:
  static constexpr std::chrono::minutes kUnavailable{1};  ///< so long a target may be away
  static constexpr std::chrono::hours kDeadLettersAgain{24};

  /// `operators` outlives the object.
  Alerts(alert::Operator& operators, const Thresholds& thresholds, unsigned partitions);

  /// An attempt ended: dead letters, what breaks its schema (once, dead or not), targets that are away.
  void attempt(const dispatch::Record& record);
  /// Something that isn't described anywhere came for the first time in the fleet.
  void unknown(const drift::Claim& claim);
  void refused(const dispatch::Desk::Refusal& refusal);
  void overdue(const dispatch::HandlerPool::Overdue& overdue);
  void type_held(notification::TypeWebhook type);
  /// hf:meta is gone from a Redis that had it.
  void emptied();

  void redis(bool reachable, const std::string& why, base::BootTime now);
  void partition(unsigned partition, std::uint64_t backlog, std::uint64_t dead_letters);
  void memory(const RedisFigures& figures, base::BootTime now);
  /// Once a second or so.
  void tick(base::BootTime now);

 private:
  /// How fast memory fills, of samples some seconds apart.
  class Pace {
   public:
    void sample(std::uint64_t bytes, base::BootTime now);
    double bytes_per_second() const { return pace_; }

   private:
    std::optional<base::BootTime> last_;
    std::uint64_t bytes_ = 0;
    double pace_ = 0;
  };
  struct Sum {
    std::uint64_t backlog = 0, dead_letters = 0;
  };
  std::optional<Sum> sum() const;
  void tell_about(alert::Kind kind, const notification::Notification& notification, std::string text);
  void tell_dead(const dispatch::Record& record);
  void tell_invalid(const dispatch::Content& content);
  std::string memory_text(std::uint64_t used, std::uint64_t max) const;

  alert::Operator& operators_;
  const Thresholds thresholds_;
  alert::RedisWatch redis_;
  alert::Lasting backlog_, dead_letters_, memory_;
  Pace pace_;
  struct Partition {
    bool known = false;
    Sum sum;
  };
  std::vector<Partition> partitions_;
};

}  // namespace hookfleet::worker
