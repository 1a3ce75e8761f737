#pragma once

#include "common/alert/metrics.hpp"
#include "common/lifecycle/metrics.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/poll/metrics.hpp"
#include "ingress/watch/metrics.hpp"

namespace hookfleet::poll {

/// Everything that hookfleet-poller exports, besides hookfleet_build_info and process_*.
inline constexpr auto kProgramTable = metrics::join(kTable, watch::kTable, append::kTable, alert::kTable, lifecycle::kTable);

}  // namespace hookfleet::poll
