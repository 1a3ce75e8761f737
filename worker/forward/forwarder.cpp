#include "worker/forward/forwarder.hpp"

namespace hookfleet::forward {

Forwarder::Forwarder(metrics::Registry& registry, const log::Logger& log, const base::Clock& clock)
    : registry_(registry), log_(log), clock_(clock) {}

std::shared_ptr<Target> Forwarder::target(const std::string& name, const Options& options) {
  std::weak_ptr<Target>& known = targets_[name];
  if (auto target = known.lock(); target && target->options() == options) return target;
  const Metrics metrics(registry_, name);
  metrics.breaker_open.set(0);
  auto target = std::make_shared<Target>(name, options, client_, metrics, log_, clock_);
  known = target;
  return target;
}

}  // namespace hookfleet::forward
