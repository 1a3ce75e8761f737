#pragma once

#include "common/config/settings.hpp"
#include "ingress/append/options.hpp"

namespace hookfleet::append {

/// append.*, redis.wait_replicas, stream.memory_max, durability.*.
void declare(config::Settings& settings, Options& options);

}  // namespace hookfleet::append
