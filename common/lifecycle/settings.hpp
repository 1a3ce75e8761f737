#pragma once

#include <string>

#include "common/config/settings.hpp"

namespace hookfleet::lifecycle {

/// server.metrics_listen, which every program of the fleet has; `address` holds its default.
void declare_metrics_listen(config::Settings& settings, std::string& address);

}  // namespace hookfleet::lifecycle
