#pragma once

#include "common/config/settings.hpp"
#include "worker/forward/options.hpp"

namespace hookfleet::forward {

/// Declares the settings of one target, keys relative to its map: a route's `forward: {url: …}`.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::forward
