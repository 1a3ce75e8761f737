#pragma once

#include <array>
#include <string>

#include "common/metrics/registry.hpp"
#include "worker/forward/outcome.hpp"

namespace hookfleet::forward {

inline constexpr double kRequestBuckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

/// `target` is the action's name in the settings, so there are as many as the operator has written.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_forward_requests_total", "Forwards by how they ended", {"target", "outcome"}},
    {metrics::Kind::kHistogram,
     "hookfleet_forward_request_seconds",
     "From a request's first step to its answer, or to giving it up",
     {"target"},
     kRequestBuckets},
    {metrics::Kind::kGauge, "hookfleet_forward_in_flight", "Requests under way", {"target"}},
    {metrics::Kind::kGauge,
     "hookfleet_forward_breaker_open",
     "Above 0 while the target is left alone but for single probes, since it was away too often in a row",
     {"target"}},
};

/// Handles of one target's series.
struct Metrics {
  Metrics(metrics::Registry& registry, const std::string& target);

  std::array<metrics::Counter, kOutcomes> requests;  ///< by Outcome
  metrics::Histogram seconds;
  metrics::Gauge in_flight, breaker_open;
};

}  // namespace hookfleet::forward
