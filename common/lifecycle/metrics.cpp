#include "common/lifecycle/metrics.hpp"

#include <cstdint>
#include <utility>

namespace hookfleet::lifecycle {
namespace {

/// `counter` shows what `read` counts.
template <class Read>
void follow(metrics::Registry& registry, metrics::Counter counter, Read read) {
  registry.before_scrape([counter, read, counted = std::uint64_t{0}]() mutable {
    const std::uint64_t now = read();
    counter.add(static_cast<double>(now - std::exchange(counted, now)));
  });
}

}  // namespace

void export_log(metrics::Registry& registry, const log::Logger& log) {
  follow(registry, registry.counter("hookfleet_log_dropped_records_total"), [log] { return log.dropped(); });
}

void export_reloads(metrics::Registry& registry, const Process& process) {
  follow(registry, registry.counter("hookfleet_settings_reloads_total", {{"result", "ok"}}), [&process] { return process.reloads(); });
  follow(registry, registry.counter("hookfleet_settings_reloads_total", {{"result", "failed"}}),
         [&process] { return process.reloads_failed(); });
  registry.before_scrape(
      [right = registry.gauge("hookfleet_settings_last_reload_successful"), &process] { right.set(process.settings_right() ? 1 : 0); });
}

}  // namespace hookfleet::lifecycle
