#pragma once

#include "common/config/settings.hpp"
#include "worker/dedup/identities.hpp"

namespace hookfleet::dedup {

/// dedup.keep, dedup.changed.default and dedup.changed.<typeWebhook> of each known type.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::dedup
