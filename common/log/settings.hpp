#pragma once

#include "common/config/settings.hpp"
#include "common/log/logger.hpp"

namespace hookfleet::log {

/// log.level, log.format, log.file, log.payload, log.identical_max.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::log
