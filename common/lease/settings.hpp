#pragma once

#include <string>

#include "common/config/settings.hpp"
#include "common/lease/ownership.hpp"

namespace hookfleet::lease {

/// How members and what they hold are called in the help of their settings.
struct Wording {
  std::string member;  ///< "a worker"
  std::string held;    ///< "partition"
  std::string begins;  ///< what a member does while its lease is valid: "starts handlers"
  std::string drain;   ///< the help of `<section>.drain`
};

/// <section>.heartbeat, member_ttl, lease_ttl, lease_renew, lease_validity, drain, and what must hold between them.
void declare(config::Settings& settings, const std::string& section, const Wording& wording, Timers& timers);

}  // namespace hookfleet::lease
