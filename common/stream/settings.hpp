#pragma once

#include "common/config/settings.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::stream {

/// redis.prefix, stream.partitions, stream.partition_by.
void declare(config::Settings& settings, Layout& layout);

/// stream.memory_max, in percent: where the ingresses stop, and the workers warn before.
void declare_memory_max(config::Settings& settings, unsigned& percent);

}  // namespace hookfleet::stream
