#pragma once

#include <string>

namespace hookfleet::lifecycle {

/// "host:pid", for people.
std::string host_and_pid();

/// A name no other process start has: host:pid:random.
std::string unique_name();

}  // namespace hookfleet::lifecycle
