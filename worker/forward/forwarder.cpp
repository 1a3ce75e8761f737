#include "worker/forward/forwarder.hpp"

namespace hookfleet::forward {

Forwarder::Forwarder(metrics::Registry& registry, const log::Logger& log, const base::Clock& clock)
    : registry_(registry), log_(log), clock_(clock) {}

std::shared_ptr<Target> Forwarder::target(const std::string& name, const Options& options) {
  std::erase_if(targets_, [](const auto& known) { return known.expired(); });
  for (const auto& known : targets_) {
    if (auto target = known.lock(); target && target->name() == name && target->options() == options) return target;
  }
  auto target = std::make_shared<Target>(name, options, client_, Metrics(registry_, name), log_, clock_);
  targets_.push_back(target);
  return target;
}

}  // namespace hookfleet::forward
