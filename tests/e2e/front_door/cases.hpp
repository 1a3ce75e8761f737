#pragma once

#include "tests/support/front_door.hpp"

/// The table of what is thrown at the webhook port, by group.
namespace hookfleet::front_door {

support::front_door::Group framing();
support::front_door::Group chunked_bodies();
support::front_door::Group smuggling();
support::front_door::Group pipelining();
support::front_door::Group headers();
support::front_door::Group methods();
support::front_door::Group targets();
support::front_door::Group sizes();
support::front_door::Group encodings();
support::front_door::Group authorization();
support::front_door::Group proxy_headers();
/// To be run with NGINX_REAL_IP_FROM=127.0.0.3.
support::front_door::Group behind_a_balancer();
support::front_door::Group json_bodies();
support::front_door::Group half_closed();
support::front_door::Group slow_clients();
/// They stop in the midst of it: to be run with short timeouts of nginx's.
support::front_door::Group stalled_clients();
std::vector<support::front_door::Group> all_groups();

}  // namespace hookfleet::front_door
