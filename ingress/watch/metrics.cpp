#include "ingress/watch/metrics.hpp"

#include <limits>
#include <string>

namespace hookfleet::watch {
namespace {

template <class Value>
void set_or_nan(const metrics::Gauge& gauge, const std::optional<Value>& value) {
  gauge.set(value ? static_cast<double>(*value) : std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

Metrics::Metrics(metrics::Registry& registry) : instances(registry.gauge("hookfleet_watch_instances")), registry_(registry) {
  for (std::size_t call = 0; call < kCalls; ++call) {
    for (std::size_t i = 0; i < kOutcomes; ++i) {
      const std::string_view outcome = i + 1 == kOutcomes ? "ok" : greenapi::to_text(static_cast<greenapi::FailureKind>(i));
      calls_[call][i] = registry.counter("hookfleet_watch_calls_total", {{"call", to_text(static_cast<Call>(call))}, {"outcome", outcome}});
    }
  }
}

Metrics::OfInstance Metrics::of(std::uint64_t id_instance) const {
  const std::string id = std::to_string(id_instance);
  OfInstance gauges{registry_.gauge("hookfleet_watch_waiting_notifications", {{"idInstance", id}}),
                    registry_.gauge("hookfleet_watch_authorized", {{"idInstance", id}}),
                    registry_.gauge("hookfleet_watch_settings_differences", {{"idInstance", id}})};
  gauges.set({});
  return gauges;
}

void Metrics::OfInstance::set(const Facts& facts) const {
  set_or_nan(waiting, facts.waiting);
  set_or_nan(authorized, facts.authorized);
  set_or_nan(differences, facts.differences);
}

void Metrics::called(Call call, const greenapi::Failure* failure) const {
  const std::size_t outcome = failure == nullptr ? kOutcomes - 1 : static_cast<std::size_t>(failure->kind);
  calls_[static_cast<std::size_t>(call)][outcome].add();
}

}  // namespace hookfleet::watch
