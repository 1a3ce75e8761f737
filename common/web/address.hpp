#pragma once

#include <sys/socket.h>

namespace hookfleet::web {

/// True for an address that the public internet routes: none of loopback, private (RFC 1918, RFC 4193), link-local (cloud metadata), shared
/// (RFC 6598), multicast, reserved or documentation ranges, also where IPv6 carries one of IPv4 (mapped, 6to4, NAT64). False for what is
/// no IP address. Pure.
bool is_public(const sockaddr& address);

/// The same of a numeric address; false for a name.
bool is_public(const char* text);

}  // namespace hookfleet::web
