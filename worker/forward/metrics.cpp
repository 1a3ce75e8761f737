#include "worker/forward/metrics.hpp"

namespace hookfleet::forward {

Metrics::Metrics(metrics::Registry& registry, const std::string& target)
    : seconds(registry.histogram("hookfleet_forward_request_seconds", {{"target", target}})),
      in_flight(registry.gauge("hookfleet_forward_in_flight", {{"target", target}})),
      breaker_open(registry.gauge("hookfleet_forward_breaker_open", {{"target", target}})) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i] = registry.counter("hookfleet_forward_requests_total", {{"target", target}, {"outcome", to_text(static_cast<Outcome>(i))}});
  }
}

}  // namespace hookfleet::forward
