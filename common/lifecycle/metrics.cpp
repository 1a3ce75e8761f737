#include "common/lifecycle/metrics.hpp"

#include <cstdint>
#include <utility>

namespace hookfleet::lifecycle {

void export_log(metrics::Registry& registry, const log::Logger& log) {
  const metrics::Counter dropped = registry.counter("hookfleet_log_dropped_records_total");
  registry.before_scrape([dropped, log, counted = std::uint64_t{0}]() mutable {
    const std::uint64_t now = log.dropped();
    dropped.add(static_cast<double>(now - std::exchange(counted, now)));
  });
}

}  // namespace hookfleet::lifecycle
