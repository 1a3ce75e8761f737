#pragma once

#include "common/log/logger.hpp"
#include "common/metrics/registry.hpp"

namespace hookfleet::lifecycle {

/// What every program exports about itself: rows of its table.
inline constexpr metrics::Spec kTable[] = {
    {metrics::Kind::kCounter, "hookfleet_log_dropped_records_total", "Log records lost: the queue was full or the disk refused", {}},
};

/// Keeps the rows above up to date, asked before each scrape. Once per registry.
void export_log(metrics::Registry& registry, const log::Logger& log);

}  // namespace hookfleet::lifecycle
