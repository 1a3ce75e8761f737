#pragma once

#include <chrono>
#include <string>

#include "common/config/settings.hpp"
#include "common/log/logger.hpp"

namespace hookfleet::lifecycle {

/// server.metrics_listen, which every program of the fleet has; `address` holds its default.
void declare_metrics_listen(config::Settings& settings, std::string& address);

/// server.hang_timeout, which every program of the fleet has: how long one of its loops may stand before the process ends itself with
/// Process::kHung, to be started again. Why 30 s: the longest lawful turn, parsing the greatest body, takes a fraction of a second, and
/// what restarts a process by its /livez acts sooner where there is such a thing.
void declare_hang_timeout(config::Settings& settings, std::chrono::milliseconds& timeout);
inline constexpr std::chrono::milliseconds kHangTimeout{30'000};

/// The effective settings as one record, `system.settings`; secrets as `***`; and what log_warnings() has to say. Once, at the start.
void log_settings(const log::Logger& log, const config::Settings& settings);

/// `system.settings_doubtful` (WARN) for each of settings.warnings().
void log_warnings(const log::Logger& log, const config::Settings& settings);

}  // namespace hookfleet::lifecycle
