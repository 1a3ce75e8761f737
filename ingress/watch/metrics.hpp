#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/greenapi/answer.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/watch/watch.hpp"

namespace hookfleet::watch {

/// The watcher's rows of its process's table. Label idInstance: from the settings, never from input.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter,
     "hookfleet_watch_calls_total",
     "Questions to GREEN-API about watched instances, by what they came to",
     {"call", "outcome"}},
    {metrics::Kind::kGauge, "hookfleet_watch_instances", "Instances that this process watches", {}},
    {metrics::Kind::kGauge,
     "hookfleet_watch_waiting_notifications",
     "Notifications that wait at GREEN-API, of a watched instance; NaN while unknown or watched by another process",
     {"idInstance"}},
    {metrics::Kind::kGauge,
     "hookfleet_watch_authorized",
     "1 while GREEN-API says that a watched instance is authorized; NaN while unknown or watched by another process",
     {"idInstance"}},
    {metrics::Kind::kGauge,
     "hookfleet_watch_settings_differences",
     "Settings of a watched instance that aren't as poller.instances says; NaN while unknown or watched by another process",
     {"idInstance"}},
};

/// Handles of the rows above.
class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  /// Of one instance of the settings; what isn't known is NaN. The series of one that has gone from the settings stay, as NaN.
  struct OfInstance {
    metrics::Gauge waiting, authorized, differences;
    void set(const Facts& facts) const;
  };
  OfInstance of(std::uint64_t id_instance) const;

  void called(Call call, const greenapi::Failure* failure) const;  ///< null: it succeeded

  metrics::Gauge instances;

 private:
  static constexpr std::size_t kOutcomes = static_cast<std::size_t>(greenapi::FailureKind::kRefused) + 2;

  metrics::Registry& registry_;
  std::array<std::array<metrics::Counter, kOutcomes>, kCalls> calls_;  // by FailureKind, the last: success
};

}  // namespace hookfleet::watch
