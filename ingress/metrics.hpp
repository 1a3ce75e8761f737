#pragma once

#include "common/alert/metrics.hpp"
#include "common/lifecycle/metrics.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/http/metrics.hpp"

namespace hookfleet::ingress {

/// Everything that hookfleet-ingress exports, besides hookfleet_build_info and process_*.
inline constexpr auto kTable = metrics::join(http::kTable, append::kTable, alert::kTable, lifecycle::kTable);

}  // namespace hookfleet::ingress
