#include "worker/partition/settings.hpp"

namespace hookfleet::partition {

using namespace std::chrono_literals;

void declare(config::Settings& settings, Timers& timers) {
  settings.duration("worker.heartbeat", timers.heartbeat, {100ms, 60s}, "How often a worker says that it lives");
  settings.duration("worker.member_ttl", timers.member_ttl, {300ms, 300s},
                    "After so long without a heartbeat a worker counts as gone; the same in all workers");
  settings.duration("worker.lease_ttl", timers.lease_ttl, {300ms, 300s}, "How long a partition stays with a worker that doesn't renew");
  settings.duration("worker.lease_renew", timers.renew, {50ms, 60s}, "How often a worker renews its partitions");
  settings.duration("worker.lease_validity", timers.validity, {200ms, 300s},
                    "So long after a renewal was sent a worker starts handlers; shorter than worker.lease_ttl");
  settings.duration("worker.drain", timers.drain, {0s, 600s}, "How long handlers that run may take on SIGTERM; below the grace period");
  settings.rule(
      [&timers]() -> std::optional<std::string> {
        if (timers.renew * 2 <= timers.validity && timers.validity < timers.lease_ttl) return std::nullopt;
        return "worker.lease_renew must be at most half of worker.lease_validity, and that below worker.lease_ttl";
      },
      {"worker.lease_validity", "worker.lease_renew", "worker.lease_ttl"});
  settings.rule(
      [&timers]() -> std::optional<std::string> {
        if (timers.heartbeat * 2 <= timers.member_ttl) return std::nullopt;
        return "worker.heartbeat must be at most half of worker.member_ttl";
      },
      {"worker.heartbeat", "worker.member_ttl"});
}

}  // namespace hookfleet::partition
