#pragma once

#include <string>

#include "common/config/settings.hpp"
#include "common/log/logger.hpp"

namespace hookfleet::lifecycle {

/// server.metrics_listen, which every program of the fleet has; `address` holds its default.
void declare_metrics_listen(config::Settings& settings, std::string& address);

/// The effective settings as one record, `system.settings`; secrets as `***`; and what log_warnings() has to say. Once, at the start.
void log_settings(const log::Logger& log, const config::Settings& settings);

/// `system.settings_doubtful` (WARN) for each of settings.warnings().
void log_warnings(const log::Logger& log, const config::Settings& settings);

}  // namespace hookfleet::lifecycle
