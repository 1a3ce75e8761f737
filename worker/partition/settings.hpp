#pragma once

#include "common/config/settings.hpp"
#include "worker/partition/ownership.hpp"

namespace hookfleet::partition {

/// worker.heartbeat, worker.member_ttl, worker.lease_ttl, worker.lease_renew, worker.lease_validity, worker.drain.
void declare(config::Settings& settings, Timers& timers);

}  // namespace hookfleet::partition
