#pragma once

#include "common/config/settings.hpp"
#include "worker/retry/schedule.hpp"

namespace hookfleet::retry {

/// retry.attempts, retry.first, retry.max, retry.give_up, retry.blocked.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::retry
