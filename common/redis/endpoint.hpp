#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace hookfleet::redis {

/// Where a Redis is and who we are there.
struct Endpoint {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string unix_path;  ///< a unix socket instead of host and port
  std::string user;       ///< empty: the default user
  std::string password;   ///< empty: no AUTH
  unsigned database = 0;

  /// `redis://[user][:password@]host[:port][/database]`, IPv6 in brackets, `unix:///path[?db=n]` or `unix:/path`; user and password
  /// percent-decoded. `rediss://` is refused with the way out (a TLS tunnel): hiredis 0.14 has no TLS. The error never holds the password.
  static tl::expected<Endpoint, std::string> parse(std::string_view url);
  /// For logs: without the password.
  std::string display() const;
  bool operator==(const Endpoint&) const = default;
};

struct Timeouts {
  std::chrono::milliseconds connect{2000};
  std::chrono::milliseconds io{4000};  ///< for one reply of a blocking call
};

}  // namespace hookfleet::redis
