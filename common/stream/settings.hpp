#pragma once

#include "common/config/settings.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::stream {

/// redis.prefix, stream.partitions, stream.partition_by.
void declare(config::Settings& settings, Layout& layout);

}  // namespace hookfleet::stream
