#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace hookfleet::simulate {

/// An address of IPv4 or IPv6 with a port.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  /// Looks a name up, or takes a literal; blocks for as long as the resolver does. The error is for people.
  static tl::expected<Address, std::string> find(const std::string& host, std::uint16_t port);
  /// Why nothing can be sent from it: it is none of this machine's.
  std::optional<std::string> unusable() const;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Where notifications are posted to: an http:// URL in parts.
struct Target {
  Address address;
  std::string host;  ///< as the header Host has it, with the port
  std::string path;  ///< with the query; "/" where the URL has none

  /// The error says what is wrong with the URL, or that its host has no address. https:// is refused.
  static tl::expected<Target, std::string> find(const std::string& url);
};

}  // namespace hookfleet::simulate
