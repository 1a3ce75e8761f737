#pragma once

#include "common/lifecycle/process.hpp"
#include "common/log/logger.hpp"
#include "common/metrics/registry.hpp"

namespace hookfleet::lifecycle {

/// What every program exports about itself: rows of its table.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_log_dropped_records_total", "Log records lost: the queue was full or the disk refused", {}},
    {metrics::Kind::kCounter,
     "hookfleet_settings_reloads_total",
     "Times the settings were read again: taken over (ok), or wrong, so that the old ones stay (failed)",
     {"result"}},
    {metrics::Kind::kGauge,
     "hookfleet_settings_last_reload_successful",
     "0: the settings are wrong as they are now, those before hold, and a restart would fail; else 1",
     {}},
};

/// Keep the rows above up to date, asked before each scrape. Each once per registry; `process` outlives it.
void export_log(metrics::Registry& registry, const log::Logger& log);
void export_reloads(metrics::Registry& registry, const Process& process);

}  // namespace hookfleet::lifecycle
