#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include <tl/expected.hpp>

namespace hookfleet::metrics {

/// An IP address and a port, ready for bind(2) and connect(2).
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  int port() const;
  bool any() const;           ///< 0.0.0.0 or [::]: all of the machine's addresses
  Address reachable() const;  ///< where to ask what listens here: any() becomes 127.0.0.1, for [::] too, which takes IPv4: a
                              ///< container may have IPv6 sockets and no ::1
  std::string text() const;   ///< "127.0.0.1:9090", "[::1]:9090"
};

/// Reads "127.0.0.1:9090", "[::1]:9090" or "localhost:9090" (127.0.0.1); no other names, nothing is looked up. What is wrong otherwise.
tl::expected<Address, std::string> parse_address(const std::string& text);

/// The same as a check of a setting.
std::optional<std::string> check_address(const std::string& text);

}  // namespace hookfleet::metrics
