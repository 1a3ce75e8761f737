#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/greenapi/answer.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/stored_by_type.hpp"

namespace hookfleet::poll {

inline constexpr double kCycleBuckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60};

/// The poller's rows of its process's table.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_poller_receives_total", "receiveNotification calls, by what they came to", {"outcome"}},
    {metrics::Kind::kCounter, "hookfleet_poller_removals_total", "deleteNotification calls, by what they came to", {"outcome"}},
    {metrics::Kind::kCounter, "hookfleet_poller_notifications_total", "Notifications stored, by type", {"typeWebhook"}},
    {metrics::Kind::kHistogram,
     "hookfleet_poller_cycle_seconds",
     "From a notification's arrival to its deletion at the service",
     {},
     kCycleBuckets},
    {metrics::Kind::kCounter, "hookfleet_poller_malformed_total", "Stored bodies that are no notification's JSON", {}},
    {metrics::Kind::kCounter,
     "hookfleet_poller_mismatches_total",
     "Stored bodies that name another instance than the one they were fetched for",
     {}},
    {metrics::Kind::kGauge, "hookfleet_poller_instances", "Instances of the settings", {}},
    {metrics::Kind::kGauge, "hookfleet_poller_instances_owned", "Instances that this poller fetches for", {}},
    {metrics::Kind::kGauge, "hookfleet_poller_instances_wanted", "Instances that this poller should fetch for", {}},
    {metrics::Kind::kGauge, "hookfleet_poller_instances_in_trouble", "Owned instances whose last call failed, by kind", {"kind"}},
    {metrics::Kind::kGauge, "hookfleet_poller_in_hand_bytes", "Bytes of notifications that are read or fetched and not stored yet", {}},
    {metrics::Kind::kGauge,
     "hookfleet_poller_answers_waiting",
     "Answers of receiveNotification that aren't read yet, since poller.in_hand_bytes_max is reached",
     {}},
    {metrics::Kind::kGauge, "hookfleet_poller_members", "Pollers that live", {}},
    {metrics::Kind::kGauge, "hookfleet_poller_redis_up", "1 while the connection for leases is up", {}},
    {metrics::Kind::kCounter, "hookfleet_poller_leases_lost_total", "Leases that another poller took", {}},
};

using greenapi::kFailureKinds;

enum class Receive : std::uint8_t { kNotification, kEmpty, kAbandoned };
enum class Removal : std::uint8_t { kRemoved, kGone, kAbandoned };

/// Handles of the rows above; every series exists from the start.
struct Metrics {
  explicit Metrics(metrics::Registry& registry);

  /// Calls of one sort: what they brought, or how they failed.
  struct Calls {
    std::array<metrics::Counter, 3> fine;                ///< by Receive, by Removal
    std::array<metrics::Counter, kFailureKinds> failed;  ///< by FailureKind
  };
  Calls receives, removals;
  append::StoredByType stored;
  metrics::Histogram cycle;
  metrics::Counter malformed, mismatches, leases_lost;
  metrics::Gauge instances, owned, wanted, in_hand_bytes, answers_waiting, members, redis_up;
  std::array<metrics::Gauge, kFailureKinds> in_trouble;  ///< by FailureKind
};

}  // namespace hookfleet::poll
